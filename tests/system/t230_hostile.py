# SPDX-License-Identifier: MIT
"""Bad input and bad luck: what a client, or the system, can do to a server."""
import os
import random
import resource
import socket
import threading
import time

from lib import JOINED, LEFT, test, wait_until


def talks(server, a="Alice", b="Bob", room="general"):
    """Two who talk; call what it returns to see that they still can."""
    alice, bob = server.room(room, a, b)
    count = [0]

    def check():
        count[0] += 1
        alice.send(f"{count[0]}")
        bob.expect(f"{a}: {count[0]}")
        bob.send(f"{count[0]}")
        alice.expect(f"{b}: {count[0]}")
    check()
    return check


@test
def an_endless_line_before_the_join_is_too_long_once(t):
    server = t.server(workers=2)
    check = talks(server)
    client = server.connect()
    client.send_bytes(b"x" * (5 << 20))
    client.expect_error("too-long")
    client.send_bytes(b"x" * (5 << 20) + b"\n")
    client.send("elsewhere", "Carol")
    client.expect(JOINED % "Carol")
    assert server.session("Carol")["in"] > 10 << 20
    client.close()
    check()


@test
def an_endless_line_after_the_join_is_too_long_once(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send_bytes(b"x" * (10 << 20))
    alice.expect_error("too-long")
    bob.send("meanwhile")
    alice.expect("Bob: meanwhile")
    alice.send_bytes(b"the end of it\nnow\n")
    bob.expect("Alice: now")


@test
def an_endless_line_ends_with_its_connection(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    bob.send_bytes(b"x" * 100000)
    bob.expect_error("too-long")
    bob.close()
    alice.expect(LEFT % "Bob")


@test
def garbage_before_the_join_costs_its_sender_the_connection_only(t):
    server = t.server(workers=2, login_timeout=2)
    check = talks(server)
    rng = random.Random(3)
    for _ in range(30):
        client = server.connect()
        try:
            client.send_bytes(rng.randbytes(rng.randrange(1, 200000)))
            client.half_close()
            for line in client.lines_to_end():
                assert line.startswith("*** error "), line
        except (ConnectionResetError, BrokenPipeError):
            pass
        client.close()
    check()


@test
def garbage_after_the_join_is_read_as_safe_lines(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    rng = random.Random(4)
    for i in range(20):
        alice.send_bytes(rng.randbytes(50000) + f"\nend {i}\n".encode())
        for line in bob.lines_until(f"Alice: end {i}"):
            assert line.startswith("Alice: "), line
            assert not any(c < " " or "\x7f" <= c < "\xa0"
                           for c in line.replace("\t", " ")), repr(line)
    bob.send("still here")
    alice.lines_until("Bob: still here")


@test
def a_reset_in_the_middle_of_a_line_delivers_no_half(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    for i in range(20):
        bob = server.join("general", "Bob")
        alice.expect(JOINED % "Bob")
        bob.send(f"whole {i}")
        alice.expect(f"Bob: whole {i}")
        bob.send_bytes(b"half a li")
        read = len(f"general\nBob\nwhole {i}\nhalf a li")
        wait_until(lambda: server.session("Bob")["in"] == read,
                   "the half has been read")
        bob.reset()
        alice.expect(LEFT % "Bob")


@test
def resets_at_any_moment_disturb_nobody(t):
    server = t.server(workers=4)
    check = talks(server)
    rng = random.Random(5)
    for i in range(200):
        client = server.connect()
        client.send_bytes(
            f"other\nuser{i}\nhello\nhalf".encode()[:rng.randrange(26)])
        client.reset()
        if i % 20 == 0:
            check()
    server.wait_sessions(2)
    check()


@test
def one_byte_a_second_arrives_and_holds_up_nobody(t):
    server = t.server(workers=1)
    check = talks(server, room="other")
    alice, bob = server.room("general", "Carol", "Dave")
    for byte in b"slow\n":
        alice.send_bytes(bytes([byte]))
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            check()
            time.sleep(0.05)
    bob.expect("Carol: slow")


@test
def a_hundred_half_lines_wait_for_their_ends(t):
    server = t.server(workers=2)
    listener = server.join("general", "Listener")
    clients = []
    for i in range(100):
        clients.append(server.connect())
        clients[-1].send_bytes(b"general\n" + f"c{i}\n".encode() +
                               b"x" * 4000)
    seen = 0
    while seen < 100:
        seen += listener.line().startswith("🌟")
    for i, client in enumerate(clients):
        client.send_bytes(b"y" * 96 + b"\n")
        listener.expect(f"c{i}: " + "x" * 4000 + "y" * 96)


@test
def more_half_lines_than_buffers_cost_the_oldest_only(t):
    server = t.server(workers=2, max_clients=2000)
    alice = server.join("general", "Alice")
    clients = []
    for i in range(900):
        client = server.connect()
        client.send_bytes(f"r{i}\nc{i}\n".encode() + b"x" * 3000)
        clients.append(client)
    for i, client in enumerate(clients):
        client.expect(JOINED % f"c{i}")
    bob = server.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("z" * 4096)
    bob.expect("Alice: " + "z" * 4096)
    for client in clients:
        client.send_bytes(b"\n/nothing\n")
    refused = 0
    for client in clients:
        line = client.line()
        if line.startswith("*** error too-long: "):
            refused += 1
            line = client.line()
        assert line.startswith("*** error unknown-command: "), line
    assert refused < 900


@test
def two_thousand_who_come_and_go_at_once_leave_it_as_it_was(t):
    server = t.server(workers=2)
    check = talks(server)

    def flood():
        for i in range(500):
            client = server.connect()
            if i % 2:
                client.send("general")
            if i % 3:
                client.reset()
            else:
                client.close()
    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        check()
    for thread in threads:
        thread.join()
    check()
    server.wait_sessions(2)
    wait_until(lambda: server.dump()["closed"] == 2000, "2000 ends")
    check()


def exhaust(server, limit):
    """Leaves the master so many fds and connects until they are used up."""
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, hard))
    return soft, hard


@test
def no_fd_left_kills_nobody_and_passes(t):
    server = t.server(workers=2)
    check = talks(server)
    limits = exhaust(server, 8)  # all are in use: none can be accepted
    waiting = [server.connect() for _ in range(5)]
    server.wait_event("out-of-fds")
    check()
    for client in waiting:
        client.send("general", "Late")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    refused = 0
    for client in waiting:
        line = client.line()
        refused += line.startswith("*** error server-full: ")
        client.close()
    assert refused > 0
    server.wait_sessions(2)
    late = server.connect()
    late.send("elsewhere", "Late")
    late.expect(JOINED % "Late")


@test
def no_number_left_for_a_connection_is_a_refusal(t):
    server = t.server(workers=2)
    check = talks(server)
    base = max(int(n) for n in os.listdir(f"/proc/{server.pid}/fd")) + 1
    limits = exhaust(server, base)
    for _ in range(3):
        client = server.connect()
        line = client.line()
        assert line.startswith("*** error server-full: "), line
        client.expect_end()
        client.close()
    check()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    server.join("elsewhere", "Late")
    check()


@test(faults=True)
def accept_that_fails_for_want_of_fds_is_tried_again(t):
    server = t.server(workers=2, faults=True)
    check = talks(server)
    for _ in range(3):
        server.faults.arm("master.accept", "fail")
        client = server.connect()
        line = client.line()  # the one for whom the reserve was given up
        assert line.startswith("*** error server-full: "), line
        client.expect_end()
        client.close()
        check()
    server.join("elsewhere", "Carol")
    check()


@test
def urgent_data_are_data(t):
    server = t.server()
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send_bytes(b"a")
    alice.socket.send(b"b", socket.MSG_OOB)
    alice.send_bytes(b"c\n")
    bob.expect("Alice: abc")


@test
def one_who_never_reads_replies_holds_up_nobody(t):
    server = t.server(workers=1)
    check = talks(server, room="other")
    mallory = server.connect(rcvbuf=4096)
    mallory.send("general", "Mallory")
    sent = 0
    stuck = 0
    while stuck < 20 and sent < 40 << 20:
        n = mallory.try_send(b"/x\n" * 1000)
        sent += n
        stuck = 0 if n else stuck + 1
        check()
    mallory.socket.settimeout(20)
    mallory.reset()
    check()
    server.wait_sessions(2)


@test
def each_command_has_its_reply_however_many_come(t):
    server = t.server()
    alice = server.join("general", "Alice")
    alice.send(*["/x"] * 500)
    for _ in range(500):
        alice.expect_error("unknown-command")


@test
def replies_and_messages_keep_to_whole_lines(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for i in range(300):
        alice.send("/x", f"{i} " + "a" * 500)
        bob.send(f"{i} " + "b" * 500)
    errors = 0
    count = 0
    while errors < 300 or count < 300:
        line = alice.line()
        if line.startswith("*** error unknown-command: "):
            errors += 1
        else:
            assert line == f"Bob: {count} " + "b" * 500, line
            count += 1
    for i in range(300):
        bob.expect(f"Alice: {i} " + "a" * 500)
