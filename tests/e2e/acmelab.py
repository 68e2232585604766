"""A certificate authority that speaks ACME (Pebble) on loopback, and the ACME clients of Debian as a
user runs them: with their own files below a temporary root, at the places that README's table names.

    with AcmeLab(Certbot) as lab:
        lab.client.issue()
        lab.client.renew("--reuse-key")

Pebble believes every challenge (PEBBLE_VA_ALWAYS_VALID), so nothing but ACME itself goes over the
network; it makes a new root at each start, `pebble.root`.
"""

import os
import re
import shutil
import shlex
import ssl
import subprocess
import threading
import time
import urllib.request

from lab import HOST, TOP, Failed, Lab, Pair, check, own_address, store

SECONDS = 60  # no single call of a client takes longer
ACME_PORT, MANAGEMENT_PORT = 14000, 15000
SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Pebble:
    """One for the whole script; `start` returns when it answers."""

    def __init__(self):
        self.process = self.root = self.url = None

    def start(self):
        if not shutil.which("pebble"):
            raise Failed("pebble is not installed (tests/packages)")
        address = own_address()
        store.server()
        chain, key = store.authority.issue([address], "pebble")
        directory = os.path.join(store.directory, "pebble")
        os.mkdir(directory)
        config = os.path.join(directory, "config.json")
        with open(config, "w", encoding="ascii") as out:
            out.write("""{"pebble": {"listenAddress": "%s:%d", "managementListenAddress": "%s:%d",
                "certificate": "%s", "privateKey": "%s", "httpPort": 80, "tlsPort": 443,
                "ocspResponderURL": "", "externalAccountBindingRequired": false}}"""
                      % (address, ACME_PORT, address, MANAGEMENT_PORT, chain, key))
        self.url = "https://%s:%d/dir" % (address, ACME_PORT)
        with open(os.path.join(directory, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["pebble", "-config", config], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, cwd=directory,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PEBBLE_VA_NOSLEEP": "1",
                     "PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_WFE_NONCEREJECT": "0"})
        self.root = os.path.join(directory, "root.pem")
        with open(self.root, "wb") as out:
            out.write(self.fetch("https://%s:%d/roots/0" % (address, MANAGEMENT_PORT)))

    def fetch(self, url):
        """What its management interface says, as soon as it listens."""
        context = ssl.create_default_context(cafile=store.ca)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=context))
        for _ in range(200):
            try:
                return opener.open(url, timeout=10).read()
            except OSError as error:
                check(self.process.poll() is None, "pebble ended:", error)
                time.sleep(0.05)
        raise Failed("pebble does not answer")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


pebble = Pebble()


# ---- README's table --------------------------------------------------------------------------------

def table():
    """README's "Which files to name": {client: [certificate, private-key, next-key]}, as it writes
    them; the last is None where there is none."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as source:
        section = source.read().split("\n## Which files to name\n")[1].split("\n## ")[0]
    rows = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "client":
            names = [re.match("`([^`]+)`", cell) for cell in cells[1:]]
            rows[cells[0]] = [name and name[1] for name in names]
    return rows


# ---- the clients -----------------------------------------------------------------------------------

class Client:
    """One ACME client with its files below ROOT. `base` is where its relative names begin."""

    name = base = None
    environment = {}

    def __init__(self, root):
        self.root = root
        files = table()[self.name]
        self.certificate, self.key, self.next = (
            file and self.place(file, files[0]) for file in files)
        os.makedirs(self.below(self.base), exist_ok=True)
        os.makedirs(self.below("var/www"), exist_ok=True)

    def below(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def place(self, file, certificate):
        """FILE of the table, `…/` being the folder of the row's CERTIFICATE."""
        file = file.replace("…", os.path.dirname(certificate)).replace("NAME", HOST)
        return self.below(file if file.startswith("/") else os.path.join(self.base, file))

    def words(self, *arguments):
        """The whole command, as a list."""
        raise NotImplementedError

    def line(self, *arguments):
        """The same as a line for the shell, such as `renew` of the configuration."""
        given = ["%s=%s" % pair for pair in self.environment.items()]
        return shlex.join(["env", "-C", self.below(self.base)] + given + self.words(*arguments))

    def call(self, *arguments, good=(0,)):
        done = subprocess.run(["sh", "-c", self.line(*arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS,
                              encoding="utf-8", errors="replace", check=False)
        check(done.returncode in good, self.name, *arguments, "exit", done.returncode, done.stdout)
        return done.stdout

    def pair(self):
        """What it wrote, which must be where the table says."""
        for path in (self.certificate, self.key):
            check(os.path.isfile(path), "not where README says:", path)
        return Pair(self.certificate, self.key)


class Certbot(Client):
    name, base = "certbot", "/etc/letsencrypt"
    renewal = ("renew", "--force-renewal", "--no-random-sleep-on-renew")

    @property
    def environment(self):
        return {"REQUESTS_CA_BUNDLE": store.ca}

    def words(self, *arguments):
        return ["certbot", *arguments, "-n", "--config-dir", self.below(self.base),
                "--work-dir", self.below("/var/lib/letsencrypt"),
                "--logs-dir", self.below("/var/log/letsencrypt")]

    def issue(self, *options):
        self.call("certonly", "--server", pebble.url, "--agree-tos",
                  "--register-unsafely-without-email", "--webroot", "-w", self.below("var/www"),
                  "-d", HOST, *options)
        return self.pair()

    def renew(self, *options):
        self.call(*self.renewal, *options)
        return self.pair()


class Uacme(Client):
    """It has no option for the CA of its CA, and trusts the system's: a mount of its own."""

    name, base = "uacme", "/etc/ssl/uacme"
    renewal = ("-f", "issue", HOST)

    def words(self, *arguments):
        hook = self.below("hook")
        if not os.path.exists(hook):
            with open(hook, "w", encoding="ascii") as out:
                out.write('#!/bin/sh\n[ "$2" = http-01 ]\n')
            os.chmod(hook, 0o755)
        command = ["uacme", "-a", pebble.url, "-c", self.below(self.base), "-h", hook, "-y",
                   *arguments]
        return ["unshare", "-m", "sh", "-c", "mount --bind %s %s && exec %s"
                % (store.ca, SYSTEM_BUNDLE, shlex.join(command))]

    def issue(self, *options):
        self.call("new")
        self.call(*options, "issue", HOST)
        return self.pair()

    def renew(self, *options):
        self.call(*options, *self.renewal)
        return self.pair()


class Dehydrated(Client):
    name, base = "dehydrated", "/var/lib/dehydrated"
    settings = 'PRIVATE_KEY_ROLLOVER="yes"\n'
    renewal = ("--cron", "--force")

    def __init__(self, root):
        super().__init__(root)
        self.config = self.below("etc/dehydrated/config")
        os.makedirs(os.path.dirname(self.config))
        with open(self.config, "w", encoding="ascii") as out:
            out.write('CA="%s"\nCURL_OPTS="--cacert %s"\nBASEDIR="%s"\nWELLKNOWN="%s"\n'
                      'DOMAINS_TXT="%s/domains.txt"\n%s'
                      % (pebble.url, store.ca, self.below(self.base), self.below("var/www"),
                         self.below(self.base), self.settings))
        with open(self.below(self.base + "/domains.txt"), "w", encoding="ascii") as out:
            out.write(HOST + "\n")

    def words(self, *arguments):
        return ["dehydrated", *arguments, "--config", self.config]

    def issue(self, *options):
        self.call("--register", "--accept-terms")
        self.call("--cron", *options)
        return self.pair()

    def renew(self, *options):
        self.call(*self.renewal, *options)
        return self.pair()


class Lego(Client):
    """It was begun in its user's home, where `.lego` lies then."""

    name, base = "lego", "/root"
    renewal = ("renew", "--days", "9999", "--no-random-sleep")

    @property
    def environment(self):
        return {"LEGO_CA_CERTIFICATES": store.ca}

    def words(self, *arguments):
        return ["lego", "--server", pebble.url, "--accept-tos", "--email", "lab@example.org",
                "--http", "--http.webroot", self.below("var/www"), "--domains", HOST, *arguments]

    def issue(self, *options):
        self.call("run", *options)
        return self.pair()

    def renew(self, *options):
        self.call(*self.renewal, *options)
        return self.pair()


# ---- the laboratory --------------------------------------------------------------------------------

class AcmeLab(Lab):
    """A Lab with a client of that class. Services read what is installed, once that is there."""

    starting = threading.Lock()

    def __init__(self, client, **cloudflare):
        with self.starting:
            if pebble.process is None:
                pebble.start()
        super().__init__(**cloudflare)
        self.client = client(self.path("root"))

    def open_service(self, host, address, word, pairs):
        super().open_service(host, address, word, ["mail"])

    def sections(self, **more):
        """The host's section with the files of the table and Pebble's root as the only trust."""
        title, rows = self.host(staged=True, chain=pebble.root, **more)
        files = {"certificate": self.client.certificate, "private-key": self.client.key}
        rows = [(key, files.get(key, value)) for key, value in rows]
        return [(title, rows + ([("next-key", self.client.next)] if self.client.next else []))]

    def passes(self, seconds):
        """The test clock goes on, and `check_waited` knows."""
        self.ages.append((time.time(), seconds))
        self.clock.pass_time(seconds)
