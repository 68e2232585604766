"""What the emulator accepts, refuses and shows: the functions of test_cloudflare.py, part one."""

import json

from cloudflare import USUAL_TOKEN, Cloudflare, Token, Zone
from raw_client import Client, body, data

NAME = "_25._tcp.mail.example.org"
OTHER = "_443._tcp.mail.example.org"


def paths(cf, zone=0):
    return "/zones/%s/dns_records" % cf.zones[zone].id


def refused(cf, reply, status, code, chain=(), violation=False):
    assert (reply.status, reply.code, reply.chain) == (status, code, list(chain)), \
        (reply.status, reply.body)
    assert reply.json["success"] is False
    assert bool(cf.audit[-1]["violations"]) == violation, cf.audit[-1]["violations"]
    assert cf.audit[-1]["code"] == code and cf.audit[-1]["effect"] == []


def test_header_violations():
    cases = [
        ({"Accept-Encoding": "gzip"}, None, "accept-encoding"),
        ({"X-Auth-Key": "0" * 37, "X-Auth-Email": "a@example.org"}, None, "both"),
        ({"User-Agent": None}, None, "User-Agent"), ({"Accept": None}, None, "Accept"),
        ({"Accept": "text/html"}, None, "Accept"),
        ({"Content-Type": "application/json"}, None, "without a body"),
        ({}, b"{}", "a body with GET"), ({"Host": "127.0.0.1:1"}, None, "Host"),
        ({"Host": None}, None, "Host"), ({"Cookie": "a=b"}, None, "cookie"),
        ({"Connection": "Upgrade"}, None, "Connection"), ({"Content-Length": "0"}, None, "Length"),
        ({"X\r\nAccept": "*/*"}, None, None)]
    with Cloudflare() as cf:
        for headers, octets, words in cases:
            with Client(cf) as client:
                if words is None:
                    client.send("GET", paths(cf), octets, headers)
                    assert client.read().status == 400 and "header line" in cf.violations[-1]
                    continue
                reply = client.ask("GET", paths(cf), octets, headers)
                refused(cf, reply, 400, 9999, violation=True)
                assert words in cf.violations[-1], cf.violations[-1]
        with Client(cf) as client:
            reply = client.ask("POST", paths(cf), body(), {"Content-Type": "text/plain"})
            refused(cf, reply, 400, 9999, violation=True)
        for raw in (b"GET / HTTP/1.1\nHost: x\n\r\n\r\n", b"get /x HTTP/1.1\r\n\r\n",
                    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with Client(cf) as client:
                client.sock.sendall(raw)
                assert client.read().status == 400 and cf.audit[-1]["violations"]
        cf.set(strict=False)
        with Client(cf) as client:
            assert client.ask("GET", paths(cf), None, {"Accept-Encoding": "gzip"}).status == 200
            assert cf.audit[-1]["violations"]
            client.ask("GET", paths(cf))
            assert not cf.audit[-1]["violations"] and cf.counters["connections"] == len(cases) + 5


def test_authorization():
    key = "0123456789abcdef0123456789abcdef01234"
    with Cloudflare(keys={"me@example.org": key}) as cf, Client(cf) as client:
        def ask(headers):
            return client.ask("GET", paths(cf), None, dict({"Authorization": None}, **headers))

        for value in ("Basic abc", "Bearer " + key, "Bearer a b", "Bearer", "bearer x",
                      USUAL_TOKEN, "Bearer  " + USUAL_TOKEN):
            refused(cf, ask({"Authorization": value}), 400, 6003, [6111])
            assert cf.audit[-1]["headers"]["authorization"] in (
                "<unknown>", "<token>", "Bearer  <token>", "Bearer <key of me@example.org>")
        refused(cf, ask({"Authorization": "Bearer " + "x" * 40}), 403, 9109)
        refused(cf, ask({"Authorization": "Bearer cfut_" + "x" * 48}), 403, 9109)
        refused(cf, ask({}), 400, 9106)
        refused(cf, ask({"X-Auth-Email": "me@example.org", "X-Auth-Key": "no"}), 400, 6003, [6103])
        refused(cf, ask({"X-Auth-Email": "me", "X-Auth-Key": key}), 400, 6003, [6102])
        refused(cf, ask({"X-Auth-Email": "you@example.org", "X-Auth-Key": key}), 403, 9103)
        assert ask({"X-Auth-Email": "me@example.org", "X-Auth-Key": key}).result == []
        assert key not in json.dumps(cf.audit) and USUAL_TOKEN not in json.dumps(cf.audit)
        assert client.ask("GET", paths(cf)).result == [] and cf.audit[-1]["token"] == "token"


def test_permissions():
    zone, foreign = Zone("example.org"), Zone("example.net")
    tokens = {
        "edit": Token("e" * 40, "edit", ["dns:edit"]),
        "read": Token("r" * 40, "read", ["dns:read"]),
        "zone": Token("z" * 40, "zone", ["zone:read"], zones=[zone.id]),
        "one": Token("o" * 40, "one", zones=[zone.id]),
        "away": Token("a" * 40, "away", addresses=["192.0.2.0/24"]),
        "here": Token("h" * 40, "here", addresses=["192.0.2.0/24", "127.0.0.0/8"]),
        "dead": Token("d" * 40, "dead", status="expired"),
        "off": Token("f" * 40, "off", status="disabled"),
        "account": Token("c" * 40, "account", kind="account")}
    with Cloudflare(zones=[zone, foreign], tokens=tokens.values()) as cf:
        def ask(who, method, path, content=None):
            with Client(cf, token=tokens[who].secret) as client:
                return client.ask(method, path, content)

        assert ask("edit", "GET", paths(cf)).result == []
        refused(cf, ask("edit", "GET", "/zones?name=example.org"), 403, 10000)
        refused(cf, ask("read", "POST", paths(cf), body()), 403, 10000)
        assert ask("read", "GET", paths(cf)).status == 200
        refused(cf, ask("zone", "GET", paths(cf)), 403, 10000)
        assert len(ask("zone", "GET", "/zones?name=example.org").result) == 1
        assert ask("zone", "GET", "/zones?name=example.net").result == []
        refused(cf, ask("zone", "GET", "/zones"), 403, 0)
        refused(cf, ask("one", "GET", paths(cf, 1)), 403, 10000)
        cf.set(foreign_zone_code=9109, lookup_denied="empty")
        refused(cf, ask("one", "GET", paths(cf, 1)), 403, 9109)
        assert ask("edit", "GET", "/zones?name=example.org").result == []
        reply = ask("away", "GET", paths(cf))
        refused(cf, reply, 403, 9109)
        assert "from location: 127.0.0.1" in reply.json["errors"][0]["message"]
        assert ask("here", "GET", paths(cf)).status == 200
        refused(cf, ask("dead", "GET", paths(cf)), 401, 9109)
        reply = ask("one", "GET", "/user/tokens/verify")
        assert reply.result["status"] == "active" and reply.json["messages"][0]["code"] == 10000
        assert ask("dead", "GET", "/user/tokens/verify").result["status"] == "expired"
        assert ask("off", "GET", "/user/tokens/verify").result["status"] == "disabled"
        refused(cf, ask("account", "GET", "/user/tokens/verify"), 401, 1000)
        assert ask("account", "GET", "/accounts/%s/tokens/verify" % ("a" * 32)).status == 200
        assert cf.violations == []


def test_zones():
    zones = [Zone("example.org"), Zone("a.example.org", status="pending"),
             Zone("twice.test", "1" * 32), Zone("twice.test", "2" * 32, status="moved"),
             Zone("part.test", type="partial", paused=True, plan="enterprise")]
    zones += [Zone("z%d.test" % i) for i in range(20)]
    with Cloudflare(zones=zones) as cf, Client(cf) as client:
        def names(query):
            return [z["name"] for z in client.ask("GET", "/zones" + query).result]

        assert names("?name=EXAMPLE.org") == ["example.org"]
        assert names("?name=mail.example.org") == [] and names("?name=org") == []
        assert names("?name=a.example.org&status=active") == []
        assert names("?name=a.example.org&status=pending&per_page=50") == ["a.example.org"]
        assert len(names("?name=twice.test")) == 2
        assert len(names("?name=twice.test&status=active")) == 1
        assert len(names("?name=ends_with:example.org")) == 2
        part = client.ask("GET", "/zones?name=part.test").result[0]
        assert part["type"] == "partial" and part["paused"] and part["status"] == "active"
        assert part["plan"]["legacy_id"] == "enterprise" and part["account"]["id"]
        info = client.ask("GET", "/zones?per_page=2").json["result_info"]
        assert info == {"page": 1, "per_page": 5, "count": 5, "total_count": 25, "total_pages": 5}
        assert len(names("?per_page=1000")) == 25 and len(names("?page=2")) == 5
        assert client.ask("GET", "/zones/" + "1" * 32).result["name"] == "twice.test"
        for query in ("?name=example.org.", "?nam=x", "?name=a&name=b", "?status=ok", "?page=0"):
            refused(cf, client.ask("GET", "/zones" + query), 400, 9999, violation=True)


def test_routes():
    with Cloudflare() as cf, Client(cf) as client:
        for zone in ("example.org", "1" * 31, "A" * 32):
            refused(cf, client.ask("GET", "/zones/%s/dns_records" % zone), 400, 7003, [7000])
        refused(cf, client.ask("GET", "/zones//dns_records"), 400, 7003, [7000])
        refused(cf, client.ask("GET", "/zones/%s/dns_records" % ("1" * 32)), 403, 10000)
        refused(cf, client.ask("DELETE", paths(cf) + "/xyz"), 400, 7003, [7000])
        refused(cf, client.ask("GET", "/nothing"), 400, 7000, violation=True)
        refused(cf, client.ask("PUT", paths(cf), body()), 405, 10405, violation=True)
        refused(cf, client.ask("POST", paths(cf) + "?a=b", body()), 400, 9999, violation=True)
        assert client.ask("GET", "/zones/%s/dnssec" % cf.zones[0].id).result["status"] == "active"


def test_create_refusals():
    long = "c" * 101
    cases = [
        (b"[]", 9207, [], True), (b"{", 9207, [], True), (b'{"a":1,"a":1}', 9207, [], True),
        (b"\xff", 9207, [], True), (b'{"ttl":NaN}', 9207, [], True),
        (body(ttl="3600"), 9207, [], True), (body(ttl=True), 9207, [], True),
        (body(ttl=3600.0), 9207, [], True), (body(ttl=...), 1004, [9101], True),
        (body(ttl=59), 1004, [9021], False), (body(ttl=86401), 1004, [9021], False),
        (body(ttl=0), 1004, [9021], False), (body(type=...), 1004, [9101], True),
        (body(type="tlsa"), 1004, [9004], True), (body(comment=long), 1004, [9313], False),
        (body(comment="a\nb"), 1004, [9314], True), (body(tags=["a:b"]), 1004, [9300], False),
        (body(data=..., content="3 1 1 " + "ab" * 32), 1004, [9101], True),
        (body(content="3 1 1 " + "ab" * 32), 9999, [], True),
        (body(data=data(usage="3")), 1004, [9100], True),
        (body(data=data(usage=3.0)), 1004, [9100], True),
        (body(data=data(selector=...)), 1004, [9101], True),
        (body(data=data(extra=1)), 9999, [], True), (body(extra=1), 9999, [], True),
        (body(data=data(usage=4)), 1004, [9005], True),
        (body(data=data(certificate="ab" * 31 + "a")), 1004, [9005], True),
        (body(data=data(certificate="xy" * 32)), 1004, [9005], True),
        (body(data=data(certificate="ab" * 64)), 1004, [9005], True),
        (body(data=data(matching_type=2)), 1004, [9005], True),
        (body(data=data(matching_type=0, certificate="ab" * 4097)), 1004, [9005], False),
        (body(name="_25._tcp.mail"), 1004, [9000], False),
        (body(name="_25._tcp.mail.example.net"), 1004, [9000], False),
        (body(name="notexample.org"), 1004, [9000], False),
        (body(name=NAME + "."), 1004, [9000], True), (body(name="a..example.org"), 1004, [9000], False),
        (body(name="b\u00fccher.example.org"), 1004, [9000], True)]
    with Cloudflare() as cf, Client(cf) as client:
        for content, code, chain, violation in cases:
            refused(cf, client.ask("POST", paths(cf), content), 400, code, chain, violation)
        assert cf.records() == []
        cf.set(min_ttl=2)
        assert client.ask("POST", paths(cf), body(ttl=2)).result["ttl"] == 2
        refused(cf, client.ask("POST", paths(cf), body(ttl=0)), 400, 1004, [9021])
    with Cloudflare(zones=[Zone("example.org", plan="enterprise")]) as cf, Client(cf) as client:
        assert client.ask("POST", paths(cf), body(ttl=30, comment=long)).status == 200


def test_records():
    with Cloudflare() as cf, Client(cf) as client:
        made = client.ask("POST", paths(cf), body(ttl=1, name=NAME.upper(), comment=...)).result
        assert made["name"] == NAME and made["comment"] is None and made["ttl"] == 1
        assert made["content"] == "3 1 1 " + "AB" * 32 and made["data"] == data(certificate="AB" * 32)
        assert "zone_name" not in made and "zone_id" not in made and len(made["id"]) == 32
        assert cf.rrset(NAME) == {"name": NAME, "ttl": 300, "records": ["3 1 1 " + "ab" * 32]}
        assert cf.audit[-1]["effect"][0]["op"] == "create"
        refused(cf, client.ask("POST", paths(cf), body()), 400, 81058)
        one = paths(cf) + "/" + made["id"]
        assert client.ask("GET", one).result["id"] == made["id"]
        changed = client.ask("PATCH", one, {"ttl": 120, "comment": "ours"}).result
        assert (changed["ttl"], changed["comment"], changed["id"]) == (120, "ours", made["id"])
        assert cf.audit[-1]["effect"][0]["before"]["ttl"] == 1
        put = client.ask("PUT", one, body(comment=..., data=data(certificate="cd" * 32))).result
        assert put["comment"] is None and cf.rrset(NAME)["records"] == ["3 1 1 " + "cd" * 32]
        refused(cf, client.ask("PATCH", one, {"ttl": 5}), 400, 1004, [9021])
        gone = client.ask("DELETE", one)
        assert gone.result == {"id": made["id"]} and cf.audit[-1]["effect"][0]["op"] == "delete"
        for method, content in (("DELETE", None), ("GET", None), ("PATCH", {"ttl": 60}),
                                ("PUT", body())):
            refused(cf, client.ask(method, one, content), 404, 81044)
        cf.set(shapes=["gone-400"])
        refused(cf, client.ask("DELETE", one), 400, 81044)
        assert cf.rrset(NAME) == {"name": NAME, "ttl": None, "records": []}
        cf.add_record("CNAME", NAME, "x.example.org")
        refused(cf, client.ask("POST", paths(cf), body()), 400, 81053)
        cf.add_record("NS", "sub.example.org", "ns.example.net")
        refused(cf, client.ask("POST", paths(cf), body(name="_25._tcp.a.sub.example.org")),
                400, 81056)
        assert client.ask("POST", paths(cf), {"type": "TXT", "name": "_acme-challenge.example.org",
                                              "ttl": 60, "content": '"x"'}).status == 200
        assert cf.violations == [] and cf.counters["connections"] == 1


def test_limits():
    with Cloudflare(zones=[Zone("example.org", quota=2)]) as cf, Client(cf) as client:
        for digest, status in (("01", 200), ("02", 200), ("03", 400)):
            reply = client.ask("POST", paths(cf), body(data=data(certificate=digest * 32)))
            assert reply.status == status
        refused(cf, reply, 400, 81045)
    with Cloudflare() as cf, Client(cf) as client:
        whole = data(matching_type=0, certificate="ab" * 4000)
        assert client.ask("POST", paths(cf), body(data=whole)).status == 200
        reply = client.ask("POST", paths(cf), body(data=dict(whole, certificate="cd" * 100)))
        refused(cf, reply, 400, 1004, [9005])
        assert cf.violations == []


def test_batch():
    with Cloudflare() as cf, Client(cf) as client:
        old = cf.add_tlsa(NAME, "3 1 1 " + "01" * 32)
        kept = cf.add_tlsa(NAME, "3 1 1 " + "02" * 32)
        batch = paths(cf) + "/batch"
        posts = [body(), body(name=OTHER)]
        reply = client.ask("POST", batch, {"posts": posts + [body()], "deletes": [{"id": old}]})
        refused(cf, reply, 400, 81058)
        assert len(cf.records()) == 2 and cf.rrset(NAME)["records"][0] == "3 1 1 " + "01" * 32
        reply = client.ask("POST", batch, {"deletes": [{"id": "0" * 32}], "posts": posts})
        refused(cf, reply, 404, 81044)
        done = client.ask("POST", batch, {
            "posts": posts, "deletes": [{"id": old}], "patches": [{"id": kept, "ttl": 77}]}).result
        assert [len(done[k]) for k in ("deletes", "patches", "posts")] == [1, 1, 2]
        assert done["puts"] is None and cf.rrset(NAME)["ttl"] == 77
        assert [e["op"] for e in cf.audit[-1]["effect"]] == ["delete", "change", "create", "create"]


def test_lists():
    with Cloudflare() as cf, Client(cf) as client:
        for i in range(23):
            cf.add_tlsa("_25._tcp.m%02d.example.org" % (22 - i), "3 1 1 %064x" % i, 60 + i,
                        "Ours" if i % 2 else None)
        cf.add_record("A", "m00.example.org", "192.0.2.1")

        def ask(query):
            reply = client.ask("GET", paths(cf) + "?" + query)
            assert reply.status == 200, reply.body
            return [r["name"] for r in reply.result], reply.json["result_info"]

        names, info = ask("type=TLSA&order=name&per_page=10&page=3")
        assert info == {"page": 3, "per_page": 10, "count": 3, "total_count": 23, "total_pages": 3}
        assert names == ["_25._tcp.m%02d.example.org" % i for i in (20, 21, 22)]
        assert ask("type=TLSA&order=name&direction=desc&per_page=1")[0] == names[2:]
        assert ask("type=TLSA&per_page=10&page=4")[0] == []
        assert ask("name=_25._TCP.M00.example.org")[1]["total_count"] == 1
        assert ask("name.exact=_25._tcp.m0.example.org")[1]["total_pages"] == 0
        assert ask("name.endswith=m00.example.org")[1]["total_count"] == 2
        assert ask("name.endswith=m00.example.org&type=A")[1]["total_count"] == 1
        assert ask("name.contains=m01&type=A&match=any")[1]["total_count"] == 2
        assert ask("comment.exact=OURS")[1]["total_count"] == 11
        assert ask("comment.absent=true&type=TLSA")[1]["total_count"] == 12
        assert ask("comment.present=")[1]["total_count"] == 11
        assert ask("order=ttl&direction=asc&type=TLSA")[0][0] == names[2]
        assert ask("per_page=99999999")[1]["per_page"] == 5000000
        cf.set(shapes=["per-page-5"])
        assert ask("per_page=2")[1]["per_page"] == 5
        unsorted = ask("type=TLSA")[0]
        assert unsorted != sorted(unsorted) and len(unsorted) == 23
        for query in ("type=tlsa", "content=x", "foo=1", "name=" + NAME + ".", "order=id", "page=0",
                      "per_page=x", "direction=up", "match=none", "type=A&type=A", "search=x", "x",
                      "name=a&name.exact=a"):
            refused(cf, client.ask("GET", paths(cf) + "?" + query), 400, 9999, violation=True)
