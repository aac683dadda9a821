# SPDX-License-Identifier: MIT
"""Where the log goes and how it looks; --check; what documents name."""
import json
import os
import re
import signal
import socket
import stat

from lib import JOINED, ROOT, Server, parse_log, test, wait_until

EXAMPLE = os.path.join(ROOT, "docs", "chatmaster.conf.example")
OPTIONS_ONLY = {"help", "version", "check", "config", "hash-password",
                "add-user", "operator", "remove-user", "list-users"}


def logging_server(t, log, **options):
    """A server whose log is that file; its log() reads there."""
    server = Server(t, log=log, **options)
    t.servers.append(server)
    server.start()
    server.said_path = server.log_path
    server.log_path = log
    wait_until(lambda: os.path.exists(log), "there is a log file")
    server.wait_ready()
    return server


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def count(lines, event):
    return sum(f"event={event} " in line for line in lines)


def documented_keys(t):
    """The keys of the file by --help, with their defaults."""
    keys = {}
    for text in re.split(r"\n(?=  (?:-\w, |    )--)",
                         t.run("chatmaster", "--help", check=0).stdout)[1:]:
        name = re.match(r"\s+(?:-\w, )?--([\w-]+)", text).group(1)
        default = re.search(r"\(default:\s+([^)]+)\)", text)
        keys[name] = default.group(1) if default else None
    assert OPTIONS_ONLY <= set(keys)
    return {k: v for k, v in keys.items() if k not in OPTIONS_ONLY}


@test
def a_log_file_has_all_lines_and_standard_error_none(t):
    server = logging_server(t, t.path("chat.log"), workers=2)
    alice = server.join("general", "Alice")
    alice.send("/quit")
    alice.expect_end()
    server.wait_event("close", reason="quit")
    assert stat.S_IMODE(os.stat(server.log_path).st_mode) == 0o640
    server.stop()
    assert server.events("stopped")
    assert read(server.said_path) == ""


@test
def a_log_file_is_appended_to(t):
    path = t.write("chat.log", "what was there\n")
    for i in range(2):
        server = logging_server(t, path)
        server.wait_event("ready", i + 1)
        server.stop()
    lines = read(path).splitlines()
    assert lines[0] == "what was there"
    assert count(lines, "ready") == count(lines, "stopped") == 2


@test
def json_is_an_object_a_line_with_the_keys_of_logfmt(t):
    server = Server(t, log_format="json", workers=2,
                    line=["127.0.0.1:0", "127.0.0.1:0"])
    t.servers.append(server)
    server.start()

    def events(name):
        return [e for e in map(json.loads, server.log().splitlines())
                if e["event"] == name]
    ready = wait_until(lambda: events("ready"), "it is ready")[0]
    assert list(ready)[:4] == ["time", "level", "event", "pid"], ready
    assert ready["pid"] == server.pid and ready["workers"] == 2
    assert ready["name"] == server.name and len(ready["line"]) == 2
    server.listeners = [("127.0.0.1", int(a.rsplit(":", 1)[1]))
                        for a in ready["line"]]
    client = server.connect()
    port = client.port
    client.send_bytes(b'"},{"\n{\\"\n"event":"forged"\n')
    client.half_close()
    client.lines_to_end()
    client.close()
    accept = events("accept")[0]
    assert accept["session"] == 1 and accept["port"] == port
    assert accept["ip"] == "127.0.0.1" and accept["listener"] == "line"
    close = wait_until(lambda: events("close"), "its end")[0]
    assert isinstance(close["in"], int) and close["seconds"] >= 0
    assert not events("forged")


@test
def usr1_reopens_the_log_in_every_process(t):
    log, moved = t.path("chat.log"), t.path("chat.log.1")
    server = logging_server(t, log, workers=2, log_level="debug")
    server.join("general", "Alice")
    os.rename(log, moved)
    server.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(log), "the new file")
    server.wait_event("log-reopened")

    def all_have_it():
        new = os.stat(log).st_ino
        return all(os.stat(f"/proc/{pid}/fd/{fd}").st_ino == new
                   for pid in [server.pid, *server.worker_pids().values()]
                   for fd in os.listdir(f"/proc/{pid}/fd")
                   if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(log))
    wait_until(all_have_it, "every process has the new file")
    before = read(moved)
    alice = server.join("general", "Bob")
    alice.send("/quit")
    alice.expect_end()
    server.wait_event("close", reason="quit")
    assert read(moved) == before


@test
def a_worker_that_is_born_or_wakes_later_logs_to_the_new_file(t):
    log, moved = t.path("chat.log"), t.path("chat.log.1")
    server = logging_server(t, log, workers=2, watchdog=0)
    stopped = server.signal_worker(0, signal.SIGSTOP)
    os.rename(log, moved)
    server.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(log), "the new file")

    def has_new(pid):
        new = os.stat(log).st_ino
        return any(os.stat(f"/proc/{pid}/fd/{fd}").st_ino == new
                   for fd in os.listdir(f"/proc/{pid}/fd"))
    os.kill(stopped, signal.SIGCONT)
    wait_until(lambda: has_new(stopped), "who was stopped has the new file")
    server.signal_worker(1, signal.SIGKILL)
    event = server.wait_event("worker-recovered", seat=1)
    assert has_new(int(event["worker"]))


@test
def no_line_is_lost_or_split_while_the_log_is_reopened(t):
    server = logging_server(t, t.path("chat.log"), workers=2)
    files = [server.log_path]
    for i in range(10):
        for _ in range(10):
            server.connect().close()
        moved = t.path(f"chat.log.{i}")
        os.rename(server.log_path, moved)
        files.append(moved)
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(server.log_path), "the new file")
    server.join("general", "Alice")

    def lines():
        return "".join(map(read, files)).splitlines()
    wait_until(lambda: count(lines(), "close") == 100, "a hundred ends")
    assert count(lines(), "accept") == 101
    assert all(line.startswith("time=") for line in lines())
    assert not any("dropped=" in line for line in lines())


@test
def a_log_that_cannot_be_reopened_stays_and_says_so(t):
    folder = t.path("logs")
    os.mkdir(folder)
    log = os.path.join(folder, "chat.log")
    server = logging_server(t, log)
    os.rename(folder, t.path("moved"))
    server.log_path = os.path.join(t.path("moved"), "chat.log")
    server.process.send_signal(signal.SIGUSR1)
    failed = server.wait_event("log-reopen-failed", level="error")
    assert failed["error"] == '"No such file or directory"', failed.line
    server.join("general", "Alice")
    assert server.events("accept")


@test
def usr1_without_a_file_is_said_and_harms_nobody(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    for pid in server.worker_pids().values():
        os.kill(pid, signal.SIGUSR1)
    server.process.send_signal(signal.SIGUSR1)
    server.wait_event("usr1")
    server.join("general", "Bob").send("still here")
    alice.expect(JOINED % "Bob", "Bob: still here")
    assert not server.events("worker-exit")


@test
def syslog_reads_all_events(t):
    path = t.path("log.sock")
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(path)
    daemon.settimeout(20)
    server = Server(t, log=f"syslog:{path}")
    t.servers.append(server)
    server.start()
    event = {}
    while event.get("event") != "ready":
        text = daemon.recv(65536).decode()
        assert re.match(r"<\d+>chatmaster\[\d+\]: time=", text), text
        assert "\n" not in text
        event = parse_log(text.split(": ", 1)[1])[0]
    assert text.startswith(f"<30>chatmaster[{server.pid}]: ")
    port = int(event["line"].rsplit(":", 1)[1])
    server.connect(("127.0.0.1", port)).close()
    while "event=close " not in text:
        text = daemon.recv(65536).decode()
    daemon.close()
    os.unlink(path)
    assert server.log() == ""


@test
def a_log_that_cannot_be_opened_ends_the_start_and_names_the_key(t):
    missing = t.path("no/such/folder.log")
    for args in ["--log=" + missing], ["--log=" + t.tmp], \
            ["--check", "--log=" + missing], ["--check", "--log=" + t.tmp]:
        done = t.run("chatmaster", "-n", t.instance(), *args, check=2)
        assert done.stderr.startswith("chatmaster: log: "), done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = t.run("chatmaster", "-n", t.instance(),
                 "--log=syslog:" + t.path("none"), check=1)
    assert done.stderr.startswith("chatmaster: log: "), done.stderr


@test
def a_failing_start_says_on_standard_error_where_the_reason_is(t):
    server = t.server()
    log = t.path("chat.log")
    done = t.run("chatmaster", "-n", server.name, f"--log={log}", check=1)
    assert log in done.stderr and len(done.stderr.splitlines()) == 1
    assert "already running" in read(log)


@test
def check_says_whether_the_configuration_is_ok_and_opens_nothing(t):
    log = t.path("chat.log")
    path = t.write("conf", f"workers = 2\nlog = {log}\n")
    server = t.server()
    done = t.run("chatmaster", "--check", "-c", path, "-n", server.name,
                 f"--line=127.0.0.1:{server.port}", check=0)
    assert re.fullmatch("configuration ok\nsandbox: [a-z0-9 ,;]+\n",
                        done.stdout), done.stdout
    assert done.stderr == ""
    assert not os.path.exists(log)
    path = t.write("conf", "workers = 2\nno-such-key = 1\n")
    done = t.run("chatmaster", "--check", "-c", path, check=2)
    assert f"{path}:2: no-such-key" in done.stderr and done.stdout == ""
    t.run("chatmaster", "--check", "--max-clients=5000", check=2,
          wrapper=["prlimit", "--nofile=1000:1000"])


@test
def the_example_file_names_every_key_with_its_default(t):
    t.run("chatmaster", "--check", "-c", EXAMPLE, check=0)
    text = re.sub(r"(?m)^#([a-z][a-z-]* =)", r"\1", read(EXAMPLE))
    values = dict(re.findall(r"(?m)^([a-z][a-z-]*) = (.*)$", text))
    keys = documented_keys(t)
    assert set(values) == set(keys), set(values) ^ set(keys)
    for key, default in keys.items():
        if default not in (None, "one a CPU"):
            assert default.split(",")[0] == values[key], key
    users = t.write("users", "")  # the one file that has to be there
    os.chmod(users, 0o600)
    path = t.write("conf", re.sub(
        r"(?m)^users-file = .*", f"users-file = {users}", text))
    t.run("chatmaster", "--check", "-c", path, check=0)


@test
def the_manual_names_every_key_and_option_and_no_other(t):
    keys = set(documented_keys(t))
    text = read(os.path.join(ROOT, "man", "chatmaster.conf.5"))
    named = re.findall(r"(?m)^\.It Cm ([a-z-]+) = ", text)
    assert set(named) == keys and len(named) == len(keys), \
        set(named) ^ keys
    text = read(os.path.join(ROOT, "man", "chatmaster.8"))
    for option in OPTIONS_ONLY - {"config"}:
        assert f"Fl -{option}" in text, option
    for short in "wcnh":
        assert re.search(rf"Fl {short}\b", text), short


@test
def operations_names_every_event_of_the_log(t):
    """Whatever master and workers log has its row in the document."""
    text = read(os.path.join(ROOT, "docs", "operations.md"))
    events = {"bug"}
    for folder in "master", "worker", "worker/auth":
        for name in os.listdir(os.path.join(ROOT, folder)):
            if not name.endswith((".c", ".h")):
                continue
            source = read(os.path.join(ROOT, folder, name))
            events |= set(re.findall(
                r'\b(?:log_(?:debug|info|warnx?|errorx?)\(|diex?\(\w+,'
                r'|log_event\([^;]*?,)\s*"([a-z0-9-]+)"', source))
    missing = [e for e in sorted(events) if f"`{e}`" not in text]
    assert len(events) > 20 and not missing, missing
