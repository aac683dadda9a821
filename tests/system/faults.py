# SPDX-License-Identifier: MIT
"""Fault points of a running server, armed from here.

The file's layout is the one that shared/base/fault.h describes.
"""
import fcntl
import mmap
import os
import struct

MAGIC = 0x544C4146
NAME = 48
ROWS = 256
KINDS = 4  # of processes, whose hits are counted apart
ROW = 96
SIZE = 8 + ROWS * ROW
ACTIONS = {"none": 0, "die": 1, "stop": 2, "delay": 3, "fail": 4,
           "crash": 5, "spin": 6}
ANY = -1


class Faults:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        fresh = os.fstat(self.fd).st_size == 0
        if fresh:
            os.ftruncate(self.fd, SIZE)
        self.map = mmap.mmap(self.fd, SIZE)
        if fresh:
            struct.pack_into("=I", self.map, 0, MAGIC)
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def _find(self, name):
        count = struct.unpack_from("=I", self.map, 4)[0]
        for i in range(min(count, ROWS)):
            at = 8 + i * ROW
            if self.map[at:at + NAME].split(b"\0")[0] == name:
                return at
        return None

    def _row(self, name):
        name = name.encode()
        assert len(name) < NAME
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        try:
            at = self._find(name)
            if at is None:
                count = struct.unpack_from("=I", self.map, 4)[0]
                assert count < ROWS
                at = 8 + count * ROW
                struct.pack_into(f"={NAME}s", self.map, at, name)
                struct.pack_into("=i", self.map, at + 92, ANY)
                struct.pack_into("=I", self.map, 4, count + 1)
        finally:
            fcntl.flock(self.fd, fcntl.LOCK_UN)
        return at

    def arm(self, name, action, countdown=1, delay_us=0, seat=ANY):
        """At the countdown'th hit from now, by that seat, once."""
        at = self._row(name)
        struct.pack_into("=IIi", self.map, at + 84, countdown, delay_us, seat)
        struct.pack_into("=I", self.map, at + 80, ACTIONS[action])

    def armed(self, name):
        """Is what was ordered still to be done?"""
        return struct.unpack_from("=I", self.map, self._row(name) + 80)[0] != 0

    def hits(self, name):
        return sum(struct.unpack_from(f"={KINDS}Q", self.map,
                                      self._row(name) + 48))


# Not on the way of every byte: that some die there is enough.
RARE = {"input.spare", "journal.applied", "journal.settled", "takeover.tx",
        "takeover.in", "worker.sleeping", "worker.woken", "lag.turned",
        "lock.released", "publish.bell", "move.lagging"}


class Deaths:
    """Arms each point in turn; sees to it that they were met."""

    def __init__(self, server, seat):
        self.server, self.seat = server, seat
        self.met = set()

    def at(self, points, *countdowns):
        for point in points:
            for countdown in countdowns:
                self.server.faults.arm(
                    point, "die", countdown=countdown, seat=self.seat)
                yield f"{point} {countdown}"
                if not self.server.faults.armed(point):
                    self.met.add(point)
                self.server.faults.arm(point, "none")
        missed = set(points) - self.met - RARE
        assert not missed, f"nobody died at {missed}"
