#!/usr/bin/env python3
"""The Cloudflare provider against the emulator of tests/emulator, by way of tests/tools/cftool.c:
every shape of answer, every error, every fault at every request. Each case ends with the question
whether a request was sent that a correct client never sends.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "emulator"))
from certs import Authority  # noqa: E402
from cloudflare import Cloudflare, Fault, Token, Trap, Zone  # noqa: E402

BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
VARIANT = os.environ.get("VARIANT") or "target"
TARGET = os.environ.get("TARGET") or os.uname().machine
TOOL = os.path.join(BUILD, TARGET if VARIANT == "target" else "asan", "tools", "cftool")

TOKEN = "abcdefghijklmnopqrstuvwxyz-ABCDEFG_12345"
ZONE = "example.org"
HOST = "mail.example.org"
SMTP = "_25._tcp." + HOST
HTTPS = "_443._tcp." + HOST
OLD = "3 1 1 " + "0a" * 32
NEW = "3 1 1 " + "f7" * 32
PATIENCE = "15000"  # milliseconds; back-off begins with a second
RECORD_KEYS = ("id", "ttl", "automatic", "marked", "usable", "text")

failures = 0
lock = threading.Lock()


def report(name, good, detail=""):
    global failures
    with lock:
        print("%s - %s" % ("ok" if good else "not ok", name))
        if not good:
            failures += 1
            for line in str(detail).splitlines():
                print("    " + line)
        sys.stdout.flush()


class Result:
    def __init__(self, line, rrsets):
        code, later, usage, words = (line.split(" ", 3) + [""])[:4]
        self.code, self.later, self.usage, self.words = code, int(later), usage == "1", words
        self.rrsets = rrsets


class Run:
    """One call of cftool: its results in order, and what its last line says."""

    def __init__(self, endpoint, ca, steps, host=HOST, env=None, timeout=200):
        command = [TOOL, endpoint, ca, host] + [str(word) for word in steps]
        environment = {"CFTOOL_TOKEN": TOKEN}
        environment.update(env or {})
        start = time.monotonic()
        done = subprocess.run(command, env={k: v for k, v in environment.items() if v is not None},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=timeout, check=False)
        self.seconds = time.monotonic() - start
        self.text, self.exit = done.stdout.decode("utf-8", "replace"), done.returncode
        self.results, rrsets = [], {}
        self.end = {}
        for line in self.text.splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "rrset":
                rrsets[rest] = records = []
            elif kind == "record":
                records.append(dict(zip(RECORD_KEYS, line.split(" ", 6)[1:])))
            elif kind == "result":
                self.results.append(Result(rest, rrsets))
                rrsets = {}
            elif kind == "end":
                self.end = {k: int(v) for k, v in (w.split("=") for w in rest.split())}

    def __getitem__(self, index):
        return self.results[index]


class Lab:
    """An emulator with one zone, and cftool against it."""

    authority = None

    def __init__(self, records=(), **arguments):
        arguments.setdefault("zones", [Zone(ZONE)])
        arguments.setdefault("tokens", [Token(TOKEN)])
        self.cf = Cloudflare(tls=Lab.server, **arguments)
        self.records = records

    def __enter__(self):
        self.cf.start()
        self.ids = [self.cf.add_tlsa(*record) for record in self.records]
        return self

    def __exit__(self, *_):
        self.cf.stop()

    def run(self, *steps, **arguments):
        env = dict(arguments.pop("env", None) or {})
        if "patience" in arguments:
            env["CFTOOL_PATIENCE"] = arguments.pop("patience")
        if arguments.pop("zone_id", False):
            env["CFTOOL_ZONE_ID"] = self.cf.zones[0].id
        return Run(arguments.pop("endpoint", self.cf.url), Lab.ca, steps, env=env, **arguments)

    def calls(self, method=None):
        return [(e["method"], e["target"].replace(self.cf.zones[0].id, "Z"))
                for e in self.cf.audit if e["method"] and method in (None, e["method"])]


def case(name, run, lab, checks):
    """CHECKS: pairs of words and truth. Nothing may have been sent that is not right."""
    wrong = [words for words, good in checks if not good]
    if run.exit != 0:
        wrong.append("exit code %d" % run.exit)
    if lab is not None and lab.cf.violations:
        wrong.append("violations: %s" % lab.cf.violations)
    if TOKEN in run.text:
        wrong.append("the token is shown")
    report(name, not wrong, "\n".join(["wrong: " + w for w in wrong] + [run.text]
                                      + ([str(lab.calls())] if lab is not None else [])))


def texts(records):
    return sorted(record["text"] for record in records)


# ---- what it does when all goes well ---------------------------------------------------------------

def test_listing():
    with Lab([(SMTP, OLD, 3600), (SMTP, NEW, 3600, "daneroll"), ("_25._tcp.mailx.example.org", OLD)]) as lab:
        run = lab.run("list", SMTP)
        rrset = run[0].rrsets.get(SMTP, [])
        case("one owner name is listed by its name", run, lab, [
            ("done", run[0].code == "done"), ("both", texts(rrset) == sorted([OLD, NEW])),
            ("TTL", {r["ttl"] for r in rrset} == {"3600"}),
            ("mark", {r["text"]: r["marked"] for r in rrset} == {OLD: "0", NEW: "1"}),
            ("ids", sorted(r["id"] for r in rrset) == sorted(lab.ids[:2])),
            ("calls", lab.calls() == [
                ("GET", "/client/v4/zones?per_page=50&name=mail.example.org"),
                ("GET", "/client/v4/zones?per_page=50&name=example.org"),
                ("GET", "/client/v4/zones/Z/dns_records?type=TLSA&per_page=100&page=1&name="
                 + SMTP)]),
            ("one connection", lab.cf.counters["connections"] == 1),
            ("date", abs(run.end["date"] - time.time()) < 60)])
    with Lab([(SMTP, OLD, 3600), (HTTPS, NEW, 1), ("_26._tcp." + HOST, OLD, 60)]) as lab:
        run = lab.run("list", SMTP, HTTPS, "_465._tcp." + HOST, zone_id=True)
        sets = run[0].rrsets
        case("several owner names take one request", run, lab, [
            ("sets", {k: texts(v) for k, v in sets.items()}
             == {SMTP: [OLD], HTTPS: [NEW], "_465._tcp." + HOST: []}),
            ("automatic", sets[HTTPS][0]["ttl"] == "300" and sets[HTTPS][0]["automatic"] == "1"),
            ("not automatic", sets[SMTP][0]["automatic"] == "0"),
            ("calls", len(lab.calls()) == 1 and "order=name" in lab.calls()[0][1])])
    with Lab([(SMTP, OLD, 3600)]) as lab:
        run = lab.run("list", SMTP.upper(), "list", SMTP, "again", "list", SMTP, host="MAIL.example.org")
        case("names are compared as names; the zone is looked up once", run, lab, [
            ("found", [texts(list(r.rrsets.values())[0]) for r in (run[0], run[1], run[3])]
             == [[OLD]] * 3),
            ("calls", len(lab.calls()) == 5)])


def test_writing():
    with Lab([(SMTP, OLD, 3600)]) as lab:
        run = lab.run("add", SMTP, 3600, NEW, "list", SMTP, "remove", SMTP, lab.ids[0], "list", SMTP)
        post = [e for e in lab.cf.audit if e["method"] == "POST"][0]
        case("a record is added and another deleted", run, lab, [
            ("codes", [r.code for r in run.results] == ["done"] * 4),
            ("both", texts(run[1].rrsets[SMTP]) == sorted([OLD, NEW])),
            ("new one", texts(run[3].rrsets[SMTP]) == [NEW]),
            ("body", post["body"] == {"type": "TLSA", "name": SMTP, "ttl": 3600, "comment": "daneroll",
                                      "data": {"usage": 3, "selector": 1, "matching_type": 1,
                                               "certificate": "f7" * 32}}),
            ("effect", lab.cf.rrset(SMTP)["records"] == [NEW]),
            ("one connection", lab.cf.counters["connections"] == 1)])
    for shapes in ((), ("81057",), ("chain",), ("81057", "chain", "escapes"), ("errors-null",)):
        with Lab([(SMTP, OLD, 3600)], shapes=shapes) as lab:
            run = lab.run("add", SMTP, 60, OLD.upper(), zone_id=True)
            case("a record that exists (%s)" % " ".join(shapes), run, lab, [
                ("already", run[0].code == "already"), ("once", len(lab.calls("POST")) == 1)])
    for shapes in ((), ("gone-400",), ("chain",), ("delete-no-success",),
                   ("gone-400", "chain", "plain-order")):
        with Lab([(SMTP, OLD, 3600)], shapes=shapes) as lab:
            run = lab.run("remove", SMTP, lab.ids[0], "remove", SMTP, lab.ids[0], zone_id=True)
            case("a record deleted twice (%s)" % " ".join(shapes), run, lab, [
                ("codes", [r.code for r in run.results] == ["done", "already"])])
    with Lab([(SMTP, OLD, 1)]) as lab:
        run = lab.run("add", SMTP, 1, NEW, "list", SMTP, zone_id=True)
        case("the automatic TTL is sent as 1", run, lab, [
            ("automatic", {r["automatic"] for r in run[1].rrsets[SMTP]} == {"1"})])
    with Lab() as lab:
        other = "3 1 2 " + "9c" * 64
        run = lab.run("add", SMTP, 3600, other, "remove", SMTP, "../zones", "list", SMTP)
        case("SHA-512, and an id that is none", run, lab, [
            ("added", texts(run[2].rrsets[SMTP]) == [other]),
            ("refused", run[1].code == "refused" and not run[1].usage),
            ("nothing sent", not lab.calls("DELETE"))])


SHAPES = ["no-data", "tabs", "lower-hex", "numbers-string", "numbers-float", "errors-null",
          "errors-absent", "no-total-pages", "no-result-info", "one-page-empty", "zone-name",
          "no-comment", "large-extra", "no-extra", "escapes", "plain-order", "per-page-5"]


def test_shapes():
    combinations = [(s,) for s in SHAPES] + [
        ("no-data", "numbers-string", "large-extra", "escapes"),
        ("numbers-float", "no-result-info", "large-extra", "zone-name"),
        ("no-data", "tabs", "no-total-pages", "errors-null")]
    for shapes in combinations:
        for seed in (1, 2):
            records = [(SMTP, OLD, 3600), (SMTP, NEW, 3600, "daneroll 1"), (HTTPS, OLD, 1)]
            with Lab(records, shapes=shapes, seed=seed) as lab:
                run = lab.run("list", SMTP, HTTPS, "list", SMTP)
                sets = run[0].rrsets
                case("shape %s, seed %d" % (" ".join(shapes), seed), run, lab, [
                    ("smtp", texts(sets.get(SMTP, [])) == sorted([OLD, NEW])),
                    ("https", texts(sets.get(HTTPS, [])) == [OLD]),
                    ("automatic", sets[HTTPS][0]["automatic"] == "1"),
                    ("by name", texts(run[1].rrsets[SMTP]) == sorted([OLD, NEW])),
                    ("marks", sorted(r["marked"] for r in sets[SMTP]) == ["0", "1"])])
    for shapes in (("null-result",), ("one-page-empty",), ("no-result-info",), ()):
        with Lab(shapes=shapes) as lab:
            run = lab.run("list", SMTP, "list", SMTP, HTTPS, zone_id=True)
            case("an empty zone (%s)" % " ".join(shapes), run, lab, [
                ("codes", [r.code for r in run.results] == ["done"] * 2),
                ("empty", run[1].rrsets == {SMTP: [], HTTPS: []}),
                ("calls", len(lab.calls()) == 2)])


# ---- zones -----------------------------------------------------------------------------------------

def test_zones():
    inner = Zone(HOST, id="b" * 32)
    with Lab(zones=[Zone(ZONE), inner]) as lab:
        run = lab.run("add", SMTP, 60, NEW)
        case("the longest zone of a host's name is taken", run, lab, [
            ("done", run[0].code == "done"),
            ("in the inner one", [e["zone"] for e in lab.cf.audit[-1]["effect"]] == [HOST])])
    for words, zones, needed in (
            ("pending", [Zone(ZONE, status="pending")], "pending"),
            ("moved", [Zone(ZONE, status="moved")], "leads away"),
            ("partial", [Zone(ZONE, type="partial")], "partial"),
            ("secondary", [Zone(ZONE, type="secondary")], "secondary"),
            ("internal", [Zone(ZONE, type="internal")], "internal"),
            ("twice", [Zone(ZONE), Zone(ZONE, id="c" * 32)], "2 active zones"),
            ("of another name", [Zone("example.com")], "zone-id")):
        with Lab(zones=zones) as lab:
            run = lab.run("list", SMTP)
            case("a zone that is %s is refused" % words, run, lab, [
                ("refused", run[0].code == "refused" and run[0].usage),
                ("words", needed in run[0].words and ("mail.example.org" in run[0].words
                                                      or ZONE in run[0].words)),
                ("only look-ups", all("/zones?" in target for _, target in lab.calls()))])
    with Lab(zones=[Zone(ZONE, status="moved"), Zone(ZONE, id="c" * 32)]) as lab:
        run = lab.run("list", SMTP)
        case("the only active one of two zones is taken", run, lab, [
            ("done", run[0].code == "done"), ("its id", "c" * 32 in lab.calls()[-1][1])])
    with Lab(zones=[Zone(HOST, status="pending", id="d" * 32), Zone(ZONE)]) as lab:
        run = lab.run("list", SMTP)
        case("a pending inner zone is passed over", run, lab, [("done", run[0].code == "done")])
    with Lab(zones=[Zone(ZONE), Zone(HOST, id="d" * 32)]) as lab:
        run = lab.run("list", SMTP, env={"CFTOOL_ZONE": "Example.ORG"})
        case("a zone given by name is taken", run, lab, [
            ("done", run[0].code == "done"), ("calls", len(lab.calls()) == 2)])
        run = lab.run("list", SMTP, env={"CFTOOL_ZONE": "example.com"})
        case("a zone that does not hold the host", run, lab, [
            ("refused", run[0].code == "refused" and run[0].usage),
            ("nothing sent", run.end["requests"] == 0)])
        run = lab.run("list", SMTP, env={"CFTOOL_ZONE_ID": "example.org"})
        case("a zone id that is none", run, lab, [
            ("refused", run[0].code == "refused" and run[0].usage and "zone-id" in run[0].words),
            ("nothing sent", run.end["requests"] == 0)])
        run = lab.run("list", SMTP, env={"CFTOOL_ZONE_ID": "e" * 32})
        case("a zone id of somebody else", run, lab, [
            ("refused", run[0].code == "refused" and run[0].usage and "10000" in run[0].words)])
        lab.cf.set(foreign_zone_code=9109)
        run = lab.run("list", SMTP, env={"CFTOOL_ZONE_ID": "e" * 32})
        case("a zone id of somebody else, the other code", run, lab, [
            ("refused", run[0].code == "refused" and run[0].usage and "9109" in run[0].words)])
    for denied in ("error", "empty"):
        with Lab(tokens=[Token(TOKEN, permissions=("dns:edit",))]) as lab:
            lab.cf.set(lookup_denied=denied)
            run = lab.run("list", SMTP)
            case("no permission to look zones up (%s)" % denied, run, lab, [
                ("refused", run[0].code == "refused" and run[0].usage),
                ("advice", "zone-id" in run[0].words)])
            run = lab.run("list", SMTP, zone_id=True)
            case("with zone-id it is not needed (%s)" % denied, run, lab,
                 [("done", run[0].code == "done")])


# ---- tokens ----------------------------------------------------------------------------------------

def test_tokens():
    wrong = "wrong-token-wrong-token-wrong-token-1234"
    for words, tokens, env, needed in (
            ("unknown", [Token(TOKEN)], {"CFTOOL_TOKEN": wrong}, "9109"),
            ("expired", [Token(TOKEN, status="expired")], {}, "9109"),
            ("disabled", [Token(TOKEN, status="disabled")], {}, "9109"),
            ("not for this address", [Token(TOKEN, addresses=["192.0.2.0/24"])], {}, "9109"),
            ("mangled", [Token(TOKEN)], {"CFTOOL_TOKEN": "!" * 40}, "6003")):
        with Lab(tokens=tokens) as lab:
            run = lab.run("list", SMTP, "add", SMTP, 60, NEW, env=env, patience=PATIENCE)
            case("a token that is %s" % words, run, lab, [
                ("refused", all(r.code == "refused" and r.usage for r in run.results)),
                ("words", needed in run[0].words and "localhost" in run[0].words or
                 "127.0.0.1" in run[0].words),
                ("not tried again", len(lab.calls()) == 2), ("fast", run.seconds < 5),
                ("not shown", wrong not in run.text)])
    with Lab(tokens=[Token(TOKEN, permissions=("dns:read", "zone:read"))]) as lab:
        run = lab.run("list", SMTP, "add", SMTP, 60, NEW)
        case("a token that may only read", run, lab, [
            ("list", run[0].code == "done"), ("add", run[1].code == "refused" and run[1].usage),
            ("advice", "Zone DNS Edit" in run[1].words)])
    with tempfile.TemporaryDirectory() as directory, Lab() as lab:
        path = os.path.join(directory, "token")
        for words, octets, mode, good in (
                ("with a line's end", TOKEN + "\r\n \n", 0o600, True),
                ("plain", TOKEN, 0o400, True),
                ("others can read", TOKEN, 0o640, False),
                ("in two words", TOKEN[:20] + " " + TOKEN[20:], 0o600, False),
                ("with a byte order mark", "\ufeff" + TOKEN, 0o600, False),
                ("empty", "\n", 0o600, False),
                ("too short", "a" * 19, 0o600, False),
                ("too long", "a" * 201, 0o600, False),
                ("far too long", "a" * 5000, 0o600, False)):
            if os.path.exists(path):
                os.unlink(path)
            with open(path, "w", encoding="utf-8", newline="") as out:
                out.write(octets)
            os.chmod(path, mode)
            run = lab.run("list", SMTP, env={"CFTOOL_TOKEN": None, "CFTOOL_TOKEN_FILE": path})
            case("a token file: " + words, run, lab, [
                ("result", run[0].code == ("done" if good else "refused") and run[0].usage != good),
                ("named", good or "token-file" in run[0].words),
                ("nothing sent", good or run.end["requests"] == 0)])
        run = lab.run("list", SMTP, env={"CFTOOL_TOKEN": None, "CFTOOL_TOKEN_FILE": path + "x"})
        case("a token file that is not there", run, lab, [
            ("refused", run[0].usage and "no such file" in run[0].words)])
        run = lab.run("list", SMTP, env={"CFTOOL_TOKEN": None})
        case("no token", run, lab, [("refused", run[0].usage and "token-file" in run[0].words)])
        run = lab.run("list", SMTP, endpoint=lab.cf.url.replace("https", "http"))
        case("an endpoint without TLS", run, lab, [
            ("refused", run[0].usage and "endpoint" in run[0].words)])


# ---- errors of the API -----------------------------------------------------------------------------

def test_errors():
    for shapes in ((), ("chain",), ("top",)):
        with Lab(shapes=shapes, min_ttl=60) as lab:
            run = lab.run("add", SMTP, 59, NEW, zone_id=True)
            case("a TTL too small (%s)" % " ".join(shapes), run, lab, [
                ("refused", run[0].code == "refused" and run[0].usage),
                ("words", "ttl" in run[0].words and "9021" in run[0].words
                 and "TTL must be between" in run[0].words)])
        for code in (81053, 81054):
            with Lab(shapes=shapes) as lab:
                lab.cf.set(cname_code=code)
                lab.cf.add_record("CNAME", SMTP, "elsewhere.example.net", ttl=1)
                run = lab.run("add", SMTP, 60, NEW, zone_id=True)
                case("the owner name is an alias, %d (%s)" % (code, " ".join(shapes)), run, lab, [
                    ("refused", run[0].code == "refused" and not run[0].usage),
                    ("words", "CNAME" in run[0].words and str(code) in run[0].words)])
        with Lab(zones=[Zone(ZONE, quota=0)], shapes=shapes) as lab:
            run = lab.run("add", SMTP, 60, NEW)
            case("a full zone (%s)" % " ".join(shapes), run, lab, [
                ("refused", run[0].code == "refused" and "delete" in run[0].words)])
    with Lab() as lab:
        run = lab.run("add", "_25._tcp.mail.example.net", 60, NEW)
        case("a name that is not in the zone", run, lab, [
            ("refused", run[0].code == "refused"), ("words", re.search(r"\d{4}", run[0].words))])
    for words, parameters, code, usage in (
            ("a challenge page", {"status": 403, "body": "html"}, "refused", False),
            ("403 without a code", {"status": 403, "body": "json", "code": 0, "message":
                                    "Actor requires permission x to list zones"}, "refused", True),
            ("a limit as text", {"status": 429, "body": "error code: 1015"}, "later", False),
            ("a limit as text, another status", {"status": 403, "body": "error code: 1015"}, "later",
             False),
            ("not found, as text", {"status": 404, "body": "404 page not found"}, "refused", True),
            ("an unheard-of code", {"status": 400, "body": "json", "code": 55555,
                                    "message": "bad\nluck \x1b[31m"}, "refused", False),
            ("the wrong route", {"status": 400, "body": "json", "code": 7003, "message": "x"},
             "refused", True),
            ("an internal fault", {"status": 400, "body": "json", "code": 10001, "message": "x"},
             "later", False)):
        with Lab() as lab:
            lab.cf.fault(Fault("status", method="GET", **parameters))
            run = lab.run("list", SMTP, zone_id=True)
            case("answered with " + words, run, lab, [
                ("code", run[0].code == code and run[0].usage == usage),
                ("status", "HTTP %d" % parameters["status"] in run[0].words),
                ("clean", "\x1b" not in run.text and "luck" not in run.text.splitlines()[-2][:4]),
                ("later", code != "later" or run[0].later > 0)])
    with Lab() as lab, Trap(tls=Lab.server) as trap:
        lab.cf.fault(Fault("redirect", location=trap.url + "/client/v4/zones", times=0))
        run = lab.run("list", SMTP, "add", SMTP, 60, NEW, zone_id=True)
        case("a redirect is not followed", run, lab, [
            ("refused", all(r.code == "refused" and r.usage for r in run.results)),
            ("trap", not trap.requests and not trap.saw(TOKEN))])


# ---- faults ----------------------------------------------------------------------------------------

def passing_faults():
    for status in (500, 502, 503, 504, 520, 522, 530):
        yield "status", {"status": status, "body": "html"}
    yield "status", {"status": 500, "body": "json", "code": 7500, "message": "internal"}
    yield "status", {"status": 503, "body": "text"}
    yield "status", {"status": 502, "body": "html", "when": "after"}
    for where in ("handshake", "unread", "before", "after", "head", "body"):
        for how in ("reset", "close", "clean"):
            yield "drop", {"where": where, "how": how}
    for kind in ("garbage", "truncated", "trailing-comma", "control", "utf8", "array", "number",
                 "empty", "deep", "duplicate"):
        yield "json", {"kind": kind}
    yield "length", {"delta": 50, "then": "close"}
    yield "length", {"value": "12abc", "then": "close"}
    yield "huge-header", {}
    yield "ratelimit", {"retry_after": 1}
    yield "ratelimit", {"retry_after": 1, "when": "after"}
    yield "ratelimit", {"date": 2}


def harmless_faults():
    yield "drop", {"where": "idle"}
    yield "chunked", {}
    yield "close-delimited", {}
    yield "interim", {}
    yield "slow", {"ms": 1, "where": "head"}
    yield "oversized", {"kind": "string", "bytes": 3000000}
    yield "oversized", {"kind": "whitespace", "bytes": 3000000}
    yield "oversized", {"kind": "records", "bytes": 3000000}
    yield "oversized", {"kind": "nested", "bytes": 100000}
    yield "oversized", {"kind": "after", "bytes": 100000}
    yield "header", {"name": "Content-Type", "value": "text/plain"}


def describe(action, parameters):
    return action + "".join(" %s=%s" % item for item in sorted(parameters.items()))


def lasting(action, parameters):
    """Whether something of the request went out: then a write may have taken effect."""
    return not (action == "drop" and parameters["where"] == "handshake")


def steps_of(request, old):
    return {"GET": ("list", SMTP), "POST": ("add", SMTP, 3600, NEW),
            "DELETE": ("remove", SMTP, old)}[request]


def fault_once(request, action, parameters, patience):
    with Lab([(SMTP, OLD, 3600)]) as lab:
        early = action == "drop" and parameters["where"] in ("handshake", "unread")
        lab.cf.fault(Fault(action, **({} if early else {"method": request}), **parameters))
        run = lab.run(*steps_of(request, lab.ids[0]), zone_id=True, patience=patience)
        result = run[0]
        sent = [e for e in lab.cf.audit if e["method"] == request]
        effects = sum(len(e["effect"]) for e in sent)
        limit = action == "ratelimit"
        repeated = patience != "0" and (request != "POST" or limit
                                        or not lasting(action, parameters))
        if repeated:
            good = {"done", "already"}
        elif request == "GET" or limit or not lasting(action, parameters):
            good = {"later"}
        else:
            good = {"unknown"}
        there = texts([{"text": t} for t in (lab.cf.rrset(SMTP) or {"records": []})["records"]])
        wanted = {"GET": [OLD], "POST": sorted([OLD, NEW]), "DELETE": []}[request]
        case("%s, patience %s: %s" % (request, patience, describe(action, parameters)), run, lab, [
            ("%s not in %s" % (result.code, good), result.code in good),
            ("words", result.code not in ("later", "unknown") or
             ("127.0.0.1" in result.words and "later" in result.words or limit)),
            ("no blind repetition", request != "POST" or limit or len(sent) <= 1),
            ("one effect", effects <= 1),
            ("the result is true", result.code not in ("done", "already") or there == wanted),
            ("list", request != "GET" or result.code != "done"
             or texts(result.rrsets[SMTP]) == [OLD])])


def test_faults():
    for request in ("GET", "POST", "DELETE"):
        for action, parameters in passing_faults():
            fault_once(request, action, parameters, "0")
    jobs = [(request, action, parameters) for request in ("GET", "POST", "DELETE")
            for action, parameters in passing_faults()]
    together(fault_once, [job + (PATIENCE,) for job in jobs])
    for request in ("GET", "POST", "DELETE"):
        for action, parameters in harmless_faults():
            with Lab([(SMTP, OLD, 3600)]) as lab:
                lab.cf.fault(Fault(action, method=request, **parameters))
                run = lab.run(*steps_of(request, lab.ids[0]), "list", SMTP, zone_id=True)
                wanted = {"GET": [OLD], "POST": sorted([OLD, NEW]), "DELETE": []}[request]
                case("%s, harmless: %s" % (request, describe(action, parameters)), run, lab, [
                    ("done", run[0].code == "done"),
                    ("list", texts(run[1].rrsets.get(SMTP, [])) == wanted)])


def together(call, jobs, at_once=8):
    """Cases that mostly wait, several at a time."""
    queue = list(jobs)

    def work():
        while True:
            with lock:
                if not queue:
                    return
                job = queue.pop()
            call(*job)
    workers = [threading.Thread(target=work) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def test_limits():
    for words, parameters, later in (
            ("as the server says", {"retry_after": 7}, 7),
            ("by a date", {"date": 40}, 40),
            ("without a word", {}, 300),
            ("as text", {"body": "text"}, 300)):
        with Lab() as lab:
            lab.cf.fault(Fault("ratelimit", times=0, **parameters))
            run = lab.run("list", SMTP, "add", SMTP, 60, NEW, zone_id=True)
            case("a rate limit, %s" % words, run, lab, [
                ("later", all(r.code == "later" for r in run.results)),
                ("seconds", all(later - 2 <= r.later <= later for r in run.results)),
                ("words", "too many requests" in run[0].words), ("calls", len(lab.calls()) == 2)])
    with Lab(rate_limit=(1, 300, 300)) as lab:
        run = lab.run("list", SMTP, "list", SMTP, zone_id=True, patience=PATIENCE)
        case("over the real limit the wait is told, not slept", run, lab, [
            ("codes", [r.code for r in run.results] == ["done", "later"]),
            ("seconds", 290 <= run[1].later <= 300), ("fast", run.seconds < 10)])
    with Lab() as lab:
        lab.cf.fault(Fault("status", times=0, status=503, method="GET"))
        run = lab.run("list", SMTP, zone_id=True, patience="600000", timeout=100)
        case("attempts are bounded", run, lab, [
            ("later", run[0].code == "later" and run[0].later > 0), ("five", len(lab.calls()) == 5),
            ("patience spent", 580000 <= run.end["patience"] < 598000)])


def test_stop():
    with Lab() as lab:
        lab.cf.fault(Fault("ratelimit", times=0, retry_after=60))
        command = [TOOL, lab.cf.url, Lab.ca, HOST, "list", SMTP]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                 env={"CFTOOL_TOKEN": TOKEN, "CFTOOL_PATIENCE": "100000",
                                      "CFTOOL_ZONE_ID": "a" * 32})
        asked = lab.cf.wait(lambda cf: len(cf.audit) == 1, 20)
        start = time.monotonic()
        child.send_signal(signal.SIGTERM)
        try:
            text = child.communicate(timeout=20)[0].decode()
        except subprocess.TimeoutExpired:
            child.kill()
            text = child.communicate()[0].decode()
        report("a signal ends a pause", asked and "result later" in text
               and time.monotonic() - start < 5 and len(lab.cf.audit) == 1, text)


def test_silence():
    """What never ends is ended by the deadline of a request, a minute."""
    def silent(request, where):
        with Lab([(SMTP, OLD, 3600)]) as lab:
            lab.cf.fault(Fault("stall", where=where, method=request, times=0))
            run = lab.run(*steps_of(request, lab.ids[0]), zone_id=True)
            case("%s, silence (%s)" % (request, where), run, lab, [
                ("code", run[0].code == ("later" if request == "GET" else "unknown")),
                ("time", 55 < run.seconds < 75), ("once", len(lab.calls()) == 1)])

    def endless(kind):
        with Lab([(SMTP, OLD, 3600)]) as lab:
            lab.cf.fault(Fault("oversized", kind=kind, bytes=1 << 40, times=0))
            run = lab.run("list", SMTP, zone_id=True)
            case("an endless answer (%s)" % kind, run, lab, [
                ("later", run[0].code == "later"), ("time", run.seconds < 75),
                ("memory", run.end["memory"] < 100000)])
    jobs = [(silent, r, w) for r, w in (("GET", "before"), ("GET", "body"), ("POST", "after"),
                                        ("POST", "head"), ("DELETE", "after"))]
    jobs += [(endless, kind) for kind in ("string", "records")]
    together(lambda call, *rest: call(*rest), jobs, len(jobs))


# ---- pages -----------------------------------------------------------------------------------------

def owners(count):
    return ["_%d._tcp.%s" % (2000 + i, HOST) for i in range(count)]


def test_pages():
    names = owners(6)
    with Lab([(name, OLD, 60) for name in names], generate=150) as lab:
        run = lab.run("list", *names, zone_id=True)
        case("two pages cost less than six names", run, lab, [
            ("all", all(texts(run[0].rrsets[name]) == [OLD] for name in names)),
            ("calls", len(lab.calls()) == 2 and not any("name=_" in t for _, t in lab.calls()))])
        run = lab.run("list", *names[:2], "_9._tcp." + HOST, zone_id=True)
        case("what pages leave empty is asked for by name", run, lab, [
            ("empty", run[0].rrsets["_9._tcp." + HOST] == []),
            ("calls", len(lab.calls()) == 5 and "name=_9._tcp" in lab.calls()[-1][1])])
    with Lab([(name, OLD, 60) for name in names], generate=1000) as lab:
        run = lab.run("list", *names, zone_id=True)
        case("many pages cost more than six names", run, lab, [
            ("all", all(texts(run[0].rrsets[name]) == [OLD] for name in names)),
            ("calls", len(lab.calls()) == 7)])
    for change in ([{"add": {"type": "TLSA", "name": "_1._tcp.a.example.org", "content": OLD}}],
                   [{"remove": {"name": names[0]}}]):
        with Lab([(name, OLD, 60) for name in names], generate=150) as lab:
            lab.cf.fault(Fault("hook", path="page=2", changes=change))
            run = lab.run("list", *names, zone_id=True)
            left = names if "add" in change[0] else names[1:]
            case("pages that change (%s) are not believed" % list(change[0])[0], run, lab, [
                ("done", run[0].code == "done"),
                ("true", [n for n in names if run[0].rrsets.get(n)] == left),
                ("by name", len(lab.calls()) == 2 + len(names))])
    with Lab([(name, text, 60) for name in names for text in (OLD, NEW)], generate=150) as lab:
        run = lab.run("list", *names, "remove", names[0], lab.ids[0], "remove", names[1],
                      lab.ids[2], zone_id=True)
        case("after pages a set is looked at before a record is deleted", run, lab, [
            ("done", [r.code for r in run.results] == ["done"] * 3),
            ("looked", len(lab.calls("GET")) == 4)])
    for words, change, code in (
            ("a record came", [{"add": {"type": "TLSA", "name": names[0], "content":
                                        "3 1 2 " + "ab" * 64}}], "conflict"),
            ("the other went", [{"remove": {"name": names[0]}},
                                {"add": {"type": "TLSA", "name": names[0], "content": OLD}}],
             "conflict")):
        with Lab([(name, text, 60) for name in names for text in (OLD, NEW)], generate=150) as lab:
            lab.cf.fault(Fault("hook", path="name=_2000", changes=change))
            run = lab.run("list", *names, "remove", names[0], lab.ids[0], zone_id=True)
            case("after pages, %s meanwhile" % words, run, lab, [
                ("conflict", run[1].code == code), ("not deleted", not lab.calls("DELETE"))])
    with Lab([(name, text, 60) for name in names for text in (OLD, NEW)], generate=150) as lab:
        lab.cf.fault(Fault("hook", path="name=_2000", changes=[{"remove": {"id": lab.ids[1]}}]))
        run = lab.run("list", *names, "remove", names[0], lab.ids[0], zone_id=True)
        case("after pages, the only record that is left meanwhile is not deleted", run, lab, [
            ("conflict", run[1].code == "conflict"), ("not deleted", not lab.calls("DELETE"))])
    with Lab([(SMTP, "3 1 1 " + "%064x" % i, 60) for i in range(1, 65)],
             shapes=("per-page-5",)) as lab:
        run = lab.run("list", SMTP, "list", SMTP, HTTPS, zone_id=True)
        case("64 records of one name are taken", run, lab, [
            ("all", len(run[0].rrsets[SMTP]) == 64 and len(run[1].rrsets[SMTP]) == 64)])
        lab.cf.add_tlsa(SMTP, NEW, ttl=60)
        run = lab.run("list", SMTP, "list", SMTP, HTTPS, zone_id=True)
        case("65 are refused", run, lab, [
            ("refused", all(r.code == "refused" and "64" in r.words for r in run.results)),
            ("no sets", run[0].rrsets == {})])
    with Lab([(SMTP, OLD, 60)], generate=100000) as lab:
        run = lab.run("list", SMTP, HTTPS, zone_id=True)
        case("a zone of 100,000 records", run, lab, [
            ("found", texts(run[0].rrsets[SMTP]) == [OLD] and run[0].rrsets[HTTPS] == []),
            ("calls", len(lab.calls()) == 3), ("memory", run.end["memory"] < 60000)])


# ---- the way there ---------------------------------------------------------------------------------

def test_network():
    with Lab([(SMTP, OLD, 60)], bind=("127.0.0.1", "::1")) as lab:
        port = lab.cf.port
        for host in ("[::1]", "localhost"):
            run = lab.run("list", SMTP, zone_id=True,
                          endpoint="https://%s:%d/client/v4/" % (host, port))
            case("by way of %s" % host, run, lab, [("done", run[0].code == "done")])
        run = Run(lab.cf.url, os.path.join(Lab.directory, "other", "ca.pem"), ["list", SMTP],
                  env={"CFTOOL_PATIENCE": PATIENCE})
        case("a server that nobody vouches for", run, lab, [
            ("refused", run[0].code == "refused"), ("nothing sent", len(lab.calls()) == 2),
            ("words", "127.0.0.1" in run[0].words), ("at once", run.seconds < 5)])
    run = Run("https://127.0.0.1:%d/client/v4" % port, Lab.ca, ["list", SMTP, "add", SMTP, "60", NEW],
              env={"CFTOOL_ZONE_ID": "a" * 32})
    case("nobody there", run, None, [
        ("later", all(r.code == "later" for r in run.results)),
        ("words", "127.0.0.1" in run[0].words)])


def main():
    if not os.path.exists(TOOL):
        report("%s is there (tests/tools/cftool.c)" % TOOL, False)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        Lab.directory = directory
        authority = Authority(directory)
        os.mkdir(os.path.join(directory, "other"))
        Authority(os.path.join(directory, "other"))
        Lab.ca, Lab.server = authority.certificate, authority.issue(["localhost", "127.0.0.1", "::1"])
        tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
        wanted = sys.argv[1:]
        for test in tests:
            if not wanted or test.__name__ in wanted:
                test()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
