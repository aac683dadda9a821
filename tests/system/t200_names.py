# SPDX-License-Identifier: MIT
"""The first two lines: what is a room, what is a name."""
from lib import JOINED, LEFT, test

# What neither a room nor a name may hold.
FORBIDDEN = {
    "a TAB": b"a\tb",
    "a no-break space": "a\u00a0b".encode(),
    "an ideographic space": "a\u3000b".encode(),
    "a NUL": b"a\0b",
    "an escape": b"a\x1bb",
    "DEL": b"a\x7fb",
    "a C1 control": "a\u009bb".encode(),
    "a CR inside": b"a\rb",
    "a stray byte": b"a\xffb",
    "a cut character": "aé".encode()[:-1],
    "an overlong form": b"a\xc0\xaf",
    "a surrogate": b"a\xed\xa0\x80",
    "a bidi override": "a\u202eb".encode(),
    "a bidi isolate": "a\u2066b".encode(),
    "a zero-width space": "a\u200bb".encode(),
    "a zero-width joiner": "a\u200db".encode(),
    "a byte order mark": "\ufeffa".encode(),
    "a soft hyphen": "a\u00adb".encode(),
    "private use": "a\ue000b".encode(),
    "a line separator": "a\u2028b".encode(),
    "nothing": b"",
}

BAD_NAMES = {
    **FORBIDDEN,
    "a space": b"a b",
    "a space at the end": b"a ",
    "a colon": b"a:b",
    "a colon at the end": b"a:",
    "* first": b"*a",
    "[ first": b"[a",
    "/ first": b"/a",
    "33 bytes": b"x" * 33,
    "17 characters of 33 bytes": ("é" * 16 + "x").encode(),
}

BAD_ROOMS = {
    **FORBIDDEN,
    "a space first": b" a",
    "65 bytes": b"x" * 65,
}


@test
def each_wrong_name_is_bad_name_and_a_right_one_joins_after_it(t):
    server = t.server(workers=2)
    for i, (what, name) in enumerate(BAD_NAMES.items()):
        client = server.connect()
        client.send("general", name)
        text = client.expect_error("bad-name")
        assert "32 bytes" in text, (what, text)
        client.send(f"user{i}")
        client.expect(JOINED % f"user{i}")


@test
def each_wrong_room_is_bad_room_and_a_right_one_is_taken_after_it(t):
    server = t.server(workers=2)
    for i, (what, room) in enumerate(BAD_ROOMS.items()):
        client = server.connect()
        client.send(room)
        text = client.expect_error("bad-room")
        assert "64 bytes" in text, (what, text)
        client.send("general", f"user{i}")
        client.expect(JOINED % f"user{i}")


@test
def the_longest_names_are_taken_as_they_are(t):
    server = t.server()
    for name in "x" * 32, "é" * 16, "😀" * 8, "-_.!$%&'()+,;<=>?@\\]^`{|}~*[/":
        room = "room-" + name + "y" * (64 - 5 - len(name.encode()))
        assert len(room.encode()) == 64
        client = server.join(room, name)
        rows = [r for r in server.dump("sessions") if r["room"] == room]
        assert [r["name"] for r in rows] == [name]
        client.send("/quit")
        client.expect_end()


@test
def a_room_may_begin_and_look_as_no_name_may(t):
    server = t.server()
    for i, room in enumerate(("*", "[a]", "/tmp", "a:b", "#1")):
        server.join(room, f"user{i}")
    assert len(server.dump("rooms")) == 5


@test
def an_error_comes_as_soon_as_the_wrong_line_is_read(t):
    server = t.server()
    client = server.connect()
    client.send(b"")
    client.expect_error("bad-room")
    client.send("general")
    client.send("*")
    client.expect_error("bad-name")
    client.send("Alice")
    client.expect(JOINED % "Alice")


@test
def the_third_wrong_line_closes(t):
    server = t.server()
    client = server.connect()
    for _ in range(3):
        client.send("\t")
        client.expect_error("bad-room")
    client.expect_end()


@test
def wrong_lines_count_over_both_lines(t):
    server = t.server()
    client = server.connect()
    client.send("")
    client.expect_error("bad-room")
    client.send("general", ":")
    client.expect_error("bad-name")
    client.send("*")
    client.expect_error("bad-name")
    client.expect_end()
    alice = server.join("general", "Alice")
    taken = server.connect()
    taken.send("general")
    for _ in range(3):
        taken.send("ALICE")
        taken.expect_error("name-taken")
    taken.expect_end()
    alice.send("/quit")


@test
def two_wrong_lines_do_not_close(t):
    server = t.server()
    client = server.connect()
    client.send("")
    client.expect_error("bad-room")
    client.send("general", "a b")
    client.expect_error("bad-name")
    client.send("Alice")
    client.expect(JOINED % "Alice")


@test
def after_a_wrong_name_the_room_stays(t):
    server = t.server()
    alice = server.join("garden", "Alice")
    bob = server.connect()
    bob.send("garden", "a:b")
    bob.expect_error("bad-name")
    bob.send("Bob")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")


@test
def what_arrived_behind_a_wrong_line_is_thrown_away(t):
    server = t.server()
    alice = server.join("general", "Alice")
    bob = server.connect()
    bob.send("general", "no name", "Mallory", "a message", "another")
    bob.expect_error("bad-name")
    bob.send("Bob")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")
    bob.send("now")
    alice.expect("Bob: now")


@test
def a_line_that_was_cut_there_is_thrown_away_to_its_end(t):
    server = t.server()
    alice = server.join("general", "Alice")
    bob = server.connect()
    bob.send_bytes(b"general\nno name\nMall")
    bob.expect_error("bad-name")
    bob.send_bytes(b"ory\nBob\n")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")


@test
def a_pasted_text_costs_one_error_however_it_is_cut(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    for i in range(20):
        bob = server.connect()
        bob.send_bytes(b"general\nno name\n" + b"x y\n" * (i * 300) + b"x")
        bob.expect_error("bad-name")
        bob.send(f"\nBob{i}")
        # Some of the text may have come after the error was said, and then
        # be wrong itself; what is never is that it joins.
        line = bob.line()
        while line is not None and "error bad-name" in line:
            bob.send(f"Bob{i}")
            line = bob.line()
        assert line in (None, JOINED % f"Bob{i}"), line
        if line is not None:
            alice.expect(JOINED % f"Bob{i}")
            bob.close()
            alice.expect(LEFT % f"Bob{i}")


@test
def a_name_is_taken_without_ascii_case_and_over_all_rooms(t):
    server = t.server(workers=4)
    alice = server.join("red", "Alice")
    for name in "Alice", "ALICE", "aLiCe":
        client = server.connect()
        client.send("blue", name)
        client.expect_error("name-taken")
        client.send(f"{name}-{name}")
        if name == "Alice":
            client.expect(JOINED % f"{name}-{name}")
        else:
            client.expect_error("name-taken")
    alice.send("/quit")
    alice.expect_end()
    server.join("blue", "ALICE")


@test
def a_name_is_free_as_soon_as_its_user_has_left(t):
    server = t.server(workers=4)
    bob = server.join("general", "Bob")
    for how in "quit", "eof", "reset":
        alice = server.join("general", "Alice")
        bob.expect(JOINED % "Alice")
        if how == "quit":
            alice.send("/quit")
        elif how == "eof":
            alice.close()
        else:
            alice.reset()
        bob.expect(LEFT % "Alice")


@test
def a_room_and_a_name_are_different_things(t):
    server = t.server()
    alice = server.join("Alice", "Alice")
    server.join("Alice", "Bob")
    alice.expect(JOINED % "Bob")


@test
def of_many_who_want_a_name_at_once_one_gets_it(t):
    server = t.server(workers=8)
    for _ in range(10):
        clients = [server.connect() for _ in range(16)]
        for client in clients:
            client.send_bytes(b"general\n")
        for n, client in enumerate(clients):
            client.send("Alice" if n % 2 else "ALICE")
        lines = [client.line() for client in clients]
        won = [n for n, x in enumerate(lines) if x.startswith("🌟")]
        assert len(won) == 1, lines
        assert sum("name-taken" in x for x in lines) == 15, lines
        assert server.dump("rooms")[0]["members"] == 1
        for client in clients:
            client.close()
        server.wait_sessions(0)
