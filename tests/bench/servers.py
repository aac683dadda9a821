# SPDX-License-Identifier: MIT
"""The servers that are measured: how each is started, told apart, ended."""
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS = 10
STOP_SECONDS = 10
HOST = "127.0.0.1"
INSTANCE = f"bench-{os.getpid()}"

NGIRCD_CONF = """\
[Global]
Name = bench.local
Info = bench
AdminInfo1 = bench
Listen = {host}
Ports = {port}
MotdPhrase = bench
{user}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 31
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
CloakHost = bench
DNS = no
Ident = no
PAM = no
"""


class Failed(Exception):
    """With what chatload said, if it was that."""

    def reason(self):
        """In one line."""
        line = (str(self.args[-1]).strip().splitlines() or ["?"])[-1]
        wrong = re.findall(r"\b(?:lost|order_errors|strays)=[1-9]\d*", line)
        return " ".join(wrong) or line

    def __str__(self):
        return self.args[0]


class Server:
    """A server under test: its process, its address, what it has printed."""

    def __init__(self, kind, command, pattern, port=None):
        """The pattern is in what it prints when it is ready; `port` or its
        group of that name is where it listens."""
        self.kind = kind
        self.name = kind.name
        self.log = tempfile.NamedTemporaryFile(prefix="bench-log-")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, start_new_session=True)
        try:
            found = self.wait_for(pattern).groupdict()
        except BaseException:
            self.stop()
            raise
        self.host = (found.get("host") or HOST).strip("[]")
        self.port = port or found["port"]

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        with open(self.log.name, errors="replace") as log:
            return log.read()

    def wait_for(self, pattern):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            dead = self.process.poll() is not None
            found = re.search(pattern, self.output(), re.MULTILINE)
            if found and not dead:
                return found
            if dead:
                raise Failed(f"{self.name} does not start:\n{self.tail()}")
            time.sleep(0.01)
        raise Failed(f"{self.name} is not ready:\n{self.tail()}")

    def tail(self):
        return "\n".join(self.output().splitlines()[-20:])

    def stop(self):
        """Ends the server and, if it must be killed, all that it started.
        Others than ours have nothing to save, and some take their time."""
        if self.kind.ours:
            self.process.terminate()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{self.name} does not stop; killed")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


class Kind:
    """A column of the tables."""

    protocol = "line"
    ours = True  # its failure is ours, and ends the run
    clients_max = None  # with more it is not measured

    def __init__(self, name):
        self.name = name

    def missing(self):
        """Why it is left out, or None."""
        return None

    def start(self, clients):
        """A Server for at least so many clients."""
        raise NotImplementedError


class Bare(Kind):
    def __init__(self, program, name="bare"):
        super().__init__(name)
        self.program = program

    def start(self, clients):
        return Server(self, [self.program, "--port", "0"],
                      r"^port=(?P<port>\d+)$")


class Chatmaster(Kind):
    def __init__(self, program, workers, arguments):
        super().__init__(f"chatmaster -w {workers}")
        self.program = program
        self.workers = workers
        self.instance = f"{INSTANCE}-w{workers}"
        self.arguments = shlex.split(arguments)

    def start(self, clients):
        return Server(self, self.command(clients),
                      r'\bevent=ready\b.*\bline="?'
                      r'(?P<host>\[[0-9a-fA-F:.]+\]|[0-9.]+):(?P<port>\d+)')

    def command(self, clients):
        command = [self.program, "-w", self.workers, "-n", self.instance,
                   f"--line={HOST}:0"]
        if clients:
            command.append(f"--max-clients={clients}")
        return command + self.closed(self.arguments) + self.arguments

    def closed(self, options):
        """What keeps listeners that this build has, and that are not asked
        for, from taking their usual ports."""
        usage = subprocess.run([self.program, "--help"], text=True,
                               capture_output=True, timeout=10)
        return [f"--{key}=none" for key in ("telnet", "web")
                if re.search(rf"\b{key}\b", usage.stdout + usage.stderr)
                and not any(option.startswith(f"--{key}=")
                            for option in options)]

    def view(self, shmdump, name):
        """What shmdump says of it."""
        done = subprocess.run([shmdump, "-n", self.instance, "--json", name],
                              text=True, capture_output=True, timeout=10)
        if done.returncode != 0:
            raise Failed(f"shmdump: {done.stderr}")
        return json.loads(done.stdout)

    def status(self, shmdump):
        return self.view(shmdump, "status")

    def segment(self, shmdump):
        """Bytes of shared memory, and of the ring in it."""
        size = os.stat(f"/dev/shm/chatmaster.{self.instance}").st_size
        # A descriptor of 64 bytes for each 128 bytes of text.
        return size, self.status(shmdump)["ring_size"] * 3 // 2

    def wait_sessions(self, shmdump, count):
        deadline = time.monotonic() + START_SECONDS
        while self.status(shmdump)["sessions"] < count:
            if time.monotonic() > deadline:
                raise Failed(f"no {count} sessions of {self.name}")
            time.sleep(0.05)


class Instance(Chatmaster):
    """With options of its own, its command put behind another one."""

    def __init__(self, name, program, instance, options, prefix=()):
        super().__init__(program, "1", "")
        self.name = name
        self.instance = f"{INSTANCE}-{instance}"
        self.options = options
        self.prefix = prefix

    def command(self, clients):
        return [*self.prefix, self.program, "-n", self.instance,
                f"--line={HOST}:0", f"--max-clients={max(clients, 1000)}",
                *self.closed(self.options), *self.options]


class Other(Kind):
    """Somebody else's server, measured where it is installed."""

    ours = False
    program = package = None

    def path(self):
        path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin"
        return shutil.which(self.program, path=path)

    def missing(self):
        if self.path() is None:
            return f"{self.program} is not installed (package {self.package})"
        return None


class Redis(Other):
    protocol = "redis"
    program = package = "redis-server"

    def __init__(self):
        super().__init__("redis")

    def start(self, clients):
        port = free_port()
        return Server(self, [
            self.path(), "--port", port, "--bind", HOST, "--save", "",
            "--appendonly", "no", "--protected-mode", "no",
            "--dir", tempfile.gettempdir(),
            "--maxclients", str(max(clients, 10000)),
            "--client-output-buffer-limit", "pubsub 0 0 0",
        ], "Ready to accept connections", port)


class Ngircd(Other):
    protocol = "irc"
    program = package = "ngircd"
    clients_max = 1000  # each one more costs it more than the one before

    def __init__(self):
        super().__init__("ngircd")

    def start(self, clients):
        port = free_port()
        root = os.geteuid() == 0
        user = "ServerUID = nobody\nServerGID = nogroup\n" if root else ""
        with tempfile.NamedTemporaryFile("w", prefix="bench-conf-") as conf:
            conf.write(NGIRCD_CONF.format(host=HOST, port=port, user=user))
            conf.flush()
            return Server(self, [self.path(), "-n", "-f", conf.name],
                          "Server .* ready", port)


def free_port():
    """One that nobody has now, for servers that cannot choose one."""
    with socket.create_server((HOST, 0)) as taken:
        return str(taken.getsockname()[1])
