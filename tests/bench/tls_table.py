# SPDX-License-Identifier: MIT
"""TLS: our listener for it beside stunnel and hitch in front of our line
listener, which is how one would do it otherwise."""
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import servers
from servers import Failed
from tables import COLUMN, cell, short

START_SECONDS = 10
OPTIONS = ["-w", "1", "--replay=0", "--log-level=warn"]

STUNNEL_CONF = """\
foreground = yes
debug = err
pid =
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
sslVersionMin = TLSv1.2
[chat]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{backend}
cert = {pem}
"""

HITCH_CONF = """\
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{backend}"
pem-file = "{pem}"
workers = 1
daemon = off
log-level = 0
tls-protos = TLSv1.2 TLSv1.3
{user}
"""


class Front:
    """A column: what stands before the line listener."""

    name = "chatmaster"
    program = None

    def __init__(self, bench, folder):
        self.folder = folder
        self.path = self.find() if self.program else None
        self.pem = os.path.join(folder, "both.pem")
        options = list(OPTIONS)
        if not self.program:
            options += ["--line-tls=127.0.0.1:0", "--tls-workers=1",
                        f"--cert={folder}/cert.pem",
                        f"--key={folder}/key.pem"]
        self.kind = servers.Instance(
            self.name, bench.chatmaster, f"tls-{self.name}", options)

    def find(self):
        path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin"
        return shutil.which(self.program, path=path)

    def start(self):
        """The server's ports are in its line `ready`, which is of level
        info: they are given to it instead."""
        self.process = None
        line, self.port = servers.free_port(), servers.free_port()
        command = [self.kind.program, "-n", self.kind.instance,
                   f"--line=127.0.0.1:{line}",
                   *self.kind.closed(self.kind.options),
                   *self.kind.options]
        command = [x.replace("--line-tls=127.0.0.1:0",
                             f"--line-tls=127.0.0.1:{self.port}")
                   for x in command]
        self.server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_for(line)
        if self.program:
            self.process = subprocess.Popen(
                self.command(line), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True)
        wait_for(self.port)

    def command(self, backend):
        raise NotImplementedError

    def conf(self, text, backend):
        path = os.path.join(self.folder, f"{self.name}.conf")
        user = 'user = "nobody"' if os.geteuid() == 0 else ""
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.format(port=self.port, backend=backend,
                                pem=self.pem, user=user))
        return path

    @property
    def pids(self):
        of = [self.server.pid]
        return of + [self.process.pid] if self.process else of

    def stop(self):
        if self.process:
            servers.os.killpg(self.process.pid, servers.signal.SIGKILL)
            self.process.wait()
        self.server.terminate()
        self.server.wait(10)


class Stunnel(Front):
    name = "stunnel"
    program = "stunnel4"

    def command(self, backend):
        return [self.path, self.conf(STUNNEL_CONF, backend)]


class Hitch(Front):
    name = program = "hitch"

    def command(self, backend):
        return [self.path, "--config=" + self.conf(HITCH_CONF, backend)]


def wait_for(port):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", int(port))).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failed(f"nobody listens on port {port}")


class Tls:
    """Rows are handshakes a second (new ones, and resumed ones) and
    deliveries a second, each per server CPU second."""

    name = "tls"
    title = ("TLS, per server CPU second: median, and of the others their "
             "ratio to us (spread)")

    def __init__(self, bench):
        self.bench = bench
        self.rounds = bench.rounds
        self.load = os.path.join(
            os.path.dirname(bench.chatload), "tests/bench/tlsload")

    def cases(self):
        return self.bench.words(
            "BENCH_TLS", "handshakes resumed 1x100w1 1x100w64")

    @staticmethod
    def options(case):
        if case == "handshakes":
            return [], "handshakes_per_cpu_s"
        if case == "resumed":
            return ["--resume"], "handshakes_per_cpu_s"
        found = re.fullmatch(r"1x(\d+)w(\d+)", case)
        if not found:
            raise Failed(f"BENCH_TLS: {case} is not known")
        return ["--members", found[1], "--window", found[2]], \
            "deliveries_per_cpu_s"

    def run(self):
        if not os.access(self.load, os.X_OK):
            self.bench.notes.append("tls: not built (package libssl-dev)")
            return
        with tempfile.TemporaryDirectory(prefix="bench-tls-") as folder:
            self.make_certificate(folder)
            fronts = [Front(self.bench, folder)]
            for kind in Stunnel, Hitch:
                front = kind(self.bench, folder)
                if front.path:
                    fronts.append(front)
                else:
                    self.bench.notes.append(
                        f"left out: {kind.program} is not installed")
            self.run_fronts(fronts)

    @staticmethod
    def make_certificate(folder):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-days", "2",
             "-subj", "/CN=localhost"], check=True, capture_output=True)
        os.chmod(f"{folder}/key.pem", 0o600)
        with open(f"{folder}/both.pem", "w", encoding="ascii") as both:
            for name in "key.pem", "cert.pem":
                with open(f"{folder}/{name}", encoding="ascii") as f:
                    both.write(f.read())
        os.chmod(folder, 0o755)

    def run_fronts(self, fronts):
        head = "".join(f"{f.name:>{COLUMN}}" for f in fronts[1:])
        print(f"\n{self.title}\n{'':<18}{'line-tls':>8}{head}", flush=True)
        started = []
        try:
            for front in fronts:
                front.start()
                started.append(front)
            for case in self.cases():
                runs = [[] for _ in fronts]
                for i in range(self.rounds):
                    self.bench.progress(f"tls {case}: round {i + 1}")
                    for front, of in zip(fronts, runs):
                        of.append(self.run_once(front, case))
                self.bench.progress("")
                ours, *others = runs
                cells = "".join(f"{cell(ours, of):>{COLUMN}}"
                                for of in others)
                print(f"{case:<18}{short(statistics.median(ours)):>8}{cells}",
                      flush=True)
        finally:
            for front in started:
                front.stop()

    def run_once(self, front, case):
        options, key = self.options(case)
        command = [self.load, "--port", front.port, "--seconds",
                   str(self.bench.seconds), *options]
        for pid in front.pids:
            command += ["--pid", str(pid)]
        done = subprocess.run(command, text=True, capture_output=True,
                              timeout=60)
        if done.returncode != 0:
            raise Failed(f"{front.name}, {case}: {done.stderr}")
        figures = dict(x.split("=", 1) for x in done.stdout.split())
        return float(figures[key])


TABLES = [Tls]
