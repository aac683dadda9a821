# SPDX-License-Identifier: MIT
"""Telnet with the clients that people have: telnet, telnetlib, nc."""
import re
import warnings

from lib import JOINED, LEFT, test
from telnet import (BINARY, CHARSET, DO, ECHO, GREETING, NAME, NAWS, ROOM,
                    SGA, TTYPE, Terminal, crlf, join, reads, server_for)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import telnetlib

TELNET_PROMPT = b"telnet> "


CONNECTED = crlf("Trying 127.0.0.1...", "Connected to 127.0.0.1.",
                 "Escape character is '^]'.")


def telnet(t, server):
    """A real telnet that is connected."""
    terminal = Terminal(t, "telnet", "127.0.0.1", str(server.telnet_port))
    reads(terminal, CONNECTED)
    return terminal


def typed_join(terminal, room, name):
    reads(terminal, GREETING + ROOM)
    terminal.type(f"{room}\n")
    reads(terminal, crlf(room) + NAME)
    terminal.wait_keys()
    terminal.type(f"{name}\n")
    reads(terminal, crlf(name, JOINED % name))


@test
def a_real_telnet_reads_exactly_the_session(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = telnet(t, server)
    reads(bob, b"Welcome to Telnet Chat Proxy!\r\n")
    reads(bob, b"Enter room name: ")
    bob.type("general\n")
    reads(bob, b"general\r\nEnter username: ")
    bob.wait_keys()
    bob.type("Bob\n")
    reads(bob, "Bob\r\n🌟 Bob joined the room!\r\n".encode())
    alice.expect(JOINED % "Bob")
    bob.type("Hi Alice!\n")
    reads(bob, b"Hi Alice!\r\n")
    alice.expect("Bob: Hi Alice!")
    alice.send("Hi Bob! äöü 🌟")
    reads(bob, "Alice: Hi Bob! äöü 🌟\r\n".encode())
    bob.type("äöü 🌟\n")
    alice.expect("Bob: äöü 🌟")
    reads(bob, "äöü 🌟\r\n".encode())
    bob.type("/quit\n")
    reads(bob, b"/quit\r\nConnection closed by foreign host.\r\n")
    alice.expect(LEFT % "Bob")


@test
def a_real_telnet_asks_whether_we_are_there_and_interrupts(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = telnet(t, server)
    typed_join(bob, "general", "Bob")
    alice.expect(JOINED % "Bob")
    for i, command in enumerate(
            ["ayt", "nop", "synch", "ip", "brk", "ao", "ec", "el", "ga"]):
        bob.type("\x1d")
        bob.reads_until(TELNET_PROMPT)
        bob.type(f"send {command}\n")
        if command == "ayt":
            assert bob.reads_until(b"[Yes]\r\n")
        bob.wait_keys()
        bob.type(f"{i}\n")
        bob.reads_until(crlf(f"{i}"))
        alice.expect(f"Bob: {i}")


@test
def a_real_telnet_that_begins_is_told_what_there_is_and_talks_on(t):
    """With a minus before the port it begins as if we were a telnetd."""
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = Terminal(t, "telnet")
    bob.reads_until(TELNET_PROMPT)
    bob.type("toggle options\n")
    bob.reads_until(TELNET_PROMPT)
    bob.type(f"open 127.0.0.1 -{server.telnet_port}\n")
    bob.wait_keys()
    said = bob.reads_until(b"SENT DO BINARY\r")
    assert ROOM in said, said
    answered = re.findall(rb"RCVD (DO|DONT|WILL|WONT) ([A-Z -]+)", said)
    begun = re.findall(rb"SENT (DO|WILL) ([A-Z -]+)",
                       said[:said.index(b"RCVD ")])
    assert len(begun) > 5, said
    for verb, option in begun:
        liked = option in (b"SUPPRESS GO AHEAD", b"TERMINAL TYPE", b"NAWS")
        answer = {b"DO": (b"WONT", b"WILL"), b"WILL": (b"DONT", b"DO")}
        assert (answer[verb][liked], option) in answered, (verb, option, said)
    # Nothing is answered, or asked for, twice.
    assert len(set(answered)) == len(answered), answered
    for typed, prompt in ("general", NAME), ("Bob", crlf(JOINED % "Bob")):
        bob.type(typed + "\n")
        bob.reads_until(prompt)
    alice.expect(JOINED % "Bob")
    bob.type("Hi Alice!\n")
    alice.expect("Bob: Hi Alice!")
    bob.type("\x1d")
    bob.reads_until(TELNET_PROMPT)
    bob.type("quit\n")
    alice.expect(LEFT % "Bob")
    assert bob.wait() == 0


@test
def telnetlib_refuses_all_and_joins_and_talks(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    with telnetlib.Telnet("127.0.0.1", server.telnet_port, 20) as bob:
        assert bob.read_until(ROOM, 20) == GREETING + ROOM
        bob.write(b"general\r\n")
        assert bob.read_until(NAME, 20) == NAME
        bob.write(b"Bob\r\n")
        joined = crlf(JOINED % "Bob")
        assert bob.read_until(joined, 20) == joined
        alice.expect(JOINED % "Bob")
        bob.write(b"\xff\n")  # which telnetlib doubles
        alice.expect("Bob: \ufffd")
        alice.send("Hi Bob!")
        assert bob.read_until(b"\r\n", 20) == b"Alice: Hi Bob!\r\n"
        bob.write(b"/quit\r\n")
        assert bob.read_all() == b""


@test
def telnetlib_hears_each_question_once_and_agrees_by_hand(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    heard = []
    with telnetlib.Telnet("127.0.0.1", server.telnet_port, 20) as bob:
        bob.set_option_negotiation_callback(
            lambda _sock, verb, option: heard.append(verb + option))
        assert bob.read_until(ROOM, 20) == GREETING + ROOM
        bob.write(b"general\r\n")
        assert bob.read_until(NAME, 20) == NAME
        bob.sock.sendall(telnetlib.IAC + telnetlib.WONT + TTYPE)
        bob.write(b"Bob\r\n")
        joined = crlf(JOINED % "Bob")
        assert bob.read_until(joined, 20) == joined
        bob.sock.sendall(DO + ECHO + DO + SGA)
        alice.expect(JOINED % "Bob")
        bob.write(b"Hi!\r\n")
        assert bob.read_until(b"\r\n", 20) == b"Hi!\r\n"  # it echoes
        alice.expect("Bob: Hi!")
        alice.send("and now")
        assert bob.read_until(b"now\r\n", 20) == b"Alice: and now\r\n"
        do, will = telnetlib.DO, telnetlib.WILL
        assert heard == [
            do + TTYPE, do + NAWS, will + CHARSET, will + ECHO, will + SGA,
            do + BINARY, will + BINARY], heard


@test
def a_real_nc_reads_plain_lines_without_echo_and_prompt(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.nc(port=server.telnet_port)
    bob.send("general", "Bob", "Hi Alice!")
    alice.expect(JOINED % "Bob", "Bob: Hi Alice!")
    alice.send("Hi Bob!")
    reads(bob, GREETING + ROOM + NAME +
          crlf(JOINED % "Bob", "Alice: Hi Bob!"))
    bob.send("/quit")
    alice.expect(LEFT % "Bob")


@test
def what_is_piped_into_nc_is_all_said(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.nc("-N", port=server.telnet_port)
    bob.send_bytes(b"general\nBob\none\ntwo\nthree")
    bob.end_input()
    alice.expect(JOINED % "Bob", "Bob: one", "Bob: two", "Bob: three",
                 LEFT % "Bob")
    reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
    bob.expect_end()
    assert bob.wait() == 0


@test
def telnet_and_nc_and_a_line_user_talk(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = telnet(t, server)
    typed_join(bob, "general", "Bob")
    carol = join(server, "general", "Carol")
    reads(bob, crlf(JOINED % "Carol"))
    carol.send_bytes(b"to all\r\n")
    alice.expect(JOINED % "Bob", JOINED % "Carol", "Carol: to all")
    reads(bob, b"Carol: to all\r\n")
