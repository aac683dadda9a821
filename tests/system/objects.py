# SPDX-License-Identifier: MIT
"""Clients that read JSON: each object as it has to be, and back into text."""
import json
import re

from lib import LEFT

FORMAT_JSON = "format is json"
FORMAT_TEXT = "*** format is text"

# The keys of each type, in their order.
HEAD = ["type", "seq", "time"]
KEYS = {
    "message": HEAD + ["room", "name", "text"],
    "action": HEAD + ["room", "name", "text"],
    "private": HEAD + ["name", "text"],
    "join": HEAD + ["room", "name"],
    "leave": HEAD + ["room", "name"],
    "rename": HEAD + ["room", "name", "text"],
    "topic": HEAD + ["room", "name", "text"],
    "notice": HEAD + ["room", "name", "text"],
    "reply": HEAD + ["text"],
    "error": HEAD + ["text", "code"],
}
PAST = HEAD + ["room", "name", "text", "replay", "kind"]  # of /history
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def parse(line):
    """The object of a line, which holds nothing else and is as it has to
    be."""
    pairs = []

    def note(found):
        pairs.extend(found)
        return dict(found)

    assert line is not None, "the end, where an object should be"
    try:
        o = json.loads(line, object_pairs_hook=note,
                       parse_constant=no_constant)
    except ValueError as e:
        raise AssertionError(f"no JSON: {line[:200]!r}: {e}") from None
    assert isinstance(o, dict) and line[0] == "{" and line[-1] == "}", line
    keys = [k for k, _ in pairs]
    assert o["type"] in KEYS, line
    assert keys == KEYS[o["type"]] or (o["type"] == "reply" and
                                       keys == PAST), line
    assert type(o["seq"]) is int and o["seq"] > 0, line
    assert TIME.fullmatch(o["time"]), line
    for key in keys:
        kind = {"seq": int, "replay": bool}.get(key, str)
        assert type(o[key]) is kind, line
    assert o.get("replay", True) and o.get("kind", "action") in (
        "message", "action"), line
    return o


def is_live(o):
    """Is it a record as it happened, and no answer?"""
    return o["type"] not in ("reply", "error")


def as_text(o):
    """The line that a text client reads in its place, if there is one."""
    name, text = o.get("name"), o.get("text")
    if o["type"] == "reply" and name is not None:
        said = as_text({**o, "type": o["kind"]})
        return f"*** {o['time']} {said}"
    return {
        "message": f"{name}: {text}",
        "action": f"* {name} {text}",
        "private": f"[private] {name}: {text}",
        "join": f"🌟 {name} joined the room!",
        "leave": f"👋 {name} left the room",
        "rename": f"*** {name} is now known as {text}",
        "topic": f"*** {name} set the topic: {text}",
        "notice": f"*** {name} {text}",
        "reply": f"*** {text}",
        "error": f"*** error {o.get('code')}: {text}",
    }[o["type"]]


def read(client, kind=None, **fields):
    """The next object, of that type and with those fields."""
    o = parse(client.line())
    assert kind is None or o["type"] == kind, o
    for key, value in fields.items():
        assert o.get(key) == value, (key, value, o)
    return o


def reads(client, *lines):
    """Objects come next that stand for these lines; returns them."""
    objects = []
    for line in lines:
        o = read(client)
        assert as_text(o) == line, (line, o)
        objects.append(o)
    return objects


def reads_until(client, line):
    """All objects before the one for that line, which is taken too."""
    objects = []
    while True:
        o = read(client)
        if as_text(o) == line:
            return objects
        objects.append(o)


def reads_to_leave(client, name):
    """All lines of one who reads JSON up to that leave, as text."""
    return [as_text(o) for o in reads_until(client, LEFT % name)]


def ask_json(client):
    client.send("/format json")
    return read(client, "reply", text=FORMAT_JSON)


def check_rising(objects):
    """Records rise; answers stand where they were asked for."""
    last = live = 0
    for o in objects:
        assert o["seq"] > live if is_live(o) else o["seq"] >= last, \
            (last, live, o)
        last = max(last, o["seq"])
        if is_live(o):
            live = o["seq"]
