# SPDX-License-Identifier: MIT
"""Telnet users type while the worker that edits their lines dies.

KILLS is the number of deaths, 40 if it isn't set; more by hand, as in

    KILLS=1000 tests/system/run t650
"""
import os
import random
import select
import signal
import time

from faults import NAME as FAULT_NAME, ROW as FAULT_ROW
from lib import DEADLINE, JOINED, test, wait_until
from telnet import server_for
from typist import Typist

KILLS = int(os.environ.get("KILLS", "40"))
LIMIT = 60 + 2 * KILLS  # seconds; a master restarts what dies young slower
SPEAKERS = "Alice", "Carol"
# Wider than any message: then nothing of it is lost when a window shrinks.
WIDE = 120, 160, 240


def drain(client):
    """Takes what has come from a line client, without waiting."""
    client.socket.settimeout(0)
    try:
        client.data += client.socket.recv(1 << 16)
    except BlockingIOError:
        pass


class Room:
    """Typists, others who speak, and an observer; all in one room."""

    def __init__(self, server, seed):
        self.random = random.Random(seed)
        self.server = server
        self.observer = server.join("general", "observer")
        self.speakers = [server.join("general", name) for name in SPEAKERS]
        self.said = 0
        self.typists = [
            Typist(server, "narrow", seed + 1, columns=40, longest=100),
            Typist(server, "eager", seed + 2, eager=True),
            Typist(server, "wide", seed + 3, columns=132, eager=True,
                   longest=30),
            Typist(server, "resized", seed + 4, columns=WIDE[0]),
        ]
        for typist in self.typists:
            typist.join("general")
        self.observer.lines_until(JOINED % "resized")
        for typist in self.typists:
            typist.wait_screen(
                lambda s: JOINED % "resized" in s.all_lines(), "all joined")

    def turn(self):
        """Everybody does something, or not."""
        for typist in self.typists:
            if self.random.random() < 0.7:
                typist.type()
            typist.pump()
            assert not typist.ended, \
                f"{typist.name} is out\n{typist.screen.show()}"
        if self.random.random() < 0.1:
            self.said += 1
            self.random.choice(self.speakers).send(
                f"message {self.said} " + "x" * self.random.randint(0, 60))
        if self.random.random() < 0.01:
            self.typists[-1].resize(self.random.choice(WIDE))
        for client in [self.observer, *self.speakers]:
            drain(client)
        select.select([t.client.socket for t in self.typists], [], [], 0.002)

    def look(self):
        """Nobody types: every screen shows what was typed so far."""
        for typist in self.typists:
            typist.wait_screen(
                lambda s, typist=typist: s.shows_line(typist.line),
                f"{typist.line!r} at the bottom of {typist.name}'s screen")

    def settle(self):
        """All that was typed has arrived, and every screen shows so."""
        self.speakers[0].send("the end")
        messages = self._messages()
        for typist in self.typists:
            prefix = typist.name + ": "
            heard = [m[len(prefix):] for m in messages
                     if m.startswith(prefix)]
            assert heard == typist.lines, \
                first_difference(typist.name, heard, typist.lines)
            typist.wait_screen(
                lambda s, typist=typist:
                "Alice: the end" in s.all_lines() and
                s.shows_line(typist.line),
                f"the last message, and {typist.line!r} below it")
            check_screen(typist, messages)

    def _messages(self):
        """What was said in the room, once all is there."""
        whole = [f"{t.name}: {t.lines[-1]}" for t in self.typists if t.lines]
        whole.append("Alice: the end")

        def there():
            for typist in self.typists:
                typist.pump()
            drain(self.observer)
            lines = self.observer.data.decode("utf-8", "replace").split("\n")
            return lines[:-1] if all(w in lines for w in whole) else None
        messages = wait_until(there, "all that was typed has arrived")
        self.observer.send("/whoami")
        self.observer.expect(*messages)
        line = self.observer.line()  # nothing came behind them
        assert line.startswith("*** "), line
        return messages


def first_difference(name, got, wanted):
    at = 0
    while at < min(len(got), len(wanted)) and got[at] == wanted[at]:
        at += 1
    return f"{name}, line {at}: {got[at:at + 3]} not {wanted[at:at + 3]}"


def check_screen(typist, messages):
    """All that others said, in order, each once; all that was typed, in
    order, each once and where its turn was; and below that the line."""
    lines = typist.screen.all_lines()
    rows = lines[lines.index(JOINED % "resized") + 1:-1]
    others = [m for m in messages if not m.startswith(typist.name + ": ")]
    own = list(typist.lines)
    at = 0
    while at < len(rows):
        for waiting in others, own:
            if waiting and rows[at:at + len(typist.rows_of(waiting[0]))] == \
                    typist.rows_of(waiting[0]):
                at += len(typist.rows_of(waiting.pop(0)))
                break
        else:
            raise AssertionError(
                f"{typist.name}'s screen, row {at}: neither {others[:1]} nor "
                f"{own[:1]}\n" + "\n".join(rows[max(at - 6, 0):at + 6]))
    assert not others and not own, f"{typist.name} hasn't seen {others} {own}"
    assert not typist.screen.strange, typist.screen.strange


def telnet_worker(server):
    """Seat and pid of the one that serves, or None."""
    for worker in server.dump("workers"):
        if worker["type"] == "telnet" and worker["pid"] != 0 and \
                worker["state"] == "serving":
            return worker["seat"], worker["pid"]
    return None


def kill_while_typing(room, kills, kill):
    """kill(seat, pid) sees to the end of that worker, and is called again if
    it lives on."""
    server = room.server
    server.deaths_allowed = True
    dead, last, due, patience = 0, None, 0, 0
    deadline = time.monotonic() + DEADLINE + 2 * kills
    while dead < kills:
        room.turn()
        now = time.monotonic()
        assert now < deadline, f"only {dead} deaths"
        if now < due:
            continue
        worker = telnet_worker(server)
        if worker is None or worker == last and now < patience:
            due = now + 0.01
            continue
        if last is not None and worker != last:
            dead += 1
            if dead % 5 == 0:
                room.look()
        last = worker
        kill(*worker)
        due = now + room.random.uniform(0.01, 0.12)
        patience = now + 0.5
    wait_until(lambda: telnet_worker(server), "the last successor")


@test(limit=LIMIT)
def what_is_typed_while_the_worker_is_killed_arrives_once(t):
    server = server_for(t, workers=1, telnet_workers=1)
    room = Room(server, 1)
    kill_while_typing(room, KILLS,
                      lambda _, pid: os.kill(pid, signal.SIGKILL))
    room.settle()


def fault_points(server):
    """The names of those that were ever hit."""
    data = server.faults.map
    count = int.from_bytes(data[4:8], "little")
    names = [data[8 + i * FAULT_ROW:][:FAULT_NAME].split(b"\0")[0].decode()
             for i in range(count)]
    return [n for n in names if server.faults.hits(n) > 0]


@test(faults=True, limit=LIMIT)
def what_is_typed_while_the_worker_dies_at_any_step_arrives_once(t):
    server = server_for(t, faults=True, workers=1, telnet_workers=1)
    room = Room(server, 2)
    armed = []

    def arm(seat, _pid):
        for name in armed:
            server.faults.arm(name, "none")
        armed[:] = room.random.sample(fault_points(server), 5)
        for name in armed:
            server.faults.arm(name, "die", room.random.randint(1, 20),
                              seat=seat)

    kill_while_typing(room, KILLS, arm)
    for name in armed:
        server.faults.arm(name, "none")
    room.settle()


@test
def what_is_typed_while_nothing_dies_arrives_once(t):
    server = server_for(t, workers=1, telnet_workers=2)
    room = Room(server, 3)
    while sum(len(typist.lines) for typist in room.typists) < 30:
        for _ in range(10):
            room.turn()
        room.look()
    room.settle()


@test
def lines_of_any_length_survive_the_worker_cursor_and_all(t):
    """Short ones are kept elsewhere than long ones."""
    server = server_for(t, workers=1, telnet_workers=1)
    alice = server.join("general", "Alice")
    typists = []
    for length in [*range(1, 30), *range(160, 180, 3), 250, 400, 3000]:
        text = ("abcdefghij" * 300)[:length]
        for back in {1, length // 2}:
            typist = Typist(server, f"t{length}-{back}", 0)
            typist.join("general")
            line = text[:length - back] + "|" + text[length - back:]
            typist.type_all(text.encode() + b"\x1b[D" * back)
            typist.wait_screen(lambda s, line=line: s.shows_line(line), line)
            typists.append((typist, line))
    server.kill_worker(telnet_worker(server)[0])
    alice.send("still there?")
    for typist, line in typists:
        typist.wait_screen(
            lambda s, line=line: "Alice: still there?" in s.all_lines() and
            s.shows_line(line), line)
