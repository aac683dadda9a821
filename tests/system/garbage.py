# SPDX-License-Identifier: MIT
"""Writing where one has no business to: into the memory of a running server."""
import mmap
import os
import re
import socket
import struct
import time

from lib import ROOT, SHM

PATIENCE = 3.0  # seconds, for one answer of a server that was hurt


def _layout_fields():
    """The names of struct segment_layout, in order, all of 8 bytes."""
    with open(os.path.join(ROOT, "shared/shm/segment.h"),
              encoding="utf-8") as f:
        text = f.read()
    body = re.search(r"struct segment_layout \{(.*?)\};", text, re.S).group(1)
    names = []
    for line in re.findall(r"uint64_t ([^;]*);", body):
        names += [name.strip() for name in line.split(",")]
    return names


class Memory:
    """The segment that an instance has now, open for writing."""

    HEADER = 16     # magic, version, size; then the params
    LAYOUT = 16 + 4 * 4 + 3 * 8

    def __init__(self, name):
        path = os.path.join(SHM, f"chatmaster.{name}")
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.map = mmap.mmap(fd, 0)
        os.close(fd)
        self.nseats, self.nslots, self.nrooms = struct.unpack_from(
            "=3I", self.map, self.HEADER)
        fields = _layout_fields()
        self.layout = dict(zip(fields, struct.unpack_from(
            f"={len(fields)}Q", self.map, self.LAYOUT)))
        starts = sorted(v for k, v in self.layout.items()
                        if k != "size" and not k.endswith("stride"))
        ends = dict(zip(starts, starts[1:] + [self.layout["size"]]))
        self.areas = {"header": (0, starts[0])}
        for name, at in self.layout.items():
            if at in ends and not name.endswith("stride") and name != "size":
                self.areas[name] = (at, ends[at])

    def close(self):
        self.map.close()

    def write(self, at, data):
        self.map[at:at + len(data)] = data

    def fill(self, area, data_of, most=1 << 20):
        """The area's first bytes, `most` at most: data_of(how many)."""
        first, end = self.areas[area]
        self.write(first, data_of(min(end - first, most)))


def _read_until(sock, want, end):
    """Whether that line comes before the end of time or stream."""
    data = b""
    while want not in data:
        left = end - time.monotonic()
        if left <= 0:
            return False
        sock.settimeout(left)
        try:
            got = sock.recv(1 << 16)
        except OSError:
            return False
        if not got:
            return False
        data += got
    return True


def _two_chat(port, number):
    socks = []
    try:
        for i in range(2):
            sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
            socks.append(sock)
            name = f"new{number}-{i}"
            sock.sendall(f"nowhere{number}\n{name}\n".encode())
            end = time.monotonic() + PATIENCE
            if not _read_until(sock, f"🌟 {name} joined".encode(), end):
                return False
        socks[0].sendall(b"hello\n")
        return _read_until(socks[1], f"new{number}-0: hello\n".encode(),
                           time.monotonic() + PATIENCE)
    except OSError:
        return False
    finally:
        for sock in socks:
            sock.close()


def wait_chat(server, deadline=45):
    """Until two who come now can talk with each other."""
    end = time.monotonic() + deadline
    number = 0
    while not _two_chat(server.port, f"{id(server) % 997}-{number}"):
        number += 1
        assert server.process.poll() is None, "the master has died"
        assert time.monotonic() < end, "nobody can chat any more"
    return number


def look(server, views=("status", "workers", "rooms", "sessions", "ring",
                        "locks", "verify", "metrics")):
    """Each view of shmdump ends by itself, whatever it says."""
    for view in views:
        done = server.context.run("shmdump", "-n", server.name, view)
        assert done.returncode in (0, 1), \
            f"shmdump {view} ended with {done.returncode}"
