"""What the tests of one file by scp share: the README's crontab line, and the chroot that is all the
program sees. A script calls own_network("-m") and `prepare` before anything else."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import time

from lab import (CLOCK, GOOD, HOST, TOP, Authority, Clock, Failed, Lab, Pair, Service, check, own_address,
                 store)

API = "api.cloudflare.com"
# busybox's crond: PATH is procd's; the rest is root's.
CROND = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root",
         "LOGNAME": "root", "SHELL": "/bin/sh"}
CALL_SECONDS = 60
PAUSE = 11  # one second more than between two looks at a service
LEGS = ("fullchain.pem", "privkey.pem", "cert.pem", "chain.pem", "combined.pem")


def crontab_line():
    """The README's line, and its (variables, words)."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as readme:
        section = readme.read().split("\n## One file by scp\n")[1].split("\n## ")[0]
    line = re.search(r"^    ((?:\S+ ){5}(DANEROLL_.*))$", section, re.M)
    words = shlex.split(line.group(2))
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    check(words[0] == "daneroll", "the line calls", words[0])
    return line.group(1), variables, words


def without(words, *options):
    """WORDS without these options and their values."""
    kept = []
    for at, word in enumerate(words):
        if word not in options and (at == 0 or words[at - 1] not in options):
            kept.append(word)
    return kept


LINE, VARIABLES, WORDS = crontab_line()
NO_HOOK = without(WORDS, "--reload")


def value_of(option):
    return WORDS[WORDS.index(option) + 1]


CERTIFICATE, KEY, INSTALL = map(value_of, ("--certificate", "--private-key", "--install"))
PAIRS = []  # three that the anchors of daneroll-clock vouch for


def prepare():
    """The CA whose root is among those anchors, and what it issues."""
    directory = os.path.join(store.directory, "anchor")
    os.makedirs(directory)
    for name, kind in (("anchor-ca.pem", "ca.pem"), ("anchor-ca.key", "ca.key")):
        shutil.copy(os.path.join(TOP, "tests/data", name), os.path.join(directory, kind))
    Root.authority = Authority(directory)
    Root.api = Root.authority.issue([API], stem="api")
    PAIRS.extend(Pair(*Root.authority.issue([HOST], stem="pair%d" % number)) for number in range(3))


def mount(*words):
    subprocess.run(["mount", *words], check=True, stdin=subprocess.DEVNULL)


class Root(Lab):
    """What the chroot holds is TREE; the program sees it as VIEW. What stands there: DEVICES
    (urandom, null, log), a RAM as routers have it, PROCESSES (the clock knows the boot), READ_ONLY (what
    need not be written cannot)."""

    authority, api = None, None

    def __init__(self, devices=(), ram=False, processes=False, read_only=False):
        super().__init__(tls=self.api, min_ttl=60)
        self.cf.bind, self.cf.port = (self.address,), 443
        self.names.hosts.update({API: self.address, HOST: own_address()})
        self.tree = self.path("tree")
        self.view = self.path("view") if read_only else self.tree
        self.mounts, self.log = [], None
        for folder in (self.tree, self.view):
            os.makedirs(folder, exist_ok=True)
        self.furnish(devices, ram)
        if read_only:
            self.freeze()
        self.services[HOST, "smtp"] = Service(self.names.hosts[HOST], 25, "smtp", self.served)
        self.clock = Clock(self)
        self.clock.path = self.inside("clock")
        # Without /proc; and the kernel's clock is not set by anybody.
        self.clock.set(proven=0, boot=self.clock.boot if processes else "")
        self.words = NO_HOOK

    def furnish(self, devices, ram):
        self.place("usr/bin/daneroll", CLOCK, 0o755)
        self.text(VARIABLES["DANEROLL_TOKEN_FILE"], self.cf.tokens[0].secret + "\n", 0o600)
        os.makedirs(self.inside(INSTALL))
        if ram:
            self.furnish_ram()
        else:
            # As the program chooses where nothing says where the state is.
            kind = subprocess.check_output(["stat", "-f", "-c", "%T", self.tree], text=True)
            self.state_directory = ("/etc/daneroll/state" if kind.strip() in ("tmpfs", "ramfs")
                                    else "/var/lib/daneroll")
            os.makedirs(self.inside("/var/lib"))
            os.makedirs(self.inside(self.state_directory))
            self.text("/etc/resolv.conf", "nameserver %s\n" % self.address)
        self.state_file = self.inside(self.state_directory + "/state")
        if devices:
            os.mkdir(self.inside("dev"))
        for name in devices:
            if name != "log":
                self.text("/dev/" + name, "")
                self.mount("dev/" + name, "--bind", "/dev/" + name)
        if "log" in devices:
            self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.log.bind(self.inside("dev/log"))
            self.log.setblocking(False)

    def furnish_ram(self):
        """OpenWrt: /var and /run are folders of a tmpfs, /etc/resolv.conf is made there."""
        os.makedirs(self.inside("tmp"))
        self.mount("tmp", "-t", "tmpfs", "none")
        os.mkdir(self.inside("tmp/run"))
        for link, target in (("var", "tmp"), ("run", "var/run"), ("etc/resolv.conf", "/tmp/resolv.conf")):
            os.symlink(target, self.inside(link))
        self.text("/tmp/resolv.conf", "nameserver %s\n" % self.address)
        self.state_directory = "/etc/daneroll/state"

    def freeze(self):
        self.mounts.append(self.view)
        mount("--bind", self.tree, self.view)
        mount("-o", "remount,bind,ro", self.view)
        for path in (self.state_directory, INSTALL):
            place = os.path.join(self.view, path.lstrip("/"))
            self.mounts.append(place)
            mount("--bind", self.inside(path), place)

    def mount(self, path, *words):
        self.mounts.append(self.inside(path))
        mount(*words, self.inside(path))

    def __exit__(self, kind, *more):
        if self.log is not None:
            self.log.close()
        for place in reversed(self.mounts):
            subprocess.run(["umount", place], check=True)
        super().__exit__(kind, *more)

    # Files inside

    def inside(self, path):
        return os.path.join(self.tree, path.lstrip("/"))

    def place(self, path, source, mode):
        os.makedirs(os.path.dirname(self.inside(path)), exist_ok=True)
        shutil.copy(source, self.inside(path) + ".new")
        os.chmod(self.inside(path) + ".new", mode)
        os.replace(self.inside(path) + ".new", self.inside(path))

    def text(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.inside(path)), exist_ok=True)
        self.write("tree/" + path.lstrip("/"), text, mode)

    def renew(self, pair):
        """What the ACME client does, the key first."""
        self.place(KEY, pair.key_file, 0o600)
        self.place(CERTIFICATE, pair.certificate_file, 0o644)

    def content(self, place):
        """Each file of the pair that stands there, and that no other does."""
        folder = self.inside(INSTALL + "/" + place)
        if not os.path.isdir(folder):
            return None
        check(set(os.listdir(folder)) == set(LEGS), place, "holds", os.listdir(folder))
        return open_text(folder + "/fullchain.pem"), open_text(folder + "/privkey.pem")

    def served(self):
        """For Service: it reads what is installed, at each handshake."""
        files = [(self.inside(INSTALL + "/current/fullchain.pem"),
                  self.inside(INSTALL + "/current/privkey.pem"))]
        if not os.path.exists(files[0][0]):
            return "none yet", [(PAIRS[0].certificate_file, PAIRS[0].key_file)]
        return os.stat(files[0][0]).st_ino, files

    def everything(self, top="/"):
        """What is there, and when it was last changed in any way."""
        found = {}
        device = os.stat(self.inside(top)).st_dev
        for base, folders, files in os.walk(self.inside(top)):
            folders[:] = [f for f in folders if os.lstat(os.path.join(base, f)).st_dev == device]
            for path in [base] + [os.path.join(base, name) for name in files]:
                status = os.lstat(path)
                found[path[len(self.tree):] or "/"] = (
                    status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return found

    # Calls

    def call(self, code=GOOD, before=(), streams=subprocess.DEVNULL, words=None, **more):
        """As crond calls; what was said to the log and, where STREAMS is a PIPE, to the streams."""
        process = subprocess.Popen(
            [*before, "chroot", self.view, "/usr/bin/daneroll", *(words or self.words)[1:]],
            env={**CROND, **VARIABLES, "DANE_TEST_CLOCK": "/clock"}, cwd="/", umask=0o022,
            process_group=0, **{"stdin": subprocess.DEVNULL, "stdout": streams, "stderr": streams,
                                **more})
        self.running.append(process)
        self.see_through(process, lambda: False)
        out = [text.decode("utf-8", "replace") for text in process.communicate() if text]
        self.running.remove(process)
        said = self.said()
        self.all_output += "".join(said + out)
        self.cf.settle()
        check(process.returncode == code, "exit", process.returncode, "not", code, said, out)
        return said, "".join(out)

    def see_through(self, process, ended, seconds=CALL_SECONDS):
        """Waits for its end, or that of a call by it; the pause between two looks at the services is
        made to pass. Which of both it was: False, True."""
        service = self.services[HOST, "smtp"]
        end = time.monotonic() + seconds
        before = service.shown
        while time.monotonic() < end:
            shown = service.shown
            try:
                process.wait(0.3)
                return False
            except subprocess.TimeoutExpired:
                if ended():
                    return True
                if before < shown == service.shown:
                    self.later(PAUSE)
                    before = shown
        process.kill()
        raise Failed("no end in %d s" % seconds)

    def add_command(self, path, *libraries):
        """A command of this machine, with the libraries it needs, in the chroot; LIBRARIES: more of them."""
        ldd = subprocess.run(["ldd", path, *libraries], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=False, text=True).stdout
        for file in {path, *libraries, *re.findall(r"(/\S+) \(", ldd)}:
            self.place(file, file, 0o755)

    def said(self):
        said = []
        while self.log is not None:
            try:
                said.append(self.log.recv(4096).decode("utf-8", "replace"))
            except BlockingIOError:
                break
        return said

    def later(self, seconds):
        self.clock.pass_time(seconds)


def open_text(path):
    with open(path, encoding="ascii") as source:
        return source.read()


def texts(pair):
    return pair.certificate, pair.key
