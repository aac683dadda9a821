# SPDX-License-Identifier: MIT
"""Telnet: the session byte by byte, and options wherever a packet ends."""
import socket

from lib import JOINED, LEFT, test, wait_until
from t150_history import past
from telnet import (ASKED, AYT, CHARSET, DM, DO, DONT, ECHO, GREETING, IAC,
                    IP, LINEMODE, NAME, NAWS, NOP, ROOM, SB, SE, TIMING_MARK,
                    TTYPE, WILL, WONT, crlf, join, join_all, raw, reads,
                    send_pieces, server_for)


@test
def a_session_reads_exactly_this(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    reads(bob, b"Welcome to Telnet Chat Proxy!\r\nEnter room name: ")
    bob.send_bytes(b"general\r\n")
    reads(bob, b"Enter username: ")
    bob.send_bytes(b"Bob\r\n")
    reads(bob, "🌟 Bob joined the room!\r\n".encode())
    alice.expect(JOINED % "Bob")
    bob.send_bytes(b"Hi Alice!\r\n")
    alice.expect("Bob: Hi Alice!")
    alice.send("Hi Bob!", "/quit")
    reads(bob, "Alice: Hi Bob!\r\n👋 Alice left the room\r\n".encode())
    bob.send_bytes(b"/quit\r\n")
    bob.expect_end()


@test
def all_at_once_reads_the_same(t):
    server = server_for(t)
    bob = server.telnet()
    bob.send_bytes(b"general\r\nBob\r\nHi!\r\n/quit\r\n")
    reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
    bob.expect_end()


@test
def telnet_and_line_users_share_a_room_and_hear_each_other(t):
    server = server_for(t, workers=2, telnet_workers=2)
    alice, carol = server.room("general", "Alice", "Carol")
    bob = join(server, "general", "Bob")
    dave = join(server, "general", "Dave")
    reads(bob, crlf(JOINED % "Dave"))
    for client in alice, carol:
        client.expect(JOINED % "Bob", JOINED % "Dave")
    bob.send_bytes(b"from telnet\r\n")
    for client in alice, carol:
        client.expect("Bob: from telnet")
    reads(dave, b"Bob: from telnet\r\n")
    alice.send("from a line", "/me waves", "/msg Bob psst")
    carol.expect("Alice: from a line", "* Alice waves")
    for client in bob, dave:
        reads(client, b"Alice: from a line\r\n* Alice waves\r\n")
    reads(bob, b"[private] Alice: psst\r\n")
    assert {s["name"]: s["listener"] for s in server.dump("sessions")} == {
        "Alice": "line", "Carol": "line", "Bob": "telnet", "Dave": "telnet"}
    dave.send_bytes(b"/nick Bob\r\n")
    assert dave.raw_line().startswith(b"*** error name-taken: ")


@test
def every_line_ends_in_cr_lf(t):
    server = server_for(t)
    bob, dave = join_all(server, "general", "Bob", "Dave")
    bob.send_bytes(b"/help\r\n/who\r\n/rooms\r\n/whoami\r\n/topic\r\n"
                   b"/topic Tea\r\n/nope\r\n/msg nobody x\r\n/history\r\n"
                   b"/nick Robert\r\n/me x\r\n/quit\r\n")
    for client in bob, dave:
        count = 0
        while True:
            line = client.raw_line()
            if not line:
                break
            assert line.endswith(b"\r\n") and line.count(b"\r") == 1, line
            count += 1
        assert count > 2
        dave.send_bytes(b"/quit\r\n")
    wait_until(lambda: not server.dump("sessions"), "both have left")


@test
def cr_lf_and_cr_nul_and_lf_and_cr_end_a_line(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    bob.send_bytes(b"general\r\0Bob\n")
    reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
    alice.expect(JOINED % "Bob")
    bob.send_bytes(b"1\r\n2\r\0003\n4\r5\r\r\n\n6\r\n")
    alice.expect(*[f"Bob: {i}" for i in range(1, 7)])


@test
def a_line_end_may_be_cut_anywhere(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    send_pieces(server, "Bob", bob, [b"1\r", b"\n2\r", b"\0", b"3\n", b"4",
                                     b"\r", b"5\r", b"\n"])
    alice.expect(*[f"Bob: {i}" for i in range(1, 6)])


@test
def a_cr_ends_a_line_before_the_lf_comes(t):
    server = server_for(t)
    bob = server.telnet()
    reads(bob, GREETING + ROOM)
    bob.send_bytes(b"general\r")
    reads(bob, NAME)
    bob.send_bytes(b"\nBob\r")
    reads(bob, crlf(JOINED % "Bob"))


@test
def one_line_ended_as_telnet_has_it_is_what_a_client_is_asked_upon(t):
    server = server_for(t)
    for end in b"\r\n", b"\r\0":
        bob = raw(server)
        reads(bob, GREETING + ROOM)
        bob.send_bytes(b"general" + end)
        got = bob.bytes(3 + len(NAME))
        assert got in (DO + TTYPE + NAME, NAME + DO + TTYPE), got
        # It knows nothing of that: nobody asks again, or anything else.
        bob.send_bytes(b"Bob" + end)
        reads(bob, crlf(JOINED % "Bob"))
        bob.send_bytes(b"/whoami" + end + b"/quit" + end)
        reads(bob, crlf("*** you are Bob in general, from 127.0.0.1"))
        bob.expect_end()
        server.wait_sessions(0)


@test
def who_ends_lines_in_lf_reads_no_option_ever(t):
    server = server_for(t)
    bob = raw(server)
    reads(bob, GREETING + ROOM)
    bob.send("general")
    reads(bob, NAME)
    bob.send("Bob")
    reads(bob, crlf(JOINED % "Bob"))
    for i in range(3):
        bob.send(f"{i}", "/whoami")
        reads(bob, crlf("*** you are Bob in general, from 127.0.0.1"))
    bob.send("/quit")
    bob.expect_end()


@test
def a_script_that_sends_all_at_once_reads_no_option_however_lines_end(t):
    server = server_for(t)
    for end in b"\r\n", b"\r\0", b"\n":
        bob = raw(server)
        bob.send_bytes(end.join([b"general", b"Bob", b"Hi!", b"/quit", b""]))
        reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
        bob.expect_end()
        server.wait_sessions(0)


@test
def options_are_refused_once_each(t):
    server = server_for(t)
    bob = raw(server)
    reads(bob, GREETING + ROOM)
    bob.send_bytes(WILL + LINEMODE + DO + LINEMODE)
    reads(bob, DONT + LINEMODE + ASKED + WONT + LINEMODE)
    bob.send_bytes(WILL + LINEMODE + DO + LINEMODE + WONT + LINEMODE +
                   DONT + LINEMODE + WILL + LINEMODE + WILL + ECHO)
    reads(bob, DONT + ECHO)
    bob.send_bytes(b"general\r\n")
    reads(bob, NAME)
    bob.send_bytes(b"Bob\r\n" + DO + LINEMODE + DO + NAWS)
    got = bob.bytes(len(crlf(JOINED % "Bob")) + 3)
    # An answer stands between lines, before or behind.
    assert got in (crlf(JOINED % "Bob") + WONT + NAWS,
                   WONT + NAWS + crlf(JOINED % "Bob")), got


@test
def a_client_that_asks_is_answered(t):
    server = server_for(t)
    bob = join(server, "general", "Bob")
    for _ in range(3):
        bob.send_bytes(AYT)
        reads(bob, b"[Yes]\r\n")
        bob.send_bytes(IP + DM + DO + TIMING_MARK)
        reads(bob, WILL + TIMING_MARK)


@test
def all_that_is_not_text_is_taken_out_wherever_it_stands(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    noise = NOP + DM + WONT + ECHO + SB + NAWS + b"\0P\0" + IAC + IAC + SE
    text = b"general\r\nBob\r\nHi Alice!\r\n"
    bob.send_bytes(b"".join(noise + bytes([c]) for c in text))
    alice.expect(JOINED % "Bob", "Bob: Hi Alice!")
    reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))


@test
def what_is_not_text_may_be_cut_at_each_byte(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    bob.overheard = None
    data = (b"a" + WILL + b"\x01b" + SB + TTYPE + b"\0x" + IAC + IAC + SE +
            b"c" + NOP + b"d\xff\xffe" + DO + b"\x02f\r\n")
    send_pieces(server, "Bob", bob,
                [data[i:i + 1] for i in range(len(data))])
    alice.expect("Bob: abcd\ufffdef")
    reads(bob, DONT + b"\x01" + ASKED + WONT + b"\x02")
    for at in range(1, len(data)):
        send_pieces(server, "Bob", bob, [data[:at], data[at:]])
        alice.expect("Bob: abcd\ufffdef")
    bob.send_bytes(AYT)
    reads(bob, b"[Yes]\r\n")  # and no refusal before it


@test
def a_doubled_iac_is_a_byte_of_text(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    bob.send_bytes(b"a\xff\xffb\xff\xff\xff\xff" + NOP + b"\r\n")
    alice.expect("Bob: a\ufffdb\ufffd\ufffd")


@test
def a_subnegotiation_of_any_length_is_no_line_too_long(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    bob.send_bytes(b"one " + SB + TTYPE + b"x" * (3 << 20) + SE + b"line\r\n")
    alice.expect("Bob: one line")
    bob.send_bytes(b"x" * 4096 + (WONT + ECHO) * 2000 + b"\r\n")
    alice.expect("Bob: " + "x" * 4096)


@test
def a_wrong_line_is_told_so_and_asked_for_again(t):
    server = server_for(t)
    for wrong, right in (b"", b"a\tb"), (b"x" * 65, b"\xff\xff"):
        bob = server.telnet()
        reads(bob, GREETING + ROOM)
        bob.send_bytes(wrong + b"\r\n")
        assert bob.raw_line().startswith(b"*** error bad-room: ")
        reads(bob, ROOM)
        bob.send_bytes(right + b"\r\n")
        assert bob.raw_line().startswith(b"*** error bad-room: ")
        reads(bob, ROOM)
        bob.send_bytes(b"general\r\n")
        reads(bob, NAME)
        bob.send_bytes(b"a:b\r\n")  # the third
        line = bob.raw_line()
        assert line.startswith(b"*** error bad-name: "), line
        assert line.endswith(b"\r\n"), line
        bob.expect_end()


@test
def a_wrong_name_is_asked_for_again_and_the_room_stays(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    bob.send_bytes(b"general\r\n")
    reads(bob, GREETING + ROOM + NAME)
    bob.send_bytes(b"alice\r\nthis is no name\r\n")
    assert bob.raw_line().startswith(b"*** error name-taken: ")
    reads(bob, NAME)
    bob.send_bytes(b"Bob\r\n")
    reads(bob, crlf(JOINED % "Bob"))
    alice.expect(JOINED % "Bob")


@test
def what_came_behind_a_wrong_line_is_thrown_away_but_not_half_an_option(t):
    server = server_for(t)
    bob = raw(server)
    reads(bob, GREETING + ROOM)
    bob.send_bytes(b"/x\ty\r\nnot a room\r\nnot a name\r\n" + WILL)
    assert bob.raw_line().startswith(b"*** error bad-room: ")
    reads(bob, ROOM)
    bob.send_bytes(NAWS + b"general\r\n")
    answers = DO + NAWS + DO + TTYPE + WILL + CHARSET
    got = bob.bytes(len(answers) + len(NAME))
    assert got in (answers + NAME, NAME + answers), got
    bob.send_bytes(b"Bob\r\n")
    reads(bob, crlf(JOINED % "Bob"))
    assert [r["name"] for r in server.dump("rooms")] == ["general"]


@test
def a_line_too_long_is_refused_whole(t):
    server = server_for(t, max_line=64)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    reads(bob, GREETING + ROOM)
    bob.send_bytes(b"x" * 65 + b"\r\n")
    assert bob.raw_line().startswith(b"*** error too-long: ")
    reads(bob, ROOM)
    bob.send_bytes(b"general\r\nBob\r\n")
    reads(bob, NAME + crlf(JOINED % "Bob"))
    bob.send_bytes(b"y" * 100000 + b"\r\n" + b"z" * 64 + b"\r\n")
    line = bob.raw_line()
    assert line.startswith(b"*** error too-long: "), line
    assert line.endswith(b"\r\n"), line
    alice.expect(JOINED % "Bob", "Bob: " + "z" * 64)


@test
def one_who_half_closes_has_all_said_and_reads_all(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    bob.send_bytes(b"general\r\nBob\r\none\r\ntwo" + IAC)
    bob.half_close()
    reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
    bob.expect_end()
    alice.expect(JOINED % "Bob", "Bob: one", "Bob: two", LEFT % "Bob")


@test
def topic_and_twenty_messages_follow_the_join_line(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    alice.send(*[f"{i}" for i in range(30)], "/topic Tea time")
    alice.expect("*** Alice set the topic: Tea time")
    bob = server.telnet()
    bob.send_bytes(b"general\r\nBob\r\n")
    reads(bob, GREETING + ROOM + NAME + crlf(
        JOINED % "Bob", "*** topic of general: Tea time"))
    # The same lines as on the other listener, but for the CR.
    past(bob, *[f"Alice: {i}\r" for i in range(10, 30)])
    alice.expect(JOINED % "Bob")
    alice.send("/history 1")
    past(alice, "Alice: 29")
    carol = server.join("general", "Carol")
    reads(bob, crlf(JOINED % "Carol"))
    carol.expect("*** topic of general: Tea time")
    alice.send("now")
    reads(bob, b"Alice: now\r\n")
    alice.expect(JOINED % "Carol")
    carol.expect("Alice: now")  # nothing was replayed to it


@test
def a_replay_that_is_set_holds_for_all(t):
    server = server_for(t, replay=1)
    alice = server.join("general", "Alice")
    alice.send("one", "two", "/whoami")
    alice.line()
    bob = join(server, "general", "Bob")
    past(bob, "Alice: two\r")
    past(server.join("general", "Carol"), "Alice: two")


@test
def format_json_makes_objects_with_cr_lf_and_of_options_nothing(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    bob.send_bytes(b"/format json\r\n")
    assert bob.raw_line().endswith(b"\r\n")
    bob.send_bytes(AYT)
    reads(bob, b"[Yes]\r\n")
    alice.expect(JOINED % "Bob")
    alice.send("x")
    line = bob.raw_line()
    assert line.startswith(b"{") and line.endswith(b"}\r\n"), line


@test
def one_too_slow_to_log_in_is_told_and_closed(t):
    server = server_for(t, login_timeout=1)
    bob = server.telnet()
    reads(bob, GREETING + ROOM + b"\r\n")
    line = bob.raw_line()
    assert line.startswith(b"*** error login-timeout: ") and \
        line.endswith(b"\r\n"), line
    bob.expect_end()


@test
def one_who_only_negotiates_does_not_log_in(t):
    server = server_for(t, login_timeout=1)
    bob = server.telnet()
    reads(bob, GREETING + ROOM)

    def closed():
        try:
            bob.send_bytes(WONT + ECHO)
        except OSError:
            return True
        bob.socket.settimeout(0.05)
        try:
            got = bob.socket.recv(1000)
        except TimeoutError:
            return False
        except OSError:
            return True
        bob.data += got
        return not got
    wait_until(closed, "the login is over")
    assert b"*** error login-timeout: " in bob.data, bob.data


@test
def a_refusal_ends_in_cr_lf(t):
    server = server_for(t, max_clients=1)
    first = server.connect()
    wait_until(lambda: len(server.dump("sessions")) == 1, "it is in")
    second = server.telnet()
    line = second.raw_line()
    assert line.startswith(b"*** error server-full: "), line
    assert line.endswith(b"\r\n"), line
    second.expect_end()
    assert server.wait_event("refuse", listener="telnet")
    first.close()


@test
def a_stop_is_said_in_cr_lf(t):
    server = server_for(t)
    bob = join(server, "general", "Bob")
    server.stop()
    line = bob.raw_line()
    assert line.startswith(b"*** error shutting-down: "), line
    assert line.endswith(b"\r\n"), line
    bob.expect_end()


@test
def the_log_names_listener_and_worker(t):
    server = server_for(t, workers=1, telnet_workers=2)
    bob = join(server, "general", "Bob")
    assert len(server.events("worker-start", type="telnet")) == 2
    assert server.wait_event("accept", listener="telnet")
    names = [k for k, _ in server.events("ready")[0].pairs]
    assert names.count("line") == 1 and names.count("telnet") == 1
    bob.send_bytes(b"/quit\r\n" + WONT + ECHO)
    bob.expect_end()
    event = server.wait_event("close", reason="quit")
    assert int(event["in"]) >= len("general\r\nBob\r\n/quit\r\n")


# Urgent data.

@test
def urgent_data_is_read_in_its_place(t):
    """The Synch of RFC 854: IAC DM, and the TCP urgent pointer at the DM."""
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    for i in range(5):
        bob.send_bytes(b"what it takes back" + IP)
        bob.socket.send(DM, socket.MSG_OOB)
        bob.send_bytes(b"be" + NOP)
        bob.socket.send(DM, socket.MSG_OOB)
        bob.send_bytes(DO + TIMING_MARK + f"fore {i}\r\n".encode())
        reads(bob, WILL + TIMING_MARK)
        alice.expect(f"Bob: before {i}")
    bob.socket.send(b"!\r\n", socket.MSG_OOB)
    alice.expect("Bob: !")
    bob.half_close()
    bob.expect_end()
    alice.expect(LEFT % "Bob")


@test
def urgent_data_on_a_line_listener_is_data(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    bob.socket.send(b"now\n", socket.MSG_OOB)
    alice.expect("Bob: now")
