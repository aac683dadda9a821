# SPDX-License-Identifier: MIT
"""The chat page in a real browser: hostile texts, small screens, keys alone,
what a screen reader is told, and long logs."""
import json

from browser import name_of, open_page, role_of, url_of
from lib import JOINED, test, wait_until

HOSTILE = [
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>",
    "<svg/onload=alert(1)>", "</textarea><script>alert(1)</script>",
    "&lt;b&gt; &amp; &#60;script&#62; &quot;", "<b>bold</b> <!-- -->",
    "javascript:alert(1)", "[x](javascript:alert(1))",
    "http://a\"onmouseover=alert(1)", "https://x.test/<script>alert(1)",
    "{{constructor.constructor('alert(1)')()}}", "${alert(1)}",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "__proto__", "constructor", "toString", "' OR 1=1 --", "%00%0a",
    "data:text/html,<script>alert(1)</script>", "\u200d\u200c\ufffd\ufeff",
    "e\u0301\u0323" * 40, "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u05d0\u05d1 abc \u0627\u0644", "x" * 3000,
]
LINKS = [
    # what is said, and what of it is a link (None: nothing)
    ("see https://example.org/a_(b), please", "https://example.org/a_(b)"),
    ("(http://example.org/?q=1&r=%20#x)", "http://example.org/?q=1&r=%20#x"),
    ("HTTPS://EXAMPLE.ORG.", "HTTPS://EXAMPLE.ORG"),
    ("https://bank.example@evil.example/", None),
    ("ftp://example.org javascript:alert(1) data:text/html,x", None),
    ("http://", None), ("https://[", None), ("xhttp://example.org", None),
]


def web_server(t, **options):
    return t.server(web="127.0.0.1:0", **options)


def runs_nothing(page):
    """No script but the page's, nothing loaded, no markup in what is said."""
    page.check()
    assert page.eval("document.scripts.length") == 1
    assert page.eval("document.querySelectorAll('#logs :is(script, img, svg, "
                     "b, iframe, object, style), #chat [onerror]').length"
                     ) == 0


@test(limit=120)
def hostile_text_is_shown_as_text(t):
    server = web_server(t)
    room = '"><img/src=x/onerror=alert(1)>'
    name = "<b>&amp;</b>"
    alice = server.join(room, name)
    page = open_page(t, server)
    page.eval("window.alert = () => { throw new Error('alerted'); }")
    page.join(room, "'\"><i>")
    for text in HOSTILE:
        alice.send(text, f"/me {text}", f"/topic {text[:80]}",
                   f"/msg '\"><i> {text}")
        page.wait_row(name, text)
        page.wait_row(name, f"{name} {text}")
        page.wait_row(name, f"{name} set the topic: {text[:80]}")
        assert page.eval("$('topic').textContent") == text[:80]
    for text in HOSTILE:
        page.eval(f"send({json.dumps(text)})")
        alice.lines_until(f"'\"><i>: {text}")
    page.say("/who")
    page.say("/rooms")
    page.say("/nick <u>")
    alice.send("bye", "/quit")
    page.wait_row(name, f"{name} left")
    assert page.eval("$('where').textContent") == room
    runs_nothing(page)
    inside = url_of(server)
    assert all(u.startswith((inside, inside.replace("http", "ws"), "data:"))
               for u in page.requests), page.requests


@test(limit=120)
def links_lead_where_they_say_and_nothing_else_is_one(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    page.join("general", "Bob")
    for text, link in LINKS:
        alice.send(text)
        page.wait_row("Alice", text)
        found = page.eval("[...log.list.querySelectorAll('.row:last-child a')]"
                          ".map((a) => [a.textContent, a.href, a.rel,"
                          " a.target])")
        assert [x[0] for x in found] == ([link] if link else []), (text, found)
        for _, href, rel, target in found:
            assert href.startswith(("http://example.org", "https://example.org"))
            assert (rel, target) == ("noopener noreferrer", "_blank")


@test(limit=120)
def the_policy_lets_nothing_else_run(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")
    tried = page.eval("""(async () => {
        const bad = [];
        const script = document.createElement("script");
        window.ran = false;
        try { script.textContent = "window.ran = true"; } catch { }
        document.head.append(script);
        try { document.body.innerHTML = "<b>"; bad.push("innerHTML"); }
        catch { }
        try { eval("window.ran = true"); bad.push("eval"); } catch { }
        try { await fetch("http://127.0.0.1:9/"); bad.push("fetch"); }
        catch { }
        document.body.setAttribute("style", "color: red");
        if (window.ran) bad.push("script");
        if (document.body.style.color) bad.push("style");
        return bad;
    })()""")
    assert tried == [], tried
    assert page.bad  # each was told
    page.bad.clear()


@test(limit=120)
def a_phone_never_scrolls_sideways(t):
    server = web_server(t)
    room, name = "r" * 64, "N" * 32
    alice = server.join(room, name)
    page = open_page(t, server, width=360, height=640)

    def fits():
        page.eval("log && log.flush()")
        wide = page.eval("""[...document.querySelectorAll(
            "html, body, #door, #middle, .log, .list, #top, #say")].filter(
            (e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0).map(
            (e) => [e.tagName, e.id, e.className, e.scrollWidth])""")
        assert wide == [], wide
        assert page.eval("document.documentElement.scrollWidth <= 360 && "
                         "scrollX === 0")

    fits()
    page.fill("Name", "x y")
    page.press("Enter")
    fits()
    page.join(room, "M" * 32)
    alice.expect(JOINED % ("M" * 32))
    alice.send("w" * 4000, "/me " + "v" * 500, "/topic " + "t" * 256,
               "https://example.org/" + "u" * 500, "a\tb\t" * 50,
               f"/msg {'M' * 32} {'p' * 500}", "\U0001f31f" * 200)
    page.wait_row(name, "\U0001f31f" * 200)
    fits()
    for text in "/help", "/who", "/rooms", "/nonsense", "s" * 500, "x" * 4097:
        page.say(text)
    page.wait("groups.length === 0 && outbox.length === 0")
    fits()
    page.fill("Message", "/")
    page.wait("!$('choices').hidden")
    fits()
    page.fill("Message", "")
    page.eval("wire_lost(), clearTimeout(wire_timer)")
    fits()
    page.eval("wire_open()")
    page.wait_in(room)
    page.click("button", "Rooms and people")
    page.wait("document.body.classList.contains('drawer')")
    fits()
    page.wait("document.getAnimations().length === 0")
    assert page.eval("$('side').getBoundingClientRect().right <= 360")


@test(limit=120)
def keys_alone_are_enough(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server, width=360, height=640)
    page.wait_focus("textbox", "Room")
    page.type("general")
    page.press("Tab")
    page.wait_focus("textbox", "Name")
    page.type("Bob")
    page.press("Tab")
    page.wait_focus("button", "Join")
    page.press("Space")
    page.wait_in("general")
    page.wait_focus("textbox", "Message")
    page.type("Hello")
    page.press("Enter")
    alice.expect(JOINED % "Bob", "Bob: Hello")

    # Completion: a command, then a name; arrows and Enter; Escape.
    page.type("/ms")
    page.press("Tab")
    page.type("a")
    page.press("Tab")
    assert page.eval("box.value") == "/msg Alice "
    page.type("psst")
    page.press("Enter")
    alice.expect("[private] Bob: psst")
    page.type("@")
    page.press("ArrowDown")
    assert page.eval("box.getAttribute('aria-activedescendant')") == \
        "choice-0"
    page.press("Enter")
    assert page.eval("box.value") == "@Alice "
    page.press("Enter")
    alice.expect("Bob: @Alice ")
    page.type("al")
    page.press("Tab")
    assert page.eval("box.value") == "Alice: "
    page.press("Enter", modifiers=8)
    page.type("/")
    page.press("Escape")
    page.eval("compose('')")

    # What was typed before.
    page.press("ArrowUp")
    assert page.eval("box.value") == "@Alice "
    page.press("ArrowUp")
    assert page.eval("box.value") == "/msg Alice psst"
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert page.eval("box.value") == ""

    # An empty box holds nobody: all of the page is a Tab away.
    seen = []
    for _ in range(6):
        page.press("Tab")
        seen.append(page.focused())
    for what in ("button", "Send"), ("button", "Rooms and people"), \
            ("log", "Conversation"):
        assert what in seen, seen

    # The drawer: in, about, out.
    page.focus("button", "Rooms and people")
    page.press("Enter")
    page.wait("document.body.classList.contains('drawer')")
    page.wait_focus("button", "general 2")
    page.press("ArrowDown")
    page.wait_focus("button", "Alice")
    page.press("Escape")
    page.wait("!document.body.classList.contains('drawer')")
    page.wait_focus("button", "Rooms and people")
    page.press("Enter")
    page.focus("button", "Leave")
    page.press("Enter")
    assert page.find("textbox", "Room")
    page.wait_focus("textbox", "Room")


@test(limit=120)
def a_screen_reader_is_told_all_of_it(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server)

    def all_named():
        for node in page.tree():
            if role_of(node) in ("button", "textbox", "link", "listbox",
                                 "option", "log", "heading"):
                assert name_of(node), node

    def textboxes():
        return sorted(name_of(n) for n in page.tree()
                      if role_of(n) == "textbox")

    assert textboxes() == ["Name", "Room"]
    all_named()
    page.fill("Room", "general")
    page.fill("Name", "a:b")
    page.press("Enter")
    page.wait("$('name').getAttribute('aria-invalid') === 'true'")
    node, = page.find("textbox", "Name")
    assert "1 to 32 bytes" in node["description"]["value"], node
    page.join("general", "Bob")
    assert textboxes() == ["Message"]
    alice.send("one", "two", "/me waves", "/topic Tea", "/msg Bob psst")
    page.wait_row("Alice", "psst")
    page.say("/who")
    page.say("/nonsense")
    page.wait("groups.length === 0")
    page.eval("log.flush()")
    all_named()
    node, = page.find("log", "Conversation")
    live = {p["name"]: p["value"].get("value") for p in node["properties"]}
    assert live.get("live") == "polite", live
    # Who said it stands before each, though it is drawn only once.
    text = page.text(".log")
    assert text.count("Alice") >= 5, text
    page.fill("Message", "/n")
    page.wait("!$('choices').hidden")
    option, = [n for n in page.tree() if role_of(n) == "option"]
    assert name_of(option).startswith("/nick"), option
    page.eval("wire_lost(), clearTimeout(wire_timer)")
    banner = page.eval("[$('banner').getAttribute('role'),"
                       " $('banner-said').textContent].join()")
    assert banner == "status,Connection lost. Trying again\u2026", banner


@test(limit=200)
def ten_thousand_messages_stay_fast(t):
    server = web_server(t)
    alice = server.join("general", "Alice")
    page = open_page(t, server)
    page.join("general", "Bob")
    alice.expect(JOINED % "Bob")
    # How many rows are built between two chances for keys to be taken.
    page.eval("window.batches = []; const work = Log.prototype.work;"
              "Log.prototype.work = function () { const n = this.rows;"
              "work.call(this); batches.push(this.rows - n); }")
    for begin in range(0, 10000, 1000):
        alice.send(*[f"message {i}" for i in range(begin, begin + 1000)])
    page.say("in between")
    alice.expect("Bob: in between")
    wait_until(lambda: page.eval("log.anchor && log.queue.length === 0 && "
                                 "log.rows >= 10001"), "all are there", 100)
    texts = [x for who, x in page.said() if who == "Alice"]
    assert texts == [f"message {i}" for i in range(10000)]
    assert page.eval("Math.max(...batches)") <= 252
    # Out of sight nothing is laid out.
    assert page.eval("[...log.list.children].every((e) => getComputedStyle(e)"
                     ".contentVisibility === 'auto')")
    page.wait("log.distance() < NEAR", "the end is in sight")
    page.press("PageUp")
    page.wait("!log.at_end")
    alice.send("unseen")
    page.wait("$('newer').textContent.includes('1 new')")
    page.click("button", "\u2193 1 new")
    page.wait("log.distance() < NEAR")
    # Its memory is bounded.
    for begin in range(10000, 14000, 1000):
        alice.send(*[f"message {i}" for i in range(begin, begin + 1000)])
    page.wait_row("Alice", "message 13999")
    assert page.eval("log.rows <= ROWS_KEPT && "
                     "log.list.querySelectorAll('.row').length <= ROWS_KEPT")
    page.say("still here")
    alice.expect("Bob: still here")


@test(limit=120)
def it_follows_the_colours_and_the_rest_that_one_prefers(t):
    server = web_server(t)
    page = open_page(t, server)
    page.join("general", "Bob")

    def light():
        colour = page.eval("getComputedStyle($('middle')).backgroundColor")
        return sum(int(x) for x in colour[4:-1].split(",")) > 3 * 128

    for scheme in "light", "dark":
        page.media(prefers_color_scheme=scheme)
        assert light() == (scheme == "light")
        # Enough contrast of each colour that text has (WCAG 2, AA).
        low = page.eval("""(() => {
            const lum = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(
                (v) => (v /= 255) <= .03928 ? v / 12.92 :
                ((v + .055) / 1.055) ** 2.4);
                return .2126 * r + .7152 * g + .0722 * b; };
            const probe = document.body.appendChild(make("p"));
            const colour = (v) => { probe.style.color = `var(${v})`;
                return lum(getComputedStyle(probe).color); };
            const low = [];
            for (const ground of ["--surface", "--raised", "--mention",
                "--tint"])
                for (const v of ["--text", "--muted", "--accent", "--danger",
                    ...Array.from({length: 9}, (_, i) => "--c" + i)]) {
                    const [a, b] = [colour(v), colour(ground)].sort(
                        (x, y) => y - x);
                    if ((a + .05) / (b + .05) < 4.5)
                        low.push([ground, v, (a + .05) / (b + .05)]);
                }
            probe.remove();
            return low;
        })()""")
        assert low == [], (scheme, low)
    page.media(prefers_reduced_motion="reduce")
    assert page.eval("getComputedStyle($('side')).transitionProperty") in \
        ("none", "all")
    page.size(360, 640)
    page.eval("drawer(true)")
    assert page.eval("document.getAnimations().length") == 0
