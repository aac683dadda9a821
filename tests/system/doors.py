# SPDX-License-Identifier: MIT
"""A server with a room and names that have passwords."""
import contextlib
import crypt  # what the server's own hashes are made with
import os
import re

from dialects import mixed
from lib import SHM

SECRET = "open sesame"
WRONG = "open barley"
NEED_NAME = ("*** error need-password: this name is registered: "
             "give its password behind it, NAME PASSWORD")
BAD_NAME_PASSWORD = \
    "*** error bad-password: that is not the password of this name"
NEED_ROOM = ("*** error need-password: the room has a password: "
             "give it behind the room, ROOM PASSWORD")
BAD_ROOM_PASSWORD = \
    "*** error bad-password: that is not the password of the room"
ASK_PASSWORD = "Enter password: "


def hash_of(password):
    """A quick one: it is no test of how slow they are."""
    return crypt.crypt(password, "$6$rounds=1000$saltsalt")


def configuration(t, more=""):
    """The room "vault", and the names Regina and Root, an operator."""
    path = t.write("doors.conf", "\n".join([
        "[room vault]", f"password = {hash_of(SECRET)}",
        "[user Regina]", f"password = {hash_of(SECRET)}",
        "[user Root]", f"password = {hash_of(SECRET)}", "operator = yes",
        more, ""]))
    os.chmod(path, 0o600)
    return path


def doors(t, more="", **options):
    """A server with two workers of each type, and these doors."""
    options.setdefault("args", ["-c", configuration(t, more)])
    options.setdefault("login_failures", 0)
    return mixed(t, **options)


def lines_doors(t, more="", **options):
    """The same with two chat workers alone."""
    options.setdefault("workers", 2)
    options.setdefault("login_failures", 0)
    options.setdefault("args", ["-c", configuration(t, more)])
    return t.server(**options)


def memory_of(pid, stack=True):
    """What a process can write to, but for the segment and what a sanitizer
    reserves for itself."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            match = re.match(r"(\w+)-(\w+) rw", line)
            if not match or SHM in line or "[stack]" in line and not stack:
                continue
            first, last = (int(x, 16) for x in match.groups())
            if last - first > 1 << 30:
                continue
            memory.seek(first)
            with contextlib.suppress(OSError):  # a guard page
                found.append(memory.read(last - first))
    return b"".join(found)
