"""The calls of the API: from a request that was read to an answer that is not yet sent."""

import re
import urllib.parse

import cf_check as check
from cf_auth import identify, usable
from cf_check import Refusal

BASE = "/client/v4"
TYPE_JSON = "application/json"


class Answer:
    def __init__(self, status, body, headers=(), codes=()):
        self.status, self.body = status, body
        self.headers = list(headers)
        self.codes = list(codes)


class Api:
    """Answers requests from the state of an emulator; called under its lock."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.shaper = emulator.shaper
        self.journal = []

    def handle(self, request, entry, plan):
        """An Answer; fills in the entry's token, effect and violations."""
        self.journal = []
        rate = []
        try:
            faults = check.header_faults(request, self.emulator.port)
            entry["violations"].extend(faults)
            if faults and self.emulator.strict:
                raise check.violation("; ".join(faults))
            token = identify(request, self.emulator.tokens, self.emulator.keys)
            entry["token"] = token.label
            rate, refusal = self.emulator.meter.count(token.label, self.emulator.rate_limit,
                                                      self.emulator.monotonic())
            if refusal is not None:
                raise refusal
            answer = self.route(request, token)
        except Refusal as refusal:
            self.undo()
            if refusal.violation and refusal.violation not in "; ".join(entry["violations"]):
                entry["violations"].append(refusal.violation)
            answer = self.refuse(refusal)
        answer.headers += rate
        if plan.pretend:
            self.undo()
        for op, zone, record, before in self.journal:
            entry["effect"].append({"op": op, "zone": zone.name, "record": record.plain(),
                                    "before": before and before.plain()})
            if plan.delayed:
                until = request.number + plan.delayed + 1
                if op != "delete":
                    zone.hidden[record.id] = until
                if op != "create":
                    zone.ghosts[record.id] = (before or record, until)
        return answer

    def refuse(self, refusal):
        errors = [self.shaper.error(refusal.code, refusal.message, refusal.chain)]
        if refusal.bare:
            value = self.shaper.order({"success": False, "errors": errors})
        else:
            value = self.shaper.envelope(False, errors, None)
        codes = [refusal.code] + [code for code, _ in refusal.chain]
        return Answer(refusal.status, self.shaper.text(value), refusal.headers, codes)

    def answer(self, result, info=None, messages=()):
        return Answer(200, self.shaper.text(self.shaper.envelope(True, [], result, info, messages)))

    # Routes

    def route(self, request, token):
        path, _, text = request.target.partition("?")
        if not re.fullmatch(r"[A-Za-z0-9/._~-]*", path):
            raise check.violation("path %r" % path)
        if not path.startswith(BASE + "/"):
            raise Refusal(400, 7000, "No route for that URI", violation="path " + path)
        try:
            query = urllib.parse.parse_qs(text, keep_blank_values=True, strict_parsing=bool(text),
                                          errors="strict")
        except ValueError:
            raise check.violation("query %r" % text)
        parts = path[len(BASE) + 1:].split("/")
        method = request.method
        if parts == ["user", "tokens", "verify"]:
            return self.verify(request, token, query, "user")
        if parts[0] == "accounts" and parts[2:] == ["tokens", "verify"]:
            return self.verify(request, token, query, "account")
        usable(token, request.address)
        if parts == ["zones"]:
            self.methods(method, "GET")
            return self.zones(token, query)
        if parts[0] != "zones":
            raise Refusal(400, 7000, "No route for that URI", violation="path " + path)
        rest = parts[2:]
        if not check.RECORD_ID.match(parts[1]):
            raise check.route_refusal(path)
        if rest == ["dns_records"]:
            self.methods(method, "GET", "POST")
            zone = self.zone(token, parts[1], "dns:read" if method == "GET" else "dns:edit")
            if method == "GET":
                return self.list(request, zone, query)
            check.only(query, ())
            return self.create(request, zone)
        if rest == ["dns_records", "batch"]:
            self.methods(method, "POST")
            check.only(query, ())
            return self.batch(request, self.zone(token, parts[1], "dns:edit"))
        if len(rest) == 2 and rest[0] == "dns_records":
            self.methods(method, "GET", "PATCH", "PUT", "DELETE")
            if not check.RECORD_ID.match(rest[1]):
                raise check.route_refusal(path)
            check.only(query, ())
            zone = self.zone(token, parts[1], "dns:read" if method == "GET" else "dns:edit")
            return self.one(request, zone, rest[1])
        check.only(query, ())
        if rest == ["dnssec"]:
            self.methods(method, "GET")
            return self.dnssec(self.zone(token, parts[1], "dns:read"))
        if not rest:
            self.methods(method, "GET")
            return self.answer(self.shaper.zone(self.zone(token, parts[1], "zone:read")))
        raise Refusal(400, 7000, "No route for that URI", violation="path " + path)

    @staticmethod
    def methods(method, *allowed):
        if method not in allowed:
            raise Refusal(405, 10405, "Method not allowed for this authentication scheme",
                          violation="method " + method)

    def zone(self, token, id, permission):
        """The zone of this id, if the token may do PERMISSION there."""
        for zone in self.emulator.zones:
            if zone.id == id and token.sees(zone):
                if not token.may(permission):
                    raise Refusal(403, 10000, "Authentication error", bare=True)
                return zone
        if self.emulator.foreign_zone_code == 9109:
            raise Refusal(403, 9109, "Unauthorized to access requested resource", bare=True)
        raise Refusal(403, 10000, "Authentication error", bare=True)

    def verify(self, request, token, query, kind):
        self.methods(request.method, "GET")
        check.only(query, ())
        if token.kind != kind:
            raise Refusal(401, 1000, "Invalid API Token")
        if token.status == "active":
            usable(token, request.address)
        messages = [] if token.status != "active" else \
            [{"code": 10000, "message": "This API Token is valid and active", "type": None}]
        return self.answer({"id": "e" * 32, "status": token.status}, None, messages)

    def zones(self, token, query):
        query = check.only(query, check.ZONE_PARAMETERS)
        page, per_page = check.pages(query, 5, 50, 20)
        if not token.may("zone:read"):
            if self.emulator.lookup_denied == "empty":
                return self.page([], page, per_page, 0)
            raise Refusal(403, 10000, "Authentication error", bare=True)
        name = query.get("name")
        if name is None and token.zones is not None:
            words = ("Actor 'com.cloudflare.api.token.%s' requires permission "
                     "'com.cloudflare.api.account.zone.list' to list zones" % ("e" * 32))
            raise Refusal(403, 0, words)
        if name is not None and (name.endswith(".") or not name.isascii() or not name):
            raise check.violation("zone name %r" % name)
        if query.get("status", "active") not in ("initializing", "pending", "active", "moved"):
            raise check.violation("status=%s" % query["status"])
        found = [zone for zone in self.emulator.zones if token.sees(zone)
                 and query.get("status", zone.status) == zone.status
                 and (name is None or zone_named(zone.name, name.lower()))]
        start = (page - 1) * per_page
        return self.page([self.shaper.zone(zone) for zone in found[start:start + per_page]],
                         page, per_page, len(found))

    def page(self, records, page, per_page, total):
        pages = (total + per_page - 1) // per_page
        if total == 0 and "one-page-empty" in self.emulator.shapes:
            pages = 1
        return self.answer(records, {"page": page, "per_page": per_page, "count": len(records),
                                     "total_count": total, "total_pages": pages})

    def dnssec(self, zone):
        signed = zone.dnssec != "disabled"
        return self.answer(self.shaper.order({
            "status": zone.dnssec, "flags": 257, "algorithm": "13" if signed else None,
            "key_type": "ECDSAP256SHA256", "digest_type": "2", "digest_algorithm": "SHA256",
            "digest": "48E939042E82C22542CB377B580DFDC52A361CEFDC72E7F9107E2B6BD9306A45",
            "ds": zone.name + ". 3600 IN DS 42 13 2 48E9..." if signed else None, "key_tag": 42,
            "modified_on": self.shaper.stamp(1600000000.0)}))

    # Records

    def list(self, request, zone, query):
        query = check.only(query, check.LIST_PARAMETERS)
        least = 5 if "per-page-5" in self.emulator.shapes else 1
        page, per_page = check.pages(query, least, 5000000, 100)
        choices = {"match": ("all", "any"), "direction": ("asc", "desc"),
                   "order": ("type", "name", "content", "ttl", "proxied"), "type": check.TYPES}
        for name, allowed in choices.items():
            if name in query and query[name] not in allowed:
                raise check.violation("%s=%s" % (name, query[name]))
        if "name" in query and "name.exact" in query:
            raise check.violation("name and name.exact")
        name = query.get("name", query.get("name.exact"))
        if name is not None and (name.endswith(".") or not name.isascii() or not name):
            raise check.violation("name=%s" % name)
        start = (page - 1) * per_page
        filters = [key for key in query if key == "type" or key.partition(".")[0] in
                   ("name", "comment")]
        number, order = request.number, query.get("order")
        descending = query.get("direction") == "desc"
        if set(filters) <= {"type"} and order in (None, "name") and (zone.blocks or order):
            # Without order the real one promises none: here it is the unusual one.
            records, total = zone.slice_by_name(query.get("type"), number, start, start + per_page,
                                                descending if order else True)
        else:
            if name is not None and query.get("match") != "any":
                name = name.lower()
                records = zone.seen(zone.named(name), number, lambda record: record.name == name)
            else:
                records = zone.seen(zone.everything(
                    query.get("type") if query.get("match") != "any" else None), number)
            together = any if query.get("match") == "any" and filters else all
            records = [record for record in records
                       if together(fits(record, key, query[key]) for key in filters)]
            records.sort(key=lambda record: sort_key(record, order), reverse=descending)
            total, records = len(records), records[start:start + per_page]
        return self.page([self.shaper.record(zone, record, large=i == 0)
                          for i, record in enumerate(records)], page, per_page, total)

    def codes(self):
        return {"identical": 81057 if "81057" in self.emulator.shapes else 81058,
                "cname": self.emulator.cname_code}

    def gone(self):
        return Refusal(400 if "gone-400" in self.emulator.shapes else 404, 81044,
                       "Record does not exist.")

    def create(self, request, zone):
        record = self.insert(zone, check.read_object(request.body))
        return self.answer(self.shaper.record(zone, record))

    def insert(self, zone, body):
        record = check.check_record(body, zone, self.emulator.min_ttl, self.emulator.now())
        check.check_place(zone, record, None, self.codes())
        if len(zone.real) >= zone.quota:
            raise Refusal(400, 81045, "Record quota exceeded.")
        zone.add(record)
        self.journal.append(("create", zone, record, None))
        return record

    def one(self, request, zone, id):
        record = zone.get(id)
        if record is None:
            raise self.gone()
        if request.method == "GET":
            return self.answer(self.shaper.record(zone, record))
        if request.method == "DELETE":
            self.erase(zone, id)
            value = self.shaper.envelope(True, [], {"id": id})
            if "delete-no-success" in self.emulator.shapes:
                value = {"result": value["result"]}
            return Answer(200, self.shaper.text(value))
        body = check.read_object(request.body)
        change = self.overwrite if request.method == "PUT" else self.amend
        return self.answer(self.shaper.record(zone, change(zone, id, body)))

    def erase(self, zone, id):
        if zone.get(id) is None:
            raise self.gone()
        record = zone.remove(id)
        self.journal.append(("delete", zone, record, None))
        return record

    def overwrite(self, zone, id, body, extra=()):
        before = zone.get(id)
        if before is None:
            raise self.gone()
        record = check.check_record(body, zone, self.emulator.min_ttl, self.emulator.now(), extra)
        check.check_place(zone, record, id, self.codes())
        zone.replace(id, record)
        self.journal.append(("change", zone, record, before))
        return record

    def amend(self, zone, id, body, extra=()):
        before = zone.get(id)
        if before is None:
            raise self.gone()
        check.check_members(body, extra)
        whole = {"type": before.type, "name": before.name, "ttl": before.ttl,
                 "comment": before.comment}
        if before.type == "TLSA":
            whole["data"] = dict(zip(check.DATA_MEMBERS, before.data))
        else:
            whole["content"] = before.content
        whole.update((key, value) for key, value in body.items() if key not in extra)
        return self.overwrite(zone, id, whole)

    def batch(self, request, zone):
        body = check.read_object(request.body)
        lists = ("deletes", "patches", "puts", "posts")
        for name, value in body.items():
            if name not in lists or not isinstance(value, list):
                raise check.violation("batch member %s" % name)
        if sum(map(len, body.values())) > (200 if zone.plan == "free" else 3500):
            raise Refusal(400, 1004, "DNS Validation Error",
                          [(9207, "Too many operations in the batch.")])
        result = dict.fromkeys(lists)
        for name in lists:
            for item in body.get(name) or []:
                if not isinstance(item, dict) or (name != "posts" and
                                                  not isinstance(item.get("id"), str)):
                    raise check.violation("item of %s" % name)
                if name == "deletes":
                    record = self.erase(zone, item["id"])
                elif name == "posts":
                    record = self.insert(zone, item)
                else:
                    change = self.amend if name == "patches" else self.overwrite
                    record = change(zone, item["id"], item, ("id",))
                result[name] = (result[name] or []) + [self.shaper.record(zone, record)]
        return self.answer(result)

    def undo(self):
        for op, zone, record, before in reversed(self.journal):
            if op == "create":
                zone.remove(record.id)
            elif op == "delete":
                zone.add(record)
            else:
                zone.remove(record.id)
                zone.add(before)
        self.journal = []


def zone_named(have, wanted):
    operator, separator, text = wanted.partition(":")
    if not separator:
        return have == wanted
    tests = {"equal": have == text, "not_equal": have != text,
             "starts_with": have.startswith(text), "ends_with": have.endswith(text),
             "contains": text in have}
    if operator not in tests:
        raise check.violation("zone name operator %s" % operator)
    return tests[operator]


def fits(record, key, wanted):
    member, _, way = key.partition(".")
    if key == "type":
        return record.type == wanted
    have, wanted = (getattr(record, member) or "").lower(), wanted.lower()
    if way == "present":
        return bool(have)
    if way == "absent":
        return not have
    if way == "contains":
        return wanted in have
    if way == "startswith":
        return have.startswith(wanted)
    if way == "endswith":
        return have.endswith(wanted)
    return have == wanted


def sort_key(record, order):
    if order in ("type", "name", "content", "ttl"):
        return getattr(record, order), record.id
    return "", record.id
