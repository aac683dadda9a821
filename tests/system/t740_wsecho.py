# SPDX-License-Identifier: MIT
"""The WebSocket codec over sockets, as public conformance suites see it:
tests/wsecho sends back what it gets.  Groups are theirs: framing, pings,
reserved bits, opcodes, fragmentation, UTF-8, limits, closing."""
import os
import re
import select
import subprocess

from lib import die_with_parent, test, wait_until
from websocket import (BAD_TEXT, BINARY, CLOSE, CONTINUATION, NORMAL, PING,
                       PONG, PROTOCOL_ERROR, TEXT, TOO_BIG, WebSocket,
                       accept_of, close_payload, connect, encode)

MIB = 1 << 20


class Echo:
    """A running wsecho; the context ends it as it does its peers."""

    def __init__(self, t, *args):
        self.t = t
        self.log = t.path("wsecho.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(t.build, "wsecho"), *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)
        t.peers.append(self)
        port = wait_until(self._port, "wsecho says its port")
        self.address = ("127.0.0.1", int(port))

    def _port(self):
        with open(self.log, encoding="utf-8") as f:
            found = re.search(r"^port=(\d+)\n", f.read())
        return found and found.group(1)

    def connect(self, **options):
        return connect(self.t, self.address, **options)

    def raw(self):
        """A connection without a handshake."""
        peer = WebSocket(self.address)
        self.t.peers.append(peer)
        return peer

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * 4096 // MIB

    def close(self):
        assert self.process.poll() is None, \
            f"wsecho ended with code {self.process.returncode}: " \
            f"{open(self.log, encoding='utf-8').read()}"
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()


def echoes(ws, *messages):
    for message in messages:
        got = ws.message()
        assert got == message, f"read {got!r:.80}, not {message!r:.80}"


def fails(echo, data, code, before=(), chop=None):
    """These bytes end a new connection with that code, after these frames."""
    ws = echo.connect()
    ws.send_chopped(data, chop)
    for opcode, payload in before:
        ws.expect_frame(opcode, payload)
    ws.expect_failure(code)
    ws.close()


@test
def a_message_of_any_length_comes_back(t):
    echo = Echo(t)
    ws = echo.connect()
    for size in (0, 1, 124, 125, 126, 127, 128, 65535, 65536, 65537):
        ws.send_text("*" * size)
        echoes(ws, "*" * size)
        ws.send_binary(b"\xfe" * size)
        echoes(ws, b"\xfe" * size)
    for chop in (1, 997):
        data = os.urandom(4000 if chop == 1 else 65536)
        ws.send_binary(data, chop=chop)
        echoes(ws, data)
    ws.close_with(NORMAL)


@test
def a_ping_is_answered_with_its_own_payload(t):
    ws = Echo(t).connect()
    for payload in (b"", b"Hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff",
                    b"\xfe" * 125):
        ws.ping(payload)
        ws.expect_pong(payload)
        ws.ping(payload, chop=1)
        ws.expect_pong(payload)
    for i in range(10):
        ws.ping(f"payload-{i}".encode())
    for i in range(10):
        ws.expect_pong(f"payload-{i}".encode())
    ws.send_bytes(b"".join(encode(str(i), PING) for i in range(10)))
    for i in range(10):
        ws.expect_pong(str(i).encode())
    ws.close_with(NORMAL)


@test
def a_pong_that_nobody_asked_for_is_not_answered(t):
    ws = Echo(t).connect()
    ws.pong()
    ws.pong(b"unsolicited")
    ws.ping(b"ping")
    ws.expect_pong(b"ping")
    ws.close_with(NORMAL)


@test
def a_control_frame_is_short_and_whole(t):
    echo = Echo(t)
    for opcode in (CLOSE, PING, PONG):
        fails(echo, encode(b"\xfe" * 126, opcode), PROTOCOL_ERROR)
        fails(echo, encode(b"\xfe" * 126, opcode), PROTOCOL_ERROR, chop=1)
        fails(echo, encode(b"", opcode, length=1 << 16), PROTOCOL_ERROR)
        fails(echo, encode(b"ab", opcode, fin=False) +
              encode(b"cd", CONTINUATION), PROTOCOL_ERROR)


@test
def reserved_bits_are_refused(t):
    echo = Echo(t)
    for rsv in range(1, 8):
        for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
            fails(echo, encode(b"", opcode, rsv=rsv), PROTOCOL_ERROR)
        good = encode("Hello")
        bad = encode("bad", rsv=rsv)
        for chop in (None, 1):
            fails(echo, good + bad + encode(b"", PING), PROTOCOL_ERROR,
                  [(TEXT, b"Hello")], chop)


@test
def reserved_opcodes_are_refused(t):
    echo = Echo(t)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        fails(echo, encode(b"", opcode), PROTOCOL_ERROR)
        fails(echo, encode(b"reserved", opcode), PROTOCOL_ERROR)
        for chop in (None, 1):
            fails(echo, encode("Hello") + encode(b"x", opcode) +
                  encode(b"", PING), PROTOCOL_ERROR, [(TEXT, b"Hello")],
                  chop)


@test
def frames_are_masked_and_their_lengths_minimal(t):
    echo = Echo(t)
    for data in (encode("Hello", masked=False),
                 encode(b"", PING, masked=False),
                 encode(close_payload(1000), CLOSE, masked=False),
                 encode("Hello", length_bytes=2),
                 encode("Hello", length_bytes=8),
                 encode("x" * 300, length_bytes=8),
                 encode(b"", length=1 << 63),
                 encode(b"", length=(1 << 64) - 1)):
        for chop in (None, 1):
            fails(echo, data, PROTOCOL_ERROR, chop=chop)


@test
def fragments_are_put_together(t):
    ws = Echo(t).connect()
    for opcode, kind in ((TEXT, str), (BINARY, bytes)):
        for chop in (None, 1):
            ws.send_frame(b"fragment1", opcode, fin=False, chop=chop)
            ws.send_frame(b"", CONTINUATION, fin=False, chop=chop)
            ws.ping(b"ping", chop=chop)
            ws.expect_pong(b"ping")
            ws.send_frame(b"fragment2", CONTINUATION, chop=chop)
            whole = b"fragment1fragment2"
            echoes(ws, whole.decode() if kind is str else whole)
    ws.send_fragments("a", "b", "c", "d", "e")
    echoes(ws, "abcde")
    ws.send_fragments("", "", "")
    echoes(ws, "")
    for i in range(5):
        ws.send_frame(f"{i}", TEXT if i == 0 else CONTINUATION, fin=i == 4)
        ws.ping(f"ping {i}")
        if i < 4:
            ws.expect_pong(f"ping {i}".encode())
    echoes(ws, "01234")
    ws.expect_pong(b"ping 4")
    ws.close_with(NORMAL)


@test
def fragments_come_in_their_order_or_not_at_all(t):
    echo = Echo(t)
    alone = encode("alone", CONTINUATION)
    begun = encode("begun", fin=False)
    done = encode("done", CONTINUATION)
    whole = encode("whole")
    for chop in (None, 1):
        fails(echo, alone + whole, PROTOCOL_ERROR, chop=chop)
        fails(echo, encode("x", CONTINUATION, fin=False) + whole,
              PROTOCOL_ERROR, chop=chop)
        fails(echo, begun + whole, PROTOCOL_ERROR, chop=chop)
        fails(echo, begun + begun, PROTOCOL_ERROR, chop=chop)
        fails(echo, begun + encode(b"", PING) + whole, PROTOCOL_ERROR,
              [(PONG, b"")], chop)
        fails(echo, begun + done + alone, PROTOCOL_ERROR,
              [(TEXT, b"begundone")], chop)


GOOD_TEXTS = [
    "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\x00", "\x7f", "\x80", "\u07ff",
    "\u0800", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000",
    "\U0010ffff", "\U0001fffe", "\U0010fffe", "🌟" * 100,
]

BAD_TEXTS = [
    b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0 ", b"\xc3 ", b"\xe0 ", b"\xe3 ",
    b"\xe3\x81 ", b"\xf0 ", b"\xf0\x9f\x8c ", b"\xc0", b"\xfe", b"\xff",
    b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf", b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf", b"\xc0\x80", b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80", b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80", b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfc\x84\x80\x80\x80\x80", b"\xfd\xbf\xbf\xbf\xbf\xbf",
    "κόσμε".encode() + b"\xed\xa0\x80edited",
]

CUT_TEXTS = [b"\xce", b"\xce\xba\xe1", b"\xce\xba\xe1\xbd", b"\xe3\x81",
             b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x8c", b"\xf4\x8f\xbf", b"\xc3"]


@test
def text_that_is_utf8_comes_back(t):
    ws = Echo(t).connect()
    for text in GOOD_TEXTS:
        ws.send_text(text)
        echoes(ws, text)
        parts = [bytes([c]) for c in text.encode()]
        ws.send_fragments(*parts, b"")
        echoes(ws, text)
    ws.close_with(NORMAL)


@test
def text_that_is_not_utf8_ends_the_connection(t):
    echo = Echo(t)
    for bad in BAD_TEXTS + CUT_TEXTS:
        fails(echo, encode(bad), BAD_TEXT)
        fails(echo, encode(b"12345678" + bad), BAD_TEXT, chop=1)
        fails(echo, encode(bad[:1], fin=False) + encode(b"", PING) +
              encode(bad[1:], CONTINUATION), BAD_TEXT,
              [] if bad[0] in b"\x80\xbf\xc0\xc1\xf5\xf7\xf8\xfb\xfc\xfd"
              b"\xfe\xff" else [(PONG, b"")])


@test
def text_is_refused_before_the_rest_of_it_has_come(t):
    """The client stops at the byte that is wrong and waits."""
    echo = Echo(t)
    good, wrong = "κόσμε".encode() + b"\xf4", b"\x90"
    ws = echo.connect()  # between frames
    ws.send_text(good, fin=False)
    ws.ping(b"?")
    ws.expect_pong(b"?")
    ws.send_frame(wrong, CONTINUATION, fin=False)
    ws.expect_failure(BAD_TEXT)
    for chop in (None, 1):  # within one
        ws = echo.connect()
        frame = encode(good + wrong + b"\x80\x80edited")
        ws.send_chopped(frame[:-8], chop)
        ws.expect_failure(BAD_TEXT)
    ws = echo.connect()  # the head alone says what can't be
    ws.send_bytes(encode(b"", length=1 << 40)[:10])
    ws.expect_failure(TOO_BIG)


@test
def a_close_frame_is_answered_with_its_code(t):
    echo = Echo(t)
    echo.connect().close_with(None, expect=NORMAL)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                 1013, 1014, 3000, 3999, 4000, 4999):
        echo.connect().close_with(code)
    echo.connect().close_with(1000, "because ä", chop=1)
    echo.connect().close_with(1000, "*" * 123)


@test
def a_wrong_close_frame_is_a_protocol_error(t):
    echo = Echo(t)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999,
                 5000, 65535):
        fails(echo, encode(close_payload(code), CLOSE), PROTOCOL_ERROR)
        fails(echo, encode(close_payload(code, b"why"), CLOSE),
              PROTOCOL_ERROR, chop=1)
    fails(echo, encode(b"\x03", CLOSE), PROTOCOL_ERROR)
    fails(echo, encode(b"a" * 126, CLOSE), PROTOCOL_ERROR)
    for reason in (b"\xce\xba\xed\xa0\x80", b"\xff", b"cut \xc3"):
        fails(echo, encode(close_payload(1000, reason), CLOSE), BAD_TEXT)


@test
def nothing_is_answered_after_a_close_frame(t):
    echo = Echo(t)
    bye = encode(close_payload(NORMAL), CLOSE)
    for after in (encode("late"), encode(b"", PING), bye,
                  encode("x", masked=False),
                  encode("late", CONTINUATION)):
        ws = echo.connect()
        ws.send_bytes(encode("Hello") + bye + after)
        echoes(ws, "Hello")
        ws.expect_close(NORMAL)
        ws.expect_end()
    ws = echo.connect()  # a message that isn't complete is none
    ws.send_bytes(encode("Hel", fin=False) + bye + encode("lo", 0))
    ws.expect_close(NORMAL)
    ws.expect_end()
    ws = echo.connect()  # behind much that has to be sent first
    ws.send_bytes(encode("*" * MIB) + bye)
    echoes(ws, "*" * MIB)
    ws.expect_close(NORMAL)
    ws.expect_end()


@test
def large_messages_come_back(t):
    ws = Echo(t).connect()
    for size in (64 << 10, 256 << 10, MIB, 4 * MIB, 16 * MIB):
        ws.send_text("*" * size)
        echoes(ws, "*" * size)
        data = os.urandom(size)
        ws.send_binary(data)
        echoes(ws, data)
    ws.close_with(NORMAL)


@test
def large_messages_come_back_however_they_are_cut(t):
    ws = Echo(t).connect()
    data = os.urandom(4 * MIB)
    text = "ä🌟*" * (len(data) // 7)
    for size in (64, 1000, 4096, 65536, MIB):  # frames
        ws.send_fragments(*(data[i:i + size]
                            for i in range(0, len(data), size)),
                          opcode=BINARY)
        echoes(ws, data)
        raw = text.encode()
        ws.send_fragments(*(raw[i:i + size]
                            for i in range(0, len(raw), size)))
        echoes(ws, text)
    for chop in (64, 512, 2048):  # packets
        ws.send_binary(data[:MIB // 4], chop=chop)
        echoes(ws, data[:MIB // 4])
    ws.close_with(NORMAL)


@test
def many_small_messages_come_back_in_order(t):
    ws = Echo(t).connect()
    for size in (0, 16, 64, 256, 1024):
        for _ in range(10):
            batch = [bytes([i]) * size for i in range(100)]
            ws.send_bytes(b"".join(encode(m, BINARY) for m in batch))
            echoes(ws, *batch)
    ws.send_bytes(b"".join(encode(str(i)) + encode(str(i), PING)
                           for i in range(500)))
    for i in range(500):
        ws.expect_frame(TEXT, str(i).encode())
        ws.expect_pong(str(i).encode())
    ws.close_with(NORMAL)


@test
def a_message_over_the_limit_is_refused_by_its_head(t):
    echo = Echo(t, "--limit", "100000")
    ws = echo.connect()
    ws.send_text("*" * 100000)
    echoes(ws, "*" * 100000)
    ws.send_fragments("*" * 50000, "*" * 50000)
    echoes(ws, "*" * 100000)
    for i in range(3):  # the next message has its own limit
        ws.send_fragments("*" * 99999, "*")
        echoes(ws, "*" * 100000)
    ws.send_bytes(encode("", length=100001))
    ws.expect_failure(TOO_BIG)
    ws = echo.connect()
    ws.send_frame("*" * 50000, fin=False)
    ws.send_bytes(encode("", CONTINUATION, length=50001))
    ws.expect_failure(TOO_BIG)
    ws = echo.connect()
    ws.send_bytes(encode("", length=(1 << 63) - 1))
    ws.expect_failure(TOO_BIG)


@test
def one_who_does_not_read_costs_bounded_memory(t):
    echo = Echo(t, "--limit", str(MIB))
    ws = echo.connect(rcvbuf=65536)
    before = echo.resident_mib()
    data = encode(b"*" * 65536, BINARY)
    sent = 0
    while select.select([], [ws.socket], [], 0.5)[1]:
        sent += ws.try_send(data[sent % len(data):])
        assert sent < 64 * MIB, "it reads on and on"
    assert echo.resident_mib() < before + 16, "it keeps what it can't send"
    whole = sent // len(data)
    for _ in range(whole):
        ws.expect_frame(BINARY, b"*" * 65536)


@test
def a_bad_handshake_gets_its_answer(t):
    echo = Echo(t)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    host = ("Host", "a")
    upgrade = [host, ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    for status, request in (
            (426, {"headers": [host]}),
            (426, {"headers": [*upgrade, ("Sec-WebSocket-Key", key),
                               ("Sec-WebSocket-Version", "8")]}),
            (400, {"headers": [*upgrade, ("Sec-WebSocket-Version", "13")]}),
            (400, {"headers": [*upgrade, ("Sec-WebSocket-Version", "13"),
                               ("Sec-WebSocket-Key", "short")]}),
            (400, {"headers": [*upgrade, host]}),
            (400, {"headers": []}),
            (405, {"headers": upgrade, "method": "POST"}),
            (431, {"headers": [*upgrade, ("X", "x" * 8192)]}),
            (505, {"headers": upgrade, "version": "HTTP/2.0"})):
        peer = echo.raw()
        peer.request(**request)
        got, headers = peer.response()
        assert got == status, f"{request}: {got}, not {status}"
        assert headers["connection"].split(", ")[-1] == "close", headers
        if status == 426:
            assert headers["sec-websocket-version"] == "13", headers
        if status == 405:
            assert headers["allow"] == "GET, HEAD", headers
    assert accept_of(key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@test
def frames_may_come_with_the_handshake(t):
    echo = Echo(t)
    for chop in (None, 1, 7):
        peer = echo.raw()
        head = ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n"
                "Connection: keep-alive, upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n")
        peer.send_chopped(head.encode() + encode("early"), chop)
        status, headers = peer.response()
        assert status == 101, (status, headers)
        assert headers["sec-websocket-accept"] == \
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        echoes(peer, "early")
        peer.close_with(NORMAL)
