# SPDX-License-Identifier: MIT
"""Reading back: /history from the ring, and what a joiner is shown."""
import re

from lib import JOINED, test

STAMP = r"\*\*\* \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "


def past(client, *lines):
    """The client reads these lines as history shows them."""
    for line in lines:
        got = client.line()
        assert re.fullmatch(STAMP + re.escape(line), got), (got, line)


@test
def history_shows_the_last_messages_of_the_room_and_of_no_other(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    carol = server.join("other", "Carol")
    carol.send("elsewhere")
    alice.send(*[f"message {i}" for i in range(30)], "/me waves")
    bob.expect(*[f"Alice: message {i}" for i in range(30)], "* Alice waves")
    bob.send("/history")
    past(bob, *[f"Alice: message {i}" for i in range(11, 30)],
         "* Alice waves")
    bob.send("/history 3", "/history 1")
    past(bob, "Alice: message 28", "Alice: message 29", "* Alice waves",
         "* Alice waves")
    bob.send("/history 1000")
    past(bob, *[f"Alice: message {i}" for i in range(30)], "* Alice waves")


@test
def history_since_a_number_shows_what_came_after_it(t):
    server = t.server(workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("one", "two", "three")
    bob.expect("Alice: one", "Alice: two", "Alice: three")
    records = server.dump("ring", "--json")
    seq = [r["seq"] for r in records if r["text"] == "one"][0]
    bob.send(f"/history since {seq}", "/whoami")
    past(bob, "Alice: two", "Alice: three")
    bob.expect("*** you are Bob in general, from 127.0.0.1")
    bob.send(f"/history since {2 ** 63}", "/history since 0")
    past(bob, "Alice: one", "Alice: two", "Alice: three")


@test
def history_used_wrongly_is_bad_usage(t):
    server = t.server(workers=1)
    alice = server.join("general", "Alice")
    for wrong in ("0", "-1", "x", "1 2", "since", "since x", "since 1 2",
                  "since 99999999999999999999999"):
        alice.send(f"/history {wrong}")
        alice.expect("*** error bad-usage: "
                     "/history [N], or /history since SEQ")


@test
def history_begins_with_the_oldest_message_still_in_the_ring(t):
    server = t.server(workers=1, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    text = "x" * 1000
    for i in range(300):
        alice.send(f"{i} {text}")
        bob.expect(f"Alice: {i} {text}")
    bob.send("/history 1000", "/whoami")
    numbers = []
    while True:
        line = bob.line()
        if line.startswith("*** you are"):
            break
        numbers.append(int(re.match(STAMP + r"Alice: (\d+) x", line)[1]))
    assert numbers == list(range(numbers[0], 300)) and numbers[0] > 0


@test
def a_joiner_reads_its_join_line_then_the_topic_then_replayed_messages(t):
    server = t.server(workers=2, replay=2)
    alice = server.join("general", "Alice")
    alice.send("one", "two", "/topic Tea time", "three")
    alice.expect("*** Alice set the topic: Tea time")
    bob = server.connect()
    bob.send("general", "Bob")
    bob.expect(JOINED % "Bob", "*** topic of general: Tea time")
    past(bob, "Alice: two", "Alice: three")
    carol = server.join("other", "Carol")
    carol.send("/join general")
    carol.expect(JOINED % "Carol", "*** topic of general: Tea time")
    past(carol, "Alice: two", "Alice: three")
    alice.send("four")
    bob.expect(JOINED % "Carol", "Alice: four")
    carol.expect("Alice: four")
