# SPDX-License-Identifier: MIT
"""HUP: the configuration is read again while people talk."""
import signal

from doors import SECRET, WRONG, configuration, hash_of
from lib import JOINED, test, wait_until


def hup(server):
    server.process.send_signal(signal.SIGHUP)


def server_with(t, text, **options):
    path = t.write("conf", text)
    return t.server(args=["-c", path], **options)


@test
def limits_change_without_closing_a_session(t):
    server = server_with(t, "idle-timeout = 0\n", workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    t.write("conf", "idle-timeout = 1\n")
    hup(server)
    server.wait_event("reload", version="2")
    alice.send("hello")
    bob.expect("Alice: hello")
    alice.lines_until("*** error idle-timeout: nothing was said for 1 seconds")
    server.wait_event("close", reason="idle-timeout")


@test
def a_file_with_a_mistake_is_refused_whole(t):
    server = server_with(t, "replay = 0\n", workers=1)
    alice, bob = server.room("general", "Alice", "Bob")
    t.write("conf", "replay = 5\nrate = fast\n")
    hup(server)
    event = server.wait_event("reload-failed")
    assert "conf:2: rate: " in event["reason"], event
    alice.send("hello")
    bob.expect("Alice: hello")
    server.join("general", "Carl")  # who is shown nothing


@test
def what_needs_a_restart_is_named(t):
    server = server_with(t, "ring-size = 1M\n", workers=1)
    t.write("conf", "ring-size = 2M\nmax-rooms = 7\n")
    hup(server)
    server.wait_event("reload-ignored", key="ring-size")
    server.wait_event("reload-ignored", key="max-rooms")
    server.wait_event("reload")
    assert server.dump()["ring_size"] == 1 << 20


@test
def a_member_who_isnt_registered_is_warned_of(t):
    server = server_with(t, "[room club]\nmembers = Alice\n", workers=1)
    server.wait_event("member-unknown")
    alice = server.connect()
    alice.send("club", "Alice")
    alice.expect("*** error not-permitted: that is not for you to do")


@test
def the_first_password_may_come_later(t):
    server = server_with(t, "", workers=1)
    bob = server.join("general", "Bob")
    t.write("conf", f"[user Bob]\npassword = {hash_of(SECRET)}\n")
    hup(server)
    server.wait_event("auth-ready", users="1")
    bob.send("I stay")
    bob.send("/whoami")
    assert bob.line().startswith("*** you are Bob in general")
    other = server.connect()
    other.send("general", "Bob " + WRONG)
    other.expect("*** error bad-password: "
                 "that is not the password of this name")
    server.wait_event("auth-wrong", reason="bad-password")
    other.send("Bob " + SECRET)
    bob.lines_until("*** error name-taken: "
                    "the owner of this name has logged in elsewhere")
    other.expect(JOINED % "Bob")


@test
def an_auth_worker_without_its_files_is_followed_by_one_with_them(t):
    path = configuration(t)
    server = t.server(args=["-c", path], workers=1)
    seat = wait_until(lambda: [w["seat"] for w in server.dump("workers")
                               if w["type"] == "auth"], "its seat")[0]
    server.wait_event("auth-ready")
    t.write("doors.conf", "[user Root]\n")
    server.signal_worker(seat, signal.SIGKILL)
    server.wait_event("auth-failed")
    configuration(t)
    server.wait_event("auth-ready", 2)
    root = server.connect()
    root.send("general", "Root " + SECRET)
    root.expect(JOINED % "Root")


@test
def a_worker_that_dies_in_a_reload_has_the_newest(t):
    server = server_with(t, "", workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for i in range(5):
        t.write("conf", f"[room general]\ntopic = Number {i}\n")
        hup(server)
        server.kill_worker(server.session("Alice")["worker"])
        server.wait_event("reload", i + 1)
        wait_until(lambda n=i: server.dump("rooms")[0]["topic"] ==
                   f"Number {n}", f"topic {i}")
        alice.send(f"{i}")
        bob.expect(f"Alice: {i}")
