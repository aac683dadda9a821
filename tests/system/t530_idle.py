# SPDX-License-Identifier: MIT
"""Nothing to do costs nothing: no state of a client makes a worker spin."""
import os
import resource
import signal
import time

from lib import JOINED, test, wait_until

WATCHED = 1.0  # seconds
SHARE = 0.3    # of one CPU, by all workers and the master together


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def idles(server):
    """Whether it uses nearly no CPU, in one of a few seconds."""
    pids = [server.pid, *server.worker_pids().values()]
    used = []
    for _ in range(5):
        before = cpu_seconds(pids)
        time.sleep(WATCHED)
        used.append(cpu_seconds(pids) - before)
        if used[-1] < WATCHED * SHARE:
            return
    raise AssertionError(f"CPU seconds used each second: {used}")


@test
def connections_in_every_state_make_nobody_spin(t):
    server = t.server(workers=2, max_clients=40)
    clients = [server.connect() for _ in range(3)]
    clients[1].send("general")
    clients[2].send_bytes(b"half a l")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = [server.join("general", f"s{i}", rcvbuf=4096) for i in range(6)]
    bob.lines_until(JOINED % "s5")
    for i in range(9000):
        alice.send(f"{i} ".ljust(1000, "x"))
        if i % 50 == 49:
            bob.lines_until("Alice: " + f"{i} ".ljust(1000, "x"))
    assert server.session("s0")["lagging"]
    slow[1].half_close()          # leaves, and reads no more
    slow[2].send("/quit")
    slow[3].reset()
    slow[4].send_bytes(b"x" * 3000)
    slow[5].send(*["/x"] * 50)    # replies behind what it doesn't read
    idles(server)
    seat = server.session("s0")["worker"]
    server.kill_worker(seat)
    idles(server)


@test
def an_idle_server_sleeps(t):
    server = t.server(workers=4, watchdog=0)
    server.room("general", "Alice", "Bob")
    idles(server)
    wait_until(lambda: all(w["sleeping"] for w in server.dump("workers")),
               "all workers sleep")


@test
def a_listener_without_fds_makes_nobody_spin(t):
    server = t.server(workers=1)
    _, hard = limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (8, hard))
    waiting = [server.connect() for _ in range(30)]
    server.wait_event("out-of-fds")
    idles(server)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    assert waiting


@test
def a_stopped_worker_makes_nobody_spin(t):
    server = t.server(workers=2, watchdog=0)
    alice, bob = server.room("general", "Alice", "Bob")
    seat = server.session("Alice")["worker"]
    server.signal_worker(seat, signal.SIGSTOP)
    alice.send("hello")
    others = [server.connect() for _ in range(10)]
    for i, other in enumerate(others):
        other.send("general", f"c{i}")
    idles(server)
    os.kill(server.worker_pids()[seat], signal.SIGCONT)
    bob.lines_until("Alice: hello")
