# SPDX-License-Identifier: MIT
"""WebSockets wherever packets end, queues are full, and workers die: no frame
is cut, no line is lost or doubled, and no connection ends."""
import json
import time

import websocket
from faults import Deaths
from lib import DEADLINE, JOINED, LEFT, test, wait_until
from pieces import row_of, send_each
from websocket import CLOSE, PING, PONG, TEXT, close_payload, connect, encode

MASK = b"\x37\xfa\x21\x3d"
NO_MASK = bytes(4)
LONG = "x" * 300 + "ä"
YOU_ARE = "*** you are Bob in general, from 127.0.0.1"
PROTOCOLS = "chat.text", "chat.json"


def frame(payload, opcode=TEXT, fin=True, mask=MASK):
    return encode(payload, opcode, fin, mask=mask)


def fragments(*parts):
    """Each is a frame of one message; what is in a tuple comes between."""
    texts = [part for part in parts if not isinstance(part, tuple)]
    data, first, left = b"", True, len(texts)
    for part in parts:
        if isinstance(part, tuple):
            data += frame(*part)
            continue
        left -= 1
        data += frame(part, TEXT if first else websocket.CONTINUATION,
                      left == 0)
        first = False
    return data


# A login and some talk: in fragments with pings between them, a character
# cut in two, several lines in a message, and a line of several messages' size.
PINGS = [b"one", b"t" * 125, b"", b"four"]
STAR = "★".encode()
SAID = (
    fragments("gene", (PINGS[0], PING), "ral\nB", "", "ob"),
    frame("Hällo", mask=NO_MASK), frame("a\nb\n\nc\n"),
    fragments(b"star " + STAR[:1], (PINGS[1], PING), STAR[1:] + b"!"),
    frame(LONG), frame(b"x", PONG), frame(PINGS[2], PING),
    frame("/whoami"), frame(PINGS[3], PING))
HEARD = ["Bob: Hällo", "Bob: a", "Bob: b", "Bob: c", "Bob: star ★!",
         f"Bob: {LONG}"]


def server_for(t, **options):
    return t.server(workers=1, replay=0, web="127.0.0.1:0", **options)


def opened(t, server, protocol="chat.text", **options):
    return connect(t, ("127.0.0.1", server.web_port),
                   protocols=[protocol], **options)


def as_line(protocol, text):
    """The line that a message of the server stands for."""
    if protocol == "chat.text":
        return text
    said = json.loads(text)
    if said["type"] == "join":
        return JOINED % said["name"]
    if said["type"] == "leave":
        return LEFT % said["name"]
    if said["type"] == "reply":
        return f"*** {said['text']}"
    assert said["type"] == "message", said
    return f"{said['name']}: {said['text']}"


def lines_and_pongs(ws, enough):
    """What is read until `enough(lines, pongs)`."""
    lines, pongs = [], []
    while not enough(lines, pongs):
        got = ws.frame()
        assert got is not None and got.opcode in (TEXT, PONG) and got.fin, got
        if got.opcode == PONG:
            pongs.append(got.payload)
        else:
            lines.append(as_line(ws.protocol, got.payload.decode()))
    return lines, pongs


def check_pongs(pongs, pings):
    """In order, none twice, and the last one there (RFC 6455, section 5.5.3:
    those before it need none)."""
    left = iter(pings)
    assert all(pong in left for pong in pongs), pongs
    assert pongs and pongs[-1] == pings[-1], pongs


def check_said(alice, bob):
    """All of SAID was sent: it came to what it should.  Leaves."""
    alice.expect(JOINED % "Bob", *HEARD)
    lines, pongs = lines_and_pongs(
        bob, lambda lines, pongs: PINGS[-1] in pongs and YOU_ARE in lines)
    assert lines == [JOINED % "Bob", YOU_ARE], lines
    check_pongs(pongs, PINGS)
    bob.close_with(1000)
    alice.expect(LEFT % "Bob")
    bob.close()


# Wherever packets end.

@test(limit=150)
def the_same_frames_at_every_split_come_to_the_same(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    data = b"".join(SAID)
    for at in range(1, len(data)):
        bob = opened(t, server, PROTOCOLS[at % 2])
        send_each(server, "web", bob, [data[:at], data[at:]])
        check_said(alice, bob)
        server.wait_sessions(1)


@test
def one_byte_at_a_time_comes_to_the_same(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    data = b"".join(SAID)
    for protocol in PROTOCOLS:
        bob = opened(t, server, protocol)
        send_each(server, "web", bob, [data[i:i + 1]
                                       for i in range(len(data))])
        check_said(alice, bob)
        server.wait_sessions(1)


# Whatever dies.

@test(limit=120)
def a_worker_killed_between_any_two_frames_comes_to_the_same(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    for protocol in PROTOCOLS:
        bob = opened(t, server, protocol)
        seat = row_of(server, "web")["worker"]
        send_each(server, "web", bob, SAID, lambda: server.kill_worker(seat))
        check_said(alice, bob)
        server.wait_sessions(1)


def kill_after_each(server, client, data, rounds, round_):
    """Each byte is followed by a kill in one of so many rounds."""
    seat = row_of(server, "web")["worker"]
    kills = iter(range(len(data)))

    def perhaps():
        if next(kills) % rounds == round_:
            server.kill_worker(seat)
    send_each(server, "web", client, [data[i:i + 1]
                                      for i in range(len(data))], perhaps)


@test(limit=150)
def a_worker_killed_after_any_byte_of_a_frame_comes_to_the_same(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    for round_ in range(3):
        bob = opened(t, server, PROTOCOLS[round_ % 2])
        kill_after_each(server, bob, b"".join(SAID), 3, round_)
        check_said(alice, bob)
        server.wait_sessions(1)


@test(limit=150)
def a_worker_killed_after_any_byte_of_the_handshake_comes_to_the_same(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    for round_ in range(3):
        bob = websocket.WebSocket(("127.0.0.1", server.web_port))
        t.peers.append(bob)
        sent = []
        bob.send_bytes, send = sent.append, bob.send_bytes
        key = bob.send_handshake(protocols=["chat.text"])
        bob.send_bytes = send
        kill_after_each(server, bob, b"".join(sent), 3, round_)
        status, headers = bob.response()
        assert status == 101, (status, headers)
        assert headers["sec-websocket-accept"] == websocket.accept_of(key)
        bob.protocol = headers["sec-websocket-protocol"]
        bob.send_bytes(b"".join(SAID))
        check_said(alice, bob)
        server.wait_sessions(1)


POINTS = """
    input.spare input.noted input.received input.keep.copied
    input.keep.buffer input.keep.stored input.kept step.noting step.noted
    step.cleared journal.half.stored journal.applied journal.settled
    ring.append.reserved ring.append.torn ring.append.uncommitted
    ring.committed publish.committed publish.bell talk.line tx.noted tx.sent
    tx.done tx.cleared lag.turned lock.acquired lock.released lock.releasing
    fanout.staged fanout.sent stage.rendering worker.woken worker.sleeping
    takeover.tx takeover.in
    """.split()
COMING = "adopt.passed adopt.new.owned adopt.new.filled adopt.new.done".split()
LEAVING = "close.shut close.told close.freeing close.freed".split()


@test(faults=True, limit=150)
def a_death_at_any_moment_from_handshake_to_close_comes_to_the_same(t):
    server = server_for(t, faults=True)
    alice = server.join("general", "Alice")
    bob = opened(t, server)
    seat = row_of(server, "web")["worker"]
    bob.close()
    server.wait_sessions(1)
    points = [point for point in POINTS if not point.startswith("fanout.")]
    points += ["web.request", "web.farewell", "adopt.passed"]
    count = 0
    for _ in Deaths(server, seat).at(points, 1, 2, 4, 7):
        count += 1
        bob = opened(t, server, PROTOCOLS[count % 2])
        send_each(server, "web", bob, SAID)
        check_said(alice, bob)
        server.wait_sessions(1)


@test(faults=True, limit=150)
def a_death_in_a_heap_of_frames_costs_no_line_and_doubles_none(t):
    server = server_for(t, faults=True)
    alice = server.join("general", "Alice")
    bobs = {}
    for protocol in PROTOCOLS:
        name = f"Bob-{protocol[5:]}"
        bobs[name] = opened(t, server, protocol)
        bobs[name].send_text(f"general\n{name}")
        alice.expect(JOINED % name)
        lines_and_pongs(bobs[name], lambda lines, _: lines)
    bobs["Bob-text"].frame()
    seat = server.session("Bob-text")["worker"]
    for what in Deaths(server, seat).at(POINTS, 1, 3):
        for name, bob in bobs.items():
            said = [f"{what} {n}" for n in range(20)]
            bob.send_bytes(
                b"".join(frame(line) for line in said[:5]) +
                frame(b"1", PING) + frame("\n".join(said[5:15])) +
                fragments(*"\n".join(said[15:])) + frame("/whoami") +
                frame(b"2", PING))
            said = [f"{name}: {line}" for line in said]
            alice.expect(*said)
            alice.send(f"end of {what}")
            end = f"Alice: end of {what}"
            for other, ws in bobs.items():
                mine = other == name
                lines, pongs = lines_and_pongs(
                    ws, lambda lines, pongs, mine=mine: end in lines and
                    (not mine or (b"2" in pongs and any(
                        "you are" in line for line in lines))))
                if not mine:
                    assert lines == said + [end], lines
                    continue
                check_pongs(pongs, [b"1", b"2"])
                assert sorted(lines) == sorted(
                    [f"*** you are {name} in general, from 127.0.0.1", end]), \
                    lines


@test(faults=True, limit=150)
def a_death_while_one_comes_or_goes_is_not_noticed(t):
    server = server_for(t, faults=True)
    alice = server.join("general", "Alice")
    for what in Deaths(server, -1).at(COMING + LEAVING, 1, 2):
        bob = opened(t, server)
        bob.send_text("general\nBob")
        alice.expect(JOINED % "Bob")
        bob.expect_text(JOINED % "Bob")
        bob.send_bytes(frame(f"bye {what}") +
                       frame(close_payload(1000, "enough"), CLOSE))
        alice.expect(f"Bob: bye {what}", LEFT % "Bob")
        bob.expect_close(1000)
        bob.expect_end()
        bob.close()
        server.wait_sessions(1)


@test(faults=True, limit=150)
def a_death_during_the_close_handshake_closes_once_and_in_order(t):
    server = server_for(t, faults=True)
    alice = server.join("general", "Alice")
    bob = opened(t, server)
    seat = row_of(server, "web")["worker"]
    bob.close()
    server.wait_sessions(1)
    points = """input.noted input.received input.kept step.noting step.noted
        step.cleared journal.half.stored journal.applied publish.committed
        tx.noted tx.sent tx.done tx.cleared web.farewell lag.turned
        close.shut close.told close.freeing close.freed""".split()
    closes = [(1000, b"", 1000), (None, b"", 1000), (3000, b"why", 3000),
              (1001, b"", 1001)]
    for i, _ in enumerate(Deaths(server, seat).at(points, 1, 2)):
        code, reason, answered = closes[i % len(closes)]
        bob = opened(t, server, PROTOCOLS[i % 2])
        bob.send_text("general\nBob")
        alice.expect(JOINED % "Bob")
        bob.message()
        data = frame(close_payload(code, reason), CLOSE)
        send_each(server, "web", bob, [data[:3], data[3:]])
        alice.expect(LEFT % "Bob")
        bob.expect_close(answered)
        bob.expect_end()
        bob.close()
        server.wait_sessions(1)


# Those who don't read.

def flood(alice, count, size=4000):
    """Alice says more than a queue holds; returns what others read."""
    lines = [f"{i} " + "x" * size for i in range(count)]
    for line in lines:
        alice.send(line)
    alice.send("/whoami")
    alice.lines_until("*** you are Alice in general, from 127.0.0.1")
    return [f"Alice: {line}" for line in lines]


def slow(t, server, alice, protocol):
    bob = opened(t, server, protocol, rcvbuf=4096)
    bob.send_text("general\nBob")
    alice.expect(JOINED % "Bob")
    assert as_line(protocol, bob.message()) == JOINED % "Bob"
    return bob, server.session("Bob")["worker"]


def check_flood(alice, bob, said, pings, end):
    """All is read, and the pong of what was sent in the middle of it."""
    alice.send(end)
    lines, pongs = lines_and_pongs(
        bob, lambda lines, pongs: f"Alice: {end}" in lines and
        (pings[-1:] == pongs[-1:]))
    assert lines == said + [f"Alice: {end}"], [line[:40] for line in lines]
    if pings:
        check_pongs(pongs, pings)


@test(limit=150)
def frames_are_whole_for_one_who_hardly_reads_whatever_dies(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    for protocol in PROTOCOLS:
        bob, seat = slow(t, server, alice, protocol)
        said, pings = [], []
        for i in range(20):
            said += flood(alice, 20, 3000 + i)
            pings.append(b"ping %d" % i)
            bob.ping(pings[-1])
            # Half a frame of its own is under way as well.
            data = frame(f"said {i}")
            bob.send_bytes(data[:4 + i % 6])
            bob.fill(time.monotonic() + DEADLINE)
            server.kill_worker(seat)
            bob.send_bytes(data[4 + i % 6:])
            alice.expect(f"Bob: said {i}")
        check_flood(alice, bob, said, pings, f"end of {protocol}")
        bob.close_with(1000)
        alice.expect(LEFT % "Bob")
        server.wait_sessions(1)


@test(faults=True, limit=150)
def a_death_in_front_of_a_full_queue_leaves_every_frame_whole(t):
    server = server_for(t, faults=True)
    alice = server.join("general", "Alice")
    points = """tx.noted tx.sent tx.cut.copied tx.done tx.cleared
        input.received input.kept input.keep.stored step.noted lag.turned
        stage.rendering fanout.sent""".split()
    for protocol in PROTOCOLS:
        bob, seat = slow(t, server, alice, protocol)
        for what in Deaths(server, seat).at(points, 1, 3):
            said = flood(alice, 30, 4000)
            bob.send_bytes(frame(f"said {what}") + frame(what, PING))
            alice.expect(f"Bob: said {what}")
            check_flood(alice, bob, said, [what.encode()], f"end of {what}")
        bob.close_with(1000)
        alice.expect(LEFT % "Bob")
        server.wait_sessions(1)


@test(limit=120)
def one_who_closes_without_having_read_reads_all_and_then_the_close(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    for protocol in PROTOCOLS:
        bob, seat = slow(t, server, alice, protocol)
        said = flood(alice, 200)
        wait_until(lambda: server.session("Bob")["lag"] > 0, "it lags")
        bob.send_close(1000)
        alice.expect(LEFT % "Bob")
        server.kill_worker(seat)
        lines, _ = lines_and_pongs(
            bob, lambda lines, _, last=said[-1]: last in lines)
        assert lines == said, [line[:40] for line in lines]
        bob.expect_close(1000)
        bob.expect_end()
        server.wait_sessions(1)
