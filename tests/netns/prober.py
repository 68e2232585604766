"""Clients that do what RFC 7672 asks of senders, at a steady rate, and count what does not fit.

Each client looks at one service on one address. It takes the TLSA RRset from three places, each time
as a cache that holds it to its end: Unbound (secure answers only), and each of the two authoritative
servers, as the cache of a resolver elsewhere that happens to ask that one. All three must fit each
handshake; so a rollover that is right by the luck of one cache's timing is caught all the same.

How long an answer is held: for its TTL and one second more, as Postfix does; with Unbound's rounding
and the handshake a use at TTL + 3 s is possible (measured). A handshake that ends later than
GRACE after that is not compared, for it proves nothing: `late`.
"""

import hashlib
import socket
import ssl
import threading
import time

import names
from names import MX, OWNERS, RD, SERVICES
from probe import spki

HELD_LONGER = 1.0      # seconds, beyond the TTL
GRACE = 1.0
INTERVAL = 0.25        # seconds between two handshakes of one client
PATIENCE = 5           # seconds for each step of a handshake
ATTEMPTS = 2           # a connection may be cut by a reload once
ANSWER_MOST = 4096
HASHES = {1: hashlib.sha256, 2: hashlib.sha512}


def fits(records, certificate):
    """Whether clients accept the leaf: one that knows SHA-256 only, and one that prefers SHA-512
    (RFC 7671 section 9: of each usage and selector the strongest digest alone counts). Usage 3."""
    digests = {(selector, matching): method(data).hexdigest()
               for selector, data in ((0, certificate), (1, spki(certificate)))
               for matching, method in HASHES.items()}
    parsed = [record.split() for record in records]
    rows = [(int(s), int(m), data) for u, s, m, data in parsed
            if u == "3" and s in "01" and m in "12"]
    for known in ((1,), (1, 2)):
        usable = [row for row in rows if row[1] in known]
        strongest = {s: max(m for t, m, _ in usable if t == s) for s, _, _ in usable}
        if not any(strongest[s] == m and digests[s, m] == data for s, m, data in usable):
            return False
    return True


class Held:
    """The RRset of one owner name, from one place, as a cache there has it."""

    def __init__(self, place, server, owner, validated):
        self.place, self.server, self.owner, self.validated = place, server, owner, validated
        self.expires = 0.0
        self.records = []
        self.good = True      # at the last comparison

    def lookup(self, now):
        """The records; raises OSError if the place gives none that may be used."""
        if now >= self.expires:
            answer = names.ask(self.server, self.owner, flags=RD if self.validated else 0)
            wanted = names.AD if self.validated else names.AA
            if answer.rcode not in (names.NOERROR, names.NXDOMAIN) or not answer.flags & wanted:
                raise OSError("%s: code %d, flags %#x" % (self.place, answer.rcode, answer.flags))
            ttl, self.records = names.rrset(answer)
            self.expires = now + (ttl or 0) + HELD_LONGER
        return self.records


class Client(threading.Thread):
    def __init__(self, tree, port, address, note):
        super().__init__(daemon=True)
        self.port, self.address, self.note = port, address, note
        self.name = "%s %s" % (SERVICES[port], address)
        owner = OWNERS[list(SERVICES).index(port)]
        self.held = [Held("Unbound", tree.unbound, owner, True)] + [
            Held(server.node.name, server.address, owner, False) for server in tree.secondaries]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False   # usage 3: neither names nor issuer nor dates count
        self.context.verify_mode = ssl.CERT_NONE
        self.keys = []                        # each that was served, in the order of its coming
        self.compared = self.mismatches = self.denials = self.no_answer = self.no_handshake = 0
        self.cut = self.late = 0
        self.fault = None
        self.ending = threading.Event()

    def run(self):
        due = time.monotonic()
        try:
            while not self.ending.wait(max(0.0, due - time.monotonic())):
                due = max(due + INTERVAL, time.monotonic())
                self.once()
        except Exception as error:
            self.fault = "%s: %r" % (self.name, error)

    def once(self):
        now = time.monotonic()
        sets = []
        for held in self.held:
            try:
                sets.append((held, held.lookup(now)))
            except OSError as error:
                self.no_answer += 1
                self.note("%s: no answer: %s" % (self.name, error))
        certificate = self.shake()
        if certificate is None:
            return
        done = time.monotonic()
        key = hashlib.sha256(spki(certificate)).hexdigest()
        if not self.keys or self.keys[-1] != key:
            self.keys.append(key)
        for held, records in sets:
            self.compare(held, records, certificate, done)

    def compare(self, held, records, certificate, done):
        good = bool(records) and fits(records, certificate)
        if not good and done > held.expires + GRACE:
            self.late += 1
            return
        self.compared += 1
        self.denials += not records
        self.mismatches += bool(records) and not good
        if not good and held.good:
            self.note("%s: %s holds %s, served is %s..." % (
                self.name, held.place, " and ".join(r[:14] + "..." for r in records) or "no record",
                hashlib.sha256(spki(certificate)).hexdigest()[:8]))
        held.good = good

    def shake(self):
        """The leaf that is served; None if there is no handshake at all."""
        for _ in range(ATTEMPTS):
            try:
                return self.handshake()
            except (OSError, ssl.SSLError) as error:
                self.cut += 1
                said = error
        self.no_handshake += 1
        self.note("%s: no handshake: %s" % (self.name, said))
        return None

    def handshake(self):
        with socket.create_connection((self.address, self.port), PATIENCE) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.port == 25:
                self.starttls(plain)
            with self.context.wrap_socket(plain, server_hostname=MX) as tls:
                return tls.getpeercert(binary_form=True)

    def starttls(self, plain):
        for command, code in ((None, b"220 "), (b"EHLO client.invalid", b"250 "),
                              (b"STARTTLS", b"220 ")):
            if command:
                plain.sendall(command + b"\r\n")
            answer = b""
            while not (answer.endswith(b"\r\n") and answer.split(b"\r\n")[-2][:4] == code):
                more = plain.recv(ANSWER_MOST)
                if not more or len(answer) > ANSWER_MOST:
                    raise OSError("the service said %r" % answer)
                answer += more


class Prober:
    NOTES_MOST = 30

    def __init__(self, tree, addresses):
        self.notes = []
        self.start_time = time.monotonic()
        self.clients = [Client(tree, port, address, self.note)
                        for port in SERVICES for address in addresses]

    def note(self, words):
        if len(self.notes) < self.NOTES_MOST:
            self.notes.append("%6.1f s: %s" % (time.monotonic() - self.start_time, words))

    def start(self):
        for client in self.clients:
            client.start()

    def stop(self):
        for client in self.clients:
            client.ending.set()
        for client in self.clients:
            client.join(30)

    def total(self, what):
        return sum(getattr(client, what) for client in self.clients)

    def all_show(self, key):
        """Whether the last handshake of every client showed KEY."""
        return all(client.keys and client.keys[-1] == key for client in self.clients)

    def faults(self):
        return [client.fault for client in self.clients if client.fault]
