#!/usr/bin/env python3
"""The TLS client against servers of this test on loopback, by way of tests/tools/tlsprobe.c.

Certificates are made anew by openssl at each run. Of two builds the static one (VARIANT target) is
measured too: memory with this machine's whole CA bundle; and an empty chroot, made by root.
"""

import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
VARIANT = os.environ.get("VARIANT") or "target"
TARGET = os.environ.get("TARGET") or os.uname().machine
PROBE = os.path.join(BUILD, TARGET if VARIANT == "target" else "asan", "tools", "tlsprobe")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
MEMORY_MOST = 1000 * 1000  # octets of VmHWM
SHORT_MS = 400             # a time that is meant to run out
LARGE = 3000000            # octets of an answer longer than any buffer

warnings.simplefilter("ignore", DeprecationWarning)  # of old TLS versions, wanted here
failures = 0


def report(name, good, detail=""):
    global failures
    print("%s - %s" % ("ok" if good else "not ok", name))
    if not good:
        failures += 1
        for line in str(detail).splitlines():
            print("    " + line)
    sys.stdout.flush()


# ---- certificates --------------------------------------------------------------------------------

class Authority:
    """Makes keys and certificates in a directory; a certificate is its name there, without .pem."""

    def __init__(self, directory):
        self.directory = directory
        with open(self.path("db.cnf"), "w", encoding="ascii") as config:
            config.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\n"
                         "default_md=sha256\npolicy=p\nunique_subject=no\nemail_in_dn=no\n"
                         "[p]\norganizationName=optional\ncommonName=supplied\n"
                         % (self.path("index"), directory))
        with open(self.path("index"), "w", encoding="ascii"):
            pass

    def path(self, name):
        return os.path.join(self.directory, name)

    def openssl(self, *arguments):
        done = subprocess.run(("openssl",) + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise RuntimeError("openssl %s: %s" % (" ".join(arguments), done.stdout.decode()))

    def key(self, name, kind="ec"):
        path = self.path(name + ".key")
        if os.path.exists(path):
            return path
        options = {"ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
                   "ed25519": ["ED25519"]}.get(kind)
        if options is None:
            options = ["RSA", "-pkeyopt", "rsa_keygen_bits:%d" % int(kind)]
        self.openssl("genpkey", "-out", path, "-algorithm", *options)
        return path

    def make(self, name, issuer=None, names="DNS:localhost,IP:127.0.0.1", kind="ec",
             authority=False,
             start="20260101000000Z", end="21260101000000Z", digest="sha256", subject=None,
             usage="serverAuth", key=None):
        """A certificate NAME by ISSUER (itself where None); AUTHORITY: of a CA, without names."""
        key = self.key(key or name, kind)
        request, extensions = self.path(name + ".csr"), self.path(name + ".ext")
        self.openssl("req", "-new", "-key", key, "-out", request, "-subj",
                     subject or "/O=daneroll tests/CN=" + name, "-config", "/dev/null")
        with open(extensions, "w", encoding="ascii") as out:
            out.write("basicConstraints=critical,CA:%s\n" % ("TRUE" if authority else "FALSE"))
            if not authority and names:
                out.write("subjectAltName=%s\n" % names)
            if not authority and usage:
                out.write("extendedKeyUsage=%s\n" % usage)
        signer = (["-selfsign", "-keyfile", key] if issuer is None else
                  ["-keyfile", self.path(issuer + ".key"), "-cert", self.path(issuer + ".pem")])
        self.openssl("ca", "-batch", "-notext", "-config", self.path("db.cnf"), "-in", request,
                     "-out", self.path(name + ".pem"), "-extfile", extensions, "-startdate", start,
                     "-enddate", end, "-md", "default" if kind == "ed25519" else digest, *signer)
        return name

    def join(self, name, *parts):
        """A file of several certificates, by name or by path."""
        with open(self.path(name), "wb") as out:
            for part in parts:
                path = part if part.startswith("/") else self.path(part + ".pem")
                with open(path, "rb") as one:
                    out.write(one.read())
        return self.path(name)


def make_all(ca):
    ca.make("root", authority=True)
    ca.make("issuer", "root", authority=True)
    ca.make("good", "issuer")
    ca.make("rsa-root", authority=True, kind="4096")
    ca.make("rsa", "rsa-root", kind="2048")
    ca.make("p384-root", authority=True, kind="p384")
    ca.make("p384", "p384-root", kind="p384")
    ca.make("direct", "root")
    ca.make("v6", "root", names="DNS:six.example,IP:::1")
    ca.make("elsewhere", "root", names="DNS:a.example,DNS:b.example,IP:192.0.2.7,IP:2001:db8::7,"
                                       "DNS:c.example,DNS:d.example")
    ca.make("literal-as-name", "root", names="DNS:127.0.0.1")
    ca.make("no-names", "root", names="", subject="/CN=other.example")
    ca.make("expired", "root", start="20260101000000Z", end="20260301000000Z")
    ca.make("future", "root", start="20990101000000Z")
    ca.make("old-issuer", "root", authority=True, end="20260301000000Z")
    ca.make("by-old-issuer", "old-issuer")
    ca.make("alone")
    ca.make("client", "root", usage="clientAuth")
    ca.make("not-a-ca", "root")
    ca.make("by-not-a-ca", "not-a-ca")
    ca.make("stranger", authority=True)
    ca.make("by-stranger", "stranger")
    ca.make("strange-name", "stranger", names="DNS:a.example")
    ca.make("rsa-1024", "rsa-root", kind="1024")
    ca.make("weak-root", authority=True, kind="1024")
    ca.make("by-weak-root", "weak-root", kind="2048")
    ca.make("sha1-issuer", "root", authority=True, digest="sha1")
    ca.make("by-sha1-issuer", "sha1-issuer")
    ca.make("sha1", "root", digest="sha1")
    ca.make("sha1-root", authority=True, kind="2048", digest="sha1")
    ca.make("by-sha1-root", "sha1-root")
    ca.make("edwards", "root", kind="ed25519")
    # the same name and another key: what is signed by one is not signed by the other
    ca.make("root-again", authority=True, subject="/O=daneroll tests/CN=root")
    # the root itself, cross-signed by an older one
    ca.make("older-root", authority=True)
    ca.make("cross", "older-root", authority=True, key="root", subject="/O=daneroll tests/CN=root")
    # a chain of as many issuers as one could think of, and too many
    last = "root"
    for number in range(10):
        last = ca.make("link-%d" % number, last, authority=True)
    ca.make("long", "link-5")
    ca.make("too-long", "link-9")


# ---- servers -------------------------------------------------------------------------------------

class Server:
    """Serves connections one after the other with SERVE(socket) until it is left."""

    def __init__(self, serve, address="127.0.0.1"):
        self.serve = serve
        self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.listener.bind((address, 0))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                connection.settimeout(20)
                self.serve(connection, self)
            except OSError:  # what the client thinks of it is looked at on its side
                pass
            finally:
                connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.over.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(30)


def context_of(ca, chain, key=None, least=None, most=None, weak=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        context.set_ciphers("ALL:@SECLEVEL=0")
    if least:
        context.minimum_version = least
    if most:
        context.maximum_version = most
    parts = chain.split()
    context.load_cert_chain(ca.join("serve-%s.pem" % "-".join(parts), *parts),
                            ca.path((key or parts[0]) + ".key"))
    return context


class Speaker:
    """Shakes hands, answers one request with BODY and closes; keeps what it saw of the client."""

    def __init__(self, context, body=b"hello", notify=True):
        self.context, self.body, self.notify = context, body, notify
        self.names, self.protocol, self.version = [], None, None
        context.sni_callback = lambda connection, name, ignored: self.names.append(name)
        context.set_alpn_protocols(["http/1.1"])

    def __call__(self, connection, server):
        with self.context.wrap_socket(connection, server_side=True) as tls:
            self.protocol, self.version = tls.selected_alpn_protocol(), tls.version()
            request = b""
            while b"\r\n\r\n" not in request:
                piece = tls.recv(4096)
                if not piece:
                    return
                request += piece
            tls.sendall(self.body)
            if self.notify:
                tls.unwrap()


def stall(connection, server):
    """Takes what comes and never answers."""
    while connection.recv(4096):
        pass


def after_hello(answer):
    """Waits for the ClientHello, then sends ANSWER and closes."""
    def serve(connection, server):
        connection.recv(4096)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    return serve


def reset(connection, server):
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_a_hello(connection, server):
    """The header and the first octets of a ServerHello, then nothing."""
    connection.recv(4096)
    connection.sendall(bytes.fromhex("160303007a020000760303") + b"\x11" * 16)
    stall(connection, server)


# ---- the client ----------------------------------------------------------------------------------

class Answer:
    def __init__(self, done, seconds):
        self.code, self.seconds = done.returncode, seconds
        self.text = done.stdout.decode("utf-8", "replace")
        self.errors = done.stderr.decode("utf-8", "replace")
        match = re.search(r"^VmHWM:\s*(\d+) kB$", self.text, re.M)
        self.memory = int(match.group(1)) * 1024 if match else None

    def __str__(self):
        return "exit %d after %.2f s: %s%s" % (self.code, self.seconds, self.text[:2000],
                                               self.errors[-2000:])


def probe(host, port, *options, env=None, **more):
    start = time.monotonic()
    done = subprocess.run([PROBE] + list(options) + [host, str(port)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60, check=False,
                          env=dict(os.environ, **(env or {})), **more)
    return Answer(done, time.monotonic() - start)


def accepted(name, answer):
    report(name, answer.code == 0 and answer.text.startswith("connected\n"), answer)


def refused(name, answer, error, *words):
    first = answer.text.split("\n", 1)[0]
    report(name, answer.code == 1 and first.startswith(error + ": ") and not answer.errors and
           all(word in first for word in words), answer)


# ---- the tests -----------------------------------------------------------------------------------

def test_good(ca):
    root = ("--ca-file", ca.path("root.pem"))
    both = [("TLS 1.2", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
            ("TLS 1.3", ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
    for version, only, spoken in both:
        for chain, trusted in (("good issuer", "root"), ("rsa", "rsa-root"), ("p384", "p384-root")):
            speaker = Speaker(context_of(ca, chain, least=only, most=only))
            with Server(speaker) as server:
                answer = probe("localhost", server.port, "--get", "/", "--ca-file",
                               ca.path(trusted + ".pem"))
            report("%s with %s" % (version, chain.split()[0]),
                   answer.code == 0 and answer.text.startswith("connected\nhello") and
                   speaker.version == spoken, answer)
    report("the server's name is sent, and http/1.1",
           speaker.names == ["localhost"] and speaker.protocol == "http/1.1",
           (speaker.names, speaker.protocol))
    speaker = Speaker(context_of(ca, "good issuer"))
    with Server(speaker) as server:
        accepted("an IPv4 literal among the names", probe("127.0.0.1", server.port, *root))
    report("a literal is not sent as server name", speaker.names == [None], speaker.names)
    try:
        with Server(Speaker(context_of(ca, "v6")), "::1") as server:
            accepted("an IPv6 literal among the names", probe("::1", server.port, *root))
            accepted("an IPv6 literal in another form", probe("0:0::0:1", server.port, *root))
    except OSError:
        print("ok - an IPv6 literal among the names # SKIP no IPv6 on this machine's loopback")
    with Server(Speaker(context_of(ca, "good issuer"))) as server:
        accepted("localhost, of whose addresses one may be dead",
                 probe("localhost", server.port, *root))
        accepted("SSL_CERT_FILE", probe("localhost", server.port,
                                        env={"SSL_CERT_FILE": ca.path("root.pem")}))
        accepted("--ca-file before SSL_CERT_FILE",
                 probe("localhost", server.port, *root, env={"SSL_CERT_FILE": "/nonexistent"}))
    with Server(Speaker(context_of(ca, "alone"))) as server:
        # what is trusted must be a CA (RFC 5280 section 4.2.1.9)
        refused("a self-signed certificate that is no CA, even in the CA file",
                probe("localhost", server.port, "--ca-file", ca.path("alone.pem")), "NET_UNTRUSTED",
                "alone")


def test_data(ca):
    root = ("--ca-file", ca.path("root.pem"))
    body = bytes(range(32, 127)) * (LARGE // 95)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        speaker = Speaker(context_of(ca, "direct", least=version, most=version), body)
        with Server(speaker) as server:
            answer = probe("localhost", server.port, "--get", "/", *root)
        report("%d octets over %s" % (len(body), speaker.version),
               answer.code == 0 and body.decode() in answer.text, answer)
        speaker = Speaker(context_of(ca, "direct", least=version, most=version), notify=False)
        with Server(speaker) as server:
            answer = probe("localhost", server.port, "--get", "/", *root)
        report("an end without close_notify over %s" % speaker.version,
               answer.code != 0 and "hello" in answer.text and "NET_ENDED: read" in answer.text,
               answer)
    context = context_of(ca, "direct")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(ca.path("root.pem"))
    with Server(Speaker(context)) as server:
        accepted("a server that would like a client certificate",
                 probe("localhost", server.port, "--get", "/", *root))


def test_chains(ca):
    def one(name, chain, check, trusted="root", host="localhost", **context):
        with Server(Speaker(context_of(ca, chain, **context))) as server:
            check(name, probe(host, server.port, "--ca-file",
                              ca.join("trusted.pem", *trusted.split())))

    def untrusted(*words):
        return lambda name, answer: refused(name, answer, "NET_UNTRUSTED", *words)

    one("an unknown issuer is named", "by-stranger",
        untrusted('the issuer "CN=stranger, O=daneroll tests" is not among ', "trusted.pem"))
    one("an unknown root that was sent is named", "by-stranger stranger",
        untrusted('self-signed "CN=stranger, O=daneroll tests"'))
    one("a self-signed certificate", "alone", untrusted('the self-signed "CN=alone'))
    one("a missing intermediate is named", "good", untrusted('the issuer "CN=issuer'))
    one("the intermediate as a trusted root", "good", accepted, "issuer")
    one("another name", "elsewhere",
        untrusted("is for a.example, b.example, 192.0.2.7, 2001:db8::7 and 2 more, "
                  "not for localhost"))
    one("another address", "v6", untrusted("is for six.example, ::1, not for 127.0.0.1"),
        host="127.0.0.1")
    one("an address as dNSName", "literal-as-name", untrusted("not for 127.0.0.1"),
        host="127.0.0.1")
    one("a certificate without names", "no-names",
        untrusted('is for "CN=other.example", not for localhost'))
    one("an expired certificate", "expired",
        untrusted('"CN=expired, O=daneroll tests" expired on 2026-03-01T00:00:00Z', "our clock"))
    one("an expired intermediate", "by-old-issuer old-issuer",
        untrusted('"CN=old-issuer, O=daneroll tests" expired on 2026-03-01T00:00:00Z'))
    one("a certificate of the future", "future",
        untrusted("is not valid before 2099-01-01T00:00:00Z (our clock says 2"))
    one("two faults at once", "strange-name",
        untrusted('the issuer "CN=stranger', "; ", "is for a.example"))
    one("a certificate for clients only", "client", untrusted("cannot be used for a server"))
    one("an intermediate that is no CA", "by-not-a-ca not-a-ca", untrusted('"CN=not-a-ca'))
    one("a root with another key", "direct", untrusted('the issuer "CN=root'), "root-again")
    one("two roots of one name", "direct", accepted, "root-again root")
    one("two roots of one name, the other way round", "direct", accepted, "root root-again")
    one("a cross-signed root by the root", "direct cross", accepted, "root")
    one("a cross-signed root by the older root", "direct cross", accepted, "older-root")
    one("a cross-signed root by neither", "direct cross", untrusted('the issuer "CN=older-root'),
        "stranger")
    one("an RSA key of 1024 bits", "rsa-1024", untrusted("RSA below 2048 bits"), "rsa-root",
        weak=True)
    one("a root of 1024 bits", "by-weak-root", untrusted("RSA below 2048 bits"), "weak-root",
        weak=True)
    one("a certificate signed with SHA-1", "sha1", untrusted("not SHA-2"), weak=True)
    one("an intermediate signed with SHA-1", "by-sha1-issuer sha1-issuer", untrusted("not SHA-2"),
        weak=True)
    one("a root that signed itself with SHA-1", "by-sha1-root", accepted, "sha1-root")
    one("a root that signed itself with SHA-1, sent along", "by-sha1-root sha1-root", accepted,
        "sha1-root", weak=True)
    one("a chain of six issuers", "long " + " ".join("link-%d" % n for n in range(5, -1, -1)),
        accepted)
    one("a chain of ten issuers", "too-long " + " ".join("link-%d" % n for n in range(9, -1, -1)),
        untrusted("too long"))
    one("a key that is not supported", "edwards",
        lambda name, answer: refused(name, answer, "NET_PROTOCOL", "alert 40"))
    one("an unrelated certificate between", "direct stranger", accepted)
    one("a root of a kind not supported beside the right one", "direct", accepted, "edwards root")


def test_faults(ca):
    root = ("--ca-file", ca.path("root.pem"))
    short = root + ("--total-ms", str(SHORT_MS))

    def one(name, serve, error, *words, options=root, host="127.0.0.1"):
        with Server(serve) as server:
            answer = probe(host, server.port, *options)
        refused(name, answer, error, *words)
        return answer

    for name, serve in (("a server that never answers", stall),
                        ("a server that stops in its hello", half_a_hello)):
        answer = one(name, serve, "NET_TIMEOUT", "no answer in time", options=short)
        report(name + ": at the deadline", SHORT_MS / 1000 <= answer.seconds < 10, answer)
    one("a server that closes after the hello", after_hello(b""), "NET_FAILED",
        "ended the connection in the TLS handshake")
    one("a server that resets", reset, "NET_FAILED", "Connection reset by peer")
    one("a plaintext HTTP server", after_hello(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "NET_PROTOCOL",
        "not TLS")
    one("a mail server", after_hello(b"220 mail.example.org ESMTP\r\n"), "NET_PROTOCOL", "not TLS")
    one("noise", after_hello(bytes(range(256)) * 8), "NET_PROTOCOL")
    one("a record longer than may be", after_hello(b"\x16\x03\x03\xff\xff" + b"x" * 9999),
        "NET_PROTOCOL")
    one("an empty handshake record", after_hello(b"\x16\x03\x03\x00\x00"), "NET_PROTOCOL")
    one("an alert for the name", after_hello(b"\x15\x03\x03\x00\x02\x02\x70"), "NET_PROTOCOL",
        "alert 112 unrecognized_name")
    one("an alert without a name", after_hello(b"\x15\x03\x03\x00\x02\x02\xfe"), "NET_PROTOCOL",
        "alert 254")
    old = context_of(ca, "direct", least=ssl.TLSVersion.TLSv1, most=ssl.TLSVersion.TLSv1_1,
                     weak=True)
    one("TLS 1.1 and no newer", Speaker(old), "NET_PROTOCOL", "alert 70 protocol_version")
    static_rsa = context_of(ca, "rsa", most=ssl.TLSVersion.TLSv1_2)
    static_rsa.set_ciphers("AES128-SHA")
    one("a server with old ciphers only", Speaker(static_rsa), "NET_PROTOCOL", "alert 40")

    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    refused("nobody listens", probe("localhost", closed.getsockname()[1], *root), "NET_FAILED",
            " port %d: Connection refused" % closed.getsockname()[1])
    closed.close()
    refused("no such name", probe("..", 443, *root), "NET_NO_ADDRESS")

    with Server(Speaker(context_of(ca, "direct"))) as server:
        for name, path in (("that is not there", "/nonexistent/ca.pem"), ("without certificates",
                           ca.path("root.key")), ("that is a directory", ca.directory)):
            refused("a CA file " + name, probe("localhost", server.port, "--ca-file", path),
                    "NET_NO_TRUST", path)
            refused("SSL_CERT_FILE " + name,
                    probe("localhost", server.port, env={"SSL_CERT_FILE": path}), "NET_NO_TRUST",
                    path)
        refused("the built-in anchors know nothing of this",
                probe("localhost", server.port, "--builtin"), "NET_UNTRUSTED", '"CN=root',
                "the built-in CA certificates", "--ca-file")


def test_memory(ca):
    """The whole store, in which the wanted root comes last."""
    everything = ca.join("everything.pem", BUNDLE, "root")
    body = b"x" * LARGE
    with Server(Speaker(context_of(ca, "good issuer"), body)) as server:
        answer = probe("localhost", server.port, "--get", "/", "--ca-file", everything)
    report("%s octets of memory with %s" % (answer.memory, BUNDLE),
           answer.code == 0 and body.decode() in answer.text and answer.memory is not None and
           answer.memory < MEMORY_MOST, answer)


def bundle_reads(ca, trusted, *arguments):
    """How often the file of trusted certificates is read by one call, and the call's exit code."""
    trace = ca.path("trace")
    done = subprocess.run(["strace", "-o", trace, "-e", "trace=read", "-P", trusted, PROBE] +
                          list(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)
    with open(trace, encoding="ascii", errors="replace") as lines:
        return sum(line.startswith("read(") for line in lines), done.returncode


def test_known(ca):
    """Good verdicts are kept, and stand for this chain, this host and these trusted ones alone."""
    trusted, known = ca.join("trusted.pem", BUNDLE, "root"), ca.path("known")
    options = ("--ca-file", trusted, "--known", known)

    def kept():
        return os.path.getsize(known) // 32 if os.path.exists(known) else 0

    with Server(Speaker(context_of(ca, "good issuer"))) as server:
        port = str(server.port)
        first, code = bundle_reads(ca, trusted, *options, "localhost", port)
        second, again = bundle_reads(ca, trusted, *options, "localhost", port)
        report("a known chain: trusted certificates read %d times, then %d" % (first, second),
               code == again == 0 and second < first / 10 and kept() == 1)
        accepted("known by another name of its", probe("127.0.0.1", port, *options))
        report("that is a verdict of its own", kept() == 2, kept())
    for chain, words in (("by-stranger", "is not among"), ("elsewhere", "is for a.example"),
                         ("expired", "expired on")):
        with Server(Speaker(context_of(ca, chain))) as server:
            for call in ("", ", once more"):
                refused("beside what is known: " + chain + call,
                        probe("localhost", server.port, *options), "NET_UNTRUSTED", words)
    report("what was refused is not kept", kept() == 2, kept())
    with Server(Speaker(context_of(ca, "good issuer"))) as server:
        ca.join("trusted.pem", BUNDLE, "stranger")
        refused("known, and no longer trusted", probe("localhost", server.port, *options),
                "NET_UNTRUSTED", "is not among")
        for damage in (b"", b"\0" * 31, b"\xff" * 4096):
            with open(known, "wb") as out:
                out.write(damage)
            refused("%d octets of damage where verdicts are kept" % len(damage),
                    probe("localhost", server.port, *options), "NET_UNTRUSTED", "is not among")
        ca.join("trusted.pem", BUNDLE, "root")
        accepted("trusted again", probe("localhost", server.port, *options))
        os.unlink(known)
        os.mkdir(known)
        accepted("verdicts that cannot be kept", probe("localhost", server.port, *options))


def test_chroot(ca):
    if os.geteuid() != 0:
        print("ok - an empty chroot # SKIP not root")
        return
    jail = ca.path("jail")
    os.mkdir(jail)
    shutil.copy(PROBE, jail + "/tlsprobe")
    shutil.copy(ca.path("root.pem"), jail + "/root.pem")

    def inside(port, *options):
        done = subprocess.run(["/tlsprobe"] + list(options) + ["127.0.0.1", str(port)], cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, timeout=60,
                              stdin=subprocess.DEVNULL, check=False,
                              preexec_fn=lambda: (os.chroot(jail), os.chdir("/")))
        return Answer(done, 0)

    with Server(Speaker(context_of(ca, "direct"))) as server:
        accepted("an empty chroot", inside(server.port, "--ca-file", "/root.pem"))
        refused("an empty chroot without a bundle", inside(server.port), "NET_UNTRUSTED",
                "the built-in CA certificates", "there is no CA bundle")


def main():
    if not os.access(PROBE, os.X_OK):
        report("%s is there (tests/tools/tlsprobe.c)" % PROBE, False)
        return 1
    os.environ.pop("SSL_CERT_FILE", None)
    directory = tempfile.mkdtemp(prefix="daneroll-test-")
    try:
        ca = Authority(directory)
        make_all(ca)
        test_good(ca)
        test_data(ca)
        test_chains(ca)
        test_faults(ca)
        if VARIANT == "target":
            test_memory(ca)
            test_known(ca)
            test_chroot(ca)
    finally:
        shutil.rmtree(directory)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
