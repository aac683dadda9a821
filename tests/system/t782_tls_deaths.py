# SPDX-License-Identifier: MIT
"""Workers die under clients that speak TLS."""
import os
import shutil
import signal
import threading
import time

from lib import JOINED, LEFT, test, wait_until
from tls import Pair, connect, join, options, tls_port


def tls_server(t, **more):
    return t.server(**options(Pair(t, "a"), **more))


def seat_of(server, kind):
    return next(w["seat"] for w in server.dump("workers")
                if w["type"] == kind)


@test
def a_killed_chat_worker_costs_its_tls_clients_nothing(t):
    server = tls_server(t, workers=2)
    alice = join(server, "general", "Alice")
    bob = server.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    for i in range(10):
        server.kill_worker(server.session("Alice")["worker"])
        alice.send(f"{i}")
        bob.expect(f"Alice: {i}")
        bob.send(f"{i}")
        alice.expect(f"Bob: {i}")
    assert not server.events("close")


@test
def no_line_of_a_tls_client_is_lost_or_doubled_when_its_worker_is_killed(t):
    count = 20000
    server = tls_server(t, workers=1)
    alice = join(server, "general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    kills = 0

    def talk():
        for i in range(0, count, 50):
            alice.send(*(f"{n}" for n in range(i, i + 50)))

    talker = threading.Thread(target=talk, daemon=True)
    talker.start()
    for i in range(count):
        bob.expect(f"Alice: {i}")
        if i % 2000 == 1000:
            server.kill_worker(seat_of(server, "chat"))
            kills += 1
    talker.join()
    assert kills == 10
    bob.send("done")
    alice.expect("Bob: done")


@test
def a_killed_tls_worker_costs_its_own_clients_and_nobody_else(t):
    server = tls_server(t)
    bob = server.join("general", "Bob")
    alice = join(server, "general", "Alice")
    bob.expect(JOINED % "Alice")
    seat = seat_of(server, "tls")
    server.kill_worker(seat)
    alice.expect_closed()
    bob.expect(LEFT % "Alice")
    carol = join(server, "general", "Carol")
    bob.expect(JOINED % "Carol")
    carol.send("hello")
    bob.expect("Carol: hello")
    rows = server.dump("workers")
    assert rows[seat]["restarts"] == 1
    assert sum(w["restarts"] for w in rows) == 1
    assert server.dump()["sessions"] == 2


@test
def handshakes_end_with_their_worker_and_the_log_says_so(t):
    server = tls_server(t)
    port = tls_port(server)
    half = [server.connect(("127.0.0.1", port)) for _ in range(3)]
    for client in half:
        client.send_bytes(b"\x16\x03\x01\x02")
    seat = seat_of(server, "tls")
    wait_until(lambda: server.dump("workers")[seat]["sessions"] == 3,
               "three are with the TLS worker")
    server.kill_worker(seat)
    server.wait_event("close", 3, reason="tls-died", listener="line-tls")
    for client in half:
        client.expect_closed()
    wait_until(lambda: server.dump("workers")[seat]["sessions"] == 0,
               "their slots are free")
    join(server, "general", "Alice")


@test
def a_stopped_tls_worker_is_replaced_by_the_watchdog(t):
    server = tls_server(t, watchdog=1)
    seat = seat_of(server, "tls")
    server.signal_worker(seat, signal.SIGSTOP)
    waiting = server.connect(("127.0.0.1", tls_port(server)))
    server.wait_event("watchdog", seat=seat, type="tls")
    server.wait_event("worker-recovered", seat=seat)
    join(server, "general", "Alice")
    waiting.close()


@test
def a_segment_that_is_salvaged_keeps_its_tls_clients(t):
    server = tls_server(t, workers=1)
    alice = join(server, "general", "Alice")
    waiting = server.connect(("127.0.0.1", tls_port(server)))
    server.wait_event("accept", 2)
    # Ten deaths in a row before they have settled are too many.
    seat = seat_of(server, "chat")
    deaths = 0
    while not server.events("salvage") and deaths < 200:
        pids = server.worker_pids()
        if seat in pids:
            try:
                server.signal_worker(seat, signal.SIGABRT)
                deaths += 1
            except ProcessLookupError:
                pass
    server.wait_event("salvage")
    wait_until(lambda: server.session("Alice"), "Alice is kept")
    row = server.session("Alice")
    assert row["tls"] == "TLSv1.3" and row["listener"] == "line-tls"
    alice.send("hello?")
    bob = join(server, "general", "Bob")
    bob.send("hello")
    lines = alice.lines_until("Bob: hello")
    assert all(x.startswith("***") or x == JOINED % "Bob" for x in lines), \
        lines
    waiting.close()


def tls_server_of_its_own(t):
    """A server whose TLS workers' program can be taken away; its path."""
    alone = t.path("alone")
    os.mkdir(alone)
    for name in ("chatmaster", "chatmaster-tls"):
        shutil.copy(os.path.join(t.build, name), alone)
    return tls_server(t, build=alone), os.path.join(alone, "chatmaster-tls")


@test
def a_tls_worker_whose_program_has_gone_is_missed_until_it_is_back(t):
    server, program = tls_server_of_its_own(t)
    bob = server.join("general", "Bob")
    os.rename(program, program + ".away")
    server.signal_worker(seat_of(server, "tls"), signal.SIGKILL)
    server.wait_event("exec-failed", 2, type="tls")
    bob.send("/rooms")
    bob.lines_until("*** general: 1")
    os.rename(program + ".away", program)
    join(server, "general", "Alice")
    bob.lines_until(JOINED % "Alice")


@test
def who_comes_while_there_is_no_tls_worker_is_served_by_the_next(t):
    server, program = tls_server_of_its_own(t)
    os.rename(program, program + ".away")
    server.signal_worker(seat_of(server, "tls"), signal.SIGKILL)
    server.wait_event("exec-failed", type="tls")
    clients = [connect(server, handshake=False) for _ in range(2)]
    server.wait_event("accept", 2)
    os.rename(program + ".away", program)
    for client, name in zip(clients, ("Alice", "Bob")):
        client.shake()
        client.send("general", name)
        client.expect(JOINED % name)
    assert not server.events("close", reason="tls-died")


@test
def tls_workers_share_what_comes(t):
    server = tls_server(t, tls_workers=3)
    clients = [join(server, "general", f"u{i}") for i in range(12)]
    pids = {e["pid"] for e in server.events("tls")}
    assert len(pids) == 3, pids
    server.kill_worker(seat_of(server, "tls"))
    left = 0
    for client in clients:
        client.send("/quit")
    wait_until(lambda: server.dump()["sessions"] == 0, "all are gone")
    left = len(server.events("close", reason="quit"))
    assert left == 8, left


def frame(text):
    """A text frame of a client, RFC 6455, section 5.2."""
    data = text.encode()
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


@test
def a_websocket_within_tls_survives_its_web_worker(t):
    server = tls_server(t, web_tls="127.0.0.1:0")
    bob = server.join("general", "Bob")
    client = connect(server, "web-tls")
    client.send_bytes(
        b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: chat.text\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert client.line() == "HTTP/1.1 101 Switching Protocols\r"
    client.lines_until("\r")
    client.send_bytes(frame("general") + frame("Wendy"))
    bob.expect(JOINED % "Wendy")
    assert server.session("Wendy")["listener"] == "web-tls"
    for i in range(5):
        server.kill_worker(seat_of(server, "web"))
        client.send_bytes(frame(f"{i}"))
        bob.expect(f"Wendy: {i}")
        bob.send(f"hi {i}")
    said = [f"Bob: hi {i}".encode() for i in range(5)]
    while said[-1] not in client.data:
        client.fill(time.monotonic() + 10)
    assert [client.data.count(line) for line in said] == [1] * 5
