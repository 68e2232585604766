"""Name servers on loopback for the end-to-end tests: BIND, Knot and PowerDNS, each with its own
folder and address, in the foreground, ended with the test.

    with Bind([Zone("example.org", owners=[OWNER])], [key]) as server:
        server.change("example.org", key, ("add", OWNER, 60, "3 1 1 ..."))
        server.rrset(OWNER)

Zones may be changed by TSIG keys, but only the TLSA records at `Zone.owners`. They
listen on port 53, where resolvers and who asks a zone's name servers find them, in a network
namespace that the script begins with:

    own_network()                    first of all, before there are threads
    Resolver(address, [server])      a Names that delegates to it, and answers what it says
"""

import fcntl
import itertools
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from dnswire import (AA, IN, QR, RCODES, RD, TYPES, Key, Message, Rr, exchange,  # noqa: F401
                     pack_name, query, read_name, update)
from lab import Failed, check, store
from labworld import KIND, RA, Names, own_address  # noqa: F401

START_SECONDS = 20  # a server that does not answer by then never will
ASK_SECONDS = 5
ALIASES_MOST = 16  # a resolver gives up then
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP_RUNNING = 0x8914, 0x8916, 0x41
address_numbers = itertools.count(1)


def own_network(*more):
    """Runs this script anew in a network namespace of its own; call it before anything else. MORE:
    options of unshare for other namespaces."""
    if os.environ.get("DNSLAB_NETWORK") == str(os.getpid()):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
        return
    os.environ["DNSLAB_NETWORK"] = str(os.getpid())
    store.remove()  # the script anew makes its own
    user = ["-r"] if os.getuid() else []
    os.execvp("unshare", ["unshare", "-n", *more] + user + [sys.executable] + sys.argv)


def add_address(address):
    """BIND listens on addresses of interfaces only, and 127.0.0.0/8 is one address to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFADDR, struct.pack("16sHH4s16x", b"lo:%d" % next(address_numbers),
                                                socket.AF_INET, 0, socket.inet_aton(address)))


def free_port(address="127.0.0.1"):
    """A port of ADDRESS that is free for UDP and for TCP."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((address, 0))
            port = udp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                try:
                    tcp.bind((address, port))
                except OSError:
                    continue
                return port
    raise Failed("no port is free for both UDP and TCP")


class Zone:
    """A zone's content, and where TLSA records may be changed. SIGNED: by its server, and with DS
    records above it."""

    def __init__(self, name, lines=(), owners=(), ttl=2, primary=None, signed=True):
        self.name, self.lines, self.owners, self.ttl = name, list(lines), list(owners), ttl
        self.signed = signed
        self.primary = primary or "ns." + name

    def text(self, address="127.0.0.1"):
        head = ["$ORIGIN %s." % self.name, "$TTL %d" % self.ttl,
                "@ IN SOA %s. root.%s. 1 3600 600 86400 %d" % (self.primary, self.name, self.ttl),
                "@ IN NS ns.%s." % self.name, "ns IN A %s" % address,
                "mail IN A %s" % address]
        return "\n".join(head + self.lines) + "\n"


class Server:
    """A server's process; the kinds say how it is configured and called."""

    def __init__(self, zones, keys=(), address=None, port=53, directory=None):
        self.zones, self.keys = list(zones), list(keys)
        self.address, self.port = address or own_address(), port
        if address is None:
            add_address(self.address)
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="dns-")
        self.process = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)
        return self.path(name)

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as source:
            return source.read()[-3000:]

    def __enter__(self):
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        with open(self.path("log"), "a", encoding="ascii") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.directory)
        until = time.monotonic() + START_SECONDS
        for zone in self.zones:
            while not self.answers(zone):
                if self.process.poll() is not None or time.monotonic() > until:
                    log = self.log()
                    self.stop()
                    raise Failed("%s does not start:\n%s" % (self.command()[0], log))

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def answers(self, zone):
        """Whether it answers for the zone, and signs it; waits a little where it does not."""
        asked = query(getattr(zone, "name", zone), "SOA")
        asked.sections[3].append(Rr("", "OPT", 1232, 0x8000))
        try:
            answer = Message.read(exchange(asked.pack(), self.address, self.port, tcp=False,
                                           timeout=0.5))
            kinds = {rr.kind for rr in answer.sections[1]}
            if answer.rcode == 0 and answer.flags & AA and TYPES["SOA"] in kinds and (
                    TYPES["RRSIG"] in kinds or getattr(zone, "signed", "no") not in (True, "yes")):
                return True
        except OSError:
            pass
        time.sleep(0.05)
        return False

    # What it says

    def ask(self, name, kind="TLSA", tcp=True):
        return Message.read(exchange(query(name, kind).pack(), self.address, self.port, tcp,
                                     ASK_SECONDS))

    def rrset(self, name, kind="TLSA"):
        """(ttl, [texts]) of the answer at that very name; (None, []) where there is none."""
        rows = [rr for rr in self.ask(name, kind).sections[1]
                if rr.name.lower() == name.lower() and rr.kind == TYPES[kind]]
        return (rows[0].ttl if rows else None), sorted(rr.text() for rr in rows)

    def contents(self, name):
        return self.rrset(name)[1]

    def change(self, zone, key, *changes):
        """An update by another hand, see dnswire.update."""
        data, mac = key.sign(update(zone, changes).pack())
        answer = exchange(data, self.address, self.port, timeout=ASK_SECONDS)
        check(Message.read(answer).rcode == 0, "the test's own update failed:", answer.hex())
        key.check(answer, mac)


class Bind(Server):
    kind = "BIND"

    def prepare(self):
        text = ("options { directory \"%s\"; listen-on port %d { %s; }; listen-on-v6 { none; };\n"
                "  pid-file none; session-keyfile none; recursion no; dnssec-validation no;\n"
                "  notify no; minimal-responses no; check-names primary ignore; };\ncontrols { };\n"
                % (self.directory, self.port, self.address))
        text += "".join(key.statement() for key in self.keys)
        for number, zone in enumerate(self.zones):
            file = self.write("zone%d.db" % number, zone.text(self.address))
            rules = "".join("grant %s name %s. TLSA; " % (key.name, owner)
                            for key in self.keys for owner in zone.owners)
            # Without update-policy BIND signs a copy only, as it has to write the zone's file.
            text += "zone \"%s\" { type primary; file \"%s\"; %s%s };\n" % (
                zone.name, file, "dnssec-policy default; " if zone.signed else "",
                "update-policy { %s};" % rules if rules
                else "inline-signing yes;" if zone.signed else "")
        self.write("named.conf", text)

    def command(self):
        return ["named", "-g", "-n", "1", "-U", "1", "-c", self.path("named.conf")]


class Knot(Server):
    kind = "Knot"

    def prepare(self):
        text = ("server:\n    rundir: %s\n    listen: %s@%d\n    udp-workers: 1\n"
                "    tcp-workers: 1\n    background-workers: 1\ndatabase:\n    storage: %s\n"
                % (self.directory, self.address, self.port, self.directory))
        text += "log:\n  - target: stderr\n    any: info\n"
        if self.keys:
            text += "key:\n" + "".join(
                "  - id: %s\n    algorithm: %s\n    secret: %s\n"
                % (key.name, key.algorithm, key.text) for key in self.keys)
        zones, rules = "zone:\n", ""
        for number, zone in enumerate(self.zones):
            file = self.write("zone%d.db" % number, zone.text(self.address))
            zones += "  - domain: %s\n    file: %s\n    dnssec-signing: %s\n" % (
                zone.name, file, "on" if zone.signed else "off")
            if zone.owners:
                zones += "    acl: [acl%d]\n" % number
                rules += ("  - id: acl%d\n    key: [%s]\n    action: update\n"
                          "    update-type: [TLSA]\n    update-owner: name\n"
                          "    update-owner-match: equal\n    update-owner-name: [%s]\n"
                          % (number, ", ".join(key.name for key in self.keys),
                             ", ".join(self.relative(owner, zone.name) for owner in zone.owners)))
        self.write("knot.conf", text + ("acl:\n" + rules if rules else "") + zones)

    @staticmethod
    def relative(owner, zone):
        return owner[:-len(zone) - 1]

    def command(self):
        return ["knotd", "-c", self.path("knot.conf")]


class PowerDns(Server):
    kind = "PowerDNS"
    schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

    def prepare(self):
        with open(self.schema, encoding="utf-8") as source:
            import sqlite3
            database = sqlite3.connect(self.path("pdns.db"))
            database.executescript(source.read())
            database.close()
        self.write("pdns.conf", "launch=gsqlite3\ngsqlite3-dnssec=yes\ngsqlite3-database=%s\nlocal-address=%s\n"
                   "local-port=%d\nsocket-dir=%s\nguardian=no\ndaemon=no\ndisable-syslog=yes\n"
                   "dnsupdate=yes\nallow-dnsupdate-from=127.0.0.0/8\nloglevel=6\n"
                   "query-cache-ttl=0\ncache-ttl=0\nnegquery-cache-ttl=0\nreceiver-threads=1\n"
                   "distributor-threads=1\nzone-cache-refresh-interval=0\n"
                   % (self.path("pdns.db"), self.address, self.port, self.directory))
        for key in self.keys:
            self.call("import-tsig-key", key.name, key.algorithm, key.text)
        for number, zone in enumerate(self.zones):
            file = self.write("zone%d.db" % number, zone.text(self.address))
            self.call("load-zone", zone.name, file)
            self.call("set-meta", zone.name, "SOA-EDIT-DNSUPDATE", "INCREASE")
            if zone.signed:
                self.call("secure-zone", zone.name)
            if zone.owners:
                self.call("set-meta", zone.name, "TSIG-ALLOW-DNSUPDATE",
                          *[key.name for key in self.keys])

    def call(self, *words):
        done = subprocess.run(["pdnsutil", "--config-dir=" + self.directory] + list(words),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30, check=False)
        check(done.returncode == 0, "pdnsutil", *words, "failed:",
              done.stdout.decode("utf-8", "replace"))

    def command(self):
        return ["pdns_server", "--config-dir=" + self.directory]


# ---- the way to them -------------------------------------------------------------------------------

class Zones:
    """What Names wants of an emulator: whose zones there are. Records are the servers' affair."""

    def __init__(self, servers):
        self.zones = [zone for server in servers for zone in server.zones]

    @staticmethod
    def rrset(owner):
        raise KeyError(owner)


class Resolver(Names):
    """The root and the TLDs, which delegate the zones of SERVERS to them; and for who desires
    recursion a resolver without a cache, which asks them. DS records are those of signed zones."""

    def __init__(self, address, servers, **more):
        self.home = {zone.name: (server, zone) for server in servers for zone in server.zones}
        super().__init__(address, Zones(servers), **more)

    def rrset(self, name, kind):
        if kind == "DS" and name in self.home and not self.home[name][1].signed:
            return self.replace.get((name, kind), [])
        return super().rrset(name, kind)

    def answer(self, asked):
        name, kind, _ = asked.sections[0][0]
        home = self.home_of(name, kind)
        if home is None or (name.lower(), kind_name(kind)) in self.replace:
            return super().answer(asked)
        self.asked.append((name.lower(), kind_name(kind)))
        self.watch()
        reply = Message(asked.id, QR | asked.flags & RD, [list(asked.sections[0]), [], [], []])
        if asked.flags & RD:
            self.resolve(name, kind, reply)
        else:
            self.refer(*home, reply)
        reply.sections[3].append(Rr("", "OPT", 1232, 0x8000))
        return reply

    def home_of(self, name, kind):
        """(server, zone) that the question is for; None: it is answered here, as is what stands above
        a zone of the servers (no server knows the DS record of its own child)."""
        if kind == TYPES["DS"] and name.lower() in self.home:
            return None
        return self.home.get(self.zone_of(name.lower(), kind_name(kind)))

    @staticmethod
    def refer(server, zone, reply):
        host = "ns." + zone.name
        octets = bytes(int(part) for part in server.address.split("."))
        reply.sections[2].append(Rr(zone.name, "NS", ttl=300, data=pack_name(host)))
        reply.sections[3].append(Rr(host, "A", ttl=300, data=octets))

    def resolve(self, name, kind, reply):
        """As resolvers do: aliases are followed, from one zone and server to the next."""
        reply.flags |= RA
        for _ in range(ALIASES_MOST):
            step = self.step(name, kind)
            if step is None:
                break
            reply.flags = reply.flags & ~15 | step.rcode
            reply.sections[1] += step.sections[1]
            reply.sections[2] = step.sections[2]
            targets = {rr.name.lower(): read_name(rr.data, 0)[0] for rr in step.sections[1]
                       if rr.kind in (TYPES["CNAME"], "CNAME")}
            if kind == TYPES["CNAME"] or name.lower() not in targets:
                return
            while name.lower() in targets:
                name = targets.pop(name.lower())
            if any(rr.name.lower() == name.lower() and rr.kind == kind for rr in step.sections[1]):
                return
        reply.flags = reply.flags & ~15 | RCODES["SERVFAIL"]
        reply.sections[1:3] = [], []

    def step(self, name, kind):
        """What the zone's server, or the root or a TLD, says of that very name; None: nothing."""
        home = self.home_of(name, kind)
        wanted = query(name, kind)
        wanted.sections[3].append(Rr("", "OPT", 1232, 0x8000))
        if home is None:
            return super().answer(wanted)
        try:
            answer = Message.read(exchange(wanted.pack(), home[0].address, home[0].port, True,
                                           ASK_SECONDS))
        except OSError:
            return None
        return answer if answer.flags & AA and answer.rcode in (0, RCODES["NXDOMAIN"]) else None


def kind_name(number):
    return KIND.get(number, number)
