# SPDX-License-Identifier: MIT
"""Options and the configuration file."""
import os

from lib import parse_log, test

# Each key with a value that differs from its default, and how it shows.
KEYS = {
    "workers": "3",
    "telnet-workers": "2",
    "line": "127.0.0.1:0",
    "telnet": "127.0.0.1:0",
    "max-clients": "123",
    "max-rooms": "45",
    "max-line": "100",
    "login-timeout": "1000",
    "ring-size": "256K",
    "watchdog": "7",
    "log-level": "debug",
}


def shows_the_keys(server):
    status = server.dump()
    assert status["workers"] == 5
    types = [w["type"] for w in server.dump("workers")]
    assert types == ["chat"] * 3 + ["telnet"] * 2, types
    assert server.telnet_listeners[0][0] == "127.0.0.1"
    assert status["max_clients"] == 123
    assert status["max_rooms"] == 45
    assert status["ring_size"] == 256 << 10
    assert server.listeners[0][0] == "127.0.0.1"
    assert server.events("ready", workers=3, max_clients=123)
    alice, bob = server.room("general", "Alice", "Bob")
    alice.send("x" * 101)
    alice.expect_error("too-long")
    alice.send("x" * 100)
    bob.expect("Alice: " + "x" * 100)


def fails(t, code, *args):
    """Runs chatmaster to its failure; returns what it says."""
    before = set(os.listdir("/dev/shm"))
    done = t.run("chatmaster", "-n", t.instance(), *args, check=code)
    assert done.stdout == ""
    assert done.stderr.startswith("chatmaster: "), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    mine = {n for n in os.listdir("/dev/shm") if t.prefix in n}
    assert mine <= before, "it had opened something"
    return done.stderr


@test
def every_key_is_an_option(t):
    options = {k.replace("-", "_"): v for k, v in KEYS.items()}
    shows_the_keys(t.server(**options))


@test
def every_key_is_a_key_of_the_file(t):
    name = t.instance()
    text = "".join(f"{k} = {v}\n" for k, v in KEYS.items())
    path = t.write("conf", f"# a comment\n\nname = {name}\n{text}")
    server = t.server(name=None, line=None, telnet=None, args=["-c", path])
    server.name = name
    assert server.events("ready", name=name)
    shows_the_keys(server)


@test
def an_option_takes_its_value_behind_it_too(t):
    name = t.instance()
    server = t.server(name=None, line=None, args=[
        "--line", "127.0.0.1:0", "-n", name, "-w2", "--max-rooms", "7"])
    server.name = name
    assert server.dump()["workers"] == 2
    assert server.dump()["max_rooms"] == 7


@test
def an_option_wins_over_the_file_wherever_it_stands(t):
    path = t.write("conf", "workers = 2\nmax-rooms = 10\nline = 1\n")
    server = t.server(max_rooms=20, args=["--config", path, "-w", "1"])
    assert server.dump()["workers"] == 1
    assert server.dump()["max_rooms"] == 20
    assert len(server.listeners) == 1 and server.port != 1


@test
def an_error_in_the_file_names_file_line_and_key(t):
    cases = [
        ("max-clients = abc\n", 1, "max-clients"),
        ("\n# fine\nworkers = 0\n", 3, "workers"),
        ("workers = 2\nno-such-key = 1\n", 2, "no-such-key"),
        ("workers = 2\nworkers = 3\n", 2, "workers"),
        ("ring-size = 3Q\n", 1, "ring-size"),
        ("line = somewhere:5555\n", 1, "line"),
        ("line = 127.0.0.1:65536\n", 1, "line"),
        ("name = a/b\n", 1, "name"),
        ("log-level = loud\n", 1, "log-level"),
        ("max-line = 1000000000000000000000\n", 1, "max-line"),
        ("watchdog =\n", 1, "watchdog"),
        ("config = other\n", 1, "config"),
        ("help = yes\n", 1, "help"),
        ("just words\n", 1, "just words"),
        ("workers = 2\n[nonsense x]\n", 2, "nonsense"),
    ]
    for i, (text, line, key) in enumerate(cases):
        path = t.write(f"conf{i}", text)
        said = fails(t, 2, "-c", path)
        assert said.startswith(f"chatmaster: {path}:{line}: "), said
        assert key in said.split(": ", 2)[2], said


@test
def an_error_in_an_option_names_the_option(t):
    for args, key in [
            (["--max-clients=abc"], "--max-clients"),
            (["--max-clients", "-5"], "--max-clients"),
            (["-w", "65"], "-w"),
            (["--workers="], "--workers"),
            (["--ring-size=1"], "--ring-size"),
            (["--line=::1"], "--line"),
            (["--line"], "--line"),
            (["--telnet=localhost"], "--telnet"),
            (["--telnet-workers=-1"], "--telnet-workers"),
            (["--nonsense=1"], "--nonsense"),
            (["-x"], "-x"),
            (["--log-level=5"], "--log-level"),
            (["--help=yes"], "--help"),
            (["-n", ""], "-n")]:
        said = fails(t, 2, *args)
        assert key in said, (args, said)


@test
def a_ring_too_small_for_its_lines_is_an_error(t):
    said = fails(t, 2, "--ring-size=64K", "--max-line=16384")
    assert "ring-size" in said and "max-line" in said, said


@test
def more_workers_of_all_types_than_there_are_seats_are_an_error(t):
    said = fails(t, 2, "-w40", "--telnet-workers=24")
    assert "workers" in said and "65" in said and "64" in said, said
    t.run("chatmaster", "--check", "-w40", "--telnet-workers=23", check=0)


@test
def more_listeners_of_all_kinds_than_there_may_be_are_an_error(t):
    lines = ["--line=127.0.0.1:0"] * 32 + ["--web=none"]
    assert "33 listeners" in fails(t, 2, *lines, "--telnet=127.0.0.1:0")
    t.run("chatmaster", "--check", *lines, "--telnet=none", check=0)


@test
def telnet_takes_workers_and_listeners_together(t):
    none = t.server(workers=2, telnet="none", telnet_workers=3)
    zero = t.server(workers=2, telnet="127.0.0.1:0", telnet_workers=0)
    for server in none, zero:
        assert server.telnet_listeners == []
        assert [w["type"] for w in server.dump("workers")] == ["chat"] * 2
    several = t.server(workers=1, telnet=["127.0.0.1:0", "[::1]:0"])
    assert [a[0] for a in several.telnet_listeners] == ["127.0.0.1", "::1"]


@test
def web_workers_serve_browsers_and_metrics_and_0_closes_both(t):
    none = t.server(workers=2, web="none", web_workers=3)
    zero = t.server(workers=2, web="127.0.0.1:0", metrics="127.0.0.1:0",
                    web_workers=0)
    for server in none, zero:
        assert server.web_listeners == server.metrics_listeners == []
        assert [w["type"] for w in server.dump("workers")] == ["chat"] * 2
    one = t.server(workers=1, metrics="127.0.0.1:0", web_workers=2)
    assert [w["type"] for w in one.dump("workers")] == ["chat", "web", "web"]


@test
def an_operand_is_an_error(t):
    assert "surplus" in fails(t, 2, "surplus")


@test
def a_missing_file_is_an_error_that_names_it(t):
    path = t.path("missing.conf")
    said = fails(t, 2, "-c", path)
    assert path in said and "No such file" in said
    said = fails(t, 2, "-c", t.tmp)
    assert t.tmp in said
    fails(t, 2, "-c")


@test
def a_file_is_checked_even_where_an_option_wins(t):
    path = t.write("conf", "workers = many\n")
    assert f"{path}:1: workers" in fails(t, 2, "-c", path, "-w", "2")


@test
def a_file_of_garbage_is_refused_in_one_safe_line(t):
    for i, garbage in enumerate([b"\x00" * 100, b"\xff\xfe\x00", b"\x1b[31m=",
                                 b"x" * 5000, b"= =\n", b"\x80 = 1\n",
                                 b"\xe2\x80\xaeworkers = 2\n"]):
        said = fails(t, 2, "-c", t.write(f"conf{i}", garbage))
        assert said[:-1].isprintable(), repr(said)


@test
def line_may_be_repeated(t):
    server = t.server(line=["127.0.0.1:0", "127.0.0.1:0", "[::1]:0"])
    assert len(server.listeners) == 3
    assert len(set(port for _, port in server.listeners)) == 3
    for i, address in enumerate(server.listeners):
        client = server.connect(address)
        client.send("general", f"c{i}")
        client.expect(f"🌟 c{i} joined the room!")


@test
def lines_of_the_file_add_up_too(t):
    path = t.write("conf", "line = 127.0.0.1:0\nline = [::1]:0\n")
    server = t.server(line=None, args=["-c", path])
    assert [a[0] for a in server.listeners] == ["127.0.0.1", "::1"]


@test
def a_port_alone_listens_on_every_address_of_both_families(t):
    server = t.server(line="0")
    assert server.listeners[0][0] == "::"
    four = server.connect(("127.0.0.1", server.port))
    six = server.connect(("::1", server.port))
    four.send("general", "Four")
    four.expect("🌟 Four joined the room!")
    six.send("general", "Six", "hello")
    four.expect("🌟 Six joined the room!", "Six: hello")
    assert server.session("Four")["address"] == "127.0.0.1"
    assert server.session("Six")["address"] == "::1"
    assert server.events("accept", ip="127.0.0.1")
    assert server.events("accept", ip="::1")


@test
def an_address_listens_there_alone(t):
    server = t.server(line="127.0.0.1:0")
    server.connect(("127.0.0.1", server.port))
    for address in ("::1", server.port), ("127.0.0.2", server.port):
        try:
            server.connect(address)
        except ConnectionRefusedError:
            continue
        raise AssertionError(f"{address} is open")


@test
def none_takes_the_other_listeners_of_the_key_away(t):
    path = t.write("conf", "line = 127.0.0.1:0\n")
    server = t.server(line="none", args=["-c", path])
    assert server.listeners == []


@test
def a_ring_size_is_rounded_up_and_the_log_says_so(t):
    server = t.server(ring_size="100K")
    assert server.dump()["ring_size"] == 128 << 10
    assert server.events("ring-size", level="warn", to=128 << 10)


@test
def more_clients_than_open_files_are_refused_before_anything_is_opened(t):
    said = t.run("chatmaster", "-n", t.instance(), "--line=127.0.0.1:0",
                 "--max-clients=5000", check=2,
                 wrapper=["prlimit", "--nofile=1000:1000"]).stderr
    assert "max-clients" in said and "1000" in said, said


@test
def a_default_of_clients_is_fitted_to_the_open_files_there_are(t):
    server = t.server(wrapper=["prlimit", "--nofile=1000:1000"])
    fitted = server.events("max-clients", level="warn")[0]
    assert 0 < int(fitted["to"]) < 1000
    assert server.dump()["max_clients"] == int(fitted["to"])


@test
def log_level_leaves_out_what_is_less(t):
    server = t.server(log_level="info")
    assert not [e for e in parse_log(server.log()) if e["level"] == "debug"]
    done = t.failing_server(1, name=server.name, log_level="error")
    assert {e["level"] for e in parse_log(done.log())} == {"error"}
