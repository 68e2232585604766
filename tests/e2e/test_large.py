#!/usr/bin/env python3
"""Zones of 10 and of 100,000 records: the same memory, below 1 MB with the system's CA certificates,
and the rotation is the same. (Sanitizers have memory of their own: only the rotation there.)

TIMEOUT: 400
"""

import os
import re
import sys

from lab import (FAILED, GOOD, HOST, UNKNOWN, VARIANT, Fault, Lab, Skipped, case, check, main, same, store)

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
MEMORY_MOST = 1000 * 1000
FLAT_MOST = 64 * 1000
SERVICES = "smtp submission imaps"
OWNERS = ["_%d._tcp.%s" % (port, HOST) for port in (25, 587, 993)]


def peak(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1]) * 1024


def bundle(lab):
    text = ""
    for path in (BUNDLE, store.ca):
        with open(path, encoding="utf-8") as source:
            text += source.read()
    return lab.write("bundle.pem", text)


def rotate(records, measure):
    """A rotation in a zone of so many records; the greatest VmHWM, looked at in every request."""
    most = [0]
    with Lab(generate=records) as lab:
        def look(cf, entry):
            for process in lab.running:
                most[0] = max(most[0], peak(process.pid))
        old, new = lab.pair(1), lab.pair(2)
        stale = lab.pair(7).record
        for owner in OWNERS:
            lab.cf.add_tlsa(owner, stale, ttl=2)
        lab.put("mail", old)
        lab.configure([lab.host(service=SERVICES, adopt="yes")])
        env = None
        if measure:
            text = re.sub(r"ca-file.*\n", "", lab.read("daneroll.conf"))
            lab.write("daneroll.conf", text, 0o600)
            env = {"SSL_CERT_FILE": bundle(lab)}
        lab.mark()
        if measure:
            lab.cf.fault(Fault("hook", path=".", times=0, call=look))
        for _ in range(3):
            lab.run(env=env, code=(GOOD, FAILED))  # the first one finds an outage, and ends it
            lab.age(UNKNOWN)
        lab.put("mail", new)
        for _ in range(3):
            lab.run(env=env)
            lab.age(UNKNOWN)
        for owner in OWNERS:
            same(lab.contents(owner), [new.record])
            lab.check_vouched(old, owner)
        same(len(lab.calls("POST")), 6)
        requests = len(lab.cf.audit)
        check(requests < 100, "asks for all pages:", requests)
        lab.mark()
        lab.run(env=env)
        check(len(lab.cf.audit) <= 1 + len(OWNERS), "a run without work asks", len(lab.cf.audit))
        lab.check_clean()
    return most[0]


@case("rotations in zones of 10 and of 100,000 records: flat memory, below 1 MB")
def flat():
    if VARIANT != "target":
        rotate(100000, False)
        return
    if not os.path.exists(BUNDLE):
        raise Skipped("no " + BUNDLE)
    few, many = rotate(10, True), rotate(100000, True)
    print("# VmHWM with 10 records %d, with 100,000 records %d octets" % (few, many))
    check(few > 0 and many > 0, "nothing was measured")
    check(many - few < FLAT_MOST, "grows with the zone: %d, %d" % (few, many))
    check(max(few, many) < MEMORY_MOST, "more than 1 MB: %d, %d" % (few, many))


@case("a zone with 100,000 records that is listed while answers are large and odd")
def large_odd():
    with Lab(generate=100000, shapes=("large-extra", "escapes", "no-result-info")) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(service=SERVICES)])
        lab.run()
        for owner in OWNERS:
            same(lab.contents(owner), [lab.pair(1).record])
        lab.mark()
        lab.run()
        same(lab.writes(), [])
        lab.check_clean()


@case("a page of a megabyte of unknown members: memory stays flat")
def big_page():
    if VARIANT != "target":
        raise Skipped("sanitizers have memory of their own")
    with Lab() as lab:
        most = [0]

        def look(cf, entry):
            for process in lab.running:
                most[0] = max(most[0], peak(process.pid))
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.cf.fault(Fault("hook", path=".", times=0, call=look))
        lab.cf.fault(Fault("oversized", kind="string", bytes=1000000, at=1))
        lab.cf.fault(Fault("oversized", kind="nested", bytes=1000000, at=3))
        lab.run(code=None)
        check(0 < most[0] < MEMORY_MOST, most[0])


if __name__ == "__main__":
    sys.exit(main(jobs=1))
