# SPDX-License-Identifier: MIT
"""Telnet: floods, garbage, and workers that die in the middle of it."""
import random
import re

from lib import JOINED, test, wait_until
from telnet import (ASKED, AYT, DO, DONT, ECHO, GREETING, IAC, NAME,
                    NAWS, ROOM, SB, SE, SGA, TIMING_MARK, TTYPE, WILL, WONT,
                    crlf, join, join_all, raw, reads, send_pieces, server_for)

BIG = b"\xc8"  # an option that is refused each time, up to 255 times


def join_asked(server, room, name, **options):
    """One that has negotiated a little, and leaves what it is asked open."""
    client = join(server, room, name, **options)
    client.overheard = None
    client.send_bytes(DO + BIG)
    reads(client, WONT + BIG + ASKED)
    return client


def drain(client):
    """Takes what there is to be read."""
    client.socket.settimeout(0)
    try:
        while True:
            got = client.socket.recv(1 << 16)
            client.data += got
            if not got:
                client.ended = True
                return
    except BlockingIOError:
        pass


def send_and_drain(client, data):
    """Sends all of it, reading meanwhile."""
    def sent():
        nonlocal data
        data = data[client.try_send(data):]
        drain(client)
        return not data
    wait_until(sent, "all is sent")


def answers_until(client, last):
    """What comes before that line, which comes too, is whole answers."""
    def there():
        drain(client)
        return client.data.endswith(last)
    wait_until(there, f"{last!r} has come")
    answers = client.data[:-len(last)]
    client.data = b""
    assert re.fullmatch(
        rb"(\xff\xfc\xc8|\xff\xfb\x06|\xff\xfe\xc8|\[Yes\]\r\n)*", answers,
        re.DOTALL), f"{answers[:100]!r} ... {answers[-100:]!r}"
    return answers


@test
def a_client_that_asks_and_never_reads_harms_nobody(t):
    server = server_for(t, workers=1)
    bob, dave = join_all(server, "general", "Bob", "Dave")
    flood = join_asked(server, "elsewhere", "Flood", rcvbuf=4096)
    asked = (DO + BIG + AYT + DO + TIMING_MARK) * 2000
    sent = 0
    for i in range(400):
        for _ in range(10):
            sent += flood.try_send(asked[sent % len(asked):])
        bob.send_bytes(f"{i}\r\n".encode())
        reads(dave, f"Bob: {i}\r\n".encode())
    # As soon as it reads it goes on where it was.
    send_and_drain(flood, asked[sent % len(asked):] + b"/whoami\r\n")
    answers_until(
        flood, b"*** you are Flood in elsewhere, from 127.0.0.1\r\n")
    flood.send_bytes(AYT)
    reads(flood, b"[Yes]\r\n")


@test
def a_flood_of_questions_is_answered_whole_or_not(t):
    server = server_for(t)
    bob = join_asked(server, "general", "Bob")
    for i in range(20):
        send_and_drain(bob, (DO + BIG + AYT + WILL + BIG) * 500)
        send_and_drain(bob, b"/whoami\r\n")
        assert answers_until(
            bob, b"*** you are Bob in general, from 127.0.0.1\r\n")


@test
def garbage_costs_its_sender_the_connection_only(t):
    server = server_for(t, workers=1)
    bob, dave = join_all(server, "general", "Bob", "Dave")
    rng = random.Random(5)
    alphabet = [IAC, IAC, SB, SE, WILL, DO, WONT, DONT, AYT, b"\r", b"\n",
                b"\0", b"x", b"/", b" ", b"\x01", BIG]
    for i in range(40):
        client = server.telnet()
        try:
            client.send_bytes(b"".join(
                rng.choices(alphabet, k=rng.randrange(1, 50000))))
            if i % 2:
                client.half_close()
                while not client.ended:
                    drain(client)
        except OSError:
            pass  # it was closed earlier
        client.close()
        bob.send_bytes(f"{i}\r\n".encode())
        reads(dave, f"Bob: {i}\r\n".encode())
    wait_until(lambda: len(server.dump("sessions")) == 2, "they are gone")


@test
def negotiation_begun_goes_on_after_a_death(t):
    server = server_for(t, workers=1)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    bob.overheard = None
    alice.expect(JOINED % "Bob")
    seat = server.session("Bob")["worker"]
    pieces = [b"a", WILL, b"\x01b" + IAC, IAC + b"c" + IAC, b"\xfa", TTYPE,
              b"\0x" + IAC, IAC + IAC, b"\xf0d\r", b"\ne" + DO + NAWS]
    for piece in pieces:
        send_pieces(server, "Bob", bob, [piece])
        server.kill_worker(seat)
    reads(bob, DONT + ECHO + ASKED + WONT + NAWS)
    bob.send_bytes(WILL + ECHO + DO + NAWS + b"f\r\n" + AYT)
    reads(bob, b"[Yes]\r\n")  # and nothing was refused again
    alice.expect("Bob: ab\ufffdcd", "Bob: ef")


@test
def prompts_go_on_after_a_death(t):
    server = server_for(t, workers=1)
    bob = server.telnet()
    reads(bob, GREETING + ROOM)
    seat = wait_until(lambda: server.dump("sessions"), "it is in")[0]["worker"]
    server.kill_worker(seat)
    bob.send_bytes(b"\r\n")
    assert bob.raw_line().startswith(b"*** error bad-room: ")
    reads(bob, ROOM)
    server.kill_worker(seat)
    bob.send_bytes(b"gene")
    wait_until(lambda: server.dump("sessions")[0]["in"] == 6, "it is read")
    server.kill_worker(seat)
    bob.send_bytes(b"ral\r\n")
    reads(bob, NAME)
    server.kill_worker(seat)
    bob.send_bytes(b"Bob\r\n")
    reads(bob, crlf(JOINED % "Bob"))
    server.kill_worker(seat)
    bob.send_bytes(b"/whoami\r\n")
    reads(bob, b"*** you are Bob in general, from 127.0.0.1\r\n")


def half_typed(client, i):
    """A line and questions; what is read of them: see check_half_typed."""
    client.send_bytes(b"he" + NAWS_SUB + DO + BIG + b"llo " + AYT)
    client.send_bytes(f"{i}\r\n".encode() + WILL + BIG)


NAWS_SUB = SB + NAWS + b"\0\xff\xff\0\x18" + SE
ANSWERED = WONT + BIG + b"[Yes]\r\n" + DONT + BIG


@test(faults=True, limit=120)
def a_death_at_any_moment_costs_no_line_and_no_answer_and_doubles_none(t):
    server = server_for(t, workers=1, faults=True)
    alice = server.join("general", "Alice")
    bob = join_asked(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    seat = server.session("Bob")["worker"]
    points = """
        input.noted input.received input.kept input.keep.copied
        input.keep.stored step.noting step.noted step.cleared
        journal.half.stored tx.noted tx.sent tx.done tx.cleared
        lag.turned publish.committed ring.committed lock.acquired
        lock.released fanout.staged fanout.sent worker.woken
        """.split()
    died = 0
    for i, point in enumerate(points):
        server.faults.arm(point, "die", seat=seat)
        half_typed(bob, i)
        alice.expect(f"Bob: hello {i}")
        reads(bob, ANSWERED)
        alice.send(f"{i}")
        reads(bob, f"Alice: {i}\r\n".encode())
        died += not server.faults.armed(point)
        server.faults.arm(point, "none")
    assert died >= len(points) - 3, died
    bob.send_bytes(b"/whoami\r\n")
    reads(bob, b"*** you are Bob in general, from 127.0.0.1\r\n")


@test(faults=True, limit=120)
def a_death_at_any_moment_of_the_login_is_not_noticed(t):
    server = server_for(t, workers=1, faults=True)
    points = """
        adopt.passed adopt.new.owned adopt.new.filled adopt.new.done
        input.noted input.received input.kept input.keep.stored
        step.noted step.cleared journal.half.stored tx.noted tx.sent tx.done
        tx.cleared publish.committed lock.acquired worker.woken
        """.split()
    join(server, "x", "First")
    seat = server.session("First")["worker"]
    died = 0
    for i, point in enumerate(points):
        server.faults.arm(point, "die", seat=seat)
        bob = raw(server)
        reads(bob, GREETING + ROOM)
        bob.send_bytes(b"\r\n" + WILL + SGA)
        answers = DO + SGA + ASKED
        # They stand before the error, or behind the question.
        got = bob.raw_line()
        early = got.startswith(answers)
        if early:
            got = got[len(answers):]
        assert got.startswith(b"*** error bad-room: "), got
        reads(bob, ROOM + (b"" if early else answers))
        bob.send_bytes(f"room{i}\r\n".encode())
        reads(bob, NAME)
        bob.send_bytes(b"Bob\r\n")
        reads(bob, crlf(JOINED % "Bob"))
        died += not server.faults.armed(point)
        server.faults.arm(point, "none")
        bob.send_bytes(b"/quit\r\n")
        bob.expect_end()
        bob.close()
        server.wait_sessions(1)
    assert died >= len(points) - 3, died


@test(limit=120)
def answers_to_one_who_hardly_reads_stay_whole_whatever_dies(t):
    server = server_for(t, workers=1)
    bob = join_asked(server, "general", "Bob", rcvbuf=4096)
    seat = server.session("Bob")["worker"]
    asked = (DO + BIG + AYT + WILL + BIG) * 400
    sent = 0
    for i in range(30):
        for _ in range(20):
            sent += bob.try_send(asked[sent % len(asked):])
        server.kill_worker(seat)
        if i % 3 == 0:
            drain(bob)
    send_and_drain(bob, asked[sent % len(asked):] + b"/whoami\r\n")
    answers_until(bob, b"*** you are Bob in general, from 127.0.0.1\r\n")
