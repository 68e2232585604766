"""The world around a Lab: DNS that shows the emulator's records, and services that serve pairs.

Each Lab has a loopback address of its own (127.x.y.z), so that the standards' ports are free there:

    names = Names(address, cloudflare)       port 53, resolver and every authoritative server in one
    Service(address, 25, "smtp", load)       STARTTLS for SMTP, TLS at once elsewhere

DNS is signed as far as a client without a validator can tell: DS records down from the root, and
signatures that are of today (their octets are not). `names.lag` seconds pass before what the
provider holds shows; `names.hold()` keeps what is shown as it is; `names.aliases` are CNAMEs;
`names.mute`, `names.lame`, `names.unsigned`, `names.bogus`, `names.only_recursive` and
`names.replace` make it otherwise. A second Names in `names.more` is a second server of all zones.
"""

import errno
import random
import socket
import socketserver
import ssl
import struct
import threading
import time

from dnswire import AA, IN, QR, RCODES, RD, TC, TYPES, Message, Rr, pack_name, receive, tlsa

RA = 0x0080
KIND = {number: name for name, number in TYPES.items()}
PATIENCE = 5  # seconds for each step of a client
LINE_MOST = 1000
COMMANDS_MOST = 20


def own_address():
    """A loopback address that nobody else uses: port 53 of it could be taken."""
    for _ in range(200):
        address = "127.%d.%d.%d" % (random.randint(1, 254), random.randint(0, 255),
                                    random.randint(2, 254))
        try:
            with socket.create_server((address, 53)), \
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.bind((address, 53))
                return address
        except OSError:
            continue
    raise OSError("no loopback address is free")


def patiently(open_it):
    """OPEN_IT, again while the address is taken: a child between fork and exec still holds what
    was closed here."""
    for _ in range(40):
        try:
            return open_it()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            time.sleep(0.05)
    return open_it()


def soa(zone, serial=1):
    return (pack_name("ns." + zone) + pack_name("root." + zone)
            + struct.pack(">IIIII", serial, 600, 60, 86400, 300))


class Names:
    """A name server for everything: the root, the TLDs and the zones of the emulator."""

    def __init__(self, address, cloudflare, now=time.time, port=53):
        self.address, self.cf, self.now = address, cloudflare, now
        self.mute = self.lame = self.unsigned = self.bogus = self.only_recursive = False
        self.began = int(now())
        self.lag = 0.0
        self.watch = lambda: None  # called at each question, before its answer
        self.held = None   # what is shown is of that time
        self.aliases = {}  # owner -> the name that its CNAME leads to
        self.more = {}     # "ns2" -> address of another server
        self.replace = {}  # (owner, type name) -> [Rr] or an rcode's name, instead of what is so
        self.asked = []    # (name, type name)
        self.hosts = {}    # name -> address
        self.seen = {}     # owner -> [(since when, records)]: for the lag
        self.lock = threading.Lock()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        patiently(lambda: self.udp.bind((address, port)))
        self.tcp = patiently(lambda: socket.create_server((address, port), backlog=64))
        self.threads = [threading.Thread(target=self.serve_udp, daemon=True),
                        threading.Thread(target=self.serve_tcp, daemon=True)]
        for thread in self.threads:
            thread.start()

    def close(self):
        for listener in (self.udp, self.tcp):
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    # ---- what is so ----

    def zones(self):
        """All zone names, the longest first: those of the emulator and all above them."""
        names = {""}
        for zone in self.cf.zones:
            labels = zone.name.split(".")
            names |= {".".join(labels[i:]) for i in range(len(labels))}
        return sorted(names, key=lambda name: -name.count(".") - bool(name))

    def zone_of(self, name, kind):
        """A DS record stands above its zone."""
        for zone in self.zones():
            if kind == "DS" and zone == name and zone:
                continue
            if not zone or name == zone or name.endswith("." + zone):
                return zone
        return ""

    def records_now(self, owner):
        try:
            found = self.cf.rrset(owner)
        except (AttributeError, KeyError):  # in no zone of the emulator's
            return ()
        now = tuple(sorted((content, found["ttl"]) for content in found["records"]))
        with self.lock:
            history = self.seen.setdefault(owner, [(0.0, ())])
            if history[-1][1] != now:
                history.append((time.monotonic(), now))
            shown = self.held or time.monotonic() - self.lag
            due = [records for since, records in history if since <= shown or since == 0.0]
        return due[-1]

    def hold(self):
        """No server learns of a change any more, until `held` is None."""
        with self.lock:
            known = list(self.seen)
        for owner in known:
            self.records_now(owner)
        self.held = time.monotonic()

    def rrset(self, name, kind):
        zone = self.zone_of(name, kind)
        if (name, kind) in self.replace:
            return self.replace[name, kind]
        if kind == "SOA" and name == zone:
            return [Rr(name, "SOA", ttl=300, data=soa(zone))]
        if kind == "NS" and name in self.zones():
            return [Rr(name, "NS", ttl=300, data=pack_name(first + "." + name if name else first))
                    for first in ["ns"] + list(self.more)]
        if kind == "A" and not name.startswith("_"):
            first = name.split(".")[0]
            address = self.address if first == "ns" else self.more.get(first, self.hosts.get(name))
            octets = bytes(int(part) for part in address.split(".")) if address else b""
            return [Rr(name, "A", ttl=60, data=octets)] if address else []
        if kind == "DS" and name in self.zones() and name and not self.unsigned:
            return [Rr(name, "DS", ttl=300, data=struct.pack(">HBB", 1, 13, 2) + bytes(32))]
        if kind == "TLSA":
            return [Rr(name, "TLSA", ttl=ttl, data=tlsa(content))
                    for content, ttl in self.records_now(name)]
        return []

    def signature(self, rr, zone):
        kind = TYPES.get(rr.kind, rr.kind)
        now = int(self.now())
        labels = len([label for label in rr.name.split(".") if label])
        end = self.began - 3600 if self.bogus else now + 14 * 86400
        return Rr(rr.name, "RRSIG", ttl=rr.ttl,
                  data=struct.pack(">HBBIIIH", kind, 13, labels, rr.ttl, end & 0xFFFFFFFF,
                                   (now - 86400) & 0xFFFFFFFF, 1) + pack_name(zone) + bytes(64))

    def answer(self, asked):
        name, kind, _ = asked.sections[0][0]
        name, kind = name.lower(), KIND.get(kind, kind)
        self.asked.append((name, kind))
        self.watch()
        reply = Message(asked.id, QR | AA | RA | asked.flags & RD,
                        [list(asked.sections[0]), [], [], []])
        zone = self.zone_of(name, kind)
        signed = not self.unsigned and bool(zone or name)
        if name in self.aliases and kind != "CNAME":
            target = self.aliases[name]
            alias = Rr(name, "CNAME", ttl=2, data=pack_name(target))
            reply.sections[1] += [alias] + ([self.signature(alias, zone)] if signed else [])
            name, zone = target, self.zone_of(target, kind)
        refused = self.lame or self.only_recursive and not asked.flags & RD
        found = "REFUSED" if refused else self.rrset(name, kind)
        if isinstance(found, str):
            reply.flags |= RCODES[found]
            found = []
        if found:
            reply.sections[1] += found
            if signed:
                reply.sections[1].append(self.signature(found[0], zone))
        elif not reply.rcode:
            denial = Rr(zone, "SOA", ttl=300, data=soa(zone))
            reply.sections[2].append(denial)
            if signed:
                reply.sections[2].append(self.signature(denial, zone))
        reply.sections[3].append(Rr("", "OPT", 1232, 0x8000))
        return reply

    # ---- how it is asked ----

    def serve_udp(self):
        while True:
            try:
                data, client = self.udp.recvfrom(65535)
            except OSError:
                return
            if self.mute:
                continue
            try:
                out = self.answer(Message.read(data)).pack()
                if len(out) > 1232:
                    asked = Message.read(data)
                    out = Message(asked.id, QR | AA | TC,
                                  [list(asked.sections[0]), [], [], []]).pack()
                self.udp.sendto(out, client)
            except (ValueError, OSError, struct.error, IndexError):
                continue

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(PATIENCE)
                try:
                    out = self.answer(Message.read(receive(connection))).pack()
                    if not self.mute:
                        connection.sendall(struct.pack(">H", len(out)) + out)
                except (ValueError, OSError, struct.error, IndexError):
                    continue


# What is said before TLS: "greeting without" where the server has none to offer.
DIALECTS = {
    "smtp": {"greeting": b"220 lab ESMTP\r\n", "greeting without": b"220 lab ESMTP\r\n",
             "command": b"STARTTLS", "go ahead": b"220 go ahead\r\n",
             "refusal": b"502 not here\r\n"},
    "imap": {"greeting": b"* OK [CAPABILITY IMAP4rev2 STARTTLS] lab\r\n",
             "greeting without": b"* OK [CAPABILITY IMAP4rev2] lab\r\n",
             "command": b"STARTTLS", "go ahead": b"OK go ahead\r\n", "refusal": b"BAD no\r\n"},
    "pop3": {"greeting": b"+OK lab\r\n", "greeting without": b"+OK lab\r\n", "command": b"STLS",
             "go ahead": b"+OK go ahead\r\n", "refusal": b"-ERR no\r\n"},
    "sieve": {"greeting": b'"IMPLEMENTATION" "lab"\r\n"STARTTLS"\r\nOK\r\n',
              "greeting without": b'"IMPLEMENTATION" "lab"\r\nOK\r\n', "command": b"STARTTLS",
              "go ahead": b"OK go ahead\r\n", "refusal": b"NO\r\n"},
}


class Service:
    """One port. LOAD() says what is served now: a token that changes with it, and a list of
    (certificate file, key file), one for each kind of key; an empty list: no TLS."""

    def __init__(self, address, port, dialect, load):
        self.dialect, self.load = dialect, load
        self.token, self.context = object(), None
        self.shown = 0  # handshakes
        self.watch = lambda: None  # called before each
        self.lock = threading.Lock()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.settimeout(PATIENCE)
                try:
                    outer.talk(self.request)
                except (OSError, ValueError):
                    pass  # a client that breaks off is nobody's concern

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            request_queue_size = 64

        self.place = address, port
        self.server = patiently(lambda: Server(self.place, Handler))
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def loaded(self):
        with self.lock:
            token, files = self.load()
            if not files:
                return None
            if token != self.token:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.num_tickets = 0
                for pair in files:
                    context.load_cert_chain(*pair)
                self.token, self.context = token, context
            return self.context

    def talk(self, connection):
        if self.dialect in DIALECTS and not self.greet(connection):
            return
        context = self.loaded()
        if context is None:
            return
        self.shown += 1
        self.watch()
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    def greet(self, connection):
        """The dialogue in clear text; whether the client may begin with TLS."""
        words = DIALECTS[self.dialect]
        offered = self.loaded() is not None
        connection.sendall(words["greeting" if offered else "greeting without"])
        for _ in range(COMMANDS_MOST):
            line = self.line(connection).split(b" ")
            tag = line.pop(0) + b" " if self.dialect == "imap" and len(line) > 1 else b""
            verb = line[0].upper()
            if verb == words["command"] and offered:
                connection.sendall(tag + words["go ahead"])
                return True
            if verb == b"EHLO":
                connection.sendall(b"250-lab\r\n250 " + (b"STARTTLS" if offered else b"HELP") + b"\r\n")
            elif verb in (b"QUIT", b"LOGOUT"):
                return False
            else:
                connection.sendall(tag + words["refusal"])
        return False

    @staticmethod
    def line(connection):
        """Octet by octet, so that nothing of the handshake is taken."""
        text = b""
        while not text.endswith(b"\r\n"):
            octet = connection.recv(1)
            if not octet or len(text) > LINE_MOST:
                raise ValueError("no command")
            text += octet
        return text[:-2]
