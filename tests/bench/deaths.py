# SPDX-License-Identifier: MIT
"""The tables about deaths: how long until a killed worker's clients are
served again, and what clients of the others notice."""
import os
import random
import re
import resource
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time

import servers
from servers import Failed
from tables import run_chatload

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "system"))
from faults import Faults  # noqa: E402

DEADLINE_SECONDS = 20
RECOVERED = (r"event=worker-recovered .*type=\S+ seat=(?P<seat>\d+) "
             r"worker=(?P<worker>\d+) sessions=(?P<sessions>\d+) "
             r"lock=(?P<lock>\S+) ms=(?P<ms>[\d.]+)")


class Log:
    """What a server says, from now on."""

    def __init__(self, server):
        self.server = server
        self.file = open(server.log.name, errors="replace")
        self.file.seek(0, os.SEEK_END)
        self.text = ""

    def wait(self, pattern):
        """The next match, on a line of its own."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            self.text += self.file.read()
            found = re.search(pattern + r".*\n", self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            time.sleep(0.001)
        raise Failed(f"{self.server.name} did not say {pattern}:\n"
                     f"{self.server.tail()}")


class Client:
    """Someone in a room, over either protocol."""

    addresses = 0

    def __init__(self, server, port=None):
        # An address has some 28,000 ports for all servers of this machine.
        Client.addresses = (Client.addresses + 1) % 64
        self.socket = socket.socket()
        self.socket.bind((f"127.0.0.{2 + Client.addresses}", 0))
        self.socket.settimeout(DEADLINE_SECONDS)
        self.socket.connect((server.host, int(port or server.port)))
        self.text = b""

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def join(self, room, name):
        self.say(f"{room}\n{name}")

    def read_until(self, wanted):
        """All that came up to `wanted` and with it."""
        wanted = wanted.encode()
        while wanted not in self.text:
            got = self.socket.recv(65536)
            if not got:
                raise Failed("disconnected")
            self.text += got
        got, self.text = self.text.split(wanted, 1)
        return got + wanted

    def close(self):
        self.socket.close()


class Killed:
    """A server with so many sessions on one worker, which is killed again
    and again, while two of them talk."""

    ROOM = 10  # clients in each

    def __init__(self, table, protocol, sessions):
        self.shmdump = table.bench.shmdump
        self.heading = f"{protocol} {sessions}"
        self.clients = []
        self.ms, self.log_ms, self.repair_ms = [], [], []
        options = ["-w", "1", "--login-timeout=0", "--web=none"]
        options += ["--telnet=none"] if protocol == "line" else [
            f"--telnet={servers.HOST}:0", "--telnet-workers=1",
            "--replay=0"]
        self.kind = servers.Instance(
            "chatmaster", table.bench.chatmaster,
            f"recovery-{protocol}-{sessions}", options)
        self.server = self.kind.start(sessions + 10)
        try:
            self.begin(protocol, sessions)
        except BaseException:
            self.stop()
            raise

    def begin(self, protocol, sessions):
        port = self.server.wait_for(
            rf'\bevent=ready\b.*\b{protocol}="?[0-9.]+:(?P<port>\d+)')["port"]
        kind = "chat" if protocol == "line" else "telnet"
        self.worker = int(self.server.wait_for(
            rf"event=worker-start .*type={kind} .*worker=(?P<pid>\d+)")["pid"])
        for i in range(sessions - 2):
            client = Client(self.server, port)
            client.join(f"room{i // self.ROOM}", f"user{i}")
            self.clients.append(client)
        self.talker, self.reader = pair = [
            Client(self.server, port) for _ in range(2)]
        self.clients += pair
        for client, name in zip(pair, ("talker", "reader")):
            client.join("pair", name)
            client.read_until(f"{name} joined the room!")
        rooms = -(-(sessions - 2) // self.ROOM) + 1
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.kind.status(self.shmdump)["rooms"] < rooms:
            if time.monotonic() > deadline:
                raise Failed(f"{self.heading}: not all have joined")
            time.sleep(0.05)
        self.log = Log(self.server)

    def kill(self):
        line = f"kill {len(self.ms)}"
        began = time.perf_counter()
        os.kill(self.worker, signal.SIGKILL)
        self.talker.say(line)
        self.reader.text = self.reader.socket.recv(65536)
        self.ms.append((time.perf_counter() - began) * 1e3)
        if line not in self.reader.read_until(line).decode():
            raise Failed(f"{self.heading}: {line} was lost")
        found = self.log.wait(RECOVERED)
        self.worker = int(found["worker"])
        self.log_ms.append(float(found["ms"]))
        status = self.kind.status(self.shmdump)
        self.repair_ms.append(status["repair_us_last"] / 1e3)

    def stop(self):
        for client in self.clients:
            client.close()
        self.server.stop()


class Recovery:
    """From the death of a worker until it serves: a line from one client of
    it is read by another."""

    name = "recovery"

    def __init__(self, bench):
        self.bench = bench

    def run(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        print("\nfrom SIGKILL to the first byte served, ms, "
              f"{self.bench.kills} kills: all sessions are that worker's\n"
              f"{'':<18}{'median':>8}{'p99':>8}{'max':>8}"
              f"{'in the log':>12}{'of it repair':>14}", flush=True)
        sizes = self.bench.words("BENCH_RECOVERY", "100 10000")
        for protocol in "line", "telnet":
            killed = []
            try:
                for size in sizes:
                    self.bench.progress(f"{self.name}: {protocol} {size}")
                    killed.append(Killed(self, protocol, int(size)))
                for i in range(self.bench.kills):
                    self.bench.progress(f"{self.name} {protocol}: {i}")
                    for one in killed:
                        one.kill()
            finally:
                self.bench.progress("")
                for one in killed:
                    one.stop()
            for one in killed:
                print(f"{one.heading:<18}"
                      f"{statistics.median(one.ms):>8.1f}"
                      f"{quantile(one.ms, 0.99):>8.1f}{max(one.ms):>8.1f}"
                      f"{statistics.median(one.log_ms):>12.1f}"
                      f"{statistics.median(one.repair_ms):>14.1f}",
                      flush=True)


def quantile(values, q):
    return sorted(values)[min(int(q * len(values)), len(values) - 1)]


class Killer(threading.Thread):
    """Kills worker 0 about every 100 ms until it is told to stop."""

    def __init__(self, town, holding):
        super().__init__(daemon=True)
        self.town = town
        self.holding = holding  # the lock, when it dies
        self.log = Log(town.server)
        self.done = threading.Event()
        self.kills = 0
        self.failure = None
        self.random = random.Random(1)

    def run(self):
        try:
            while not self.done.wait(self.random.uniform(0.08, 0.12)):
                self.kill()
        except (Failed, OSError) as failure:
            self.failure = failure

    def kill(self):
        if self.holding:
            self.town.faults.arm("lock.acquired", "die", seat=0)
            self.town.victims[0].say("now")
        else:
            os.kill(self.town.worker, signal.SIGKILL)
        found = self.log.wait(RECOVERED)
        if found["seat"] != "0" or (
                self.holding and found["lock"] != "released"):
            raise Failed(f"not the death that was wanted: {found[0]}")
        if int(found["sessions"]) != len(self.town.victims):
            raise Failed(f"others were on that worker too: {found[0]}")
        self.town.worker = int(found["worker"])
        self.kills += 1

    def stop(self):
        self.done.set()
        self.join()
        if self.failure:
            raise self.failure


class Town:
    """A server of two workers.  All rooms that chatload will use are at home
    at worker 1; worker 0 has victims of our own."""

    ROOMS = 10
    MEMBERS = 10
    TAG = "p"

    def __init__(self, bench, scratch):
        self.bench = bench
        path = os.path.join(scratch, "faults")
        self.faults = Faults(path)
        self.kind = servers.Instance(
            "chatmaster", bench.faults, "pause",
            ["-w", "2", "--telnet=none", "--web=none"], ["env", f"CHATMASTER_FAULTS={path}"])
        self.server = self.kind.start(0)
        self.worker = int(self.server.wait_for(
            r"event=worker-start .*seat=0 worker=(?P<pid>\d+)")["pid"])
        self.victims, self.keepers = [], []
        try:
            self.settle()
        except BaseException:
            self.stop()
            raise

    def settle(self):
        while len(self.keepers) < self.ROOMS or len(self.victims) < 2:
            client = Client(self.server)
            if self.worker_of(client) == 0:
                self.victims.append(client)
                client.join("victims", f"victim{len(self.victims)}")
            else:
                client.join(f"{self.TAG}{len(self.keepers):04x}",
                            f"keeper{len(self.keepers)}")
                self.keepers.append(client)
            client.read_until("joined the room!")

    def worker_of(self, client):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            for session in self.kind.view(self.bench.shmdump, "sessions"):
                if session["port"] == client.port:
                    return session["worker"]
        raise Failed("a client that no worker has")

    def run(self, killing):
        """Figures of chatload, and how many kills there were."""
        killer = killing is not None and Killer(self, killing == "holding")
        load = Load(self.bench, self.server, {
            "rooms": self.ROOMS, "members": self.MEMBERS, "tag": self.TAG,
            "rate": self.bench.rate / (self.MEMBERS - 1),
            "seconds": 2 * self.bench.seconds})
        load.start()
        try:
            self.wait_sessions(self.ROOMS * (self.MEMBERS + 1))
            if killer:
                killer.start()
        finally:
            load.join()
            if killer and killer.is_alive():
                killer.stop()
        if load.failure:
            raise load.failure
        self.wait_sessions(self.ROOMS, at_most=True)
        return load.figures, killer.kills if killer else 0

    def wait_sessions(self, count, at_most=False):
        """Of worker 1, which has all of chatload's at last."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            sessions = self.kind.view(
                self.bench.shmdump, "workers")[1]["sessions"]
            if sessions <= count if at_most else sessions >= count:
                return
            time.sleep(0.02)
        raise Failed(f"{count} sessions of worker 1: {self.server.tail()}")

    def stop(self):
        for client in self.victims + self.keepers:
            client.close()
        self.server.stop()


class Load(threading.Thread):
    """A run of chatload, beside what we do meanwhile."""

    def __init__(self, bench, server, options):
        super().__init__(daemon=True)
        self.arguments = bench.chatload, server, {
            "warmup": 1, "size": bench.size, **options}, 60
        self.figures = self.failure = None

    def run(self):
        try:
            self.figures = run_chatload(*self.arguments)
        except Failed as failure:
            self.failure = failure


class Pause:
    """What clients of one worker notice when another dies."""

    name = "pause"
    CASES = {"undisturbed": None, "killed": "anywhere",
             "killed with the lock": "holding"}
    KEYS = "p50", "p99", "p999", "max"

    def __init__(self, bench):
        self.bench = bench

    def run(self):
        if not os.access(self.bench.faults, os.X_OK):
            self.bench.notes.append(
                f"left out: pause, {self.bench.faults} is missing "
                "(make VARIANT=faults)")
            return
        print(f"\nlatency in us at {self.bench.rate} deliveries a second "
              "among clients of one worker, while another\n"
              f"{'':<24}" + "".join(f"{key:>10}" for key in self.KEYS)
              + f"{'p99 above':>12}{'kills':>8}", flush=True)
        runs = {case: [] for case in self.CASES}
        kills = dict.fromkeys(self.CASES, 0)
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            town = Town(self.bench, scratch)
            try:
                for i in range(self.bench.rounds):
                    for case, killing in self.CASES.items():
                        self.bench.progress(f"{self.name}: {case}, "
                                            f"round {i + 1}")
                        figures, n = town.run(killing)
                        runs[case].append(figures)
                        kills[case] += n
            finally:
                self.bench.progress("")
                town.stop()
        for case in self.CASES:
            self.print_row(case, runs, kills[case])

    def print_row(self, case, runs, kills):
        line = f"{case:<24}"
        for key in self.KEYS:
            figures = [run[f"latency_{key}_us"] for run in runs[case]]
            line += f"{statistics.median(figures):>10.0f}"
        # Of the same round: what the machine does meanwhile meets both.
        above = statistics.median(
            run["latency_p99_us"] - quiet["latency_p99_us"]
            for run, quiet in zip(runs[case], runs["undisturbed"]))
        print(line + f"{above:>12.0f}{kills:>8}", flush=True)


TABLES = [Recovery, Pause]
