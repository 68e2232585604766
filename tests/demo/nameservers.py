"""What holds the demo's zone, in one of two ways, and what everybody asks: real questions by UDP.

    Bind      BIND signs the zone (dnssec-policy) and takes TSIG-signed updates: provider rfc2136
    Emulated  tests/emulator stands in for Cloudflare's API, and a small name server shows its records
              a second later; signatures there have the right dates, but nobody could validate them

Both have name, section (of the configuration), records(), add(), remove(), refused(). PLACE says where
name servers listen, see place.py. A process of its own is started by STAGE.
"""

import base64
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import time
import types
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
EMULATOR = os.path.join(TESTS, "emulator")
sys.path[:0] = [EMULATOR, os.path.join(TESTS, "e2e")]
from dnswire import AA, TYPES, Key, Message, Rr, exchange, pack_name, query, tlsa, update
from labworld import Names

ZONE = "example.org"
HOST = "mail." + ZONE
TTL = 2
TOKEN = "demo_token_of_no_account_at_all_00000000"
SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
START_SECONDS = 15
ASK_SECONDS = 2
ASK_TIMES = 3       # a datagram may be lost even here, when a buffer is full
LAG = 1.0           # seconds until the small name server shows what the emulator has

NAMED = """\
options {
    directory "%(directory)s"; pid-file none; session-keyfile none; empty-zones-enable no;
    listen-on port %(port)d { %(address)s; }; listen-on-v6 { none; };
    recursion yes; dnssec-validation no; notify no;
};
controls { };
%(keys)s
zone "." { type primary; file "root.db"; dnssec-policy default; allow-update { key stage; }; };
zone "%(zone)s" { type primary; file "zone.db"; dnssec-policy default;
    update-policy { grant daneroll name %(owner)s. TLSA; grant stage name %(owner)s. TLSA; }; };
"""

SOA = "$TTL %d\n@ IN SOA ns.%s. root.%s. 1 2 1 86400 %d\n@ IN NS ns.%s.\n"


class Failed(Exception):
    """The demo itself could not go on."""


def ask(place, name, kind="TLSA"):
    for last in range(ASK_TIMES, 0, -1):
        try:
            return Message.read(exchange(query(name, kind).pack(), place.address, place.dns_port,
                                         tcp=False, timeout=ASK_SECONDS))
        except OSError:
            if last == 1:
                raise


def rrset(place, owner):
    """As a cache gets it: the records' texts, and their TTL (None for a denial)."""
    answer = ask(place, owner)
    if answer.rcode not in (0, 3):
        raise Failed("the name server answers with code %d" % answer.rcode)
    rows = [rr for rr in answer.sections[1] if rr.kind == TYPES["TLSA"]]
    return {"records": sorted(rr.text() for rr in rows), "ttl": rows[0].ttl if rows else None}


# ---- BIND ------------------------------------------------------------------------------------------

class Bind:
    name = "bind"
    words = """\
  BIND       the real thing: it signs the zone %(zone)s (dnssec-policy), whose DS record stands
             in a signed root of its own; daneroll changes it by TSIG-signed updates (rfc2136)
             and asks it what it shows
"""

    def __init__(self, stage):
        self.stage, self.place, self.owner = stage, stage.place, stage.place.owner
        self.keys = [Key("daneroll"), Key("stage")]
        self.child = self.log = None

    @staticmethod
    def missing(place):
        """Why it cannot be had here, or None."""
        for tool in ("named", "dnssec-dsfromkey"):
            if shutil.which(tool, path=SBIN) is None:
                return "no %s is installed" % tool
        return None if place.private else place.why_not_private

    def path(self, name):
        return os.path.join(self.stage.path("bind"), name)

    def start(self):
        os.mkdir(self.stage.path("bind"))
        self.write("key", self.keys[0].statement())
        ttl = (TTL, ZONE, ZONE, TTL, ZONE)
        self.write("root.db", SOA % ttl + "%s. IN NS ns.%s.\nns.%s. IN A %s\n" % (
            ZONE, ZONE, ZONE, self.place.address))
        self.write("zone.db", SOA % ttl + "ns IN A %s\nmail IN A %s\n" % (
            self.place.address, self.place.address))
        self.write("named.conf", NAMED % {
            "directory": self.stage.path("bind"), "port": self.place.dns_port, "zone": ZONE,
            "address": self.place.address, "owner": self.owner,
            "keys": "".join(key.statement() for key in self.keys)})
        self.log = open(self.path("log"), "w+", encoding="utf-8", errors="replace")
        self.child = self.stage.spawn(
            [shutil.which("named", path=SBIN), "-g", "-n", "1", "-U", "1", "-c",
             self.path("named.conf")], output=self.log)
        self.until(lambda: self.signed(ZONE), "signed its zone")
        self.delegate()
        self.until(lambda: self.signed(""), "signed its root")

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as out:
            out.write(text)

    def until(self, reached, what):
        """Waits for an event of another process that nothing announces."""
        end = time.monotonic() + START_SECONDS
        while not reached():
            if self.child.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                raise Failed("BIND has not %s:\n%s" % (what, self.log.read()[-600:]))
            time.sleep(0.05)

    def signed(self, zone):
        """The chain of NSEC records comes last."""
        try:
            answer = Message.read(exchange(query(zone, "RRSIG").pack(), self.place.address,
                                           self.place.dns_port, timeout=ASK_SECONDS))
        except OSError:
            return False
        covered = {int.from_bytes(rr.data[:2], "big") for rr in answer.sections[1]
                   if rr.kind == TYPES["RRSIG"]}
        return bool(answer.flags & AA) and covered >= {TYPES["SOA"], TYPES["NSEC"], TYPES["DNSKEY"]}

    def delegate(self):
        """The DS record of the zone's key, into the root."""
        key = glob.glob(self.path("K%s.+*.key" % ZONE))[0]
        text = subprocess.run([shutil.which("dnssec-dsfromkey", path=SBIN), "-2", key], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.split()
        tag, algorithm, kind = map(int, text[-4:-1])
        data = struct.pack(">HBB", tag, algorithm, kind) + bytes.fromhex(text[-1])
        self.change("", ("add", ZONE, TTL, ("DS", data)))

    def change(self, zone, *changes):
        data, mac = self.keys[1].sign(update(zone, changes).pack())
        answer = exchange(data, self.place.address, self.place.dns_port, timeout=ASK_SECONDS)
        if Message.read(answer).rcode:
            raise Failed("BIND refused an update: code %d" % Message.read(answer).rcode)
        self.keys[1].check(answer, mac)

    @property
    def section(self):
        return ("[provider ns]\ntype = rfc2136\nserver = %s@%d\nkey-file = %s\n"
                % (self.place.address, self.place.dns_port, self.path("key")))

    def records(self):
        return rrset(self.place, self.owner)["records"]

    def add(self, record):
        self.change(ZONE, ("add", self.owner, TTL, record))

    def remove(self, record):
        self.change(ZONE, ("remove", self.owner, record))

    @staticmethod
    def refused():
        return []

    def end(self):
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if self.log is not None:
            self.log.close()


# ---- the emulator, and a small name server ----------------------------------------------------------

class Emulated:
    name = "emulator"
    words = """\
  emulator   stands in for Cloudflare's API v4 with the zone %(zone)s; no account is needed
  names      a small name server that shows the emulator's records, each change %(lag)d s late;
             daneroll asks it what it shows. What this does not show: real DNSSEC. Where BIND
             (bind9) is installed and a network namespace may be made, the demo shows that%(why)s
"""

    def __init__(self, stage):
        self.stage, self.place, self.owner = stage, stage.place, stage.place.owner
        self.names = None

    @staticmethod
    def missing(_place):
        return None

    def start(self):
        stage = self.stage
        stage.authority.issue(["localhost", "127.0.0.1"], stem="api")
        with open(os.open(stage.path("token"), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as out:
            out.write(TOKEN + "\n")
        child = stage.spawn(
            [sys.executable, "-B", os.path.join(EMULATOR, "cloudflare.py"), "--zone", ZONE,
             "--token-file", stage.path("token"), "--min-ttl", str(TTL),
             "--tls-cert", stage.path("api.pem"), "--tls-key", stage.path("api.key"),
             "--rate-limit", "none", "--control-port", "0",
             "--control-port-file", stage.path("control.port")])
        self.endpoint = stage.first_line(child, "the emulator")
        stage.follow_along("emulator", child)
        with open(stage.path("control.port"), encoding="ascii") as source:
            self.control = "http://127.0.0.1:%d/__control/" % int(source.read())
        held = types.SimpleNamespace(
            zones=[types.SimpleNamespace(name=ZONE)],
            rrset=lambda owner: self.call("rrset?name=" + owner))
        self.names = Names(self.place.address, held, port=self.place.dns_port)
        self.names.lag = LAG
        # One who asks resolvers only waits for a REFRESH of the zone: seconds, as all else here.
        soa = (pack_name("ns." + ZONE) + pack_name("root." + ZONE)
               + struct.pack(">IIIII", 1, 2, 1, 86400, TTL))
        self.names.replace[ZONE, "SOA"] = [Rr(ZONE, "SOA", ttl=TTL, data=soa)]

    def call(self, call, method="GET", body=None):
        request = urllib.request.Request(self.control + call, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=START_SECONDS) as answer:
            return json.load(answer)

    @property
    def section(self):
        return ("[provider cf]\ntype = cloudflare\ntoken-file = %s\nendpoint = %s\n"
                % (self.stage.path("token"), self.endpoint))

    def held(self):
        return self.call("records?type=TLSA&name=" + self.owner)

    def records(self):
        return sorted(record["content"] for record in self.held())

    def add(self, record):
        self.call("records", "POST", {"type": "TLSA", "name": self.owner, "content": record,
                                      "ttl": TTL})

    def remove(self, record):
        for one in self.held():
            if one["content"] == record:
                self.call("records/" + one["id"], "DELETE")

    def refused(self):
        return ["the emulator refused: " + words for words in self.call("violations")]

    def end(self):
        if self.names is not None:
            self.names.close()


KINDS = {kind.name: kind for kind in (Bind, Emulated)}
