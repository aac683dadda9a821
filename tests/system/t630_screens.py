# SPDX-License-Identifier: MIT
"""Telnet on the screen: what users of the usual clients see.

Each client runs under a pseudo-terminal.  Those that send keys when they are
asked to (telnet, plink, tintin++) get an editor; t640 is about that.  The
others (tf, nc, telnetlib) edit their lines by themselves.
"""
import os
import time
import warnings

from lib import JOINED, LEFT, test, wait_until
from peers import DEADLINE
from screen import Program, Screen
from telnet import server_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import telnetlib

WELCOME = "Welcome to Telnet Chat Proxy!"
ROOM = "Enter room name:"  # a blank at the end of a row is not seen
NAME = "Enter username:"


# The clients; each returns the program and the rows that it begins with.

def telnet(t, server, **options):
    return Program(t, "telnet", "127.0.0.1", str(server.telnet_port),
                   **options), \
        ["Trying 127.0.0.1...", "Connected to 127.0.0.1.",
         "Escape character is '^]'."]


def plink(t, server, **options):
    return Program(t, "plink", "-telnet", "-P", str(server.telnet_port),
                   "127.0.0.1", **options), []


def nc(t, server, **options):
    return Program(t, "nc", "127.0.0.1", str(server.telnet_port),
                   **options), []


def tintin(t, server, **options):
    """Notes in a file that it was asked to send keys."""
    t.write("tintin", "#event {IAC WILL SGA} {#line log {keys} {asked}}\n"
            f"#session chat 127.0.0.1 {server.telnet_port}\n")
    return Program(t, "tt++", "-G", "-r", "tintin", **options), []


def tf(t, server, *options):
    """It shows prompts at once only where it is told so."""
    t.write("tfrc", "/set lp=on\n/set warn_status=off\n")
    return Program(t, "tf5", *options, "-ftfrc", "127.0.0.1",
                   str(server.telnet_port)), []


def wait_tintin_keys(t):
    wait_until(lambda: os.path.exists(t.path("keys")),
               "tintin++ was asked for keys")


def session(server, program, head, keys=lambda: None, before=False):
    """The session that is printed in the documents, row by row; `keys` waits
    until the client sends keys, `before` anything is typed or once the
    room is."""
    rows = head + [WELCOME]
    alice = server.join("general", "Alice")
    program.wait_rows(*rows, ROOM, cursor=17)
    if before:
        keys()
    program.type("general\r")
    rows.append(ROOM + " general")
    program.wait_rows(*rows, NAME, cursor=16)
    if not before:
        keys()
    program.type("Bob\r")
    rows += [NAME + " Bob", JOINED % "Bob"]
    program.wait_rows(*rows, "", cursor=0)
    alice.expect(JOINED % "Bob")
    program.type("Hi Alice!\r")
    alice.expect("Bob: Hi Alice!")
    alice.send("Hi Bob! äöü 日本語")
    rows += ["Hi Alice!", "Alice: Hi Bob! äöü 日本語"]
    program.wait_rows(*rows, "", cursor=0)
    program.type("/quit\r")
    alice.expect(LEFT % "Bob")
    return rows + ["/quit"]


def assert_clean(program, rows):
    """Nothing else was ever on the screen, and nothing strange."""
    assert program.screen.all_lines() == rows, program.screen.show()
    assert not program.screen.strange, program.screen.strange


@test
def telnet_shows_the_session_as_it_is_printed(t):
    server = server_for(t)
    program, head = telnet(t, server)
    rows = session(server, program, head, program.wait_keys)
    program.wait_end()
    assert_clean(program, rows + ["Connection closed by foreign host.", ""])


@test
def telnet_on_a_dumb_terminal_shows_it_too_and_reads_no_escape(t):
    server = server_for(t)
    program, head = telnet(t, server, term="dumb")
    rows = session(server, program, head, program.wait_keys)
    program.wait_end()
    assert_clean(program, rows + ["Connection closed by foreign host.", ""])
    assert b"\x1b" not in program.written, program.written


@test
def plink_shows_the_session_as_it_is_printed(t):
    server = server_for(t)
    program, head = plink(t, server)
    rows = session(server, program, head, program.wait_keys, before=True)
    program.wait_end()
    assert_clean(program, rows + [""])


@test
def tintin_shows_the_session_as_it_is_printed(t):
    server = server_for(t)
    program, head = tintin(t, server)
    session(server, program, head, lambda: wait_tintin_keys(t))
    program.wait_seen("SESSION 'chat'")
    assert not program.screen.strange, program.screen.strange


@test
def tintin_keeps_a_half_typed_line_below_what_others_say(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    program, _ = tintin(t, server)
    program.wait_rows(WELCOME, ROOM)
    program.type("general\r")
    program.wait_rows(NAME)
    wait_tintin_keys(t)
    program.type("Bob\r")
    alice.expect(JOINED % "Bob")
    program.wait_rows(JOINED % "Bob", "", cursor=0)
    program.type("half a li")
    program.wait_line("half a li|")
    alice.send("one", "two")
    program.wait_line("half a li|",
                      [JOINED % "Bob", "Alice: one", "Alice: two"])
    program.type("ne\r")
    alice.expect("Bob: half a line")
    program.wait_rows("Alice: two", "half a line", "", cursor=0)


@test
def nc_shows_the_session_as_it_is_printed(t):
    server = server_for(t)
    program, head = nc(t, server)
    rows = session(server, program, head)
    program.wait_rows(*rows, "")  # it waits for more to be typed
    assert_clean(program, rows + [""])


@test
def nc_on_a_terminal_reads_text_and_line_ends_alone(t):
    """What the terminal echoes is all that is there besides."""
    server = server_for(t)
    alice = server.join("general", "Alice")
    program, _ = nc(t, server)
    program.type("general\nBob\nHi Alice!\n")
    alice.expect(JOINED % "Bob", "Bob: Hi Alice!")
    for i in range(5):
        alice.send(f"message {i}")
    program.wait_seen("message 4")
    assert b"\xff" not in program.written and \
        b"\x1b" not in program.written, program.written
    alice.send("/quit")
    program.wait_rows(LEFT % "Alice", "")
    assert not program.screen.strange, program.screen.strange


def tf_session(server, program):
    """tf5 strips the eighth bit of what its locale calls no letter, and puts
    lines that it sends where they were typed."""
    alice = server.join("general", "Alice")
    program.wait_seen("% Connected")
    program.wait_seen(WELCOME)
    program.type("general\rBob\r")
    alice.expect(JOINED % "Bob")
    program.wait_seen("Bob joined the room!")
    program.type("Hi Alice!\r")
    alice.expect("Bob: Hi Alice!")
    program.type("half a li")
    for i in range(8):
        alice.send(f"Hi Bob! {i}")
    program.wait_seen("Alice: Hi Bob! 7")
    program.type("ne\r")
    alice.expect("Bob: half a line")
    seen = [line for line in program.screen.all_lines()
            if line.startswith("Alice: ")]
    assert seen == [f"Alice: Hi Bob! {i}" for i in range(8)], \
        program.screen.show()
    text = "\n".join(program.screen.all_lines())
    assert text.count(WELCOME) == text.count("Bob joined") == 1, text
    assert text.count("Hi Alice!") == 1, text
    assert not program.screen.strange, program.screen.strange
    return alice


@test
def tinyfugue_shows_clean_lines_above_its_own_input(t):
    server = server_for(t)
    program, _ = tf(t, server)
    alice = tf_session(server, program)
    program.type("/quit -y\r")
    alice.expect(LEFT % "Bob")


@test
def tinyfugue_without_windows_shows_clean_lines(t):
    server = server_for(t)
    program, _ = tf(t, server, "-v")
    tf_session(server, program)


class Lib:
    """telnetlib, and a screen that shows what it reads."""

    def __init__(self, t, server):
        self.screen = Screen()
        self.telnet = telnetlib.Telnet("127.0.0.1", server.telnet_port, 20)
        t.peers.append(self)

    def write(self, text):
        self.telnet.write(text.encode())

    def wait_rows(self, *rows):
        end = time.monotonic() + DEADLINE
        while self.screen.all_lines() != list(rows):
            assert time.monotonic() < end, self.screen.show()
            self.telnet.sock.settimeout(0.1)
            try:
                self.telnet.fill_rawq()
            except TimeoutError:
                continue
            self.telnet.sock.settimeout(DEADLINE)
            self.screen.write(self.telnet.read_very_lazy() or
                              self.telnet.read_lazy())

    def close(self):
        self.telnet.close()

    kill = close


def lib_session(t, end):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = Lib(t, server)
    bob.wait_rows(WELCOME, ROOM)
    bob.write("general" + end)
    # Nobody echoes what a program sends.
    bob.wait_rows(WELCOME, f"{ROOM} {NAME}")
    bob.write("Bob" + end)
    rows = [WELCOME, f"{ROOM} {NAME} {JOINED % 'Bob'}"]
    bob.wait_rows(*rows, "")
    alice.expect(JOINED % "Bob")
    bob.write("Hi Alice!" + end)
    alice.expect("Bob: Hi Alice!")
    alice.send("Hi Bob!")
    bob.wait_rows(*rows, "Alice: Hi Bob!", "")
    assert not bob.screen.strange, bob.screen.strange


@test
def telnetlib_reads_plain_lines_when_it_ends_its_own_with_lf(t):
    lib_session(t, "\n")


@test
def telnetlib_reads_plain_lines_when_it_ends_its_own_with_cr_lf(t):
    lib_session(t, "\r\n")


# What the screen of these tests is worth.

def shows(data, rows, columns, lines, cursor):
    for size in 1, 7, len(data):
        screen = Screen(rows, columns)
        for at in range(0, len(data), size):
            screen.write(data[at:at + size])
        assert screen.lines() == lines and screen.cursor == cursor, \
            f"{data!r}\n{screen.show()}"
        assert not screen.strange, screen.strange


@test
def the_screen_of_these_tests_shows_what_a_terminal_does(_t):
    shows(b"ab\r\ncd", 4, 10, ["ab", "cd"], (1, 2))
    shows(b"0123456789", 4, 10, ["0123456789"], (0, 9))
    shows(b"0123456789x", 4, 10, ["0123456789", "x"], (1, 1))
    shows(b"0123456789\rx", 4, 10, ["x123456789"], (0, 1))
    shows(b"012345678\xe6\x97\xa5", 4, 10, ["012345678", "日"], (1, 2))
    shows("e\u0301日\b\bx".encode(), 4, 10, ["e\u0301x"], (0, 2))
    shows(b"hello\x1b[3D\x1b[K", 4, 10, ["he"], (0, 2))
    shows(b"hello\x1b[2D\x1b[4hxy\x1b[4l!", 4, 10, ["helxy!o"], (0, 6))
    shows(b"hello\r\x1b[2P\x1b[1@", 4, 10, [" llo"], (0, 0))
    shows(b"a\r\nb\r\nc\r\nd", 3, 10, ["b", "c", "d"], (2, 1))
    shows(b"top\x1b[2;3r\x1b[3;1Ha\r\nb\r\nc", 4, 10,
          ["top", "b", "c"], (2, 1))
    shows(b"\x1b[2;2Hx\x1b[1A\x1b[D\x1bM", 3, 10, ["", "", " x"], (0, 1))
    shows(b"a\x1b]0;a title\x07b\x1b[1;31mc\x1b[m\x1b(B", 3, 10,
          ["abc"], (0, 3))
    screen = Screen(3, 10)
    screen.write(b"1\r\n2\r\n3\r\n4\x1b[?5z\xff\xfd\x18")
    assert screen.all_lines() == ["1", "2", "3", "4"], screen.show()
    assert len(screen.strange) == 4, screen.strange


@test
def a_line_too_long_for_the_screen_is_known_by_a_part_of_it(_t):
    screen = Screen(3, 10)
    screen.write(b"abc\b")
    assert screen.shows_line("ab|c") and not screen.shows_line("abc|")
    assert not screen.shows_line("xab|c")
    screen.write(b"\x1b[Ccdefgh")
    assert screen.shows_line("zzzabccdefgh|")
    assert not screen.shows_line("abccdefgh!|")
    screen.resize(3, 4)
    assert screen.lines() == ["abcc"] and screen.cursor == (0, 3)
