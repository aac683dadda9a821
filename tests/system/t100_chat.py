# SPDX-License-Identifier: MIT
"""Talking: the line protocol as its users see it."""
from lib import JOINED, LEFT, test


@test
def a_session_of_two_with_nc_reads_byte_by_byte_as_described(t):
    server = t.server(workers=8)
    alice = server.nc()
    alice.send("general", "Alice")
    joined = "🌟 Alice joined the room!\n".encode()
    assert alice.bytes(len(joined)) == joined
    bob = server.nc("-N")
    bob.send("general", "Bob")
    joined = "🌟 Bob joined the room!\n".encode()
    assert bob.bytes(len(joined)) == joined
    assert alice.bytes(len(joined)) == joined
    alice.send("Hello world!")
    assert bob.bytes(20) == b"Alice: Hello world!\n"
    bob.send("Hi Alice!")
    assert alice.bytes(15) == b"Bob: Hi Alice!\n"
    bob.end_input()
    bob.expect_end()
    assert bob.wait() == 0
    left = "👋 Bob left the room\n".encode()
    assert alice.bytes(len(left)) == left
    alice.send("/quit")
    alice.end_input()
    alice.expect_end()


@test
def the_server_says_nothing_before_the_join(t):
    server = t.server()
    alice = server.connect()
    alice.send("general")
    alice.send("Alice")
    assert alice.raw_line() == (JOINED % "Alice" + "\n").encode()


@test
def a_message_reaches_everyone_in_the_room_but_its_sender(t):
    server = t.server(workers=4)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    alice.send("one")
    bob.expect("Alice: one")
    carol.expect("Alice: one")
    bob.send("two")
    alice.expect("Bob: two")
    carol.expect("Bob: two")


@test
def two_rooms_do_not_hear_each_other(t):
    server = t.server(workers=4)
    alice, bob = server.room("red", "Alice", "Bob")
    carol, dave = server.room("blue", "Carol", "Dave")
    alice.send("in red")
    carol.send("in blue")
    bob.expect("Alice: in red")
    dave.expect("Carol: in blue")
    bob.send("/quit")
    alice.expect(LEFT % "Bob")
    dave.send("still blue")
    carol.expect("Dave: still blue")


@test
def crlf_ends_a_line_as_lf_does(t):
    server = t.server()
    alice = server.join("general", "Alice")
    bob = server.connect()
    bob.send_bytes(b"general\r\nBob\r\nfirst\r\nsecond\r\n")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob", "Bob: first", "Bob: second")


@test
def a_last_line_without_lf_is_delivered_before_nc_leaves(t):
    server = t.server()
    alice = server.join("general", "Alice")
    bob = server.nc("-N")
    bob.send_bytes(b"general\nBob\none\ntwo\nlast")
    bob.end_input()
    bob.expect(JOINED % "Bob")
    bob.expect_end()
    alice.expect(JOINED % "Bob", "Bob: one", "Bob: two", "Bob: last",
                 LEFT % "Bob")


@test
def one_who_half_closes_still_reads_what_was_said_before(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*(f"line {i}" for i in range(500)))
    bob.expect("Alice: line 0")
    bob.half_close()
    alice.expect(LEFT % "Bob")
    rest = bob.lines_to_end()
    assert rest == [f"Alice: line {i}" for i in range(1, 1 + len(rest))]


@test
def all_that_one_who_half_closes_has_sent_is_delivered(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    for _ in range(5):
        bob = server.connect()
        bob.send_bytes(b"".join(
            [b"general\nBob\n", *(b"%d\n" % n for n in range(20000)),
             b"last"]))
        bob.half_close()
        alice.expect(JOINED % "Bob")
        alice.expect(*(f"Bob: {n}" for n in range(20000)))
        alice.expect("Bob: last", LEFT % "Bob")
        bob.expect(JOINED % "Bob")
        bob.expect_end()


@test
def a_last_line_that_is_wrong_is_answered_before_the_end(t):
    server = t.server(max_line=64)
    for last, code in ((b"x" * 65, "too-long"), (b"\x01", "bad-text"),
                       (b"/dance", "unknown-command")):
        alice = server.connect()
        alice.send_bytes(b"general\nAlice\n" + last)
        alice.half_close()
        alice.expect(JOINED % "Alice")
        alice.expect_error(code)
        alice.expect_end()
        alice.close()
        server.wait_sessions(0)
    alice = server.connect()
    alice.send_bytes(b"general\nbad name")
    alice.half_close()
    alice.expect_error("bad-name")
    alice.expect_end()


@test
def a_name_without_lf_at_the_end_joins_and_leaves(t):
    server = t.server()
    alice = server.join("general", "Alice")
    bob = server.connect()
    bob.send_bytes(b"general\nBob")
    bob.half_close()
    bob.expect(JOINED % "Bob")
    bob.expect_end()
    alice.expect(JOINED % "Bob", LEFT % "Bob")


@test
def empty_lines_after_the_join_are_ignored(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("", "", "one", "")
    alice.send_bytes(b"\r\n\n")
    alice.send("two")
    bob.expect("Alice: one", "Alice: two")


@test
def quit_leaves(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    bob.send("bye", "/quit", "never heard")
    alice.expect("Bob: bye", LEFT % "Bob")
    bob.expect_end()
    carol = server.join("general", "Carol")
    alice.expect(JOINED % "Carol")
    carol.send("so nobody heard it")
    alice.expect("Carol: so nobody heard it")


@test
def quit_before_the_join_just_closes(t):
    server = t.server()
    for lines in ["/quit"], ["general", "/quit"]:
        client = server.connect()
        client.send(*lines)
        client.expect_end()


@test
def other_commands_are_unknown_and_close_nothing(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    for command in "/dance", "/", "/ quit", "/quitt":
        alice.send(command)
        alice.expect_error("unknown-command")
    alice.send("still here")
    bob.expect("Alice: still here")


@test
def two_slashes_send_one(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("//etc/passwd", "//", "///")
    bob.expect("Alice: /etc/passwd", "Alice: /", "Alice: //")


@test
def a_reset_makes_the_others_read_that_one_left(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    bob.reset()
    alice.expect(LEFT % "Bob")


@test
def many_lines_in_one_segment_arrive_in_order(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*(f"line {i}" for i in range(5000)))
    bob.expect(*(f"Alice: line {i}" for i in range(5000)))


@test
def a_line_may_arrive_byte_by_byte(t):
    server = t.server()
    alice = server.join("general", "Alice")
    bob = server.connect()
    for byte in "general\nBob\nHellö wörld!\n".encode():
        bob.send_bytes(bytes([byte]))
    alice.expect(JOINED % "Bob", "Bob: Hellö wörld!")


@test
def joining_and_first_messages_may_come_in_one_segment(t):
    server = t.server(workers=4)
    alice = server.join("general", "Alice")
    bob = server.connect()
    bob.send("general", "Bob", "one", "two")
    alice.expect(JOINED % "Bob", "Bob: one", "Bob: two")
    bob.expect(JOINED % "Bob")


@test
def rooms_compare_without_ascii_case(t):
    server = t.server()
    alice = server.join("General", "Alice")
    bob = server.join("gENERAL", "Bob")
    alice.expect(JOINED % "Bob")
    bob.send("same room")
    alice.expect("Bob: same room")
    rooms = server.dump("rooms")
    assert [(r["name"], r["members"]) for r in rooms] == [("General", 2)]


@test
def non_ascii_case_tells_rooms_and_names_apart(t):
    server = t.server()
    alice, bob = server.room("straße", "Änne", "änne")
    server.join("STRAßE", "Carol")
    alice.expect(JOINED % "Carol")
    server.join("STRASSE", "Dave")
    bob.expect(JOINED % "Carol")
    assert len(server.dump("rooms")) == 2


@test
def a_room_password_is_taken_as_what_follows_the_room(t):
    server = t.server()
    alice = server.join("general", "Alice")
    server.join("general secret words", "Bob")
    alice.expect(JOINED % "Bob")


@test
def a_room_ends_with_its_last_member_and_begins_anew(t):
    server = t.server()
    alice = server.join("general", "Alice")
    alice.send("into the void", "/quit")
    alice.expect_end()
    assert server.dump("rooms") == []
    server.join("general", "Bob")
    room = server.dump("rooms")[0]
    assert (room["members"], room["messages"]) == (1, 0)


@test
def all_members_read_all_messages_in_the_same_order(t):
    server = t.server(workers=4)
    names = [f"m{i}" for i in range(8)]
    members = server.room("general", *names)
    for i in range(50):
        for member in members:
            member.send(f"{i}")
    seen = []
    for name, member in zip(names, members):
        lines = [member.line() for _ in range(50 * 7)]
        for other in names:
            own = [x for x in lines if x.startswith(f"{other}: ")]
            assert own == ([] if other == name else
                           [f"{other}: {i}" for i in range(50)])
        seen.append(lines)
    for a, mine in zip(names, seen):
        for b, theirs in zip(names, seen):
            assert [x for x in mine if not x.startswith(f"{b}: ")] == \
                [x for x in theirs if not x.startswith(f"{a}: ")]
