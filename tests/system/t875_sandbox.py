# SPDX-License-Identifier: MIT
"""What a server's processes may do, as the kernel tells it."""
import os
import pwd
import signal

from doors import SECRET, configuration
from lib import JOINED, test, wait_until

# Who isn't root can't become anybody else.
NOBODY = pwd.getpwnam("nobody") if os.getuid() == 0 else \
    pwd.getpwuid(os.getuid())
CAP_DAC_OVERRIDE = 1 << 1


def status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1)
                    for line in f if ":\t" in line)


def full(t, **options):
    """One worker of each type that needs no certificate."""
    conf = configuration(t)
    if "user" in options:
        os.chmod(os.path.dirname(t.tmp), 0o711)
        for path in t.tmp, conf:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    return t.server(workers=1, telnet="127.0.0.1:0", web="127.0.0.1:0",
                    args=["-c", conf], **options)


def workers(server):
    return {w["type"]: w["pid"] for w in server.dump("workers")}


def confined(pid, uid):
    s = status(pid)
    return (s["Seccomp"] == "2" and s["NoNewPrivs"] == "1" and
            int(s["CapEff"], 16) == int(s["CapPrm"], 16) ==
            int(s["CapBnd"], 16) & int(s["CapPrm"], 16) == 0 and
            set(s["Uid"].split()) == {str(uid)})


@test
def each_worker_is_confined_and_so_is_its_successor(t):
    server = full(t)
    assert server.events("sandbox", seccomp="yes")
    types = workers(server)
    assert set(types) == {"chat", "telnet", "web", "auth"}
    for pid in types.values():
        assert confined(pid, os.getuid()), status(pid)
    for seat in server.worker_pids():
        server.signal_worker(seat, signal.SIGKILL)
    server.wait_event("worker-recovered", 4)
    wait_until(lambda: len(server.worker_pids()) == 4, "all are there")
    for kind, pid in workers(server).items():
        assert pid != types[kind]
        wait_until(lambda pid=pid: confined(pid, os.getuid()), kind)


@test
def the_master_keeps_no_privilege_but_to_read_files_of_others(t):
    s = status(full(t).pid)
    assert s["NoNewPrivs"] == "1"
    assert int(s["CapEff"], 16) | CAP_DAC_OVERRIDE == CAP_DAC_OVERRIDE
    assert int(s["CapPrm"], 16) | CAP_DAC_OVERRIDE == CAP_DAC_OVERRIDE


@test
def a_server_of_root_goes_on_as_the_user_it_is_told(t):
    server = full(t, user=NOBODY.pw_name)
    uid = NOBODY.pw_uid
    assert server.events("sandbox", uid=str(uid))
    assert set(status(server.pid)["Uid"].split()) == {str(uid)}
    assert int(status(server.pid)["CapPrm"], 16) == 0
    for pid in workers(server).values():
        assert confined(pid, uid), status(pid)
        with open(f"/proc/{pid}/oom_score_adj", encoding="utf-8") as f:
            assert f.read() == "500\n"
    root = server.connect()
    root.send("r", f"Root {SECRET}")
    root.expect(JOINED % "Root")
    ann = server.join("r", "Ann")
    root.expect(JOINED % "Ann")
    root.send("/ban Bob 2h spam")
    server.wait_event("bans-kept")
    for seat in server.worker_pids():
        server.signal_worker(seat, signal.SIGKILL)
    for client in root, ann:
        client.expect("*** Root banned Bob for 7200 s: spam")
    ann.send("still here")
    root.expect("Ann: still here")
    server.process.send_signal(signal.SIGHUP)
    server.wait_event("reload")


@test
def a_user_who_cannot_read_what_is_read_again_is_refused_at_the_start(t):
    if os.getuid() != 0:
        return
    conf = t.write("conf", "max-line = 512\n")
    os.chmod(conf, 0o600)
    server = t.failing_server(1, args=["-c", conf], user="nobody")
    assert server.events("start-failed", unreadable="config")


@test
def a_user_that_nobody_is_and_one_that_only_root_could_become_are_refused(t):
    done = t.run("chatmaster", "--check", "--user=no-such-user", check=2)
    assert "user: there is no no-such-user here" in done.stderr
    done = t.run("chatmaster", "--check", "--group=no-such-group", check=2)
    assert "group: there is no no-such-group here" in done.stderr
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = t.run("chatmaster", "--check", "--user=root", check=2,
                 wrapper=drop if os.getuid() == 0 else [])
    assert "user: only root can become another" in done.stderr


@test
def with_the_sandbox_off_a_worker_is_as_it_was_born(t):
    server = t.server(workers=1, sandbox="off")
    assert server.events("sandbox", reason="off")
    for pid in workers(server).values():
        assert status(pid)["Seccomp"] == "0"
        assert status(pid)["NoNewPrivs"] == "0"
    done = t.run("chatmaster", "--check", "--sandbox=off", check=0)
    assert done.stdout == "configuration ok\nsandbox: off\n"
