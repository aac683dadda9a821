# SPDX-License-Identifier: MIT
"""After many deaths everybody has what it had before, and no more."""
import os
import re

from dialects import DIALECTS, User, mixed
from lib import SHM, test, wait_until

ROUNDS = 25      # of a death in each of four seats
SLACK_KB = 256   # of private memory: allocators round


def anonymous_kb(pid):
    """Private memory; what lies in the segment is not of it."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return int(re.search(r"RssAnon:\s*(\d+) kB", f.read())[1])


def fds(pid):
    """By kind, without the numbers: sockets, pipes, files."""
    kinds = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        kind = os.readlink(f"/proc/{pid}/fd/{fd}").split("[")[0]
        kind = re.sub(r"/.*/", "", kind)
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        return len(f.readlines())


def shared(server):
    stat = os.stat(os.path.join(SHM, f"chatmaster.{server.name}"))
    return stat.st_size, stat.st_blocks, server.objects()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return len(f.read().split())


def equal_things(server):
    """What must be the same afterwards."""
    pids = server.worker_pids()
    return {
        "fds of the master": fds(server.pid),
        "fds of the workers": {s: fds(pid) for s, pid in pids.items()},
        "mappings of the master": mappings(server.pid),
        "mappings of the workers": {s: mappings(p) for s, p in pids.items()},
        "shared memory": shared(server),
        "children": children(server.pid),
    }


def memory(server):
    """Private memory of the master, and of each worker, in kB."""
    return [anonymous_kb(pid) for pid in
            (server.pid, *(p for _, p in sorted(server.worker_pids().items())))]


def talk(found, text):
    for user in found:
        user.say(text)
    said = {f"{user.name}: {text}" for user in found}
    for user in found:
        missing = said - {f"{user.name}: {text}"}
        while missing:
            missing.discard(user.line())


def come_and_go(server, turn):
    """Connections and moves, so that there is something to be left over."""
    for dialect in DIALECTS:
        user = User(server, dialect, f"other{turn}", f"x-{dialect}").greeted()
        user.client.send_bytes(b"half a line")
        user.client.close()


@test(limit=120)
def a_hundred_deaths_leave_fds_and_memory_as_they_were(t):
    server = mixed(t)
    found = [User(server, dialect, "general", f"{dialect}{i}").greeted()
             for i in range(8) for dialect in DIALECTS]
    server.wait_joined(len(found))
    for seat in range(4):
        server.kill_worker(seat)
    talk(found, "before")
    before = equal_things(server)
    began = memory(server)
    for turn in range(ROUNDS):
        come_and_go(server, turn)
        for seat in range(4):
            server.kill_worker(seat)
        talk(found, f"{turn}")
    server.wait_joined(len(found))
    wait_until(lambda: equal_things(server) == before,
               f"all as it was: {before}")
    ended = memory(server)
    for was, now in zip(began, ended):
        assert now <= was + SLACK_KB, f"private memory: {began}, {ended}"
    assert server.dump()["restarts"] == 4 * (ROUNDS + 1)
    assert not [e for e in server.events("close") if e["reason"] == "internal"]
