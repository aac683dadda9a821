# SPDX-License-Identifier: MIT
"""A registered name goes to who knows its password now."""
from dialects import DIALECTS, TYPES, User
from doors import SECRET, doors, lines_doors
from faults import Deaths
from lib import JOINED, LEFT, test, wait_until
from t822_password_deaths import guest, seat_of_type

DISPLACED = ("*** error name-taken: "
             "the owner of this name has logged in elsewhere")
RENAMED = "*** %s is now known as %s"


def check_end(user):
    """It is told, and closed."""
    lines = []
    while (line := user.line()) is not None:
        lines.append(line)
    user.client.close()
    assert lines[-1:] == [DISPLACED], lines
    return lines[:-1]


@test
def the_older_session_is_told_and_closed(t):
    server = lines_doors(t)
    alice = server.join("general", "Alice")
    old = guest(server, "line", "general").welcomed()
    alice.expect(JOINED % "Regina")
    old.say("one", "two")
    alice.expect("Regina: one", "Regina: two")
    new = guest(server, "line", "general").welcomed()
    check_end(old)
    new.say("three")
    alice.expect(LEFT % "Regina", JOINED % "Regina", "Regina: three")
    assert server.wait_event("close", reason="displaced")


@test(limit=120)
def each_dialect_displaces_each(t):
    server = doors(t)
    alice = server.join("general", "Alice")
    old = guest(server, "line", "general").welcomed()
    alice.expect(JOINED % "Regina")
    for dialect in [*DIALECTS, *reversed(DIALECTS)]:
        for room in "general", "elsewhere":
            new = guest(server, dialect, room).welcomed()
            check_end(old)
            alice.expect(LEFT % "Regina")
            if room == "general":
                alice.expect(JOINED % "Regina")
            else:
                new.say("/join general")
                alice.expect(JOINED % "Regina")
            old = new


@test
def nick_displaces_as_well_and_the_lines_behind_it_wait(t):
    server = lines_doors(t)
    alice = server.join("general", "Alice")
    old = guest(server, "line", "general").welcomed()
    bob = server.join("elsewhere", "Bob")
    bob.send(f"/nick Regina {SECRET}", "/join general", "hello")
    bob.expect(RENAMED % ("Bob", "Regina"), JOINED % "Regina")
    check_end(old)
    alice.expect(JOINED % "Regina", LEFT % "Regina", JOINED % "Regina",
                 "Regina: hello")


@test
def one_who_reads_nothing_is_displaced_all_the_same(t):
    server = lines_doors(t)
    alice = server.join("general", "Alice")
    old = server.connect(rcvbuf=4096)
    old.send("general", f"Regina {SECRET}")
    alice.expect(JOINED % "Regina")
    for i in range(300):
        alice.send(f"{i} " + "x" * 4000)
    wait_until(lambda: server.session("Regina")["lag"] > 0, "it lags")
    guest(server, "line", "general").welcomed()
    alice.expect(LEFT % "Regina", JOINED % "Regina")


@test
def without_the_password_it_is_taken_or_needs_one(t):
    server = lines_doors(t)
    old = guest(server, "line", "general").welcomed()
    new = server.connect()
    new.send("general", "Regina")
    new.expect_error("need-password")
    new.send("Regina x")
    new.expect_error("bad-password")
    old.say("/whoami")
    old.expect("*** you are Regina in general, from 127.0.0.1")


POINTS = """
    ended.left ask.sent ask.answered input.noted input.received input.kept
    step.noting step.noted step.cleared journal.half.stored journal.applied
    journal.settled ring.append.uncommitted ring.committed publish.committed
    lock.acquired lock.released tx.noted tx.sent tx.done close.freed
    """.split()


@test(faults=True, limit=150)
def a_death_at_any_moment_of_it_leaves_one_of_that_name(t):
    server = doors(t, faults=True, workers=1, telnet_workers=1, web_workers=1)
    alice = server.join("general", "Alice")
    old = guest(server, "line", "general").welcomed()
    alice.expect(JOINED % "Regina")
    for kind in "chat", "telnet":
        seat = seat_of_type(server, kind)
        for what in Deaths(server, seat).at(POINTS, 1, 2, 3):
            for dialect in ("telnet", "line"):
                new = guest(server, dialect, "general").welcomed()
                check_end(old)
                old = new
                alice.expect(LEFT % "Regina", JOINED % "Regina")
            old.say(what)
            alice.expect(f"Regina: {what}")
            server.wait_sessions(2)  # those displaced are freed, too


@test(limit=120)
def workers_that_are_killed_meanwhile_change_nothing(t):
    server = doors(t)
    alice = server.join("general", "Alice")
    old = guest(server, "line", "general").welcomed()
    alice.expect(JOINED % "Regina")
    seats = [w["seat"] for w in server.dump("workers")
             if w["type"] in TYPES.values()]
    for i, dialect in enumerate(list(DIALECTS) * 3):
        new = guest(server, dialect, "general")
        server.kill_worker(seats[i % len(seats)])
        new.welcomed()
        check_end(old)
        alice.expect(LEFT % "Regina", JOINED % "Regina")
        old = new


@test
def a_user_of_nobodys_name_is_displaced_once_it_is_registered(t):
    """As HUP may bring about."""
    server = lines_doors(t)
    server.deaths_allowed = True  # the auth worker is replaced
    server.deaths_allowed = True  # the auth worker is replaced
    eve = User(server, "line", "general", "Eve").welcomed()
    server.context.write("doors.conf", open(
        server.context.path("doors.conf"), encoding="utf-8").read().replace(
            "[user Root]", "[user Eve]"))
    server.process.send_signal(1)
    server.wait_event("reload")
    guest(server, "line", "general", "Eve").welcomed()
    check_end(eve)
