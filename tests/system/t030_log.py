# SPDX-License-Identifier: MIT
"""What the log says."""
import os
import re
import signal
import subprocess

from lib import die_with_parent, parse_log, test, wait_until

LINE = re.compile(
    r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(debug|info|warn|"
    r"error) event=[a-z-]+ pid=\d+"
    r'( [a-z][a-z0-9_-]*=("([^"\\]|\\.)*"|[^" ]+))*')


@test
def every_attempt_and_every_end_has_its_line(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    accept = server.events("accept", listener="line", ip="127.0.0.1",
                           port=alice.port)
    assert len(accept) == 1
    session = accept[0]["session"]
    alice.send("one", "two", "/quit")
    alice.expect_end()
    alice.close()
    close = server.wait_event("close", session=session)
    assert close["reason"] == "quit" and float(close["seconds"]) >= 0


@test
def close_says_the_bytes_of_the_connection(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for i in range(100):
        alice.send(f"{i} ünïcode")
    for i in range(100):
        bob.expect(f"Alice: {i} ünïcode")
    sent = len("general\nBob\nhalf a line".encode())
    bob.send_bytes(b"half a line")
    bob.half_close()
    bob.expect_end()
    close = server.wait_event("close", reason="eof")
    assert int(close["in"]) == sent, close.line
    assert int(close["out"]) == bob.taken, close.line


@test
def close_says_the_bytes_after_a_takeover_too(t):
    server = t.server(workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    bob.send("before")
    alice.expect("Bob: before")
    server.kill_worker(0)
    alice.send("after")
    bob.expect("Alice: after")
    bob.send("/quit")
    bob.expect_end()
    bob.close()
    close = server.wait_event("close", reason="quit")
    assert int(close["in"]) == len("general\nBob\nbefore\n/quit\n")
    assert int(close["out"]) == bob.taken, close.line


@test
def close_says_why(t):
    server = t.server(workers=2, login_timeout=1)
    quitter = server.join("general", "Quitter")
    quitter.send("/quit")
    resetter = server.join("general", "Resetter")
    resetter.reset()
    leaver = server.join("general", "Leaver")
    leaver.close()
    stubborn = server.connect()
    for _ in range(3):
        stubborn.send("")
        stubborn.expect_error("bad-room")
    slow = server.connect()
    slow.expect_error("login-timeout")
    for client in quitter, stubborn, slow:
        client.close()
    for reason in "quit", "reset", "eof", "login-timeout", "wrong-lines":
        server.wait_event("close", reason=reason)
    wait_until(lambda: len(server.events("close")) == 5, "five ends")
    assert len({e["reason"] for e in server.events("close")}) == 5


@test
def beyond_twenty_a_second_refusals_are_summed_up(t):
    server = t.server(max_clients=1)
    server.join("general", "Alice")
    for _ in range(150):
        client = server.connect()
        client.expect_error("server-full")
        client.close()

    def counted():
        events = server.events("refuse", reason="server-full",
                               ip="127.0.0.1", listener="line")
        return sum(int(e.get("count", 1)) for e in events) == 150
    wait_until(counted, "150 refusals in the log")
    events = server.events("refuse")
    assert all("port" in e for e in events if "count" not in e)
    assert len(events) < 150
    assert not server.events("accept", session=2)
    assert server.dump()["refused"] == 150


@test
def a_few_refusals_have_a_line_each_and_no_other(t):
    server = t.server(max_clients=1)
    server.join("general", "Alice")
    for i in range(5):
        client = server.connect()
        client.expect_error("server-full")
        event = server.wait_event("refuse", i + 1, reason="server-full")
        assert event["port"] == str(client.port), event.line
    assert len(server.events("accept")) == 1
    assert len(server.events("close")) == 0


@test
def a_worker_that_dies_has_its_lines(t):
    server = t.server(workers=2)
    alice, _ = server.room("general", "Alice", "Bob")
    assert len(server.events("worker-start", type="chat")) == 2
    seat = server.session("Alice")["worker"]
    pid = server.signal_worker(seat, signal.SIGKILL)
    event = server.wait_event("worker-recovered", seat=seat, type="chat")
    assert event["sessions"] == "2" and float(event["ms"]) > 0, event.line
    assert event["lock"] in ("free", "released"), event.line
    event = server.events("worker-exit", seat=seat)[0]
    assert event["signal"] == "9" and event["worker"] == str(pid), event.line
    alice.send("/quit")
    alice.expect_end()


@test
def every_line_is_logfmt_whatever_clients_send(t):
    server = t.server(workers=2, log_level="debug")
    for junk in (b'"\n"\\"\n', b"\x1b[31m\nevent=ready\n", b"\xff\xfe\n\x00\n",
                 b"a\nb\ntime=1 level=info event=accept\n",
                 "\u2028\n\u202e\n".encode(), b"x" * 10000):
        client = server.connect()
        client.send_bytes(junk)
        client.half_close()
        client.lines_to_end()
        client.close()
    wait_until(lambda: len(server.events("close")) == 6, "six ends")
    for line in server.log().splitlines():
        assert LINE.fullmatch(line), line


@test
def user_text_in_a_line_is_quoted_and_escaped(t):
    name = 'x" event=forged\n\x1b[2J\u202e'
    done = t.run("chatmaster", "-n", name, "--line=none", check=2)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr[:-1].isprintable(), repr(done.stderr)
    assert r'\" event=forged\n' in done.stderr, done.stderr


@test
def nobody_who_reads_the_log_is_no_reason_to_stop(t):
    """Standard error is a pipe that is full, and then closed."""
    server = t.server(workers=2)
    name = t.instance()
    read, write = os.pipe()
    os.set_blocking(write, False)
    # Full but for what the start needs.
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.read(read, 4096)
    os.set_blocking(write, True)
    process = subprocess.Popen(
        [server.command[0], "-n", name, "-w1", "--line=127.0.0.1:0",
         "--telnet=none", "--web=none"],
        stdin=subprocess.DEVNULL, stderr=write, preexec_fn=die_with_parent)
    os.close(write)
    try:
        seen = b""
        while b"event=ready" not in seen:
            seen += os.read(read, 65536)
        port = int(re.search(rb"127\.0\.0\.1:(\d+)", seen).group(1))
        os.close(read)
        for i in range(3):
            client = server.connect(("127.0.0.1", port))
            client.send("general", f"c{i}")
            client.expect(f"🌟 c{i} joined the room!")
            client.close()
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()


@test
def times_in_the_log_do_not_go_back(t):
    server = t.server()
    for _ in range(20):
        server.connect().close()
    wait_until(lambda: len(server.events("close")) == 20, "twenty ends")
    times = [e["time"] for e in parse_log(server.log())]
    assert times == sorted(times)
