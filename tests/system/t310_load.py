# SPDX-License-Identifier: MIT
"""Everything at once."""
import os
import signal
import threading

from crowd import Crowd
from lib import test


@test(limit=120)
def four_hundred_in_twenty_rooms_read_each_message_exactly_once(t):
    server = t.server(workers=8)
    crowd = Crowd(server, 20, 20)
    crowd.talk(40)
    crowd.check()
    server.wait_verified()
    assert server.dump()["messages"] == 400 * 40
    assert server.dump()["sessions"] == 400
    assert server.dump()["rooms"] == 20
    crowd.close()


@test(limit=120)
def the_same_with_long_lines_and_a_ring_that_goes_round(t):
    server = t.server(workers=8, ring_size="1M")
    crowd = Crowd(server, 10, 10)
    crowd.talk(40, size=1000)
    crowd.check()
    server.wait_verified()
    crowd.close()


@test(limit=120)
def the_same_on_the_smallest_ring(t):
    server = t.server(workers=4, ring_size="128K")
    crowd = Crowd(server, 10, 6)
    crowd.talk(40, size=2000)
    crowd.check()
    server.wait_verified()
    crowd.close()


@test(limit=120)
def as_many_workers_as_there_may_be_serve_and_die_and_stop(t):
    server = t.server(workers=48)
    crowd = Crowd(server, 1, 130)
    crowd.talk(1)
    server.deaths_allowed = True
    for pid in server.worker_pids().values():
        os.kill(pid, signal.SIGKILL)
    crowd.talk(1)
    crowd.check()
    for seat in range(48):
        server.wait_event("worker-recovered", seat=seat)
    crowd.close()


@test
def one_who_floods_does_not_hold_up_the_others(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    flooder = server.join("elsewhere", "Flooder")
    over = threading.Event()

    def flood():
        while not over.is_set():
            flooder.send(*["x" * 100] * 1000)
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        for i in range(300):
            alice.send(f"{i}")
            bob.expect(f"Alice: {i}")
    finally:
        over.set()
        thread.join()


@test(limit=120)
def the_same_on_one_worker(t):
    server = t.server(workers=1)
    crowd = Crowd(server, 10, 10)
    crowd.talk(40)
    crowd.check()
    crowd.close()


@test(limit=120)
def a_hundred_in_one_room_on_eight_workers_read_one_order(t):
    server = t.server(workers=8)
    crowd = Crowd(server, 1, 100)
    crowd.talk(10)
    crowd.check()
    server.wait_verified()
    crowd.close()


@test(limit=120)
def the_shared_memory_is_sound_after_much_coming_and_going(t):
    server = t.server(workers=4, max_clients=300, max_rooms=50)
    for i in range(4):
        crowd = Crowd(server, 15, 8 + i)
        crowd.talk(2)
        crowd.check()
        crowd.close()
        server.wait_sessions(0)
        server.wait_verified()
    assert server.dump("rooms") == []
