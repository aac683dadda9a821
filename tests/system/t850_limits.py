# SPDX-License-Identifier: MIT
"""Those who come too fast, and those who come beside them."""
import os
import re
import signal
import socket

from lib import JOINED, test, wait_until

MANY = "too-many-from-address"


def refusals(t, server):
    """By reason, as the metrics have them."""
    text = t.run("shmdump", "-n", server.name, "metrics", check=0).stdout
    return {reason: int(n) for reason, n in re.findall(
        r'^chatmaster_refused_total\{reason="([\w-]+)"\} (\d+)$', text, re.M)}


def fds_of(server):
    return [len(os.listdir(f"/proc/{pid}/fd"))
            for pid in (server.pid, *server.worker_pids().values())]


def flood(server, source, count):
    """That many connections as fast as they come; how many were refused."""
    refused = 0
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", server.port), 20,
                                      (source, 0)) as sock:
            sock.shutdown(socket.SHUT_WR)
            text = b""
            while (piece := sock.recv(4096)):
                text += piece
        refused += MANY.encode() in text
    return refused


@test
def one_who_comes_too_fast_is_told_and_counted(t):
    server = t.server(workers=1, connect_rate=5)
    refused = flood(server, "127.0.0.2", 200)
    assert refused >= 100, refused
    server.connect(source="127.0.0.3").send("general", "Other")
    assert refusals(t, server)["connect-rate"] == refused
    event = server.wait_event("refuse", reason="connect-rate", listener="line")
    assert event["ip"] == "127.0.0.2"


@test(limit=120)
def ten_thousand_connections_keep_nobody_else_out(t):
    """Neither those who come meanwhile, nor those who are there."""
    server = t.server(workers=2, connect_rate=20, max_clients_per_ip=50)
    alice = server.join("general", "Alice", source="127.0.0.3")
    fds = fds_of(server)
    refused = 0
    for i in range(10):
        refused += flood(server, "127.0.0.2", 1000)
        bob = server.join("general", f"Bob{i}", source="127.0.0.4")
        alice.expect(JOINED % f"Bob{i}")
        bob.close()
        alice.lines_until(f"👋 Bob{i} left the room")
    assert refused > 9000, refused
    wait_until(lambda: int(server.dump("status")["sessions"]) == 1,
               "that only Alice is left")
    assert refusals(t, server)["connect-rate"] == refused
    wait_until(lambda: sum(int(e.get("count", 1))
                           for e in server.events("refuse")) == refused,
               f"{refused} refusals in the log")
    assert len(server.events("refuse")) < refused / 10
    wait_until(lambda: fds_of(server) == fds, f"{fds} fds")


@test
def how_fast_one_may_come_changes_with_hup(t):
    path = t.write("rate.conf", "connect-rate = 1\n")
    server = t.server(args=["-c", path], workers=1)
    assert flood(server, "127.0.0.2", 20) > 0
    t.write("rate.conf", "connect-rate = 0\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_event("reload")
    assert flood(server, "127.0.0.2", 20) == 0
