# SPDX-License-Identifier: MIT
"""What the telnet tests share: words of the protocol, clients, a terminal."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from lib import JOINED, die_with_parent, wait_until
from peers import DEADLINE, Stream

IAC = b"\xff"
DONT, DO, WONT, WILL, SB = (
    IAC + bytes([c]) for c in (254, 253, 252, 251, 250))
GA, EL, EC, AYT, AO, IP, BRK, DM, NOP, SE = (
    IAC + bytes([c]) for c in range(249, 239, -1))
EOR, ABORT = IAC + b"\xef", IAC + b"\xee"
BINARY, ECHO, SGA, TIMING_MARK, TTYPE, END_OF_RECORD, NAWS, LINEMODE, \
    CHARSET = (bytes([c]) for c in (0, 1, 3, 6, 24, 25, 31, 34, 42))
ENVIRON, AUTHENTICATION, ENCRYPT, NEW_ENVIRON = (
    bytes([c]) for c in (36, 37, 38, 39))

# What a client is asked when it has begun, by itself, to negotiate.
ASKED = DO + TTYPE + DO + NAWS + WILL + CHARSET
# And when its terminal is known.
ASKED_FOR_KEYS = WILL + ECHO + WILL + SGA + DO + BINARY + WILL + BINARY
SEND_TTYPE = SB + TTYPE + b"\1" + SE

GREETING = b"Welcome to Telnet Chat Proxy!\r\n"
ROOM = b"Enter room name: "
NAME = b"Enter username: "


def crlf(*lines):
    return "".join(line + "\r\n" for line in lines).encode()


def sub(option, data):
    """A subnegotiation."""
    return SB + option + data.replace(IAC, IAC + IAC) + SE


def window(columns, rows=24):
    return sub(NAWS, struct.pack(">HH", columns, rows))


def terminal(name):
    return sub(TTYPE, b"\0" + name.encode())


def server_for(t, **options):
    """A server with a telnet listener."""
    return t.server(telnet="127.0.0.1:0", **options)


def reads(client, data):
    """These bytes come next."""
    got = client.bytes(len(data))
    assert got == data, f"read {got!r}, not {data!r}"


def raw(server, **options):
    """A client of whom no question is overheard."""
    client = server.telnet(**options)
    client.overheard = None
    return client


def join(server, room, name, **options):
    """A telnet client that has joined and read so: nobody has asked it what
    it is, since it sent two lines at once."""
    client = server.telnet(**options)
    client.send_bytes(f"{room}\r\n{name}\r\n".encode())
    reads(client, GREETING + ROOM + NAME + crlf(JOINED % name))
    return client


def join_all(server, room, *names):
    """Telnet clients in a new room, who have read each other's joining."""
    clients = []
    for name in names:
        clients.append(join(server, room, name))
        for client in clients[:-1]:
            reads(client, crlf(JOINED % name))
    return clients


def send_pieces(server, name, client, pieces):
    """Each is read by the server before the next is sent."""
    total = server.session(name)["in"]
    for piece in pieces:
        client.send_bytes(piece)
        total += len(piece)
        wait_until(lambda: server.session(name)["in"] == total,
                   f"{total} bytes read from {name}")


class Terminal(Stream):
    """A program under a pseudo-terminal; what is typed is echoed."""

    def __init__(self, context, *command):
        super().__init__()
        self.master, slave = pty.openpty()

        def prepare():
            die_with_parent()
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=prepare, env={**os.environ, "TERM": "dumb"})
        os.close(slave)
        context.peers.append(self)

    def fill(self, deadline):
        left = deadline - time.monotonic()
        ready = select.select([self.master], [], [], max(left, 0))[0]
        assert ready, f"nothing came in time; so far: {self.data!r}"
        try:
            got = os.read(self.master, 1 << 16)
        except OSError:  # the last one has closed the other end
            got = b""
        self.data += got
        self.ended = not got

    def reads_until(self, end):
        """All up to these bytes, which are taken too."""
        deadline = time.monotonic() + DEADLINE
        while end not in self.data:
            assert not self.ended, f"the end, and no {end!r}: {self.data!r}"
            self.fill(deadline)
        return self._take(self.data.index(end) + len(end))

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_keys(self):
        """Until it sends each key as it is typed, and shows none itself."""
        lines = termios.ICANON | termios.ECHO
        wait_until(lambda: termios.tcgetattr(self.master)[3] & lines == 0,
                   "the terminal is in character mode")

    def wait(self):
        """Its exit code."""
        return self.process.wait(DEADLINE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        os.close(self.master)
