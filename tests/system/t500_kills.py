# SPDX-License-Identifier: MIT
"""Workers die; their clients don't notice."""
import os
import signal

from crowd import Crowd
from faults import Faults
from lib import JOINED, process_lives, test, wait_until


def wait_read(server, name, count):
    """Until the server has read so many bytes from that user."""
    wait_until(lambda: server.session(name)["in"] == count,
               f"{count} bytes read from {name}")


@test
def clients_stay_connected_when_their_worker_is_killed(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for i in range(10):
        server.kill_worker(server.session("Alice")["worker"])
        alice.send(f"{i}")
        bob.expect(f"Alice: {i}")
        bob.send(f"{i}")
        alice.expect(f"Bob: {i}")
    assert len(server.events("close")) == 0
    assert server.dump()["restarts"] == 10


@test
def one_who_has_not_joined_yet_goes_on_where_it_was(t):
    server = t.server(workers=1)
    fresh = server.connect()
    in_room = server.connect()
    in_room.send("general")
    in_name = server.connect()
    in_name.send_bytes(b"general\nCar")
    wrong = server.connect()
    wrong.send("general", "a b")
    wrong.expect_error("bad-name")
    wrong.send("c d")
    wrong.expect_error("bad-name")
    wait_until(lambda: sum(s["in"] for s in server.dump("sessions")) == 35,
               "all is read")
    server.kill_worker(0)
    fresh.send("general", "Alice")
    fresh.expect(JOINED % "Alice")
    in_room.send("Bob")
    in_room.expect(JOINED % "Bob")
    in_name.send_bytes(b"ol\n")
    in_name.expect(JOINED % "Carol")
    wrong.send("e f")
    wrong.expect_error("bad-name")
    wrong.expect_end()  # it was the third
    fresh.expect(JOINED % "Bob", JOINED % "Carol")


@test
def a_half_typed_line_survives(t):
    server = t.server(workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    sent = len("general\nAlice\n")
    for i, half in enumerate(("half", "x" * 100, "y" * 3000, "é" * 2000)):
        alice.send_bytes(half.encode())
        sent += len(half.encode())
        wait_read(server, "Alice", sent)
        server.kill_worker(0)
        alice.send_bytes(f" {i}\n".encode())
        sent += 3
        bob.expect(f"Alice: {half} {i}")


@test
def the_rest_of_a_line_too_long_stays_refused(t):
    server = t.server(workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send_bytes(b"x" * 5000)
    alice.expect_error("too-long")
    server.kill_worker(0)
    alice.send_bytes(b"the rest\nnext\n")
    bob.expect("Alice: next")


@test
def what_is_said_during_a_death_arrives_once(t):
    server = t.server(workers=2, watchdog=0)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    for i in range(5):
        server.signal_worker(seat, signal.SIGSTOP)
        alice.send(*(f"{i}.{n}" for n in range(200)))
        bob.send(*(f"{i}.{n}" for n in range(200)))
        server.kill_worker(seat)
        bob.expect(*(f"Alice: {i}.{n}" for n in range(200)))
        alice.expect(*(f"Bob: {i}.{n}" for n in range(200)))


@test
def those_who_come_and_go_during_a_death_are_served_after_it(t):
    server = t.server(workers=1, watchdog=0)
    alice, bob = server.room("general", "Alice", "Bob")
    server.signal_worker(0, signal.SIGSTOP)
    bob.send("last words")
    bob.close()
    comers = [server.connect() for _ in range(50)]
    for i, comer in enumerate(comers):
        comer.send("general", f"c{i}")
    server.kill_worker(0)
    seen = [alice.line() for _ in range(52)]
    assert sorted(x for x in seen if x.startswith("🌟")) == \
        sorted(JOINED % f"c{i}" for i in range(50))
    assert seen.index("Bob: last words") < seen.index("👋 Bob left the room")
    comers[0].lines_until(JOINED % "c0")


@test
def each_of_eight_workers_may_die_in_turn(t):
    server = t.server(workers=8)
    crowd = Crowd(server, 8, 5)
    for seat in range(8):
        crowd.talk(2)
        server.kill_worker(seat)
    crowd.talk(2)
    crowd.check()
    server.wait_verified()
    assert [w["restarts"] for w in server.dump("workers")] == [1] * 8
    crowd.close()


@test
def all_workers_may_die_at_once(t):
    server = t.server(workers=8)
    crowd = Crowd(server, 4, 10)
    for i in range(1, 4):
        crowd.talk(2)
        server.deaths_allowed = True
        for pid in server.worker_pids().values():
            os.kill(pid, signal.SIGKILL)
        for seat in range(8):
            server.wait_event("worker-recovered", i, seat=seat)
    crowd.talk(2)
    crowd.check()
    crowd.close()


@test(limit=120)
def kills_under_load_lose_nothing_and_double_nothing(t):
    server = t.server(workers=4)
    crowd = Crowd(server, 10, 8)
    kills = [0]

    def kill():
        seat = kills[0] % 4
        pid = server.worker_pids().get(seat)
        if pid is not None and \
                len(server.events("worker-recovered", seat=seat)) == \
                kills[0] // 4:
            server.signal_worker(seat, signal.SIGKILL)
            kills[0] += 1
    crowd.talk(60, between=kill)
    assert kills[0] >= 4, kills
    crowd.check()
    wait_until(lambda: len(server.events("worker-recovered")) == kills[0],
               "all have recovered")
    crowd.talk(2)
    crowd.check()
    crowd.close()


@test
def a_successor_may_die_at_once(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    last = None
    for _ in range(8):
        pid = wait_until(lambda: server.worker_pids().get(seat) != last and
                         server.worker_pids().get(seat), "a new worker")
        server.deaths_allowed = True
        os.kill(pid, signal.SIGKILL)
        last = pid
    alice.send("hello")
    bob.expect("Alice: hello")
    assert len(server.events("worker-exit", seat=seat, signal=9)) == 8


@test(faults=True)
def a_successor_may_die_at_every_step_of_its_repair(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    for i, point in enumerate((
            "master.forked", "journal.settled", "takeover.tx.settled",
            "takeover.in.settled", "takeover.rung", "takeover.row",
            "takeover.done")):
        alice.send_bytes(f"half {i}".encode())
        server.faults.arm(point, "die", seat=seat)
        server.signal_worker(seat, signal.SIGKILL)
        wait_until(lambda: not server.faults.armed(point),
                   f"the successor has died at {point}")
        server.wait_event("worker-recovered", i + 1, seat=seat)
        alice.send_bytes(b" and half\n")
        bob.expect(f"Alice: half {i} and half")
    assert len(server.events("worker-exit", seat=seat, signal=9)) == 14


@test(faults=True)
def a_death_at_any_moment_of_a_message_costs_nothing(t):
    """The points that a message from one worker to itself and another one
    passes; each is armed, and then something is said."""
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    carol, dave = server.room("other", "Carol", "Dave")
    seat = server.session("Alice")["worker"]
    points = """
        worker.woken worker.sleeping input.noted input.received
        input.keep.copied input.keep.buffer input.keep.stored input.kept
        lock.acquired lock.releasing step.noting step.noted step.cleared
        ring.append.reserved ring.append.torn ring.append.uncommitted
        ring.committed journal.applied journal.half.stored
        publish.committed fanout.staged tx.noted tx.sent tx.done tx.cleared
        fanout.sent fanout.moved""".split()
    died = 0
    for i, point in enumerate(points):
        before = len(server.events("worker-recovered"))
        server.faults.arm(point, "die", seat=seat)
        alice.send(f"{i} {point}", "once more")
        bob.expect(f"Alice: {i} {point}", "Alice: once more")
        bob.send(f"{i} back")
        alice.expect(f"Bob: {i} back")
        if server.faults.armed(point):
            server.faults.arm(point, "none")
            print("never passed", point)
        else:
            died += 1
            server.wait_event("worker-recovered", before + 1)
        carol.send(f"{i}")
        dave.expect(f"Carol: {i}")
    assert died >= len(points) - 2
    server.wait_verified()


@test(faults=True)
def a_death_at_any_moment_of_joining_and_leaving_costs_nothing(t):
    server = t.server(workers=2, faults=True)
    points = """
        adopt.new.filled adopt.new.owned adopt.new.done
        adopt.passed journal.apply.room journal.apply.left move.lagging
        move.unlinked move.given move.told adopt.moved.in close.shut
        close.freeing close.freed close.told""".split()
    alice = server.join("general", "Alice")
    for i, point in enumerate(points):
        server.faults.arm(point, "die")
        for n in range(4):  # on both workers
            bob = server.connect()
            bob.send("general", f"Bob{i}-{n}", "hello", "/quit")
            bob.expect(JOINED % f"Bob{i}-{n}")
            alice.expect(JOINED % f"Bob{i}-{n}", f"Bob{i}-{n}: hello",
                         f"👋 Bob{i}-{n} left the room")
            bob.expect_end()
            bob.close()
            solo = server.connect()
            solo.send(f"room{i}-{n}", f"Solo{i}-{n}")
            solo.expect(JOINED % f"Solo{i}-{n}")
            solo.send("/quit")
            solo.expect_end()
            solo.close()
        assert not server.faults.armed(point), f"{point} was never passed"
        server.wait_sessions(1)
        server.wait_verified()
    assert len(server.dump("rooms")) == 1


@test(faults=True)
def a_death_with_the_lock_held_gives_it_back(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    carol, dave = server.room("other", "Carol", "Dave")
    seat = server.session("Alice")["worker"]
    server.faults.arm("lock.acquired", "die", seat=seat)
    alice.send("hello")
    bob.expect("Alice: hello")
    server.wait_event("worker-recovered", seat=seat, lock="released")
    assert server.dump("locks")[0]["recoveries"] == 1
    carol.send("hello")
    dave.expect("Carol: hello")


@test(faults=True)
def a_fork_that_fails_is_tried_again_while_the_others_serve(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    carol, dave = server.room("other", "Carol", "Dave")
    seat = server.session("Alice")["worker"]
    server.faults.arm("master.fork", "fail")
    server.signal_worker(seat, signal.SIGKILL)
    failed = 1
    while failed < 20 and not server.events("worker-recovered"):
        # It may be quicker than we are, and succeed in between.
        if not server.faults.armed("master.fork"):
            server.faults.arm("master.fork", "fail")
            failed += 1
        if server.session("Carol")["worker"] != seat:
            carol.send(f"{failed}")
            dave.expect(f"Carol: {failed}")
    server.faults.arm("master.fork", "none")
    alice.send("hello")
    bob.expect("Alice: hello")
    server.wait_event("worker-recovered", seat=seat)
    event = server.events("fork-failed", seat=seat)[0]
    assert event["level"] == "error" and "retry" in event.line, event.line


@test(faults=True)
def a_fork_that_fails_at_the_start_is_tried_again(t):
    path = t.path("early")
    Faults(path).arm("master.fork", "fail", countdown=2)
    late = t.server(workers=4, build=t.faults_build,
                    env={"CHATMASTER_FAULTS": path})
    late.deaths_allowed = True
    assert len(late.events("fork-failed")) == 1
    late.room("general", "Alice", "Bob")


@test
def a_lagging_reader_loses_nothing_by_a_death(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    seat = server.session("Slow")["worker"]
    for i in range(8000):
        alice.send(f"{i} ".ljust(1000, "x"))
        if i % 50 == 49:
            bob.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
        if i % 2000 == 1999:
            server.kill_worker(seat)
    assert server.session("Slow")["lagging"]
    for i in range(8000):
        slow.expect("Alice: " + f"{i} ".ljust(1000, "x"))
        if i == 4000:
            server.kill_worker(seat)
    bob.send("end")
    slow.expect("Bob: end")


@test
def a_reply_arrives_once_whatever_dies(t):
    server = t.server(workers=1)
    alice = server.join("general", "Alice")
    for _ in range(10):
        alice.send(*["/x"] * 20)
        server.kill_worker(0)
    for _ in range(200):
        alice.expect_error("unknown-command")
    bob = server.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    bob.send("hello")
    alice.expect("Bob: hello")


@test
def a_stop_right_after_a_kill_is_clean(t):
    server = t.server(workers=4)
    clients = server.room("general", "Alice", "Bob")
    for seat in range(4):
        server.signal_worker(seat, signal.SIGKILL)
    server.stop()
    for client in clients:
        client.lines_to_end()


@test
def a_worker_killed_during_the_stop_does_not_hold_it_up(t):
    server = t.server(workers=4)
    for i in range(20):
        server.join(f"room{i}", f"c{i}")
    pids = server.worker_pids()
    server.deaths_allowed = True
    server.process.terminate()
    server.wait_event("stopping")
    for seat in 0, 2:
        os.kill(pids[seat], signal.SIGKILL)
    assert server.wait(5) == 0
    assert server.objects() == []


@test
def those_who_are_leaving_are_let_go_by_the_successor(t):
    server = t.server(workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    for i in range(4000):
        alice.send(f"{i} ".ljust(1000, "x"))
        if i % 50 == 49:
            bob.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
    slow.send("/quit")
    bob.send("/quit")
    alice.lines_until("👋 Bob left the room")
    server.kill_worker(0)
    for i in range(4000):
        slow.expect("Alice: " + f"{i} ".ljust(1000, "x"))
    slow.lines_to_end()
    bob.lines_to_end()
    slow.close()
    bob.close()
    server.wait_sessions(1)


@test
def workers_that_crash_again_and_again_are_slowed_down(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    last = None
    for _ in range(7):
        pid = wait_until(lambda: server.worker_pids().get(seat) != last and
                         server.worker_pids().get(seat), "a new worker")
        server.deaths_allowed = True
        os.kill(pid, signal.SIGABRT)
        last = pid
    alice.send("hello")
    bob.expect("Alice: hello")
    wait_until(lambda: not process_lives(last), "it has ended")
    assert len(server.events("worker-exit", seat=seat, signal=6)) == 7
