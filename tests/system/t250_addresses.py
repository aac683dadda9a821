# SPDX-License-Identifier: MIT
"""What one address may have: connections, and rooms.

All of 127.0.0.0/8 is ours, so 127.0.0.2 and its like are other addresses.
"""
import ctypes
import os
import shutil
import signal
import subprocess

from lib import JOINED, LEFT, process_lives, test, wait_until
from peers import Client

MANY = "too-many-from-address"
ROOMS = "too-many-rooms"

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def own_network(*addresses):
    """Moves this test into a network of its own, whose loopback has these
    addresses beside its usual ones.  False if that isn't allowed here."""
    flags = CLONE_NEWNET | (0 if os.geteuid() == 0 else CLONE_NEWUSER)
    ids = os.getuid(), os.getgid()
    if shutil.which("ip") is None or ctypes.CDLL(None).unshare(flags) != 0:
        return False
    if flags & CLONE_NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {ids[0]} 1"),
                           ("gid_map", f"0 {ids[1]} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                f.write(text)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in addresses:
        subprocess.run(["ip", "-6", "addr", "add", f"{address}/128", "dev",
                        "lo", "nodad"], check=True)
    return True


def connect(server, source, port=None):
    """A connection from that address that has said nothing yet."""
    host = "::1" if ":" in source else "127.0.0.1"
    client = Client((host, port or server.port), source=source)
    server.context.peers.append(client)
    return client


def refused(server, source, **options):
    """One that is told so and closed."""
    client = connect(server, source, **options)
    client.expect_error(MANY)
    client.expect_end()


def join(server, source, room, name, port=None):
    client = connect(server, source, port)
    client.send(room, name)
    client.lines_until(JOINED % name)
    return client


def room_refused(server, source, room, name):
    """Returns it, who may still say another name, or the same."""
    client = connect(server, source)
    client.send(room, name)
    client.expect_error(ROOMS)
    return client


@test
def one_connection_more_than_an_address_may_have_is_told_and_closed(t):
    server = t.server(workers=2, max_clients_per_ip=2)
    first = [connect(server, "127.0.0.2") for _ in range(2)]
    server.wait_event("accept", 2, ip="127.0.0.2")
    refused(server, "127.0.0.2")
    event = server.wait_event("refuse")
    assert event["reason"] == MANY and event["ip"] == "127.0.0.2"
    assert event["listener"] == "line" and int(event["port"]) > 0
    others = [connect(server, "127.0.0.3") for _ in range(2)]
    for i, client in enumerate([*first, *others]):
        client.send(f"room{i}", f"User{i}")
        client.expect(JOINED % f"User{i}")
    assert len(server.events("refuse")) == 1
    assert len(server.events("accept")) == 4
    refused_so_far = [x for x in t.run(
        "shmdump", "-n", server.name, "metrics", check=0).stdout.splitlines()
        if x.startswith("chatmaster_refused_total{") and x[-2:] != " 0"]
    assert refused_so_far == [
        f'chatmaster_refused_total{{reason="{MANY}"}} 1'], refused_so_far


@test
def an_address_may_connect_again_once_it_has_closed(t):
    server = t.server(workers=2, max_clients_per_ip=1)
    for i in range(1, 6):
        client = join(server, "127.0.0.2", "general", f"User{i}")
        refused(server, "127.0.0.2")
        client.close()
        server.wait_event("close", i)


@test
def there_is_no_limit_by_default(t):
    server = t.server(workers=1)
    for i in range(30):
        join(server, "127.0.0.2", f"room{i}", f"User{i}")
    assert not server.events("refuse")


@test
def an_address_has_one_budget_at_all_listeners(t):
    server = t.server(workers=1, telnet_workers=1, max_clients_per_ip=2,
                      line=["127.0.0.1:0", "[::]:0"], telnet="127.0.0.1:0")
    connect(server, "127.0.0.2")
    # IPv4 at a dual-stack listener, which sees it mapped into IPv6.
    connect(server, "127.0.0.2", server.listeners[1][1])
    server.wait_event("accept", 2, ip="127.0.0.2")
    refused(server, "127.0.0.2")
    refused(server, "127.0.0.2", port=server.listeners[1][1])
    telnet = connect(server, "127.0.0.2", server.telnet_listeners[0][1])
    line = telnet.raw_line()
    assert line.startswith(f"*** error {MANY}: ".encode()), line
    assert line.endswith(b"\r\n"), line
    server.wait_event("refuse", listener="telnet", reason=MANY)


@test
def ipv6_is_counted_too_and_apart_from_ipv4(t):
    server = t.server(workers=1, max_clients_per_ip=1, line="[::]:0")
    connect(server, "::1")
    connect(server, "127.0.0.2")
    server.wait_event("accept", 2)
    refused(server, "::1")
    refused(server, "127.0.0.2")
    server.wait_event("refuse", ip="::1", reason=MANY)


@test
def the_addresses_of_an_ipv6_64_share_their_budgets(t):
    if not own_network("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"):
        return
    server = t.server(workers=1, max_clients_per_ip=2, max_rooms_per_ip=1,
                      line="[::]:0")
    join(server, "2001:db8::1", "red", "Alice")
    bob = room_refused(server, "2001:db8::ffff:2", "blue", "Bob")
    refused(server, "2001:db8::1")
    refused(server, "2001:db8::ffff:2")
    join(server, "2001:db8:0:1::1", "blue", "Carol")
    bob.send("Bob")  # into the room that is there now
    bob.expect(JOINED % "Bob")
    server.wait_event("refuse", ip="2001:db8::ffff:2")


@test
def an_address_is_told_of_its_own_limit_before_that_of_all(t):
    server = t.server(workers=1, max_clients=2, max_clients_per_ip=2)
    for _ in range(2):
        connect(server, "127.0.0.2")
    server.wait_event("accept", 2)
    refused(server, "127.0.0.2")
    other = connect(server, "127.0.0.3")
    other.expect_error("server-full")
    other.expect_end()


@test
def a_flood_of_one_address_is_summed_up_in_the_log(t):
    server = t.server(workers=1, max_clients_per_ip=1)
    connect(server, "127.0.0.2")
    server.wait_event("accept")
    for _ in range(60):
        refused(server, "127.0.0.2")

    def counted():
        events = server.events("refuse", reason=MANY, ip="127.0.0.2")
        return sum(int(e.get("count", 1)) for e in events) == 60
    wait_until(counted, "all 60 refusals are in the log, one way or other")


@test
def the_count_is_right_after_workers_have_died(t):
    server = t.server(workers=2, max_clients_per_ip=4)
    clients = [join(server, "127.0.0.2", f"room{i}", f"User{i}")
               for i in range(4)]
    for seat in 0, 1:
        server.kill_worker(seat)
    refused(server, "127.0.0.2")
    for client in clients[:2]:
        client.close()
    server.wait_event("close", 2)
    for i in 4, 5:
        clients.append(join(server, "127.0.0.2", f"room{i}", f"User{i}"))
    refused(server, "127.0.0.2")
    for seat in 0, 1:  # who closes while its worker is dead is noticed too
        server.signal_worker(seat, signal.SIGKILL)
    for client in clients[2:]:
        client.close()
    server.wait_event("close", 6)
    for i in range(4):
        join(server, "127.0.0.2", f"room{i}", f"Again{i}")
    refused(server, "127.0.0.2")


@test
def connections_that_no_worker_has_taken_yet_count(t):
    server = t.server(workers=1, max_clients_per_ip=3, watchdog=0)
    pid = server.signal_worker(0, signal.SIGSTOP)
    waiting = [connect(server, "127.0.0.2") for _ in range(3)]
    server.wait_event("accept", 3)
    refused(server, "127.0.0.2")
    waiting[0].close()  # nobody can notice yet
    refused(server, "127.0.0.2")
    server.signal_worker(0, signal.SIGKILL)
    wait_until(lambda: not process_lives(pid), "it is dead")
    server.wait_event("close")
    last = join(server, "127.0.0.2", "general", "Alice")
    refused(server, "127.0.0.2")
    for client, name in zip(waiting[1:], ["Bob", "Carol"]):
        client.send("general", name)
        last.lines_until(JOINED % name)


@test(faults=True)
def a_connection_refused_for_want_of_fds_is_not_counted(t):
    server = t.server(workers=1, faults=True, max_clients_per_ip=2)
    connect(server, "127.0.0.2")
    server.wait_event("accept")
    server.faults.arm("master.accept", "fail")
    out = connect(server, "127.0.0.2")
    out.expect_error("server-full")
    out.expect_end()
    server.wait_event("refuse", reason="no-fds")
    connect(server, "127.0.0.2")
    server.wait_event("accept", 2)
    refused(server, "127.0.0.2")


@test
def one_room_more_than_an_address_may_have_made_is_too_many(t):
    server = t.server(workers=2, max_rooms_per_ip=2)
    alice = join(server, "127.0.0.2", "red", "Alice")
    join(server, "127.0.0.2", "blue", "Bob")
    carol = room_refused(server, "127.0.0.2", "green", "Carol")
    carol.send("Carol")
    carol.expect_error(ROOMS)
    join(server, "127.0.0.3", "green", "Dave")  # another's budget
    join(server, "127.0.0.2", "RED", "Eve")  # that exists
    alice.expect(JOINED % "Eve")
    carol.send("Carol")  # into the room that Dave has made
    carol.expect(JOINED % "Carol")
    room_refused(server, "127.0.0.2", "yellow", "Frank")
    assert sorted(r["name"] for r in server.dump("rooms")) == \
        ["blue", "green", "red"]


@test
def a_room_counts_until_it_ends_whoever_is_in_it(t):
    server = t.server(workers=2, max_rooms_per_ip=1)
    alice = join(server, "127.0.0.2", "red", "Alice")
    bob = join(server, "127.0.0.3", "red", "Bob")
    alice.expect(JOINED % "Bob")
    alice.close()
    bob.expect(LEFT % "Alice")
    room_refused(server, "127.0.0.2", "blue", "Carol").close()
    join(server, "127.0.0.3", "green", "Dave")  # red is none of its own
    bob.send("/quit")
    bob.expect_end()
    for i in range(10):  # ended, it counts no more
        alice = join(server, "127.0.0.2", "blue", "Alice")
        room_refused(server, "127.0.0.2", "pink", "Eve").close()
        alice.send("/quit")
        alice.expect_end()
        alice.close()


@test
def a_room_that_comes_again_is_counted_for_who_brings_it_back(t):
    server = t.server(workers=2, max_rooms_per_ip=1)
    alice = join(server, "127.0.0.2", "red", "Alice")
    alice.send("/quit")
    alice.expect_end()
    bob = join(server, "127.0.0.3", "red", "Bob")
    room_refused(server, "127.0.0.3", "blue", "Carol")
    join(server, "127.0.0.2", "red", "Dave")
    bob.expect(JOINED % "Dave")
    join(server, "127.0.0.2", "blue", "Eve")
    room_refused(server, "127.0.0.2", "pink", "Frank")


@test
def a_join_over_the_limit_leaves_one_where_one_is(t):
    server = t.server(workers=2, max_rooms_per_ip=2)
    alice = join(server, "127.0.0.2", "red", "Alice")
    bob = join(server, "127.0.0.2", "red", "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("/join blue")
    alice.expect(JOINED % "Alice")
    bob.expect(LEFT % "Alice")
    carol = join(server, "127.0.0.3", "red", "Carol")
    bob.expect(JOINED % "Carol")
    bob.send("/join green", "still here")
    bob.expect_error(ROOMS)
    carol.expect("Bob: still here")
    bob.send("/join blue")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")
    bob.send("/join green")
    bob.expect_error(ROOMS)
    bob.send("hello")
    alice.expect("Bob: hello")


@test
def the_last_one_in_a_room_may_go_on_to_a_new_one(t):
    """Its old room ends as the new one comes into being: never two at once."""
    server = t.server(workers=2, max_rooms_per_ip=1)
    alice = join(server, "127.0.0.2", "room0", "Alice")
    for i in range(1, 20):
        alice.send(f"/join room{i}")
        alice.expect(JOINED % "Alice")
    assert [r["name"] for r in server.dump("rooms")] == ["room19"]
    bob = join(server, "127.0.0.3", "room19", "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("/join other")  # the room would live on
    alice.expect_error(ROOMS)
    bob.send("/join bobs")
    bob.expect(JOINED % "Bob")
    alice.expect(LEFT % "Bob")
    alice.send("/join bobs")
    alice.expect(JOINED % "Alice")
    bob.expect(JOINED % "Alice")
    bob.send("/quit")
    alice.expect(LEFT % "Bob")
    # Alone in a room that somebody else has made: it is another's that ends.
    alice.send("/join hers")
    alice.expect(JOINED % "Alice")
    room_refused(server, "127.0.0.2", "more", "Carol")
    server.wait_verified()


@test
def an_address_has_one_budget_of_rooms_at_all_listeners(t):
    server = t.server(workers=1, telnet_workers=1, max_rooms_per_ip=2,
                      line=["127.0.0.1:0", "[::]:0"], telnet="127.0.0.1:0")
    join(server, "127.0.0.2", "red", "Alice", server.listeners[1][1])
    bob = connect(server, "127.0.0.2", server.telnet_listeners[0][1])
    bob.send("blue", "Bob")
    wait_until(lambda: server.session("Bob"), "Bob has joined")
    room_refused(server, "127.0.0.2", "green", "Carol")
    join(server, "127.0.0.3", "green", "Dave")


@test
def max_rooms_holds_beside_the_limit_of_an_address(t):
    server = t.server(workers=2, max_rooms=3, max_rooms_per_ip=2)
    red = join(server, "127.0.0.2", "red", "Alice")
    join(server, "127.0.0.2", "blue", "Bob")
    carol = room_refused(server, "127.0.0.2", "green", "Carol")
    join(server, "127.0.0.3", "green", "Dave")
    eve = room_refused(server, "127.0.0.3", "pink", "Eve")  # max-rooms
    red.close()
    server.wait_event("close")
    eve.send("Eve")
    eve.expect(JOINED % "Eve")
    carol.send("Carol")  # Dave's room
    carol.expect(JOINED % "Carol")
    room_refused(server, "127.0.0.2", "red", "Frank")


@test
def rooms_are_counted_right_after_workers_have_died(t):
    server = t.server(workers=2, max_rooms_per_ip=3)
    clients = [join(server, "127.0.0.2", f"room{i}", f"User{i}")
               for i in range(3)]
    for seat in 0, 1, 0:
        server.kill_worker(seat)
        room_refused(server, "127.0.0.2", "more", "More").close()
    clients[0].close()
    server.wait_event("close", reason="eof", session=1)
    server.kill_worker(1)
    join(server, "127.0.0.2", "more", "More")
    room_refused(server, "127.0.0.2", "yet", "Yet")
    server.wait_verified()


@test(faults=True)
def a_death_as_a_room_comes_or_goes_leaves_the_count_right(t):
    """The successor makes the lists anew from what the rooms say."""
    server = t.server(workers=1, faults=True, max_rooms_per_ip=2)
    join(server, "127.0.0.2", "red", "Alice")
    points = ["ring.append.uncommitted", "journal.apply.room",
              "journal.applied", "journal.replayed", "step.cleared"]
    for i, point in enumerate(points):
        if point == "journal.replayed":  # another death, while it repairs
            server.faults.arm("journal.applied", "die")
        server.faults.arm(point, "die")
        bob = join(server, "127.0.0.2", "blue", "Bob")
        wait_until(lambda point=point: not server.faults.armed(point),
                   "it has died")
        room_refused(server, "127.0.0.2", "green", f"Carol{i}").close()
        server.faults.arm("journal.apply.left", "die")
        bob.send("/quit")
        bob.expect_end()
        bob.close()
        server.wait_sessions(1)
        server.wait_verified()
    server.wait_event("worker-recovered", lock="released")
