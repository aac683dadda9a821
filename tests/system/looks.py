# SPDX-License-Identifier: MIT
"""A telnet client that negotiates by itself, and reads rows."""
import re
import time
import unicodedata

from lib import JOINED
from peers import DEADLINE, Client
from telnet import (DO, DONT, GREETING, IAC, NAME, NAWS, ROOM, SB, SE,
                    TIMING_MARK, TTYPE, WILL, WONT)

CHARSET = b"\x2a"
PROMPTED = b"\xef", b"\xf9"  # EOR, GA
OPTION = re.compile(rb"\xff[\xfb-\xfe](.)", re.S)
SUB = re.compile(rb"\xff\xfa(.)((?:[^\xff]|\xff\xff)*)\xff\xf0", re.S)
SGR = re.compile(r"\x1b\[[0-9;]*m")


class Window(Client):
    """It says what its terminal is, how wide, and which character set it has,
    edits its lines itself, and reads only the text."""

    def __init__(self, server, ttype="XTERM", width=None, charset=None,
                 **options):
        super().__init__(("127.0.0.1", server.telnet_port), **options)
        server.context.peers.append(self)
        self.server = server
        self.ttype = ttype
        self.width = width
        self.charset = charset
        self.wire = b""  # read, not looked at yet
        self.marks = 0
        self.named = 0
        self.requested = charset is None
        self.socket.sendall(WILL + TTYPE)

    def fill(self, deadline):
        text, self.data = self.data, b""
        super().fill(deadline)
        self.wire += self.data
        self.data = text + self._text()

    def _text(self):
        text = b""
        while self.wire and self.wire != IAC:
            at = self.wire.find(IAC)
            if at != 0:
                at = len(self.wire) if at < 0 else at
                text += self.wire[:at]
                self.wire = self.wire[at:]
                continue
            if self.wire[1:2] == IAC:
                text += IAC
                self.wire = self.wire[2:]
                continue
            if self.wire[1:2] in PROMPTED:
                self.wire = self.wire[2:]
                continue
            option, sub = OPTION.match(self.wire), SUB.match(self.wire)
            if option:
                self._option(option.group(0)[:2], option.group(1))
            elif sub:
                self._sub(sub.group(1), sub.group(2))
            else:
                break
            self.wire = self.wire[(option or sub).end():]
        return text

    def _option(self, verb, code):
        if (verb, code) == (DO, TTYPE):
            return
        if (verb, code) == (WILL, TIMING_MARK):
            self.marks += 1
        elif (verb, code) == (DO, NAWS) and self.width:
            self.socket.sendall(WILL + NAWS)
            self._say_width()
        elif (verb, code) == (WILL, CHARSET) and self.charset:
            self.socket.sendall(DO + CHARSET)
        elif verb in (DO, WILL):
            self.socket.sendall((WONT if verb == DO else DONT) + code)

    def _sub(self, code, data):
        if code == TTYPE and data == b"\x01":
            self.socket.sendall(
                SB + TTYPE + b"\0" + self.ttype.encode() + SE)
            self.named += 1
        elif code == CHARSET and data[:1] == b"\x01":
            names = data[2:].split(data[1:2])
            assert self.charset.encode() in names, names
            self.socket.sendall(
                SB + CHARSET + b"\x02" + self.charset.encode() + SE)
            self.requested = True

    def _say_width(self):
        size = self.width.to_bytes(2, "big") + b"\0\x18"
        self.socket.sendall(
            SB + NAWS + size.replace(IAC, IAC + IAC) + SE)

    def sync(self):
        """All that it has said so far is known to the server."""
        end = time.monotonic() + DEADLINE
        while not (self.named and self.requested):
            self.fill(end)
        for _ in range(2):  # what the first brings about comes before the last
            marks = self.marks
            self.socket.sendall(DO + TIMING_MARK)
            while self.marks == marks:
                assert not self.ended
                self.fill(end)

    def resize(self, width):
        self.width = width
        self._say_width()
        self.sync()

    def send(self, *lines):
        self.send_bytes(b"".join(
            (line if isinstance(line, bytes) else line.encode()) + b"\r\n"
            for line in lines))

    def rows(self, count):
        """So many rows, without their ends."""
        rows = []
        for _ in range(count):
            raw = self.raw_line()
            assert raw.endswith(b"\r\n"), raw
            rows.append(raw[:-2].decode())
        return rows

    def reads(self, *rows):
        for row in rows:
            got = self.raw_line()
            want = row if isinstance(row, bytes) else row.encode()
            assert got == want + b"\r\n", f"read {got!r}, not {want!r}"


def window(server, room, name, **options):
    """One who has joined, whose terminal is known, and who has read so."""
    client = Window(server, **options)
    client.sync()
    client.send(room, name)
    begin = GREETING + ROOM + NAME
    got = client.bytes(len(begin))
    assert got == begin, got
    joined = client.raw_line()
    encoded = JOINED % name
    assert joined.endswith(b"\r\n"), joined
    if not options.get("charset"):
        line = SGR.sub("", joined.decode())
        assert line.endswith(encoded + "\r\n"), joined
    return client


def columns(row):
    """What it takes on the screen."""
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in SGR.sub("", row))
