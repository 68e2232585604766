#!/usr/bin/env python3
"""The whole engine with `install = DIR`: services read a copy that only daneroll replaces, once DNS is
ready; what it does when they do not follow, when DNS or a pair is not as it should be.

TIMEOUT: 400. QEMU: too
"""

import os
import re
import stat
import sys

from dnswire import Rr, pack_name
from lab import (FAILED, FAST, GOOD, HOST, LATER, OWNER, UNKNOWN, USAGE, Authority, Lab, Pair, case,
                 check, main, openssl, own_address, same, store)
from stagelab import begun, content, installed, staged

MAIL2 = "mail2.example.org"
OWNER2 = "_25._tcp." + MAIL2
FILES = ["cert.pem", "chain.pem", "combined.pem", "fullchain.pem", "privkey.pem"]
DAY = 86400


def events(lab):
    """What `notify` was told: [{name: value}]"""
    found = []
    for text in (lab.read("notified").split("--\n") if os.path.exists(lab.path("notified")) else []):
        rows = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        found += [rows] if rows else []
    return found


def notify(lab):
    return [("notify", "{ env | grep ^DANE_; echo --; } >> " + lab.path("notified"))]


# ---- the first run -------------------------------------------------------------------------------

@case("an empty folder is filled at once, without reload, when services serve its key")
def filled():
    with Lab() as lab:
        pair = lab.pair(1)
        lab.put("mail", pair)
        lab.configure(staged(lab))
        lab.mark()
        lab.run()
        installed(lab, pair)
        same(lab.reloads(), [])
        same(lab.contents(), [pair.record])
        folder = os.path.realpath(lab.folder() + "/current")
        same(sorted(os.listdir(folder)), FILES)
        same(content(lab, "combined.pem"), pair.key + pair.certificate, "the key comes first")
        same((content(lab, "cert.pem"), content(lab, "chain.pem")), (pair.certificate, ""))
        for name in ("privkey.pem", "combined.pem"):
            same(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o600, name)
        lab.age()
        same(lab.run().err, "")
        lab.check_clean()


@case("an empty folder, and services serve another key: it is filled when DNS is ready, then loaded")
def filled_late():
    with Lab() as lab:
        source, old = lab.pair(1), lab.pair(2)
        lab.serve("mail", old)
        lab.put("mail", source)
        lab.configure(staged(lab))
        lab.mark()
        lab.run()
        same(lab.contents(), sorted([source.record, old.record]))
        same(lab.effects()[0][1]["record"]["content"], old.record, "what is served comes first")
        same((content(lab), lab.reloads()), (None, []))
        lab.age()
        lab.run()
        installed(lab, source)
        same(len(lab.reloads()), 1)
        lab.converge()
        same(lab.contents(), [source.record])
        lab.check_vouched(old)
        lab.check_waited(source)


@case("an empty folder, and nobody answers: filled at once; with a record somewhere, only when ripe")
def filled_unseen():
    for recorded in (False, True):
        with Lab() as lab:
            pair = lab.pair(1)
            if recorded:
                lab.cf.add_tlsa(OWNER, lab.pair(7).record, ttl=2)
            lab.put("mail", pair)
            lab.configure(staged(lab))
            lab.break_down()
            done = lab.run(code=(GOOD, FAILED))
            check(recorded or "connect" in done.err, "unseen services are not told", done)
            check(pair.record in lab.contents(), "not published", lab.contents())
            same(content(lab) is None, recorded)
            for _ in range(2):
                lab.age(UNKNOWN)
                lab.run(code=(GOOD, FAILED))
            installed(lab, pair)


# ---- rotations -----------------------------------------------------------------------------------

@case("a rotation: published, waited for, installed and loaded, retired; the former pair goes with it")
def rotation():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab)), lab.pair(2)
        lab.put("mail", new)
        for _ in range(2):
            lab.run()
            same(lab.contents(), sorted([old.record, new.record]))
            installed(lab, old)
        same(lab.reloads(), [])
        lab.age()
        lab.run()
        installed(lab, new, old)
        same([key for _, _, key in lab.reloads()], [new.spki])
        same(lab.contents(), sorted([old.record, new.record]))
        lab.age()
        lab.run()
        same(lab.contents(), [new.record])
        lab.age()
        same(lab.run().err, "")
        installed(lab, new)
        lab.check_vouched(old)
        lab.check_waited(new)
        same(len(lab.reloads()), 1)
        lab.check_clean()


@case("run --wait does the same from renewal to retirement")
def rotation_waiting():
    with Lab() as lab:
        new = lab.pair(2)
        old = begun(lab, sections=staged(lab, renew=lab.swap("mail", new), service="smtp imaps"))
        lab.run("run", "--wait")
        installed(lab, new)
        for owner in (OWNER, "_993._tcp." + HOST):
            same(lab.contents(owner), [new.record])
            lab.check_vouched(old, owner)
            lab.check_waited(new, owner)
        lab.check_clean()


@case("renewed again in mid-rotation: the newest pair is installed, and none in between")
def renewed_again():
    with Lab() as lab:
        old = begun(lab, sections=staged(lab))
        for number in (2, 3):
            lab.put("mail", lab.pair(number))
            lab.run()
            check(lab.pair(number).record in lab.contents() and old.record in lab.contents())
        installed(lab, old)
        lab.converge()
        installed(lab, lab.pair(3))
        same(lab.contents(), [lab.pair(3).record])
        same([key for _, _, key in lab.reloads()], [lab.pair(3).spki])
        lab.check_vouched(old)


@case("same key, new certificate: installed and loaded at once; no record changes")
def same_key():
    with Lab() as lab:
        begun(lab, sections=staged(lab))
        new = lab.pair(1, edition=1)
        lab.put("mail", new)
        lab.run()
        same(content(lab), new.certificate)
        same(lab.read("mail.served.crt"), new.certificate)
        lab.converge()
        same((len(lab.reloads()), lab.writes()), (1, []))
        installed(lab, new)


@case("same key, new certificate and a 3 0 1 record: published, waited for, installed")
def same_key_whole():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(1, edition=1)
        begun(lab, sections=staged(lab, record="3 0 1"))
        lab.put("mail", new)
        lab.run()
        same(lab.contents(), sorted([old.records[3, 0, 1], new.records[3, 0, 1]]))
        installed(lab, old)
        lab.age()
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.records[3, 0, 1]])


@case("one pair for two hosts: one installation for both, when both are ripe")
def two_hosts():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        begun(lab, sections=[lab.section("mail", "mail", staged=True),
                             ("host " + HOST, [("pair", "mail"), ("ttl", 2)]),
                             ("host " + MAIL2, [("pair", "mail"), ("ttl", 30)])])
        lab.put("mail", new)
        lab.run()
        lab.age(20)
        lab.run()
        installed(lab, old)
        lab.age(45)
        lab.run()
        installed(lab, new, old)
        lab.converge()
        same(len(lab.reloads()), 1)
        for owner in (OWNER, OWNER2):
            same(lab.contents(owner), [new.record])
            lab.check_vouched(old, owner)
            lab.check_waited(new, owner)


def rsa_and_ecdsa(lab, **ecdsa):
    """Both are renewed and published; the ECDSA pair comes first."""
    kinds = {"ec": "p256", "rsa": "rsa2048"}
    for name, kind in kinds.items():
        lab.put(name, lab.pair(1, kind))
    lab.configure([lab.section("ec", "ec", staged=True, **ecdsa),
                   lab.section("rsa", "rsa", staged=True),
                   ("host " + HOST, [("pair", "ec rsa"), ("ttl", 2)])])
    lab.run()
    lab.age()
    lab.mark()
    for name, kind in kinds.items():
        lab.put(name, lab.pair(2, kind))
    lab.run()
    same(len(lab.contents()), 4)
    lab.age()
    return [lab.pair(number, kind) for kind in kinds.values() for number in (1, 2)]


@case("RSA and ECDSA pairs side by side roll one at a time")
def two_kinds():
    with Lab() as lab:
        ec, ec2, rsa, rsa2 = rsa_and_ecdsa(lab)
        lab.converge()
        installed(lab, ec2, name="ec")
        installed(lab, rsa2, name="rsa")
        same(lab.contents(), sorted([ec2.record, rsa2.record]))
        (first, _, _), = lab.reloads("ec")
        (second, _, _), = lab.reloads("rsa")
        check(second - first > 1, "not verified in between", first, second)
        lab.check_vouched(ec, name="ec")
        lab.check_vouched(rsa, name="rsa")


@case("the second pair waits for the first one to be verified, and goes on after unreachable-after")
def one_at_a_time():
    with Lab() as lab:
        ec, ec2, rsa, rsa2 = rsa_and_ecdsa(lab, reload="true")
        for _ in range(3):
            lab.run(code=(GOOD, FAILED))
            lab.age()
        installed(lab, ec2, ec, name="ec")
        installed(lab, rsa, name="rsa")
        lab.age(DAY)
        done = lab.run(code=(GOOD, FAILED))
        check("unreachable-after" in done.err, "not told", done)
        installed(lab, rsa2, rsa, name="rsa")
        lab.check_vouched(ec, name="ec")
        lab.check_vouched(rsa, name="rsa")


# ---- services ------------------------------------------------------------------------------------

def count_lines(lab, name):
    return lab.read(name).count("\n") if os.path.exists(lab.path(name)) else 0


@case("a service that ignores the reload: reload once more, then restart; it works, all is well")
def restarted():
    with Lab() as lab:
        sections = staged(lab, reload="echo >> " + lab.path("ignored"), restart=lab.load_command())
        old, new = begun(lab, sections=sections), lab.pair(2)
        lab.put("mail", new)
        lab.run()
        lab.age()
        for reloads, restarts in ((1, 0), (2, 0), (2, 1)):
            lab.run()
            same((count_lines(lab, "ignored"), len(lab.reloads())), (reloads, restarts))
            check(old.record in lab.contents(), "retired while it is served")
            lab.age()
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.record])
        lab.check_vouched(old)


@case("a service that ignores reload and restart: three tries more, then only reported; nothing is put back")
def stubborn():
    with Lab() as lab:
        sections = staged(lab, reload="echo >> " + lab.path("reloads.n"),
                          restart="echo >> " + lab.path("restarts.n"))
        old, new = begun(lab, sections=sections), lab.pair(2)
        lab.put("mail", new)
        lab.run()
        lab.age()
        for _ in range(4):
            lab.run()
            lab.age()
        for _ in range(2):
            done = lab.run(code=FAILED)
            check("restart" in done.err and "former certificate" in done.err, done)
            lab.age()
        same((count_lines(lab, "reloads.n"), count_lines(lab, "restarts.n")), (2, 2))
        installed(lab, new, old)
        same(lab.contents(), sorted([old.record, new.record]))
        lab.serve("mail", new)
        lab.converge()
        same(lab.contents(), [new.record])


@case("a failed reload is never forgotten: it is run again, and nothing is retired before")
def reload_fails():
    with Lab() as lab:
        command = "test -e %s && { %s; }" % (lab.path("healed"), lab.load_command())
        old, new = begun(lab, sections=staged(lab, reload=command)), lab.pair(2)
        lab.put("mail", new)
        lab.run()
        for _ in range(3):
            lab.age()
            done = lab.run(code=FAILED)
            check("failed" in done.err, done)
            same(lab.contents(), sorted([old.record, new.record]))
        lab.write("healed", "")
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.record])
        lab.check_vouched(old)


def breaking(lab, how, bad):
    """A service that breaks when it loads BAD: no TLS, or another's key."""
    lab.write("bad.pem", bad.certificate)
    break_it = "rm -f " + lab.path("mail.served.crt") if how == "no TLS" else \
        "cp %s %s; cp %s %s" % (lab.pair(9).key_file, lab.path("mail.served.key"),
                                lab.pair(9).certificate_file, lab.path("mail.served.crt"))
    return "echo >> %s; if cmp -s %s/current/cert.pem %s; then %s; else %s; fi" % (
        lab.path("loads"), lab.folder(), lab.path("bad.pem"), break_it, "sh " + lab.write(
            "load.sh", lab.load_command()))


def broken_case(how):
    @case("a service that breaks after the installation (%s): put back at once, not tried again" % how)
    def run():
        with Lab() as lab:
            bad = lab.pair(2)
            old = begun(lab, sections=staged(lab, reload=breaking(lab, how, bad)),
                        daneroll=notify(lab))
            lab.put("mail", bad)
            lab.run()
            lab.age()
            done = lab.run(code=FAILED)
            check("put back" in done.err, done)
            installed(lab, old, bad)
            same(lab.read("mail.served.crt"), old.certificate, "the former pair was not loaded")
            check("failure" in [event["DANE_EVENT"] for event in events(lab)], events(lab))
            for _ in range(2):
                lab.age()
                count = count_lines(lab, "loads")
                done = lab.run(code=FAILED)
                check("--retry" in done.err, "not told why it waits", done)
                same(count_lines(lab, "loads"), count, "tried again")
                installed(lab, old, bad)
            lab.run("run", "--retry", HOST, code=FAILED)
            check(count_lines(lab, "loads") > count, "--retry does not try again")
            installed(lab, old, bad)
            lab.put("mail", lab.pair(3))
            lab.run(code=(GOOD, FAILED))
            lab.converge()
            installed(lab, lab.pair(3))
            check(lab.pair(3).record in lab.contents() and bad.record not in lab.contents())
            lab.check_vouched(old)
    return run


for _how in ("no TLS", "another's key"):
    broken_case(_how)


@case("what was put back is tried again when the configuration changes")
def put_back_configured():
    with Lab() as lab:
        bad = lab.pair(2)
        old = begun(lab, sections=staged(lab, reload=breaking(lab, "no TLS", bad)))
        lab.put("mail", bad)
        lab.run()
        lab.age()
        lab.run(code=FAILED)
        installed(lab, old, bad)
        lab.configure(staged(lab))
        lab.converge()
        installed(lab, bad)
        same(lab.contents(), [bad.record])


@case("a second server of the name with a key of its own: its record stays, and goes with it")
def second_server():
    with Lab() as lab:
        old, new, other = lab.pair(1), lab.pair(2), lab.pair(9)
        lab.serve("other", other)
        address, service = lab.another_server("other")
        lab.addresses[HOST] = own_address()
        connect = "%s %s" % (lab.addresses[HOST], address)
        lab.put("mail", old)
        lab.configure(staged(lab, connect=connect))
        lab.converge()
        installed(lab, old)
        same(lab.contents(), sorted([old.record, other.record]))
        lab.mark()
        count = len(lab.reloads())
        lab.put("mail", new)
        lab.converge()
        installed(lab, new)
        same(lab.contents(), sorted([new.record, other.record]))
        same(len(lab.reloads()) - count, 1)
        lab.serve("other", new)
        lab.converge()
        same(lab.contents(), [new.record])
        check(service.shown > 0)
        lab.check_vouched(old)


@case("one address of two still serves the former key: its record stays until both show the new one")
def one_of_two():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.serve("other", old)
        address, _ = lab.another_server("other")
        lab.addresses[HOST] = own_address()
        begun(lab, sections=staged(lab, connect="%s %s" % (lab.addresses[HOST], address)))
        lab.put("mail", new)
        lab.run()
        for _ in range(6):
            lab.age()
            lab.run(code=(GOOD, FAILED))
            same(lab.contents(), sorted([old.record, new.record]))
        lab.serve("other", new)
        lab.converge()
        same(lab.contents(), [new.record])


@case("a service that cannot be seen holds back retiring, not publishing or installing; told once")
def unseen():
    with Lab() as lab:
        owners = (OWNER, "_993._tcp." + HOST)
        old, new = begun(lab, sections=staged(lab, service="smtp imaps")), lab.pair(2)
        lab.break_down(word="imaps")
        lab.put("mail", new)
        text = ""
        for _ in range(4):
            text += lab.run().err
            lab.age()
        installed(lab, new, old)
        same(text.count("is 'connect' right?"), 1, "not told once", text)
        for owner in owners:
            same(lab.contents(owner), sorted([old.record, new.record]))
        lab.come_up(word="imaps")
        lab.converge()
        for owner in owners:
            same(lab.contents(owner), [new.record])
            lab.check_vouched(old, owner)


@case("a service that reads the source instead: published at once, said once with both paths")
def wrong_path():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab)), lab.pair(2)
        lab.put("mail", new)
        lab.serve("mail", new)
        done = lab.run(code=FAILED)
        check("outage" in done.err and lab.path("mail.crt") in done.err
              and "should read " + lab.folder() + "/current/fullchain.pem" in done.err, done)
        same(lab.contents(), sorted([old.record, new.record]))
        lab.age()
        check("should read" not in lab.run().err, "told again")
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.record])


@case("a service without STARTTLS: nothing is published for it, exit 1, others go on")
def no_starttls():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.put("web", lab.pair(3))
        lab.configure([lab.host(staged=True, reload="true"),
                       lab.host(MAIL2, pair="web", staged=True)])
        lab.serve("mail", None)
        done = lab.run(code=FAILED)
        check("STARTTLS" in done.err, done)
        same((lab.contents(), lab.contents(OWNER2)), ([], [lab.pair(3).record]))
        lab.serve("mail", lab.pair(1))
        lab.run()
        same(lab.contents(), [lab.pair(1).record])


@case("an outage with a vouched-for pair on disk: it is put back at once, and loaded")
def cured():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab)), lab.pair(2)
        lab.put("mail", new)
        lab.run()
        lab.age()
        lab.run()
        installed(lab, new, old)
        for record in lab.cf.records(OWNER):
            if record["content"] == new.record:
                lab.cf.remove(record["id"])
        done = lab.run(code=FAILED)
        check("put back" in done.err, done)
        same(content(lab), old.certificate)
        same(lab.read("mail.served.crt"), old.certificate)
        lab.converge()
        check(lab.read("mail.served.crt") == content(lab), "another pair than is installed is served")
        served = old if content(lab) == old.certificate else new
        check(served.record in lab.contents(), "the served key has no record")


# ---- next-key ------------------------------------------------------------------------------------

def next_key_form(lab, pair, form):
    if form == "a private key":
        return pair.key
    if form == "a public key":
        return openssl("pkey", "-in", pair.key_file, "-pubout").decode()
    return openssl("req", "-new", "-key", pair.key_file, "-subj", "/CN=" + HOST).decode()


def next_key_case(form):
    @case("next-key, %s: published ahead; a renewal that brings it is installed at once" % form)
    def run():
        with Lab() as lab:
            file = lab.path("next.pem")
            old, new, third = lab.pair(1), lab.pair(2), lab.pair(3)
            begun(lab, sections=staged(lab, next_key=file))
            lab.write("next.pem", next_key_form(lab, new, form), 0o600)
            lab.run()
            same(lab.contents(), sorted([old.record, new.record]))
            lab.age()
            same(lab.run().err, "")
            installed(lab, old)
            same(lab.reloads(), [])
            lab.write("next.pem", next_key_form(lab, third, form), 0o600)
            lab.put("mail", new)
            lab.run()
            installed(lab, new, old)
            same(len(lab.reloads()), 1)
            check(third.record in lab.contents(), "the key after next is not published")
            lab.converge()
            same(lab.contents(), sorted([new.record, third.record]))
            lab.check_vouched(old)
            lab.check_waited(new)
            lab.check_clean()
    return run


for _form in ("a private key", "a public key", "a request"):
    next_key_case(_form)


@case("a next key that is not ripe is waited for; one replaced unused is retired; garbage is told")
def next_key_turns():
    with Lab() as lab:
        old = begun(lab, sections=staged(lab, next_key=lab.path("next.pem")))
        lab.write("next.pem", lab.pair(2).key, 0o600)
        lab.run()
        lab.write("next.pem", lab.pair(3).key, 0o600)
        lab.run()
        check(lab.pair(3).record in lab.contents())
        lab.converge()
        same(lab.contents(), sorted([old.record, lab.pair(3).record]))
        lab.write("next.pem", lab.pair(4).key, 0o600)
        lab.put("mail", lab.pair(4))
        lab.run()
        installed(lab, old)
        lab.write("next.pem", "no key at all\n", 0o600)
        done = lab.run(code=FAILED)
        check("next-key" in done.err, done)
        os.unlink(lab.path("next.pem"))
        lab.converge()
        installed(lab, lab.pair(4))
        same(lab.contents(), [lab.pair(4).record])
        lab.check_vouched(old)


# ---- pairs that must not be used -----------------------------------------------------------------

def issued(lab, stem, names=(HOST,), authority="ca", **more):
    """A pair from a CA of this lab."""
    ca = Authority(lab.path(authority), "CA of " + authority)
    return Pair(*ca.issue(list(names), stem, **more))


def trusted(lab, **more):
    return staged(lab, chain=Authority(lab.path("ca"), "CA of ca").certificate, **more)


def unfit_case(name, words, make, code=FAILED):
    @case("a pair that fails the check (%s): nothing of it is published or installed" % name)
    def run():
        with Lab() as lab:
            good = issued(lab, "good")
            begun(lab, good, sections=trusted(lab))
            make(lab)
            done = lab.run(code=code)
            for word in words:
                check(word in done.err, "no word of", word, done)
            same((lab.writes(), lab.reloads()), ([], []))
            installed(lab, good)
            lab.cf.remove(lab.cf.records(OWNER)[0]["id"])
            lab.run(code=code)
            same(lab.contents(), [good.record], "the served key is not looked after")
            new = issued(lab, "new")
            lab.put("mail", new)
            lab.age()
            lab.converge()
            installed(lab, new)
            same(lab.contents(), [new.record])
    return run


def put(**more):
    return lambda lab: lab.put("mail", issued(lab, "bad", **more))


def readable(lab):
    lab.put("mail", issued(lab, "bad"))
    os.chmod(lab.path("mail.key"), 0o644)
    for folder in (store.directory, lab.directory):
        os.chmod(folder, 0o711)  # a key that nobody can get at may have any mode


def without_leaf(lab):
    pair = issued(lab, "bad")
    blocks = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", pair.certificate, re.S)
    lab.write("mail.key", pair.key, 0o600)
    lab.write("mail.crt", "".join(reversed(blocks)))


unfit_case("another name", [HOST], put(names=("www.example.org",)))
unfit_case("expired", ["expired"], put(not_before=1700000000, not_after=1790000000))
unfit_case("not yet valid", ["not valid before"], put(not_before=4000000000, not_after=4010000000))
unfit_case("another CA", ["is not among"], put(authority="other"))
unfit_case("a key that others can read", ["mail.key"], readable)
unfit_case("the issuer comes first", ["mail.crt"], without_leaf, (FAILED, LATER))


@case("an unfit pair at the very first run: nothing of it, but what is served is published")
def unfit_first():
    with Lab() as lab:
        served = issued(lab, "good")
        lab.serve("mail", served)
        lab.put("mail", issued(lab, "bad", names=("www.example.org",)))
        lab.configure(trusted(lab))
        done = lab.run(code=FAILED)
        check(HOST in done.err, done)
        same((lab.contents(), content(lab)), ([served.record], None))


@case("a source that is being written: exit 75, nothing changes, then it goes on")
def half_written():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab)), lab.pair(2)
        lab.write("mail.key", new.key, 0o600)
        done = lab.run(code=LATER)
        check("mail.crt" in done.err or "mail.key" in done.err, done)
        same((lab.writes(), lab.contents()), ([], [old.record]))
        installed(lab, old)
        lab.put("mail", new)
        lab.converge()
        installed(lab, new)


# ---- leave, --now --------------------------------------------------------------------------------

@case("leave = yes: our records go, what is not ours is named; keys change freely when caches forgot")
def leave():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab)), lab.pair(2)
        lab.cf.add_tlsa(OWNER, lab.pair(7).record, ttl=2)
        lab.configure(staged(lab, leave="yes"))
        lab.put("mail", new)
        done = lab.run()
        check(lab.pair(7).spki[:8] in done.err, "the foreign record is not named", done)
        same(lab.contents(), [lab.pair(7).record])
        lab.age()
        lab.run()
        installed(lab, old)
        lab.cf.remove(lab.cf.records(OWNER)[0]["id"])
        done = lab.run()
        check("freely" not in done.err, "told before caches forgot", done)
        installed(lab, old)
        lab.age(UNKNOWN)
        done = lab.run()
        check("freely" in done.err, "not told", done)
        installed(lab, new, old)
        lab.age()
        lab.converge()
        same((lab.contents(), len(lab.reloads())), ([], 1))


@case("run --now: renews at once; not ripe: says what both ways cost, and waits without publish-wait")
def now():
    with Lab() as lab:
        new = lab.pair(2)
        waits = dict(FAST, **{"publish-wait": 3600, "retire-wait": 3600})
        old = begun(lab, sections=staged(lab, renew=lab.swap("mail", new)), waits=waits)
        done = lab.run("run", "--now", HOST)
        check("not ripe" in done.err and "defer" in done.err, done)
        same(lab.contents(), sorted([old.record, new.record]))
        installed(lab, old)
        lab.age()
        lab.run()
        installed(lab, old)
        lab.run("run", "--now", HOST, timeout=40)
        lab.run("run", "--now", "--no-renew", HOST, timeout=40)
        same(lab.contents(), [new.record])
        installed(lab, new)
        lab.check_vouched(old)
        lab.check_waited(new)


@case("run --now with a ripe next key: renewed, installed and retired in that call")
def now_ripe():
    with Lab() as lab:
        new = lab.pair(2)
        sections = staged(lab, renew=lab.swap("mail", new), next_key=lab.path("next.pem"))
        waits = dict(FAST, **{"publish-wait": 3600, "retire-wait": 3600})
        lab.write("next.pem", new.key, 0o600)
        old = lab.pair(1)
        begun(lab, sections=sections, waits=waits)
        lab.run()
        lab.age()
        lab.run("run", "--now", HOST, timeout=60)
        same(content(lab), new.certificate)
        same(lab.contents(), [new.record])
        lab.check_vouched(old)


# ---- DNS -----------------------------------------------------------------------------------------

@case("servers that lag: nothing is installed before they show the new record, and T1 begins then")
def lag():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab)), lab.pair(2)
        lab.names.hold()
        lab.put("mail", new)
        text = ""
        for _ in range(3):
            text += lab.run().err
            lab.age(UNKNOWN)
        check("ns.example.org" in text and lab.names.address in text, "who lags is not named", text)
        installed(lab, old)
        lab.names.held = None
        lab.run()
        installed(lab, old)
        lab.age()
        lab.run()
        installed(lab, new, old)


@case("a name server that is silent: nothing is installed before unreachable-after, then it goes on")
def one_silent():
    with Lab() as lab:
        lab.names.more["ns2"] = own_address()
        lab.put("mail", lab.pair(1))
        lab.configure(staged(lab))
        old, new = lab.pair(1), lab.pair(2)
        text = lab.run().err
        lab.age()
        lab.put("mail", new)
        text += lab.run().err
        for _ in range(2):
            lab.age(7200)
            lab.run()
        check("ns2.example.org" in text, "who is silent is not named", text)
        installed(lab, old)
        lab.age(DAY)
        lab.run()
        installed(lab, new, old)


@case("DNS is mute: exit 75, what is served is published, nothing is installed; then the wait begins")
def mute():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab, service="smtp submission imaps")), lab.pair(2)
        lab.names.mute = True
        lab.put("mail", new)
        done = lab.run(code=LATER)
        check("DNS" in done.err and lab.names.address in done.err, done)
        check(done.seconds < 20, "waits for each name anew", done)
        same(lab.contents(), sorted([old.record, new.record]))
        lab.age(UNKNOWN)
        lab.run(code=LATER)
        installed(lab, old)
        lab.names.mute = False
        lab.run()
        installed(lab, old)
        lab.age()
        lab.run()
        installed(lab, new, old)


@case("propagation = resolver: one that answers recursive questions alone is enough")
def by_resolver():
    with Lab() as lab:
        lab.names.only_recursive = True
        old, new = begun(lab, sections=staged(lab, propagation="resolver")), lab.pair(2)
        lab.put("mail", new)
        lab.run()
        installed(lab, old)
        lab.age()
        lab.converge()
        installed(lab, new)
        same(lab.contents(), [new.record])
        lab.check_waited(new)


@case("propagation = time: no question at all; five minutes on top")
def by_time():
    with Lab() as lab:
        lab.names.mute = True
        old, new = begun(lab, sections=staged(lab, propagation="time")), lab.pair(2)
        lab.put("mail", new)
        lab.run()
        lab.age(290)
        lab.run()
        installed(lab, old)
        lab.age(20)
        lab.run()
        installed(lab, new, old)
        same(lab.names.asked, [])


@case("a host whose MX records name others: refused with their names, exit 2, nothing is done")
def other_mx():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.names.replace[HOST, "MX"] = [
            Rr(HOST, "MX", ttl=60, data=bytes([0, number]) + pack_name(name))
            for number, name in enumerate(("mx1.example.net", "mx2.example.net"))]
        lab.configure(staged(lab))
        done = lab.run(code=USAGE)
        check("mx1.example.net" in done.err and "mx2.example.net" in done.err, done)
        same((lab.writes(), content(lab)), ([], None))
        lab.names.replace[HOST, "MX"].append(Rr(HOST, "MX", ttl=60,
                                                data=b"\0\5" + pack_name(HOST)))
        lab.run()
        same(lab.contents(), [lab.pair(1).record])


@case("a host that is a CNAME itself: told once which name clients go by, and the work goes on")
def host_alias():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.names.replace[HOST, "MX"] = [Rr(HOST, "CNAME", ttl=60,
                                            data=pack_name("srv.example.net"))]
        lab.configure(staged(lab))
        text = lab.run().err
        lab.age()
        text += lab.run().err
        same(text.count("%s is a CNAME of srv.example.net" % HOST), 1, text)
        same(lab.contents(), [lab.pair(1).record])


@case("an unsigned zone: said once, published all the same, and the order is kept")
def unsigned():
    with Lab() as lab:
        lab.names.unsigned = True
        lab.put("mail", lab.pair(1))
        lab.configure(staged(lab))
        done = lab.run()
        check("not in force" in done.err, done)
        check("not in force" not in lab.run().err, "told again")
        lab.age()
        lab.mark()
        lab.put("mail", lab.pair(2))
        lab.run()
        installed(lab, lab.pair(1))
        lab.converge()
        installed(lab, lab.pair(2))
        lab.check_waited(lab.pair(2))


@case("a bogus zone: exit 1, notify, nothing is changed; when it is mended the work goes on")
def bogus():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab), daneroll=notify(lab)), lab.pair(2)
        lab.names.bogus = True
        lab.put("mail", new)
        for _ in range(2):
            done = lab.run(code=FAILED)
            check("DNSSEC" in done.err, done)
            lab.age()
        same([event["DANE_EVENT"] for event in events(lab)].count("outage"), 1, events(lab))
        same(lab.writes(), [])
        installed(lab, old)
        lab.names.bogus = False
        lab.converge()
        installed(lab, new)


@case("a CNAME at the owner name: its target is kept, through a rotation")
def alias():
    with Lab() as lab:
        target = "tlsa._dane.example.org"
        lab.names.aliases[OWNER] = target
        lab.cf.add_tlsa(target, lab.pair(7).record, ttl=2)
        old, new = lab.pair(1), lab.pair(2)
        lab.put("mail", old)
        lab.configure(staged(lab, adopt="yes"))
        done = lab.run(code=FAILED)
        check(target in done.err, "the target is not named", done)
        lab.age(UNKNOWN)
        lab.mark()
        lab.put("mail", new)
        lab.run()
        check(old.record in lab.contents(target) and new.record in lab.contents(target))
        same(lab.contents(), [], "published beside the CNAME")
        lab.converge()
        installed(lab, new)
        same(lab.contents(target), sorted([new.record, lab.pair(7).record]),
             "others may point there: only what is ours goes")
        lab.check_vouched(old, target)
        lab.configure(staged(lab, adopt="yes", shared="no"))
        lab.converge()
        same(lab.contents(target), [new.record])


# ---- notify --------------------------------------------------------------------------------------

@case("notify: completion, failure and outage, with the facts in its environment and nothing secret")
def notified():
    with Lab() as lab:
        old, new = begun(lab, sections=staged(lab), daneroll=notify(lab)), lab.pair(2)
        same(events(lab), [])
        lab.put("mail", new)
        lab.run()
        same(events(lab), [], "told of a step as planned")
        lab.age()
        lab.run()
        event, = events(lab)
        same((event["DANE_EVENT"], event["DANE_HOST"], event["DANE_PAIR"], event["DANE_KEY"]),
             ("completion", HOST, HOST, new.spki))
        check(event["DANE_MESSAGE"], event)
        lab.converge()
        same(len(events(lab)), 1)
        lab.serve("mail", lab.pair(9))
        lab.run(code=FAILED)
        same([(e["DANE_EVENT"], e["DANE_HOST"]) for e in events(lab)[1:]], [("outage", HOST)])
        check("outage" in events(lab)[1]["DANE_MESSAGE"], events(lab))
        lab.serve("mail", new)
        lab.converge()
        os.unlink(lab.path("mail.crt"))
        for _ in range(2):
            lab.run(code=FAILED)
        same([e["DANE_EVENT"] for e in events(lab)[2:]], ["failure"], "not told once")
        check("mail.crt" in events(lab)[2]["DANE_MESSAGE"], events(lab)[2])
        check(lab.cf.tokens[0].secret not in lab.read("notified"))


@case("notify that fails or hangs does not hold up the run")
def notify_fails():
    with Lab() as lab:
        begun(lab, sections=staged(lab), daneroll=[("notify", "echo broken words; exit 3")])
        os.unlink(lab.path("mail.crt"))
        done = lab.run(code=FAILED)
        check("notify" in done.err and "exit status 3" in done.err, done)
        installed(lab, lab.pair(1))


if __name__ == "__main__":
    sys.exit(main(jobs=12))
