# SPDX-License-Identifier: MIT
"""Operators: who is kicked, banned and muted, and what outlives what."""
import os

from doors import SECRET, lines_doors
from lib import JOINED, LEFT, test, wait_until

NOT_PERMITTED = "*** error not-permitted: that is not for you to do"
MUTED = "*** error muted: an operator has taken the word from you"


def operator(server, room="general"):
    root = server.connect()
    root.send(room, "Root " + SECRET)
    root.expect(JOINED % "Root")
    return root


def people(t, *names, **options):
    """A server, an operator, and others in its room."""
    server = lines_doors(t, **options)
    everybody = [operator(server)]
    for name in names:
        everybody.append(server.join("general", name))
        for one in everybody[:-1]:
            one.expect(JOINED % name)
    return (server, *everybody)


@test
def only_operators_moderate(t):
    _, root, alice = people(t, "Alice")
    for line in ("/kick Root", "/ban Root", "/unban Root", "/mute Root",
                 "/unmute Root", "/op Alice", "/deop Root", "/bans"):
        alice.send(line)
        alice.expect(NOT_PERMITTED)
    root.send("/kick Nobody")
    root.expect("*** error no-such-name: "
                "there is nobody and nothing of that name")
    for usage in ("/kick NAME [WHY]", "/ban NAME or ADDRESS [TIME] [WHY]",
                  "/unban NAME or ADDRESS", "/mute NAME [TIME] [WHY]",
                  "/unmute NAME", "/op NAME", "/deop NAME"):
        root.send(usage.split()[0])
        root.expect(f"*** error bad-usage: {usage}")


@test
def who_is_kicked_reads_why_and_everybody_knows(t):
    server, root, alice, bob = people(t, "Alice", "Bob")
    bob.send("last words")
    root.expect("Bob: last words")
    alice.expect("Bob: last words")
    root.send("/kick Bob spamming")
    bob.expect("*** Root kicked Bob: spamming")
    bob.expect("*** error banned: you are kicked from this server: spamming")
    bob.expect_closed()
    for one in root, alice:
        one.expect("*** Root kicked Bob: spamming")
        one.expect(LEFT % "Bob")
    server.wait_event("kick", why='"spamming"')
    server.wait_event("close", reason="banned")
    bob = server.join("general", "Bob")


@test
def who_is_kicked_in_another_room_leaves_it(t):
    server = lines_doors(t)
    root = operator(server)
    alice, bob = server.room("other", "Alice", "Bob")
    root.send("/kick bob")
    root.expect("*** Root kicked bob")
    for one in alice, bob:
        one.expect("*** Root kicked bob")
    alice.expect(LEFT % "Bob")
    bob.expect("*** error banned: you are kicked from this server")
    bob.expect_closed()


@test
def a_banned_name_stays_out_and_comes_back_when_unbanned(t):
    server, root, bob = people(t, "Bob")
    root.send("/ban Bob 2h go away")
    root.expect("*** Root banned Bob for 7200 s: go away")
    bob.lines_until("*** error banned: you are banned from this server: "
                    "go away")
    bob.expect_closed()
    root.expect(LEFT % "Bob")
    again = server.connect()
    again.send("general", "BOB")
    again.expect("*** error banned: you are banned from this server: go away")
    again.expect_closed()
    carl = server.join("general", "Carl")
    root.expect(JOINED % "Carl")
    carl.send("/nick bob")
    carl.expect("*** error banned: you are banned from this server")
    root.send("/bans")
    assert root.line().startswith("*** name Bob until ")
    root.expect("*** these are all bans and mutes")
    root.send("/unban bob")
    root.expect("*** Root unbanned bob")
    server.join("general", "Bob")


@test
def a_banned_address_is_shown_out_and_stays_out(t):
    server = lines_doors(t)
    root = operator(server)
    bob = server.join("general", "Bob", source="127.0.0.9")
    root.expect(JOINED % "Bob")
    root.send("/ban 127.0.0.8/29 no more")
    bob.lines_until("*** error banned: you are banned from this server: "
                    "no more")
    bob.expect_closed()
    again = server.connect(source="127.0.0.10")
    again.send("general")
    again.expect("*** error banned: you are banned from this server: no more")
    again.expect_closed()
    server.join("general", "Carl", source="127.0.0.16")
    root.send("/ban 127.0.0.0/8")
    root.lines_until(NOT_PERMITTED)


@test
def a_muted_name_is_silent_in_every_session(t):
    server, root, alice, bob = people(t, "Alice", "Bob")
    root.send("/mute Bob")
    for one in root, alice, bob:
        one.expect("*** Root muted Bob")
    for line in "hello", "/me waves", "/topic mine", "/msg Alice psst":
        bob.send(line)
        bob.expect(MUTED)
    bob.send("/msg Root sorry")
    root.expect("[private] Bob: sorry")
    bob.send("/nick Robert", "still?")
    bob.lines_until(MUTED)
    bob.send("/quit")
    alice.lines_until(LEFT % "Robert")
    bob = server.join("general", "bob")
    bob.send("hello")
    bob.expect(MUTED)
    root.send("/unmute bob")
    bob.expect("*** Root unmuted bob")
    bob.send("thank you")
    alice.lines_until("bob: thank you")


@test
def an_operator_makes_operators(t):
    _, root, alice, bob = people(t, "Alice", "Bob")
    root.send("/op Alice")
    alice.lines_until("*** Root made Alice an operator")
    alice.send("/deop Root")
    alice.expect("*** Alice made Root an operator no more")
    root.lines_until("*** Alice made Root an operator no more")
    root.send("/kick Bob")
    root.expect(NOT_PERMITTED)
    alice.send("/kick Bob")
    bob.lines_until("*** error banned: you are kicked from this server")


@test
def bans_mutes_and_rights_survive_every_worker(t):
    server, root, alice, bob = people(t, "Alice", "Bob")
    root.send("/mute Bob", "/ban Carl", "/op Alice")
    alice.lines_until("*** Root made Alice an operator")
    for seat in list(server.worker_pids()):
        server.kill_worker(seat)
    bob.send("hello")
    bob.lines_until(MUTED)
    carl = server.connect()
    carl.send("general", "Carl")
    carl.expect("*** error banned: you are banned from this server")
    alice.send("/kick Bob")
    bob.lines_until("*** error banned: you are kicked from this server")


@test
def the_owner_of_a_name_takes_it_from_an_older_session(t):
    server, _, alice = people(t, "Alice")
    old = server.connect()
    old.send("general", "Regina " + SECRET)
    old.expect(JOINED % "Regina")
    new = server.connect()
    new.send("other", "Regina " + SECRET)
    old.expect("*** error name-taken: "
               "the owner of this name has logged in elsewhere")
    old.expect_closed()
    new.expect(JOINED % "Regina")
    alice.lines_until(LEFT % "Regina")
    server.wait_event("close", reason="displaced")


def bans_in(path):
    with open(path, encoding="utf-8") as f:
        return sorted(line.split()[:2] for line in f)


@test
def bans_and_mutes_outlive_the_server(t):
    path = t.path("bans")
    server = lines_doors(t, bans_file=path)
    root = operator(server)
    root.send("/ban Bob 1d for that", "/mute Carl", "/ban 127.0.0.9")
    root.lines_until("*** Root banned 127.0.0.9")
    server.stop()
    assert bans_in(path) == [["address", "127.0.0.9"], ["mute", "Carl"],
                             ["name", "Bob"]]
    assert os.stat(path).st_mode & 0o777 == 0o600
    server = lines_doors(t, bans_file=path)
    bob = server.connect()
    bob.send("general", "bob")
    bob.expect("*** error banned: you are banned from this server: for that")
    carl = server.join("general", "Carl")
    carl.send("hello")
    carl.expect(MUTED)
    dora = server.connect(source="127.0.0.9")
    dora.send("general")
    dora.expect("*** error banned: you are banned from this server")
    root = operator(server)
    root.send("/unban Bob", "/unmute Carl", "/unban 127.0.0.9")
    root.lines_until("*** Root unbanned 127.0.0.9")
    wait_until(lambda: bans_in(path) == [], "nothing is left of them")


@test
def a_file_of_bans_that_makes_no_sense_is_no_start(t):
    path = t.write("bans", "name Bob 2026-01-01T00:00:00Z never Root\nwhat?\n")
    done = t.run("chatmaster", f"--bans-file={path}", "--line=127.0.0.1:0",
                 "--check")
    assert done.returncode == 2
    assert done.stderr == f"chatmaster: {path}:2: that is no ban\n"


@test
def bans_that_cant_be_written_are_tried_again(t):
    folder = t.path("folder")
    server = lines_doors(t, bans_file=os.path.join(folder, "bans"))
    root = operator(server)
    root.send("/ban Bob")
    root.expect("*** Root banned Bob")
    server.wait_event("bans-failed")
    os.mkdir(folder)
    server.wait_event("bans-kept")
    assert bans_in(os.path.join(folder, "bans")) == [["name", "Bob"]]


@test
def shmdump_shows_who_may_what(t):
    server, root, alice = people(t, "Alice")
    root.send("/mute Alice", "/op Alice")
    alice.lines_until("*** Root made Alice an operator")
    assert server.session("Root")["rights"] == "registered,operator"
    assert server.session("Alice")["rights"] == "operator,muted"
    carl = server.connect()
    carl.send("vault " + SECRET, "Carl")
    carl.expect(JOINED % "Carl")
    rooms = {room["name"]: room for room in server.dump("rooms")}
    assert rooms["vault"]["flags"] == "configured,password"
    assert rooms["general"]["flags"] is None
