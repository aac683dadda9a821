# SPDX-License-Identifier: MIT
"""Repairs that fail again and again: the segment is laid out anew, and the
sessions go on."""
import os
import signal

from lib import JOINED, LEFT, SHM, test, wait_until

LAGGED = "*** error lagged: %d messages missed"


def break_repairs(server, seat=0):
    """Lets successors in that seat die until the sessions are salvaged."""
    before = len(server.events("salvage"))
    server.faults.arm("takeover.done", "crash", delay_us=5, seat=seat)
    server.signal_worker(seat, signal.SIGKILL)
    return server.wait_event("salvage", before + 1)


@test(faults=True)
def repairs_that_fail_end_in_a_salvage_that_keeps_the_sessions(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    carol, dave = server.room("other", "Carol", "Dave")
    alice.send("/topic of old")
    for client in alice, bob:
        client.expect("*** Alice set the topic: of old")
    event = break_repairs(server)
    assert (event["kept"], event["lost"]) == ("4", "0"), event.line
    for client in alice, bob, carol, dave:
        client.expect(LAGGED % 0)
    alice.send("hello")
    bob.expect("Alice: hello")
    dave.send("hi")
    carol.expect("Dave: hi")
    alice.send("/topic")
    alice.expect("*** topic of general: of old")
    late = server.join("general", "Late")
    for client in alice, bob:
        client.expect(JOINED % "Late")
    late.expect("*** topic of general: of old")
    late.send("/quit")
    for client in alice, bob:
        client.expect(LEFT % "Late")
    late.expect_end()
    assert not server.events("close", reason="internal")
    assert server.dump()["salvages"] == 1
    server.wait_verified()
