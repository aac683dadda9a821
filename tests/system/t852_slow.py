# SPDX-License-Identifier: MIT
"""Many who never finish what they begin."""
import select
import socket
import time

from lib import JOINED, LEFT, test, wait_until

EACH = 350  # connections to each of three listeners
TIMEOUT_S = 5
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nX-Padding: "


class Slow:
    """Connections that send a byte each whenever they are told to."""

    def __init__(self, ports):
        self.sockets = []
        for port in ports:
            for _ in range(EACH):
                s = socket.socket()
                s.bind(("127.0.0.2", 0))
                s.connect(("127.0.0.1", port))
                s.setblocking(False)
                self.sockets.append(s)

    def drip(self, byte=b"a"):
        for s in list(self.sockets):
            try:
                s.send(byte)
            except OSError:
                self.sockets.remove(s)
                s.close()

    def left(self):
        """How many haven't been closed by the server."""
        poll = select.poll()
        by_fd = {s.fileno(): s for s in self.sockets}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(0):
            try:
                if by_fd[fd].recv(65536):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            self.sockets.remove(by_fd[fd])
            by_fd[fd].close()
        return len(self.sockets)


@test
def a_thousand_who_never_finish_their_first_line_keep_nobody_out(t):
    server = t.server(workers=2, telnet="127.0.0.1:0", web="127.0.0.1:0",
                      login_timeout=TIMEOUT_S)
    resident = server.join("r", "Resident")
    slow = Slow([server.port, server.telnet_port, server.web_port])
    for s in slow.sockets[2 * EACH:]:
        s.send(REQUEST)
    server.wait_sessions(3 * EACH + 1)
    newcomers = 0
    dripped = 0.0

    def gone():
        """They go on all the while, and others come in all the while."""
        nonlocal newcomers, dripped
        if time.monotonic() - dripped > 1:
            dripped = time.monotonic()
            slow.drip()
        newcomers += 1
        name = f"N{newcomers}"
        server.join("r", name).send("/quit")
        resident.expect(JOINED % name)
        resident.expect(LEFT % name)
        return slow.left() == 0

    wait_until(gone, "all are gone, whatever they send")
    assert newcomers > 1
    server.wait_sessions(1)
    server.wait_verified()
    timeouts = [e for e in server.events("close")
                if e.get("reason") == "login-timeout"]
    assert len(timeouts) == 3 * EACH, len(timeouts)
