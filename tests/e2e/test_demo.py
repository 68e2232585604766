#!/usr/bin/env python3
"""The demo shows a rotation without a mismatch, and would show one if there were any.

VARIANT: target. TIMEOUT: 600
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(TOP, "tests", "demo", "demo")
WITHIN = 60        # seconds that the demo may take
PATIENCE = 120     # for one that hangs
HANDSHAKES = 200   # fewer would prove little
LAST = re.compile(r"^(\d+) handshakes compared with cached records: (\d+) mismatches$")
STEPS = ["installed; key", "published", "started, with what", "caches hold",
         "a new key and a new certificate", "published", "install, when no cache",
         "$ daneroll status", "  next  ", "  server  ", "installed; key", "reload:",
         "services reloaded", "every service shows it", "retire stale records", "retired",
         "a further run finds nothing"]
NAMES = {"bind": "  BIND       the real thing", "emulator": "  emulator   stands in for Cloudflare"}
NOBODY = 65534
DANEROLL = os.path.abspath(os.environ.get("DANEROLL") or os.path.join(
    TOP, "build", os.uname().machine, "daneroll"))

failures = 0


def report(name, good, detail=""):
    global failures
    print("%s - %s" % ("ok" if good else "not ok", name))
    if not good:
        failures += 1
        for line in str(detail).splitlines():
            print("    " + line)
    sys.stdout.flush()


def demo(*arguments, before=(), script=DEMO, **more):
    """(exit status, output, seconds, handshakes, mismatches)"""
    start = time.monotonic()
    interpreter = sys.executable if not before else "/usr/bin/python3"
    child = subprocess.Popen([*before, interpreter, "-B", script, *arguments],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True,
                             env=dict(os.environ, **{"DANEROLL": DANEROLL, **more}))
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


def check_daneroll(title, kind, *arguments, **more):
    code, output, seconds, handshakes, mismatches = demo(*arguments, **more)
    report("%s: the demo ends with 0" % title, code == 0, output)
    report("%s: its last line counts handshakes, and no mismatch" % title,
           handshakes >= HANDSHAKES and mismatches == 0, output)
    report("%s: it says which name servers it shows" % title,
           [name for name, words in NAMES.items() if words in output] == [kind], output)
    report("%s: the timeline shows every step in its order" % title, in_order(output, STEPS), output)
    report("%s: it takes less than %d s" % (title, WITHIN), seconds < WITHIN, "%.1f s" % seconds)
    made = re.search(r"^Everything is on .* and in (\S+)\.$", output, re.M)
    report("%s: it leaves nothing behind" % title, made and not os.path.exists(made.group(1)), output)


def check_nobody():
    """Without root and without a network namespace there are no ports 53 and 25."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o1777)
        tests = os.path.join(directory, "tests")
        for name in ("demo", "e2e", "emulator"):
            shutil.copytree(os.path.join(TOP, "tests", name), os.path.join(tests, name))
        program = shutil.copy(DANEROLL, directory)
        subprocess.run(["chmod", "-R", "a+rX", tests, program], check=True)
        before = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]
        check_daneroll("nobody", "emulator", "--shared", before=before,
                       script=os.path.join(tests, "demo", "demo"), DANEROLL=program,
                       TMPDIR=directory)


def check_wrong(order, kind):
    code, output, _, handshakes, mismatches = demo("--by", order, "--dns", kind)
    report("%s: the order '%s' shows mismatches" % (kind, order),
           code == 1 and handshakes >= HANDSHAKES and mismatches and "MISMATCH: " in output, output)


def check_failure():
    code, output, seconds, _, mismatches = demo(DANEROLL="/bin/false")
    report("a program that fails makes the demo fail", code == 1 and mismatches is None, output)
    code, output, seconds, _, mismatches = demo(DANEROLL="/bin/true")
    report("a program that does nothing makes the demo fail", code == 1 and mismatches is None,
           output)


def main():
    namespaces = subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0
    real = "bind" if namespaces else "emulator"
    if namespaces:
        check_daneroll("BIND", "bind")
    else:
        print("ok - BIND # SKIP no network namespace can be made here")
    check_daneroll("emulator", "emulator", "--dns", "emulator")
    if os.geteuid() == 0:
        check_nobody()
    for order, kind in (("delete-first", "emulator"), ("no-wait", real), ("one-ttl", real)):
        check_wrong(order, kind)
    check_failure()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
