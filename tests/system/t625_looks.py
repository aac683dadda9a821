# SPDX-License-Identifier: MIT
"""/wrap, /color, /time and character sets: how lines look over telnet."""
import itertools
import re

from lib import JOINED, LEFT, test, wait_until
from looks import SGR, columns, window
from pool import no_buffers
from t150_history import STAMP
from t240_slow import check_gaps
from telnet import GREETING, NAME, ROOM, crlf, reads, server_for

TEXT = ("the quick brown fox jumps over the lazy dog and then, having nothing "
        "else to do, over the next one, and another, and so on")
WIDE = "漢字と仮名 交じりの文 🌟 e\u0301te\u0301 " * 4


def plain(server, name):
    """One who doesn't negotiate, and has joined."""
    client = server.telnet()
    client.send_bytes(f"general\n{name}\n".encode())
    reads(client, GREETING + ROOM + NAME + crlf(JOINED % name))
    return client


def fold(name, text, width, stamp=""):
    """The rows of a message, by a way of its own."""
    head = f"{stamp}{name}: "
    indent = min(columns(head), width // 3)
    rows, row = [], head.rstrip(" ")
    for word in text.split(" "):
        if columns(row) + 1 + columns(word) < width:
            row += " " + word
        else:
            rows.append(row)
            row = " " * indent + word
    return rows + [row]


@test
def lines_are_wrapped_at_the_width_of_the_window(t):
    server = server_for(t, replay=0)
    alice = server.join("general", "Alice")
    for width in 24, 40, 80, 132, 200:
        bob = window(server, "general", f"Bob{width}", width=width)
        alice.expect(JOINED % f"Bob{width}")
        alice.send("first")
        bob.reads("Alice: first")
        bob.send("/wrap on")
        bob.reads("*** wrap is on")
        for text in TEXT, WIDE.strip():
            alice.send(text)
            rows = fold("Alice", text, width)
            assert all(columns(row) < width for row in rows), rows
            bob.reads(*rows)
        bob.send("/wrap off")
        bob.reads("*** wrap is off")
        alice.send(TEXT)
        bob.reads(f"Alice: {TEXT}")
        bob.send("/quit")
        bob.expect_end()
        alice.expect(LEFT % f"Bob{width}")


@test
def a_window_may_change_its_width(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = window(server, "general", "Bob", width=80)
    bob.send("/wrap on")
    bob.reads("*** wrap is on")
    for width in 80, 40, 132, 24, 255, 300, 21:
        bob.resize(width)
        alice.send(TEXT)
        bob.reads(*fold("Alice", TEXT, min(width, 255)))
    bob.resize(0)
    alice.send(TEXT)
    bob.reads(f"Alice: {TEXT}")
    bob.resize(3)
    alice.send(TEXT)
    bob.reads(*fold("Alice", TEXT, 20))


@test
def long_words_are_broken_and_nothing_of_them_is_lost(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = window(server, "general", "Bob", width=40)
    bob.send("/wrap on")
    bob.reads("*** wrap is on")
    alice.send("x" * 100, "漢" * 40)
    bob.reads("Alice: " + "x" * 32, " " * 7 + "x" * 32, " " * 7 + "x" * 32,
              " " * 7 + "x" * 4)
    bob.reads("Alice: " + "漢" * 16, " " * 7 + "漢" * 16, " " * 7 + "漢" * 8)
    text = "".join(chr(0x4e00 + i) for i in range(1365))
    alice.send(text)
    rows = []
    while len("".join(rows)) < len(text):
        row = bob.rows(1)[0]
        assert columns(row) < 40, row
        rows.append(row[7:])
    assert "".join(rows) == text


@test
def replies_and_history_are_wrapped(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = window(server, "general", "Bob", width=40)
    bob.send("/wrap on", "/whoami", "/topic " + TEXT[:60], "/msg nobody x")
    bob.reads("*** wrap is on", "*** you are Bob in general, from",
              "    127.0.0.1")
    bob.reads("*** Bob set the topic: the quick brown",
              "    fox jumps over the lazy dog and",
              "    then, having")
    rows = bob.rows(2)
    assert rows[0] == "*** error no-such-name: there is nobody", rows
    assert rows[1].startswith("    and nothing of that name"), rows
    alice.expect(JOINED % "Bob", f"*** Bob set the topic: {TEXT[:60]}")
    alice.send(TEXT)
    bob.reads(*fold("Alice", TEXT, 40))
    bob.send("/history")
    past = bob.rows(1)[0]
    while len(past) < len(f"*** 2026-11-23T16:40:18.123Z Alice: {TEXT}"):
        row = bob.rows(1)[0]
        assert row.startswith("    ") and len(row) < 40, row
        past += row[3:]
    assert re.fullmatch(STAMP + f"Alice: {TEXT}", past), past
    bob.send("/help", "/quit")
    while True:
        raw = bob.raw_line()
        if not raw:
            break
        assert raw.endswith(b"\r\n") and columns(raw[:-2].decode()) < 40, raw


@test
def names_have_colours_that_stay_theirs(t):
    """Over clients, workers, moves and deaths."""
    server = server_for(t, workers=2, telnet_workers=2, replay=0)
    names = [f"user{i}" for i in range(12)]
    speakers = [server.join("general", name) for name in names]
    seen = {}

    def look(bob):
        for name, speaker in zip(names, speakers):
            speaker.send("x", "/me y")
            raw = bob.raw_line().decode()
            found = re.fullmatch(
                r"(\x1b\[3[1-6]m)(\w+)\x1b\[0m: x\r\n", raw)
            assert found and found.group(2) == name, raw
            assert seen.setdefault(name, found.group(1)) == found.group(1)
            bob.reads(f"* {seen[name]}{name}\x1b[0m y")

    for i in range(4):
        bob = window(server, "general", f"Bob{i}")
        bob.send("/color on")
        bob.reads("*** color is on")
        look(bob)
        server.kill_worker(server.session(f"Bob{i}")["worker"])
        look(bob)
        bob.send("/color off")
        bob.reads("*** color is off")
        speakers[0].send("x")
        bob.reads(f"{names[0]}: x")
        bob.send("/quit")
        bob.expect_end()
    assert len(set(seen.values())) > 2, seen


@test
def joins_and_leaves_and_private_messages_have_colours(t):
    server = server_for(t)
    bob = window(server, "general", "Bob")
    bob.send("/color on")
    bob.reads("*** color is on")
    alice = server.join("general", "Alice")
    alice.send("/msg Bob psst", "/nick ALICE", "/topic x", "/quit")
    on, off = "\x1b[32m", "\x1b[0m"
    bob.reads(f"🌟 {on}Alice{off} joined the room!",
              f"[private] {on}Alice{off}: psst",
              f"*** {on}Alice{off} is now known as ALICE",
              f"*** {on}ALICE{off} set the topic: x",
              f"👋 {on}ALICE{off} left the room")


@test
def a_terminal_not_known_to_show_colours_gets_none(t):
    server = server_for(t, color="on", replay=0)
    alice = server.join("general", "Alice")
    for i, ttype in enumerate(["DUMB", "UNKNOWN", "NETWORK"]):
        bob = window(server, "general", f"Bob{i}", ttype=ttype)
        alice.expect(JOINED % f"Bob{i}")
        bob.send("/color on")
        line = bob.rows(1)[0]
        assert line.startswith("*** color stays off: "), line
        alice.send("x")
        bob.reads("Alice: x")
        bob.send("/color off")
        bob.reads("*** color is off")
        bob.send("/quit")
        bob.expect_end()
        alice.expect(LEFT % f"Bob{i}")
    carol = plain(server, "Carol")
    carol.send_bytes(b"/color on\n")
    assert carol.raw_line().startswith(b"*** color stays off: ")


@test
def the_time_is_shown_in_utc(t):
    server = server_for(t, env={"TZ": "Asia/Kolkata"})
    alice = server.join("general", "Alice")
    bob = window(server, "general", "Bob", width=60)
    bob.send("/time on", "/wrap on")
    bob.reads("*** time is on", "*** wrap is on")
    alice.send("x", TEXT)
    row = bob.rows(1)[0]
    assert re.fullmatch(r"\[\d\d:\d\d\] Alice: x", row), row
    when = [r["time"] for r in server.dump("ring") if r["text"] == "x"][0]
    assert row[1:6] == when[11:16], (row, when)
    rows = bob.rows(3)
    stamp = rows[0][:8]
    assert rows == fold("Alice", TEXT, 60, stamp), rows
    bob.send("/time off")
    bob.reads("*** time is off")
    alice.send("y")
    bob.reads("Alice: y")


@test
def character_sets_are_served_by_transliteration(t):
    server = server_for(t)
    text = "ÿ äöü ß € “x” – … 漢 ░ 🌟 ☺"
    for i, (charset, name, said) in enumerate([
            ("ISO-8859-1", b"\xc4lice",
             b"\xff \xe4\xf6\xfc \xdf EUR \"x\" - ... ? "),
            ("CP437", b"\x8elice",
             b"\x98 \x84\x94\x81 \xe1 EUR \"x\" - ... ? \xb0 [star] "),
            ("US-ASCII", b"Alice", b"y aou ss EUR \"x\" - ... ? ")]):
        bob = window(server, f"room{i}", "Bob", charset=charset)
        alice = server.join(f"room{i}", "Älice")
        bob.raw_line()
        alice.send(text, "/me waves", "/topic Käse")
        raw = bob.raw_line()
        assert raw.startswith(name + b": " + said), raw
        assert b"[star]" in raw and raw.count(b"?") <= 2, raw
        bob.reads(b"* " + name + b" waves", b"*** " + name + b" set the topic:"
                  b" K" + said.split()[1][:1] + b"se")
        alice.expect("*** Älice set the topic: Käse")
        bob.send("/topic", "/history 1", "/who")
        bob.reads(b"*** topic of room%d: K" % i + said.split()[1][:1] + b"se")
        assert bob.raw_line().endswith(b"Z * " + name + b" waves\r\n")
        bob.reads(b"*** 2 in room%d" % i)
        assert name in bob.raw_line()
        bob.send("/format json")
        line = bob.raw_line()
        assert line.endswith(b'"text":"format is json"}\r\n'), line
        alice.send("ä🌟")
        line = bob.raw_line()
        assert b'"text":"\\u00e4\\ud83c\\udf1f"' in line, line
        for client in bob, alice:
            client.send("/quit")
        bob.raw_line()
        wait_until(lambda: not server.dump("sessions"), "both have left")


@test
def what_clients_begin_with_is_configured(t):
    server = server_for(t, wrap="on", color="on", time="on", replay=1)
    alice = server.join("general", "Alice")
    alice.send(TEXT)
    bob = window(server, "general", "Bob", width=60)
    rows = bob.rows(3)
    assert re.match(STAMP + "\x1b\\[32mAlice\x1b\\[0m: the quick", rows[0]), \
        rows
    alice.expect(JOINED % "Bob")
    alice.send(TEXT)
    rows = bob.rows(3)
    stamp = rows[0][:8]
    assert [SGR.sub("", row) for row in rows] == \
        fold("Alice", TEXT, 60, stamp), rows
    assert rows[0].startswith(stamp + "\x1b[32mAlice\x1b[0m: the"), rows
    # One that doesn't negotiate is neither wrapped nor coloured.
    carol = server.telnet()
    carol.send_bytes(b"general\nCarol\n/time off\n")
    while carol.raw_line() != b"*** time is off\r\n":
        pass
    alice.expect(JOINED % "Carol")
    alice.send(TEXT)
    assert carol.raw_line() == f"Alice: {TEXT}\r\n".encode()
    # Nor is one on a line listener.
    alice.send("/whoami")
    alice.expect("*** you are Alice in general, from 127.0.0.1")


@test
def replayed_lines_are_marked_as_such(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    alice.send("one", "two", "/whoami")
    alice.expect("*** you are Alice in general, from 127.0.0.1")
    bob = window(server, "general", "Bob")
    for said in "one", "two":
        row = bob.rows(1)[0]
        assert re.fullmatch(STAMP + f"Alice: {said}", row), row
    alice.expect(JOINED % "Bob")
    alice.send("now")
    bob.reads("Alice: now")


@test
def looks_used_wrongly_are_bad_usage(t):
    server = server_for(t)
    bob = window(server, "general", "Bob", width=80)
    alice = server.join("general", "Alice")
    bob.reads(JOINED % "Alice")
    usages = {"wrap": "/wrap on, or /wrap off",
              "color": "/color on, or /color off",
              "time": "/time on, or /time off"}
    elsewhere = "/wrap, /color and /time are for telnet clients"
    for command, usage in usages.items():
        for wrong in "", " ", " yes", " on off", " onn", " o", " 80":
            bob.send(f"/{command}{wrong}")
            bob.reads(f"*** error bad-usage: {usage}")
            alice.send(f"/{command}{wrong}")
            alice.expect(f"*** error bad-usage: {elsewhere}")
        for word in "ON", "Off", "on", "on", "off", "off":
            bob.send(f"/{command.upper()} {word}")
            bob.reads(f"*** {command} is {word.lower()}")
    alice.send("/wrap on", TEXT)
    alice.expect(f"*** error bad-usage: {elsewhere}")
    bob.reads(f"Alice: {TEXT}")


@test
def wrap_waits_until_the_width_is_known(t):
    server = server_for(t)
    alice = server.join("general", "Alice")
    bob = plain(server, "Bob")
    bob.send_bytes(b"/wrap on\n")
    line = bob.raw_line()
    assert line.startswith(b"*** wrap is on, as soon as "), line
    alice.send(TEXT)
    assert bob.raw_line() == f"Alice: {TEXT}\r\n".encode()


@test
def looks_asked_for_at_once_hold_behind_the_answer(t):
    server = server_for(t, replay=0)
    alice = server.join("general", "Alice")
    bob = window(server, "general", "Bob", width=40)
    alice.expect(JOINED % "Bob")
    for i in range(50):
        alice.send(f"{i} " + TEXT)
        bob.send("/wrap on")
        bob.send("/wrap off")
        wrapped, rows, left = False, [], 3
        while left:
            row = bob.rows(1)[0]
            if row in ("*** wrap is on", "*** wrap is off"):
                wrapped = row.endswith("on")
            elif row.startswith("Alice: ") and not wrapped:
                assert row == f"Alice: {i} {TEXT}", row
            else:
                rows.append(row)
                rows += bob.rows(len(fold("Alice", f"{i} {TEXT}", 40)) - 1)
                assert rows == fold("Alice", f"{i} {TEXT}", 40), rows
            left -= 1


# Deaths.

LOOKS = [("/wrap on", "/time on", "/color on"), ("/wrap on",), ("/time on",),
         ("/color on",), ()]


class Reader:
    """One with looks, who reads numbered messages, each once."""

    def __init__(self, client, name, looks):
        self.client = client
        self.looks = looks
        self.name = name
        for look in looks:
            client.send(look)
            client.reads(f"*** {look[1:]}".replace(" on", " is on"))

    def read(self, first, last):
        """Messages [first, last) of Alice, as text_of says."""
        for i in range(first, last):
            row = self.client.rows(1)[0]
            plain = SGR.sub("", row)
            assert (plain != row) == ("/color on" in self.looks), row
            stamp = ""
            if "/time on" in self.looks:
                stamp = plain[:8]
                assert re.fullmatch(r"\[\d\d:\d\d\] ", stamp), row
            want = [f"{stamp}Alice: {text_of(i)}"]
            if "/wrap on" in self.looks:
                want = fold("Alice", text_of(i), self.client.width, stamp)
            got = [plain] + self.client.rows(len(want) - 1)
            assert got == want, (self.name, i, got, want)


def text_of(i):
    return f"{i} " + " ".join(f"{'wörd' * (k % 4)}{i}{k}"
                              for k in range(i * 7 % 60))


def readers(server, alice, **options):
    clients = []
    for i in range(len(LOOKS)):
        clients.append(window(server, "general", f"Bob{i}", width=30 + 17 * i,
                              **options))
        alice.expect(JOINED % f"Bob{i}")
        for client in clients[:-1]:
            client.reads(JOINED % f"Bob{i}")
    return [Reader(client, f"Bob{i}", looks) for i, (client, looks)
            in enumerate(zip(clients, LOOKS))]


@test(limit=120)
def nothing_is_lost_or_doubled_when_workers_die(t):
    server = server_for(t, workers=2, telnet_workers=2)
    alice, dave = server.room("general", "Alice", "Dave")
    bobs = readers(server, alice)
    for _ in bobs:
        dave.line()
    said = 0
    for _ in range(12):
        for step in range(3):
            alice.send(*[text_of(i) for i in range(said, said + 20)])
            said += 20
            if step == 1:
                for row in server.dump("workers"):
                    if row["type"] == "telnet":
                        server.kill_worker(row["seat"])
        for bob in bobs:
            bob.read(said - 60, said)
        dave.expect(*[f"Alice: {text_of(i)}" for i in range(said - 60, said)])


@test(faults=True, limit=120)
def nothing_is_lost_or_doubled_wherever_a_worker_dies(t):
    server = server_for(t, workers=1, faults=True)
    alice = server.join("general", "Alice")
    bobs = readers(server, alice)
    seat = server.session("Bob0")["worker"]
    points = ["fanout.own", "step.noted", "step.cleared", "fanout.staged",
              "fanout.sent", "fanout.moved", "tx.noted", "tx.sent", "tx.done", "tx.cleared",
              "stage.rendering"]
    said = 0
    for point, countdown in itertools.product(points, (1, 2, 3)):
        server.faults.arm(point, "die", countdown=countdown, seat=seat)
        begin = said
        while server.faults.armed(point):
            alice.send(*[text_of(i) for i in range(said, said + 5)])
            said += 5
            for bob in bobs:
                bob.read(said - 5, said)
        assert said > begin


@test(faults=True, limit=120)
def a_death_while_looks_change_changes_them_once(t):
    server = server_for(t, workers=1, faults=True)
    alice = server.join("general", "Alice")
    bob = window(server, "general", "Bob", width=40)
    alice.expect(JOINED % "Bob")
    seat = server.session("Bob")["worker"]
    bob.send("/wrap on")
    bob.reads("*** wrap is on")
    points = ["session.looks", "step.noted", "step.cleared", "input.received",
              "input.keep.copied", "input.keep.stored", "input.kept"]
    for i, point in enumerate(points):
        for width in 50 + i, 100 + i:
            server.faults.arm(point, "die", seat=seat)
            bob.resize(width)
            alice.send(TEXT)
            bob.reads(*fold("Alice", TEXT, width))
        for word in "off", "on":
            server.faults.arm(point, "die", seat=seat)
            bob.send(f"/wrap {word}")
            bob.reads(f"*** wrap is {word}")
            alice.send(TEXT)
            bob.reads(*(fold("Alice", TEXT, width) if word == "on" else
                        [f"Alice: {TEXT}"]))


# Slow readers.

@test(limit=120)
def a_slow_reader_gets_every_line_whole_and_its_looks_change_between(t):
    server = server_for(t, workers=1, replay=0)
    alice, judge = server.room("general", "Alice", "Judge")
    slow = window(server, "general", "Slow", width=60, rcvbuf=4096)
    judge.expect(JOINED % "Slow")
    seat = server.session("Slow")["worker"]
    slow.send("/wrap on")
    slow.reads("*** wrap is on")
    said = 0

    def texts(i):
        return text_of(i) + " " + "x" * 1000

    def say(count):
        nonlocal said
        for i in range(said, said + count):
            alice.send(texts(i))
            judge.expect(f"Alice: {texts(i)}")
        said += count

    read = 0

    def read_one():
        """The next message, in its rows or in one."""
        nonlocal read, wrapped
        row = slow.rows(1)[0]
        while row.startswith("*** wrap is "):
            wrapped = row.endswith("on")
            row = slow.rows(1)[0]
        want = f"Alice: {texts(read)}"
        if not wrapped:
            assert row == want, (row, want)
        else:
            text = row
            while len(text) < len(want):
                more = slow.rows(1)[0]
                assert more.startswith(" " * 7) and columns(more) < 60, more
                text += ("" if text[7:].rstrip("x") == "" or
                         (text.endswith("x") and more[7:].strip("x") == "")
                         else " ") + more[7:]
            assert text == want, (text, want)
        read += 1

    wrapped = True
    for turn in range(6):
        def go():
            say(150)
            assert server.session("Slow")["lagging"]
            for i in range(40):
                read_one()
                if i % 20 == 7:
                    server.kill_worker(seat)
            slow.send(f"/wrap {'off' if turn % 2 == 0 else 'on'}")
        if turn >= 3:
            with no_buffers(server):
                go()
        else:
            go()
        while read < said:
            read_one()
    wait_until(lambda: not server.session("Slow")["lagging"], "all is read")


@test(limit=120)
def a_lapped_reader_with_looks_is_told_how_much_it_missed(t):
    """Its own messages don't count, whether it says them before or then."""
    server = server_for(t, workers=1, ring_size="128K", replay=0)
    alice, judge = server.room("general", "Alice", "Judge")
    slow = window(server, "general", "Slow", rcvbuf=4096)
    for client in alice, judge:
        client.expect(JOINED % "Slow")
    slow.send("/color on", "/time on")
    slow.reads("*** color is on", "*** time is on")
    for i in range(5000):
        text = f"{i} ".ljust(1000, "x")
        alice.send(text)
        if i % 50 == 10:
            slow.send(f"mine {i}")
            judge.lines_until(f"Slow: mine {i}")
        if i % 50 == 49:
            judge.lines_until(f"Alice: {text}")
        if i == 2500:
            server.kill_worker(server.session("Slow")["worker"])
    alice.send("/quit")
    lines = []
    while not lines or lines[-1] != LEFT % "Alice":
        row = SGR.sub("", slow.rows(1)[0])
        lines.append(re.sub(r"^\[\d\d:\d\d\] ", "", row))
    assert check_gaps(lines[:-1], "Alice", 1000, 5000) > 0
