# SPDX-License-Identifier: MIT
"""The metrics listener: /metrics and /healthz, and nothing else."""
import signal

import prometheus
from faults import Deaths
from lib import test, wait_until
from websocket import WebSocket

ROOMS = 300


def serve(t, **options):
    return t.server(workers=2, telnet="127.0.0.1:0", web="127.0.0.1:0",
                    metrics="127.0.0.1:0", **options)


def connect(t, port, **options):
    client = WebSocket(("127.0.0.1", port), **options)
    t.peers.append(client)
    return client


def ask(client, path, method="GET", **options):
    """Status and headers."""
    client.request(path, method=method, headers=[("Host", "x")], **options)
    return client.response()


def body(client, headers):
    """What is behind them, up to the end of it."""
    if "content-length" in headers:
        return client.bytes(int(headers["content-length"])).decode()
    return "".join(line + "\n" for line in client.lines_to_end())


def get(t, port, path):
    client = connect(t, port)
    status, headers = ask(client, path)
    return status, headers, body(client, headers)


def scrape(t, server):
    status, headers, text = get(t, server.metrics_port, "/metrics")
    assert status == 200, status
    return prometheus.parse(text)


def web_seat(server):
    return next(r["seat"] for r in server.dump("workers")
                if r["type"] == "web")


def crowd(server):
    """People, each in a room with a name as long as can be."""
    people = []
    for i in range(ROOMS):
        client = server.connect()
        client.send(f"{i:03}".ljust(64, '"'), f"u{i}")
        people.append(client)
    server.wait_joined(ROOMS)
    return people


def check_crowd(samples):
    """All of the rooms, once each, and all that comes behind them."""
    for i in range(ROOMS):
        room = f"{i:03}" + r'\"' * 61
        assert samples["chatmaster_room_members", f'room="{room}"'] == 1, i
    assert sum(name == "chatmaster_room_members" for name, _ in samples) == \
        ROOMS
    assert list(samples)[-1] == ("chatmaster_lock_recoveries_total", None)


@test
def metrics_are_those_of_shmdump(t):
    server = serve(t)
    alice, bob = server.room('q"u\\o', "Alice", "Bob")
    alice.send("hello", "there")
    bob.expect("Alice: hello", "Alice: there")
    wait_until(lambda: server.dump()["messages"] == 2, "all is said")
    status, headers, text = get(t, server.metrics_port, "/metrics")
    assert status == 200
    assert headers["content-type"] == prometheus.CONTENT_TYPE, headers
    assert headers["connection"] == "close", headers
    assert "content-length" not in headers, headers
    samples, types = prometheus.parse(text)
    wait_until(lambda: server.dump()["sessions"] == 2, "it has gone")
    shown, shown_types = prometheus.parse(
        t.run("shmdump", "-n", server.name, "metrics", check=0).stdout)
    assert list(types.items()) == list(shown_types.items())
    assert set(samples) == set(shown)
    for name in ("start_time_seconds", "max_clients", "rooms", "workers",
                 "workers_running", "messages_total", "records_total",
                 "ring_head", "ring_size_bytes", "segment_size_bytes", "up"):
        key = f"chatmaster_{name}", None
        assert samples[key] == shown[key], name
    assert samples["chatmaster_room_members", r'room="q\"u\\o"'] == 2
    assert samples["chatmaster_sessions", None] == 3  # who asks, too
    assert samples["chatmaster_worker_sessions",
                   'seat="3",type="web"'] == 1


@test
def a_long_text_comes_whole_and_each_sample_once(t):
    server = serve(t)
    people = crowd(server)
    samples, _ = scrape(t, server)
    check_crowd(samples)
    for client in people[:50]:
        client.send("/quit")
    server.wait_joined(ROOMS - 50)
    samples, _ = scrape(t, server)
    assert samples["chatmaster_rooms", None] == ROOMS - 50


@test
def who_has_shut_its_side_reads_the_whole_text(t):
    server = serve(t)
    crowd(server)
    client = connect(t, server.metrics_port)
    client.request("/metrics", headers=[("Host", "x")])
    client.half_close()
    status, headers = client.response()
    assert status == 200
    check_crowd(prometheus.parse(body(client, headers))[0])


@test
def a_text_outlives_the_worker_that_sends_it(t):
    server = serve(t)
    crowd(server)
    seat = web_seat(server)
    for _ in range(3):
        client = connect(t, server.metrics_port, rcvbuf=4096)
        client.request("/metrics", headers=[("Host", "x")])
        status, headers = client.response()
        assert status == 200
        lines = []
        while True:
            if len(lines) in (10, 200, 500):
                server.kill_worker(seat)
            raw = client.raw_line() if len(lines) < 700 else None
            if raw is None:
                break
            lines.append(raw.decode())
        check_crowd(prometheus.parse(
            "".join(lines) + body(client, headers))[0])


def death_while_asked(t, server):
    client = connect(t, server.metrics_port, rcvbuf=4096)
    client.request("/metrics", headers=[("Host", "x")])
    status, headers = client.response()
    assert status == 200
    check_crowd(prometheus.parse(body(client, headers))[0])
    client.close()


@test(faults=True, limit=120)
def its_worker_may_die_at_any_step_of_it(t):
    server = serve(t, faults=True)
    crowd(server)
    seat = web_seat(server)
    deaths = Deaths(server, seat)
    for _ in deaths.at(("web.request",), 1):
        death_while_asked(t, server)
    for _ in deaths.at(("reply.piece", "tx.noted", "tx.sent", "step.noted"),
                       1, 2, 5):
        death_while_asked(t, server)


@test
def rooms_that_come_and_go_meanwhile_are_there_once_at_most(t):
    server = serve(t)
    people = crowd(server)
    client = connect(t, server.metrics_port, rcvbuf=4096)
    client.request("/metrics", headers=[("Host", "x")])
    status, headers = client.response()
    assert status == 200
    for i, one in enumerate(people):
        one.send("/join " + f"{(i + 7) % ROOMS:03}".ljust(64, '"'))
    prometheus.parse(body(client, headers))
    server.wait_joined(ROOMS)


@test
def head_is_the_head_alone(t):
    server = serve(t)
    client = connect(t, server.metrics_port)
    status, headers = ask(client, "/metrics", method="HEAD")
    assert status == 200
    assert headers["content-type"] == prometheus.CONTENT_TYPE, headers
    client.expect_end()
    client = connect(t, server.metrics_port)
    status, headers = ask(client, "/healthz", method="HEAD")
    assert (status, headers["content-length"]) == (200, "3")
    status, headers = ask(client, "/healthz")
    assert (status, body(client, headers)) == (200, "ok\n")


@test
def each_listener_answers_its_own_paths_alone(t):
    server = serve(t)
    for port, paths in (
            (server.metrics_port, ("/", "/chat", "/metrics/", "/healthz/x",
                                   "/metricsx", "/METRICS", "/index.html")),
            (server.web_port, ("/metrics", "/healthz"))):
        for path in paths:
            assert get(t, port, path)[0] == 404, path
    client = connect(t, server.metrics_port)
    client.send_handshake()
    status, headers = client.response()
    assert status == 404, (status, headers)
    client = connect(t, server.metrics_port)
    assert ask(client, "/metrics", method="POST")[0] == 405
    assert get(t, server.metrics_port, "/metrics?x=/healthz")[0] == 200


@test
def requests_and_websockets_are_counted(t):
    server = serve(t)
    for path in "/healthz", "/nothing", "/metrics":
        get(t, server.metrics_port, path)
    client = connect(t, server.web_port)
    client.handshake()
    samples, _ = scrape(t, server)
    labels = 'seat="3",type="web"'
    assert samples["chatmaster_worker_requests_total", labels] == 5
    assert samples["chatmaster_worker_websockets_total", labels] == 1
    row = server.dump("workers")[3]
    assert (row["requests"], row["websockets"]) == (5, 1)


@test
def healthz_stays_open_for_the_next_question(t):
    server = serve(t)
    client = connect(t, server.metrics_port)
    for _ in range(20):
        status, headers = ask(client, "/healthz")
        assert (status, body(client, headers)) == (200, "ok\n")


@test
def who_is_no_more_looked_after_is_not_healthy(t):
    """The master looks after nobody, and a worker gives no sign of life."""
    server = serve(t, watchdog=1)
    chat = (0, 1)
    client = connect(t, server.metrics_port)
    status, headers = ask(client, "/healthz")
    assert (status, body(client, headers)) == (200, "ok\n")
    server.process.send_signal(signal.SIGSTOP)
    for seat in chat:
        server.signal_worker(seat, signal.SIGSTOP)

    def is_ill():
        status, headers = ask(client, "/healthz")
        text = body(client, headers)
        assert (status, text) in ((200, "ok\n"),
                                  (503, "Service Unavailable\n"))
        return status == 503

    wait_until(is_ill, "it says so")
    client.expect_end()
    for seat in chat:
        server.signal_worker(seat, signal.SIGCONT)
    server.process.send_signal(signal.SIGCONT)
    wait_until(lambda: get(t, server.metrics_port, "/healthz")[0] == 200,
               "it is well again")


@test
def figures_are_kept_by_a_server_without_room_for_pieces(t):
    """The smallest buffers there are, in a server that is full."""
    server = serve(t, max_line=64, max_clients=ROOMS + 1)
    crowd(server)
    check_crowd(scrape(t, server)[0])
