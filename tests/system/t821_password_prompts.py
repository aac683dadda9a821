# SPDX-License-Identifier: MIT
"""Telnet's prompts for passwords, which show nothing."""
from doors import (ASK_PASSWORD, BAD_NAME_PASSWORD, BAD_ROOM_PASSWORD,
                   NEED_NAME, NEED_ROOM, SECRET, WRONG, configuration)
from editing import UP, WELCOME, Keys
from lib import JOINED, test
from t630_screens import plink, telnet
from telnet import (CHARSET, DO, DONT, ECHO, GREETING, NAME, NAWS, ROOM,
                    SEND_TTYPE, TTYPE, WILL, WONT, crlf, raw, reads,
                    server_for)

PASSWORD = ASK_PASSWORD.encode()


def guarded(t, **options):
    return server_for(t, args=["-c", configuration(t)], **options)


@test
def nc_is_asked_for_the_passwords_of_room_and_name(t):
    server = guarded(t)
    nc = server.nc(port=server.telnet_port)
    for line, answer in (("vault", PASSWORD), (SECRET, NAME),
                         ("Regina", PASSWORD)):
        reads(nc, GREETING + ROOM if line == "vault" else b"")
        nc.send(line)
        reads(nc, answer)
    nc.send(SECRET)
    reads(nc, crlf(JOINED % "Regina"))
    nc.send("/nick Root")
    reads(nc, crlf(NEED_NAME))


@test
def a_room_and_its_password_may_stand_in_one_line(t):
    server = guarded(t)
    client = server.telnet()
    client.send_bytes(crlf(f"vault {SECRET}", f"Regina {SECRET}"))
    reads(client, GREETING + ROOM + NAME + crlf(JOINED % "Regina"))


@test
def a_wrong_password_is_asked_for_again_and_the_third_closes(t):
    server = guarded(t)
    client = server.telnet()
    reads(client, GREETING + ROOM)
    client.send("vault")
    reads(client, PASSWORD)
    client.send(WRONG)
    reads(client, crlf(BAD_ROOM_PASSWORD) + PASSWORD)
    client.send(SECRET)
    reads(client, NAME)
    client.send("Regina")
    reads(client, PASSWORD)
    client.send(WRONG)
    reads(client, crlf(BAD_NAME_PASSWORD) + PASSWORD)
    client.send(WRONG)
    reads(client, crlf(BAD_NAME_PASSWORD))
    client.expect_end()


@test
def no_password_at_all_leads_back_to_the_question_before(t):
    server = guarded(t)
    client = server.nc(port=server.telnet_port)
    reads(client, GREETING + ROOM)
    client.send("vault")
    reads(client, PASSWORD)
    client.send("")
    reads(client, crlf(NEED_ROOM) + ROOM)
    client.send("general")
    reads(client, NAME)
    client.send("Regina")
    reads(client, PASSWORD)
    client.send("")
    reads(client, crlf(NEED_NAME) + NAME)
    client.send("Alice")
    reads(client, crlf(JOINED % "Alice"))


@test
def who_edits_lines_itself_is_asked_not_to_echo_a_password(t):
    """Such as a MUD client, or telnet before its terminal is known."""
    server = guarded(t)
    client = raw(server)
    client.send_bytes(WILL + TTYPE)
    reads(client, GREETING + ROOM + DO + TTYPE + DO + NAWS + WILL + CHARSET +
          SEND_TTYPE)
    client.send_bytes(b"vault\r\n")
    reads(client, WILL + ECHO + PASSWORD)
    client.send_bytes(DO + ECHO + crlf(WRONG))
    reads(client, crlf("", BAD_ROOM_PASSWORD) + PASSWORD)
    client.send_bytes(crlf(SECRET))
    reads(client, b"\r\n" + WONT + ECHO + NAME)
    client.send_bytes(DONT + ECHO + crlf("Regina"))
    reads(client, WILL + ECHO + PASSWORD)
    client.send_bytes(DO + ECHO + crlf(SECRET))
    reads(client, b"\r\n" + WONT + ECHO + crlf(JOINED % "Regina"))


@test
def who_goes_on_echoing_gets_no_line_end_in_addition(t):
    server = guarded(t)
    client = raw(server)
    client.send_bytes(WILL + TTYPE)
    reads(client, GREETING + ROOM + DO + TTYPE + DO + NAWS + WILL + CHARSET +
          SEND_TTYPE)
    client.send_bytes(b"general\r\n")
    reads(client, NAME)
    client.send_bytes(crlf("Regina"))
    reads(client, WILL + ECHO + PASSWORD)
    client.send_bytes(DONT + ECHO + crlf(SECRET))
    reads(client, crlf(JOINED % "Regina"))


@test
def keys_of_a_password_show_nothing_and_are_not_recalled(t):
    server = guarded(t)
    alice = server.join("general", "Alice")
    keys = Keys(server)
    keys.type_line("general")
    keys.shows(WELCOME, "Enter room name: general", "Enter username:",
               column=len("Enter username: "))
    keys.type_line("Regina")
    at = len(ASK_PASSWORD)
    keys.shows("Enter username: Regina", ASK_PASSWORD, column=at)
    keys.type(WRONG + "x\b")
    keys.type(UP + b"\t\x12\x17")  # no history, no completion; a word is gone
    keys.type(WRONG.split()[1])
    keys.type_line("")
    keys.shows(ASK_PASSWORD, BAD_NAME_PASSWORD, ASK_PASSWORD, column=at)
    keys.type(SECRET[:4])
    keys.type_line(SECRET[4:])
    keys.shows(ASK_PASSWORD, JOINED % "Regina", "")
    alice.expect(JOINED % "Regina")
    keys.type(UP)
    keys.type_line("still here")
    alice.expect("Regina: still here")
    keys.shows("still here", "")


@test
def what_is_typed_ahead_of_the_prompt_is_not_shown_either(t):
    server = guarded(t)
    keys = Keys(server)
    keys.type(b"vault\r\0" + SECRET[:6].encode())
    at = len(ASK_PASSWORD)
    keys.shows(WELCOME, "Enter room name: vault", ASK_PASSWORD, column=at)
    keys.type(SECRET[6:].encode() + b"\r\0Regina\r\0" + SECRET.encode() +
              b"\r\0hello")
    keys.shows(ASK_PASSWORD, "Enter username: Regina", ASK_PASSWORD,
               JOINED % "Regina", "hello")
    assert SECRET[:4] not in "".join(keys.rows.texts())


def wait_keys(program):
    program.wait_screen(lambda s: not program.echoes(), "it doesn't echo")


def shown_on_screen(t, client, eager=False):
    """`eager`: it negotiates before anything is typed."""
    server = guarded(t)
    alice = server.join("general", "Alice")
    program, head = client(t, server)
    rows = head + [WELCOME]
    program.wait_rows(*rows, "Enter room name:", cursor=17)
    if eager:
        wait_keys(program)
    program.type("vault\r")
    rows.append("Enter room name: vault")
    program.wait_rows(*rows, ASK_PASSWORD.rstrip(), cursor=len(ASK_PASSWORD))
    wait_keys(program)
    program.type(f"{SECRET}\r")
    rows.append(ASK_PASSWORD.rstrip())
    program.wait_rows(*rows, "Enter username:", cursor=16)
    program.type("Regina\r")
    rows.append("Enter username: Regina")
    program.wait_rows(*rows, ASK_PASSWORD.rstrip(), cursor=len(ASK_PASSWORD))
    program.type(f"{SECRET}\r")
    rows += [ASK_PASSWORD.rstrip(), JOINED % "Regina"]
    program.wait_rows(*rows, "", cursor=0)
    program.type("/join general\r")
    alice.expect(JOINED % "Regina")
    assert SECRET.encode() not in program.written


@test
def telnet_shows_no_password(t):
    shown_on_screen(t, telnet)


@test
def plink_shows_no_password(t):
    shown_on_screen(t, plink, eager=True)
