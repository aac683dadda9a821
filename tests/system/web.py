# SPDX-License-Identifier: MIT
"""A client of HTTP/1.1 that says exactly what it is told to."""
from websocket import WebSocket

AGENT = (("Host", "chat.example"),)


def browse(t, server, port=None, **options):
    """A connection to the web listener; the context ends it."""
    client = Http(("127.0.0.1", port or server.web_port), **options)
    t.peers.append(client)
    return client


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"Answer({self.status}, {self.headers}, {self.body[:80]!r})"


class Http(WebSocket):
    def get(self, path="/", method="GET", headers=AGENT):
        self.request(path, method, headers=headers)
        return self.answer(bodiless=method == "HEAD")

    def answer(self, bodiless=False):
        """The next one, judged strictly."""
        status, headers = self.response()
        body = b""
        assert headers["x-content-type-options"] == "nosniff", headers
        assert "transfer-encoding" not in headers, headers
        if status == 304:
            assert "content-length" not in headers, headers
            assert "content-type" not in headers, headers
        else:
            assert "content-type" in headers, headers
            length = headers["content-length"]
            assert length.isdigit(), headers
            body = b"" if bodiless else self.bytes(int(length))
        assert headers["connection"].split(", ")[-1] in (
            "keep-alive", "close"), headers
        return Answer(status, headers, body)

    def expect_answer(self, status, **options):
        got = self.answer(**options)
        assert got.status == status, f"{got}, not {status}"
        return got

    def expect_refusal(self, status):
        """This answer, and the end."""
        got = self.expect_answer(status)
        assert got.headers["connection"].endswith("close"), got
        self.expect_closed()
        return got
