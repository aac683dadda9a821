# SPDX-License-Identifier: MIT
"""Many clients at once, who talk and note all that they read."""
import selectors
import socket
import time

DEADLINE = 60.0
WINDOW = 4  # messages that one may be ahead of those who read it


class Member:
    def __init__(self, crowd, room, name, address):
        self.room = room
        self.name = name
        self.socket = socket.create_connection(address)
        self.socket.setblocking(False)
        self.data = b""      # behind the last whole line
        self.lines = []      # messages of others
        self.notices = []    # everything else
        self.ended = False
        self.said = 0
        self.socket.send(f"{room}\n{name}\n".encode())
        crowd.selector.register(self.socket, selectors.EVENT_READ, self)

    def say(self, size=0):
        line = f"{self.name} {self.said} ".ljust(size, "x").rstrip(" ") + "\n"
        self.socket.send(line.encode())
        self.said += 1

    def on_readable(self):
        try:
            got = self.socket.recv(1 << 17)
        except BlockingIOError:
            return
        if not got:
            self.ended = True
            return
        *lines, self.data = (self.data + got).split(b"\n")
        for line in lines:
            if line.startswith(b"c"):  # all names of a crowd do
                self.lines.append(line)
            else:
                self.notices.append(line)


class Crowd:
    """`rooms` rooms of `size` members each; all have joined."""

    def __init__(self, server, rooms, size):
        self.selector = selectors.DefaultSelector()
        self.members = []
        self.rooms = {}
        self.address = ("127.0.0.1", server.port)
        for r, m in ((r, m) for m in range(size) for r in range(rooms)):
            self.add(f"room{r}", f"c{r}-{m}")
        self.wait(self.all_joined, "everybody has joined")

    def add(self, room, name):
        member = Member(self, room, name, self.address)
        self.members.append(member)
        self.rooms.setdefault(room, []).append(member)

    def all_joined(self):
        """In each room the first has read of all, the last of itself."""
        return all(sum(len(m.notices) for m in members) ==
                   len(members) * (len(members) + 1) // 2
                   for members in self.rooms.values())

    def turn(self, timeout=0.05):
        for key, _ in self.selector.select(timeout):
            key.data.on_readable()
            if key.data.ended:
                self.selector.unregister(key.fileobj)

    def wait(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"not in time: {what}"
            self.turn()

    def talk(self, count, size=0, between=None):
        """Each says so many messages, nobody far ahead of the others; calls
        between() after each round, if given."""
        goal = [m.said + count for m in self.members]
        end = time.monotonic() + DEADLINE
        while any(m.said < g for m, g in zip(self.members, goal)):
            assert time.monotonic() < end, "not in time: all is said"
            slowest = {r: min(len(m.lines) + m.said for m in members)
                       for r, members in self.rooms.items()}
            for m, g in zip(self.members, goal):
                ahead = sum(x.said for x in self.rooms[m.room]) - \
                    slowest[m.room]
                if m.said < g and ahead < WINDOW * len(self.rooms[m.room]):
                    m.say(size)
            self.turn(0)
            if between is not None:
                between()
        self.wait_heard()

    def heard(self):
        return all(
            len(m.lines) >= sum(x.said for x in self.rooms[m.room]) - m.said
            for m in self.members)

    def wait_heard(self):
        self.wait(self.heard, "everybody has heard everybody")

    def check(self):
        """Each member has read each message of the others of its room
        exactly once, nothing from another room, and all in one order."""
        for members in self.rooms.values():
            said = {m.name.encode(): m.said for m in members}
            orders = []
            for m in members:
                assert not m.ended, f"{m.name} was disconnected"
                orders.append(self._check_member(m, said))
            for a, mine in zip(members, orders):
                b = members[(members.index(a) + 1) % len(members)]
                theirs = orders[(members.index(a) + 1) % len(members)]
                assert [x for x in mine if x[0] != b.name.encode()] == \
                    [x for x in theirs if x[0] != a.name.encode()], \
                    f"{a.name} and {b.name} differ in the order"

    @staticmethod
    def _check_member(m, said):
        counts = dict.fromkeys(said, 0)
        order = []
        for line in m.lines:
            sender, text = line.split(b": ", 1)
            assert sender in said, f"{m.name} read {line!r} of another room"
            name, number = text.split(b" ", 2)[:2]
            assert name == sender, f"{m.name} read {line!r}"
            assert int(number) == counts[sender], \
                f"{m.name} read {line[:60]!r}, not number {counts[sender]}"
            counts[sender] += 1
            order.append((sender, int(number)))
        own = m.name.encode()
        assert counts[own] == 0, f"{m.name} read its own"
        for name, count in said.items():
            assert name == own or counts[name] == count, \
                f"{m.name} read {counts[name]} of {count} of {name}"
        for notice in m.notices:
            assert notice.startswith(("🌟".encode(), "👋".encode())), notice
        return order

    def close(self):
        for m in self.members:
            m.socket.close()
        self.selector.close()
