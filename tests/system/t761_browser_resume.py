# SPDX-License-Identifier: MIT
"""The chat page in a real browser: connections that break.

Nothing that was said is missing or doubled on either side, and what nobody
can know the page says.
"""
from browser import open_page
from lib import JOINED, LEFT, test, wait_until


def web_server(t, **options):
    return t.server(web="127.0.0.1:0", **options)


def cut(page):
    """The connection breaks, and the page waits for wire_open()."""
    page.eval("wire_lost(), clearTimeout(wire_timer)")
    assert page.eval("state") == "waiting"


def come_back(page, room="general"):
    page.eval("wire_open()")
    page.wait_in(room)


def marks(page):
    return page.eval("[...document.querySelectorAll('.mark:not(:empty)')]"
                     ".map((e) => e.textContent)")


@test(limit=120)
def a_browser_comes_back_after_the_server_has_restarted(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")
    alice = server.join("general", "Alice")
    alice.send("before")
    page.wait_row("Alice", "before")
    page.say("Bob before")
    alice.expect("Bob: Bob before")
    page.wait("outbox.length === 0")
    alice.close()
    page.wait_row("Alice", "Alice left")
    web, line = server.web_port, server.port
    # It would come back by itself, but Alice is to be there first.
    page.eval("window.open_again = wire_open, wire_open = () => {}")
    server.stop()
    page.wait("state === 'waiting'")
    assert "disconnected" == page.eval("$('link-said').textContent")
    page.say("said meanwhile")
    page.wait_row("Bob", "said meanwhile")
    server = t.server(web=f"127.0.0.1:{web}", line=f"127.0.0.1:{line}",
                      name=server.name)
    alice = server.join("general", "Alice")
    page.eval("wire_open = open_again, dispatchEvent(new Event('online'))")
    page.wait_in("general")
    lines = [alice.line(), alice.line()]
    assert lines == [JOINED % "Bob", "Bob: said meanwhile"], lines
    alice.send("after")
    page.wait_row("Alice", "after")
    assert page.said() == [
        ["Alice", "before"], ["Bob", "Bob before"],
        ["Bob", "said meanwhile"], ["Alice", "after"]]
    page.wait("outbox.length === 0")
    assert marks(page) == []


@test(limit=120)
def it_tries_by_itself_until_the_server_is_back(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")
    web, line = server.web_port, server.port
    server.stop()
    page.wait("tries >= 3")
    server = t.server(web=f"127.0.0.1:{web}", line=f"127.0.0.1:{line}",
                      name=server.name)
    page.wait_in("general")
    alice = server.join("general", "Alice")
    alice.send("/who")
    alice.lines_until("*** Bob Alice")
    page.wait_row("Alice", "Alice joined")


@test(limit=120)
def what_was_said_meanwhile_is_read_once_and_in_order(t):
    server = web_server(t, workers=2)
    alice, carol = server.room("general", "Alice", "Carol")
    page = open_page(t, server)
    page.join("general", "Bob")
    for client in alice, carol:
        client.expect(JOINED % "Bob")
    want = []
    for turn in range(6):
        alice.send(*[f"{turn} here {i}" for i in range(30)])
        want += [f"{turn} here {i}" for i in range(30)]
        page.wait_row("Alice", want[-1])
        cut(page)
        alice.expect(LEFT % "Bob")
        alice.send(*[f"{turn} away {i}" for i in range(40)])
        want += [f"{turn} away {i}" for i in range(40)]
        # And while it comes back.
        page.eval("wire_open()")
        for i in range(40):
            alice.send(f"{turn} back {i}")
            want.append(f"{turn} back {i}")
        page.wait_in("general")
        alice.expect(JOINED % "Bob")
        alice.send(f"{turn} end")
        want.append(f"{turn} end")
        page.wait_row("Alice", want[-1])
        assert [text for _, text in page.said()] == want
    assert page.eval("document.querySelector('.rule.gap')") is None


@test(limit=120)
def of_ones_own_lines_none_is_lost_or_said_twice(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    page.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("begin")
    page.wait_row("Alice", "begin")
    want = []
    for turn in range(4):
        # One arrives, though nobody says so any more; one gets lost.
        page.eval(f"socket.onmessage = null, send('{turn} arrives')")
        alice.expect(f"Bob: {turn} arrives")
        page.eval(f"socket.send = () => {{}}, send('{turn} lost'),"
                  f"send('/me {turn} acts')")
        cut(page)
        alice.expect(LEFT % "Bob")
        assert marks(page) == ["may not have arrived"] * 3
        page.say(f"{turn} typed meanwhile")  # and that is what it is for
        page.wait_in("general")
        alice.expect(JOINED % "Bob", f"Bob: {turn} lost",
                     f"* Bob {turn} acts", f"Bob: {turn} typed meanwhile")
        page.wait("outbox.length === 0")
        assert marks(page) == []
        want += [f"{turn} arrives", f"{turn} lost", f"{turn} typed meanwhile"]
        alice.send(f"end of {turn}")
        page.wait_row("Alice", f"end of {turn}")
        assert [x for who, x in page.said() if who == "Bob"] == want


@test(limit=120)
def what_nobody_can_know_is_marked_and_sent_again_on_demand(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")
    page.eval("socket.send = () => {}, send('perhaps')")
    cut(page)
    # Nobody was left in the room, so nothing of it is known any more.
    wait_until(lambda: server.session("Bob") is None, "Bob has left")
    alice = server.join("general", "Alice")
    come_back(page)
    alice.expect(JOINED % "Bob")
    assert marks(page) == ["may not have arrived Send again"]
    assert page.eval("!!document.querySelector('.rule.gap')")
    page.click("button", "Send again")
    alice.expect("Bob: perhaps")
    page.wait("outbox.length === 0")
    assert marks(page) == [] and len(page.said()) == 1


@test(limit=120)
def a_name_that_the_old_connection_still_has_is_waited_for(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")
    # The page forgets its connection; the server doesn't yet.
    page.eval("window.old = socket, socket.onclose = null, socket = null,"
              "wire_lost()")
    page.wait("$('banner-said').textContent.includes('still in use')")
    page.eval("old.close()")
    page.wait_in("general")
    alice = server.join("general", "Alice")
    page.say("still Bob")
    alice.expect("Bob: still Bob")


@test(limit=120)
def one_who_was_silent_too_long_is_let_in_again_when_he_speaks(t):
    server = web_server(t, idle_timeout=2)
    page = open_page(t, server)
    page.join("general", "Bob")
    page.wait("state === 'waiting'")
    assert "nothing was said for 2 seconds" in page.text("#banner")
    page.say("I am here")
    page.wait_in("general")
    page.wait("outbox.length === 0")
    alice = server.join("general", "Alice")
    alice.send("/history 1")
    assert alice.line().endswith(" Bob: I am here")


@test(limit=120)
def killed_web_workers_are_not_noticed(t):
    server = web_server(t, workers=2)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    page.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    seat = server.session("Bob")["worker"]
    page.eval("window.first = socket")
    want = []
    for turn in range(3):
        alice.send(*[f"{turn} {i}" for i in range(50)])
        server.kill_worker(seat)
        page.say(f"after {turn}")
        alice.expect(f"Bob: after {turn}")
        want += [f"{turn} {i}" for i in range(50)]
        page.wait_row("Alice", want[-1])
    assert [x for who, x in page.said() if who == "Alice"] == want
    assert page.eval("socket === first")


@test(limit=120)
def one_who_is_ignored_stays_so_over_connections(t):
    server = web_server(t)
    alice, carol = server.room("general", "Alice", "Carol")
    page = open_page(t, server)
    page.join("general", "Bob")
    page.say("/ignore alice")
    page.wait("ignored.size === 1")
    cut(page)
    alice.send("unheard")
    carol.expect(JOINED % "Bob", LEFT % "Bob", "Alice: unheard")
    come_back(page)
    alice.send("unheard again")
    carol.expect(JOINED % "Bob", "Alice: unheard again")
    carol.send("heard")
    page.wait_row("Carol", "heard")
    assert page.said() == [["Carol", "heard"]]
