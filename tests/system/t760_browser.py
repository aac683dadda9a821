# SPDX-License-Identifier: MIT
"""The chat page in a real browser: joining, talking, moving about."""
from browser import open_page
from lib import JOINED, LEFT, test, wait_until


def web_server(t, **options):
    return t.server(web="127.0.0.1:0", **options)


@test(limit=120)
def a_browser_and_nc_talk_in_both_directions(t):
    server = web_server(t, workers=2)
    page = open_page(t, server)
    nc = server.nc()
    nc.send("general", "Alice")
    nc.expect(JOINED % "Alice")
    page.join("general", "Bob")
    nc.expect(JOINED % "Bob")
    nc.send("Hello Bob!", "/me waves")
    page.wait_row("Alice", "Hello Bob!")
    page.wait_row("Alice", "Alice waves")
    page.say("Hi Alice!")
    page.wait_row("Bob", "Hi Alice!")
    nc.expect("Bob: Hi Alice!")
    page.say("/me nods")
    nc.expect("* Bob nods")
    page.say("//me is no command")
    nc.expect("Bob: /me is no command")
    page.wait_row("Bob", "/me is no command")
    page.say("/msg alice psst")
    nc.expect("[private] Bob: psst")
    nc.send("/msg bob pssst")
    page.wait_row("Alice", "pssst")
    page.wait("outbox.length === 0")
    page.say("/quit")
    nc.expect(LEFT % "Bob")
    assert page.find("textbox", "Room")


@test(limit=120)
def two_browsers_see_who_comes_goes_and_takes_another_name(t):
    server = web_server(t, workers=2)
    bob = open_page(t, server)
    bob.join("general", "Bob")
    eve = open_page(t, server, browser=bob.browser)
    eve.join("general", "Eve")
    bob.wait_row("Eve", "Eve joined")
    assert bob.eval("[...people.values()].sort().join()") == "Bob,Eve"
    assert eve.eval("[...people.values()].sort().join()") == "Bob,Eve"
    eve.say("/nick Evi")
    eve.wait_row("Eve", "Eve is now Evi")
    bob.wait_row("Eve", "Eve is now Evi")
    wait_until(lambda: "Evi" in bob.text("#people"), "the list says so")
    eve.say("now as Evi")
    bob.wait_row("Evi", "now as Evi")
    eve.say("/topic Tea time")
    for page in bob, eve:
        page.wait_row("Evi", "Evi set the topic: Tea time")
        assert page.text("#topic") == "Tea time"
    eve.say("/join garden")
    eve.wait_in("garden")
    bob.wait_row("Evi", "Evi left")
    wait_until(lambda: "Evi" not in bob.text("#people"), "the list says so")
    assert eve.text("#topic") == "" and eve.text("#where") == "garden"
    assert eve.eval("location.hash") == "#garden"


@test(limit=120)
def rooms_are_entered_with_a_click_and_remembered_on_return(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    garden = server.join("garden", "Gus")
    page = open_page(t, server, path="#general")
    assert page.eval("$('room').value") == "general"
    page.fill("Name", "Bob")
    page.press("Enter")
    page.wait_in("general")
    alice.send("one")
    page.wait_row("Alice", "one")
    page.say("two")
    alice.expect(JOINED % "Bob", "Bob: two")
    page.wait("rooms.length === 2")
    page.click("button", "garden 1")
    page.wait_in("garden")
    alice.expect(LEFT % "Bob")
    garden.expect(JOINED % "Bob")
    alice.send("three", "four")
    garden.send("roses")
    page.wait_row("Gus", "roses")
    assert ["Alice", "three"] not in page.rows()
    page.say("/join general")
    page.wait_in("general")
    page.wait_row("Alice", "four")
    assert page.said() == [["Alice", "one"], ["Bob", "two"],
                           ["Alice", "three"], ["Alice", "four"]]


@test(limit=120)
def answers_are_shown_to_who_asked_and_what_the_page_asks_is_not(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")
    page.eval("rooms_at = 0, rooms_look()")
    page.say("hello")
    page.say("/whoami")
    page.say("/who")
    page.say("/rooms")
    page.say("/help")
    page.say("/nonsense")
    page.say("/topic")
    page.say("/history")
    page.wait("groups.length === 0")
    texts = [text for _, text in page.rows()]
    assert texts[:6] == [
        "Bob joined", "hello", "you are Bob in general, from 127.0.0.1",
        "1 in general\nBob", "1 room\ngeneral: 1", texts[5]], texts
    assert texts[5].startswith("/help  ") and texts[5].count("\n") > 10
    assert "no such command" in texts[6], texts
    assert texts[7:] == ["general has no topic", "hello"], texts
    assert page.eval("document.querySelectorAll('.quoted').length") == 1


@test(limit=120)
def a_line_that_is_refused_says_so_and_can_be_edited(t):
    server = web_server(t, max_line=64)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    page.join("general", "Bob")
    page.say("x" * 65)
    page.wait("document.querySelector('.mark.failed')")
    assert "not sent: a line holds at most 64 bytes" in page.text(".mark")
    page.click("button", "Edit")
    assert page.eval("box.value") == "x" * 65
    page.say("shorter")
    alice.expect(JOINED % "Bob", "Bob: shorter")
    page.say("/msg nobody hi")
    page.wait("document.querySelectorAll('.mark.failed').length === 2")
    page.eval("send('one\\n/two\\r\\n' + 'x'.repeat(65) + '\\n//three\\n\\n')")
    alice.expect("Bob: one", "Bob: /two", "Bob: //three")
    page.wait("outbox.length === 0")
    assert page.eval(
        "document.querySelectorAll('.mark.failed').length") == 3


@test(limit=120)
def the_door_says_what_is_wrong_where_it_is_wrong(t):
    server = web_server(t)
    server.join("general", "Alice")
    page = open_page(t, server)
    page.fill("Name", "Bob")
    page.press("Enter")
    page.wait_focus("textbox", "Room")
    page.join_wrongly("general", "A:b", "name")
    page.join_wrongly("general", "alice", "name")
    assert "somebody has that name" in page.text("#name-said")
    page.join_wrongly("general", "two words", "name")
    page.join_wrongly("two words", "Bob", "room")
    page.join_wrongly("\u00e9" * 40, "Bob", "room")
    page.join("general", "Bob")
    page.wait_focus("textbox", "Message")


@test(limit=120)
def unread_messages_are_counted_and_mentions_notify(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    page.eval("window.said = []; window.Notification = class {"
              " constructor(...a) { said.push(a[0] + ': ' + a[1].body); }"
              " static permission = 'default';"
              " static async requestPermission()"
              " { this.permission = 'granted'; }}")
    page.join("general", "Bob")
    page.click("button", "Notify me when I am mentioned")
    page.wait("$('notify').getAttribute('aria-pressed') === 'true'")
    alice.send("bob, in sight")
    page.wait_row("Alice", "bob, in sight")
    page.hide()
    alice.send("nothing", "Hello Bob!", "bobsled", "/msg bob psst")
    page.wait_row("Alice", "psst")
    assert page.eval("document.title") == "(4) general \u2013 chatmaster"
    assert page.eval("said") == ["Alice in general: Hello Bob!",
                                 "Alice in general: psst"]
    assert page.eval("document.querySelectorAll('.rule.fresh').length") == 1
    page.hide(False)
    assert page.eval("document.title") == "general \u2013 chatmaster"
