# SPDX-License-Identifier: MIT
"""The name of an instance, and what lies under it from earlier times."""
import os
import random
import struct

from faults import Faults
from lib import JOINED, Server, process_lives, test, wait_until

VERSION_AT = 8  # in the header: magic, then the version


def shm(name):
    return f"/dev/shm/chatmaster.{name}"


def write(name, data):
    with open(shm(name), "wb") as f:
        f.write(data)


def read(name):
    with open(shm(name), "rb") as f:
        return f.read()


def wait_workers_ended(pids):
    wait_until(lambda: not any(process_lives(p) for p in pids),
               "the workers have ended with their master", 2)


def killed(t, **options):
    """An instance whose master was killed; returns its name."""
    server = t.server(**options)
    server.join("general", "Alice").send("remember me")
    wait_until(lambda: server.dump()["messages"] == 1, "it is said")
    wait_workers_ended(server.kill_master())
    return server


@test
def workers_end_with_their_master_within_two_seconds(t):
    server = t.server(workers=4)
    alice = server.join("general", "Alice")
    wait_workers_ended(server.kill_master())
    alice.expect_closed()


@test
def what_a_killed_instance_left_is_kept_until_the_next_clean_stop(t):
    dead = killed(t)
    assert os.path.exists(shm(dead.name))
    server = t.server(name=dead.name)
    event = server.events("stale-segment")[0]
    assert event["master"] == str(dead.pid), event.line
    assert event["kept"] == f"/chatmaster.{dead.name}.old", event.line
    texts = [r["text"] for r in t.dump(dead.name + ".old", "ring")]
    assert "remember me" in texts
    assert server.dump("rooms") == []
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("anew")
    bob.expect("Alice: anew")
    server.stop()  # and both are gone


@test
def numbers_rise_across_restarts(t):
    name = t.instance()
    heads = []
    for _ in range(3):
        server = t.server(name=name)
        heads.append(server.dump()["ring_head"])
        server.join("general", "Alice")
        heads.append(server.dump()["ring_head"])
        wait_workers_ended(server.kill_master())
    assert heads == sorted(set(heads)), heads


@test
def numbers_rise_even_if_the_clock_goes_back(t):
    dead = killed(t)
    head = t.dump(dead.name)["ring_head"]
    year = 365 * 24 * 3600 * 1000000
    data = read(dead.name)
    at = data.index(struct.pack("=Q", head))
    write(dead.name, data[:at] + struct.pack("=Q", head + year) +
          data[at + 8:])
    if t.dump(dead.name)["ring_head"] != head + year:
        raise AssertionError("the head lies elsewhere")
    server = t.server(name=dead.name)
    assert server.dump()["ring_head"] >= head + year


@test
def a_segment_of_an_older_version_is_replaced(t):
    dead = killed(t)
    data = bytearray(read(dead.name))
    data[VERSION_AT] ^= 0x7f
    write(dead.name, data)
    server = t.server(name=dead.name)
    assert server.events("foreign-segment")
    assert read(dead.name + ".old") == data
    server.join("general", "Alice")


@test
def a_foreign_file_is_replaced_whatever_is_in_it(t):
    rng = random.Random(1)
    for data in b"", b"hello\n", bytes(1 << 20), rng.randbytes(1 << 16):
        name = t.instance()
        write(name, data)
        server = t.server(name=name)
        assert server.events("foreign-segment")
        assert read(name + ".old") == data
        server.join("general", "Alice").close()
        server.stop()


@test
def a_corrupt_segment_is_replaced_wherever_it_is_corrupt(t):
    dead = killed(t)
    data = read(dead.name)
    rng = random.Random(2)
    for i in range(8):
        bad = bytearray(data)
        # The header's bytes matter most; the version is left right.
        for _ in range(1 + i * 4):
            bad[rng.randrange(16, 4096)] = rng.randrange(256)
        if i % 2 == 1:
            bad = bad[:rng.randrange(len(bad))]
        write(dead.name, bad)
        server = t.server(name=dead.name)
        server.join("general", "Alice").close()
        assert read(dead.name + ".old") == bad
        assert server.dump()["ring_head"] < 1 << 53
        server.stop()


@test
def what_cannot_be_opened_is_exit_1_and_says_so(t):
    name = t.instance()
    os.symlink("/etc/passwd", shm(name))
    server = t.failing_server(1, name=name)
    assert f"chatmaster.{name}" in server.events("start-failed")[0]["reason"]
    assert os.path.islink(shm(name))


@test
def shared_memory_too_small_is_exit_1_and_says_so(t):
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    server = t.failing_server(1, wrapper=[
        *unshare, "sh", "-c",
        'mount -t tmpfs -o size=8m tmpfs /dev/shm && "$@"; code=$?; '
        'echo "left: $(ls /dev/shm)"; exit $code', "sh"])
    event = server.events("start-failed")[0]
    assert event["error"] == '"No space left on device"', event.line
    assert "/dev/shm" in event["reason"], event.line
    assert int(event["needs"]) > 8 << 20, event.line
    assert server.log().splitlines()[-1] == "left: ", "it left it"


@test
def it_starts_in_64_mib_of_shared_memory(t):
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    server = t.server(wrapper=[
        *unshare, "sh", "-c",
        'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"', "sh"])
    server.join("general", "Alice")
    assert server.objects() == [], "it is in the other one"
    server.finished = True  # shmdump doesn't find it
    server.stop()


@test(faults=True)
def a_segment_that_cannot_be_laid_out_leaves_nothing(t):
    path = t.path("faults")
    Faults(path).arm("master.format", "fail")
    server = t.failing_server(1, build=t.faults_build,
                              env={"CHATMASTER_FAULTS": path})
    assert server.events("start-failed")
    assert server.objects() == []


@test
def a_killed_worker_that_is_a_zombie_keeps_no_name(t):
    server = t.server(workers=2)
    server.signal_worker(0, 19)  # SIGSTOP: it can't end by itself
    pids = server.kill_master()
    wait_workers_ended(pids)
    t.server(name=server.name)


@test
def two_that_start_at_once_leave_one(t):
    name = t.instance()
    both = [Server(t, name=name) for _ in range(4)]
    for i, server in enumerate(both):
        server.log_path += str(i)
        t.servers.append(server)
        server.start()
    wait_until(lambda: sum(s.process.poll() is None for s in both) == 1,
               "all but one have ended")
    winner = [s for s in both if s.process.poll() is None][0]
    winner.wait_ready()
    assert all(s.process.returncode == 1 for s in both if s is not winner)
    assert winner.join("general", "Alice")
    assert all("running" in s.log() for s in both if s is not winner)


@test
def names_of_instances_keep_them_apart(t):
    one, other = t.server(), t.server()
    alice = one.join("general", "Alice")
    also = other.join("general", "Alice")
    bob = one.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    bob.send("only here")
    alice.expect("Bob: only here")
    other.join("general", "Carol").send("only there")
    also.expect(JOINED % "Carol", "Carol: only there")
