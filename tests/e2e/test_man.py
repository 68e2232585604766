#!/usr/bin/env python3
"""The man pages against the program's own help, and mandoc's opinion of them.

tests/unit/test_man.c compares the pages with the rows; this compares them with what a user sees.
"""

import os
import re
import shutil
import subprocess
import sys

DANEROLL = os.environ["DANEROLL"]
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = {name: os.path.join(TOP, "src", name) for name in ("daneroll.8", "daneroll.conf.5")}

failed = 0


def report(good, name, why=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("  " + str(why).strip().replace("\n", "\n  "))
    sys.stdout.flush()


def text_of(*words):
    return subprocess.run([DANEROLL, *words], stdout=subprocess.PIPE, check=True, timeout=60,
                          text=True).stdout


def main():
    pages = {name: open(path).read() for name, path in PAGES.items()}
    entries = set(re.findall(r"^\.It Fl -([a-z-]+)", pages["daneroll.8"], re.M))
    keys = set(re.findall(r"^\.It Cm ([a-z-]+)", pages["daneroll.conf.5"], re.M))
    verbs = re.findall(r"^  ([a-z]+)", text_of("--help"), re.M)
    documented = set(re.findall(r"^\.Ss ([a-z]+)$", pages["daneroll.8"], re.M))
    report(set(verbs) == documented and len(verbs) >= 3, "each verb has its section and no other",
           "%r, %r" % (verbs, documented))
    shown = set()
    for verb in verbs:
        options = set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", text_of(verb, "--help"))) - {"help"}
        lacking = options - entries - keys
        report(not lacking, "each option of %s has its entry" % verb, lacking)
        shown |= options
    report(len(shown) > 30, "the help shows its options", shown)
    report(entries - {"help"} <= shown, "each entry of an option is in the help", entries - shown)
    for variable in set(re.findall(r"\bDANEROLL_[A-Z_]+[A-Z]\b", "".join(pages.values()))):
        option = variable[len("DANEROLL_"):].lower().replace("_", "-")
        # KEY stands for any of them; a secret is a variable only.
        known = option in shown or variable in text_of("run", "--help") or option == "key"
        report(known, "%s is a variable" % variable)
    mandoc = shutil.which("mandoc")
    for name, path in PAGES.items():
        if mandoc is None:
            print("ok - mandoc finds nothing in %s # SKIP mandoc is not installed" % name)
            continue
        answer = subprocess.run([mandoc, "-Tlint", "-W", "warning", path], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=60, text=True)
        report(answer.returncode == 0 and answer.stdout == "", "mandoc finds nothing in " + name,
               answer.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
