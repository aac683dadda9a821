# SPDX-License-Identifier: MIT
"""The chat page in a real browser, behind TLS."""
from browser import Browser, Page
from lib import JOINED, test
from tls import Pair, options, tls_port


@test(limit=120)
def a_browser_talks_over_wss_and_a_killed_worker_costs_it_nothing(t):
    server = t.server(**options(Pair(t, "a"), web_tls="127.0.0.1:0"))
    page = Page(Browser(t))
    page.call("Security.setIgnoreCertificateErrors", ignore=True)
    url = f"https://localhost:{tls_port(server, 'web-tls')}/"
    page.open(url)
    alice = server.join("general", "Alice")
    page.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    assert page.requests[-1] == url.replace("https", "wss") + "chat"
    seat = server.session("Bob")["worker"]
    for i in range(3):
        server.kill_worker(seat)
        page.say(f"from the browser {i}")
        alice.expect(f"Bob: from the browser {i}")
        alice.send(f"from nc {i}")
        page.wait_row("Alice", f"from nc {i}")
    assert [text for name, text in page.said() if name == "Alice"] == \
        [f"from nc {i}" for i in range(3)]
    assert server.session("Bob")["tls"] == "TLSv1.3"
    assert not server.events("close", listener="web-tls", reason="reset")
