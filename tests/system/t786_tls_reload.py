# SPDX-License-Identifier: MIT
"""HUP: new certificates for a server that runs."""
import os
import signal
import threading

from lib import JOINED, test
from tls import Pair, any_context, connect, join, options, run


def hup(server, result, count=1):
    server.process.send_signal(signal.SIGHUP)
    return server.wait_event("tls-reload", count, result=result)


def seen(server, **more):
    """The certificate that a client is shown."""
    client = connect(server, **more)
    der = client.tls.getpeercert(binary_form=True)
    client.close()
    return der


@test
def hup_brings_new_certificates_and_running_connections_go_on(t):
    old, new = Pair(t, "old"), Pair(t, "new", rsa=True)
    server = t.server(**options(old))
    expected_old, expected_new = old.der, new.der
    alice = join(server, "general", "Alice")
    assert seen(server) == expected_old
    old.replace_by(new)
    assert seen(server) == expected_old
    hup(server, "loaded")
    assert seen(server) == expected_new
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    alice.send("hello")
    bob.expect("Alice: hello")
    assert not server.events("close", session=1)


@test
def bad_new_certificates_leave_the_old_ones_in_place(t):
    pair, other = Pair(t, "a"), Pair(t, "b")
    server = t.server(**options(pair))
    expected = pair.der
    good_key = open(pair.key, encoding="ascii").read()
    count = 0

    def still_good(word):
        nonlocal count
        count += 1
        event = hup(server, "kept", count)
        assert word in event["reason"], event.line
        assert seen(server) == expected
    os.replace(other.key, pair.key)
    still_good("is not the key")
    os.unlink(pair.key)
    still_good("No such file")
    t.write("a.key", good_key)
    os.chmod(pair.key, 0o644)
    still_good("others")
    os.chmod(pair.key, 0o600)
    t.write("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
            "-----END CERTIFICATE-----\n")
    still_good("certificate")
    # A worker that dies now can't begin; when the files are good it does.
    os.replace(other.cert, pair.cert)


@test
def a_swap_under_load_costs_no_connection_and_no_handshake(t):
    pairs = [Pair(t, f"p{i}") for i in range(6)]
    known = {p.der for p in pairs}
    server = t.server(**options(pairs[0]), workers=1)
    alice = join(server, "general", "Alice")
    bob = join(server, "general", "Bob")
    alice.expect(JOINED % "Bob")
    failures, shown = [], []
    done = threading.Event()

    def handshakes():
        try:
            while not done.is_set():
                shown.append(seen(server))
        except Exception as e:  # pylint: disable=broad-except
            failures.append(e)

    threads = [threading.Thread(target=handshakes, daemon=True)
               for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(1, 6):
            pairs[0].replace_by(pairs[i])
            hup(server, "loaded", i)
            for n in range(50):
                alice.send(f"{i}.{n}")
                bob.expect(f"Alice: {i}.{n}")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    assert set(shown) <= known and len(set(shown)) >= 3
    assert len(server.events("tls-failed")) == 0
    assert not server.events("worker-exit")


@test
def a_dead_tls_worker_is_replaced_as_soon_as_the_files_are_good(t):
    pair = Pair(t, "a")
    server = t.server(**options(pair))
    seat = next(w["seat"] for w in server.dump("workers")
                if w["type"] == "tls")
    os.rename(pair.key, pair.key + ".away")
    server.signal_worker(seat, signal.SIGKILL)
    server.wait_event("tls-unusable", 3)
    os.rename(pair.key + ".away", pair.key)
    server.wait_event("worker-recovered", seat=seat)
    join(server, "general", "Alice")


@test
def tickets_of_before_the_swap_are_no_hindrance(t):
    pair, new = Pair(t, "a"), Pair(t, "b")
    server = t.server(**options(pair))
    context = any_context()
    client = join(server, "general", "Alice", context=context)
    session = client.tls.session
    pair.replace_by(new)
    hup(server, "loaded")
    connect(server, context=context, session=session)


@test
def an_expired_certificate_is_warned_of(t):
    pair = Pair(t, "a")
    run("openssl", "req", "-new", "-key", pair.key, "-out",
        t.path("a.csr"), "-subj", "/CN=localhost")
    run("openssl", "x509", "-req", "-in", t.path("a.csr"), "-signkey",
        pair.key, "-days", "-1", "-out", pair.cert)
    server = t.server(**options(pair))
    server.wait_event("tls-cert", expired="yes", level="warn")


@test
def hup_without_tls_reads_the_rest(t):
    server = t.server()
    server.process.send_signal(signal.SIGHUP)
    server.wait_event("reload")
    server.join("general", "Alice")
