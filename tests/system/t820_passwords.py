# SPDX-License-Identifier: MIT
"""Rooms and names with passwords, by lines."""
from doors import (BAD_NAME_PASSWORD, BAD_ROOM_PASSWORD, NEED_NAME, NEED_ROOM,
                   SECRET, WRONG, lines_doors)
from lib import JOINED, test

TOO_MANY_NAME = ("*** error bad-password: too many wrong passwords came from "
                 "your address, try again later")
TOO_MANY_ROOM = ("*** error bad-password: too many wrong passwords came from "
                 "your address, try the room later")
YOU_ARE = "*** you are %s in %s, from 127.0.0.1"
RENAMED = "*** %s is now known as %s"


@test
def a_room_with_a_password_is_entered_with_it(t):
    server = lines_doors(t)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    bob = server.connect()
    bob.send(f"VAULT  {SECRET} ", "Bob")  # blanks around it are none of it
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")


@test
def a_room_that_needs_a_password_says_so_at_the_first_line(t):
    client = lines_doors(t).connect()
    client.send("vault")
    client.expect(NEED_ROOM)
    client.send(f"vault {WRONG}")
    client.expect(BAD_ROOM_PASSWORD)
    client.send(f"vault {SECRET}", "Alice")
    client.expect(JOINED % "Alice")


@test
def a_registered_name_is_given_with_its_password(t):
    client = lines_doors(t).connect()
    client.send("general", "Regina")
    client.expect(NEED_NAME)
    client.send(f"regina {WRONG}")
    client.expect(BAD_NAME_PASSWORD)
    client.send(f"Regina {SECRET}")  # the room stays accepted
    client.expect(JOINED % "Regina")


@test
def the_third_wrong_password_closes_over_both_lines(t):
    client = lines_doors(t).connect()
    client.send(f"vault {WRONG}")
    client.expect(BAD_ROOM_PASSWORD)
    client.send(f"vault {SECRET}", "Regina")
    client.expect(NEED_NAME)
    client.send(f"Regina {WRONG}")
    client.expect(BAD_NAME_PASSWORD)
    client.expect_end()


@test
def what_stands_behind_a_wrong_password_is_thrown_away(t):
    client = lines_doors(t).connect()
    client.send(f"vault {WRONG}", "Alice", "hello")
    client.expect(BAD_ROOM_PASSWORD)
    client.send("general", f"Regina {WRONG}", "Alice", "hello")
    client.expect(BAD_NAME_PASSWORD)
    client.send("Alice")
    client.expect(JOINED % "Alice")


@test
def one_whose_address_was_wrong_too_often_is_told_so(t):
    server = lines_doors(t, login_failures=1)
    bob = server.join("general", "Bob")
    bob.send("/nick Regina x", f"/nick Regina {SECRET}",
             f"/join vault {SECRET}")
    bob.expect(BAD_NAME_PASSWORD, TOO_MANY_NAME, TOO_MANY_ROOM)


@test
def a_name_with_a_blank_that_is_nobodys_is_a_bad_name(t):
    client = lines_doors(t).connect()
    client.send("general", f"Alice {SECRET}")
    client.expect_error("bad-name")
    client.send("Alice ")
    client.expect_error("bad-name")


@test
def a_password_longer_than_any_is_wrong(t):
    client = lines_doors(t).connect()
    client.send("vault " + "x" * 129)
    client.expect(BAD_ROOM_PASSWORD)
    client.send(f"vault {SECRET}\0")
    client.expect(BAD_ROOM_PASSWORD)


@test
def all_that_comes_at_once_is_delivered_in_its_order(t):
    server = lines_doors(t)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    nc = server.nc("-N")
    nc.send_bytes(f"vault {SECRET}\nRegina {SECRET}\none\ntwo\nlast".encode())
    nc.end_input()
    alice.expect(JOINED % "Regina", "Regina: one", "Regina: two",
                 "Regina: last", "👋 Regina left the room")


@test
def nick_and_join_take_passwords_and_close_nothing(t):
    server = lines_doors(t)
    alice, bob = server.room("general", "Alice", "Bob")
    bob.send("/nick Regina", "/nick Regina x", f"/nick Alice {SECRET}")
    bob.expect(NEED_NAME, BAD_NAME_PASSWORD)
    bob.expect_error("bad-name")
    bob.send(f"/nick Regina {SECRET}", "hello", "/nick REGINA")
    bob.expect(RENAMED % ("Bob", "Regina"), RENAMED % ("Regina", "REGINA"))
    alice.expect(RENAMED % ("Bob", "Regina"), "Regina: hello",
                 RENAMED % ("Regina", "REGINA"))
    bob.send("/join vault", "/join vault x", f"/join vault {SECRET}",
             "/whoami")
    bob.expect(NEED_ROOM, BAD_ROOM_PASSWORD, JOINED % "REGINA",
               YOU_ARE % ("REGINA", "vault"))
    bob.send("/join general not needed")
    bob.expect(JOINED % "REGINA")
    for _ in range(5):
        bob.send("/join vault y", "/nick Root z")
        bob.expect(BAD_ROOM_PASSWORD, BAD_NAME_PASSWORD)


@test
def who_gives_a_name_away_needs_its_password_again(t):
    server = lines_doors(t)
    alice = server.join("general", "Alice")
    alice.send(f"/nick Regina {SECRET}", "/nick Alice", "/nick Regina")
    alice.expect(RENAMED % ("Alice", "Regina"), RENAMED % ("Regina", "Alice"),
                 NEED_NAME)


@test
def others_of_the_same_worker_talk_while_one_waits(t):
    """Twenty questions, one behind the other, and a talk meanwhile."""
    server = lines_doors(t, workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    waiting = [server.connect() for _ in range(20)]
    for client in waiting:
        client.send(f"vault {WRONG}")
    for i in range(20):
        alice.send(f"{i}")
        bob.expect(f"Alice: {i}")
    for client in waiting:
        client.expect_error("bad-password")


@test
def more_questions_than_may_be_asked_at_once_wait_for_their_turn(t):
    server = lines_doors(t, workers=1)
    clients = [server.connect(source=f"127.0.1.{i}") for i in range(1, 101)]
    for i, client in enumerate(clients):
        client.send(f"vault {SECRET}", f"c{i}")
    for i, client in enumerate(clients):
        client.lines_until(JOINED % f"c{i}")
    server.wait_joined(100)


@test
def who_leaves_while_it_waits_is_gone(t):
    server = lines_doors(t, workers=1)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    for _ in range(20):
        client = server.connect()
        client.send(f"vault {SECRET}")
        client.close()
    server.wait_sessions(1)
    bob = server.connect()
    bob.send(f"vault {SECRET}", "Bob")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")
