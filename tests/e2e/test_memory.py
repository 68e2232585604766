#!/usr/bin/env python3
"""Little memory: runs with the system's whole CA bundle under a limit of 16 MB, and under limits that
are too small, where the run says so and leaves nothing half done.

VARIANT: target. TIMEOUT: 200
"""

import os
import queue
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from lab import CLOCK, DANEROLL, Failed, Skipped, case, check, main, same, store

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))
from stage import BUNDLE, OWNERS, Stage

LIMIT = 16 * 1024 * 1024
STEP, SPAN = 32 * 1024, 512 * 1024
ROTATION_CALLS = 4
CALL_SECONDS = 60
WAIT = 10       # longer than any wait with a TTL of 2
WORKERS = 8
GOOD, FAILED, USAGE, LATER = 0, 1, 2, 75


def call(stage, *words, limit=None, before=(), env=None):
    """(exit code, output) of `run` with LIMIT octets of address space."""
    command, plain = stage.daneroll(*words)
    if limit is not None:
        before = ["prlimit", "--as=%d" % limit, *before]
    done = subprocess.run([*before, *command], env={**plain, **(env or {})}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, errors="replace",
                          stderr=subprocess.STDOUT, timeout=CALL_SECONDS, check=False)
    return done.returncode, done.stdout


def new_stage(program):
    if not os.path.exists(BUNDLE):
        raise Failed(BUNDLE + " is missing")
    with store.lock:
        store.number = getattr(store, "number", 0) + 1
        return Stage(os.path.join(store.directory, "stage%d" % store.number), program, 10)


# ---- enough --------------------------------------------------------------------------------------

def whole_job(stage, **how):
    """First publication, a look, a rotation with its hooks."""
    stage.prepare(True)
    for words, expected in (((), "A"), ((), "A"), (("--wait",), "B")):
        stage.look_again()
        code, output = call(stage, *words, **how)
        same((code, stage.outcome()), (GOOD, [[expected]] * len(OWNERS)), output)


@case("16 MB of address space, hooks included: first publication, a look, a rotation")
def address_space():
    with new_stage(DANEROLL) as stage:
        whole_job(stage, limit=LIMIT)


class Group:
    """A memory cgroup of LIMIT octets, of either version."""

    def __init__(self):
        self.path = None
        for top, most, swap, peak in (
                ("/sys/fs/cgroup", "memory.max", "memory.swap.max", "memory.peak"),
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
                 "memory.max_usage_in_bytes")):
            path = os.path.join(top, "daneroll-%d" % os.getpid())
            try:
                os.mkdir(path)
            except OSError as error:
                self.reason = "%s: %s" % (path, error.strerror)
                continue
            if os.path.exists(os.path.join(path, most)):
                self.path, self.peak = path, os.path.join(path, peak)
                break
            os.rmdir(path)
            self.reason = "no controller of memory at " + top
        if self.path is None:
            raise Skipped("no memory cgroup can be made here: " + self.reason)
        self.write(most, LIMIT)
        if os.path.exists(os.path.join(self.path, swap)):
            self.write(swap, 0 if swap == "memory.swap.max" else LIMIT)

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as out:
            out.write("%d\n" % value)

    def enter(self):
        """What a command is begun with."""
        return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.path]

    def used(self):
        if not os.path.exists(self.peak):
            return None  # before Linux 5.19
        with open(self.peak, encoding="ascii") as source:
            return int(source.read())

    def remove(self):
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.05)  # until the kernel has buried what was in it


@case("a cgroup of 16 MB, hooks and the kernel's own memory included")
def control_group():
    group = Group()
    try:
        with new_stage(DANEROLL) as stage:
            whole_job(stage, before=group.enter())
        used = group.used()
        check(used is None or 100000 < used <= LIMIT, used, "octets used")
    finally:
        group.remove()


# ---- not enough ----------------------------------------------------------------------------------

class Poor:
    """A Stage whose clock the test moves, and that has no hooks: what a shell needs is not ours."""

    def __init__(self):
        self.stage = new_stage(CLOCK)
        self.clock = self.stage.path("clock")
        self.env = {"DANE_TEST_CLOCK": self.clock}
        self.time = 1000
        self.later()

    def later(self):
        self.time += WAIT
        with open(self.clock + ".new", "w", encoding="ascii") as out:
            out.write("boot 11111111-2222-3333-4444-555555555555\nboottime %d\nwall %d\nproven 1\n"
                      % (self.time, time.time()))
        os.replace(self.clock + ".new", self.clock)

    def call(self, limit=None):
        self.later()
        self.stage.look_again()
        return call(self.stage, limit=limit, env=self.env)

    def prepare(self):
        self.stage.prepare(False)
        path = self.stage.path("daneroll.conf")
        with open(path, encoding="ascii") as source:
            text = re.sub(r"(?m)^(renew|reload) .*\n", "", source.read())
        with open(path, "w", encoding="ascii") as out:
            out.write(text)

    def renew(self):
        os.symlink(self.stage.path("B"), self.stage.path("live.new"))
        os.replace(self.stage.path("live.new"), self.stage.path("live"))

    def check(self, limit, code, output):
        """What a run that had too little has left, and said."""
        words = "with %d KiB: exit %d: %s" % (limit // 1024, code, output)
        check(code in (GOOD, FAILED, USAGE, LATER), words)
        check(code == GOOD or "memory" in output.lower(), "does not say why", words)
        installed = self.stage.path("install", "current")
        if os.path.lexists(installed):
            whole = [{open_text(os.path.join(place, name)) for name in ("fullchain.pem", "privkey.pem")}
                     for place in (installed, self.stage.path("A"), self.stage.path("B"))]
            check(whole[0] in whole[1:], "half a pair is installed", words)
        served = "B" if os.path.lexists(installed) and whole[0] == whole[2] else "A"
        for records in self.stage.outcome():
            check(not records or served in records, "the served key", served, "is not in", records, words)

    def settle(self, letter, words):
        """With memory again, all ends as it should."""
        for _ in range(4):
            code, output = self.call()
        same((code, self.stage.outcome()), (GOOD, [[letter]] * len(OWNERS)), words, output)
        left = [name for base, folders, files in os.walk(self.stage.directory)
                for name in folders + files if name.endswith(".new")]
        same(left, [], "left behind", words)


def open_text(path):
    with open(path, encoding="ascii") as source:
        return source.read()


def least_to_start():
    """The least address space that the kernel can load the program into."""
    limit = STEP
    while subprocess.run(["prlimit", "--as=%d" % limit, CLOCK, "version"], check=False,
                         env={"DANE_TEST_CLOCK": "/dev/null"}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        limit += STEP
        check(limit < LIMIT, "does not start at all")
    return limit


def first_publication(poor, limit):
    """Whether LIMIT was enough for it."""
    poor.prepare()
    code, output = poor.call(limit)
    poor.check(limit, code, output)
    enough = code == GOOD
    check(not enough or poor.stage.outcome() == [["A"]] * len(OWNERS), output)
    poor.settle("A", "after %d KiB" % (limit // 1024))
    return enough


def rotation(poor, limit):
    poor.prepare()
    poor.settle("A", "before the rotation")
    poor.renew()
    for _ in range(ROTATION_CALLS):
        code, output = poor.call(limit)
        poor.check(limit, code, output)
        if code != GOOD:
            break
    enough = code == GOOD
    check(not enough or poor.stage.outcome() == [["B"]] * len(OWNERS), output)
    poor.settle("B", "after %d KiB" % (limit // 1024))
    return enough


def sweep(job, first):
    """JOB under every limit, from the least with which the program starts to what is enough."""
    start = least_to_start() + first
    idle = queue.SimpleQueue()

    def one(limit):
        poor = idle.get()
        try:
            return limit if job(poor, limit) else 0
        finally:
            idle.put(poor)

    poors = []
    try:
        for _ in range(WORKERS):
            poors.append(Poor())
            idle.put(poors[-1])
        with ThreadPoolExecutor(WORKERS) as pool:
            enough = list(pool.map(one, range(start, start + SPAN, STEP)))
    finally:
        for poor in poors:
            poor.stage.close()
    check(enough[-1] > 0, "even %d octets are not enough" % (start + SPAN))
    check(enough[0] == 0, "the least was enough: nothing was tested")
    least = min(limit for limit in enough if limit > 0)
    check(all(limit > 0 for limit in enough[enough.index(least):]), "more is less", enough)
    print("    (%s: %d KiB of address space are enough, of %d KiB that the program takes anyway)"
          % (job.__name__, least // 1024, start // 1024))


@case("a first publication with too little address space, more and more of it")
def poor_publication():
    sweep(first_publication, 0)


@case("a rotation with too little address space, more and more of it")
def poor_rotation():
    sweep(rotation, STEP // 2)


if __name__ == "__main__":
    sys.exit(main())
