# SPDX-License-Identifier: MIT
"""Clients that say too much, and clients that say nothing."""
import time

from lib import JOINED, LEFT, test


@test
def a_client_over_its_rate_is_read_more_slowly_and_loses_nothing(t):
    server = t.server(workers=2, rate=50, burst=10)
    alice, bob = server.room("general", "Alice", "Bob")
    began = time.monotonic()
    alice.send(*[f"message {i}" for i in range(60)])
    for i in range(60):
        bob.expect(f"Alice: message {i}")
    # 10 at once, then 50 a second: not a deadline, but a lower bound.
    assert time.monotonic() - began >= 0.9


@test
def who_is_paced_holds_up_nobody_else(t):
    server = t.server(workers=1, rate=2, burst=1)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*[f"message {i}" for i in range(6)])
    bob.send("hello")
    alice.expect("Bob: hello")
    bob.expect("Alice: message 0")


@test
def what_a_paced_client_said_before_it_closed_is_delivered(t):
    server = t.server(workers=1, rate=20, burst=1)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*[f"message {i}" for i in range(10)])
    alice.half_close()
    for i in range(10):
        bob.expect(f"Alice: message {i}")
    bob.expect(LEFT % "Alice")


@test
def a_paced_client_survives_the_death_of_its_worker(t):
    server = t.server(workers=1, rate=20, burst=1)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*[f"message {i}" for i in range(20)])
    bob.expect("Alice: message 0")
    server.kill_worker(0)
    for i in range(1, 20):
        bob.expect(f"Alice: message {i}")


@test
def silence_for_idle_timeout_ends_a_session_and_the_room_is_told(t):
    server = t.server(workers=1, idle_timeout=2)
    alice = server.join("general", "Alice")
    bob = server.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    while not server.events("close", reason="idle-timeout"):
        bob.send("still here")  # who talks is not idle
        time.sleep(0.2)
    bob.expect(LEFT % "Alice")
    assert server.events("close", reason="idle-timeout")
    bob.send("/whoami")
    bob.expect("*** you are Bob in general, from 127.0.0.1")
