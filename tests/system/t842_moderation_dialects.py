# SPDX-License-Identifier: MIT
"""Operators and those whom they act on, whatever each of them speaks."""
from dialects import DIALECTS, User, users
from doors import SECRET, doors
from lib import LEFT, test
from telnet import GREETING, ROOM, reads

MUTED = "*** error muted: an operator has taken the word from you"
BANNED = "*** error banned: you are banned from this server: no more"


def operator(server, dialect):
    """One in a room of its own."""
    root = User(server, dialect, "bridge", "Root " + SECRET)
    root.name = "Root"
    return root.welcomed()


def moderators(t):
    """A server, and an operator of each dialect in turn."""
    server = doors(t)
    for dialect in DIALECTS:
        root = operator(server, dialect)
        yield server, dialect, root
        root.say("/quit")
        assert root.line() is None


@test
def who_is_kicked_reads_why_in_any_dialect(t):
    for server, dialect, root in moderators(t):
        alice, bob = users(server, dialect, "r-" + dialect, "Alice", "Bob")
        root.say("/kick Bob spamming")
        root.expect("*** Root kicked Bob: spamming")
        bob.expect("*** Root kicked Bob: spamming", "*** error banned: "
                   "you are kicked from this server: spamming")
        assert bob.line() is None
        alice.expect("*** Root kicked Bob: spamming", LEFT % "Bob")
        alice.say("/quit")
        assert alice.line() is None


@test
def who_is_muted_is_silent_in_any_dialect(t):
    for server, dialect, root in moderators(t):
        alice, bob = users(server, dialect, "r-" + dialect, "Alice", "Bob")
        root.say("/mute Bob")
        for one in root, alice, bob:
            one.expect("*** Root muted Bob")
        bob.say("hello")
        bob.expect(MUTED)
        root.say("/unmute Bob")
        for one in root, alice, bob:
            one.expect("*** Root unmuted Bob")
        bob.say("thank you")
        alice.expect("Bob: thank you")
        bob.say("/quit")
        alice.expect(LEFT % "Bob")
        alice.say("/quit")


@test
def a_banned_address_is_shown_out_of_every_listener(t):
    server = doors(t)
    root = operator(server, "line")
    there = [User(server, d, "r", f"u-{d}", source="127.0.0.9").welcomed()
             for d in DIALECTS]
    root.say("/ban 127.0.0.9 no more")
    for user in there:
        user.until(BANNED)
        assert (end := user.line()) is None, (user.dialect, end)
    for dialect in DIALECTS:
        user = User(server, dialect, "r", "again", source="127.0.0.9",
                    greeted=False)
        if dialect == "telnet":
            reads(user.client, GREETING + ROOM)
        elif dialect.startswith("web"):
            user.client.open()
        user.expect(BANNED)
        assert (end := user.line()) is None, (user.dialect, end)
    other = User(server, "line", "r", "Other", source="127.0.0.10")
    other.welcomed()


@test
def a_banned_name_comes_in_by_no_listener(t):
    server = doors(t)
    root = operator(server, "line")
    root.say("/ban Bob no more")
    root.expect("*** Root banned Bob: no more")
    for dialect in DIALECTS:
        bob = User(server, dialect, "r", "BOB")
        bob.greeted()
        bob.expect(BANNED)
        assert bob.line() is None
