# SPDX-License-Identifier: MIT
"""What telnet costs beside the line protocol, of the same server."""
import re
import sys

from beside import Beside

CASE = re.compile(r"(?P<rooms>\d+)x(?P<members>\d+)"
                  r"(w(?P<window>\d+)|r(?P<rate>\d+)"
                  r"(t(?P<typed>\d+))?(k(?P<typists>\d+))?)")


class Telnet(Beside):
    """Rows are cases: with a window in line mode, with a rate in edit mode,
    `t` for so many keys typed in front of all who listen, `k` for so many
    members of a room who go on typing."""

    name = listener = "telnet"
    title = ("deliveries per server CPU second: median, ratio to the line "
             "protocol (spread)")
    protocols = ("telnet",)

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

    def line_options(self, case):
        return {key: value for key, value in
                self.options(case, self.kind).items()
                if key not in ("typed", "typists")}

    def protocol(self, case, heading):
        edits = "rate" in self.options(case, self.kind)
        return "telnet-edit" if edits else "telnet"


TABLES = [Telnet]
