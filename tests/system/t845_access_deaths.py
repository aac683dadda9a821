# SPDX-License-Identifier: MIT
"""Workers die while operators act and the configuration is read again."""
import os
import signal

from doors import SECRET, configuration, lines_doors
from faults import Deaths
from lib import JOINED, test, wait_until

POINTS = """
    journal.apply.act input.noted input.received input.kept step.noting
    step.noted step.cleared journal.half.stored journal.applied
    ring.append.uncommitted ring.committed publish.committed lock.acquired
    lock.released
    """.split()


def root_in(server, room="general"):
    root = server.connect()
    root.send(room, "Root " + SECRET)
    root.expect(JOINED % "Root")
    return root


@test(faults=True, limit=150)
def what_an_operator_does_happens_once_whenever_workers_die(t):
    server = lines_doors(t, faults=True, workers=1)
    server.deaths_allowed = True
    root = root_in(server)
    seat = server.session("Root")["worker"]
    for what in Deaths(server, seat).at(POINTS, 1, 2):
        bob = server.join("general", "Bob")
        root.expect(JOINED % "Bob")
        root.send("/mute Bob " + what)
        for one in root, bob:
            one.expect(f"*** Root muted Bob: {what}")
        bob.send("hello")
        bob.expect_error("muted")
        root.send("/unmute Bob", "/kick Bob " + what)
        for one in root, bob:
            one.expect("*** Root unmuted Bob", f"*** Root kicked Bob: {what}")
        bob.expect(
            f"*** error banned: you are kicked from this server: {what}")
        bob.expect_closed()
        root.expect("👋 Bob left the room")
    assert len(server.events("kick")) <= 2 * 2 * len(POINTS)


@test(faults=True, limit=120)
def a_reload_comes_through_whenever_workers_die(t):
    room = "[room news]\ntopic = %s\n"
    server = lines_doors(t, room % "0", faults=True, workers=1)
    server.deaths_allowed = True
    alice = server.connect()
    alice.send("news", "Alice")
    alice.expect(JOINED % "Alice", "*** topic of news: 0")
    points = ["adopt.policy", "journal.apply.settings", "rooms.followed"]
    seat = server.session("Alice")["worker"]
    for what in Deaths(server, seat).at(points, 1):
        configuration(t, room % what)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda w=what: server.dump("rooms")[0]["topic"] == w,
                   f"the topic {what}")
        alice.send("/topic")
        alice.expect(f"*** topic of news: {what}")


@test(faults=True)
def a_writer_of_bans_that_dies_or_cant_be_forked_is_followed_by_another(t):
    path = t.path("bans")
    server = lines_doors(t, faults=True, workers=1, bans_file=path)
    server.deaths_allowed = True
    root = root_in(server)
    for point, action, name in (("bans.written", "die", "Bob"),
                                ("master.bans.fork", "fail", "Carl")):
        server.faults.arm(point, action)
        root.send(f"/ban {name}")
        root.expect(f"*** Root banned {name}")

        def kept(who=name):
            with open(path, encoding="utf-8") as f:
                return f"name {who} " in f.read()
        wait_until(lambda: os.path.exists(path) and kept(), "it is written")
        assert not server.faults.armed(point)
