#!/usr/bin/env python3
"""make dist: built twice it is the same, octet by octet; its sums and its list are right.

Two copies of the sources, in folders whose paths differ in length, are built from clean, each with its own
umask, time zone, language, home, number of jobs and way of naming the build folder, and compared with each
other and with what the build folder under test has. In make check these are few programs: BOTH copies build
MIPS (its dense code, its helpers and its fixed address differ most from what the others have), ONE of them
another program too, which is position-independent. LONG=1 tests/e2e/test_dist.py runs make dist, all rows,
in both (a quarter of an hour on two processors). The unpacked third-party sources are the build folder's.

VARIANT: target
TIMEOUT: 900
"""

import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from lab import BUILD, TOP, case, check, main, same
from packlab import VERSION, Scratch, call, read, targets

BOTH, ONE = "mips", "riscv64"
LONG = "LONG" in os.environ
NAMES = [row["name"] for row in targets()]
BUILD_SECONDS = 7200 if LONG else 800
DIST = os.path.join(TOP, "cross/dist")
# What the top Makefile needs for programs and packages.
SOURCES = ("Makefile", "CHANGELOG.md", "LICENSE", "README.md", "src", "cross", "third_party", "tests/deps",
           "tests/packages", "tests/unit", "tests/fuzz", "tests/tools", "tests/clock")


def copied(top, build):
    """The sources in TOP, and below BUILD the third-party ones."""
    for name in SOURCES:
        to = os.path.join(top, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        (shutil.copytree if os.path.isdir(os.path.join(TOP, name)) else shutil.copy2)(
            os.path.join(TOP, name), to)
    for name in ("src", "distfiles"):
        if os.path.isdir(os.path.join(BUILD, name)):
            shutil.copytree(os.path.join(BUILD, name), os.path.join(build, name))


def build(top, folder, umask, jobs, goals, **environment):
    """Says what went wrong, or nothing."""
    environment = dict({"PATH": os.environ["PATH"]}, **environment)
    if "DISTFILES" in os.environ:
        environment["DISTFILES"] = os.path.join(TOP, os.environ["DISTFILES"])
    done = subprocess.run(["sh", "-c", 'umask "$0"; exec make -s "$@"', umask, "-j%d" % jobs, "B=" + folder,
                           *goals], cwd=top, env=environment, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BUILD_SECONDS)
    return "" if done.returncode == 0 else "%s: exit code %d\n%s" % (
        top, done.returncode, done.stdout.decode("utf-8", "replace")[-3000:])


def goals(*few):
    return ["dist"] if LONG else ["cross-" + target for target in few]


@case("two builds from clean in other folders, by another umask, zone, language, number of jobs: the same octets")
def twice():
    with Scratch() as scratch:
        one, two = scratch.path("a"), scratch.path("another one", "deeper").replace(" ", "-")
        apart = scratch.path("built-elsewhere")
        copied(one, os.path.join(one, "build"))
        copied(two, apart)
        with ThreadPoolExecutor(2) as pool:
            builds = [pool.submit(build, one, "build", "022", 1, goals(BOTH), TZ="UTC0", LC_ALL="C",
                                  HOME="/root", USER="root"),
                      pool.submit(build, two, apart, "077", 3, goals(BOTH, ONE), TZ="Asia/Tokyo",
                                  LANG="C.UTF-8", LC_TIME="C.UTF-8", HOME="/nonexistent", USER="somebody",
                                  SOURCE_DATE_EPOCH="1700000000", V="")]
            wrong = [done.result() for done in builds]
        check(not any(wrong), *wrong)
        seen = 0
        for target in NAMES:
            paths = [os.path.join(folder, target, "daneroll") for folder in
                     (BUILD, os.path.join(one, "build"), apart)]
            there = [path for path in paths if os.path.exists(path)]
            check(len(there) == 3 or not LONG, target, "is not everywhere:", there)
            check(paths[0] in there, target, "is not in the build folder: make cross-all")
            for path in there[1:]:
                check(filecmp.cmp(paths[0], path, shallow=False), "differ:", paths[0], path)
                seen += 1
        same(seen, 2 * len(NAMES) if LONG else 3, "comparisons")
        if LONG:
            call("diff", "-r", os.path.join(one, "build", "dist"), os.path.join(apart, "dist"))


def stand_in(scratch):
    """A build folder with the built programs in it, for cross/dist alone."""
    for target in NAMES:
        program = os.path.join(BUILD, target, "daneroll")
        check(os.path.exists(program), program, "is not built: make cross-all")
        os.makedirs(scratch.path("b", target))
        os.symlink(program, scratch.path("b", target, "daneroll"))
    return scratch.path("b")


def gathered(folder):
    """{name: (mode, time, content)} of a folder made by make dist."""
    found = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        status = os.stat(path)
        with open(path, "rb") as source:
            found[name] = oct(status.st_mode), int(status.st_mtime), source.read()
    return found


def dist(folder, umask="022", code=0, **environment):
    return call("sh", "-c", 'umask "$0"; exec "$@"', umask, DIST, folder, VERSION, code=code,
                env=dict({"PATH": os.environ["PATH"]}, **environment))


@case("gathered twice: the same names, modes, times and octets; the sums are right")
def gather():
    with Scratch() as scratch:
        folder = stand_in(scratch)
        same(dist(folder, TZ="UTC0").strip(), folder + "/dist")
        first = gathered(folder + "/dist")
        os.rename(folder + "/dist", scratch.path("first"))
        dist(folder, "077", TZ="Asia/Tokyo", LANG="C.UTF-8")
        same(sorted(first), sorted(["SHA256SUMS", "manifest"] +
                                   ["daneroll-%s-%s" % (VERSION, target) for target in NAMES]))
        for name, what in gathered(folder + "/dist").items():
            same(what[:2], first[name][:2], name)
            check(what[2] == first[name][2], name, "differs")
        same(oct(os.stat(folder + "/dist").st_mode), oct(0o40755))
        said = call("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=folder + "/dist")
        same(said, "".join("daneroll-%s-%s: OK\n" % (VERSION, target) for target in NAMES))


@case("the list says of each row its file, octets, sum, CPUs and OpenWrt's names")
def manifest():
    with Scratch() as scratch:
        folder = stand_in(scratch)
        dist(folder)
        lines = [line.split("\t") for line in read(folder, "dist", "manifest").splitlines()]
        same(lines[0], ["target", "file", "octets", "sha256", "cpu", "openwrt"])
        expected = []
        for row in targets():
            with open(os.path.join(BUILD, row["name"], "daneroll"), "rb") as source:
                program = source.read()
            expected.append([row["name"], "daneroll-%s-%s" % (VERSION, row["name"]), str(len(program)),
                             hashlib.sha256(program).hexdigest(), row["qemu"], row["openwrt"]])
        same(lines[1:], expected)


@case("a program that is missing: it fails, and what was gathered before stays")
def missing():
    with Scratch() as scratch:
        folder = stand_in(scratch)
        dist(folder)
        before = gathered(folder + "/dist")
        os.unlink(os.path.join(folder, NAMES[-1], "daneroll"))
        check("daneroll" in dist(folder, code=1), "fails without a word")
        same(gathered(folder + "/dist") == before, True)


if __name__ == "__main__":
    sys.exit(main())
