# SPDX-License-Identifier: MIT
"""The chat page in a real browser: rooms and names with passwords."""
import json

from browser import open_page
from doors import SECRET, WRONG, configuration
from lib import JOINED, LEFT, test

ROOM_SAID = "vault needs a password"
NAME_SAID = "Regina needs a password"


def web_server(t, **options):
    return t.server(web="127.0.0.1:0", args=["-c", configuration(t)],
                    **options)


def asked(page, said):
    """The box is there and in focus, empty, and says what it is about."""
    page.wait("state === 'out' && document.activeElement.id === 'password' &&"
              f" $('password-said').textContent === {json.dumps(said)} &&"
              " $('password').value === ''", said)
    assert page.find("textbox", "Password")


def answer(page, password):
    page.type(password)
    page.press("Enter")


def at_door(page, room, name):
    page.fill("Room", room)
    page.fill("Name", name)
    page.press("Enter")


@test(limit=120)
def the_password_of_a_room_is_asked_for_until_it_is_right(t):
    page = open_page(t, web_server(t))
    assert not page.find("textbox", "Password")
    at_door(page, "vault", "Bob")
    asked(page, ROOM_SAID)
    answer(page, WRONG)
    asked(page, "that is not the password of the room")
    answer(page, SECRET)
    page.wait_in("vault")


@test(limit=120)
def the_password_of_a_name_is_asked_for_until_it_is_right(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    at_door(page, "general", "Regina")
    asked(page, NAME_SAID)
    answer(page, WRONG)
    asked(page, "that is not the password of this name")
    answer(page, SECRET)
    page.wait_in("general")
    alice.expect(JOINED % "Regina")
    page.say("hello")
    alice.expect("Regina: hello")


@test(limit=120)
def both_are_asked_for_one_after_the_other_and_another_name_needs_none(t):
    server = web_server(t)
    page = open_page(t, server)
    at_door(page, "vault", "Regina")
    asked(page, ROOM_SAID)
    answer(page, SECRET)
    asked(page, NAME_SAID)
    page.fill("Name", "Bob")
    page.press("Enter")
    page.wait_in("vault")
    page.eval("wire_leave()")
    at_door(page, "vault", "Regina")  # the room's is still known
    asked(page, NAME_SAID)
    answer(page, SECRET)
    page.wait_in("vault")


@test(limit=120)
def a_page_that_lost_its_connection_says_its_passwords_again(t):
    server = web_server(t)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    page = open_page(t, server)
    at_door(page, "vault", "Regina")
    asked(page, ROOM_SAID)
    answer(page, SECRET)
    asked(page, NAME_SAID)
    answer(page, SECRET)
    page.wait_in("vault")
    alice.expect(JOINED % "Regina")
    page.eval("wire_lost(), clearTimeout(wire_timer)")
    alice.expect(LEFT % "Regina")
    page.eval("wire_open()")
    page.wait_in("vault")
    alice.expect(JOINED % "Regina")
    page.say("back")
    alice.expect("Regina: back")


@test(limit=120)
def passwords_that_were_typed_as_commands_are_said_again_too(t):
    server = web_server(t)
    alice = server.connect()
    alice.send(f"vault {SECRET}", "Alice")
    alice.expect(JOINED % "Alice")
    page = open_page(t, server)
    page.join("general", "Bob")
    page.say(f"/nick Regina {SECRET}")
    page.wait("me.name === 'Regina'")
    page.say(f"/join vault {WRONG}")
    page.wait("[...document.querySelectorAll('.row.error')].length === 1")
    page.say(f"/join vault {SECRET}")
    page.wait_in("vault")
    alice.expect(JOINED % "Regina")
    page.eval("wire_lost(), clearTimeout(wire_timer)")
    alice.expect(LEFT % "Regina")
    page.eval("wire_open()")
    page.wait_in("vault")
    alice.expect(JOINED % "Regina")


@test(limit=120)
def no_password_stays_in_page_storage_or_what_can_be_recalled(t):
    server = web_server(t)
    page = open_page(t, server)
    at_door(page, "vault", "Bob")
    asked(page, ROOM_SAID)
    answer(page, SECRET)
    page.wait_in("vault")
    page.say(f"/nick Regina {SECRET}")
    page.wait("me.name === 'Regina'")
    kept = page.eval("JSON.stringify([{...localStorage}, {...sessionStorage},"
                     " location.href, document.cookie, recalled,"
                     " document.body.innerText,"
                     " [...document.querySelectorAll('input, textarea')]"
                     ".filter((e) => e.id !== 'password')"
                     ".map((e) => e.value)])")
    assert SECRET not in kept, kept
    assert page.eval("$('password').value") == ""
