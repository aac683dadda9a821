# SPDX-License-Identifier: MIT
"""/ignore: whose words are left out, and whose not."""
from lib import JOINED, LEFT, test, wait_until
from objects import ask_json, read
from pool import no_buffers
from t130_commands import expect_nothing, far_apart
from t240_slow import LAGGED, pump

IGNORED = "*** you read nothing of that name any more"
HEARD = "*** you read all of that name"
USAGE = "*** error bad-usage: /ignore NAME, 8 names at most"


def ignore(client, *names):
    for name in names:
        client.send(f"/ignore {name}")
        client.expect(IGNORED)


def unignore(client, *names):
    for name in names:
        client.send(f"/unignore {name}")
        client.expect(HEARD)


@test
def what_one_ignores_is_not_read_and_all_else_is(t):
    server = t.server(workers=4)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    ignore(bob, "Alice")
    alice.send("hello", "/me waves", "/msg Bob psst", "//me")
    carol.send("hello from Carol", "/me waves too", "/msg Bob pst")
    alice.send("/topic tea", "/nick Ally", "/nick Alice", "/join other",
               "/join general", "again", "/quit")
    got = [bob.line() for _ in range(9)]
    assert [x for x in got if "Carol" in x] == [
        "Carol: hello from Carol", "* Carol waves too",
        "[private] Carol: pst"], got
    assert [x for x in got if "Carol" not in x] == [
        "*** Alice set the topic: tea", "*** Alice is now known as Ally",
        "*** Ally is now known as Alice", LEFT % "Alice", JOINED % "Alice",
        LEFT % "Alice"], got
    expect_nothing(bob)
    assert "Alice: again" in carol.lines_until(LEFT % "Alice") + \
        carol.data.decode().splitlines()


@test
def what_one_ignores_reaches_the_others(t):
    server = t.server(workers=2)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    ignore(bob, "Alice")
    for i in range(50):
        alice.send(f"message {i}")
        carol.expect(f"Alice: message {i}")
    bob.send("hello")
    for client in alice, carol:
        client.expect("Bob: hello")
    expect_nothing(bob)


@test
def it_is_the_name_in_any_case_and_no_other(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Ädele", "Bob")
    ignore(bob, "ÄDELE")
    alice.send("not read")
    # Only ASCII has case.
    ignore(bob, "ädele")
    alice.send("not read", "/nick Ädel", "read", "/nick äDELE", "/nick x",
               "read too", "/nick ÄdElE", "not read", "/nick y")
    bob.expect("*** Ädele is now known as Ädel", "Ädel: read",
               "*** Ädel is now known as äDELE",
               "*** äDELE is now known as x", "x: read too",
               "*** x is now known as ÄdElE", "*** ÄdElE is now known as y")
    expect_nothing(bob)


@test
def a_name_may_be_ignored_that_nobody_has_yet(t):
    server = t.server(workers=2)
    bob = server.join("general", "Bob")
    ignore(bob, "Alice", "Bob")
    alice = server.join("general", "alice")
    bob.expect(JOINED % "alice")
    alice.send("not read", "/nick Ally", "read")
    bob.expect("*** alice is now known as Ally", "Ally: read")
    bob.send("said", "/msg bob psst", "/me waves")
    alice.expect("*** alice is now known as Ally", "Bob: said", "* Bob waves")
    expect_nothing(bob)


@test
def eight_names_are_remembered_and_a_ninth_is_bad_usage(t):
    server = t.server(workers=2)
    names = [f"n{i}" for i in range(9)]
    bob = server.join("general", "Bob")
    speakers = []
    for name in names:
        speakers.append(server.join("general", name))
        bob.expect(JOINED % name)
    ignore(bob, *names[:8])
    for name in names[8], "another":
        bob.send(f"/ignore {name}")
        bob.expect(USAGE)
    # Twice is harmless, and takes no place.
    ignore(bob, *names[:8], "N3")
    for speaker in speakers:
        speaker.send("hello")
    bob.expect("n8: hello")
    expect_nothing(bob)
    unignore(bob, "N5")
    ignore(bob, "n8")
    speakers[8].send("not read")
    speakers[5].send("read")
    bob.expect("n5: read")
    bob.send("/ignore n5")
    bob.expect(USAGE)
    unignore(bob, *names, *names)
    for speaker in speakers:
        speaker.send("back")
        bob.expect(f"{names[speakers.index(speaker)]}: back")


@test
def used_wrongly_it_is_bad_usage(t):
    alice, bob = t.server().room("general", "Alice", "Bob")
    for line in ("/ignore", "/ignore ", "/ignore two names", "/ignore a:b",
                 "/ignore *x", "/ignore " + "x" * 33, b"/ignore \xff"):
        alice.send(line)
        alice.expect(USAGE)
    for line in "/unignore", "/unignore a b", "/unignore /x", "/unignore ":
        alice.send(line)
        alice.expect("*** error bad-usage: /unignore NAME")
    unignore(alice, "Bob", "Nobody")
    bob.send("hello")
    alice.expect("Bob: hello")


@test
def it_goes_from_room_to_room_and_from_worker_to_worker(t):
    server = t.server(workers=4)
    alice, bob, room = far_apart(server)
    carol = server.join(room, "Carol")
    bob.expect(JOINED % "Carol")
    ignore(alice, "Carol", "Bob")
    unignore(alice, "bob")
    before = server.session("Alice")["worker"]
    alice.send(f"/join {room}")
    alice.expect(JOINED % "Alice")
    wait_until(lambda: server.session("Alice")["worker"] != before,
               "Alice has moved")
    for client in bob, carol:
        client.expect(JOINED % "Alice")
    carol.send("not read", "/msg Alice nor this")
    bob.expect("Carol: not read")
    bob.send("read")
    alice.expect("Bob: read")
    expect_nothing(alice)


@test
def it_outlives_workers(t):
    server = t.server(workers=2)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    ignore(bob, "Alice", "x")
    for i in range(5):
        server.kill_worker(0)
        server.kill_worker(1)
        alice.send(f"message {i}", "/msg Bob psst")
        carol.expect(f"Alice: message {i}")
        carol.send(f"message {i}")
        bob.expect(f"Carol: message {i}")
    unignore(bob, "Alice")
    server.kill_worker(0)
    server.kill_worker(1)
    alice.send("back")
    bob.expect("Alice: back")


@test
def it_is_forgotten_with_the_connection(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    ignore(bob, "Alice")
    slot = server.session("Bob")["slot"]
    bob.close()
    alice.expect(LEFT % "Bob")
    server.wait_sessions(1)
    for _ in range(200):
        bob = server.join("general", "Bob")
        alice.expect(JOINED % "Bob")
        same = server.session("Bob")["slot"] == slot
        alice.send("hello")
        bob.expect("Alice: hello")
        if same:
            return
        bob.close()
        alice.expect(LEFT % "Bob")


@test(faults=True, limit=120)
def a_death_in_the_middle_of_it_does_it_once(t):
    server = t.server(workers=1, faults=True)
    alice, bob, carol = server.room("general", "Alice", "Bob", "Carol")
    points = ["command.ignored", "step.noted", "step.cleared",
              "input.received", "input.keep.stored", "tx.noted", "tx.sent",
              "tx.done", "tx.cleared"]
    for i, point in enumerate(points):
        for command, answer in ("/ignore Alice", IGNORED), \
                ("/unignore Alice", HEARD):
            if point == "command.ignored" and answer is HEARD:
                point = "step.noted"
            server.faults.arm(point, "die", seat=0)
            bob.send(command)
            bob.expect(answer)
            alice.send(f"{i}")
            carol.expect(f"Alice: {i}")
            if answer is HEARD:
                bob.expect(f"Alice: {i}")
            else:
                expect_nothing(bob)
    ignore(bob, *[f"n{i}" for i in range(8)])
    bob.send("/ignore ninth")
    bob.expect(USAGE)


@test
def lines_around_what_is_ignored_come_whole_and_in_their_order(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    carol = server.join("general", "Carol")
    dave = server.join("general", "Dave")
    for client in alice, bob:
        client.expect(JOINED % "Carol", JOINED % "Dave")
    carol.expect(JOINED % "Dave")
    ignore(bob, "Alice")
    ignore(dave, "alice")
    ask_json(dave)
    want = []
    for i in range(300):
        if i % 2:
            alice.send(*[f"no {i} {k}" for k in range(i % 5)])
        carol.send(f"yes {i}")
        want.append(f"yes {i}")
        if i % 10 == 9:
            for text in want:
                bob.expect(f"Carol: {text}")
                read(dave, "message", name="Carol", text=text)
            want = []


@test
def a_slow_reader_reads_nothing_of_whom_it_ignores(t):
    server = t.server(workers=2)
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    carol = server.join("general", "Carol")
    for client in alice, bob:
        client.expect(JOINED % "Slow", JOINED % "Carol")
    slow.expect(JOINED % "Carol")
    ignore(slow, "Alice")
    for i in range(2000):
        text = f"{i} ".ljust(1000, "x")
        (alice if i % 2 else carol).send(text)
        if i % 16 > 13:
            bob.lines_until(f"{'Alice' if i % 2 else 'Carol'}: {text}")
    assert server.session("Slow")["lagging"]
    carol.send("/quit")
    assert slow.lines_until(LEFT % "Carol") == \
        ["Carol: " + f"{i} ".ljust(1000, "x") for i in range(0, 2000, 2)]


@test
def a_line_half_read_is_read_to_its_end_before_it_is_ignored(t):
    """Also where no buffer holds its rest."""
    for buffers in True, False:
        server = t.server(workers=2, max_line=16384)
        alice, bob = server.room("general", "Alice", "Bob")
        slow = server.join("general", "Slow", rcvbuf=4096)
        for client in alice, bob:
            client.expect(JOINED % "Slow")
        if buffers:
            half_read(server, alice, bob, slow)
        else:
            with no_buffers(server):
                half_read(server, alice, bob, slow)
        for client in alice, bob, slow:
            client.close()
        server.stop()


def half_read(server, alice, bob, slow):
    text = "x" * 16384
    for _ in range(60):
        alice.send(text)
        bob.expect(f"Alice: {text}")
    assert server.session("Slow")["lagging"]
    read_in = server.session("Slow")["in"]
    slow.send("/ignore Alice")
    wait_until(lambda: server.session("Slow")["in"] == read_in + 14,
               "the command is read")
    lines = slow.lines_until(IGNORED)
    assert lines and all(x == f"Alice: {text}" for x in lines), \
        [x[:60] for x in lines if x != f"Alice: {text}"]
    assert len(lines) < 60
    expect_nothing(slow)


@test
def what_is_ignored_counts_as_missed_by_one_whom_the_ring_laps(t):
    """What is overwritten can't be asked any more who said it."""
    server = t.server(workers=2, ring_size="128K")
    alice, bob = server.room("general", "Alice", "Bob")
    slow = server.join("general", "Slow", rcvbuf=4096)
    for client in alice, bob:
        client.expect(JOINED % "Slow")
    alice.send(*["x" * 1000] * 100)
    bob.expect(*["Alice: " + "x" * 1000] * 100)
    read_some = 0
    while read_some < 50:
        slow.expect("Alice: " + "x" * 1000)
        read_some += 1
    pump("Alice", alice, bob, 4000, 1000)
    slow.send("/ignore Alice")
    alice.send("/quit")
    lines = slow.lines_until(LEFT % "Alice")
    missed = [int(m.group(1)) for m in map(LAGGED.fullmatch, lines) if m]
    read_some += sum(x.startswith("Alice: ") for x in lines)
    assert lines.count(IGNORED) == 1
    assert sum(missed) > 0 and read_some + sum(missed) <= 4100, (
        missed, read_some)


@test
def telnet_ignores_too(t):
    server = t.server(workers=2, telnet="127.0.0.1:0", replay=0)
    alice = server.join("general", "Alice")
    bob = server.telnet()
    bob.send("general", "Bob", "/ignore ALICE")
    while "nothing of that name" not in bob.line():
        pass
    alice.expect(JOINED % "Bob")
    alice.send("not read", "/me nor this", "/topic but this")
    assert bob.line() == "*** Alice set the topic: but this\r"
