# SPDX-License-Identifier: MIT
"""A telnet user without a program: a socket, the options, and a screen.

Telnet answers the server's requests as a terminal's telnet does; it is fed
bytes cut anywhere, and what is no command goes to a Screen.  A Typist types
keys on it and knows what its line is to look like by then.
"""
import random
import select
import struct

from lib import JOINED, wait_until
from screen import Screen
from telnet import DO, DONT, IAC, SB, SE, WILL, WONT

BINARY, ECHO, SGA, TTYPE, NAWS = 0, 1, 3, 24, 31
_OURS = {BINARY, SGA, TTYPE, NAWS}  # what the client agrees to do
_HIS = {BINARY, ECHO, SGA}          # what it lets the server do
_REFUSAL = {WILL: DONT, DO: WONT}

_LEFT, _RIGHT, _HOME, _END, _DELETE = (
    b"\x1b[D", b"\x1b[C", b"\x1b[H", b"\x1b[F", b"\x1b[3~")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-+äöüß日本語"


class Telnet:
    """The client's side of the options."""

    def __init__(self, screen, eager):
        self.screen = screen
        self.to_send = b""
        self.ours, self.his = set(), set()  # the options that are on
        self._command = None                # the bytes of one, so far
        self._told = False                  # the window's size
        if eager:                           # asks first, as PuTTY does
            self.ours |= {NAWS, TTYPE}
            self.his |= {SGA}
            self.to_send = WILL + bytes([NAWS]) + WILL + bytes([TTYPE]) + \
                DO + bytes([SGA])

    @property
    def sends_keys(self):
        return {ECHO, SGA} <= self.his

    def tell_window(self):
        if NAWS not in self.ours:
            return
        size = struct.pack(">HH", self.screen.columns, self.screen.rows)
        self.to_send += SB + bytes([NAWS]) + size.replace(IAC, IAC + IAC) + SE
        self._told = True

    def read(self, data):
        text = bytearray()
        for byte in data:
            if self._command is not None:
                self._command.append(byte)
                if self._is_whole(self._command):
                    self._do(bytes(self._command), text)
                    self._command = None
            elif byte == IAC[0]:
                self._command = bytearray(IAC)
            else:
                text.append(byte)
        self.screen.write(bytes(text))

    @staticmethod
    def _is_whole(command):
        begin = bytes(command[:2])
        if begin == SB:
            return len(command) > 3 and command[-2:] == SE
        return len(command) == (3 if begin in (WILL, WONT, DO, DONT) else 2)

    def _do(self, command, text):
        begin = command[:2]
        if begin == IAC + IAC:
            text += IAC
        elif begin == SB:
            if command[2:-2] == bytes([TTYPE, 1]):
                self.to_send += SB + bytes([TTYPE, 0]) + b"XTERM" + SE
        elif len(command) == 3:
            self._negotiate(begin, command[2])

    def _negotiate(self, verb, option):
        his = verb in (WILL, WONT)
        on = self.his if his else self.ours
        if verb in (WONT, DONT):
            if option in on:
                on.discard(option)
                self.to_send += (DONT if his else WONT) + bytes([option])
            return
        if option not in (_HIS if his else _OURS):
            self.to_send += _REFUSAL[verb] + bytes([option])
            return
        if option not in on:
            on.add(option)
            self.to_send += (DO if his else WILL) + bytes([option])
        if option == NAWS and not self._told:
            self.tell_window()


class Typist:
    """One who joins and types; `lines` is what was finished."""

    def __init__(self, server, name, seed, columns=80, eager=False,
                 longest=60):
        self.name = name
        self.screen = Screen(24, columns)
        self.telnet = Telnet(self.screen, eager)
        self.client = server.telnet()
        self.client.socket.setblocking(False)
        self.eager = eager
        self.longest = longest
        self.lines = []
        self.ended = False
        self._random = random.Random(seed)
        self._text, self._at = "", 0
        self._wanted = 10

    @property
    def line(self):
        """What is being typed, the cursor as |."""
        return self._text[:self._at] + "|" + self._text[self._at:]

    def pump(self):
        """Sends and reads what can be, without waiting."""
        self._flush()
        try:
            data = self.client.socket.recv(1 << 16)
            self.ended = self.ended or not data
            self.telnet.read(data)
        except BlockingIOError:
            pass
        self._flush()

    def _flush(self):
        try:
            while self.telnet.to_send:
                sent = self.client.socket.send(self.telnet.to_send)
                self.telnet.to_send = self.telnet.to_send[sent:]
        except BlockingIOError:
            pass

    def wait_screen(self, condition, what):
        def there():
            select.select([self.client.socket], [], [], 0.01)
            self.pump()
            assert not self.ended, f"the end\n{self.screen.show()}"
            return condition(self.screen)
        try:
            wait_until(there, what)
        except AssertionError:
            print(f"{self.name}'s screen\n{self.screen.show()}")
            raise

    def join(self, room):
        keys = lambda _: self.telnet.sends_keys  # noqa: E731
        self.wait_screen(
            lambda s: s.shows_line("|", "Enter room name: "), "a question")
        if self.eager:
            self.wait_screen(keys, f"{self.name} is asked for keys")
            self._press(room.encode())
            self._enter()
        else:
            self._press(room.encode() + b"\r\n")
        self.wait_screen(
            lambda s: s.shows_line("|", "Enter username: ") or
            # What is not echoed here doesn't end the row.
            s.line(s.row).endswith("Enter username:"), "a question")
        self.wait_screen(keys, f"{self.name} is asked for keys")
        self._press(self.name.encode())
        self._enter()
        self.wait_screen(
            lambda s: JOINED % self.name in s.all_lines(), "the join line")

    def type_all(self, keys):
        """At once, of which this notes nothing."""
        self._press(keys)
        self._flush()

    def _press(self, data):
        self.telnet.to_send += data

    def _enter(self):
        """CR is followed by something, except in binary."""
        self._press(b"\r" if BINARY in self.telnet.ours else b"\r\0")

    def finish_line(self):
        self._enter()
        if self._text:
            self.lines.append(self._text)
        self._text, self._at = "", 0
        self._wanted = self._random.randint(1, self.longest)

    def resize(self, columns):
        self.screen.resize(24, columns)
        self.telnet.tell_window()

    def type(self):
        """One key; a part of its bytes may have to wait for the next."""
        at, text = self._at, self._text
        choice = self._random.random()
        if len(text) >= self._wanted and choice < 0.5:
            self.finish_line()
        elif choice < 0.8:
            letter = self._random.choice(_LETTERS)
            self._press(letter.encode())
            self._text = text[:at] + letter + text[at:]
            self._at += 1
        elif choice < 0.87:
            self._press(_LEFT)
            self._at = max(at - 1, 0)
        elif choice < 0.91:
            self._press(_RIGHT)
            self._at = min(at + 1, len(text))
        elif choice < 0.93:
            self._press(_HOME)
            self._at = 0
        elif choice < 0.95:
            self._press(_END)
            self._at = len(text)
        elif choice < 0.98:
            self._press(b"\x7f")
            self._text = text[:max(at - 1, 0)] + text[at:]
            self._at = max(at - 1, 0)
        else:
            self._press(_DELETE)
            self._text = text[:at] + text[at + 1:]
        self._flush_part()

    def _flush_part(self):
        """In one segment, or in two cut anywhere, the second later."""
        if self._random.random() < 0.5:
            self._flush()
            return
        cut = self._random.randint(0, len(self.telnet.to_send))
        rest = self.telnet.to_send[cut:]
        self.telnet.to_send = self.telnet.to_send[:cut]
        self._flush()
        self.telnet.to_send += rest

    def rows_of(self, line):
        """The rows that a line takes on this screen."""
        screen = Screen(24, self.screen.columns)
        screen.write(line.encode())
        return screen.all_lines()
