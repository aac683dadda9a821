# SPDX-License-Identifier: MIT
"""shmdump: what it shows, of the living and of the dead."""
import json
import os
import signal

from lib import JOINED, test, wait_until

KEYS = {
    "status": ["instance", "version", "pid", "uptime_s", "workers",
               "sessions", "rooms", "messages", "ring_size", "ring_head",
               "restarts"],
    "workers": ["seat", "type", "pid", "state", "sessions", "restarts",
                "heartbeat_ms", "lag"],
    "rooms": ["name", "members", "messages", "topic"],
    "sessions": ["slot", "listener", "worker", "room", "name", "address"],
    "ring": ["seq", "time", "type", "room", "name", "text"],
    "locks": ["value", "owner", "acquisitions", "contentions", "recoveries"],
}
VIEWS = list(KEYS)


def populated(t, **options):
    """Two rooms, three members, three messages, one who has said nothing."""
    server = t.server(workers=2, **options)
    alice, bob = server.room("general", "Alice", "Bob")
    carol = server.join("äther", "Carol")
    nobody = server.connect()
    for client, lines in (alice, ["one", "tw\"o\\"]), (carol, ["drei ß"]):
        client.send(*lines)
    bob.expect("Alice: one", 'Alice: tw"o\\')
    wait_until(lambda: server.dump()["messages"] == 3, "all is said")
    server.wait_sessions(4)
    server.people = alice, bob, carol, nobody
    return server


def has_keys(row, keys):
    assert all(k in row for k in keys), (sorted(row), keys)


def shows_it(t, name, pid, alive=True):
    """Everything that `populated` has made is in the views of `name`."""
    status = t.dump(name)
    has_keys(status, KEYS["status"])
    assert status["pid"] == pid and status["workers"] == 2
    assert (status["sessions"], status["rooms"], status["messages"]) == \
        (4, 2, 3)
    assert status["alive"] == alive
    assert status["ring_size"] == 16 << 20

    workers = t.dump(name, "workers")
    assert [w["seat"] for w in workers] == [0, 1]
    for worker in workers:
        has_keys(worker, KEYS["workers"])
        assert worker["type"] == "chat"

    rooms = {r["name"]: r for r in t.dump(name, "rooms")}
    assert set(rooms) == {"general", "äther"}
    for room, members, messages in ("general", 2, 2), ("äther", 1, 1):
        has_keys(rooms[room], KEYS["rooms"])
        assert rooms[room]["members"] == members
        assert rooms[room]["messages"] == messages

    sessions = t.dump(name, "sessions")
    assert len(sessions) == 4
    for session in sessions:
        has_keys(session, KEYS["sessions"])
        assert session["listener"] == "line"
        assert session["address"] == "127.0.0.1"
        assert session["worker"] in (0, 1)
    assert {(s["name"], s["room"]) for s in sessions if s["name"]} == \
        {("Alice", "general"), ("Bob", "general"), ("Carol", "äther")}

    ring = t.dump(name, "ring")
    for record in ring:
        has_keys(record, KEYS["ring"])
    assert [r["seq"] for r in ring] == sorted({r["seq"] for r in ring})
    assert status["ring_head"] == ring[-1]["seq"] + 1
    assert [(r["name"], r["text"]) for r in ring if r["type"] == "message"
            and r["room"] == "general"] == \
        [("Alice", "one"), ("Alice", 'tw"o\\')]
    assert [(r["name"], r["text"]) for r in ring if r["type"] == "message"
            and r["room"] == "äther"] == [("Carol", "drei ß")]
    assert sum(r["type"] == "join" for r in ring) == 3

    locks = t.dump(name, "locks")
    assert len(locks) > 0
    for lock in locks:
        has_keys(lock, KEYS["locks"])
    assert locks[0]["acquisitions"] > 0

    assert t.dump(name, "verify") == []


@test
def every_view_shows_a_living_instance(t):
    server = populated(t)
    shows_it(t, server.name, server.pid)


@test
def every_view_shows_what_a_dead_one_left(t):
    server = populated(t)
    server.kill_master()
    shows_it(t, server.name, server.pid, alive=False)


@test
def every_view_shows_what_was_kept_of_a_dead_one(t):
    dead = populated(t)
    dead.kill_master()
    server = t.server(name=dead.name)
    shows_it(t, f"{dead.name}.old", dead.pid, alive=False)
    assert server.dump()["sessions"] == 0


@test
def every_view_is_text_too(t):
    server = populated(t)
    for view in VIEWS + ["verify"]:
        text = t.run("shmdump", "-n", server.name, view, check=0).stdout
        assert text.endswith("\n")
        for line in text.splitlines():
            assert line.isprintable(), repr(line)
    status = t.run("shmdump", "-n", server.name, check=0).stdout
    assert status.splitlines()[0].split()[1] == server.name
    sessions = t.run("shmdump", "--name", server.name, "sessions",
                     check=0).stdout
    for word in "Alice", "Bob", "Carol", "general", "äther", "127.0.0.1":
        assert word in sessions
    ring = t.run("shmdump", "-n", server.name, "ring", check=0).stdout
    assert "one" in ring and "drei ß" in ring


@test
def json_is_one_document_and_for_the_ring_one_a_line(t):
    server = populated(t)
    for view in VIEWS:
        out = t.run("shmdump", "-n", server.name, "--json", view,
                    check=0).stdout
        if view == "ring":
            assert all(isinstance(json.loads(x), dict)
                       for x in out.splitlines())
        else:
            json.loads(out)


@test
def the_default_is_the_status_of_the_default_instance(t):
    done = t.run("shmdump", "-n", t.instance())
    assert done.returncode == 1
    if os.path.exists("/dev/shm/chatmaster.default"):
        return  # somebody's; not ours to touch
    done = t.run("shmdump", check=1)
    assert "default" in done.stderr


@test
def no_such_instance_is_exit_1_and_says_so(t):
    name = t.instance()
    for view in VIEWS:
        for json_too in [], ["--json"]:
            done = t.run("shmdump", "-n", name, *json_too, view, check=1)
            assert done.stdout == ""
            assert f"no such instance: {name}" in done.stderr
            assert len(done.stderr.splitlines()) == 1


@test
def wrong_usage_is_exit_2(t):
    for args in (["nonsense"], ["status", "rooms"], ["-n"], ["-n", "a/b"],
                 ["--jsonx"], ["-n", ""]):
        done = t.run("shmdump", *args, check=2)
        assert done.stdout == "" and done.stderr


@test
def a_foreign_object_is_exit_1_and_says_so(t):
    for content in b"", b"hello", bytes(1 << 16):
        name = t.instance()
        with open(f"/dev/shm/chatmaster.{name}", "wb") as f:
            f.write(content)
        done = t.run("shmdump", "-n", name, check=1)
        assert name in done.stderr and done.stdout == ""


@test
def it_reads_a_stopped_server(t):
    """So it takes no lock, nor asks anybody."""
    server = populated(t, watchdog=0)
    pids = [server.pid, *server.worker_pids().values()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        shows_it(t, server.name, server.pid)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@test
def it_shows_what_happens(t):
    server = t.server(workers=2)
    alice = server.join("general", "Alice")
    before = server.dump()
    for i in range(10):
        alice.send(f"{i}")
    wait_until(lambda: server.dump("rooms")[0]["messages"] == 10, "ten")
    after = server.dump()
    assert after["ring_head"] == before["ring_head"] + 10
    row = server.session("Alice")
    assert row["in"] == len("general\nAlice\n") + 20
    assert row["out"] == len((JOINED % "Alice").encode()) + 1
    seat = row["worker"]
    server.kill_worker(seat)
    assert server.dump()["restarts"] == 1
    worker = server.dump("workers")[seat]
    assert worker["restarts"] == 1 and worker["sessions"] == 1
    assert worker["lag"] == 0


@test
def it_shows_whole_records_while_the_ring_goes_round(t):
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    said = 0
    for _ in range(20):
        alice.send(*(f"{said + i} ".ljust(500, "x") for i in range(300)))
        said += 300
        for record in server.dump("ring"):
            assert record["type"] in ("message", "join"), record
            if record["type"] == "message":
                assert record["text"].endswith("x" * 400)
        for view in VIEWS:
            if view != "ring":
                server.dump(view)
        bob.lines_until(f"Alice: {said - 1} ".ljust(507, "x"))
