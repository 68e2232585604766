"""The whole scene: the DNS tree, the services, mails and handshakes at a steady rate, and the count.

    world = World(Perfect, ttl=2, lag=(1, 3), seed=7)
    world.play(3)
    world.report.check_clean()

A roller (rollers.py) publishes the first key's records and then rotates keys; the world only watches.
"""

import base64
import hashlib
import os
import random
import time

import names
import space
from names import MX, SERVICES, Tree
from prober import Client, Prober
from probe import spki
from services import Mailer, Postfix, Receiver, Sender
from space import Fault, until

OURS, UNBOUND = space.NET4 + "1", space.NET4 + "53"
MAIL_INTERVAL = 0.4
STEADY_SECONDS = 20     # until mails and handshakes go through
ARRIVE_SECONDS = 20     # for the last mail
AFTER = 3               # seconds beyond a TTL that a cached RRset may be used


class Report:
    """What was counted, and whether it is as it should be."""

    def __init__(self, world):
        prober, mailer = world.prober, world.mailer
        self.name, self.rotations = world.roller.name, world.rotations
        self.seconds = time.monotonic() - world.start_time
        for what in ("compared", "mismatches", "denials", "no_answer", "no_handshake", "cut", "late"):
            setattr(self, what, prober.total(what))
        self.keys = {client.name: client.keys for client in prober.clients}
        self.accepted, self.arrived = mailer.accepted, world.receiver.arrived()
        self.verified, status, self.deferrals, self.words = world.sender.outcome()
        self.deferred = len(set().union(*[ids for state, ids in status.items() if state != "sent"]))
        self.notes = prober.notes
        self.words_of_roller = world.roller.words()
        self.faults = (space.fallen() + world.tree.faults() + prober.faults()
                       + ([mailer.fault] if mailer.fault else []) + world.roller.faults())

    def line(self):
        return ("%s: %d rotations in %.0f s; %d mails, %d arrived, %d deferred; %d comparisons, "
                "%d mismatches, %d without records; %d look-ups and %d handshakes failed, %d cut, "
                "%d late%s" % (
                    self.name, self.rotations, self.seconds, self.accepted, len(self.arrived),
                    self.deferred, self.compared, self.mismatches, self.denials, self.no_answer,
                    self.no_handshake, self.cut, self.late, self.words_of_roller))

    def problems(self):
        """Everything that may not be, in words; empty if all was well."""
        found = list(self.faults)
        if self.deferred:
            found.append("%d mails were deferred, first: %s" % (self.deferred, self.words))
        for count, words in ((self.mismatches, "DANE mismatches"), (self.denials, "without records"),
                             (self.no_answer, "look-ups failed"),
                             (self.no_handshake, "handshakes failed")):
            if count:
                found.append("%d %s" % (count, words))
        return found + self.proof()

    def proof(self):
        """What would make the counts worth nothing."""
        found = []
        if self.arrived != list(range(1, self.accepted + 1)):
            found.append("of %d mails %d arrived, %d of them once" % (
                self.accepted, len(self.arrived), len(set(self.arrived))))
        if self.verified < self.accepted:
            found.append("only %d of %d mails went by a verified handshake" % (
                self.verified, self.accepted))
        for client, keys in self.keys.items():
            if len(keys) != self.rotations + 1 or len(set(keys)) != len(keys):
                found.append("%s showed %d keys, %d different ones, in %d rotations" % (
                    client, len(keys), len(set(keys)), self.rotations))
        if self.compared < 10 * (self.rotations + 1) * len(self.keys):
            found.append("only %d comparisons" % self.compared)
        if self.late > self.compared // 20:
            found.append("%d comparisons came too late to prove anything: the machine is too slow"
                         % self.late)
        return found

    def check_clean(self):
        problems = self.problems()
        if problems:
            raise Fault("\n".join([self.line()] + problems + self.notes))

    def check_failures(self, mail):
        """The roller's fault must have been seen: by the clients, and if MAIL says so by real mail
        (whose one resolver may be lucky where not all name servers are wrong)."""
        problems = self.faults[:]
        if not self.mismatches or (mail and not self.deferred):
            problems.append("the harness is blind to this roller's faults")
        if problems:
            raise Fault("\n".join([self.line()] + problems + self.notes))


class World:
    def __init__(self, roller, ttl, lag, seed, **more):
        self.ttl, self.lag, self.seed = ttl, lag, seed
        self.random = random.Random(seed)
        self.rotations = 0
        self.start_time = time.monotonic()
        space.settle(UNBOUND)
        ipv6 = space.has_ipv6()
        space.address(1, ipv6=ipv6)
        space.address(53)
        self.ca, self.acme, self.install = [space.path(p) for p in ("ca", "acme", "install")]
        self.live = os.path.join(self.acme, "live")
        self.mx = space.Node("mx", 25, ipv6)
        self.tree = Tree(OURS, UNBOUND, ttl, lag, seed)
        self.tree.start(self.mx.addresses)
        self.roller = roller(self, **more)
        self.receiver = Receiver(self.mx, self.roller.read_from, self.roller.combined)
        self.sender = Sender(space.Node("sender", 26, ipv6))
        Postfix.admit(self.receiver.postfix, self.sender.postfix)
        self.mailer = Mailer(self.sender, MAIL_INTERVAL)
        self.prober = Prober(self.tree, self.mx.addresses)
        self.report = None

    # What rollers use

    @property
    def renew_command(self):
        return "%s %s %s %s" % (os.path.join(os.path.dirname(os.path.abspath(__file__)), "renew"),
                                self.ca, MX, self.acme)

    def renew(self):
        space.run("sh", "-c", self.renew_command)

    @staticmethod
    def key(folder):
        """The digest of the SPKI of the certificate in FOLDER."""
        with open(os.path.join(folder, "cert.pem"), encoding="ascii") as source:
            lines = source.read().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]
        return hashlib.sha256(spki(base64.b64decode(lines))).hexdigest()

    def reload(self):
        for command in self.receiver.reloads:
            space.run("sh", "-c", command)

    def served(self):
        """The keys that services show now, of all ports and addresses; None among them: no
        handshake."""
        keys = set()
        for port in SERVICES:
            for address in self.mx.addresses:
                certificate = Client(self.tree, port, address, lambda words: None).shake()
                keys.add(hashlib.sha256(spki(certificate)).hexdigest() if certificate else None)
        return keys

    # The play

    def play(self, rotations):
        """Sets the report; raises Fault where nothing could be watched at all."""
        self.roller.begin()
        for owner in names.OWNERS:
            until(lambda: all(server.shows(owner)[1] for server in self.tree.secondaries)
                  and self.tree.validates(owner), STEADY_SECONDS, "no records for " + owner)
        self.sender.start()
        self.prober.start()
        self.mailer.start()
        until(lambda: self.receiver.arrived() and all(c.compared >= 3 for c in self.prober.clients),
              STEADY_SECONDS, lambda: "no traffic; arrived %s, compared %s, faults %s; %s" % (
                  self.receiver.arrived(), [c.compared for c in self.prober.clients],
                  self.prober.faults(), self.sender.outcome()))
        for _ in range(rotations):
            self.roller.rotate()
            self.rotations += 1
        self.linger(self.ttl + AFTER)
        self.prober.stop()
        self.mailer.stop()
        try:
            until(lambda: len(set(self.receiver.arrived())) >= self.mailer.accepted, ARRIVE_SECONDS,
                  "mails are missing", pause=0.2)
        except Fault:
            pass  # the report says it
        self.report = Report(self)
        return self.report

    def linger(self, seconds):
        """Lets time pass, as long as there is somebody to see it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not space.fallen() and not self.prober.faults():
            time.sleep(min(0.1, max(0.0, end - time.monotonic())))
