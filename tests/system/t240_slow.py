# SPDX-License-Identifier: MIT
"""Readers who are slow, and readers so slow that the ring laps them."""
import re

from lib import LEFT, test

LAGGED = re.compile(r"\*\*\* error lagged: (\d+) messages missed")


def pump(name, speaker, listener, count, size):
    """Numbered messages, with the listener never far behind."""
    for i in range(count):
        text = f"{i} ".ljust(size, "x")
        speaker.send(text)
        if (i + 1) * size // 65536 != i * size // 65536 or i == count - 1:
            listener.lines_until(f"{name}: {text}")


def number(line, name):
    match = re.match(rf"{name}: (\d+) x*$", line)
    assert match, f"neither a message nor an error: {line[:80]!r}"
    return int(match.group(1))


def check_gaps(lines, name, size, count):
    """Numbered messages, with a notice of exactly what is missing where
    something is; all messages are there or noticed.  Returns the number of
    notices."""
    want = 0
    notices = 0
    for line in lines:
        match = LAGGED.fullmatch(line)
        if match:
            want += int(match.group(1))
            notices += 1
            continue
        got = number(line, name)
        assert got == want, f"number {got}, not {want}"
        assert len(line) == len(name) + 2 + size
        want += 1
    assert want == count, f"{want} of {count} accounted for"
    return notices


@test
def one_who_does_not_read_does_not_hold_up_the_others(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    server.join("general", "Sleeper", rcvbuf=4096)
    for client in alice, bob:
        client.expect("🌟 Sleeper joined the room!")
    pump("Alice", alice, bob, 12000, 1000)
    assert server.session("Sleeper")["lagging"]
    assert not server.session("Bob")["lagging"]


@test
def a_slow_reader_that_is_not_lapped_gets_everything(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect("🌟 Slow joined the room!")
    pump("Alice", alice, bob, 9000, 1000)
    assert server.session("Slow")["lagging"]
    alice.send("/quit")
    lines = slow.lines_until(LEFT % "Alice")
    assert check_gaps(lines, "Alice", 1000, 9000) == 0


@test
def a_lapped_reader_is_told_how_much_it_missed_and_goes_on(t):
    for ring, size, count in (("128K", 1000, 9000), ("1M", 1000, 9000),
                              ("128K", 30, 120000), ("128K", 4096, 2500)):
        server = t.server(workers=2, ring_size=ring)
        alice, bob = server.room("general", "Alice", "Bob")
        slow = server.join("general", "Slow", rcvbuf=4096)
        for client in alice, bob:
            client.expect("🌟 Slow joined the room!")
        pump("Alice", alice, bob, count, size)
        alice.send("/quit")
        lines = slow.lines_until(LEFT % "Alice")
        notices = check_gaps(lines, "Alice", size, count)
        assert notices > 0, (ring, size)
        bob.send("welcome back")
        slow.expect("Bob: welcome back")
        for client in alice, bob, slow:
            client.close()
        server.stop()


@test
def one_who_reads_a_little_now_and_then_is_told_each_time(t):
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect("🌟 Slow joined the room!")
    lines = []
    count = 0
    for _ in range(6):
        first = count

        def numbered(i):
            return f"{i} ".ljust(1000, "x")
        for i in range(first, first + 5000):
            alice.send(numbered(i))
            if i % 64 == 63 or i == first + 4999:
                bob.lines_until("Alice: " + numbered(i))
        count += 5000
        for _ in range(100):
            lines.append(slow.line())
    alice.send("/quit")
    lines += slow.lines_until(LEFT % "Alice")
    assert check_gaps(lines, "Alice", 1000, count) > 1


@test
def the_missed_ones_are_those_it_would_have_read(t):
    """Neither its own messages count, nor those of another room, nor joins."""
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    carol, dave = server.room("other", "Carol", "Dave")
    for client in alice, bob:
        client.expect("🌟 Slow joined the room!")
    for i in range(9000):
        alice.send(f"{i} ".ljust(1000, "x"))
        if i % 3 == 0:
            slow.send(f"mine {i}")
        if i % 3 == 1:
            carol.send(f"other {i}")
        if i % 500 == 0:
            eve = server.join("general", "Eve")
            eve.close()
        if i % 50 == 49:
            bob.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
    dave.lines_until("Carol: other 8998")
    alice.send("/quit")
    lines = [line for line in slow.lines_until(LEFT % "Alice")
             if "Eve" not in line]
    assert check_gaps(lines, "Alice", 1000, 9000) > 0


@test
def several_slow_readers_are_each_told_their_own_number(t):
    server = t.server(workers=2, ring_size="256K")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = []
    count = 0
    for i in range(3):
        slow.append((server.join("general", f"Slow{i}", rcvbuf=4096), count))
        alice.expect(f"🌟 Slow{i} joined the room!")
        bob.expect(f"🌟 Slow{i} joined the room!")
        for n in range(count, count + 3000):
            alice.send(f"{n} ".ljust(1000, "x"))
            if n % 64 == 63 or n == count + 2999:
                bob.lines_until("Alice: " + f"{n} ".ljust(1000, "x"))
        count += 3000
    for n in range(count, count + 3000):
        alice.send(f"{n} ".ljust(1000, "x"))
        if n % 64 == 63 or n == count + 2999:
            bob.lines_until("Alice: " + f"{n} ".ljust(1000, "x"))
    count += 3000
    alice.send("/quit")
    for client, first in slow:
        lines = [line for line in client.lines_until(LEFT % "Alice")
                 if not line.startswith("🌟")]
        shifted = []
        for line in lines:
            if not LAGGED.fullmatch(line):
                n = number(line, "Alice")
                line = "Alice: " + f"{n - first} ".ljust(1000, "x")
            shifted.append(line)
        check_gaps(shifted, "Alice", 1000, count - first)


@test
def one_who_lags_may_speak(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect("🌟 Slow joined the room!")
    pump("Alice", alice, bob, 9000, 1000)
    assert server.session("Slow")["lagging"]
    slow.send("slow but there")
    for client in alice, bob:
        client.expect("Slow: slow but there")


@test
def one_who_lags_and_leaves_is_gone_for_the_others(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect("🌟 Slow joined the room!")
    pump("Alice", alice, bob, 9000, 1000)
    assert server.session("Slow")["lagging"]
    slow.send("/quit")
    for client in alice, bob:
        client.expect(LEFT % "Slow")
    lines = slow.lines_to_end()
    assert check_gaps(lines, "Alice", 1000, 9000) == 0


@test
def a_stop_is_in_time_while_clients_lag(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = [server.join("general", f"Slow{i}", rcvbuf=4096) for i in range(3)]
    bob.lines_until("🌟 Slow2 joined the room!")
    alice.lines_until("🌟 Slow2 joined the room!")
    pump("Alice", alice, bob, 9000, 1000)
    assert server.session("Slow0")["lagging"]
    server.stop()
    for client in alice, bob:
        client.expect_error("shutting-down")
    assert slow


@test
def one_who_reads_during_the_stop_reads_all_and_why(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect("🌟 Slow joined the room!")
    pump("Alice", alice, bob, 6000, 1000)
    server.process.terminate()
    alice.expect_error("shutting-down")
    lines = slow.lines_to_end()
    errors = [line for line in lines if line.startswith("*** ")]
    assert len(errors) == 1 and "shutting-down" in errors[0], errors
    assert server.wait() == 0
