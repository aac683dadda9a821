# SPDX-License-Identifier: MIT
"""The web listener's WebSockets: as chat clients, and as RFC 6455 has them."""
import random
import time

from lib import JOINED, LEFT, test, wait_until
from objects import as_text, parse
from web import browse
from websocket import (BAD_TEXT, BINARY, CLOSE, CONTINUATION, GOING_AWAY,
                       NORMAL, PING, POLICY, PONG, PROTOCOL_ERROR, TEXT,
                       TOO_BIG, UNACCEPTABLE, close_payload, connect, encode)

TEXT_LINES = ["chat.text"]


def web(t, **options):
    options.setdefault("web", "127.0.0.1:0")
    options.setdefault("replay", 0)
    return t.server(**options)


def opened(t, server, protocols=TEXT_LINES, **options):
    """One that has said nothing yet."""
    return connect(t, ("127.0.0.1", server.web_port), protocols=protocols,
                   **options)


def joined(t, server, room, name, protocols=TEXT_LINES, **options):
    ws = opened(t, server, protocols, **options)
    ws.send_text(f"{room}\n{name}")
    line = ws.message()
    if protocols != TEXT_LINES:
        line = as_text(parse(line))
    assert line == JOINED % name, line
    return ws


def pair(t, server, **options):
    """Alice with the line protocol, Bob by WebSocket."""
    alice = server.join("general", "Alice")
    bob = joined(t, server, "general", "Bob", **options)
    alice.expect(JOINED % "Bob")
    return alice, bob


@test
def lines_by_websocket_and_lines_by_nc_are_one_chat(t):
    server = web(t, workers=2)
    alice = server.nc("-N")
    alice.send("general", "Alice")
    alice.expect(JOINED % "Alice")
    bob = opened(t, server)
    assert bob.protocol == "chat.text"
    bob.send_text("general")
    bob.send_text("Bob")
    bob.expect_text(JOINED % "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("Hello world!")
    bob.expect_text("Alice: Hello world!")
    bob.send_text("Hi Alice! 🌟")
    bob.send_text("/me waves")
    alice.expect("Bob: Hi Alice! 🌟", "* Bob waves")
    alice.end_input()
    bob.expect_text(LEFT % "Alice")
    assert alice.wait() == 0


@test
def objects_by_websocket_are_those_of_format_json(t):
    server = web(t, workers=2)
    for protocols, chosen in ((["chat.json"], "chat.json"), ([], None),
                              (["soap", "wamp"], None),
                              (["soap", "chat.json", "chat.text"],
                               "chat.json")):
        alice = server.join("general", "Alice")
        bob = opened(t, server, protocols)
        assert bob.protocol == chosen
        bob.send_text("general\nBob")
        o = parse(bob.message())
        assert (o["type"], o["room"], o["name"]) == ("join", "general", "Bob")
        alice.expect(JOINED % "Bob")
        alice.send('a "quoted" \\ \t text')
        o = parse(bob.message())
        assert (o["type"], o["name"], o["text"]) == (
            "message", "Alice", 'a "quoted" \\ \t text')
        alice.send("/quit")
        o = parse(bob.message())
        assert (o["type"], o["name"]) == ("leave", "Alice")
        bob.send_text("/nonsense")
        o = parse(bob.message())
        assert (o["type"], o["code"]) == ("error", "unknown-command")
        bob.close_with(NORMAL)


@test
def an_lf_within_a_message_separates_lines_and_its_end_is_one(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_text("one\ntwo\r\nthree\n")
    bob.send_text("\n\nfour\n\n")
    bob.send_text("")
    bob.send_text("\n")
    bob.send_fragments("fi", "ve\n", "")
    bob.send_fragments("six", "\nse", "ven")
    bob.send_fragments("", "", "eight", "")
    bob.send_fragments("\n", "nine")
    bob.send_text("/who")
    for word in "one two three four five six seven eight nine".split():
        alice.expect(f"Bob: {word}")
    bob.expect_text("*** 2 in general", "*** Alice Bob")


@test
def messages_are_the_same_wherever_frames_and_packets_end(t):
    server = web(t)
    alice, bob = pair(t, server)
    text = "grüße 🌟 an alle".encode()
    for at in range(len(text) + 1):
        bob.send_fragments(text[:at], text[at:])
        alice.expect(f"Bob: {text.decode()}")
    bob.send_fragments(*[text[i:i + 1] for i in range(len(text))])
    alice.expect(f"Bob: {text.decode()}")
    bob.send_frame(text, chop=1)
    alice.expect(f"Bob: {text.decode()}")
    rng = random.Random(732)
    for i in range(30):
        lines = [f"{i} {j} " + "x" * rng.randrange(300) for j in range(10)]
        data = encode("\n".join(lines[:5])) + \
            b"".join(encode(line) for line in lines[5:])
        while data:
            n = rng.randrange(1, 200)
            bob.send_bytes(data[:n])
            data = data[n:]
        alice.expect(*[f"Bob: {line}" for line in lines])


@test
def messages_of_every_length_come_whole_and_go_whole(t):
    server = web(t, max_line=4096, workers=2)
    alice, bob = pair(t, server)
    carol = joined(t, server, "general", "Carol", protocols=[])
    alice.expect(JOINED % "Carol")
    bob.expect_text(JOINED % "Carol")
    for size in [*range(1, 260), 1000, *range(4000, 4097)]:
        text = str(size).ljust(size, "x")[:size]
        bob.send_text(text)
        alice.expect(f"Bob: {text}")
        o = parse(carol.message())
        assert (o["name"], o["text"]) == ("Bob", text)
        alice.send(text)
        bob.expect_text(f"Alice: {text}")
        o = parse(carol.message())
        assert (o["name"], o["text"]) == ("Alice", text)


@test
def a_line_too_long_is_refused_and_the_connection_goes_on(t):
    server = web(t, max_line=1000)
    alice, bob = pair(t, server)
    long = "x" * 1001

    def refused():
        line = bob.message()
        assert line.startswith("*** error too-long: "), line

    bob.send_text(long)
    refused()
    bob.send_text(f"before\n{long}\nbehind")
    refused()
    alice.expect("Bob: before", "Bob: behind")
    bob.send_fragments(*["x" * 100] * 11, "\nonce more")
    refused()
    alice.expect("Bob: once more")
    bob.send_frame("x" * 8000, fin=False)
    refused()
    bob.send_frame("x" * 4000, CONTINUATION, fin=False)
    bob.send_frame("x\nthe end", CONTINUATION)
    alice.expect("Bob: the end")
    bob.send_text("x" * 1000)
    alice.expect("Bob: " + "x" * 1000)


@test
def a_message_may_be_sixteen_lines_long_and_no_longer(t):
    for max_line in 64, 1000, 16384:
        server = web(t, max_line=max_line)
        most = 16 * max_line
        alice, bob = pair(t, server)
        line = "x" * (max_line - 1) + "\n"
        bob.send_text(line * 16)
        alice.expect(*["Bob: " + line[:-1]] * 16)
        third = line * 5
        bob.send_fragments(third, third, third, line)
        alice.expect(*["Bob: " + line[:-1]] * 16)
        bob.send_text(line * 16 + "y")
        bob.expect_failure(TOO_BIG)
        alice.expect(LEFT % "Bob")
        # The head alone says so, as large as it may be.
        for length in most + 1, 1 << 32, (1 << 63) - 1:
            bob = joined(t, server, "general", "Bob")
            bob.send_bytes(encode(b"", length=length))
            bob.expect_failure(TOO_BIG)
        bob = joined(t, server, "general", "Bob")
        bob.send_bytes(encode(line * 15, fin=False) +
                       encode("", CONTINUATION, length=max_line + 1))
        bob.expect_failure(TOO_BIG)
        for client in alice, bob:
            client.close()
        server.stop()


@test
def a_message_of_too_many_frames_is_closed_with_1008(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_bytes(encode("a", fin=False) +
                   encode("", CONTINUATION, fin=False) * 4094 +
                   encode("b", CONTINUATION))
    alice.expect("Bob: ab")
    bob.send_bytes(encode("a", fin=False) +
                   encode("", CONTINUATION, fin=False) * 4096)
    bob.expect_failure(POLICY)
    alice.expect(LEFT % "Bob")


BAD_FRAMES = (
    (UNACCEPTABLE, encode(b"\0\1", BINARY)),
    (UNACCEPTABLE, encode(b"", BINARY)),
    (UNACCEPTABLE, encode(b"a", BINARY, fin=False)),
    (BAD_TEXT, encode(b"\xff")),
    (BAD_TEXT, encode(b"a\xc0\x80b")),
    (BAD_TEXT, encode(b"\xed\xa0\x80")),
    (BAD_TEXT, encode(b"\xf4\x90\x80\x80")),
    (BAD_TEXT, encode(b"cut \xe2\x82")),
    (BAD_TEXT, encode(b"\xe2", fin=False) + encode(b"x", CONTINUATION)),
    (BAD_TEXT, encode(b"\xe2", fin=False) + encode(b"\x82", CONTINUATION)),
    (BAD_TEXT, encode(b"\xf0\x9f", fin=False)
        + encode(b"\x8c\xff", CONTINUATION, fin=False)),
    (BAD_TEXT, encode(close_payload(1000, b"\xff"), CLOSE)),
    (BAD_TEXT, encode(close_payload(1000, b"\xe2\x82"), CLOSE)),
    (PROTOCOL_ERROR, encode("x", masked=False)),
    (PROTOCOL_ERROR, encode("", PING, masked=False)),
    *[(PROTOCOL_ERROR, encode("x", rsv=rsv)) for rsv in range(1, 8)],
    (PROTOCOL_ERROR, encode("x", PING, rsv=4)),
    *[(PROTOCOL_ERROR, encode("x", opcode))
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    (PROTOCOL_ERROR, encode("x", CONTINUATION)),
    (PROTOCOL_ERROR, encode("x", CONTINUATION, fin=False)),
    (PROTOCOL_ERROR, encode("x", fin=False) + encode("y")),
    (PROTOCOL_ERROR, encode("x", PING, fin=False)),
    (PROTOCOL_ERROR, encode("x", CLOSE, fin=False)),
    (PROTOCOL_ERROR, encode("x" * 126, PING)),
    (PROTOCOL_ERROR, encode("x" * 126, PONG)),
    (PROTOCOL_ERROR, encode("x" * 126, CLOSE)),
    (PROTOCOL_ERROR, encode("x", CLOSE)),
    (PROTOCOL_ERROR, encode("x" * 10, length_bytes=2)),
    (PROTOCOL_ERROR, encode("x" * 200, length_bytes=8)),
    (PROTOCOL_ERROR, encode("", length=1 << 63)),
    *[(PROTOCOL_ERROR, encode(close_payload(code), CLOSE))
      for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)],
)


@test(limit=120)
def what_breaks_the_rules_is_closed_with_the_code_that_fits(t):
    """What came before it counts, what comes behind does not."""
    server = web(t)
    alice = server.join("general", "Alice")
    for code, frames in BAD_FRAMES:
        bob = joined(t, server, "general", "Bob")
        bob.send_bytes(encode("before") + frames + encode("behind"))
        bob.expect_failure(code)
        alice.expect(JOINED % "Bob", "Bob: before", LEFT % "Bob")
        bob.close()
    server.wait_event("close", len(BAD_FRAMES), reason="protocol")


@test(limit=120)
def it_is_closed_as_well_before_the_join_and_byte_by_byte(t):
    server = web(t)
    for code, frames in BAD_FRAMES:
        bob = opened(t, server)
        bob.send_bytes(frames)
        bob.expect_failure(code)
        bob = opened(t, server)
        for byte in frames:
            if bob.data or bob.ended:
                break
            bob.try_send(bytes([byte]))
        bob.expect_close(code)
        for ws in t.peers:
            ws.close()
        t.peers.clear()
    wait_until(lambda: server.dump()["sessions"] == 0, "all have gone")


@test
def who_closes_is_answered_with_its_own_code(t):
    server = web(t)
    alice = server.join("general", "Alice")
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                 1013, 1014, 3000, 3999, 4000, 4999):
        bob = joined(t, server, "general", "Bob")
        bob.send_text("last words")
        bob.close_with(code, "a reason, with ü")
        alice.expect(JOINED % "Bob", "Bob: last words", LEFT % "Bob")
        bob.close()
    bob = joined(t, server, "general", "Bob")
    bob.send_close()
    assert bob.expect_close(NORMAL, None) == ""
    bob.expect_end()
    bob = joined(t, server, "general", "Bobby")
    bob.send_close(1000, "x" * 123)
    bob.expect_close(NORMAL)
    bob.expect_end()
    ends = [e["reason"] for e in server.events("close")]
    assert set(ends) <= {"eof"}, ends


@test
def who_closes_in_the_middle_of_a_message_has_not_said_it(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_bytes(encode("whole") + encode("a half", fin=False) +
                   encode(close_payload(1001), CLOSE))
    bob.expect_close(1001)
    bob.expect_end()
    alice.expect("Bob: whole", LEFT % "Bob")


@test
def a_connection_that_is_cut_ends_a_session_as_everywhere(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_bytes(encode("whole") + encode("no frame of this is the last",
                                            fin=False))
    bob.half_close()
    alice.expect("Bob: whole", LEFT % "Bob")
    bob.expect_close(NORMAL)
    bob.expect_end()
    for cut in 1, 2, 5, 9:
        bob = joined(t, server, "general", "Bob")
        bob.send_bytes(encode("whole") + encode("half")[:cut])
        bob.half_close()
        alice.expect(JOINED % "Bob", "Bob: whole", LEFT % "Bob")
    bob = joined(t, server, "general", "Bob")
    bob.send_text("reset")
    alice.expect(JOINED % "Bob", "Bob: reset")
    bob.reset()
    alice.expect(LEFT % "Bob")


@test
def pings_are_answered_with_what_was_in_them(t):
    server = web(t)
    alice, bob = pair(t, server)
    for size in range(126):
        payload = random.Random(size).randbytes(size)
        bob.ping(payload)
        bob.expect_pong(payload)
    bob.ping(b"byte by byte", chop=1)
    bob.expect_pong(b"byte by byte")
    bob.send_bytes(encode("one, ", fin=False) + encode(b"between", PING) +
                   encode("two", CONTINUATION, fin=False) +
                   encode(b"", PONG) + encode(b"out of nowhere", PONG) +
                   encode(", three", CONTINUATION))
    bob.expect_pong(b"between")
    alice.expect("Bob: one, two, three")
    early = opened(t, server)
    early.ping(b"before the room")
    early.expect_pong(b"before the room")
    early.send_text("general")
    early.ping(b"before the name")
    early.expect_pong(b"before the name")
    early.send_text("Carol")
    early.expect_text(JOINED % "Carol")


@test
def of_many_pings_the_last_is_answered(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_bytes(b"".join(encode(str(i), PING) for i in range(1000)))
    seen = -1
    while seen != 999:
        frame = bob.frame()
        assert frame.opcode == PONG and int(frame.payload) > seen, frame
        seen = int(frame.payload)
    bob.send_text("on it goes")
    alice.expect("Bob: on it goes")


@test
def pongs_stand_between_messages_whatever_else_is_said(t):
    server = web(t, workers=2)
    alice, bob = pair(t, server)
    for i in range(300):
        alice.send(f"{i} ".ljust(2000, "x"))
        bob.send_bytes(encode(str(i).encode(), PING) +
                       encode("/whoami") + encode("/help"))
    bob.ping(b"end")
    bob.send_text("/who")
    count, pongs, last, who = 0, -1, None, False
    while not who or last != b"end":
        frame = bob.frame()
        assert frame.opcode in (TEXT, PONG) and frame.fin, frame
        if frame.opcode == PONG:
            last = frame.payload
            assert last == b"end" or int(last) > pongs, (last, pongs)
            pongs = pongs if last == b"end" else int(last)
            continue
        text = frame.payload.decode()
        if text.startswith("Alice: "):
            assert text.startswith(f"Alice: {count} "), text
            count += 1
        who = who or text == "*** Alice Bob"
    assert count <= 300


@test
def pings_of_one_who_reads_nothing_are_bounded(t):
    server = web(t)
    alice, bob = pair(t, server, rcvbuf=4096)
    one = encode(b"x" * 125, PING)
    sent = blocked = 0
    while sent < 16 << 20 and blocked < 100:
        n = bob.try_send((one * 500)[sent % len(one):])
        sent += n
        blocked = 0 if n else blocked + 1
        alice.send("/whoami")
        alice.expect("*** you are Alice in general, from 127.0.0.1")
    assert server.session("Bob")["out"] < 1 << 20
    # It reads at last: pongs, each whole, and all that it says is heard.
    rest = one[sent % len(one):] + encode("here I am") + encode(b"end", PING)
    while True:
        frame = bob.frame()
        assert frame.opcode == PONG, frame
        if frame.payload == b"end":
            break
        assert frame.payload == b"x" * 125, frame
        rest = rest[bob.try_send(rest):]
    alice.expect("Bob: here I am")


@test
def quit_closes_with_1000(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_text("/quit\nnothing of this")
    bob.expect_failure(NORMAL)
    alice.expect(LEFT % "Bob")
    early = opened(t, server)
    early.send_text("/quit")
    early.expect_failure(NORMAL)


@test
def a_stop_is_told_and_closes_with_1001(t):
    server = web(t)
    bob = joined(t, server, "general", "Bob")
    carol = joined(t, server, "general", "Carol", protocols=[])
    bob.expect_text(JOINED % "Carol")
    early = opened(t, server)
    server.process.terminate()
    for ws in bob, early:
        assert ws.message().startswith("*** error shutting-down: ")
        ws.expect_failure(GOING_AWAY)
    assert parse(carol.message())["code"] == "shutting-down"
    carol.expect_failure(GOING_AWAY)
    assert server.wait() == 0


@test
def login_timeout_closes_with_1008(t):
    server = web(t, login_timeout=1)
    ws = [opened(t, server) for _ in range(3)]
    ws[1].send_text("general")
    ws[2].send_frame("general", fin=False)
    for client in ws:
        client.ping()  # no reason to wait longer
    for client in ws:
        client.expect_pong()
        assert client.message().startswith("*** error login-timeout: ")
        client.expect_failure(POLICY)


@test
def the_third_wrong_line_closes_with_1008(t):
    server = web(t)
    ws = opened(t, server)
    for line, code in ((" ", "bad-room"), ("general", None), ("a b", "bad-name"),
                       ("", "bad-name")):
        ws.send_text(line)
        if code is not None:
            got = ws.message()
            assert got.startswith(f"*** error {code}: "), got
    ws.expect_failure(POLICY)
    server.wait_event("close", reason="wrong-lines")


@test
def what_came_behind_a_wrong_line_is_thrown_away(t):
    server = web(t)
    alice = server.join("general", "Alice")
    ws = opened(t, server)
    ws.send_text("general\nAlice\nhello\nmore\nand more")
    assert ws.message().startswith("*** error name-taken: ")
    ws.send_text("Bob")
    ws.expect_text(JOINED % "Bob")
    alice.expect(JOINED % "Bob")
    ws.close_with(NORMAL)
    alice.expect(LEFT % "Bob")
    # In frames of their own, as much as comes at once.
    ws = opened(t, server)
    ws.send_bytes(encode("general") + encode("Alice") +
                  b"".join(encode(f"word {i}") for i in range(200)))
    assert ws.message().startswith("*** error name-taken: ")
    ws.send_text("Carol")
    ws.expect_text(JOINED % "Carol")
    alice.expect(JOINED % "Carol")
    # More than is read at once, too.
    ws = opened(t, server)
    ws.send_bytes(encode("general") + encode("Alice") +
                  b"".join(encode(f"word{i}") for i in range(4000)))
    assert ws.message().startswith("*** error name-taken: ")
    ws.send_text("Dora")
    ws.expect_text(JOINED % "Dora")
    alice.expect(JOINED % "Dora")
    # So is half a message: its other half is no name.
    ws = opened(t, server)
    ws.send_bytes(encode("general\nAlice\nDa", fin=False))
    assert ws.message().startswith("*** error name-taken: ")
    ws.send_bytes(encode("ve", CONTINUATION) + encode("Erin"))
    ws.expect_text(JOINED % "Erin")


@test
def silence_is_not_broken_by_pings(t):
    server = web(t, idle_timeout=2)
    alice, bob = pair(t, server)
    bob.ping()
    frame = bob.frame()
    while frame.opcode == PONG:
        alice.send("/whoami")  # who asks is not idle
        bob.ping()
        time.sleep(0.1)
        frame = bob.frame()
    assert frame.payload.startswith(b"*** error idle-timeout: "), frame
    bob.expect_failure(POLICY)
    alice.lines_until(LEFT % "Bob")


@test
def one_who_gives_no_sign_of_life_is_pinged_and_closed(t):
    server = web(t, web_ping=2)
    alice, dead = pair(t, server)
    live = joined(t, server, "general", "Carol")
    alice.expect(JOINED % "Carol")
    frames, pings = [], 0
    while not frames or frames[-1].payload.decode() != LEFT % "Bob":
        frames.append(live.frame())
        if frames[-1].opcode == PING:
            live.pong()
            pings += 1
    assert pings > 0
    alice.expect(LEFT % "Bob")
    dead.expect_text(JOINED % "Carol")
    dead.expect_frame(PING)
    dead.expect_failure(POLICY)
    dead.close()
    # Whatever it says is a sign.
    while pings < 4:
        frame = live.frame()
        assert frame.opcode == PING, frame
        pings += 1
        live.send_text(f"sign {pings}")
        alice.expect(f"Carol: sign {pings}")
    server.wait_event("close", reason="ping-timeout")


@test
def without_web_ping_nobody_is_pinged(t):
    server = web(t, web_ping=0, idle_timeout=3)
    bob = joined(t, server, "general", "Bob")
    assert bob.message(pings=False).startswith("*** error idle-timeout: ")


@test
def one_over_its_rate_is_read_more_slowly_and_loses_nothing(t):
    server = web(t, rate=50, burst=5)
    alice, bob = pair(t, server)
    bob.send_bytes(b"".join(encode(f"message {i}") for i in range(30)))
    bob.send_text("\n".join(f"message {i}" for i in range(30, 60)))
    bob.send_close(1000)
    for i in range(60):
        alice.expect(f"Bob: message {i}")
    alice.expect(LEFT % "Bob")
    bob.expect_close(NORMAL)
    bob.expect_end()


@test
def a_slow_reader_lags_and_is_told_what_it_missed(t):
    for protocols in ["chat.text"], ["chat.json"]:
        server = web(t, workers=2, ring_size="128K")
        alice = server.join("general", "Alice")
        carol = server.join("general", "Carol")
        slow = opened(t, server, protocols, rcvbuf=4096)
        slow.send_text("general\nSlow")
        for client in alice, carol:
            client.lines_until(JOINED % "Slow")
        for i in range(9000):
            alice.send(f"{i} ".ljust(1000, "x"))
            if i % 64 == 63 or i == 8999:
                carol.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
        assert server.session("Slow")["lagging"]
        alice.send("/quit")
        want, missed = 0, 0
        while True:
            line = slow.message()
            if protocols == ["chat.json"]:
                line = as_text(parse(line))
            if line == LEFT % "Alice":
                break
            if line == JOINED % "Slow":
                continue
            if line.startswith("*** error lagged: "):
                missed += 1
                want += int(line.split()[3])
                continue
            assert line == "Alice: " + f"{want} ".ljust(1000, "x"), line[:60]
            want += 1
        assert want == 9000 and missed > 0, (want, missed)
        for client in carol, slow:
            client.close()
        server.stop()


@test
def format_changes_what_a_websocket_reads(t):
    server = web(t)
    alice, bob = pair(t, server)
    bob.send_text("/format json")
    assert parse(bob.message())["text"] == "format is json"
    alice.send("one")
    assert parse(bob.message())["text"] == "one"
    bob.send_text("/format text")
    bob.expect_text("*** format is text")
    alice.send("two")
    bob.expect_text("Alice: two")


@test
def commands_do_by_websocket_what_they_do_elsewhere(t):
    server = web(t, workers=2)
    alice, bob = pair(t, server)
    bob.send_text("/msg Alice psst")
    alice.expect("[private] Bob: psst")
    alice.send("/msg Bob hush")
    bob.expect_text("[private] Alice: hush")
    bob.send_text("/ignore Alice")
    bob.expect_text("*** you read nothing of that name any more")
    alice.send("unheard", "/msg Bob unheard too", "/topic heard")
    bob.expect_text("*** Alice set the topic: heard")
    bob.send_text("/unignore Alice\n/nick Robert\n//slash\n/join den")
    bob.expect_text("*** you read all of that name",
                    "*** Bob is now known as Robert",
                    JOINED % "Robert")
    alice.lines_until("*** Bob is now known as Robert")
    alice.expect("Robert: /slash", LEFT % "Robert")


@test
def one_who_joins_is_shown_the_last_twenty_messages(t):
    server = web(t, replay=None)
    alice = server.join("general", "Alice")
    alice.send(*[f"message {i}" for i in range(30)], "/who")
    alice.lines_until("*** Alice")
    bob = joined(t, server, "general", "Bob")
    for i in range(10, 30):
        line = bob.message()
        assert line.startswith("*** 2") and \
            line.endswith(f"Z Alice: message {i}"), line
    carol = opened(t, server, [])
    carol.send_text("general\nCarol")
    assert parse(carol.message())["type"] == "join"
    for i in range(10, 30):
        o = parse(carol.message())
        assert (o["type"], o["replay"], o["kind"], o["text"]) == (
            "reply", True, "message", f"message {i}"), o
    alice.send("live")
    assert parse(carol.message())["type"] == "message"


@test
def pages_of_other_origins_may_not_come_in(t):
    server = web(t, web_origin=["https://chat.example:8443",
                                "http://other.example"])
    port = server.web_port
    allowed = (None, f"http://127.0.0.1:{port}", "https://chat.example:8443",
               "http://other.example", "HTTP://Other.Example")
    refused = ("null", "http://evil.example", "http://127.0.0.1",
               f"http://127.0.0.1:{port + 1}", "https://chat.example",
               "http://other.example.evil.example", "http://other.example:81",
               f"http://127.0.0.1:{port}.evil.example",
               f"http://evil.example@127.0.0.1:{port}", "", "*", "file://",
               f"http://127.0.0.1:{port}/chat")
    for origin in allowed:
        opened(t, server, origin=origin).close_with(NORMAL)
    for origin in refused:
        client = browse(t, server)
        client.send_handshake(origin=origin)
        got = client.expect_answer(403)
        assert got.headers["connection"] == "close", (origin, got)


@test
def a_handshake_that_is_none_is_refused(t):
    server = web(t)
    good = [("Host", "a"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13")]

    def without(*names):
        return [h for h in good if h[0] not in names]

    cases = (
        (400, without("Host")),
        (426, without("Upgrade")),
        (426, without("Connection")),
        (400, without("Sec-WebSocket-Key")),
        (426, without("Sec-WebSocket-Version")),
        (426, without("Upgrade") + [("Upgrade", "h2c")]),
        (426, without("Connection") + [("Connection", "keep-alive")]),
        (400, without("Sec-WebSocket-Key") + [("Sec-WebSocket-Key", "short")]),
        (400, good + [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]),
        (426, without("Sec-WebSocket-Version") +
            [("Sec-WebSocket-Version", "8")]),
        (426, without("Sec-WebSocket-Version") +
            [("Sec-WebSocket-Version", "013")]),
        (413, good + [("Content-Length", "5")]),
    )
    for status, headers in cases:
        client = browse(t, server)
        client.request("/chat", headers=headers)
        got = client.expect_refusal(status)
        if status == 426:
            assert got.headers["sec-websocket-version"] == "13"
    for headers in (
            good + [("Sec-WebSocket-Extensions", "permessage-deflate")],
            without("Upgrade", "Connection") +
            [("Upgrade", "h2c, WebSocket"),
             ("Connection", "keep-alive, upgrade")]):
        client = browse(t, server)
        client.request("/chat", headers=headers)
        status, answer = client.response()
        assert status == 101, (headers, status)
        assert answer["sec-websocket-accept"] == \
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert "sec-websocket-extensions" not in answer
    # Other paths are no chat; frames behind the request are too early.
    client = browse(t, server)
    client.request("/", headers=good)
    client.expect_answer(200)
    client = browse(t, server)
    head = "GET /chat HTTP/1.1\r\n" + "".join(
        f"{n}: {v}\r\n" for n, v in good) + "\r\n"
    client.send_bytes(head.encode() + encode("general"))
    client.expect_refusal(400)


@test
def a_page_and_then_a_websocket_come_by_one_connection(t):
    server = web(t)
    client = browse(t, server)
    assert client.get().status == 200
    key = client.send_handshake(protocols=TEXT_LINES)
    client.expect_upgrade(key, TEXT_LINES)
    client.send_text("general\nBob")
    client.expect_text(JOINED % "Bob")
    client.close_with(NORMAL)


@test
def sessions_move_between_web_workers_and_nothing_is_lost(t):
    server = web(t, web_workers=2)
    people = [joined(t, server, "general", f"User{i}") for i in range(6)]
    server.wait_joined(6)
    seats = {server.session(f"User{i}")["worker"] for i in range(6)}
    assert len(seats) == 1, seats
    for round_ in range(4):
        room = f"room{round_}"
        for i, ws in enumerate(people):
            ws.send_bytes(encode(f"/join {room}") +
                          encode(f"{round_} {i} hello") +
                          encode(f"{i}".encode(), PING))
    people[0].send_text("the end")
    for ws in people[1:]:
        lines = []
        while not lines or lines[-1] != "User0: the end":
            frame = ws.frame()
            if frame.opcode != PONG:
                lines.append(frame.payload.decode())
        said = [x for x in lines if x.endswith(" hello")]
        assert len(said) == len(set(said)), said
    server.wait_joined(6)
    assert len({server.session(f"User{i}")["worker"]
                for i in range(6)}) == 1


@test(limit=120)
def many_at_once_are_served(t):
    server = web(t, web_workers=2)
    count = 500
    people = []
    for i in range(count):
        ws = browse(t, server)
        ws.key = ws.send_handshake(protocols=TEXT_LINES)
        people.append(ws)
    for i, ws in enumerate(people):
        ws.expect_upgrade(ws.key, TEXT_LINES)
        ws.send_text(f"general\nUser{i}")
    for i, ws in enumerate(people):
        while ws.message() != JOINED % f"User{i}":
            pass
    server.wait_joined(count)
    people[0].send_text("hello all")
    for ws in people[1:]:
        while ws.message() != "User0: hello all":
            pass
    assert server.dump()["sessions"] == count


@test
def shmdump_says_that_a_session_came_by_the_web(t):
    server = web(t)
    page = browse(t, server)
    page.get()
    bob = joined(t, server, "general", "Bob")
    types = {w["type"]: w["seat"] for w in server.dump("workers")}
    row = server.session("Bob")
    assert (row["listener"], row["worker"], row["state"], row["room"]) == (
        "web", types["web"], "joined", "general"), row
    others = [r for r in server.dump("sessions") if r["name"] != "Bob"]
    assert [(r["listener"], r["state"]) for r in others] == [("web", "http")]
    bob.close_with(NORMAL)
    page.close()
    server.wait_sessions(0)
