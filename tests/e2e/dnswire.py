"""DNS messages by hand for the tests (RFC 1035, 2136, 8945): an implementation of its own, so that
what the program sends is read, and what it is sent is written, by other code than its own."""

import base64
import hashlib
import hmac
import os
import socket
import struct
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DNAME": 39,
         "OPT": 41, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "TLSA": 52, "TSIG": 250,
         "ANY": 255}
IN, NONE, ANY = 1, 254, 255
QUERY, UPDATE = 0, 5
QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5,
          "YXDOMAIN": 6, "YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9, "NOTZONE": 10, "BADSIG": 16,
          "BADKEY": 17, "BADTIME": 18, "BADTRUNC": 22}
HASHES = {"hmac-sha256": hashlib.sha256, "hmac-sha384": hashlib.sha384,
          "hmac-sha512": hashlib.sha512, "hmac-sha1": hashlib.sha1}


def pack_name(name):
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(data, at):
    labels, end, hops = [], None, 0
    while data[at]:
        if data[at] >= 0xC0:
            end = end or at + 2
            at, hops = struct.unpack_from(">H", data, at)[0] & 0x3FFF, hops + 1
            if hops > 64:
                raise ValueError("a loop of pointers")
        else:
            labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
            at += 1 + data[at]
    return ".".join(labels), end or at + 1


def spelled_out(data, at, kind, length):
    """RDATA at AT whose names, if the message compressed them, are written in full."""
    fixed = {TYPES["NS"]: 0, TYPES["CNAME"]: 0, TYPES["DNAME"]: 0, TYPES["SOA"]: 0, TYPES["MX"]: 2}
    if kind not in fixed or not length:
        return data[at:at + length]
    end, out = at + length, data[at:at + fixed[kind]]
    at += fixed[kind]
    for _ in range(2 if kind == TYPES["SOA"] else 1):
        name, at = read_name(data, at)
        out += pack_name(name)
    return out + data[at:end]


def tlsa(text):
    """The RDATA of "3 1 1 HEX"."""
    usage, selector, matching, data = text.split(None, 3)
    return bytes([int(usage), int(selector), int(matching)]) + bytes.fromhex(data)


class Rr:
    def __init__(self, name, kind, cls=IN, ttl=0, data=b"", start=None):
        self.name, self.kind, self.cls, self.ttl, self.data = name, kind, cls, ttl, data
        self.start = start  # in the message it was read from

    def pack(self):
        kind = TYPES.get(self.kind, self.kind)
        return pack_name(self.name) + struct.pack(">HHIH", kind, self.cls, self.ttl,
                                                  len(self.data)) + self.data

    def text(self):
        if self.kind == TYPES["TLSA"] and len(self.data) >= 3:
            return "%d %d %d %s" % (*self.data[:3], self.data[3:].hex())
        return self.data.hex()

    def __repr__(self):
        return "%s %s %s %s %s" % (self.name, self.ttl, self.cls, self.kind, self.text())


class Message:
    def __init__(self, id=None, flags=0, sections=None):
        self.id = struct.unpack(">H", os.urandom(2))[0] if id is None else id
        self.flags = flags
        self.sections = sections or [[], [], [], []]

    @property
    def rcode(self):
        return self.flags & 15

    @property
    def opcode(self):
        return self.flags >> 11 & 15

    def pack(self):
        out = struct.pack(">HHHHHH", self.id, self.flags, *[len(s) for s in self.sections])
        for name, kind, cls in self.sections[0]:
            out += pack_name(name) + struct.pack(">HH", TYPES.get(kind, kind), cls)
        return out + b"".join(rr.pack() for section in self.sections[1:] for rr in section)

    @classmethod
    def read(cls, data):
        number, flags, *counts = struct.unpack_from(">HHHHHH", data)
        message, at = cls(number, flags), 12
        for _ in range(counts[0]):
            name, at = read_name(data, at)
            message.sections[0].append((name,) + struct.unpack_from(">HH", data, at))
            at += 4
        for section in (1, 2, 3):
            for _ in range(counts[section]):
                start = at
                name, at = read_name(data, at)
                kind, klass, ttl, length = struct.unpack_from(">HHIH", data, at)
                at += 10
                if at + length > len(data):
                    raise ValueError("cut")
                rr = Rr(name, kind, klass, ttl, spelled_out(data, at, kind, length), start)
                if kind == TYPES["SOA"]:
                    rr.primary = read_name(data, at)[0]
                if kind == TYPES["CNAME"]:
                    rr.target = read_name(data, at)[0]
                message.sections[section].append(rr)
                at += length
        if at != len(data):
            raise ValueError("octets behind the message")
        return message


def query(name, kind, flags=0):
    return Message(flags=flags, sections=[[(name, kind, IN)], [], [], []])


class Key:
    """A TSIG key."""

    def __init__(self, name="daneroll", algorithm="hmac-sha256", secret=None):
        self.name, self.algorithm = name, algorithm
        self.secret = os.urandom(32) if secret is None else secret

    @property
    def text(self):
        return base64.b64encode(self.secret).decode("ascii")

    def statement(self):
        """As tsig-keygen writes it."""
        return 'key "%s" {\n\talgorithm %s;\n\tsecret "%s";\n};\n' % (self.name, self.algorithm,
                                                                     self.text)

    def mac(self, data):
        return hmac.new(self.secret, data, HASHES[self.algorithm]).digest()

    def variables(self, when, fudge, error, other):
        return (pack_name(self.name.lower()) + struct.pack(">HI", ANY, 0)
                + pack_name(self.algorithm) + struct.pack(">HIHHH", when >> 32, when & 0xFFFFFFFF,
                                                          fudge, error, len(other)) + other)

    def sign(self, data, when=None, request=b"", fudge=300, error=0, other=b"", mac=None):
        """(the signed message, its MAC). MAC: sent in place of the right one."""
        when = int(time.time()) if when is None else when
        prefix = struct.pack(">H", len(request)) + request if request else b""
        right = self.mac(prefix + data + self.variables(when, fudge, error, other))
        sent = right if mac is None else mac
        rdata = (pack_name(self.algorithm) + struct.pack(">HIHH", when >> 32, when & 0xFFFFFFFF,
                                                         fudge, len(sent)) + sent
                 + data[:2] + struct.pack(">HH", error, len(other)) + other)
        count = struct.unpack_from(">H", data, 10)[0] + 1
        return (data[:10] + struct.pack(">H", count) + data[12:]
                + Rr(self.name, "TSIG", ANY, 0, rdata).pack(), right)

    def check(self, data, request=b""):
        """Verifies; returns (error, time, fudge) of the TSIG, or raises ValueError."""
        message = Message.read(data)
        last = message.sections[3][-1] if message.sections[3] else None
        if last is None or last.kind != TYPES["TSIG"]:
            raise ValueError("no TSIG")
        algorithm, at = read_name(last.data, 0)
        high, low, fudge, size = struct.unpack_from(">HIHH", last.data, at)
        at += 10
        mac, at = last.data[at:at + size], at + size
        original, error, length = struct.unpack_from(">HHH", last.data, at)
        other, when = last.data[at + 6:at + 6 + length], high << 32 | low
        if last.name.lower() != self.name.lower() or algorithm.lower() != self.algorithm:
            raise ValueError("another key or algorithm")
        plain = (struct.pack(">H", original) + data[2:10]
                 + struct.pack(">H", len(message.sections[3]) - 1) + data[12:last.start])
        prefix = struct.pack(">H", len(request)) + request if request else b""
        if not hmac.compare_digest(mac, self.mac(prefix + plain
                                                 + self.variables(when, fudge, error, other))):
            raise ValueError("a wrong MAC")
        self.last_mac = mac
        return error, when, fudge


def receive(tcp):
    def some(count):
        data = b""
        while len(data) < count:
            piece = tcp.recv(count - len(data))
            if not piece:
                raise OSError("the connection ended")
            data += piece
        return data
    return some(struct.unpack(">H", some(2))[0])


def exchange(data, address, port, tcp=True, timeout=5):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((address, port))
        if tcp:
            s.sendall(struct.pack(">H", len(data)) + data)
            return receive(s)
        s.send(data)
        return s.recv(65535)


def update(zone, changes, prerequisites=()):
    """CHANGES: ("add", owner, ttl, text), ("remove", owner, text), ("clear", owner[, type])."""
    rows = []
    for change in changes:
        if change[0] == "add":
            kind, data = ("TLSA", tlsa(change[3])) if isinstance(change[3], str) else change[3]
            rows.append(Rr(change[1], kind, IN, change[2], data))
        elif change[0] == "remove":
            rows.append(Rr(change[1], "TLSA", NONE, 0, tlsa(change[2])))
        else:
            rows.append(Rr(change[1], "TLSA" if len(change) < 3 else change[2], ANY, 0, b""))
    return Message(flags=UPDATE << 11, sections=[[(zone, "SOA", IN)], list(prerequisites), rows, []])
