# SPDX-License-Identifier: MIT
"""Telnet's line editor on the screens of telnet and plink.

In `line|`, and the like, the | is the cursor.
"""
import functools

from lib import JOINED, LEFT, test, wait_until
from t630_screens import NAME, ROOM, WELCOME, plink, telnet
from telnet import server_for

UP, DOWN, RIGHT, LEFT_KEY = ("\x1b[" + c for c in "ABCD")
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
WIDTHS = 40, 80, 132
# Each part of it is there once.
LONG = " ".join(f"word{i}" for i in range(10, 40))


def with_each(function):
    """Registers it as a test with telnet, and as one with plink."""
    for program in telnet, plink:
        @functools.wraps(function)
        def one(t, program=program):
            function(t, program)
        one.__name__ = f"{function.__name__}_in_{program.__name__}"
        test(one, limit=90)
    return function


def at_keys(t, server, program, name="Bob", **options):
    """Someone who has joined and whose keys are sent as they are typed."""
    bob, _ = program(t, server, **options)
    bob.wait_rows(WELCOME, ROOM, cursor=17)
    if program is plink:  # begins to negotiate by itself
        bob.wait_keys()
    bob.type("general\r")
    bob.wait_rows(ROOM + " general", NAME, cursor=16)
    bob.wait_keys()
    bob.type(name + "\r")
    bob.wait_rows(f"{NAME} {name}", JOINED % name, "", cursor=0)
    return bob


def talk(t, program, **options):
    """A server, Alice at a line client, and Bob at his keys."""
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = at_keys(t, server, program, **options)
    alice.expect(JOINED % "Bob")
    return server, alice, bob


def finish(bob, alice, line):
    """The line ends, is said once, and stays where it was typed."""
    bob.type("\r")
    alice.expect("Bob: " + line)
    alice.send("did it arrive?", "/whoami")
    assert alice.line().startswith("*** ")  # not said twice
    bob.wait_screen(
        lambda s: s.lines()[-2:] == ["Alice: did it arrive?", ""] and
        s.column == 0, "an empty line below the last message")
    assert not bob.screen.strange, bob.screen.strange


def steps(bob, *pairs):
    """Keys, and the line that each leads to."""
    for keys, line in pairs:
        bob.type(keys)
        bob.wait_line(line)


# Messages from others.

@with_each
def a_half_typed_line_stays_below_what_others_say(t, program):
    for columns in WIDTHS:
        _, alice, bob = talk(t, program, columns=columns)
        above = [JOINED % "Bob"]
        typed = ""
        for i, piece in enumerate(["so ", "much ", "to ", "say"]):
            bob.type(piece)
            typed += piece
            bob.wait_line(typed + "|", above)
            alice.send(f"message {i}")
            above.append(f"Alice: message {i}")
            bob.wait_line(typed + "|", above)
        finish(bob, alice, "so much to say")
        alice.close()
        bob.close()


@with_each
def the_cursor_stays_where_it_is_in_the_line(t, program):
    _, alice, bob = talk(t, program)
    bob.type("middle" + LEFT_KEY * 3)
    bob.wait_line("mid|dle")
    alice.send("one")
    bob.wait_line("mid|dle", ["Alice: one"])
    bob.type(HOME)
    bob.wait_line("|middle")
    alice.send("two", "three")
    bob.wait_line("|middle", ["Alice: one", "Alice: two", "Alice: three"])
    bob.type("x")
    bob.wait_line("x|middle")
    finish(bob, alice, "xmiddle")


@with_each
def a_line_longer_than_the_window_is_scrolled_in_it(t, program):
    for columns in WIDTHS:
        _, alice, bob = talk(t, program, columns=columns)
        above = [JOINED % "Bob"]
        bob.type(LONG)
        bob.wait_line(LONG + "|", above)
        alice.send("one")
        above.append("Alice: one")
        bob.wait_line(LONG + "|", above)
        bob.type(HOME)
        bob.wait_line("|" + LONG, above)
        alice.send("two")
        above.append("Alice: two")
        bob.wait_line("|" + LONG, above)
        for at in range(1, columns + 5):  # over the window's border
            bob.type(RIGHT)
            bob.wait_line(LONG[:at] + "|" + LONG[at:], above)
        bob.type(END)
        bob.wait_line(LONG + "|", above)
        finish(bob, alice, LONG)
        alice.close()
        bob.close()


@with_each
def a_window_of_another_size_shows_the_line_at_once(t, program):
    _, alice, bob = talk(t, program)
    bob.type(LONG + LEFT_KEY * 20)
    line = LONG[:-20] + "|" + LONG[-20:]
    above = []
    for columns in 40, 132, 80, 20, 240:
        bob.wait_line(line, above)
        alice.send(f"before {columns}")
        above = [f"Alice: before {columns}"]
        bob.wait_line(line, above)
        bob.resize(24, columns)
        bob.wait_line(line, above)
        alice.send(f"at {columns}")
        above = [f"Alice: at {columns}"]
        bob.wait_line(line, above)
    finish(bob, alice, LONG)


@with_each
def an_empty_line_is_no_line_of_its_own(t, program):
    _, alice, bob = talk(t, program)
    alice.send("one", "two")
    bob.wait_rows(JOINED % "Bob", "Alice: one", "Alice: two", "", cursor=0)
    bob.type("x\x7f")
    alice.send("three")
    bob.wait_rows("Alice: two", "Alice: three", "", cursor=0)
    bob.type("\r\r")  # says nothing
    bob.wait_screen(lambda s: s.lines()[-4:] == ["Alice: three", "", "", ""],
                    "two lines")
    alice.send("four")
    bob.wait_screen(lambda s: s.lines()[-2:] == ["Alice: four", ""], "four")
    alice.send("/whoami")
    assert alice.line().startswith("*** ")


@with_each
def messages_that_scroll_the_screen_are_all_there_in_order(t, program):
    _, alice, bob = talk(t, program, rows=10, columns=40)
    bob.type("half a line")
    bob.wait_line("half a line|")
    long = "x" * 60  # wraps
    alice.send(*[f"{i} {long if i % 3 == 0 else ''}." for i in range(60)])
    rows = [JOINED % "Bob"]
    for i in range(60):
        text = f"Alice: {i} {long if i % 3 == 0 else ''}."
        rows += [text[at:at + 40] for at in range(0, len(text), 40)]
    bob.wait_line("half a line|", rows)
    finish(bob, alice, "half a line")


@with_each
def replies_and_errors_appear_above_what_is_typed_behind_them(t, program):
    _, alice, bob = talk(t, program, columns=132)
    bob.type("/nope\rhalf")
    bob.wait_seen("*** error unknown-command: ")
    bob.wait_line("half|")
    rows = bob.screen.lines()[-3:-1]
    assert rows[0] == "/nope" and rows[1].startswith("*** "), \
        bob.screen.show()
    alice.send("x")
    bob.wait_line("half|", rows + ["Alice: x"])
    finish(bob, alice, "half")


# Keys.

@with_each
def arrows_and_letters_edit_anywhere_in_the_line(t, program):
    _, alice, bob = talk(t, program)
    steps(bob,
          ("hello", "hello|"),
          (LEFT_KEY * 3, "he|llo"),
          ("xy", "hexy|llo"),
          ("\x7f", "hex|llo"),
          ("\x08", "he|llo"),
          (RIGHT, "hel|lo"),
          (DELETE, "hel|o"),
          (HOME, "|helo"),
          ("\x7f", "|helo"),
          (LEFT_KEY, "|helo"),
          (END, "helo|"),
          (RIGHT, "helo|"),
          (DELETE, "helo|"),
          ("\x1b[1~", "|helo"),
          ("\x1b[4~", "helo|"),
          ("\x1bOH", "|helo"),
          ("\x1bOF", "helo|"),
          ("\x1bOD", "hel|o"),
          ("\x1bOC", "helo|"))
    finish(bob, alice, "helo")


@with_each
def control_keys_move_kill_and_yank(t, program):
    _, alice, bob = talk(t, program)
    steps(bob,
          ("one two three", "one two three|"),
          ("\x01", "|one two three"),
          ("\x06\x06", "on|e two three"),
          ("\x02", "o|ne two three"),
          ("\x05", "one two three|"),
          ("\x17", "one two |"),
          ("\x17", "one |"),
          ("\x19", "one two |"),
          ("\x01", "|one two "),
          ("\x0b", "|"),
          ("\x19", "one two |"),
          ("\x15", "|"),
          ("\x19\x19", "one two one two |"),
          ("\x1bb", "one two one |two "),
          ("\x1bb", "one two |one two "),
          ("\x1bf", "one two one| two "),
          ("\x1bd", "one two one| "),
          ("\x01\x1bd", "| two one "),
          ("\x04", "|two one "),
          ("\x05\x7f", "two one|"),
          ("\x14", "two oen|"),
          ("\x02\x14", "two one|"),
          ("\x0c", "two one|"),
          ("\x15ok", "ok|"))
    finish(bob, alice, "ok")


@with_each
def keys_and_messages_interleave_at_will(t, program):
    _, alice, bob = talk(t, program, columns=40)
    text = "a line typed key by key while the others talk"
    above = [JOINED % "Bob"]
    for i, key in enumerate(text):
        bob.type(key)
        if i % 4 == 0:
            alice.send(f"message {i}")
            above.append(f"Alice: message {i}")
    bob.wait_line(text + "|", above)
    finish(bob, alice, text)


@with_each
def up_and_down_walk_through_what_was_said(t, program):
    _, alice, bob = talk(t, program)
    for line in "first", "second", "third":
        bob.type(line + "\r")
        alice.expect("Bob: " + line)
    steps(bob,
          ("new", "new|"),
          (UP, "third|"),
          (UP, "second|"),
          (UP, "first|"),
          (DOWN, "second|"),
          (DOWN, "third|"),
          (DOWN, "new|"),
          (UP + UP, "second|"))
    alice.send("meanwhile")
    bob.wait_line("second|", ["third", "Alice: meanwhile"])
    bob.type(LEFT_KEY * 6 + "a ")
    bob.wait_line("a |second")
    finish(bob, alice, "a second")
    steps(bob, (UP, "a second|"), ("\x15", "|"))


@with_each
def ctrl_r_searches_in_what_was_said(t, program):
    _, alice, bob = talk(t, program)
    for line in "red apple", "green pear", "red cherry", "blue plum":
        bob.type(line + "\r")
        alice.expect("Bob: " + line)
    steps(bob,
          ("red", "red|"),
          ("\x12", "red cherry|"),
          ("\x12", "red apple|"),
          ("\x07", "red|"),
          ("\x12\x12", "red apple|"))
    finish(bob, alice, "red apple")


@with_each
def tab_completes_names_and_commands(t, program):
    _, alice, bob = talk(t, program)
    bob.type("Ali\t")
    bob.wait_screen(lambda s: s.line(s.row).startswith("Alice"), "Alice")
    bob.type("\x15/hist\t")
    bob.wait_screen(lambda s: s.line(s.row).startswith("/history"),
                    "/history")
    bob.type("\x15/msg ali\t")
    bob.wait_screen(lambda s: s.line(s.row).startswith("/msg Alice"),
                    "/msg Alice")
    bob.type("\x15nobodyhasthisname\t")
    bob.wait_line("nobodyhasthisname|")
    finish(bob, alice, "nobodyhasthisname")


@with_each
def lines_pasted_together_are_messages_apart(t, program):
    _, alice, bob = talk(t, program)
    bob.type("one\rtwo\rthree\rand ")
    alice.expect("Bob: one", "Bob: two", "Bob: three")
    bob.wait_line("and |", ["one", "two", "three"])
    bob.type("\x1b[200~four\rfive\rsix\x1b[201~")
    bob.wait_line("six|", ["and four", "five"])
    alice.expect("Bob: and four", "Bob: five")
    finish(bob, alice, "six")


@with_each
def what_is_pasted_in_brackets_is_no_key(t, program):
    _, alice, bob = talk(t, program)
    bob.type("\x1b[200~a\x01b\x03c\x1b[201~!")
    bob.wait_line("abc!|")
    finish(bob, alice, "abc!")


@with_each
def wide_and_combining_characters_take_their_columns(t, program):
    _, alice, bob = talk(t, program, columns=40)
    steps(bob,
          ("日本語", "日本語|"),
          (LEFT_KEY, "日本|語"),
          ("x", "日本x|語"),
          (LEFT_KEY * 2 + DELETE, "日|x語"),
          (HOME + "🌟", "🌟|日x語"),
          (END + "\x7f", "🌟日x|"),
          ("e\u0301a", "🌟日xe\u0301a|"),
          (LEFT_KEY, "🌟日xe\u0301|a"),
          (LEFT_KEY, "🌟日x|e\u0301a"),
          (LEFT_KEY * 2, "🌟|日xe\u0301a"),
          ("äöü", "🌟äöü|日xe\u0301a"))
    alice.send("wide: 日本語")
    bob.wait_line("🌟äöü|日xe\u0301a", [JOINED % "Bob", "Alice: wide: 日本語"])
    bob.type(END)
    finish(bob, alice, "🌟äöü日xe\u0301a")


@with_each
def wide_characters_are_scrolled_whole(t, program):
    _, alice, bob = talk(t, program, columns=41)
    text = "日本語" * 20
    bob.type(text)
    bob.wait_screen(lambda s: s.line(s.row).endswith("日本語") and
                    s.line(s.row - 1) == JOINED % "Bob", "the end of it")
    alice.send("one")
    bob.wait_screen(lambda s: s.line(s.row).endswith("日本語") and
                    s.line(s.row - 1) == "Alice: one", "the end of it")
    bob.type(HOME)
    bob.wait_screen(lambda s: s.line(s.row).startswith("日本語日本語") and
                    s.column == 0, "its beginning")
    finish(bob, alice, text)


@with_each
def ctrl_c_clears_the_line(t, program):
    _, alice, bob = talk(t, program)
    bob.type("not to be said")
    bob.wait_line("not to be said|")
    bob.type("\x03")
    bob.wait_screen(lambda s: s.line(s.row) == "" and s.column == 0,
                    "an empty line")
    bob.type("but this")
    bob.wait_line("but this|")
    finish(bob, alice, "but this")


@with_each
def ctrl_d_on_an_empty_line_leaves(t, program):
    _, alice, bob = talk(t, program)
    bob.type("x" + HOME + "\x04")  # no empty line: deletes
    bob.wait_line("|")
    alice.send("still here")
    bob.wait_rows("Alice: still here", "", cursor=0)
    bob.type("\x04")
    alice.expect(LEFT % "Bob")
    bob.wait_end()


# Names and rooms are edited, too.

@with_each
def a_wrong_name_is_asked_for_again_in_a_row_of_its_own(t, program):
    server = server_for(t)
    server.join("general", "Alice")
    bob, _ = program(t, server)
    bob.wait_rows(WELCOME, ROOM, cursor=17)
    if program is plink:
        bob.wait_keys()
    bob.type("general\r")
    bob.wait_rows(NAME, cursor=16)
    bob.wait_keys()
    bob.type("Alicf" + "\x7f" + "e")
    bob.wait_line("Alice|", prompt=NAME + " ")
    bob.type("\r")
    bob.wait_rows(NAME, cursor=16)
    rows = bob.screen.lines()
    assert rows[-3] == NAME + " Alice", bob.screen.show()
    assert rows[-2].startswith("*** error name-taken: "), bob.screen.show()
    bob.type("Bbo" + LEFT_KEY * 2 + DELETE + END + "b\r")
    bob.wait_rows(NAME + " Bob", JOINED % "Bob", "", cursor=0)


# Deaths of the worker.

@with_each
def a_half_typed_line_survives_the_worker(t, program):
    for columns in WIDTHS:
        server, alice, bob = talk(t, program, columns=columns)
        seat = server.session("Bob")["worker"]
        above = [JOINED % "Bob"]
        bob.type("what was typed")
        bob.wait_line("what was typed|", above)
        server.kill_worker(seat)
        alice.send("one")
        above.append("Alice: one")
        bob.wait_line("what was typed|", above)
        bob.type(LEFT_KEY * 5 + "has been ")
        bob.wait_line("what was has been |typed", above)
        server.kill_worker(seat)
        bob.wait_line("what was has been |typed", above)
        bob.type(END + "!")
        bob.wait_line("what was has been typed!|", above)
        finish(bob, alice, "what was has been typed!")
        alice.close()
        bob.close()


@with_each
def a_line_scrolled_in_its_window_survives_the_worker(t, program):
    server, alice, bob = talk(t, program, columns=40)
    seat = server.session("Bob")["worker"]
    line = LONG[:-30] + "|" + LONG[-30:]
    bob.type(LONG + LEFT_KEY * 30)
    bob.wait_line(line, [JOINED % "Bob"])
    for i in range(3):
        server.kill_worker(seat)
        alice.send(f"{i}")
        bob.wait_line(line, [f"Alice: {i}"])
    finish(bob, alice, LONG)


@with_each
def keys_typed_while_no_worker_lives_are_not_lost(t, program):
    server, alice, bob = talk(t, program)
    seat = server.session("Bob")["worker"]
    for i in range(5):
        bob.type(f"line {i}")
        server.signal_worker(seat, 9)
        bob.type(" and its end")
        bob.wait_line(f"line {i} and its end|")
        bob.type("\r")
        alice.expect(f"Bob: line {i} and its end")
        wait_until(lambda: len(server.events("worker-recovered")) > i,
                   "a successor")
    bob.wait_rows(JOINED % "Bob",
                  *[f"line {i} and its end" for i in range(5)], "")


@with_each
def what_was_said_is_still_in_the_history_after_a_death(t, program):
    server, alice, bob = talk(t, program)
    bob.type("first\rsecond\r")
    alice.expect("Bob: first", "Bob: second")
    server.kill_worker(server.session("Bob")["worker"])
    steps(bob, (UP, "second|"), (UP, "first|"))
    finish(bob, alice, "first")
