#!/usr/bin/env python3
"""The demo shows a rotation without a mismatch, and would show one if there were any.

VARIANT: target. TIMEOUT: 400
"""

import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(TOP, "tests", "demo", "demo")
WITHIN = 60        # seconds that the demo may take
PATIENCE = 120     # for one that hangs
HANDSHAKES = 200   # fewer would prove little
LAST = re.compile(r"^(\d+) handshakes compared with cached records: (\d+) mismatches$")
STEPS = ["published", "a new key and a new certificate", "published", "reload, when", "reload:",
         "reloaded; key in use", "retire stale records", "retired", "a further run"]

failures = 0


def report(name, good, detail=""):
    global failures
    print("%s - %s" % ("ok" if good else "not ok", name))
    if not good:
        failures += 1
        for line in str(detail).splitlines():
            print("    " + line)
    sys.stdout.flush()


def demo(*arguments, **more):
    """(exit status, output, seconds, handshakes, mismatches)"""
    start = time.monotonic()
    child = subprocess.Popen([sys.executable, "-B", DEMO, *arguments], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             env=dict(os.environ, **more))
    try:
        output = child.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        child.terminate()  # it ends its own servers
        output = child.communicate()[0] + "\n(took longer than %d s)" % PATIENCE
    last = LAST.match(output.rstrip().rsplit("\n", 1)[-1])
    counts = (int(last.group(1)), int(last.group(2))) if last else (0, None)
    return (child.returncode, output, time.monotonic() - start, *counts)


def in_order(output, steps):
    at = 0
    for step in steps:
        at = output.find(step, at)
        if at < 0:
            return False
        at += len(step)
    return True


def check_daneroll():
    code, output, seconds, handshakes, mismatches = demo()
    report("the demo ends with 0", code == 0, output)
    report("its last line counts handshakes, and no mismatch",
           handshakes >= HANDSHAKES and mismatches == 0, output)
    report("the timeline shows every step in its order", in_order(output, STEPS), output)
    report("it takes less than %d s" % WITHIN, seconds < WITHIN, "%.1f s" % seconds)
    made = re.search(r"on loopback and in (\S+)\. ", output)
    report("it leaves nothing behind", made and not os.path.exists(made.group(1)), output)


def check_wrong(order):
    code, output, _, handshakes, mismatches = demo("--by", order)
    report("the order '%s' shows mismatches" % order,
           code == 1 and handshakes >= HANDSHAKES and mismatches and "MISMATCH: " in output, output)


def check_failure():
    code, output, seconds, _, mismatches = demo(DANEROLL="/bin/false")
    report("a program that fails makes the demo fail", code == 1 and mismatches is None, output)
    code, output, seconds, _, mismatches = demo(DANEROLL="/bin/true")
    report("a program that does nothing makes the demo fail", code == 1 and mismatches is None,
           output)


def main():
    check_daneroll()
    for order in ("delete-first", "no-wait", "one-ttl"):
        check_wrong(order)
    check_failure()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
