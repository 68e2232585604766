#!/usr/bin/env python3
"""Rotations under fire: real name servers, a validating resolver, real mail that insists on DANE.

Each case plays in namespaces of its own (tests/netns): a signed tree on BIND whose zone has a hidden
primary and two secondaries, one of them late; Unbound; Postfix, Dovecot and nginx with one pair; a
Postfix that sends with dane-only; and clients that hold TLSA records as long as caches may.

    test_rollover.py [WORD...]                    the cases whose names have one of the words
    SEED=N test_rollover.py                       once more with the random choices of that run

VARIANT: target. TIMEOUT: 900
"""

import base64
import os
import random
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), name) for name in ("netns", "demo")] + [HERE]

import space  # noqa: E402

INSIDE = "--inside"
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1000000))


def classic():
    """Five minutes of an hour's TTL are as half a second of six."""
    return dict(roller="Classic", rotations=2, expect="deferred", ttl=6, lag=(1, 2), wait=0.5)


def perfect():
    return dict(roller="Perfect", rotations=3, expect="clean", ttl=2, lag=(1, 3))


def hasty():
    return dict(roller="Hasty", rotations=1, expect="mismatches", ttl=2, lag=(1, 1), margin=0)


WORLDS = 4          # two play at a time: a rotation is mostly waiting
ROTATIONS = 5       # in each


def daneroll():
    return dict(roller="Daneroll", rotations=ROTATIONS, expect="clean", ttl=2, lag=(1, 3))


PLAYS = {"classic": classic, "perfect": perfect, "hasty": hasty, "daneroll": daneroll}


def inside(name, seed):
    """In the namespaces: plays the case; what is printed is the result, the exit code the verdict."""
    import rollers
    from world import World
    play = PLAYS[name]()
    kind, rotations, expect = [play.pop(key) for key in ("roller", "rotations", "expect")]
    begin = time.monotonic()
    world = None
    try:
        world = World(getattr(rollers, kind), seed=seed, **play)
        report = world.play(rotations)
        print("# " + report.line(), flush=True)
        if expect == "clean":
            report.check_clean()
        else:
            report.check_failures(mail=expect == "deferred")
    except space.Fault as fault:
        print("%s\nseed %d, %.0f s" % (fault, seed, time.monotonic() - begin))
        if world is not None:
            print("\n".join(space.fallen() + world.prober.notes + world.prober.faults()))
        return 1
    except Exception:
        print(traceback.format_exc())
        return 1
    return 0


def judge(lab):
    """The prober's own judgement, against the digests that openssl gives."""
    from prober import fits
    old, new = lab.Lab.pair(1), lab.Lab.pair(2)
    leaf = base64.b64decode("".join(new.certificate.split("-----")[2].split()))
    for good, records in (
            (True, [new.records[3, 1, 1]]),
            (True, [old.records[3, 1, 1], new.records[3, 1, 1]]),
            (True, [new.records[3, 0, 1]]),
            (False, [old.records[3, 1, 1]]),
            (False, []),
            # RFC 7671 section 9: a stale 3 1 2 hides the good 3 1 1 from clients that prefer SHA-512
            (False, [new.records[3, 1, 1], old.records[3, 1, 2]]),
            (True, [new.records[3, 1, 1], new.records[3, 1, 2], old.records[3, 1, 2]]),
            # alone, it is worth nothing to those that know SHA-256 only
            (False, [new.records[3, 1, 2]]),
            (False, ["2 1 1 " + new.spki])):
        lab.same(fits(records, leaf), good, "records", records)


def outside():
    import lab
    print("# seed %d" % SEED)
    try:
        space.possible()
        reason = None
    except space.Impossible as impossible:
        reason = str(impossible)

    def play(name, seconds, seed=SEED):
        if reason:
            raise lab.Skipped(reason)
        code, output = space.apart([sys.executable, "-B", os.path.abspath(__file__), INSIDE, name,
                                    str(seed)], seconds)
        for line in output.splitlines():
            if line.startswith("# "):
                print(line, flush=True)
        lab.check(code == 0, output)

    @lab.case("the harness bites: the classic script defers mail")
    def _():
        play("classic", 120)

    @lab.case("the harness bites: a wait that starts before the last server shows the record")
    def _():
        play("hasty", 120)

    @lab.case("the harness is fair: nothing is held against a perfect roller")
    def _():
        play("perfect", 240)

    for number in range(WORLDS):
        @lab.case("daneroll: %d rotations with kill -9, no mail deferred, no mismatch; world %d of %d"
                  % (ROTATIONS, number + 1, WORLDS))
        def _(seed=SEED + number):
            os.environ["DANEROLL"] = lab.DANEROLL
            play("daneroll", 400, seed)

    @lab.case("clients judge records as RFC 7671 section 9 says")
    def _():
        judge(lab)

    return lab.main(jobs=2)


if __name__ == "__main__":
    sys.exit(inside(sys.argv[2], int(sys.argv[3])) if sys.argv[1:2] == [INSIDE] else outside())
