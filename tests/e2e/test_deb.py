#!/usr/bin/env python3
"""The Debian package: what is in it, that it is made the same twice, and what installing, updating and
removing it does to a system, in scratch roots. The units and the cron line.

VARIANT: target
TIMEOUT: 300
"""

import filecmp
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile

from lab import BUILD, DANEROLL, TARGET, TOP, Skipped, case, check, main, same
from packlab import (NEWER, TIMER, VERSION, Scratch, archive, call, need_root, package, read, snapshot,
                     sources)

ARCHITECTURES = {"x86_64": "amd64", "i686": "i386", "aarch64": "arm64", "arm": "armel"}
ARCHITECTURE = ARCHITECTURES.get(TARGET, TARGET)
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


# ---- both ----------------------------------------------------------------------------------------

@case("make deb, make tarball: the same bytes again, whatever the time, zone, umask and folder")
def twice():
    with Scratch() as scratch:
        built = os.environ.get("B") or "build"
        paths = call("make", "-s", "-o", "%s/%s/daneroll" % (built, TARGET), "B=" + built,
                     "TARGET=" + TARGET, "deb", "tarball").split()
        same(len(paths), 2, paths)
        for path, make in zip(paths, (package, archive)):
            path = os.path.join(TOP, path)
            again = make(scratch.path("other"), umask="077", TZ="Asia/Tokyo", LC_ALL="C.UTF-8",
                         TMPDIR=scratch.top)
            same(os.path.basename(again), os.path.basename(path))
            check(filecmp.cmp(path, again, shallow=False), path, "has other bytes the second time")
            other = make(scratch.path("later"), SOURCE_DATE_EPOCH="1700000000")
            check(not filecmp.cmp(path, other, shallow=False), "SOURCE_DATE_EPOCH counts for nothing")
        same(sorted(os.listdir(scratch.path("other"))),
             ["daneroll-%s-%s.tar.gz" % (VERSION, TARGET),
              "daneroll_%s-1_%s.deb" % (VERSION, ARCHITECTURE)])


@case("a machine that Debian does not know: refused")
def unknown_target():
    with Scratch() as scratch:
        text = call("cross/debian/deb", DANEROLL, "vax", scratch.path("out"), code=1)
        check("vax" in text and not os.path.exists(scratch.path("out")), text)


# ---- the package ---------------------------------------------------------------------------------

def unpacked(scratch):
    path = package(scratch.path("deb"))
    call("dpkg-deb", "-x", path, scratch.path("tree"))
    call("dpkg-deb", "-e", path, scratch.path("control"))
    return path


@case("the package: fields, owners, modes, times, sums, conffiles")
def content():
    with Scratch() as scratch:
        path = package(scratch.path("deb"), SOURCE_DATE_EPOCH="1700000000")
        control = scratch.path("control")
        call("dpkg-deb", "-e", path, control)
        fields = dict(re.findall(r"^([A-Z][A-Za-z-]*): (.*)$", read(control, "control"), re.M))
        same((fields["Package"], fields["Version"], fields["Architecture"]),
             ("daneroll", VERSION + "-1", ARCHITECTURE))
        same([name for name in fields if "epends" in name], [], "a static program needs nothing")
        same(read(control, "conffiles"), "/etc/cron.d/daneroll\n")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as child:
            with tarfile.open(fileobj=child.stdout, mode="r|") as tar:
                members, sums, size = {}, {}, 0
                for member in tar:
                    name = member.name[2:]
                    members[name] = member
                    same((member.uid, member.gid), (0, 0), name)
                    same(member.mtime, 1700000000, name)
                    check(member.isfile() or member.isdir(), name)
                    if member.isfile():
                        data = tar.extractfile(member).read()
                        sums[name] = hashlib.md5(data).hexdigest()
                    size += (member.size + 1023) // 1024 if member.isfile() else 1
                    mode = 0o755 if member.isdir() or name == "usr/bin/daneroll" else 0o644
                    same(oct(member.mode & 0o7777), oct(mode), name)
        same(int(fields["Installed-Size"]), size)
        listed = {name: digest for digest, name in re.findall(r"^(\w{32})  (.*)$",
                                                              read(control, "md5sums"), re.M)}
        del sums["etc/cron.d/daneroll"]
        same(listed, sums)
        check("etc/daneroll" in members and "etc/daneroll/daneroll.conf" not in members)


@case("the package: the program, and manuals that say the same as the sources")
def manuals():
    with Scratch() as scratch:
        unpacked(scratch)
        check(filecmp.cmp(scratch.path("tree/usr/bin/daneroll"), DANEROLL, shallow=False))
        for name in ("daneroll.8", "daneroll.conf.5"):
            path = scratch.path("tree/usr/share/man/man" + name[-1], name + ".gz")
            with open(path, "rb") as source:
                data = source.read()
            same(data[3:8], b"\0\0\0\0\0", "a name or a time in", name)
            same(gzip.decompress(data).decode(), read(TOP, "src", name))
        doc = scratch.path("tree/usr/share/doc/daneroll")
        for name in ("changelog.gz", "changelog.Debian.gz"):
            check(VERSION in gzip.open(os.path.join(doc, name), "rt").read(), name)


@case("the package: each library that is in the program has its licence in the copyright file")
def licences():
    text = " ".join(read(TOP, "cross/debian/copyright").replace("\n .\n", "\n").split())
    pins = re.findall(r"^(\w+) \|", read(TOP, "third_party/pins"), re.M)
    check(len(set(pins)) >= 4, pins)
    for name in set(pins):
        check("third_party/%s/*" % name in text, name, "is not in the copyright file")
    for path, start, end in (("bearssl/LICENSE.txt", "Permission", "SOFTWARE."),
                             ("inih/LICENSE.txt", "Redistribution", "DAMAGE."),
                             ("musl/src/string/arm/memcpy.S", "Redistribution", "DAMAGE.")):
        theirs = re.sub(r"^ \*", "", read(BUILD, "src", path), flags=re.M)
        theirs = theirs[theirs.index(start):]
        theirs = " ".join(theirs[:theirs.rindex(end)].split(end)[0].split())
        check(theirs in text, path)
    ours = read(TOP, "LICENSE")
    check(" ".join(ours[ours.index("Permission"):].split()) in text, "LICENSE")


@case("lintian finds neither an error nor a warning")
def lintian():
    check(shutil.which("lintian"), "lintian is not installed (tests/packages)")
    with Scratch() as scratch:
        path = package(scratch.path("deb"))
        text = call("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit",
                    "0", path)
        same([line for line in text.splitlines() if re.match("[EW]: ", line)], [])


# ---- dpkg in a scratch root ----------------------------------------------------------------------

class Root(Scratch):
    """An empty system with dpkg's database, whose maintainer scripts run outside of it."""

    def __enter__(self):
        need_root()
        super().__enter__()
        for folder in ("root/var/lib/dpkg/updates", "root/var/lib/dpkg/info", "root/etc", "stubs"):
            os.makedirs(self.path(folder))
        for file in ("status", "available"):
            self.write("root/var/lib/dpkg/" + file, "")
        # Nothing of this machine is ever started or stopped.
        for name in ("systemctl", "deb-systemd-invoke"):
            self.write("stubs/" + name, '#!/bin/sh\necho %s "$@" >>%s\n' % (
                name, self.path("called")), 0o755)
        return self

    def here(self, path):
        return self.path("root", path.lstrip("/"))

    def dpkg(self, *arguments):
        return call("dpkg", "--root=" + self.path("root"), "--force-script-chrootless",
                    "--force-architecture", *arguments, env=dict(
                        os.environ, PATH=self.path("stubs") + ":" + SYSTEM_PATH,
                        DEBIAN_FRONTEND="noninteractive"))

    def status(self):
        text = read(self.here("/var/lib/dpkg/status"))
        found = re.search(r"^Package: daneroll\nStatus: (.*)$", text, re.M)
        return found and found.group(1)

    def put(self, path, text, mode=0o600):
        return self.write("root" + path, text, mode)

    @property
    def enabled(self):
        return os.path.lexists(self.here("/etc/systemd/system/timers.target.wants/" + TIMER))


def users_own(root):
    """What a user has: a configuration, a token, an installed pair, a state."""
    own = {"/etc/daneroll/daneroll.conf": "[host mail.example.org]\n",
           "/etc/daneroll/cloudflare.token": "secret\n",
           "/etc/daneroll/mail/1/privkey.pem": "key\n"}
    for path, text in own.items():
        root.put(path, text)
    os.symlink("1", root.here("/etc/daneroll/mail/current"))
    os.makedirs(root.here("/var/lib/daneroll"), 0o700)
    root.put("/var/lib/daneroll/state", "state\n")
    return own


def still(root, own):
    for path, text in own.items():
        same(read(root.here(path)), text)
        same(oct(os.stat(root.here(path)).st_mode & 0o777), "0o600", path)
    same(os.readlink(root.here("/etc/daneroll/mail/current")), "1")


@case("dpkg: installed, the timer is on; updated, changes of the user stay; removed; purged")
def life():
    with Root() as root:
        helper = shutil.which("deb-systemd-helper", path=SYSTEM_PATH)
        root.dpkg("-i", package(root.path("deb")))
        same(root.status(), "install ok installed")
        same(call(root.here("/usr/bin/daneroll"), "version"), "daneroll %s\n" % VERSION)
        check(root.enabled or not helper, "the timer is not enabled")
        own = users_own(root)
        cron = "/etc/cron.d/daneroll"
        mine = read(root.here(cron)).replace("7,22,37,52", "5")
        root.put(cron, mine, 0o644)

        root.dpkg("-i", package(root.path("deb"), sources(root)))
        same(root.status(), "install ok installed")
        same(read(root.here(cron)), mine, "the user's cron file was replaced")
        still(root, own)
        check(root.enabled or not helper)

        text = root.dpkg("--remove", "daneroll")
        check("TLSA records stay" in text, text)
        same(root.status(), "deinstall ok config-files")
        check(not os.path.exists(root.here("/usr/bin/daneroll")))
        check(not os.path.exists(root.here("/lib/systemd")))
        same(read(root.here(cron)), mine)
        same(read(root.here("/var/lib/daneroll/state")), "state\n")
        still(root, own)

        root.dpkg("--purge", "daneroll")
        same(root.status(), None)
        check(not os.path.exists(root.here(cron)) and not root.enabled)
        check(not os.path.exists(root.here("/var/lib/daneroll")))
        check(not os.path.exists(root.here("/var/lib/systemd/deb-systemd-helper-enabled/"
                                           "%s.dsh-also" % TIMER)))
        still(root, own)
        check(not os.path.exists(root.path("called")), "this machine's systemd was called")


@case("dpkg: a cron file that both changed stays the user's, one that nobody changed is updated")
def conffile():
    for changed in (True, False):
        with Root() as root:
            root.dpkg("-i", package(root.path("deb")))
            cron = root.here("/etc/cron.d/daneroll")
            theirs = read(cron)
            if changed:
                root.put("/etc/cron.d/daneroll", theirs + "# mine\n", 0o644)
            newer = package(root.path("deb"),
                            sources(root, cross__debian__daneroll_dot_cron="# newer\n"))
            root.dpkg("--force-confold", "-i", newer)
            same(read(cron), theirs + ("# mine\n" if changed else "# newer\n"))
            same(os.path.exists(cron + ".dpkg-dist"), changed)


@case("dpkg: removed without a configuration it leaves nothing; a timer that was disabled stays so")
def traces():
    with Root() as root:
        root.dpkg("-i", package(root.path("deb")))
        if shutil.which("deb-systemd-helper", path=SYSTEM_PATH):
            os.unlink(root.here("/etc/systemd/system/timers.target.wants/" + TIMER))
        root.dpkg("-i", package(root.path("deb"), sources(root)))
        check(not root.enabled, "enabled again")
        text = root.dpkg("--purge", "daneroll")
        check("TLSA" not in text, text)
        left = [name for name in snapshot(root.path("root"))
                if "daneroll" in name and not name.startswith("var/lib/dpkg")]
        same(left, [])


def with_systemd(root, script, *arguments, running=True):
    """Runs a maintainer script where systemd seems to run; returns the calls that it made."""
    wrapper = "mount -t tmpfs none /run || exit 99; %s exec \"$@\"" % (
        "mkdir -p /run/systemd/system;" if running else "")
    log = root.path("called")
    if os.path.exists(log):
        os.unlink(log)
    environment = dict(os.environ, PATH=root.path("stubs") + ":" + SYSTEM_PATH)
    environment.pop("DPKG_ROOT", None)
    done = subprocess.run(["unshare", "-m", "sh", "-c", wrapper, "sh", script] + list(arguments),
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    if done.returncode == 99:
        raise Skipped("cannot mount here")
    same(done.returncode, 0, done.stdout.decode())
    return read(log).splitlines() if os.path.exists(log) else []


@case("maintainer scripts under systemd: what they start and stop, and nothing without it")
def maintainer():
    with Root() as root:
        call("dpkg-deb", "-e", package(root.path("deb")), root.path("control"))
        # The real one would write into this machine's /etc.
        root.write("stubs/deb-systemd-helper", '#!/bin/sh\necho "$@" >>%s\n' % root.path("helper"),
                   0o755)
        reload = "systemctl --system daemon-reload"
        for script, arguments, expected in (
                ("postinst", ("configure", ""), [reload, "deb-systemd-invoke start daneroll.timer"]),
                ("postinst", ("configure", "0.0.1-1"),
                 [reload, "deb-systemd-invoke restart daneroll.timer"]),
                ("prerm", ("upgrade", NEWER), []),
                ("prerm", ("remove",),
                 ["deb-systemd-invoke stop daneroll.timer daneroll.service"]),
                ("postrm", ("upgrade", NEWER), []),
                ("postrm", ("remove",), [reload])):
            same(with_systemd(root, root.path("control", script), *arguments), expected, script)
            same(with_systemd(root, root.path("control", script), *arguments, running=False), [],
                 script)
        same(read(root.path("helper")).splitlines()[:3],
             ["unmask daneroll.timer", "--quiet was-enabled daneroll.timer",
              "enable daneroll.timer"])


# ---- who calls it --------------------------------------------------------------------------------

@case("the cron line: silent under systemd, without a configuration, and after removal; else a call")
def cron_line():
    text = read(TOP, "cross/debian/daneroll.cron")
    lines = [line for line in text.splitlines() if line and line[0] not in "#" and
             not re.match(r"[A-Z]+=", line)]
    same(len(lines), 1, lines)
    match = re.fullmatch(r"([\d,]+) \* \* \* \* root (.*)", lines[0])
    check(match, lines)
    check(all(0 <= int(minute) < 60 for minute in match.group(1).split(",")))
    check("%" not in match.group(2), "a % is a new line to cron")
    for systemd, configured, installed in ((0, 1, 1), (1, 1, 1), (0, 0, 1), (0, 1, 0), (1, 0, 0)):
        with Scratch() as scratch:
            program = scratch.path("daneroll")
            if installed:
                scratch.write("daneroll", '#!/bin/sh\necho "$@" >>%s\n' % scratch.path("called"),
                              0o755)
            if configured:
                scratch.write("daneroll.conf", "")
            if systemd:
                os.mkdir(scratch.path("systemd"))
            command = match.group(2)
            for word, path in (("/run/systemd/system", scratch.path("systemd")),
                               ("/etc/daneroll/daneroll.conf", scratch.path("daneroll.conf")),
                               ("/usr/bin/daneroll", program)):
                check(word in command, word)
                command = command.replace(word, path)
            same(call("sh", "-c", command, env={"PATH": SYSTEM_PATH}), "")
            called = scratch.path("called")
            same(read(called) if os.path.exists(called) else "",
                 "" if systemd or not configured or not installed else "run --syslog\n")


SYSTEM_UNITS = "/lib/systemd/system"  # of systemd's own package: what our units refer to


def verify(scratch, *drop_ins):
    """What systemd-analyze says of the units of an unpacked package, in that root."""
    check(shutil.which("systemd-analyze"), "systemd is not installed (tests/packages)")
    root = scratch.path("root")
    if not os.path.exists(root):
        call("dpkg-deb", "-x", package(scratch.path("deb")), root)
        shutil.copytree(SYSTEM_UNITS, root + SYSTEM_UNITS, symlinks=True, dirs_exist_ok=True)
    for number, text in enumerate(drop_ins):
        scratch.write("root/etc/systemd/system/daneroll.service.d/%d.conf" % number, text)
    return call("systemd-analyze", "verify", "--man=no", "--root=" + root, "daneroll.service", TIMER,
                code=None)


@case("systemd finds no fault in the installed units, nor in the stricter drop-in; their manuals are there")
def units():
    with Scratch() as scratch:
        same(verify(scratch), "")
        same(verify(scratch, read(TOP, "cross/debian/hardened.conf")), "")
        check("Bogus" in verify(scratch, "[Service]\nBogus=1\n"), "it would not tell")
        os.unlink(scratch.path("root/usr/bin/daneroll"))
        check("/usr/bin/daneroll is not executable" in verify(scratch), "it would not tell")
        for unit in ("daneroll.service", TIMER):
            pages = re.findall(r"man:(\S+)\((\d)\)", read(scratch.path("root"), SYSTEM_UNITS[1:], unit))
            check(pages, unit, "names no manual")
            for page in pages:
                check(os.path.exists(scratch.path("root/usr/share/man/man%s/%s.%s.gz" % (page[1], *page))), page)


@case("the timer calls as often as the cron line and the README say: every 15 minutes")
def calendar():
    check(shutil.which("systemd-analyze"), "systemd is not installed (tests/packages)")
    expression = re.search(r"OnCalendar=(.*)", read(TOP, "cross/debian", TIMER)).group(1)
    text = call("systemd-analyze", "calendar", "--iterations=8", "--base-time=2026-03-01 22:59:01 UTC",
                expression, env=dict(os.environ, TZ="UTC0"))
    times = re.findall(r"(?:elapse|#\d+): \w+ (\S+ \S+) UTC", text)
    same(times, ["2026-03-%02d %02d:%02d:00" % when for when in (
        (1, 23, 0), (1, 23, 15), (1, 23, 30), (1, 23, 45), (2, 0, 0), (2, 0, 15), (2, 0, 30), (2, 0, 45))])
    minutes = re.search(r"^([\d,]+) ", read(TOP, "cross/debian/daneroll.cron"), re.M).group(1).split(",")
    same({int(after) - int(before) for before, after in zip(minutes, minutes[1:])}, {15})
    same(len(minutes), 4)
    check("calls it every 15 minutes" in read(TOP, "README.md"), "the README says something else")


@case("the sample configuration is one that the program takes")
def sample():
    with Scratch() as scratch:
        token = scratch.write("token", "t\n", 0o600)
        text = read(TOP, "cross/debian/daneroll.conf")
        text = text.replace("/etc/daneroll/cloudflare.token", token).replace(
            "[daneroll]\n", "[daneroll]\nstate = %s\n" % scratch.path("state"), 1)
        conf = scratch.write("daneroll.conf", text, 0o600)
        said = call(DANEROLL, "status", "--offline", "--config", conf, code=None)
        check("mail.example.org" in said and "fault" not in said, said)
        # The lines that are comments are keys too.
        conf = scratch.write("all.conf", re.sub(
            r"^\[host", "[host spare.example.net]\nservice = smtp\nprovider = dns\ncertificate = /x\n"
            "private-key = /x\n\n[host", re.sub(r"^#(?=\S)", "", text, flags=re.M), count=1,
            flags=re.M).replace("[host mail.example.org]", "[host mail.example.org]\nprovider = cf")
            .replace("/etc/daneroll/dns.key", scratch.write("dns.key", 'key "k" { algorithm '
                     'hmac-sha256; secret "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; };\n',
                     0o600)), 0o600)
        said = call(DANEROLL, "status", "--offline", "--config", conf, code=None)
        check("spare.example.net" in said and "fault" not in said, said)


if __name__ == "__main__":
    sys.exit(main(jobs=4))
