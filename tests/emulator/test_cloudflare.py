#!/usr/bin/env python3
"""The emulator's own tests: each refusal, each shape, each fault. TIMEOUT: 120

    test_cloudflare.py [NAME...]      only the tests whose names contain one of these words
"""

import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checks_api
import checks_faults
import checks_outside


def main():
    failed = 0
    tests = [(name, call) for module in (checks_api, checks_faults, checks_outside)
             for name, call in vars(module).items() if name.startswith("test_")]
    words = sys.argv[1:]
    for name, call in tests:
        if words and not any(word in name for word in words):
            continue
        start = time.monotonic()
        try:
            call()
            print("ok - %s (%.2f s)" % (name[5:], time.monotonic() - start))
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print("not ok - %s" % name[5:])
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
