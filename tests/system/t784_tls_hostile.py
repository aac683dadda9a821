# SPDX-License-Identifier: MIT
"""Clients that mean no good, or read slowly, or end in unusual ways."""
import os
import random
import ssl
import threading
import time

from lib import JOINED, LEFT, test, wait_until
from tls import Pair, any_context, connect, join, options, \
    run, tls_port

HANDSHAKES_MAX = 256


def tls_server(t, **more):
    return t.server(**options(Pair(t, "a"), **more))


def client_hello():
    """The first bytes of a handshake."""
    outer = ssl.MemoryBIO()
    tls = any_context().wrap_bio(ssl.MemoryBIO(), outer)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outer.read()


def raw(server, **more):
    return server.connect(("127.0.0.1", tls_port(server)), **more)


@test
def garbage_ends_its_connection_and_nothing_else(t):
    server = tls_server(t)
    alice = join(server, "general", "Alice")
    rng = random.Random(7)
    samples = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"general\nAlice\n",
               b"\x80\x2e\x01\x00\x02", b"\x16\x03\x01\xff\xff" + b"x" * 70000,
               b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x01x"]
    samples += [rng.randbytes(rng.randrange(5, 600)) for _ in range(30)]
    for sample in samples:
        client = raw(server)
        try:
            client.send_bytes(sample)
            client.half_close()
            while client.socket.recv(1 << 16):
                pass
        except OSError:
            pass
        client.close()
    server.wait_event("close", len(samples), reason="tls-handshake")
    alice.send("/rooms")
    assert alice.line() is not None
    assert not server.events("worker-exit")


@test
def a_handshake_cut_anywhere_ends_its_connection(t):
    server = tls_server(t)
    hello = client_hello()
    cuts = sorted({0, 1, 4, 5, 6, 11, 43, len(hello) // 2, len(hello) - 1,
                   len(hello)})
    for cut in cuts:
        client = raw(server)
        client.send_bytes(hello[:cut])
        client.half_close()
        try:
            while client.socket.recv(1 << 16):
                pass
        except OSError:
            pass
    event = server.wait_event("close", len(cuts), reason="tls-handshake")
    assert int(event["in"]) == len(hello)
    # With bytes flipped it is no better.
    rng = random.Random(8)
    for _ in range(40):
        bytes_ = bytearray(hello)
        for _ in range(rng.randrange(1, 6)):
            bytes_[rng.randrange(len(bytes_))] ^= 1 << rng.randrange(8)
        client = raw(server)
        try:
            client.send_bytes(bytes(bytes_))
        except OSError:
            pass
        client.close()
    server.wait_event("close", len(cuts) + 40, listener="line-tls")
    join(server, "general", "Alice")
    assert not server.events("worker-exit")


@test(limit=90)
def a_handshake_that_takes_too_long_is_ended(t):
    server = tls_server(t)
    silent, slow = raw(server), raw(server)
    hello = client_hello()
    slow.send_bytes(hello[:10])
    silent.expect_closed()
    slow.expect_closed()
    server.wait_event("close", 2, reason="tls-timeout")
    for event in server.events("close", reason="tls-timeout"):
        assert 9.5 < float(event["seconds"]) < 15, event.line


@test(limit=90)
def only_so_many_handshakes_are_in_progress_and_others_wait(t):
    server = tls_server(t)
    hello = client_hello()
    flood = [raw(server) for _ in range(HANDSHAKES_MAX + 50)]
    for client in flood:
        client.send_bytes(hello[:6])
    server.wait_event("accept", len(flood))
    seat = next(w["seat"] for w in server.dump("workers")
                if w["type"] == "tls")
    wait_until(lambda: server.dump("workers")[seat]["sessions"] ==
               len(flood), "all are with the TLS worker")
    # One who is in earnest has to wait for the first to be given up.
    join(server, "general", "Alice")
    assert len(server.events("close", reason="tls-timeout")) > 0
    for client in flood:
        client.close()
    wait_until(lambda: server.dump()["sessions"] == 1, "the flood is over")
    server.wait_event("close", len(flood))


@test(limit=90)
def silent_connections_are_in_nobodys_way(t):
    server = tls_server(t)
    silent = [raw(server) for _ in range(2 * HANDSHAKES_MAX)]
    server.wait_event("accept", len(silent))
    join(server, "general", "Alice")
    assert not server.events("close")
    for client in silent:
        client.close()
    server.wait_event("close", len(silent), reason="tls-handshake")


@test
def one_who_sends_close_notify_is_still_sent_what_is_left(t):
    server = tls_server(t)
    alice = connect(server)
    alice.send("general", "Alice", "/rooms")
    alice.half_close()
    lines = alice.lines_to_end()
    assert lines[0] == JOINED % "Alice" and len(lines) > 1, lines
    assert not alice.cut, "no close_notify"
    server.wait_event("close", reason="eof")


@test
def an_end_without_close_notify_is_an_end(t):
    server = tls_server(t)
    bob = server.join("general", "Bob")
    alice = connect(server)
    alice.send("general", "Alice", "last words")
    alice.cut_short()
    bob.expect(JOINED % "Alice", "Alice: last words", LEFT % "Alice")
    assert alice.lines_to_end()[0] == JOINED % "Alice"
    server.wait_event("close", reason="eof")


@test
def what_a_client_says_before_it_vanishes_is_heard(t):
    server = tls_server(t)
    bob = server.join("general", "Bob")
    for i in range(20):
        alice = connect(server)
        alice.send("general", f"u{i}", "last words")
        alice.close()  # with tickets unread: a reset
        bob.expect(JOINED % f"u{i}", f"u{i}: last words", LEFT % f"u{i}")


@test
def a_reset_is_an_end(t):
    server = tls_server(t)
    bob = server.join("general", "Bob")
    alice = join(server, "general", "Alice")
    bob.expect(JOINED % "Alice")
    alice.reset()
    bob.expect(LEFT % "Alice")


@test
def the_server_says_close_notify_when_it_ends_a_connection(t):
    server = tls_server(t)
    alice = join(server, "general", "Alice")
    alice.send("/quit")
    alice.expect_end()
    assert not alice.cut


@test
def megabytes_go_through_unchanged_both_ways(t):
    server = tls_server(t, max_line=16384, ring_size="64M")
    alice = join(server, "general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    rng = random.Random(9)
    letters = "abcdefghijklmnopqrstuvwxyz"
    lines = ["".join(rng.choices(letters, k=rng.choice([1, 80, 5000, 16384])))
             for _ in range(600)]
    talker = threading.Thread(target=lambda: alice.send(*lines), daemon=True)
    talker.start()
    for line in lines:
        bob.expect(f"Alice: {line}")
    talker.join()


@test(limit=120)
def a_client_that_reads_slowly_lags_and_nobody_waits_for_it(t):
    server = tls_server(t, ring_size="1M", max_line=4096)
    slow = join(server, "general", "Slow", rcvbuf=8192)
    fast = join(server, "general", "Fast")
    bob = join(server, "general", "Bob")
    line = "x" * 4000
    for i in range(1200):
        bob.send(line)
        if i % 50 == 49:
            bob.send(f"mark {i}")
            fast.lines_until(f"Bob: mark {i}")
    wait_until(lambda: server.session("Slow")["lagging"], "Slow lags")
    worker = next(w for w in server.dump("workers") if w["type"] == "tls")
    with open(f"/proc/{worker['pid']}/statm", encoding="ascii") as f:
        resident = int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert resident < 64 << 20, resident
    lines = slow.lines_until("Bob: mark 1199")
    assert any(x.startswith("*** lagged") or "missed" in x for x in lines), \
        [x[:60] for x in lines if x.startswith("*")]


@test(limit=90)
def one_who_never_reads_costs_no_time(t):
    """Neither worker turns round and round for it."""
    server = tls_server(t, ring_size="1M")
    slow = join(server, "general", "Slow", rcvbuf=8192)
    bob = join(server, "general", "Bob")
    for i in range(1000):
        bob.send("x" * 4000)
    wait_until(lambda: server.session("Slow")["lagging"], "Slow lags")
    pids = [w["pid"] for w in server.dump("workers")]

    def ticks():
        total = 0
        for pid in pids:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total

    def quiet():
        before = ticks()
        time.sleep(1)
        return ticks() - before < 20
    wait_until(quiet, "less than a fifth of a CPU is used")
    # It went away meanwhile: that is noticed without its reading a byte.
    slow.reset()
    bob.send("are you there?")
    server.wait_event("close", session=1)


@test
def sslscan_has_no_finding(t):
    server = tls_server(t)
    out = run("sslscan", "--no-colour", f"127.0.0.1:{tls_port(server)}").stdout
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert any(line.split() == [version, "disabled"]
                   for line in out.splitlines()), out
    assert "vulnerable to heartbleed" not in \
        out.replace("not vulnerable to heartbleed", ""), out
    assert "Session renegotiation not supported" in out or \
        "Secure session renegotiation supported" in out, out
    assert "Compression enabled" not in out, out
    assert "Server supports TLS Fallback SCSV" in out, out
    for line in out.splitlines():
        words = line.split()
        if words and words[0] in ("Preferred", "Accepted"):
            assert "GCM" in line or "CHACHA20" in line, line
            assert "ECDHE" in line or "TLS_" in line, line
    for bad in ("RC4", "3DES", "DES-CBC", "NULL", "EXP", "MD5", "CBC",
                "weak", "WEAK"):
        assert bad not in out, f"{bad} in:\n{out}"
