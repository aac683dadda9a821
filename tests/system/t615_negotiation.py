# SPDX-License-Identifier: MIT
"""Telnet options, byte by byte: what is asked, agreed to and refused."""
from lib import JOINED, test
from telnet import (AO, ASKED, ASKED_FOR_KEYS, AUTHENTICATION, AYT, BINARY,
                    BRK, CHARSET, DO, DONT, DM, ECHO, ENCRYPT, END_OF_RECORD,
                    ENVIRON, GREETING, IAC, LINEMODE, NAME, NAWS, NEW_ENVIRON,
                    ROOM, SB, SE, SEND_TTYPE, SGA, TIMING_MARK, TTYPE, WILL,
                    WONT, crlf, join, raw, reads, server_for,
                    sub, terminal, window)

REQUEST = sub(CHARSET, b"\1;UTF-8;ISO-8859-1;CP437;US-ASCII")
GA, EOR = IAC + b"\xf9", IAC + b"\xef"
REFUSED = [LINEMODE, ENVIRON, NEW_ENVIRON, AUTHENTICATION, ENCRYPT]


def begin(server):
    """One that is at the first prompt."""
    client = raw(server)
    reads(client, GREETING + ROOM)
    return client


def asked(server):
    """One that has begun, by WILL LINEMODE, and has answered nothing yet."""
    client = begin(server)
    client.send_bytes(WILL + LINEMODE)
    reads(client, DONT + LINEMODE + ASKED)
    return client


def talks(alice, client, star="🌟"):
    """It joins in line mode, and alice reads so; with what stands for the star
    in the character set of the client."""
    client.send_bytes(b"general\r\nBob\r\n")
    reads(client, NAME + crlf(JOINED % "Bob").replace(
        "🌟".encode(), star.encode()))
    alice.expect(JOINED % "Bob")


def says(client, alice, sent, heard):
    client.send_bytes(sent + b"\r\n")
    alice.expect(f"Bob: {heard}")


def nothing_more(client):
    """It has read all: the next answer is the one to this question."""
    client.send_bytes(DO + TIMING_MARK)
    reads(client, WILL + TIMING_MARK)


@test
def a_terminal_is_asked_this_in_this_order(t):
    server = server_for(t)
    bob = begin(server)
    bob.send_bytes(WILL + TTYPE)
    reads(bob, DO + TTYPE + DO + NAWS + WILL + CHARSET + SEND_TTYPE)
    bob.send_bytes(WILL + NAWS + window(80))
    bob.send_bytes(DONT + CHARSET)
    bob.send_bytes(terminal("xterm-256color"))
    reads(bob, ASKED_FOR_KEYS)
    bob.send_bytes(DO + SGA + WILL + BINARY + DO + BINARY)
    nothing_more(bob)


@test
def who_waits_to_be_asked_is_asked_the_same(t):
    server = server_for(t)
    bob = begin(server)
    bob.send_bytes(b"a\tb\r\n")
    first = bob.bytes(3)
    if first != DO + TTYPE:  # behind the error, then
        bob.data = first + bob.data
        first = None
    assert bob.raw_line().startswith(b"*** error bad-room: ")
    reads(bob, ROOM)
    if first is None:
        reads(bob, DO + TTYPE)
    bob.send_bytes(WILL + TTYPE)
    reads(bob, DO + NAWS + WILL + CHARSET + SEND_TTYPE)
    bob.send_bytes(terminal("VT100"))
    reads(bob, ASKED_FOR_KEYS)
    nothing_more(bob)


@test
def who_refuses_to_name_its_terminal_is_asked_for_keys_all_the_same(t):
    server = server_for(t)
    bob = asked(server)
    bob.send_bytes(WONT + TTYPE)
    reads(bob, ASKED_FOR_KEYS)
    nothing_more(bob)


@test
def who_refuses_all_talks_in_lines_and_is_asked_nothing_again(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = asked(server)
    bob.send_bytes(WONT + TTYPE + WONT + NAWS + DONT + CHARSET)
    reads(bob, ASKED_FOR_KEYS)
    bob.send_bytes(DONT + ECHO + WONT + BINARY + DONT + BINARY)
    nothing_more(bob)
    talks(alice, bob)
    says(bob, alice, b"Hi!", "Hi!")
    alice.send("Hi Bob!")
    reads(bob, crlf("Alice: Hi Bob!"))
    nothing_more(bob)


@test
def who_sends_lines_by_refusing_sga_keeps_its_echo(t):
    """Of those who don't say that they are MUD clients."""
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = asked(server)
    bob.send_bytes(WONT + TTYPE)
    reads(bob, ASKED_FOR_KEYS)
    bob.send_bytes(DO + ECHO + DONT + SGA)
    reads(bob, WONT + ECHO)
    bob.send_bytes(DONT + ECHO)
    nothing_more(bob)
    bob.send_bytes(b"general\r\nBob\r\n")
    reads(bob, NAME + GA + crlf(JOINED % "Bob"))
    alice.expect(JOINED % "Bob")
    says(bob, alice, b"Hi!", "Hi!")
    nothing_more(bob)


# The terminal's name.

@test
def a_name_that_says_nothing_is_followed_by_two_more_questions(t):
    server = server_for(t)
    for names in (("WYSE", "WYSE60", "WYSE60"), ("ANSI", "PLAN9", "Q"),
                  ("", "", "")):
        bob = asked(server)
        bob.send_bytes(WILL + TTYPE)
        for name in names:
            reads(bob, SEND_TTYPE)
            bob.send_bytes(terminal(name))
        reads(bob, ASKED_FOR_KEYS)
        bob.send_bytes(terminal("MTTS 1"))  # nobody has asked for that
        nothing_more(bob)


@test
def a_mud_client_is_asked_for_its_mtts_and_for_end_of_record_not_for_keys(t):
    server = server_for(t)
    for names in (("MUDLET", "XTERM-256COLOR", "MTTS 137"),
                  ("CMUD", "XTERM", "XTERM"), ("A", "B", "mtts 5"),
                  ("MTTS 4",)):
        bob = asked(server)
        bob.send_bytes(WILL + TTYPE)
        for name in names:
            reads(bob, SEND_TTYPE)
            bob.send_bytes(terminal(name))
        reads(bob, WILL + END_OF_RECORD)
        nothing_more(bob)
        bob.send_bytes(DO + END_OF_RECORD + b"general\r\n")
        reads(bob, NAME + EOR)
        bob.send_bytes(b"x\ty\r\n")
        assert bob.raw_line().startswith(b"*** error bad-name: ")
        reads(bob, NAME + EOR)
        bob.close()


# The window.

@test
def nobody_who_hears_of_a_window_answers(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = asked(server)
    bob.send_bytes(WILL + NAWS)
    for size in (window(80), window(0, 0), window(65535, 65535),
                 window(255, 255), sub(NAWS, b""), sub(NAWS, b"\0\x50\0"),
                 sub(NAWS, b"\0\x50\0\x18\0"), sub(NAWS, b"\xff" * 9)):
        bob.send_bytes(size)
    nothing_more(bob)
    talks(alice, bob)
    says(bob, alice, b"a" + window(40) + b"b", "ab")


# Character sets.

@test
def utf8_is_asked_for_first_and_a_set_that_is_taken_is_read(t):
    server = server_for(t, replay=0)
    alice = server.join("general", "Alice")
    for name, sent, heard in (
            ("UTF-8", "äö€ 🌟".encode(), "äö€ 🌟"),
            ("ISO-8859-1", b"\xe4\xf6\xfc \xc0\xff\xff", "äöü Àÿ"),
            ("iso-8859-1", b"\xe4", "ä"),
            ("CP437", b"\x84\x94\x81 \x9c", "äöü £"),
            ("US-ASCII", b"a\xe4", "a\ufffd"),
            ("KOI8-R", b"\xe4", "\ufffd")):  # not what we have asked for
        bob = asked(server)
        bob.send_bytes(DO + CHARSET)
        reads(bob, REQUEST)
        bob.send_bytes(sub(CHARSET, b"\2" + name.encode()))
        nothing_more(bob)
        star = "🌟" if name in ("UTF-8", "KOI8-R") else "[star]"
        talks(alice, bob, star)
        says(bob, alice, sent, heard)
        bob.send_bytes(b"/quit\r\n")
        bob.expect_end()
        alice.line()


@test
def who_rejects_all_sets_is_taken_to_use_utf8(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = asked(server)
    bob.send_bytes(DO + CHARSET)
    reads(bob, REQUEST)
    bob.send_bytes(sub(CHARSET, b"\3"))
    # An answer to no question is none.
    bob.send_bytes(sub(CHARSET, b"\2ISO-8859-1"))
    nothing_more(bob)
    talks(alice, bob)
    says(bob, alice, "äö".encode(), "äö")


@test
def of_the_sets_that_a_client_offers_the_best_is_taken(t):
    server = server_for(t, replay=0)
    alice = server.join("general", "Alice")
    for offer, answer, sent in (
            (b";ISO-8859-1;UTF-8", b"\2UTF-8", "ä".encode()),
            (b" US-ASCII ISO-8859-1 CP437", b"\2ISO-8859-1", b"\xe4"),
            (b",KOI8-R,cp437", b"\2CP437", b"\x84"),
            (b";latin1", b"\2ISO-8859-1", b"\xe4"),
            (b"[TTABLE]\1;ISO-8859-1", b"\2ISO-8859-1", b"\xe4"),
            (b";KOI8-R;", b"\3", "ä".encode()),
            (b"", b"\3", "ä".encode())):
        bob = asked(server)
        bob.send_bytes(WILL + CHARSET)
        reads(bob, DO + CHARSET)
        bob.send_bytes(sub(CHARSET, b"\1" + offer))
        reads(bob, sub(CHARSET, answer))
        talks(alice, bob, "🌟" if sent == "ä".encode() else "[star]")
        says(bob, alice, sent, "ä")
        bob.send_bytes(b"/quit\r\n")
        bob.expect_end()
        alice.line()


@test
def when_both_ask_for_a_set_the_clients_question_is_rejected(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = asked(server)
    bob.send_bytes(DO + CHARSET + WILL + CHARSET)
    got = bob.bytes(len(REQUEST) + 3)
    assert got in (REQUEST + DO + CHARSET, DO + CHARSET + REQUEST), got
    bob.send_bytes(sub(CHARSET, b"\1;UTF-8"))
    reads(bob, sub(CHARSET, b"\3"))
    bob.send_bytes(sub(CHARSET, b"\2ISO-8859-1"))
    talks(alice, bob, "[star]")
    says(bob, alice, b"\xe4", "ä")


@test
def a_translation_table_is_rejected(t):
    server = server_for(t)
    bob = asked(server)
    bob.send_bytes(DO + CHARSET)
    reads(bob, REQUEST)
    bob.send_bytes(sub(CHARSET, b"\4" + b"\1;A;1" + bytes(range(200))))
    reads(bob, sub(CHARSET, b"\5"))
    nothing_more(bob)


# What is on and off.

@test
def what_may_be_on_is_agreed_to_and_the_rest_refused_once_each(t):
    server = server_for(t)
    bob = asked(server)
    for option in BINARY, SGA:
        bob.send_bytes(WILL + option + DO + option)
        reads(bob, DO + option + WILL + option)
    bob.send_bytes(DO + END_OF_RECORD)
    reads(bob, WILL + END_OF_RECORD)
    bob.send_bytes(WILL + ECHO + DO + NAWS + DO + TTYPE + WILL + END_OF_RECORD)
    reads(bob, DONT + ECHO + WONT + NAWS + WONT + TTYPE + DONT + END_OF_RECORD)
    for option in REFUSED[1:]:
        bob.send_bytes(WILL + option + DO + option)
        reads(bob, DONT + option + WONT + option)
    for option in REFUSED[1:]:
        bob.send_bytes(WILL + option + DO + option + WONT + option +
                       DONT + option + sub(option, b"\1\0\1\2"))
    nothing_more(bob)


@test
def each_change_of_mind_is_acknowledged(t):
    server = server_for(t)
    bob = asked(server)
    for _ in range(20):
        bob.send_bytes(WILL + SGA)
        reads(bob, DO + SGA)
        bob.send_bytes(WONT + SGA)
        reads(bob, DONT + SGA)
        bob.send_bytes(DO + BINARY)
        reads(bob, WILL + BINARY)
        bob.send_bytes(DONT + BINARY)
        reads(bob, WONT + BINARY)
    nothing_more(bob)


@test
def one_that_agrees_and_takes_it_back_is_at_peace_soon(t):
    server = server_for(t)
    bob = asked(server)
    bob.send_bytes(WILL + NAWS + WONT + NAWS)
    reads(bob, DONT + NAWS)
    bob.send_bytes(DO + CHARSET)
    reads(bob, REQUEST)
    bob.send_bytes(DONT + CHARSET + DONT + CHARSET + WONT + NAWS)
    reads(bob, WONT + CHARSET)
    nothing_more(bob)


@test
def no_sequence_of_requests_is_answered_without_end(t):
    server = server_for(t, replay=0)
    alice = server.join("general", "Alice")
    for flip in (WILL + NAWS + WONT + NAWS, DO + SGA + DONT + SGA,
                 DO + ECHO + DONT + ECHO, WILL + b"\xc8", DO + b"\xc8",
                 WILL + CHARSET + sub(CHARSET, b"\1;UTF-8") + WONT + CHARSET,
                 DO + CHARSET + DONT + CHARSET, WILL + TTYPE + WONT + TTYPE,
                 sub(CHARSET, b"\4x") + WILL + CHARSET):
        bob = raw(server)
        bob.send_bytes(b"general\r\nBob\r\n")
        reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
        alice.expect(JOINED % "Bob")
        for _ in range(1000):
            bob.send_bytes(flip)
        bob.send_bytes(DONT + ECHO + b"/whoami\r\n")
        last = crlf("*** you are Bob in general, from 127.0.0.1")
        got = b""
        while not got.endswith(last):
            got += bob.bytes(1)
        # 255 answers, and the longest that is asked when an option is on.
        assert len(got) < 255 * (3 + len(REQUEST)) + 100, len(got)
        says(bob, alice, b"and now", "and now")
        bob.send_bytes(b"/quit\r\n")
        bob.expect_end()
        alice.line()


@test
def a_timing_mark_is_answered_each_time_and_refused_once(t):
    server = server_for(t)
    bob = begin(server)
    for _ in range(300):
        bob.send_bytes(DO + TIMING_MARK)
        reads(bob, WILL + TIMING_MARK)
    bob.send_bytes(WILL + TIMING_MARK + WILL + TIMING_MARK)
    reads(bob, DONT + TIMING_MARK)
    nothing_more(bob)


# Subnegotiations.

@test
def a_subnegotiation_of_512_bytes_is_read_and_a_longer_one_ignored(t):
    server = server_for(t)
    bob = asked(server)
    bob.send_bytes(WILL + CHARSET)
    reads(bob, DO + CHARSET)
    begun = CHARSET + b"\1;"
    for size in 512, 100, 513, 511, 5000, 512, 1 << 20:
        offer = begun + b"X" * (size - len(begun) - 6) + b";UTF-8"
        assert len(offer) == size
        bob.send_bytes(SB + offer + SE)
        if size <= 512:
            reads(bob, sub(CHARSET, b"\2UTF-8"))
    nothing_more(bob)


@test
def a_subnegotiation_that_never_ends_holds_up_its_sender_alone(t):
    server = server_for(t, workers=1)
    alice = server.join("general", "Alice")
    bob, dave = join(server, "general", "Bob"), join(server, "x", "Dave")
    alice.expect(JOINED % "Bob")
    bob.send_bytes(SB + TTYPE + b"\0")
    for i in range(20):
        bob.send_bytes(b"general\r\n" * 10000)
        dave.send_bytes(b"/whoami\n")
        reads(dave, crlf("*** you are Dave in x, from 127.0.0.1"))
    says(bob, alice, SE + b"here I am", "here I am")


@test
def a_subnegotiation_whose_end_is_lost_is_ended_by_the_next_command(t):
    server = server_for(t)
    bob = asked(server)
    bob.send_bytes(WILL + TTYPE)
    reads(bob, SEND_TTYPE)
    bob.send_bytes(SB + TTYPE + b"\0xter" + DO + BINARY + terminal("xterm"))
    reads(bob, WILL + BINARY + WILL + ECHO + WILL + SGA + DO + BINARY)
    nothing_more(bob)


# Commands in lines.

@test
def commands_take_back_what_stands_before_them_in_the_line(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    erase, kill = IAC + b"\xf7", IAC + b"\xf8"
    for sent, heard in (
            (b"abX" + erase + b"c", "abc"),
            ("äöü🌟".encode() + erase + erase + b"!", "äö!"),
            ("e\u0301x".encode() + erase + erase + b"a", "a"),
            (erase + erase + b"x" + erase + erase + b"y", "y"),
            (b"not this" + kill + b"this", "this"),
            (b"not this" + IAC + b"\xf4" + b"this", "this"),
            (b"not this" + BRK + b"this", "this"),
            (b"not this" + IAC + b"\xee" + b"this", "this"),
            # What only looks like them does nothing, and is not text.
            (b"a\x03b\x15c\x7fd\x04e\x0ff\x1cg", "abcdefg")):
        says(bob, alice, sent, heard)
    for command in b"\xec\xed\xef\xf0\xf1\xf2\xf9":
        says(bob, alice, b"a" + IAC + bytes([command]) + b"b", "ab")
    bob.send_bytes(b"said\r\n" + kill + erase + b"then\r\n")
    alice.expect("Bob: said", "Bob: then")


@test
def who_aborts_output_reads_where_that_begins(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    for i in range(3):
        bob.send_bytes(AO + DO + TIMING_MARK)
        reads(bob, DM + WILL + TIMING_MARK)
        bob.send_bytes(f"{i}\n".encode())
        alice.expect(f"Bob: {i}")


@test
def are_you_there_is_answered_between_lines_never_in_one(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    for i in range(50):
        alice.send(f"{i} " + "x" * 4000)
        bob.send_bytes(AYT)
        got = sorted([bob.raw_line(), bob.raw_line()])
        assert got == [crlf(f"Alice: {i} " + "x" * 4000), b"[Yes]\r\n"], got
