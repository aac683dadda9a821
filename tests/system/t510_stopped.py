# SPDX-License-Identifier: MIT
"""Workers that are frozen: the watchdog finds them, and only them."""
import os
import signal
import time

from lib import JOINED, test, wait_until


def two_rooms(server):
    """Two rooms that live on different workers; their members and seats."""
    rooms = []
    seats = set()
    for i in range(20):
        pair = server.room(f"room{i}", f"a{i}", f"b{i}")
        server.wait_joined(2 * i + 2)
        seat = server.session(f"a{i}")["worker"]
        if seat not in seats:
            seats.add(seat)
            rooms.append((pair, seat, f"a{i}"))
        if len(rooms) == 2:
            return rooms
    raise AssertionError("all rooms live on one worker")


@test
def a_stopped_worker_is_replaced_and_the_others_go_on(t):
    server = t.server(workers=4, watchdog=1)
    ((alice, bob), seat, name), ((carol, dave), _, other) = two_rooms(server)
    pid = server.signal_worker(seat, signal.SIGSTOP)
    alice.send("are you there?")
    said = 0
    while not server.events("worker-recovered", seat=seat):
        carol.send(f"{said}")
        dave.expect(f"{other}: {said}")
        said += 1
    assert said > 0
    bob.expect(f"{name}: are you there?")
    event = server.events("watchdog")[0]
    assert event["worker"] == str(pid) and event["reason"] == "silent"
    assert len(server.events("worker-exit")) == 1


@test(faults=True)
def one_stopped_with_the_lock_is_replaced_alone(t):
    server = t.server(workers=4, watchdog=1, faults=True)
    ((alice, bob), seat, name), ((carol, dave), _, other) = two_rooms(server)
    server.faults.arm("lock.acquired", "stop", seat=seat)
    alice.send("hello")
    wait_until(lambda: not server.faults.armed("lock.acquired"), "it holds")
    carol.send("hello")  # parks the other one
    dave.expect(f"{other}: hello")
    bob.expect(f"{name}: hello")
    server.wait_event("worker-recovered", seat=seat, lock="released")
    assert {e["seat"] for e in server.events("worker-exit")} == {str(seat)}
    assert len(server.events("watchdog")) == 1


@test(faults=True)
def three_who_wait_for_the_lock_are_not_taken_for_its_holder(t):
    server = t.server(workers=4, watchdog=2, faults=True)
    clients = []
    for i in range(12):
        clients.append(server.join(f"room{i}", f"c{i}"))
    server.wait_joined(12)
    seats = [server.session(f"c{i}")["worker"] for i in range(12)]
    assert len(set(seats)) > 1
    server.faults.arm("lock.acquired", "stop", seat=seats[0])
    for client in clients:
        client.send("hello")
    server.wait_event("worker-recovered", seat=seats[0])
    for i, client in enumerate(clients):
        other = server.join(f"room{i}", f"d{i}")
        client.expect(JOINED % f"d{i}")
        other.send("/quit")
    assert {e["seat"] for e in server.events("worker-exit")} == \
        {str(seats[0])}


@test
def all_workers_stopped_at_once_are_all_replaced(t):
    server = t.server(workers=3, watchdog=1)
    alice, bob = server.room("general", "Alice", "Bob")
    for seat in range(3):
        server.signal_worker(seat, signal.SIGSTOP)
    alice.send("hello")
    bob.expect("Alice: hello")
    for seat in range(3):
        server.wait_event("worker-recovered", seat=seat)


@test
def a_watchdog_of_0_never_bites(t):
    server = t.server(workers=2, watchdog=0)
    bitten = t.server(workers=2, watchdog=1)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    pid = server.signal_worker(seat, signal.SIGSTOP)
    bitten.signal_worker(0, signal.SIGSTOP)
    bitten.wait_event("worker-recovered", seat=0)  # as long as that
    alice.send("hello")
    os.kill(pid, signal.SIGCONT)
    bob.expect("Alice: hello")
    assert not server.events("worker-exit")


@test
def one_that_was_stopped_for_a_moment_goes_on(t):
    server = t.server(workers=2, watchdog=3)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    for i in range(5):
        pid = server.signal_worker(seat, signal.SIGSTOP)
        alice.send(f"{i}")
        os.kill(pid, signal.SIGCONT)
        bob.expect(f"Alice: {i}")
    assert not server.events("worker-exit")


@test
def a_stopped_master_is_no_reason_to_kill_workers(t):
    server = t.server(workers=2, watchdog=1)
    other = t.server(workers=1, watchdog=1)
    alice, bob = server.room("general", "Alice", "Bob")
    server.wait_joined(2)  # moves need the master
    server.process.send_signal(signal.SIGSTOP)
    other.signal_worker(0, signal.SIGSTOP)
    other.wait_event("worker-recovered")  # as long as that
    alice.send("workers serve alone")
    bob.expect("Alice: workers serve alone")
    late = server.connect()
    late.send("general", "Late")
    server.process.send_signal(signal.SIGCONT)
    late.expect(JOINED % "Late")
    assert not server.events("worker-exit")
    assert not server.events("watchdog")


@test
def a_machine_that_was_suspended_is_no_frozen_worker(t):
    server = t.server(workers=3, watchdog=1)
    other = t.server(workers=1, watchdog=1)
    alice, bob = server.room("general", "Alice", "Bob")
    server.wait_joined(2)
    pids = [server.pid, *server.worker_pids().values()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    other.signal_worker(0, signal.SIGSTOP)
    other.wait_event("worker-recovered")  # as long as that
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    alice.send("good morning")
    bob.expect("Alice: good morning")
    other.signal_worker(0, signal.SIGSTOP)
    other.wait_event("worker-recovered", 2)
    assert not server.events("worker-exit")


@test
def a_stop_does_not_wait_for_a_stopped_worker(t):
    server = t.server(workers=2, watchdog=0)
    clients = [server.join(f"room{i}", f"c{i}") for i in range(6)]
    server.wait_joined(6)
    stopped = server.session("c0")["worker"]
    told = [c for i, c in enumerate(clients)
            if server.session(f"c{i}")["worker"] != stopped]
    server.signal_worker(stopped, signal.SIGSTOP)
    server.process.terminate()
    assert told
    for client in told:
        client.expect_error("shutting-down")
        client.expect_end()
        client.close()
    began = time.monotonic()
    assert server.wait(5) == 0, time.monotonic() - began
    assert server.objects() == []
    assert server.events("stop-kill")


@test
def a_stopped_worker_that_nobody_may_lap_holds_up_the_rest_for_a_moment(t):
    """Half a ring behind it is waited for, then it is left behind."""
    server = t.server(workers=2, watchdog=0, ring_size="128K")
    ((alice, _), seat, _), ((carol, dave), _, other) = two_rooms(server)
    pid = server.signal_worker(seat, signal.SIGSTOP)
    for i in range(1000):
        carol.send(f"{i} ".ljust(1000, "x"))
        dave.expect(f"{other}: " + f"{i} ".ljust(1000, "x"))
    alice.send("hello")
    os.kill(pid, signal.SIGCONT)
    server.wait_verified()
    carol.send("and now")
    dave.expect(f"{other}: and now")
