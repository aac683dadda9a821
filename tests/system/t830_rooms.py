# SPDX-License-Identifier: MIT
"""Rooms of the configuration: who may come in, and what is done there."""
import signal

from doors import SECRET, configuration, lines_doors
from lib import JOINED, test, wait_until

NOT_PERMITTED = "*** error not-permitted: that is not for you to do"
ROOMS = """
[room club]
members = Regina, Root
[room small]
max-members = 1
[room news]
read-only = yes
topic = Read all about it
[room cellar]
hidden = yes
"""


def server_with_rooms(t):
    return lines_doors(t, ROOMS)


@test
def a_room_with_members_is_for_those_who_gave_their_password(t):
    server = server_with_rooms(t)
    regina = server.connect()
    regina.send("club", "Regina " + SECRET)
    regina.expect(JOINED % "Regina")
    eve = server.connect()
    eve.send("club", "Eve")
    eve.expect(NOT_PERMITTED)
    eve.send("general")
    eve.send("Eve")
    eve.expect(JOINED % "Eve")
    eve.send("/join club")
    eve.expect(NOT_PERMITTED)
    eve.send("/who club")
    eve.expect(NOT_PERMITTED)


@test
def a_room_of_one_is_full_with_one(t):
    server = server_with_rooms(t)
    server.join("small", "Alice")
    bob = server.connect()
    bob.send("small", "Bob")
    bob.expect("*** error room-full: the room is full")
    bob.send("general")
    bob.send("Bob")
    bob.expect(JOINED % "Bob")
    bob.send("/join small")
    bob.expect("*** error room-full: the room is full")


@test
def in_a_read_only_room_only_operators_write(t):
    server = server_with_rooms(t)
    alice = server.connect()
    alice.send("news", "Alice")
    alice.expect(JOINED % "Alice")
    alice.expect("*** topic of news: Read all about it")
    root = server.connect()
    root.send("news", "Root " + SECRET)
    alice.expect(JOINED % "Root")
    for line in "hello", "/me waves", "/topic mine":
        alice.send(line)
        alice.expect(NOT_PERMITTED)
    root.send("read this", "/topic mine")
    alice.expect("Root: read this")
    root.lines_until(NOT_PERMITTED)
    alice.send("/msg Root psst")
    root.expect("[private] Alice: psst")


@test
def a_hidden_room_is_seen_by_those_in_it(t):
    server = server_with_rooms(t)
    alice = server.join("cellar", "Alice")
    bob = server.join("general", "Bob")
    bob.send("/rooms")
    bob.expect("*** 2 rooms")
    bob.expect("*** general: 1")
    bob.send("/who cellar")
    bob.expect("*** error no-such-name: "
               "there is nobody and nothing of that name")
    alice.send("/rooms")
    alice.lines_until("*** cellar: 1")


@test
def a_reload_changes_rooms_that_people_are_in(t):
    server = lines_doors(t)
    alice = server.join("news", "Alice")
    bob = server.join("news", "Bob")
    alice.expect(JOINED % "Bob")
    configuration(t, ROOMS + "[user Bob]\npassword = $6$rounds=1000$x$" +
                  "y" * 86 + "\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_event("reload", rooms="5")
    wait_until(lambda: server.dump("rooms")[0]["topic"] ==
               "Read all about it", "the topic is the configured one")
    alice.send("hello?")
    alice.expect(NOT_PERMITTED)
    bob.send("/whoami")
    assert bob.line().startswith("*** you are Bob in news")
    assert not server.events("close")


@test
def a_killed_worker_forgets_nothing_of_a_reload(t):
    server = server_with_rooms(t)
    alice = server.connect()
    alice.send("news", "Alice")
    alice.expect(JOINED % "Alice")
    alice.expect("*** topic of news: Read all about it")
    configuration(t)
    server.process.send_signal(signal.SIGHUP)
    server.wait_event("reload")
    server.kill_worker(server.session("Alice")["worker"])
    bob = server.join("news", "Bob")
    bob.expect("*** topic of news: Read all about it")
    alice.expect(JOINED % "Bob")

    alice.send("/topic")
    alice.expect("*** topic of news: Read all about it")
    alice.send("hello")
    bob.expect("Alice: hello")
