# SPDX-License-Identifier: MIT
"""Which worker a session lives on, and that its moves are not seen."""
from collections import Counter

from crowd import Crowd
from lib import JOINED, test, wait_until


def workers_of(server, room):
    """How many members of the room each worker has."""
    return Counter(s["worker"] for s in server.dump("sessions")
                   if s["room"] == room)


@test
def the_members_of_a_small_room_live_on_one_worker(t):
    server = t.server(workers=8)
    crowd = Crowd(server, 1, 20)
    server.wait_joined(20)
    wait_until(lambda: len(workers_of(server, "room0")) == 1,
               "all live on one worker")
    crowd.talk(10)
    crowd.check()
    home = server.dump("rooms")[0]["home"]
    assert set(workers_of(server, "room0")) == {home}
    crowd.close()


@test
def rooms_live_on_different_workers(t):
    server = t.server(workers=4)
    crowd = Crowd(server, 16, 3)
    server.wait_joined(48)
    used = set()
    for i in range(16):
        workers = workers_of(server, f"room{i}")
        assert len(workers) == 1, workers
        used |= set(workers)
    assert len(used) > 1, used
    crowd.talk(5)
    crowd.check()
    crowd.close()


@test
def a_large_room_spreads(t):
    server = t.server(workers=4)
    crowd = Crowd(server, 1, 200)
    server.wait_joined(200)
    workers = workers_of(server, "room0")
    assert len(workers) > 1, workers
    crowd.talk(2)
    crowd.check()
    crowd.close()


@test
def connections_are_spread_over_the_workers(t):
    server = t.server(workers=4)
    for _ in range(40):
        server.connect()
    server.wait_sessions(40)
    counts = Counter(s["worker"] for s in server.dump("sessions"))
    assert set(counts) == {0, 1, 2, 3}, counts
    assert max(counts.values()) <= 12, counts


@test
def one_who_moves_misses_nothing_that_is_said_meanwhile(t):
    server = t.server(workers=8)
    speaker = server.join("general", "Speaker")
    listeners = []
    said = 0
    for i in range(40):
        listener = server.connect()
        listener.send("general", f"l{i}", f"hello {i}")
        listeners.append(listener)
        for _ in range(20):
            speaker.send(f"{said}")
            said += 1
        speaker.lines_until(f"l{i}: hello {i}")
        speaker.send(f"{said}")
        said += 1
    # Each reads what comes behind its own join in the ring.
    ring = server.dump("ring")
    for i, listener in enumerate(listeners):
        begin = next(n for n, r in enumerate(ring)
                     if r["type"] == "join" and r["name"] == f"l{i}")
        for record in ring[begin:]:
            if record["type"] == "join":
                listener.expect(JOINED % record["name"])
            elif record["name"] != f"l{i}":
                listener.expect(f"{record['name']}: {record['text']}")


@test
def a_half_typed_line_moves_along(t):
    server = t.server(workers=4)
    alice = server.join("general", "Alice")
    for i in range(8):
        bob = server.connect()
        bob.send_bytes(f"general\nBob{i}\nhalf ".encode())
        bob.expect(JOINED % f"Bob{i}")
        alice.lines_until(JOINED % f"Bob{i}")
        server.wait_joined(i + 2)
        bob.send_bytes(b"and half\n")
        alice.expect(f"Bob{i}: half and half")


@test
def many_lines_behind_the_join_move_along(t):
    server = t.server(workers=4)
    alice = server.join("general", "Alice")
    for i in range(8):
        bob = server.connect()
        bob.send("general", f"Bob{i}", *(f"{n}" for n in range(1000)))
        alice.lines_until(JOINED % f"Bob{i}")
        alice.expect(*(f"Bob{i}: {n}" for n in range(1000)))
