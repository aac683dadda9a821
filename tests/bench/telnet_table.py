# SPDX-License-Identifier: MIT
"""What telnet costs beside the line protocol, of the same server."""
import re
import statistics
import sys

import servers
from servers import Failed
from tables import COLUMN, Table, cell, short

CLIENTS = 10000  # those of the round before may still be leaving
CASE = re.compile(r"(?P<rooms>\d+)x(?P<members>\d+)"
                  r"(w(?P<window>\d+)|r(?P<rate>\d+)"
                  r"(t(?P<typed>\d+))?(k(?P<typists>\d+))?)")


class Telnet(Table):
    """Rows are cases: with a window in line mode, with a rate in edit mode,
    `t` for so many keys typed in front of all who listen, `k` for so many
    members of a room who go on typing.  A case has its turn over the line
    protocol and over telnet in each round, at one server with a worker for
    each."""

    name = "telnet"
    title = ("deliveries per server CPU second: median, ratio to the line "
             "protocol (spread)")

    def __init__(self, bench):
        super().__init__(bench)
        self.kind = servers.Instance(
            "chatmaster", bench.chatmaster, "telnet",
            ["-w", "1", "--telnet-workers=1", "--replay=0",
             f"--telnet={servers.HOST}:0",
             "--web=none"])

    def cases(self):
        return self.bench.words(
            "BENCH_TELNET", "1x100w1 1x100w64 1x1000w1 100x10w64 "
            "1x100r200 1x100r200t20 1x100r200t20k10")

    def options(self, case, kind):
        found = CASE.fullmatch(case)
        if not found:
            sys.exit(f"bench: {case}: no case, as 1x100w64 or 1x100r200t20k10 "
                     "are")
        options = {key: value for key, value in found.groupdict().items()
                   if value}
        if "rate" in options:
            options["seconds"] = 2 * self.bench.seconds
        return options

    def telnet_options(self, case, port):
        options = self.options(case, self.kind)
        edits = "rate" in options
        return {**options, "port": port,
                "protocol": "telnet-edit" if edits else "telnet"}

    def line_options(self, case):
        return {key: value for key, value in
                self.options(case, self.kind).items()
                if key not in ("typed", "typists")}

    def run(self):
        print(f"\n{self.title}\n{'':<18}{'line':>8}{'telnet':>{COLUMN}}",
              flush=True)
        for case in self.cases():
            self.print_case(case, *self.run_pairs(case))

    def run_pairs(self, case):
        """The figures of the line protocol's rounds, and of telnet's."""
        runs = [], []
        server = self.kind.start(CLIENTS)
        try:
            found = re.search(r'\bevent=ready\b.*\btelnet="?[^ "]*:(\d+)',
                              server.output())
            if not found:
                raise Failed(f"no telnet port:\n{server.tail()}")
            turns = self.line_options(case), \
                self.telnet_options(case, found[1])
            for i in range(self.rounds):
                self.bench.progress(f"{self.name} {case}: round {i + 1}")
                for of, options in zip(runs, turns):
                    of.append(self.bench.load(server, options)
                              ["deliveries_per_cpu_s"])
        finally:
            self.bench.progress("")
            server.stop()
        return runs

    @staticmethod
    def print_case(case, line, telnet):
        print(f"{case:<18}{short(statistics.median(line)):>8}"
              f"{cell(line, telnet):>{COLUMN}}", flush=True)


TABLES = [Telnet]
