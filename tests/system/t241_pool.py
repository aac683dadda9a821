# SPDX-License-Identifier: MIT
"""Those who don't read hold the buffers, and nobody else up."""
from lib import JOINED, test, wait_until
from pool import no_buffers
from t132_replies import fill_rooms


def long_lines(server, room):
    """Two who read say long lines to each other, whole or in pieces."""
    alice, bob = server.room(room, "Alice", "Bob")
    for i in range(30):
        text = f"{i} ".ljust(4096, "x")
        alice.send_bytes(text[:200].encode())
        bob.send(text)
        alice.expect(f"Bob: {text}")
        wait_until(lambda: server.session("Alice")["in"] ==
                   len("talk\nAlice\n") + i * 4097 + 200,
                   "the piece is read")
        alice.send(text[200:])
        bob.expect(f"Alice: {text}")


@test(limit=120)
def who_does_not_read_leaves_long_lines_to_the_others(t):
    server = t.server(workers=2)
    with no_buffers(server):
        long_lines(server, "talk")


@test(limit=120)
def who_asks_and_does_not_read_leaves_long_lines_to_the_others(t):
    server = t.server(workers=2)
    fill_rooms(server, 300)
    askers = [server.connect(rcvbuf=4096) for _ in range(300)]
    for i, client in enumerate(askers):
        client.send("ask", f"a{i}")
    for i, client in enumerate(askers):
        client.lines_until(JOINED % f"a{i}")
    for client in askers:
        client.send(*["/rooms"] * 1000)
    wait_until(lambda: server.dump()["pool_empty"] > 0, "no buffer is free")
    wait_until(lambda: all(
        s["lagging"] for s in server.dump("sessions")
        if s["name"].startswith("a")), "all wait for their replies")
    long_lines(server, "talk")
