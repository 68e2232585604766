"""What senders see: caches that hold TLSA records for their TTL, and handshakes with the service.

A sender looks the TLSA records up, in a cache, and then shakes hands. The probe does the same over
and over, with several caches: some ask the zone itself, some ask another cache and hold the answer
for the whole TTL once more, as simple forwarders do. All are out of step with each other.
"""

import hashlib
import socket
import ssl
import threading
import time

NEGATIVE_TTL = 2      # seconds that "no such record" is kept
PAUSE = 0.004         # seconds between two handshakes
LATE = 0.8            # seconds from look-up to handshake; the demo's wait-margin is 1 s, not 300
CONNECT_SECONDS = 5
ANSWER_MOST = 4096


# ---- the key of a certificate ----------------------------------------------------------------

def element(octets, at):
    """(begin of the value, end of the value) of the DER element at AT."""
    length = octets[at + 1]
    begin = at + 2
    if length & 0x80:
        size = length & 0x7f
        length = int.from_bytes(octets[begin:begin + size], "big")
        begin += size
    if begin + length > len(octets):
        raise ValueError("the certificate ends early")
    return begin, begin + length


def spki(certificate):
    """The SubjectPublicKeyInfo of a certificate, tag and length included (RFC 5280 section 4.1)."""
    at = element(certificate, element(certificate, 0)[0])[0]
    if certificate[at] == 0xa0:                  # version
        at = element(certificate, at)[1]
    for _ in range(5):                           # serial number, signature, issuer, validity, subject
        at = element(certificate, at)[1]
    return certificate[at:element(certificate, at)[1]]


def key_of(certificate):
    return hashlib.sha256(spki(certificate)).hexdigest()


# ---- caches ----------------------------------------------------------------------------------

class Cache:
    """Holds one RRset. ASK gives a dictionary with `ttl` and `records`, as the name server shows it."""

    def __init__(self, ask, first):
        self.ask = ask
        self.expires = first  # monotonic; before its first question it holds nothing
        self.asked = False
        self.records = ()
        self.ttl = NEGATIVE_TTL

    def lookup(self, now):
        if now >= self.expires:
            answer = self.ask(now)
            self.records = tuple(answer["records"])
            self.ttl = answer["ttl"] or NEGATIVE_TTL
            # In step with its former questions, however late this one came.
            late = (now - self.expires) % self.ttl if self.asked else 0
            self.expires = now + self.ttl - late
            self.asked = True
        return self.records

    def held(self, now):
        """For a cache behind this one: the same answer, with its whole TTL."""
        return {"records": self.lookup(now), "ttl": self.ttl if self.records else None}


def caches(ask, start, count):
    """COUNT caches that ask the zone, and one behind each that asks right before that one would."""
    fronts = [Cache(ask, start + NEGATIVE_TTL * i / count) for i in range(count)]
    return fronts + [Cache(front.held, front.expires + 0.95 * NEGATIVE_TTL) for front in fronts]


# ---- the probe -------------------------------------------------------------------------------

class Probe:
    """SAY is called with what is worth a line. Every attribute may be read at any time."""

    def __init__(self, place, ask, say, fronts=4):
        self.place, self.say = place, say
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False      # usage 3: neither names nor issuer count
        self.context.verify_mode = ssl.CERT_NONE
        self.caches = caches(ask, time.monotonic(), fronts)
        self.keys = {}                           # certificate -> key
        self.compared = self.comparisons = 0
        self.mismatches = 0     # handshakes that did not fit what some cache held
        self.unprotected = 0    # cached records had been there, and then were not
        self.late = 0           # too slow to prove anything
        self.failed = 0
        self.served = []        # each key that was seen, in the order of its coming
        self.at_switch = []     # what the caches held when each of them was first seen
        self.shown = None       # what all caches held when they last agreed
        self.protected = False
        self.changed = threading.Condition()
        self.ending = threading.Event()
        self.fault = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.ending.set()
        self.thread.join(4 * CONNECT_SECONDS)

    def wait(self, predicate, seconds):
        """Until PREDICATE, looked at after each handshake, is true; False at the time limit."""
        with self.changed:
            return bool(self.changed.wait_for(lambda: self.fault is not None or predicate(self),
                                              seconds)) and self.fault is None

    def run(self):
        try:
            while not self.ending.wait(PAUSE):
                self.once()
        except Exception as error:  # the main thread must hear of it, whatever it is
            with self.changed:
                self.fault = "%s: %s" % (type(error).__name__, error)
                self.changed.notify_all()

    def once(self):
        start = time.monotonic()
        held = [cache.lookup(start) for cache in self.caches]
        try:
            key = self.handshake()
        except (OSError, ssl.SSLError) as error:
            self.failed += 1
            if self.failed == 1:
                self.say("a handshake failed: %s" % error)
            return
        with self.changed:
            self.note_caches(held)
            if not self.served or self.served[-1] != key:
                self.served.append(key)
                self.at_switch.append(held)
                self.say("the handshake shows key %s..." % key[:12])
            if time.monotonic() - start > LATE:
                self.late += 1
            else:
                self.compare(key, held)
            self.changed.notify_all()

    def compare(self, key, held):
        wanted = "3 1 1 " + key
        with_records = [records for records in held if records]
        self.compared += bool(with_records)
        self.comparisons += len(with_records)
        if self.protected:
            self.unprotected += len(held) - len(with_records)
        missed = [str(number) for number, records in enumerate(held, 1)
                  if records and wanted not in records]
        self.mismatches += bool(missed)
        if missed and self.mismatches == 1:
            self.say("MISMATCH: %s %s no record of the key that is served; mail is deferred" %
                     ("cache" if len(missed) == 1 else "caches",
                      " ".join(missed) + (" holds" if len(missed) == 1 else " hold")))

    def note_caches(self, held):
        if all(records == held[0] for records in held) and held[0] != self.shown:
            self.shown = held[0]
            self.protected = self.protected or bool(held[0])
            if held[0]:
                self.say("all %d caches hold %s" % (len(held), " and ".join(
                    "%s..." % record[:18] for record in held[0])))

    def handshake(self):
        with socket.create_connection((self.place.address, self.place.port),
                                      CONNECT_SECONDS) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.place.dialect == "smtp":
                self.starttls(plain)
            with self.context.wrap_socket(plain, server_hostname="mail.example.org") as tls:
                certificate = tls.getpeercert(binary_form=True)
        if certificate not in self.keys:
            self.keys[certificate] = key_of(certificate)
        return self.keys[certificate]

    def starttls(self, plain):
        self.expect(plain, b"220 ")
        plain.sendall(b"EHLO probe.example\r\n")
        self.expect(plain, b"250 ")
        plain.sendall(b"STARTTLS\r\n")
        self.expect(plain, b"220 ")

    @staticmethod
    def expect(plain, code):
        answer = b""
        while not (answer.endswith(b"\r\n") and answer.split(b"\r\n")[-2][:4] == code):
            more = plain.recv(ANSWER_MOST)
            if not more or len(answer) > ANSWER_MOST:
                raise OSError("the service said %r" % answer)
            answer += more
