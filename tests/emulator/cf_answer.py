"""From an answer to octets on the wire, with the faults that meet it."""

import email.utils
import http.client
import json

from cf_api import Answer

HTML = ("<!DOCTYPE html>\n<html><head><title>%d %s | api.cloudflare.test</title></head>\n"
        "<body><h1>%d</h1><p>Ray ID: \"0123\"; {\"success\":true}</p></body></html>\n")
BLOCK = 16384
FOREIGN = (b'{"id":"%032x","type":"TLSA","name":"_25._tcp.pad%d.example.net","ttl":1,"content":'
           b'"3 1 1 AA","data":{"usage":3,"selector":1,"matching_type":1,"certificate":"%064X"}}')


class Plan:
    """What the faults that meet one request make of it."""

    def __init__(self, faults, now):
        self.now = now
        self.faults = faults
        self.names = [fault.describe() for fault in faults]
        self.by_action = {fault.action: fault for fault in faults}
        delayed = self.by_action.get("delayed")
        self.pretend = "pretend" in self.by_action
        self.delayed = delayed["requests"] if delayed else 0

    def get(self, action):
        return self.by_action.get(action)

    def where(self, action, place):
        fault = self.by_action.get(action)
        return fault if fault is not None and fault["where"] == place else None

    def hooks(self, when):
        return [fault for fault in self.faults if fault.action == "hook" and fault["when"] == when]

    def replacement(self):
        """(fault, Answer) in place of the real answer, or (None, None)."""
        for fault in self.faults:
            if fault.action == "status":
                return fault, self.status_answer(fault)
            if fault.action == "ratelimit":
                return fault, self.limited(fault)
            if fault.action == "redirect":
                return fault, Answer(fault["status"], b"", [("Location", fault["location"])])
        return None, None

    @staticmethod
    def status_answer(fault):
        status, body = fault["status"], fault["body"]
        headers = list((fault["headers"] or {}).items())
        codes = []
        if body == "json":
            code = 10001 if fault["code"] is None else fault["code"]
            message = fault["message"] or "Internal error: a fault of the emulator"
            codes = [code]
            octets = json.dumps({"success": False, "errors": [{"code": code, "message": message}],
                                 "messages": [], "result": None}).encode()
            headers.append(("Content-Type", "application/json"))
        elif body == "html":
            words = http.client.responses.get(status, "Unknown")
            octets = (HTML % (status, words, status)).encode()
            headers.append(("Content-Type", "text/html; charset=UTF-8"))
        else:
            octets = ("error code: %d" % (fault["code"] or 1105) if body == "text" else body).encode()
            headers.append(("Content-Type", "text/plain; charset=UTF-8"))
        return Answer(status, octets, headers, codes)

    def limited(self, fault):
        headers = []
        if fault["retry_after"] is not None:
            headers.append(("retry-after", str(fault["retry_after"])))
        if fault["date"] is not None:
            headers.append(("retry-after",
                            email.utils.formatdate(self.now + fault["date"], usegmt=True)))
        if fault["body"] == "text":
            return Answer(429, b"error code: 1015",
                          headers + [("Content-Type", "text/plain; charset=UTF-8")])
        words = ("More than 1200 requests per 300 seconds reached. Please wait and consider "
                 "throttling your request speed")
        octets = json.dumps({"success": False, "errors": [{"code": 10429, "message": words}]})
        return Answer(429, octets.encode(), headers + [("Content-Type", "application/json")],
                      [10429])


def spoil(kind, body):
    """A JSON body that is none, or not the one expected."""
    if kind == "truncated":
        return body[:len(body) * 2 // 3]
    if kind == "trailing-comma":
        return body[:-1] + b",}"
    if kind == "control":
        return body[:1] + b'"control":"\x01\n",' + body[1:]
    if kind == "utf8":
        return body[:1] + b'"name":"\xc3\x28\xff",' + body[1:]
    if kind == "deep":
        return body[:1] + b'"deep":' + b"[" * 100000 + b"]" * 100000 + b"," + body[1:]
    if kind == "duplicate":
        return body[:-1] + b',"success":true,"success":false}'
    return {"garbage": b"{\"success\":tru\x00e, 'result': [}", "array": b"[" + body + b"]",
            "number": b"42", "empty": b""}[kind]


def padding(kind, size, body):
    """BODY with SIZE octets that are made as they are sent."""
    if not body.startswith(b"{") or kind == "after":
        yield body
        opening, unit, closing, body = b"", b" \r\n\t" * (BLOCK // 4), b"", b""
    elif kind == "string":
        opening, unit, closing = b'{"padding":"', b"x" * BLOCK, b'",'
    elif kind == "whitespace":
        opening, unit, closing = b"{", b" \r\n\t" * (BLOCK // 4), b""
    elif kind == "nested":
        opening, closing = b'{"padding":[', b"0],"
        unit = b'{"a":[[{"b":null}],-1.5e+3,"\\u00e9"],"result":[]},' * (BLOCK // 48)
    else:
        opening, unit, closing = b'{"result":[', None, b"{}],"
    yield opening
    sent = number = 0
    while sent < size:
        if unit is None:
            number += 1
            piece = FOREIGN % (number, number, number) + b","
        else:
            piece = unit
        sent += len(piece)
        yield piece
    yield closing
    yield body[1:]


def chunks(parts, fault):
    sizes = list(fault["sizes"]) if fault else [BLOCK]
    number = 0
    for part in parts:
        at = 0
        while at < len(part):
            size = sizes[number % len(sizes)]
            piece = part[at:at + size]
            line = b"%x" % len(piece)
            if fault and number % 2:
                line = line.upper().rjust(len(line) + 2, b"0")
            if fault and fault["extensions"] and number % 3 == 0:
                line += b' ; n=%d;q="a;\\"b"' % number
            yield line + b"\r\n" + piece + b"\r\n"
            at += len(piece)
            number += 1
    trailers = b"X-Checksum: 0\r\nServer-Timing: cf;dur=1\r\n" if fault and fault["trailers"] else b""
    yield b"0\r\n" + trailers + b"\r\n"


class Sender:
    """Sends one answer over CONNECTION. After send(): `whole`, and `keep` (the connection)."""

    def __init__(self, connection, plan, framing, stopping):
        self.connection, self.plan = connection, plan
        self.framing, self.stopping = framing, stopping
        self.whole = self.keep = False

    def head(self, answer, headers, length):
        """The head's octets; LENGTH of the body, None: not known."""
        lines = list(headers)
        fault = self.plan.get("length")
        if fault is not None:
            text = fault["value"]
            lines.append(("Content-Length", text if text is not None else length + fault["delta"]))
        elif self.framing == "length":
            lines.append(("Content-Length", length))
        elif self.framing == "chunked":
            lines.append(("Transfer-Encoding", "chunked"))
        elif self.framing == "close":
            lines.append(("Connection", "close"))
        fault = self.plan.get("header")
        if fault is not None:
            lines = [line for line in lines if line[0].lower() != fault["name"].lower()]
            if fault["value"] is not None:
                lines += [(fault["name"], fault["value"])] * fault["count"]
        fault = self.plan.get("huge-header")
        if fault is not None:
            lines += [("X-Huge-%d" % i, "h" * fault["bytes"]) for i in range(fault["count"])]
        text = "HTTP/1.1 %d %s\r\n" % (answer.status,
                                       http.client.responses.get(answer.status, "Unknown"))
        text += "".join("%s: %s\r\n" % line for line in lines) + "\r\n"
        octets = text.encode("latin-1")
        fault = self.plan.get("interim")
        for code in reversed(fault["codes"] if fault else ()):
            extra = b"Link: </style.css>; rel=preload\r\n" if code == 103 else b""
            octets = b"HTTP/1.1 %d %s\r\n%s\r\n" % (
                code, {100: b"Continue", 103: b"Early Hints"}.get(code, b"Interim"), extra) + octets
        return octets

    def compose(self, answer, headers, bodiless):
        """(head, body) as lists or generators of octets."""
        body = answer.body
        fault = self.plan.get("json")
        if fault is not None:
            body = spoil(fault["kind"], body)
        odd = self.plan.get("chunked")
        oversized = self.plan.get("oversized")
        if odd is not None or (oversized is not None and self.framing == "length"):
            self.framing = "chunked"
        if self.plan.get("close-delimited"):
            self.framing = "close"
        if bodiless:
            self.framing, parts, body = "none", [], b""
        elif oversized is not None:
            parts = padding(oversized["kind"], oversized["bytes"], body)
        else:
            parts = [body]
        head = self.head(answer, headers, len(body))
        if self.plan.get("length"):
            return [head], [body]
        if self.framing == "chunked":
            framed = chunks(parts, odd)
            return [head], framed if oversized is not None else list(framed)
        return [head], parts

    def send(self, answer, headers, bodiless=False):
        head, body = self.compose(answer, headers, bodiless)
        for section, parts in (("head", head), ("body", body)):
            if not self.section(section, parts):
                return
        self.whole = True
        fault = self.plan.get("length")
        if self.framing == "close" or (fault is not None and fault["then"] == "close"):
            self.connection.close("clean")
        elif self.plan.where("drop", "idle"):
            self.connection.close(self.plan.get("drop")["how"])
        else:
            self.keep = True

    def section(self, name, parts):
        """Sends one section; False when that was the end of it."""
        drop, stall = self.plan.where("drop", name), self.plan.where("stall", name)
        fault = drop or stall
        left = None
        if fault is not None:
            known = sum(map(len, parts)) if isinstance(parts, list) else 100000
            left = known // 2 if fault["bytes"] is None else fault["bytes"]
        slow = self.plan.get("slow")
        pause = slow["ms"] / 1000 if slow and slow["where"] in (name, "all") else None
        for part in parts:
            piece = part if left is None else part[:left]
            if not self.write(piece, pause):
                return False
            if left is not None:
                left -= len(piece)
                if left == 0:
                    break
        if fault is None:
            return True
        if stall is not None:
            self.connection.wait_closed()
            self.connection.close("close")
        else:
            self.connection.close(drop["how"])
        return False

    def write(self, octets, pause):
        if pause is None:
            return self.connection.write(octets)
        for i in range(len(octets)):
            if not self.connection.write(octets[i:i + 1]) or self.stopping.wait(pause):
                return False
        return True
