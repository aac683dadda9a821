# SPDX-License-Identifier: MIT
"""The chat page in a real browser."""
from browser import open_page
from lib import JOINED, LEFT, test


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
    page.say("/quit")
    nc.expect(LEFT % "Bob")
