# SPDX-License-Identifier: MIT
"""Telnet options at every split of the bytes, and whatever dies."""
from lib import JOINED, test
from pieces import row_of, send_each
from telnet import (AYT, BRK, CHARSET, DO, DONT, GREETING, IAC, LINEMODE, NAME,
                    NAWS, ROOM, SB, SE, SEND_TTYPE, SGA, TIMING_MARK, TTYPE,
                    WILL, WONT, crlf, raw, server_for, sub, terminal, window)

# Wherever packets end.

SAID = (WILL + TTYPE, window(5), WILL + NAWS + window(0xffff), DO + LINEMODE,
        b"gene" + AYT + b"rax" + IAC + b"\xf7l\r", b"\nBob\r\0",
        terminal("MUDLET"), "ä\xff\xff".encode("latin-1") + b"b" + BRK + b"c",
        "ö".encode() + sub(CHARSET, b"\1;UTF-8") + b"\r\n", DO + SGA,
        WONT + NAWS, DO + TIMING_MARK, DONT + CHARSET, b"/whoami\r\n")
# Options, in the order of the questions; and text.
ANSWERS = (DO + TTYPE + DO + NAWS + WILL + CHARSET + SEND_TTYPE +
           WONT + LINEMODE + SEND_TTYPE + WILL + SGA + DONT + NAWS +
           WILL + TIMING_MARK)


def split_answers(data):
    """What telnet says, and the rest."""
    said, text, at = b"", b"", 0
    while at < len(data):
        if data[at:at + 1] != IAC:
            text += data[at:at + 1]
            at += 1
            continue
        end = data.index(SE, at) + 2 if data[at:at + 2] == SB else at + 3
        said += data[at:end]
        at = end
    return said, text


def check_said(server, alice, client):
    """All of SAID was sent: it came to what it should."""
    last = crlf("*** you are Bob in general, from 127.0.0.1")
    alice.expect(JOINED % "Bob", "Bob: cö")
    got = b""
    end = WILL + TIMING_MARK
    while last not in got or end not in got:
        got += client.bytes(1)
    said, text = split_answers(got)
    assert said == ANSWERS, said
    assert text.count(b"[Yes]\r\n") == 1, text
    text = text.replace(b"[Yes]\r\n", b"")
    assert text == GREETING + ROOM + NAME + crlf(JOINED % "Bob") + last, text
    client.send_bytes(b"/quit\r\n")
    client.expect_end()
    client.close()
    alice.line()


@test(limit=120)
def the_same_bytes_at_every_split_come_to_the_same(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    data = b"".join(SAID)
    for at in range(1, len(data)):
        bob = raw(server)
        send_each(server, "telnet", bob, [data[:at], data[at:]])
        check_said(server, alice, bob)
        server.wait_sessions(1)


@test
def one_byte_at_a_time_comes_to_the_same(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    bob = raw(server)
    data = b"".join(SAID)
    send_each(server, "telnet", bob, [data[i:i + 1] for i in range(len(data))])
    check_said(server, alice, bob)


# Whatever dies.

@test(limit=120)
def a_worker_killed_between_any_two_packets_comes_to_the_same(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    bob = raw(server)
    seat = row_of(server, "telnet")["worker"]
    send_each(server, "telnet", bob, SAID, lambda: server.kill_worker(seat))
    check_said(server, alice, bob)


@test(limit=120)
def a_worker_killed_after_any_byte_comes_to_the_same(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    data = b"".join(SAID)
    rounds = 0
    bob = raw(server)
    seat = row_of(server, "telnet")["worker"]
    for first in range(3):
        # Each byte is followed by a kill in one of three rounds.
        kills = 0

        def perhaps(first=first):
            nonlocal kills
            kills += 1
            if kills % 3 == first:
                server.kill_worker(seat)
        send_each(server, "telnet", bob, [data[i:i + 1] for i in range(len(data))],
                  perhaps)
        check_said(server, alice, bob)
        server.wait_sessions(1)
        rounds += 1
        if rounds < 3:
            bob = raw(server)


POINTS = """
    input.spare input.noted input.received input.keep.copied
    input.keep.buffer input.keep.stored input.kept step.noting step.noted
    step.cleared journal.half.stored tx.noted tx.sent tx.done tx.cleared
    talk.line lag.turned publish.committed ring.committed lock.acquired
    lock.released worker.woken worker.sleeping takeover.tx
    """.split()


@test(faults=True, limit=120)
def a_death_at_any_moment_of_the_negotiation_comes_to_the_same(t):
    server = server_for(t, workers=1, replay=0, faults=True)
    alice = server.join("general", "Alice")
    bob = raw(server)
    seat = row_of(server, "telnet")["worker"]
    died = 0
    for point in POINTS:
        for countdown in 1, 4:
            server.faults.arm(point, "die", countdown=countdown, seat=seat)
            send_each(server, "telnet", bob, SAID)
            check_said(server, alice, bob)
            died += not server.faults.armed(point)
            server.faults.arm(point, "none")
            server.wait_sessions(1)
            bob = raw(server)
    assert died >= 1.5 * len(POINTS), died
