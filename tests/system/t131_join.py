# SPDX-License-Identifier: MIT
"""/join: from one room into another, and nothing is lost on the way."""
from lib import JOINED, LEFT, test, wait_until
from t130_commands import YOU_ARE, expect_nothing
from t200_names import BAD_ROOMS

BAD_ROOM = ("*** error bad-room: a room's name is 1 to 64 bytes of UTF-8 "
            "without white space and invisible characters")
TOO_MANY = ("*** error too-many-rooms: there is no place for another room, "
            "join one that exists")


def joined(lines, name):
    """Where in the lines is that join line, which is there once?"""
    assert lines.count(JOINED % name) == 1, lines
    return lines.index(JOINED % name)


@test
def the_old_room_reads_the_leave_and_the_new_one_the_join(t):
    server = t.server(workers=4)
    alice, bob = server.room("red", "Alice", "Bob")
    carol = server.join("blue", "Carol")
    alice.send("in red", "/join blue", "in blue")
    bob.expect("Alice: in red", LEFT % "Alice")
    alice.expect(JOINED % "Alice")
    carol.expect(JOINED % "Alice", "Alice: in blue")
    bob.send("red")
    carol.send("blue")
    alice.expect("Carol: blue")
    expect_nothing(alice, bob, carol)
    row = server.session("Alice")
    assert row["room"] == "blue"
    assert {r["name"]: r["members"] for r in server.dump("rooms")} == \
        {"red": 1, "blue": 2}


@test
def each_line_goes_to_the_room_where_it_was_said(t):
    server = t.server(workers=4)
    rooms = {f"room{i}": server.join(f"room{i}", f"c{i}") for i in range(6)}
    alice = server.join("room0", "Alice")
    lines = ["0 0", "/join room1", "1 0", "1 1", "/me 1 2", "/join room2",
             "/join room3", "3 0", "/nick Ally", "3 1", "/join room4",
             "/msg c0 psst", "/join room5", "5 0", "/join room0", "0 1",
             "/quit"]
    alice.send(*lines)
    alice.lines_to_end()
    join, left = JOINED % "Alice", LEFT % "Alice"
    joined_2, left_2 = JOINED % "Ally", LEFT % "Ally"
    expected = {
        "room0": [join, "Alice: 0 0", left, "[private] Ally: psst",
                  joined_2, "Ally: 0 1", left_2],
        "room1": [join, "Alice: 1 0", "Alice: 1 1", "* Alice 1 2", left],
        "room2": [join, left],
        "room3": [join, "Alice: 3 0", "*** Alice is now known as Ally",
                  "Ally: 3 1", left_2],
        "room4": [joined_2, left_2],
        "room5": [joined_2, "Ally: 5 0", left_2],
    }
    for name, client in rooms.items():
        client.expect(*expected[name])
    expect_nothing(*rooms.values())


def move_amid_talk(server, turn, kill=None):
    """Mover goes from red to blue while both are talked in; observers tell
    what was said in them before and after."""
    red, blue = f"red{turn}", f"blue{turn}"
    names = [f"{who}{turn}" for who in ("Rob", "Ron", "Bob", "Ben", "Mo")]
    rob, ron = server.room(red, *names[:2])
    bob, ben = server.room(blue, *names[2:4])
    mo = server.join(red, names[4])
    for client in rob, ron:
        client.expect(JOINED % names[4])
    for i in range(300):
        rob.send(f"red {i}")
        bob.send(f"blue {i}")
        if i == 150:
            mo.send("last words", f"/join {blue}", "first words")
        if kill is not None and i == 160:
            kill()
    in_blue = ben.lines_until(f"{names[4]}: first words")
    rob.send("end of red")  # now that the move is over, whoever is slow
    in_red = ron.lines_until(f"{names[0]}: end of red")
    bob.send("end of blue")
    in_blue += ben.lines_until(f"{names[2]}: end of blue")
    got = mo.lines_until(f"{names[2]}: end of blue")
    left = in_red.index(LEFT % names[4])
    assert in_red[:left].count(f"{names[4]}: last words") == 1
    assert [x for x in in_red if x.startswith(names[4])] == \
        [f"{names[4]}: last words"]
    at = joined(in_blue, names[4])
    assert not any(x.startswith(names[4]) for x in in_blue)
    want = [x for x in in_red[:left] if not x.startswith(names[4])] + \
        in_blue[at:]
    assert got == want, (got, want)
    for client in rob, ron, bob, ben, mo:
        client.close()


@test
def who_moves_reads_all_before_its_leave_and_nothing_after_it(t):
    server = t.server(workers=4)
    for turn in range(12):
        move_amid_talk(server, turn)


@test
def who_moves_loses_nothing_when_its_worker_dies(t):
    server = t.server(workers=2)
    for turn in range(8):
        move_amid_talk(server, turn,
                       lambda: server.kill_worker(turn % 2))


@test(faults=True)
def a_death_anywhere_in_a_move_loses_nothing(t):
    server = t.server(workers=2, faults=True)
    points = ["step.noting", "step.noted", "ring.append.uncommitted",
              "ring.committed", "journal.apply.room",
              "journal.applied", "journal.half.stored", "step.cleared",
              "publish.committed", "lag.turned", "move.lagging",
              "move.unlinked", "move.given", "move.told", "adopt.moved.in"]
    for turn, point in enumerate(points):
        armed = []

        def arm(armed=armed, point=point):
            if not armed:
                armed.append(point)
                server.faults.arm(point, "die", countdown=1 + turn % 3)

        move_amid_talk(server, turn, arm)


@test
def a_slow_reader_reads_the_old_room_to_its_end_first(t):
    server = t.server(workers=2)
    alice, bob = server.room("red", "Alice", "Bob")
    carol = server.join("blue", "Carol")
    slow = server.join("red", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    text = "x" * 1000
    for i in range(2000):
        alice.send(f"{i} {text}")
        bob.expect(f"Alice: {i} {text}")
    slow.send("/join blue", "hello", "/whoami")
    bob.expect(LEFT % "Slow")
    carol.expect(JOINED % "Slow")
    alice.send("not for Slow")
    carol.send("for Slow")
    slow.expect(*(f"Alice: {i} {text}" for i in range(2000)))
    slow.expect(JOINED % "Slow", "Carol: for Slow",
                YOU_ARE % ("Slow", "blue"))
    carol.expect("Slow: hello")


@test
def the_last_to_leave_ends_a_room(t):
    server = t.server(workers=4)
    alice = server.join("red", "Alice")
    alice.send("/topic tea")
    alice.expect("*** Alice set the topic: tea")
    alice.send("/join blue")
    alice.expect(JOINED % "Alice")
    assert [r["name"] for r in server.dump("rooms")] == ["blue"]
    alice.send("/topic")
    alice.expect("*** blue has no topic")
    bob = server.join("RED", "Bob")
    bob.send("/topic")
    bob.expect("*** RED has no topic")
    alice.send("/join red", "/topic")
    alice.expect(JOINED % "Alice", "*** RED has no topic")
    bob.expect(JOINED % "Alice")
    assert [r["name"] for r in server.dump("rooms")] == ["RED"]


@test
def who_joins_where_it_is_stays(t):
    server = t.server()
    alice, bob = server.room("Red", "Alice", "Bob")
    for room in "Red", "red", "RED", "red password":
        alice.send(f"/join {room}")
        alice.expect(YOU_ARE % ("Alice", "Red"))
    alice.send("hello")
    bob.expect("Alice: hello")
    assert server.dump("rooms")[0]["members"] == 2


@test
def each_wrong_room_is_bad_room_and_changes_nothing(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for what, room in BAD_ROOMS.items():
        # Blanks divide a command's words, and are left out around them.
        if not room.strip() or b" " in room or b"\t" in room:
            continue
        alice.send(b"/join " + room)
        line = alice.line()
        assert line == BAD_ROOM, (what, line)
    alice.send("hello")
    bob.expect("Alice: hello")


@test
def no_room_is_made_beyond_max_rooms(t):
    server = t.server(workers=4, max_rooms=2)
    alice, bob = server.room("red", "Alice", "Bob")
    carol = server.join("blue", "Carol")
    alice.send("/join green", "still here", "/join BLUE")
    bob.expect("Alice: still here", LEFT % "Alice")
    carol.expect(JOINED % "Alice")
    alice.expect(TOO_MANY, JOINED % "Alice")
    bob.send("/join blue")
    for client in alice, bob, carol:
        client.expect(JOINED % "Bob")
    # With red at its end there is a place.
    bob.send("/join green")
    bob.expect(JOINED % "Bob")
    for client in alice, carol:
        client.expect(LEFT % "Bob")


@test
def who_hangs_up_behind_a_join_has_said_everything(t):
    server = t.server(workers=4)
    rob, bob = server.join("red", "Rob"), server.join("blue", "Bob")
    for i in range(20):
        alice = server.connect()
        alice.send_bytes(f"red\nAlice\none {i}\n/join blue\ntwo {i}".encode())
        alice.half_close()
        rob.expect(JOINED % "Alice", f"Alice: one {i}", LEFT % "Alice")
        bob.expect(JOINED % "Alice", f"Alice: two {i}", LEFT % "Alice")
        alice.expect(JOINED % "Alice", JOINED % "Alice")
        alice.expect_end()


@test
def many_who_change_rooms_all_the_time_end_where_they_should(t):
    server = t.server(workers=4)
    clients = [server.join(f"room{i % 5}", f"c{i}") for i in range(40)]
    for turn in range(1, 26):
        for i, client in enumerate(clients):
            client.send(f"/join room{(i + turn * (1 + i % 3)) % 5}")
        if turn % 5 == 0:
            server.kill_worker(turn // 5 % 4)
    members = {}
    for i, client in enumerate(clients):
        room = f"room{(i + 25 * (1 + i % 3)) % 5}"
        members[room] = members.get(room, 0) + 1
        client.send("/whoami")
        client.lines_until(YOU_ARE % (f"c{i}", room))
    wait_until(lambda: {r["name"]: r["members"]
                        for r in server.dump("rooms")} == members,
               "the rooms count their members right")
