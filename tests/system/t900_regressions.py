# SPDX-License-Identifier: MIT
"""What once went wrong, and no other test names."""
from lib import JOINED, test


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
