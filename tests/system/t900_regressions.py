# SPDX-License-Identifier: MIT
"""What once went wrong, and no other test names."""
from lib import JOINED, test, wait_until
from telnet import GREETING, NAME, ROOM, crlf, reads, server_for


@test
def an_error_about_a_line_behind_the_join_comes_behind_the_join_line(t):
    """It came first, and looked as if the join had been refused."""
    server = t.server(workers=4, max_line=64)
    for i in range(20):
        client = server.connect()
        client.send("general", f"c{i}", "/dance", "\x01", "x" * 65, "hello")
        seen = [client.line() for _ in range(4)]
        errors = [x.split(":")[0] for x in seen if x.startswith("*** error")]
        assert seen[0] == JOINED % f"c{i}", seen
        assert errors == ["*** error unknown-command", "*** error bad-text",
                          "*** error too-long"], seen
        client.close()
        server.wait_sessions(0)


@test(faults=True)
def it_does_so_whatever_dies_in_between(t):
    server = t.server(workers=2, faults=True)
    for i, point in enumerate((
            "ring.committed", "journal.applied", "step.noted", "step.cleared",
            "tx.noted", "tx.sent", "tx.done", "tx.cleared", "fanout.sent")):
        for n in range(2):
            server.faults.arm(point, "die", countdown=1 + n)
            client = server.connect()
            client.send(f"room{i}", f"c{i}-{n}", "/dance")
            client.expect(JOINED % f"c{i}-{n}")
            client.expect_error("unknown-command")
            server.faults.arm(point, "none")
            client.close()
            server.wait_sessions(0)


def login_timed_out(server, times):
    """So long does it take until a login has timed out, so many times."""
    for _ in range(times):
        client = server.connect()
        client.expect_error("login-timeout")
        client.close()


@test
def one_who_typed_ahead_and_then_only_listens_stays(t):
    """The deadline of the login was held against it."""
    server = server_for(t, workers=1, login_timeout=1)
    bob = server.telnet()
    bob.send_bytes(b"general\r\nBob\r\n")
    reads(bob, GREETING + ROOM + NAME + crlf(JOINED % "Bob"))
    alice = server.join("general", "Alice")
    login_timed_out(server, 2)
    alice.send("hello")
    reads(bob, crlf(JOINED % "Alice", "Alice: hello"))


@test(faults=True)
def it_stays_too_when_its_worker_died_of_its_join(t):
    for point in "ring.committed", "journal.half.stored", "step.cleared":
        server = t.server(workers=1, login_timeout=1, faults=True)
        alice = server.join("general", "Alice")
        server.faults.arm(point, "die")
        bob = server.connect()
        bob.send("general", "Bob")
        bob.expect(JOINED % "Bob")
        wait_until(lambda: not server.faults.armed(point), "it has died")
        login_timed_out(server, 2)
        alice.send("hello")
        bob.expect("Alice: hello")
