#!/usr/bin/env python3
"""An emulator of Cloudflare's API v4: see README.md beside this file."""

import email.utils
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cf_check
from cf_answer import Plan, Sender
from cf_api import BASE, Api
from cf_auth import Meter, Token
from cf_faults import Fault
from cf_shape import SHAPES, Shaper
from cf_store import Record, Zone, tlsa_record
from cf_wire import Listener, Malformed, Trap, tls_context

__all__ = ["Cloudflare", "Fault", "Token", "Trap", "Zone", "USUAL_TOKEN"]

USUAL_TOKEN = "emulator_token_000000000000000000000000x"
KNOBS = {"shapes", "min_ttl", "strict", "framing", "rate_limit", "keep_alive", "idle_timeout",
         "now", "date", "cname_code", "foreign_zone_code", "lookup_denied"}
COUNTERS = ("connections", "handshakes", "handshake_failures", "handshakes_dropped", "resumed",
            "requests", "bytes_in", "bytes_out")


class Cloudflare:
    def __init__(self, tls=None, zones=None, tokens=None, keys=None, min_ttl=60,
                 bind=("127.0.0.1",), port=0, generate=0, shapes=(), strict=True,
                 rate_limit=(1200, 300, 300), framing="chunked", seed=1, audit_file=None,
                 state_file=None, tls_versions=("1.2", "1.3"), keep_alive=0, idle_timeout=300):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.zones = list(zones) if zones is not None else [Zone("example.org")]
        self.tokens = list(tokens) if tokens is not None else [Token(USUAL_TOKEN)]
        self.keys = dict(keys or {})
        self.bind, self.port = tuple(bind), port
        self.context = tls_context(tls, tls_versions) if tls else None
        self.shapes = set()
        self.cname_code, self.foreign_zone_code, self.lookup_denied = 81053, 10000, "error"
        self.now, self.monotonic = time.time, time.monotonic
        self.set(shapes=shapes, min_ttl=min_ttl, strict=strict, framing=framing,
                 rate_limit=rate_limit, keep_alive=keep_alive, idle_timeout=idle_timeout)
        self.shaper = Shaper(seed, self.shapes)
        self.meter = Meter()
        self.api = Api(self)
        self.audit, self.faults = [], []
        self.requests = self.in_flight = 0
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.audit_out = open(audit_file, "a", encoding="utf-8") if audit_file else None
        self.state_file = state_file
        self.listener = None
        if generate:
            self.zones[0].generate(generate)
        if state_file and os.path.exists(state_file):
            self.load()

    # Life

    def start(self):
        self.listener = Listener(self.bind, self.port, self.serve)
        self.port = self.listener.port
        return self

    def stop(self):
        if self.listener is not None:
            self.listener.stop()
            self.listener = None
        with self.lock:
            self.save()
            if self.audit_out is not None:
                self.audit_out.close()
                self.audit_out = None

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        host = "[%s]" % self.bind[0] if ":" in self.bind[0] else self.bind[0]
        return "%s://%s:%d%s" % ("https" if self.context else "http", host, self.port, BASE)

    # Behind the client's back

    def set(self, **knobs):
        for name, value in knobs.items():
            if name not in KNOBS:
                raise ValueError("unknown knob %r" % name)
            if name == "shapes":
                unknown = set(value) - SHAPES
                if unknown:
                    raise ValueError("unknown shapes %s" % sorted(unknown))
                self.shapes.clear()
                self.shapes.update(value)
            elif name == "date":
                self.now = lambda offset=value: time.time() + offset
            else:
                setattr(self, name, value)

    def zone_of(self, name, zone=None):
        """The Zone that is meant: given as Zone, name or id, or the longest that holds NAME."""
        fitting = [z for z in self.zones
                   if (zone is None and name is not None and z.holds(name.lower()))
                   or zone in (z, z.name, z.id)]
        if not fitting:
            raise KeyError("no zone for %s" % (zone or name))
        return max(fitting, key=lambda z: len(z.name))

    def add_tlsa(self, name, content, ttl=3600, comment=None, zone=None):
        usage, selector, matching_type, digest = content.split(None, 3)
        data = (int(usage), int(selector), int(matching_type), "".join(digest.split()))
        return self.put(tlsa_record(name, data, ttl, comment, self.now()), zone)

    def add_record(self, type, name, content, ttl=3600, comment=None, zone=None):
        if type == "TLSA":
            return self.add_tlsa(name, content, ttl, comment, zone)
        return self.put(Record(type, name.lower(), content, ttl, comment, None, None, self.now()),
                        zone)

    def put(self, record, zone):
        with self.lock:
            self.zone_of(record.name, zone).add(record)
            self.save()
            return record.id

    def remove(self, id):
        with self.lock:
            for zone in self.zones:
                if zone.get(id) is not None:
                    zone.remove(id)
                    self.save()
                    return
            raise KeyError(id)

    def records(self, name=None, type=None, zone=None):
        with self.lock:
            zones = self.zones if zone is None else [self.zone_of(None, zone)]
            found = []
            for zone in zones:
                some = zone.everything(type) if name is None else zone.named(name.lower())
                found += [record.plain() for record in some if type in (None, record.type)]
            return found

    def rrset(self, name, type="TLSA"):
        with self.lock:
            return self.zone_of(name.rstrip(".")).rrset(name, type, self.requests)

    def load(self):
        with open(self.state_file, encoding="utf-8") as source:
            state = json.load(source)
        for name, records in state["zones"].items():
            zone = self.zone_of(None, name)
            for have in records:
                data = have["data"] and tuple(have["data"][m] for m in cf_check.DATA_MEMBERS)
                if data:
                    record = tlsa_record(have["name"], data, have["ttl"], have["comment"])
                else:
                    record = Record(have["type"], have["name"], have["content"], have["ttl"],
                                    have["comment"])
                record.id, record.created, record.modified = have["id"], self.now(), self.now()
                zone.add(record)

    def save(self):
        if self.state_file is None:
            return
        state = {"zones": {zone.id: [r.plain() for r in zone.real.values()]
                           for zone in self.zones}}
        with open(self.state_file + ".new", "w", encoding="utf-8") as out:
            json.dump(state, out, indent=1)
        os.replace(self.state_file + ".new", self.state_file)

    # Faults and the audit

    def fault(self, fault):
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear_faults(self):
        with self.lock:
            self.faults.clear()

    def unused_faults(self):
        """Those that have not met as many requests as they should (or none, if always)."""
        with self.lock:
            return [fault for fault in self.faults if fault.used < max(fault.times, 1)]

    @property
    def violations(self):
        with self.lock:
            return ["%s %s %s: %s" % (entry["n"], entry["method"], entry["path"], words)
                    for entry in self.audit for words in entry["violations"]]

    def wait(self, predicate, timeout):
        with self.changed:
            return bool(self.changed.wait_for(lambda: predicate(self), timeout))

    def settle(self, timeout=10):
        """Waits until nothing is under way, so that the audit's entries are complete."""
        return self.wait(lambda emulator: emulator.in_flight == 0, timeout)

    def reset(self):
        with self.lock:
            self.audit.clear()
            self.faults.clear()
            self.meter.reset()
            self.requests = 0
            self.counters.update(dict.fromkeys(COUNTERS, 0))
            for zone in self.zones:
                zone.hidden.clear()
                zone.ghosts.clear()

    # Serving

    def early(self, where):
        """The fault that acts before a request is read."""
        with self.lock:
            for fault in self.faults:
                if fault.early and fault["where"] == where and fault.method is None \
                        and fault.path is None and fault.meets(self.requests + 1):
                    return fault
        return None

    def count(self, name, number=1):
        with self.changed:
            self.counters[name] += number
            self.changed.notify_all()

    def serve(self, connection):
        self.count("connections")
        fault = self.early("handshake")
        if fault is not None:
            self.count("handshakes_dropped")
            connection.close(fault["how"])
            return
        if not connection.handshake(self.context, self.idle_timeout):
            self.count("handshake_failures")
            return
        if connection.tls is not None:
            self.count("handshakes")
            self.count("resumed", connection.tls["resumed"])
        served = 0
        while not connection.closed:
            before = connection.bytes_in, connection.bytes_out
            connection.sock.settimeout(self.idle_timeout)
            if any(fault.early for fault in self.faults):
                if not connection.request_waits():
                    break
                fault = self.early("unread")
                if fault is not None:
                    self.finish(connection, self.begin(connection, None, [fault.describe()]),
                                before)
                    connection.close(fault["how"])
                    return
            try:
                request = connection.read_request()
            except Malformed as error:
                self.malformed(connection, str(error), before)
                return
            if request is None:
                break
            served += 1
            if not self.exchange(connection, request, served, before):
                return
        connection.close("clean")

    def malformed(self, connection, words, before):
        entry = self.begin(connection, None, [])
        entry["violations"].append(words)
        entry["status"] = 400
        connection.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                         b"Connection: close\r\nContent-Length: 11\r\n\r\nBad Request")
        self.finish(connection, entry, before)
        connection.close("clean")

    def mask(self, name, value):
        if name not in ("authorization", "x-auth-key"):
            return value
        for token in self.tokens:
            value = value.replace(token.secret, "<%s>" % token.label)
        for mail, key in self.keys.items():
            value = value.replace(key, "<key of %s>" % mail)
        return value if "<" in value else "<unknown>"

    def begin(self, connection, request, names):
        """Numbers a request and gives it its entry of the audit."""
        entry = {"n": None, "time": self.monotonic(), "connection": connection.number,
                 "tls": connection.tls, "method": None, "path": None, "target": None, "query": None,
                 "headers": {}, "token": None, "body": None, "status": None, "code": None,
                 "codes": [], "effect": [], "faults": names, "violations": [], "answered": False,
                 "bytes_in": 0, "bytes_out": 0}
        if request is not None:
            path, _, query = request.target.partition("?")
            entry.update(method=request.method, target=request.target,
                         path=path[len(BASE):] if path.startswith(BASE) else path,
                         query=dict(part.partition("=")[::2] for part in query.split("&") if part),
                         headers={k: self.mask(k, v) for k, v in request.headers})
            try:
                entry["body"] = json.loads(request.body) if request.body else None
            except ValueError:
                entry["body"] = request.body.decode("utf-8", "replace")
        with self.changed:
            self.requests += 1
            self.in_flight += 1
            self.counters["requests"] += 1
            entry["n"] = self.requests
            self.audit.append(entry)
            self.changed.notify_all()
        return entry

    def finish(self, connection, entry, before):
        with self.changed:
            self.in_flight -= 1
            entry["bytes_in"] = connection.bytes_in - before[0]
            entry["bytes_out"] = connection.bytes_out - before[1]
            self.counters["bytes_in"] += entry["bytes_in"]
            self.counters["bytes_out"] += entry["bytes_out"]
            if self.audit_out is not None:
                self.audit_out.write(json.dumps(entry) + "\n")
                self.audit_out.flush()
            self.changed.notify_all()

    def exchange(self, connection, request, served, before):
        """One request and its answer. False when the connection is no longer to be used."""
        entry = self.begin(connection, request, [])
        request.number = entry["n"]
        if connection.buffer:
            entry["violations"].append("a request before the answer to the last one")
        with self.lock:
            short = request.target.removeprefix(BASE)
            met = [fault for fault in self.faults
                   if not (fault.early and fault.method is None and fault.path is None)
                   and fault.meets(request.number, request.method, short)]
            plan = Plan(met, self.now())
            entry["faults"] += plan.names
        try:
            keep = self.act(connection, request, entry, plan, served)
        except Exception as error:
            entry["violations"].append("the emulator or a hook failed: %r" % error)
            raise
        finally:
            self.finish(connection, entry, before)
        self.run_hooks(plan, "answered", entry)
        return keep

    def act(self, connection, request, entry, plan, served):
        self.run_hooks(plan, "before", entry)
        if self.break_off(connection, plan, ("before", "unread", "handshake")):
            return False
        with self.lock:
            fault, answer = plan.replacement()
            if fault is None or fault["when"] == "after":
                real = self.api.handle(request, entry, plan)
                answer = answer or real
            else:
                entry["violations"] += cf_check.header_faults(request, self.port)
            entry["status"], entry["codes"] = answer.status, answer.codes
            entry["code"] = answer.codes[0] if answer.codes else None
            if entry["effect"]:
                self.save()
            self.run_hooks(plan, "after", entry)
        if self.break_off(connection, plan, ("after",)):
            return False
        last = (self.keep_alive and served >= self.keep_alive) or any(
            name == "connection" and value.lower() == "close" for name, value in request.headers)
        sender = Sender(connection, plan, self.framing, self.listener.stopping)
        sender.send(answer, self.common(request, answer, last),
                    request.method == "HEAD" or answer.status in (204, 304))
        entry["answered"] = sender.whole
        if sender.keep and last:
            connection.close("clean")
        return sender.keep and not last

    def common(self, request, answer, last):
        headers = [("Date", email.utils.formatdate(self.now(), usegmt=True)),
                   ("CF-Ray", "%016x-TST" % (0x8f00000000000000 + request.number)),
                   ("Server", "cloudflare"), ("CF-Cache-Status", "DYNAMIC"),
                   ("Set-Cookie", "__cf_bm=%d; path=/; HttpOnly; Secure" % request.number)]
        if not any(name == "Content-Type" for name, _ in answer.headers) and answer.body:
            headers.append(("Content-Type", "application/json" if request.number % 2
                            else "application/json; charset=UTF-8"))
        if last:
            headers.append(("Connection", "close"))
        return headers + answer.headers

    @staticmethod
    def break_off(connection, plan, places):
        for place in places:
            fault = plan.where("drop", place)
            if fault is not None:
                connection.close(fault["how"])
                return True
            if plan.where("stall", place):
                connection.wait_closed()
                connection.close("close")
                return True
        return False

    def run_hooks(self, plan, when, entry):
        for fault in plan.hooks(when):
            if fault["call"] is not None:
                fault["call"](self, entry)
            for change in fault["changes"] or ():
                self.change(change)

    def change(self, change):
        """{"add": arguments of add_record} or {"remove": {"id"} or {"name", "type"}}."""
        if "add" in change:
            self.add_record(**change["add"])
        elif "id" in change["remove"]:
            self.remove(change["remove"]["id"])
        else:
            wanted = change["remove"]
            for record in self.records(wanted["name"], wanted.get("type")):
                if re.search(wanted.get("content", ""), record["content"]):
                    self.remove(record["id"])


if __name__ == "__main__":
    from cf_command import main

    sys.exit(main())
