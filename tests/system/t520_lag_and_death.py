# SPDX-License-Identifier: MIT
"""Slow readers, laps and deaths at once: the parts that meet rarely."""
import signal

from crowd import Crowd
from lib import JOINED, LEFT, test, wait_until
from t240_slow import check_gaps


def say(speaker, name, listener, first, count, size):
    """Numbered messages, in step with the listener."""
    for i in range(first, first + count):
        speaker.send(f"{i} ".ljust(size, "x"))
        if i % 32 == 31 or i == first + count - 1:
            listener.lines_until(f"{name}: " + f"{i} ".ljust(size, "x"))


@test
def a_lapped_reader_is_told_right_whatever_dies_meanwhile(t):
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    seat = server.session("Slow")["worker"]
    lines = []
    for i in range(8):
        say(alice, "Alice", bob, 1500 * i, 1500, 1000)
        server.kill_worker(seat)
        for _ in range(30):
            lines.append(slow.line())
        if i % 2:
            server.kill_worker(seat)
    alice.send("/quit")
    lines += slow.lines_until(LEFT % "Alice")
    assert check_gaps(lines, "Alice", 1000, 12000) > 0


@test(faults=True)
def a_death_while_it_is_told_of_the_lap_changes_no_number(t):
    server = t.server(workers=2, ring_size="128K", faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    seat = server.session("Slow")["worker"]
    lines = []
    said = 0
    points = ["lag.lapped", "tx.cut.copied", "tx.noted", "tx.sent",
              "tx.done", "tx.cleared", "step.noted", "step.cleared",
              "takeover.tx"]
    for point in points:
        say(alice, "Alice", bob, said, 3000, 1000)
        said += 3000
        server.faults.arm(point, "die", seat=seat)
        if point == "takeover.tx":
            server.faults.arm("tx.sent", "die", seat=seat)
        # Reading makes room: what is cut goes on, then the lap is noticed.
        for _ in range(100):
            lines.append(slow.line())
        say(alice, "Alice", bob, said, 10, 1000)
        said += 10
        wait_until(lambda: not server.faults.armed(point),
                   f"it has died at {point}")
    alice.send("/quit")
    lines += slow.lines_until(LEFT % "Alice")
    assert check_gaps(lines, "Alice", 1000, said) >= len(points) - 1


@test(limit=120)
def more_cut_records_than_buffers_are_still_sent_whole(t):
    server = t.server(workers=2, max_clients=400)
    alice = server.join("general", "Alice")
    slow = []
    for i in range(300):
        client = server.connect(rcvbuf=4096)
        client.send("general", f"s{i}")
        slow.append(client)
    server.wait_joined(301)
    for i in range(100):
        alice.send(f"{i} ".ljust(4096, "x"))
    wait_until(lambda: server.dump("rooms")[0]["messages"] == 100, "all said")
    wait_until(lambda: all(w["lag"] == 0 for w in server.dump("workers")),
               "all sent that can be")
    lagging = sum(s["lagging"] for s in server.dump("sessions"))
    assert lagging > 250, lagging
    server.kill_worker(0)
    server.kill_worker(1)
    for client in slow:
        number = 0
        while number < 100:
            line = client.line()
            if line.startswith("🌟"):
                continue
            assert line == "Alice: " + f"{number} ".ljust(4096, "x"), \
                (number, line[:60], len(line))
            number += 1


@test(limit=120)
def a_room_on_all_workers_outlives_each_of_them_under_load(t):
    server = t.server(workers=4)
    crowd = Crowd(server, 1, 140)
    # So large a room no longer draws its members to one worker.
    with server.stopped_worker(server.session("c0-0")["worker"]):
        for i in range(140, 150):
            crowd.add("room0", f"c0-{i}")
        server.wait_joined(150)
    crowd.wait(crowd.all_joined, "everybody has joined")
    seats = {s["worker"] for s in server.dump("sessions")}
    assert len(seats) > 1, seats
    for seat in range(4):
        crowd.talk(1)
        server.signal_worker(seat, signal.SIGKILL)
        crowd.talk(1)
        server.wait_event("worker-recovered", seat=seat)
    crowd.check()
    crowd.close()


@test(limit=120)
def kills_while_the_ring_goes_round_lose_nothing_to_those_who_read(t):
    server = t.server(workers=4, ring_size="256K")
    crowd = Crowd(server, 8, 6)
    for i in range(12):
        server.signal_worker(i % 4, signal.SIGKILL)
        crowd.talk(5, size=1000)
        server.wait_event("worker-recovered", i // 4 + 1, seat=i % 4)
    crowd.check()
    server.wait_verified()
    crowd.close()


@test(faults=True)
def one_that_sleeps_is_woken_however_the_publisher_dies(t):
    """Between commit and bell; and the sleeper between look and sleep."""
    server = t.server(workers=4, faults=True)
    crowd = Crowd(server, 1, 100)  # on several workers
    speaker = crowd.members[0]
    seat = server.session(speaker.name)["worker"]
    for point, action in (("publish.committed", "die"),
                          ("publish.bell", "die"),
                          ("ring.committed", "die"),
                          ("worker.sleeping", "delay"),
                          ("lock.releasing", "die"),
                          ("publish.committed", "die")):
        wait_until(lambda: all(w["sleeping"] for w in server.dump("workers")),
                   "all workers sleep")
        if action == "die":
            server.faults.arm(point, "die", seat=seat)
        else:
            server.faults.arm(point, "delay", delay_us=300000)
        speaker.say()
        crowd.wait_heard()
    crowd.check()
    crowd.close()


@test(faults=True)
def a_successor_frozen_in_its_repair_is_replaced_too(t):
    server = t.server(workers=2, watchdog=1, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    server.faults.arm("takeover.row", "stop", seat=seat)
    server.signal_worker(seat, signal.SIGKILL)
    alice.send("hello")
    bob.expect("Alice: hello")
    assert len(server.events("watchdog", seat=seat)) == 1
    assert len(server.events("worker-exit")) == 2


@test(faults=True)
def one_who_is_slow_with_the_lock_but_not_frozen_is_left_alone(t):
    server = t.server(workers=2, watchdog=3, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    for _ in range(3):
        server.faults.arm("lock.acquired", "delay", delay_us=700000,
                          seat=seat)
        alice.send("hello")
        carol = server.connect()
        carol.send("other", "Carol", "/quit")
        carol.expect(JOINED % "Carol")
        bob.expect("Alice: hello")
        carol.expect_end()
        carol.close()
    assert not server.events("worker-exit")


@test(faults=True)
def one_frozen_in_the_middle_of_a_move_loses_nobody(t):
    server = t.server(workers=2, watchdog=1, faults=True)
    alice = server.join("general", "Alice")
    for i, point in enumerate(("move.lagging", "move.unlinked", "move.given",
                               "move.told", "adopt.moved.in")):
        server.faults.arm(point, "stop")
        clients = []
        n = 0
        while server.faults.armed(point):
            name = f"m{i}-{n}"
            client = server.connect()
            client.send("general", name, "hello")
            clients.append((client, name))
            n += 1
            assert n < 100, f"{point} is never passed"
            wait_until(lambda: server.session(name) or
                       not server.faults.armed(point), "it has joined")
        for client, name in clients:
            client.expect(JOINED % name)
        wanted = {f"{name}: hello" for _, name in clients}
        while wanted:
            wanted.discard(alice.line())
        for client, name in clients:
            client.close()
        server.wait_sessions(1)
    server.wait_verified()
