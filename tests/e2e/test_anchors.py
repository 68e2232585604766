#!/usr/bin/env python3
"""The lines of src/net/anchors.def, and the roots that this machine's bundle has of them.

VARIANT: target (nothing here depends on the build)
"""

import hashlib
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(TOP, "tests/tools/anchor-line")
TABLE = os.path.join(TOP, "src/net/anchors.def")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
LINE = re.compile(r'^ANCHOR\("([^"]+)", "((?:\\x[0-9a-f]{2})+)", "((?:\\x[0-9a-f]{2})+)", '
                  r'"([0-9a-f]{64})", "([^"]+)"\)$')
FEWEST_SHARED = 10  # of some 18; stores change, but not by half at once

loader = importlib.machinery.SourceFileLoader("anchor_line", TOOL)
spec = importlib.util.spec_from_loader("anchor_line", loader)
anchor_line = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
loader.exec_module(anchor_line)

failures = 0


def check(name, good, detail=""):
    global failures
    print("%s - %s" % ("ok" if good else "not ok", name))
    if not good:
        failures += 1
        if detail:
            print("    " + detail)


def octets(escaped):
    return bytes.fromhex(escaped.replace("\\x", ""))


def main():
    with open(TABLE, encoding="ascii") as table:
        lines = [line.rstrip("\n") for line in table if line.startswith("ANCHOR")]
    matches = [LINE.match(line) for line in lines]
    check("each line has the form that anchor-line makes", lines and all(matches))
    roots = [(m.group(1), octets(m.group(2)), octets(m.group(3)), m.group(4)) for m in matches]
    check("each SHA-256 is its SPKI's",
          all(hashlib.sha256(spki).hexdigest() == digest for _, _, spki, digest in roots))
    check("each name is its subject's",
          all(anchor_line.name_of(subject) == name for name, subject, _, _ in roots))
    check("no root stands twice", len({digest for _, _, _, digest in roots}) == len(roots))

    with open(BUNDLE, encoding="ascii", errors="replace") as bundle:
        store = {}
        for der in anchor_line.certificates(bundle.read()):
            subject, spki = anchor_line.subject_and_spki(der)
            store.setdefault(subject, set()).add(spki)
    shared = [root for root in roots if root[1] in store]
    for name, subject, spki, _ in shared:
        check("the bundle's %s has this key" % name, spki in store[subject])
    check("the bundle has %d of %d roots" % (len(shared), len(roots)),
          len(shared) >= FEWEST_SHARED)

    name, who = shared[0][0], lines[roots.index(shared[0])].rsplit('"', 2)[1]
    made = subprocess.run([TOOL, BUNDLE, name, who], stdout=subprocess.PIPE, check=False,
                          universal_newlines=True)
    check("anchor-line makes the committed line of " + name,
          made.returncode == 0 and made.stdout.rstrip("\n") in lines, made.stdout)
    none = subprocess.run([TOOL, BUNDLE, "No Such Root", "nobody"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    check("anchor-line refuses a name that the bundle lacks",
          none.returncode != 0 and not none.stdout)

    root = anchor_line.certificates(open(os.path.join(TOP, "tests/data/anchor-ca.pem"),
                                         encoding="ascii").read())[0]
    with open(os.path.join(TOP, "tests/clock/anchors.c"), encoding="ascii") as source:
        text = re.sub(r'"\s+"', "", source.read())
    subject, spki = anchor_line.subject_and_spki(root)
    check("tests/clock/anchors.c adds tests/data/anchor-ca.pem",
          anchor_line.escaped(subject) in text and anchor_line.escaped(spki) in text and
          hashlib.sha256(spki).hexdigest() in text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
