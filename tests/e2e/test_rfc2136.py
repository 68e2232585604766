#!/usr/bin/env python3
"""The provider rfc2136 against BIND, Knot and PowerDNS on loopback: whole rotations, and what goes
wrong: lost races, lost answers, refused names, wrong keys, wrong clocks, aliases, wildcards.

TIMEOUT: 400
"""

import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

from dnslab import Bind, Knot, PowerDns, Resolver, Zone, free_port, own_network
from dnswire import QR, RCODES, TYPES, UPDATE, Key, Message, exchange, receive, tlsa
from lab import (CLOCK, FAILED, GOOD, HOST, LATER, OWNER, USAGE, Clock, Failed, Lab, Pair, Skipped,
                 case, check, main, same, store)

ZONE = "example.org"
KINDS = (Bind, Knot, PowerDns)
OTHER = "3 1 1 " + "ab" * 32  # somebody else's record
WATCH_SECONDS = 0.05


# ---- a laboratory with a name server in place of the emulator ----------------------------------------

class Dynamic(Lab):
    def __init__(self, dns, key, transport="tcp", port=None, **keys):
        self.server, self.key = dns, key
        super().__init__()
        self.write("key", key.statement(), 0o600)
        self.provider = {"server": "%s@%d" % (dns.address, port or dns.port),
                         "transport": transport, "key-file": self.path("key")}
        self.provider.update({name.replace("_", "-"): value for name, value in keys.items()})
        self.moments, self.watching = [], None

    def open_names(self):
        return Resolver(self.address, [self.server])

    def __exit__(self, *error):
        if self.watching:
            self.watching.set()
            self.watcher.join()
        super().__exit__(*error)

    def configure(self, sections=None, waits=None, **more):
        path = super().configure(sections, waits, **more)
        rows = "".join("%s = %s\n" % row for row in self.provider.items() if row[1] is not None)
        text = re.sub(r"\[provider cf\]\n(?:.+\n)*", "[provider dns]\ntype = rfc2136\n" + rows,
                      self.read("daneroll.conf"))
        return self.write("daneroll.conf", text, 0o600) or path

    def contents(self, owner=OWNER):
        return self.server.contents(owner)

    def watch(self, owner=OWNER):
        """Notes from now on what the server shows; `history` then tells it."""
        def records():
            ttl, texts = self.server.rrset(owner)
            return {text: ttl for text in texts}

        self.moments, self.watching = [(0.0, records())], threading.Event()
        self.marked = time.time()

        def look():
            before = self.marked
            while not self.watching.wait(WATCH_SECONDS):
                now, shown = time.time(), records()
                if self.moments[-1][1] != shown:
                    self.moments.append((before, shown))
                before = now
        self.watcher = threading.Thread(target=look)
        self.watcher.start()

    def history(self, owner=OWNER):
        return self.moments

    def check_clean(self):
        check(self.key.text not in self.all_output, "the secret was printed")


def start(kind, keys, **zone):
    zone.setdefault("owners", [OWNER])
    return kind([Zone(ZONE, **zone)], keys)


# ---- whole rotations ---------------------------------------------------------------------------------

def rotation(kind, transport, algorithm):
    key = Key(algorithm=algorithm, name="Dane.Roll")
    with start(kind, [key]) as server, Dynamic(server, key, transport) as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.put("mail", old)
        lab.configure([lab.host(renew=lab.swap("mail", new))],
                      {"publish-wait": 1, "wait-margin": 1, "wait-floor": 2, "retire-wait": 2})
        lab.run("run", "--no-renew")
        same(lab.contents(), [old.record])
        lab.age()
        lab.watch()
        done = lab.run("run", "--wait")
        same(lab.contents(), [new.record])
        time.sleep(3 * WATCH_SECONDS)
        same([sorted(records) for _, records in lab.history()],
             [[old.record], sorted([old.record, new.record]), [new.record]])
        lab.check_vouched(old)
        lab.check_waited(new, least=2 * 2 + 1)
        check("retired" in done.err, done)
        same(lab.run("run").err, "")
        lab.check_clean()


for number, (kind, transport) in enumerate((k, t) for k in KINDS for t in ("tcp", "udp")):
    algorithm = ("hmac-sha256", "hmac-sha384", "hmac-sha512")[number % 3]
    case("%s over %s, %s: a rotation by run --wait" % (kind.kind, transport, algorithm))(
        lambda kind=kind, transport=transport, algorithm=algorithm: rotation(kind, transport,
                                                                            algorithm))


def publish(kind):
    """Several services and two pairs: two records each; then somebody else's record is left."""
    key = Key()
    owners = ["_%d._tcp.%s" % (port, HOST) for port in (25, 587, 993)]
    with start(kind, [key], owners=owners) as server, Dynamic(server, key) as lab:
        server.change(ZONE, key, ("add", owners[1], 77, OTHER))
        lab.put("rsa", lab.pair(1, "rsa2048"))
        lab.put("ec", lab.pair(1))
        lab.configure([lab.section("rsa", "rsa"), lab.section("ec", "ec"),
                       ("host " + HOST, [("service", "smtp submission imaps"), ("ttl", 60),
                                         ("pair", "rsa ec")])])
        done = lab.run("run", code=FAILED)
        same(re.findall(r"which (\S+) does not vouch for: an outage", done.err), [owners[1]] * 2,
             "an outage is where another's record fits nothing that is served, and there only:", done)
        both = [lab.pair(1, "rsa2048").record, lab.pair(1).record]
        same(server.rrset(owners[0]), (60, sorted(both)))
        same(server.rrset(owners[1]), (77, sorted(both + [OTHER])), "the TTL that is there stays")
        same(server.rrset(owners[2]), (60, sorted(both)))
        same(lab.run("run", "--verbose").err.count("published"), 0)
        lab.check_clean()


for kind in KINDS:
    case("%s: several services, two pairs, and another's record and its TTL stay" % kind.kind)(
        lambda kind=kind: publish(kind))


def not_in_force(kind, signed, words):
    """Published all the same: nobody minds, and it is in force as soon as the zone is."""
    key = Key()
    with start(kind, [key], signed=signed) as server, Dynamic(server, key) as lab:
        lab.names.replace[ZONE, "DS"] = []
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run("run")
        check("%s is not in force: %s" % (OWNER, words) in done.err, words, "is not said:", done)
        same(lab.contents(), [lab.pair(1).record])


for kind in KINDS:
    case("%s: an unsigned zone is told of" % kind.kind)(
        lambda kind=kind: not_in_force(kind, False, "the zone is not signed"))
    case("%s: a signed zone without a DS record above it is told of" % kind.kind)(
        lambda kind=kind: not_in_force(kind, True, "the zone is signed, but"))


@case("--dry-run and one host by options: nothing is changed, then it is")
def by_options():
    key = Key()
    with start(Bind, [key]) as server, Dynamic(server, key) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()  # and its services
        words = ["run", "--provider=rfc2136", "--host=" + HOST, "--server=" + lab.provider["server"],
                 "--certificate=" + lab.path("mail.crt"), "--key-file=" + lab.path("key"),
                 "--state=" + lab.state_directory, "--chain=none",
                 "--resolver=" + lab.address]
        lab.run(*words, "--dry-run", config=False)
        same(lab.contents(), [])
        lab.run(*words, config=False, env={"DANEROLL_TRANSPORT": "udp"})
        same(server.rrset(OWNER), (1800, [lab.pair(1).record]))


# ---- somebody between program and server -------------------------------------------------------------

class Between:
    """Hands messages on and answers back, over UDP and TCP; CHANGE may do something first, alter the
    answer, or keep it (None). It is called with the request, its answer and "udp" or "tcp"; BEFORE
    with the request before the server gets it."""

    def __init__(self, server, before=None, change=None):
        self.server, self.before, self.change = server, before, change
        self.seen, self.stopping = [], False
        self.port = free_port(server.address)
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
                        socket.socket(socket.AF_INET, socket.SOCK_STREAM)]
        self.sockets[1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for s in self.sockets:
            s.bind((server.address, self.port))
            s.settimeout(0.1)
        self.sockets[1].listen(16)
        self.threads = [threading.Thread(target=self.serve, args=(self.udp,)),
                        threading.Thread(target=self.serve, args=(self.tcp,))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        for s in self.sockets:
            s.close()

    def serve(self, once):
        while not self.stopping:
            try:
                once()
            except OSError:
                pass  # a time-out, or a client that went away

    def pass_on(self, data, how):
        self.seen.append((Message.read(data), how))
        if self.before:
            self.before(Message.read(data))
        answer = exchange(data, self.server.address, self.server.port, how == "tcp")
        return self.change(data, answer, how) if self.change else answer

    def udp(self):
        data, client = self.sockets[0].recvfrom(65535)
        answer = self.pass_on(data, "udp")
        if answer is not None:
            self.sockets[0].sendto(answer, client)

    def tcp(self):
        connection, _ = self.sockets[1].accept()
        with connection:
            connection.settimeout(5)
            answer = self.pass_on(receive(connection), "tcp")
            if answer is not None:
                connection.sendall(struct.pack(">H", len(answer)) + answer)

    def updates(self, how=None):
        return [message for message, way in self.seen
                if message.opcode == UPDATE and how in (None, way)]


def is_update(data):
    return Message.read(data).opcode == UPDATE


@case("what is sent: lower case, the RRset seen as prerequisite, one change, TTL 0 of a removal")
def messages():
    key = Key(name="KEY.Name")
    with start(Bind, [key]) as server, Between(server) as between, \
            Dynamic(server, key, port=between.port) as lab:
        first, second = lab.pair(1), lab.pair(2)
        lab.published(first)
        lab.put("mail", second)
        lab.run()
        lab.age()
        lab.run()
        lab.age()
        lab.run()
        same(lab.contents(), [second.record])
        updates = between.updates()
        same(len(updates), 3)

        def rows(section):
            return sorted((rr.name, rr.kind, rr.cls, rr.ttl, rr.text()) for rr in section)
        kind, both = TYPES["TLSA"], sorted([first.record, second.record])
        for message in updates:
            same(message.sections[0], [(ZONE, TYPES["SOA"], 1)])
            same(message.flags, UPDATE << 11)
            same([(rr.name, rr.kind) for rr in message.sections[3]],
                 [("key.name", TYPES["TSIG"])])
        same(rows(updates[0].sections[1]), [(OWNER, kind, 254, 0, "")])
        same(rows(updates[0].sections[2]), [(OWNER, kind, 1, 2, first.record)])
        same(rows(updates[1].sections[1]), [(OWNER, kind, 1, 0, first.record)])
        same(rows(updates[1].sections[2]), [(OWNER, kind, 1, 2, second.record)])
        same(rows(updates[2].sections[1]), [(OWNER, kind, 1, 0, text) for text in both])
        same(rows(updates[2].sections[2]), [(OWNER, kind, 254, 0, first.record)])
        same(len({message.id for message, _ in between.seen}), len(between.seen), "ids repeat")
        for message, how in between.seen:
            same(how, "tcp")
            check(message.opcode == UPDATE or message.flags == 0, "recursion is desired")


def race(kind, transport):
    """Somebody adds a record between the look and the update; and between look and removal."""
    key = Key()
    with start(kind, [key]) as server:
        late = []

        def before(message):
            if message.opcode == UPDATE and late:
                server.change(ZONE, key, late.pop())
        with Between(server, before) as between, \
                Dynamic(server, key, transport, between.port) as lab:
            lab.published(lab.pair(1))
            late.append(("add", OWNER, 2, OTHER))
            lab.put("mail", lab.pair(2))
            done = lab.run("run", "--verbose")
            same(lab.contents(), sorted([lab.pair(1).record, lab.pair(2).record, OTHER]))
            check("changed meanwhile" in done.err, done)
            same(len(between.updates()), 3)
            lab.age()
            lab.run()
            lab.age()
            late.append(("remove", OWNER, OTHER))
            done = lab.run("run", "--verbose")
            same(lab.contents(), [lab.pair(2).record])
            same(len(between.updates()), 5)


for kind, transport in ((Bind, "tcp"), (Knot, "udp"), (PowerDns, "tcp")):
    case("%s over %s: races lost, seen, looked at again" % (kind.kind, transport))(
        lambda kind=kind, transport=transport: race(kind, transport))


@case("the same record added by somebody else in that very moment: it is so already")
def race_same():
    key = Key()
    with start(Bind, [key]) as server:
        late = []

        def before(message):
            if message.opcode == UPDATE and late:
                server.change(ZONE, key, late.pop())
        with Between(server, before) as between, Dynamic(server, key, port=between.port) as lab:
            lab.put("mail", lab.pair(1))
            lab.configure()
            late.append(("add", OWNER, 2, lab.pair(1).record))
            lab.run()
            same(lab.contents(), [lab.pair(1).record])
            same(len(between.updates()), 1)


def lost(transport, seconds):
    """The answer to each update never comes: looked at, found done, not sent again."""
    key = Key()

    def keep(data, answer, _):
        return None if is_update(data) else answer
    with start(Bind, [key]) as server, Between(server, change=keep) as between, \
            Dynamic(server, key, transport, between.port) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run("run", "--verbose")
        same(lab.contents(), [lab.pair(1).record])
        same(len(between.updates()), 1, "sent again")
        check("no answer to the update" in done.err and done.seconds < seconds, done)
        same(lab.run().err, "")


case("answers lost over tcp: looked at, never sent blindly again")(lambda: lost("tcp", 5))
case("answers lost over udp: looked at, never sent blindly again")(lambda: lost("udp", 20))


@case("an update that never arrives is sent again only after a look")
def lost_request():
    key = Key()
    with start(Bind, [key]) as server:
        class Hole(Between):
            lose = 1

            def pass_on(self, data, how):
                if is_update(data) and self.lose:
                    self.lose -= 1
                    return None
                return super().pass_on(data, how)
        with Hole(server) as between, Dynamic(server, key, port=between.port) as lab:
            lab.put("mail", lab.pair(1))
            lab.configure()
            lab.run()
            same(lab.contents(), [lab.pair(1).record])


def liar(transport, change, code, words, updates=None):
    """CHANGE(key, data, answer): what is sent for the server's answer to an update."""
    key = Key()

    def lie(data, answer, _):
        return change(key, data, answer) if is_update(data) else answer
    with start(Bind, [key]) as server, Between(server, change=lie) as between, \
            Dynamic(server, key, transport, between.port) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run("run", "--verbose", code=code)
        check(words in done.err, words, "is not said:", done)
        if updates:
            same((len(between.updates("udp")), len(between.updates("tcp"))), updates)
        return done


def bare(data, rcode="NOERROR"):
    message = Message.read(data)
    return Message(message.id, QR | UPDATE << 11 | RCODES[rcode], [message.sections[0], [], [], []])


def unsigned(_, data, answer):
    return bare(data).pack()


def unsigned_refusal(_, data, answer):
    return bare(data, "REFUSED").pack()


def badkey(key, data, answer):
    return key.sign(bare(data, "NOTAUTH").pack(), error=RCODES["BADKEY"], mac=b"")[0]


def spoiled(_, data, answer):
    return answer[:-20] + bytes([answer[-20] ^ 1]) + answer[-19:]


def shortened(key, data, answer):
    mac = Message.read(data).sections[3][-1].data
    return key.sign(bare(data).pack(), request=mac, mac=bytes(16))[0]


case("an unsigned NOERROR proves nothing: looked at, found done")(
    lambda: liar("tcp", unsigned, GOOD, "it is not signed", (0, 1)))
case("a spoiled signature proves nothing: looked at, found done")(
    lambda: liar("tcp", spoiled, GOOD, "cannot be trusted", (0, 1)))
case("a shortened signature proves nothing: looked at, found done")(
    lambda: liar("tcp", shortened, GOOD, "its signature is cut short", (0, 1)))
case("an unsigned REFUSED over tcp: said as what it is")(
    lambda: liar("tcp", unsigned_refusal, USAGE, "it is not signed: REFUSED", (0, 1)))
case("an unsigned NOERROR over udp: asked again over tcp, then looked at")(
    lambda: liar("udp", unsigned, GOOD, "it is not signed", (1, 1)))


@case("a forged BADKEY over udp: asked again over tcp, which finds it done")
def forged_badkey():
    key = Key()

    def lie(data, answer, how):
        return badkey(key, data, answer) if is_update(data) and how == "udp" else answer
    with start(Bind, [key]) as server, Between(server, change=lie) as between, \
            Dynamic(server, key, "udp", between.port) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.run()
        same(lab.contents(), [lab.pair(1).record])
        same((len(between.updates("udp")), len(between.updates("tcp"))), (1, 1))


@case("a large RRset: its update goes over tcp although udp is configured")
def large():
    key = Key()
    with start(Bind, [key]) as server, Between(server) as between, \
            Dynamic(server, key, "udp", between.port) as lab:
        server.change(ZONE, key, *[("add", OWNER, 2, "3 1 2 " + "%02x" % i * 64) for i in range(8)])
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=FAILED)
        check("an outage" in done.err, done)
        check(lab.pair(1).record in lab.contents())
        check(between.updates("tcp") and not between.updates("udp"), "a long message over UDP")


@case("records that cannot be kept whole or read: in the prerequisites octet by octet")
def odd_records():
    key = Key()
    odd = ["3 1 1 " + "ab" * 31, "3 0 0 " + "30" * 700, "255 255 255 00", "2 0 1 " + "cd" * 32]
    with start(Bind, [key]) as server, Dynamic(server, key) as lab:
        server.change(ZONE, key, *[("add", OWNER, 2, text) for text in odd])
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.run(code=None)
        same(lab.contents(), sorted(odd + [lab.pair(1).record]))


def many(count, code):
    key = Key()
    with start(Bind, [key]) as server, Dynamic(server, key) as lab:
        server.change(ZONE, key, *[("add", OWNER, 2, "3 1 1 " + "%02x" % i * 32)
                                   for i in range(count)])
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=code)
        same(len(lab.contents()), count + (code != FAILED))
        if code == FAILED:
            check("too many TLSA records" in done.err, done)


case("63 records of others: ours is the 64th")(lambda: many(63, None))
case("65 records of others: refused")(lambda: many(65, FAILED))


# ---- refusals ----------------------------------------------------------------------------------------

def refused(kind, words):
    key = Key()
    with start(kind, [key], owners=["_443._tcp." + HOST]) as server, Dynamic(server, key) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=USAGE)
        check(words in done.err and not server.contents(OWNER), done)
        lab.check_clean()


case("BIND: a name outside of update-policy is refused, and said")(
    lambda: refused(Bind, "it does not allow the key this change"))
case("Knot: a name outside of the acl is refused, and said")(
    lambda: refused(Knot, "with Knot also an acl that allows this owner name"))


POLICY = """\
local owners = { ["%s."] = true }
function updatepolicy(input)
  return input:getTsigName():equal("daneroll") and input:getQType() == pdns.TLSA
    and owners[input:getQName():toString():lower()] == true
end
"""


def lua(owner, code):
    """README's policy for PowerDNS, which says NOERROR to what it passes over."""
    class Policed(PowerDns):
        def write(self, name, text):
            if name == "pdns.conf":
                text += "lua-dnsupdate-policy-script=%s\n" % super().write("policy.lua",
                                                                          POLICY % owner)
            return super().write(name, text)
    key = Key()
    with start(Policed, [key]) as server, Dynamic(server, key) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=code)
        same(lab.contents(), [lab.pair(1).record] if code == GOOD else [])
        check(code == GOOD or "does not show it" in done.err, done)


case("PowerDNS: a Lua policy that allows the name")(lambda: lua(OWNER, GOOD))
case("PowerDNS: a Lua policy that allows another name: seen, and said")(
    lambda: lua("_443._tcp." + HOST, FAILED))


def wrong_key(kind, change, words):
    key, wrong = Key(), Key()
    change(wrong, key)
    with start(kind, [key]) as server, Dynamic(server, wrong) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=USAGE)
        check(words in done.err and server.address + ": " in done.err, words, "is not said:", done)
        same(lab.contents(), [])
        lab.check_clean()


def other_name(wrong, key):
    wrong.name, wrong.secret = "another", key.secret


def other_algorithm(wrong, key):
    wrong.algorithm, wrong.secret = "hmac-sha512", key.secret


for kind, by_secret, by_name in ((Bind, "(BADSIG)", "(BADKEY)"), (Knot, "(BADSIG)", "(BADKEY)"),
                                 (PowerDns, "does not sign that", "does not sign that")):
    for what, change, words in (("secret", lambda wrong, key: None, by_secret),
                                ("name", other_name, by_name),
                                ("algorithm", other_algorithm, "")):
        case("%s: a key with another %s: exit 2, and why" % (kind.kind, what))(
            lambda kind=kind, change=change, words=words: wrong_key(kind, change, words))


def long_valid():
    """A pair that an hour more or less does not make invalid: the clock is the server's matter."""
    store.server()
    with store.lock:
        if "long valid" not in store.pairs:
            store.pairs["long valid"] = Pair(*store.authority.issue(
                (HOST,), "long-valid", not_before=time.time() - 86400))
        return store.pairs["long valid"]


def clock(kind, off, code, *words):
    if not os.path.exists(CLOCK):
        raise Skipped("daneroll-clock is not built")
    key = Key()
    with start(kind, [key]) as server, Dynamic(server, key) as lab:
        lab.clock = Clock(lab)
        lab.clock.set(wall=int(time.time()) + off if abs(off) < 10**8 else off % 10**8,
                      proven=0)
        lab.put("mail", long_valid())
        lab.configure()
        done = lab.run(code=code, clock=True)
        for word in words:
            check(word in done.err, word, "is not said:", done)
        same(lab.contents(), [long_valid().record] if code == GOOD else [])
        return lab.state() if os.path.exists(lab.state_file) else ""


case("BIND: our clock is an hour slow: both clocks are said")(
    lambda: clock(Bind, -3600, FAILED, "does not accept the time", "its clock says 20",
                  "ahead of ours: ours is not kept right by the kernel"))
case("Knot: our clock is an hour fast: both clocks are said")(
    lambda: clock(Knot, 3600, FAILED, "does not accept the time", "behind ours"))
case("PowerDNS: our clock is an hour slow: its silent refusal is explained")(
    lambda: clock(PowerDns, -3600, USAGE, "both clocks"))
case("a clock that stands before the release: exit 75, and nothing is sent")(
    lambda: clock(Bind, 10**9, LATER, "clock not set"))


@case("the server's signature proves our clock where the kernel does not")
def proof():
    state = clock(Bind, 0, GOOD)
    check(re.search(r" \d+ \d+ 1$", state, re.M), "the time is not noted as proven:", state)


# ---- the configuration ---------------------------------------------------------------------------------

def misconfigured(words, key_file=None, mode=0o600, **keys):
    key = Key()
    with start(Bind, [key]) as server, Dynamic(server, key, **keys) as lab:
        if key_file is not None:
            lab.write("key", key_file, mode)
        os.chmod(lab.path("key"), mode)
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=USAGE)
        check(words in done.err, words, "is not said:", done)
        same(lab.contents(), [])
        lab.check_clean()


case("no key-file: exit 2")(lambda: misconfigured("set key-file", **{"key-file": None}))
case("a key-file that others can read: exit 2")(lambda: misconfigured("chmod 600", mode=0o644))
case("a key-file that is none: exit 2 with the line")(
    lambda: misconfigured("line 2: expected 'algorithm'", "key x {\nsecrets AAAA; };\n"))
case("a key-file that is not there: exit 2")(
    lambda: misconfigured("no such file", **{"key-file": "/nonexistent/key"}))
case("a server that is malformed: exit 2")(
    lambda: misconfigured("server must be", server="127.0.0.1@0"))
case("a transport that is none: exit 2")(lambda: misconfigured("transport", transport="tls"))


@case("nobody listens there: exit 75")
def nobody():
    key = Key()
    with start(Bind, [key]) as server, Dynamic(server, key, port=free_port(server.address)) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=LATER)
        check(server.address + ": not reached" in done.err and "refused" in done.err, done)
        check("RFC 8020" not in done.err, "a denial is right where no record is:", done)


@case("a server that never answers: exit 75 in seconds")
def silent():
    key = Key()
    with start(Bind, [key]) as server, socket.socket() as listener:
        listener.bind((server.address, 0))
        listener.listen(8)
        with Dynamic(server, key, port=listener.getsockname()[1]) as lab:
            lab.put("mail", lab.pair(1))
            lab.configure()
            done = lab.run(code=LATER)
            check("not reached" in done.err and done.seconds < 12, done)


# ---- names ---------------------------------------------------------------------------------------------

def zones(kind, zones, code, check_server, **host):
    key = Key()
    with kind(zones, [key]) as server, Dynamic(server, key) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(**host)])
        done = lab.run(code=code)
        check_server(server, lab, done)
        return done


def aliases(count):
    return [Zone(ZONE, ["_25._tcp.mail IN CNAME a0"] + [
        "a%d IN CNAME a%d" % (i, i + 1) for i in range(count)], [OWNER])]


def alias_here(server, lab, done):
    same(server.contents("tlsa._dane.example.net"), [lab.pair(1).record])
    same(server.rrset(OWNER, "CNAME")[0], 2)
    lab.put("mail", lab.pair(2))
    for _ in range(3):
        lab.run()
        lab.age()
    same(server.contents("tlsa._dane.example.net"), [lab.pair(2).record])


TARGET = "tlsa._dane.example.net"
for kind in KINDS:
    case("%s: an alias into another zone of the same server is followed, and rolled there" % kind.kind)(
        lambda kind=kind: zones(kind, [
            Zone(ZONE, ["_25._tcp.mail IN CNAME a", "a IN CNAME %s." % TARGET], [OWNER]),
            Zone("example.net", [], [TARGET])], GOOD, alias_here))


def said(*words):
    def look(server, lab, done):
        for word in words:
            word = word.replace("%(server)s", server.address)
            check(word in done.err, word, "is not said:", done)
    return look


case("an alias to a zone that the server does not hold: said, with both names")(
    lambda: zones(Bind, [Zone(ZONE, ["_25._tcp.mail IN CNAME %s." % TARGET], [OWNER])], USAGE,
                  said("it does not hold " + TARGET, "smtp is a CNAME: records are kept at " + TARGET)))
# Where DNS is not asked before, the server itself follows what is an alias.
case("propagation = time: an alias to a zone that the server does not hold: said, with both names")(
    lambda: zones(Bind, [Zone(ZONE, ["_25._tcp.mail IN CNAME %s." % TARGET], [OWNER])], USAGE,
                  said("%s is an alias of %s, which it does not hold" % (OWNER, TARGET)),
                  propagation="time"))
case("propagation = time: too many aliases in a row: said")(
    lambda: zones(Bind, aliases(9), FAILED, said("too many aliases"), propagation="time"))
case("PowerDNS: an alias to a zone that it does not hold: said")(
    lambda: zones(PowerDns, [Zone(ZONE, ["_25._tcp.mail IN CNAME %s." % TARGET], [OWNER])], USAGE,
                  said("%(server)s: ")))
case("BIND: aliases in a circle, of which it makes a fault of its own: exit 75")(
    lambda: zones(Bind, [Zone(ZONE, ["_25._tcp.mail IN CNAME a", "a IN CNAME _25._tcp.mail"],
                              [OWNER])], LATER, said("it has a fault")))
case("aliases in a row are followed to their end, which the key may not change: said")(
    lambda: zones(Bind, aliases(9), USAGE, said("does not allow the key this change")))
case("too many aliases in a row: said, and nothing is sent")(
    lambda: zones(Bind, aliases(20), LATER, said("DNS could not be asked")))
case("a zone that is not held: said")(
    lambda: zones(Bind, [Zone("example.net")], USAGE, said("it does not hold " + OWNER)))
case("a delegated name below the zone: said")(
    lambda: zones(Bind, [Zone(ZONE, ["mail IN NS ns.example.net."], [OWNER])][:1], USAGE,
                  said("it does not hold " + OWNER)))


def child(server, lab, done):
    same(server.contents(OWNER), [lab.pair(1).record])


for kind in KINDS:
    case("%s: the child zone is the one that is changed, not its parent" % kind.kind)(
        lambda kind=kind: zones(kind, [
            Zone(ZONE, ["_tcp.mail IN NS ns"], []),
            Zone("_tcp." + HOST, [], [OWNER])], GOOD, child))


def wildcard(kind):
    """An RRset from a wildcard: our record is written with all of it, in one message."""
    key = Key()
    lines = ["*._tcp.mail IN TLSA " + OTHER]
    with start(kind, [key], lines=lines) as server, Dynamic(server, key) as lab:
        same(lab.contents(), [OTHER])
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=FAILED)
        check("an outage" in done.err, done)
        same(lab.contents(), sorted([OTHER, lab.pair(1).record]))
        same(server.contents("_26._tcp." + HOST), [OTHER], "the wildcard is another's")
        lab.run()
        same(lab.contents(), sorted([OTHER, lab.pair(1).record]))


for kind in KINDS:
    case("%s: records of a wildcard are kept beside ours" % kind.kind)(
        lambda kind=kind: wildcard(kind))


@case("BIND accepts a record beyond TLSA(1) and drops it: seen, said, not taken for done")
def dropped():
    class Limited(Bind):
        def write(self, name, text):
            return super().write(name, text.replace(" TLSA; ", " TLSA(1); "))
    key = Key()
    with start(Limited, [key]) as server, Dynamic(server, key) as lab:
        server.change(ZONE, key, ("add", OWNER, 2, OTHER))
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run(code=FAILED)
        check("accepted the update but does not show it" in done.err, done)
        same(lab.contents(), [OTHER])


@case("BIND with inline signing: the change shows a moment later, and is waited for")
def inline():
    class Signed(Bind):
        def write(self, name, text):
            return super().write(name, text.replace(
                "update-policy", "inline-signing yes; update-policy"))
    key = Key()
    with start(Signed, [key]) as server, Dynamic(server, key) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.run()
        check(lab.pair(1).record in lab.contents(), server.log())
        lab.put("mail", lab.pair(2))
        for _ in range(3):
            lab.run()
            lab.age()
        same(lab.contents(), [lab.pair(2).record])


# ---- the zone's primary --------------------------------------------------------------------------------

@case("no server configured: the primary that the SOA record names, asked on port 53")
def primary():
    if os.geteuid() != 0:
        raise Skipped("namespaces need root")
    if not os.environ.get("DNS_TEST_INSIDE"):
        done = subprocess.run(["unshare", "--mount", sys.executable, __file__,
                               "no server configured"], stdout=subprocess.PIPE, timeout=100,
                              env=dict(os.environ, DNS_TEST_INSIDE="1"), check=False)
        check(done.returncode == 0, done.stdout.decode())
        return
    key = Key()
    with Bind([Zone(ZONE, ["_587._tcp.mail IN CNAME tlsa.example.net.",
                           "_993._tcp.mail IN CNAME tlsa.example.com."], [OWNER]),
               Zone("example.net", [], ["tlsa.example.net"]),
               Zone("example.com", [], [], primary="nobody.example.com")], [key],
              port=53) as server, Dynamic(server, key, server=None) as lab:
        resolv = lab.write("resolv.conf", "nameserver %s\n" % lab.address)
        subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True, timeout=10)
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(service="smtp submission")])
        lab.run()
        same(lab.contents(), [lab.pair(1).record])
        same(lab.contents("tlsa.example.net"), [lab.pair(1).record], "the alias's own zone")
        lab.configure([lab.host(service="imaps")])
        done = lab.run(code=LATER)
        check("nobody.example.com: not reached" in done.err, done)
        with open(lab.config_file, encoding="ascii") as text:
            other = text.read().replace("resolver = " + lab.address, "resolver = 127.0.0.2")
        lab.write("daneroll.conf", other, 0o600)
        done = lab.run(code=LATER, timeout=60)
        check("primary cannot be found out" in done.err and "set server" in done.err, done)


if __name__ == "__main__":
    own_network()
    sys.exit(main())
