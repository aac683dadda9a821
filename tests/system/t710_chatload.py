# SPDX-License-Identifier: MIT
"""The load generator: a measure that is wrong is worse than none."""
import os
import pty

from fakes import FakeIrc, FakeLine, FakeRedis, FakeTelnet, FakeTerminal, \
    FakeWebSocket
from lib import test
from load import Load, load

SMALL = {"members": 4, "publishers": 2, "window": 4, "messages": 40}


@test
def a_run_counts_what_the_server_counts(t):
    server = t.server(workers=2)
    figures = load(t, server, rooms=3, **SMALL)
    assert figures["joins"] == 12
    assert figures["messages"] == 40 == server.dump()["messages"]
    assert figures["deliveries"] == 40 * 3
    assert figures["server_cpu_s"] >= 0
    assert len(server.events("accept")) == 12


@test
def at_a_fixed_rate_latency_has_its_percentiles_in_order(t):
    server = t.server(workers=2)
    figures = load(t, server, members=5, rate=2000, messages=400)
    assert figures["deliveries"] == 400 * 4
    quantiles = [figures[f"latency_{q}_us"]
                 for q in ("p50", "p99", "p999", "max")]
    assert 0 < quantiles[0] and quantiles == sorted(quantiles), quantiles


@test
def those_who_connect_all_join_and_leave(t):
    server = t.server(workers=2)
    figures = load(t, server, mode="connect", rooms=3, members=2,
                   warmup=0, seconds=0.3)
    assert figures["joins"] > 6
    assert figures["join_p50_us"] > 0
    server.wait_sessions(0)
    accepts = server.events("accept")
    assert figures["joins"] <= len(accepts) <= figures["joins"] + 6
    assert len({event["ip"] for event in accepts}) > 6
    server.wait_event("close", len(accepts), reason="eof")


@test
def those_who_idle_are_there_and_the_memory_is_told(t):
    server = t.server(workers=2)
    idle = Load(t, server, mode="idle", rooms=10, members=5, hold=0.5,
                talking=1, messages=20)
    server.wait_sessions(50)
    figures = idle.figures()
    assert figures["joins"] == 50
    assert figures["deliveries"] == 20 * 4
    assert 0 < figures["private_before"] < figures["pss_before"] < \
        figures["rss_before"]
    assert abs(figures["private_per_client"] -
               figures["private_grown"] / 50) < 0.1


def wrong(t, tamper, fake=FakeLine, protocol="line", **options):
    """Figures of a run that is to find fault."""
    run = Load(t, fake(t, tamper, **options), protocol=protocol, members=3,
               window=4, messages=50)
    out, _ = run.process.communicate(timeout=20)
    assert run.process.returncode == 1, out
    figures = dict(pair.split("=") for pair in out.split())
    return [int(figures[key]) for key in ("lost", "order_errors", "strays")]


@test
def a_message_lost_twice_late_changed_or_foreign_is_found(t):
    held = []

    def swapped(line):
        held.append(line)
        return [] if len(held) == 1 else held[::-1]

    cases = {
        "lost": (lambda line: [], [1, 0, 0]),
        # Once as such, once as an order that others did not read.
        "twice": (lambda line: [line, line], [0, 2, 0]),
        "changed": (lambda line: [line.replace("cde", "xyz")], [0, 0, 1]),
        "cut": (lambda line: [line[:-5] + "\n"], [1, 0, 1]),
        "foreign": (lambda line: [line, "*** a word\n"], [0, 0, 1]),
    }
    fakes = ((FakeLine, "line", {}), (FakeWebSocket, "ws", {}),
             (FakeWebSocket, "ws-json", {"json_lines": True}))
    for fake, protocol, options in fakes:
        for name, (spoil, expected) in cases.items():
            found = wrong(t, lambda n, reader, line, spoil=spoil:
                          spoil(line) if (n, reader) == (20, 1) else [line],
                          fake, protocol, **options)
            assert found == expected, \
                f"{protocol}, {name}: {found}, not {expected}"
    found = wrong(t, lambda n, reader, line:
                  swapped(line) if n in (20, 21) and reader == 1 else [line])
    assert found == [1, 1, 0], f"swapped: {found}"


@test
def two_readers_who_read_different_orders_are_found(t):
    held = []
    swapped = []

    def tamper(n, reader, line):
        # The last reader gets one publisher's line before the other's.
        if reader != 2 or n < 20 or swapped:
            return [line]
        if not held or held[0].split(":")[0] == line.split(":")[0]:
            held.append(line)
            return []
        swapped.append(line)
        return [line, *held]
    fake = FakeLine(t, tamper)
    run = Load(t, fake, members=4, publishers=2, rate=1000, messages=50)
    out, err = run.process.communicate(timeout=20)
    assert run.process.returncode == 1, out
    assert "different orders" in err, err
    assert "order_errors=1 " in out and "lost=0 " in out, out


@test
def frames_are_found_wherever_the_packets_end(t):
    assert load(t, FakeLine(t), **SMALL)["deliveries"] == 40 * 3
    assert load(t, FakeIrc(t), protocol="irc", **SMALL)["deliveries"] == \
        40 * 3
    assert load(t, FakeTelnet(t), protocol="telnet",
                **SMALL)["deliveries"] == 40 * 3
    assert load(t, FakeTerminal(t), protocol="telnet-edit", typed=20,
                **SMALL)["deliveries"] == 40 * 3
    for protocol in "ws", "ws-json":
        for size in 24, 64, 300:
            fake = FakeWebSocket(t, json_lines=protocol == "ws-json")
            assert load(t, fake, protocol=protocol, size=size,
                        **SMALL)["deliveries"] == 40 * 3
            assert 0 < fake.pongs <= fake.pings, (fake.pongs, fake.pings)
    # Those who publish don't listen there.
    assert load(t, FakeRedis(t), protocol="redis", **SMALL)["deliveries"] == \
        40 * 2


@test
def joins_are_read_in_every_protocol(t):
    for fake, protocol in ((FakeLine(t), "line"), (FakeIrc(t), "irc"),
                           (FakeRedis(t), "redis"),
                           (FakeTelnet(t), "telnet"),
                           (FakeWebSocket(t), "ws"),
                           (FakeWebSocket(t, json_lines=True), "ws-json"),
                           (FakeTerminal(t), "telnet-edit")):
        figures = load(t, fake, protocol=protocol, mode="connect", members=3,
                       warmup=0, seconds=0.1)
        assert figures["joins"] > 0


@test
def over_telnet_lines_and_rows_are_as_on_a_screen(t):
    server = t.server(workers=1, telnet="127.0.0.1:0")
    port = server.telnet_port
    figures = load(t, server, port=port, protocol="telnet", **SMALL)
    assert figures["deliveries"] == 40 * 3 and "keys" not in figures
    figures = load(t, server, port=port, protocol="telnet-edit", typed=30,
                   typists=1, keys=500, rate=200, members=4, messages=40)
    assert figures["deliveries"] == 40 * 3
    assert figures["keys"] >= 40  # the line was deleted once


@test
def a_row_or_an_echo_that_is_wrong_is_found(t):
    def wrong_terminal(**options):
        run = Load(t, FakeTerminal(t, **options), protocol="telnet-edit",
                   typed=20, members=3, window=4, messages=50)
        out, _ = run.process.communicate(timeout=20)
        assert run.process.returncode == 1, out
        figures = dict(pair.split("=") for pair in out.split())
        return [int(figures[key])
                for key in ("lost", "order_errors", "strays")]

    def once(spoil):
        return lambda n, reader, parts: \
            spoil(*parts) if (n, reader) == (20, 1) else parts
    rows = {
        "garbled": lambda erase, line, row: [line, row],
        "lost": lambda erase, line, row: [erase, line],
        "changed": lambda erase, line, row: [erase, line, row[::-1]],
    }
    for name, spoil in rows.items():
        found = wrong_terminal(tamper=once(spoil))
        assert sum(found) > 0 and found[2] > 0, f"{name}: {found}"
    found = wrong_terminal(
        echo=lambda line: line.replace("cde", "xyz")
        if line.startswith("00000014") else line)
    assert found == [0, 0, 1], found


@test
def a_refusal_ends_it_with_the_servers_words(t):
    server = t.server(workers=1, max_clients=5)
    run = Load(t, server, members=10, messages=1)
    _, err = run.process.communicate(timeout=20)
    assert run.process.returncode == 1
    assert "refused: *** error server-full" in err, err


@test
def progress_is_for_terminals_only(t):
    server = t.server(workers=1)
    options = ["--host", "127.0.0.1", "--port", str(server.port),
               "--mode", "idle", "--hold", "0.5"]
    assert t.run("chatload", *options, check=0).stderr == ""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(os.path.join(t.build, "chatload"), ["chatload", *options])
    shown = b""
    try:
        while got := os.read(terminal, 4096):
            shown += got
    except OSError:
        pass  # the terminal's other end is closed
    assert os.waitpid(pid, 0)[1] == 0
    os.close(terminal)
    assert b"10 clients are idle" in shown, shown


@test
def wrong_usage_is_told_apart(t):
    for args in (["--mode", "sleep"], ["--protocol", "smtp"], ["--members"],
                 ["--members", "1"], ["--members", "x"], ["extra"],
                 ["--publishers", "11"], ["--talking", "2"], ["--rooms", "0"],
                 ["--mode", "ask", "--protocol", "irc"], ["--tag", "a b"],
                 ["--protocol", "irc", "--size", "400"], ["--no-such"],
                 ["--typed", "5"], ["--protocol", "telnet", "--typists", "1"],
                 ["--protocol", "telnet-edit", "--typists", "10"],
                 ["--protocol", "telnet-edit", "--size", "79"],
                 ["--protocol", "redis", "--members", "2", "--publishers",
                  "2"], ["--host", "::1", "--sources", "2"]):
        done = t.run("chatload", "--port", "1", *args, check=2)
        assert done.stderr and not done.stdout, args
    assert "usage:" in t.run("chatload", "--help", check=0).stdout
    assert t.run("chatload", "--version", check=0).stdout.startswith(
        "chatload ")
