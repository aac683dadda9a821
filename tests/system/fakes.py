# SPDX-License-Identifier: MIT
"""Servers that are none of ours, for the programs that are clients."""
import re
import selectors
import socket
import threading

import telnet


class Member:
    def __init__(self, connection):
        self.socket = connection
        self.data = b""
        self.room = None
        self.name = None


class Fake:
    """Accepts, and hands what comes to `speak(member)`, which takes whole
    lines off member.data.  What it sends it sends in small pieces, so that
    nobody who reads may count on whole frames."""

    def __init__(self, context):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pid = 1  # somebody whose CPU can be asked for
        self.members = []
        self.pieces = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        context.peers.append(self)

    def serve(self):
        while not self.over.is_set():
            for key, _ in self.selector.select(0.05):
                if key.data is None:
                    self.accept()
                else:
                    self.read(key.data)

    def accept(self):
        member = Member(self.listener.accept()[0])
        member.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.members.append(member)
        self.selector.register(member.socket, selectors.EVENT_READ, member)

    def read(self, member):
        try:
            got = member.socket.recv(1 << 16)
        except ConnectionResetError:
            got = b""
        member.data += got
        if got:
            self.speak(member)
            return
        self.selector.unregister(member.socket)
        self.members.remove(member)
        member.socket.close()

    def speak(self, member):
        raise NotImplementedError

    def send(self, member, text):
        data = text if isinstance(text, bytes) else text.encode()
        while data:
            self.pieces += 1
            size = 1 + self.pieces * 7 % 40
            try:
                member.socket.sendall(data[:size])
            except (BrokenPipeError, ConnectionResetError):
                return  # read() sees it, too
            data = data[size:]

    def in_room(self, room):
        return [m for m in self.members if m.room == room]

    @staticmethod
    def line(member):
        """The next line without its end, or None."""
        line, end, rest = member.data.partition(b"\n")
        if not end:
            return None
        member.data = rest
        return line.decode().removesuffix("\r")

    def close(self):
        self.over.set()
        self.thread.join()
        for member in self.members:
            member.socket.close()
        self.listener.close()

    kill = close


class FakeLine(Fake):
    """The line protocol; `tamper(n, reader, line)` says which lines reader
    number `reader` gets instead of the n-th message."""

    def __init__(self, context, tamper=lambda n, reader, line: [line]):
        self.tamper = tamper
        self.count = 0
        super().__init__(context)

    def speak(self, member):
        while (line := self.line(member)) is not None:
            if member.room is None:
                member.room = line
            elif member.name is None:
                member.name = line
                for other in self.in_room(member.room):
                    if other.name:
                        self.send(other, f"🌟 {line} joined the room!\n")
            else:
                self.relay(member, f"{member.name}: {line}\n")

    def relay(self, member, line):
        readers = [m for m in self.in_room(member.room) if m is not member]
        for i, reader in enumerate(readers):
            for out in self.tamper(self.count, i, line):
                self.send(reader, out)
        self.count += 1


class FakeTelnet(FakeLine):
    """The same over telnet, to a client in line mode; what it is asked
    stands between the lines."""

    ASKS = telnet.DO + telnet.TTYPE + telnet.SEND_TTYPE

    def accept(self):
        super().accept()
        self.send(self.members[-1], telnet.GREETING + telnet.ROOM)

    def send(self, member, text):
        if isinstance(text, str):
            text = text.replace("\n", "\r\n").encode() + self.ASKS
        super().send(member, text)

    def line(self, member):
        line = super().line(member)
        if line is not None:
            self.show(member, line)
        if line is not None and member.room is None:
            self.send(member, telnet.NAME)
        return line

    def show(self, member, line):
        """Its client does."""


class FakeTerminal(FakeTelnet):
    """The same in edit mode; `tamper` may change, too, what `reader` gets
    around a line: what erases the row, and the row."""

    ASKS = b""
    ERASE = b"\r\x1b[K"
    COMMANDS = re.compile(b"\xff\xfa.*?\xff\xf0|\xff..", re.S)

    def __init__(self, context, tamper=lambda n, reader, parts: parts,
                 echo=lambda line: line):
        self.rows = {}
        self.echo = echo
        super().__init__(context, tamper)

    def accept(self):
        super().accept()
        self.send(self.members[-1], telnet.ASKED + telnet.SEND_TTYPE +
                  telnet.ASKED_FOR_KEYS)

    def line(self, member):
        member.data = self.COMMANDS.sub(b"", member.data)
        member.data = member.data.replace(b"\r", b"\n")
        line = super().line(member)
        if line is None:
            self.send(member, member.data[len(self.rows.get(member, b"")):])
            self.rows[member] = member.data
        return line

    def show(self, member, line):
        self.send(member, self.echo(line).encode() + b"\r\n")

    def relay(self, member, line):
        readers = [m for m in self.in_room(member.room) if m is not member]
        for i, reader in enumerate(readers):
            row = self.rows.get(reader, b"")
            parts = [self.ERASE if row else b"",
                     line.replace("\n", "\r\n").encode(), row]
            self.send(reader, b"".join(self.tamper(self.count, i, parts)))
        self.count += 1


class FakeWebSocket(FakeLine):
    """The same over WebSocket, as lines or as JSON, with a ping before each
    message and a count of the pongs; the masks of those who come are their
    own affair, but there must be some."""

    ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of the RFC's example
    SEEN = re.compile(r"(?:(?P<name>[^ :]+): (?P<text>.*)"
                      r"|. (?P<joined>\S+) joined the room!)\n")

    def __init__(self, context, tamper=lambda n, reader, line: [line],
                 json_lines=False):
        self.json_lines = json_lines
        self.greeted = set()
        self.pings = self.pongs = 0
        super().__init__(context, tamper)

    def line(self, member):
        if member not in self.greeted:
            head, end, rest = member.data.partition(b"\r\n\r\n")
            if not end:
                return None
            self.greet(member, head)
            member.data = rest
        while (frame := self.frame(member)) is not None:
            opcode, payload = frame
            if opcode == 0x1:
                return self.next_line(member, payload)
            assert (opcode, payload) == (0xa, b"here?"), frame
            self.pongs += 1
        return None

    def greet(self, member, head):
        assert head.startswith(b"GET /chat HTTP/1.1\r\n"), head
        assert (b"chat.json" in head) == self.json_lines, head
        self.greeted.add(member)
        Fake.send(self, member,
                  b"HTTP/1.1 101 Switching Protocols\r\n"
                  b"Sec-WebSocket-Accept: " + self.ACCEPT + b"\r\n\r\n")

    @staticmethod
    def frame(member):
        """Opcode and payload of the next one, or None."""
        data = member.data
        if len(data) < 2:
            return None
        assert data[0] & 0xf0 == 0x80 and data[1] & 0x80, data[:2]
        size, at = data[1] & 0x7f, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        mask, payload = data[at:at + 4], data[at + 4:at + 4 + size]
        if len(data) < at + 4 + size:
            return None
        member.data = data[at + 4 + size:]
        return data[0] & 0xf, bytes(
            byte ^ mask[i % 4] for i, byte in enumerate(payload))

    @staticmethod
    def next_line(member, payload):
        """A message may have several: the rest goes back, in a frame."""
        line, more, rest = payload.partition(b"\n")
        if more:
            assert len(rest) < 126
            member.data = bytes([0x81, 0x80 | len(rest), 0, 0, 0, 0]) + \
                rest + member.data
        return line.decode()

    def send(self, member, text):
        payload = self.object(member, text) if self.json_lines else \
            text.removesuffix("\n").encode()
        head = b"\x81" + (bytes([len(payload)]) if len(payload) < 126 else
                          b"\x7e" + len(payload).to_bytes(2, "big"))
        self.pings += 1
        super().send(member, b"\x89\x05here?" + head + payload)

    def object(self, member, text):
        found = self.SEEN.fullmatch(text)
        seq = 1795454075536115 + self.pings
        if not found:
            return f'{{"type":"reply","seq":{seq},"text":"?"}}'.encode()
        head = f'"seq":{seq},"time":"2026-11-23T17:14:35.563Z",' \
            f'"room":"{member.room}","name":' \
            f'"{found["name"] or found["joined"]}"'
        if found["joined"]:
            return f'{{"type":"join",{head}}}'.encode()
        return (f'{{"type":"message",{head},"text":"{found["text"]}"}}'
                ).encode()


class FakeIrc(Fake):
    def speak(self, member):
        while (line := self.line(member)) is not None:
            word, _, rest = line.partition(" ")
            if word == "NICK":
                member.name = rest
            elif word == "USER":
                self.send(member, f":fake 001 {member.name} :Welcome\r\n"
                          f":fake 422 {member.name} :No motto\r\n")
            elif word == "JOIN":
                member.room = rest
                self.tell(member, f"JOIN :{rest}", self.in_room(rest))
                self.send(member, f":fake 366 {member.name} {rest} :End\r\n")
            elif word == "PRIVMSG":
                room = rest.split(" ", 1)[0]
                self.tell(member, line,
                          [m for m in self.in_room(room) if m is not member])

    def tell(self, member, what, readers):
        # Hosts are of different lengths, as the addresses of people are.
        host = "h" * (1 + self.members.index(member) % 5)
        for reader in readers:
            self.send(reader, f":{member.name}!~u@{host} {what}\r\n")


class FakeRedis(Fake):
    def speak(self, member):
        while (words := self.command(member)) is not None:
            if words[0] == "PING":
                self.send(member, "+PONG\r\n")
            elif words[0] == "SUBSCRIBE":
                member.room = words[1]
                self.send(member, self.array("subscribe", words[1]) +
                          ":1\r\n")
            elif words[0] == "PUBLISH":
                readers = self.in_room(words[1])
                self.send(member, f":{len(readers)}\r\n")
                for reader in readers:
                    self.send(reader, self.array("message", *words[1:]))

    @staticmethod
    def array(*words):
        count = max(len(words), 3)
        return f"*{count}\r\n" + "".join(
            f"${len(word)}\r\n{word}\r\n" for word in words)

    def command(self, member):
        """The words of the next one, or None; texts have no line ends."""
        lines = member.data.split(b"\r\n")[:-1]
        if not lines:
            return None
        if not lines[0].startswith(b"*"):
            member.data = member.data.split(b"\r\n", 1)[1]
            return lines[0].decode().split()
        count = 1 + 2 * int(lines[0][1:])
        if len(lines) < count:
            return None
        member.data = member.data.split(b"\r\n", count)[count]
        return [line.decode() for line in lines[2:count:2]]
