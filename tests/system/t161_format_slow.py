# SPDX-License-Identifier: MIT
"""Slow readers of JSON: objects that are cut, lapped, or begun in text."""
import contextlib

from lib import JOINED, LEFT, test, wait_until
from objects import (FORMAT_TEXT, as_text, ask_json, check_rising, is_live,
                     parse, read, reads_to_leave, reads_until)
from pool import no_buffers
from t240_slow import LAGGED, check_gaps, number, pump

FORMAT_JSON_IN = '"text":"format is json"}'


def slow_json(server, name, *others, **options):
    """One in room general who reads little, and in JSON."""
    slow = server.join("general", name, rcvbuf=4096, **options)
    for client in others:
        client.expect(JOINED % name)
    ask_json(slow)
    return slow


def text_of(i):
    """A message of any length, much of it to be escaped."""
    kind = i % 7
    size = (i * 977) % 4000 + 20
    fill = ['"', "\\", "x", "\t", "é", '"\\', "\U0001f31f"][kind]
    text = f"{i} ".ljust(20, "-") + fill * (size // len(fill.encode()))
    return text.encode()[:4096].decode(errors="ignore")


def say(speaker, listener, first, last):
    for i in range(first, last):
        speaker.send(text_of(i))
        if i % 8 == 7 or i == last - 1:
            listener.lines_until(f"Alice: {text_of(i)}")


def check_texts(objects, first, last):
    """Messages of say(), each once and whole."""
    said = [o for o in objects if o["type"] == "message"]
    assert len(said) == last - first, (len(said), first, last)
    for i, o in enumerate(said, first):
        assert o["text"] == text_of(i), (i, o)
    check_rising(objects)


@test
def a_slow_reader_gets_every_object_whole(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = slow_json(server, "Slow", alice, bob)
    say(alice, bob, 0, 3000)
    assert server.session("Slow")["lagging"]
    alice.send("/quit")
    check_texts(reads_until(slow, LEFT % "Alice"), 0, 3000)


@test
def a_slow_reader_gets_every_object_whole_without_a_buffer(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = slow_json(server, "Slow", alice, bob)
    with no_buffers(server):
        say(alice, bob, 0, 1000)
        assert server.session("Slow")["lagging"]
        alice.send("/quit")
        check_texts(reads_until(slow, LEFT % "Alice"), 0, 1000)


@test(limit=120)
def a_slow_reader_gets_every_object_whole_whatever_dies(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = slow_json(server, "Slow", alice, bob)
    seat = server.session("Slow")["worker"]

    def read_some(objects, count):
        for i in range(count):
            objects.append(read(slow))
            if i % 30 == 29:
                server.kill_worker(seat)

    objects = []
    say(alice, bob, 0, 700)
    read_some(objects, 300)
    with no_buffers(server):
        say(alice, bob, 700, 1400)
        read_some(objects, 500)
    alice.send("/quit")
    objects += reads_until(slow, LEFT % "Alice")
    check_texts(objects, 0, 1400)


@test(faults=True, limit=120)
def a_death_at_any_step_of_a_send_leaves_each_object_whole(t):
    server = t.server(workers=2, faults=True)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = slow_json(server, "Slow", alice, bob)
    seat = server.session("Slow")["worker"]
    points = ["tx.noted", "tx.sent", "tx.cut.copied", "tx.done", "tx.cleared",
              "fanout.staged", "fanout.sent", "takeover.tx"]
    objects = []
    said = 0

    def pass_by(point):
        nonlocal said
        say(alice, bob, said, said + 100)
        said += 100
        repair = point == "takeover.tx"
        if repair:
            server.faults.arm("tx.sent", "die", countdown=3, seat=seat)
        server.faults.arm(point, "die", countdown=1 if repair else 3,
                          seat=seat)
        while server.faults.armed(point):
            objects.append(read(slow))
            alice.send(text_of(said))
            said += 1
            bob.lines_until(f"Alice: {text_of(said - 1)}")

    for point in points:
        pass_by(point)
    with no_buffers(server):
        for point in points:
            if point != "tx.cut.copied":
                pass_by(point)
    alice.send("/quit")
    objects += reads_until(slow, LEFT % "Alice")
    check_texts(objects, 0, said)


@test(limit=120)
def more_cut_objects_than_buffers_are_still_sent_whole(t):
    """By line and telnet, in JSON and as text, and all workers die."""
    server = t.server(workers=2, max_clients=500, telnet="127.0.0.1:0",
                      telnet_workers=2, replay=0)
    alice = server.join("general", "Alice")
    judge = server.join("general", "Judge")
    ask_json(judge)
    slow = []
    for i in range(320):
        client = server.telnet(rcvbuf=4096) if i % 2 else \
            server.connect(rcvbuf=4096)
        client.send("general", f"s{i}")
        slow.append(client)
    server.wait_joined(322)
    for i, client in enumerate(slow):
        if i % 4 < 2:
            client.send("/format json")
    # After the answer to this each has the format that it asked for.
    for i, client in enumerate(slow):
        client.send("/whoami")
        while f"you are s{i} in" not in client.line():
            pass
    for i in range(100):
        alice.send(text_of(i))
    alice.send("/me ends")
    wait_until(lambda: server.dump("rooms")[0]["messages"] == 101, "all said")
    wait_until(lambda: all(w["lag"] == 0 for w in server.dump("workers")),
               "all sent that can be")
    assert server.dump()["pool_empty"] > 0
    for seat in range(4):
        server.kill_worker(seat)
    # All read the same bytes in the same format.
    lines = [judge.line()]
    while as_text(parse(lines[-1])) != "* Alice ends":
        lines.append(judge.line())
    objects = [parse(line) for line in lines]
    objects = [o for o in objects if o["type"] in ("message", "action")]
    check_texts(objects, 0, 100)
    by_json = [line for line in lines
               if parse(line)["type"] in ("message", "action")]
    by_text = [as_text(o) for o in objects]
    for i, client in enumerate(slow):
        want = by_json if i % 4 < 2 else by_text
        for line in want:
            got = client.line()
            while "joined the room!" in got or '{"type":"join"' in got:
                got = client.line()
            assert got == line + ("\r" if i % 2 else ""), (i, got[:200])


# Lapped.


@test(limit=120)
def a_lapped_reader_is_told_in_json_how_much_it_missed(t):
    for ring, size, count in (("128K", 1000, 6000), ("1M", 1000, 6000),
                              ("128K", 30, 60000), ("128K", 4096, 2000)):
        server = t.server(workers=2, ring_size=ring)
        alice, bob = server.room("general", "Alice", "Bob")
        slow = slow_json(server, "Slow", alice, bob)
        pump("Alice", alice, bob, count, size)
        alice.send("/quit")
        lines = reads_to_leave(slow, "Alice")
        assert check_gaps(lines, "Alice", size, count) > 0, (ring, size)
        bob.send("welcome back")
        read(slow, "message", text="welcome back")
        for client in alice, bob, slow:
            client.close()
        server.stop()


@test
def an_object_cut_without_a_buffer_and_lapped_ends_in_its_line(t):
    """Half an object is all that the ring still has of it: the line ends
    there, and what comes next is told."""
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = slow_json(server, "Slow", alice, bob)
    with no_buffers(server):
        pump("Alice", alice, bob, 6000, 1000)
        alice.send("/quit")
        want = cut = notices = 0
        last = 0
        while True:
            line = slow.line()
            if not line.endswith("}"):
                assert line.startswith('{"type":"message"'), line[:80]
                cut += 1
                want += 1  # it is not counted as missed
                continue
            o = parse(line)
            assert o["seq"] >= last, o
            last = o["seq"]
            if o["type"] == "leave":
                break
            if o["type"] == "error":
                want += int(LAGGED.fullmatch(as_text(o)).group(1))
                notices += 1
                continue
            got = number(as_text(o), "Alice")
            assert want - cut <= got <= want, (want, got, cut)
            want = got + 1
        assert notices > 0
    bob.lines_until(LEFT % "Alice")


# Begun in text.


def switching(server, kills):
    """Alice talks while a slow reader changes its format again and again."""
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    seat = server.session("Slow")["worker"]
    said, got, changes, json, asked = 0, [], 0, False, False

    def take():
        nonlocal json, changes
        line = slow.line()
        if line.endswith("format is text") or FORMAT_JSON_IN in line:
            json = not json
            changes += 1
        assert (line[0] == "{") == json, (json, line[:80])
        text = as_text(parse(line)) if json else line
        if text.startswith("Alice: "):
            got.append(text[len("Alice: "):])
        return text

    for turn in range(24):
        say(alice, bob, said, said + 40)
        said += 40
        asked = not asked
        slow.send("/format json" if asked else "/format text")
        for i in range(30):
            take()
            if kills and i == turn:
                server.kill_worker(seat)
    alice.send("/quit")
    while take() != LEFT % "Alice":
        pass
    assert got == [text_of(i) for i in range(said)]
    assert changes == 24, changes


@test(limit=120)
def a_format_may_change_in_the_middle_of_what_is_unread(t):
    switching(t.server(workers=2), False)


@test(limit=120)
def a_format_may_change_while_workers_die(t):
    switching(t.server(workers=2), True)


@test(limit=120)
def a_format_may_change_while_an_object_is_cut_without_a_buffer(t):
    server = t.server(workers=2)
    with no_buffers(server):
        switching(server, True)


@test
def what_was_cut_in_one_format_ends_in_it(t):
    """A line cut in text is ended as text, whatever was asked for since."""
    for buffers in True, False:
        server = t.server(workers=2, max_line=16384)
        alice, bob = server.room("general", "Alice", "Bob")
        slow = server.join("general", "Slow", rcvbuf=4096)
        for client in alice, bob:
            client.expect(JOINED % "Slow")
        text = '"\\' * 8000
        with contextlib.nullcontext() if buffers else no_buffers(server):
            for _ in range(100):
                alice.send(text)
                bob.expect(f"Alice: {text}")
            assert server.session("Slow")["lagging"]
            slow.send("/format json")
            wait_until(lambda: server.session("Slow")["in"] == 26,
                       "the command is read")
            objects = lines = 0
            while lines + objects < 100:
                line = slow.line()
                if line == f"Alice: {text}":
                    assert objects == 0, "text after an object"
                    lines += 1
                    continue
                o = parse(line)
                if is_live(o):
                    assert o["text"] == text
                    objects += 1
            assert lines > 0 and objects > 0, (lines, objects)
            slow.send("/format text")
            slow.expect(FORMAT_TEXT)
        for client in alice, bob, slow:
            client.close()
        server.stop()


@test(limit=120)
def long_replies_come_whole_where_lines_are_as_short_as_may_be(t):
    server = t.server(workers=2, max_line=64)
    names = [f"{i}".ljust(32, '"') for i in range(150)]
    members = [server.connect() for _ in names]
    for i, (name, client) in enumerate(zip(names, members)):
        client.send("crowd", name, f"/join {i}".ljust(64, "\\"))
        client.lines_until(JOINED % name)
        client.lines_until(JOINED % name)
        client.send("/topic " + '"' * 57)
        client.lines_until(f"*** {name} set the topic: " + '"' * 57)
    rooms = [f"{i}".ljust(58, "\\") for i in range(150)]
    slow = server.join(rooms[0], "Slow", rcvbuf=4096)
    slow.lines_until(f"*** topic of {rooms[0]}: " + '"' * 57)
    ask_json(slow)
    slow.send(*["/rooms"] * 40)
    for _ in range(40):
        read(slow, "reply", text="150 rooms")
        got = [read(slow, "reply")["text"] for _ in rooms]
        assert sorted(got) == sorted(
            f"{room}: {1 + (room == rooms[0])}, " + '"' * 57
            for room in rooms)
    for name, client in zip(names[1:], members[1:]):
        client.send("/join " + rooms[0])
        reads_until(slow, JOINED % name)
    slow.send(*["/who"] * 60)
    for _ in range(60):
        read(slow, "reply", text=f"151 in {rooms[0]}")
        got = []
        while len(got) < 151:
            got += read(slow, "reply")["text"].split(" ")
        assert sorted(got) == sorted(names + ["Slow"])
