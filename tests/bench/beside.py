# SPDX-License-Identifier: MIT
"""Tables of what another protocol costs beside the line protocol of the same
server, with a worker for each: both have their turns in each round."""
import re
import statistics

import servers
from servers import Failed
from tables import COLUMN, Table, cell, short

CLIENTS = 10000  # those of the round before may still be leaving


def port_of(server, listener):
    """Where the server said that it listens, too."""
    found = re.search(rf'\bevent=ready\b.*\b{listener}="?[^ "]*:(\d+)',
                      server.output())
    if not found:
        raise Failed(f"no {listener} port:\n{server.tail()}")
    return found[1]


class Beside(Table):
    """Columns are `protocols` of the listener."""

    listener = None
    protocols = ()

    def __init__(self, bench):
        super().__init__(bench)
        self.kind = servers.Instance(
            "chatmaster", bench.chatmaster, self.name,
            ["-w", "1", f"--{self.listener}-workers=1", "--replay=0",
             f"--{self.listener}={servers.HOST}:0"])

    def line_options(self, case):
        return self.options(case, self.kind)

    def protocol(self, case, heading):
        """The name that chatload has for it."""
        raise NotImplementedError

    def run(self):
        head = "".join(f"{name:>{COLUMN}}" for name in self.protocols)
        print(f"\n{self.title}\n{'':<18}{'line':>8}{head}", flush=True)
        for case in self.cases():
            line, *others = self.run_turns(case)
            cells = "".join(f"{cell(line, of):>{COLUMN}}" for of in others)
            print(f"{case:<18}{short(statistics.median(line)):>8}{cells}",
                  flush=True)

    def run_turns(self, case):
        """The figures of the line protocol's rounds, and of the others'."""
        server = self.kind.start(CLIENTS)
        try:
            port = port_of(server, self.listener)
            turns = [self.line_options(case)]
            for heading in self.protocols:
                turns.append({**self.options(case, self.kind), "port": port,
                              "protocol": self.protocol(case, heading)})
            runs = [[] for _ in turns]
            for i in range(self.rounds):
                self.bench.progress(f"{self.name} {case}: round {i + 1}")
                for of, options in zip(runs, turns):
                    of.append(self.bench.load(server, options)
                              ["deliveries_per_cpu_s"])
        finally:
            self.bench.progress("")
            server.stop()
        return runs
