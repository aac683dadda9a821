# SPDX-License-Identifier: MIT
"""Where a password was, it is no more."""
from dialects import DIALECTS, User
from doors import (BAD_ROOM_PASSWORD, SECRET, WRONG, doors, hash_of,
                   memory_of)
from editing import Keys
from lib import JOINED, SHM, test, wait_until
from telnet import crlf

MARK = "Xyzzy-plugh"  # in all passwords here, right or wrong,
PART = MARK[:8].encode()  # and this much is looked for


def secret(kind):
    return f"{MARK}-{kind}"


def where(server):
    """In which memory the mark is."""
    found = []
    with open(f"{SHM}/chatmaster.{server.name}", "rb") as f:
        if PART in f.read():
            found.append("the segment")
    for seat, pid in server.worker_pids().items():
        if PART in memory_of(pid, stack=False):
            found.append(f"worker {seat}")
    return found


def check_nowhere(server):
    wait_until(lambda: not where(server) or False, f"in {where(server)}", 5)
    assert MARK not in server.log()
    for view in "sessions", "rooms":
        assert MARK not in str(server.dump(view))
    assert MARK not in str(server.dump("ring", "--private"))


@test(limit=120)
def a_wrong_password_is_nowhere_after_its_line_in_any_dialect(t):
    server = doors(t, workers=1, telnet_workers=1, web_workers=1)
    for dialect in DIALECTS:
        user = User(server, dialect, "general", dialect).welcomed()
        user.say(f"/nick Regina {secret('nick')}",
                 f"/join vault {secret('join')}")
        assert "bad-password" in user.line()
        user.expect(BAD_ROOM_PASSWORD)
        other = User(server, dialect, f"vault {secret('room')}",
                     "thrown away " + secret("behind"))
        other.greeted() if dialect.startswith("web") else None
        wait_until(lambda u=other: "bad-password" in u.line(), "refused")
        other.say("general", f"Regina {secret('name')}")
        wait_until(lambda u=other: "bad-password" in u.line(), "refused")
    check_nowhere(server)


@test(limit=120)
def a_right_password_is_nowhere_after_the_join_however_it_came(t):
    server = doors(t, more="[room cellar]\npassword = " + hash_of(MARK),
                   workers=1, telnet_workers=1, web_workers=1)
    for dialect in DIALECTS:
        User(server, dialect, f"cellar {MARK}", dialect).welcomed()
    half = server.connect()
    half.send_bytes(f"cellar {MARK[:-2]}".encode())
    wait_until(lambda: where(server) == ["the segment"], "half of it is kept")
    half.send_bytes(f"{MARK[-2:]}\nHalf\n".encode())
    half.expect(JOINED % "Half")
    keys = Keys(server)
    keys.type_line("cellar")
    keys.type(MARK)
    keys.type_line("")
    keys.type_line("Keys")
    keys.wait(lambda: keys.rows.text(-2) == JOINED % "Keys", "joined")
    keys.type_line(f"/join vault {MARK}")
    keys.wait(lambda: any("bad-password" in x for x in keys.rows.texts()),
              "refused")
    check_nowhere(server)


@test(limit=120)
def one_who_leaves_in_the_middle_leaves_no_password_behind(t):
    server = doors(t, workers=1, telnet_workers=1, web_workers=1)
    for at_end in b"", b"\n":
        for size in 0, 200:  # in its row, or in a buffer
            client = server.connect()
            client.send_bytes(f"vault {MARK}".encode() + b"x" * size + at_end)
            wait_until(lambda: where(server) or at_end, "it is there")
            client.close()
            telnet = server.telnet()
            telnet.send_bytes(crlf("vault") + MARK.encode() + at_end)
            telnet.close()
    server.wait_sessions(0)
    check_nowhere(server)


@test(limit=120)
def a_death_leaves_none_behind_either(t):
    server = doors(t, workers=1, telnet_workers=1, web_workers=1)
    for _ in range(3):
        client = server.connect()
        client.send_bytes(f"vault {MARK}".encode() + b"x" * 200)
        wait_until(lambda: where(server), "it is there")
        server.kill_worker(0)
        client.send_bytes(b"\n")
        client.expect(BAD_ROOM_PASSWORD)
        client.send(f"vault {SECRET}", "Alice")
        client.expect(JOINED % "Alice")
        client.send(f"/nick Regina {MARK}", "/nick Alice " + WRONG)
        assert "bad-password" in client.line()
        client.expect_error("bad-name")
        client.close()
    server.wait_sessions(0)
    check_nowhere(server)
