#!/usr/bin/env python3
"""Staged installation by way of tests/tools/installtool.c: killed before each of its system calls,
on full and read-only disks, with owners of all kinds, while somebody reads.

VARIANT: target
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

from lab import BUILD, TARGET, Skipped, case, check, main, same

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(BUILD, TARGET, "tools", "installtool")
VECTORS = os.path.join(TOP, "tests", "data", "vectors")
FILES = ("cert.pem", "chain.pem", "combined.pem", "fullchain.pem", "privkey.pem")
# What changes something, or comes right after it.
CALLS = ("open openat mkdir mkdirat symlink symlinkat rename renameat renameat2 unlink unlinkat "
         "rmdir write writev fsync fchmod chmod fchown close exit_group").split()
KILLS_MOST = 400  # of one call of the tool
FAILED, LATER, ABSENT, NOTHING_INSTALLED = 1, 2, 3, 14


def vector(name):
    with open(os.path.join(VECTORS, name), encoding="ascii") as source:
        return source.read()


class Source:
    """A pair as an ACME client writes it, and what each installed file of it must hold."""

    def __init__(self, directory, name, leaf, key, issuer="ca-issuer.pem"):
        self.certificate = os.path.join(directory, name + ".crt")
        self.key = os.path.join(directory, name + ".key")
        leaf, key, issuer = vector(leaf), vector(key), vector(issuer)
        for path, text, mode in ((self.certificate, leaf + issuer, 0o644), (self.key, key, 0o600)):
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            os.chmod(path, mode)
        self.files = {"cert.pem": leaf, "chain.pem": issuer, "fullchain.pem": leaf + issuer,
                      "privkey.pem": key, "combined.pem": key + leaf + issuer}


class Bench:
    """A directory with sources and a place to install into."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="daneroll-install-")
        os.chmod(self.directory, 0o755)
        self.place = os.path.join(self.directory, "place")
        self.one = Source(self.directory, "one", "leaf.pem", "leaf.key")
        self.two = Source(self.directory, "two", "leaf-next.pem", "leaf-next.key")
        self.three = Source(self.directory, "three", "leaf-rsa.pem", "leaf-rsa.key")
        self.chained = Source(self.directory, "chained", "leaf-next.pem", "leaf-next.key",
                              "ca-issuer-reissued.pem")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)

    def command(self, verb, source, *more):
        return [TOOL, verb, self.place, source.certificate, source.key] + list(more)

    def run(self, verb, source=None, *more, code=0, prefix=()):
        done = subprocess.run(list(prefix) + self.command(verb, source or self.one, *more),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        text = done.stdout.decode("utf-8", "replace")
        if code is not None:
            same(done.returncode, code, verb, text)
        return text

    def shown(self, link):
        """Which source the link leads to, every file of it complete; None without link."""
        path = os.path.join(self.place, link)
        if not os.path.lexists(path):
            return None
        files = {}
        for name in os.listdir(path):
            with open(os.path.join(path, name), encoding="ascii") as source:
                files[name] = source.read()
        for name in ("one", "two", "three", "chained"):
            if getattr(self, name).files == files:
                return name
        check(False, link, "leads to a pair that is none:",
              {name: len(text) for name, text in files.items()})
        return None

    def names(self):
        return sorted(os.listdir(self.place))

    def settled(self, current, previous):
        """Exactly these two are there and nothing else."""
        same((self.shown("current"), self.shown("previous")), (current, previous))
        links = [name for name in ("current", "previous") if self.shown(name)]
        targets = {os.readlink(os.path.join(self.place, name)) for name in links}
        same(self.names(), sorted(set(links) | targets))


# ---- killed anywhere -----------------------------------------------------------------------------

def strace(*options):
    if not shutil.which("strace"):
        raise Skipped("needs strace")
    return ["strace", "-qq"] + list(options)


def calls_of(bench, verb, source):
    """How often the tool makes each call."""
    log = os.path.join(bench.directory, "log")
    bench.run(verb, source, prefix=strace("-o", log))
    with open(log, encoding="utf-8", errors="replace") as trace:
        made = re.findall(r"^(\w+)\(", trace.read(), re.M)
    return {name: made.count(name) for name in CALLS if name in made}


def kill_case(name, prepare, verb, source, possible, end):
    """
    PREPARE makes the place; VERB is killed before its Nth call of each kind, and each time: what is
    current is whole and one of POSSIBLE; repeated, and swept, END holds: (current, previous), or a
    list of such.
    """
    @case("killed anywhere: " + name)
    def run():
        with Bench() as bench:
            prepare(bench)
            kept = os.path.join(bench.directory, "kept")
            if os.path.exists(bench.place):
                shutil.copytree(bench.place, kept, symlinks=True)
            kills = 0
            made = calls_of(bench, verb, getattr(bench, source))
            check(sum(made.values()) < KILLS_MOST, made)
            for call, count in made.items():
                for number in range(1, count + 1):
                    shutil.rmtree(bench.place, ignore_errors=True)
                    if os.path.exists(kept):
                        shutil.copytree(kept, bench.place, symlinks=True)
                    kills += kill(bench, call, number)
            # All but exit_group's own; a test that kills nobody proves nothing.
            check(kills >= sum(made.values()) - 1 and kills > 5, kills, made)

    def kill(bench, call, number):
        done = subprocess.run(
            strace("-o", os.devnull, "-e", "inject=%s:signal=KILL:when=%d" % (call, number)) +
            bench.command(verb, getattr(bench, source)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        where = "killed before %s %d:" % (call, number)
        killed = done.returncode in (-9, 137)
        check(killed or done.returncode == 0, where, done.returncode)
        now = bench.shown("current")
        check(now in possible, where, now)
        bench.run("current", code=0 if now else NOTHING_INSTALLED)
        bench.run(verb, getattr(bench, source))
        bench.run("sweep")
        now = (bench.shown("current"), bench.shown("previous"))
        check(now in end, where, now)
        bench.settled(*now)
        return killed


def installed(*sources):
    def prepare(bench):
        for source in sources:
            bench.run("put", getattr(bench, source))
    return prepare


def damaged(bench):
    installed("one", "two")(bench)
    os.truncate(os.path.join(bench.place, "current", "combined.pem"), 10)


kill_case("the first put", lambda bench: None, "put", "one", (None, "one"), [("one", None)])
kill_case("the second put", installed("one"), "put", "two", ("one", "two"), [("two", "one")])
kill_case("the third put", installed("one", "two"), "put", "three", ("two", "three"),
          [("three", "two")])
kill_case("a put of what is previous", installed("one", "two"), "put", "one", ("two", "one"),
          [("one", "two")])
kill_case("another chain for the same leaf", installed("one", "two"), "put", "chained",
          ("two", "chained"), [("chained", "one")])
kill_case("nothing to do", installed("one", "two"), "put", "two", ("two",), [("two", "one")])
# Between its two renames both links lead to the pair that was put back.
kill_case("put back", installed("one", "two"), "put-back", "one", ("two", "one"),
          [("one", "two"), ("one", "one")])
kill_case("drop the previous", installed("one", "two"), "drop", "one", ("two",), [("two", None)])


@case("a current pair that somebody damaged is replaced, killed or not")
def repair():
    with Bench() as bench:
        damaged(bench)
        for number in range(1, 8):
            subprocess.run(
                strace("-o", os.devnull, "-e", "inject=fsync:signal=KILL:when=%d" % number) +
                bench.command("put", bench.two),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
            check(os.path.exists(os.path.join(bench.place, "current", "privkey.pem")))
        bench.run("put", bench.two)
        bench.run("sweep")
        bench.settled("two", "one")


# ---- while somebody reads ------------------------------------------------------------------------

@case("whoever opens current/combined.pem at any time gets one whole pair")
def readers():
    with Bench() as bench:
        bench.run("put", bench.one)
        good = {source.files["combined.pem"] for source in (bench.one, bench.two, bench.three)}
        path = os.path.join(bench.place, "current", "combined.pem")
        stop, wrong, seen, reads = threading.Event(), [], set(), [0]

        def read():
            while not stop.is_set():
                try:
                    with open(path, encoding="ascii") as source:
                        text = source.read()
                except OSError as error:
                    text = str(error)
                if text not in good:
                    wrong.append(text)
                seen.add(text)
                reads[0] += 1

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for _ in range(40):
                for source in (bench.two, bench.three, bench.one):
                    bench.run("put", source)
                bench.run("put-back", bench.three)
        finally:
            stop.set()
            reader.join()
        same(wrong[:1], [], len(wrong))
        check(reads[0] > 100 and len(seen) > 1, reads, len(seen))


# ---- disks ---------------------------------------------------------------------------------------

def in_mount(bench, options, script):
    """A shell script with the place on a tmpfs of its own; $D is the place, $put the call."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("needs root and unshare, for a mount of its own")
    os.makedirs(bench.place, exist_ok=True)
    text = "mount -t tmpfs -o %s none %s || exit 99\nD=%s\n" % (options, bench.place, bench.place)
    for name in ("one", "two"):
        text += "put_%s() { %s; echo \"code $?\"; }\n" % (
            name, " ".join("'%s'" % word for word in bench.command("put", getattr(bench, name))))
    text += "current() { %s; }\n" % " ".join(
        "'%s'" % word for word in bench.command("current", bench.one))
    done = subprocess.run(["unshare", "-m", "sh", "-c", text + script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, stdin=subprocess.DEVNULL,
                          check=False)
    if done.returncode == 99:
        raise Skipped("cannot mount here: " + done.stdout.decode()[:100])
    return done.stdout.decode()


@case("a full disk, whatever is left on it: said, current stays whole, nothing half is left")
def full():
    with Bench() as bench:
        # 40 pages, of which N stay free when the second pair comes
        text = in_mount(bench, "size=160k,mode=755", """
put_one
old=$(current)
for free in 0 1 2 3 4 5 6 7; do
    dd if=/dev/zero of=$D/fill bs=4k 2>/dev/null
    truncate -s $((4096 * ($(stat -c %s $D/fill) / 4096 - free))) $D/fill
    echo "free $free"
    put_two
    [ "$(current)" = "$old" ] && echo kept || break
    ls $D
done
""")
        parts = text.split("free ")[1:]
        check(len(parts) > 3, text)
        for part in parts[:-1]:
            check("code %d" % FAILED in part and "No space left on device" in part, text)
            check("kept" in part and part.count("pair-") == 2, "half a pair is left", text)
        check("changed" in parts[-1] and "kept" not in parts[-1], text)


@case("no inode left: said, current stays whole")
def no_inodes():
    with Bench() as bench:
        text = in_mount(bench, "size=1m,mode=755,nr_inodes=12", """
put_one
old=$(current)
put_two
[ "$(current)" = "$old" ] && echo kept
ls $D
""")
        check("changed\ncode 0" in text and "No space left on device" in text, text)
        check("code %d" % FAILED in text and "kept" in text, text)
        same(text[text.index("kept"):].count("pair-"), 1, text)


@case("a read-only disk: said, what is there can still be read, and is the same without a write")
def read_only():
    with Bench() as bench:
        text = in_mount(bench, "size=1m,mode=755", """
put_one
mount -o remount,ro $D || exit 99
put_two
put_one
current
""")
        codes = re.findall(r"code (\d+)", text)
        same(codes, ["0", str(FAILED), "0"], text)
        check("Read-only file system" in text and bench.place in text, text)
        check("same\ncode 0" in text, text)
        check(re.search(r"^[0-9a-f]{64}$", text, re.M), text)


# ---- owners --------------------------------------------------------------------------------------

def needs_root():
    if os.geteuid() != 0:
        raise Skipped("needs root")


def owned(bench):
    """{(uid, gid, mode)} of the files, and of the directories."""
    def of(path):
        status = os.stat(path)
        return status.st_uid, status.st_gid, status.st_mode & 0o7777
    pair = os.path.join(bench.place, os.readlink(os.path.join(bench.place, "current")))
    return {of(os.path.join(pair, name)) for name in FILES}, {of(pair), of(bench.place)}


@case("owner and mode: by number, by name, changed later")
def owners():
    needs_root()
    with Bench() as bench:
        bench.run("put", bench.one, "1234:2345", "640")
        same(owned(bench), ({(1234, 2345, 0o640)}, {(1234, 2345, 0o750)}))
        # of the directory that is there only what is in it is ours
        same(bench.run("put", bench.one, "nobody:nogroup", "600"), "same\n")
        files, directories = owned(bench)
        same(files, {(65534, 65534, 0o600)})
        same(directories, {(65534, 65534, 0o700), (1234, 2345, 0o750)})
        same(bench.run("put", bench.one, "0", "600"), "same\n")
        same(owned(bench)[0], {(0, 65534, 0o600)})
        bench.run("put", bench.two, ":2345", "640")
        same(owned(bench)[0], {(0, 2345, 0o640)})
        for owner in ("nobod:0", "nobodyx:0", "x:0", "-1:0", "4294967295:0", "99999999999:0",
                      "0:nogrou"):
            text = bench.run("put", bench.one, owner, "600", code=FAILED)
            check("no such" in text and owner in text, text)
        same(bench.shown("current"), "two")


@case("numbers and root work without /etc/passwd and /etc/group, names are said to be unknown")
def no_passwd():
    needs_root()
    with Bench() as bench:
        hide = "mount --bind /dev/null /etc/passwd && mount --bind /dev/null /etc/group && "
        def run(owner):
            words = " ".join("'%s'" % w for w in bench.command("put", bench.one, owner, "640"))
            return subprocess.run(["unshare", "-m", "sh", "-c", hide + words],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                                  check=False)
        done = run("77:88")
        if b"mount:" in done.stdout:
            raise Skipped("cannot mount here")
        same((done.returncode, owned(bench)[0]), (0, {(77, 88, 0o640)}), done.stdout)
        for owner, words in (("nobody:0", b"no such user"), ("root:nogroup", b"no such group")):
            done = run(owner)
            check(done.returncode == FAILED and words in done.stdout, done.stdout)
        done = run("root:root")
        same((done.returncode, owned(bench)[0]), (0, {(0, 0, 0o640)}), done.stdout)


def as_user(uid, gid, function):
    """Whether FUNCTION succeeds as that user, in a child."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            function()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@case("a service's group reads its pair with install-mode 0640, nobody else does")
def group():
    needs_root()
    with Bench() as bench:
        bench.run("put", bench.one, "root:2345", "640")

        def read():
            with open(os.path.join(bench.place, "current", "combined.pem"), "rb") as source:
                source.read()
        check(as_user(1234, 2345, read), "the group cannot")
        check(not as_user(1234, 2346, read), "others can")


@case("a user who may not write there: said, nothing harmed")
def not_allowed():
    needs_root()
    with Bench() as bench:
        bench.run("put", bench.one, "root:root", "644")
        for path in (bench.two.certificate, bench.two.key):
            os.chown(path, 65534, 65534)
        log = os.path.join(bench.directory, "log")
        with open(log, "wb") as out:
            def put():
                os.dup2(out.fileno(), 1)
                done = subprocess.run(bench.command("put", bench.two, "", "600"), check=False)
                check(done.returncode == 0)
            check(not as_user(65534, 65534, put))
        with open(log, encoding="utf-8") as source:
            check("Permission denied" in source.read())
        bench.settled("one", None)


if __name__ == "__main__":
    sys.exit(main(jobs=2))
