# SPDX-License-Identifier: MIT
"""Everything at once."""
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
