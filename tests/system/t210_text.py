# SPDX-License-Identifier: MIT
"""Messages: what is made of their bytes, and how long they may be."""
from lib import JOINED, test

SANITISED = [
    # As sent, as read.
    (b"plain", "plain"),
    ("äöü ß 漢字 😀".encode(), "äöü ß 漢字 😀"),
    (b"a\tb", "a\tb"),
    (b"a\x00b\x07c\x1b[31md\x7fe", "abc[31mde"),
    ("C1: \u0080\u009b\u009f.".encode(), "C1: ."),
    ("bidi: \u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069."
     .encode(), "bidi: ."),
    ("separators: \u2028\u2029.".encode(), "separators: ."),
    ("joiners: \u200d\u200c.".encode(), "joiners: \u200d\u200c."),
    ("👩‍👩‍👧".encode(), "👩‍👩‍👧"),
    (b"stray \xff.", "stray \ufffd."),
    (b"cut \xc3", "cut \ufffd"),
    (b"overlong \xc0\xaf.", "overlong \ufffd\ufffd."),
    (b"surrogate \xed\xa0\x80.", "surrogate \ufffd\ufffd\ufffd."),
    (b"beyond \xf4\x90\x80\x80.", "beyond " + "\ufffd" * 4 + "."),
    (b"cut inside \xe2\x82x", "cut inside \ufffdx"),
    (b"CR \r inside", "CR  inside"),
    (b"  spaces stay  ", "  spaces stay  "),
    (b"Bob: not Bob", "Bob: not Bob"),
    (b"*** error not: really", "*** error not: really"),
]

EMPTIED = [b"\x00", b"\x1b\x07", "\u202e\u2066".encode(), b"\x7f\x7f",
           "\u2028".encode(), "\u0085".encode(), b"\x01" * 100]


@test
def text_is_made_safe_on_its_way_in(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for sent, read in SANITISED:
        alice.send(sent)
        bob.expect(f"Alice: {read}")


@test
def text_is_made_safe_in_one_go_too(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*(sent for sent, _ in SANITISED))
    bob.expect(*(f"Alice: {read}" for _, read in SANITISED))


@test
def text_that_this_leaves_empty_is_bad_text(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    for text in EMPTIED:
        alice.send(text)
        assert "control" in alice.expect_error("bad-text")
    alice.send("still here")
    bob.expect("Alice: still here")


@test
def a_line_of_white_space_is_a_message(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(" ", "\t")
    bob.expect("Alice:  ", "Alice: \t")


@test
def every_byte_comes_out_as_utf_8_of_one_line(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    for byte in range(256):
        if byte != 10:
            alice.send(b"<" + bytes([byte]) + b">")
    for byte in range(256):
        if byte == 10:
            continue
        line = bob.line()  # decodes strictly
        assert line.startswith("Alice: <") and line.endswith(">"), line
        assert line.replace("\t", " ").isprintable(), repr(line)


@test
def a_line_of_max_line_bytes_is_delivered_and_one_more_is_too_long(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for end in b"\n", b"\r\n":
        for length in 4095, 4096:
            alice.send_bytes(b"x" * length + end)
            bob.expect("Alice: " + "x" * length)
        for length in 4097, 4098, 5000, 100000:
            alice.send_bytes(b"y" * length + end)
            assert "4096 bytes" in alice.expect_error("too-long")
    alice.send("end")
    bob.expect("Alice: end")


@test
def max_line_may_be_set_from_64_bytes_on(t):
    server = t.server(max_line=64)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("x" * 65)
    assert "64 bytes" in alice.expect_error("too-long")
    alice.send("x" * 64)
    bob.expect("Alice: " + "x" * 64)


@test
def the_longest_lines_there_are_arrive_whole(t):
    server = t.server(workers=2, max_line=16384, ring_size="512K")
    alice, bob = server.room("general", "A" * 32, "Bob")
    for i in range(100):
        text = f"{i} " + "\x01" * (i % 3)
        alice.send(text.encode() + b"\xff" * (16384 - len(text)))
        bob.expect(f"{'A' * 32}: {i} " + "\ufffd" * (16384 - len(text)))


@test
def bytes_are_counted_as_they_are_sent(t):
    server = t.server(max_line=64)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("é" * 33)
    alice.expect_error("too-long")
    alice.send("é" * 32)
    bob.expect("Alice: " + "é" * 32)
    alice.send(b"\xff" * 64)
    bob.expect("Alice: " + "\ufffd" * 64)


@test
def a_line_too_long_is_refused_whole_however_it_comes(t):
    server = t.server(max_line=100)
    alice, bob = server.room("general", "Alice", "Bob")
    for cut in 1, 50, 99, 100, 101, 150, 199:
        alice.send("before")
        bob.expect("Alice: before")
        alice.send_bytes(b"z" * cut)
        if cut <= 100:
            # It has been read when the next one's effect is seen.
            bob.send("ping")
            alice.expect("Bob: ping")
        alice.send_bytes(b"z" * (200 - cut))
        alice.expect_error("too-long")
        alice.send_bytes(b"and the rest of it")
        bob.send("pong")
        alice.expect("Bob: pong")
        alice.send_bytes(b"\nafter\n")
        bob.expect("Alice: after")


@test
def a_line_too_long_before_the_join_is_a_wrong_line(t):
    server = t.server(max_line=100)
    client = server.connect()
    client.send_bytes(b"x" * 500)
    client.expect_error("too-long")
    client.send_bytes(b"the rest\ngeneral\n")
    client.send_bytes(b"x" * 101 + b"\n")
    client.expect_error("too-long")
    client.send("Alice")
    client.expect(JOINED % "Alice")


@test
def commands_may_be_as_long_as_messages(t):
    server = t.server(max_line=64)
    alice = server.join("general", "Alice")
    alice.send("/" + "x" * 63)
    alice.expect_error("unknown-command")
    alice.send("/" + "x" * 64)
    alice.expect_error("too-long")


@test
def what_a_client_reads_of_joins_is_what_the_others_read(t):
    server = t.server(workers=2)
    alice = server.join("general", "Ünï-😀")
    bob = server.join("general", "漢字")
    assert alice.raw_line() == "🌟 漢字 joined the room!\n".encode()
    bob.half_close()
    assert alice.raw_line() == "👋 漢字 left the room\n".encode()
