# SPDX-License-Identifier: MIT
"""TLS: who gets in, with what, and what the log and shmdump say of it."""
import os
import shutil
import ssl
import subprocess

from lib import DEADLINE, JOINED, LEFT, die_with_parent, test, wait_until
from tls import Pair, any_context, connect, join, options, run, tls_port, \
    version


def tls_server(t, *pairs, **more):
    return t.server(**options(*(pairs or [Pair(t, "a")]), **more))


def talk(server, tls, name="Alice"):
    """The user behind TLS and one in the clear read each other."""
    bob = server.join("general", "Bob")
    tls.send("general", name)
    tls.expect(JOINED % name)
    bob.expect(JOINED % name)
    tls.send("hello")
    bob.expect(f"{name}: hello")
    bob.send("hi")
    tls.expect("Bob: hi")
    bob.send("/quit")
    bob.expect_end()
    tls.expect(LEFT % "Bob")


@test
def users_with_and_without_tls_are_in_the_same_rooms(t):
    server = tls_server(t)
    talk(server, connect(server))


@test
def telnet_has_its_own_listener_for_tls(t):
    server = tls_server(t, telnet_tls="127.0.0.1:0", telnet="127.0.0.1:0",
                        line_tls=None)
    client = connect(server, "telnet-tls")
    client.overheard = bytes([255, 253, 24])  # IAC DO TTYPE
    client.send("general", "Alice")
    wait_until(lambda: server.session("Alice"), "Alice has joined")
    assert server.session("Alice")["listener"] == "telnet-tls"


@test
def an_inner_type_without_a_listener_of_its_own_is_started(t):
    server = tls_server(t, telnet_tls="127.0.0.1:0", telnet="none",
                        web="none")
    types = [w["type"] for w in server.dump("workers")]
    assert types.count("telnet") == 1 and types.count("tls") == 1, types


@test
def without_a_tls_listener_there_is_no_tls_worker(t):
    server = t.server()
    assert "tls" not in [w["type"] for w in server.dump("workers")]


@test
def the_log_and_shmdump_tell_version_and_cipher(t):
    server = tls_server(t)
    alice = join(server, "general", "Alice", host="localhost")
    row = server.session("Alice")
    assert row["listener"] == "line-tls" and row["address"] == "127.0.0.1"
    assert row["port"] == alice.port
    assert row["tls"] == "TLSv1.3"
    assert row["cipher"] == "TLS_AES_128_GCM_SHA256"
    server.wait_event("accept", listener="line-tls", ip="127.0.0.1",
                      port=alice.port)
    server.wait_event("tls", session=row["id"], version="TLSv1.3",
                      cipher="TLS_AES_128_GCM_SHA256", resumed="no",
                      sni='"localhost"')
    alice.send("/quit")
    alice.expect_end()
    server.wait_event("close", session=row["id"], listener="line-tls",
                      reason="quit")
    bob = server.join("general", "Bob")
    row = server.session("Bob")
    assert row["tls"] is None and row["cipher"] is None
    bob.close()


@test
def a_name_that_a_client_sends_is_escaped_in_the_log(t):
    server = tls_server(t)
    run("openssl", "s_client", "-connect", f"127.0.0.1:{tls_port(server)}",
        "-servername", 'x" event=forged \x07', check=None)
    event = server.wait_event("tls")
    assert "event=forged" not in [f"{k}={v}" for k, v in event.pairs]
    assert event["sni"].startswith('"x\\"'), event.line


@test
def tls_workers_show_in_shmdump(t):
    server = tls_server(t, tls_workers=2)
    rows = [w for w in server.dump("workers") if w["type"] == "tls"]
    assert len(rows) == 2
    for row in rows:
        assert row["state"] == "serving" and row["pid"] != 0
        assert row["restarts"] == 0 and row["lag"] == 0
        maps = f"/proc/{row['pid']}/maps"
        with open(maps, encoding="utf-8") as f:
            assert "chatmaster." not in f.read(), "it maps the segment"


@test
def only_tls_1_2_and_1_3_are_spoken(t):
    server = tls_server(t)
    for number in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        connect(server, context=version(number)).close()
    for number in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            connect(server, context=version(number))
        except ssl.SSLError:
            continue
        raise AssertionError(f"{number} was accepted")
    event = server.wait_event("close", 2, reason="tls-handshake")
    assert event["listener"] == "line-tls"
    server.wait_event("tls-failed", 2)


SUITES = [
    "ECDHE-%s-AES128-GCM-SHA256", "ECDHE-%s-AES256-GCM-SHA384",
    "ECDHE-%s-CHACHA20-POLY1305"]
WEAK = ["AES128-GCM-SHA256", "ECDHE-%s-AES128-SHA256", "ECDHE-%s-AES256-SHA",
        "DHE-%s-AES128-GCM-SHA256", "aNULL"]


@test
def of_tls_1_2_only_suites_with_ecdhe_and_aead_are_spoken(t):
    for kind, rsa in (("ECDSA", False), ("RSA", True)):
        server = tls_server(t, Pair(t, kind, rsa=rsa))
        for suite in SUITES:
            suite = suite % kind
            context = version(ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(suite)
            client = join(server, "general", "Alice", context=context)
            got = server.session("Alice")["cipher"]
            assert got.startswith(f"TLS_ECDHE_{kind}_WITH_"), got
            client.send("/quit")
            client.expect_end()
        for suite in WEAK:
            context = version(ssl.TLSVersion.TLSv1_2)
            try:
                context.set_ciphers(
                    (suite.replace("%s", kind)) + ":@SECLEVEL=0")
                connect(server, context=context)
            except ssl.SSLError:
                continue
            raise AssertionError(f"{suite} was accepted")


@test
def the_certificate_is_the_one_for_the_name_that_is_asked_for(t):
    pairs = [Pair(t, "a", "a.example"), Pair(t, "b", "b.example"),
             Pair(t, "c", "*.c.example", "c.example")]
    server = tls_server(t, *pairs)
    for name, pair in ((None, 0), ("a.example", 0), ("b.example", 1),
                       ("c.example", 2), ("x.c.example", 2),
                       ("x.y.c.example", 0), ("unknown.example", 0)):
        client = connect(server, host=name)
        got = client.tls.getpeercert(binary_form=True)
        assert got == pairs[pair].der, f"another certificate for {name}"
        client.close()


@test
def a_session_can_be_resumed(t):
    server = tls_server(t)
    for number in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = version(number)
        first = join(server, "general", "Alice", context=context)
        session = first.tls.session
        assert session is not None and not first.tls.session_reused
        second = connect(server, context=context, session=session)
        assert second.tls.session_reused
        second.send("general", "Bob")
        second.expect(JOINED % "Bob")
        for client in (first, second):
            client.send("/quit")
            client.lines_to_end()
    server.wait_event("tls", 2, resumed="yes")


@test
def a_session_of_another_tls_worker_is_begun_anew(t):
    server = tls_server(t, tls_workers=2)
    context = any_context()
    session = None
    for i in range(8):
        client = join(server, "general", f"u{i}", context=context,
                      session=session)
        session = client.tls.session
        client.send("/quit")
        client.lines_to_end()


@test
def a_response_about_the_certificate_is_stapled(t):
    plain, stapled = Pair(t, "a", "a.example"), Pair(t, "b", "b.example")
    server = tls_server(t, plain, stapled, ocsp=["none", stapled.staple(t)])
    for name, found in (("a.example", False), ("b.example", True)):
        out = run("openssl", "s_client", "-status", "-servername", name,
                  "-connect", f"127.0.0.1:{tls_port(server)}").stdout
        assert ("OCSP Response Status: successful" in out) == found, out


@test
def nobody_renegotiates(t):
    server = tls_server(t)
    process = subprocess.Popen(
        ["openssl", "s_client", "-tls1_2", "-connect",
         f"127.0.0.1:{tls_port(server)}"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent)
    try:
        process.stdin.write(b"general\nAlice\n")
        process.stdin.flush()
        wait_until(lambda: server.session("Alice"), "Alice has joined")
        out, _ = process.communicate(b"R\nstill here\n", timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
    assert b"no renegotiation" in out or b"Secure Renegotiation" in out, out
    assert len(server.events("tls")) == 1


@test
def openssl_gnutls_and_python_chat(t):
    server = tls_server(t)
    port = tls_port(server)
    bob = server.join("general", "Bob")
    for name, command in (
            ("Olga", ["openssl", "s_client", "-quiet", "-connect",
                      f"127.0.0.1:{port}"]),
            ("Gnu", ["gnutls-cli", "--insecure", "--logfile=/dev/null",
                     "-p", str(port), "127.0.0.1"])):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        try:
            process.stdin.write(f"general\n{name}\nhello\n".encode())
            process.stdin.flush()
            bob.expect(JOINED % name, f"{name}: hello")
            bob.send(f"hi {name}")
            while process.stdout.readline() != f"Bob: hi {name}\n".encode():
                assert process.poll() is None
            process.stdin.write(b"/quit\n")
            process.stdin.flush()
            bob.expect(LEFT % name)
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()


@test
def curl_gets_the_page_and_no_other_protocol_than_http_1_1(t):
    server = tls_server(t, line_tls=None, web_tls="127.0.0.1:0", web="none")
    url = f"https://127.0.0.1:{tls_port(server, 'web-tls')}/"
    out = run("curl", "-sk", "-v", url)
    assert "accepted http/1.1" in out.stderr, out.stderr
    assert "<html" in out.stdout.lower() or "<!doctype" in out.stdout.lower()
    context = any_context()
    context.set_alpn_protocols(["h2"])
    try:
        connect(server, "web-tls", context=context)
    except ssl.SSLError:
        return
    raise AssertionError("a client that only speaks h2 was let in")


@test
def a_browser_is_not_let_in_where_lines_are_spoken(t):
    server = tls_server(t)
    context = any_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        connect(server, context=context)
    except ssl.SSLError:
        return
    raise AssertionError("it was let in")


@test
def a_refused_client_is_closed_without_a_word(t):
    server = tls_server(t, max_clients=1)
    alice = join(server, "general", "Alice")
    refused = server.connect(("127.0.0.1", tls_port(server)))
    refused.expect_closed()
    server.wait_event("refuse", listener="line-tls", reason="server-full")
    alice.send("/quit")
    alice.expect_end()
    wait_until(lambda: server.dump()["sessions"] == 0, "Alice is gone")
    server.wait_event("close", reason="quit")
    join(server, "general", "Bob")


@test
def a_client_counts_once_in_every_limit(t):
    server = tls_server(t, max_clients=4, max_clients_per_ip=3)
    clients = [join(server, f"r{i}", f"u{i}") for i in range(3)]
    server.connect(("127.0.0.1", tls_port(server))).expect_closed()
    server.wait_event("refuse", reason="too-many-from-address")
    clients[0].send("/quit")
    clients[0].expect_end()
    server.wait_event("close", reason="quit")
    join(server, "r3", "u3")
    assert server.dump()["sessions"] == 3


# What keeps it from starting.

def refuses(t, *words, **more):
    server = t.failing_server(2, **more)
    for word in words:
        assert word in server.log(), f"no {word!r} in:\n{server.log()}"
    assert server.objects() == []
    args = [a for a in server.command[1:]]
    done = t.run("chatmaster", *args, "--check", check=2)
    for word in words:
        assert word in done.stderr, f"no {word!r} in:\n{done.stderr}"


@test
def a_tls_listener_needs_a_certificate_and_its_key(t):
    a, b = Pair(t, "a"), Pair(t, "b")
    listener = {"line_tls": "127.0.0.1:0"}
    refuses(t, "line-tls", "cert", **listener)
    refuses(t, "key", **listener, cert=a.cert)
    refuses(t, "key", **listener, cert=[a.cert, b.cert], key=a.key)
    refuses(t, "key", b.key, **listener, cert=a.cert, key=b.key)
    refuses(t, "cert", a.key, **listener, cert=a.key, key=a.key)
    missing = t.path("missing.pem")
    refuses(t, "cert", missing, **listener, cert=missing, key=a.key)
    refuses(t, "key", missing, **listener, cert=a.cert, key=missing)
    refuses(t, "ocsp", a.cert, **listener, cert=a.cert, key=a.key,
            ocsp=a.cert)
    refuses(t, "ocsp", **listener, cert=a.cert, key=a.key,
            ocsp=["none", "none"])


@test
def a_key_that_others_may_read_is_refused(t):
    pair = Pair(t, "a")
    for mode in (0o640, 0o604, 0o620, 0o610):
        os.chmod(pair.key, mode)
        refuses(t, "key", pair.key, **options(pair))
    os.chmod(pair.key, 0o400)
    t.server(**options(pair))


@test
def a_key_with_a_passphrase_is_refused(t):
    pair = Pair(t, "a")
    locked = t.path("locked.key")
    run("openssl", "ec", "-in", pair.key, "-aes128", "-passout", "pass:x",
        "-out", locked)
    os.chmod(locked, 0o600)
    refuses(t, "key", "passphrase", line_tls="127.0.0.1:0", cert=pair.cert,
            key=locked)


@test
def without_the_program_for_it_there_is_no_tls(t):
    pair = Pair(t, "a")
    alone = t.path("alone")
    os.mkdir(alone)
    shutil.copy(os.path.join(t.build, "chatmaster"), alone)
    server = t.failing_server(2, build=alone, **options(pair))
    assert "chatmaster-tls" in server.log(), server.log()
    t.server(build=alone)


@test
def the_program_is_found_where_make_install_puts_it(t):
    pair = Pair(t, "a")
    os.makedirs(t.path("p/bin"))
    os.makedirs(t.path("p/libexec/chatmaster"))
    shutil.copy(os.path.join(t.build, "chatmaster"), t.path("p/bin"))
    shutil.copy(os.path.join(t.build, "chatmaster-tls"),
                t.path("p/libexec/chatmaster"))
    talk(server := t.server(build=t.path("p/bin"), **options(pair)),
         connect(server))


@test
def the_program_explains_itself(t):
    for option in ("--help", "--version"):
        assert "chatmaster-tls" in t.run("chatmaster-tls", option,
                                         check=0).stdout
    for args in (["--nonsense"], ["operand"], []):
        assert t.run("chatmaster-tls", *args, check=2).stderr


@test
def check_looks_at_certificates(t):
    pair = Pair(t, "a")
    args = ["--line-tls=127.0.0.1:0", f"--cert={pair.cert}",
            f"--key={pair.key}"]
    t.run("chatmaster", "--check", *args, check=0)
    os.chmod(pair.key, 0o644)
    t.run("chatmaster", "--check", *args, check=2)


@test
def a_stop_takes_no_longer_with_tls_clients(t):
    server = tls_server(t)
    alice = join(server, "general", "Alice")
    silent = server.connect(("127.0.0.1", tls_port(server)))
    server.wait_event("accept", 2)
    server.stop()
    alice.expect_error("shutting-down")
    alice.expect_end()
    assert not alice.cut, "no close_notify"
    silent.expect_closed()
    assert not server.events("stop-kill")
