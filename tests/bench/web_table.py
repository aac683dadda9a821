# SPDX-License-Identifier: MIT
"""What WebSocket costs beside the line protocol, of the same server."""
from beside import Beside, port_of
from servers import Failed
from tables import short, throughput_options

PROTOCOLS = {"chat.text": "ws", "chat.json": "ws-json"}


class Web(Beside):
    """Rows are cases as those of the throughput table.  JSON has twice the
    bytes, and is there for comparison."""

    name = listener = "web"
    title = ("deliveries per server CPU second over WebSocket: median, ratio "
             "to the line protocol (spread)")
    protocols = tuple(PROTOCOLS)

    def cases(self):
        return self.bench.words(
            "BENCH_WEB", "1x100p4w1 1x100p4w64 1x1000p4w1 1x1000p4w64")

    def options(self, case, kind):
        return throughput_options(case)

    def protocol(self, case, heading):
        return PROTOCOLS[heading]


class WebIdle(Web):
    """Memory of those who are there and say nothing."""

    name = "web-idle"
    title = "bytes of memory for each client that is silent"
    MEMBERS = 10

    def run(self):
        members = self.MEMBERS
        rooms = self.bench.clients // members
        print(f"\n{self.title}\n{'':<18}{'private':>8}{'shared':>8}",
              flush=True)
        for heading, protocol in {"line": "line", **PROTOCOLS}.items():
            server = self.kind.start(self.bench.clients)
            try:
                size, ring = self.kind.segment(self.bench.shmdump)
                options = {"mode": "idle", "rooms": rooms,
                           "members": members, "protocol": protocol}
                if protocol != "line":
                    options["port"] = port_of(server, self.listener)
                self.bench.progress(f"idle clients: {heading}")
                figures = self.bench.load(server, options)
            finally:
                self.bench.progress("")
                server.stop()
            if "private_per_client" not in figures:
                raise Failed(f"{heading}: no memory in the figures")
            share = (size - ring) / self.bench.clients
            print(f"{heading:<18}"
                  f"{short(figures['private_per_client']):>8}"
                  f"{short(share):>8}", flush=True)


TABLES = [Web, WebIdle]
