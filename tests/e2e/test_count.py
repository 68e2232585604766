#!/usr/bin/env python3
"""The memory of each target's program, counted inside it (tests/count), so that under qemu-user the figure is
the program's and not the emulator's: a first publication, a look and a rotation with the system's whole CA
bundle, and digests. On this machine, what the kernel says of the shipped file must agree.

VARIANT: target
TIMEOUT: 300
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))
from stage import BUNDLE, Stage, plain_environment
from trace import trace

BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
NATIVE = os.environ.get("TARGET") or os.uname().machine
MEMORY_MOST = 1000 * 1000
PAGE = 4096
RECORD = 16 * 1024  # of TLS: a run that has held no such buffer has not shaken hands
CALL_SECONDS = 120
# (title, words of `run`, the key whose records stand there afterwards)
RUNS = [("a first publication", [], "A"), ("a look", ["--no-renew"], "A"), ("a rotation", ["--wait"], "B")]

failed = 0


def report(good, name, detail=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("    " + str(detail)[-3000:].strip().replace("\n", "\n    "))
    sys.stdout.flush()


def machines():
    """{target: qemu's words}, as the rows of cross/targets say."""
    found = {}
    with open(TOP + "/cross/targets", encoding="ascii") as source:
        for line in source:
            fields = [field.strip() for field in line.split("|")]
            if len(fields) > 8 and not line.startswith("#"):
                architecture, cpu = fields[8].split()[:2]
                found[fields[0]] = ["qemu-%s-static" % architecture, "-cpu", cpu]
    return found


def image(target):
    """Octets of the pages that the shipped file's segments lie in, as far as they come from the file."""
    text = subprocess.run(["readelf", "-lW", os.path.join(BUILD, target, "daneroll")], check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout
    octets = 0
    for address, size in re.findall(r"^ *LOAD +\S+ (\S+) \S+ (\S+)", text, re.M):
        start, end = int(address, 16), int(address, 16) + int(size, 16)
        octets += -(-end // PAGE) * PAGE - start // PAGE * PAGE
    return octets


class Counted:
    """What one call said of itself."""

    def __init__(self, target, line):
        words = line.split()
        self.heap, self.pages, self.stack, self.zeroed = (int(word) for word in words[1::2])
        self.image = image(target)
        self.sum = self.image + self.zeroed + self.pages + -(-self.stack // PAGE) * PAGE

    def __str__(self):
        return "%d octets: file %d, .bss %d, pages of the heap %d (%d in use), stack %d" % (
            self.sum, self.image, self.zeroed, self.pages, self.heap, self.stack)


def program_in(directory, target, machine):
    """The counted program as one command, in a folder of its target. Not to be called beside other threads: a
    process started in the meantime would hold the file open for writing, and it could not be run."""
    os.mkdir(os.path.join(directory, target))
    path = os.path.join(directory, target, "daneroll")
    with open(path, "w", encoding="ascii") as out:
        out.write('#!/bin/sh\nexec %s "$@"\n' % " ".join(
            machine + [os.path.join(BUILD, target, "count", "daneroll")]))
    os.chmod(path, 0o755)
    return path


def call(target, directory, command):
    """(exit code, output, Counted or None)."""
    path = os.path.join(directory, "count")
    done = subprocess.run(command, env={**plain_environment(), "DANE_TEST_COUNT": path}, timeout=CALL_SECONDS,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, errors="replace", check=False)
    if not os.path.exists(path):
        return done.returncode, done.stdout, None
    with open(path, encoding="ascii") as source:
        line = source.read()
    os.unlink(path)
    return done.returncode, done.stdout, Counted(target, line)


def examine(target, program):
    """[(good, name, detail)] of one target, and its figures by title."""
    results, figures = [], {}
    directory = os.path.dirname(program)
    code, output, counted = call(target, directory, [program, "digest", TOP + "/tests/data/vectors/leaf.pem"])
    good = code == 0 and counted is not None and PAGE < counted.stack and counted.sum < MEMORY_MOST
    results.append((good, "%s: digest (%s)" % (target, counted), "exit status %d\n%s" % (code, output)))
    with Stage(os.path.join(directory, "stage"), program, 10) as stage:
        stage.prepare(True)
        for title, words, key in RUNS:
            stage.look_again()
            code, output, counted = call(target, directory, stage.daneroll(*words)[0])
            good = (code == 0 and stage.outcome() == [[key], [key]] and counted is not None and
                    RECORD < counted.heap <= counted.pages and PAGE < counted.stack and
                    counted.sum < MEMORY_MOST)
            results.append((good, "%s: %s stays under %d octets (%s)" % (target, title, MEMORY_MOST, counted),
                            "exit status %s, records %s\n%s" % (code, stage.outcome(), output)))
            figures[title] = counted
    return results, figures


def kernel(directory):
    """VmHWM of the shipped file in the same runs on this machine, by title; None where one failed."""
    peaks = {}
    with Stage(directory, os.path.join(BUILD, NATIVE, "daneroll"), 10) as stage:
        stage.prepare(True)
        for title, words, key in RUNS:
            stage.look_again()
            traced = trace(*stage.daneroll(*words))
            good = traced.code == 0 and stage.outcome() == [[key], [key]]
            peaks[title] = traced.peak("daneroll") if good else None
    return peaks


def compare(peaks, figures):
    """The count must not be less than what the kernel sees: then something was missed."""
    for title, peak in peaks.items():
        counted = figures[title]
        good = peak is not None and counted is not None and peak <= counted.sum
        report(good, "%s: the kernel counts no more than the program (%s octets)" % (title, peak),
               "%s and %s" % (peak, counted))


def main():
    if not os.path.exists(BUNDLE):
        report(False, "the system's CA bundle is there", BUNDLE + " is missing")
        return 1
    rows = machines()
    rows[NATIVE] = []
    with tempfile.TemporaryDirectory() as directory:
        peaks = kernel(os.path.join(directory, "kernel"))
        programs = {target: program_in(directory, target, rows[target]) for target in rows}
        with ThreadPoolExecutor(len(rows)) as pool:
            for target, (results, figures) in zip(rows, pool.map(lambda t: examine(t, programs[t]), rows)):
                for good, name, detail in results:
                    report(good, name, detail)
                if target == NATIVE:
                    compare(peaks, figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
