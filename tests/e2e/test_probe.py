#!/usr/bin/env python3
"""The probe against real servers, by way of tests/tools/probetool.c: what each shows for each kind of
key, compared with the digests that openssl makes of the certificate that it was given.

TIMEOUT: 300
"""

import os
import re
import subprocess
import sys

from lab import BUILD, TARGET, VARIANT, case, check, main, same
from maillab import Servers

TOOL = os.path.join(BUILD, TARGET if VARIANT == "target" else "asan", "tools", "probetool")
DOMAIN = "mail.example.org"
MEMORY_MOST = 1000 * 1000  # octets of VmHWM
WEAK = "ALL:@SECLEVEL=0"   # what OpenSSL needs to be as old as some servers are

servers = Servers()
make = servers.maker.make


class Seen:
    """What the tool has printed."""

    def __init__(self, text):
        self.text = text
        self.code, self.words, self.memory = None, "", 0
        self.chain = []
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "code":
                self.code = rest
            elif word == "proven":
                self.proven = rest == "1"
            elif word in ("leaf", "issuer"):
                self.chain.append(tuple(rest.split()))
            elif word == "words":
                self.words = rest
            elif line.startswith("VmHWM:"):
                self.memory = int(re.search(r"\d+", line).group()) * 1024


def run_tool(*words):
    done = subprocess.run([TOOL, "127.0.0.1", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    text = done.stdout.decode("utf-8", "replace")
    same(done.returncode, 0, text)
    seen = Seen(text)
    if VARIANT == "target":
        check(seen.memory <= MEMORY_MOST, "VmHWM is", seen.memory)
    return seen


def probe(port, service, algorithm, domain=DOMAIN, unexpected=True):
    """UNEXPECTED: also as for a kind of key that is not expected, which must come to the same."""
    words = (str(port), service, domain, algorithm)
    seen = run_tool(*words)
    if unexpected:
        other = run_tool(*words, "unexpected")
        for name in ("code", "proven", "chain"):
            same(getattr(other, name), getattr(seen, name), name, other.text, seen.text)
    return seen


def served(port, service, algorithm, certificate, proven=True, domain=DOMAIN, unexpected=True):
    """The chain of CERTIFICATE is seen, as it was sent."""
    seen = probe(port, service, algorithm, domain, unexpected)
    where = "%s %s: %s" % (service, algorithm, seen.text)
    same(seen.code, "served", where)
    whole = [certificate] + certificate.issuers
    same(seen.chain, [one.digests() for one in whole[:10]], where)
    same(seen.proven, proven, where)
    same(seen.words == "", proven, where)
    return seen


def lacks(port, service, algorithm):
    seen = probe(port, service, algorithm)
    same(seen.code, "other-algorithm", seen.text)
    same(seen.chain, [])
    check("alert 40" in seen.words, seen.text)
    return seen


def options(certificate, more=()):
    chain = ("-cert_chain", certificate.above) if certificate.issuers else ()
    return ("-cert", certificate.file, "-key", certificate.key) + chain + tuple(more)


# ---- servers that people run ---------------------------------------------------------------------

@case("Postfix, two certificates, over SMTP and over TLS")
def _():
    first, second = make("postfix-ec"), make("postfix-rsa", "2048")
    server = servers.postfix(["smtpd_tls_security_level = may", "smtpd_tls_chain_files = %s, %s"
                              % (first.combined, second.combined)])
    for _ in range(2):
        served(server.ports[0], "smtp", "ecdsa", first, unexpected=False)
        served(server.ports[0], "submission", "rsa", second, unexpected=False)
    check(server.wait_for_log("ehlo=1 starttls=1 quit=1 commands=3"), server.log())
    # Not a word that a look at the log, or fail2ban, would take for trouble.
    for trouble in ("lost connection after", "SSL_accept error", "too many errors", "warning: TLS"):
        check(trouble not in server.log(), trouble, server.log())
    served(server.ports[1], "submissions", "ecdsa", first)
    served(server.ports[1], "465/tls", "rsa", second)


@case("Postfix, a kind that is not there is asked for without a word of trouble")
def _():
    one = make("postfix-alone")
    server = servers.postfix(["smtpd_tls_security_level = may",
                              "smtpd_tls_chain_files = " + one.combined])
    same(run_tool(str(server.ports[0]), "smtp", DOMAIN, "rsa", "unexpected").code,
         "other-algorithm")
    check(server.wait_for_log("disconnect from"), server.log())
    check("too many errors" not in server.log(), server.log())


@case("TLS 1.2 has suites for one certificate only, TLS 1.3 shows both")
def _():
    first, second = make("half-ec"), make("half-rsa", "2048")
    port = servers.openssl(*options(first, ("-dcert", second.file, "-dkey", second.key, "-cipher",
                                            "ECDHE-RSA-AES128-GCM-SHA256")))
    served(port, "tls", "ecdsa", first)
    served(port, "tls", "rsa", second)


@case("TLS 1.3 cannot use a certificate that TLS 1.2 shows")
def _():
    first, second = make("only12-k256", "k256"), make("only12-rsa", "2048")
    port = servers.openssl(*options(first, ("-dcert", second.file, "-dkey", second.key)))
    served(port, "tls", "ecdsa", first, proven=False)
    served(port, "tls", "rsa", second)


@case("Postfix, Ed25519 and RSA")
def _():
    first, second = make("postfix-ed", "ed25519"), make("postfix-ed-rsa", "2048")
    server = servers.postfix(["smtpd_tls_security_level = may", "smtpd_tls_chain_files = %s, %s"
                              % (first.combined, second.combined)])
    served(server.ports[0], "smtp", "ecdsa", first, proven=False)
    served(server.ports[0], "smtp", "rsa", second)


@case("Postfix, one certificate with its issuers")
def _():
    root = make("postfix-root", extensions="authority")
    issuer = make("postfix-issuer", issuer=root, extensions="authority")
    leaf = make("postfix-leaf", issuer=issuer)
    server = servers.postfix(["smtpd_tls_security_level = may",
                              "smtpd_tls_chain_files = " + leaf.combined])
    served(server.ports[0], "smtp", "ecdsa", leaf)
    lacks(server.ports[0], "smtp", "rsa")


@case("Postfix without TLS, and with a key that does not fit")
def _():
    server = servers.postfix(["smtpd_tls_security_level = none"])
    seen = probe(server.ports[0], "smtp", "ecdsa")
    same((seen.code, seen.chain), ("no-starttls", []), seen.text)
    check("offers no STARTTLS" in seen.words, seen.text)
    one, other = make("unfit"), make("unfit-other")
    server = servers.postfix(["smtpd_tls_security_level = may", "smtpd_tls_cert_file = " + one.file,
                              "smtpd_tls_key_file = " + other.key])
    seen = probe(server.ports[0], "smtp", "ecdsa")
    same((seen.code, seen.chain), ("no-tls", []), seen.text)
    check("454 4.7.0" in seen.words, seen.text)
    # Its port for TLS from the first octet ends the connection.
    same(probe(server.ports[1], "submissions", "ecdsa").code, "no-tls")


@case("Dovecot: IMAP, POP3, ManageSieve, and over TLS")
def _():
    first, second = make("dovecot-rsa", "2048"), make("dovecot-ec", "p384")
    server = servers.dovecot(first, second)
    for port, service in zip(server.ports, ("imap", "imaps", "pop3", "pop3s", "sieve")):
        served(port, service, "rsa", first)
        served(port, service, "ecdsa", second)
    for protocol in ("imap", "pop3", "managesieve"):
        check(server.wait_for_log(protocol + "-login.*logging out"), server.log())
    check("Error" not in server.log() and "Warning" not in server.log(), server.log())


@case("nginx, two certificates and one")
def _():
    first, second = make("nginx-ec"), make("nginx-rsa", "2048")
    port = servers.nginx(first, second).ports[0]
    served(port, "https", "ecdsa", first)
    served(port, "https", "rsa", second)
    server = servers.nginx(second)
    served(server.ports[0], "https", "rsa", second)
    lacks(server.ports[0], "https", "ecdsa")


@case("Prosody: clients and servers")
def _():
    one = make("prosody")
    server = servers.prosody(one, DOMAIN)
    for port, service in zip(server.ports, ("xmpp-client", "xmpp-server")):
        served(port, service, "ecdsa", one)
        lacks(port, service, "rsa")
        seen = probe(port, service, "ecdsa", "other.example.org")
        same(seen.code, "unseen", seen.text)
        check("host-unknown" in seen.words, seen.text)


@case("another protocol than expected")
def _():
    server = servers.dovecot(make("other-rsa", "2048"), make("other-ec"))
    imap, imaps, pop3 = server.ports[:3]
    for port, service, code in ((imap, "smtp", "no-starttls"), (pop3, "imap", "no-starttls"),
                                (imap, "https", "no-tls"),
                                (imaps, "pop3", ("unseen", "no-starttls"))):
        seen = probe(port, service, "ecdsa")
        check(seen.code in code, service, seen.text)
        check(seen.words != "" and seen.chain == [], seen.text)


# ---- certificates of every kind ------------------------------------------------------------------

# name, kind of key, how it is made, more of s_server, which look shows it, and whether to its end
KINDS = [
    ("RSA", "2048", {}, (), "rsa", True),
    ("RSA of 4096 bits", "4096", {}, (), "rsa", True),
    ("RSA of 1024 bits", "1024", {}, ("-cipher", WEAK), "rsa", True),
    ("P-256", "p256", {}, (), "ecdsa", True),
    ("P-384", "p384", {}, (), "ecdsa", True),
    ("P-521", "p521", {}, (), "ecdsa", True),
    ("secp256k1", "k256", {}, (), "ecdsa", False),
    ("RSA-PSS", "pss", {}, (), "rsa", False),
    ("Ed25519", "ed25519", {}, (), "ecdsa", False),
    ("Ed448", "ed448", {}, (), "ecdsa", False),
    ("expired", "p256", {"end": "20260301000000Z"}, (), "ecdsa", True),
    ("not yet valid", "2048", {"start": "20990101000000Z"}, (), "rsa", True),
    ("signed with SHA-1", "2048", {"digest": "sha1"}, ("-cipher", WEAK), "rsa", True),
    ("signed with MD5", "2048", {"digest": "md5"}, ("-cipher", WEAK), "rsa", False),
    ("version 1", "2048", {"extensions": "none"}, (), "rsa", True),
    ("TLS 1.3 only, ECDSA", "p256", {}, ("-tls1_3",), "ecdsa", True),
    ("TLS 1.3 only, RSA", "2048", {}, ("-tls1_3",), "rsa", True),
    ("TLS 1.2 only, ECDSA", "p256", {}, ("-tls1_2",), "ecdsa", True),
    ("TLS 1.2 only, RSA", "2048", {}, ("-tls1_2",), "rsa", True),
    ("TLS 1.1 only", "2048", {}, ("-tls1_1", "-cipher", WEAK), "rsa", False),
    ("TLS 1.0 only", "2048", {}, ("-tls1", "-cipher", WEAK), "rsa", False),
    ("TLS 1.0 only, ECDSA", "p256", {}, ("-tls1", "-cipher", WEAK), "ecdsa", False),
    ("CBC only", "p256", {}, ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"), "ecdsa", False),
    ("RSA key exchange only", "2048", {}, ("-tls1_2", "-cipher", "AES128-SHA"), "rsa", False),
    ("DHE only", "2048", {}, ("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"), "rsa", False),
    ("asks for a client's certificate", "p256", {}, ("-verify", "1"), "ecdsa", True),
    ("insists on one, TLS 1.3", "p256", {}, ("-Verify", "1"), "ecdsa", True),
    ("insists on one, TLS 1.2", "2048", {}, ("-Verify", "1", "-tls1_2"), "rsa", False),
    ("another group", "2048", {}, ("-groups", "P-521"), "rsa", True),
]


def of_kind(row):
    name, kind, how, more, algorithm, proven = row
    stem = re.sub(r"\W+", "-", name)
    one = make(stem, kind, **how)
    port = servers.openssl(*options(one, more))
    served(port, "tls", algorithm, one, proven)
    lacks(port, "tls", "ecdsa" if algorithm == "rsa" else "rsa")


for row in KINDS:
    case("one of " + row[0])(lambda row=row: of_kind(row))


@case("a TLS 1.3 server whose key is of Ed25519 stays unseen, and that is said")
def _():
    port = servers.openssl(*options(make("ed-13", "ed25519"), ("-tls1_3",)))
    seen = lacks(port, "tls", "ecdsa")
    check("Ed25519 key would not be seen" in seen.words, seen.text)
    check("Ed25519" not in lacks(port, "tls", "rsa").words)


@case("chains: of three, by another algorithm, unreadable for Mbed TLS, longer than is looked at")
def _():
    root = make("root", "2048", extensions="authority")
    issuer = make("issuer", "p384", issuer=root, extensions="authority")
    edwards = make("edwards", "ed25519", extensions="authority")
    leafs = [(make("of-three", issuer=issuer), True), (make("by-edwards", issuer=edwards), False)]
    longer = root
    for n in range(11):
        longer = make("long-%d" % n, issuer=longer, extensions="authority")
    leafs.append((make("of-long", issuer=longer), True))
    for leaf, proven in leafs:
        for version in ("-tls1_2", "-tls1_3"):
            port = servers.openssl(*options(leaf, (version,)))
            served(port, "tls", "ecdsa", leaf, proven)


@case("two certificates in one server, by each version")
def _():
    first, second = make("both-ec"), make("both-rsa", "2048")
    for version in ("-tls1_2", "-tls1_3"):
        port = servers.openssl(*options(first, ("-dcert", second.file, "-dkey", second.key,
                                                version)))
        served(port, "tls", "ecdsa", first)
        served(port, "tls", "rsa", second)


@case("the server name decides")
def _():
    usual, named = make("usual"), make("named")
    port = servers.openssl(*options(usual, ("-servername", "b.example.org", "-cert2", named.file,
                                            "-key2", named.key)))
    served(port, "tls", "ecdsa", named, domain="b.example.org")
    served(port, "tls", "ecdsa", named, domain="B.EXAMPLE.org.")
    served(port, "tls", "ecdsa", usual, domain="a.example.org")
    served(port, "tls", "ecdsa", usual, domain="-")
    port = servers.openssl(*options(usual, ("-servername", "b.example.org", "-cert2", named.file,
                                            "-key2", named.key, "-servername_fatal")))
    seen = probe(port, "tls", "ecdsa", "a.example.org")
    same(seen.code, "no-tls", seen.text)
    check("alert 112" in seen.words, seen.text)


@case("addresses of names and literals")
def _():
    done = subprocess.run([TOOL, "--addresses", "::1", "127.0.0.1", "localhost", "127.0.0.1"],
                          stdout=subprocess.PIPE, check=False)
    same((done.returncode, done.stdout.decode().split()), (0, ["127.0.0.1", "::1"]))


if __name__ == "__main__":
    with servers:
        code = main()
    sys.exit(code)
