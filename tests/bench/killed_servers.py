# SPDX-License-Identifier: MIT
"""The servers that tests/bench/killed kills, and their clients."""
import asyncio
import os
import re
import shutil
import subprocess
import time

import servers

RETRY_SECONDS = 0.05  # of a client that has lost its connection
SEARCH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin"

NGINX_CONF = """\
{user}
daemon off;
worker_processes 2;
pid {scratch}/pid;
error_log {scratch}/log;
load_module {module};
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {scratch};
    proxy_temp_path {scratch};
    fastcgi_temp_path {scratch};
    uwsgi_temp_path {scratch};
    scgi_temp_path {scratch};
    keepalive_requests 1000000;
    nchan_shared_memory_size 64M;
    server {{
        listen {host}:{port};
        location ~ ^/sub/(\\w+)$ {{
            nchan_subscriber eventsource;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
        location ~ ^/pub/(\\w+)$ {{
            nchan_publisher;
            nchan_channel_id $1;
            nchan_message_buffer_length 1000;
            nchan_message_timeout 1h;
        }}
    }}
}}
"""

INSPIRCD_CONF = """\
<config format="xml">
<server name="bench.local" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@bench.local">
<bind address="{host}" port="{port}" type="clients">
<connect allow="*" timeout="30" pingfreq="600" commandrate="1000000000"
  threshold="1000000000" fakelag="off" recvq="1000000" softsendq="10000000"
  hardsendq="10000000" localmax="10000" globalmax="10000"
  resolvehostnames="no" useident="no">
<performance softlimit="10000" somaxconn="1024">
<pid file="{scratch}/pid">
<log method="file" type="*" level="sparse" target="{scratch}/log">
<cidr ipv4clone="32" ipv6clone="128">
"""


class Ended(Exception):
    """A connection."""


class Member:
    """Of a room, over whatever the server speaks; comes again when its
    connection ends."""

    def __init__(self, town, room, number):
        self.town = town
        self.room = room
        self.name = f"u{room}x{number}"
        self.online = False
        self.was_online = asyncio.Event()
        self.got = {}    # message number: how often
        self.last = -1
        self.disorder = 0
        self.ended = 0
        self.since = None  # the kill after which nothing has been read yet
        self.again = []    # seconds
        self.never = 0

    async def live(self):
        while not self.town.over:
            try:
                self.reader, self.writer = await asyncio.open_connection(
                    servers.HOST, self.town.port)
                try:
                    await self.enter()
                    self.online = True
                    self.was_online.set()
                    while True:
                        self.take(await self.line())
                finally:
                    self.writer.close()
            except (Ended, OSError, asyncio.IncompleteReadError):
                if self.online and not self.town.over:
                    self.ended += 1
            self.online = False
            await asyncio.sleep(RETRY_SECONDS)

    async def line(self):
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Ended
        return line.decode(errors="replace").rstrip("\r\n")

    async def line_with(self, pattern):
        while True:
            line = await self.line()
            if re.search(pattern, line):
                return

    def take(self, line):
        found = re.search(r"m(\d+)t([\d.]+)$", line)
        if not found:
            return
        number, sent = int(found[1]), float(found[2])
        self.got[number] = self.got.get(number, 0) + 1
        if number < self.last:
            self.disorder += 1
        self.last = number
        if self.since is not None and sent > self.since:
            self.again.append(time.monotonic() - self.since)
            self.since = None

    async def say(self, text):
        """Whether it was said."""
        if not self.online:
            return False
        self.write(text)
        return True

    def send(self, text):
        self.writer.write(text.encode())


class LineMember(Member):
    async def enter(self):
        self.send(f"room{self.room}\n{self.name}\n")
        await self.line_with("joined the room!")

    def write(self, text):
        self.send(text + "\n")


class IrcMember(Member):
    async def enter(self):
        self.send(f"NICK {self.name}\r\nUSER u 0 * :u\r\n")
        await self.line_with(r"^\S+ 001 ")
        self.send(f"JOIN #room{self.room}\r\n")
        await self.line_with(r"^\S+ 366 ")

    async def line(self):
        line = await super().line()
        if line.startswith("PING "):
            self.send("PONG" + line[4:] + "\r\n")
        return line

    def write(self, text):
        self.send(f"PRIVMSG #room{self.room} :{text}\r\n")


class NchanMember(Member):
    """Reads an event stream, from where the last one ended; or talks, with
    a request for each message."""

    last_id = None

    async def enter(self):
        resume = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        self.send(f"GET /sub/room{self.room} HTTP/1.1\r\nHost: bench\r\n"
                  f"Accept: text/event-stream\r\n{resume}\r\n")
        await self.line_with("^HTTP/1.1 200 ")
        await self.line_with("^$")

    def take(self, line):
        if line.startswith("id: "):
            self.last_id = line[4:]
        super().take(line)


class NchanTalker(NchanMember):
    async def enter(self):
        self.answers = asyncio.Queue()

    def take(self, line):
        found = re.search(r"HTTP/1\.1 (\d+) ", line)
        if found:
            self.answers.put_nowait(found[1])

    async def say(self, text):
        if not self.online:
            return False
        self.send(f"POST /pub/room{self.room} HTTP/1.1\r\nHost: bench\r\n"
                  f"Content-Length: {len(text)}\r\n\r\n{text}")
        try:
            answer = await asyncio.wait_for(self.answers.get(), 5)
        except asyncio.TimeoutError:
            self.writer.close()
            return False
        return answer.startswith("2")


class Kind:
    """A server: how it is started, and what is killed."""

    member = talker = IrcMember
    supervised = False  # one process: it is started anew when it ends

    def missing(self):
        """What has to be installed, or None."""
        return None

    def command(self, port, scratch):
        raise NotImplementedError

    def start(self, port, scratch):
        with open(f"{scratch}/said", "a") as said:
            return subprocess.Popen(
                self.command(port, scratch), stdin=subprocess.DEVNULL,
                stdout=said, stderr=said, start_new_session=True,
                **self.identity())

    def identity(self):
        return {}

    def victims(self, process):
        """Pids of those that serve clients."""
        return [process.pid]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return [int(child) for child in found.read().split()]


class Chatmaster(Kind):
    name = "chatmaster -w 2"
    member = talker = LineMember

    def __init__(self, build):
        self.build = build

    def missing(self):
        program = f"{self.build}/chatmaster"
        return None if os.access(program, os.X_OK) else f"{program} (make)"

    def command(self, port, scratch):
        return [f"{self.build}/chatmaster", "-n", servers.INSTANCE, "-w", "2",
                f"--line={servers.HOST}:{port}", "--telnet=none",
                "--web=none"]

    def victims(self, process):
        return children(process.pid)


class Nchan(Kind):
    name = "nginx with Nchan"
    member, talker = NchanMember, NchanTalker
    modules = ["/usr/lib/nginx/modules/ngx_nchan_module.so",
               "/usr/lib64/nginx/modules/ngx_nchan_module.so"]

    def missing(self):
        self.program = shutil.which("nginx", path=SEARCH)
        self.module = next(filter(os.path.exists, self.modules), None)
        if not self.program:
            return "nginx (package nginx-light)"
        return None if self.module else "Nchan (package libnginx-mod-nchan)"

    def command(self, port, scratch):
        conf = f"{scratch}/nginx.conf"
        user = "user nobody nogroup;" if os.geteuid() == 0 else ""
        with open(conf, "w") as out:
            out.write(NGINX_CONF.format(
                user=user, scratch=scratch, module=self.module,
                host=servers.HOST, port=port))
        return [self.program, "-c", conf, "-e", f"{scratch}/log"]

    def victims(self, process):
        return children(process.pid)


class Ngircd(Kind):
    name = "ngircd"
    supervised = True

    def missing(self):
        self.program = shutil.which("ngircd", path=SEARCH)
        return None if self.program else "ngircd (package ngircd)"

    def command(self, port, scratch):
        conf = f"{scratch}/ngircd.conf"
        root = os.geteuid() == 0
        user = "ServerUID = nobody\nServerGID = nogroup\n" if root else ""
        with open(conf, "w") as out:
            out.write(servers.NGIRCD_CONF.format(
                host=servers.HOST, port=port, user=user))
        return [self.program, "-n", "-f", conf]


class Inspircd(Kind):
    name = "inspircd"
    supervised = True

    def missing(self):
        self.program = shutil.which("inspircd", path=SEARCH)
        return None if self.program else "inspircd (package inspircd)"

    def identity(self):
        if os.geteuid() != 0:
            return {}
        return {"user": "nobody", "group": "nogroup", "extra_groups": []}

    def command(self, port, scratch):
        conf = f"{scratch}/inspircd.conf"
        with open(conf, "w") as out:
            out.write(INSPIRCD_CONF.format(
                host=servers.HOST, port=port, scratch=scratch))
        return [self.program, f"--config={conf}", "--nofork", "--nopid"]
