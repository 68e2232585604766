"""Real servers on loopback for tests of the probe: OpenSSL's s_server, Postfix, Dovecot, nginx and
Prosody, each with its files in a directory of its own and as a child of this process; and
certificates of every kind, good and bad, made by the openssl command.

    with Servers() as servers:
        port = servers.openssl("-cert", chain, "-key", key)

Leaving the block ends what was started. Needs root: Postfix and Dovecot change their users.
"""

import hashlib
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

START_SECONDS = 30
STOP_SECONDS = 10


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stdout.decode("utf-8", "replace")))
    return done.stdout


def join(path, parts):
    with open(path, "wb") as out:
        for part in parts:
            with open(part, "rb") as one:
                out.write(one.read())


class Certificate:
    """A certificate file with its key file, the file of both, and the digests as openssl makes them."""

    def __init__(self, stem):
        self.stem, self.file, self.key = stem, stem + ".pem", stem + ".key"
        self.chain = self.file  # with its issuers, where it has some
        self.above = None       # these alone
        self.issuers = []

    def digests(self):
        """SHA-256 of the certificate and of its SPKI."""
        whole = run("openssl", "x509", "-in", self.file, "-outform", "DER")
        public = run("openssl", "x509", "-in", self.file, "-noout", "-pubkey")
        with open(self.stem + ".pub", "wb") as out:
            out.write(public)
        spki = run("openssl", "pkey", "-pubin", "-in", self.stem + ".pub", "-outform", "DER")
        return hashlib.sha256(whole).hexdigest(), hashlib.sha256(spki).hexdigest()

    @property
    def combined(self):
        """Key, then chain: what Postfix reads."""
        path = self.stem + "-combined.pem"
        join(path, [self.key, self.chain])
        return path


KEYS = {"p256": ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "p384": ("EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
        "p521": ("EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
        "k256": ("EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
        "pss": ("RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
        "ed25519": ("ED25519",), "ed448": ("ED448",)}

CA = """\
[ca]
default_ca = here
[here]
database = {0}.index
new_certs_dir = {1}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[leaf]
basicConstraints = critical, CA:false
subjectAltName = DNS:mail.example.org
[authority]
basicConstraints = critical, CA:true
[none]
"""


class Maker:
    """Makes certificates in a directory."""

    def __init__(self, directory):
        self.directory = directory

    def make(self, name, kind="p256", issuer=None, digest="sha256", start="20260101000000Z",
             end="21260101000000Z", extensions="leaf"):
        """KIND is a row of KEYS or the bits of an RSA key. Without ISSUER it signs itself."""
        made = Certificate(os.path.join(self.directory, name))
        options = KEYS.get(kind) or ("RSA", "-pkeyopt", "rsa_keygen_bits:" + kind)
        run("openssl", "genpkey", "-out", made.key, "-algorithm", *options)
        config = made.stem + ".cnf"  # of its own, as makers work at the same time
        with open(config, "w", encoding="ascii") as out:
            out.write(CA.format(made.stem, self.directory))
        with open(made.stem + ".index", "w", encoding="ascii"):
            pass
        run("openssl", "req", "-new", "-key", made.key, "-out", made.stem + ".csr", "-subj",
            "/CN=" + name, "-config", "/dev/null")
        signer = ("-selfsign", "-keyfile", made.key) if issuer is None else (
            "-keyfile", issuer.key, "-cert", issuer.file)
        plain = (issuer or made).key
        hashed = "default" if b"ED" in run("openssl", "pkey", "-in", plain, "-noout", "-text")[:3] \
            else digest
        run("openssl", "ca", "-batch", "-notext", "-config", config, "-in",
            made.stem + ".csr", "-out", made.file, "-extfile", config, "-extensions", extensions,
            "-startdate", start, "-enddate", end, "-md", hashed, *signer)
        if issuer is not None:
            made.issuers = [issuer] + issuer.issuers
            made.chain, made.above = made.stem + "-chain.pem", made.stem + "-above.pem"
            join(made.above, [one.file for one in made.issuers])
            join(made.chain, [made.file, made.above])
        return made


given_ports = set()
ports_lock = threading.Lock()


def free_port():
    """One that nobody listens at, nor is given as the near end of a connection meanwhile: those come
    from 32768 on."""
    with ports_lock:
        while True:
            port = random.randrange(10000, 32000)
            with socket.socket() as s:
                if port not in given_ports and s.connect_ex(("127.0.0.1", port)) != 0:
                    given_ports.add(port)
                    return port


class Server:
    """A child and its log file."""

    def __init__(self, process, log, ports, pid_file=None):
        self.process, self.log_file, self.ports = process, log, ports
        self.pid_file = pid_file

    def session(self):
        """The process group that a server has made its own, as Postfix's master does."""
        if self.pid_file is None or not os.path.exists(self.pid_file):
            return []
        with open(self.pid_file, encoding="ascii") as source:
            pid = int(source.read().split()[0])
        # A number may have gone to somebody else: the master's folder is ours, and nobody's else.
        try:
            where = os.readlink("/proc/%d/cwd" % pid)
        except FileNotFoundError:
            return []
        return [pid] if where.startswith(os.path.dirname(os.path.dirname(self.pid_file))) else []

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as source:
            return source.read()

    def wait_for_log(self, pattern, seconds=10):
        """The first line with PATTERN, or None: logs are written a moment after the fact."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            match = re.search(".*(?:%s).*" % pattern, self.log())
            if match:
                return match.group()
            time.sleep(0.02)
        return None


class Servers:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="daneroll-probe-")
        os.chmod(self.directory, 0o755)  # Postfix's processes have another user
        self.maker = Maker(self.directory)
        self.running = []
        self.count = 0
        self.lock = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.running:
            self.stop(server)
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def stop(server):
        if server.process.poll() is None:
            server.process.terminate()
        try:
            server.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        for group in [server.process.pid] + server.session():
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                pass
        server.process.wait()
        server.process.stdin.close()

    def folder(self, name):
        with self.lock:
            self.count += 1
            path = os.path.join(self.directory, "%s-%d" % (name, self.count))
        os.mkdir(path)
        return path

    def start(self, command, folder, ports, ready=None, pid_file=None):
        """Waits until all PORTS take connections. READY is a line of the log to wait for instead."""
        log = os.path.join(folder, "log")
        with open(log, "ab") as out:
            # s_server ends a connection when its standard input does
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out,
                                       cwd=folder, start_new_session=True)
        server = Server(process, log, ports, pid_file)
        with self.lock:
            self.running.append(server)
        until = time.monotonic() + START_SECONDS
        while not self.is_ready(server, ready):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("%s does not start: %s" % (command[0], server.log()))
            time.sleep(0.02)
        return server

    @staticmethod
    def is_ready(server, ready):
        if ready is not None:
            return ready in server.log()
        for port in server.ports:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    def openssl(self, *arguments):
        """The port of an s_server with these arguments."""
        server = self.start(("openssl", "s_server", "-accept", "127.0.0.1:0") + arguments,
                            self.folder("openssl"), [], "ACCEPT")
        return int(server.wait_for_log("ACCEPT").rsplit(":", 1)[1])

    def postfix(self, settings):
        """smtp and smtps; SETTINGS are lines of main.cf."""
        folder = self.folder("postfix")
        smtp, smtps = free_port(), free_port()
        for name in ("queue", "data"):
            os.mkdir(os.path.join(folder, name))
        owner = pwd.getpwnam("postfix")
        os.chown(os.path.join(folder, "data"), owner.pw_uid, owner.pw_gid)
        lines = ["compatibility_level = 3.6", "queue_directory = %s/queue" % folder,
                 "data_directory = %s/data" % folder, "myhostname = mail.example.org",
                 "inet_interfaces = loopback-only", "inet_protocols = ipv4",
                 "mydestination = example.org", "local_recipient_maps =", "alias_maps =",
                 "maillog_file = /dev/stdout", "smtpd_tls_loglevel = 1",
                 "smtpd_helo_required = yes", "smtpd_helo_restrictions = reject_invalid_helo_hostname,"
                 " reject_non_fqdn_helo_hostname", "smtpd_delay_reject = no"] + settings
        master = ["127.0.0.1:%d inet n - n - - smtpd" % smtp,
                  "127.0.0.1:%d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes" % smtps,
                  "tlsmgr unix - - n 1000? 1 tlsmgr", "anvil unix - - n - 1 anvil",
                  "rewrite unix - - n - - trivial-rewrite", "proxymap unix - - n - - proxymap",
                  "cleanup unix n - n - 0 cleanup", "postlog unix-dgram n - n - 1 postlogd"]
        for name, text in (("main.cf", lines), ("master.cf", master)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as out:
                out.write("\n".join(text) + "\n")
        return self.start(("postfix", "-c", folder, "start-fg"), folder, [smtp, smtps],
                          "daemon started", os.path.join(folder, "queue", "pid", "master.pid"))

    def dovecot(self, first, second):
        """imap, imaps, pop3, pop3s and sieve, with two certificates."""
        folder = self.folder("dovecot")
        ports = [free_port() for _ in range(5)]
        text = """\
base_dir = {folder}/run
state_dir = {folder}
log_path = /dev/stderr
protocols = imap pop3 sieve
listen = 127.0.0.1
ssl = yes
ssl_cert = <{first.chain}
ssl_key = <{first.key}
ssl_alt_cert = <{second.chain}
ssl_alt_key = <{second.key}
auth_mechanisms = plain
passdb {{
  driver = static
  args = password=none
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service imap-login {{
  inet_listener imap {{
    port = {0}
  }}
  inet_listener imaps {{
    port = {1}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {2}
  }}
  inet_listener pop3s {{
    port = {3}
    ssl = yes
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {4}
  }}
}}
""".format(*ports, folder=folder, first=first, second=second)
        config = os.path.join(folder, "dovecot.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(text)
        return self.start(("dovecot", "-F", "-c", config), folder, ports, "starting up")

    def nginx(self, *certificates):
        folder = self.folder("nginx")
        port = free_port()
        lines = ["daemon off;", "pid %s/pid;" % folder, "error_log stderr info;", "events {}",
                 "http {", "access_log off;", "server {", "listen 127.0.0.1:%d ssl;" % port]
        for one in certificates:
            lines += ["ssl_certificate %s;" % one.chain, "ssl_certificate_key %s;" % one.key]
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write("\n".join(lines + ["}", "}"]) + "\n")
        return self.start(("nginx", "-p", folder, "-c", config), folder, [port], "start worker")

    def prosody(self, certificate, domain):
        """Client and server ports."""
        folder = self.folder("prosody")
        clients, servers = free_port(), free_port()
        text = """\
run_as_root = true
pidfile = "{folder}/pid"
data_path = "{folder}"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {clients} }}
s2s_ports = {{ {servers} }}
modules_enabled = {{ "tls", "saslauth", "dialback" }}
c2s_require_encryption = true
log = {{ debug = "*console" }}
ssl = {{ certificate = "{one.chain}", key = "{one.key}" }}
VirtualHost "{domain}"
""".format(folder=folder, clients=clients, servers=servers, one=certificate, domain=domain)
        config = os.path.join(folder, "prosody.cfg.lua")
        with open(config, "w", encoding="ascii") as out:
            out.write(text)
        return self.start(("prosody", "-F", "--config", config), folder, [clients, servers])
