# SPDX-License-Identifier: MIT
"""The tables about what it costs that a worker may die: counts, which a busy
machine changes little.  Each is the difference of two runs, one of which has
more messages, so that starting, joining and stopping are none of it."""
import glob
import os
import re
import shutil
import statistics
import tempfile
import time

import servers
from servers import Failed
from tables import run_chatload

LIMIT_SECONDS = 90  # of a run; what counts is slow
TIMES = 4           # as many messages in the run that has more

SYSCALLS = {
    "send": ("sendto", "sendmsg", "sendmmsg", "writev"),
    "receive": ("recvfrom", "recvmsg", "read"),
    "epoll_wait": ("epoll_wait", "epoll_pwait"),
}


class Counted(servers.Bare):
    """The bare loop, counted by what its command is put behind."""

    def __init__(self, name, program, prefix):
        super().__init__(program)
        self.name = name
        self.prefix = prefix

    def start(self, clients):
        return servers.Server(self, [*self.prefix, self.program,
                                     "--port", "0"],
                              r"^port=(?P<port>\d+)$")


class CountTable:
    """Rows are cases; columns are the bare loop, chatmaster with one worker,
    and chatmaster without its notes."""

    tool = package = None
    cases = {}  # and how many messages

    def __init__(self, bench):
        self.bench = bench

    def prefix(self, scratch):
        """Of a server's command."""
        raise NotImplementedError

    def figures(self, scratch):
        """Of a server that has ended: a dictionary."""
        raise NotImplementedError

    def kinds(self, scratch):
        prefix = self.prefix(scratch)
        options = ["-w", "1", "--telnet=none", "--web=none",
                   "--watchdog=0"]
        return [
            Counted("bare", self.bench.bare, prefix),
            servers.Instance("chatmaster", self.bench.chatmaster, "counted",
                             options, prefix),
            servers.Instance("without notes", self.bench.without, "counted",
                             options, prefix),
        ]

    def run(self):
        missing = [path for path in [self.bench.without]
                   if not os.access(path, os.X_OK)]
        if shutil.which(self.tool) is None:
            missing = [f"{self.tool} (package {self.package})"]
        if missing:
            self.bench.notes.append(
                f"left out: {self.name}, without {missing[0]}")
            return
        self.print_head()
        for case, messages in self.cases.items():
            runs = {}
            for i in range(self.bench.counts):
                with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
                    for kind in self.kinds(scratch):
                        self.bench.progress(f"{self.name} {case}: "
                                            f"{kind.name}, round {i + 1}")
                        runs.setdefault(kind.name, []).append(
                            self.run_kind(case, kind, messages, scratch))
            self.bench.progress("")
            self.print_case(case, runs)

    def run_kind(self, case, kind, messages, scratch):
        """What the messages cost that one run has more than the other, for
        each of them."""
        few = self.run_once(case, kind, messages, scratch)
        many = self.run_once(case, kind, TIMES * messages, scratch)
        more = (TIMES - 1) * messages
        return {key: (many.get(key, 0) - few.get(key, 0)) / more
                for key in set(many) | set(few)}

    def run_once(self, case, kind, messages, scratch):
        rooms, members, window = re.fullmatch(
            r"(\d+)x(\d+)w(\d+)", case).groups()
        for path in glob.glob(f"{scratch}/*"):
            os.unlink(path)
        server = kind.start(int(rooms) * int(members))
        try:
            run_chatload(self.bench.chatload, server, {
                "rooms": rooms, "members": members, "window": window,
                "size": self.bench.size, "messages": messages,
                "seconds": LIMIT_SECONDS}, LIMIT_SECONDS)
        finally:
            server.stop()
        return self.figures(scratch)


class Instructions(CountTable):
    name = "instructions"
    tool = package = "valgrind"
    cases = {"1x100w1": 2000, "1x100w64": 10000,
             "1000x2w1": 10000, "1000x2w64": 100000}

    # A processor counts "rep stosb" once, valgrind counts each of its bytes.
    NO_REP = ":".join(f"glibc.cpu.x86_rep_{op}_threshold=1000000000"
                      for op in ("movsb", "stosb"))

    def prefix(self, scratch):
        return ["env", f"GLIBC_TUNABLES={self.NO_REP}",
                "valgrind", "-q", "--tool=callgrind",
                f"--callgrind-out-file={scratch}/out.%p"]

    def figures(self, scratch):
        total = 0
        for path in glob.glob(f"{scratch}/out.*"):
            with open(path, errors="replace") as out:
                found = re.search(r"^totals: (\d+)", out.read(), re.M)
            total += int(found[1]) if found else 0
        return {"instructions": total}

    def print_head(self):
        print("\ninstructions per delivery, without those of the kernel "
              "(callgrind)\n"
              f"{'':<18}{'bare':>10}{'chatmaster':>12}{'without notes':>15}"
              f"{'the notes':>12}", flush=True)

    def print_case(self, case, runs):
        deliveries = int(re.search(r"x(\d+)", case)[1]) - 1
        per = {name: [run["instructions"] / deliveries for run in of]
               for name, of in runs.items()}
        median = {name: statistics.median(of) for name, of in per.items()}
        share = median["chatmaster"] / median["without notes"] - 1
        print(f"{case:<18}{median['bare']:>10.1f}{median['chatmaster']:>12.1f}"
              f"{median['without notes']:>15.1f}{share:>+12.1%}", flush=True)


class Syscalls(CountTable):
    name = "syscalls"
    tool = package = "strace"
    cases = {"1x100w1": 300, "1x100w64": 10000, "1000x2w64": 200000}

    def prefix(self, scratch):
        return ["strace", "-D", "-f", "-qq", "-c", "-U", "calls,name",
                "-o", f"{scratch}/calls"]

    def figures(self, scratch):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with open(f"{scratch}/calls") as calls:
                    text = calls.read()
            except FileNotFoundError:
                text = ""
            if re.search(r"\btotal$", text, re.M):
                break
            time.sleep(0.01)
        else:
            raise Failed(f"strace says nothing: {text}")
        found = {}
        for calls, name in re.findall(r"^\s*(\d+)\s+(\w+)$", text, re.M):
            key = next((key for key, names in SYSCALLS.items()
                        if name in names), "others")
            if name != "total":
                found[key] = found.get(key, 0) + int(calls)
                found["all"] = found.get("all", 0) + int(calls)
        return found

    def print_head(self):
        print("\nsystem calls per message (strace)\n"
              f"{'':<24}{'bare':>10}{'chatmaster':>12}"
              f"{'without notes':>15}", flush=True)

    def print_case(self, case, runs):
        for key in [*SYSCALLS, "others", "all"]:
            line = f"{case + ' ' + key:<24}"
            for of, width in zip(runs.values(), (10, 12, 15)):
                median = statistics.median(run.get(key, 0) for run in of)
                line += f"{max(median, 0):>{width}.2f}"
            print(line, flush=True)


TABLES = [Instructions, Syscalls]
