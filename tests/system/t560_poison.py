# SPDX-License-Identifier: MIT
"""Poison: what kills its parser or its renderer costs itself only."""
from lib import LEFT, test

CRASHES = 3


def crash(server, point, seat, times=CRASHES):
    """Whoever passes the point dies of a fault of its own, that often."""
    server.faults.arm(point, "crash", delay_us=times, seat=seat)


@test(faults=True)
def input_that_kills_its_parser_costs_its_session_alone(t):
    server = t.server(workers=2, faults=True)
    alice, bob, eve = server.room("general", "Alice", "Bob", "Eve")
    crash(server, "talk.line", server.session("Eve")["worker"])
    eve.send("poison")
    eve.expect("*** error internal: the server could not keep this session, "
               "connect again")
    eve.expect_end()
    for client in alice, bob:
        client.expect(LEFT % "Eve")
    alice.send("still here")
    bob.expect("Alice: still here")
    server.wait_event("session-poisoned")


@test(faults=True)
def input_that_kills_its_parser_twice_is_taken_the_third_time(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    crash(server, "talk.line", server.session("Bob")["worker"], 2)
    bob.send("no poison after all")
    alice.expect("Bob: no poison after all")
    assert not server.events("session-poisoned")


@test(faults=True)
def a_plain_kill_is_no_evidence_of_poison(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Bob")["worker"]
    for i in range(5):
        server.faults.arm("talk.line", "die", seat=seat)
        bob.send(f"again {i}")
        alice.expect(f"Bob: again {i}")
    assert not server.events("session-poisoned")


@test(faults=True)
def a_record_that_kills_its_renderer_becomes_a_notice(t):
    server = t.server(workers=1, faults=True)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    carol.send("/format json")
    carol.line()
    crash(server, "stage.rendering", 0)
    alice.send("poison")
    alice.send("fine")
    bob.line()
    bob.expect("Alice: fine")
    assert '"error"' in carol.line()
    assert '"fine"' in carol.line()
    server.wait_event("record-poisoned")


@test(faults=True)
def a_reply_that_kills_its_renderer_costs_who_asked_for_it(t):
    server = t.server(workers=1, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    crash(server, "reply.piece", 0)
    bob.send("/rooms")
    bob.expect("*** error internal: the server could not keep this session, "
               "connect again")
    alice.expect(LEFT % "Bob")
    alice.send("/rooms")
    alice.expect("*** 1 room")
