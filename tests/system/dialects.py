# SPDX-License-Identifier: MIT
"""The same user by the line protocol, by telnet, reading JSON, or by
WebSocket, with lines or with JSON."""
from lib import JOINED
from objects import FORMAT_JSON, as_text, parse
from telnet import GREETING, NAME, ROOM, reads
from websocket import CLOSE, CONTINUATION, PING, TEXT, WebSocket

DIALECTS = ("line", "telnet", "json", "web", "web-json")
TYPES = {"line": "chat", "telnet": "telnet", "json": "chat",
         "web": "web", "web-json": "web"}  # of workers


def mixed(t, **options):
    """A server with two workers of each type."""
    options.setdefault("workers", 2)
    options.setdefault("telnet_workers", 2)
    options.setdefault("telnet", "127.0.0.1:0")
    options.setdefault("web_workers", 2)
    options.setdefault("web", "127.0.0.1:0")
    options.setdefault("replay", 0)
    return t.server(**options)


class Stream:
    """A WebSocket that takes lines as they come, be they whole or not: bytes
    that don't end a line are a frame of a message that goes on."""

    def __init__(self, server, protocol, **options):
        self.protocol = protocol
        self.ws = WebSocket(("127.0.0.1", server.web_port), **options)
        server.context.peers.append(self.ws)
        self.key = self.ws.send_handshake(protocols=[protocol])
        self.early = []  # what is to be sent as soon as it may
        self.within = False

    def open(self):
        if self.key is not None:
            self.ws.expect_upgrade(self.key, [self.protocol])
            self.key = None
            for data in self.early:
                self.send_bytes(data)

    def send_bytes(self, data):
        if self.key is not None:
            self.early.append(data)
            return
        whole = data.endswith(b"\n")
        self.ws.send_frame(data, CONTINUATION if self.within else TEXT,
                           fin=whole)
        self.within = not whole

    def half_close(self):
        self.ws.half_close()

    def close(self):
        self.ws.close()

    def line(self):
        """The next message; None at the end, be it by a close frame."""
        while True:
            frame = self.ws.frame()
            if frame is None or frame.opcode == CLOSE:
                return None
            if frame.opcode == PING:
                self.ws.pong(frame.payload)
                continue
            assert frame.opcode == TEXT and frame.fin, frame
            return frame.payload.decode()


class User:
    """A connection that has said room and name; its lines are those that a
    text client reads, whatever it reads itself.  With greeted=False a
    WebSocket's client doesn't wait until it may speak: greeted() does."""

    def __init__(self, server, dialect, room, name, greeted=True, **options):
        self.server = server
        self.dialect = dialect
        self.name = name
        if dialect == "telnet":
            self.client = server.telnet(**options)
        elif dialect in ("web", "web-json"):
            self.client = Stream(
                server, "chat.text" if dialect == "web" else "chat.json",
                **options)
            if greeted:
                self.client.open()
        else:
            self.client = server.connect(**options)
        self.say(room, name)
        if dialect == "json":
            self.say("/format json")

    def greeted(self):
        """It reads what it is asked, before it has joined."""
        if self.dialect == "telnet":
            reads(self.client, GREETING + ROOM + NAME)
        elif TYPES[self.dialect] == "web":
            self.client.open()
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
