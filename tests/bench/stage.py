"""What daneroll and the classic script are measured with: an emulator, a name server that shows its
records, two services, two pairs, one job.

The host has the services smtp and https, whose TLSA records of key A stand there with a TTL of 2 s.
`live` is a symbolic link to the pair A or B; renewing is making it point to B. The services show what
`install/current` holds. Both programs get the zone's id, and trust the same file of CA certificates.
"""

import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), name) for name in ("emulator", "e2e")]
from certs import Authority, openssl
from cloudflare import USUAL_TOKEN, Cloudflare, Zone
from labworld import Names, Service, own_address

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HOST = "mail.example.org"
PORTS = (25, 443)
OWNERS = ["_%d._tcp.%s" % (port, HOST) for port in PORTS]
TTL = 2

CONFIGURATION = """\
[daneroll]
state = {directory}/state
ca-file = {trust}
wait-margin = 0
wait-floor = 0
retire-wait = 0
resolver = {address}
[provider cf]
type = cloudflare
token-file = {directory}/token
zone-id = {zone}
endpoint = {endpoint}
[host {host}]
service = smtp https
connect = {address}
install = {directory}/install
chain = {chain}
certificate = {directory}/live/fullchain.pem
private-key = {directory}/live/privkey.pem
ttl = {ttl}
adopt = yes
renew = {renew}
reload = :
"""


def plain_environment():
    """Ours, without what would configure either program."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("DANEROLL", "DANE_", "CURL_")) and
            not name.lower().endswith("_proxy") and
            name not in ("SSL_CERT_FILE", "SSL_CERT_DIR", "BASH_ENV", "ENV", "LD_PRELOAD")}


class Stage:
    """GENERATE: records of other names in the zone. BUNDLE: the file of CA certificates that is
    trusted beside the emulator's own CA, which comes last in it; None: that one alone."""

    def __init__(self, directory, program, generate=0, bundle=BUNDLE):
        self.directory, self.program = directory, program
        os.makedirs(directory, exist_ok=True)
        authority = Authority(self.path("ca"))
        self.keys = {pair: self.make_pair(authority, pair) for pair in "AB"}
        self.trust = self.path("trust.pem")
        with open(self.trust, "wb") as out:
            for source in (bundle, authority.certificate):
                if source is not None:
                    with open(source, "rb") as one:
                        out.write(one.read())
        for name, text in (("token", USUAL_TOKEN), ("headers",
                                                    "Authorization: Bearer " + USUAL_TOKEN)):
            with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                      encoding="ascii") as out:
                out.write(text + "\n")
        self.zone = Zone("example.org", quota=10 ** 7)
        self.emulator = Cloudflare(
            tls=authority.issue(["localhost", "127.0.0.1"]), zones=[self.zone], min_ttl=TTL,
            generate=generate, strict=False, rate_limit=None).start()
        self.chain = authority.certificate
        self.address = own_address()
        self.names = Names(self.address, self.emulator)
        self.services = [Service(self.address, port, dialect, self.loaded)
                         for port, dialect in zip(PORTS, ("smtp", "tls"))]

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def make_pair(self, authority, pair):
        """A directory with the two files; the SHA-256 of the key."""
        os.makedirs(self.path(pair), exist_ok=True)
        certificate, key = authority.issue([HOST], stem=pair)
        os.replace(certificate, self.path(pair, "fullchain.pem"))
        os.replace(key, self.path(pair, "privkey.pem"))
        public = openssl("pkey", "-in", self.path(pair, "privkey.pem"), "-pubout", "-outform",
                         "DER")
        return hashlib.sha256(public).hexdigest()

    def close(self):
        self.emulator.stop()
        self.names.close()
        for service in self.services:
            service.close()
        for path in self.files_in_ram():
            if os.path.exists(path):
                os.unlink(path)

    def files_in_ram(self):
        """The lock and the time of the last look of our daneroll."""
        name = hashlib.sha256(self.path("state").encode()).hexdigest()[:16]
        return ["/run/daneroll/%s.%s" % (name, kind) for kind in ("lock", "look", "good")]

    def loaded(self):
        """For Service: what is shown now."""
        where = self.path("install", "current")
        where = where if os.path.exists(where) else self.path("A")
        files = [os.path.join(where, name) for name in ("fullchain.pem", "privkey.pem")]
        return os.stat(files[0]).st_ino, [files]

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()

    # The job

    def renewal(self, rotation):
        if not rotation:
            return ":"
        return "exec ln -sfn %s %s" % (self.path("B"), self.path("live"))

    def prepare(self, rotation):
        """Pair A is live and installed, and what daneroll has published stands there: it knows that
        nothing was there before, else it would count an hour for what it has not seen."""
        link = self.path("live.new")
        os.symlink(self.path("A"), link)
        os.replace(link, self.path("live"))
        for record in list(self.zone.real.values()):
            self.emulator.remove(record.id)
        for folder in ("state", "install"):
            shutil.rmtree(self.path(folder), ignore_errors=True)
        self.look_again()
        with open(self.path("daneroll.conf"), "w", encoding="ascii") as out:
            out.write(CONFIGURATION.format(
                directory=self.directory, trust=self.trust, zone=self.zone.id, chain=self.chain,
                endpoint=self.emulator.url, host=HOST, ttl=TTL, renew=self.renewal(rotation),
                address=self.address))

    def settle(self):
        """First publication, and all that comes of it."""
        command, env = self.daneroll("--wait", "--no-renew")
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        if done.returncode != 0 or self.outcome() != [["A"], ["A"]]:
            raise RuntimeError("the first publication ended with %d, records %s:\n%s" % (
                done.returncode, self.outcome(), done.stdout))

    def look_again(self):
        """The next call looks, as if check-interval had passed."""
        look = self.files_in_ram()[1]
        for path in (look, self.path("state", os.path.basename(look))):
            if os.path.exists(path):
                os.unlink(path)

    # What daneroll has done

    def traffic(self):
        """(questions to DNS, handshakes with services, connections to the API) so far."""
        self.emulator.settle()
        return (len(self.names.asked), sum(service.shown for service in self.services),
                self.emulator.counters["connections"])

    def written(self):
        """Changes with anything that is written: folders, files, their times."""
        found = []
        paths = [os.path.join(base, name) for folder in ("state", "install")
                 for base, folders, files in os.walk(self.path(folder)) for name in folders + files]
        for path in [self.path("state"), self.path("install"), *paths, *self.files_in_ram()]:
            if os.path.lexists(path):
                status = os.lstat(path)
                found.append((path, status.st_ino, status.st_size, status.st_mtime_ns))
        return found

    def daneroll(self, *words):
        """(command, environment) of a run."""
        return ([self.program, "run", *words, "--config", self.path("daneroll.conf")],
                plain_environment())

    def classic(self, rotation):
        env = plain_environment()
        env.update(API=self.emulator.url, ZONE_ID=self.zone.id, HEADERS=self.path("headers"),
                   HOST=HOST, PORTS=" ".join(map(str, PORTS)), TTL=str(TTL),
                   CERT=self.path("live", "fullchain.pem"), RENEW=self.renewal(rotation),
                   RELOAD=":", WAIT="0", CURL_CA_BUNDLE=self.trust)
        return [os.path.join(HERE, "classic.sh")], env

    def outcome(self):
        """The key letters whose records stand at each owner name."""
        letters = {"3 1 1 " + key: pair for pair, key in self.keys.items()}
        return [[letters.get(record, "?") for record in self.emulator.rrset(owner)["records"]]
                for owner in OWNERS]
