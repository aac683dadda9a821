# SPDX-License-Identifier: MIT
"""What the system tests are made of: the registry, the server, waiting.

A test is a function of one argument, the Context, under @test; its name is
the sentence that it proves.  Everything that the context made is ended after
the test, whether it passed or not, and a server that still runs is asked to
stop and must do so cleanly: no sanitizer's report, no worker that died
unless the test has said so, nothing left in /dev/shm.

Tests wait for conditions, never for time to pass.  That something doesn't
happen is proved by something that comes after it.
"""
import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time

from faults import Faults
from peers import Client, Nc

DEADLINE = 20.0  # seconds, for anything that is waited for
STOP_DEADLINE = 5.0  # what interface and manual promise
SHM = "/dev/shm"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

JOINED = "🌟 %s joined the room!"
LEFT = "👋 %s left the room"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_reports = re.compile(r"ERROR: \w+Sanitizer|runtime error:|event=bug ")

registry = []  # every function under @test, in order of definition


class Test:
    def __init__(self, function, faults, limit):
        self.function = function
        self.faults = faults  # needs the build with fault points
        self.limit = limit    # seconds
        self.module = function.__module__
        self.name = function.__name__


def test(function=None, *, faults=False, limit=60):
    """Registers a test."""
    if function is None:
        return lambda f: test(f, faults=faults, limit=limit)
    registry.append(Test(function, faults, limit))
    return function


def wait_until(condition, what, deadline=DEADLINE):
    """Returns what `condition` returns as soon as it is true."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(
                f"not within {deadline:g} s: {what}; last: {result!r}")
        time.sleep(0.01)


def die_with_parent():
    """For preexec_fn: nothing that a test started outlives it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def parse_log(text):
    """The events of a log, each a list of pairs and a dictionary of them."""
    events = []
    for line in text.splitlines():
        if not line.startswith("time="):
            continue
        pairs = re.findall(r'([\w-]+)=("(?:[^"\\]|\\.)*"|\S*)', line)
        events.append(Event(line, pairs))
    return events


class Event(dict):
    """A line of the log; values as written, with their quotes."""

    def __init__(self, line, pairs):
        super().__init__(pairs)
        self.line = line
        self.pairs = pairs

    def matches(self, fields):
        return all(self.get(k.replace("_", "-")) == str(v)
                   for k, v in fields.items())


class Context:
    """What a test is given."""

    def __init__(self, build, tmp, prefix):
        self.build = os.path.abspath(build)
        self.faults_build = os.path.join(ROOT, "build", "faults")
        self.tmp = tmp
        self.prefix = prefix  # of the names of all its instances
        self.servers = []
        self.peers = []
        self.names = 0

    def path(self, name):
        return os.path.join(self.tmp, name)

    def write(self, name, text):
        """A file in the test's own folder; returns its path."""
        path = self.path(name)
        with open(path + ".new", "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        if os.path.exists(path):
            shutil.copymode(path, path + ".new")
        os.replace(path + ".new", path)  # nobody reads half of it
        return path

    def instance(self):
        """A name that no other instance has."""
        self.names += 1
        return f"{self.prefix}-{self.names}"

    def server(self, **options):
        """A running server; see Server."""
        server = Server(self, **options)
        self.servers.append(server)
        server.start()
        server.wait_ready()
        return server

    def failing_server(self, code, **options):
        """Starts one that is to end with this code; returns it."""
        server = Server(self, **options)
        self.servers.append(server)
        server.start()
        assert server.wait() == code, \
            f"exit code {server.process.returncode}, not {code}"
        return server

    def run(self, program, *args, env=None, check=None, wrapper=()):
        """Runs a program of the build to its end."""
        done = subprocess.run(
            [*wrapper, os.path.join(self.build, program), *args],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=DEADLINE, env=env, preexec_fn=die_with_parent)
        assert not _reports.search(done.stderr), done.stderr
        if check is not None:
            assert done.returncode == check, \
                f"{program} {args}: exit code {done.returncode}, " \
                f"not {check}\n{done.stdout}{done.stderr}"
        return done

    def dump(self, name, view="status", *args):
        """A view of an instance as shmdump --json shows it."""
        out = self.run("shmdump", "-n", name, "--json", view, *args,
                       check=0).stdout
        if view == "ring":
            return [json.loads(line) for line in out.splitlines()]
        return json.loads(out)

    def finish(self):
        """Ends what runs and checks how it ends."""
        for peer in self.peers:
            peer.close()
        for server in self.servers:
            server.finish()

    def clean_up(self):
        """In any case; raises nothing."""
        for peer in self.peers:
            peer.kill()
        for server in self.servers:
            server.kill()
        remove_objects(self.prefix)


def remove_objects(prefix):
    for name in os.listdir(SHM):
        if name.startswith(f"chatmaster.{prefix}-"):
            os.unlink(os.path.join(SHM, name))


def remove_stale_objects():
    """What is left of runners that were killed."""
    for name in os.listdir(SHM):
        match = re.match(r"chatmaster\.test(\d+)-\d+-\d+(\.old|\.ruined|\.new)?$", name)
        if match and not os.path.exists(f"/proc/{match.group(1)}"):
            os.unlink(os.path.join(SHM, name))


class Server:
    """One instance.

    Options are the keys of the configuration, with _ for -; a list repeats
    its key and None leaves it out.  Besides: args, further arguments; env,
    further environment; faults=True, the build with fault points, to be armed
    through .faults; wrapper, what to run it with.
    """

    def __init__(self, context, args=(), env=None, faults=False, wrapper=(),
                 build=None, **options):
        self.context = context
        self.process = None
        self.finished = False
        self.deaths_allowed = faults
        self.faults = None
        self.extra_objects = ()  # what else may be in /dev/shm at the end
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("NOTIFY_SOCKET", "CHATMASTER_FAULTS")}
        options.setdefault("name", context.instance())
        options.setdefault("line", "127.0.0.1:0")
        options.setdefault("telnet", "none")
        options.setdefault("web", "none")
        self.name = options["name"]
        if faults:
            path = context.path(f"{self.name}.faults")
            self.faults = Faults(path)
            self.env["CHATMASTER_FAULTS"] = path
        self.build = build or \
            (context.faults_build if faults else context.build)
        self.env.update(env or {})
        self.log_path = context.path(f"{self.name}.{len(context.servers)}.log")
        self.command = [*wrapper, os.path.join(self.build, "chatmaster"),
                        *_options(options), *args]

    def start(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.env, cwd=self.context.tmp,
                preexec_fn=_prepare_server)

    @property
    def pid(self):
        return self.process.pid

    # The log.

    def log(self):
        with open(self.log_path, encoding="utf-8",
                  errors="surrogateescape") as f:
            return f.read()

    def events(self, event, **fields):
        """The log's lines of that event with those fields."""
        log = self.log()
        log = log[:log.rfind("\n") + 1]  # the last line may be half there
        return [e for e in parse_log(log)
                if e["event"] == event and e.matches(fields)]

    def wait_event(self, event, count=1, **fields):
        """Waits for that many of them and returns the last."""
        def enough():
            found = self.events(event, **fields)
            return found if len(found) >= count else None
        return wait_until(enough, f"{count} x event={event} {fields}")[-1]

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"it ended with code {self.process.returncode}")
            return self.events("ready")
        event = wait_until(ready, "the server is ready")[0]
        self.listeners = [_address(v) for k, v in event.pairs if k == "line"]
        self.telnet_listeners = [
            _address(v) for k, v in event.pairs if k == "telnet"]
        self.web_listeners = [
            _address(v) for k, v in event.pairs if k == "web"]
        self.metrics_listeners = [
            _address(v) for k, v in event.pairs if k == "metrics"]

    @property
    def port(self):
        return self.listeners[0][1]

    @property
    def telnet_port(self):
        return self.telnet_listeners[0][1]

    @property
    def web_port(self):
        return self.web_listeners[0][1]

    @property
    def metrics_port(self):
        return self.metrics_listeners[0][1]

    # Clients.

    def connect(self, address=None, **options):
        """A connection that has said nothing yet; see Client."""
        if address is None:
            address = ("127.0.0.1", self.port)
        client = Client(address, **options)
        self.context.peers.append(client)
        return client

    def telnet(self, **options):
        """The same by the telnet listener, of one who doesn't say what
        terminal it has when it is asked."""
        client = self.connect(("127.0.0.1", self.telnet_port), **options)
        client.overheard = bytes([255, 253, 24])  # IAC DO TTYPE
        return client

    def join(self, room, name, **options):
        """A client that has joined and read so."""
        client = self.connect(**options)
        client.send(room, name)
        client.expect(JOINED % name)
        return client

    def room(self, room, *names):
        """Clients in a new room, who have read each other's joining."""
        clients = []
        for name in names:
            clients.append(self.join(room, name))
            for client in clients[:-1]:
                client.expect(JOINED % name)
        return clients

    def nc(self, *options, port=None):
        """A real nc."""
        peer = Nc(["nc", *options, "127.0.0.1", str(port or self.port)],
                  die_with_parent)
        self.context.peers.append(peer)
        return peer

    # The shared memory.

    def dump(self, view="status", *args):
        return self.context.dump(self.name, view, *args)

    def session(self, name):
        """The row of that user in `shmdump sessions`, or None."""
        for row in self.dump("sessions"):
            if row["name"] == name:
                return row
        return None

    def wait_sessions(self, count):
        wait_until(lambda: self.dump()["sessions"] == count,
                   f"{count} sessions")

    def wait_joined(self, count):
        """Until so many have joined and nobody is on the move."""
        def settled():
            rows = self.dump("sessions")
            return len(rows) == count and all(
                r["state"] == "joined" and not r["moving"] for r in rows)
        wait_until(settled, f"{count} sessions have settled")

    def wait_verified(self):
        """Every invariant of the shared memory holds."""
        def verified():
            done = self.context.run("shmdump", "-n", self.name, "verify")
            return done.returncode == 0 or done.stdout + done.stderr
        wait_until(lambda: verified() is True, "shmdump verify: ok", 5)

    def objects(self):
        """What lies in /dev/shm of this instance."""
        name = f"chatmaster.{self.name}"
        return sorted(n for n in os.listdir(SHM)
                      if n in (name, f"{name}.old", f"{name}.ruined",
                               f"{name}.new"))

    # Workers.

    def worker_pids(self):
        """By seat, of those that serve."""
        return {w["seat"]: w["pid"] for w in self.dump("workers")
                if w["pid"] != 0}

    def signal_worker(self, seat, number):
        """Returns the pid."""
        pid = wait_until(lambda: self.worker_pids().get(seat),
                         f"a worker in seat {seat}")
        self.deaths_allowed = True
        os.kill(pid, number)
        return pid

    @contextlib.contextmanager
    def stopped_worker(self, seat):
        """A worker does nothing meanwhile; the others take its work."""
        pid = self.signal_worker(seat, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_worker(self, seat):
        """Kills a worker and waits for its successor."""
        before = len(self.events("worker-recovered", seat=seat))
        self.signal_worker(seat, signal.SIGKILL)
        return self.wait_event("worker-recovered", before + 1, seat=seat)

    # The end.

    def wait(self, deadline=DEADLINE):
        """Waits for its end; returns the exit code."""
        return self.process.wait(deadline)

    def stop(self, number=signal.SIGTERM):
        """Asks it to stop; it has to do so in time, and leaves nothing."""
        self.process.send_signal(number)
        try:
            code = self.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError("it didn't stop in 5 s") from None
        assert code == 0, f"exit code {code} of a clean stop"
        assert self.objects() == [], f"left in {SHM}: {self.objects()}"

    def kill_master(self):
        """SIGKILL: its workers end with it."""
        pids = self.worker_pids().values()
        self.process.kill()
        self.wait()
        return pids

    def finish(self):
        if self.finished or self.process is None:
            return
        self.finished = True
        if self.process.poll() is None:
            self.wait_verified()
            self.stop()
        found = _reports.search(self.log())
        assert not found, f"in the log: {found.group()}"
        if not self.deaths_allowed:
            bad = [e.line for e in self.events("worker-exit")
                   if e.get("status") != "0"]
            assert not bad, f"workers died: {bad}"

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _options(options):
    out = []
    for key, value in options.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                out.append(f"--{key.replace('_', '-')}={one}")
    return out


def _prepare_server():
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def process_lives(pid):
    """Zombies don't."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8",
                  errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False

