# SPDX-License-Identifier: MIT
"""Whoever dies while a password is asked about, its session is logged in, and
only once."""
import signal

from dialects import DIALECTS, TYPES, User
from doors import (ASK_PASSWORD, BAD_NAME_PASSWORD, SECRET, WRONG, doors,
                   lines_doors)
from editing import WELCOME, Keys
from faults import Deaths
from lib import JOINED, LEFT, test, wait_until
from telnet import GREETING, NAME, ROOM, crlf, reads

POINTS = """
    ask.sent ask.answered input.noted input.received input.keep.copied
    input.keep.buffer input.keep.stored input.kept step.noting step.noted
    step.cleared journal.half.stored journal.applied journal.settled
    ring.append.reserved ring.append.torn ring.append.uncommitted
    ring.committed publish.committed talk.line lock.acquired lock.released
    """.split()
RENAMED = "*** %s is now known as %s"


def guest(server, dialect, room=f"vault {SECRET}", name="Regina"):
    """One who gives both passwords at once."""
    user = User(server, dialect, room, f"{name} {SECRET}")
    user.name = name
    return user


def alice_in_vault(server):
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    return alice


def seat_of_type(server, kind):
    return next(w["seat"] for w in server.dump("workers")
                if w["type"] == kind)


def comes_and_goes(alice, user, what):
    """Logged in once, heard once."""
    user.welcomed()
    user.say(f"{what}")
    alice.expect(JOINED % user.name, f"{user.name}: {what}")
    user.say("/quit")
    alice.expect(LEFT % user.name)


def check_deaths(t, dialect):
    server = doors(t, faults=True, workers=1, telnet_workers=1, web_workers=1)
    alice = alice_in_vault(server)
    seat = seat_of_type(server, TYPES[dialect])
    for what in Deaths(server, seat).at(POINTS, 1, 2, 4):
        comes_and_goes(alice, guest(server, dialect), what)
        if TYPES[dialect] == "chat":
            alice.send("/whoami")
            alice.expect("*** you are Alice in vault, from 127.0.0.1")
    server.wait_sessions(1)


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_login_by_lines_is_not_noticed(t):
    check_deaths(t, "line")


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_login_by_telnet_is_not_noticed(t):
    check_deaths(t, "telnet")


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_login_by_websocket_is_not_noticed(t):
    check_deaths(t, "web-json")


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_password_at_the_prompt_is_not_noticed(t):
    server = doors(t, faults=True, workers=1, telnet_workers=1)
    alice = alice_in_vault(server)
    seat = seat_of_type(server, "telnet")
    password = ASK_PASSWORD.encode()
    for what in Deaths(server, seat).at(POINTS, 1, 2, 4, 6):
        bob = server.telnet()
        for line, answer in (("vault", GREETING + ROOM + password),
                             (SECRET, NAME), ("Regina", password)):
            bob.send_bytes(crlf(line))
            reads(bob, answer)
        bob.overheard = None
        bob.send_bytes(crlf(WRONG))
        reads(bob, crlf(BAD_NAME_PASSWORD) + password)
        bob.send_bytes(crlf(SECRET))
        reads(bob, crlf(JOINED % "Regina"))
        bob.send_bytes(crlf(what, "/quit"))
        bob.expect_end()
        alice.expect(JOINED % "Regina", f"Regina: {what}", LEFT % "Regina")


@test(faults=True, limit=150)
def a_death_at_any_moment_of_a_password_by_keys_leaves_every_row_right(t):
    server = doors(t, faults=True, workers=1, telnet_workers=1)
    alice = alice_in_vault(server)
    seat = seat_of_type(server, "telnet")
    at = len(ASK_PASSWORD)
    points = POINTS + ["edit.consumed", "edit.echoed", "edit.kept"]
    for what in Deaths(server, seat).at(points, 1, 3, 8):
        keys = Keys(server)
        keys.type_line("vault")
        keys.shows(WELCOME, "Enter room name: vault", ASK_PASSWORD, column=at)
        keys.type(SECRET[:5])
        keys.type_line(SECRET[5:])
        keys.shows(ASK_PASSWORD, "Enter username:", column=16)
        keys.type_line("Regina")
        keys.shows("Enter username: Regina", ASK_PASSWORD, column=at)
        keys.type_line(SECRET)
        keys.shows(ASK_PASSWORD, JOINED % "Regina", "")
        keys.type_line(what)
        alice.expect(JOINED % "Regina", f"Regina: {what}")
        keys.close()
        alice.expect(LEFT % "Regina")


@test(faults=True, limit=150)
def a_death_at_any_moment_of_nick_and_join_changes_once(t):
    server = doors(t, faults=True, workers=1, telnet_workers=1, web_workers=1)
    alice = alice_in_vault(server)
    server.join("general", "Carol")  # so that the room stays
    for dialect in ("line", "web-json"):
        bob = User(server, dialect, "general", "Bob").welcomed()
        seat = seat_of_type(server, TYPES[dialect])
        for what in Deaths(server, seat).at(POINTS, 1, 2, 4):
            bob.say(f"/nick Regina {SECRET}", f"/join vault {SECRET}", what,
                    "/join general", "/nick Bob")
            bob.expect(RENAMED % ("Bob", "Regina"), JOINED % "Regina",
                       JOINED % "Regina", RENAMED % ("Regina", "Bob"))
            alice.expect(JOINED % "Regina", f"Regina: {what}",
                         LEFT % "Regina")
        bob.say("/quit")
        server.wait_sessions(2)


@test(limit=120)
def workers_that_are_killed_while_questions_are_pending_ask_again(t):
    """Of all dialects, with both answers."""
    server = doors(t, workers=1, telnet_workers=1, web_workers=1)
    alice = alice_in_vault(server)
    for i in range(3):
        users = [User(server, dialect, f"vault {SECRET}", f"{dialect}{i}")
                 for dialect in DIALECTS for _ in range(1)]
        regina = guest(server, DIALECTS[i])
        for seat in server.worker_pids():
            if server.dump("workers")[seat]["type"] in TYPES.values():
                server.kill_worker(seat)
        for user in users:
            user.greeted()
            user.until(JOINED % user.name)
        regina.greeted()
        regina.until(JOINED % "Regina")
        server.wait_joined(len(users) + 2)
        for user in [*users, regina]:
            user.say("/quit")
        server.wait_sessions(1)
    alice.send("/whoami")
    lines = alice.lines_until("*** you are Alice in vault, from 127.0.0.1")
    joins = [x for x in lines if x.endswith(" joined the room!")]
    assert len(joins) == len(set(joins)) + 2, joins  # Regina came thrice


def auth_worker(server):
    return wait_until(lambda: next(
        (w for w in server.dump("workers")
         if w["type"] == "auth" and w["pid"] != 0), None), "an auth worker")


@test(limit=120)
def an_auth_worker_that_is_killed_costs_nobody_its_login(t):
    """Again and again, with questions of all dialects."""
    server = doors(t, workers=1, telnet_workers=1, web_workers=1)
    alice = alice_in_vault(server)
    for i in range(5):
        users = [User(server, dialect, f"vault {SECRET}", f"{dialect}-{n}")
                 for dialect in DIALECTS for n in range(4)]
        for _ in range(2):
            server.kill_worker(auth_worker(server)["seat"])
        for user in users:
            user.greeted()
            user.until(JOINED % user.name)
        server.wait_joined(len(users) + 1)
        for user in users:
            user.say("/quit")
        server.wait_sessions(1)
        alice.send(f"/me {i}")
    alice.send("/whoami")
    lines = alice.lines_until("*** you are Alice in vault, from 127.0.0.1")
    for end in " joined the room!", " left the room":
        count = sum(x.endswith(end) for x in lines)
        assert count == 5 * 4 * len(DIALECTS), (end, count)


@test(faults=True, limit=120)
def an_auth_worker_may_die_before_and_after_its_verdict(t):
    server = doors(t, faults=True, workers=1, telnet_workers=1, web_workers=1)
    alice = alice_in_vault(server)
    seat = auth_worker(server)["seat"]
    for dialect in DIALECTS:
        for what in Deaths(server, seat).at(["auth.asked", "auth.judged"],
                                            1, 2):
            comes_and_goes(alice, guest(server, dialect), what)


@test
def while_there_is_no_auth_worker_others_talk_and_one_waits(t):
    server = lines_doors(t, watchdog=0)
    alice, bob = server.room("general", "Alice", "Bob")
    carol = server.connect()
    with server.stopped_worker(auth_worker(server)["seat"]):
        carol.send(f"vault {SECRET}", "Carol")
        alice.send(f"/nick Regina {SECRET}", "waits")
        for i in range(10):
            bob.send(f"{i}")
            alice.expect(f"Bob: {i}")
    carol.expect(JOINED % "Carol")
    alice.expect(RENAMED % ("Alice", "Regina"))
    bob.expect(RENAMED % ("Alice", "Regina"), "Regina: waits")


@test
def one_who_waits_may_have_its_worker_stopped_and_killed(t):
    server = lines_doors(t, workers=1, watchdog=1)
    bob = server.connect()
    alice = alice_in_vault(server)
    server.signal_worker(0, signal.SIGSTOP)
    bob.send(f"vault {SECRET}", f"Regina {SECRET}", "hello")
    server.wait_event("worker-recovered", seat=0)
    bob.expect(JOINED % "Regina")
    alice.expect(JOINED % "Regina", "Regina: hello")
