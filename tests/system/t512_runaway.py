# SPDX-License-Identifier: MIT
"""Workers that are frozen or run away, of any type and in any place: the
culprit alone is killed, and nobody on a machine that is merely slow."""
import os
import signal
import subprocess
import sys

from dialects import DIALECTS, mixed, users
from lib import die_with_parent, test, wait_until

LONG_US = 600 * 1000000

# In the midst of its work, and with the lock that all others wait for.
WAYS = (("input.received", "stop"), ("fanout.staged", "spin"),
        ("tx.sent", "spin"), ("lock.acquired", "spin"),
        ("ring.append.torn", "stop"), ("lock.releasing", "delay"))


def bitten(server):
    """Whom the watchdog has killed, and all who have died, by seat."""
    return [[int(e["seat"]) for e in server.events(event)]
            for event in ("watchdog", "worker-exit")]


def run_away(server, dialect, point, action, told):
    """One of that dialect's workers does; all that is said arrives."""
    (alice, bob), (carol, dave) = told
    seat = alice.seat
    before = len(server.events("worker-recovered", seat=seat))
    server.faults.arm(point, action, seat=seat, delay_us=LONG_US)
    alice.say(f"{point} {action}")
    said = 0
    while len(server.events("worker-recovered", seat=seat)) == before:
        carol.say(f"{said}")  # of the other type, so by another worker
        dave.expect(f"{carol.name}: {said}")
        said += 1
    bob.expect(f"{alice.name}: {point} {action}")
    assert not server.faults.armed(point), f"{dialect}: {point}"
    assert len(server.events("watchdog", seat=seat)) == \
        len(server.events("watchdog"))
    # Too many of them in a row would cast doubt on the memory.
    server.kill_worker(seat)
    return [seat, seat]


def run_away_in_all_ways(t, dialect):
    server = mixed(t, watchdog=1, faults=True)
    others = "line" if dialect == "telnet" else "telnet"
    told = (users(server, dialect, "general", "Alice", "Bob"),
            users(server, others, "other", "Carol", "Dave"))
    server.wait_joined(4)
    died = [seat for point, action in WAYS
            for seat in run_away(server, dialect, point, action, told)]
    assert bitten(server) == [died[::2], died], (bitten(server), died)
    assert not server.events("close")


@test(faults=True, limit=120)
def a_chat_worker_that_runs_away_is_replaced_alone(t):
    run_away_in_all_ways(t, "line")


@test(faults=True, limit=120)
def one_with_readers_of_json_that_runs_away_is_replaced_alone(t):
    run_away_in_all_ways(t, "json")


@test(faults=True, limit=120)
def a_telnet_worker_that_runs_away_is_replaced_alone(t):
    run_away_in_all_ways(t, "telnet")


@test(faults=True)
def of_many_who_wait_for_a_runaway_with_the_lock_none_is_killed(t):
    server = mixed(t, workers=3, watchdog=1, faults=True)
    pairs = []
    for i, dialect in enumerate(DIALECTS * 3):
        pairs.append(users(server, dialect, f"room{i}", f"a{i}", f"b{i}"))
    server.wait_joined(2 * len(pairs))
    seat = pairs[0][0].seat
    server.faults.arm("lock.acquired", "spin", seat=seat)
    pairs[0][0].say("hello")
    wait_until(lambda: not server.faults.armed("lock.acquired"), "it has it")
    for alice, _ in pairs:
        alice.say("are you there?")
    pairs[0][1].expect("a0: hello")
    for alice, bob in pairs:
        bob.expect(f"{alice.name}: are you there?")
    server.wait_event("worker-recovered", seat=seat, lock="released")
    assert bitten(server) == [[seat], [seat]], bitten(server)


@test(faults=True)
def a_watchdog_of_0_lets_one_go_round_in_circles(t):
    server = mixed(t, watchdog=0, faults=True)
    other = mixed(t, watchdog=1, faults=True)
    alice, bob = users(server, "line", "general", "Alice", "Bob")
    carol, dave = users(other, "line", "general", "Carol", "Dave")
    for s, user in (server, alice), (other, carol):
        s.faults.arm("tx.sent", "spin", seat=user.seat)
        user.say("hello")
    dave.expect("Carol: hello")
    other.wait_event("worker-recovered")  # as long as that
    assert bitten(server) == [[], []], bitten(server)
    server.kill_worker(alice.seat)
    bob.expect("Alice: hello")


@test(faults=True)
def a_server_suspended_with_the_lock_held_goes_on_unharmed(t):
    server = mixed(t, watchdog=1, faults=True)
    other = mixed(t, watchdog=1)
    pairs = [users(server, dialect, dialect, f"a-{dialect}", f"b-{dialect}")
             for dialect in DIALECTS]
    server.wait_joined(2 * len(pairs))
    pids = [server.pid, *server.worker_pids().values()]
    server.faults.arm("lock.acquired", "stop", seat=pairs[0][0].seat)
    pairs[0][0].say("hello")
    wait_until(lambda: not server.faults.armed("lock.acquired"), "it has it")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    other.signal_worker(0, signal.SIGSTOP)
    other.wait_event("worker-recovered")  # as long as that
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    pairs[0][1].expect("a-line: hello")
    for alice, bob in pairs:
        alice.say("good morning")
        bob.expect(f"{alice.name}: good morning")
    other.signal_worker(0, signal.SIGSTOP)
    other.wait_event("worker-recovered", 2)
    assert bitten(server) == [[], []], bitten(server)


@test(limit=120)
def a_starved_server_has_no_frozen_workers(t):
    """Everybody else on the machine comes first, for some seconds."""
    server = mixed(t, workers=4, wrapper=["nice", "-n", "19"])
    pairs = [users(server, dialect, dialect, f"a-{dialect}", f"b-{dialect}")
             for dialect in DIALECTS]
    burn = "import time\nwhile time.process_time() < 1: pass"
    hogs = [subprocess.Popen([sys.executable, "-c", burn],
                             preexec_fn=die_with_parent)
            for _ in range(4 * (os.cpu_count() or 1))]
    said = 0
    while any(hog.poll() is None for hog in hogs):
        for alice, bob in pairs:
            alice.say(f"{said}")
            bob.expect(f"{alice.name}: {said}")
        said += 1
    assert bitten(server) == [[], []], bitten(server)


def oom_score_adj(pid):
    with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as f:
        return int(f.read())


@test
def workers_are_rather_victims_of_the_oom_killer_than_the_master(t):
    server = mixed(t)
    server.kill_worker(0)
    server.kill_worker(2)
    master = oom_score_adj(server.pid)
    pids = wait_until(lambda: len(server.worker_pids()) == 6 and
                      server.worker_pids().values(), "six workers")
    for pid in pids:
        assert oom_score_adj(pid) > master, (pid, oom_score_adj(pid), master)
