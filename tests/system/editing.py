# SPDX-License-Identifier: MIT
"""Clients in edit mode, in bytes: what they type, and a small terminal."""
import re
import time
import unicodedata

from lib import JOINED
from peers import DEADLINE
from telnet import (ASKED_FOR_KEYS, BINARY, CHARSET, DO, DONT, ECHO, GREETING,
                    IAC, NAWS, ROOM, SB, SE, SEND_TTYPE, SGA, TTYPE, WILL, raw,
                    reads, terminal, window)

ENTER = b"\r\0"
LEFT, RIGHT, UP, DOWN = b"\x1b[D", b"\x1b[C", b"\x1b[A", b"\x1b[B"
WELCOME = "Welcome to Telnet Chat Proxy!"

_SEQUENCE = re.compile(rb"\x1b\[(\d*)([KCD])")
_CUT = re.compile(rb"\x1b(\[\d*)?$")
_BROKEN = re.compile(rb"\x1b(\[\d*)?(?=\r)")


class Rows:
    """All rows that were ever begun, the cursor in the last, and commands.

    Text, BS, CR, LF, BEL and CSI K, C, D are understood; a row has no end.
    What is cut by a CR is no sequence or character, as terminals have it.
    """

    def __init__(self):
        self.cells = [[]]  # of each row; a wide one's second half is ""
        self.column = 0
        self.bells = 0
        self.said = b""    # telnet's commands
        self.cut = b""     # of a character or command

    def feed(self, data):
        data = self.cut + data
        at = 0
        while at < len(data):
            n = self._step(data[at:at + 1000])
            if n == 0:
                break
            at += n
        self.cut = data[at:]

    def _step(self, data):
        """Bytes of what comes first; 0 if it isn't whole."""
        if data[:1] == IAC:
            return self._command(data)
        if data[:1] == b"\x1b":
            return self._sequence(data)
        if data[0] < 0x20:
            self._control(data[0])
            return 1
        size = 1 if data[0] < 0x80 else \
            2 if data[0] < 0xe0 else 3 if data[0] < 0xf0 else 4
        cut = data[:size].find(b"\r")
        if cut > 0:
            self._put("\ufffd")
            return cut
        if len(data) < size:
            return 0
        self._put(data[:size].decode())
        return size

    def _command(self, data):
        if len(data) < 2:
            return 0
        if data[:2] == SB:
            end = data.find(SE) + 2
            size = end if end > 1 else 0
        else:
            size = 3 if data[1] >= 251 else 2
        if size > len(data):
            return 0
        self.said += data[:size]
        return size

    def _sequence(self, data):
        match = _BROKEN.match(data)
        if match is not None:
            return match.end()
        match = _SEQUENCE.match(data)
        if match is None:
            assert _CUT.match(data), f"unknown: {data[:20]!r}"
            return 0
        number, final = int(match.group(1) or 1), match.group(2)
        if final == b"K":
            assert match.group(1) == b"", data[:20]
            del self.cells[-1][self.column:]
        else:
            self.column += number if final == b"C" else -number
            assert self.column >= 0, "left of the first column"
        return match.end()

    def _control(self, code):
        if code == 7:
            self.bells += 1
        elif code == 8:
            assert self.column > 0, "BS in the first column"
            self.column -= 1
        elif code == 10:
            self.cells.append([])
            # Where the CR has led: all lines end in CR LF.
            assert self.column == 0, "LF without CR"
        else:
            assert code == 13, f"unknown: {code}"
            self.column = 0

    def _put(self, char):
        row = self.cells[-1]
        if char < "\x7f" and self.column == len(row):
            row.append(char)  # as nearly always
            self.column += 1
            return
        if unicodedata.combining(char):
            at = self.column - 1
            row[at - (row[at] == "")] += char
            return
        wide = unicodedata.east_asian_width(char) in "WF"
        row.extend(" " * (self.column + 1 + wide - len(row)))
        row[self.column] = char
        if wide:
            row[self.column + 1] = ""
        self.column += 1 + wide

    def text(self, row):
        return "".join(self.cells[row]).rstrip(" ")

    def texts(self):
        return [self.text(i) for i in range(len(self.cells))]


class Keys:
    """A client that sends keys, and what it shows."""

    def __init__(self, server, width=80, terminal_name="XTERM", **options):
        self.server = server
        self.client = raw(server, **options)
        self.rows = Rows()
        reads(self.client, GREETING + ROOM)
        self.rows.feed(GREETING + ROOM)
        self.type(WILL + TTYPE)
        self._answer(DO + TTYPE + DO + NAWS + WILL + CHARSET + SEND_TTYPE)
        self.type(WILL + NAWS + window(width) + DONT + CHARSET +
                  terminal(terminal_name))
        self._answer(ASKED_FOR_KEYS)
        # The first of these that is answered is also where keys begin.
        self.type(DO + ECHO + DO + SGA + WILL + BINARY + DO + BINARY)

    def _answer(self, data):
        self.wait(lambda: self.rows.said == data, f"it says {data!r}")
        self.rows.said = b""

    def type(self, data):
        self.client.send_bytes(
            data.encode() if isinstance(data, str) else data)

    def type_line(self, text):
        self.type(text.encode() + ENTER)

    def pump(self):
        """Reads once."""
        client = self.client
        if not client.data and not client.ended:
            client.fill(time.monotonic() + DEADLINE)
        data, client.data = client.data, b""
        self.rows.feed(data)

    def wait(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"not in time: {what}"
            assert not self.client.ended, f"the end, and not: {what}"
            try:
                self.pump()
            except AssertionError as e:
                raise AssertionError(
                    f"{what}; rows {self.rows.texts()!r}, column "
                    f"{self.rows.column}: {e}") from None

    def shows(self, *rows, column=None):
        """These rows come to be there, the cursor in that column of the last,
        or behind its text; then all but the last are forgotten."""
        rows = [row.rstrip(" ") for row in rows]
        if column is None:
            column = columns(rows[-1])

        def there():
            return self.rows.texts() == rows and self.rows.column == column
        self.wait(there, f"rows {rows!r}, column {column}")
        del self.rows.cells[:-1]

    def ends(self, *rows):
        """After these rows."""
        while not self.client.ended:
            self.pump()
        assert self.rows.texts() == [r.rstrip(" ") for r in rows], \
            self.rows.texts()

    def close(self):
        self.client.close()


def columns(text):
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def typing(server, room, name, width=80, **options):
    """One in edit mode who has joined, an empty row before it."""
    keys = Keys(server, width, **options)
    keys.type_line(room)
    keys.shows(WELCOME, f"Enter room name: {room}", "Enter username:",
               column=len("Enter username: "))
    keys.type_line(name)
    keys.shows(f"Enter username: {name}", JOINED % name, "")
    return keys


def seat_of(server, name):
    return server.session(name)["worker"]
