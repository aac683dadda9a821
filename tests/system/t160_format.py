# SPDX-License-Identifier: MIT
"""/format json: each line as an object, and the same lines as in text."""
import datetime

from lib import JOINED, LEFT, test, wait_until
from objects import (FORMAT_JSON, FORMAT_TEXT, as_text, ask_json,
                     check_rising, is_live, parse, read, reads, reads_until)
from t130_commands import BAD_NAME, UNKNOWN, YOU_ARE, far_apart

# What is hard to put into a string of JSON, or hard to read.
HOSTILE = [
    '"', "\\", '\\"', "\\\\", '"}', '{"type":"message"}', "\\u0000", "\\n",
    "a\tb", "\t", "/", "//", "</script>", "'", "`", "\u00e9", "\U0001f31f",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\ufffd", "\uffff",
    "\U0010ffff", "\u00a0", "%s%n", "${x}", "\u200d", "é" * 100,
]


def json_client(server, room, name, **options):
    client = server.join(room, name, **options)
    ask_json(client)
    return client


def records(server):
    return {r["seq"]: r for r in server.dump("ring", "--private")}


def is_record(o, record):
    """Do the object and the record of the ring say the same?"""
    assert record["type"] == o["type"], (record, o)
    for key in "seq", "time", "room", "name", "text":
        if key in o:
            assert o[key] == record[key], (key, record, o)


@test
def each_kind_of_line_is_an_object_with_its_keys(t):
    server = t.server(workers=2)
    alice, bob = server.room("General", "Alice", "Bob")
    ask_json(bob)
    before = datetime.datetime.now(datetime.timezone.utc)
    alice.send("hello", "/me waves", "/msg bob psst", "/topic tea",
               "/nick Ally", "/join other", "/join General")
    bob.send("/nonsense", "/nick not a name", "/whoami")
    objects = [read(bob) for _ in range(10)]
    got = {o["type"]: o for o in objects}
    live = [o for o in objects if is_live(o)]
    assert [o["type"] for o in live] == [
        "message", "action", "private", "topic", "rename", "leave", "join"]
    for o in live:
        assert o.get("room", "General") == "General", o
        assert o["name"] == ("Ally" if o["type"] in ("leave", "join")
                             else "Alice"), o
    assert [o.get("text") for o in live] == [
        "hello", "waves", "psst", "tea", "Ally", None, None]
    errors = [o for o in objects if o["type"] == "error"]
    assert [(o["code"], o["text"]) for o in errors] == [
        ("unknown-command", UNKNOWN), ("bad-name", BAD_NAME)]
    assert got["reply"]["text"] == \
        (YOU_ARE % ("Bob", "General")).removeprefix("*** ")
    check_rising(objects)
    ring = records(server)
    for o in live:
        is_record(o, ring[o["seq"]])
    for o in objects:
        then = datetime.datetime.fromisoformat(o["time"].replace("Z", "+00:00"))
        assert abs((then - before).total_seconds()) < 60, o


@test
def ones_own_join_rename_and_topic_are_objects_too(t):
    server = t.server(workers=2)
    alice = json_client(server, "general", "Alice")
    alice.send("/nick Ally", "/topic tea", "/join other", "/msg ally psst")
    read(alice, "rename", name="Alice", text="Ally", room="general")
    read(alice, "topic", name="Ally", text="tea", room="general")
    read(alice, "join", name="Ally", room="other")
    read(alice, "private", name="Ally", text="psst")


@test
def each_reply_of_several_lines_is_an_object_a_line(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    ask_json(bob)
    alice.send("/topic tea")
    alice.expect("*** Alice set the topic: tea")
    topic = read(bob, "topic")
    for client in alice, bob:
        client.send("/help", "/who", "/rooms", "/topic", "/nothing")
    last = f"*** error unknown-command: {UNKNOWN}"
    text = alice.lines_until(last)
    assert len(text) > 15
    objects = reads_until(bob, last)
    assert [as_text(o) for o in objects] == text
    # The number of an answer: the last record that the client was given.
    for o in objects:
        assert o["type"] == "reply" and o["seq"] == topic["seq"], o


def say_all_kinds(clients, turn):
    """Each says a bit of everything; returns nothing of use."""
    for i, client in enumerate(clients):
        client.send(f"{turn} message {i}", f"/me acts {turn}",
                    f'{turn} "quoted\\" \U0001f31f {i}')
        if i % 3 == turn % 3:
            client.send(f"/nick n{i}-{turn}", f"/topic {turn} of {i}")


@test(limit=120)
def readers_of_text_and_json_in_a_room_on_all_workers_read_the_same(t):
    server = t.server(workers=4)
    alice = server.join("big", "Alice")
    clients = [server.connect() for _ in range(140)]
    for i, client in enumerate(clients):
        client.send("big", f"m{i}")
    server.wait_joined(141)
    # So large a room no longer draws its members to one worker.
    with server.stopped_worker(server.session("Alice")["worker"]):
        for i in range(140, 150):
            clients.append(server.connect())
            clients[i].send("big", f"m{i}")
        server.wait_joined(151)
    seats = {s["worker"] for s in server.dump("sessions")}
    assert len(seats) > 1, seats
    for i, client in enumerate(clients):
        alice.line()  # one has joined
        client.lines_until(JOINED % f"m{i}")
        if i % 2:
            client.send("/format json")
    alice.send("/me begins")
    for i, client in enumerate(clients):
        if i % 2 == 0:
            client.lines_until("* Alice begins")
            continue
        # The answer may come before or after that.
        missing = {"* Alice begins", f"*** {FORMAT_JSON}"}
        while missing:
            line = client.line()
            missing.discard(as_text(parse(line)) if line[0] == "{" else line)
    for turn in range(6):
        say_all_kinds(clients[:6], turn)
    for _ in range(6 * (3 * 6 + 2 * 2)):
        alice.line()
    alice.send("/me ends")
    ring = records(server)
    text = clients[50].lines_until("* Alice ends")
    assert len(text) == 6 * (3 * 6 + 2 * 2)
    for i, client in enumerate(clients[6:], 6):
        if i % 2 == 0:
            assert i == 50 or client.lines_until("* Alice ends") == text
            continue
        objects = reads_until(client, "* Alice ends")
        assert [as_text(o) for o in objects] == text
        check_rising(objects)
        for o in objects:
            is_record(o, ring[o["seq"]])
    for i, client in enumerate(clients[:6]):
        # Its own lines are left out in either format.
        if i % 2:
            lines = [as_text(o) for o in reads_until(client, "* Alice ends")]
        else:
            lines = client.lines_until("* Alice ends")
        assert len(lines) == len(text) - 3 * 6, len(lines)


@test
def the_room_of_an_object_is_that_which_its_reader_is_in(t):
    """Also when the first reader of JSON there has only just come."""
    for workers in 1, 4:
        server = t.server(workers=workers)
        room = "general"
        bob = json_client(server, room, "Bob")
        carol = json_client(server, "other", "Carol")
        dave = server.join(room, "Dave")
        read(bob, "join", name="Dave", room=room)
        for _ in range(20):
            dave.send("once")
            carol.send(f"/join {room}")
            got = [read(bob, room=room), read(bob, room=room)]
            assert {o["type"] for o in got} == {"message", "join"}, got
            reads_until(carol, JOINED % "Carol")
            dave.send("between")
            for client in bob, carol:
                o = read(client, "message", room=room)
                if o["text"] == "once":  # behind the join
                    o = read(client, "message", room=room)
                assert o["text"] == "between", o
            carol.send("/join other")
            read(bob, "leave", name="Carol", room=room)
            read(carol, "join", name="Carol", room="other")


@test
def the_format_goes_with_its_client_and_ends_with_it(t):
    server = t.server(workers=4)
    alice, bob, room = far_apart(server)
    ask_json(alice)
    alice.send(f"/join {room}")
    read(alice, "join", name="Alice", room=room)
    bob.expect(JOINED % "Alice")
    bob.send("hello")
    read(alice, "message", name="Bob", text="hello", room=room)
    for seat in range(4):
        server.kill_worker(seat)
    bob.send("again")
    read(alice, "message", name="Bob", text="again", room=room)
    alice.send("/quit")
    alice.expect_end()
    bob.expect(LEFT % "Alice")
    alice = server.join(room, "Alice")
    bob.expect(JOINED % "Alice")
    bob.send("text again")
    alice.expect("Bob: text again")


@test
def format_text_is_the_way_back(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    for i in range(20):
        bob.send("/format JSON" if i % 3 else "/FORMAT json")
        reads(bob, "*** format is json")
        bob.send("/format json")
        reads(bob, "*** format is json")
        alice.send(f"object {i}")
        read(bob, "message", text=f"object {i}")
        bob.send("/format text")
        bob.expect(FORMAT_TEXT)
        alice.send(f"text {i}")
        bob.expect(f"Alice: text {i}")
    bob.send("/format text")
    bob.expect(FORMAT_TEXT)


@test
def a_wrong_format_is_bad_usage_and_changes_nothing(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    usage = "*** error bad-usage: /format text, or /format json"
    for line in ("/format", "/format ", "/format xml", "/format json x",
                 "/format jsonx", "/format jso", "/format text json"):
        alice.send(line)
        alice.expect(usage)
    ask_json(alice)
    alice.send("/format xml")
    reads(alice, usage)
    bob.send("hello")
    read(alice, "message", text="hello")


@test
def all_said_before_is_read_as_before_and_all_after_as_asked(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    bob.send("/whoami", "/format json", "/whoami", "/format text", "/whoami",
             "/format json", "/quit")
    you = YOU_ARE % ("Bob", "general")
    bob.expect(you)
    reads(bob, "*** format is json", you)
    bob.expect(FORMAT_TEXT, you)
    reads(bob, "*** format is json")
    bob.expect_end()
    alice.expect(LEFT % "Bob")


# History.


@test
def history_is_objects_of_the_records_own_numbers(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send(*[f"message {i}" for i in range(30)], "/me waves",
               '"quoted\\')
    bob.expect(*[f"Alice: message {i}" for i in range(30)], "* Alice waves",
               'Alice: "quoted\\')
    ask_json(bob)
    said = sorted((r for r in records(server).values()
                   if r["type"] in ("message", "action")),
                  key=lambda r: r["seq"])
    for line, want in (
            ("/history", said[-20:]), ("/history 1", said[-1:]),
            ("/history 7", said[-7:]), ("/history 1000", said),
            ("/history since 0", said),
            (f"/history since {said[9]['seq']}", said[10:]),
            (f"/history since {said[-1]['seq']}", [])):
        bob.send(line, "/nothing")
        objects = reads_until(
            bob, f"*** error unknown-command: {UNKNOWN}")
        assert len(objects) == len(want), (line, len(objects))
        for o, record in zip(objects, want):
            assert o["type"] == "reply", o
            is_record({**o, "type": record["type"]}, record)


@test
def one_who_moves_is_shown_topic_and_messages_as_objects(t):
    server = t.server(workers=2, replay=2)
    alice = server.join("general", "Alice")
    alice.send("one", "two", "/topic Tea time", "three")
    alice.expect("*** Alice set the topic: Tea time")
    bob = json_client(server, "other", "Bob")
    bob.send("/join general")
    read(bob, "join", name="Bob", room="general")
    read(bob, "reply", text="topic of general: Tea time")
    two = read(bob, "reply", name="Alice", text="two", room="general")
    three = read(bob, "reply", name="Alice", text="three", room="general")
    ring = records(server)
    assert ring[two["seq"]]["text"] == "two"
    assert ring[three["seq"]]["text"] == "three"
    alice.expect(JOINED % "Bob")
    alice.send("four")
    read(bob, "message", text="four")


@test
def history_outlives_its_worker_as_objects(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = json_client(server, "general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    text = 'x"' * 400
    for i in range(600):
        alice.send(f"{i} {text}")
        bob.expect(f"Alice: {i} {text}")
    objects = []
    while len(objects) < 600:
        objects.append(read(slow, "message"))
    slow.send("/history 1000")
    seat = server.session("Slow")["worker"]
    past = []
    for i in range(600):
        past.append(read(slow, "reply"))
        if i % 60 == 30:
            server.kill_worker(seat)
    assert [(o["seq"], o["text"]) for o in past] == \
        [(o["seq"], o["text"]) for o in objects]


# Texts.


@test
def hostile_texts_come_out_as_they_went_in(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    carol = server.join("general", "Carol")
    for client in alice, bob:
        client.expect(JOINED % "Carol")
    ask_json(bob)
    for text in HOSTILE:
        line = "/" + text if text.startswith("/") else text
        alice.send(line, "/me x" + text, "/msg bob x" + text)
        read(bob, "message", text=text)
        read(bob, "action", text="x" + text.rstrip("\t"))
        read(bob, "private", text="x" + text.rstrip("\t"))
        carol.expect(f"Alice: {text}", "* Alice x" + text.rstrip("\t"))
    for raw, text in ((b"\xff", "\ufffd"), (b"a\x00b\x1b[1m\x7f", "ab[1m"),
                      (b"\xe2\x80\xa8x\xe2\x80\xae", "x"),
                      (b"\xc2\x85\xc2\x9bx", "x"),
                      (b"\xed\xa0\x80", "\ufffd" * 3),
                      (b"\xf0\x9f\x8c", "\ufffd"), (b"\xc0\xaf", "\ufffd" * 2)):
        alice.send(raw)
        read(bob, "message", text=text)
        carol.expect(f"Alice: {text}")


@test
def hostile_names_rooms_and_topics_come_out_too(t):
    server = t.server(workers=2)
    room = 'r"\\' + "'" * 3 + "\U0001f31f" + '"' * 54
    assert len(room.encode()) == 64
    alice = server.join(room, '"\\' * 16)
    bob = json_client(server, room, "\U0001f600" * 8)
    alice.expect(JOINED % ("\U0001f600" * 8))
    topic = '\\"' * 128
    alice.send("hello", "/me waves", "/topic " + topic, "/nick \\")
    name = '"\\' * 16
    read(bob, "message", room=room, name=name, text="hello")
    read(bob, "action", room=room, name=name, text="waves")
    read(bob, "topic", room=room, name=name, text=topic)
    read(bob, "rename", room=room, name=name, text="\\")
    bob.send("/who", "/rooms", "/topic", "/whoami")
    read(bob, "reply", text=f"2 in {room}")
    o = read(bob, "reply")
    assert sorted(o["text"].split(" ")) == ["\\", "\U0001f600" * 8], o
    read(bob, "reply", text="1 room")
    read(bob, "reply", text=f"{room}: 2, {topic}")
    read(bob, "reply", text=f"topic of {room}: {topic}")
    read(bob, "reply",
         text=f"you are {chr(0x1f600) * 8} in {room}, from 127.0.0.1")


@test
def the_longest_texts_grow_and_stay_whole(t):
    for max_line in 64, 4096, 16384:
        server = t.server(workers=2, max_line=max_line)
        alice, bob = server.room("general", "Alice", "Bob")
        ask_json(bob)
        half = max_line // 2
        for raw in (b'"' * max_line, b"\\" * max_line, b"\t" * max_line,
                    b"\xff" * max_line, b'"\xff' * half,
                    "\U0001f31f".encode() * (max_line // 4),
                    b"\x01" * (max_line - 1) + b"x"):
            text = raw.replace(b"\x01", b"").decode(errors="replace")
            alice.send(raw)
            read(bob, "message", text=text)
            bob.send("/history 1")
            read(bob, "reply", text=text)
        alice.send(b'"' * (max_line + 1))
        alice.expect_error("too-long")
        for client in alice, bob:
            client.close()
        server.stop()


@test
def telnet_reads_objects_that_end_in_cr_lf(t):
    server = t.server(workers=2, telnet="127.0.0.1:0")
    bob = server.telnet()
    bob.send("general", "Bob")
    assert bob.raw_line() == b"Welcome to Telnet Chat Proxy!\r\n"
    prompts = "Enter room name: Enter username: "
    assert bob.raw_line() == (prompts + JOINED % "Bob" + "\r\n").encode()
    bob.send("/format json")
    assert bob.line().endswith('"text":"format is json"}\r')
    alice = server.join("general", "Alice")
    alice.send('he said "hello\\', "/me waves", "/msg bob psst")
    got = []
    while len(got) < 6:
        if len(got) == 4:
            bob.send("/nonsense", "/history 1")
        raw = bob.raw_line()
        assert raw.endswith(b"}\r\n") and raw.count(b"\r") == 1, raw
        got.append(parse(raw[:-2].decode()))
    assert {o["type"] for o in got} == {
        "reply", "join", "message", "action", "private", "error"}
    bob.send("/format text")
    assert bob.raw_line() == b"*** format is text\r\n"
    alice.send("hello")
    assert bob.raw_line() == b"Alice: hello\r\n"


@test
def a_stop_is_an_object_too(t):
    server = t.server(workers=2)
    bob = json_client(server, "general", "Bob")
    carol = server.join("other", "Carol")
    server.process.terminate()
    read(bob, "error", code="shutting-down", text="the server is stopping")
    bob.expect_end()
    carol.expect_error("shutting-down")
    assert server.wait() == 0


@test
def an_idle_reader_is_told_in_json(t):
    server = t.server(workers=1, idle_timeout=1)
    bob = json_client(server, "general", "Bob")
    read(bob, "error", code="idle-timeout",
         text="nothing was said for 1 seconds")
    bob.expect_end()


@test
def numbers_rise_over_a_restart(t):
    server = t.server(workers=2)
    bob = json_client(server, "general", "Bob")
    alice = server.join("general", "Alice")
    before = read(bob, "join", name="Alice")["seq"]
    bob.close()
    alice.close()
    server.wait_sessions(0)
    server.stop()
    again = t.server(workers=2, name=server.name)
    bob = json_client(again, "general", "Bob")
    again.join("general", "Alice")
    assert read(bob, "join", name="Alice")["seq"] > before
    wait_until(lambda: again.dump()["ring_head"] > before, "the head")
