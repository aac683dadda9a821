# SPDX-License-Identifier: MIT
"""shmdump: copies in files, following, choosing, metrics, garbage."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import unicodedata

import prometheus
from lib import DEADLINE, die_with_parent, test, wait_until
from peers import Nc

VIEWS = ["status", "workers", "rooms", "sessions", "ring", "locks", "verify",
         "metrics", "top"]
HEADER = 512  # more than the header of a segment has


class Follower(Nc):
    """A shmdump that goes on: lines from its standard output."""

    def __init__(self, t, *args):
        self.error_path = t.path("follower.err")
        with open(self.error_path, "wb") as errors:
            super().__init__([os.path.join(t.build, "shmdump"), *args],
                             lambda: self.prepare(errors.fileno()))
        t.peers.append(self)

    @staticmethod
    def prepare(errors):
        os.dup2(errors, 2)
        die_with_parent()

    def errors(self):
        with open(self.error_path, encoding="utf-8") as f:
            return f.read()

    def records(self, count):
        return [json.loads(self.line()) for _ in range(count)]

    def send_signal(self, number):
        self.process.send_signal(number)


def talk(t, **options):
    """Two rooms; five messages of general, two of Den, one private."""
    server = t.server(workers=2, **options)
    alice, bob = server.room("general", "Alice", "Bob")
    carol = server.join("Den", "Carol")
    for i in range(5):
        alice.send(f"g{i}")
        if i < 2:
            carol.send(f"d{i}")
    bob.expect(*(f"Alice: g{i}" for i in range(5)))
    alice.send("/msg Bob between us", "/me waves")
    bob.expect("[private] Alice: between us", "* Alice waves")
    wait_until(lambda: server.dump()["messages"] == 8, "all is said")
    server.people = alice, bob, carol
    return server


def texts(records):
    return [r["text"] for r in records
            if r["type"] in ("message", "action", "private")]


def copy_of(t, server):
    return shutil.copy(f"/dev/shm/chatmaster.{server.name}", t.path("copy"))


def dump_file(t, path, view="status", *args):
    return t.run("shmdump", "--file", path, *args, view, check=0).stdout


@test
def a_copy_in_a_file_shows_what_the_memory_showed(t):
    server = talk(t)
    path = copy_of(t, server)
    status = json.loads(dump_file(t, path, "status", "--json"))
    live = server.dump()
    for key in ("instance", "version", "pid", "workers", "sessions", "rooms",
                "messages", "ring_size", "ring_head", "restarts"):
        assert status[key] == live[key], key
    assert status["alive"] is False
    for view in "rooms", "ring":
        ours = dump_file(t, path, view, "--json")
        live = t.run("shmdump", "-n", server.name, "--json", view,
                     check=0).stdout
        assert ours == live, f"{view}: {ours} and {live}"
    assert json.loads(dump_file(t, path, "verify", "--json")) == []
    for view in VIEWS:
        dump_file(t, path, view)
    names = [s["name"] for s in
             json.loads(dump_file(t, path, "sessions", "--json"))]
    assert sorted(names) == ["Alice", "Bob", "Carol"]


@test
def a_file_that_is_none_is_exit_1_and_says_so(t):
    server = talk(t)
    with open(copy_of(t, server), "rb") as f:
        whole = f.read()
    os.mkfifo(t.path("fifo"))
    damaged = bytearray(whole[:1 << 20])
    damaged[20] ^= 1
    for path, words in (
            (t.path("absent"), "No such file"),
            (t.tmp, "no ordinary file"),
            (t.path("fifo"), "no ordinary file"),
            (t.write("empty", b""), "no chatmaster segment"),
            (t.write("short", whole[:100]), "damaged"),
            (t.write("cut", whole[:-1]), "cut short"),
            (t.write("other", b"CHATMSTR\x63\0\0\0" + whole[12:]),
             "layout version 99"),
            (t.write("damaged", bytes(damaged)), "")):
        done = t.run("shmdump", "--file", path, check=1)
        assert done.stdout == "" and path in done.stderr, done.stderr
        assert words in done.stderr, (words, done.stderr)


@test
def options_that_do_not_go_together_are_exit_2(t):
    for args in (["--file", "x", "-n", "y"], ["-f"], ["status", "-f"],
                 ["rooms", "--room", "x"], ["workers", "--count", "1"],
                 ["ring", "--count", "x"], ["ring", "--count", "-1"],
                 ["ring", "--count", ""], ["ring", "--room", ""],
                 ["sessions", "--private"]):
        done = t.run("shmdump", *args, check=2)
        assert done.stdout == "" and done.stderr, args


@test
def room_chooses_without_ascii_case(t):
    server = talk(t)
    for room in "general", "GENERAL", "gEneral":
        records = server.dump("ring", "--room", room, "--private")
        assert {r["room"] for r in records} == {"general"}
        assert texts(records) == ["g0", "g1", "g2", "g3", "g4",
                                  "between us", "waves"]
    assert texts(server.dump("ring", "--room", "den")) == ["d0", "d1"]
    assert server.dump("ring", "--room", "nowhere") == []


@test
def a_room_that_ended_is_still_chosen_by_its_name(t):
    server = talk(t)
    server.people[2].close()
    server.wait_joined(2)
    records = server.dump("ring", "--room", "DEN")
    assert [r["type"] for r in records] == ["join", "message", "message",
                                            "leave"]


@test
def count_shows_the_last_of_what_is_chosen(t):
    server = talk(t)
    everything = server.dump("ring")
    for count in 0, 1, 3, len(everything), len(everything) + 5, 10**9:
        shown = server.dump("ring", "--count", str(count))
        assert shown == (everything[-count:] if count else []), count
    for count in 0, 1, 2, 3, 4, 10**9:
        shown = server.dump("ring", "--room", "den", "--count", str(count))
        den = [r for r in everything if r["room"] == "Den"]
        assert shown == (den[-count:] if count else []), count


@test
def private_text_is_withheld_unless_asked_for(t):
    server = talk(t)
    for args in [], ["--json"]:
        hidden = t.run("shmdump", "-n", server.name, *args, "ring",
                       check=0).stdout
        assert "between us" not in hidden and "private" in hidden
        shown = t.run("shmdump", "-n", server.name, *args, "ring",
                      "--private", check=0).stdout
        assert "between us" in shown
    record = [r for r in server.dump("ring") if r["type"] == "private"][0]
    assert record["name"] == "Alice" and record["text"] is None


@test
def the_ring_names_what_kind_of_record_it_is(t):
    server = talk(t)
    alice, bob, _ = server.people
    alice.send("/topic of the day", "/nick Alicia", "done")
    bob.lines_until("Alicia: done")
    records = server.dump("ring", "--count", "3")
    assert [(r["type"], r["name"], r["text"]) for r in records] == [
        ("topic", "Alice", "of the day"), ("rename", "Alice", "Alicia"),
        ("message", "Alicia", "done")]
    rooms = {r["name"]: r["topic"] for r in server.dump("rooms")}
    assert rooms == {"general": "of the day", "Den": ""}


@test
def following_shows_what_comes_until_the_server_ends(t):
    server = talk(t)
    follower = Follower(t, "-n", server.name, "--json", "ring", "-f",
                        "--room", "General", "--count", "2")
    assert [r["type"] for r in follower.records(2)] == ["private", "action"]
    alice, _, carol = server.people
    carol.send("elsewhere")
    for i in range(100):
        alice.send(f"n{i}")
        assert follower.records(1)[0]["text"] == f"n{i}"
    alice.send("the last")
    assert follower.records(1)[0]["text"] == "the last"
    server.stop()
    ends = [json.loads(line) for line in follower.lines_to_end()]
    assert follower.wait() == 0
    assert "the server has ended" in follower.errors()
    assert all(r["type"] == "leave" for r in ends), ends


@test
def following_ends_when_the_master_is_killed(t):
    server = talk(t)
    follower = Follower(t, "-n", server.name, "--json", "ring", "-f")
    follower.records(11)
    server.kill_master()
    follower.lines_to_end()
    assert follower.wait() == 0
    assert "the server has ended" in follower.errors()
    done = t.run("shmdump", "-n", server.name, "ring", "-f", check=0)
    assert "the server has ended" in done.stderr and "g4" in done.stdout
    path = copy_of(t, server)
    done = t.run("shmdump", "--file", path, "ring", "-f", check=0)
    assert "this is a copy" in done.stderr and "g4" in done.stdout


@test
def one_who_follows_and_is_lapped_says_how_much_it_missed(t):
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    follower = Follower(t, "-n", server.name, "--json", "ring", "-f",
                        "--count", "1")
    follower.records(1)  # Bob's joining: it looks
    alice.send("begin")
    bob.expect("Alice: begin")
    first = follower.records(1)[0]["seq"]
    follower.send_signal(signal.SIGSTOP)
    for i in range(40):
        alice.send(*(f"{i}.{k}".ljust(200, "x") for k in range(50)))
        bob.lines_until("Alice: " + f"{i}.49".ljust(200, "x"))
    follower.send_signal(signal.SIGCONT)
    alice.send("end")
    seqs = []
    while True:
        record = follower.records(1)[0]
        seqs.append(record["seq"])
        if record["text"] == "end":
            break
    missed = wait_until(
        lambda: re.search(r"missed (\d+) records", follower.errors()),
        "it says what it missed")
    assert seqs == sorted(set(seqs))
    assert len(seqs) + int(missed[1]) == 2001 == seqs[-1] - first
    assert int(missed[1]) > 1000


@test
def following_ends_when_nobody_reads(t):
    server = talk(t)
    follower = Follower(t, "-n", server.name, "ring", "-f")
    follower.line()
    follower.process.stdout.close()
    wait_until(lambda: follower.process.poll() is not None, "it ends")


@test
def metrics_are_prometheus_text_of_the_same_figures(t):
    server = talk(t)
    room = 'q"u\\o'
    server.join(room, "Dora")
    samples, types = prometheus.parse(
        t.run("shmdump", "-n", server.name, "metrics", check=0).stdout)
    status = server.dump()
    for name, key in (("sessions", "sessions"), ("rooms", "rooms"),
                      ("workers", "workers"), ("messages_total", "messages"),
                      ("ring_size_bytes", "ring_size"),
                      ("ring_head", "ring_head")):
        assert samples[f"chatmaster_{name}", None] == status[key], name
    assert samples["chatmaster_up", None] == 1
    assert samples["chatmaster_info", f'instance="{server.name}",'
                   f'version="{status["version"]}"'] == 1
    assert samples["chatmaster_room_members", 'room="general"'] == 2
    assert samples["chatmaster_room_messages_total", 'room="general"'] == 6
    assert samples["chatmaster_room_members", r'room="q\"u\\o"'] == 1
    for seat in 0, 1:
        assert samples["chatmaster_worker_restarts_total",
                       f'seat="{seat}",type="chat"'] == 0
    assert set(types.values()) == {"counter", "gauge"}
    rows = server.dump("metrics")
    assert {r["name"] for r in rows} == {name for name, _ in samples}
    assert {r["labels"].get("room") for r in rows} >= {"general", "Den", room}
    server.kill_master()
    samples, _ = prometheus.parse(
        t.run("shmdump", "-n", server.name, "metrics", check=0).stdout)
    assert samples["chatmaster_up", None] == 0


def look(t, path, view, *args):
    """Runs a view of a bad copy: exit 0 or 1, and nothing unprintable."""
    done = subprocess.run(
        [os.path.join(t.build, "shmdump"), "--file", path, *args, view],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE,
        preexec_fn=die_with_parent)
    errors = done.stderr.decode()
    assert done.returncode in (0, 1), (view, done.returncode, errors)
    assert "Sanitizer" not in errors and "runtime error" not in errors, errors
    bad = {c for c in done.stdout.decode() if c not in "\n\u200c\u200d" and
           unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert not bad, (view, bad)
    return done


@test
def garbage_behind_a_good_header_ends_nothing(t):
    server = talk(t, ring_size="128K", max_clients=16, max_rooms=16)
    with open(copy_of(t, server), "rb") as f:
        whole = f.read()
    rng = random.Random(1)
    for garbage in (bytes(len(whole)), b"\xff" * len(whole),
                    rng.randbytes(len(whole))):
        path = t.write("garbage", whole[:HEADER] + garbage[HEADER:])
        for view in VIEWS:
            look(t, path, view)
            look(t, path, view, "--json")
        look(t, path, "ring", "--count", "10", "--room", "general")


@test
def a_file_that_changes_while_it_is_read_ends_nothing(t):
    server = talk(t, ring_size="128K", max_clients=16, max_rooms=16)
    path = copy_of(t, server)
    size = os.path.getsize(path)
    stop = threading.Event()

    def scribble():
        rng = random.Random(2)
        with open(path, "r+b", buffering=0) as f:
            while not stop.is_set():
                f.seek(rng.randrange(HEADER, size - 64))
                f.write(rng.choice((bytes(64), rng.randbytes(64))))

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        for _ in range(3):
            for view in VIEWS:
                look(t, path, view)
                look(t, path, view, "--json")
    finally:
        stop.set()
        writer.join()


@test
def what_is_printed_is_escaped(t):
    server = t.server(workers=1)
    alice = server.join("general", "Alice")
    alice.send("MARKMARKMARKMARKMARK")
    wait_until(lambda: server.dump()["messages"] == 1, "it is said")
    with open(copy_of(t, server), "rb") as f:
        whole = f.read()
    evil = b'\x1b[2J\x07\xc2\x9b"\\\r\xff\xe2\x80\xae'
    at = whole.rindex(b"MARKMARKMARKMARKMARK")
    path = t.write("evil", whole[:at] + evil.ljust(20, b".") + whole[at + 20:])
    text = look(t, path, "ring").stdout.decode()
    assert r"\u{1b}[2J\u{7}\u{9b}" in text and r"\xff\u{202e}" in text
    done = look(t, path, "ring", "--json")
    assert [r["text"] for r in map(json.loads, done.stdout.splitlines())
            if r["type"] == "message"][0].startswith('\x1b[2J\x07\x9b"\\\r')


@test
def what_does_not_get_out_is_exit_1(t):
    server = talk(t)
    for view in VIEWS:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [os.path.join(t.build, "shmdump"), "-n", server.name, view],
                stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE,
                preexec_fn=die_with_parent)
        assert done.returncode == 1 and b"cannot write" in done.stderr, view


@test
def nothing_of_this_is_noticed_by_the_server(t):
    """It reads a stopped one, and leaves no trace in the memory."""
    server = talk(t)
    pids = [server.pid, *server.worker_pids().values()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with open(copy_of(t, server), "rb") as f:
            before = f.read()
        for view in VIEWS:
            t.run("shmdump", "-n", server.name, view, check=0)
        with open(f"/dev/shm/chatmaster.{server.name}", "rb") as f:
            assert f.read() == before
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
