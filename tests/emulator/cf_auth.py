"""Who asks: tokens, global keys, what they may do, and how often."""

import ipaddress
import re

from cf_check import Refusal

PERMISSIONS = {"dns:edit", "dns:read", "zone:read"}
TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{40}\Z|cf[ua]t_[A-Za-z0-9_-]{40,}\Z")
KEY_FORM = re.compile(r"[0-9a-f]{37,45}\Z|cfk_[A-Za-z0-9_-]{20,}\Z")
VISIBLE = re.compile(r"[\x21-\x7e]{20,200}\Z")


class Token:
    def __init__(self, secret, label=None, permissions=("dns:edit", "zone:read"), zones=None,
                 addresses=None, status="active", kind="user"):
        unknown = set(permissions) - PERMISSIONS
        if unknown or status not in ("active", "disabled", "expired") \
                or kind not in ("user", "account") or not VISIBLE.match(secret):
            raise ValueError("token: %s" % (sorted(unknown) or [status, kind, "or its form"]))
        self.secret = secret
        self.label = label or "token"
        self.permissions = set(permissions)
        self.zones = None if zones is None else set(zones)
        self.addresses = None if addresses is None else \
            [ipaddress.ip_network(network) for network in addresses]
        self.status, self.kind = status, kind

    def may(self, permission):
        return permission in self.permissions or \
            (permission == "dns:read" and "dns:edit" in self.permissions)

    def sees(self, zone):
        return self.zones is None or zone.id in self.zones


def identify(request, tokens, keys):
    """The Token of a request (one with all rights for a global key), or a Refusal."""
    first = dict(reversed(request.headers))
    if "authorization" in first:
        return by_token(first["authorization"], tokens)
    if "x-auth-key" not in first and "x-auth-email" not in first:
        raise Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
                      bare=True)
    mail, key = first.get("x-auth-email", ""), first.get("x-auth-key", "")
    if not KEY_FORM.match(key):
        raise Refusal(400, 6003, "Invalid request headers",
                      [(6103, "Invalid format for X-Auth-Key header")], bare=True)
    if "@" not in mail:
        raise Refusal(400, 6003, "Invalid request headers",
                      [(6102, "Invalid format for X-Auth-Email header")], bare=True)
    if keys.get(mail) != key:
        raise Refusal(403, 9103, "Unknown X-Auth-Key or X-Auth-Email", bare=True)
    return Token(key.ljust(20, "0"), "global key of " + mail, PERMISSIONS)


def by_token(value, tokens):
    scheme, _, secret = value.partition(" ")
    for token in tokens:
        if scheme.lower() == "bearer" and secret == token.secret:
            return token
    if scheme.lower() != "bearer" or not TOKEN_FORM.match(secret):
        raise Refusal(400, 6003, "Invalid request headers",
                      [(6111, "Invalid format for Authorization header")], bare=True)
    raise Refusal(403, 9109, "Invalid access token", bare=True)


def usable(token, address):
    """Refuses a token that is no longer, or not from here, valid."""
    if token.status != "active":
        raise Refusal(401, 9109, "Invalid access token", bare=True)
    if token.addresses is not None:
        here = ipaddress.ip_address(address.partition("%")[0])
        if not any(here in network for network in token.addresses):
            raise Refusal(403, 9109, "Cannot use the access token from location: %s" % address,
                          bare=True)


class Meter:
    """Requests per window and label; over it everything is refused for the time of the block."""

    def __init__(self):
        self.windows = {}  # label -> [start, used, blocked until]

    def reset(self):
        self.windows.clear()

    def count(self, label, limit, now):
        """(headers, Refusal or None)."""
        if limit is None:
            return [], None
        most, length, block = limit
        window = self.windows.setdefault(label, [now, 0, 0.0])
        if now >= window[0] + length or 0 < window[2] <= now:
            window[:] = [now, 0, 0.0]
        window[1] += 1
        if not window[2] and window[1] > most:
            window[2] = now + block
        left = max(most - window[1], 0)
        ends = window[2] if now < window[2] else window[0] + length
        seconds = max(int(ends - now + 0.999), 1)
        headers = [("Ratelimit", '"default";r=%d;t=%d' % (left, seconds)),
                   ("Ratelimit-Policy", '"default";q=%d;w=%d' % (most, length))]
        if now < window[2]:
            return headers, Refusal(
                429, 10429, "More than %d requests per %d seconds reached. Please wait and consider "
                "throttling your request speed" % (most, length), bare=True,
                headers=[("retry-after", str(seconds))])
        return headers, None
