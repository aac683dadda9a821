# SPDX-License-Identifier: MIT
"""The line editor, in bytes: keys in, rows out, lines to the others."""
import socket

from editing import (DOWN, ENTER, LEFT, RIGHT, UP, WELCOME, Keys, columns,
                     typing)
from lib import JOINED, LEFT as LEFT_ROOM, test
from telnet import (AO, AYT, BRK, DM, DO, DONT, ECHO, IAC, IP, NAWS, NOP,
                    TIMING_MARK, WILL, WONT, server_for, window)

HOME, END, DELETE = b"\x1b[H", b"\x1b[F", b"\x1b[3~"
CTRL = {c: bytes([ord(c) & 0x1f]) for c in "ABCDEFGHKLNOPRTUWY"}


def pair(t, **options):
    """A server, alice in lines and bob with keys."""
    server = server_for(t, **options)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    return server, alice, bob


@test
def keys_are_shown_and_enter_ends_the_row(t):
    _, alice, bob = pair(t)
    text = "Hi Alice! äö日e\N{COMBINING ACUTE ACCENT}."
    for key in range(len(text)):
        bob.type(text[key])
        bob.shows(text[:key + 1], column=columns(text[:key + 1]))
    bob.type(ENTER)
    bob.shows(text, "")
    alice.expect(f"Bob: {text}")


@test
def each_way_to_end_a_line_ends_one(t):
    _, alice, bob = pair(t)
    for end in b"\r", b"\n", b"\r\n", b"\r\0", b"\x1bOM":
        bob.type(b"x" + end)
        bob.shows("x", "")
        alice.expect("Bob: x")


@test
def what_others_say_appears_above_the_row_being_typed(t):
    _, alice, bob = pair(t)
    alice.send("nothing typed")
    bob.shows("Alice: nothing typed", "")
    bob.type("half a")
    bob.shows("half a")
    for i in range(5):
        alice.send(f"{i}", "and more 🌟")
        bob.shows(f"Alice: {i}", "Alice: and more 🌟", "half a")
    bob.type(LEFT + LEFT)
    bob.shows("half a", column=4)
    alice.send("the cursor stays")
    bob.shows("Alice: the cursor stays", "half a", column=4)
    bob.type(b" of" + END + b" line" + ENTER)
    bob.shows("half of a line", "")
    alice.expect("Bob: half of a line")


@test
def a_line_appears_above_with_these_bytes(t):
    _, alice, bob = pair(t)
    bob.type("half")
    bob.shows("half")
    alice.send("Hi!")
    got = bob.client.bytes(len(b"\r\x1b[KAlice: Hi!\r\nhalf"))
    assert got == b"\r\x1b[KAlice: Hi!\r\nhalf", got


@test
def a_dumb_terminal_is_sent_nothing_but_text_and_bs(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob", terminal_name="DUMB")
    alice.expect(JOINED % "Bob")
    bob.type("abcdef" + "\x02" * 4 + "X")
    bob.shows("abXcdef", column=3)
    alice.send("Hi!")
    want = b"\r       " + b"\b" * 7 + b"Alice: Hi!\r\nabXcdef\b\b\b\b"
    got = bob.client.bytes(len(want))
    assert got == want, got


@test
def keys_edit_the_line(t):
    _, alice, bob = pair(t)
    for keys, text, column in (
            (b"abc" + LEFT + b"X", "abXc", 3),
            (CTRL["A"] + b">", ">abXc", 1),
            (CTRL["E"] + b"<", ">abXc<", 6),
            (CTRL["B"] * 2 + b"\x7f", ">abc<", 3),
            (CTRL["F"] + b"\x08", ">ab<", 3),
            (DELETE, ">ab", 3),
            (HOME + CTRL["D"], "ab", 0),
            (END + " cd ef".encode() + CTRL["W"], "ab cd", 6),
            (CTRL["A"] + CTRL["K"], "", 0),
            (CTRL["Y"], "ab cd", 6),
            (b"x" + CTRL["U"] + b"y", "y", 1),
            (CTRL["Y"], "yab cd x", 8),
            (b"\x1bb" + b"-", "yab cd -x", 8),
            (CTRL["A"] + b"\x1bf" + b"+", "yab+ cd -x", 4),
            (b"\x1bd", "yab+ -x", 4),
            (CTRL["T"], "yab +-x", 5),
            (CTRL["L"], "yab +-x", 5),
            (CTRL["C"], "", 0)):
        bob.type(keys)
        bob.shows(text, column=column)
    bob.type_line("said")
    alice.expect("Bob: said")
    bob.shows("said", "")


@test
def the_cursor_steps_over_wide_and_joined_characters(t):
    _, alice, bob = pair(t)
    bob.type("日本語e\N{COMBINING ACUTE ACCENT}x")
    bob.shows("日本語e\N{COMBINING ACUTE ACCENT}x", column=8)
    bob.type(LEFT + LEFT + LEFT)
    bob.shows("日本語e\N{COMBINING ACUTE ACCENT}x", column=4)
    bob.type(DELETE + b"\x7f")
    bob.shows("日e\N{COMBINING ACUTE ACCENT}x", column=2)
    bob.type(RIGHT + b"\x7f" + ENTER)
    bob.shows("日x", "")
    alice.expect("Bob: 日x")


@test
def a_row_longer_than_the_window_is_seen_in_part_and_said_whole(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob", width=40)
    alice.expect(JOINED % "Bob")
    line = "".join(f"{i:03} " for i in range(60)).strip()
    for i in range(0, len(line), 7):
        bob.type(line[i:i + 7])
    bob.wait(lambda: bob.rows.text(-1).endswith("059"), "its end is seen")
    assert len(bob.rows.cells) == 1 and len(bob.rows.cells[-1]) < 40
    bob.type(CTRL["A"])
    bob.shows(line[:39], column=0)
    alice.send("Hi!")
    bob.shows("Alice: Hi!", line[:39], column=0)
    bob.type(window(20))
    bob.shows(line[:19], column=0)
    bob.type(window(60))
    bob.shows(line[:59], column=0)
    bob.type(WONT + NAWS)
    bob.shows(line[:79], column=0)
    bob.type(ENTER)
    bob.shows(line, "")
    alice.expect(f"Bob: {line}")


@test
def several_lines_pasted_at_once_are_several_messages(t):
    _, alice, bob = pair(t)
    lines = [f"line {i}" for i in range(100)]
    bob.type("\r".join(lines))
    alice.expect(*[f"Bob: {line}" for line in lines[:-1]])
    bob.shows(*lines)
    bob.type(ENTER)
    bob.shows(lines[-1], "")
    alice.expect(f"Bob: {lines[-1]}")
    # In brackets, keys but Enter do nothing.
    bob.type(b"\x1b[200~a\x03b\tc\x15\x1b[Dd\re\x1b[201~f" + ENTER)
    alice.expect("Bob: ab\tcd", "Bob: ef")
    bob.shows("ab cd", "ef", "")


@test
def the_login_is_typed_in_one_go(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = Keys(server)
    bob.type(b"general\rBob\rHi!\rand")
    alice.expect(JOINED % "Bob", "Bob: Hi!")
    bob.wait(lambda: len(bob.rows.cells) == 6 and
             bob.rows.text(-1) == "and", "all is shown")
    rows = bob.rows.texts()
    assert rows[0] == WELCOME, rows
    assert sorted(rows[1:]) == sorted(
        ["Enter room name: general", "Enter username: Bob",
         JOINED % "Bob", "Hi!", "and"]), rows


@test
def interrupt_clears_the_line_and_ctrl_d_leaves_when_it_is_empty(t):
    _, alice, bob = pair(t)
    for key in CTRL["C"], IP, BRK, IAC + b"\xee", CTRL["U"], IAC + b"\xf8":
        bob.type(b"not said")
        bob.shows("not said")
        bob.type(key)
        bob.shows("")
    bob.type(b"xy" + LEFT + CTRL["D"])
    bob.shows("x")
    bob.type(b"\x7f" + CTRL["D"])
    alice.expect(LEFT_ROOM % "Bob")
    bob.ends("")


@test
def eof_of_telnet_is_ctrl_d(t):
    _, alice, bob = pair(t)
    bob.type(b"xyz" + LEFT + IAC + b"\xec")
    bob.shows("xy")
    bob.type(CTRL["U"] + IAC + b"\xec")
    alice.expect(LEFT_ROOM % "Bob")
    bob.ends("")


@test
def commands_of_telnet_are_keys_wherever_they_stand(t):
    _, alice, bob = pair(t)
    bob.type(b"abX" + IAC + b"\xf7" + b"c" + NOP + DM)
    bob.shows("abc")
    bob.type(b"wrong" + IP + b"ri" + NOP + b"ght" + ENTER)
    bob.shows("right", "")
    alice.expect("Bob: right")


@test
def urgent_data_is_a_key_in_its_place(t):
    """The Synch of RFC 854, as telnet sends it with its interrupt."""
    _, alice, bob = pair(t)
    for i in range(5):
        bob.type(b"wrong" + IP)
        bob.client.socket.send(DM, socket.MSG_OOB)
        bob.type(f"ri{i}".encode())
        bob.client.socket.send(b"g", socket.MSG_OOB)
        bob.type(b"ht" + ENTER)
        bob.shows(f"ri{i}ght", "")
        alice.expect(f"Bob: ri{i}ght")


@test
def are_you_there_is_answered_above_the_line(t):
    _, _, bob = pair(t)
    bob.type(AYT)
    bob.shows("[Yes]", "")
    bob.type(b"half" + LEFT + AYT)
    bob.shows("[Yes]", "half", column=3)


@test
def options_are_answered_while_a_line_is_typed(t):
    _, alice, bob = pair(t)
    bob.type("half")
    bob.shows("half")
    bob.type(DO + TIMING_MARK + WILL + b"\xc8" + AO)
    bob.wait(lambda: bob.rows.said == WILL + TIMING_MARK + DONT + b"\xc8" + DM,
             "answers come")
    alice.send("Hi!")
    bob.shows("Alice: Hi!", "half")


@test
def one_that_takes_echo_back_goes_on_in_lines_with_what_was_typed(t):
    _, alice, bob = pair(t)
    bob.type("half ")
    bob.shows("half", column=5)
    bob.type(DONT + ECHO)
    bob.wait(lambda: bob.rows.said == WONT + ECHO, "the server echoes no more")
    bob.rows.said = b""
    bob.type(b"a line\r\n")
    alice.expect("Bob: half a line")
    bob.type(DO + ECHO)
    bob.wait(lambda: bob.rows.said == WILL + ECHO, "it does again")
    bob.rows.cells, bob.rows.column = [[]], 0
    bob.type(b"keys")
    bob.shows("keys")
    bob.type(ENTER)
    bob.shows("keys", "")
    alice.expect("Bob: keys")


@test
def replies_come_behind_the_line_they_are_about(t):
    _, _, bob = pair(t)
    bob.type(b"/whoami\r/topic\rhalf")
    bob.shows("/whoami", "*** you are Bob in general, from 127.0.0.1",
              "/topic", "*** general has no topic", "half")


@test
def commands_quit_and_wrong_lines_look_as_they_were_typed(t):
    _, alice, bob = pair(t)
    bob.type_line("/nope")
    bob.wait(lambda: len(bob.rows.cells) == 3, "the error comes")
    rows = bob.rows.texts()
    assert rows[0] == "/nope" and rows[2] == "", rows
    assert rows[1].startswith("*** error unknown-command: "), rows
    bob.rows.cells = [[]]
    bob.type("half")
    bob.shows("half")
    bob.type(CTRL["U"])
    bob.type_line("/quit")
    bob.ends("/quit", "")
    alice.expect(LEFT_ROOM % "Bob")


@test
def a_wrong_name_is_asked_for_again_in_a_row_of_its_own(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = Keys(server)
    for wrong, code in ("a\tb", "bad-room"), ("alice", "name-taken"):
        prompt = "Enter room name:"
        if code == "name-taken":
            bob.type_line("general")
            bob.shows("Enter room name: general", "Enter username:",
                      column=16)
            prompt = "Enter username:"
        # Ctrl-V and such are no text: a TAB is pasted.
        bob.type(b"\x1b[200~" + wrong.encode() + b"\x1b[201~" + ENTER)
        bob.wait(lambda p=prompt: bob.rows.text(-1) == p and
                 len(bob.rows.cells) > 2, "it is asked for again")
        rows = bob.rows.texts()[-3:]
        assert rows[0] == f"{prompt} {wrong}".replace("\t", " "), rows
        assert rows[1].startswith(f"*** error {code}: "), rows
        assert bob.rows.column == len(prompt) + 1
        del bob.rows.cells[:-1]
    bob.type_line("Bob")
    bob.shows("Enter username: Bob", JOINED % "Bob", "")
    alice.expect(JOINED % "Bob")


@test
def what_was_typed_ahead_of_a_wrong_line_is_thrown_away(t):
    server = server_for(t)
    bob = Keys(server)
    bob.type(b"x\x1b[200~\t\x1b[201~y\rgeneral\rBob\rhalf")
    bob.wait(lambda: len(bob.rows.cells) > 3, "it is asked for again")
    rows = bob.rows.texts()
    assert rows[:2] == [WELCOME, "Enter room name: x y"], rows
    assert rows[2].startswith("*** error bad-room: "), rows
    bob.wait(lambda: bob.rows.text(-1) == "Enter room name:", "the prompt")
    del bob.rows.cells[:-1]
    bob.type_line("general")
    bob.shows("Enter room name: general", "Enter username:", column=16)


@test
def a_line_too_long_rings_the_bell_and_keeps_what_fits(t):
    server = server_for(t, max_line=64)
    alice = server.join("general", "Alice")
    bob = typing(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    bob.type("x" * 64)
    bob.shows("x" * 64)
    assert bob.rows.bells == 0
    bob.type("y")
    bob.wait(lambda: bob.rows.bells == 1, "the bell")
    bob.type("z" * 100000)
    bob.type(b"\x7f" + b"!" + ENTER)
    bob.shows("x" * 63 + "!", "")
    alice.expect("Bob: " + "x" * 63 + "!")


@test
def the_history_comes_back_key_by_key(t):
    _, alice, bob = pair(t)
    for text in "one", "two", "/me waves":
        bob.type_line(text)
        bob.wait(lambda n=text: bob.rows.texts()[-2:] == [n, ""], "typed")
        alice.line()
    del bob.rows.cells[:-1]
    bob.type("now")
    bob.shows("now")
    for key, text in ((UP, "/me waves"), (UP, "two"), (UP, "one"),
                      (DOWN, "two"), (DOWN, "/me waves"), (DOWN, "now")):
        bob.type(key)
        bob.shows(text)
    bob.type(UP + UP + b"!" + ENTER)
    bob.shows("two!", "")
    alice.expect("Bob: two!")
    bob.type(CTRL["R"])
    bob.type(CTRL["G"] + b"one" + CTRL["R"])
    bob.shows("one")
    bob.type(ENTER)
    bob.shows("one", "")
    alice.expect("Bob: one")


@test
def tab_completes_names_and_commands(t):
    _, alice, bob = pair(t)
    bob.type("al\t")
    bob.shows("Alice:", column=7)
    bob.type("hi" + "\r")
    bob.shows("Alice: hi", "")
    alice.expect("Bob: Alice: hi")
    bob.type("/who")
    bob.type("a\t")
    bob.shows("/whoami", column=8)
    bob.type(ENTER)
    bob.shows("/whoami", "*** you are Bob in general, from 127.0.0.1", "")


# Those who wait, and those who don't.

@test
def one_too_slow_to_log_in_is_told_behind_what_it_has_typed(t):
    server = server_for(t, login_timeout=1)
    bob = Keys(server)
    bob.type("gener")
    while not bob.client.ended:
        bob.pump()
    rows = bob.rows.texts()
    assert rows[0] == WELCOME and rows[-1] == "", rows
    assert rows[-2].startswith("*** error login-timeout: "), rows
    assert rows[1:-2] in ([], ["Enter room name: gener"]), rows


@test
def one_silent_for_too_long_is_told_in_a_row_of_its_own(t):
    server = server_for(t, idle_timeout=1)
    bob = typing(server, "general", "Bob")
    bob.type("half")
    while not bob.client.ended:
        bob.pump()
    rows = bob.rows.texts()
    assert rows[-1] == "", rows
    assert rows[-2].startswith("*** error idle-timeout: "), rows
    assert rows[:-2] in ([], ["half"]), rows


@test
def a_stop_is_told_in_a_row_of_its_own(t):
    server = server_for(t)
    bob = typing(server, "general", "Bob")
    carol = Keys(server)
    for client in bob, carol:
        client.type("half")
    bob.shows("half")
    carol.shows(WELCOME, "Enter room name: half")
    server.stop()
    for client in bob, carol:
        while not client.client.ended:
            client.pump()
        rows = client.rows.texts()
        assert rows[-1] == "", rows
        assert rows[-2].startswith("*** error shutting-down: "), rows
        assert rows[:-2] in ([], ["half"], ["Enter room name: half"]), rows


@test
def one_who_half_closes_has_all_said_but_half_a_line(t):
    """A FIN is no Enter; nothing that is typed is lost otherwise."""
    _, alice, bob = pair(t)
    bob.type(b"one\rtwo\r")
    bob.client.half_close()
    bob.ends("one", "two", "")
    alice.expect("Bob: one", "Bob: two", LEFT_ROOM % "Bob")
