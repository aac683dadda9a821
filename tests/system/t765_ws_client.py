# SPDX-License-Identifier: MIT
"""A WebSocket client that others have written: npm's ws."""
import json
import os

from lib import JOINED, LEFT, ROOT, die_with_parent, test
from peers import Nc

SCRIPT = os.path.join(ROOT, "tests", "system", "ws_client.js")


class WsClient(Nc):
    """The script; what it sends are strings, or its own commands."""

    def say(self, *messages):
        self.send(*[json.dumps(m) for m in messages])

    def do(self, command):
        self.send("!" + command)

    def read(self, kind, **fields):
        """The next object."""
        o = json.loads(self.line())
        assert o["type"] == kind, o
        for key, value in fields.items():
            assert o[key] == value, (key, o)
        return o


def client(t, server, *protocol, origin=None):
    at = f"127.0.0.1:{server.web_port}"
    ws = WsClient(["node", SCRIPT, f"ws://{at}/chat",
                   origin or f"http://{at}", *protocol], die_with_parent)
    t.peers.append(ws)
    return ws


@test
def ws_and_nc_talk_in_both_directions(t):
    server = t.server(web="127.0.0.1:0", workers=2)
    alice = server.join("general", "Alice")
    bob = client(t, server)
    bob.expect("open ")
    bob.say("general", "Bob")
    bob.read("join", name="Bob", room="general")
    alice.expect(JOINED % "Bob")
    alice.send("Hello \U0001f31f", "/me waves")
    bob.read("message", name="Alice", text="Hello \U0001f31f")
    bob.read("action", name="Alice", text="waves")
    bob.say("one\ntwo", "three", "x" * 4096)
    alice.expect("Bob: one", "Bob: two", "Bob: three", "Bob: " + "x" * 4096)
    bob.do("pieces h\u00e9llo \U0001f31f")
    alice.expect("Bob: h\u00e9llo \U0001f31f")
    bob.do("ping still there?")
    bob.expect("pong still there?")
    bob.do("close 1000")
    bob.expect("close 1000")
    alice.expect(LEFT % "Bob")


@test
def ws_reads_text_if_it_asks_for_that(t):
    server = t.server(web="127.0.0.1:0")
    alice = server.join("general", "Alice")
    bob = client(t, server, "chat.text")
    bob.expect("open chat.text")
    bob.say("general\nBob")
    bob.expect(JOINED % "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("y" * 4000)
    bob.expect("Alice: " + "y" * 4000)
    bob.say("/quit")
    bob.expect("close 1000")


@test
def ws_reads_all_of_much(t):
    server = t.server(web="127.0.0.1:0", workers=2)
    alice = server.join("general", "Alice")
    bob = client(t, server, "chat.json")
    bob.expect("open chat.json")
    bob.say("general", "Bob")
    bob.read("join", name="Bob")
    alice.expect(JOINED % "Bob")
    seq = 0
    for begin in range(0, 3000, 500):
        alice.send(*[f"{i} {'z' * (i % 300)}"
                     for i in range(begin, begin + 500)])
        for i in range(begin, begin + 500):
            o = bob.read("message", text=f"{i} {'z' * (i % 300)}")
            assert o["seq"] > seq
            seq = o["seq"]


@test
def ws_is_told_the_codes_that_fit(t):
    server = t.server(web="127.0.0.1:0", max_line=64)
    bob = client(t, server)
    bob.expect("open ")
    bob.do("binary x")
    bob.expect("close 1003")
    carol = client(t, server)
    carol.expect("open ")
    carol.say("x" * (16 * 64 + 1))
    carol.expect("close 1009")
    dave = client(t, server)
    dave.expect("open ")
    dave.say("general", "Dave")
    dave.read("join", name="Dave")
    server.process.terminate()
    dave.read("error", code="shutting-down")
    dave.expect("close 1001")
    assert server.wait() == 0


@test
def ws_of_another_origin_is_refused(t):
    server = t.server(web="127.0.0.1:0")
    for origin in "http://evil.example", "null":
        client(t, server, origin=origin).expect("status 403")
