# SPDX-License-Identifier: MIT
"""Long replies: complete, piece by piece, and in nobody's way."""
import contextlib
import threading

from lib import JOINED, LEFT, test, wait_until
from t130_commands import UNKNOWN, YOU_ARE, expect_nothing


def fill_rooms(server, count, topics=True):
    """So many rooms of one member each; returns their lines in /rooms."""
    clients = [server.connect() for _ in range(count)]
    lines = set()
    for i, client in enumerate(clients):
        room = f"room{i}".ljust(60, "-")
        topic = f"{i} ".ljust(250, "t")
        client.send(room, f"m{i}")
        if topics:
            client.send("/topic " + topic)
        lines.add(f"*** {room}: 1" + (f", {topic}" if topics else ""))
    for i, client in enumerate(clients):
        client.expect(JOINED % f"m{i}")
        if topics:
            client.line()
    return lines


@contextlib.contextmanager
def talk(speaker, name, listener):
    """Meanwhile one says numbered messages and another reads them all."""
    done = threading.Event()
    errors = []

    def run():
        said = 0
        try:
            while not done.is_set():
                for _ in range(20):
                    speaker.send(f"{said}")
                    listener.expect(f"{name}: {said}")
                    said += 1
        except (AssertionError, OSError) as e:
            errors.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert not errors, errors[0]


def read_names(client, room, count):
    """The next reply to /who; returns its names."""
    client.lines_until(f"*** {count} in {room}")
    names = []
    while len(names) < count:
        line = client.line()
        assert line.startswith("*** "), line[:80]
        assert len(line) < 500, "a line of names is too long"
        names += line[4:].split(" ")
    return names


def check_rooms(lines, want):
    """A reply to /rooms: each of the rooms once, each line whole."""
    rooms = [x for x in lines if x.startswith("*** room")]
    assert len(rooms) == len(set(rooms)), "a room is listed twice"
    assert set(rooms) == want, (
        sorted(want - set(rooms))[:3], sorted(set(rooms) - want)[:3])


@test
def who_is_complete_while_others_talk(t):
    server = t.server(workers=4)
    alice = server.join("big", "Alice")
    names = ["Alice"] + [f"member-{i}-".ljust(30, "n") for i in range(299)]
    members = [server.connect() for _ in names[1:]]
    for name, client in zip(names[1:], members):
        client.send("big", name)
    server.wait_joined(300)
    alice.send("/who", "/who big", "/who BIG")
    for _ in range(3):
        assert sorted(read_names(alice, "big", 300)) == sorted(names)
    eve = server.join("small", "Eve")
    bob, carol = server.room("talk", "Bob", "Carol")
    with talk(bob, "Bob", carol):
        for _ in range(20):
            eve.send("/who Big")
            assert sorted(read_names(eve, "big", 300)) == sorted(names)
    eve.send("/who")
    eve.expect("*** 1 in small", "*** Eve")


@test(limit=120)
def rooms_are_complete_while_others_talk(t):
    server = t.server(workers=4)
    want = fill_rooms(server, 1000, topics=False)
    bob, carol = server.room("talk", "Bob", "Carol")
    dave = server.join("other", "Dave")
    with talk(bob, "Bob", carol):
        for _ in range(10):
            dave.send("/rooms", "/nothing")
            lines = dave.lines_until(
                f"*** error unknown-command: {UNKNOWN}")
            assert lines[0] == "*** 1002 rooms"
            assert len(lines) == 1003
            check_rooms(lines, want)


@test(limit=120)
def who_does_not_read_its_replies_holds_up_nobody(t):
    server = t.server(workers=2)
    want = fill_rooms(server, 400)
    bob, carol = server.room("talk", "Bob", "Carol")
    sleeper = server.join("talk", "Sleeper", rcvbuf=4096)
    for client in bob, carol:
        client.expect(JOINED % "Sleeper")
    for i in range(200):
        sleeper.send("/whoami" if i % 20 else "/rooms")
    sleeper.send("at last")
    for i in range(2000):
        bob.send(f"{i}")
        carol.expect(f"Bob: {i}")
    bob.send("/rooms", "/whoami")
    check_rooms(bob.lines_until(YOU_ARE % ("Bob", "talk")), want)
    # It is not forgotten: all that it asked for comes, and what it missed.
    lines = [sleeper.line() for _ in range(10 * 402 + 190 + 2000)]
    assert [x for x in lines if x.startswith("Bob")] == \
        [f"Bob: {i}" for i in range(2000)]
    replies = [x for x in lines if not x.startswith("Bob")]
    for _ in range(10):
        assert replies[0] == "*** 401 rooms", replies[0]
        check_rooms(replies[:402], want)
        assert replies[402:421] == [YOU_ARE % ("Sleeper", "talk")] * 19
        del replies[:421]
    bob.expect("Sleeper: at last")


@test(limit=120)
def hundreds_who_do_not_read_leave_replies_to_the_others(t):
    server = t.server(workers=2)
    want = fill_rooms(server, 400)
    bob = server.join("talk", "Bob")
    sleepers = [server.connect(rcvbuf=4096) for _ in range(400)]
    for i, client in enumerate(sleepers):
        client.send("sleep", f"s{i}", "/rooms", "/rooms")
    server.wait_joined(801)
    wait_until(lambda: sum(r["lagging"] for r in server.dump("sessions")
                           if r["room"] == "sleep") == 400,
               "no sleeper's reply goes on")
    for _ in range(20):
        bob.send("/who", "/whoami", "/rooms", "/topic")
        lines = bob.lines_until("*** talk has no topic")
        assert lines[:3] == ["*** 1 in talk", "*** Bob",
                             YOU_ARE % ("Bob", "talk")], lines[:3]
        check_rooms(lines, want)


@test(limit=120)
def one_who_does_not_read_its_replies_can_still_leave(t):
    server = t.server(workers=2)
    fill_rooms(server, 400)
    bob = server.join("talk", "Bob")
    for last in "/quit", None:
        alice = server.join("talk", "Alice", rcvbuf=4096)
        bob.expect(JOINED % "Alice")
        alice.send("/rooms")
        if last:
            alice.send(last)
        else:
            alice.half_close()
        bob.expect(LEFT % "Alice")


def slow_rooms(server, want, between):
    """A client that reads a long /rooms little by little; between(i) is
    called ten times meanwhile."""
    bob, carol = server.room("talk", "Bob", "Carol")
    slow = server.join("talk", "Slow", rcvbuf=4096)
    for client in bob, carol:
        client.expect(JOINED % "Slow")
    slow.send("/rooms")
    lines = [slow.line()]
    for i in range(10):
        bob.send(f"{i}")
        carol.expect(f"Bob: {i}")
        between(server.session("Slow")["worker"], i)
        for _ in range(30):
            lines.append(slow.line())
    while len(lines) < len(want) + 2:
        lines.append(slow.line())
    assert lines[0] == f"*** {len(want) + 1} rooms", lines[0]
    check_rooms(lines, want)
    slow.expect(*(f"Bob: {i}" for i in range(10)))
    expect_nothing(bob, carol, slow)


@test(limit=120)
def a_long_reply_survives_its_worker_ten_times(t):
    server = t.server(workers=2)
    want = fill_rooms(server, 800)
    slow_rooms(server, want, lambda seat, _: server.kill_worker(seat))


@test(faults=True, limit=120)
def a_long_reply_survives_deaths_at_each_of_its_steps(t):
    server = t.server(workers=2, faults=True)
    want = fill_rooms(server, 800)
    points = ["pool.claimed", "tx.noted", "tx.sent", "tx.done",
              "tx.cleared"]

    def die(seat, i):
        point = points[i % len(points)]
        server.faults.arm(point, "die", countdown=1 + i // 5, seat=seat)

    slow_rooms(server, want, die)


@test(limit=120)
def rooms_that_come_and_go_leave_the_others_listed_once(t):
    server = t.server(workers=4)
    want = fill_rooms(server, 600)
    slow = server.join("talk", "Slow", rcvbuf=4096)
    gypsy = server.join("tent0", "Gypsy")
    slow.send("/rooms", "/nothing")
    for i in range(1, 300):
        gypsy.send(f"/join tent{i}")
        gypsy.expect(JOINED % "Gypsy")
    lines = slow.lines_until(f"*** error unknown-command: {UNKNOWN}")
    check_rooms(lines, want)
