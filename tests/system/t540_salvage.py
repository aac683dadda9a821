# SPDX-License-Identifier: MIT
"""Repairs that fail again and again: the segment is laid out anew, and the
sessions go on."""
import signal

from lib import JOINED, LEFT, test, wait_until

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


@test(faults=True)
def what_is_not_said_yet_is_not_lost(t):
    """Half a line, in the row and in a buffer; the rest of one too long; and
    those who haven't joined."""
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    dave = server.join("general", "Dave")
    for client in alice, bob:
        client.expect(JOINED % "Dave")
    fresh = server.connect()
    named = server.connect()
    named.send("general")
    half = server.connect()
    half.send_bytes(b"general\nErn")
    wrong = server.connect()
    wrong.send("general", "a b")
    wrong.expect_error("bad-name")
    alice.send_bytes(b"half of it")
    bob.send_bytes(b"b" * 3000)
    dave.send_bytes(b"d" * 5000)
    dave.expect_error("too-long")
    read = {"Alice": 24, "Bob": 3012, "Dave": 5013}
    wait_until(lambda: all(server.session(n)["in"] == c
                           for n, c in read.items()), "all is read")
    wait_until(lambda: sum(s["in"] for s in server.dump("sessions")) ==
               sum(read.values()) + 8 + 11 + 12, "all is read")
    event = break_repairs(server)
    assert (event["kept"], event["lost"]) == ("7", "0"), event.line
    for client in alice, bob, dave:
        client.expect(LAGGED % 0)
    alice.send_bytes(b" and the rest\n")
    for client in bob, dave:
        client.expect("Alice: half of it and the rest")
    bob.send_bytes(b" end\n")
    for client in alice, dave:
        client.expect("Bob: " + "b" * 3000 + " end")
    dave.send_bytes(b"is nothing\nbut this\n")
    alice.expect("Dave: but this")
    fresh.send("other", "Fresh")
    fresh.expect(JOINED % "Fresh")
    named.send("Named")
    named.expect(JOINED % "Named")
    half.send_bytes(b"ie\n")
    half.expect(JOINED % "Ernie")
    wrong.send("a b")
    wrong.expect_error("bad-name")
    wrong.send("a b")
    wrong.expect_error("bad-name")
    wrong.expect_end()  # it was the third
    assert server.session("Named")["room"] == "general"
    server.wait_verified()


@test(faults=True)
def one_who_reads_slowly_is_told_how_much_it_missed(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    for i in range(4000):
        alice.send(f"{i} ".ljust(1000, "x"))
        if i % 50 == 49:
            bob.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
    assert server.session("Slow")["lagging"]
    break_repairs(server, server.session("Slow")["worker"])
    for client in alice, bob:
        client.expect(LAGGED % 0)
    bob.send("end")
    alice.expect("Bob: end")
    lines = slow.lines_until("Bob: end")
    missed = int(lines[-1].split()[3])
    assert lines[-1] == LAGGED % missed and missed > 0
    whole = 0
    while lines[whole] == "Alice: " + f"{whole} ".ljust(1000, "x"):
        whole += 1
    # A cut one is ended, and nothing else is between.
    assert len(lines) - whole in (1, 2), lines[whole:]
    if len(lines) - whole == 2:
        line = "Alice: " + f"{whole} ".ljust(1000, "x")
        assert line.startswith(lines[whole])
    assert 4000 - whole - 1 <= missed <= 4000 - whole, (whole, missed)


@test(faults=True)
def those_who_leave_are_let_go(t):
    server = t.server(workers=1, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    for i in range(4000):
        alice.send(f"{i} ".ljust(1000, "x"))
        if i % 50 == 49:
            bob.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
    slow.send("/quit")
    for client in alice, bob:
        client.expect(LEFT % "Slow")
    break_repairs(server)
    assert slow.lines_to_end()[-1].startswith("*** error lagged: ")
    slow.close()
    server.wait_sessions(2)


@test(faults=True)
def a_session_keeps_what_it_has_set(t):
    server = t.server(workers=1, telnet="127.0.0.1:0", faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    reader = server.join("general", "Reader")
    for client in alice, bob:
        client.expect(JOINED % "Reader")
    reader.send("/ignore Alice", "/format json")
    reader.line()
    reader.line()
    telnet = server.telnet()
    telnet.bytes(len("Welcome to Telnet Chat Proxy!\r\nEnter room name: "))
    asked = server.telnet()
    asked.bytes(len("Welcome to Telnet Chat Proxy!\r\nEnter room name: "))
    telnet.send_bytes(b"general\r\nTerry\r\n")
    telnet.bytes(len("Enter username: "))
    for client in alice, bob, telnet:
        client.lines_until(JOINED % "Terry" +
                           ("\r" if client is telnet else ""))
    for seat in 0, 1:
        break_repairs(server, seat)
        telnet.expect(LAGGED % 0 + "\r")
    alice.send("hello")
    bob.send("hello")
    bob.lines_until("Alice: hello")
    telnet.expect("Alice: hello\r")
    line = reader.line()
    while '"lagged"' in line or '"join"' in line:
        line = reader.line()
    assert '"type":"message"' in line and '"name":"Bob"' in line, line
    asked.send_bytes(b"general\r\nVic\r\n")
    asked.bytes(len("Enter username: "))
    asked.expect(JOINED % "Vic" + "\r")


POINTS = ("rescue.forked", "rescue.settled", "rescue.formatted",
          "salvage.joined", "salvage.row", "salvage.filled", "rescue.done")


@test(faults=True)
def a_death_of_the_salvage_itself_costs_a_try(t):
    for point in POINTS:
        server = t.server(workers=2, faults=True)
        alice, bob = server.room("general", "Alice", "Bob")
        server.faults.arm(point, "die")
        event = break_repairs(server)
        assert (event["kept"], event["tries"]) == ("2", "2"), event.line
        for client in alice, bob:
            client.expect(LAGGED % 0)
        alice.send(point)
        bob.expect(f"Alice: {point}")
        assert len(server.events("salvage-failed", signal=9)) == 1
        server.finish()


@test(faults=True)
def a_salvage_that_always_dies_ends_in_an_empty_server(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    fresh = server.connect()
    server.faults.arm("rescue.forked", "crash", delay_us=3)
    event = break_repairs(server)
    assert (event["kept"], event["lost"], event["in-place"]) == \
        ("0", "2", "1"), event.line
    for client in alice, bob:
        assert client.line() == ""  # perhaps a line was cut
        client.expect_error("internal")
        client.expect_end()
    server.wait_event("close", 2, reason="internal")
    fresh.send("general", "Alice")
    fresh.expect(JOINED % "Alice")
    carol = server.join("general", "Carol")
    fresh.expect(JOINED % "Carol")
    carol.send("hello")
    fresh.expect("Carol: hello")


@test(faults=True)
def salvages_that_are_of_no_use_end_in_an_empty_server(t):
    server = t.server(workers=2, faults=True)
    alice = server.join("general", "Alice")
    for _ in range(2):
        assert break_repairs(server)["kept"] == "1"
        alice.expect(LAGGED % 0)
    assert break_repairs(server)["in-place"] == "1"
    alice.line()
    alice.expect_error("internal")
    alice.expect_end()
    server.room("general", "Alice", "Bob")


@test(faults=True, limit=90)
def a_salvage_that_hangs_is_ended(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    server.faults.arm("rescue.formatted", "stop")
    assert break_repairs(server)["tries"] == "2"
    for client in alice, bob:
        client.expect(LAGGED % 0)


@test(faults=True)
def a_server_stops_while_it_salvages(t):
    server = t.server(workers=2, faults=True)
    alice = server.join("general", "Alice")
    server.faults.arm("rescue.formatted", "stop")
    server.faults.arm("takeover.done", "crash", delay_us=5, seat=0)
    server.signal_worker(0, signal.SIGKILL)
    wait_until(lambda: not server.faults.armed("rescue.formatted"),
               "it has stopped")
    server.stop()
    alice.expect_end()


@test(faults=True)
def a_salvage_needs_no_room_for_two(t):
    """Nor a process at once."""
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    server.faults.arm("rescue.format", "fail")
    server.faults.arm("master.rescue.fork", "fail")
    assert break_repairs(server)["kept"] == "2"
    for client in alice, bob:
        client.expect(LAGGED % 0)
    assert server.events("fork-failed", type="rescue")
    ruined = t.dump(f"{server.name}.ruined")
    assert not ruined["alive"] and ruined["sessions"] == 2
    alice.send("hello")
    bob.expect("Alice: hello")
    server.stop()


@test(faults=True)
def who_comes_meanwhile_is_served_after_it(t):
    server = t.server(workers=2, faults=True)
    alice = server.join("general", "Alice")
    server.faults.arm("rescue.formatted", "delay", delay_us=500000)
    server.faults.arm("takeover.done", "crash", delay_us=5, seat=0)
    server.signal_worker(0, signal.SIGKILL)
    server.wait_event("segment-damaged")
    comers = [server.connect() for _ in range(20)]
    for i, comer in enumerate(comers):
        comer.send("general", f"c{i}")
    assert server.wait_event("salvage")["kept"] == "1"
    alice.expect(LAGGED % 0)
    seen = sorted(alice.line() for _ in range(20))
    assert seen == sorted(JOINED % f"c{i}" for i in range(20))
    accepted = server.dump()["accepted"]
    assert accepted == 21, accepted


@test(faults=True)
def a_worker_that_dies_at_once_when_it_serves_is_no_end(t):
    """The repair itself succeeds each time."""
    server = t.server(workers=1, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    server.faults.arm("worker.sleeping", "crash", delay_us=10)
    event = server.wait_event("salvage")
    assert event["kept"] == "2", event.line
    for client in alice, bob:
        client.expect(LAGGED % 0)
