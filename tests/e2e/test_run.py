#!/usr/bin/env python3
"""`daneroll run` over the emulator: first publication, nothing to do, records of a former life and of
others, the token and what is refused, --dry-run, --syslog, HOST, options without a file, clocks.

TIMEOUT: 400. QEMU: too
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

from lab import (CLOCK, DANEROLL, FAILED, GOOD, HOST, LATER, OWNER, TARGET, TOP, USAGE, USUAL_TOKEN,
                 VARIANT, UNKNOWN, Authority, Clock, Fault, Lab, Skipped, Token, Trap, Zone, case, check,
                 check_secret, main, same, store)

MAIL2 = "mail2.example.org"
LATER_SECONDS = 5  # a call that is refused at once takes no longer


def identity(path):
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


# ---- the plain ways ------------------------------------------------------------------------------

@case("first publication: a record per service, marked, with the TTL asked for; nothing is reloaded")
def first():
    with Lab(min_ttl=60) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(service="smtp submission", ttl=None)])
        done = lab.run()
        for owner in (OWNER, "_587._tcp." + HOST):
            record, = lab.cf.records(owner)
            same((record["content"], record["ttl"]), (lab.pair(1).record, 1800))
            check("daneroll" in record["comment"], record)
            check(owner in done.err, done)
        same((lab.reloads(), done.out), ([], ""))
        check(lab.cf.audit[-1]["method"] == "GET", "the last write was not read back")
        lab.check_clean()


@case("nothing to do: no write, nothing printed, the state file untouched, two requests, one handshake")
def nothing():
    with Lab() as lab:
        lab.published()
        before = identity(lab.state_file)
        names = sorted(os.listdir(lab.state_directory))
        lab.cf.counters["handshakes"] = 0
        for options in ([], ["--wait"]):
            lab.mark()
            lab.cf.counters["handshakes"] = 0
            done = lab.run("run", *options)
            same((done.out, done.err), ("", ""))
            same(lab.writes(), [])
            check(len(lab.cf.audit) <= 1, "more than one request", len(lab.cf.audit))
            same(lab.cf.counters["handshakes"], 1, "TLS handshakes")
            same(identity(lab.state_file), before, "the state was written")
        same(sorted(os.listdir(lab.state_directory)), names)
        same(stat.S_IMODE(os.stat(lab.state_file).st_mode), 0o600)
        same(stat.S_IMODE(os.stat(lab.state_directory).st_mode), 0o700)
        lab.check_clean()


@case("nothing to do, zone looked up: no more than two requests above a zone id's")
def nothing_lookup():
    with Lab() as lab:
        lab.published(provider={"token-file": lab.token_file})
        lab.cf.counters["handshakes"] = 0
        same(lab.run().err, "")
        asked = [e for e in lab.cf.audit if e["path"].startswith("/zones") and "name" in e["query"]
                 and "dns_records" not in e["path"]]
        check(len(lab.cf.audit) <= 3 and len(asked) <= 2,
              [(e["method"], e["target"]) for e in lab.cf.audit])
        same(lab.cf.counters["handshakes"], 1)
        lab.published(provider={"token-file": lab.token_file, "zone": "example.org"})
        lab.run()
        check(len(lab.cf.audit) <= 2, [(e["method"], e["target"]) for e in lab.cf.audit])
        lab.check_clean()


@case("one TLS connection per run, also where much is done")
def one_connection():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(service="smtp submission submissions imap imaps pop3 pop3s sieve")])
        lab.cf.counters["handshakes"] = 0
        lab.run()
        same(lab.cf.counters["handshakes"], 1)
        same(len(lab.calls("POST")), 8)
        lab.mark()
        lab.run()
        check(len(lab.cf.audit) <= 3, "many services are listed one by one")
        lab.check_clean()


@case("several services of one name with different pairs; an upper-case host; xn--; 8443/tls")
def names():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.put("web", lab.pair(3))
        odd = "xn--mller-kva.example.org"
        lab.configure([("host MAIL.Example.ORG", lab.host(service="smtp")[1]),
                       ("host w", lab.host(pair="web", service="https 8443/tls", name=HOST)[1]),
                       ("host " + odd, lab.host(pair="web", service="smtp")[1])])
        lab.run()
        same(lab.contents(), [lab.pair(1).record])
        for owner in ("_443._tcp." + HOST, "_8443._tcp." + HOST, "_25._tcp." + odd):
            same(lab.contents(owner), [lab.pair(3).record])
        lab.mark()
        lab.run()
        same(lab.writes(), [])
        lab.check_clean()


# ---- records of others, and of a former life -----------------------------------------------------

@case("adopt: stale records of a former life go after the reload and retire-wait, not before")
def adopt():
    with Lab() as lab:
        stale = [lab.pair(7).record, lab.pair(8).record]
        for record in stale:
            lab.cf.add_tlsa(OWNER, record, ttl=2)
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(adopt="yes")])
        lab.mark()
        done = lab.run(code=FAILED)
        check("outage" in done.err, "a key that DNS did not vouch for is not told", done)
        same(lab.contents(), sorted(stale + [lab.pair(1).record]), "retired before retire-wait")
        same(lab.run().err, "", "told again when it is over")
        same(lab.contents(), sorted(stale + [lab.pair(1).record]), "retired before retire-wait")
        lab.age(UNKNOWN)
        lab.run()
        same(lab.contents(), [lab.pair(1).record])
        same(lab.reloads(), [], "what services show already is loaded again")
        lab.check_clean()


@case("without adopt: stale records are named once with that advice, and left alone")
def named():
    with Lab() as lab:
        for number in (7, 1):
            lab.cf.add_tlsa(OWNER, lab.pair(number).record, ttl=2)
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run()
        check("adopt" in done.err and OWNER in done.err
              and lab.pair(7).spki[:8] in done.err.lower(), done)
        check("adopt" not in lab.run().err, "told again")
        for _ in range(3):
            lab.age()
            lab.run()
        same(lab.contents(), sorted([lab.pair(7).record, lab.pair(1).record]))
        lab.check_clean()


@case("the last record of the list is not special: ours first, middle and last among stale ones")
def not_last():
    for place in range(3):
        with Lab() as lab:
            records = [lab.pair(7).record, lab.pair(8).record]
            records.insert(place, lab.pair(1).record)
            for record in records:
                lab.cf.add_tlsa(OWNER, record, ttl=2)
            lab.put("mail", lab.pair(1))
            lab.configure([lab.host(adopt="yes")])
            lab.mark()
            lab.converge()
            same(lab.contents(), [lab.pair(1).record])
            same(lab.calls("POST"), [], "a record that was there is made again")
            lab.check_vouched(lab.pair(1))


@case("a record that exists already is as good as published (81057 and 81058), and nothing is made twice")
def exists():
    for shapes in ((), ("81057",), ("chain",), ("top",)):
        with Lab(shapes=shapes) as lab:
            lab.put("mail", lab.pair(1))
            lab.configure()
            other = lab.pair(1).record

            def sneak(cf, entry):
                cf.add_tlsa(OWNER, other, ttl=300)
            lab.cf.fault(Fault("hook", method="POST", when="before", call=sneak))
            done = lab.run()
            check("cannot" not in done.err, done)
            same(len(lab.cf.records(OWNER)), 1)
            same([e["code"] in (81057, 81058) or 81057 in e["codes"] or 81058 in e["codes"]
                  for e in lab.calls("POST")], [True])
            lab.mark()
            lab.run()
            same(lab.writes(), [])
            lab.check_clean()


@case("names that look like ours are never touched, in the zone or beyond")
def lookalikes():
    zones = [Zone("example.org"), Zone("example.org.evil"), Zone("evil")]
    with Lab(zones=zones, tokens=[Token(USUAL_TOKEN)]) as lab:
        stale = lab.pair(7).record
        names_ = ["x_25._tcp." + HOST, "_25._tcp.x" + HOST, "_25._tcp.mail2.example.org",
                  "_2525._tcp." + HOST, "_25._udp." + HOST, "_25._tcp.x." + HOST, HOST,
                  "_25._tcp.example.org", "25._tcp." + HOST, "a_25._tcp." + HOST,
                  "_443._tcp." + HOST]
        for name in names_:
            lab.cf.add_tlsa(name, stale, ttl=2, zone=zones[0], comment="daneroll")
        lab.cf.add_tlsa(OWNER + ".evil", stale, ttl=2, zone=zones[1])
        lab.cf.add_record("TXT", OWNER, "3 1 1 text", ttl=2, zone=zones[0])
        lab.cf.add_tlsa(OWNER, stale, ttl=2)
        lab.put("mail", lab.pair(1))
        for services in ("smtp", "smtp submission"):
            lab.configure([lab.host(adopt="yes", service=services)])
            lab.mark()
            lab.converge(seconds=UNKNOWN)
            lab.put("mail", lab.pair(2))
            lab.converge(seconds=UNKNOWN)
            same(lab.contents(), [lab.pair(2).record])
            for name in names_:
                same([r["content"] for r in lab.cf.records(name, "TLSA")], [stale], name)
            same(len(lab.cf.records(OWNER + ".evil")), 1)
            same(len(lab.cf.records(OWNER, "TXT")), 1)
            check(all(e["record"]["name"] in (OWNER, "_587._tcp." + HOST)
                      for _, e in lab.effects()), "touched another name")
            lab.put("mail", lab.pair(1))
        lab.check_clean()


@case("foreign combinations 3 1 2 and 3 0 1 are rolled along, with and without adopt")
def combinations():
    for adopt in ("yes", "no"):
        with Lab() as lab:
            old, new = lab.pair(1), lab.pair(2)
            foreign = [old.records[3, 1, 2], old.records[3, 0, 1]]
            for record in foreign:
                lab.cf.add_tlsa(OWNER, record, ttl=2)
            lab.put("mail", old)
            lab.configure([lab.host(adopt=adopt)])
            lab.mark()
            lab.run()
            same(lab.contents(), sorted(foreign + [old.record]))
            lab.age(UNKNOWN)
            lab.put("mail", new)
            lab.run()
            wanted = [new.record, new.records[3, 1, 2], new.records[3, 0, 1]]
            same(lab.contents(), sorted(foreign + [old.record] + wanted))
            same(lab.reloads(), [])
            lab.age()
            lab.converge()
            same(len(lab.reloads()), 1)
            same(lab.contents(), sorted(wanted + ([] if adopt == "yes" else foreign)))
            lab.check_vouched(old)
            lab.check_clean()


@case("0 0 1 and 1 1 1 records: named once and left alone; adopt retires them")
def unusable():
    for adopt in ("yes", "no"):
        with Lab() as lab:
            kept = ["1 1 1 " + "ab" * 32, "0 0 1 " + "cd" * 32]
            for record in kept + [lab.pair(1).record]:
                lab.cf.add_tlsa(OWNER, record, ttl=2)
            lab.put("mail", lab.pair(1))
            lab.configure([lab.host(adopt=adopt)])
            text = lab.run().err.lower()
            check(adopt == "yes" or ("1 1 1 abab" in text and "0 0 1 cdcd" in text), "not named", text)
            check("1 1 1" not in lab.run().err or adopt == "yes", "named again")
            lab.converge(seconds=UNKNOWN)
            lab.put("mail", lab.pair(2))
            lab.converge(seconds=UNKNOWN)
            left = kept + [lab.pair(1).record] if adopt == "no" else []
            same(lab.contents(), sorted(left + [lab.pair(2).record]))
            lab.check_clean()


@case("2 1 1 of another issuer blocks the reload, is named each time and stays; adopt removes it")
def issuers():
    for adopt in ("yes", "no"):
        with Lab() as lab:
            other = "2 1 1 " + "ab" * 32
            for record in (other, lab.pair(1).record):
                lab.cf.add_tlsa(OWNER, record, ttl=2)
            lab.put("mail", lab.pair(1))
            lab.configure([lab.host(adopt=adopt)])
            text = lab.run().err.lower()
            check(adopt == "yes" or "2 1 1 abab" in text, "not named:", text)
            lab.age(UNKNOWN)
            lab.put("mail", lab.pair(2))
            lab.mark()
            if adopt == "yes":
                lab.converge(seconds=UNKNOWN)
                same(lab.contents(), [lab.pair(2).record])
                check(lab.effects()[-1][1]["record"]["content"] != other, "the reload came before")
            else:
                for _ in range(3):
                    done = lab.run(code=FAILED)
                    check("2 1 1 abab" in done.err.lower(), "not named:", done)
                    lab.age(UNKNOWN)
                same(lab.reloads(), [])
                same(lab.contents(), sorted([other, lab.pair(1).record, lab.pair(2).record]))
            lab.check_vouched(lab.pair(1))
            lab.check_clean()


SHAPES = ["no-data", "tabs", "lower-hex", "numbers-string", "numbers-float", "errors-null",
          "errors-absent", "no-total-pages", "no-result-info", "one-page-empty",
          "delete-no-success", "gone-400", "zone-name", "no-comment", "null-result", "large-extra",
          "no-extra", "escapes", "plain-order", "per-page-5"]


def shape_case(shapes, framing):
    def run():
        with Lab(shapes=shapes, framing=framing) as lab:
            old, new = lab.pair(1), lab.pair(2)
            lab.cf.add_tlsa(OWNER, lab.pair(7).record, ttl=2)
            lab.put("mail", old)
            lab.configure([lab.host(adopt="yes", service="smtp imaps")],
                          provider={"token-file": lab.token_file})
            lab.mark()
            lab.converge(seconds=UNKNOWN)
            lab.put("mail", new)
            lab.converge(seconds=UNKNOWN)
            for owner in (OWNER, "_993._tcp." + HOST):
                same(lab.contents(owner), [new.record])
                lab.check_vouched(old, owner)
            same(len(lab.calls("POST")), 4, "records made twice or too few")
            same([e["status"] for e in lab.calls("POST", "DELETE") if e["status"] >= 400], [])
            lab.check_clean()
    return run


for _number, _shape in enumerate(SHAPES):
    case("old and odd answers: " + _shape)(
        shape_case([_shape], "length" if _number % 2 else "chunked"))
case("old and odd answers: many together")(shape_case(
    ["tabs", "no-data", "numbers-string", "errors-null", "no-result-info", "large-extra", "escapes",
     "no-comment", "null-result"], "length"))
case("old and odd answers: other ones together")(shape_case(
    ["no-data", "lower-hex", "no-total-pages", "zone-name", "delete-no-success", "numbers-float",
     "errors-absent"], "chunked"))


@case("more records at one name than fit: refused with words, nothing changes")
def crowded():
    with Lab() as lab:
        for number in range(80):
            lab.cf.add_tlsa(OWNER, "3 1 1 %064x" % (number + 1), ttl=2)
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(adopt="yes")])
        done = lab.run(code=FAILED)
        check(OWNER in done.err, done)
        same(lab.writes(), [])


# ---- token, permissions, zones -------------------------------------------------------------------

def refused(name, words, code=USAGE, writes=0, provider=None, token=None, before=None, requests=None,
            **cloudflare):
    @case("refused: " + name)
    def run():
        with Lab(**cloudflare) as lab:
            lab.put("mail", lab.pair(1))
            lab.configure(provider=None if provider is None else provider(lab))
            if token is not None:
                lab.write("token", token + "\n", 0o600)
            if before is not None:
                before(lab)
            done = lab.run(code=code)
            for word in words:
                check(word.lower() in done.err.lower(), "no word of", word, done)
            same(len(lab.cf.records(type="TLSA")), writes)
            check(done.seconds < LATER_SECONDS, "tried again and again", done)
            if requests is not None:
                same(len(lab.cf.audit), requests)
            lab.check_clean()
            check_secret(lab, token or "x" * 40)
            lab.clear = True


def lookup(lab):
    return {"token-file": lab.token_file}


refused("a token that is none of the account's", ["token"], token="w" * 40)
refused("a mangled token", ["token"], token="short1234567890123456")
refused("an expired token", ["token"], tokens=[Token(USUAL_TOKEN, status="expired")])
refused("a disabled token", ["token"], tokens=[Token(USUAL_TOKEN, status="disabled")])
refused("a token for other addresses", ["location"],
        tokens=[Token(USUAL_TOKEN, addresses=["192.0.2.0/24"])])
refused("a token that may only read: words say which permission is missing", ["edit"],
        tokens=[Token(USUAL_TOKEN, permissions=("dns:read", "zone:read"))])
refused("a token for another zone", ["zone"], zones=[Zone("example.org"), Zone("example.net")],
        tokens=[Token(USUAL_TOKEN, zones=[Zone("example.net").id])])
refused("a token for another zone, zone looked up", ["zone"], provider=lookup,
        zones=[Zone("example.org"), Zone("example.net")],
        tokens=[Token(USUAL_TOKEN, zones=[Zone("example.net").id])])
refused("a token without zone:read, zone looked up", ["zone"], provider=lookup,
        tokens=[Token(USUAL_TOKEN, permissions=("dns:edit",))])
refused("no such zone", ["example.org", "zone"], provider=lookup, zones=[Zone("example.net")])
refused("a zone id of nothing", ["zone"],
        provider=lambda lab: {"token-file": lab.token_file, "zone-id": "0123456789abcdef" * 2})
refused("a zone id that is none", ["zone-id"], requests=0,
        provider=lambda lab: {"token-file": lab.token_file, "zone-id": "example.org"})
refused("a zone that the host is not in", [HOST, "example.net"], requests=0,
        zones=[Zone("example.org"), Zone("example.net")],
        provider=lambda lab: {"token-file": lab.token_file, "zone": "example.net"})
refused("a pending zone", ["pending"], provider=lookup, zones=[Zone("example.org", status="pending")])
refused("a partial zone", ["partial"], provider=lookup, zones=[Zone("example.org", type="partial")])
refused("two active zones of one name", ["zone-id"], provider=lookup,
        zones=[Zone("example.org"), Zone("example.org", id="ab" * 16)])
refused("a full zone", ["quota"], code=FAILED, zones=[Zone("example.org", quota=0)])
refused("an alias at the owner name", ["CNAME"], code=FAILED,
        before=lambda lab: lab.cf.add_record("CNAME", OWNER, "elsewhere.example.org", ttl=1))
refused("a TTL that the provider does not take", ["ttl"], min_ttl=60)
refused("a token file that others can read", ["token", "chmod"], requests=0,
        before=lambda lab: os.chmod(lab.token_file, 0o644))
refused("a token file that its group can read", ["token", "chmod"], requests=0,
        before=lambda lab: os.chmod(lab.token_file, 0o640))
refused("a token file that is not there", ["token"], requests=0,
        before=lambda lab: os.unlink(lab.token_file))
refused("an empty token file", ["token"], requests=0,
        before=lambda lab: lab.write("token", "\n", 0o600))
refused("a token with a blank in it", ["token"], token="a" * 20 + " " + "b" * 20, requests=0)
refused("no token at all", ["token"], requests=0,
        provider=lambda lab: {"zone-id": lab.cf.zones[0].id})


@case("a moved zone beside the active one of the same name: the active one is taken")
def moved():
    active = Zone("example.org", id="ab" * 16)
    with Lab(zones=[Zone("example.org", status="moved"), active]) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure(provider=lookup(lab))
        lab.run()
        same(len(lab.cf.records(OWNER, zone=active)), 1)


@case("the longest matching zone is taken; a host that is the zone itself")
def longest():
    zones = [Zone("example.org"), Zone(HOST)]
    with Lab(zones=zones) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(), lab.host(MAIL2)], provider=lookup(lab))
        lab.run()
        same((len(lab.cf.records(OWNER, zone=zones[1])), len(lab.cf.records(OWNER, zone=zones[0])),
              len(lab.cf.records("_25._tcp." + MAIL2, zone=zones[0]))), (1, 0, 1))
        lab.check_clean()


@case("a configuration file with the token in it, readable by others, is refused before anything")
def exposed_config():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure(provider={"token": USUAL_TOKEN})
        lab.run()
        os.chmod(lab.config_file, 0o644)
        done = lab.run(code=USAGE)
        check("daneroll.conf" in done.err, done)
        lab.check_clean()


@case("the token in the environment; never in an output, the state or any process list")
def token_in_environment():
    with Lab() as lab:
        secret = USUAL_TOKEN
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(renew=lab.swap("mail", lab.pair(2)))],
                      provider={"zone-id": lab.cf.zones[0].id})
        seen = []

        def look(cf, entry):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open("/proc/%s/cmdline" % pid, "rb") as source:
                        seen.append(secret.encode() in source.read())
                except OSError:
                    pass
        lab.cf.fault(Fault("hook", when="before", call=look, times=0, path="."))
        lab.run("run", "--wait", "--verbose", env={"DANEROLL_TOKEN": secret})
        check(seen and not any(seen), "the token is in the process list")
        same({entry["token"] for entry in lab.cf.audit}, {lab.cf.tokens[0].label})
        lab.run("run", "--dry-run", "--verbose", env={"DANEROLL_TOKEN": secret})
        lab.check_clean()


@case("the server's own certificate must be trusted: exit 2, the issuer is named, no request")
def untrusted():
    with Lab() as lab:
        other = Authority(os.path.join(lab.directory, "other-ca"), "Another CA")
        lab.put("mail", lab.pair(1))
        lab.configure(daneroll=[])
        text = lab.read("daneroll.conf").replace(store.ca, other.certificate)
        lab.write("daneroll.conf", text, 0o600)
        done = lab.run(code=USAGE)
        check("daneroll test CA" in done.err, "the issuer is not named", done)
        same(lab.cf.audit, [])
        lab.write("daneroll.conf", text.replace(other.certificate, lab.path("nothing.pem")), 0o600)
        check("nothing.pem" in lab.run(code=USAGE).err)


@case("SSL_CERT_FILE is honoured where ca-file is not given")
def ssl_cert_file():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.write("daneroll.conf", re.sub(r"ca-file.*\n", "", lab.read("daneroll.conf")), 0o600)
        lab.run(env={"SSL_CERT_FILE": store.ca})
        same(lab.contents(), [lab.pair(1).record])


@case("nobody listens: exit 75, with the address in the words")
def nobody():
    if VARIANT == "qemu" and TARGET.startswith("mips"):
        raise Skipped("qemu-user gives SO_ERROR by this machine's numbers, not the target's")
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            lab.configure()
            text = lab.read("daneroll.conf").replace(lab.cf.url,
                                                     "https://127.0.0.1:%d/client/v4" % port)
            lab.write("daneroll.conf", text, 0o600)
            done = lab.run(code=LATER)
            check("127.0.0.1" in done.err and "refused" in done.err, done)


@case("an IPv6 loopback endpoint")
def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        raise Skipped("no IPv6 loopback: %s" % error)
    with Lab(bind=("::1",)) as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        check("[::1]" in lab.read("daneroll.conf"))
        lab.run()
        same(lab.contents(), [lab.pair(1).record])
        lab.check_clean()


# ---- --dry-run and options -----------------------------------------------------------------------

def snapshot(directory):
    found = {}
    for base, folders, files in os.walk(directory):
        for name in folders + files:
            path = os.path.join(base, name)
            found[path] = identity(path) if name in files else os.stat(path).st_mtime_ns
    return found


@case("--dry-run: reads only, runs no command, writes nothing, says each call it would make")
def dry_run():
    with Lab() as lab:
        for number in (7, 8):
            lab.cf.add_tlsa(OWNER, lab.pair(number).record, ttl=2)
        lab.put("mail", lab.pair(1))
        lab.serve("mail", lab.pair(8))
        lab.configure([lab.host(adopt="yes", renew="touch " + lab.path("renewed"))])
        for options in ([], ["--wait"], ["--wait", "--verbose"], ["--quiet"]):
            lab.mark()
            before = snapshot(lab.directory)
            done = lab.run("run", "--dry-run", *options, timeout=20)
            check(not os.path.exists(lab.state_directory), "the state folder was made")
            after = {k: v for k, v in snapshot(lab.directory).items() if "/err." not in k
                     and "/out." not in k}
            same({k: v for k, v in before.items() if k in after and os.path.isfile(k)
                  and "/err." not in k and "/out." not in k},
                 {k: v for k, v in after.items() if os.path.isfile(k)})
            same({e["method"] for e in lab.cf.audit}, {"GET"})
            check(not os.path.exists(lab.path("renewed")), "renew was run")
            same(lab.reloads(), [])
            said = done.out + done.err
            if "--quiet" not in options:
                check("add" in said and lab.pair(1).spki in said, "the POST is not said", done)
            if "--wait" in options:
                for word in ("reload", "remove", lab.pair(7).spki):
                    check(word in said, "no word of", word, done)
        lab.check_clean()


@case("--dry-run in mid-rotation leaves state and lock alone, and works beside a running daneroll")
def dry_run_beside():
    with Lab() as lab:
        lab.published()
        lab.put("mail", lab.pair(2))
        lab.run()
        before = snapshot(lab.state_directory)
        lab.mark()
        done = lab.run("run", "--dry-run", "--wait", timeout=20)
        same(snapshot(lab.state_directory), before)
        same({e["method"] for e in lab.cf.audit}, {"GET"})
        check("would" in done.out + done.err and "remove" in done.out + done.err, done)


@case("--dry-run --verbose: the effective configuration, where each value is from, no secret")
def dry_verbose():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure(provider={"token": USUAL_TOKEN, "zone-id": lab.cf.zones[0].id})
        done = lab.run("run", "--dry-run", "--verbose", "--retire-wait=77",
                       env={"DANEROLL_PUBLISH_WAIT": "33"})
        for words in (r"retire-wait = 77 .*option", r"publish-wait = 33 .*PUBLISH_WAIT",
                      r"certificate = .*daneroll\.conf:\d+", r"token = \(set\)",
                      r"hook-timeout = 5m .*default"):
            check(re.search(words, done.out + done.err), "no line of", words, done)
        lab.check_clean()


@case("--quiet says only what failed; --verbose says more")
def quiet():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        done = lab.run("run", "--quiet")
        same(done.out, "")
        check(done.err.count("\n") == 1 and "no 'install'" in done.err, "the risk alone is told", done)
        same(lab.contents(), [lab.pair(1).record])
        same(lab.run("run", "--quiet").err, "")
        os.unlink(lab.path("mail.crt"))
        check("mail.crt" in lab.run("run", "--quiet", code=FAILED).err)


@case("HOST: only this host, and those that share a pair with it; an unknown one: exit 2, nothing done")
def hosts():
    with Lab() as lab:
        for name, number in (("a", 1), ("b", 2)):
            lab.put(name, lab.pair(number))
        third = "third.example.org"
        lab.configure([lab.section("a", "a"), ("host " + HOST, [("pair", "a"), ("ttl", 2)]),
                       ("host label", [("pair", "a"), ("ttl", 2), ("name", third)]),
                       lab.host(MAIL2, pair="b")])
        check("nowhere.example.org" in lab.run("run", "nowhere.example.org", code=USAGE).err)
        same(lab.cf.audit, [])
        check(not os.path.exists(lab.state_file), "a wrong call wrote the state")
        lab.run("run", "label")
        same([len(lab.contents("_25._tcp." + name)) for name in (HOST, third, MAIL2)], [1, 1, 0])
        lab.run("run", MAIL2.upper())
        same([len(lab.contents("_25._tcp." + name)) for name in (HOST, third, MAIL2)], [1, 1, 1])
        lab.check_clean()


@case("options and the environment alone, no file")
def no_file():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.open_services([lab.host(service="smtp imaps")])
        words = ["run", "--provider", "cloudflare", "--host", HOST, "--service", "smtp",
                 "--service=imaps", "--certificate", lab.path("mail.crt"), "--private-key",
                 lab.path("mail.key"), "--reload", lab.reload_command(), "--ttl=2",
                 "--endpoint", lab.cf.url, "--state", lab.state_directory, "--ca-file", store.ca,
                 "--wait-margin=0", "--wait-floor=0", "--retire-wait=1", "--chain=none",
                 "--connect", lab.addresses[HOST], "--resolver", lab.address,
                 "--renew", lab.swap("mail", lab.pair(2))]
        env = {"DANEROLL_TOKEN_FILE": lab.token_file}
        lab.run(*words, config=False, env=env)
        for owner in (OWNER, "_993._tcp." + HOST):
            same(lab.contents(owner), [lab.pair(1).record])
        lab.age()
        lab.run(*words, "--wait", config=False, env=env)
        same(lab.contents(), [lab.pair(2).record])
        variables = {"DANEROLL_CHAIN": "none", "DANEROLL_CONNECT": lab.addresses[HOST],
                     "DANEROLL_RESOLVER": lab.address, "DANEROLL_RELOAD": "false",
                     "DANEROLL_HOST": HOST, "DANEROLL_PROVIDER": "cloudflare",
                     "DANEROLL_TOKEN": USUAL_TOKEN, "DANEROLL_SERVICE": "smtp imaps",
                     "DANEROLL_CERTIFICATE": lab.path("mail.crt"),
                     "DANEROLL_PRIVATE_KEY": lab.path("mail.key"), "DANEROLL_TTL": "2",
                     "DANEROLL_ENDPOINT": lab.cf.url, "DANEROLL_STATE": lab.state_directory,
                     "DANEROLL_CA_FILE": store.ca}
        lab.mark()
        same(lab.run("run", config=False, env=variables).err, "")
        same(lab.writes(), [])
        check("--config" in lab.run(*words, env=env, code=USAGE).err)
        check("--token" in lab.run("run", "--token=" + USUAL_TOKEN, code=USAGE).err)
        lab.all_output = lab.all_output.replace(USUAL_TOKEN, "")  # it was the tester who typed it
        lab.check_clean()


# ---- the lock ------------------------------------------------------------------------------------

@case("two runs at once: the second one says so and exits 75; after kill -9 the lock is free")
def two_runs():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        held, go = threading.Event(), threading.Event()

        def hold(cf, entry):
            held.set()
            go.wait(30)
        lab.cf.fault(Fault("hook", when="before", call=hold, method="GET"))
        first_run = lab.start("run")
        check(held.wait(20), "the first run asks nothing")
        done = lab.finish(lab.start("run"), 20) if False else None
        second = lab.start("run")
        second.wait(20)
        go.set()
        done = lab.finish(second)
        same(done.code, LATER)
        check("another daneroll" in done.err, done)
        same(lab.finish(first_run).code, GOOD)
        held.clear()
        go.clear()
        lab.cf.fault(Fault("hook", when="before", call=hold, method="GET"))
        killed = lab.start("run")
        check(held.wait(20))
        os.kill(killed.pid, signal.SIGKILL)
        go.set()
        lab.finish(killed)
        lab.run()


@case("the lock is not inherited by what a hook leaves behind")
def lock_not_inherited():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(renew="sleep 30 >/dev/null 2>&1 & echo $! > " + lab.path("pid"))])
        lab.run("run", "--wait")
        try:
            lab.run("run")
        finally:
            os.kill(int(lab.read("pid")), signal.SIGKILL)


# ---- clocks, syslog ------------------------------------------------------------------------------

@case("a clock before the release date: 'clock not set', exit 75, nothing done")
def not_set():
    if VARIANT != "target":
        raise Skipped("daneroll-clock is built for the target only")
    with Lab() as lab:
        lab.clock = Clock(lab)
        lab.put("mail", lab.pair(1))
        lab.configure()
        for wall in (0, 86400, 1700000000, 1793491199):
            lab.clock.set(wall=wall, proven=0)
            done = lab.run(clock=True, code=LATER)
            check("clock not set" in done.err, done)
            check(done.seconds < LATER_SECONDS, "tries again though no try can help", done)
            same(lab.cf.audit, [], "a request went out")
        lab.clock.set(wall=int(time.time()))
        lab.run(clock=True)
        same(lab.contents(), [lab.pair(1).record])


SYSLOG = """
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
s.settimeout(20)
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
s.setblocking(False)
lines = []
try:
    while True:
        lines.append(s.recv(8192).decode())
except BlockingIOError:
    pass
print("code", done.returncode)
print("printed", repr(done.stdout.decode()))
print("\\n".join("logged " + line for line in lines))
"""


@case("--syslog: messages go to /dev/log with name and severity, nothing to standard error")
def syslog():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("needs root and unshare, for a /dev of its own")
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        script = lab.write("syslog.py", SYSLOG)
        mount = ("mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "
                 "mknod -m 666 /dev/urandom c 1 9 && exec \"$@\"")

        def logged(*options):
            done = subprocess.run(
                ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, script]
                + lab.command(("run",) + options), stdout=subprocess.PIPE, timeout=60,
                stderr=subprocess.STDOUT, env=lab.environment(), stdin=subprocess.DEVNULL)
            return done.stdout.decode()
        text = logged("--syslog")
        if "code" not in text:
            raise Skipped("no mount namespace here: " + text.strip()[:100])
        check("code 0" in text and "printed ''" in text, text)
        check(re.search(r"logged <29>daneroll\[\d+\]: .*published", text), text)
        os.unlink(lab.path("mail.crt"))
        text = logged("--syslog")
        check("code 1" in text and re.search(r"logged <27>daneroll\[\d+\]: .*mail\.crt", text), text)
        same(lab.run("run", "--syslog", code=FAILED).err, "", "speaks without a /dev/log")


if __name__ == "__main__":
    sys.exit(main())
