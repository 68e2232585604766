#!/usr/bin/env python3
"""One file by scp and the README's crontab line: in a chroot that holds the program, its token, the
pair, /etc/resolv.conf, a state folder and the folder of `install`, as busybox's crond calls it.

The program is daneroll-clock, whose built-in anchors hold the tests' own CA. The script has a
network of its own, so that the API is https://api.cloudflare.com as the line means it, and mounts
of its own, for file systems that cannot be written.

VARIANT: target. TIMEOUT: 200
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time

from dnslab import own_network
from lab import (CLOCK, DANEROLL, FAILED, GOOD, HOST, TOP, USAGE, Authority, Clock, Failed, Lab, Pair,
                 Service, case, check, main, own_address, same, store)

API = "api.cloudflare.com"
HOUR = 3600
# What a TTL of 1800 s and the margin of 300 s come to; and the first time, an hour that nobody knows of.
RIPE, RIPE_FIRST, RETIRED = 2 * 1800 + 301, 2 * 3600 + 301, HOUR + 1
IDLE_CALLS, IDLE_LOOKS = 100, 30
# busybox's crond: PATH is procd's; the rest is root's.
CROND = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root",
         "LOGNAME": "root", "SHELL": "/bin/sh"}
CALL_SECONDS = 60
PAUSE = 11  # one second more than between two looks at a service
LEGS = ("fullchain.pem", "privkey.pem", "cert.pem", "chain.pem", "combined.pem")
# System calls that change a file, or are about to.
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|\b(creat|rename\w*|unlink\w*|mkdir\w*|rmdir|link\w*|"
                     r"symlink\w*|f?truncate|f?chmod\w*|[fl]?chown\w*|utime\w*|fsync|fdatasync)\(")


def crontab_line():
    """(variables, words) of the README's line."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as readme:
        section = readme.read().split("\n## One file by scp\n")[1].split("\n## ")[0]
    line = re.search(r"^    (?:\S+ ){5}(DANEROLL_.*)$", section, re.M).group(1)
    words = shlex.split(line)
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    check(words[0] == "daneroll", "the line calls", words[0])
    return variables, words


def without(words, *options):
    """WORDS without these options and their values."""
    kept = []
    for at, word in enumerate(words):
        if word not in options and (at == 0 or words[at - 1] not in options):
            kept.append(word)
    return kept


def without_flag(words, option):
    return [word for word in words if word != option]


VARIABLES, WORDS = crontab_line()
NO_HOOK = without(WORDS, "--reload")


def value_of(option):
    return WORDS[WORDS.index(option) + 1]


CERTIFICATE, KEY, INSTALL = map(value_of, ("--certificate", "--private-key", "--install"))


def make_authority():
    """The CA whose root is among the anchors of daneroll-clock."""
    directory = os.path.join(store.directory, "anchor")
    os.makedirs(directory)
    for name, kind in (("anchor-ca.pem", "ca.pem"), ("anchor-ca.key", "ca.key")):
        shutil.copy(os.path.join(TOP, "tests/data", name), os.path.join(directory, kind))
    return Authority(directory)


def mount(*words):
    subprocess.run(["mount", *words], check=True, stdin=subprocess.DEVNULL)


class Root(Lab):
    """What the chroot holds is TREE; the program sees it as VIEW. What stands there: DEVICES
    (urandom, log), a RAM as routers have it, PROCESSES (the clock knows the boot), READ_ONLY (what
    need not be written cannot)."""

    def __init__(self, devices=(), ram=False, processes=False, read_only=False):
        super().__init__(tls=SERVER, min_ttl=60)
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
        if "urandom" in devices:
            self.text("/dev/urandom", "")
            self.mount("dev/urandom", "--bind", "/dev/urandom")
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
        self.see_through(process)
        out = [text.decode("utf-8", "replace") for text in process.communicate() if text]
        self.running.remove(process)
        said = self.said()
        self.all_output += "".join(said + out)
        self.cf.settle()
        check(process.returncode == code, "exit", process.returncode, "not", code, said, out)
        return said, "".join(out)

    def see_through(self, process):
        """Waits for its end; the pause between two looks at the services is made to pass."""
        service = self.services[HOST, "smtp"]
        end = time.monotonic() + CALL_SECONDS
        before = service.shown
        while time.monotonic() < end:
            shown = service.shown
            try:
                process.wait(0.3)
                return
            except subprocess.TimeoutExpired:
                if before < shown == service.shown:
                    self.later(PAUSE)
                    before = shown
        process.kill()
        raise Failed("no end in %d s" % CALL_SECONDS)

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


def rotate(root, **how):
    """First publication, renewal, wait, install, verify, retire; all that was said."""
    old, new = PAIRS[:2]
    said = []

    def call(*records, current, previous):
        words, out = root.call(**how)
        said.extend(words)
        same(out, "", "on the streams")
        same(root.contents(), sorted(pair.record for pair in records), "records", said)
        same(root.content("current"), texts(current), "current")
        same(root.content("previous"), previous and texts(previous), "previous")

    root.renew(old)
    call(old, current=old, previous=None)
    root.later(RIPE_FIRST)
    call(old, current=old, previous=None)
    root.renew(new)
    call(old, new, current=old, previous=None)
    root.later(RIPE - 60)
    call(old, new, current=old, previous=None)
    root.later(120)
    call(old, new, current=new, previous=old)
    root.later(RETIRED)
    call(new, current=new, previous=None)
    count = len(root.writes())
    root.later(HOUR)
    call(new, current=new, previous=None)
    same(len(root.writes()), count, "still writes")
    root.check_clean()
    return said


def settle(root):
    """The first pair is installed, published, served and verified; nothing is to be done."""
    root.renew(PAIRS[0])
    root.call()
    root.later(RIPE_FIRST)
    root.call()
    same(root.contents(), [PAIRS[0].record])
    same(root.content("current"), texts(PAIRS[0]))
    root.mark()


def check_tidy(root):
    """Nothing stands there but what was put there, the state, and what is installed."""
    pieces = [CERTIFICATE, KEY, "/clock", "/usr/bin/daneroll", "/etc/resolv.conf",
              VARIABLES["DANEROLL_TOKEN_FILE"]]
    pieces += [root.state_directory + "/" + name for name in ("state", "lock")]
    for path in root.everything():
        known = path in pieces or path.startswith(("/dev", INSTALL)) or any(
            piece.startswith(path.rstrip("/") + "/") for piece in pieces + ["/var/lib/x", INSTALL])
        check(known, path, "was made")


@case("an empty chroot, streams on /dev/null: a whole rotation")
def empty():
    with Root() as root:
        rotate(root)
        check_tidy(root)


@case("with /dev/urandom and /dev/log: what is said arrives there, and nothing elsewhere")
def with_devices():
    with Root(devices=("urandom", "log")) as root:
        said = rotate(root, streams=subprocess.PIPE)
        for words in ("published", "installed", "retired"):
            check(any(words in line for line in said), "nothing says", words, said)
        check(all(re.match(r"<2[79]|<28|<30", line) for line in said), said)
        check_tidy(root)


@case("all else cannot be written: a whole rotation")
def read_only():
    with Root(read_only=True) as root:
        rotate(root)
        check_tidy(root)


@case("no standard stream is open: what is said lands in no file, with --syslog and without")
def closed():
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    for words in (NO_HOOK, without_flag(NO_HOOK, "--syslog")):
        with Root() as root:
            root.words = words
            rotate(root, before=closing)
            check_tidy(root)


@case("a `reload` where there is no /bin/sh: said, exit 1, nothing is lost; without it all goes on")
def no_shell():
    old, new = PAIRS[:2]
    with Root(devices=("log",), processes=True) as root:
        root.words = WORDS
        settle(root)
        root.renew(new)
        root.call()
        root.later(RIPE)
        for _ in range(3):
            said = root.call(FAILED)[0]
            check(any("<27>" in line and value_of("--reload") in line and "no /bin/sh" in line
                      for line in said), said)
            same((root.content("current"), root.content("previous")), (texts(new), texts(old)))
            same(root.contents(), sorted((old.record, new.record)))
            root.later(RETIRED)
        check("/run" not in root.everything(), "/run was made")
        before = root.everything(root.state_directory)
        check(root.state_directory + "/look" in before, "no look is left")
        for _ in range(3):
            root.call(FAILED)
            root.later(HOUR)
        same(root.everything(root.state_directory), before, "a fault that lasts writes")
        root.words = NO_HOOK
        root.call()
        root.later(RETIRED)
        root.call()
        same(root.contents(), [new.record])
        root.check_clean()


@case("the shipped program, on the real clock: first publication, a look, status")
def shipped():
    pair = PAIRS[0]
    with Root() as root:
        root.place("usr/bin/daneroll", DANEROLL, 0o755)
        root.place("/etc/ca.pem", AUTHORITY.certificate, 0o644)
        more = ["--ca-file", "/etc/ca.pem"]
        root.renew(pair)
        root.call(words=NO_HOOK + more + ["--retire-wait", "1"])
        same(root.contents(), [pair.record])
        same(root.content("current"), texts(pair))
        before = root.everything()
        _, out = root.call(words=NO_HOOK + more, streams=subprocess.PIPE)
        same((out, root.everything()), ("", before))
        words = without(without_flag(NO_HOOK + more, "--syslog"))
        _, out = root.call(words=[words[0], "status"] + words[2:], streams=subprocess.PIPE)
        check(HOST in out and pair.spki[:12] in out, out)
        same(root.everything(), before)
        root.check_clean()


# ---- random numbers ------------------------------------------------------------------------------

def old_kernel(root):
    """A kernel without getrandom, as far as the program can tell."""
    if not shutil.which("strace"):
        raise Failed("strace is not installed; make deps does it")
    return ["strace", "-f", "-qq", "-o", root.path("trace"), "-e", "trace=getrandom",
            "-e", "inject=getrandom:error=ENOSYS"]


@case("a kernel without getrandom: /dev/urandom does; without it nothing is sent, and it is said why")
def no_getrandom():
    for devices in (("urandom", "log"), ("log",)):
        with Root(devices=devices) as root:
            root.renew(PAIRS[0])
            before = old_kernel(root)
            said = root.call(GOOD if "urandom" in devices else USAGE, before=before)[0]
            check("ENOSYS" in root.read("trace"), "getrandom was not asked")
            same(root.contents(), [PAIRS[0].record] if "urandom" in devices else [])
            if "urandom" not in devices:
                check(any("no source of random numbers" in line for line in said), said)
                same(root.cf.counters["requests"], 0)
                root.call()
                same(root.contents(), [PAIRS[0].record])
            root.check_clean()


# ---- flash ---------------------------------------------------------------------------------------

def idle(root, reboot=True):
    """Calls with nothing due, looks, and reboots change nothing but what is in RAM."""
    before = root.everything()
    for _ in range(IDLE_CALLS):
        root.call()
        root.later(60)
    for number in range(IDLE_LOOKS):
        root.later(6 * HOUR + 10)
        if reboot and number % 10 == 9:
            root.clock.reboot(wall=root.clock.wall + 60)
        asked = len(root.names.asked)
        root.call()
        check(len(root.names.asked) > asked, "did not look")
    after = root.everything()
    for own in ("/", "/clock"):  # the test itself writes the clock
        del before[own], after[own]
    same(after, before)
    same(root.writes(), [])


@case("a router's layout: %d calls with nothing due and %d looks write nothing in flash"
      % (IDLE_CALLS, IDLE_LOOKS))
def wear():
    with Root(ram=True, processes=True) as root:
        settle(root)
        check(os.path.exists(root.state_file), "the state is not in flash")
        root.call()
        looks = len(root.names.asked)
        root.call()
        same(len(root.names.asked), looks, "looks although nothing is due")
        idle(root)


@case("without /proc and /run: %d looks write nothing in the state folder, nor elsewhere" % IDLE_LOOKS)
def wear_without():
    with Root() as root:
        settle(root)
        root.call()
        idle(root, reboot=False)


@case("a router's call with nothing due, and one that looks: nothing in flash is opened for writing")
def wear_traced():
    traced = "?open,?openat,?creat,%file,fsync,fdatasync,fchmod,fchown,ftruncate"
    with Root(ram=True, processes=True) as root:
        settle(root)
        root.call()
        for seconds in (60, 7 * HOUR):
            root.later(seconds)
            root.call(before=["strace", "-f", "-qq", "-y", "-o", root.path("trace"), "-e", traced])
            lines = root.read("trace").split("/usr/bin/daneroll", 1)[1].splitlines()[1:]
            check(len(lines) > 10, "no trace", lines)
            writing = [line for line in lines if WRITING.search(line) and " = -1 E" not in line]
            check(writing, "not even the lock is written")
            elsewhere = [line for line in writing if "/run/daneroll" not in line]
            same(elsewhere, [], "outside RAM")


if __name__ == "__main__":
    own_network("-m")
    AUTHORITY = make_authority()
    SERVER = AUTHORITY.issue([API], stem="api")
    PAIRS = [Pair(*AUTHORITY.issue([HOST], stem="pair%d" % number)) for number in range(3)]
    sys.exit(main())
