"""How answers look: the members of records, zones and envelopes, with the odd shapes of other years."""

import json
import random
import re
import time

SHAPES = {
    "no-data", "tabs", "lower-hex", "numbers-string", "numbers-float", "errors-null",
    "errors-absent", "chain", "top", "no-total-pages", "no-result-info", "one-page-empty", "81057",
    "delete-no-success", "gone-400", "zone-name", "no-comment", "null-result", "large-extra",
    "no-extra", "escapes", "plain-order", "per-page-5",
}


def nested(depth):
    value = {"leaf": [None, True, 1e-7, "\u00e9\U0001f511\"\\/\b"]}
    for level in range(depth):
        value = {"level": level, "inner": [value]} if level % 2 else [value]
    return value


LARGE = {"deep": nested(24), "wide": {"member %d" % i: [i, str(i), None] for i in range(300)},
         "long": "x" * 9000, "success": False, "result": [{"id": "no record", "type": "TLSA"}],
         "errors": [{"code": 1}]}


class Shaper:
    def __init__(self, seed, shapes):
        self.random = random.Random(seed)
        self.shapes = shapes  # shared with the emulator, may change

    def order(self, members):
        """The same members in another order."""
        if "plain-order" in self.shapes:
            return members
        items = list(members.items())
        self.random.shuffle(items)
        return dict(items)

    def extra(self, members, large=False):
        if "no-extra" in self.shapes:
            return members
        if large and "large-extra" in self.shapes:
            members["unheard_of"] = LARGE
        elif self.random.random() < 0.25:
            members["private_routing"] = False
        elif self.random.random() < 0.1:
            members["hints"] = {"ttl": 7, "data": {"certificate": None}, "content": ["3 1 1"]}
        return members

    @staticmethod
    def stamp(seconds):
        whole = int(seconds)
        micro = int((seconds - whole) * 1000000)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + ".%06dZ" % micro

    def number(self, value):
        if "numbers-string" in self.shapes:
            return str(value)
        if "numbers-float" in self.shapes:
            return float(value)
        return value

    def record(self, zone, record, large=False):
        tabs = "tabs" in self.shapes or "no-data" in self.shapes
        content = record.content
        members = {"id": record.id, "type": record.type, "name": record.name}
        if record.type == "TLSA":
            digest = record.data[3]
            if "lower-hex" in self.shapes:
                digest = digest.lower()
            content = ("\t" if tabs else " ").join(map(str, record.data[:3] + (digest,)))
            if "no-data" not in self.shapes:
                members["data"] = self.order({
                    "usage": self.number(record.data[0]), "selector": self.number(record.data[1]),
                    "matching_type": self.number(record.data[2]), "certificate": digest})
        members.update(content=content, proxiable=record.type in ("A", "AAAA", "CNAME"),
                       proxied=False, ttl=record.ttl, settings={}, tags=[],
                       meta={"auto_added": False, "source": "primary"},
                       created_on=self.stamp(record.created),
                       modified_on=self.stamp(record.modified))
        if record.comment is not None:
            members["comment"] = record.comment
            members["comment_modified_on"] = self.stamp(record.modified)
        elif "no-comment" not in self.shapes:
            members["comment"] = None
        if "zone-name" in self.shapes:
            members.update(zone_id=zone.id, zone_name=zone.name, locked=False)
        return self.order(self.extra(members, large))

    def zone(self, zone):
        return self.order(self.extra({
            "id": zone.id, "name": zone.name, "status": zone.status, "paused": zone.paused,
            "type": zone.type, "development_mode": 0,
            "name_servers": ["ada.ns.cloudflare.test", "bob.ns.cloudflare.test"],
            "original_name_servers": None, "original_registrar": None, "original_dnshost": None,
            "created_on": self.stamp(1600000000.0), "modified_on": self.stamp(1600000001.5),
            "activated_on": None if zone.status == "pending" else self.stamp(1600000002.25),
            "account": {"id": "a" * 32, "name": "Someone's account"},
            "owner": {"id": None, "type": "user", "email": None},
            "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "name": zone.plan.title() + " Plan",
                     "price": 0, "currency": "USD", "legacy_id": zone.plan},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3}},
            large=True))

    def envelope(self, success, errors, result, info=None, messages=()):
        members = {"success": success}
        if errors or not {"errors-null", "errors-absent"} & self.shapes:
            members["errors"] = list(errors)
        elif "errors-null" in self.shapes:
            members["errors"] = None
        if "errors-absent" not in self.shapes or messages:
            members["messages"] = None if "errors-null" in self.shapes and not messages \
                else list(messages)
        if "null-result" in self.shapes and result == []:
            result = None
        members["result"] = result
        if info is not None and "no-result-info" not in self.shapes:
            if "no-total-pages" in self.shapes:
                info.pop("total_pages")
            members["result_info"] = self.order(info)
        return self.order(self.extra(members, large=True))

    def error(self, code, message, chain):
        """E of facts A.2, chained or not as the shapes say."""
        chain = [{"code": c, "message": m} for c, m in chain]
        if "top" in self.shapes and chain:
            return self.order(chain[0])
        if "chain" in self.shapes and not chain:
            chain = [{"code": code, "message": message}]
            code, message = 1004, "DNS Validation Error"
        members = {"code": code, "message": message}
        if chain:
            members["error_chain"] = chain
        return self.order(members)

    def text(self, value):
        text = json.dumps(value, ensure_ascii=self.random.random() < 0.5,
                          separators=self.random.choice([(",", ":"), (", ", ": ")]))
        if "escapes" in self.shapes:
            text = re.sub(r'"(?:[^"\\]|\\.)*"', self.escape, text)
        return text.encode("utf-8")

    @staticmethod
    def escape(token):
        """A JSON string with every third letter or digit and every slash as an escape."""
        units = re.findall(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]", token.group()[1:-1])
        for i, unit in enumerate(units):
            if unit == "/":
                units[i] = "\\/"
            elif i % 3 == 1 and unit.isascii() and unit.isalnum():
                units[i] = "\\u%04x" % ord(unit)
        return '"' + "".join(units) + '"'
