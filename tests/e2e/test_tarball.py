#!/usr/bin/env python3
"""The tarball: what is in it, and what its script "install" does under busybox's shell, in another root
and in a chroot.

VARIANT: target
TIMEOUT: 300
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile

from lab import TARGET, TOP, case, check, main, same
from packlab import (TIMER, VERSION, Scratch, archive, call, need_root, read, snapshot, sources,
                     touched)


class Alpine(Scratch):
    """An unpacked tarball, a shell that has busybox's commands and no others, and a root to install
    into: DESTDIR, or a chroot with that busybox in it."""

    def __enter__(self):
        super().__enter__()
        busybox = shutil.which("busybox")
        check(busybox, "busybox is not installed (tests/packages)")
        os.mkdir(self.path("bin"))
        for name in call(busybox, "--list").split():
            if name not in ("man", "systemctl"):
                os.symlink(busybox, self.path("bin", name))
        self.busybox = busybox
        self.root = self.path("root")
        os.makedirs(self.path("root/etc/periodic/hourly"))
        self.take(archive(self.path("dist")))
        return self

    def take(self, path):
        """Unpacks an archive with busybox's tar into an empty folder."""
        shutil.rmtree(self.path("unpacked"), ignore_errors=True)
        os.mkdir(self.path("unpacked"))
        self.sh("tar -xzf %s -C %s" % (path, self.path("unpacked")))
        (name,) = os.listdir(self.path("unpacked"))
        self.folder = self.path("unpacked", name)

    def sh(self, command, code=0, **environment):
        environment.setdefault("PATH", self.path("bin"))
        return call(self.busybox, "ash", "-c", command, code=code, env=environment, cwd="/")

    def install(self, *words, code=0, **environment):
        environment.setdefault("DESTDIR", self.root)
        return self.sh("ash %s/install %s" % (self.folder, " ".join(words)), code, **environment)

    def enter(self, command, code=0):
        """In a chroot with busybox; the unpacked tarball is /unpacked there."""
        need_root()
        if not os.path.exists(self.path("root/bin")):
            os.mkdir(self.path("root/bin"))
            os.mkdir(self.path("root/tmp"))
            os.mkdir(self.path("root/dev"))
            self.write("root/dev/null", "", 0o666)
            shutil.copy(self.busybox, self.path("root/bin/busybox"))
            ldd = subprocess.run(["ldd", self.busybox], stdout=subprocess.PIPE, check=False,
                                 stderr=subprocess.DEVNULL).stdout.decode()
            for library in re.findall(r"(/\S+)", ldd):
                os.makedirs(os.path.dirname(self.path("root" + library)), exist_ok=True)
                shutil.copy(library, self.path("root" + library))
            for name in os.listdir(self.path("bin")):
                if name != "busybox":
                    os.symlink("busybox", self.path("root/bin", name))
        shutil.rmtree(self.path("root/unpacked"), ignore_errors=True)
        shutil.copytree(self.folder, self.path("root/unpacked"))
        return call("/usr/sbin/chroot", self.root, "/bin/ash", "-c", command, code=code,
                    env={"PATH": "/stubs:/bin"})


@case("the tarball: names, owners, modes, licences; one folder")
def tarball_content():
    with Scratch() as scratch:
        with tarfile.open(archive(scratch.path("dist"), SOURCE_DATE_EPOCH="1700000000")) as tar:
            names = set()
            for member in tar:
                check(member.isfile() or member.isdir(), member.name)
                same((member.uid, member.gid, member.uname, member.gname, member.mtime),
                     (0, 0, "", "", 1700000000), member.name)
                top, _, name = member.name.partition("/")
                same(top, "daneroll-%s-%s" % (VERSION, TARGET))
                program = name in ("daneroll", "install", "alpine/daneroll")
                same(oct(member.mode), oct(0o755 if program or member.isdir() else 0o644), name)
                names.add(name)
        lacking = {"daneroll", "install", "README.md", "CHANGELOG.md", "LICENSE", "man/daneroll.8",
                   "man/daneroll.conf.5", "systemd/daneroll.service", "systemd/daneroll.timer",
                   "examples/daneroll.conf", "licenses/mbedtls", "licenses/bearssl", "licenses/musl",
                   "licenses/inih"} - names
        same(lacking, set())


@case("install on Alpine: the program runs; again changes nothing; removed, all is as before")
def alpine():
    with Alpine() as lab:
        before = snapshot(lab.root)
        text = lab.install()
        check("examples/daneroll.conf" in text, text)
        (line,) = re.findall(r"^ +(rc-update .*?) +# Alpine", read(TOP, "README.md"), re.M)
        check(line + "\n" in text, "the README says", line, "and install", text)
        program = os.path.join(lab.root, "usr/local/bin/daneroll")
        same(call(program, "version"), "daneroll %s\n" % VERSION)
        check(not os.path.exists(os.path.join(lab.root, "usr/local/share/man")), "nobody reads them")
        after = snapshot(lab.root)
        check(len(after) > len(before) + 10)
        lab.install()
        same(touched(after, lab.root), [])
        lab.install("--uninstall")
        same(touched(before, lab.root), [])
        check("nothing is installed" in lab.install("--uninstall", code=1))


@case("Alpine's hourly script: nothing without a configuration, else a call")
def hourly():
    with Alpine() as lab:
        prefix = lab.path("prefix")
        lab.install(PREFIX=prefix)
        script = os.path.join(lab.root, "etc/periodic/hourly/daneroll")
        check(os.access(script, os.X_OK) and prefix + "/bin/daneroll run" in read(script))
        lab.write("prefix/bin/daneroll", '#!/bin/sh\necho "$@" >>%s\n' % lab.path("called"), 0o755)
        text = read(script).replace("/etc/daneroll/daneroll.conf", lab.path("conf"))
        check(lab.path("conf") in text)
        # as the line of Alpine's own crontab does it: names with a dot are passed over
        lab.write("hourly/" + os.path.basename(script), text, 0o755)
        script = "run-parts " + lab.path("hourly")
        same(lab.sh(script), "")
        check(not os.path.exists(lab.path("called")))
        lab.write("conf", "")
        same(lab.sh(script), "")
        same(read(lab.path("called")), "run --syslog\n")


@case("install: what a user wrote or changed is never touched, neither by an update nor a removal")
def users():
    with Alpine() as lab:
        lab.install()
        own = {name: lab.write("root/" + name, "mine\n", 0o600) for name in (
            "etc/daneroll/daneroll.conf", "etc/daneroll/cloudflare.token",
            "var/lib/daneroll/state", "etc/periodic/hourly/daneroll")}
        before = {name: snapshot(lab.root)[name] for name in own}
        lab.take(archive(lab.path("dist"), sources(
            lab, cross__tarball__daneroll_dot_periodic="# newer\n")))
        check("kept, because it was changed" in lab.install())
        text = lab.install("--uninstall")
        check("kept, because it was changed" in text and "TLSA records stay" in text, text)
        after = snapshot(lab.root)
        same({name: after[name] for name in own}, before)
        same([name for name in after if name.startswith("usr")], [])


@case("install: an update replaces what is its own, and removes what is no more")
def update():
    with Alpine() as lab:
        lab.write("bin/man", "#!/bin/sh\n", 0o755)
        lab.install()
        manual = os.path.join(lab.root, "usr/local/share/man/man8/daneroll.8")
        same(read(manual), read(TOP, "src/daneroll.8"))
        top = sources(lab, cross__tarball__daneroll_dot_periodic="# newer\n",
                      src__daneroll_dot_8='.\\" newer\n')
        lab.take(archive(lab.path("dist"), top))
        os.unlink(os.path.join(lab.folder, "examples/hardened.conf"))
        gone = os.path.join(lab.root, "usr/local/share/doc/daneroll/examples/hardened.conf")
        check(os.path.exists(gone))
        lab.install()
        check(read(manual).endswith("newer\n"))
        check(read(lab.root, "etc/periodic/hourly/daneroll").endswith("newer\n"))
        check(not os.path.exists(gone))
        lab.install("--uninstall")
        check(not os.path.exists(os.path.join(lab.root, "usr")))


@case("install under systemd: units with the program's path; another root's are not started")
def tarball_systemd():
    for prefix, folder in (("/usr", "/usr/lib"), ("/opt/dane", "/usr/local/lib")):
        with Alpine() as lab:
            lab.write("bin/systemctl", "#!/bin/sh\necho started; exit 1\n", 0o755)
            os.makedirs(os.path.join(lab.root, "run/systemd/system"))
            before = snapshot(lab.root)
            text = lab.install(PREFIX=prefix)
            check("started" not in text, text)
            unit = read(lab.root + folder, "systemd/system/daneroll.service")
            check("ExecStart=%s/bin/daneroll run --syslog\n" % prefix in unit, unit)
            same(read(lab.root + folder, "systemd/system", TIMER),
                 read(TOP, "cross/debian", TIMER))
            check(not os.path.exists(os.path.join(lab.root, "etc/periodic/hourly/daneroll")))
            lab.install("--uninstall", PREFIX=prefix)
            same(touched(before, lab.root), [])


@case("install elsewhere: shows a line for crontab; a schedule that was asked for is kept")
def crontab():
    with Alpine() as lab:
        for arguments in (("--schedule=crontab",), ()):
            text = lab.install(*arguments)
            line = re.search(r"^ +(\d+) \* \* \* \* /usr/local/bin/daneroll run --syslog$", text, re.M)
            check(line and int(line.group(1)) < 60, text)
        check(not os.listdir(os.path.join(lab.root, "etc/periodic/hourly")))
        lab.install("--schedule=periodic")
        check(os.listdir(os.path.join(lab.root, "etc/periodic/hourly")))
        lab.install("--schedule=none")
        check(not os.listdir(os.path.join(lab.root, "etc/periodic/hourly")))
    with Alpine() as lab:
        shutil.rmtree(os.path.join(lab.root, "etc/periodic"))
        check("* * * * /usr/local/bin/daneroll" in lab.install())


@case("install refuses wrong calls, a strange PREFIX and a machine that has the Debian package")
def wrong():
    with Alpine() as lab:
        before = snapshot(lab.root)
        for words, code in (("--bogus", 2), ("--schedule=never", 2), ("now", 2)):
            check("--uninstall" in lab.install(words, code=code))
        for prefix in ("usr", "/a b", "/a,b", "/a&b", "/a|b"):
            check("PREFIX" in lab.install(code=1, PREFIX=prefix))
        same(touched(before, lab.root), [])
        lab.write("root/var/lib/dpkg/info/daneroll.list", "")
        check("remove it first" in lab.install(code=1))
        check("./install" in lab.install("--help"))


@case("in a chroot, without DESTDIR: installed and removed; another machine's program is refused")
def chroot():
    with Alpine() as lab:
        lab.enter("true")
        before = snapshot(lab.root)
        text = lab.enter("cd /unpacked && ./install")
        check("daneroll %s is installed: /usr/local/bin/daneroll" % VERSION in text, text)
        same(lab.enter("/usr/local/bin/daneroll version"), "daneroll %s\n" % VERSION)
        good = snapshot(lab.root)
        with open(os.path.join(lab.folder, "daneroll"), "r+b") as program:
            program.seek(18)  # e_machine
            program.write(b"\x39\x30")
        text = lab.enter("cd /unpacked && ./install", code=1)
        check("another kind of processor" in text, text)
        apart = "unpacked", "dev"
        same(touched(good, lab.root, *apart), [], "the former one was harmed")
        lab.enter("cd /unpacked && ./install --uninstall")
        same(touched(before, lab.root, *apart), [])


@case("in a chroot where systemd seems to run: the timer is started once, and stopped")
def chroot_systemd():
    with Alpine() as lab:
        os.makedirs(os.path.join(lab.root, "run/systemd/system"))
        lab.write("root/stubs/systemctl", '#!/bin/ash\necho "$@" >>/called\n', 0o755)

        def calls(*arguments):
            lab.enter("cd /unpacked && ./install " + " ".join(arguments))
            path = os.path.join(lab.root, "called")
            text = read(path) if os.path.exists(path) else ""
            if text:
                os.unlink(path)
            return text.splitlines()
        same(calls(), ["daemon-reload", "--quiet enable --now daneroll.timer"])
        same(calls(), ["daemon-reload", "try-restart daneroll.timer"])
        same(calls("--schedule=none"), ["--quiet disable --now daneroll.timer"])
        same(calls("--schedule=systemd"), ["daemon-reload", "--quiet enable --now daneroll.timer"])
        same(calls("--uninstall"), ["--quiet disable --now daneroll.timer", "daemon-reload"])


if __name__ == "__main__":
    sys.exit(main(jobs=4))
