# SPDX-License-Identifier: MIT
"""Bytes that nobody should have written, anywhere in the segment of a server
at work: neither master nor shmdump dies, no worker hangs, and who comes
afterwards can chat.

GARBAGE_SEED and GARBAGE_RUNS repeat the last test or make it longer: see `make
garbage`.
"""
import os
import random
import struct

from garbage import Memory, look, wait_chat
from lib import test


def crowded(t, **options):
    """A server with sessions in all kinds of states, and who they are."""
    server = t.server(workers=2, watchdog=1, telnet="127.0.0.1:0",
                      telnet_workers=1, **options)
    server.deaths_allowed = True
    clients = [server.join(f"room{i % 3}", f"c{i}") for i in range(9)]
    for client in clients:
        client.send("hi")
    server.join("room0", "slow", rcvbuf=4096)
    for _ in range(300):
        clients[0].send("x" * 1000)
    clients[3].send_bytes(b"half a line" * 40)
    server.connect().send("room1")
    server.telnet().send_bytes(b"room1\r\nterry\r\n")
    leaver = server.join("leaving", "leaver")
    leaver.send("/quit")
    server.wait_event("accept", 13)
    return server, clients


def hurt(t, areas, data_of, **options):
    """A server for each of these areas, which is filled like that."""
    for area in areas:
        server, clients = crowded(t, **options)
        memory = Memory(server.name)
        memory.fill(area, data_of)
        memory.close()
        say_something(clients)
        look(server)
        wait_chat(server)
        assert server.process.poll() is None
        end(server)


def say_something(clients):
    for client in clients:
        try:
            client.send("after")
        except OSError:
            pass  # it was told that it was not kept


def end(server):
    """Whatever the segment is like now, it stops, and leaves nothing."""
    while server.context.peers:
        server.context.peers.pop().close()
    server.finished = True
    server.stop()


SEED = int(os.environ.get("GARBAGE_SEED") or 1)
RUNS = int(os.environ.get("GARBAGE_RUNS") or 8)
AREAS = ("header status lock tables ring seats input sessions members rooms "
         "names roomnames creators bufctl buffers staging desc bytes").split()


@test(limit=170)
def random_bytes_in_any_area_are_survived(t):
    hurt(t, AREAS, random.Random(1).randbytes)


@test(limit=170)
def ones_in_any_area_are_survived(t):
    hurt(t, AREAS, lambda n: b"\xff" * n)


@test(limit=170)
def zeros_in_any_area_are_survived(t):
    hurt(t, AREAS, bytes)


@test(limit=170)
def small_numbers_in_any_area_are_survived(t):
    words = random.Random(2)
    hurt(t, AREAS, lambda n: struct.pack(
        f"={n // 4}I", *(words.choice((0, 1, 2, 3, 7, 0xffffffff))
                         for _ in range(n // 4))))


@test(limit=60)
def a_lock_that_nobody_holds_is_found(t):
    """Its word names no seat, somebody who waits, or one who never held it."""
    for word in (0x7fffffff, 0x80000000, 65, 0x80000041, 1, 2, 0x80000003):
        server, clients = crowded(t)
        memory = Memory(server.name)
        memory.write(memory.layout["lock"], struct.pack("=I", word))
        memory.close()
        say_something(clients)
        wait_chat(server)
        if word == 0x7fffffff:
            server.wait_event("damage", what="lock", level="error")
        end(server)


@test(limit=60)
def a_ring_that_counts_wrongly_is_found(t):
    """head, rsv_desc, rsv_bytes, applied: each may say anything."""
    for at in (0, 64, 72, 128):
        for value in (0, 1, 1 << 40, (1 << 64) - 1):
            server, clients = crowded(t)
            memory = Memory(server.name)
            memory.write(memory.layout["ring"] + at,
                         struct.pack("=Q", value))
            memory.close()
            say_something(clients)
            wait_chat(server)
            end(server)


def some_bytes(numbers):
    """Random ones, or a number that a program might mistake for its own."""
    if numbers.randrange(2):
        return numbers.randbytes(numbers.choice((1, 4, 8, 64)))
    return numbers.choice((0, 1, 2, 0xffff, 0xffffffff, 1 << 40, (1 << 64) - 1)
                          ).to_bytes(8, "little")[:numbers.choice((1, 4, 8))]


@test(limit=60 + 20 * RUNS)
def bytes_anywhere_while_all_talk_are_survived(t):
    for run in range(SEED, SEED + RUNS):
        print("seed", run)
        numbers = random.Random(run)
        server, clients = crowded(t)
        memory = Memory(server.name)
        for _ in range(60):
            first, after = memory.areas[numbers.choice(AREAS)]
            memory.write(first + numbers.randrange(min(after - first, 8192)),
                         some_bytes(numbers))
            say_something([numbers.choice(clients)])
        memory.close()
        look(server)
        wait_chat(server)
        end(server)
