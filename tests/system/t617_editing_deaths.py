# SPDX-License-Identifier: MIT
"""The line editor wherever packets end, queues are full, and workers die."""
from editing import ENTER, LEFT, WELCOME, Keys, seat_of, typing
from faults import Deaths
from lib import JOINED, LEFT as LEFT_ROOM, test, wait_until
from telnet import (AO, AYT, DO, IAC, NOP, TIMING_MARK, WILL, join, server_for,
                    window)

YOU_ARE = "*** you are %s in %s, from 127.0.0.1"


def pair(t, **options):
    """A server, alice in lines and bob with keys; where bob is served."""
    server = server_for(t, workers=1, replay=0, **options)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    return server, alice, bob, seat_of(server, "Bob")


def type_each(server, keys, pieces, name="Bob"):
    """Each is read before the next is sent."""
    total = server.session(name)["in"]
    for piece in pieces:
        keys.type(piece)
        total += len(piece)
        wait_until(lambda: server.session(name)["in"] == total,
                   f"{total} bytes read from {name}")


# Wherever packets end.

TYPED = (b"ab" + LEFT + "ä日".encode() + b"\x01>\x1b[3~" + IAC + b"\xf7" +
         b"x" + NOP + b"\x05!" + window(80) + b"\r\0\x1b[200~1\r2\x1b[201~" +
         "\N{GLOWING STAR}".encode() + AYT + b"\x0b\xff\xff\xc3\r\n" +
         DO + TIMING_MARK + b"half\x1bb" + window(80))
HEARD = ["Bob: xä日b!", "Bob: 1", "Bob: 2🌟\ufffd\ufffd"]
SHOWN = ["xä日b!", "1", "[Yes]", "2🌟\ufffd\ufffd", "half"]


def check_typed(alice, bob):
    alice.expect(*HEARD)
    bob.shows(*SHOWN, column=0)
    bob.wait(lambda: bob.rows.said == WILL + TIMING_MARK, "the mark")
    bob.rows.said = b""
    bob.type(b"\x0b")
    bob.shows("")


@test
def all_keys_at_once_come_to_this(t):
    _, alice, bob, _ = pair(t)
    bob.type(TYPED)
    check_typed(alice, bob)


@test(limit=120)
def the_same_keys_at_every_split_come_to_the_same(t):
    server, alice, bob, _ = pair(t)
    for at in range(1, len(TYPED)):
        type_each(server, bob, [TYPED[:at], TYPED[at:]])
        check_typed(alice, bob)


@test
def one_key_at_a_time_comes_to_the_same(t):
    server, alice, bob, _ = pair(t)
    type_each(server, bob, [TYPED[i:i + 1] for i in range(len(TYPED))])
    check_typed(alice, bob)


@test(limit=120)
def a_worker_killed_after_any_byte_of_keys_comes_to_the_same(t):
    server, alice, bob, seat = pair(t)
    for i in range(len(TYPED)):
        type_each(server, bob, [TYPED[i:i + 1]])
        server.kill_worker(seat)
    check_typed(alice, bob)


# Those who don't read.

def own_and_others(rows, name="Alice"):
    """What others have said, and the rest, each in its order."""
    others = [r for r in rows if r.startswith(f"{name}: ")]
    return others, [r for r in rows if not r.startswith(f"{name}: ")]


def flood(alice, count, size=4000):
    """Alice says more than a queue holds; returns what it is."""
    lines = [f"{i} " + "x" * size for i in range(count)]
    for line in lines:
        alice.send(line)
    alice.send("/whoami")
    alice.lines_until(YOU_ARE % ("Alice", "general"))
    return [f"Alice: {line}" for line in lines]


@test(limit=120)
def one_who_types_without_reading_has_all_said_and_reads_all(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    carol = server.join("general", "Carol")
    alice.expect(JOINED % "Carol")
    bob = typing(server, "general", "Bob", rcvbuf=4096)
    for client in alice, carol:
        client.expect(JOINED % "Bob")
    seat = seat_of(server, "Bob")
    for kills in 0, 1:
        said = flood(alice, 400)
        wait_until(lambda: server.session("Bob")["lag"] > 0, "it lags")
        for i in range(5):
            bob.type(f"line {i}\r")
            if kills:
                server.kill_worker(seat)
        bob.type("half" + "\x02")
        bob.wait(lambda: bob.rows.text(-1) == "half" and
                 bob.rows.column == 3, "all is read")
        others, own = own_and_others(bob.rows.texts())
        assert others == said
        assert own == [f"line {i}" for i in range(5)] + ["half"], own
        del bob.rows.cells[:-1]
        alice.expect(*[f"Bob: line {i}" for i in range(5)])
        bob.type(b"\x15\x0b")
        bob.shows("")


@test(limit=120)
def output_is_aborted_for_one_who_reads_slowly(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    said = flood(alice, 1000)
    bob = typing(server, "general", "Bob", rcvbuf=4096)
    bob.type("/history 1000\r")
    bob.wait(lambda: len(bob.rows.texts()) > 5, "it has begun")
    bob.type(AO + b"x")
    bob.wait(lambda: bob.rows.text(-1) == "x", "it has ended")
    assert len(bob.rows.texts()) < len(said), len(bob.rows.texts())
    carol = join(server, "general", "Carol", rcvbuf=4096)
    carol.send_bytes(b"/history 1000\n")
    carol.raw_line()
    carol.send_bytes(AO + b"/whoami\n")
    lines = 0
    while b"you are" not in carol.raw_line():
        lines += 1
    assert lines < len(said), lines


@test(limit=120)
def rows_are_right_for_one_who_hardly_reads_whatever_dies(t):
    server = server_for(t, workers=1, replay=0)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob", rcvbuf=4096)
    alice.expect(JOINED % "Bob")
    seat = seat_of(server, "Bob")
    bob.type("hälf")
    bob.shows("hälf")
    said = []
    for i in range(20):
        said += flood(alice, 20, 3000 + i)
        for _ in range(5):
            bob.pump()
        server.kill_worker(seat)
    alice.send("last")
    bob.wait(lambda: bob.rows.text(-1) == "hälf" and
             bob.rows.text(-2) == "Alice: last", "all is read")
    others, own = own_and_others(bob.rows.texts())
    assert others == said + ["Alice: last"] and own == ["hälf"]
    del bob.rows.cells[:-1]
    bob.type(ENTER)
    bob.shows("hälf", "")
    alice.lines_until("Bob: hälf")


@test
def a_paste_of_replies_longer_than_a_queue_is_answered_in_order(t):
    server = server_for(t, workers=1, replay=0)
    server.join("general", "Alice")
    bob = typing(server, "general", "Bob", rcvbuf=4096)
    for _ in range(30):
        bob.type("/help\r/whoami\r")
    bob.type("half")
    bob.wait(lambda: bob.rows.text(-1) == "half", "all is read")
    rows = bob.rows.texts()
    own = [r for r in rows if not r.startswith("*** /") and
           not r.startswith("*** a line") and r in (
               "/help", "/whoami", YOU_ARE % ("Bob", "general"))]
    assert own == ["/help", "/whoami", YOU_ARE % ("Bob", "general")] * 30, own


# Those who move.

def elsewhere(server, name, rooms):
    """Two of the rooms that are served by different telnet workers."""
    seats = {r: server.session(f"{name}{r}")["worker"] for r in rooms}
    for a in rooms:
        for b in rooms:
            if seats[a] != seats[b]:
                return a, b
    raise AssertionError(f"all in one place: {seats}")


@test(limit=120)
def a_line_half_typed_goes_along_when_its_session_moves(t):
    server = server_for(t, workers=1, telnet_workers=2, replay=0)
    rooms = [f"room{i}" for i in range(6)]
    others = {r: join(server, r, f"in_{r}") for r in rooms}
    a, b = elsewhere(server, "in_", rooms)
    alice = server.join(a, "Alice")
    others[a].overheard = None
    bob = typing(server, a, "Bob")
    alice.expect(JOINED % "Bob")
    seats = set()
    for i in range(20):
        seats.add(wait_until(lambda: server.session("Bob"),
                             "it has moved")["worker"])
        bob.type(f"/join {b}\rhalf {i}")
        bob.wait(lambda i=i: bob.rows.text(-1) == f"half {i}", "it is shown")
        bob.wait(lambda: len(bob.rows.cells) == 3, "it has joined")
        assert bob.rows.texts()[:2] == [f"/join {b}", JOINED % "Bob"], \
            bob.rows.texts()
        del bob.rows.cells[:-1]
        seats.add(wait_until(lambda: server.session("Bob"),
                             "it has moved")["worker"])
        bob.type(b"\x15" + f"/join {a}\rsaid {i}\rhalf".encode())
        bob.wait(lambda: len(bob.rows.cells) == 4 and
                 bob.rows.text(-1) == "half", "it is back")
        rows = bob.rows.texts()
        assert sorted(rows) == sorted(
            [f"/join {a}", JOINED % "Bob", f"said {i}", "half"]), rows
        del bob.rows.cells[:-1]
        bob.type(b"\x15")
        bob.shows("")
        alice.expect(LEFT_ROOM % "Bob", JOINED % "Bob", f"Bob: said {i}")
    assert len(seats) == 2, seats


# Whatever dies.

POINTS = """
    input.spare input.noted input.received input.keep.copied
    input.keep.buffer input.keep.stored input.kept edit.consumed edit.echoed
    edit.kept step.noting step.noted step.cleared journal.half.stored
    journal.applied journal.settled ring.append.reserved
    ring.append.torn ring.append.uncommitted ring.committed
    publish.committed publish.bell talk.line tx.noted tx.sent tx.done
    tx.cleared lag.turned lock.acquired lock.released fanout.staged
    fanout.sent worker.woken worker.sleeping takeover.tx takeover.in
    """.split()


def type_a_little(alice, bob, i):
    """Every kind of thing that is shown, one after the other."""
    bob.type("hel")
    bob.shows("hel")
    alice.send(f"{i} one")
    bob.shows(f"Alice: {i} one", "hel")
    bob.type(f"o {i}".encode() + b"\x01" + b"\x06" * 3 + b"l")
    bob.shows(f"hello {i}", column=4)
    bob.type(ENTER + b"half")
    alice.expect(f"Bob: hello {i}")
    bob.shows(f"hello {i}", "half")
    alice.send(f"{i} two", f"{i} three")
    bob.wait(lambda: len(bob.rows.cells) == 3, "both come")
    bob.shows(f"Alice: {i} two", f"Alice: {i} three", "half")
    bob.type(b"\x15/whoami\r" + AYT)
    bob.wait(lambda: len(bob.rows.cells) == 4 and
             not bob.rows.text(-1), "it is there")
    rows = bob.rows.texts()
    assert sorted(rows) == sorted(
        ["/whoami", YOU_ARE % ("Bob", "general"), "[Yes]", ""]), rows
    assert rows[0] == "/whoami", rows
    del bob.rows.cells[:-1]


@test(faults=True, limit=150)
def a_death_at_any_moment_of_typing_leaves_every_row_right(t):
    server, alice, bob, seat = pair(t, faults=True)
    for what in Deaths(server, seat).at(POINTS, 1, 2, 3, 5):
        type_a_little(alice, bob, what)


@test(faults=True, limit=150)
def a_death_in_a_paste_costs_no_line_and_doubles_none(t):
    server, alice, bob, seat = pair(t, faults=True)
    for what in Deaths(server, seat).at(POINTS, 1, 3):
        lines = [f"{what} {n}" for n in range(20)]
        bob.type("\r".join(lines[:10] + ["/whoami"] + lines[10:]) + "\rhalf")
        alice.expect(*[f"Bob: {line}" for line in lines])
        bob.wait(lambda: len(bob.rows.cells) == 23 and
                 bob.rows.text(-1) == "half", "all is shown")
        rows = bob.rows.texts()
        rows.remove(YOU_ARE % ("Bob", "general"))
        assert rows == lines[:10] + ["/whoami"] + lines[10:] + ["half"], rows
        del bob.rows.cells[:-1]
        bob.type(b"\x15")
        bob.shows("")


@test(faults=True, limit=150)
def a_death_in_front_of_a_full_queue_leaves_every_row_right(t):
    server = server_for(t, workers=1, replay=0, faults=True)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob", rcvbuf=4096)
    alice.expect(JOINED % "Bob")
    points = """edit.consumed edit.echoed edit.kept tx.noted tx.sent
        tx.cut.copied tx.done tx.cleared input.received input.kept
        input.keep.stored step.noted""".split()
    for what in Deaths(server, seat_of(server, "Bob")).at(points, 1, 4):
        bob.type("ty")
        bob.shows("ty")
        said = flood(alice, 30, 4000)
        bob.type(f"ped {what}\rhalf")
        bob.wait(lambda w=what: bob.rows.text(-1) == "half" and
                 len(bob.rows.cells) == 32, "all is read")
        others, own = own_and_others(bob.rows.texts())
        assert others == said and own == [f"typed {what}", "half"], own
        del bob.rows.cells[:-1]
        alice.expect(f"Bob: typed {what}")
        bob.type(b"\x15")
        bob.shows("")


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_login_by_keys_is_not_noticed(t):
    server = server_for(t, workers=1, replay=0, faults=True)
    join(server, "x", "First")
    seat = seat_of(server, "First")
    points = POINTS + ["adopt.passed", "adopt.new.owned", "adopt.new.filled",
                       "adopt.new.done"]
    points = [p for p in points if not p.startswith("fanout.")]
    room, name = "Enter room name:", "Enter username:"
    for _ in Deaths(server, seat).at(points, 1, 2, 6):
        bob = Keys(server)
        bob.type(b"\r")
        bob.wait(lambda: len(bob.rows.cells) == 4 and
                 bob.rows.text(-1) == room, "asked again")
        rows = bob.rows.texts()
        assert rows[:2] == [WELCOME, room], rows
        assert rows[2].startswith("*** error bad-room: "), rows
        del bob.rows.cells[:-1]
        bob.type("general")
        bob.shows(f"{room} general")
        bob.type(ENTER)
        bob.shows(f"{room} general", name, column=len(name) + 1)
        bob.type("Bo")
        bob.shows(f"{name} Bo")
        bob.type(b"b\rhalf")
        bob.shows(f"{name} Bob", JOINED % "Bob", "half")
        bob.type(b"\x15/quit\r")
        bob.ends("/quit", "")
        bob.close()
        server.wait_sessions(1)


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_move_is_not_noticed(t):
    server = server_for(t, workers=1, telnet_workers=2, replay=0, faults=True)
    rooms = [f"room{i}" for i in range(6)]
    for room in rooms:
        join(server, room, f"in_{room}")
    a, b = elsewhere(server, "in_", rooms)
    points = """move.unlinked move.given move.told move.lagging
        adopt.moved.in adopt.passed lag.turned edit.consumed edit.echoed
        edit.kept tx.sent tx.done input.kept input.keep.stored step.noted
        journal.half.stored""".split()
    for what in Deaths(server, -1).at(points, 1, 2):
        for first, then in (a, b), (b, a):
            bob = typing(server, first, "Bob")
            bob.type(f"/join {then}\rsaid {what}\rhalf")
            bob.wait(lambda b=bob: len(b.rows.cells) == 4 and
                     b.rows.text(-1) == "half", "it is there")
            rows = bob.rows.texts()
            assert rows[0] == f"/join {then}", rows
            assert sorted(rows) == sorted(
                [f"/join {then}", JOINED % "Bob", f"said {what}", "half"]), \
                rows
            del bob.rows.cells[:-1]
            bob.type(b"\x15/quit\r")
            bob.ends("/quit", "")
            bob.close()
            server.wait_sessions(len(rooms))
