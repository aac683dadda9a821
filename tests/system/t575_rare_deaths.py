# SPDX-License-Identifier: MIT
"""Deaths at fault points that only rare things pass; the torture does not get
there.  tests/torture/places.c names these tests."""
import signal

from dialects import DIALECTS, User, mixed, users
from lib import JOINED, LEFT, test, wait_until
from t540_salvage import LAGGED, break_repairs

INTERNAL = ("*** error internal: the server could not keep this session, "
            "connect again")


def died_at(server, point):
    wait_until(lambda: not server.faults.armed(point),
               f"somebody has died at {point}")


def say_all(speaker, listener, count, size):
    """In step with the listener."""
    for i in range(count):
        speaker.say(f"{i} ".ljust(size, "x"))
        if i % 32 == 31 or i == count - 1:
            listener.until(f"{speaker.name}: " + f"{i} ".ljust(size, "x"))


@test(faults=True, limit=120)
def a_worker_that_was_lapped_may_die_as_it_notices(t):
    """Its members are told how much they missed."""
    for dialect in DIALECTS:
        server = mixed(t, watchdog=0, ring_size="128K", faults=True)
        others = "line" if dialect == "telnet" else "telnet"
        alice = User(server, others, "general", "Alice").welcomed()
        bob = User(server, others, "general", "Bob").welcomed()
        late = User(server, dialect, "general", "Late").welcomed()
        for user in alice, bob:
            user.until(JOINED % "Late")
        server.wait_joined(3)
        server.faults.arm("fanout.lapped", "die", seat=late.seat)
        seat = late.seat
        server.signal_worker(seat, signal.SIGSTOP)
        say_all(alice, bob, 400, 1000)
        server.signal_worker(seat, signal.SIGCONT)
        died_at(server, "fanout.lapped")
        missed = int(late.line().removeprefix("*** error lagged: ")
                     .removesuffix(" messages missed"))
        assert 0 < missed < 400
        late.expect(*("Alice: " + f"{i} ".ljust(1000, "x")
                      for i in range(missed, 400)))


@test(faults=True, limit=120)
def a_worker_may_die_as_it_takes_a_half_line_back(t):
    for dialect in "line", "telnet":
        server = mixed(t, workers=1, telnet_workers=1, max_line=4096,
                       faults=True)
        found = [User(server, dialect, f"room{i}", f"u{i}").welcomed()
                 for i in range(140)]
        server.faults.arm("input.evicted", "die", seat=found[0].seat)
        for user in found:
            user.client.send_bytes(b"x" * 1000)
        died_at(server, "input.evicted")
        refused = 0
        for i, user in enumerate(found):
            user.client.send_bytes(user.end.encode())
            user.say("/whoami")
            line = user.line()
            if line.startswith("*** error too-long: "):
                refused += 1
                line = user.line()
            assert line.startswith(f"*** you are u{i} in room{i}"), line
        assert 0 < refused < len(found) / 2, refused


@test(faults=True, limit=120)
def a_worker_may_die_as_it_throws_poison_away(t):
    for dialect in DIALECTS:
        server = mixed(t, faults=True)
        alice, eve = users(server, dialect, "general", "Alice", "Eve")
        server.wait_joined(2)
        seat = eve.seat
        server.faults.arm("talk.line", "crash", delay_us=3, seat=seat)
        server.faults.arm("input.dropped", "die", seat=seat)
        eve.say("poison")
        died_at(server, "input.dropped")
        eve.expect(INTERNAL)
        assert eve.line() is None
        alice.expect(LEFT % "Eve")
        bob = User(server, dialect, "general", "Bob").welcomed()
        alice.expect(JOINED % "Bob")
        bob.say("hello")
        alice.expect("Bob: hello")


@test(faults=True, limit=120)
def a_reply_may_be_the_last_of_its_worker_where_the_ring_was_faster(t):
    """It waited behind a line that was cut for which there was no buffer."""
    server = mixed(t, workers=1, max_clients=400, ring_size="1M", faults=True)
    alice, bob = users(server, "line", "general", "Alice", "Bob")
    slow = [User(server, "line", "general", f"s{i}", rcvbuf=4096)
            for i in range(300)]
    server.wait_joined(302)
    for user in alice, bob:
        user.until(JOINED % "s299")
    say_all(alice, bob, 100, 4096)
    for user in slow:
        user.say("/nonsense")
    say_all(alice, bob, 300, 4096)
    server.faults.arm("lag.reply.first", "die")
    bob.say("the end")
    for user in slow:
        lines = user.until("Bob: the end")
        errors = [x for x in lines if x.startswith("*** error ")]
        assert sorted(x.split(":")[0] for x in errors) == [
            "*** error lagged", "*** error unknown-command"], errors
    died_at(server, "lag.reply.first")


@test(faults=True, limit=120)
def those_who_salvage_may_die_at_each_of_their_steps(t):
    for point in ("rescue.forked", "rescue.settled", "rescue.formatted",
                  "salvage.row", "salvage.joined", "salvage.filled",
                  "rescue.done"):
        server = mixed(t, faults=True)
        pairs = [users(server, d, f"room-{d}", f"a-{d}", f"b-{d}")
                 for d in DIALECTS]
        server.faults.arm(point, "die")
        event = break_repairs(server)
        assert not server.faults.armed(point), point
        assert event["lost"] == "0", event.line
        for alice, bob in pairs:
            for user in alice, bob:
                got = user.line()
                if got == "":  # the end of a line that may have been cut
                    got = user.line()
                assert got == LAGGED % 0, (point, got)
            alice.say("hello")
            bob.expect(f"{alice.name}: hello")
            bob.say("/quit")
            alice.expect(LEFT % bob.name)


@test(faults=True)
def a_fork_or_a_layout_that_fails_in_a_rescue_is_tried_again(t):
    for point in "master.rescue.fork", "rescue.format":
        server = mixed(t, faults=True)
        alice, bob = users(server, "telnet", "general", "Alice", "Bob")
        server.faults.arm(point, "fail")
        break_repairs(server)
        assert not server.faults.armed(point), point
        for user in alice, bob:
            user.expect(LAGGED % 0)
        alice.say("hello")
        bob.expect("Alice: hello")
