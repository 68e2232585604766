"""A private DNS tree: root and TLD, a zone's primary and its secondary (BIND, each signing its own),
and a validating resolver (Unbound) that iterates from that root down.

    own_network()                                        # first of all: see there
    with Tree([Content("example.test", ["_25._tcp.mail 5 IN TLSA 3 1 1 ..."])]) as tree:
        tree.look("_25._tcp.mail.example.test")          # the program's view, by tests/tools/dnslook
        tree.change("example.test", ("add", owner, 5, "3 1 1 ..."))   # on the primary only
        tree.catch_up("example.test")                    # the secondary asks the primary

All servers are on port 53 of a network namespace that holds nothing but loopback, on 127.0.0.FIRST
and up in the order of NAMES. The secondary gets no NOTIFY and has a REFRESH of an hour: it lags
until it is told.
"""

import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from dnslab import Server, add_address, own_network  # noqa: F401
from dnswire import Key, Message, exchange, query
from lab import BUILD, TARGET, VARIANT, Failed, check

PROGRAM = os.path.join(BUILD, TARGET if VARIANT == "target" else "asan", "tools", "dnslook")
LOOK_SECONDS = 60
UNTIL_SECONDS = 20
NOTIFY = 4 << 11
TLD = "test"
NAMES = ("root", "tld", "ns1", "ns2", "resolver")  # in the order of their addresses
PORT = 53


def until(reached, what):
    """Waits for an event of another process that nothing announces."""
    end = time.monotonic() + UNTIL_SECONDS
    while True:
        value = reached()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("%s: not within %d s" % (what, UNTIL_SECONDS))
        time.sleep(0.05)


def call(command, cwd):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=60, check=False)
    check(done.returncode == 0, *command, "failed:", done.stderr)
    return done.stdout


class Content:
    """A zone: its lines, and how it is signed: "yes"; "no"; "over", by signatures that have ended;
    with a DS record above it or not."""

    def __init__(self, name, lines=(), signed="yes", ds=True, servers=("ns1", "ns2"), ttl=5):
        self.name, self.lines, self.signed, self.ds = name, list(lines), signed, ds
        self.servers, self.ttl = servers, ttl

    def text(self):
        head = ["$ORIGIN %s" % (self.name + "." if self.name else "."), "$TTL %d" % self.ttl,
                "@ IN SOA ns1.nic.%s. root.nic.%s. 1 3600 600 86400 %d" % (TLD, TLD, self.ttl)]
        head += ["@ IN NS %s.nic.%s." % (server, TLD) for server in self.servers]
        return "\n".join(head + self.lines) + "\n"


class Authority(Server):
    """One BIND with some zones: primary of CONTENTS, secondary of those of MASTER."""

    kind = "BIND"

    def __init__(self, contents, key, address, directory, master=None):
        os.makedirs(directory)
        super().__init__(contents, [key], address, PORT, directory)
        self.master = master

    def prepare(self):
        text = ("options { directory \"%s\"; listen-on port %d { %s; }; listen-on-v6 { none; };\n"
                "  pid-file none; session-keyfile none; recursion no; dnssec-validation no;\n"
                "  notify no; allow-notify { any; }; allow-transfer { any; }; transfer-source %s;\n"
                "  request-ixfr no; check-names primary ignore; check-names secondary ignore; };\n"
                "controls { };\n" % (self.directory, self.port, self.address, self.address))
        text += "".join(key.statement() for key in self.keys)
        for number, zone in enumerate(self.zones):
            text += "zone \"%s\" { file \"%s\"; " % (zone.name or ".", self.path("zone%d" % number))
            if self.master:
                text += "type secondary; masterfile-format text; primaries port %d { %s; }; };\n" % (
                    self.port, self.master)
                continue
            self.write("zone%d" % number, zone.text())
            text += "type primary; "
            if zone.signed == "over":
                self.sign_over(number, zone)
            else:
                text += "allow-update { key %s; }; " % self.keys[0].name
                text += "dnssec-policy default; " if zone.signed == "yes" else ""
            text += "};\n"
        self.write("named.conf", text)

    def sign_over(self, number, zone):
        """Signed once, long ago."""
        call(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone.name],
             self.directory)
        call(["dnssec-signzone", "-S", "-z", "-P", "-o", zone.name, "-s", "20200101000000",
              "-e", "20200201000000", "-f", "signed%d" % number, "zone%d" % number],
             self.directory)
        os.replace(self.path("signed%d" % number), self.path("zone%d" % number))

    def command(self):
        return ["named", "-g", "-n", "1", "-U", "1", "-c", self.path("named.conf")]

    def ds(self, zone):
        """DS records for the parent, once the zone is signed."""
        name = zone.name + "." if zone.name else "."
        until(lambda: self.signature(name), "signatures of " + name)
        key = glob.glob(os.path.join(self.directory, "K%s+*.key" % name))
        check(len(key) == 1, "one key of", name, "expected:", key)
        return call(["dnssec-dsfromkey", "-2", key[0]], self.directory).strip()

    def signature(self, name):
        """Whether the zone's signing is done: the chain of NSEC records comes last."""
        rows = self.ask(name.rstrip("."), "RRSIG").sections[1]
        covered = {int.from_bytes(row.data[:2], "big") for row in rows if row.kind == 46}
        return covered >= {6, 47, 48}


class Unbound(Server):
    """Validates from ANCHOR (a DS record of the root) down, asking ROOT first."""

    kind = "Unbound"

    def __init__(self, anchor, root, address, directory):
        os.makedirs(directory)
        super().__init__([], (), address, PORT, directory)
        self.anchor, self.root = anchor, root

    def prepare(self):
        hints = ". 3600 IN NS root.nic.%s.\nroot.nic.%s. 3600 IN A %s\n" % (TLD, TLD, self.root)
        self.write("unbound.conf", (
            "server:\n  interface: %s\n  directory: \"%s\"\n  username: \"\"\n  chroot: \"\"\n"
            "  pidfile: \"\"\n  use-syslog: no\n  do-daemonize: no\n  num-threads: 1\n"
            "  do-not-query-localhost: no\n  module-config: \"validator iterator\"\n"
            "  trust-anchor: \"%s\"\n  local-zone: \"%s.\" nodefault\n  do-ip6: no\n"
            "  val-log-level: 2\n  root-hints: \"%s\"\nremote-control:\n  control-enable: no\n"
            % (self.address, self.directory, self.anchor, TLD, self.write("hints", hints))))

    def start(self):
        super().start()
        until(lambda: self.resolves(), "an answer of Unbound")

    def resolves(self):
        try:
            answer = Message.read(exchange(query(TLD, "SOA", 0x0100).pack(), self.address, self.port,
                                           tcp=False, timeout=1))
        except OSError:
            if self.process.poll() is not None:
                raise Failed("Unbound does not start:\n" + self.log())
            return False
        return answer.rcode == 0

    def command(self):
        return ["unbound", "-d", "-p", "-c", self.path("unbound.conf")]


class Tree:
    def __init__(self, contents, first=11, more=()):
        """MORE lines of the TLD: addresses of name servers that are not there, for instance."""
        self.contents, self.more = list(contents), list(more)
        self.addresses = ["127.0.0.%d" % (first + i) for i in range(len(NAMES))]
        self.resolver = self.address("resolver")
        for address in self.addresses:
            add_address(address)
        self.key = Key()
        self.directory = tempfile.mkdtemp(prefix="dnstree-")
        self.servers = {}

    def launch(self, name, server):
        self.servers[name] = server
        server.prepare()
        server.start()
        return server

    def authority(self, name, contents, address, master=None):
        return self.launch(name, Authority(contents, self.key, address,
                                           os.path.join(self.directory, name), master))

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        """From the leaves up: a parent has to be told its children's keys."""
        ns1 = self.authority("ns1", self.contents, self.address("ns1"))
        for c in self.contents:
            if c.signed != "no":
                ns1.ds(c)  # the secondary must not see it half signed
        self.authority("ns2", [c for c in self.contents if "ns2" in c.servers],
                       self.address("ns2"), self.address("ns1"))
        lines = ["%s.nic IN A %s" % (name, self.address(name)) for name in NAMES[:-1]]
        lines += self.more
        for c in self.contents:
            if c.name.count(".") > 1:
                continue  # delegated by a line of the zone above it
            lines += ["%s. IN NS %s.nic" % (c.name, server) for server in c.servers]
            if c.signed != "no" and c.ds:
                lines.append(ns1.ds(c))
        tld = Content(TLD, lines, servers=("tld",), ttl=3600)
        ds = self.authority("tld", [tld], self.address("tld")).ds(tld)
        root = Content("", ["%s. IN NS tld.nic.%s." % (TLD, TLD), ds, "tld.nic.%s. IN A %s" %
                            (TLD, self.address("tld"))], servers=("root",),
                       ttl=3600)
        anchor = self.authority("root", [root], self.address("root")).ds(root)
        self.launch("resolver", Unbound(anchor, self.address("root"), self.resolver,
                                        os.path.join(self.directory, "resolver")))

    def __exit__(self, *_):
        for server in self.servers.values():
            server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def address(self, server):
        return self.addresses[NAMES.index(server)]

    # What can be done to it

    def change(self, zone, *changes):
        """On the primary; the secondary does not learn of it."""
        self.servers["ns1"].change(zone, self.key, *changes)

    def serial(self, server, zone):
        rows = self.servers[server].ask(zone, "SOA").sections[1]
        return int.from_bytes(rows[0].data[-20:-16], "big") if rows else None

    def catch_up(self, zone):
        """The secondary hears that there is something new, and has it when this returns."""
        notify = query(zone, "SOA", NOTIFY).pack()

        def same():
            if self.serial("ns1", zone) == self.serial("ns2", zone):
                return True
            exchange(notify, self.address("ns2"), PORT, tcp=False, timeout=5)
            return False
        until(same, "the secondary's transfer of " + zone)

    # What the program sees of it

    def look(self, *words, resolvers=None):
        """dnslook's output as a Look."""
        command = [PROGRAM]
        for address in resolvers or [self.resolver]:
            command += ["--resolver", address]
        done = subprocess.run(command + list(words), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True, timeout=LOOK_SECONDS, check=False)
        check(done.returncode in (0, 1), *command, "died:", done.returncode, done.stdout)
        return Look(done.stdout)


class Look:
    """What dnslook printed: the lines by their first word, and the servers by name."""

    def __init__(self, text):
        self.text, self.lines, self.servers = text, {}, {}
        server = None
        for line in text.splitlines():
            word, _, rest = line.strip().partition(" ")
            if word == "server":
                name, _, rest = rest.partition(" ")
                server = self.servers[name] = {"line": rest, "record": []}
            elif line.startswith("  "):
                server.setdefault(word, []).append(rest)
            else:
                self.lines.setdefault(word, []).append(rest)

    def __getitem__(self, word):
        return " / ".join(self.lines.get(word, []))

    def code(self, server):
        return self.servers[server]["line"].split()[1]

    def number(self, server, name):
        match = re.search(r"\b%s=(\d+)" % name, self.servers[server]["line"])
        return int(match.group(1)) if match else None

    def records(self, server):
        return sorted(self.servers[server]["record"])
