# SPDX-License-Identifier: MIT
"""A real browser, chromium, through the DevTools protocol over a pipe.

    page = open_page(t, server)          a browser of its own, on the page
    page.join("general", "Alice")        typed and entered as people do
    page.say("Hello")
    page.wait_row("Bob", "Hi")

Every page notes what must never happen: exceptions, violations of its policy,
requests to elsewhere; check() fails then, and finish() calls it.
"""
import base64
import json
import os
import select
import subprocess
import time

from lib import DEADLINE, die_with_parent, wait_until

START = 60.0  # seconds for a browser to come up on a busy machine

FLAGS = [
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe",
    "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--password-store=basic", "--use-mock-keychain", "--mute-audio",
    "--lang=en-GB", "--hide-scrollbars", "--disable-breakpad",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]

KEYS = {
    "Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""),
    "ArrowUp": (38, ""), "ArrowDown": (40, ""), "PageUp": (33, ""),
    "Home": (36, ""), "End": (35, ""), "Backspace": (8, ""),
    "Space": (32, " "),
}


class Browser:
    """A process with pipes.  The context ends it, as it does peers."""

    def __init__(self, context):
        down, self.into = os.pipe()
        self.out, up = os.pipe()
        home = context.path(f"browser-{len(context.peers)}")
        os.mkdir(home)

        def prepare():
            die_with_parent()
            # Above what is about to be written over.
            a, b = (os.dup(os.dup(os.dup(fd))) for fd in (down, up))
            os.dup2(a, 3)
            os.dup2(b, 4)

        with open(os.path.join(home, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["chromium", *FLAGS, f"--user-data-dir={home}/profile",
                 "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "HOME": home, "TZ": "UTC"},
                close_fds=False, preexec_fn=prepare)
        os.close(down)
        os.close(up)
        self.data = b""
        self.last_id = 0
        self.answers = {}
        self.pages = {}  # by session
        context.peers.append(self)
        self.call("Browser.getVersion", deadline=START)

    def read(self, deadline):
        """Takes what has come; waits for something until then."""
        left = max(deadline - time.monotonic(), 0)
        if not select.select([self.out], [], [], left)[0]:
            return False
        got = os.read(self.out, 1 << 20)
        assert got, "the browser has ended"
        *whole, self.data = (self.data + got).split(b"\0")
        for text in whole:
            o = json.loads(text)
            if "id" in o:
                self.answers[o["id"]] = o
            elif o.get("sessionId") in self.pages:
                self.pages[o["sessionId"]].on_event(o["method"], o["params"])
        return True

    def call(self, method, session=None, deadline=DEADLINE, **params):
        """Sends a command and returns its result."""
        self.last_id += 1
        o = {"id": self.last_id, "method": method, "params": params}
        if session is not None:
            o["sessionId"] = session
        os.write(self.into, json.dumps(o).encode() + b"\0")
        end = time.monotonic() + deadline
        while o["id"] not in self.answers:
            assert time.monotonic() < end and self.read(end), \
                f"no answer to {method}"
        answer = self.answers.pop(o["id"])
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def close(self):
        for page in self.pages.values():
            page.check()
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for fd in self.into, self.out:
            try:
                os.close(fd)
            except OSError:
                pass


class Page:
    """A tab with nothing of others: its own cookies and storage."""

    def __init__(self, browser, width=1100, height=720):
        self.browser = browser
        self.bad = []       # what must not happen
        self.requests = []  # all that was asked for
        profile = browser.call("Target.createBrowserContext")
        self.profile = profile["browserContextId"]
        target = browser.call(
            "Target.createTarget", url="about:blank",
            browserContextId=self.profile)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target,
                                    flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in "Page", "Runtime", "Log", "Network", "DOM", "Audits":
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Emulation.setLocaleOverride", locale="en_GB")
        self.size(width, height)

    def call(self, method, **params):
        return self.browser.call(method, session=self.session, **params)

    def on_event(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.bad.append(details.get("exception", {}).get(
                "description", details["text"]))
        elif method == "Page.javascriptDialogOpening":
            self.bad.append(f"a dialog: {params['message']}")
        elif method == "Audits.issueAdded":
            if "SecurityPolicy" in params["issue"]["code"]:
                self.bad.append(json.dumps(params["issue"]["details"]))
        elif method == "Log.entryAdded":
            if params["entry"]["source"] == "security":
                self.bad.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])

    def check(self):
        assert not self.bad, f"in the browser: {self.bad}"

    # The page and its surroundings.

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && "
                  f"location.href === {json.dumps(url)}", url)

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=scale, mobile=width < 600)

    def media(self, **features):
        """Such as prefers_color_scheme="dark"."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": k.replace("_", "-"), "value": v}
            for k, v in features.items()])

    def hide(self, hidden=True):
        """As if another tab were in front."""
        self.eval("Object.defineProperty(document, 'hidden', {value: "
                  f"{json.dumps(hidden)}, configurable: true}}); "
                  "document.dispatchEvent(new Event('visibilitychange'))")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png",
                         optimizeForSpeed=False)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    # Scripts of the test.

    def eval(self, expression):
        """What the expression, a promise perhaps, is in the page."""
        got = self.call("Runtime.evaluate", expression=expression,
                        returnByValue=True, awaitPromise=True,
                        allowUnsafeEvalBlockedByCSP=False)
        assert "exceptionDetails" not in got, (expression, got)
        return got["result"].get("value")

    def wait(self, expression, what=None, deadline=DEADLINE):
        return wait_until(lambda: self.eval(f"!!({expression})"),
                          what or expression, deadline)

    def text(self, selector):
        return self.eval(f"document.querySelector({json.dumps(selector)})"
                         ".innerText")

    # Keys.

    def press(self, key, modifiers=0):
        """A key; modifiers: 1 Alt, 2 Ctrl, 8 Shift."""
        code, text = KEYS[key]
        name = " " if key == "Space" else key
        self.call("Input.dispatchKeyEvent",
                  type="keyDown" if text and not modifiers else "rawKeyDown",
                  key=name, code=key, modifiers=modifiers,
                  windowsVirtualKeyCode=code, text=text if not modifiers else "")
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=key,
                  modifiers=modifiers, windowsVirtualKeyCode=code)

    def type(self, text):
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def focused(self):
        """The accessible name and role of what has the focus."""
        for node in self.tree():
            if any(p["name"] == "focused" and p["value"].get("value")
                   for p in node.get("properties", ())) and \
                    role_of(node) != "RootWebArea":
                return role_of(node), name_of(node)
        return None

    def wait_focus(self, role, name):
        wait_until(lambda: self.focused() == (role, name),
                   f"{role} {name} has the focus, not {self.focused()}")

    # The accessibility tree.

    def tree(self):
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [n for n in nodes if not n.get("ignored")]

    def find(self, role, name):
        """The nodes with exactly this role and accessible name."""
        return [n for n in self.tree()
                if role_of(n) == role and name_of(n) == name]

    def focus(self, role, name):
        """Puts the focus on the one element that is so called."""
        found = wait_until(lambda: self.find(role, name), f"{role} {name}")
        assert len(found) == 1, f"{len(found)} x {role} {name}"
        self.call("DOM.focus", backendNodeId=found[0]["backendDOMNodeId"])

    def click(self, role, name):
        found = wait_until(lambda: self.find(role, name), f"{role} {name}")
        box = self.call("DOM.getBoxModel",
                        backendNodeId=found[0]["backendDOMNodeId"])
        quad = box["model"]["content"]
        where = {"x": (quad[0] + quad[4]) / 2, "y": (quad[1] + quad[5]) / 2,
                 "button": "left", "clickCount": 1}
        for kind in "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, **where)

    # The chat.

    def fill(self, name, text):
        self.focus("textbox", name)
        self.eval("document.activeElement.select()")
        self.type(text)

    def join(self, room, name):
        self.fill("Room", room)
        self.fill("Name", name)
        self.press("Enter")
        self.wait_in(room)

    def join_wrongly(self, room, name, field):
        """The door doesn't open, and says so beside that field."""
        self.fill("Room", room)
        self.fill("Name", name)
        self.press("Enter")
        self.wait(f"state === 'out' && $('{field}-said').textContent && "
                  f"document.activeElement.id === '{field}'")

    def wait_in(self, room):
        """Until all that there is to know of the room is there."""
        self.wait("state === 'in' && !resume && groups.length === 0 && "
                  f"me.room === {json.dumps(room)}", f"to be in {room}")

    def say(self, text):
        self.fill("Message", text)
        self.press("Enter")

    def rows(self):
        """What the log in sight shows: [name, text] or ["", text]."""
        return self.eval("log.flush(), [...log.list.querySelectorAll("
                         "'.row')].map((e) => [(e.querySelector('.who') ||"
                         " {}).textContent || '',"
                         " e.querySelector('.text').textContent])")

    def said(self):
        """The rows of those that are messages."""
        return self.eval("log.flush(), [...log.list.querySelectorAll("
                         "'.row.message')].map((e) => ["
                         "e.querySelector('.who').textContent,"
                         " e.querySelector('.text').textContent])")

    def wait_row(self, name, text):
        wait_until(lambda: [name, text] in self.rows(),
                   f"the row {name}: {text}")


def role_of(node):
    return node.get("role", {}).get("value")


def name_of(node):
    return node.get("name", {}).get("value")


def url_of(server):
    return f"http://127.0.0.1:{server.web_port}/"


def open_page(context, server, browser=None, path="", **options):
    """A page that shows the door; in a browser of its own, if none is
    given."""
    page = Page(browser or Browser(context), **options)
    page.open(url_of(server) + path)
    return page
