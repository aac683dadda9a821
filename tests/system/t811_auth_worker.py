# SPDX-License-Identifier: MIT
"""The worker that knows passwords: it dies, it is asked too often, and it
keeps nothing."""
import contextlib
import os
import re
import signal

from doors import (BAD_ROOM_PASSWORD, SECRET, WRONG, configuration, hash_of,
                   lines_doors, memory_of)
from lib import JOINED, test, wait_until


def auth_seat(server):
    return wait_until(
        lambda: next((w["seat"] for w in server.dump("workers")
                      if w["type"] == "auth" and w["pid"] != 0), None),
        "an auth worker")


def auth_pid(server):
    return server.worker_pids()[auth_seat(server)]


def metric(t, server, name):
    out = t.run("shmdump", "-n", server.name, "metrics", check=0).stdout
    return int(re.search(rf"^chatmaster_{name} (\d+)$", out, re.M)[1])


@test
def questions_pending_when_the_auth_worker_dies_are_asked_again(t):
    """Fifty of them, five deaths, and nobody's session ends."""
    server = lines_doors(t, login_failures=0)
    seat = auth_seat(server)
    clients = [server.connect() for _ in range(50)]
    for i, client in enumerate(clients):
        client.send(f"vault {SECRET}", f"c{i}")
    for _ in range(5):
        server.kill_worker(seat)
    for i, client in enumerate(clients):
        client.lines_until(JOINED % f"c{i}")
    server.wait_joined(50)


@test
def one_that_is_stopped_is_replaced_and_the_questions_answered(t):
    server = lines_doors(t, watchdog=1)
    seat = auth_seat(server)
    server.signal_worker(seat, signal.SIGSTOP)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    server.wait_event("watchdog", seat=seat)
    alice.expect(JOINED % "Alice")


@test(faults=True)
def a_death_at_any_moment_of_a_question_is_not_noticed(t):
    server = lines_doors(t, faults=True)
    seat = auth_seat(server)
    for i, point in enumerate(("auth.asked", "auth.judged", "auth.answered")):
        before = len(server.events("worker-exit", seat=seat))
        server.faults.arm(point, "die")
        client = server.connect()
        client.send(f"vault {SECRET}", f"c{i}")
        client.lines_until(JOINED % f"c{i}")
        server.wait_event("worker-exit", before + 1, seat=seat)


@test
def too_many_wrong_ones_from_an_address_are_not_looked_at(t):
    server = lines_doors(t, login_failures=4)
    for _ in range(2):
        client = server.connect()
        client.send(f"vault {WRONG}")
        client.expect(BAD_ROOM_PASSWORD)
        client.send(f"vault {WRONG}")
        client.expect(BAD_ROOM_PASSWORD)
    client = server.connect()
    client.send(f"vault {SECRET}")
    server.wait_event("auth-wrong", reason="too-many", ip="127.0.0.1")
    other = server.connect(source="127.0.0.2")
    other.send(f"vault {SECRET}", "Bob")
    other.expect(JOINED % "Bob")
    wait_until(lambda: metric(t, server, "passwords_wrong_total") == 4 and
               metric(t, server, "passwords_right_total") == 1 and
               metric(t, server, "passwords_unread_total") >= 1,
               "all are counted")


@test
def the_log_names_who_failed_and_where(t):
    server = lines_doors(t)
    client = server.connect()
    client.send(f"vault {WRONG}")
    client.expect(BAD_ROOM_PASSWORD)
    server.wait_event("auth-wrong", room='"vault"', ip="127.0.0.1",
                      reason="bad-password")
    client.send("general", f"regina {WRONG}")
    server.wait_event("auth-wrong", user='"regina"', reason="bad-password")


@test
def a_password_that_comes_with_a_hup_is_asked_for(t):
    """There was none before, and no auth worker."""
    path = t.write("late.conf", "max-rooms = 10\n")
    os.chmod(path, 0o600)
    server = t.server(args=["-c", path])
    with open(path, "a", encoding="ascii") as f:
        f.write(f"[room vault]\npassword = {hash_of(SECRET)}\n")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_event("auth-ready")
    alice = server.connect()
    alice.send(f"vault {WRONG}")
    alice.expect(BAD_ROOM_PASSWORD)
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")


@test
def a_hup_changes_passwords_and_a_bad_file_none(t):
    path = configuration(t)
    server = lines_doors(t, args=["-c", path])
    with open(path, encoding="ascii") as f:
        text = f.read()
    t.write("doors.conf", text + "nonsense\n")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_event("reload-failed")
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    t.write("doors.conf", text.replace(hash_of(SECRET), hash_of("new")))
    os.kill(server.pid, signal.SIGHUP)
    server.wait_event("auth-ready", 2)
    bob = server.connect()
    bob.send(f"vault {SECRET}")
    bob.expect(BAD_ROOM_PASSWORD)
    bob.send("vault new", "Bob")
    bob.expect(JOINED % "Bob")


@test
def a_password_stays_nowhere(t):
    """Not in memory, the log, the shared memory, arguments or environment."""
    secret = "xyzzy-plugh-4711"
    path = t.write("one.conf",
                   f"[room vault]\npassword = {hash_of(secret)}\n")
    os.chmod(path, 0o600)
    server = t.server(args=["-c", path], workers=2, log_level="debug")
    pid = auth_pid(server)
    alice = server.connect()
    alice.send(f"vault {secret}", "Alice", "hello")
    alice.expect(JOINED % "Alice")
    bob = server.connect()
    bob.send(f"vault {secret}x")
    bob.expect(BAD_ROOM_PASSWORD)
    wait_until(lambda: metric(t, server, "passwords_wrong_total") == 1,
               "the worker is idle")
    needle = secret.encode()
    assert hash_of(secret).encode() in memory_of(pid)  # what it must keep
    assert needle not in memory_of(pid)
    assert hash_of(secret).encode() not in memory_of(server.pid)
    assert secret not in server.log()
    for process in (server.pid, *server.worker_pids().values()):
        for name in ("environ", "cmdline"):
            with open(f"/proc/{process}/{name}", "rb") as f:
                assert needle not in f.read(), name
    for view in ("sessions", "rooms", "ring", "status"):
        assert secret not in repr(server.dump(view)), view
    with open(f"/dev/shm/chatmaster.{server.name}", "rb") as f:
        assert needle not in f.read()


@test
def the_auth_worker_has_no_segment_and_no_client(t):
    server = lines_doors(t)
    server.join("general", "Alice")
    pid = auth_pid(server)
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        assert f"chatmaster.{server.name}" not in f.read()
    fds = {int(n): os.readlink(f"/proc/{pid}/fd/{n}")
           for n in os.listdir(f"/proc/{pid}/fd")}
    assert not [to for to in fds.values() if "/dev/shm/" in to], fds
    assert max(fds) < 640, fds  # those of clients lie above
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        assert re.search(r"Max core file size +0 +0", f.read())


def of_rounds(rounds):
    """A hash of nobody's password that takes its time."""
    return f"$6$rounds={rounds}$saltsalt${86 * 'x'}"


@test(limit=90)
def a_hash_that_takes_too_long_is_given_up_and_holds_nobody_up_for_ever(t):
    """The watchdog doesn't end what lives, and nobody asks for it again."""
    server = lines_doors(t, "\n".join([
        "[room slow]", f"password = {of_rounds(6000000)}",
        "[room endless]", f"password = {of_rounds(999999999)}"]), watchdog=1)
    seat = auth_seat(server)
    # It stands back for others, and a machine that tests has many of them.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, auth_pid(server), -15)
    bob = server.connect()
    bob.send("slow x")
    bob.expect(BAD_ROOM_PASSWORD)
    server.wait_event("auth-slow")
    assert not server.events("worker-exit")
    server.deaths_allowed = True
    bob.send("endless x")
    bob.expect(BAD_ROOM_PASSWORD)
    server.wait_event("worker-exit", seat=seat, status=66)
    server.wait_event("worker-recovered", seat=seat)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    assert not server.events("watchdog")


@test
def one_that_finds_a_bad_file_waits_until_it_is_mended(t):
    path = configuration(t)
    server = lines_doors(t, args=["-c", path])
    seat = auth_seat(server)
    with open(path, encoding="ascii") as f:
        text = f.read()
    t.write("doors.conf", text + "nonsense\n")
    server.signal_worker(seat, signal.SIGKILL)
    server.wait_event("auth-failed")
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    t.write("doors.conf", text)
    alice.expect(JOINED % "Alice")
