# SPDX-License-Identifier: MIT
"""Clients that speak TLS, and certificates for the server, made here."""
import os
import socket
import ssl
import subprocess

from lib import DEADLINE, die_with_parent
from peers import Client

CHUNK = 1 << 16


def run(*command, check=0, **options):
    """A program of somebody else's, to its end."""
    done = subprocess.run(command, capture_output=True, text=True,
                          timeout=DEADLINE, preexec_fn=die_with_parent,
                          **({"stdin": subprocess.DEVNULL} | options))
    if check is not None:
        assert done.returncode == check, \
            f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


class Pair:
    """A self-signed certificate and its key, for these names."""

    def __init__(self, t, name, *names, rsa=False):
        names = names or ("localhost",)
        self.cert = t.path(f"{name}.pem")
        self.key = t.path(f"{name}.key")
        kind = ["rsa:2048"] if rsa else \
            ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run("openssl", "req", "-x509", "-newkey", *kind, "-nodes",
            "-keyout", self.key, "-out", self.cert, "-days", "30",
            "-subj", f"/CN={names[0]}", "-addext",
            "subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
        os.chmod(self.key, 0o600)

    @property
    def der(self):
        with open(self.cert, encoding="ascii") as f:
            return ssl.PEM_cert_to_DER_cert(f.read())

    def replace_by(self, other):
        for mine, its in ((self.cert, other.cert), (self.key, other.key)):
            os.replace(its, mine)

    def staple(self, t):
        """An OCSP response that says that the certificate is good."""
        path = t.path("staple.der")
        index = t.write("index.txt", "")
        run("openssl", "ocsp", "-index", index, "-CA", self.cert,
            "-issuer", self.cert, "-cert", self.cert, "-rsigner", self.cert,
            "-rkey", self.key, "-respout", path, "-ndays", "7")
        return path


def options(*pairs, **more):
    """Options of a server with these certificates."""
    return {"line_tls": "127.0.0.1:0", "cert": [p.cert for p in pairs],
            "key": [p.key for p in pairs], **more}


def tls_port(server, key="line-tls"):
    event = server.events("ready")[0]
    return int(event[key].rsplit(":", 1)[1])


def any_context(**fields):
    """A client that believes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for key, value in fields.items():
        setattr(context, key, value)
    return context


def version(number):
    """A client of that version alone."""
    context = any_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = number
    return context


class TlsClient(Client):
    """A client behind TLS; what it sends and reads is the clear text.

    It goes by hand over the bytes that OpenSSL makes and takes, so that a
    test can shut down one direction or cut a stream where it likes.
    """

    def __init__(self, address, context=None, host=None, session=None,
                 handshake=True, **more):
        super().__init__(address, **more)
        self.inner = ssl.MemoryBIO()
        self.outer = ssl.MemoryBIO()
        self.tls = (context or any_context()).wrap_bio(
            self.inner, self.outer, server_hostname=host, session=session)
        self.cut = False  # the end came without close_notify
        if handshake:
            self.shake()

    def flush(self):
        self.socket.settimeout(DEADLINE)
        self.socket.sendall(self.outer.read())

    def more(self):
        """Reads bytes from the connection."""
        data = self.socket.recv(CHUNK)
        if data:
            self.inner.write(data)
        else:
            self.inner.write_eof()

    def shake(self):
        self.socket.settimeout(DEADLINE)
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return
            except ssl.SSLWantReadError:
                self.flush()
                self.more()
            except ssl.SSLError:
                self.flush()
                raise

    def fill(self, deadline):
        try:
            got = self.tls.read(CHUNK)
        except ssl.SSLWantReadError:
            super_fill_raw(self, deadline)
            return
        except ssl.SSLZeroReturnError:  # we have ended, and now the server
            got = b""
        except ssl.SSLEOFError:
            self.cut = self.ended = True
            return
        self.data += got
        self.ended = not got

    def send_bytes(self, data):
        while data:
            data = data[self.tls.write(data[:CHUNK]):]
            self.flush()

    def half_close(self):
        """close_notify, and a FIN."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()
        self.socket.shutdown(socket.SHUT_WR)

    def cut_short(self):
        """A FIN without close_notify."""
        self.socket.shutdown(socket.SHUT_WR)


def super_fill_raw(client, deadline):
    """As Client.fill, but what comes goes to OpenSSL."""
    data, ended = client.data, client.ended
    client.data = b""
    Client.fill(client, deadline)
    if client.data:
        client.inner.write(client.data)
    else:
        client.inner.write_eof()
    client.data, client.ended = data, ended


def connect(server, key="line-tls", **more):
    client = TlsClient(("127.0.0.1", tls_port(server, key)), **more)
    server.context.peers.append(client)
    return client


def join(server, room, name, **more):
    from lib import JOINED
    client = connect(server, **more)
    client.send(room, name)
    client.expect(JOINED % name)
    return client
