"""The laboratory of the end-to-end tests: the emulator of Cloudflare in this process, certificates,
a configuration, the program under test, and the look back at what it did.

    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host("mail.example.org", service="smtp")])
        done = lab.run("run")

A script lists its cases with @case("name") and ends with sys.exit(lab.main()). Cases run in parallel
threads (waiting costs no processor), each in a Lab of its own; a failed check raises Failed.
"""

import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "emulator"))

from certs import Authority, openssl  # noqa: E402
from labworld import Names, Service, own_address  # noqa: E402
from cloudflare import USUAL_TOKEN, Cloudflare, Fault, Token, Trap, Zone  # noqa: E402, F401

BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(TOP, "build"))
VARIANT = os.environ.get("VARIANT") or "target"
TARGET = os.environ.get("TARGET") or os.uname().machine
DANEROLL = os.path.abspath(os.environ.get("DANEROLL") or os.path.join(
    BUILD, TARGET if VARIANT == "target" else "asan", "daneroll"))
CLOCK = os.path.join(BUILD, "test", "daneroll-clock")

RUN_SECONDS = 90  # no single call of the program takes longer
HOST = "mail.example.org"
OWNER = "_25._tcp." + HOST
# The standards' ports of the services that the tests name; "PORT/tls" speaks for itself.
PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imap": 143, "imaps": 993, "pop3": 110,
         "pop3s": 995, "sieve": 4190, "https": 443}
STARTTLS = {"smtp": "smtp", "submission": "smtp", "imap": "imap", "pop3": "pop3", "sieve": "sieve"}
# Waits of seconds: the state's times can be aged by so much, and --wait stays short.
# The floor is longer than a call that verifies (which pauses for retire-wait), on a slow machine too.
FAST = {"publish-wait": 0, "wait-margin": 0, "wait-floor": 6, "retire-wait": 1}
WAIT_FAST = 8  # longer than any of them with a TTL of 2
# What stood there before the first call may be in caches for an hour that nobody knows of.
UNKNOWN = 2 * 3600 + WAIT_FAST
ANOTHER_BOOT = "00000000-0000-0000-0000-000000000000"

GOOD, FAILED, USAGE, LATER = 0, 1, 2, 75


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(good, *words):
    if not good:
        raise Failed(" ".join(str(word) for word in words) or "check failed")


def same(got, expected, *words):
    check(got == expected, *words, "\n  got      %r\n  expected %r" % (got, expected))


# ---- cases ---------------------------------------------------------------------------------------

cases = []


def case(name):
    def note(function):
        cases.append((name, function))
        return function
    return note


def run_case(named):
    name, function = named
    try:
        function()
    except Skipped as reason:
        return "ok - %s # SKIP %s" % (name, reason), True
    except Failed as failure:
        where = traceback.extract_tb(failure.__traceback__)
        lines = [str(frame.lineno) for frame in where if not frame.filename.endswith("lab.py")]
        return report(name, "(line %s) %s" % (", ".join(lines[-2:]), failure)), False
    except Exception:
        return report(name, traceback.format_exc()), False
    return "ok - " + name, True


def report(name, words):
    return "\n".join(["not ok - " + name] + ["    " + line for line in words.splitlines()])


def main(jobs=6):
    """Runs the cases that the command line names (substrings), or all."""
    wanted = [c for c in cases if not sys.argv[1:] or any(w in c[0] for w in sys.argv[1:])]
    good = True
    try:
        with ThreadPoolExecutor(jobs) as pool:
            for line, passed in pool.map(run_case, wanted):
                print(line, flush=True)
                good = good and passed
    finally:
        store.remove()
    return 0 if good else 1


# ---- certificates --------------------------------------------------------------------------------

class Pair:
    """A certificate with its key, and the digests that openssl and hashlib make of it."""

    def __init__(self, certificate, key):
        self.certificate_file, self.key_file = certificate, key
        with open(certificate, encoding="ascii") as source:
            self.certificate = source.read()
        with open(key, encoding="ascii") as source:
            self.key = source.read()
        spki = self.der(openssl("x509", "-in", certificate, "-noout", "-pubkey").decode())
        whole = openssl("x509", "-in", certificate, "-outform", "DER")
        self.records = {}
        for selector, data in ((0, whole), (1, spki)):
            for matching, digest in ((1, hashlib.sha256), (2, hashlib.sha512)):
                self.records[3, selector, matching] = "3 %d %d %s" % (selector, matching,
                                                                     digest(data).hexdigest())
        self.record = self.records[3, 1, 1]
        self.spki = self.record.split()[3]

    @staticmethod
    def der(pem):
        return base64.b64decode("".join(line for line in pem.splitlines() if "-" not in line))


class Store:
    """What all labs of a script share: a CA, the emulator's certificate, pairs made once."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="daneroll-e2e-")
        self.lock = threading.Lock()
        self.pairs = {}
        self.authority = None

    def server(self):
        """(chain, key) of the emulator."""
        with self.lock:
            if self.authority is None:
                self.authority = Authority(os.path.join(self.directory, "ca"))
                self.tls = self.authority.issue()
        return self.tls

    @property
    def ca(self):
        self.server()
        return self.authority.certificate

    def pair(self, number, kind="p256", edition=0):
        """The NUMBERth key of that kind; another EDITION is another certificate for the same key."""
        with self.lock:
            have = self.pairs.get((kind, number, edition))
            if have is None:
                have = self.pairs[kind, number, edition] = self.make(number, kind, edition)
            return have

    def make(self, number, kind, edition):
        stem = os.path.join(self.directory, "%s-%s" % (kind, number))
        key, certificate = stem + ".key", "%s-%d.crt" % (stem, edition)
        if not os.path.exists(key):
            Authority.generate(key, kind)
        openssl("req", "-x509", "-new", "-key", key, "-out", certificate, "-days", "90",
                "-subj", "/CN=" + HOST, "-addext", "subjectAltName=DNS:" + HOST)
        return Pair(certificate, key)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


store = Store()


# ---- the clock -----------------------------------------------------------------------------------

class Clock:
    """The clock that daneroll-clock reads; the emulator's Date and DNS' signatures go with its wall
    clock."""

    def __init__(self, lab):
        self.path = os.path.join(lab.directory, "clock")
        self.boot, self.boottime = "11111111-2222-3333-4444-555555555555", 1000
        # What certificates are made meanwhile are valid all the same.
        self.wall, self.proven = int(time.time()) + 60, 1
        lab.cf.set(now=lambda: self.date if self.date is not None else self.wall)
        lab.names.now = lambda: self.date if self.date is not None else self.wall
        self.date = None  # what the server thinks, if not this clock
        self.write()

    def write(self):
        with open(self.path + ".new", "w", encoding="ascii") as out:
            out.write("boot %s\nboottime %d\nwall %d\nproven %d\n"
                      % (self.boot, self.boottime, self.wall, self.proven))
        os.replace(self.path + ".new", self.path)

    def set(self, **values):
        for name, value in values.items():
            setattr(self, name, value)
        self.write()

    def pass_time(self, seconds):
        self.set(boottime=self.boottime + seconds, wall=self.wall + seconds)

    def reboot(self, **values):
        self.set(boot="%s%04d" % (self.boot[:-4], int(self.boot[-4:]) + 1), boottime=30, **values)


# ---- the laboratory ------------------------------------------------------------------------------

class Done:
    """What became of one call of the program."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __str__(self):
        return "exit %s after %.1f s\n%s%s" % (self.code, self.seconds, self.out, self.err)


class Lab:
    def __init__(self, **cloudflare):
        self.directory = tempfile.mkdtemp(prefix="lab-", dir=store.directory)
        settings = {"tls": store.server(), "min_ttl": 2, "rate_limit": None}
        settings.update(cloudflare)
        self.cf = Cloudflare(**settings)
        self.state_directory = self.path("state")
        self.state_file = os.path.join(self.state_directory, "state")
        self.config_file = self.path("daneroll.conf")
        self.token_file = self.path("token")
        self.write("token", self.cf.tokens[0].secret + "\n", 0o600)
        self.served_file = self.path("reloads")
        self.address = own_address()
        self.names = self.open_names()
        self.services = {}   # (host, service) -> Service
        self.addresses = {}  # host -> address
        self.labels = {}     # (host, service) -> names of pairs that it serves
        self.looks_on = False  # the look that one call leaves for the next stays
        self.running = []
        self.clock = None
        self.before = {}
        self.number = 0
        self.ages = []  # [(when, seconds)]: time that was made to pass
        self.all_output = ""

    def open_names(self):
        """The DNS that the program is shown."""
        return Names(self.address, self.cf)

    def __enter__(self):
        self.cf.start()
        return self

    def __exit__(self, kind, *_):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.cf.stop()
        self.names.close()
        for service in self.services.values():
            service.close()
        for kept in ("look", "lock"):
            if os.path.exists(self.in_ram(kept)):
                os.remove(self.in_ram(kept))
        if kind is None:
            shutil.rmtree(self.directory, ignore_errors=True)

    # Files

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path + ".new", mode)
        os.replace(path + ".new", path)
        return path

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as source:
            return source.read()

    @staticmethod
    def pair(number, kind="p256", edition=0):
        return store.pair(number, kind, edition)

    def put(self, name, pair):
        """Puts a pair where the configuration of NAME reads it, the key first."""
        self.write(name + ".key", pair.key, 0o600)
        self.write(name + ".crt", pair.certificate)
        if not os.path.exists(self.path(name + ".served.crt")):
            self.serve(name, pair)

    def serve(self, name, pair):
        """What services show of NAME from now on, as if they had loaded it; None: no TLS."""
        if pair is None:
            os.remove(self.path(name + ".served.crt"))
            return
        self.write(name + ".served.key", pair.key, 0o600)
        self.write(name + ".served.crt", pair.certificate)

    def loaded(self, names):
        """For Service: what the pairs of those names are served with."""
        files = [(self.path(name + ".served.crt"), self.path(name + ".served.key"))
                 for name in names if os.path.exists(self.path(name + ".served.crt"))]
        stamps = [os.stat(certificate) for certificate, _ in files]
        return tuple((stamp.st_ino, stamp.st_mtime_ns) for stamp in stamps), files

    def open_services(self, sections):
        """Every service of every host section answers at an address of the host's own."""
        names = {}
        for title, rows in sections:
            certificates = [value for key, value in rows if key == "certificate"]
            if certificates:
                names[title.split(None, 1)[1]] = os.path.basename(certificates[0])[:-4]
        for title, rows in sections:
            if not title.startswith("host "):
                continue
            keys = dict(rows)
            label = title.split(None, 1)[1]
            host = keys.get("name", label).lower().rstrip(".")
            address = self.addresses.setdefault(host, own_address())
            self.names.hosts[host] = address
            pairs = [names[word] for word in keys.get("pair", label).split() if word in names]
            for word in keys.get("service", "smtp").split():
                if word in PORTS or word.endswith("/tls"):
                    self.open_service(host, address, word, pairs)

    def open_service(self, host, address, word, pairs):
        self.labels[host, word] = pairs
        if (host, word) in self.services:
            return
        port = PORTS.get(word) or int(word.split("/")[0])
        if any(service.place == (address, port) for service in self.services.values()):
            return  # two names of one service: the configuration is wrong, as that case wants it
        self.services[host, word] = Service(address, port, STARTTLS.get(word, "tls"),
                                            lambda: self.loaded(self.labels[host, word]))

    def another_server(self, name, word="smtp"):
        """One more server that serves what NAME is served with: (its address, the Service)."""
        address = own_address()
        service = Service(address, PORTS[word], STARTTLS.get(word, "tls"),
                          lambda: self.loaded([name]))
        self.services[address, word] = service
        return address, service

    def break_down(self, host=HOST, word="smtp"):
        """Nothing listens there until `come_up`."""
        self.services.pop((host, word)).close()

    def come_up(self, host=HOST, word="smtp"):
        self.open_service(host, self.addresses[host], word, self.labels[host, word])

    def swap(self, name, pair):
        """The command that a renewer would be: it puts PAIR there."""
        return "cp %s %s && cp %s %s" % (pair.key_file, self.path(name + ".key"),
                                         pair.certificate_file, self.path(name + ".crt"))

    # Configuration

    def folder(self, name="mail"):
        """What `install` of NAME is."""
        return self.path(name + ".d")

    def load_command(self, name="mail", then=""):
        """reload_command of services that read what is installed."""
        current = self.folder(name) + "/current/"
        return self.reload_command(name, then, current + "privkey.pem", current + "fullchain.pem")

    def reload_command(self, name="mail", then="", key=None, certificate=None):
        """Notes when it ran and which key stood there, as a service that loads it would."""
        key, certificate = key or self.path(name + ".key"), certificate or self.path(name + ".crt")
        served = self.path(name + ".served")
        return ("cp %s %s.key; cp %s %s.crt.new; mv %s.crt.new %s.crt; "
                "printf '%%s %%s %%s %%s\\n' \"$(date +%%s.%%N)\" %s \"$DANE_PAIR\" "
                "\"$(openssl x509 -in %s.crt -noout -pubkey | openssl pkey -pubin -outform DER | "
                "sha256sum | cut -c1-64)\" >> %s%s"
                % (key, served, certificate, served, served, served, name, served,
                   self.served_file, then and "; " + then))

    def pair_keys(self, name, renew=(), reload=None, staged=False, **more):
        """STAGED: with `install`, and services that read what is installed."""
        keys = [("certificate", self.path(name + ".crt")), ("private-key", self.path(name + ".key"))]
        keys += [("renew", command) for command in ([renew] if isinstance(renew, str) else renew)]
        if reload is None:
            reload = [self.load_command(name) if staged else self.reload_command(name)]
        keys += [("reload", command) for command in ([reload] if isinstance(reload, str) else reload)]
        keys.append(("chain", more.pop("chain", "none")))
        keys += [("install", self.folder(name))] if staged else []
        return keys + [(key.replace("_", "-"), value) for key, value in more.items()]

    def host(self, label=HOST, pair="mail", **more):
        """A host's section with its only pair in it; PAIR None: the section names pairs itself."""
        names = ("renew", "reload", "hook_timeout", "chain", "staged")
        keys = [] if pair is None else self.pair_keys(
            pair, **{name: more.pop(name) for name in names if name in more})
        more.setdefault("ttl", 2)
        keys += [(key.replace("_", "-"), value) for key, value in more.items()]
        return "host " + label, [row for row in keys if row[1] is not None]

    def section(self, label, name, **more):
        """A pair's own section."""
        return "pair " + label, self.pair_keys(name, **more)

    def configure(self, sections=None, waits=None, provider=None, daneroll=(), name="daneroll.conf"):
        """WAITS {} are the defaults; PROVIDER replaces the section's keys besides endpoint."""
        sections = sections if sections is not None else [self.host()]
        self.open_services(sections)
        keys = [("state", self.state_directory), ("ca-file", store.ca), ("resolver", self.address)]
        keys += list((FAST if waits is None else waits).items()) + list(daneroll)
        whole = [("daneroll", keys)]
        own = {"token-file": self.token_file, "zone-id": self.cf.zones[0].id}
        own = own if provider is None else provider
        whole.append(("provider cf", [("type", "cloudflare"), ("endpoint", self.cf.url)]
                      + list(own.items())))
        whole += sections
        text = ""
        for title, rows in whole:
            if title.startswith("host ") and not any(key == "connect" for key, _ in rows):
                host = dict(rows).get("name", title.split(None, 1)[1]).lower().rstrip(".")
                rows = rows + [("connect", self.addresses.get(host, self.address))]
            text += "[%s]\n%s\n" % (title, "".join("%s = %s\n" % row for row in rows))
        return self.write(name, text, 0o600)

    # The program

    def command(self, arguments, clock=False, config=True, binary=None):
        words = [binary or (CLOCK if clock else DANEROLL)] + list(arguments)
        if config:
            words.append("--config=" + self.config_file)
        return words

    def environment(self, more=None, clock=False):
        env = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "HOME": "/root",
               "LC_ALL": "C"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        if clock:
            env["DANE_TEST_CLOCK"] = self.clock.path
        env.update(more or {})
        return env

    def in_ram(self, what):
        """Where "look" and "lock" lie, as long as /run can be written."""
        digest = hashlib.sha256(self.state_directory.encode()).hexdigest()[:16]
        return "/run/daneroll/%s.%s" % (digest, what)

    def start(self, *arguments, env=None, clock=False, config=True, **popen):
        self.number += 1
        # A call that may look: what the one before left would say that nothing is due.
        if not self.looks_on and os.path.exists(self.in_ram("look")):
            os.remove(self.in_ram("look"))
        err = open(self.path("err.%d" % self.number), "w+", encoding="utf-8", errors="replace")
        out = open(self.path("out.%d" % self.number), "w+", encoding="utf-8", errors="replace")
        process = subprocess.Popen(self.command(arguments, clock, config), stdout=out, stderr=err,
                                   stdin=subprocess.DEVNULL, env=self.environment(env, clock),
                                   cwd=self.directory, start_new_session=True, **popen)
        process.began, process.out_file, process.err_file = time.monotonic(), out, err
        self.running.append(process)
        return process

    def finish(self, process, timeout=RUN_SECONDS):
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = "none in %d s" % timeout
        texts = []
        for file in (process.out_file, process.err_file):
            file.seek(0)
            texts.append(file.read())
            file.close()
        self.running.remove(process)
        done = Done(code, texts[0], texts[1], time.monotonic() - process.began)
        self.all_output += done.out + done.err
        check("AddressSanitizer" not in done.err and "runtime error" not in done.err
              and "LeakSanitizer" not in done.err, "a sanitizer speaks:", done)
        check(isinstance(code, int) and code >= 0 or code == -signal.SIGKILL, "ended badly:", done)
        self.cf.settle()
        return done

    def run(self, *arguments, code=GOOD, timeout=RUN_SECONDS, **more):
        """Calls the program; the exit code must be CODE (None: any of those documented)."""
        done = self.finish(self.start(*(arguments or ("run",)), **more), timeout)
        allowed = (GOOD, FAILED, USAGE, LATER) if code is None else \
            code if isinstance(code, tuple) else (code,)
        check(done.code in allowed, "expected exit", *allowed, "got", done)
        return done

    # What was done

    def mark(self):
        """What follows is looked back at: the audit is forgotten, the records stay."""
        self.cf.settle()
        self.before = {record["id"]: record for record in self.cf.records()}
        self.cf.reset()
        self.marked = time.time()

    def contents(self, owner=OWNER):
        return sorted(self.cf.rrset(owner)["records"])

    def wall(self, entry):
        return entry["time"] + time.time() - time.monotonic()

    def calls(self, *methods):
        return [entry for entry in self.cf.audit if entry["method"] in methods]

    def writes(self):
        return self.calls("POST", "DELETE", "PATCH", "PUT")

    def effects(self):
        return [(self.wall(entry), effect) for entry in self.cf.audit for effect in entry["effect"]]

    def history(self, owner=OWNER):
        """[(since when, {content: ttl})] of that owner name since the mark."""
        records = {id: r for id, r in self.before.items() if r["name"] == owner}
        moments = [(0.0, {r["content"]: r["ttl"] for r in records.values()})]
        for when, effect in self.effects():
            record = effect["record"]
            if record["name"] != owner or record["type"] != "TLSA":
                continue
            if effect["op"] == "delete":
                records.pop(record["id"], None)
            else:
                records[record["id"]] = record
            moments.append((when, {r["content"]: r["ttl"] for r in records.values()}))
        return moments

    def reloads(self, name=None):
        """[(when, name, key now served)]"""
        if not os.path.exists(self.served_file):
            return []
        with open(self.served_file, encoding="ascii") as source:
            rows = [line.split() for line in source]
        return [(float(row[0]), row[1], row[3]) for row in rows if name in (None, row[1])]

    def check_vouched(self, pair, owner=OWNER, name="mail"):
        """At no instant is the key in use (PAIR at first, then what a reload loaded) without its
        record, once it was published."""
        history = self.history(owner)
        served = [(0.0, pair.spki)] + [(when, key) for when, _, key in self.reloads(name)
                                       if when >= self.marked]
        moments = sorted({when for when, _ in history} | {when for when, _ in served})
        published = False
        for moment in moments:
            shown = [records for when, records in history if when <= moment][-1]
            key = [key for when, key in served if when <= moment][-1]
            good = "3 1 1 " + key in shown
            published = published or good
            check(good or not published, "the key in use", key[:12], "has no record at", owner,
                  "but", {c[:18]: t for c, t in shown.items()})

    def check_waited(self, pair, owner=OWNER, name="mail", least=0.0):
        """No RRset without PAIR's record was to be had less than its TTL (and LEAST) before the
        reload that loaded PAIR."""
        loaded = [when for when, _, key in self.reloads(name) if key == pair.spki]
        check(loaded, "the new key was never loaded")
        history = self.history(owner)
        for (_, records), (until, _) in zip(history, history[1:]):
            if records and pair.record not in records:
                lifetime = max([2 * ttl for ttl in records.values()] + [least])
                passed = loaded[0] - until + sum(seconds for when, seconds in self.ages
                                                 if until < when < loaded[0])
                check(passed >= lifetime, "reloaded %.2f s after the last RRset without "
                      "the new key, which lives %s s" % (passed, lifetime))

    def check_clean(self):
        self.cf.settle()
        same(self.cf.violations, [], "violations")
        check_secret(self, USUAL_TOKEN)

    # The state

    def state(self):
        with open(self.state_file, encoding="ascii") as source:
            return source.read()

    def write_state(self, text):
        """Writes the state as the program does: with its last line, a sum of what stands before."""
        text = re.sub(r"(?m)^end .*\n", "", text)
        with open(self.state_file + ".test", "w", encoding="ascii") as out:
            out.write("%send %s\n" % (text, hashlib.sha256(text.encode()).hexdigest()))
        os.chmod(self.state_file + ".test", 0o600)
        os.replace(self.state_file + ".test", self.state_file)

    def age(self, seconds=WAIT_FAST):
        """As if so much time had passed since the state was written. What was before this machine's
        boot becomes a moment of another one, with a proven clock."""
        def older(match):
            boot, boottime, wall, proven = match[1], int(match[2]), int(match[3]), match[4]
            if boottime < seconds:
                return " %s 0 %d 1" % (ANOTHER_BOOT, wall - seconds)
            return " %s %d %d %s" % (boot, boottime - seconds, wall - seconds, proven)
        self.ages.append((time.time(), seconds))
        if os.path.exists(self.state_file):
            self.write_state(re.sub(r"(?m) ([0-9a-f-]{36}|-) (\d+) (\d+) ([01])$", older,
                                    self.state()))

    # Ways that many cases go

    def published(self, pair=None, name="mail", **conf):
        """A first publication of PAIR, as a start of something else."""
        pair = pair or self.pair(1)
        self.put(name, pair)
        self.configure(**conf)
        self.run()
        self.age()
        self.mark()
        return pair

    def converge(self, rounds=6, seconds=WAIT_FAST):
        """Runs, with time passing between, until two runs on end find nothing to do."""
        quiet = 0
        for _ in range(rounds):
            count = len(self.writes()), len(self.reloads())
            done = self.run(code=(GOOD, FAILED, LATER))
            idle = count == (len(self.writes()), len(self.reloads()))
            quiet = quiet + 1 if idle and done.code == GOOD else 0
            if quiet == 2:
                return done
            self.age(seconds)
        raise Failed("does not come to rest: %s" % done)


def check_secret(lab, *secrets):
    """No secret in the output, the state, or any file that was made."""
    for secret in secrets:
        check(secret not in lab.all_output, "the token was printed")
        if os.path.isdir(lab.state_directory):
            for name in os.listdir(lab.state_directory):
                path = os.path.join(lab.state_directory, name)
                if os.path.isfile(path):
                    with open(path, "rb") as source:
                        check(secret.encode() not in source.read(), "the token is in", path)
