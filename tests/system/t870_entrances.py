# SPDX-License-Identifier: MIT
"""The same rules at every way in: one table of names, rooms and texts, hostile
and good, said by the line protocol, telnet with and without its editor,
WebSockets with lines and with JSON, and behind TLS; on joining, by /nick and
by /join alike."""
from doors import SECRET, doors, hash_of
from editing import ENTER, Keys
from lib import JOINED, test
from objects import as_text, parse
from telnet import DO, GREETING, NAME, ROOM, TTYPE, raw, reads
from tls import Pair, TlsClient, tls_port
from websocket import CLOSE, PING, TEXT, WebSocket

MARKS = "".join(map(chr, range(0x300, 0x308)))  # eight of them

# Names, and what is read of them: None, or what stands in the error.
SCRIPT = "one script"
LOOKS = "looks like the name of somebody"
OWNED = "looks like a registered name"
NO_NAME = "1 to 32 bytes"
UNSEEN = "nothing to see"

NAMES = (
    # of many languages
    ("Jürgen-Özil", None), ("Şükrü", None), ("İbrahim", None),
    ("Nguyễn_Văn_Huệ", None), ("Ngo\u0323c", None), ("Łukasz", None),
    ("Ольга", None), ("Γιώργος", None), ("محمد", None), ("שָׂרָה", None),
    ("สมชาย", None), ("श्रीकृष्ण", None), ("山田タロウ", None), ("ひろし", None),
    ("李雷", None), ("김철수", None), ("Tシャツ", None), ("ㄅㄆ", None),
    ("🌟", None), ("❤\ufe0f", None), ("👍🏽", None), ("Anna-Анна", None),
    ("O'Neill", None), ("a" + MARKS, None), ("-_.!$%&()+,;<=>?@", None),
    # like others, but not enough
    ("Alicia", None), ("Bob2", None), ("Alla", None), ("Pauline", None),
    # mixed within a word
    ("Αlexis", SCRIPT), ("Ivаn", SCRIPT), ("Bob1боб", SCRIPT),
    ("x-pаypal", SCRIPT), ("Aก", SCRIPT), ("ひ김", SCRIPT),
    # like those who are here: Alice, Bob1, Aila
    ("AIice", LOOKS), ("A1ice", LOOKS), ("Аӏісе", LOOKS), ("Ａｌｉｃｅ", LOOKS),
    ("𝐀𝐥𝐢𝐜𝐞", LOOKS), ("Alıce", LOOKS), ("Alice\ufe0f", LOOKS),
    ("\u3164Alice", LOOKS), ("Bobl", LOOKS), ("BobI", LOOKS),
    # like one who is registered: Carol
    ("Caro1", OWNED), ("СагоІ", OWNED), ("Ｃarol", OWNED), ("CaroI", OWNED),
    # no names
    ("a" + MARKS + "\u0301", NO_NAME), ("a\u200db", NO_NAME),
    ("a\u202eb", NO_NAME), ("a\u00a0b", NO_NAME), ("a:b", NO_NAME),
    ("*a", NO_NAME), ("[a", NO_NAME), ("a\ue000", NO_NAME),
    ("é" * 16 + "x", NO_NAME), ("\u3164", UNSEEN), ("\u2800", UNSEEN),
)

# Rooms are no people: nobody is taken for one, so scripts may mix.
ROOMS = (
    ("general-чат", True), ("λx", True), ("gеneral", True), ("AIice", True),
    ("房间", True), ("*a:b[", True), ("x" * 64, True), ("a" + MARKS, True),
    ("a" + MARKS + "\u0301", False), ("a\u200bb", False), ("x" * 65, False),
    ("a\u2028b", False), ("a\ue000b", False), ("a\u3000b", False),
)

# Texts, and what the others read of them.
TEXTS = (
    ("Grüße, 你好, שלום, 🌟", None), ("👩\u200d💻 می\u200cخواهم", None),
    ("Vie\u0323\u0302t Nam", None), ("a" + MARKS + "b" + MARKS, None),
    ("Zalgo" + MARKS + "\u0301\u0302x", "Zalgo" + MARKS + "x"),
    ("a" + MARKS * 20, "a" + MARKS), (MARKS + "\u0301", MARKS),
    ("a" + MARKS + "\u200d\u0301!", "a" + MARKS + "\u200d!"),
    ("a\u202eb\u2066c\u2028d", "abcd"),
)


class Lines:
    """Speaks lines over a connection, and reads what isn't a question."""

    def __init__(self, client, end="\n"):
        self.client, self.end = client, end

    def say(self, text):
        self.client.send_bytes((text + self.end).encode())

    def read(self):
        return self.client.line().rstrip("\r")

    def asked(self):
        pass

    def close(self):
        self.client.close()


class Plain(Lines):
    """Telnet of one who hears neither prompts nor what is negotiated."""

    def __init__(self, client):
        super().__init__(client, "\r\n")
        reads(client, GREETING + ROOM)

    def read(self):
        line = self.client.raw_line().removesuffix(b"\r\n")
        for unheard in DO + TTYPE, NAME, ROOM, NAME:
            line = line.removeprefix(unheard)
        return line.decode()


class Editor:
    """Telnet in edit mode, of one who reads what the server says alone."""

    def __init__(self, server):
        self.keys = Keys(server, width=250)

    def say(self, text):
        self.keys.type(text.encode() + ENTER)

    def read(self):
        cells = self.keys.rows.cells
        while True:
            self.keys.wait(lambda: len(cells) > 1, "an answer")
            line = self.keys.rows.text(0)
            del cells[0]
            if line.startswith(("*** ", "🌟 ")):
                return line

    def close(self):
        self.keys.close()


class Web:
    """A WebSocket, whose frames are lines or objects."""

    def __init__(self, server, protocol):
        self.ws = WebSocket(("127.0.0.1", server.web_port))
        server.context.peers.append(self.ws)
        self.ws.expect_upgrade(
            self.ws.send_handshake(protocols=[protocol]), [protocol])

    def say(self, text):
        self.ws.send_frame((text + "\n").encode(), TEXT)

    def read(self):
        while True:
            frame = self.ws.frame()
            assert frame is not None and frame.opcode != CLOSE, "the end"
            if frame.opcode == PING:
                self.ws.pong(frame.payload)
                continue
            line = frame.payload.decode().removesuffix("\n")
            return as_text(parse(line)) if line.startswith("{") else line

    def close(self):
        self.ws.close()


def behind_tls(server, key):
    client = TlsClient(("127.0.0.1", tls_port(server, key)))
    server.context.peers.append(client)
    return client


ENTRANCES = {
    "line": lambda s: Lines(s.connect()),
    "telnet": lambda s: Plain(raw(s)),
    "editor": Editor,
    "web": lambda s: Web(s, "chat.text"),
    "web-json": lambda s: Web(s, "chat.json"),
    "line-tls": lambda s: Lines(behind_tls(s, "line-tls")),
    "telnet-tls": lambda s: Plain(behind_tls(s, "telnet-tls")),
}


def entrances_server(t):
    pair = Pair(t, "server")
    more = f"[user Carol]\npassword = {hash_of(SECRET)}\n"
    return doors(t, more, line_tls="127.0.0.1:0", telnet_tls="127.0.0.1:0",
                 cert=[pair.cert], key=[pair.key], max_clients=2000)


def enter(server, way, room, name):
    """One who has joined."""
    user = ENTRANCES[way](server)
    user.say(room)
    user.say(name)
    expect(user, JOINED % name)
    return user


def expect(user, line):
    got = user.read()
    assert got == line, f"{type(user).__name__}: {got!r}, not {line!r}"


def cases(way, table):
    """Those that can be said there: what would be taken out of a text can't
    even be typed in an editor, so that there no name is wrong by it."""
    return [row for row in table if way != "editor" or not (
        set(row[0]) & set("\u202e\u2028") or MARKS + "\u0301" in row[0])]


def named(way, name, verdict, line, good):
    """What was read when somebody wanted that name is as the table says."""
    if verdict is None:
        assert line == good, (way, name, line)
    else:
        assert line.startswith("*** error bad-name: ") and verdict in line, \
            (way, name, line)


def people(server, room):
    """Whose names are taken; they are read by nobody else."""
    return [enter(server, "line", room, name)
            for name in ("Alice", "Bob1", "Aila")]


@test(limit=120)
def each_name_is_judged_alike_on_joining(t):
    server = entrances_server(t)
    present = people(server, "elsewhere")
    for way in ENTRANCES:
        for name, verdict in cases(way, NAMES):
            user = ENTRANCES[way](server)
            user.say("room-" + way)
            user.say(name)
            named(way, name, verdict, user.read(), JOINED % name)
            user.close()
            server.wait_joined(len(present))


@test(limit=120)
def each_name_is_judged_alike_on_renaming(t):
    server = entrances_server(t)
    people(server, "elsewhere")
    for way in ENTRANCES:
        now = "nobody-" + way
        user = enter(server, way, "room-" + way, now)
        for name, verdict in cases(way, NAMES):
            user.say("/nick " + name)
            named(way, name, verdict, user.read(),
                  f"*** {now} is now known as {name}")
            if verdict is None:
                now = name
        user.close()


@test(limit=120)
def each_room_is_judged_alike_on_joining_and_moving(t):
    server = entrances_server(t)
    for way in ENTRANCES:
        mover = enter(server, way, "room-" + way, "mover-" + way)
        for room, good in cases(way, ROOMS):
            user = ENTRANCES[way](server)
            user.say(room)
            if good:
                user.say("name-" + way)
                expect(user, JOINED % f"name-{way}")
            else:
                line = user.read()
                assert line.startswith("*** error bad-room: "), (room, line)
            user.close()
            server.wait_joined(1)
            mover.say("/join " + room)
            line = mover.read()
            assert line == JOINED % f"mover-{way}" if good else \
                line.startswith("*** error bad-room: "), (way, room, line)
        mover.close()
        server.wait_joined(0)


@test(limit=120)
def each_text_is_made_safe_alike(t):
    server = entrances_server(t)
    for way in ENTRANCES:
        reader = enter(server, "line", "room-" + way, "reader")
        name = "writer-" + way
        user = enter(server, way, "room-" + way, name)
        expect(reader, JOINED % name)
        for text, clean in TEXTS:
            clean = text if clean is None else clean
            if way == "editor" and clean == MARKS:
                continue  # nothing is there that they could join
            user.say(text)
            expect(reader, f"{name}: {clean}")
            user.say("/me " + text)
            expect(reader, f"* {name} {clean}")
            user.say("/msg reader " + text)
            expect(reader, f"[private] {name}: {clean}")
        user.close()
        reader.close()
        server.wait_joined(0)
