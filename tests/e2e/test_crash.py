#!/usr/bin/env python3
"""The program is killed at each request, told to stop between two steps, finds its state lost, damaged
or not writable: a further run ends in the same place, and the key in use never loses its record.

TIMEOUT: 400
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from lab import (FAILED, GOOD, HOST, LATER, OWNER, UNKNOWN, Fault, Lab, Skipped, case, check, main, same)

REQUESTS = 8  # of a rotation by plain runs: test_faults.py


def kill_at(lab, number, effect, signal_number=signal.SIGKILL, when="before"):
    """Kills whatever runs at the Nth request; with EFFECT False the request does nothing."""
    hit = threading.Event()

    def kill(cf, entry):
        for process in lab.running:
            process.send_signal(signal_number)
            if signal_number == signal.SIGKILL:
                process.wait()
        hit.set()
    lab.cf.fault(Fault("hook", at=number, when=when, call=kill))
    if not effect:
        lab.cf.fault(Fault("drop", where="before", at=number))
    return hit


def run_or_die(lab, *arguments):
    done = lab.finish(lab.start(*(arguments or ("run",))))
    check(done.code in (GOOD, -signal.SIGKILL), done)
    return done


def finish(lab, old, new):
    lab.cf.clear_faults()
    lab.converge()
    same(lab.contents(), [new.record])
    same(lab.reloads()[-1][2], new.spki)
    lab.check_vouched(old)
    creates = [e["record"]["content"] for _, e in lab.effects() if e["op"] == "create"]
    same(creates, [new.record], "made other records, or twice")
    same(sorted(os.listdir(lab.state_directory)), ["state"], "left behind")
    lab.check_clean()


def kill_case(number, effect, when):
    @case("kill -9 at request %d of a rotation, %s" % (number, "answered" if when == "answered" else
                                                      "with its effect" if effect else "without"))
    def run():
        with Lab() as lab:
            old = lab.published()
            lab.put("mail", lab.pair(2))
            hit = kill_at(lab, number, effect, when=when)
            for _ in range(4):
                run_or_die(lab)
                lab.age()
            check(hit.is_set(), "nothing was killed")
            finish(lab, old, lab.pair(2))


for _number in range(1, REQUESTS + 1):
    for _effect, _when in ((True, "before"), (False, "before"), (True, "answered")):
        kill_case(_number, _effect, _when)


def kill_wait_case(number):
    @case("kill -9 at request %d of run --wait, then run --wait again" % number)
    def run():
        with Lab() as lab:
            old, new = lab.pair(1), lab.pair(2)
            lab.published(sections=[lab.host(renew=lab.swap("mail", new), service="smtp imaps")])
            hit = kill_at(lab, number, number % 2 == 0)
            done = run_or_die(lab, "run", "--wait")
            check(hit.is_set() and done.code == -signal.SIGKILL, "nothing was killed", done)
            lab.cf.clear_faults()
            lab.run("run", "--wait")
            for owner in (OWNER, "_993._tcp." + HOST):
                same(lab.contents(owner), [new.record])
                lab.check_vouched(old, owner)
            check(len(lab.calls("POST")) <= 3, "made twice")
            lab.check_clean()


for _number in (2, 3, 4, 6, 8):
    kill_wait_case(_number)


@case("kill -9 in mid-hook: in renew, and in reload")
def kill_in_hook():
    for place in ("renew", "reload"):
        with Lab() as lab:
            old, new = lab.pair(1), lab.pair(2)
            die = "; test -e %s || { touch %s; kill -9 $PPID; sleep 1; }" % (
                lab.path("died"), lab.path("died"))
            hooks = {"renew": lab.swap("mail", new), "reload": lab.reload_command()}
            hooks[place] += die
            lab.published(sections=[lab.host(**hooks)])
            done = run_or_die(lab, "run", "--wait")
            same(done.code, -signal.SIGKILL, done)
            lab.run("run", "--wait")
            same(lab.contents(), [new.record])
            same(lab.reloads()[-1][2], new.spki)
            lab.check_vouched(old)


# ---- told to stop --------------------------------------------------------------------------------

def stop_case(number, signal_number):
    @case("%s at request %d: the step is done, then it ends with 75, and the next run goes on"
          % (signal_number.name, number))
    def run():
        with Lab() as lab:
            old = lab.published(sections=[lab.host(service="smtp submission imaps")])
            lab.put("mail", lab.pair(2))
            hit = kill_at(lab, number, True, signal_number)
            done = lab.run(code=(GOOD, LATER))
            check(hit.is_set())
            if done.code == LATER:
                check("stopped" in done.err, done)
            else:
                check(number >= 4, "the signal had no effect")
            same([e["answered"] for e in lab.cf.audit], [True] * len(lab.cf.audit))
            check(len(lab.cf.audit) <= number + 1, "goes on", len(lab.cf.audit))
            lab.cf.clear_faults()
            lab.converge()
            for port in (25, 587, 993):
                same(lab.contents("_%d._tcp.%s" % (port, HOST)), [lab.pair(2).record])
                lab.check_vouched(old, "_%d._tcp.%s" % (port, HOST))
            lab.check_clean()


for _number in (1, 2, 3, 4):
    stop_case(_number, signal.SIGTERM)
stop_case(2, signal.SIGINT)


@case("SIGTERM while it waits: it ends at once with 75, the next run --wait goes on with the wait")
def stop_wait():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        waits = {"publish-wait": 6, "wait-margin": 0, "wait-floor": 0, "retire-wait": 1}
        lab.published(sections=[lab.host(renew=lab.swap("mail", new))], waits=waits)
        process = lab.start("run", "--wait")
        check(lab.cf.wait(lambda cf: cf.in_flight == 0 and len(
            [e for e in cf.audit if e["answered"]]) >= 3, 20), "it does not come to the wait")
        time.sleep(0.5)  # it is in the wait of six seconds by now, or a little before
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        done = lab.finish(process, 20)
        same(done.code, LATER, done)
        check(time.monotonic() - told < 3, "took its time")
        check("stopped" in done.err, done)
        same(lab.contents(), sorted([old.record, new.record]))
        lab.run("run", "--wait", "--no-renew")
        same(lab.contents(), [new.record])
        (created, _), (deleted, _) = lab.effects()
        check(lab.reloads()[0][0] - created >= 6, "the wait was cut short")
        check(lab.reloads()[0][0] - created < 12, "the wait began anew")


@case("SIGTERM while a hook runs: the hook ends first, then the run stops with 75")
def stop_hook():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        renew = "touch %s; sleep 2; %s; touch %s" % (lab.path("in"), lab.swap("mail", new),
                                                     lab.path("out"))
        lab.published(sections=[lab.host(renew=renew)])
        process = lab.start("run", "--wait")
        end = time.monotonic() + 20
        while not os.path.exists(lab.path("in")) and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        done = lab.finish(process, 20)
        same(done.code, LATER, done)
        check(os.path.exists(lab.path("out")), "the renewer was broken off")
        lab.converge()
        same(lab.contents(), [new.record])


@case("SIGTERM before a retry's pause ends: it does not wait for it")
def stop_pause():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.cf.fault(Fault("ratelimit", retry_after=20, path="."))
        process = lab.start("run")
        check(lab.cf.wait(lambda cf: any(e["answered"] for e in cf.audit), 20))
        time.sleep(0.3)
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        done = lab.finish(process, 40)
        same(done.code, LATER, done)
        check(time.monotonic() - told < 5, "sleeps on")


# ---- the state -----------------------------------------------------------------------------------

def phases(lab):
    """A lab in each phase of a rotation: (name, old, new)."""
    old, new = lab.pair(1), lab.pair(2)
    lab.put("mail", new)
    lab.run()
    yield "published", old, new
    lab.age()
    lab.run()
    yield "reloaded", old, new
    lab.age()
    lab.run()
    yield "retired", old, new


def lost_case(phase, adopt):
    @case("state lost when the new key is %s, adopt = %s" % (phase, adopt))
    def run():
        with Lab() as lab:
            lab.published(sections=[lab.host(adopt=adopt)])
            for name, old, new in phases(lab):
                if name == phase:
                    break
            shutil.rmtree(lab.state_directory)
            lab.mark()
            lab.run()
            check(new.record in lab.contents(), "a key on disk has no record")
            same(lab.calls("DELETE"), [], "retired at once without a state")
            for _ in range(4):
                lab.age(UNKNOWN)
                lab.run()
            same(lab.reloads()[-1][2], new.spki)
            stays = phase != "retired" and adopt == "no"
            same(lab.contents(), sorted([new.record] + ([old.record] if stays else [])))
            lab.check_vouched(old if phase == "published" else new)
            lab.check_clean()


for _phase in ("published", "reloaded", "retired"):
    for _adopt in ("yes", "no"):
        lost_case(_phase, _adopt)


def damage(text, kind):
    if kind == "cut short":
        return text[:-30]
    if kind == "empty":
        return ""
    if kind == "garbage":
        return "\0\1\2 garbage"
    if kind == "a digit changed":
        return re.sub(r"leaf (\S+) (.)", lambda m: "leaf %s %s" % (m[1], "1" if m[2] != "1" else "2"),
                      text, count=1)
    if kind == "a time changed":
        return re.sub(r" (\d+) ([01])\n", r" 1\1 \2\n", text, count=1)
    if kind == "a line less":
        lines = text.splitlines(True)
        return "".join(lines[:2] + lines[3:])
    return text * 2


def damaged_case(kind):
    @case("state damaged (%s): set aside, said, exit 1, and the work goes on" % kind)
    def run():
        with Lab() as lab:
            old, new = lab.published(), lab.pair(2)
            lab.put("mail", new)
            lab.run()
            text = damage(lab.state(), kind)
            with open(lab.state_file, "w", encoding="latin-1") as out:
                out.write(text)
            done = lab.run(code=FAILED)
            check("damaged" in done.err and "set aside" in done.err, done)
            kept = [name for name in os.listdir(lab.state_directory) if name != "state"]
            same(len(kept), 1, "what was set aside")
            with open(os.path.join(lab.state_directory, kept[0]), encoding="latin-1") as source:
                same(source.read(), text, "what was set aside is not what was there")
            same((lab.reloads(), lab.contents()), ([], sorted([old.record, new.record])))
            lab.run()
            lab.put("mail", lab.pair(3))
            lab.run()
            check(lab.pair(3).record in lab.contents(), "the work does not go on")


for _kind in ("cut short", "empty", "garbage", "a digit changed", "a time changed", "a line less",
              "twice"):
    damaged_case(_kind)


@case("a state of a later version: exit 1, nothing done, the file stays")
def later_version():
    with Lab() as lab:
        lab.published()
        text = lab.state().replace("daneroll state 1\n", "daneroll state 2\n")
        lab.write_state(text)
        before = lab.state()
        lab.put("mail", lab.pair(2))
        done = lab.run(code=FAILED)
        check("later" in done.err, done)
        same((lab.writes(), lab.state()), ([], before))
        same(sorted(os.listdir(lab.state_directory)), ["state"])


@case("the state file cannot be read (a folder, a link to nowhere): exit 1, nothing done")
def unreadable():
    with Lab() as lab:
        lab.published()
        os.unlink(lab.state_file)
        os.mkdir(lab.state_file)
        lab.put("mail", lab.pair(2))
        done = lab.run(code=FAILED)
        check("state" in done.err, done)
        same(lab.writes(), [])


@case("the state folder's place is a file: exit 1 with its name, nothing done")
def not_a_folder():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.write("state", "no folder\n")
        done = lab.run(code=FAILED)
        check(lab.state_directory in done.err, done)
        same(lab.cf.audit, [])


def mounted(lab, options, *commands):
    """The program in a mount namespace of its own, where the state folder is a tmpfs."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("needs root and unshare, for a mount of its own")
    folder = lab.state_directory
    os.makedirs(folder, exist_ok=True)
    script = "mount -t tmpfs -o %s none %s && echo mounted || exit\n" % (options, folder)
    script += "\n".join(commands)
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, env=lab.environment(),
                          stdin=subprocess.DEVNULL)
    text = done.stdout.decode("utf-8", "replace")
    # A plain chroot, whose root is no mount, cannot: its failure must not pass for the program's.
    if "mounted\n" not in text:
        raise Skipped("cannot mount here: " + text.strip()[:100])
    return done.returncode, text


def shell(words):
    return " ".join("'%s'" % word for word in words)


@case("state folder read-only: exit 1 with its name, nothing is written at the provider")
def read_only():
    with Lab() as lab:
        lab.published()
        lab.put("mail", lab.pair(2))
        kept = lab.path("kept")
        shutil.copy(lab.state_file, kept)
        code, text = mounted(lab, "size=1m", "cp %s %s/state; touch %s/lock" % (
            kept, lab.state_directory, lab.state_directory),
            "mount -o remount,ro %s" % lab.state_directory, shell(lab.command(("run",))))
        same(code, FAILED, text)
        check(lab.state_directory in text and "ead-only" in text, text)
        same(lab.writes(), [])


@case("state folder full: said, exit 1; the key in use keeps its record, nothing reloads or retires")
def full():
    with Lab() as lab:
        old, new = lab.published(), lab.pair(2)
        lab.put("mail", new)
        kept = lab.path("kept")
        shutil.copy(lab.state_file, kept)
        run = shell(lab.command(("run",)))
        fill = "cp %s %s/state; dd if=/dev/zero of=%s/fill bs=1k 2>/dev/null" % (
            kept, lab.state_directory, lab.state_directory)
        code, text = mounted(lab, "size=64k", fill, run + "; echo code $?",
                             run + "; echo code $?", "cmp %s %s/state && echo unharmed" % (
                                 kept, lab.state_directory),
                             "ls -A %s" % lab.state_directory,
                             "rm %s/fill; %s; echo code $?" % (lab.state_directory, run))
        same(re.findall(r"code (\d+)", text), ["1", "1", "0"], text)
        check("cannot write the state" in text and "No space" in text, text)
        check("unharmed" in text, "the former state was harmed", text)
        check("state.new" not in text, "half a state is left behind", text)
        check(old.record in lab.contents(), "lost the key in use")
        same((lab.reloads(), lab.calls("DELETE")), ([], []))


@case("state full and --wait with renew: nothing is renewed, for the try could not be noted")
def full_renew():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(renew="touch " + lab.path("renewed"))])
        fill = "dd if=/dev/zero of=%s/fill bs=1k 2>/dev/null" % lab.state_directory
        code, text = mounted(lab, "size=64k", fill, shell(lab.command(("run", "--wait"))))
        same(code, FAILED, text)
        check("cannot write the state" in text, text)
        check(not os.path.exists(lab.path("renewed")), "renewed all the same", text)


@case("the state belongs to another daneroll's hosts too: what is not in this configuration stays known")
def other_configuration():
    with Lab() as lab:
        old, new = lab.published(), lab.pair(2)
        mail2 = "mail2.example.org"
        lab.put("b", lab.pair(3))
        lab.configure([lab.host(mail2, pair="b")])
        lab.run()
        lab.configure([lab.host(), lab.host(mail2, pair="b")])
        lab.put("mail", new)
        lab.converge()
        same(lab.contents(), [new.record])
        lab.check_vouched(old)


if __name__ == "__main__":
    sys.exit(main(jobs=12))
