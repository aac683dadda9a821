# SPDX-License-Identifier: MIT
"""What a user can meet has a test, and its line in the documents."""
import os
import re

from lib import ROOT, test

HERE = os.path.dirname(os.path.abspath(__file__))

# No test can bring these about without breaking the machine it runs on, or
# the code; what they say is in the document nevertheless.
UNTESTED_EVENTS = {
    "accept-failed", "bug", "epoll", "epoll-failed", "notify",
    "oom-score", "out-of-memory", "pass-refused", "ping",
    "policy-unusable", "row-dropped", "ruined-segment",
}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def tests():
    """The text of all system tests but this one, by file."""
    return {name: read("tests", "system", name)
            for name in sorted(os.listdir(HERE))
            if re.match(r"t\d+_.*\.py$", name) and
            name != os.path.basename(__file__)}


def section(text, begin, end="\n## "):
    assert begin in text, begin
    return text.split(begin, 1)[1].split(end, 1)[0]


def each_has(what, found, where):
    missing = [x for x in what if not found(x)]
    assert what and not missing, f"{where}: {missing}"


def all_sources(*folders):
    for folder in folders:
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith(".c"):
                    yield read(path, name)


@test
def each_error_code_has_its_row_and_a_test(t):
    source = section(read("shared/chat/notice.c"), "errors[CHAT_ERRORS]",
                     "};")
    codes = re.findall(r'\[CHAT_\w+\] = \{"([a-z-]+)"', source)
    assert len(codes) > 17, codes
    codes.remove("ok")
    doc = read("docs/protocol.md")
    each_has(codes, lambda c: f"\n| `{c}` |" in doc, "docs/protocol.md")
    rows = re.findall(r"\n\| `([a-z-]+)` \|", section(doc, "## Errors"))
    assert sorted(rows) == sorted(codes), set(rows) ^ set(codes)
    texts = "".join(tests().values())
    each_has(codes, lambda c: re.search(
        rf'error {c}[: "]|expect_error\("{c}"\)|code="{c}"|"{c}"', texts),
        "no test")


@test
def each_command_has_its_row_its_help_and_a_test(t):
    source = section(read("worker/command.c"), "commands[] = {", "};")
    commands = re.findall(r'\{"(\w+)", (?:run|moderate)_\w+, \w+\}',
                          source)
    assert len(commands) > 14, commands
    doc = section(read("docs/protocol.md"), "## Commands")
    each_has(commands, lambda c: re.search(rf"[\n,] ?\|? ?`/{c}[ `]", doc),
             "docs/protocol.md")
    rows = set(re.findall(r"\n\| `/(\w+)", doc))
    rows |= set(re.findall(r"\n\| `/\w+ .*?`, `/(\w+) .*?` \|", doc))
    assert rows == set(commands), rows ^ set(commands)
    help_text = section(read("shared/chat/notice.c"), "help[] =", "\n\n")
    # There is nothing to search yet.
    each_has([c for c in commands if c != "search"],
             lambda c: re.search(rf"[*,] /{c}[ ,]", help_text), "/help")
    texts = "".join(tests().values())
    each_has(commands, lambda c: re.search(rf'["\'n]/{c}[ "\'\\]', texts),
             "no test")


@test
def each_usage_is_told_in_a_test(t):
    source = section(read("shared/chat/notice.c"), "usages[USAGE_COUNT]",
                     "};")
    usages = re.findall(r'\[USAGE_\w+\] = "(.*)"', source)
    assert len(usages) > 9, usages
    texts = "".join(tests().values())
    each_has(usages, lambda u: u in texts, "no test")


@test
def each_type_of_object_is_told_of_and_tested(t):
    source = read("shared/chat/render.c")
    types = re.findall(r'\[RECORD_\w+\] = \{"(\w+)"',
                       section(source, "kinds[RECORD_TYPES]", "};"))
    types = sorted({*types, "reply", "error"})
    assert len(types) == 10, types
    doc = section(read("docs/protocol.md"), "## JSON")
    each_has(types, lambda k: f"| `{k}` |" in doc, "docs/protocol.md")
    texts = read("tests/system/objects.py")
    each_has(types, lambda k: f'"{k}": HEAD' in texts, "objects.py")


@test
def each_close_reason_is_told_of_and_tested(t):
    source = section(read("shared/shm/tables.c"), "close_reason_names[",
                     "};")
    reasons = re.findall(r'\[CLOSE_\w+\] = "([a-z-]+)"', source)
    assert len(reasons) > 8, reasons
    row = section(read("docs/operations.md"), "\n| `close` |", "\n")
    each_has(reasons, lambda r: f"`{r}`" in row, "docs/operations.md")
    texts = "".join(tests().values())
    each_has(reasons, lambda r: f'"{r}"' in texts, "no test")


@test
def each_reason_of_a_refusal_is_told_of_and_tested(t):
    source = section(read("shared/shm/figures.c"),
                     "figures_refusal_names[REFUSAL_REASONS] = {", "};")
    reasons = set(re.findall(r'"([a-z-]+)"', source))
    assert len(reasons) == 5, reasons
    row = section(read("docs/operations.md"), "\n| `refuse` |", "\n")
    each_has(reasons, lambda r: f"`{r}`" in row, "docs/operations.md")
    texts = "".join(tests().values())
    each_has(reasons - {"internal"}, lambda r: f'"{r}"' in texts, "no test")


@test
def each_event_of_the_log_has_a_test(t):
    events = set()
    for source in all_sources("master", "worker"):
        events |= set(re.findall(
            r'\b(?:log_(?:debug|info|warnx?|errorx?)\(|diex?\(\w+,'
            r'|log_event\([^;]*?,)\s*"([a-z0-9-]+)"', source))
    assert len(events) > 30
    texts = "".join(tests().values())
    each_has(sorted(events - UNTESTED_EVENTS),
             lambda e: re.search(rf'"{e}"|event={e}\b', texts), "no test")
    assert UNTESTED_EVENTS <= events | {"bug"}, UNTESTED_EVENTS - events


@test
def each_key_has_a_test(t):
    help_text = t.run("chatmaster", "--help", check=0).stdout
    keys = set(re.findall(r"--([a-z][a-z-]*)=", help_text))
    assert len(keys) > 20, keys
    texts = "".join(tests().values())
    each_has(sorted(keys), lambda k: re.search(
        rf'--{k}\b|\b{k.replace("-", "_")}=|"{k}"|\b{k} = ', texts),
        "no test")


@test
def each_view_of_shmdump_is_told_of_and_tested(t):
    help_text = t.run("shmdump", "--help", check=0).stdout
    views = re.findall(r"(?m)^  ([a-z]+) ", help_text)
    assert len(views) >= 9, help_text
    manual = read("man/shmdump.1")
    each_has(views, lambda v: re.search(rf"(?m)^\.It Cm {v}\b", manual),
             "man/shmdump.1")
    readme = read("README.md")
    each_has(views, lambda v: f"`{v}`" in readme or f"shmdump {v}`" in readme,
             "README.md")
    texts = "".join(tests().values())
    each_has(views, lambda v: f'"{v}"' in texts, "no test")


@test
def each_fault_point_has_a_name_of_its_own(t):
    points = []
    for source in all_sources("master", "worker", "shared"):
        points += re.findall(r'FAULT_POINT\("([a-z0-9.-]+)"\)', source)
    twice = {p for p in points if points.count(p) > 1}
    assert len(points) > 60 and not twice, twice
