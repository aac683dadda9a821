# SPDX-License-Identifier: MIT
"""It starts, says so, and stops."""
import os
import signal
import socket
import subprocess
import time

from lib import JOINED, STOP_DEADLINE, Server, process_lives, test, wait_until


@test
def it_starts_says_where_it_listens_and_stops(t):
    server = t.server(workers=2)
    ready = server.events("ready")[0]
    assert ready["name"] == server.name and ready["workers"] == "2"
    assert server.port > 0
    server.connect().close()
    server.stop()
    assert len(server.events("stopping", signal=15)) == 1
    assert len(server.events("stopped")) == 1


@test
def int_stops_it_as_term_does(t):
    server = t.server()
    server.stop(signal.SIGINT)


@test
def clients_are_told_of_a_stop_and_closed(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    nameless = server.connect()
    nameless.send("general")
    silent = server.connect()
    server.wait_sessions(4)
    alice.send("last words")
    bob.expect("Alice: last words")
    server.stop()
    for client in alice, bob, nameless, silent:
        assert client.expect_error("shutting-down") == "the server is stopping"
        client.expect_end()
    assert len(server.events("close", reason="shutting-down")) == 4


@test
def ten_signals_stop_it_as_one_does(t):
    server = t.server()
    server.join("general", "Alice")
    for _ in range(9):
        server.process.send_signal(signal.SIGTERM)
    server.stop()


@test
def a_stop_ends_every_process(t):
    server = t.server(workers=4)
    pids = server.worker_pids().values()
    assert len(pids) == 4
    server.stop()
    assert not any(process_lives(pid) for pid in pids)


@test
def a_signal_to_the_whole_group_still_tells_the_clients(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    for pid in server.worker_pids().values():
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
    server.stop(signal.SIGINT)
    alice.expect_error("shutting-down")
    alice.expect_end()


@test
def help_and_version_exit_0_and_unknown_options_2(t):
    for program in "chatmaster", "shmdump":
        done = t.run(program, "--help", check=0)
        assert done.stdout.startswith(f"usage: {program}") and not done.stderr
        done = t.run(program, "--version", check=0)
        assert done.stdout.startswith(f"{program} ") and not done.stderr
        done = t.run(program, "--no-such-option", check=2)
        assert "no-such-option" in done.stderr and not done.stdout


@test
def help_names_every_key(t):
    text = t.run("chatmaster", "--help", check=0).stdout
    for key in ("workers", "name", "line", "max-clients", "max-rooms",
                "max-line", "login-timeout", "ring-size", "watchdog",
                "log-level", "config"):
        assert f"--{key}=" in text, key


@test
def a_port_in_use_is_exit_1_and_says_so(t):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    server = t.failing_server(1, line=f"127.0.0.1:{port}")
    event = server.events("start-failed")[0]
    assert f"127.0.0.1:{port}" in event["reason"], event.line
    assert event["error"] == '"Address already in use"', event.line
    assert server.objects() == []


@test
def a_second_instance_of_the_name_is_exit_1_and_names_the_first(t):
    first = t.server()
    alice = first.join("general", "Alice")
    second = t.failing_server(1, name=first.name)
    reason = second.events("start-failed")[0]["reason"]
    assert first.name in reason and f"pid {first.pid}" in reason, reason
    alice.send("/quit")
    alice.expect_end()


@test
def systemd_is_told_when_it_is_ready_and_when_it_stops(t):
    path = t.path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(20)
        server = t.server(env={"NOTIFY_SOCKET": path})
        assert notify.recv(100) == b"READY=1"
        server.stop()
        assert notify.recv(100) == b"STOPPING=1"


@test
def systemd_is_told_over_an_abstract_socket_too(t):
    name = f"{t.prefix}-notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind("\0" + name)
        notify.settimeout(20)
        t.server(env={"NOTIFY_SOCKET": "@" + name})
        assert notify.recv(100) == b"READY=1"


@test
def the_programs_need_libc_and_libcrypt_at_most(t):
    allowed = ("linux-vdso", "libc.so", "libcrypt.so", "ld-linux")
    if os.path.basename(t.build) == "asan":
        allowed += ("libasan", "libubsan", "libm.so", "libgcc_s",
                    "libstdc++", "libdl", "libpthread", "librt")
    for program in "chatmaster", "shmdump":
        out = subprocess.run(["ldd", os.path.join(t.build, program)],
                             capture_output=True, text=True, check=True)
        for line in out.stdout.splitlines():
            name = os.path.basename(line.split()[0])
            assert name.startswith(allowed), f"{program} needs {name}"


@test
def the_segment_is_under_48_mib_by_default(t):
    server = t.server()
    size = os.stat(f"/dev/shm/chatmaster.{server.name}").st_size
    assert size < 48 << 20, size
    assert server.dump()["segment_size"] == size


@test
def the_segment_is_for_its_owner_alone(t):
    server = t.server()
    mode = os.stat(f"/dev/shm/chatmaster.{server.name}").st_mode
    assert mode & 0o777 == 0o600, oct(mode)


@test
def it_runs_without_a_listener(t):
    server = t.server(line="none")
    assert server.listeners == []
    assert server.dump()["sessions"] == 0


@test
def a_stop_at_any_moment_of_the_start_is_clean(t):
    """Be it so early that nothing is open yet."""
    for i in range(40):
        server = Server(t, workers=4)
        server.log_path += str(i)
        t.servers.append(server)
        server.start()
        # As soon as it is the server, and no longer what was forked for it.
        wait_until(lambda: b"chatmaster" in open(
            f"/proc/{server.pid}/cmdline", "rb").read(), "it is executed")
        time.sleep(i * 0.001)
        server.process.terminate()
        code = server.wait(STOP_DEADLINE)
        assert code == 0 or (code == -signal.SIGTERM and not server.log()), \
            (i, code)
        assert server.objects() == [], (i, code)


@test
def hup_stops_nothing(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    server.process.send_signal(signal.SIGHUP)
    server.wait_event("reload")
    alice.send("still here")
    bob.expect("Alice: still here")


@test
def many_clients_are_all_told_of_a_stop(t):
    server = t.server(workers=4)
    clients = [server.join(f"room{i % 10}", f"c{i}") for i in range(200)]
    server.process.terminate()
    for client in clients:
        lines = client.lines_to_end()
        assert lines[-1].startswith("*** error shutting-down: "), lines[-1]
        client.close()
    assert server.wait(STOP_DEADLINE) == 0
    assert server.objects() == []


def listening_port(pid):
    """The port of a process that has nowhere to say it."""
    sockets = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                return int(fields[1].split(":")[1], 16)
    return None


@test
def it_serves_without_standard_input_output_and_error(t):
    server = Server(t, workers=2, wrapper=[
        "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    t.servers.append(server)
    server.start()
    port = wait_until(lambda: listening_port(server.pid), "it listens")
    for name in "Alice", "Bob":
        client = server.connect(("127.0.0.1", port))
        client.send("general", name)
        client.expect(JOINED % name)
        client.send("/quit")
        client.expect_end()
    server.stop()


@test
def it_keeps_no_fd_that_it_was_started_with(t):
    read, write = os.pipe()
    os.dup2(write, 700)  # where connections are going to be
    process = subprocess.Popen(
        [os.path.join(t.build, "chatmaster"), "-n", t.instance(),
         "--line=127.0.0.1:0", "--telnet=none", "--web=none"], pass_fds=[write, 700],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for line in process.stderr:
            if b"event=ready" in line:
                break
        os.close(write)
        os.close(700)
        assert os.read(read, 1) == b""  # nobody has the other end
        process.terminate()
        process.communicate()
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
