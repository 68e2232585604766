#!/usr/bin/env python3
"""The shipped file itself: its ELF headers, a run in an empty chroot, and how make builds it.

VARIANT: target
TIMEOUT: 900
"""

import filecmp
import os
import shutil
import struct
import subprocess
import sys
import tempfile

DANEROLL = os.environ["DANEROLL"]
BUILD = os.environ["BUILD"]
TARGET = os.environ.get("TARGET") or os.uname().machine
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 3, 0x6474e551, 0x6474e552
PF_X, PF_W = 1, 2
SHT_SYMTAB = 2
DT_NEEDED, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1, DT_TEXTREL = 1, 24, 30, 0x6ffffffb, 22
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 8, 1, 0x08000000
SIZE_LIMIT = 400 * 1000  # the budget on x86-64

failed = 0


def report(good, name, why=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("  " + str(why).strip().replace("\n", "\n  "))
    sys.stdout.flush()


def skip(name, reason):
    print("ok - %s # SKIP %s" % (name, reason))


class Elf:
    """The few headers of an ELF file that matter here, either word size and byte order."""

    def __init__(self, path):
        with open(path, "rb") as source:
            self.data = source.read()
        assert self.data[:4] == b"\x7fELF", "not an ELF file"
        self.wide = self.data[4] == 2
        self.order = "<" if self.data[5] == 1 else ">"
        self.type = self.unpack("H", 16)[0]
        word = "Q" if self.wide else "I"
        self.word = struct.calcsize(word)
        self.letter = word
        head = self.unpack(word * 3 + "IHHHHHH", 24)
        self.phoff, self.shoff = head[1], head[2]
        self.phentsize, self.phnum, self.shentsize, self.shnum = head[5:9]
        self.segments = [self.segment(i) for i in range(self.phnum)]
        self.section_types = [self.unpack("II", self.shoff + i * self.shentsize)[1]
                              for i in range(self.shnum)]

    def unpack(self, form, offset):
        return struct.unpack_from(self.order + form, self.data, offset)

    def segment(self, index):
        at = self.phoff + index * self.phentsize
        if self.wide:
            kind, flags, offset, address, _, in_file, in_memory, _ = self.unpack("IIQQQQQQ", at)
        else:
            kind, offset, address, _, in_file, in_memory, flags, _ = self.unpack("IIIIIIII", at)
        return {"type": kind, "flags": flags, "offset": offset, "address": address,
                "size": in_file, "memory": in_memory}

    def of_type(self, kind):
        return [s for s in self.segments if s["type"] == kind]

    def dynamic(self):
        entries = []
        for segment in self.of_type(PT_DYNAMIC):
            for at in range(segment["offset"], segment["offset"] + segment["size"], 2 * self.word):
                entries.append(self.unpack(self.letter * 2, at))
        return entries


def headers():
    elf = Elf(DANEROLL)
    dynamic = elf.dynamic()
    tags = [tag for tag, _ in dynamic]
    value = dict(dynamic)
    pie = elf.type == ET_DYN
    if TARGET == "x86_64":
        report(pie, "the type is DYN (static-PIE)", elf.type)
    else:
        report(elf.type in (ET_DYN, ET_EXEC), "the type is DYN or EXEC", elf.type)
    report(not elf.of_type(PT_INTERP), "no interpreter is asked for")
    report(DT_NEEDED not in tags, "no shared library is needed", dynamic)
    report(DT_TEXTREL not in tags, "no relocations in the code", dynamic)
    stack = elf.of_type(PT_GNU_STACK)
    report(len(stack) == 1 and not stack[0]["flags"] & PF_X, "the stack is not executable", stack)
    report(not [s for s in elf.of_type(PT_LOAD) if s["flags"] & PF_X and s["flags"] & PF_W],
           "no segment is both writable and executable", elf.segments)
    if pie:
        relro = elf.of_type(PT_GNU_RELRO)
        report(len(relro) == 1 and relro[0]["memory"] > 0, "relocated data are marked as to become read-only", relro)
        now = (DT_BIND_NOW in tags or value.get(DT_FLAGS, 0) & DF_BIND_NOW or
               value.get(DT_FLAGS_1, 0) & DF_1_NOW)
        report(now, "everything is bound at start (full RELRO)", dynamic)
        report(value.get(DT_FLAGS_1, 0) & DF_1_PIE, "marked as position independent", dynamic)
    report(SHT_SYMTAB not in elf.section_types, "stripped", elf.section_types)
    size = os.path.getsize(DANEROLL)
    if TARGET == "x86_64":
        report(size < SIZE_LIMIT, "under 400 KB on disk", "%d bytes" % size)


def empty_chroot():
    name = "runs in an empty chroot"
    if os.geteuid() != 0:
        skip(name, "chroot needs root")
        return
    with tempfile.TemporaryDirectory() as root:
        shutil.copy(DANEROLL, root + "/daneroll")
        done = subprocess.run([shutil.which("chroot"), root, "/daneroll", "version"], env={},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30)
        report(done.returncode == 0 and done.stdout.startswith(b"daneroll ") and not done.stderr,
               name, done)


def make(folder, *arguments):
    env = {k: v for k, v in os.environ.items() if k not in ("B", "MAKEFLAGS", "MAKELEVEL", "V")}
    return subprocess.run(["make", "-C", folder] + list(arguments), env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)


def stamps(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            found[path] = os.lstat(path).st_mtime_ns
    return found


def clean_build(folder, checkout):
    """A copy of the checkout, built from nothing but the tarballs that are here already."""
    os.mkdir(folder)
    for name in ("src", "third_party", "cross", "tests", "Makefile"):
        path = os.path.join(checkout, name)
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(folder, name), symlinks=True)
        else:
            shutil.copy2(path, folder)
    jobs = "-j%d" % (os.cpu_count() or 1)
    return make(folder, jobs, "TARGET=" + TARGET, "DISTFILES=" + BUILD + "/distfiles")


def builds():
    with tempfile.TemporaryDirectory() as scratch:
        one, two = scratch + "/one", scratch + "/a-second-and-longer-name"
        program = "/build/%s/daneroll" % TARGET
        done = clean_build(one, TOP)
        report(done.returncode == 0, "a clean build", done.stdout[-2000:])
        if done.returncode:
            return
        before = stamps(one + "/build")
        again = make(one, "TARGET=" + TARGET)
        report(again.returncode == 0 and stamps(one + "/build") == before,
               "a second make does nothing", again.stdout)

        # One source is touched by a byte: that object, the link and the strip, nothing else.
        source = one + "/src/main.c"
        with open(source, "a", encoding="utf-8") as text:
            text.write("\n")
        changed = make(one, "TARGET=" + TARGET)
        compiled = [line.split()[1] for line in changed.stdout.splitlines()
                    if line.split()[:1] == ["CC"]]
        report(changed.returncode == 0 and compiled == ["build/%s/obj/main.o" % TARGET],
               "one changed source rebuilds that source", changed.stdout)
        report(stamps(one + "/build")[one + program] > before[one + program],
               "and the program", changed.stdout)
        shutil.copy2(TOP + "/src/main.c", source)
        os.utime(source)
        make(one, "TARGET=" + TARGET)

        done = clean_build(two, TOP)
        report(done.returncode == 0 and filecmp.cmp(one + program, two + program, False),
               "two clean builds in two folders give the same bytes", done.stdout[-2000:])
        report(done.returncode == 0 and filecmp.cmp(DANEROLL, two + program, False),
               "and the file under test is the same", "the checkout's build differs")


def sizes():
    """make size: three tables, whose rows are all there and sum up."""
    done = subprocess.run([TOP + "/tests/size", BUILD, TARGET], cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    tables = [[line.split(None, 1) for line in part.splitlines() if line[:9].strip().isdigit()]
              for part in done.stdout.split("\n\n")]
    with open(TOP + "/cross/targets", encoding="ascii") as rows:
        targets = [line.split("|")[0].strip() for line in rows if "|" in line and line[0] != "#"]
    good = done.returncode == 0 and len(tables) == 3
    report(good and [name for name in targets if name not in done.stdout.split("\n\n")[0]] == [],
           "make size lists every target", done.stdout)
    for name, table in zip(("component", "feature"), tables[1:]):
        whole = int(table[-1][0]) if table else 0
        # A row of our code stands indented below their sum.
        parts = [int(octets) for octets, words in table[:-1] if words != "our code"]
        report(good and len(parts) > 10 and min(parts) > 0 and sum(parts) == whole == os.path.getsize(DANEROLL),
               "make size: each %s has a part of the file, and they sum up to it" % name, done.stdout)


def refusals():
    """A tarball with the wrong bytes is refused, whatever its name."""
    with tempfile.TemporaryDirectory() as scratch:
        with open(TOP + "/third_party/pins", encoding="utf-8") as pins:
            line = next(l for l in pins if l.startswith("inih"))
        name = line.split("|")[2].strip()
        with open(os.path.join(scratch, name), "wb") as forged:
            forged.write(b"not it")
        # No apt and no network tool in PATH: the folder is the only way.
        tools = scratch + "/bin"
        os.mkdir(tools)
        for tool in ("sh", "dirname", "sed", "grep", "sha256sum", "cut", "cp", "mv", "mkdir",
                     "sort", "printf", "flock", "cat", "id", "awk", "head", "rm"):
            path = shutil.which(tool)
            if path:
                os.symlink(path, os.path.join(tools, tool))
        done = subprocess.run([TOP + "/third_party/fetch", "inih", scratch + "/out"],
                              env={"PATH": tools, "DISTFILES": scratch}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
        report(done.returncode != 0 and "SHA-256" in done.stdout and
               not os.path.exists(scratch + "/out/" + name),
               "a tarball with a wrong SHA-256 is refused", done.stdout)


def main():
    headers()
    empty_chroot()
    refusals()
    sizes()
    builds()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
