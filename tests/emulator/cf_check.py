"""What is wrong with a request: headers, query, body. Cloudflare's refusals, and violations.

A Refusal is an answer of the real API. Its `violation` is set where a correct client can never
cause it, whatever its configuration: the test that sees one has found a fault in the client.
"""

import json
import re

from cf_store import COMMENT_MOST, RENDERED_MOST, WIRE_MOST, Record, tlsa_record

STRICT_CODE = 9999  # not Cloudflare's: what the real API would let pass

RECORD_ID = re.compile(r"[0-9a-f]{32}\Z")
ATOM = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
NAME = re.compile(r"(\*\.)?(%s\.)*%s\Z" % (ATOM, ATOM))
HEX = re.compile(r"([0-9A-Fa-f]{2})+\Z")
DIGEST_OCTETS = {1: 32, 2: 64}
TTL_MOST = 86400

KNOWN_HEADERS = {"host", "user-agent", "accept", "authorization", "x-auth-email", "x-auth-key",
                 "content-type", "content-length", "connection"}
RECORD_MEMBERS = {"type": str, "name": str, "ttl": int, "data": dict, "content": str,
                  "comment": (str, type(None)), "tags": list, "proxied": bool, "settings": dict,
                  "priority": int}
DATA_MEMBERS = ("usage", "selector", "matching_type", "certificate")
TYPES = {"A", "AAAA", "CAA", "CERT", "CNAME", "DNSKEY", "DS", "HTTPS", "LOC", "MX", "NAPTR", "NS",
         "OPENPGPKEY", "PTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI"}
LIST_PARAMETERS = {
    "type", "name", "match", "order", "direction", "page", "per_page",
    *("name." + way for way in ("exact", "contains", "startswith", "endswith")),
    *("comment." + way for way in ("exact", "contains", "startswith", "endswith", "present",
                                   "absent"))}
ZONE_PARAMETERS = {"name", "status", "account.id", "account.name", "page", "per_page", "order",
                   "direction", "match"}


class Refusal(Exception):
    def __init__(self, status, code, message, chain=(), violation=None, bare=False, headers=()):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.chain = list(chain)
        self.violation = violation
        self.bare = bare  # only success and errors, as authentication failures often are
        self.headers = list(headers)


def violation(words):
    return Refusal(400, STRICT_CODE, "Emulator: a correct client does not do this: " + words,
                   violation=words)


def invalid(code, message, violation=None):
    return Refusal(400, 1004, "DNS Validation Error", [(code, message)], violation)


def route_refusal(path):
    return Refusal(400, 7003, "Could not route to %s, perhaps your object identifier is invalid?"
                   % path, [(7000, "No route for that URI")])


def header_faults(request, port):
    """What is wrong with the head of a request, as a list of words."""
    faults = []
    seen = {}
    for name, value in request.headers:
        seen.setdefault(name, []).append(value)
    for name, values in seen.items():
        if name not in KNOWN_HEADERS:
            faults.append("header %s: %s" % (name, values[0][:60]))
        if len(values) > 1:
            faults.append("header %s more than once" % name)
    first = {name: values[0] for name, values in seen.items()}
    if request.version != "HTTP/1.1":
        faults.append("version " + request.version)
    host = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?",
                        first.get("host", ""))
    if host is None or (port is not None and int(host.group(2) or 443) != port):
        faults.append("Host %r" % first.get("host"))
    if not re.match(r"\S", first.get("user-agent", "")):
        faults.append("no User-Agent")
    if "accept" not in first:
        faults.append("no Accept")
    elif not re.search(r"application/json|\*/\*", first["accept"]):
        faults.append("Accept %r" % first["accept"])
    if "authorization" in first and ("x-auth-key" in first or "x-auth-email" in first):
        faults.append("both authentication schemes")
    if first.get("connection", "keep-alive").lower() not in ("keep-alive", "close"):
        faults.append("Connection %r" % first["connection"])
    if request.body:
        if request.method in ("GET", "DELETE", "HEAD"):
            faults.append("a body with " + request.method)
        kind = first.get("content-type", "")
        if not re.fullmatch(r"application/json(; *charset=utf-8)?", kind, re.I):
            faults.append("Content-Type %r" % kind)
    else:
        if "content-type" in first:
            faults.append("Content-Type without a body")
        if "content-length" in first and request.method in ("GET", "DELETE", "HEAD"):
            faults.append("Content-Length without a body")
    return faults


def only(query, known):
    for name, values in query.items():
        if name not in known:
            raise violation("query parameter %s" % name)
        if len(values) != 1:
            raise violation("query parameter %s more than once" % name)
    return {name: values[0] for name, values in query.items()}


def pages(query, least, most, usual):
    """(page, per_page), clamped."""
    numbers = []
    for name, default in (("page", 1), ("per_page", usual)):
        text = query.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
            raise violation("%s=%s" % (name, text))
        numbers.append(int(text))
    return numbers[0], min(max(numbers[1], least), most)


def no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def no_constant(name):
    raise ValueError("the constant " + name)


def read_object(body):
    """The JSON object of a body."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=no_duplicates,
                           parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, 9207, "Request body is invalid.",
                      violation="body is no JSON: %s" % error)
    if not isinstance(value, dict):
        raise Refusal(400, 9207, "Request body is invalid.", violation="body is no JSON object")
    return value


def is_type(value, wanted):
    if isinstance(value, bool) and wanted is not bool:
        return False
    return isinstance(value, wanted)


def check_members(body, extra=()):
    for name, value in body.items():
        if name in extra:
            continue
        if name not in RECORD_MEMBERS:
            raise violation("unknown member %s" % name)
        if not is_type(value, RECORD_MEMBERS[name]):
            raise Refusal(400, 9207, "Request body is invalid: %s has the wrong type." % name,
                          violation="%s is %s" % (name, json.dumps(value)[:60]))


def check_data(body):
    """(usage, selector, matching type, hex) of a TLSA record's members."""
    data = body.get("data")
    if data is None:
        raise invalid(9101, "usage is a required data field.", "TLSA without data")
    if "content" in body:
        raise violation("content beside data")
    for name in data:
        if name not in DATA_MEMBERS:
            raise violation("unknown member data.%s" % name)
    for name in DATA_MEMBERS:
        if name not in data:
            raise invalid(9101, "%s is a required data field." % name, "no data." + name)
        if not is_type(data[name], str if name == "certificate" else int):
            raise invalid(9100, "%s has the wrong type." % name,
                          "data.%s is %s" % (name, json.dumps(data[name])[:60]))
    usage, selector, matching_type, digest = (data[name] for name in DATA_MEMBERS)
    if not (0 <= usage <= 3 and 0 <= selector <= 1 and 0 <= matching_type <= 2):
        raise invalid(9005, "Content for TLSA record is invalid.",
                      "TLSA %d %d %d" % (usage, selector, matching_type))
    octets = len(digest) // 2
    if not HEX.match(digest):
        raise invalid(9005, "Content for TLSA record is invalid.", "certificate is not hex")
    if octets != DIGEST_OCTETS.get(matching_type, octets):
        raise invalid(9005, "Content for TLSA record is invalid.",
                      "%d octets with matching type %d" % (octets, matching_type))
    if octets + 3 > WIRE_MOST:
        raise invalid(9005, "Content for TLSA record is invalid.")
    return usage, selector, matching_type, digest


def check_name(name, zone):
    if name.endswith("."):
        raise invalid(9000, "DNS name is invalid.", "name %s with a final dot" % name)
    if not name.isascii():
        raise invalid(9000, "DNS name is invalid.", "name that is not ASCII")
    if len(name) > 253 or not NAME.match(name):
        raise invalid(9000, "DNS name is invalid.")
    if not zone.holds(name.lower()):
        raise invalid(9000, "DNS name is invalid.")
    return name.lower()


def check_ttl(ttl, zone, min_ttl):
    least = min(min_ttl, 30) if zone.plan == "enterprise" else min_ttl
    if ttl != 1 and not least <= ttl <= TTL_MOST:
        raise invalid(9021, "TTL must be between %d and %d seconds, or 1 for Automatic."
                      % (least, TTL_MOST))
    return ttl


def check_comment(comment, zone):
    if comment is None:
        return None
    most = COMMENT_MOST.get(zone.plan, 500)
    if len(comment) > most:
        raise invalid(9313, "DNS record comment exceeds the maximum length of %d characters." % most)
    if any(ord(char) < 32 or ord(char) == 127 for char in comment):
        raise invalid(9314, "DNS record comment contains invalid characters.",
                      "control character in comment")
    return comment or None


def check_record(body, zone, min_ttl, now, extra=()):
    """The Record that a complete body describes."""
    check_members(body, extra)
    for name in ("type", "name", "ttl"):
        if name not in body:
            raise invalid(9101, "%s is a required data field." % name, "no " + name)
    if body["type"] not in TYPES:
        raise invalid(9004, "Type must be a DNS record type.", "type %s" % body["type"])
    if body.get("tags"):
        raise invalid(9300, "DNS record has %d tags, exceeding the quota of 0." % len(body["tags"]))
    name = check_name(body["name"], zone)
    ttl = check_ttl(body["ttl"], zone, min_ttl)
    comment = check_comment(body.get("comment"), zone)
    if body["type"] == "TLSA":
        return tlsa_record(name, check_data(body), ttl, comment, now)
    if not body.get("content"):
        raise invalid(9005, "Content for %s record is invalid." % body["type"], "no content")
    content = body["content"]
    if body["type"] in ("CNAME", "MX", "NS"):
        content = content.lower().rstrip(".")
    return Record(body["type"], name, content, ttl, comment, None, None, now)


def check_place(zone, record, but=None, codes=None):
    """Whether RECORD may stand beside what is there (but BUT, the record it replaces)."""
    codes = codes or {}
    others = [other for other in zone.named(record.name) if other.id != but]
    if any(other.same(record) for other in others):
        if codes.get("identical") == 81057:
            raise Refusal(400, 81057, "Record already exists.")
        raise Refusal(400, 81058, "An identical record already exists.")
    if any(other.type == "CNAME" for other in others) or (record.type == "CNAME" and others):
        raise Refusal(400, codes.get("cname", 81053),
                      "An A, AAAA, or CNAME record with that host already exists. For more details, "
                      "refer to <https://developers.cloudflare.com/dns/manage-dns-records/>.")
    if record.type != "NS" and record.name != zone.name:
        labels = record.name.split(".")
        for i in range(len(labels)):
            cut = ".".join(labels[i:])
            if cut == zone.name:
                break
            if any(other.type == "NS" for other in zone.named(cut)):
                raise Refusal(400, 81056, "NS records with that host already exist.")
    rendered = sum(len(other.content) for other in others if other.type == record.type)
    if rendered + len(record.content) > RENDERED_MOST:
        raise invalid(9005, "Content of all records of this name and type exceeds %d characters."
                      % RENDERED_MOST)
