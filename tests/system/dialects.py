# SPDX-License-Identifier: MIT
"""The same user by the line protocol, by telnet, or reading JSON."""
from lib import JOINED
from objects import FORMAT_JSON, as_text, parse
from telnet import GREETING, NAME, ROOM, reads

DIALECTS = ("line", "telnet", "json")
TYPES = {"line": "chat", "telnet": "telnet", "json": "chat"}  # of workers


def mixed(t, **options):
    """A server with two workers of each type."""
    options.setdefault("workers", 2)
    options.setdefault("telnet_workers", 2)
    options.setdefault("telnet", "127.0.0.1:0")
    options.setdefault("replay", 0)
    return t.server(**options)


class User:
    """A connection that has said room and name; its lines are those that a
    text client reads, whatever it reads itself."""

    def __init__(self, server, dialect, room, name, **options):
        self.server = server
        self.dialect = dialect
        self.name = name
        if dialect == "telnet":
            self.client = server.telnet(**options)
        else:
            self.client = server.connect(**options)
        self.say(room, name)
        if dialect == "json":
            self.say("/format json")

    def greeted(self):
        """It reads what it is asked, before it has joined."""
        if self.dialect == "telnet":
            reads(self.client, GREETING + ROOM + NAME)
        return self

    def welcomed(self):
        """It reads that it has joined, and nothing else but its format."""
        self.greeted()
        self.expect(JOINED % self.name)
        if self.dialect == "json":
            self.expect("*** " + FORMAT_JSON)
        return self

    @property
    def end(self):
        return "\r\n" if self.dialect == "telnet" else "\n"

    def say(self, *lines):
        self.client.send_bytes("".join(x + self.end for x in lines).encode())

    def line(self):
        """The next one, as text; None at the end."""
        line = self.client.line()
        if line is None:
            return None
        if self.dialect == "telnet":
            assert line.endswith("\r"), f"no CR at the end of {line!r}"
            return line[:-1]
        return as_text(parse(line)) if line.startswith("{") else line

    def expect(self, *lines):
        for line in lines:
            got = self.line()
            assert got == line, f"{self.dialect}: {got!r}, not {line!r}"

    def until(self, last):
        """All lines before that one, which is taken too."""
        lines = []
        while True:
            line = self.line()
            assert line is not None, f"the end, and no {last!r}"
            if line == last:
                return lines
            lines.append(line)

    @property
    def seat(self):
        return self.server.session(self.name)["worker"]


def users(server, dialect, room, *names):
    """Users in a new room, who have read each other's joining."""
    found = []
    for name in names:
        found.append(User(server, dialect, room, name).welcomed())
        for user in found[:-1]:
            user.expect(JOINED % name)
    return found
