"""A signed DNS tree: root, top level domain and a zone, each on BIND, and a validating Unbound.

    .                a.root-servers.    signed once, never changes
    test.            ns.nic.test.       signed once, never changes
    example.test.    hidden primary, changed by TSIG-signed updates at the TLSA names only;
                     ns1 hears of a change at once, ns2 after a lag

The lag is a NOTIFY that arrives late: the primary tells us, and we pass it on to ns2 some seconds
later. ns2 asks for nothing by itself (REFRESH is an hour), so the lag is what the test says.
"""

import os
import random
import socket
import struct
import threading
import time

import space
from dnswire import AA, QR, RD, TYPES, Message, Rr, exchange, query
from space import Fault, until

TLD, ZONE = "test", "example.test"
MX = "mx." + ZONE
SERVICES = {25: "smtp", 443: "https", 993: "imaps"}
OWNERS = ["_%d._tcp.%s" % (port, MX) for port in SERVICES]

AD, CD, DO = 0x20, 0x10, 0x8000
NOTIFY = 4 << 11
NOERROR, NXDOMAIN = 0, 3
START_SECONDS = 20
ASK_SECONDS = 2
LONG_TTL = 3600  # of everything that never changes
ALGORITHM = "ECDSAP256SHA256"

OPTIONS = """\
options {
    directory "%(directory)s"; pid-file none; session-keyfile none;
    listen-on port 53 { %(address)s; }; listen-on-v6 { none; };
    recursion no; dnssec-validation no; empty-zones-enable no; notify explicit; notify-delay 0;
    allow-transfer { none; };
};
controls { };
"""


def question(name, kind="TLSA", flags=0):
    message = query(name, kind, flags)
    message.sections[3].append(Rr("", "OPT", 1232, DO))
    return message


def ask(server, name, kind="TLSA", flags=0, seconds=ASK_SECONDS):
    """The answer of a server, over UDP; OSError if there is none. Tries again within the time."""
    end = time.monotonic() + seconds
    while True:
        message = question(name, kind, flags)
        try:
            answer = Message.read(exchange(message.pack(), server, 53, tcp=False, timeout=seconds / 2))
        except (OSError, ValueError, IndexError, struct.error):
            if time.monotonic() + seconds / 4 > end:
                raise OSError("%s does not answer for %s" % (server, name))
            continue
        if answer.id == message.id and answer.flags & QR:
            return answer


def rrset(answer, kind="TLSA"):
    """(TTL, sorted texts) of the records of that kind; (None, []) for a denial."""
    rows = [rr for rr in answer.sections[1] if rr.kind == TYPES[kind]]
    return (min(rr.ttl for rr in rows) if rows else None), sorted(rr.text() for rr in rows)


# ---- one server of the tree ----------------------------------------------------------------------

class Server:
    """A named on a node of its own; ZONES are its zone statements, made by the caller."""

    def __init__(self, node):
        self.node, self.address = node, node.v4
        self.directory = space.path(node.name)
        os.makedirs(self.directory, exist_ok=True)

    def start(self, zones, name):
        space.write(OPTIONS % {"directory": self.directory, "address": self.address} + zones,
                    self.node.name, "named.conf")
        self.node.start(self.node.name, space.program("named"), "-f", "-n", "1", "-c",
                        os.path.join(self.directory, "named.conf"),
                        "-L", os.path.join(self.directory, "named.log"))
        until(lambda: self.serves(name), START_SECONDS,
              lambda: "%s does not serve %s" % (self.node.name, name))

    def serves(self, name):
        try:
            answer = ask(self.address, name, "SOA", seconds=0.4)
        except OSError:
            return False
        return answer.rcode == NOERROR and answer.flags & AA and len(answer.sections[1]) > 1

    def shows(self, owner):
        """(TTL, texts) of the TLSA RRset as this server gives it."""
        answer = ask(self.address, owner)
        if answer.rcode not in (NOERROR, NXDOMAIN) or not answer.flags & AA:
            raise Fault("%s answers with code %d for %s" % (self.node.name, answer.rcode, owner))
        return rrset(answer)


def sign(directory, zone, text):
    """Signs a zone with one new key; the signed file and the DS record of its key."""
    stem = zone or "root"
    source = space.write(text, directory, stem + ".db")
    where = space.path(directory)
    key = space.run("dnssec-keygen", "-q", "-a", ALGORITHM, "-f", "KSK", "-K", where,
                    (zone or "") + ".").strip()
    signed = os.path.join(where, stem + ".signed")
    space.run("dnssec-signzone", "-q", "-S", "-z", "-K", where, "-d", where, "-o", (zone or "") + ".",
              "-f", signed, source)
    ds = space.run("dnssec-dsfromkey", "-2", os.path.join(where, key + ".key"))
    with open(os.path.join(where, key + ".key"), encoding="ascii") as lines:
        anchor = [line for line in lines if not line.startswith(";")]
    return signed, ds, anchor[0]


def zone_text(origin, server, rows, minimum=LONG_TTL):
    return "\n".join(["$ORIGIN %s." % origin if origin else "$ORIGIN .", "$TTL %d" % LONG_TTL,
                      "@ IN SOA %s. hostmaster.%s. 1 3600 600 86400 %d" % (server, server, minimum),
                      *rows]) + "\n"


# ---- the late NOTIFY -----------------------------------------------------------------------------

class Relay(threading.Thread):
    """Takes the primary's NOTIFY messages and tells ns2 LAG() seconds after the last of them: the
    transfer brings all there is, so a former message would bring a later change too early."""

    def __init__(self, ours, primary, late, lag):
        super().__init__(daemon=True)
        self.primary, self.late, self.lag = primary, late, lag
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ours, 53))
        self.fault = self.timer = None

    def run(self):
        try:
            while True:
                data, peer = self.socket.recvfrom(4096)
                message = Message.read(data)
                if peer[0] != self.primary or message.flags & (QR | 0x7800) != NOTIFY:
                    continue
                self.socket.sendto(struct.pack(">HH", message.id, message.flags | QR) + data[4:], peer)
                if self.timer:
                    self.timer.cancel()
                self.timer = threading.Timer(self.lag(), self.pass_on)
                self.timer.daemon = True
                self.timer.start()
        except Exception as error:
            self.fault = repr(error)

    def pass_on(self):
        message = query(ZONE, "SOA", NOTIFY | AA)
        for _ in range(5):
            try:
                exchange(message.pack(), self.late, 53, tcp=False, timeout=1)
                return
            except OSError:
                continue
        self.fault = "ns2 takes no NOTIFY"


# ---- the whole -----------------------------------------------------------------------------------

class Tree:
    """All name servers. TTL is that of the TLSA records; LAG the least and the most of ns2's."""

    def __init__(self, ours, unbound, ttl, lag, seed):
        self.ttl, self.lag = ttl, lag
        self.random = random.Random(seed)
        self.ours, self.unbound = ours, unbound
        self.root, self.tld, self.primary, self.ns1, self.ns2 = [
            Server(space.Node(name, number)) for name, number in (
                ("root", 10), ("tld", 11), ("primary", 12), ("ns1", 13), ("ns2", 14))]
        self.key_file = space.path("update.key")

    @property
    def secondaries(self):
        return [self.ns1, self.ns2]

    def start(self, mx):
        """MX: the addresses of the mail server."""
        zone, ds, _ = sign("primary", ZONE, zone_text(ZONE, "ns1." + ZONE, [
            "@ IN NS ns1", "@ IN NS ns2", "@ IN MX 10 mx",
            "ns1 IN A " + self.ns1.address, "ns2 IN A " + self.ns2.address,
            *["mx IN %s %s" % ("AAAA" if ":" in a else "A", a) for a in mx]], self.ttl))
        tld, tld_ds, _ = sign("tld", TLD, zone_text(TLD, "ns.nic." + TLD, [
            "@ IN NS ns.nic", "ns.nic IN A " + self.tld.address,
            "example IN NS ns1.example", "example IN NS ns2.example",
            "ns1.example IN A " + self.ns1.address, "ns2.example IN A " + self.ns2.address, ds]))
        root, _, anchor = sign("root", "", zone_text("", "a.root-servers", [
            "@ IN NS a.root-servers.", "a.root-servers. IN A " + self.root.address,
            TLD + ". IN NS ns.nic." + TLD + ".", "ns.nic.%s. IN A %s" % (TLD, self.tld.address),
            tld_ds]))
        self.root.start('zone "." { type primary; file "%s"; };\n' % root, "")
        self.tld.start('zone "%s" { type primary; file "%s"; };\n' % (TLD, tld), TLD)
        self.start_zone(zone)
        self.start_unbound(anchor)

    def start_zone(self, file):
        key = space.run("tsig-keygen", "-a", "hmac-sha256", "daneroll")
        space.write(key, "update.key", mode=0o600)
        policy = " ".join("grant daneroll name %s. TLSA;" % owner for owner in OWNERS)
        self.relay = Relay(self.ours, self.primary.address, self.ns2.address,
                           lambda: self.random.uniform(*self.lag))
        self.relay.start()
        self.primary.start(key + 'zone "%s" { type primary; file "%s"; key-directory "%s";\n'
                           "    update-policy { %s };\n    allow-transfer { %s; %s; };\n"
                           "    also-notify { %s; %s; }; };\n"
                           % (ZONE, file, self.primary.directory, policy, self.ns1.address,
                              self.ns2.address, self.ns1.address, self.ours), ZONE)
        for server, informer in ((self.ns1, self.primary.address), (self.ns2, self.ours)):
            # An address in `primaries` may always notify: the primary does not tell ns2.
            server.start('zone "%s" { type secondary; file "zone.db"; primaries { %s; };\n'
                         "    allow-notify { %s; }; notify no; };\n"
                         % (ZONE, self.primary.address, informer), ZONE)

    def start_unbound(self, anchor):
        space.write(anchor, "unbound", "anchor.key")
        space.write(". 3600000 IN NS a.root-servers.\na.root-servers. 3600000 IN A %s\n"
                    % self.root.address, "unbound", "root.hints")
        space.write(
            'server:\n directory: "%s"\n chroot: ""\n username: ""\n pidfile: ""\n use-syslog: no\n'
            ' interface: %s\n access-control: %s0/24 allow\n do-ip6: no\n num-threads: 1\n'
            ' do-daemonize: no\n'
            ' root-hints: root.hints\n trust-anchor-file: anchor.key\n local-zone: "%s." nodefault\n'
            'remote-control:\n control-enable: no\n'
            % (space.path("unbound"), self.unbound, space.NET4, TLD), "unbound", "unbound.conf")
        space.start("unbound", [space.program("unbound"), "-d", "-p", "-c",
                                space.path("unbound", "unbound.conf")])
        until(lambda: self.validates(MX, "A"), START_SECONDS, "Unbound does not validate the zone")

    def validates(self, name, kind="TLSA"):
        try:
            answer = ask(self.unbound, name, kind, RD, seconds=1)
        except OSError:
            return False
        return answer.rcode == NOERROR and bool(answer.flags & AD) and bool(answer.sections[1])

    # What rollers do with it

    def nsupdate(self, *lines):
        space.run("nsupdate", "-k", self.key_file, space.write(
            "\n".join(["server " + self.primary.address, "zone %s." % ZONE, *lines, "send", ""]),
            "nsupdate.%d" % threading.get_ident()))

    def add(self, records, owners=OWNERS):
        self.nsupdate(*["add %s. %d TLSA %s" % (owner, self.ttl, record)
                        for owner in owners for record in records])

    def remove(self, records, owners=OWNERS):
        self.nsupdate(*["delete %s. TLSA %s" % (owner, record)
                        for owner in owners for record in records])

    def shown_everywhere(self, records, servers=None):
        """Whether each server shows exactly these records at each owner name."""
        return all(server.shows(owner)[1] == sorted(records)
                   for server in servers or self.secondaries for owner in OWNERS)

    def faults(self):
        return ["the relay of NOTIFY: " + self.relay.fault] if self.relay.fault else []
