"""What rotates keys: the classic cron script, an idealised roller that shows the harness right, one
with a single fault that shows it sharp, and daneroll."""

import os
import subprocess
import time

import names
import space
from names import MX, OWNERS, SERVICES, ZONE
from space import Fault, until

HERE = os.path.dirname(os.path.abspath(__file__))
LAGGARD_SECONDS = 30     # beyond the lag that the test itself makes
SERVED_SECONDS = 20      # for all services to show a key after a reload


class Roller:
    """`read_from` is the folder that services read, `combined` whether Postfix reads one file there.
    begin() makes the first pair, starts the services and publishes; rotate() brings a new key."""

    name = "a roller"
    combined = True

    def __init__(self, world):
        self.world = world
        self.read_from = os.path.join(world.install, "current")

    def begin(self):
        world = self.world
        world.renew()
        self.put()
        world.receiver.start()
        self.publish()

    def put(self):
        """Puts the live pair where services read it."""

    def words(self):
        """What the report adds about the roller itself."""
        return ""

    def faults(self):
        """What makes the whole play worth nothing."""
        return []

    def publish(self):
        self.world.tree.add([self.record(self.world.live)])

    def record(self, folder):
        return "3 1 1 " + self.world.key(folder)


class Classic(Roller):
    """The cron script: services read what the ACME client writes; it waits much less than the TTL."""

    name = "classic"
    combined = False

    def __init__(self, world, wait):
        super().__init__(world)
        self.read_from = world.live
        self.wait = wait

    def rotate(self):
        world = self.world
        # At a moment that is bad for those who do not wait: a cache has just taken the records anew.
        until(lambda: min(self.fresh(owner) for owner in OWNERS) >= world.ttl - 1,
              10 * world.ttl, "the caches are never full")
        commands = dict(RENEW=world.renew_command, RELOAD=" && ".join(world.receiver.reloads),
                        KEY_FILE=world.tree.key_file, SERVER=world.tree.primary.address,
                        OWNERS=" ".join(OWNERS), CERT=os.path.join(world.live, "cert.pem"),
                        TTL=str(world.ttl), WAIT=str(self.wait))
        space.run(*world.mx.inside("bash", os.path.join(HERE, "classic.sh")),
                  env=dict(os.environ, **commands))

    def fresh(self, owner):
        return names.rrset(names.ask(self.world.tree.unbound, owner, flags=names.RD))[0] or 0


class Perfect(Roller):
    """Publish, wait for everybody, install by one rename, reload, verify, retire."""

    name = "perfect"

    def __init__(self, world, margin=2):
        super().__init__(world)
        self.margin = margin
        self.number = 0

    def put(self):
        world = self.world
        self.number += 1
        os.makedirs(world.install, exist_ok=True)
        target = os.path.join(world.install, "pair%d" % self.number)
        space.run("cp", "-rL", world.live, target)
        link = os.path.join(world.install, "next")
        os.symlink(os.path.basename(target), link)
        os.rename(link, self.read_from)

    def rotate(self):
        world, tree = self.world, self.world.tree
        old = self.record(self.read_from)
        world.renew()
        new = self.record(world.live)
        tree.add([new])
        self.wait([old, new])
        self.put()
        world.reload()
        for _ in range(2):
            until(lambda: world.served() == {world.key(world.live)}, SERVED_SECONDS,
                  lambda: "services still show %s" % world.served(), pause=0.2)
        self.retire(old, new)

    def retire(self, old, new):
        self.world.tree.remove([old])
        self.shown([new])

    def wait(self, records):
        self.shown(records)
        self.world.linger(2 * self.world.ttl + self.margin)

    def shown(self, records):
        until(lambda: self.world.tree.shown_everywhere(records),
              self.world.lag[1] + LAGGARD_SECONDS, "the secondaries do not follow", pause=0.1)


class Hasty(Perfect):
    """Right but for one thing: its wait starts when the primary accepts, not when all servers show.
    So all is well until a secondary is late by more than the wait."""

    name = "hasty"
    LATE = 60

    def rotate(self):
        self.world.tree.lag = (self.LATE, self.LATE)
        super().rotate()

    def wait(self, records):
        self.world.linger(2 * self.world.ttl + self.margin)

    def retire(self, old, new):
        self.world.linger(self.world.ttl)
        self.world.tree.lag = (1, 1)
        super().retire(old, new)


class Daneroll(Roller):
    """The program under test, called as cron would, but every second; now and then killed."""

    name = "daneroll"
    EVERY = 1.0              # seconds between the begins of two calls
    KILL_OF = 3              # one call in so many is killed
    KILL_WITHIN = 2.0        # seconds
    CALL_SECONDS = 90        # no single call takes longer
    CONVERGE_SECONDS = 120   # for a whole rotation
    GOOD, LATER = 0, 75

    def __init__(self, world, margin=2, kills=True):
        super().__init__(world)
        self.margin, self.kills = margin, kills
        self.config = space.path("daneroll.conf")
        self.binary = os.environ["DANEROLL"]
        self.calls = self.killed = 0
        self.said = []

    def configure(self):
        world, live = self.world, self.world.live
        lines = ["[daneroll]", "state = " + space.path("state"), "check-interval = 60",
                 "resolver = " + world.tree.unbound, "publish-wait = 0", "retire-wait = 1",
                 "wait-margin = %d" % self.margin, "wait-floor = 0",
                 "[provider lab]", "type = rfc2136", "server = " + world.tree.primary.address,
                 "key-file = " + world.tree.key_file,
                 "[host %s]" % MX, "service = " + " ".join(SERVICES.values()), "ttl = %d" % world.ttl,
                 "certificate = %s/fullchain.pem" % live, "private-key = %s/privkey.pem" % live,
                 "install = " + world.install, "chain = %s/root.pem" % world.ca]
        lines += ["reload = " + command for command in world.receiver.reloads]
        space.write("\n".join(lines) + "\n", "daneroll.conf", mode=0o600)

    def call(self, kill=None):
        """One call, as cron makes it; killed after KILL seconds. Its exit code, negative if killed."""
        process = subprocess.Popen(
            self.world.mx.inside(self.binary, "run", "--verbose", "--config", self.config),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True)
        self.calls += 1
        try:
            # What hooks started may hold the pipe for longer: that ends no call.
            output = process.communicate(timeout=kill or self.CALL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            output = process.communicate(timeout=self.CALL_SECONDS)[0]
            if kill is None:
                raise Fault("a call took longer than %d s:\n%s" % (self.CALL_SECONDS, output))
            self.killed += 1
        code = process.returncode
        self.said.append("%.1f s, exit %d%s\n%s" % (time.monotonic() - self.world.start_time, code,
                                                    " (killed)" if code < 0 else "", output))
        return code

    def until_done(self, done, kills, words):
        """Calls until DONE() holds and a whole call after that had nothing to complain of."""
        begin, due = time.monotonic(), time.monotonic()
        while True:
            self.world.linger(due - time.monotonic())
            due = max(due + self.EVERY, time.monotonic())
            kill = None
            if kills and self.world.random.randrange(self.KILL_OF) == 0:
                kill = self.KILL_WITHIN * self.world.random.random() ** 3
            was_done = done()
            code = self.call(kill)
            if was_done and code == self.GOOD and done():
                return
            if code not in (self.GOOD, self.LATER) and code >= 0:
                raise Fault("a call ended with %d:\n%s" % (code, self.last_words()))
            if time.monotonic() - begin > self.CONVERGE_SECONDS:
                raise Fault("no end in %d s: %s; %s\n%s" % (self.CONVERGE_SECONDS, words,
                                                           self.standing(), self.last_words()))

    def words(self):
        return "; %d calls, %d of them killed" % (self.calls, self.killed)

    def faults(self):
        return ["no call was killed"] if self.kills and not self.killed else []

    def standing(self):
        return "services show %s, the primary %s" % (
            self.world.served(), [self.world.tree.primary.shows(owner) for owner in OWNERS])

    def last_words(self):
        return "\n".join(self.said[-12:])

    def begin(self):
        world = self.world
        self.configure()
        world.renew()
        # No service answers and no record exists: an empty folder gets the pair at once.
        until(lambda: self.call() is not None and os.path.exists(self.read_from), SERVED_SECONDS,
              lambda: "the first pair is not installed\n" + self.last_words(), pause=self.EVERY)
        world.receiver.start()
        self.until_done(lambda: self.settled(self.record(world.live)), False, "no first publication")

    def settled(self, record):
        return self.world.tree.shown_everywhere(
            [record], [self.world.tree.primary, *self.world.tree.secondaries])

    def rotate(self):
        world = self.world
        world.renew()
        key = world.key(world.live)
        self.until_done(lambda: self.settled("3 1 1 " + key) and world.served() == {key},
                        self.kills, "a rotation does not converge")
