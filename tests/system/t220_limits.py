# SPDX-License-Identifier: MIT
"""Limits of the configuration, and what happens there."""
import time

from lib import JOINED, LEFT, test, wait_until


@test
def one_more_than_max_clients_is_told_and_closed(t):
    server = t.server(workers=2, max_clients=3)
    alice, bob = server.room("general", "Alice", "Bob")
    third = server.connect()
    server.wait_sessions(3)
    for _ in range(3):
        extra = server.connect()
        text = extra.expect_error("server-full")
        assert "full" in text
        extra.expect_end()
    alice.send("we are fine")
    bob.expect("Alice: we are fine")
    third.close()
    server.wait_sessions(2)
    carol = server.join("general", "Carol")
    alice.expect(JOINED % "Carol")
    carol.send("in at last")
    alice.expect("Carol: in at last")


@test
def one_who_is_refused_with_much_to_say_reads_why(t):
    server = t.server(max_clients=1)
    server.join("general", "Alice")
    for _ in range(10):
        extra = server.connect()
        try:
            extra.send_bytes(b"general\nBob\n" + b"x" * 1000)
        except OSError:
            pass  # closed already
        assert extra.line().startswith("*** error server-full: ")


@test
def one_room_more_than_max_rooms_is_too_many(t):
    server = t.server(workers=2, max_rooms=2)
    alice = server.join("red", "Alice")
    server.join("blue", "Bob")
    carol = server.connect()
    carol.send("green", "Carol")
    carol.expect_error("too-many-rooms")
    carol.send("Carol")
    carol.expect_error("too-many-rooms")
    server.join("RED", "Dave")
    alice.expect(JOINED % "Dave")
    carol.send("Carol")
    carol.expect_error("too-many-rooms")
    carol.expect_end()


@test
def a_room_that_ends_makes_place_for_another(t):
    server = t.server(workers=2, max_rooms=1)
    for i in range(20):
        alice = server.join(f"room{i}", "Alice")
        assert [r["name"] for r in server.dump("rooms")] == [f"room{i}"]
        alice.send("/quit")
        alice.expect_end()
        alice.close()


@test
def one_who_does_not_say_room_and_name_in_time_is_told_and_closed(t):
    server = t.server(workers=2, login_timeout=1)
    clients = [server.connect() for _ in range(3)]
    clients[1].send("general")
    clients[2].send_bytes(b"general\nAli")
    joined = server.join("general", "Alice")
    for client in clients:
        text = client.expect_error("login-timeout")
        assert "1 second" in text, text
        client.expect_end()
        client.close()
    for _ in clients:
        server.wait_event("close", reason="login-timeout")
    server.wait_sessions(1)
    joined.send("/quit")
    joined.expect_end()


@test
def bytes_that_trickle_in_do_not_stretch_the_login(t):
    server = t.server(login_timeout=1)
    client = server.connect()

    def closed():
        try:
            client.send_bytes(b"x")
        except OSError:
            return True
        client.socket.settimeout(0.1)
        try:
            client.data += client.socket.recv(1000)
            return b"login-timeout" in client.data
        except TimeoutError:
            return False
    wait_until(closed, "the login is over")
    assert client.data.startswith(b"*** error login-timeout: "), client.data


@test
def a_login_timeout_of_0_never_ends(t):
    server = t.server(login_timeout=0)
    client = server.connect()
    other = t.server(login_timeout=1).connect()
    other.expect_error("login-timeout")  # a second and a half have gone by
    client.send("general", "Alice")
    client.expect(JOINED % "Alice")


@test
def the_smallest_server_serves(t):
    server = t.server(workers=1, max_clients=1, max_rooms=1, max_line=64,
                      ring_size="64K")
    alice = server.join("general", "Alice")
    alice.send("alone")
    alice.send("/quit")
    alice.expect_end()
    alice.close()
    server.wait_sessions(0)
    server.join("other", "Bob")


@test
def a_slot_serves_one_after_the_other(t):
    server = t.server(workers=3, max_clients=2)
    alice = server.join("general", "Alice")
    for i in range(60):
        bob = server.join("general", "Bob")
        alice.expect(JOINED % "Bob")
        bob.send(f"{i}")
        alice.expect(f"Bob: {i}")
        if i % 2:
            bob.send_bytes(b"half")
        bob.close()
        if i % 2:
            alice.expect("Bob: half")
        alice.expect(LEFT % "Bob")
        server.wait_sessions(1)


@test
def one_who_does_not_hang_up_after_quitting_is_hung_up_on(t):
    server = t.server()
    quiet = server.join("general", "Quiet")
    quiet.send("/quit")
    quiet.expect_end()
    talker = server.join("general", "Talker")
    talker.send("/quit")
    talker.expect_end()

    def closed():
        try:
            talker.send("but wait, there is more")
            return False
        except OSError:
            return True
    wait_until(closed, "the connection is closed")
    server.wait_sessions(0)
    for event in server.events("close"):
        assert event["reason"] == "quit", event.line


def not_reading(server, *names):
    """Clients who have more to read than their connections take; and those
    who say and see it all."""
    alice, bob = server.room("general", "Alice", "Bob")
    slow = []
    for name in names:
        slow.append(server.join("general", name, rcvbuf=4096))
        for client in alice, bob, *slow[:-1]:
            client.expect(JOINED % name)
    for _ in range(8000):
        alice.send("x" * 1000)
        bob.expect("Alice: " + "x" * 1000)
    return alice, bob, slow


@test
def one_who_leaves_and_never_reads_is_closed_in_the_end(t):
    server = t.server()
    alice, _bob, (slow,) = not_reading(server, "Slow")
    slow.send("/quit")
    alice.expect(LEFT % "Slow")
    server.wait_event("close", reason="unread")
    server.wait_sessions(2)


@test
def who_must_read_before_it_can_leave_and_does_not_is_closed(t):
    """What they said last waits for what they should read first."""
    server = t.server(workers=2)
    last_words = {
        "Hung": ["/join blue"],
        "HungBehindWords": ["/join red", "words"],
        "HungBehindReplies": ["/who", "words", "/who", "/who"],
        "Quit": ["/join green", "/quit"],
    }
    alice, bob, slow = not_reading(server, *last_words)
    stays = server.join("general", "Stays", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Stays")
    for client, (name, words) in zip(slow, last_words.items()):
        client.send(*words)
        if name.startswith("Hung"):
            client.half_close()
    stays.send("/join blue", "hello")  # and reads it all, in its own time
    server.wait_event("close", 4, reason="unread")
    server.wait_sessions(3)
    stays.lines_until(JOINED % "Stays")
    names = {e["session"] for e in server.events("close", reason="unread")}
    assert len(names) == 4, names
    wait_until(lambda: {r["name"] for r in server.dump("rooms")} ==
               {"general", "blue"}, "their rooms are gone")


@test
def who_changes_rooms_unread_has_its_time_before_it_is_too_idle(t):
    server = t.server(idle_timeout=2)
    alice, bob, (slow,) = not_reading(server, "Slow")
    slow.send("/join blue")
    for client in alice, bob:
        client.expect(LEFT % "Slow")
    for _ in range(30):  # past its 2 s
        time.sleep(0.1)
        alice.send("still here")
        bob.send("me too")
        bob.expect("Alice: still here")
        alice.expect("Bob: me too")
    assert slow.lines_until(JOINED % "Slow").count(
        "Alice: " + "x" * 1000) == 8000
    slow.expect_error("idle-timeout")
    slow.expect_end()


@test
def a_stop_does_not_wait_for_who_has_left_and_does_not_read(t):
    server = t.server()
    alice, _bob, (slow,) = not_reading(server, "Slow")
    slow.send("/quit")
    alice.expect(LEFT % "Slow")
    server.stop()
    assert not server.events("stop-kill")
