#!/usr/bin/env python3
"""The budget: the file's size, and the memory of runs with the system's whole CA bundle.

VARIANT: target. TIMEOUT: 300
"""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))
from stage import BUNDLE, Stage
from trace import trace

DANEROLL = os.environ.get("DANEROLL") or os.path.join(TOP, "build", os.uname().machine, "daneroll")
NAME = os.path.basename(DANEROLL)[:15]  # as the kernel calls the process
SIZE_MOST = 400 * 1000                  # octets on disk
MEMORY_MOST = 1000 * 1000               # octets of VmHWM
MEMORY_LEAST = 50 * 1000                # less was not measured, but missed
FLAT = 140000  # the kernel maps 64 KB of the program around a page, as addresses fall: twice that

failures = 0


def report(name, good, detail=""):
    global failures
    print("%s - %s" % ("ok" if good else "not ok", name))
    if not good:
        failures += 1
    if not good or detail.startswith("("):
        for line in str(detail).splitlines():
            print("    " + line)
    sys.stdout.flush()


def peak(stage, title, *words, expected):
    """Runs daneroll; the memory that it needed. The run must have done its job."""
    command, env = stage.daneroll(*words)
    with tempfile.TemporaryFile() as out:
        traced = trace(command, env, out)
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
    good = traced.code == 0 and stage.outcome() == expected
    most = traced.peak(NAME) if good else 0
    report("%s stays under %d octets of memory" % (title, MEMORY_MOST),
           good and MEMORY_LEAST < most < MEMORY_MOST,
           "exit status %s, %d octets, records %s\n%s" % (traced.code, most, stage.outcome(),
                                                          output) if not good else
           "(%d octets)" % most)
    return most


def check_job(directory):
    with Stage(directory, DANEROLL, 10) as stage:
        stage.prepare(True)
        peak(stage, "a first publication", expected=[["A"], ["A"]])
        stage.look_again()
        few = peak(stage, "a run that changes nothing", expected=[["A"], ["A"]])
        peak(stage, "a rotation", "--wait", expected=[["B"], ["B"]])
    return few


def check_large_zone(directory, few):
    with Stage(directory, DANEROLL, 100000) as stage:
        stage.prepare(False)
        stage.settle()
        stage.look_again()
        many = peak(stage, "a run in a zone of 100,000 records", expected=[["A"], ["A"]])
    report("memory does not grow with the zone", 0 < many < few + FLAT,
           "%d octets with 10 records, %d with 100,000" % (few, many))


def check_measure():
    """A process whose memory is known is measured rightly, so that the figures mean something."""
    amount = 20 * 1000 * 1000
    filled = trace([sys.executable, "-c", "x = b'x' * %d" % amount]).peak()
    empty = trace([sys.executable, "-c", "x = 1"]).peak()
    report("what measures the memory sees %d octets more where they are used" % amount,
           abs(filled - empty - amount) < amount // 10, "%d and %d octets" % (filled, empty))


def main():
    size = os.path.getsize(DANEROLL)
    report("the file is smaller than %d octets" % SIZE_MOST, 0 < size < SIZE_MOST,
           "%d octets" % size)
    if not os.path.exists(BUNDLE):
        report("the system's CA bundle is there", False, BUNDLE + " is missing")
        return 1
    try:
        check_measure()
        with tempfile.TemporaryDirectory() as directory:
            few = check_job(os.path.join(directory, "few"))
            check_large_zone(os.path.join(directory, "many"), few)
    except (OSError, subprocess.SubprocessError) as error:
        report("memory can be measured here", False, error)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
