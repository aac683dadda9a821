# SPDX-License-Identifier: MIT
"""Commands: what each does, whom it reaches, and what it says if it can't."""
from lib import JOINED, LEFT, test
from t200_names import BAD_NAMES

COMMANDS = ("/help", "/who", "/rooms", "/whoami", "/join", "/nick", "/me",
            "/msg", "/topic", "/quit", "//TEXT")

BAD_NAME = ("a name is 1 to 32 bytes of UTF-8 without white space, \":\" and "
            "invisible characters, and begins with none of * [ /")
NAME_TAKEN = "somebody has that name already, choose another"
NO_SUCH_NAME = "there is nobody and nothing of that name"
NO_HISTORY = "this server keeps no history to search"
UNKNOWN = "there is no such command; // at the beginning sends a text with /"
BAD_TEXT = "nothing is left of that line without its control characters"

TOPIC_USAGE = "/topic [TEXT], of 256 bytes at most"
BAD_USAGES = {
    "/me": "/me TEXT",
    "/me  \t ": "/me TEXT",
    "/msg": "/msg NAME TEXT",
    "/msg Bob": "/msg NAME TEXT",
    "/msg Bob \t": "/msg NAME TEXT",
    "/nick": "/nick NAME [PASSWORD]",
    "/nick  ": "/nick NAME [PASSWORD]",
    "/join": "/join ROOM [PASSWORD]",
    "/who a b": "/who [ROOM]",
    "/topic " + "t" * 257: TOPIC_USAGE,
    "/topic " + "é" * 128 + "t": TOPIC_USAGE,
}

YOU_ARE = "*** you are %s in %s, from 127.0.0.1"


def expect_nothing(*clients):
    """Whatever they were not to read would come before this."""
    for client in clients:
        client.send("/nothing")
        client.expect(f"*** error unknown-command: {UNKNOWN}")


def far_apart(server):
    """Alice and Bob in rooms of their own, served by different workers."""
    alice = server.join("red", "Alice")
    seat = server.session("Alice")["worker"]
    for i in range(100):
        bob = server.join(f"blue{i}", "Bob")
        if server.session("Bob")["worker"] != seat:
            return alice, bob, f"blue{i}"
        bob.send("/quit")
        bob.expect_end()
    raise AssertionError("all rooms are at home with one worker")


@test
def help_tells_of_each_command(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    alice.send("/help", "/nothing")
    lines = alice.lines_until(f"*** error unknown-command: {UNKNOWN}")
    assert all(line.startswith("*** /") for line in lines), lines
    told = [line.split()[1] for line in lines]
    assert set(COMMANDS) <= set(told), told
    expect_nothing(bob)


@test
def whoami_tells_name_room_and_address(t):
    alice = t.server().join("Général", "Alice")
    alice.send("/whoami")
    alice.expect(YOU_ARE % ("Alice", "Général"))


@test
def each_wrong_use_is_answered_with_the_right_one(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for line, usage in BAD_USAGES.items():
        alice.send(line)
        alice.expect(f"*** error bad-usage: {usage}")
    expect_nothing(bob)


@test
def what_is_no_command_is_unknown(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for line in ("/", "/ me text", "/\tme text", "/nonsense with words",
                 "/hel", "/helpme", "/me\u00a0text", "/mé text",
                 b"/m\xff text"):
        alice.send(line)
        alice.expect(f"*** error unknown-command: {UNKNOWN}")
    expect_nothing(bob)


@test
def names_that_nobody_has_are_no_such_name(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for line in ("/msg Nobody hello", "/msg Bo hello", "/msg Bobb hello",
                 "/msg general hello", "/msg " + "x" * 500 + " hello",
                 "/who nowhere", "/who Alice", "/who " + "x" * 500,
                 b"/msg \xff hello", b"/who \xff"):
        alice.send(line)
        alice.expect(f"*** error no-such-name: {NO_SUCH_NAME}")
    bob.send("/quit")
    alice.expect(LEFT % "Bob")
    alice.send("/msg Bob hello")
    alice.expect(f"*** error no-such-name: {NO_SUCH_NAME}")


@test
def search_without_history_is_no_history(t):
    alice = t.server().join("general", "Alice")
    for line in "/search", "/search some words":
        alice.send(line)
        alice.expect(f"*** error no-history: {NO_HISTORY}")


@test
def a_text_of_controls_only_is_bad_text_in_commands_too(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for line in (b"/me \x01\x02", b"/msg Bob \x7f", b"/topic \x01",
                 "/me \u202e".encode()):
        alice.send(line)
        alice.expect(f"*** error bad-text: {BAD_TEXT}")
    expect_nothing(bob)


@test
def commands_ignore_ascii_case(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    alice.send("/ME waves", "/Msg BOB psst", "/nICK Ally", "/TOPIC tea")
    bob.expect("* Alice waves", "[private] Alice: psst",
               "*** Alice is now known as Ally",
               "*** Ally set the topic: tea")
    alice.expect("*** Alice is now known as Ally",
                 "*** Ally set the topic: tea")
    alice.send("/WhoAmI", "/QUIT")
    alice.expect(YOU_ARE % ("Ally", "general"))
    alice.expect_end()
    bob.expect(LEFT % "Ally")


@test
def who_leaves_reads_first_what_it_asked_for(t):
    server = t.server()
    for last in b"/quit\n", b"":
        for line, answers in (
                ("/whoami", [YOU_ARE % ("Alice", "tea")]),
                ("/topic", ["*** tea has no topic"]),
                ("/who", ["*** 1 in tea", "*** Alice"]),
                ("/rooms", ["*** 1 room", "*** tea: 1"])):
            alice = server.connect()
            alice.send_bytes(f"tea\nAlice\n{line}\n".encode() + last)
            alice.half_close()
            alice.expect(JOINED % "Alice", *answers)
            alice.expect_end()
            server.wait_sessions(0)


@test
def two_slashes_send_one(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    alice.send("//quit", "//", "///", "//me waves", "/me //waves")
    bob.expect("Alice: /quit", "Alice: /", "Alice: //", "Alice: /me waves",
               "* Alice //waves")


@test
def an_action_is_read_by_all_but_who_says_it(t):
    server = t.server(workers=4)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    dave = server.join("other", "Dave")
    alice.send("/me waves", "/me\t \t waves  again \t", b"/me a\x01b\xff")
    for client in bob, carol:
        client.expect("* Alice waves", "* Alice waves  again",
                      "* Alice ab\ufffd")
    expect_nothing(alice, dave)


@test
def the_longest_texts_go_with_commands_too(t):
    server = t.server(max_line=4096)
    alice, bob = server.room("general", "Alice", "Bob")
    text = "x" * (4096 - len("/me "))
    alice.send("/me " + text, "/me " + text + "x")
    bob.expect("* Alice " + text)
    alice.expect("*** error too-long: a line holds at most 4096 bytes")
    worst = b"\xff" * (4096 - len("/msg Bob "))
    alice.send(b"/msg Bob " + worst, b"/me " + worst)
    for begin in "[private] Alice: ", "* Alice ":
        bob.expect(begin + "\ufffd" * len(worst))


# Renaming.


@test
def a_rename_is_read_by_everyone_in_the_room(t):
    server = t.server(workers=4)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    dave = server.join("other", "Dave")
    alice.send("/nick Ally")
    for client in alice, bob, carol:
        client.expect("*** Alice is now known as Ally")
    expect_nothing(dave)
    assert server.session("Ally") and not server.session("Alice")
    alice.send("/whoami")
    alice.expect(YOU_ARE % ("Ally", "general"))


@test
def what_is_said_behind_a_rename_carries_the_new_name(t):
    server = t.server(workers=4)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("one", "/nick Ally", "two", "/me waves", "/msg Bob psst",
               "/nick Alicia", "three", "/quit")
    bob.expect("Alice: one", "*** Alice is now known as Ally", "Ally: two",
               "* Ally waves", "[private] Ally: psst",
               "*** Ally is now known as Alicia", "Alicia: three",
               LEFT % "Alicia")


@test
def the_old_name_is_free_again_and_the_new_one_is_taken(t):
    server = t.server(workers=4)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("/nick Ally")
    alice.expect("*** Alice is now known as Ally")
    carol = server.join("other", "ALICE")
    bob.send("/msg alice to Carol", "/msg ally to Alice")
    carol.expect("[private] Bob: to Carol")
    alice.expect("[private] Bob: to Alice")
    dave = server.connect()
    dave.send("general", "aLLY")
    dave.expect(f"*** error name-taken: {NAME_TAKEN}")
    for name in "bob", "Alice", "aLICE":
        alice.send(f"/nick {name}")
        alice.expect(f"*** error name-taken: {NAME_TAKEN}")
    alice.send("/whoami")
    alice.expect(YOU_ARE % ("Ally", "general"))


@test
def two_can_swap_their_names(t):
    server = t.server(workers=4)
    alice, bob = server.room("general", "Alice", "Bob")
    for _ in range(20):
        alice.send("/nick Carol")
        bob.expect("*** Alice is now known as Carol")
        bob.send("/nick Alice")
        alice.expect("*** Alice is now known as Carol",
                     "*** Bob is now known as Alice")
        alice.send("/nick Bob")
        bob.expect("*** Bob is now known as Alice",
                   "*** Carol is now known as Bob")
        alice.expect("*** Carol is now known as Bob")
        alice, bob = bob, alice
    expect_nothing(alice, bob)


@test
def ones_own_name_in_another_case_is_not_taken(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("/nick ALICE", "hello")
    bob.expect("*** Alice is now known as ALICE", "ALICE: hello")
    alice.expect("*** Alice is now known as ALICE")
    assert server.session("ALICE")


@test
def each_wrong_new_name_is_bad_name_and_changes_nothing(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for what, name in BAD_NAMES.items():
        # Blanks behind a command's words are none of a name.
        if name.strip() != name or not name:
            continue
        alice.send(b"/nick " + name)
        line = alice.line()
        assert line == f"*** error bad-name: {BAD_NAME}", (what, line)
    alice.send("hello")
    bob.expect("Alice: hello")


@test
def of_many_who_take_a_name_at_once_one_gets_it(t):
    server = t.server(workers=8)
    clients = [server.join(f"room{i}", f"c{i}") for i in range(16)]
    for turn in range(20):
        for i, client in enumerate(clients):
            client.send(f"/nick {'Star' if i % 2 else 'STAR'}{turn}")
        lines = [client.line() for client in clients]
        taken = f"*** error name-taken: {NAME_TAKEN}"
        assert sum(x == taken for x in lines) == 15, lines
        assert sum(" is now known as " in x for x in lines) == 1, lines


# Private messages.


@test
def a_private_message_reaches_its_reader_only(t):
    server = t.server(workers=4)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    alice.send("/msg bob hello,  you", "/msg \t Bob \t tabs", "after")
    bob.expect("[private] Alice: hello,  you", "[private] Alice: tabs",
               "Alice: after")
    carol.expect("Alice: after")
    expect_nothing(alice)


@test
def a_private_message_reaches_any_room_and_worker(t):
    server = t.server(workers=4)
    alice, bob, room = far_apart(server)
    carol = server.join("red", "Carol")
    alice.expect(JOINED % "Carol")
    dave = server.join(room, "Dave")
    bob.expect(JOINED % "Dave")
    for i in range(200):
        alice.send(f"/msg Bob number {i}")
        bob.expect(f"[private] Alice: number {i}")
        bob.send(f"/msg Alice number {i} too")
        alice.expect(f"[private] Bob: number {i} too")
    expect_nothing(alice, bob, carol, dave)


@test
def a_private_message_follows_its_reader_to_another_room(t):
    server = t.server(workers=4)
    alice, bob, _ = far_apart(server)
    for i in range(50):
        bob.send(f"/join place{i}")
        for k in range(4):
            alice.send(f"/msg Bob {i} {k}")
        got = [bob.line() for _ in range(5)]
        got.remove(JOINED % "Bob")
        assert got == [f"[private] Alice: {i} {k}" for k in range(4)], got
    expect_nothing(alice, bob)


@test
def one_may_write_to_oneself(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    alice.send("/msg Alice remember the milk")
    alice.expect("[private] Alice: remember the milk")
    expect_nothing(bob)


# Topics.


@test
def a_topic_is_set_for_all_and_shown_to_who_asks(t):
    server = t.server(workers=4)
    alice, bob = server.room("General", "Alice", "Bob")
    bob.send("/topic")
    bob.expect("*** General has no topic")
    alice.send("/topic  tea \t and cake ")
    for client in alice, bob:
        client.expect("*** Alice set the topic: tea \t and cake")
    carol = server.join("general", "Carol")
    for client in alice, bob:
        client.expect(JOINED % "Carol")
    carol.expect("*** topic of General: tea \t and cake")
    carol.send("/topic")
    carol.expect("*** topic of General: tea \t and cake")
    assert server.dump("rooms")[0]["topic"] == "tea \t and cake"
    carol.send("/topic coffee")
    carol.expect("*** Carol set the topic: coffee")
    carol.send("/topic")
    carol.expect("*** topic of General: coffee")
    for client in alice, bob:
        client.expect("*** Carol set the topic: coffee")
    expect_nothing(alice, bob, carol)


@test
def a_topic_holds_256_bytes_and_not_one_more(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for topic in "t" * 256, "é" * 128, "😀" * 64:
        alice.send("/topic " + topic)
        for client in alice, bob:
            client.expect("*** Alice set the topic: " + topic)
        for more in topic + "t", topic + "é":
            alice.send("/topic " + more)
            alice.expect(f"*** error bad-usage: {TOPIC_USAGE}")
        bob.send("/topic", "/rooms")
        bob.expect("*** topic of general: " + topic, "*** 1 room",
                   "*** general: 2, " + topic)
    # What counts are the bytes of what is left of it.
    alice.send(b"/topic " + b"\x01" * 300 + b"short")
    alice.expect("*** Alice set the topic: short")
    alice.send(b"/topic " + b"\xff" * 86)
    alice.expect(f"*** error bad-usage: {TOPIC_USAGE}")


@test
def who_changes_something_and_asks_reads_of_the_change_first(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for i in range(20):
        alice.send(f"/topic tea {i}", "/topic", f"/nick Al{i}", "/whoami",
                   "/nick Bob", "/nick Alice")
        was = ["*** Alice set the topic: tea %d" % i,
               "*** Alice is now known as Al%d" % i,
               "*** Al%d is now known as Alice" % i]
        bob.expect(*was)
        alice.expect(was[0], "*** topic of general: tea %d" % i, was[1],
                     YOU_ARE % ("Al%d" % i, "general"))
        alice.expect_error("name-taken")
        alice.expect(was[2])


@test
def a_topic_survives_its_worker_and_who_set_it(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("/topic tea", "/quit")
    bob.expect("*** Alice set the topic: tea", LEFT % "Alice")
    server.kill_worker(0)
    server.kill_worker(1)
    bob.send("/topic", "/rooms", "/whoami")
    bob.expect("*** topic of general: tea", "*** 1 room",
               "*** general: 1, tea", YOU_ARE % ("Bob", "general"))
