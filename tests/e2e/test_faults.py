#!/usr/bin/env python3
"""A rotation with each kind of fault at each request: what fails is said with the documented exit
code, the key in use never loses its record, and further runs end where they would have without.

TIMEOUT: 500
"""

import random
import sys

from lab import (FAILED, GOOD, HOST, LATER, OWNER, USAGE, USUAL_TOKEN, VARIANT, Fault, Lab, Trap,
                 Zone, case, check, main, same, store)

# A rotation's requests by plain runs, with a zone id: list, POST, list; then list, reload, list;
# then list, DELETE, list. The first of each run is the one at which it connects.
REQUESTS = 8
WRITES = {2: "POST", 7: "DELETE"}


class Kind:
    """A kind of fault, and the exit codes with which the run that meets it may end."""

    def __init__(self, title, *arguments, codes=(GOOD,), times=1, writes=False, only=None,
                 **parameters):
        self.name, self.arguments, self.parameters = title, arguments, parameters
        self.codes, self.times = codes, times
        self.writes, self.only = writes, only  # only at writes; only at these requests


PASSING = (GOOD, LATER)
KINDS = [
    Kind("status 500 JSON", "status", status=500, codes=PASSING),
    Kind("status 502 HTML", "status", status=502, body="html", codes=PASSING),
    Kind("status 503 HTML after the effect", "status", status=503, body="html", when="after",
         codes=PASSING),
    Kind("status 504 text", "status", status=504, body="text", codes=PASSING),
    Kind("status 520 HTML", "status", status=520, body="html", codes=PASSING),
    Kind("status 500 for good", "status", status=500, times=0, codes=(LATER,)),
    Kind("status 400 without a known code", "status", status=400, code=99999, message="what?",
         codes=(FAILED,)),
    Kind("status 403 HTML", "status", status=403, body="html", codes=(FAILED, LATER)),
    Kind("status 404 text", "status", status=404, body="text", codes=(FAILED, USAGE)),
    Kind("429, 1 second", "ratelimit", retry_after=1, codes=PASSING),
    Kind("429, 1000 seconds", "ratelimit", retry_after=1000, codes=(LATER,)),
    Kind("429, a date", "ratelimit", date=2, codes=PASSING),
    Kind("429, a date long ahead", "ratelimit", date=5000, codes=(LATER,)),
    Kind("429 text, no Retry-After", "ratelimit", body="text", codes=(LATER,)),
    Kind("429 after the effect", "ratelimit", retry_after=1, when="after", codes=PASSING,
         writes=True),
    Kind("dropped while unread", "drop", where="unread", codes=PASSING),
    Kind("dropped before the effect, reset", "drop", where="before", codes=PASSING),
    Kind("dropped before the effect, closed", "drop", where="before", how="close", codes=PASSING),
    Kind("dropped before, twice", "drop", where="before", times=2, codes=PASSING),
    Kind("dropped after the effect", "drop", where="after", codes=PASSING),
    Kind("dropped after the effect, close_notify", "drop", where="after", how="clean",
         codes=PASSING),
    Kind("dropped in the head", "drop", where="head", codes=PASSING),
    Kind("dropped in the body", "drop", where="body", codes=PASSING),
    Kind("dropped in the body, closed without close_notify", "drop", where="body", how="close",
         codes=PASSING),
    Kind("dropped after the whole answer", "drop", where="idle", codes=PASSING),
    Kind("slow octets", "slow", ms=1),
    Kind("odd chunks", "chunked"),
    Kind("chunks of one octet", "chunked", sizes=[1]),
    Kind("ended by closing", "close-delimited"),
    Kind("Content-Length too small", "length", delta=-5, codes=PASSING),
    Kind("Content-Length too large", "length", delta=7, codes=PASSING),
    Kind("Content-Length that is no number", "length", value="12abc", codes=PASSING),
    Kind("100 and 103 first", "interim"),
    Kind("JSON: garbage", "json", kind="garbage", codes=PASSING),
    Kind("JSON: truncated", "json", kind="truncated", codes=PASSING),
    Kind("JSON: control character", "json", kind="control", codes=PASSING),
    Kind("JSON: broken UTF-8", "json", kind="utf8", codes=PASSING),
    Kind("JSON: deep", "json", kind="deep", codes=PASSING),
    Kind("JSON: an array", "json", kind="array", codes=PASSING),
    Kind("JSON: nothing", "json", kind="empty", codes=PASSING),
    Kind("JSON: garbage for good", "json", kind="garbage", times=0, codes=(LATER,), only=(1, 4)),
    Kind("a huge header", "huge-header", codes=PASSING),
    Kind("many headers", "header", name="X-Many", value="x", count=500, codes=PASSING),
    Kind("oversized: white space", "oversized", kind="whitespace", bytes=3000000, codes=PASSING),
    Kind("oversized: a string", "oversized", kind="string", bytes=3000000, codes=PASSING),
    Kind("oversized: nested", "oversized", kind="nested", bytes=3000000, codes=PASSING),
    Kind("done as it says, but is not", "pretend", codes=(GOOD, FAILED, LATER), writes=True),
    Kind("done, but shown later", "delayed", requests=2, codes=(GOOD, LATER), writes=True),
    Kind("done, but shown much later", "delayed", requests=9, codes=(GOOD, LATER), writes=True),
]
# A sanitizer's run takes a quarter of a second: there each kind meets these requests only.
SOME = (1, 2, 3, 7)


def prepare(lab, **conf):
    """The key 1 is published; 2 stands on disk."""
    old = lab.published(**conf)
    lab.put("mail", lab.pair(2))
    return old, lab.pair(2)


def rotate(lab, codes, fault):
    """Three calls with time passing between; the codes of those that met the fault."""
    for _ in range(3):
        before = fault.used
        done = lab.run(code=None, timeout=60)
        met = fault.used > before
        check(done.code in (codes if met else (GOOD,)), "not the exit code" if met else
              "fails without a fault", done, "(expected %s)" % (codes,))
        if done.code != GOOD:
            check(done.err != "", "fails without a word")
        lab.age()


def finish(lab, old, new, posts_most=2):
    """Without faults it ends as ever: the same records, nothing left behind, nothing made twice."""
    lab.cf.clear_faults()
    lab.converge()
    same(lab.contents(), [new.record])
    same(lab.reloads()[-1][2], new.spki, "the new key is not in use")
    lab.check_vouched(old)
    creates = [e for _, e in lab.effects() if e["op"] == "create"]
    same({e["record"]["content"] for e in creates}, {new.record}, "made other records")
    lab.check_clean()


def reloaded_with_both(lab, old, new):
    """At the first reload the records of both keys were to be had, and not only since then."""
    when = [w for w, _, key in lab.reloads() if key == new.spki][0]
    shown = [records for since, records in lab.history() if since < when][-1]
    same(sorted(shown), sorted([old.record, new.record]), "at the reload")


def one(kind, number):
    with Lab() as lab:
        old, new = prepare(lab)
        fault = lab.cf.fault(Fault(*kind.arguments, at=number, times=kind.times, **kind.parameters))
        rotate(lab, kind.codes, fault)
        check(fault.used > 0, "the fault met no request; there were", len(lab.cf.audit))
        finish(lab, old, new)
        reloaded_with_both(lab, old, new)


def add(kind):
    numbers = kind.only or (tuple(WRITES) if kind.writes else range(1, REQUESTS + 1))
    for number in numbers:
        if VARIANT == "asan" and number not in SOME:
            continue
        register(kind, number)


def register(kind, number):
    @case("%s, at request %d%s" % (kind.name, number,
                                   " (%s)" % WRITES[number] if number in WRITES else ""))
    def run():
        one(kind, number)


for _kind in KINDS:
    add(_kind)


# ---- at the zone's look-up, at the first publication ---------------------------------------------

def lookup_case(kind):
    @case("%s, at the zone's look-up and at the first publication" % kind.name)
    def run():
        for number in (1, 2, 4, 5):
            with Lab() as lab:
                lab.put("mail", lab.pair(1))
                lab.configure(provider={"token-file": lab.token_file})
                lab.mark()
                fault = lab.cf.fault(Fault(*kind.arguments, at=number, times=kind.times,
                                           **kind.parameters))
                done = lab.run(code=None)
                check(done.code in kind.codes or fault.used == 0, done)
                lab.cf.clear_faults()
                lab.converge()
                same(lab.contents(), [lab.pair(1).record])
                same(lab.reloads(), [])
                same(len([e for _, e in lab.effects() if e["op"] == "create"]), 1)
                lab.check_clean()


for _kind in KINDS:
    if _kind.name in ("status 503 HTML after the effect", "dropped after the effect",
                      "dropped in the body", "JSON: garbage", "429, 1000 seconds",
                      "dropped while unread"):
        lookup_case(_kind)


# ---- one by one ----------------------------------------------------------------------------------

@case("a redirect is never followed, and the token never arrives where it leads: exit 2")
def redirects():
    for status in (301, 302, 303, 307, 308):
        for number in (1, 2):
            with Lab() as lab, Trap(store.server()) as trap:
                old, new = prepare(lab)
                fault = lab.cf.fault(Fault("redirect", at=number, status=status,
                                           location=trap.url + "/zones"))
                rotate(lab, (FAILED, USAGE, LATER), fault)
                same(trap.connections, 0, "the redirect was followed")
                check(not trap.saw(USUAL_TOKEN))
                finish(lab, old, new)


@case("dropped in the handshake: tried again")
def handshake():
    with Lab() as lab:
        old, new = prepare(lab)
        fault = lab.cf.fault(Fault("drop", where="handshake"))
        rotate(lab, PASSING, fault)
        check(fault.used, "the fault was not met")
        finish(lab, old, new)


@case("the server closes after each request, or after two")
def closes():
    for requests in (1, 2):
        with Lab(keep_alive=requests) as lab:
            old, new = prepare(lab)
            lab.converge()
            finish(lab, old, new)


@case("Retry-After is honoured within a run, and told where it is too long")
def retry_after():
    with Lab() as lab:
        prepare(lab)
        lab.cf.fault(Fault("ratelimit", at=1, retry_after=3))
        lab.run()
        first, second = [entry["time"] for entry in lab.cf.audit[:2]]
        check(second - first >= 3, "asked again after %.1f s" % (second - first))
        lab.cf.fault(Fault("ratelimit", at=len(lab.cf.audit) + 1, retry_after=3600))
        count = len(lab.cf.audit)
        done = lab.run(code=LATER)
        same(len(lab.cf.audit), count + 1, "asked again in spite of Retry-After: 3600")
        check(done.seconds < 10, "waits instead of ending", done)


@case("a provider that stays down: a plain run ends within the patience of a call, exit 75")
def stays_down():
    with Lab() as lab:
        old, new = prepare(lab)
        lab.cf.fault(Fault("status", status=503, times=0, path="."))
        done = lab.run(code=LATER)
        check(done.seconds < 45, done)
        check(2 <= len(lab.cf.audit) <= 6, "requests", len(lab.cf.audit))
        check("503" in done.err, done)
        finish(lab, old, new)


@case("run --wait outlives a passing fault: it tries again and ends with 0")
def wait_outlives():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.published(sections=[lab.host(renew=lab.swap("mail", new))])
        lab.cf.fault(Fault("drop", where="after", method="POST"))
        lab.cf.fault(Fault("status", status=500, method="DELETE"))
        lab.cf.fault(Fault("drop", where="unread"))
        lab.run("run", "--wait")
        finish(lab, old, new)


@case("a POST whose answer was lost is looked up, not repeated blindly")
def not_blindly():
    for where in ("after", "head", "body"):
        with Lab() as lab:
            old, new = prepare(lab)
            lab.cf.fault(Fault("drop", where=where, method="POST"))
            lab.run(code=PASSING)
            lab.converge()
            same(len(lab.calls("POST")), 1, "POSTs, where=" + where)
            finish(lab, old, new)


@case("a DELETE whose answer was lost is done once: gone is success")
def delete_once():
    for shapes in ((), ("gone-400",)):
        with Lab(shapes=shapes) as lab:
            old, new = prepare(lab)
            lab.cf.fault(Fault("drop", where="after", method="DELETE"))
            lab.converge()
            same(len([e for _, e in lab.effects() if e["op"] == "delete"]), 1)
            finish(lab, old, new)


@case("an accepted write that never shows is not repeated for ever: exit 75, and no reload")
def never_shows():
    with Lab() as lab:
        old, new = prepare(lab)
        lab.cf.fault(Fault("pretend", method="POST", times=0))
        done = lab.run(code=(FAILED, LATER))
        check(len(lab.calls("POST")) <= 5 and done.err, len(lab.calls("POST")), done)
        lab.age()
        lab.run(code=(FAILED, LATER))
        same(lab.reloads(), [])
        finish(lab, old, new)


@case("a DELETE that is only pretended is done again by a later run")
def pretended_delete():
    with Lab() as lab:
        old, new = prepare(lab)
        lab.cf.fault(Fault("pretend", method="DELETE", times=0))
        for _ in range(4):
            lab.run(code=(GOOD, FAILED, LATER))
            lab.age()
        same(lab.contents(), sorted([old.record, new.record]))
        finish(lab, old, new)


@case("a POST that is refused for good, with two hosts: the other host goes on, exit 1")
def other_host():
    with Lab() as lab:
        mail2 = "mail2.example.org"
        lab.put("b", lab.pair(3))
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(), lab.host(mail2, pair="b")])
        lab.cf.fault(Fault("status", status=400, code=9000, message="bad", method="POST"))
        lab.run(code=FAILED)
        same([len(lab.contents("_25._tcp." + name)) for name in (HOST, mail2)], [0, 1])
        lab.run()
        same([len(lab.contents("_25._tcp." + name)) for name in (HOST, mail2)], [1, 1])
        lab.check_clean()


@case("the first of two writes is lost without effect: the next key is not published alone")
def lost_first():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.put("mail", old)
        lab.configure()
        lab.cf.fault(Fault("status", status=500, method="POST", times=0))
        lab.run(code=LATER)
        lab.cf.clear_faults()
        lab.mark()
        lab.put("mail", new)
        for action in (Fault("drop", where="before", method="POST"),
                       Fault("status", status=502, method="POST")):
            lab.cf.fault(action)
        lab.run(code=PASSING)
        shown = [sorted(records) for _, records in lab.history()]
        check([new.record] not in shown, "the key in use has no record, the next one has")
        lab.converge()
        same(lab.contents(), [new.record])


@case("pages that change while they are listed: nothing of ours is missed, nothing made twice")
def changing_pages():
    with Lab(zones=[Zone("example.org", plan="pro")]) as lab:
        old, new = lab.pair(1), lab.pair(2)
        services = "smtp submission imap imaps"
        for number in range(250):
            lab.cf.add_tlsa("_25._tcp.a%03d.example.org" % number, lab.pair(7).record, ttl=60)
        lab.put("mail", old)
        lab.configure([lab.host(service=services, adopt="yes")])
        lab.run()
        lab.mark()

        def shuffle(cf, entry):
            name = "_25._tcp.a%03d.example.org" % (shuffle.n % 250)
            for record in cf.records(name):
                cf.remove(record["id"])
            cf.add_tlsa("_25._tcp.z%03d.example.org" % shuffle.n, lab.pair(7).record, ttl=60)
            shuffle.n += 1
        shuffle.n = 0
        lab.cf.fault(Fault("hook", path="dns_records", times=0, when="answered", call=shuffle))
        lab.put("mail", new)
        for _ in range(4):
            lab.run(code=(GOOD, LATER))
            lab.age()
        lab.cf.clear_faults()
        lab.converge()
        for port in (25, 587, 143, 993):
            owner = "_%d._tcp.%s" % (port, HOST)
            same(lab.contents(owner), [new.record])
            lab.check_vouched(old, owner)
        same(len(lab.calls("POST")), 4)
        same(len([1 for r in lab.cf.records(type="TLSA")
                  if r["name"].startswith(("_25._tcp.a", "_25._tcp.z"))]), 250)
        lab.check_clean()


@case("records are added and removed by others between our list and our write")
def between():
    with Lab() as lab:
        old, new = prepare(lab, sections=[lab.host(adopt="yes")])
        other = lab.pair(9).record

        def meddle(cf, entry):
            cf.add_tlsa(OWNER, other, ttl=2)
        lab.cf.fault(Fault("hook", method="POST", when="before", call=meddle))
        lab.converge()
        same(lab.contents(), [new.record])
        deleted = {e["record"]["content"] for _, e in lab.effects() if e["op"] == "delete"}
        same(deleted, {old.record, other})


@case("the record is deleted by somebody else before our DELETE: done already")
def deleted_before():
    with Lab() as lab:
        old, new = prepare(lab)

        def meddle(cf, entry):
            for record in cf.records(OWNER):
                if record["content"] == old.record:
                    cf.remove(record["id"])
        lab.cf.fault(Fault("hook", method="DELETE", when="before", call=meddle))
        lab.converge()
        same(lab.contents(), [new.record])


def stall_case(where):
    @case("the API's server stalls (%s): the run ends in time, exit 75" % where)
    def run():
        with Lab() as lab:
            old, new = prepare(lab)
            lab.cf.fault(Fault("stall", where=where, at=1, bytes=20 if where == "body" else None))
            done = lab.run(code=PASSING, timeout=89)
            check(done.seconds < 85, done)
            finish(lab, old, new)


for _where in ("before", "head", "body"):
    stall_case(_where)


@case("forty faults of random kinds in a row: it comes to rest in the right place")
def long_rain():
    dice = random.Random(20261124)
    with Lab() as lab:
        old, new = prepare(lab)
        fast = [k for k in KINDS if k.times == 1 and "1000" not in k.name and "ahead" not in k.name
                and "second" not in k.name and "429" not in k.name and "slow" not in k.name]
        for n in range(1, 41):
            kind = dice.choice(fast)
            lab.cf.fault(Fault(*kind.arguments, at=n * 2, **kind.parameters))
        for _ in range(12 if VARIANT == "target" else 6):
            lab.run(code=None)
            lab.age()
        finish(lab, old, new)


if __name__ == "__main__":
    sys.exit(main(jobs=64))
