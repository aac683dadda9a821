# SPDX-License-Identifier: MIT
"""Deaths at awkward times, for users of each dialect: with a connection on
its way, in a move, in a close, behind, in a long reply, in a repair."""
import contextlib
import os
import signal

from dialects import DIALECTS, TYPES, User, mixed, users
from lib import JOINED, LEFT, process_lives, test, wait_until
from t132_replies import check_rooms, fill_rooms

LINES = 3000  # of 1000 bytes: more than the kernel holds for a slow reader


def seats_of(server, dialect):
    return [w["seat"] for w in server.dump("workers")
            if w["type"] == TYPES[dialect]]


def freeze(server, seats):
    """They do nothing from now on, and then die; see kill_all."""
    return [server.signal_worker(seat, signal.SIGSTOP) for seat in seats]


def kill_all(server, seats):
    """All at once; waits for all successors."""
    before = {s: len(server.events("worker-recovered", seat=s))
              for s in seats}
    for seat in seats:
        server.signal_worker(seat, signal.SIGKILL)
    for seat in seats:
        server.wait_event("worker-recovered", before[seat] + 1, seat=seat)


@test
def connections_on_their_way_to_one_who_dies_arrive_once(t):
    """Sent by the master, not taken yet; accepted, and nothing read yet."""
    server = mixed(t, watchdog=0)
    for dialect in DIALECTS:
        alice, bob = users(server, dialect, dialect, "Alice", "Bob")
        seats = seats_of(server, dialect)
        freeze(server, seats)
        comers = [User(server, dialect, dialect, f"c{i}", greeted=False)
                  for i in range(40)]
        alice.say("hello")
        kill_all(server, seats)
        for comer in comers:
            comer.greeted().expect(JOINED % comer.name)
        seen = [bob.line() for _ in range(41)]
        assert sorted(seen) == sorted(
            ["Alice: hello"] + [JOINED % c.name for c in comers]), seen
        for user in [alice, bob, *comers]:
            user.say("/quit")
        server.wait_sessions(0)


@test(faults=True, limit=120)
def a_death_at_each_step_of_the_master_giving_a_connection_is_not_noticed(t):
    server = mixed(t, faults=True)
    for dialect in DIALECTS:
        alice = users(server, dialect, "general", "Alice")[0]
        for point in ("adopt.passed", "adopt.new.filled", "adopt.new.owned",
                      "adopt.new.done", "input.received", "worker.woken",
                      "close.shut", "close.freeing", "close.freed",
                      "close.told"):
            server.faults.arm(point, "die")
            turn = 0
            while server.faults.armed(point):
                bob = User(server, dialect, "general", "Bob").welcomed()
                alice.expect(JOINED % "Bob")
                bob.say("hello", "/quit")
                alice.expect("Bob: hello", LEFT % "Bob")
                assert bob.line() is None
                bob.client.close()
                server.wait_sessions(1)
                turn += 1
                assert turn < 20, f"{dialect}: {point} is not passed"
        alice.say("/quit")
        server.wait_sessions(0)


@test(faults=True, limit=120)
def both_workers_of_a_move_may_die_in_it(t):
    server = mixed(t, faults=True)
    for i, dialect in enumerate(DIALECTS):
        alice = users(server, dialect, f"home{i}", "Alice")[0]
        server.wait_joined(1)
        for here, there in (("move.lagging", "adopt.moved.in"),
                            ("move.given", "adopt.passed"),
                            ("move.told", "adopt.moved.in")):
            for point in here, there:
                server.faults.arm(point, "die")
            turn = 0
            while server.faults.armed(here) or server.faults.armed(there):
                bob = User(server, dialect, f"home{i}", "Bob").welcomed()
                alice.expect(JOINED % "Bob")
                bob.say("hello")
                alice.say("welcome")
                alice.expect("Bob: hello")
                bob.expect("Alice: welcome")
                server.wait_joined(2)
                bob.say("and good bye", "/quit")
                alice.expect("Bob: and good bye", LEFT % "Bob")
                bob.client.close()
                server.wait_sessions(1)
                turn += 1
                assert turn < 30, f"{dialect}: {here}, {there}"
        alice.say("/quit")
        server.wait_sessions(0)


@test(faults=True, limit=120)
def the_last_words_of_one_who_half_closes_arrive_once(t):
    """With and without a line end, whatever step of its end is the last; a
    message that goes on is none."""
    server = mixed(t, faults=True)
    for dialect in DIALECTS:
        alice = users(server, dialect, "general", "Alice")[0]
        for i, point in enumerate((
                "input.noted", "input.received", "ring.committed",
                "journal.applied", "journal.half.stored", "step.cleared",
                "input.kept", "tx.sent", "tx.done", "close.shut",
                "close.freeing", "close.freed", "close.told")):
            bob = User(server, dialect, "general", "Bob").welcomed()
            alice.expect(JOINED % "Bob")
            server.wait_joined(2)
            alice.say("speak")
            bob.expect("Alice: speak")
            server.faults.arm(point, "die", seat=bob.seat)
            ended = i % 2 or TYPES[dialect] == "web"
            words = f"last words {i}" + (bob.end if ended else "")
            bob.client.send_bytes(words.encode())
            bob.client.half_close()
            alice.expect(f"Bob: last words {i}", LEFT % "Bob")
            assert bob.line() is None
            bob.client.close()
            alice.say("on and on", "/whoami")
            alice.expect("*** you are Alice in general, from 127.0.0.1")
            wait_until(lambda: not server.faults.armed(point),
                       f"it has died at {point}")
            server.wait_sessions(1)
        alice.say("/quit")
        server.wait_sessions(0)


def fall_behind(server, dialect):
    """Three in a room, of whom the last is far behind, and the lines that
    it has still to read."""
    alice, bob = users(server, dialect, "general", "Alice", "Bob")
    slow = User(server, dialect, "general", "Slow", rcvbuf=4096).welcomed()
    for user in alice, bob:
        user.expect(JOINED % "Slow")
    server.wait_joined(3)
    said = [f"{i} ".ljust(1000, "x") for i in range(LINES)]
    for i, text in enumerate(said):
        alice.say(text)
        if i % 50 == 49:
            bob.until(f"Alice: {text}")
    assert server.session("Slow")["lagging"]
    return bob, slow, [f"Alice: {text}" for text in said]


@test(faults=True, limit=120)
def one_who_is_behind_reads_everything_whatever_dies(t):
    for dialect in DIALECTS:
        server = mixed(t, faults=True)
        bob, slow, lines = fall_behind(server, dialect)
        seat = slow.seat
        points = ["tx.noted", "tx.sent", "tx.done", "tx.cleared",
                  "tx.cut.copied", "takeover.tx", "takeover.row"]
        for i, line in enumerate(lines):
            if i % 200 == 0:
                point = points[i // 200 % len(points)]
                server.faults.arm(point, "die", seat=seat)
                if point.startswith("takeover"):
                    server.faults.arm("tx.sent", "die", seat=seat)
            slow.expect(line)
        for point in points:
            server.faults.arm(point, "none")
        assert len(server.events("worker-exit")) >= 5
        bob.say("the end")
        slow.expect("Bob: the end")
        for user in bob, slow:
            user.say("/quit")


@test(limit=120)
def one_who_leaves_behind_the_others_reads_all_before_its_end(t):
    for dialect in DIALECTS:
        server = mixed(t)
        bob, slow, lines = fall_behind(server, dialect)
        seat = slow.seat
        slow.client.half_close()
        bob.until(LEFT % "Slow")
        server.kill_worker(seat)
        for i, line in enumerate(lines):
            slow.expect(line)
            if i == LINES // 2:
                server.kill_worker(seat)
        assert slow.line() is None


@test(limit=120)
def one_who_is_read_slowly_says_everything_whatever_dies(t):
    for dialect in DIALECTS:
        server = mixed(t, rate=20, burst=1)
        alice, bob = users(server, dialect, "general", "Alice", "Bob")
        server.wait_joined(2)
        seat = alice.seat
        alice.client.send_bytes("".join(
            f"{i}{alice.end}" for i in range(30)).encode())
        for i in range(30):
            bob.expect(f"Alice: {i}")
            if i % 6 == 5:
                server.kill_worker(seat)


def read_rooms(server, dialect, want, between):
    """A long /rooms, read little by little; between(i) is called in it."""
    slow = User(server, dialect, "talk", "Slow", rcvbuf=4096).welcomed()
    server.wait_joined(len(want) + 1)
    slow.say("/rooms")
    lines = [slow.line()]
    for i in range(8):
        between(slow.seat, i)
        lines += [slow.line() for _ in range(40)]
    while len(lines) < len(want) + 2:
        lines.append(slow.line())
    assert lines[0] == f"*** {len(want) + 1} rooms", lines[0]
    check_rooms(lines, want)
    slow.say("/quit")
    assert slow.line() is None
    slow.client.close()


@test(faults=True, limit=120)
def a_long_reply_arrives_once_in_each_dialect_whatever_dies(t):
    server = mixed(t, faults=True)
    want = fill_rooms(server, 600)
    points = ("reply.piece", "tx.noted", "tx.sent", "tx.cut.copied",
              "tx.cleared", "pool.claimed", "step.noted", "input.noted")

    def die(seat, i):
        server.faults.arm(points[i], "die", seat=seat)

    for dialect in DIALECTS:
        before = len(server.events("worker-exit"))
        read_rooms(server, dialect, want, die)
        died = len(server.events("worker-exit")) - before
        assert died >= 3, f"{dialect}: {died}"
        for point in points:
            server.faults.arm(point, "none")
        server.wait_joined(len(want))


@test(faults=True, limit=120)
def a_chain_of_successors_may_die_in_their_repair(t):
    """With one who is behind, one who has said half a line, one half in."""
    for dialect in DIALECTS:
        server = mixed(t, faults=True)
        bob, slow, lines = fall_behind(server, dialect)
        seat = bob.seat
        steps = ("journal.settled", "takeover.tx.settled",
                 "takeover.in.settled", "takeover.rung", "takeover.row",
                 "takeover.done", "master.forked")
        done = 0
        for i, step in enumerate(steps):
            bob.client.send_bytes(f"half {i}".encode())
            comer = User(server, dialect, "other", f"c{i}")
            server.faults.arm(step, "die", seat=seat)
            server.signal_worker(seat, signal.SIGKILL)
            wait_until(lambda: not server.faults.armed(step), step)
            bob.client.send_bytes(bob.end.encode())
            comer.welcomed()
            comer.say("/quit")
            for line in lines[done:done + 100]:
                slow.expect(line)
            done += 100
        for line in lines[done:]:
            slow.expect(line)
        slow.expect(*(f"Bob: half {i}" for i in range(len(steps))))


def crowd_of_all(server, count):
    """So many users of each dialect in one room, who have all come in."""
    found = [User(server, dialect, "general", f"{dialect}{i}")
             for i in range(count) for dialect in DIALECTS]
    server.wait_joined(len(found))
    for user in found:
        user.say("here I am")
    said = {f"{user.name}: here I am" for user in found}
    for user in found:
        user.greeted()
        missing = said - {f"{user.name}: here I am"}
        while missing:
            missing.discard(user.line())
    return found


def hear_each_other(found, turn):
    """Each reads once what each of the others has said in that turn."""
    for user in found:
        seen = [user.line() for _ in range(len(found) - 1)]
        assert sorted(seen) == sorted(
            f"{u.name}: turn {turn}" for u in found if u is not user), seen


@test(limit=120)
def all_workers_of_a_type_and_all_at_once_may_die(t):
    server = mixed(t)
    found = crowd_of_all(server, 6)
    chat, telnet = seats_of(server, "line"), seats_of(server, "telnet")
    for turn, seats in enumerate((telnet, chat, chat + telnet) * 2):
        for user in found:
            user.client.send_bytes(b"turn")
        kill_all(server, seats)
        for user in found:
            user.client.send_bytes(f" {turn}{user.end}".encode())
        hear_each_other(found, turn)
    assert not server.events("close")


@test(faults=True, limit=120)
def a_master_may_die_at_each_of_its_own_steps(t):
    """Its workers end, its clients read the end, the next one starts."""
    name = t.instance()
    for point in ("master.accept", "master.accepted", "master.passed",
                  "master.reaped", "master.fork"):
        server = mixed(t, name=name, faults=True)
        found = [User(server, d, f"room-{d}", f"u-{d}").welcomed()
                 for d in DIALECTS]
        pids = list(server.worker_pids().values())
        server.faults.arm(point, "die")
        server.deaths_allowed = True
        if point in ("master.reaped", "master.fork"):
            os.kill(pids[0], signal.SIGKILL)
        else:
            with contextlib.suppress(ConnectionResetError):
                server.connect()
        assert server.wait() == -signal.SIGKILL, point
        wait_until(lambda: not any(process_lives(p) for p in pids),
                   "its workers have ended", 2)
        for user in found:
            while user.line() is not None:
                pass
        assert f"chatmaster.{name}" in server.objects()
    last = mixed(t, name=name)
    assert f"chatmaster.{name}.old" in last.objects()
    users(last, "telnet", "general", "Alice", "Bob")
    last.stop()


@test(limit=120)
def a_master_that_dies_with_its_workers_frozen_takes_them_with_it(t):
    server = mixed(t, watchdog=0)
    alice = User(server, "telnet", "general", "Alice").welcomed()
    pids = freeze(server, [w["seat"] for w in server.dump("workers")])
    server.process.kill()
    server.wait()
    wait_until(lambda: not any(process_lives(p) for p in pids),
               "its workers have ended", 2)
    while alice.line() is not None:
        pass
    mixed(t, name=server.name)
