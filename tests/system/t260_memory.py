# SPDX-License-Identifier: MIT
"""What memory a server takes: as the manual says, and no more for a client
that is silent."""
import os
import re
import resource

from crowd import Crowd
from lib import JOINED, ROOT, test, wait_until

MANUAL = os.path.join(ROOT, "docs", "operations.md")
PER_CLIENT = 1024  # bytes, in shared memory and of their processes' own
ROOMS, MEMBERS = 500, 10


def power_of_two(n):
    return 1 << (n - 1).bit_length()


def formula():
    """The manual's, as Python."""
    with open(MANUAL, encoding="utf-8") as f:
        text = f.read()
    block = text.split("The shared memory object is, in bytes,", 1)[1]
    lines = re.findall(r"(?m)^ +(.*)$", block.split("\nWith the", 1)[0])
    assert len(lines) == 7, lines
    terms = [re.split(r" {6,}", line)[0] for line in lines]
    text = " ".join(re.sub(r"(?<=\d),(?=\d{3})", "", t) for t in terms)
    text = re.sub(r"\(([a-z-]+), *up to the next power of two\)",
                  r"power_of_two(\1)", text)
    text = re.sub(r"([a-z-]+) / (\d+), at least (\d+),", r"max(\1 // \2, \3)",
                  text)
    text = re.sub(r"\bx\b", "*", text)
    return re.sub(r"(?<=[a-z])-(?=[a-z])", "_", text)


def said_size(**values):
    max_line = values["max_line"]
    names = {"power_of_two": power_of_two, "max": max,
             "B": max(3 * max_line + 1024, 8192), **values}
    return eval(formula(), {"__builtins__": {}}, names)


@test
def the_manuals_formula_gives_the_size_of_the_shared_memory(t):
    cases = [
        {"workers": 1, "max_clients": 100, "max_rooms": 10, "max_line": 64,
         "ring_size": 1 << 20},
        {"workers": 2, "max_clients": 10000, "max_rooms": 4096,
         "max_line": 4096, "ring_size": 16 << 20},
        {"workers": 8, "max_clients": 1000, "max_rooms": 9000,
         "max_line": 16384, "ring_size": 1 << 20},
        {"workers": 3, "max_clients": 15000, "max_rooms": 100,
         "max_line": 1000, "ring_size": 4 << 20},
    ]
    for case in cases:
        server = t.server(**case, telnet_workers=1, telnet="127.0.0.1:0")
        case["workers"] += 1  # of all types
        size = os.stat(f"/dev/shm/chatmaster.{server.name}").st_size
        said = said_size(**case)
        assert abs(said - size) < 0.01 * size, f"{case}: {said}, it is {size}"
        server.stop()


def private_bytes(server):
    """Anonymous memory of all its processes, what they share counted once."""
    total = 0
    for pid in [server.pid, *server.worker_pids().values()]:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            total += int(re.search(r"Pss_Anon:\s+(\d+) kB", f.read()).group(1))
    return total * 1024


@test(limit=120)
def a_silent_client_costs_less_than_a_kilobyte(t):
    """Its share of the shared memory but the ring, and what the processes
    have more of their own."""
    if os.path.basename(t.build) != "release":
        return  # the others have memory of their instruments
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 12000:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = t.server(workers=2, telnet_workers=1, telnet="127.0.0.1:0",
                      max_clients=10000)
    before = private_bytes(server)
    crowd = Crowd(server, ROOMS, MEMBERS)
    server.wait_joined(ROOMS * MEMBERS)
    grown = (private_bytes(server) - before) / (ROOMS * MEMBERS)
    size = os.stat(f"/dev/shm/chatmaster.{server.name}").st_size
    share = (size - 1.5 * server.dump()["ring_size"]) / 10000
    assert share + grown < PER_CLIENT, \
        f"{share:.0f} bytes shared and {grown:.0f} private"
    crowd.close()


@test(limit=120)
def those_who_do_not_read_leave_a_buffer_for_those_who_write(t):
    """Each message comes in two parts, the first of which needs a buffer of
    the pool, while the rests of cut messages take all that they can get."""
    server = t.server(workers=1, max_clients=1000)
    alice, bob = server.room("general", "Alice", "Bob")
    deaf = [server.connect(rcvbuf=4096) for _ in range(140)]
    for i, client in enumerate(deaf):
        client.send("general", f"s{i}")
        for reader in alice, bob:
            reader.expect(JOINED % f"s{i}")

    def say(i):
        alice.send_bytes(f"{i} ".encode().ljust(2000, b"x"))
        wait_until(lambda: server.session("Alice")["in"] % 4097 > 112,
                   "the first part has been read")
        alice.send_bytes(b"y" * 2096 + b"\n")
        bob.expect("Alice: " + f"{i} ".ljust(2000, "x") + "y" * 2096)
    base = server.session("Alice")["in"]
    alice.send_bytes(b"\n" * (4097 - base % 4097))  # ignored
    for i in range(100):
        say(i)
    assert server.dump()["pool_empty"] > 0
    server.kill_worker(0)
    for i in range(100, 110):
        say(i)
