# SPDX-License-Identifier: MIT
"""Many clients, many bytes, many questions: nobody pays for the others.

SOAK=1 in the environment gives all of them their full size in the slower
builds, too.
"""
import os
import re
import resource

from lib import test
from load import Load, load

LAGGED = re.compile(r"\*\*\* error lagged: (\d+) messages missed")
MESSAGES_64M = 65600  # of 1000 bytes and the name
FDS_OF_MASTER = 1000  # that are no client's, and some to spare


def full_size(t):
    """Whether the build is a fast one, or time is no matter."""
    return os.path.basename(t.build) == "release" or "SOAK" in os.environ


def crowd_size(wanted):
    """As many clients, or as the limit of open files lets one process have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= wanted + FDS_OF_MASTER:
        return wanted
    size = (hard - FDS_OF_MASTER) // 10 * 10
    print(f"the limit of {hard} open files leaves {size} clients of {wanted}")
    assert size >= 1000, "no crowd: raise the hard limit of open files"
    return size


def private_bytes(pids):
    """Anonymous memory of these processes."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            found = re.search(r"^Pss_Anon:\s+(\d+) kB$", f.read(), re.M)
        total += int(found.group(1)) * 1024
    return total


@test(limit=120)
def fifteen_thousand_at_once_talk_and_each_message_arrives_once(t):
    rooms = crowd_size(15000 if full_size(t) else 3000) // 10
    server = t.server(workers=2, max_clients=rooms * 10)
    figures = load(t, server, rooms=rooms, members=10, rate=2 * rooms,
                   messages=2 * rooms)
    assert figures["joins"] == rooms * 10
    assert figures["messages"] == 2 * rooms
    assert figures["deliveries"] == 2 * rooms * 9
    assert not server.events("refuse")
    server.wait_sessions(0)


def number_of(line):
    """Publisher and number of one of chatload's messages of 1000 bytes."""
    match = re.match(r"z0000([0-9a-f]{4}): ([0-9a-f]{8})", line)
    assert match and len(line) == 9 + 2 + 1000, f"cut: {line[:60]!r}"
    return match.group(1), int(match.group(2), 16)


def check_lapped(lines, count):
    """Of so many messages each is there, whole and in order, or among those
    that the reader was told it missed; some are."""
    next_number = {}
    told = missed = 0
    for line in lines:
        lagged = LAGGED.fullmatch(line)
        if lagged:
            told += int(lagged.group(1))
        elif line.startswith("z"):
            who, number = number_of(line)
            assert number >= next_number.get(who, 0), "twice, or out of order"
            missed += number - next_number.get(who, 0)
            next_number[who] = number + 1
        else:
            assert line.startswith(("🌟", "👋")), line
    assert sum(next_number.values()) == count
    assert told == missed > 0, f"{missed} missed, {told} said to be"


@test(limit=120)
def one_who_never_reads_64_megabytes_costs_nothing_and_reads_lagged(t):
    server = t.server(workers=2, ring_size="4M")
    deaf = server.join("z0000", "Deaf", rcvbuf=4096)
    pids = [server.pid, *server.worker_pids().values()]
    options = {"members": 8, "publishers": 2, "size": 1000, "window": 64}
    # What such a load needs in any case is there before it is counted.
    load(t, server, tag="y", messages=1000, **options)
    server.wait_sessions(1)
    before = private_bytes(pids)
    segment = os.stat(f"/dev/shm/chatmaster.{server.name}").st_blocks
    figures = load(t, server, tag="z", messages=MESSAGES_64M, **options)
    assert figures["deliveries"] == MESSAGES_64M * 7
    server.wait_sessions(1)
    assert server.session("Deaf")["lagging"]
    assert [server.pid, *server.worker_pids().values()] == pids
    grown = private_bytes(pids) - before
    assert grown < 256 * 1024, f"{grown} bytes"
    assert os.stat(f"/dev/shm/chatmaster.{server.name}").st_blocks == segment
    server.join("z0000", "Alice").send("the end")
    check_lapped(deaf.lines_until("Alice: the end"), MESSAGES_64M)


@test(limit=120)
def thousand_who_ask_as_fast_as_they_can_harm_nobody_else(t):
    rooms = 50 if full_size(t) else 20
    server = t.server(workers=2)
    askers = Load(t, server, mode="ask", tag="q", rooms=rooms, members=20,
                  seconds=100)
    server.wait_sessions(rooms * 20)
    figures = load(t, server, tag="q", rooms=rooms, members=5, rate=1000,
                   messages=2000)
    assert figures["deliveries"] == 2000 * 4
    asked = askers.end()
    assert asked["answered"] > 0
    server.wait_sessions(0)
