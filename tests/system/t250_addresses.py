# SPDX-License-Identifier: MIT
"""What one address may have: connections, and rooms.

All of 127.0.0.0/8 is ours, so 127.0.0.2 and its like are other addresses.
"""
import signal

from lib import process_lives, test, wait_until
from peers import Client

MANY = "too-many-from-address"


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


def join(server, source, room, name):
    client = connect(server, source)
    client.send(room, name)
    client.lines_until(f"🌟 {name} joined the room!")
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
        client.expect(f"🌟 User{i} joined the room!")
    assert len(server.events("refuse")) == 1
    assert len(server.events("accept")) == 4
    refused_so_far = [x for x in t.run(
        "shmdump", "-n", server.name, "metrics", check=0).stdout.splitlines()
        if x.startswith("chatmaster_refused_total ")]
    assert refused_so_far == ["chatmaster_refused_total 1"], \
        refused_so_far


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
        last.lines_until(f"🌟 {name} joined the room!")


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
