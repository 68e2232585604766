#!/usr/bin/env python3
"""What cron does for years: calls with nothing due, looks from time to time, who renews and when, a
state that is lost or of the future, disks that are full, and kill -9 wherever the world is asked.

TIMEOUT: 400
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

from lab import (ANOTHER_BOOT, FAILED, GOOD, HOST, LATER, UNKNOWN, VARIANT, Authority, Clock,
                 Fault, Lab, Pair, Skipped, case, check, main, openssl, same)
from stagelab import begun, installed, staged

HOUR, DAY = 3600, 86400
IDLE_CALLS = 1000 if VARIANT == "target" else 50


class Traffic:
    """What went over the network since it was made."""

    def __init__(self, lab):
        self.lab = lab
        self.before = self.count()

    def count(self):
        lab = self.lab
        return (len(lab.names.asked), sum(service.shown for service in lab.services.values()),
                lab.cf.counters["handshakes"], len(lab.cf.audit))

    def none(self):
        now = self.count()
        before, self.before = self.before, now
        return now == before


def identity(path):
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns


def everything(lab):
    """Each file and folder below the state's and the installed ones."""
    found = {}
    for top in (lab.state_directory, lab.folder(), lab.in_ram("look")):
        for path in [top] + [os.path.join(base, name) for base, folders, files in os.walk(top)
                             for name in folders + files]:
            if os.path.lexists(path):
                status = os.lstat(path)
                found[path] = status.st_ino, status.st_mtime_ns
    return found


def at_rest(lab, **conf):
    """A pair that is installed, published and verified; looks stay."""
    lab.looks_on = True
    lab.put("mail", lab.pair(1))
    lab.configure(**conf)
    for _ in range(2):
        lab.run()
    return Traffic(lab)


# ---- nothing due ---------------------------------------------------------------------------------

@case("calls with nothing due, %d in a row: no traffic, no write, no word, exit 0" % IDLE_CALLS)
def idle():
    with Lab() as lab:
        traffic = at_rest(lab, sections=staged(lab, renew="touch " + lab.path("renewed")))
        before = everything(lab)
        check(lab.in_ram("look") in before, "the look is not in RAM")
        same(sorted(os.listdir(lab.state_directory)), ["state"])
        for _ in range(IDLE_CALLS):
            done = subprocess.run(lab.command(("run",)), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60,
                                  env=lab.environment(), check=False)
            same((done.returncode, done.stdout), (GOOD, b""))
        check(traffic.none(), "went out")
        same(everything(lab), before, "something was written")
        check(not os.path.exists(lab.path("renewed")), "renewed")


@case("a call with nothing due makes no socket and one process")
def idle_traced():
    if VARIANT != "target" or not shutil.which("strace"):
        raise Skipped("needs strace, and a program without sanitizers")
    with Lab() as lab:
        at_rest(lab, sections=staged(lab))
        done = subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=network,process", "-o", lab.path("trace")]
            + lab.command(("run",)), env=lab.environment(), timeout=60, check=False,
            stdin=subprocess.DEVNULL)
        calls = [line.split(None, 1)[1].split("(")[0] for line in lab.read("trace").splitlines()]
        same((done.returncode, [c for c in calls if not c.startswith(("exec", "exit", "+++"))]),
             (GOOD, []))


@case("a call that finds something changed looks at once: files, configuration, next key, state, look")
def changed():
    with Lab() as lab:
        traffic = at_rest(lab, sections=staged(lab, next_key=lab.path("next.pem")))
        check(traffic.none(), "went out at the second call")

        def spoil(path, text):
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
        look = lab.in_ram("look")
        changes = [
            ("the next key", lambda: lab.write("next.pem", lab.pair(2).key, 0o600)),
            ("the pair", lambda: lab.put("mail", lab.pair(1, edition=1))),
            ("the configuration", lambda: lab.configure(
                staged(lab, next_key=lab.path("next.pem"), ttl=3))),
            ("the state", lambda: os.unlink(lab.state_file)),
            ("the look", lambda: os.unlink(look)),
            ("the look, garbage", lambda: spoil(look, "1 x y z\n")),
            ("the look, empty", lambda: spoil(look, "")),
            ("what is installed", lambda: os.unlink(lab.folder() + "/current")),
            ("an option", None)]
        for name, change in changes:
            if change is not None:
                change()
                lab.run()
            else:
                lab.run("run", HOST)
            check(not traffic.none(), "does not look after a change of", name)
            for _ in range(4):
                lab.run()
            traffic.none()
            lab.run()
            check(traffic.none(), "still goes out after a change of", name)


@case("a step that waits: silence until its time, then the step; faults are looked at in each call")
def steps():
    with Lab() as lab:
        traffic = at_rest(lab, sections=staged(lab), waits={
            "publish-wait": 0, "wait-margin": 0, "wait-floor": 6, "retire-wait": 2})
        lab.mark()
        lab.put("mail", lab.pair(2))
        lab.run()
        check(not traffic.none())
        lab.run()
        check(traffic.none(), "went out while the step waits")
        wait_for(lab, lambda: lab.reloads(), 20)
        installed(lab, lab.pair(2), lab.pair(1))
        wait_for(lab, lambda: len(lab.contents()) == 1, 20)
        same(lab.contents(), [lab.pair(2).record])
        lab.serve("mail", None)
        os.unlink(lab.in_ram("look"))
        for _ in range(2):
            lab.run(code=FAILED)
            check(not traffic.none(), "a fault is not looked at again")
        lab.serve("mail", lab.pair(2))
        lab.run()
        lab.check_vouched(lab.pair(1))


def wait_for(lab, what, seconds):
    """Calls once a second, as cron does once a minute."""
    end = time.monotonic() + seconds
    while not what():
        check(time.monotonic() < end, "does not happen in time")
        time.sleep(0.5)
        lab.run()


def clocked(lab, **conf):
    if VARIANT != "target":
        raise Skipped("daneroll-clock is built for the target only")
    lab.clock = Clock(lab)
    lab.looks_on = True
    lab.put("mail", lab.pair(1))
    lab.configure(**conf)
    for _ in range(2):
        lab.run(clock=True)
    return Traffic(lab)


@case("a source that does not fit is being written, but not for longer than an hour: exit 1 then")
def written_for_ever():
    with Lab() as lab:
        clocked(lab, sections=staged(lab))
        old, new = lab.pair(1), lab.pair(2)
        lab.write("mail.key", new.key, 0o600)
        for minutes in (0, 57):
            lab.clock.pass_time(minutes * 60)
            done = lab.run(clock=True, code=LATER)
            check("is it being written?" in done.err, done)
        lab.clock.pass_time(5 * 60)
        done = lab.run(clock=True, code=FAILED)
        check("does not fit" in done.err and "has not for an hour" in done.err, done)
        same(lab.contents(), [old.record])
        lab.put("mail", new)
        lab.run(clock=True)
        same(lab.contents(), sorted([old.record, new.record]))


@case("a look is due every check-interval: six hours, or as configured; after a reboot at once")
def intervals():
    for more, seconds in (([], 6 * HOUR), ([("check-interval", "30m")], HOUR // 2)):
        with Lab() as lab:
            traffic = clocked(lab, sections=staged(lab), daneroll=more)
            for _ in range(2):
                lab.clock.pass_time(seconds - 5)
                lab.run(clock=True)
                check(traffic.none(), "looks before its time")
                lab.clock.pass_time(10)
                lab.run(clock=True)
                check(not traffic.none(), "does not look when it is due")
            lab.clock.reboot(wall=lab.clock.wall + 60)
            lab.run(clock=True)
            check(not traffic.none(), "does not look after a reboot")
            lab.run(clock=True)
            check(traffic.none(), "looks again")
            lab.clock.set(wall=lab.clock.wall + 30 * DAY)
            lab.run(clock=True)
            check(traffic.none(), "the wall clock counts")


@case("no place in RAM: lock and look lie in the state folder, and a call with nothing due is as quiet")
def without_ram():
    if not apart("no place in RAM", "mount -t tmpfs -o ro none /run"):
        return
    with Lab() as lab:
        traffic = at_rest(lab, sections=staged(lab))
        same(sorted(os.listdir(lab.state_directory)), ["lock", "look", "state"])
        lab.run()
        check(traffic.none(), "went out")


@case("a call beside a `run --wait` that waits: exit 75 at once, nothing is asked")
def beside():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure(staged(lab), waits={"publish-wait": 0, "wait-margin": 0, "wait-floor": 30,
                                          "retire-wait": 1})
        lab.run()
        lab.put("mail", lab.pair(2))
        process = lab.start("run", "--wait")
        end = time.monotonic() + 20
        while len(lab.contents()) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(1)
        traffic = Traffic(lab)
        done = lab.run(code=LATER)
        check("another daneroll" in done.err and done.seconds < 5, done)
        check(traffic.none(), "asks beside the other one")
        process.send_signal(signal.SIGTERM)
        same(lab.finish(process, 20).code, LATER)


# ---- who renews ----------------------------------------------------------------------------------

def of_days(lab, number, days):
    """A pair that lives so long."""
    key, file = lab.path("short%d.key" % number), lab.path("short%d.crt" % number)
    Authority.generate(key, "p256")
    openssl("req", "-x509", "-new", "-key", key, "-out", file, "-days", str(days),
            "-subj", "/CN=" + HOST, "-addext", "subjectAltName=DNS:" + HOST)
    return Pair(file, key)


def renewing(lab, days, command="", next_key=None, **more):
    """The start of a cron job that renews: what the calls of `renew` note is counted by `tries`."""
    if VARIANT != "target":
        raise Skipped("daneroll-clock is built for the target only")
    lab.clock = Clock(lab)
    lab.looks_on = True
    lab.put("mail", of_days(lab, 1, days))
    sections = staged(lab, renew="echo >> " + lab.path("tries") + command, next_key=next_key, **more)
    lab.configure(sections)
    for _ in range(2):
        lab.run(clock=True)


def tries(lab):
    return lab.read("tries").count("\n") if os.path.exists(lab.path("tries")) else 0


@case("cron renews when less than a third of the life is left, not before; then it is rolled")
def renew_third():
    with Lab() as lab:
        new = of_days(lab, 2, 90)
        renewing(lab, 60, "; " + lab.swap("mail", new))
        lab.clock.pass_time(39 * DAY)
        lab.run(clock=True)
        same(tries(lab), 0, "renewed too early")
        lab.mark()
        lab.clock.pass_time(2 * DAY)
        lab.run(clock=True)
        same(tries(lab), 1)
        check(new.record in lab.contents(), "what was renewed is not published in the same call")
        for _ in range(4):
            lab.clock.pass_time(HOUR)
            lab.run(clock=True)
        same(tries(lab), 1, "renewed twice")
        installed(lab, new)
        same(lab.contents(), [new.record])


@case("renew-before sets the time; a renewal that fails is said, exit 1, and tried again after 12 hours")
def renew_fails():
    with Lab() as lab:
        renewing(lab, 60, "; echo words of the client; exit 3", renew_before="10d")
        lab.clock.pass_time(45 * DAY)
        lab.run(clock=True)
        same(tries(lab), 0, "renewed too early")
        lab.clock.pass_time(6 * DAY)
        done = lab.run(clock=True, code=FAILED)
        check("exit status 3" in done.err and "words of the client" in done.err, done)
        same((tries(lab), len(lab.contents())), (1, 1))
        lab.clock.pass_time(11 * HOUR)
        lab.run(clock=True)
        same(tries(lab), 1, "tried again too early")
        lab.run("run", "--no-renew", clock=True)
        lab.clock.pass_time(2 * HOUR)
        lab.run("run", "--no-renew", clock=True)
        same(tries(lab), 1, "--no-renew renews")
        lab.run(clock=True, code=FAILED)
        same(tries(lab), 2)


@case("a next key that is not ripe puts the renewal off, until three days of life are left")
def renew_unripe():
    with Lab() as lab:
        lab.write("next.pem", lab.pair(2).key, 0o600)
        lab.names.hold()
        renewing(lab, 30, next_key=lab.path("next.pem"))
        lab.clock.pass_time(21 * DAY)
        lab.run(clock=True, code=(GOOD, FAILED, LATER))
        same(tries(lab), 0, "renewed before the next key is ripe")
        lab.clock.pass_time(6 * DAY + HOUR)
        lab.run(clock=True, code=(GOOD, FAILED, LATER))
        same(tries(lab), 1, "not renewed with less than three days left")


@case("a ripe next key lets the renewal go, and what comes with it is installed in that call")
def renew_ripe():
    with Lab() as lab:
        new = of_days(lab, 2, 90)
        lab.write("next.pem", new.key, 0o600)
        renewing(lab, 60, "; " + lab.swap("mail", new), next_key=lab.path("next.pem"))
        lab.clock.pass_time(DAY)
        lab.run(clock=True)
        same((tries(lab), len(lab.contents())), (0, 2))
        lab.clock.pass_time(40 * DAY)
        lab.run(clock=True)
        same(tries(lab), 1)
        check("mail" in [name for _, name, _ in lab.reloads()], "not loaded")
        same(lab.reloads()[-1][2], new.spki)


# ---- the state -----------------------------------------------------------------------------------

def published_next(lab):
    """A rotation whose new key is published."""
    old, new = begun(lab, sections=staged(lab)), lab.pair(2)
    lab.put("mail", new)
    lab.run()
    return old, new


@case("a state of the future: waits begin anew, none ends early, and the rotation is finished")
def future():
    for seconds in (60, 30 * DAY):
        with Lab() as lab:
            old, new = published_next(lab)
            lab.age(-seconds)
            for _ in range(2):
                lab.run()
                installed(lab, old)
            lab.age()
            lab.run()
            installed(lab, new, old)
            lab.age(-seconds)
            lab.run()
            same(len(lab.contents()), 2, "retired early")
            lab.age()
            lab.converge()
            same(lab.contents(), [new.record])
            lab.check_vouched(old)


@case("the state of another boot, with a clock that was not proven: waits begin anew")
def unproven():
    with Lab() as lab:
        old, new = published_next(lab)
        lab.age(UNKNOWN)
        text = lab.state().replace(" %s 0 " % ANOTHER_BOOT, " x ")
        lines = [line[:-1] + "0" if " x " in line else line for line in lab.state().splitlines()]
        boot = open("/proc/sys/kernel/random/boot_id", encoding="ascii").read().strip()
        lines = [line[:-1] + "0" if boot in line or ANOTHER_BOOT in line else line for line in lines]
        text = "\n".join(line.replace(boot, ANOTHER_BOOT) for line in lines) + "\n"
        lab.write_state(text)
        lab.run()
        installed(lab, old)
        lab.age()
        lab.run()
        installed(lab, new, old)


@case("the state is lost in each phase of a rotation: nothing is retired or installed early")
def lost():
    for phase in range(3):
        with Lab() as lab:
            old, new = published_next(lab)
            for _ in range(phase):
                lab.age()
                lab.run()
            shutil.rmtree(lab.state_directory)
            lab.mark()
            lab.run()
            same(lab.calls("DELETE"), [], "retired without a state")
            installed(lab, *((old,) if phase == 0 else (new, old) if phase == 1 else (new,)))
            check((old if phase == 0 else new).record in lab.contents())
            for _ in range(4):
                lab.age(UNKNOWN)
                lab.run()
            installed(lab, new)
            check(new.record in lab.contents())
            lab.check_vouched(old if phase == 0 else new)


# ---- disks ---------------------------------------------------------------------------------------

def apart(name, *before):
    """In a mount namespace of its own: this script once more, for the case of that NAME. False: it
    was done there."""
    if os.environ.get("DANE_TEST_APART") == name:
        return True
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("needs root and unshare, for mounts of its own")
    script = "\n".join("%s || exit 99" % command for command in before + ("true",))
    done = subprocess.run(["unshare", "-m", "sh", "-c", script + '\nexec "$@"', "sh", sys.executable,
                           os.path.abspath(__file__), name], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120,
                          env=dict(os.environ, DANE_TEST_APART=name), check=False)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode == 99:
        raise Skipped("cannot mount here: " + text.strip()[:100])
    check(done.returncode == 0 and text.startswith("ok"), text)
    return False


def mount(where, options):
    os.makedirs(where, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", where], check=False)
    if done.returncode != 0:
        raise Skipped("cannot mount a tmpfs here")


def remount(where, options):
    subprocess.run(["mount", "-o", "remount," + options, where], check=True)


def fill(folder):
    """Until nothing more goes in."""
    file = os.open(os.path.join(folder, "fill"), os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, bytes(1024))
    except OSError:
        os.close(file)


@case("the folder of install is full: said, exit 1; the old pair stays whole; with room it goes on")
def install_full():
    if not apart("folder of install is full"):
        return
    with Lab() as lab:
        mount(lab.folder(), "size=48k,mode=755")
        old, new = published_next(lab)
        fill(lab.folder())
        lab.age()
        for _ in range(2):
            done = lab.run(code=FAILED)
            check("No space" in done.err and "cannot be installed" in done.err, done)
            installed(lab, old)
        same((lab.reloads(), len(lab.contents())), ([], 2))
        os.unlink(os.path.join(lab.folder(), "fill"))
        remount(lab.folder(), "size=96k")
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.record])
        lab.check_vouched(old)


@case("the folder of install is read-only: said, exit 1; the old pair stays; then it goes on")
def install_read_only():
    if not apart("folder of install is read-only"):
        return
    with Lab() as lab:
        mount(lab.folder(), "size=1m,mode=755")
        old, new = published_next(lab)
        remount(lab.folder(), "ro")
        lab.age()
        for _ in range(2):
            done = lab.run(code=FAILED)
            check("ead-only" in done.err and "cannot be installed" in done.err, done)
            installed(lab, old)
        same((lab.reloads(), len(lab.contents())), ([], 2))
        remount(lab.folder(), "rw")
        lab.converge()
        installed(lab, new)
        lab.check_vouched(old)


@case("the state's disk is full in mid-rotation: nothing is installed or retired; with room it goes on")
def state_full():
    if not apart("disk is full in mid-rotation"):
        return
    with Lab() as lab:
        mount(lab.state_directory, "size=64k,mode=700")
        old, new = published_next(lab)
        text = lab.state()
        lab.age()
        fill(lab.state_directory)
        for _ in range(2):
            done = lab.run(code=FAILED)
            check("cannot write the state" in done.err and "No space" in done.err, done)
            installed(lab, old)
            check(lab.state().count("\n") == text.count("\n"), "the former state was harmed")
        same((lab.reloads(), len(lab.contents())), ([], 2))
        os.unlink(os.path.join(lab.state_directory, "fill"))
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.record])
        lab.check_vouched(old)


@case("the state's disk is read-only in mid-rotation: the same; an outage is cured all the same")
def state_read_only():
    if not apart("disk is read-only in mid-rotation"):
        return
    with Lab() as lab:
        mount(lab.state_directory, "size=1m,mode=700")
        old, new = published_next(lab)
        lab.age()
        remount(lab.state_directory, "ro")
        for _ in range(2):
            done = lab.run(code=FAILED)
            check("cannot write the state" in done.err and "ead-only" in done.err, done)
            installed(lab, old)
        lab.serve("mail", lab.pair(9))
        lab.run(code=FAILED)
        check(lab.pair(9).record in lab.contents(), "an outage waits for the disk")
        lab.serve("mail", old)
        remount(lab.state_directory, "rw")
        lab.converge()
        installed(lab, new)
        check(new.record in lab.contents())


# ---- kill -9 wherever the world is asked ---------------------------------------------------------

def kill_at(lab, what, number):
    """Kills whatever runs at the Nth request, question or handshake; an event."""
    hit, left, lock = threading.Event(), [number], threading.Lock()

    def watch(*_):
        with lock:
            left[0] -= 1
            if left[0] != 0:
                return
        for process in list(lab.running):
            process.kill()
            process.wait()
        hit.set()
    if what == "question":
        lab.names.watch = watch
    elif what == "handshake":
        for service in lab.services.values():
            service.watch = watch
    else:
        lab.cf.fault(Fault("hook", path=".", times=0, when=what, call=watch))
    return hit


def kill_case(what, name, number, certain):
    @case("kill -9 at %s %d of a staged rotation" % (name, number))
    def run():
        with Lab() as lab:
            old, new = begun(lab, sections=staged(lab)), lab.pair(2)
            lab.put("mail", new)
            hit = kill_at(lab, what, number)
            for _ in range(4):
                done = lab.finish(lab.start("run"))
                check(done.code in (GOOD, -signal.SIGKILL), done)
                lab.age()
            check(hit.is_set() or number > certain, "nothing was killed")
            lab.names.watch = lambda: None
            lab.cf.clear_faults()
            lab.converge()
            installed(lab, new)
            same(lab.contents(), [new.record])
            same(lab.reloads()[-1][2], new.spki)
            lab.check_vouched(old)
            lab.check_waited(new)
            same([e["record"]["content"] for _, e in lab.effects() if e["op"] == "create"],
                 [new.record], "made other records, or twice")
            same(sorted(os.listdir(lab.state_directory)), ["state"], "left behind")
            same(len(os.listdir(lab.folder())), 2, "left behind", os.listdir(lab.folder()))
            lab.check_clean()


if os.environ.get("DANE_TEST_APART") is None:
    for _what, _name, _most, _certain in (
            ("before", "request", 9, 8), ("answered", "answer", 9, 8),
            ("handshake", "handshake", 12, 8), ("question", "question", 60, 30)):
        for _number in range(1, _most + 1):
            kill_case(_what, _name, _number, _certain)


@case("kill -9 in mid-reload, before and after services load; and in renew")
def kill_in_hook():
    for place in ("before", "after", "renew"):
        with Lab() as lab:
            new = lab.pair(2)
            die = "test -e %s || { touch %s; kill -9 $PPID; sleep 1; }" % (
                lab.path("died"), lab.path("died"))
            load, renew = lab.load_command(), lab.swap("mail", new)
            if place == "renew":
                renew += "; " + die
            else:
                load = die + "; " + load if place == "before" else load + "; " + die
            old = begun(lab, sections=staged(lab, renew=renew, reload=load))
            done = lab.finish(lab.start("run", "--wait"))
            same(done.code, -signal.SIGKILL, done)
            lab.run("run", "--wait", "--no-renew")
            installed(lab, new)
            same(lab.contents(), [new.record])
            same(lab.reloads()[-1][2], new.spki)
            lab.check_vouched(old)


if __name__ == "__main__":
    sys.exit(main(jobs=16))
