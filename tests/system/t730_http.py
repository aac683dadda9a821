# SPDX-License-Identifier: MIT
"""The web listener as a server of HTTP: the page, and what is refused."""
import re
import time

from lib import JOINED, LEFT, test, wait_until
from web import AGENT, browse
from websocket import connect

DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} "
                  r"\d\d:\d\d:\d\d GMT")


def web(t, **options):
    options.setdefault("web", "127.0.0.1:0")
    return t.server(**options)


def page_of(t, server):
    return browse(t, server).get()


@test
def the_page_is_one_document_with_the_heads_that_guard_it(t):
    server = web(t)
    page = page_of(t, server)
    assert page.status == 200, page
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert DATE.fullmatch(page.headers["date"]), page
    assert re.fullmatch(r'"[!-~]+"', page.headers["etag"]), page
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy, policy
    assert "unsafe" not in policy, policy
    assert page.headers["connection"] == "keep-alive"
    assert page.body.lower().startswith(b"<!doctype html>")
    assert page.body.rstrip().endswith(b"</html>")


@test
def head_is_the_head_of_get_without_the_body(t):
    server = web(t)
    client = browse(t, server)
    page = client.get()
    head = client.get(method="HEAD")
    for answer in page, head:
        del answer.headers["date"]
    assert (head.status, head.headers) == (200, page.headers)
    assert client.get().body == page.body
    client.request("/nothing", "HEAD", headers=AGENT)
    client.expect_answer(404, bodiless=True)
    client.expect_end()


@test
def a_head_that_is_refused_has_no_body_either(t):
    server = web(t)
    for text, status in ((b"HEAD / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
                         (b"HEAD / HTTP/1.1\r\n\r\n", 400),
                         (b"HEAD /chat HTTP/1.1\r\nHost: a\r\n\r\n", 426),
                         (b"HEAD / HTTP/1.1\r\nHost: a\r\n"
                          b"Content-Length: 3\r\n\r\nabc", 413)):
        client = browse(t, server)
        client.send_bytes(text)
        client.expect_answer(status, bodiless=True)
        client.expect_closed()


@test
def one_who_has_the_page_is_told_so(t):
    server = web(t)
    client = browse(t, server)
    etag = client.get().headers["etag"]
    for field in etag, f"W/{etag}", f'"a", {etag}, "b"', "*":
        got = client.get(headers=(*AGENT, ("If-None-Match", field)))
        assert got.status == 304 and got.headers["etag"] == etag, (field, got)
        assert "content-security-policy" in got.headers
    for field in '"a"', etag[:-1], etag[1:-1], '""':
        got = client.get(headers=(*AGENT, ("If-None-Match", field)))
        assert got.status == 200, (field, got)
    head = client.get(method="HEAD", headers=(*AGENT, ("If-None-Match", etag)))
    assert head.status == 304


@test
def a_query_is_no_other_page(t):
    server = web(t)
    client = browse(t, server)
    assert client.get("/?room=general&name=a%20b").status == 200
    assert client.get("http://chat.example/").status == 200
    assert client.get("http://chat.example").status == 200


@test
def a_connection_serves_one_request_after_the_other(t):
    server = web(t)
    client = browse(t, server)
    page = client.get().body
    for _ in range(50):
        assert client.get().body == page
    assert server.dump()["sessions"] == 1
    got = client.get(headers=(*AGENT, ("Connection", "close")))
    assert got.headers["connection"] == "close" and got.body == page
    client.expect_end()


@test
def http_1_0_ends_with_its_answer_unless_it_asks_otherwise(t):
    server = web(t)
    client = browse(t, server)
    client.request("/", version="HTTP/1.0")
    client.expect_refusal(200)
    client = browse(t, server)
    for _ in range(2):
        client.request("/", version="HTTP/1.0",
                       headers=[("Connection", "keep-alive")])
        assert client.expect_answer(200).headers["connection"] == "keep-alive"


@test
def requests_in_one_packet_are_answered_in_their_order(t):
    server = web(t)
    page = page_of(t, server)
    etag = page.headers["etag"]
    client = browse(t, server)
    one = b"GET / HTTP/1.1\r\nHost: a\r\n"
    had = one + b"If-None-Match: " + etag.encode() + b"\r\n\r\n"
    client.send_bytes((one + b"\r\n" + had) * 20 + b"\r\n" +
                      b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n" + had)
    for _ in range(20):
        assert client.expect_answer(200).body == page.body
        client.expect_answer(304)
    client.expect_refusal(404)


@test
def a_head_byte_by_byte_is_a_head(t):
    server = web(t)
    client = browse(t, server)
    for _ in range(2):
        for byte in b"GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n":
            client.send_bytes(bytes([byte]))
        assert client.expect_answer(200).body
    # And what comes in one packet with the end of another.
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT")
    client.expect_answer(200)
    client.send_bytes(b"TP/1.1\r\nHost: a\r\n\r\n")
    client.expect_answer(200)


@test
def one_who_shuts_its_side_gets_its_answers(t):
    server = web(t)
    page = page_of(t, server).body
    client = browse(t, server)
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
    client.half_close()
    for _ in range(3):
        assert client.expect_answer(200).body == page
    client.expect_end()


@test
def half_a_request_with_an_end_is_no_request(t):
    server = web(t)
    for text in b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n":
        client = browse(t, server)
        client.send_bytes(text)
        client.half_close()
        client.expect_end()
    wait_until(lambda: server.dump()["sessions"] == 0, "all have gone")


REFUSED = (
    (400, b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    (400, b"GET / HTTP/1.1\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"),
    (400, b"general\nAlice\n\n"),
    (400, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\n\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
          b"Transfer-Encoding: chunked\r\n\r\n"),
    (404, b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n"),
    (404, b"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
    (404, b"GET /chat/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    (404, b"GET // HTTP/1.1\r\nHost: a\r\n\r\n"),
    (405, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    (405, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    (405, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (405, b"get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (405, b"POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    (413, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    (413, b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          b"0\r\n\r\n"),
    (426, b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n"),
    (505, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
)


@test
def what_is_not_understood_is_refused_with_the_status_that_fits(t):
    server = web(t)
    for status, request in REFUSED:
        client = browse(t, server)
        client.send_bytes(request)
        got = client.expect_refusal(status)
        assert got.headers["content-type"] == "text/plain; charset=utf-8"
        assert got.headers["cache-control"] == "no-store"
        assert DATE.fullmatch(got.headers["date"])
        assert got.body.endswith(b"\n") and len(got.body) > 5, got
        assert (status == 405) == (got.headers.get("allow") == "GET, HEAD")
        if status == 426:
            assert got.headers["upgrade"] == "websocket"
            assert got.headers["connection"] == "Upgrade, close"
            assert got.headers["sec-websocket-version"] == "13"


@test
def what_follows_a_refused_request_is_not_looked_at(t):
    server = web(t)
    client = browse(t, server)
    client.send_bytes(b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n"
                      b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
    client.expect_refusal(404)
    client = browse(t, server)
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                      b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.expect_answer(200)
    client.expect_closed()


@test
def a_body_of_whatever_size_does_not_cost_its_sender_the_answer(t):
    server = web(t)
    for status, head in ((405, b"POST / HTTP/1.1\r\nHost: a\r\n"),
                         (413, b"GET / HTTP/1.1\r\nHost: a\r\n")):
        client = browse(t, server)
        client.send_bytes(head + b"Content-Length: 2000000\r\n\r\n" +
                          b"x" * 2000000)
        client.expect_refusal(status)


@test
def who_is_refused_at_the_door_reads_why_though_it_asks_at_once(t):
    server = web(t, max_clients=1)
    browse(t, server).get()
    for _ in range(200):
        client = browse(t, server)
        try:
            client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        except ConnectionError:
            pass
        assert client.expect_answer(503).body
        client.close()


@test
def a_head_of_8_kib_is_let_in_and_a_longer_one_is_not(t):
    server = web(t)
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n"
    for size, status in (8192, 200), (8193, 431), (100000, 431):
        text = head % (b"x" * (size - len(head) + 2))
        assert len(text) == size
        client = browse(t, server)
        client.send_bytes(text)
        got = client.expect_answer(status)
        assert got.headers["connection"] == (
            "keep-alive" if status == 200 else "close")
    # Two that fit come one behind the other.
    client = browse(t, server)
    text = head % (b"x" * 5000)
    client.send_bytes(text * 4)
    for _ in range(4):
        client.expect_answer(200)


@test
def a_head_without_an_end_is_refused_as_soon_as_it_is_too_long(t):
    server = web(t)
    client = browse(t, server)
    client.send_bytes(b"GET /" + b"x" * 8187)
    client.expect_refusal(431)


@test
def who_is_one_too_many_gets_503(t):
    server = web(t, max_clients=2)
    for _ in range(2):
        server.connect()
    server.wait_sessions(2)
    for _ in range(3):
        client = browse(t, server)
        got = client.expect_refusal(503)
        assert got.body.startswith(b"*** error server-full: "), got
    server.wait_event("refuse", 3, reason="server-full", listener="web")


@test
def who_is_one_too_many_from_its_address_gets_503(t):
    server = web(t, max_clients_per_ip=1)
    first = browse(t, server)
    assert first.get().status == 200
    got = browse(t, server).expect_refusal(503)
    assert got.body.startswith(b"*** error too-many-from-address: "), got
    elsewhere = browse(t, server, source="127.0.0.2")
    assert elsewhere.get().status == 200
    first.close()
    wait_until(lambda: server.dump()["sessions"] == 1, "it has gone")
    assert browse(t, server).get().status == 200


@test
def a_head_that_never_ends_is_told_408_and_keeps_nobody_out(t):
    server = web(t, login_timeout=2)
    slow = [browse(t, server) for _ in range(50)]
    for client in slow:
        client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    for _ in range(3):
        assert page_of(t, server).status == 200
    # Nor does it help to send a little more from time to time.
    while not slow[0].ended and not slow[0].data:
        slow[0].try_send(b"x")
        slow[0].socket.settimeout(0.1)
        try:
            slow[0].data += slow[0].socket.recv(1)
        except TimeoutError:
            pass
    for client in slow:
        client.expect_refusal(408)
    server.wait_event("close", 50, reason="login-timeout")


@test
def idle_connections_are_closed_without_a_word(t):
    server = web(t, login_timeout=1)
    silent = browse(t, server)
    asked = browse(t, server)
    asked.get()
    silent.expect_end()
    asked.expect_end()
    server.wait_event("close", 2, reason="login-timeout")


@test
def each_answer_gives_a_connection_its_time_anew(t):
    """Requests come for longer than one head may take."""
    server = web(t, login_timeout=1)
    client = browse(t, server)
    for _ in range(3):
        witness = browse(t, server)
        witness.send_bytes(b"G")
        while not witness.data:
            assert client.get().status == 200
            try:
                witness.fill(time.monotonic() + 0.2)
            except AssertionError:
                pass
        witness.expect_refusal(408)


@test
def one_who_does_not_read_the_page_costs_nobody_anything(t):
    server = web(t, login_timeout=2)
    one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    lazy = [browse(t, server, rcvbuf=4096) for _ in range(10)]
    for client in lazy:
        client.send_bytes(one * 200)
    for _ in range(10):
        assert page_of(t, server).status == 200
    server.wait_event("close", 10, reason="unread")
    # What it was sent is the beginning of it, and no more.
    page = page_of(t, server).body
    for client in lazy[:2]:
        status, _ = client.response()
        assert status == 200
        while not client.ended:
            client.fill(time.monotonic() + 5)
        assert len(client.data) > 1000 and page.startswith(client.data)


@test
def one_who_reads_the_page_slowly_gets_all_of_it(t):
    server = web(t)
    page = page_of(t, server).body
    client = browse(t, server, rcvbuf=4096)
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 40)
    for _ in range(40):
        assert client.expect_answer(200).body == page


@test
def resets_while_pages_are_sent_disturb_nobody(t):
    server = web(t)
    for i in range(100):
        client = browse(t, server, rcvbuf=4096)
        client.send_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * (i % 30))
        if i % 3 == 0:
            client.bytes(min(1000 * (i % 30), 1))
        client.reset()
    assert page_of(t, server).status == 200
    wait_until(lambda: server.dump()["sessions"] <= 1, "all have gone")


@test
def metrics_and_page_have_listeners_of_their_own(t):
    server = web(t, metrics="127.0.0.1:0")
    client = browse(t, server, server.metrics_port)
    got = client.get("/healthz")
    assert (got.status, got.body) == (200, b"ok\n"), got
    for path in "/", "/chat":
        client = browse(t, server, server.metrics_port)
        assert client.get(path).status == 404
    ws = browse(t, server, server.metrics_port)
    ws.send_handshake()
    ws.expect_refusal(404)
    for path in "/metrics", "/healthz":
        assert browse(t, server).get(path).status == 404


@test
def a_line_client_is_refused_on_the_web_listener_and_nothing_is_said(t):
    server = web(t)
    alice = server.join("general", "Alice")
    client = browse(t, server)
    client.send("general", "Bob", "hello", "", "more")
    client.expect_refusal(400)
    ws = connect(t, ("127.0.0.1", server.web_port), protocols=["chat.text"])
    ws.send_text("general\nBob")
    alice.expect(JOINED % "Bob")
    ws.close()
    alice.expect(LEFT % "Bob")


@test
def without_web_workers_there_is_no_web(t):
    server = web(t, web_workers=0, metrics="127.0.0.1:0")
    assert server.web_listeners == [] and server.metrics_listeners == []
    assert {w["type"] for w in server.dump("workers")} == {"chat"}


@test
def the_log_tells_of_a_connection_as_of_any_other(t):
    server = web(t)
    client = browse(t, server)
    page = client.get(headers=(*AGENT, ("Connection", "close")))
    client.expect_end()
    client.close()
    end = server.wait_event("close")
    assert end["reason"] == "answered", end
    assert int(end["out"]) > len(page.body), end
    assert server.events("accept", listener="web"), server.log()
