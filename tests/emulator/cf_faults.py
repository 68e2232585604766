"""Faults: what may go wrong with an answer, which requests it meets, and how it is written down."""

import json
import re

ACTIONS = {
    "status": {"status", "body", "code", "message", "headers", "when"},
    "ratelimit": {"retry_after", "date", "body", "when"},
    "drop": {"where", "how", "bytes"},
    "slow": {"ms", "where"},
    "stall": {"where", "bytes"},
    "chunked": {"sizes", "extensions", "trailers"},
    "close-delimited": set(),
    "length": {"delta", "value", "then"},
    "interim": {"codes"},
    "header": {"name", "value", "count"},
    "huge-header": {"bytes", "count"},
    "oversized": {"bytes", "kind"},
    "json": {"kind"},
    "redirect": {"location", "status"},
    "hook": {"call", "changes", "when"},
    "pretend": set(),
    "delayed": {"requests"},
}

CHOICES = {
    ("drop", "where"): ("handshake", "unread", "before", "after", "head", "body", "idle"),
    ("drop", "how"): ("reset", "close", "clean"),
    ("slow", "where"): ("head", "body", "all"),
    ("stall", "where"): ("before", "after", "head", "body"),
    ("length", "then"): ("close", "keep"),
    ("oversized", "kind"): ("string", "whitespace", "nested", "records", "after"),
    ("json", "kind"): ("garbage", "truncated", "trailing-comma", "control", "utf8", "deep",
                       "duplicate", "array", "number", "empty"),
}

DEFAULTS = {
    "status": {"status": 503, "body": "json", "when": "before"},
    "ratelimit": {"body": "json", "when": "before"},
    "drop": {"where": "before", "how": "reset"},
    "slow": {"ms": 10, "where": "all"},
    "stall": {"where": "before"},
    "chunked": {"sizes": [1, 2, 3, 5, 7, 11, 255], "extensions": True, "trailers": True},
    "length": {"delta": 0, "then": "close"},
    "interim": {"codes": [100, 103]},
    "header": {"count": 1},
    "huge-header": {"bytes": 70000, "count": 1},
    "oversized": {"bytes": 1 << 30, "kind": "string"},
    "json": {"kind": "garbage"},
    "redirect": {"status": 302},
    "hook": {"when": "before"},
    "delayed": {"requests": 3},
}


class Fault:
    def __init__(self, action, at=None, method=None, path=None, nth=1, times=1, **parameters):
        if action not in ACTIONS:
            raise ValueError("unknown fault %r" % action)
        for name in parameters:
            if name not in ACTIONS[action]:
                raise ValueError("fault %s has no parameter %r" % (action, name))
        self.action, self.at, self.method = action, at, method
        self.path = re.compile(path) if path is not None else None
        self.nth, self.times = nth, times
        self.parameters = dict(DEFAULTS.get(action, {}), **parameters)
        for (which, name), allowed in CHOICES.items():
            if which == action and self.parameters.get(name, allowed[0]) not in allowed:
                raise ValueError("fault %s: %s is one of %s" % (action, name, ", ".join(allowed)))
        if self.parameters.get("when", "before") not in ("before", "after", "answered"):
            raise ValueError("when is before, after or answered")
        self.matched = 0
        self.used = 0

    def __repr__(self):
        return "Fault(%s)" % self.describe()

    def __getitem__(self, name):
        return self.parameters.get(name)

    @property
    def early(self):
        """Acts before there is a request to match: on the connection."""
        return self.action == "drop" and self["where"] in ("handshake", "unread")

    def used_up(self):
        return self.times != 0 and self.used >= self.times

    def meets(self, number, method=None, target=None):
        """Whether it acts on this request; a match is counted. METHOD None: not read yet."""
        if self.used_up():
            return False
        if self.at is not None:
            hit = number >= self.at
        elif method is None:
            hit = self.method is None and self.path is None
            self.matched += hit
            hit = hit and self.matched >= self.nth
        else:
            hit = ((self.method is None or self.method == method)
                   and (self.path is None or self.path.search(target) is not None))
            self.matched += hit
            hit = hit and self.matched >= self.nth
        if hit:
            self.used += 1
        return hit

    def describe(self):
        shown = {k: v for k, v in self.parameters.items() if k != "call"}
        return self.action + "".join(" %s=%s" % (k, v) for k, v in shown.items())

    def as_json(self):
        return {"action": self.action, "at": self.at, "method": self.method,
                "path": self.path.pattern if self.path else None, "nth": self.nth,
                "times": self.times, "used": self.used,
                **{k: v for k, v in self.parameters.items() if k != "call"}}


def plain_value(text):
    """A value of the command line: a number, yes/no/none, a list joined with +, or text."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if text.lower() in ("true", "yes", "false", "no"):
        return text.lower() in ("true", "yes")
    if text.lower() == "none":
        return None
    if re.fullmatch(r"\d+(\+\d+)+", text):
        return [int(part) for part in text.split("+")]
    return text


def parse(spec):
    """A Fault from `ACTION,KEY=VALUE,...` or a JSON object (text or already a dict)."""
    if isinstance(spec, str) and not spec.lstrip().startswith("{"):
        action, *rest = spec.split(",")
        values = {}
        for part in rest:
            key, separator, value = part.partition("=")
            if not separator:
                raise ValueError("fault %r: %r is not KEY=VALUE" % (spec, part))
            values[key] = plain_value(value)
        spec = dict(values, action=action)
    elif isinstance(spec, str):
        spec = json.loads(spec)
    values = dict(spec)
    action = values.pop("action", None)
    for name in ("sizes", "codes"):
        if isinstance(values.get(name), int):
            values[name] = [values[name]]
    return Fault(action, **values)
