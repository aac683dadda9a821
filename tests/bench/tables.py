# SPDX-License-Identifier: MIT
"""The tables: what is run, and how its figures are set."""
import re
import statistics
import subprocess
import sys

from servers import Failed

WARMUP_SECONDS = 0.3
OTHERS_ROUNDS = 2  # of somebody else's server; ours has all of them
COLUMN = 25        # of one server


class Table:
    """Rows are cases, columns are servers; a cell holds the median of the
    figures, its ratio to that of the bare loop, and the least and greatest
    ratio of a round.  In each round all servers have their turn, so that
    what the machine does meanwhile meets them all."""

    name = title = None
    others_rounds = OTHERS_ROUNDS

    def __init__(self, bench):
        self.bench = bench
        self.rounds = bench.rounds

    def cases(self):
        raise NotImplementedError

    def rows(self, case):
        """Of each line that a case has: its heading and its figure's key."""
        raise NotImplementedError

    def options(self, case, kind):
        """For chatload."""
        raise NotImplementedError

    def clients(self, _case):
        """That a server must be able to take, 0: as many as ever."""
        return 0

    def run(self):
        head = "".join(f"{kind.name:>{COLUMN}}"
                       for kind in self.bench.kinds[1:])
        print(f"\n{self.title}\n{'':<18}{'bare':>8}{head}", flush=True)
        for case in self.cases():
            runs = self.run_case(case)
            for heading, key in self.rows(case):
                self.print_row(heading, key, runs)

    def run_case(self, case):
        """Of each kind of server the figures of its rounds."""
        runs = {kind.name: [] for kind in self.bench.kinds}
        servers = {}
        try:
            for kind in self.bench.kinds:
                if kind.ours:
                    servers[kind.name] = kind.start(self.clients(case))
            for i in range(self.rounds):
                for kind in self.bench.kinds:
                    self.bench.progress(f"{self.name} {case}: {kind.name}, "
                                        f"round {i + 1}")
                    self.run_once(case, kind, servers.get(kind.name),
                                  runs[kind.name], i)
        finally:
            self.bench.progress("")
            for server in servers.values():
                server.stop()
        return runs

    def run_once(self, case, kind, server, runs, i):
        options = self.options(case, kind)
        if kind.ours:
            runs.append(self.bench.load(server, options))
            return
        if i >= self.others_rounds or len(runs) < i:
            return  # it has had its turns, or could not do it
        clients = int(options["rooms"]) * int(options["members"])
        if kind.clients_max and clients > kind.clients_max:
            return
        try:
            server = kind.start(self.clients(case))
            try:
                runs.append(self.bench.load(server, options))
            finally:
                server.stop()
        except Failed as failure:
            self.bench.notes.append(
                f"{kind.name}, {self.name} {case}: {failure.reason()}")

    def print_row(self, heading, key, runs):
        figures = {name: [run[key] for run in of if key in run]
                   for name, of in runs.items()}
        bare = figures["bare"]
        line = f"{heading:<18}{short(statistics.median(bare)):>8}"
        for kind in self.bench.kinds[1:]:
            line += f"{cell(bare, figures[kind.name]):>{COLUMN}}"
        print(line, flush=True)


def cell(bare, figures):
    ratios = [b / a for a, b in zip(bare, figures) if a > 0]
    if not ratios:
        return "-"
    median = statistics.median(figures)
    ratio = median / statistics.median(bare)
    return f"{short(median)} {times(ratio)} " \
        f"({times(min(ratios))}-{times(max(ratios))})"


def times(ratio):
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:.0f}"


def short(x):
    """Three digits and a unit."""
    for unit in "", "k", "M", "G":
        if abs(x) < 999.5:
            break
        x /= 1000
    digits = 0 if unit == "" or abs(x) >= 99.5 else 1
    return f"{x:.{digits}f}{unit}"


class Throughput(Table):
    name = "throughput"
    title = "deliveries per server CPU second: median, ratio to bare (spread)"

    def cases(self):
        return self.bench.words(
            "BENCH_CASES",
            "1x100w1 1x100w64 1x1000p4w1 1x1000p4w64 "
            "100x10w1 100x10w64 1000x2w1 1000x2w64")

    def rows(self, case):
        return [(case, "deliveries_per_cpu_s")]

    def options(self, case, kind):
        return throughput_options(case)


class Latency(Table):
    name = "latency"

    @property
    def title(self):
        return (f"latency in us at {self.bench.rate} deliveries a second: "
                "median, ratio to bare (spread)")

    def cases(self):
        return self.bench.words("BENCH_LATENCY", "1x100 1000x2")

    def rows(self, case):
        return [(f"{case} {q}", f"latency_{q}_us") for q in ("p50", "p99")]

    def options(self, case, kind):
        rooms, members = sizes(case)
        return {"rooms": rooms, "members": members,
                "rate": self.bench.rate / (int(members) - 1),
                "seconds": 1.5 * self.bench.seconds}


class Joins(Table):
    """BENCH_JOINS: rooms x members at once; each stays only until it has
    read its own join."""

    name = "joins"
    title = ("connect, join, leave: such clients per server CPU second: "
             "median, ratio to bare (spread)")

    def cases(self):
        return self.bench.words("BENCH_JOINS", "100x1 20x10")

    def rows(self, case):
        return [(case, "joins_per_cpu_s")]

    def options(self, case, kind):
        rooms, members = sizes(case)
        return {"mode": "connect", "rooms": rooms, "members": members}


class Crowd(Table):
    """The same joins without the leaving, and one room that talks among
    others that don't."""

    name = "crowd"
    others_rounds = 1
    MEMBERS = 10

    def __init__(self, bench):
        super().__init__(bench)
        self.rounds = min(bench.rounds, 2)

    @property
    def title(self):
        return (f"{self.bench.clients} clients connect, join and stay; one "
                "room talks, alone or among them")

    def cases(self):
        return ["alone", "among"]

    def rows(self, case):
        rows = [(f"talk {case}", "deliveries_per_cpu_s")]
        if case == "among":
            rows.insert(0, ("joins per CPU s", "joins_per_cpu_s"))
            rows.append(("private B/client", "private_per_client"))
        return rows

    def clients(self, case):
        return self.bench.clients if case == "among" else 0

    def options(self, case, kind):
        rooms = 1 if case == "alone" else self.bench.clients // self.MEMBERS
        return {"mode": "idle", "rooms": rooms, "members": self.MEMBERS,
                "talking": 1}


class Segment(Table):
    """What chatmaster's shared memory is for each client it may have."""

    name = "segment"

    def run(self):
        print("\nbytes of shared memory, without the ring, for each of "
              f"max-clients = {self.bench.clients}")
        for kind in self.bench.kinds:
            if not hasattr(kind, "segment"):
                continue
            server = kind.start(self.bench.clients)
            try:
                size, ring = kind.segment(self.bench.shmdump)
            finally:
                server.stop()
            print(f"{kind.name:<18}{(size - ring) / self.bench.clients:>8.0f}"
                  f"   ({size:,} in all, {ring:,} of them the ring)",
                  flush=True)


class Ask(Table):
    """Latency of those who talk while others ask for long replies as fast as
    they can.  Nobody else has the commands: no ratio."""

    name = "ask"
    ASKERS = 1000
    ROOMS = 50

    def run(self):
        print(f"\nlatency in us at {self.bench.rate} deliveries a second in "
              f"{self.ROOMS} rooms\n{'':<36}{'p50':>8}{'p99':>8}{'max':>8}",
              flush=True)
        for kind in self.bench.kinds:
            if not hasattr(kind, "segment"):
                continue
            server = kind.start(0)
            try:
                self.print_run(kind.name, self.talk(server))
                with Asking(self.bench.chatload, server, self.ROOMS,
                            self.ASKERS // self.ROOMS):
                    kind.wait_sessions(self.bench.shmdump, self.ASKERS)
                    self.print_run(f"{kind.name}, {self.ASKERS} ask",
                                   self.talk(server))
            finally:
                self.bench.progress("")
                server.stop()

    def talk(self, server):
        self.bench.progress(f"{self.name}: {server.name}")
        return self.bench.load(server, {
            "rooms": self.ROOMS, "members": 5, "rate": self.bench.rate / 4})

    @staticmethod
    def print_run(heading, figures):
        cells = "".join(f"{short(figures[f'latency_{q}_us']):>8}"
                        for q in ("p50", "p99", "max"))
        print(f"{heading:<36}{cells}", flush=True)


class Asking:
    """While this is entered, clients ask."""

    def __init__(self, chatload, server, rooms, members):
        self.process = subprocess.Popen(
            [chatload, "--mode", "ask", "--host", server.host,
             "--port", server.port, "--rooms", str(rooms),
             "--members", str(members), "--seconds", "100"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        said = self.process.communicate()[0]
        if self.process.returncode != 0 or "answered=0" in said:
            raise Failed(f"chatload --mode ask: {said}")


TABLES = [Throughput, Latency, Joins, Crowd, Segment, Ask]


def throughput_options(case):
    found = re.fullmatch(r"(\d+)x(\d+)(?:p(\d+))?w(\d+)", case)
    if not found:
        sys.exit(f"bench: {case}: no case, as 1x100w64 or 1x1000p4w1 are")
    rooms, members, publishers, window = found.groups()
    return {"rooms": rooms, "members": members,
            "publishers": publishers or "1", "window": window}


def sizes(case):
    found = re.fullmatch(r"(\d+)x(\d+)", case)
    if not found:
        sys.exit(f"bench: {case}: no case, as 100x10 is")
    return found.groups()


def run_chatload(program, server, options, limit):
    """Its figures; Failed if it does not come to its end, or has lost or
    reordered a message."""
    command = [program, "--host", server.host, "--port", server.port,
               "--protocol", server.kind.protocol, "--pid", str(server.pid)]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    try:
        done = subprocess.run(command, text=True, capture_output=True,
                              timeout=limit)
        said, failed = done.stdout + done.stderr, done.returncode != 0
    except subprocess.TimeoutExpired:
        said, failed = f"no end after {limit:.0f} s", True
    if failed:
        raise Failed(f"{' '.join(command)}\n{said}\n"
                     f"{server.name}'s last words:\n{server.tail()}", said)
    return {key: float(value) for key, value in
            (pair.split("=", 1) for pair in done.stdout.split())}
