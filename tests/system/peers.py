# SPDX-License-Identifier: MIT
"""Who talks to the server: a socket with deadlines, and a real nc."""
import os
import select
import socket
import struct
import subprocess
import time

DEADLINE = 20.0


class Stream:
    """Lines from something that can be read with a deadline."""

    def __init__(self):
        self.data = b""       # read, not taken yet
        self.ended = False
        self.taken = 0        # bytes taken from the stream so far

    def fill(self, deadline):
        """Reads once, into self.data or self.ended; see the subclasses."""
        raise NotImplementedError

    def bytes(self, count):
        """Exactly so many bytes."""
        end = time.monotonic() + DEADLINE
        while len(self.data) < count:
            assert not self.ended, \
                f"the end, after {self.data!r}, where {count} bytes should be"
            self.fill(end)
        return self._take(count)

    def raw_line(self):
        """The next line with its end, as bytes; b"" at the end."""
        end = time.monotonic() + DEADLINE
        while b"\n" not in self.data and not self.ended:
            self.fill(end)
        at = self.data.find(b"\n")
        assert at >= 0 or not self.data, f"a cut line: {self.data!r}"
        return self._take(at + 1)

    def line(self):
        """The next line without its end; None at the end."""
        raw = self.raw_line()
        return raw[:-1].decode() if raw else None

    def expect(self, *lines):
        """These lines come next."""
        for line in lines:
            got = self.line()
            assert got == line, f"read {got!r}, not {line!r}"

    def expect_error(self, code):
        """An error with this code comes next; returns its text."""
        got = self.line()
        begin = f"*** error {code}: "
        assert got is not None and got.startswith(begin), \
            f"read {got!r}, not {begin!r}..."
        assert len(got) > len(begin), f"no words behind {begin!r}"
        return got[len(begin):]

    def expect_end(self):
        got = self.raw_line()
        assert got == b"", f"read {got!r}, not the end"

    def lines_to_end(self):
        lines = []
        while True:
            line = self.line()
            if line is None:
                return lines
            lines.append(line)

    def lines_until(self, last):
        """All lines before that one, which is taken too."""
        lines = []
        while True:
            line = self.line()
            assert line is not None, f"the end, and no {last!r}"
            if line == last:
                return lines
            lines.append(line)

    def _take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        self.taken += count
        return taken


class Client(Stream):
    """A connection.  rcvbuf: bytes of its receive buffer, for slow readers;
    source: the address that it comes from."""

    def __init__(self, address, rcvbuf=None, source=None):
        super().__init__()
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf is not None:
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            # Segments of loopback's size would be larger than the window:
            # the kernel then sends them when a timer says so, if at all.
            self.socket.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.settimeout(DEADLINE)
        self.overheard = None  # bytes to be taken out where they come first
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def fill(self, deadline):
        left = deadline - time.monotonic()
        assert left > 0, f"nothing came in time; so far: {self.data!r}"
        self.socket.settimeout(left)
        try:
            got = self.socket.recv(1 << 16)
        except TimeoutError:
            raise AssertionError(
                f"nothing came in time; so far: {self.data!r}") from None
        self.data += got
        self.ended = not got
        if self.overheard and self.overheard in self.data:
            self.data = self.data.replace(self.overheard, b"", 1)
            self.overheard = None

    def send(self, *lines):
        """Lines, as text or bytes, each with LF, in one send."""
        self.send_bytes(b"".join(
            (line if isinstance(line, bytes) else line.encode()) + b"\n"
            for line in lines))

    def send_bytes(self, data):
        self.socket.settimeout(DEADLINE)
        self.socket.sendall(data)

    def try_send(self, data):
        """As much as it takes at once; returns how much."""
        self.socket.settimeout(0)
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()

    def expect_closed(self):
        """Nothing but the end comes, be it a reset."""
        try:
            self.expect_end()
        except ConnectionResetError:
            pass

    def close(self):
        self.socket.close()

    kill = close


class Nc(Stream):
    """A real nc, with pipes for a terminal."""

    def __init__(self, command, preexec):
        super().__init__()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=preexec)

    def fill(self, deadline):
        left = deadline - time.monotonic()
        out = self.process.stdout.fileno()
        ready = select.select([out], [], [], max(left, 0))[0]
        assert ready, f"nothing came in time; so far: {self.data!r}"
        got = os.read(out, 1 << 16)
        self.data += got
        self.ended = not got

    def send(self, *lines):
        for line in lines:
            self.send_bytes(line.encode() + b"\n")

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end_input(self):
        """As Ctrl-D does; with -N nc then shuts its side of the connection."""
        self.process.stdin.close()

    def wait(self):
        """Its exit code."""
        return self.process.wait(DEADLINE)

    def close(self):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
