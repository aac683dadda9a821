# SPDX-License-Identifier: MIT
"""A WebSocket client (RFC 6455) that can break every rule, for tests.

What it reads it judges strictly: a server's frames are unmasked, their
lengths minimal, their text UTF-8.

    ws = connect(t, ("127.0.0.1", server.web_port), protocols=["chat.text"])
    ws.send_text("general\\nAlice")
    ws.expect_text("...")
    ws.close_with(1000)
"""
import base64
import hashlib
import os
import struct
import time

from peers import DEADLINE, Client

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNACCEPTABLE = 1000, 1001, 1002, 1003
BAD_TEXT, POLICY, TOO_BIG, INTERNAL = 1007, 1008, 1009, 1011

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def connect(context, address, source=None, rcvbuf=None, **handshake):
    """A WebSocket that is open; the context ends it."""
    ws = WebSocket(address, source=source, rcvbuf=rcvbuf)
    context.peers.append(ws)
    ws.handshake(**handshake)
    return ws


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key):
    digest = hashlib.sha1((key + _GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def apply_mask(data, mask):
    """Masks, or unmasks."""
    size = len(data)
    if size == 0:
        return b""
    long_mask = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^
            int.from_bytes(long_mask, "big")).to_bytes(size, "big")


def encode(payload=b"", opcode=TEXT, fin=True, rsv=0, mask=None, masked=True,
           length=None, length_bytes=None):
    """The bytes of a frame.

    mask: four bytes, or None for random ones; masked=False: none at all.
    length: what the head says, if that isn't the payload's.
    length_bytes: 0, 2 or 8, if it isn't to be the shortest way to say it.
    """
    if isinstance(payload, str):
        payload = payload.encode()
    length = len(payload) if length is None else length
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    short = {0: length, 2: 126, 8: 127}[length_bytes]
    head = bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | short])
    head += length.to_bytes(length_bytes, "big") if length_bytes else b""
    if not masked:
        return head + payload
    mask = os.urandom(4) if mask is None else mask
    return head + mask + apply_mask(payload, mask)


def close_payload(code=None, reason=b""):
    if isinstance(reason, str):
        reason = reason.encode()
    return b"" if code is None else struct.pack("!H", code) + reason


class Frame:
    def __init__(self, fin, opcode, payload):
        self.fin = fin
        self.opcode = opcode
        self.payload = payload

    @property
    def code(self):
        """Of a close frame; None if it has none."""
        return struct.unpack("!H", self.payload[:2])[0] \
            if self.payload else None

    def __repr__(self):
        return f"Frame(fin={self.fin}, opcode={self.opcode}, " \
            f"payload={self.payload[:80]!r} of {len(self.payload)} bytes)"


class WebSocket(Client):
    """A connection; nothing is sent before handshake()."""

    def __init__(self, address, **options):
        super().__init__(address, **options)
        self.address = address
        self.protocol = None  # what the server chose

    # HTTP.

    def request(self, path="/chat", method="GET", version="HTTP/1.1",
                headers=()):
        """Sends a request with these (name, value) headers and no others."""
        lines = [f"{method} {path} {version}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send_bytes(("\r\n".join(lines) + "\r\n\r\n").encode())

    def response(self):
        """The head of the answer: status and headers, names in small letters.
        """
        status = self._head_line().split(" ", 2)
        assert status[0] == "HTTP/1.1" and len(status) == 3, status
        headers = {}
        while True:
            line = self._head_line()
            if not line:
                return int(status[1]), headers
            name, value = line.split(":", 1)
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()

    def _head_line(self):
        raw = self.raw_line()
        assert raw.endswith(b"\r\n"), f"a line of a head: {raw!r}"
        return raw[:-2].decode("ascii")

    def send_handshake(self, path="/chat", host=None, origin=None,
                       protocols=(), key=None, version="13", extra=()):
        """Asks for a WebSocket; returns the key."""
        key = new_key() if key is None else key
        if host is None:
            name, port = self.address[:2]
            host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        headers = [("Host", host), ("Upgrade", "websocket"),
                   ("Connection", "Upgrade"), ("Sec-WebSocket-Key", key),
                   ("Sec-WebSocket-Version", version)]
        if origin is not None:
            headers.append(("Origin", origin))
        if protocols:
            headers.append(("Sec-WebSocket-Protocol", ", ".join(protocols)))
        self.request(path, headers=[*headers, *extra])
        return key

    def handshake(self, **options):
        """The same, and the server agrees; see send_handshake."""
        key = self.send_handshake(**options)
        return self.expect_upgrade(key, options.get("protocols", ()))

    def expect_upgrade(self, key, protocols=()):
        """It reads that the server agrees; returns the headers."""
        status, headers = self.response()
        assert status == 101, f"status {status}, {headers}"
        assert headers["upgrade"].lower() == "websocket", headers
        assert headers["connection"].lower() == "upgrade", headers
        assert headers["sec-websocket-accept"] == accept_of(key), headers
        assert "sec-websocket-extensions" not in headers, headers
        self.protocol = headers.get("sec-websocket-protocol")
        assert self.protocol in (None, *protocols), headers
        return headers

    # Frames out.

    def send_frame(self, payload=b"", opcode=TEXT, chop=None, **options):
        """One frame; see encode.  chop: so many bytes in each packet."""
        self.send_chopped(encode(payload, opcode, **options), chop)

    def send_chopped(self, data, chop=None):
        for at in range(0, len(data), chop or max(len(data), 1)):
            self.send_bytes(data[at:at + chop] if chop else data)

    def send_text(self, text, **options):
        self.send_frame(text, TEXT, **options)

    def send_binary(self, data, **options):
        self.send_frame(data, BINARY, **options)

    def send_fragments(self, *parts, opcode=TEXT):
        """One message in so many frames, in one packet."""
        last = len(parts) - 1
        self.send_bytes(b"".join(
            encode(part, opcode if i == 0 else CONTINUATION, fin=i == last)
            for i, part in enumerate(parts)))

    def ping(self, payload=b"", **options):
        self.send_frame(payload, PING, **options)

    def pong(self, payload=b"", **options):
        self.send_frame(payload, PONG, **options)

    def send_close(self, code=None, reason=b"", **options):
        self.send_frame(close_payload(code, reason), CLOSE, **options)

    # Frames in.

    def frame(self):
        """The next frame; None at the end of the connection."""
        end = time.monotonic() + DEADLINE
        while not self.data and not self.ended:
            self.fill(end)
        if not self.data:
            return None
        first, second = self.bytes(2)
        fin, opcode, length = bool(first & 0x80), first & 15, second & 0x7f
        assert first & 0x70 == 0, f"reserved bits: {first:#x}"
        assert second & 0x80 == 0, "a server's frame is masked"
        assert opcode in (0, 1, 2, 8, 9, 10), f"opcode {opcode}"
        if opcode >= 8:
            assert fin and length <= 125, "a control frame's head is wrong"
        if length == 126:
            length = int.from_bytes(self.bytes(2), "big")
            assert length >= 126, "a length longer than needed"
        elif length == 127:
            length = int.from_bytes(self.bytes(8), "big")
            assert 65536 <= length < 1 << 63, f"a length of {length}"
        payload = self.bytes(length)
        if opcode == CLOSE and payload:
            assert length >= 2, "a close frame with one byte"
            payload[2:].decode()
        return Frame(fin, opcode, payload)

    def message(self, pings=True):
        """The next message: text as str, binary as bytes; None at the end of
        the connection.  Pings in between are answered, or refused if `pings`
        is False; a close frame is an error."""
        first, parts = None, []
        while True:
            frame = self.frame()
            if frame is None:
                assert first is None, "the end within a message"
                return None
            if frame.opcode == PING and pings:
                self.pong(frame.payload)
                continue
            assert frame.opcode < 8, f"{frame} instead of a message"
            assert (frame.opcode == CONTINUATION) == (first is not None), frame
            first = frame.opcode if first is None else first
            parts.append(frame.payload)
            if frame.fin:
                whole = b"".join(parts)
                return whole.decode() if first == TEXT else whole

    def expect_text(self, *texts):
        """These messages come next."""
        for text in texts:
            got = self.message()
            assert got == text, f"read {got!r}, not {text!r}"

    def expect_frame(self, opcode, payload=b""):
        """Exactly this frame comes next."""
        got = self.frame()
        assert got is not None, "the end"
        assert got.fin and got.opcode == opcode and got.payload == payload, \
            f"read {got}, not opcode {opcode} with {payload[:80]!r}"

    def expect_pong(self, payload=b""):
        self.expect_frame(PONG, payload)

    def expect_close(self, *codes):
        """A close frame comes next, with one of these codes (None: without
        one); returns its reason."""
        got = self.frame()
        assert got is not None, f"the end, without a close frame {codes}"
        assert got.opcode == CLOSE and got.code in codes, \
            f"read {got}, not close {codes}"
        return got.payload[2:].decode()

    def expect_end(self):
        """The server, who closes first (RFC 6455, section 7.1.1), has done so
        in order."""
        got = self.frame()
        assert got is None, f"read {got}, not the end"

    def expect_failure(self, *codes):
        """The server closes with one of these codes; we answer as we have to.
        """
        reason = self.expect_close(*codes)
        try:
            self.try_send(encode(close_payload(codes[0]), CLOSE))
        except OSError:
            pass  # it need not wait for that
        self.expect_end()
        return reason

    def close_with(self, code=None, reason=b"", expect=None, **options):
        """We close; the server says the same and ends the connection."""
        self.send_close(code, reason, **options)
        self.expect_close(expect or code or NORMAL)
        self.expect_end()
