# SPDX-License-Identifier: MIT
"""Bytes sent in pieces, each read by the server before the next is sent, by
the one client of a listener."""
from lib import wait_until


def row_of(server, listener):
    """Its row in `shmdump sessions`."""
    return wait_until(
        lambda: [r for r in server.dump("sessions")
                 if r["listener"] == listener], "it is in")[0]


def bytes_read(server, listener):
    """Of the client, -1 when it is gone."""
    rows = [r for r in server.dump("sessions") if r["listener"] == listener]
    return rows[0]["in"] if rows else -1


def send_each(server, listener, client, pieces, between=lambda: None):
    """Each is read before the next is sent, and all before them is."""
    total = max(bytes_read(server, listener), 0)
    for piece in pieces:
        between()
        client.send_bytes(piece)
        total += len(piece)
        wait_until(lambda: bytes_read(server, listener) in (total, -1),
                   f"{total} bytes are read")
