# SPDX-License-Identifier: MIT
"""shmdump top, on a terminal that the test plays."""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import termios
import time

from lib import DEADLINE, die_with_parent, test, wait_until

ENTER = "\x1b[?1049h"
LEAVE = "\x1b[?1049l"


class Terminal:
    """A program on a pseudo-terminal of its own, and what it has drawn."""

    def __init__(self, t, *command, rows=24, columns=80):
        self.fd, self.child = pty.openpty()
        self.resize(rows, columns, None)
        self.before = termios.tcgetattr(self.child)
        self.pid = os.fork()
        if self.pid == 0:
            self.become(t, command)
        self.code = None
        self.text = ""
        t.peers.append(self)

    def become(self, t, command):
        try:
            die_with_parent()
            os.close(self.fd)
            self.login()
            os.execv(os.path.join(t.build, command[0]), command)
        finally:
            os._exit(127)

    def login(self):
        os.setsid()
        fcntl.ioctl(self.child, termios.TIOCSCTTY, 0)
        for fd in 0, 1, 2:
            os.dup2(self.child, fd)

    def resize(self, rows, columns, pid):
        fcntl.ioctl(self.child, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.rows, self.columns = rows, columns
        if pid is not None:
            os.kill(pid, signal.SIGWINCH)

    def settings(self):
        return termios.tcgetattr(self.child)

    def read(self, seconds=0.05):
        if select.select([self.fd], [], [], seconds)[0]:
            self.text += os.read(self.fd, 1 << 16).decode()

    def frames(self):
        """What was drawn, complete but perhaps for the last; each a list of
        lines, without escapes."""
        frames = self.text.split("\x1b[H")[1:]
        # The terminal adds a CR of its own to each LF.
        return [re.split(r"\r+\n", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", f))
                for f in frames]

    def wait_frame(self, condition, what):
        """Until a complete frame is so; returns it."""
        end = time.monotonic() + DEADLINE
        while True:
            for frame in self.frames()[:-1]:
                if condition(frame):
                    return frame
            assert time.monotonic() < end, f"{what}: {self.text[-3000:]!r}"
            self.read()

    def type(self, keys):
        os.write(self.fd, keys)

    def wait(self):
        """Its exit code, or minus its signal."""
        def ended():
            self.read(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                return False
            self.code = os.waitstatus_to_exitcode(status)
            return True
        if self.code is None:
            wait_until(ended, "it ends")
            while select.select([self.fd], [], [], 0)[0]:
                self.text += os.read(self.fd, 1 << 16).decode()
        return self.code

    def expect_restored(self):
        assert self.text.count(ENTER) == self.text.count(LEAVE) > 0
        assert self.text.rindex(LEAVE) > self.text.rindex(ENTER)
        assert self.text.rindex("\x1b[?25h") > self.text.rindex("\x1b[?25l")
        assert self.settings() == self.before

    def close(self):
        self.kill()

    def kill(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -signal.SIGKILL
        for fd in self.fd, self.child:
            if fd is not None:
                os.close(fd)
        self.fd = self.child = None


def top(t, server, **size):
    return Terminal(t, "shmdump", "-n", server.name, "top", **size)


def fits(frame, rows, columns):
    return len(frame) <= rows and all(len(x) <= columns for x in frame)


@test
def top_shows_instance_workers_and_rooms_and_q_ends_it(t):
    server = t.server(workers=2)
    server.room("general", "Alice", "Bob")
    terminal = top(t, server)
    frame = terminal.wait_frame(lambda f: True, "a frame")
    assert fits(frame, 24, 80), frame
    text = "\n".join(frame)
    assert server.name in frame[0] and str(server.pid) in frame[0]
    assert "sessions 2/" in text
    for pid in server.worker_pids().values():
        assert re.search(rf"^ +\d chat +{pid} serving", text, re.M), text
    assert re.search(r"^ .* 0 +2  general$", text, re.M), text
    assert not terminal.settings()[3] & (termios.ECHO | termios.ICANON)
    terminal.type(b"x\x1b[Aq")
    assert terminal.wait() == 0
    terminal.expect_restored()


@test
def top_ends_on_signals_and_restores_the_terminal(t):
    server = t.server(workers=1)
    for end in (lambda x: x.type(b"\x03"),
                lambda x: os.kill(x.pid, signal.SIGINT),
                lambda x: os.kill(x.pid, signal.SIGTERM)):
        terminal = top(t, server)
        terminal.wait_frame(lambda f: True, "a frame")
        end(terminal)
        assert terminal.wait() == 0
        terminal.expect_restored()


@test
def top_gives_the_terminal_back_while_it_is_stopped(t):
    server = t.server(workers=1)
    terminal = top(t, server)
    terminal.wait_frame(lambda f: True, "a frame")
    os.kill(terminal.pid, signal.SIGTSTP)
    _, status = os.waitpid(terminal.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    terminal.read()
    terminal.expect_restored()
    drawn = len(terminal.frames())
    os.kill(terminal.pid, signal.SIGCONT)
    wait_until(lambda: terminal.read() or len(terminal.frames()) > drawn + 1,
               "it draws again")
    assert terminal.text.count(ENTER) == 2
    terminal.type(b"q")
    assert terminal.wait() == 0
    terminal.expect_restored()


@test
def top_follows_the_size_of_the_terminal(t):
    server = t.server(workers=2)
    for i in range(30):
        server.join(f"room{i}", f"n{i}")
    terminal = top(t, server, rows=24, columns=80)
    frame = terminal.wait_frame(lambda f: len(f) == 24, "a full screen")
    assert fits(frame, 24, 80)
    assert "(15 of 30)" in "\n".join(frame)
    for rows, columns in (50, 132), (12, 40), (3, 10), (1, 1), (24, 80):
        drawn = len(terminal.frames())
        terminal.resize(rows, columns, terminal.pid)
        wait_until(lambda d=drawn: terminal.read() or
                   len(terminal.frames()) > d + 2, "it draws anew")
        assert fits(terminal.frames()[-2], rows, columns)
        shown = [x for x in terminal.frames()[-2] if "room" in x]
        assert rows < 50 or len(shown) >= 30
    terminal.type(b"q")
    assert terminal.wait() == 0


@test
def top_computes_rates_and_puts_the_busiest_room_first(t):
    server = t.server(workers=2)
    server.join("quiet", "Quentin")
    busy = server.join("busy", "Berta")
    terminal = top(t, server)

    def busy_first(frame):
        busy.send("x")
        at = [i for i, line in enumerate(frame) if "ROOM" in line]
        if not at or len(frame) < at[0] + 3:
            return False
        first = frame[at[0] + 1].split()
        return first[3] == "busy" and first[0] not in ("-", "0.0")

    frame = terminal.wait_frame(busy_first, "the busy room has a rate")
    assert re.search(r"messages/s (?!-)[\d.]+", "\n".join(frame))
    terminal.type(b"q")
    assert terminal.wait() == 0


@test
def top_says_that_the_server_is_dead(t):
    server = t.server(workers=1)
    terminal = top(t, server)
    terminal.wait_frame(lambda f: "running" in f[0], "it runs")
    server.kill_master()
    terminal.wait_frame(lambda f: "dead" in f[0], "it is dead")
    terminal.type(b"q")
    assert terminal.wait() == 0
    terminal.expect_restored()


@test
def top_restores_the_terminal_when_the_memory_is_cut_short(t):
    server = t.server(workers=1)
    path = shutil.copy(f"/dev/shm/chatmaster.{server.name}", t.path("copy"))
    terminal = Terminal(t, "shmdump", "--file", path, "top")
    terminal.wait_frame(lambda f: "copy" in f[0], "a frame")
    os.truncate(path, 0)
    assert terminal.wait() == 1
    assert "cut short" in terminal.text
    terminal.expect_restored()


@test
def top_is_one_snapshot_where_there_is_no_terminal(t):
    server = t.server(workers=2)
    server.room("general", "Alice", "Bob")
    out = t.run("shmdump", "-n", server.name, "top", check=0).stdout
    assert "\x1b" not in out and "general" in out and server.name in out
    document = t.dump(server.name, "top")
    assert document["status"]["sessions"] == 2
    assert len(document["workers"]) == 2
    assert document["rooms"][0]["name"] == "general"
