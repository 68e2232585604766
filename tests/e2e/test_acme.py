#!/usr/bin/env python3
"""daneroll beside the ACME clients of Debian, which get their certificates from Pebble: the files that
README's table names, whole rotations by cron and in one go, renewals that keep the key, hooks that
call daneroll back while locks are held, and pairs that are read while they are being written.

VARIANT: target
TIMEOUT: 300
"""

import hashlib
import os
import sys
import threading

from acmelab import AcmeLab, Certbot, Dehydrated, Lego, Uacme, pebble, table
from lab import (CLOCK, DANEROLL, FAILED, FAST, GOOD, HOST, LATER, Clock, Pair, case, check, main,
                 openssl, same)

HOUR, DAY = 3600, 86400
HALF_SECONDS, SWITCHES = 0.02, 5000  # how long half a pair stands there, and how often at most
README_WAITS = {"publish-wait": "1d"}  # what README's configuration says


def installed(lab, current, previous=None):
    """CURRENT and PREVIOUS stand where services read (None: nothing): the client's certificates to
    the octet, with their keys, whatever else the client wrote beside those (EC PARAMETERS)."""
    for place, pair in (("current", current), ("previous", previous)):
        folder = os.path.join(lab.folder(), place)
        if pair is None:
            check(not os.path.exists(folder), place, "is there")
            continue
        found = Pair(folder + "/fullchain.pem", folder + "/privkey.pem")
        same(found.certificate, pair.certificate, place)
        same(key_record(folder + "/privkey.pem"), pair.record, place)
        same(key_record(folder + "/combined.pem"), pair.record, place)


def key_record(path):
    """The record of a bare key."""
    der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    return "3 1 1 " + hashlib.sha256(der).hexdigest()


def fits(lab, *records):
    """The RRset is these RECORDS, and one of them is of the key that is served."""
    same(lab.contents(), sorted(records))
    served = Pair(lab.path("mail.served.crt"), lab.path("mail.served.key"))
    check(served.record in records, "what is served has no record", served.record, records)


def first_run(lab, waits=None, served=None, clock=True, **more):
    """The client's first pair, served from its own files (or SERVED, another): published, and the
    folder for services filled."""
    pair = lab.client.issue()
    if clock:
        lab.clock = Clock(lab)
    lab.serve("mail", served or pair)
    lab.configure(lab.sections(**more), waits)
    lab.mark()
    lab.run(clock=clock)
    if served:
        fits(lab, served.record, pair.record)
        installed(lab, None)
        return pair
    fits(lab, pair.record)
    installed(lab, pair)
    same(lab.reloads(), [])
    lab.run(clock=clock)
    lab.mark()
    return pair


def rotation(lab, old, new, steps):
    """NEW was written by the client. STEPS: [(seconds that pass, "old" | "both" | "new")], what is
    installed and what DNS holds after the cron call that follows."""
    lab.run(clock=True)
    fits(lab, old.record, new.record)
    installed(lab, old)
    for seconds, what in steps:
        lab.passes(seconds)
        lab.run(clock=True)
        installed(lab, *{"old": (old,), "both": (new, old), "new": (new,)}[what])
        fits(lab, *[new.record] if what == "new" else [old.record, new.record])
    same([key for when, _, key in lab.reloads() if when >= lab.marked], [new.spki])
    lab.check_vouched(old)
    lab.check_clean()


def renewed_same(lab, old, new):
    """NEW has OLD's key: no record changes, it is installed and loaded at once."""
    same(new.spki, old.spki, "the client changed the key")
    check(new.certificate != old.certificate, "nothing was renewed")
    lab.mark()
    count = len(lab.reloads())
    lab.run(clock=True)
    fits(lab, old.record)
    for _ in range(2):
        lab.passes(2 * HOUR)
        lab.run(clock=True)
    installed(lab, new)
    same((len(lab.reloads()) - count, lab.writes()), (1, []))


# ---- certbot ---------------------------------------------------------------------------------------

@case("certbot with README's configuration: first run, then a renewal with a new key, by cron")
def certbot_new_key():
    with AcmeLab(Certbot) as lab:
        old = first_run(lab, README_WAITS)
        new = lab.client.renew()
        check(new.spki != old.spki, "certbot kept its key")
        rotation(lab, old, new, [(HOUR, "old"), (DAY - 2 * HOUR, "old"), (2 * HOUR, "both"),
                                 (2 * HOUR, "new")])
        lab.check_waited(new, least=DAY)


@case("certbot renew --reuse-key: installed and loaded, no record changes; --new-key rolls all the same")
def certbot_same_key():
    with AcmeLab(Certbot) as lab:
        old = first_run(lab, {})
        same_key = lab.client.renew("--reuse-key")
        renewed_same(lab, old, same_key)
        lab.mark()
        new = lab.client.renew("--new-key")
        check(new.spki != old.spki, "certbot kept its key")
        rotation(lab, same_key, new, [(2 * HOUR, "both"), (2 * HOUR, "new")])


def point(lab, name, number):
    """certbot's link of that NAME leads to the NUMBERth file, as it switches them one by one."""
    link = os.path.join(os.path.dirname(lab.client.certificate), name)
    os.symlink("../../archive/%s/%s%d.pem" % (HOST, name[:-4], number), link + ".new")
    os.replace(link + ".new", link)


@case("certbot in the middle of its links: a key that does not fit is left alone, the next call has both")
def certbot_half():
    with AcmeLab(Certbot) as lab:
        old = first_run(lab, {})
        check(os.path.islink(lab.client.key) and os.path.islink(lab.client.certificate), "no links")
        new = lab.client.renew()
        for half in ("fullchain.pem", "privkey.pem"):
            point(lab, half, 1)
            lab.mark()
            done = lab.run(clock=True, code=LATER)
            check("does not fit" in done.err, done)
            same(lab.writes(), [], "half a pair", done)
            installed(lab, old)
            fits(lab, old.record)
            point(lab, half, 2)
        rotation(lab, old, new, [(2 * HOUR, "both"), (2 * HOUR, "new")])


@case("certbot writes the other half while daneroll reads: either the pair is taken whole, or not at all")
def certbot_racing():
    with AcmeLab(Certbot) as lab:
        old = first_run(lab, {})
        new = lab.client.renew()
        stop = threading.Event()

        def switch():
            for number in range(SWITCHES):
                for name in ("privkey.pem", "fullchain.pem"):
                    point(lab, name, 1 + number % 2)
                    if stop.wait(HALF_SECONDS):
                        return

        thread = threading.Thread(target=switch)
        thread.start()
        try:
            for _ in range(10):
                lab.run(clock=True, code=(GOOD, FAILED, LATER))
                installed(lab, old)
                fits(lab, old.record, *{new.record} & set(lab.contents()))
        finally:
            stop.set()
            thread.join()
        for name in ("privkey.pem", "fullchain.pem"):
            point(lab, name, 2)
        lab.mark()
        rotation(lab, old, new, [(2 * HOUR, "both"), (2 * HOUR, "new")])


def hook(lab, binary=CLOCK, more=""):
    """README's line for a deploy hook, as a script that notes how daneroll ended."""
    clock = "DANE_TEST_CLOCK=%s " % lab.clock.path if lab.clock else ""
    return lab.write("hook", "#!/bin/sh\n%s\n%s%s run --no-renew --config=%s 2>>%s\ncode=$?\n"
                     "echo $code >>%s\n[ $code -eq 0 ] || [ $code -eq 75 ]\n"
                     % (more, clock, binary, lab.config_file, lab.path("hook.err"),
                        lab.path("hook.codes")), 0o755)


@case("certbot's deploy hook calls daneroll while certbot holds its lock: published in that moment")
def certbot_hook():
    with AcmeLab(Certbot) as lab:
        old = first_run(lab, {}, renew=lab.client.line(*Certbot.renewal))
        # That certbot's lock is held then is shown by a second certbot, which fails.
        second = "%s >>%s 2>&1 && exit 9" % (lab.client.line(*Certbot.renewal), lab.path("second"))
        new = lab.client.renew("--deploy-hook", hook(lab, more=second))
        same(lab.read("hook.codes"), "0\n", lab.read("hook.err"))
        check("nother instance" in lab.read("second"), "certbot held no lock", lab.read("second"))
        fits(lab, old.record, new.record)
        installed(lab, old)
        rotation(lab, old, new, [(2 * HOUR, "both"), (2 * HOUR, "new")])


def one_go(lab, *arguments):
    """daneroll renews by certbot, whose deploy hook calls daneroll, which is at work: 75 there."""
    old = first_run(lab, clock=False, renew=lab.client.line(
        *Certbot.renewal, "--deploy-hook", hook(lab, DANEROLL)))
    done = lab.run("run", *arguments)
    same(lab.read("hook.codes"), "75\n", done)
    new = lab.client.pair()
    check(new.spki != old.spki, "nothing was renewed", done)
    return old, new


@case("renew = certbot renew, and run --wait: from renewal to retirement, the deploy hook gets 75")
def certbot_wait():
    with AcmeLab(Certbot) as lab:
        old, new = one_go(lab, "--wait")
        installed(lab, new)
        fits(lab, new.record)
        lab.check_vouched(old)
        lab.check_waited(new)
        lab.check_clean()


@case("renew = certbot renew, and run --now: renewed and published at once, later calls do the rest")
def certbot_now():
    with AcmeLab(Certbot) as lab:
        old, new = one_go(lab, "--now", HOST)
        fits(lab, old.record, new.record)
        installed(lab, old)
        lab.age()
        lab.converge()
        installed(lab, new)
        fits(lab, new.record)
        lab.check_vouched(old)
        lab.check_waited(new)


@case("a stolen key, and nothing is due for certbot: a new key by hand, then run --now --no-renew --wait")
def certbot_stolen():
    with AcmeLab(Certbot) as lab:
        old = first_run(lab, dict(FAST, **{"publish-wait": HOUR}), clock=False,
                        renew=lab.client.line("renew", "--no-random-sleep-on-renew"))
        done = lab.run("run", "--now", HOST, code=1)
        check("'renew' has brought no other key" in done.err, done)
        same(lab.writes(), [], "certbot renewed what was not due")
        new = lab.client.renew("--new-key")
        lab.run("run", "--now", "--no-renew", "--wait", HOST)
        installed(lab, new)
        fits(lab, new.record)
        lab.check_vouched(old)
        lab.check_waited(new)


# ---- the others ------------------------------------------------------------------------------------

@case("uacme: services show another key at first; it keeps its key, and makes one where none lies")
def uacme():
    with AcmeLab(Uacme) as lab:
        former = lab.pair(1)
        old = first_run(lab, {}, served=former)
        lab.passes(3 * HOUR)
        lab.run(clock=True)
        installed(lab, old)
        fits(lab, former.record, old.record)
        lab.passes(2 * HOUR)
        lab.run(clock=True)
        fits(lab, old.record)
        lab.check_vouched(former)
        same_key = lab.client.renew()
        renewed_same(lab, old, same_key)
        os.rename(lab.client.key, lab.client.key + ".former")
        lab.mark()
        new = lab.client.renew("-t", "EC")
        check(new.spki != old.spki, "uacme kept its key")
        rotation(lab, same_key, new, [(2 * HOUR, "both"), (2 * HOUR, "new")])


@case("uacme as `renew` says 1 where nothing is due: README's line takes that as success")
def uacme_not_due():
    with AcmeLab(Uacme) as lab:
        line = lab.client.line("issue", HOST)
        first_run(lab, clock=False, renew=line)
        done = lab.run("run", "--wait", code=FAILED)
        check("exit status 1" in done.err, done)
        lab.configure(lab.sections(renew=line + " || [ $? -eq 1 ]"))
        lab.run("run", "--wait")
        same(lab.writes(), [])


@case("dehydrated prepares the next key: in DNS before it is used, and installed with its renewal at once")
def dehydrated():
    with AcmeLab(Dehydrated) as lab:
        old = lab.client.issue()
        following = key_record(lab.client.next)
        lab.clock = Clock(lab)
        lab.serve("mail", old)
        lab.configure(lab.sections(), {})
        lab.mark()
        lab.run(clock=True)
        fits(lab, old.record, following)
        installed(lab, old)
        for retired in (True, False):
            lab.passes(7 * DAY)
            lab.run(clock=True)
            lab.mark()
            new = lab.client.renew()
            same(new.record, following, "not the key that was prepared")
            following = key_record(lab.client.next)
            check(following != new.record, "no further key was prepared")
            lab.run(clock=True)
            installed(lab, new, old)
            fits(lab, old.record, new.record, following)
            same([key for when, _, key in lab.reloads() if when >= lab.marked], [new.spki])
            if retired:
                lab.passes(2 * HOUR)
                lab.run(clock=True)
                installed(lab, new)
                fits(lab, new.record, following)
            lab.check_vouched(old)
            old = new


@case("lego: a new key at each renewal, the same one with --reuse-key")
def lego():
    with AcmeLab(Lego) as lab:
        old = first_run(lab, {})
        new = lab.client.renew()
        check(new.spki != old.spki, "lego kept its key")
        rotation(lab, old, new, [(2 * HOUR, "both"), (2 * HOUR, "new")])
        renewed_same(lab, new, lab.client.renew("--reuse-key"))


@case("README's table has a row for each client")
def rows():
    found = table()
    same(sorted(found), sorted(["certbot", "uacme", "acme.sh", "dehydrated", "lego",
                                "OpenWrt's acme"]))
    for client, files in found.items():
        check(len(files) == 3 and files[0] and files[1], client, files)


if __name__ == "__main__":
    try:
        sys.exit(main(jobs=12))
    finally:
        pebble.stop()
