"""Each fault, seen from a client: the functions of test_cloudflare.py, part two."""

import contextlib
import email.utils
import json
import os
import socket
import tempfile
import threading
import time

import cf_faults
from certs import Authority
from checks_api import NAME, OTHER, paths
from cloudflare import USUAL_TOKEN, Cloudflare, Fault, Trap
from raw_client import Client, Gone, body, data

SOON = 10  # seconds that a wait for another thread may take


@contextlib.contextmanager
def emulator(*faults, **arguments):
    with Cloudflare(**arguments) as cf:
        for fault in faults:
            cf.fault(fault)
        yield cf
        assert cf.violations == []
        assert cf.unused_faults() == []


def gone(client, method, path, content=None):
    try:
        reply = client.ask(method, path, content)
    except Gone as error:
        return error
    raise AssertionError("an answer: %d" % reply.status)


def test_addressing():
    with emulator(Fault("status", at=2, status=500), Fault("status", at=4, times=2, status=502),
                  Fault("status", method="POST", path="dns_records$", nth=2, status=503),
                  Fault("status", path=r"per_page=7\b", times=0, status=504)) as cf, \
            Client(cf) as client:
        seen = [client.ask("GET", paths(cf)).status for _ in range(6)]
        assert seen == [200, 500, 200, 502, 502, 200], seen
        assert client.ask("POST", paths(cf), body()).status == 200
        assert client.ask("POST", paths(cf), body()).status == 503
        assert client.ask("POST", paths(cf), body()).code == 81058
        for _ in range(3):
            assert client.ask("GET", paths(cf) + "?per_page=7").status == 504
        assert cf.audit[1]["faults"] == ["status status=500 body=json when=before"]
        assert [entry["n"] for entry in cf.audit] == list(range(1, 13))
        assert cf.counters["connections"] == 1 and cf.counters["requests"] == 12


def test_specification():
    fault = cf_faults.parse("status,status=503,body=html,method=POST,nth=2,times=0")
    assert (fault["status"], fault["body"], fault.method, fault.nth, fault.times) == (
        503, "html", "POST", 2, 0)
    fault = cf_faults.parse('{"action": "chunked", "sizes": [1, 2], "path": "a,b", "at": 3}')
    assert fault["sizes"] == [1, 2] and fault.at == 3 and fault.path.pattern == "a,b"
    assert cf_faults.parse("chunked,sizes=1+2,extensions=no")["sizes"] == [1, 2]
    assert cf_faults.parse("interim,codes=103")["codes"] == [103]
    for wrong in ("nonsense", "drop,where=there", "status,foo=1", "status,503", "slow,where=x"):
        try:
            cf_faults.parse(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)


def test_status():
    with emulator(Fault("status", at=1, status=503, body="html"),
                  Fault("status", at=2, status=521, body="text", code=1105),
                  Fault("status", at=3, status=500, when="after"),
                  Fault("status", at=4, status=204, body=""),
                  Fault("status", at=5, status=403, body="html", headers={"cf-mitigated": "challenge"}),
                  Fault("status", at=6, status=500, code=7500, message="m")) as cf, \
            Client(cf) as client:
        reply = client.ask("POST", paths(cf), body())
        assert reply.status == 503 and b"<html>" in reply.body and cf.records() == []
        assert reply.header("Content-Type").startswith("text/html")
        reply = client.ask("GET", paths(cf))
        assert (reply.status, reply.body) == (521, b"error code: 1105")
        reply = client.ask("POST", paths(cf), body())
        assert reply.status == 500 and reply.code == 10001 and len(cf.records()) == 1
        assert cf.audit[-1]["effect"][0]["op"] == "create"
        reply = client.ask("GET", paths(cf))
        assert reply.status == 204 and reply.body == b"" and reply.framing is None
        assert client.ask("GET", paths(cf)).header("cf-mitigated") == "challenge"
        assert client.ask("GET", paths(cf)).code == 7500
        assert len(client.ask("GET", paths(cf)).result) == 1


def test_rate_limit():
    with emulator(Fault("ratelimit", at=1, retry_after=7), Fault("ratelimit", at=2, date=30),
                  Fault("ratelimit", at=3, body="text"),
                  rate_limit=(5, 300, 60)) as cf, Client(cf) as client:
        clock = [1000.0]
        cf.monotonic = lambda: clock[0]
        reply = client.ask("GET", paths(cf))
        assert (reply.status, reply.code, reply.header("retry-after")) == (429, 10429, "7")
        when = email.utils.parsedate_to_datetime(client.ask("GET", paths(cf)).header("retry-after"))
        assert 28 <= when.timestamp() - cf.now() <= 31
        assert client.ask("GET", paths(cf)).body == b"error code: 1015"
        left = []
        for _ in range(5):
            reply = client.ask("GET", paths(cf))
            assert reply.status == 200
            left.append(reply.header("Ratelimit"))
        assert left[0] == '"default";r=4;t=300' and left[4] == '"default";r=0;t=300'
        assert reply.header("Ratelimit-Policy") == '"default";q=5;w=300'
        reply = client.ask("GET", paths(cf))
        assert (reply.status, reply.code, reply.header("retry-after")) == (429, 10429, "60")
        clock[0] += 59.5
        assert client.ask("GET", paths(cf)).header("retry-after") == "1"
        clock[0] += 1
        assert client.ask("GET", paths(cf)).status == 200
        cf.set(rate_limit=None)
        assert client.ask("GET", paths(cf)).header("Ratelimit") is None


def test_drop():
    cases = [("unread", {}, 0, False), ("before", {}, 0, False), ("after", {}, 0, True),
             ("head", {}, None, True), ("head", {"bytes": 20}, 20, True),
             ("body", {}, None, True), ("body", {"bytes": 0}, None, True),
             ("before", {"how": "close"}, 0, False), ("body", {"how": "close"}, None, True)]
    with tempfile.TemporaryDirectory() as directory:
        ca = Authority(directory)
        files = ca.issue()
        for framing in ("chunked", "length"):
            for tls in (None, files):
                for where, extra, octets, effect in cases:
                    one_drop(tls, ca.certificate, framing, where, extra, octets, effect)


def one_drop(tls, ca, framing, where, extra, octets, effect):
    with emulator(Fault("drop", at=2, where=where, **extra), tls=tls, framing=framing) as cf:
        with Client(cf, tls and ca) as client:
            assert client.ask("GET", paths(cf)).status == 200
            error = gone(client, "POST", paths(cf), body())
        wanted = "eof" if extra.get("how") == "close" else "reset"
        # Python's ssl sometimes loses the errno of a reset: then it is an end without close_notify.
        assert error.how in ([wanted] if not tls else [
            "eof without close_notify", wanted if wanted == "reset" else None]), \
            (error.how, where, extra)
        assert octets is None or len(error.got) == octets
        head, end, rest = error.got.partition(b"\r\n\r\n")
        assert bool(end) == (where == "body")
        if where == "body":
            assert bool(rest) == (extra.get("bytes") != 0)
        assert cf.settle() and len(cf.audit) == 2
        assert bool(cf.records()) == effect
        entry = cf.audit[1]
        assert entry["answered"] is False and entry["method"] == (None if where == "unread" else "POST")
        with Client(cf, tls and ca) as client:
            assert len(client.ask("GET", paths(cf)).result) == effect
        assert cf.counters["connections"] == 2


def test_drop_handshake():
    with tempfile.TemporaryDirectory() as directory:
        ca = Authority(directory)
        with emulator(Fault("drop", where="handshake"), tls=ca.issue()) as cf:
            try:
                Client(cf, ca.certificate)
                raise AssertionError("a handshake")
            except OSError:
                pass
            with Client(cf, ca.certificate) as client:
                assert client.ask("GET", paths(cf)).status == 200
            assert cf.counters["handshakes"] == 1 and cf.counters["handshakes_dropped"] == 1
            with socket.create_connection(("127.0.0.1", cf.port)) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert cf.wait(lambda c: c.counters["handshake_failures"] == 1, SOON)


def test_drop_idle_and_keep_alive():
    with emulator(Fault("drop", at=1, where="idle", how="clean")) as cf:
        with Client(cf) as client:
            reply = client.ask("GET", paths(cf))
            assert reply.status == 200 and reply.header("Connection") is None
            assert gone(client, "GET", paths(cf)).got == b""
        assert cf.settle() and cf.audit[0]["answered"]
        cf.set(keep_alive=2)
        with Client(cf) as client:
            assert client.ask("GET", paths(cf)).header("Connection") is None
            assert client.ask("GET", paths(cf)).header("Connection") == "close"
            assert gone(client, "GET", paths(cf)).got == b""
        with Client(cf) as client:
            reply = client.ask("GET", paths(cf), None, {"Connection": "close"})
            assert reply.header("Connection") == "close"
        cf.set(idle_timeout=0.5)
        with Client(cf) as client:
            client.ask("GET", paths(cf))
            try:
                client.more()
                raise AssertionError("octets without a request")
            except Gone as error:
                assert error.how == "eof"


def test_slow_and_stall():
    with emulator(Fault("slow", at=1, ms=1, where="head"), Fault("slow", at=2, ms=1, where="body"),
                  framing="length") as cf, Client(cf) as client:
        for _ in range(2):
            start = time.monotonic()
            reply = client.ask("GET", paths(cf))
            assert reply.status == 200 and time.monotonic() - start >= 0.1
    for where, effect in (("before", 0), ("after", 1), ("head", 1), ("body", 1)):
        with emulator(Fault("stall", at=1, where=where)) as cf:
            with Client(cf) as client:
                client.send("POST", paths(cf), body())
                if where in ("head", "body"):
                    client.more()
                client.sock.settimeout(0.1)
                try:
                    while True:
                        client.more()
                except TimeoutError:
                    assert (b"\r\n\r\n" in client.got) == (where == "body")
                    assert bool(client.got) == (where in ("head", "body"))
            assert cf.settle()
            assert len(cf.records()) == effect and cf.audit[0]["answered"] is False
    # A stop ends what stalls.
    cf = Cloudflare().start()
    cf.fault(Fault("stall", where="before"))
    with Client(cf) as client:
        client.send("GET", paths(cf))
        assert cf.wait(lambda c: c.requests == 1, SOON)
        cf.stop()
        assert not [t for t in threading.enumerate() if t is not threading.main_thread()]


def test_framing():
    with emulator(Fault("chunked", at=1, sizes=[1, 7, 3]), Fault("close-delimited", at=4)) as cf:
        with Client(cf) as client:
            reply = client.ask("GET", paths(cf))
            assert [size for size, _ in reply.sizes[:4]] == [1, 7, 3, 1] and reply.result == []
            assert any(";" in text for _, text in reply.sizes) and len(reply.trailers) == 2
            assert any(text.startswith("00") for _, text in reply.sizes)
            assert client.ask("GET", paths(cf)).framing == "chunked"
            cf.set(framing="length")
            assert client.ask("GET", paths(cf)).framing == "length"
            reply = client.ask("GET", paths(cf))
            assert reply.framing == "close" and reply.result == []


def test_interim_and_headers():
    with emulator(Fault("interim", at=1), Fault("huge-header", at=2, bytes=50000, count=2),
                  Fault("header", at=3, name="Date", value=None),
                  Fault("header", at=4, name="Content-Type", value="text/html"),
                  Fault("header", at=5, name="X-Many", value="a", count=300)) as cf, \
            Client(cf) as client:
        reply = client.ask("GET", paths(cf))
        assert reply.interim == [100, 103] and reply.status == 200
        assert len(client.ask("GET", paths(cf)).header("X-Huge-1")) == 50000
        assert client.ask("GET", paths(cf)).header("Date") is None
        assert client.ask("GET", paths(cf)).header("Content-Type") == "text/html"
        assert len(client.ask("GET", paths(cf)).headers) > 300


def test_content_length():
    with emulator(Fault("length", at=1, delta=10), Fault("length", at=2, delta=-10),
                  Fault("length", at=3, value="12abc", then="keep")) as cf:
        with Client(cf) as client:
            error = gone(client, "GET", paths(cf))
            assert error.how == "eof" and error.got.endswith(b"}")
        with Client(cf) as client:
            reply = client.ask("GET", paths(cf))
            try:
                json.loads(reply.body)
                raise AssertionError("whole")
            except ValueError:
                pass
        with Client(cf) as client:
            client.send("GET", paths(cf))
            while b"\r\n\r\n" not in client.buffer:
                client.more()
            assert b"Content-Length: 12abc\r\n" in client.buffer


def test_json():
    kinds = ("garbage", "truncated", "trailing-comma", "control", "utf8", "deep", "empty")
    with emulator(*(Fault("json", at=i + 1, kind=kind) for i, kind in enumerate(kinds))) as cf, \
            Client(cf) as client:
        for kind in kinds:
            reply = client.ask("GET", paths(cf))
            try:
                json.loads(reply.body.decode("utf-8"))
                raise AssertionError(kind)
            except (ValueError, RecursionError):
                assert reply.status == 200
        for kind, kept in (("array", list), ("number", int), ("duplicate", dict)):
            cf.fault(Fault("json", kind=kind))
            assert isinstance(client.ask("GET", paths(cf)).json, kept)


def test_oversized():
    for kind in ("string", "whitespace", "nested", "records", "after"):
        with emulator(Fault("oversized", bytes=300000, kind=kind)) as cf, Client(cf) as client:
            cf.add_tlsa(NAME, "3 1 1 " + "ab" * 32)
            reply = client.ask("GET", paths(cf))
            assert len(reply.body) > 300000 and reply.framing == "chunked"
            assert reply.json["success"] is True and len(reply.json["result"]) == 1
    with emulator(Fault("oversized", bytes=1 << 32)) as cf:
        with Client(cf) as client:
            client.send("GET", paths(cf))
            while len(client.got) < 5 << 20:
                client.more()
                client.buffer = b""
        assert cf.settle() and cf.counters["bytes_out"] > 5 << 20
        assert cf.counters["bytes_out"] < 1 << 28 and cf.audit[0]["answered"] is False


def test_redirect():
    with tempfile.TemporaryDirectory() as directory:
        files = Authority(directory).issue()
        with Trap(files) as trap, Trap() as plain:
            with emulator(*(Fault("redirect", at=i + 1, status=status, location=trap.url + "/zones")
                            for i, status in enumerate((302, 307, 308)))) as cf, \
                    Client(cf) as client:
                for status in (302, 307, 308):
                    reply = client.ask("POST", paths(cf), body())
                    assert (reply.status, reply.header("Location")) == (status, trap.url + "/zones")
                assert cf.records() == [] and trap.connections == 0
            plain.port = plain.listener.port
            with Client(plain) as client:
                assert client.ask("GET", "/zones").json["result"] == []
            assert plain.saw(USUAL_TOKEN) and not trap.saw(USUAL_TOKEN)
            assert plain.connections == 1


def test_hooks():
    seen = []

    def look(cf, entry):
        seen.append((entry["n"], entry["status"], len(cf.records()), entry["answered"]))

    with emulator(*(Fault("hook", at=1, when=when, call=look)
                    for when in ("before", "after", "answered"))) as cf:
        with Client(cf) as client:
            client.ask("POST", paths(cf), body())
            client.ask("GET", paths(cf))
        assert cf.wait(lambda c: len(seen) == 3, SOON)
        assert seen == [(1, None, 0, False), (1, 200, 1, False), (1, 200, 1, True)], seen
    # Pages that change while they are listed.
    names = ["_25._tcp.m%d.example.org" % i for i in range(6)]
    with Cloudflare() as cf, Client(cf) as client:
        for name in names:
            cf.add_tlsa(name, "3 1 1 " + "ab" * 32)

        def listed():
            return [record["name"] for page in (1, 2, 3) for record in client.ask(
                "GET", paths(cf) + "?type=TLSA&order=name&per_page=2&page=%d" % page).result]

        cf.fault(Fault("hook", path="page=2$", changes=[{"remove": {"name": names[0]}}]))
        assert listed() == names[:2] + names[3:], "the third is missed"
        cf.fault(Fault("hook", path="page=2$", changes=[
            {"add": {"type": "TLSA", "name": names[0], "content": "3 1 1 " + "cd" * 32}}]))
        assert listed() == names[1:3] + [names[2]] + names[3:], "one comes twice"


def test_pretend_and_delayed():
    with emulator(Fault("pretend", at=1), Fault("delayed", at=3, requests=2),
                  Fault("pretend", method="DELETE"), Fault("delayed", method="DELETE", nth=2,
                                                           requests=1)) as cf, Client(cf) as client:
        def shown():
            return len(client.ask("GET", paths(cf) + "?name=" + NAME).result), \
                len(client.ask("GET", paths(cf) + "?type=TLSA&order=name").result)

        assert client.ask("POST", paths(cf), body()).result["id"] and cf.records() == []
        assert cf.audit[0]["effect"] == []
        client.ask("GET", paths(cf))
        id = client.ask("POST", paths(cf), body()).result["id"]
        assert cf.rrset(NAME)["records"] == [] and shown() == (0, 0) and shown() == (1, 1)
        assert cf.rrset(NAME)["ttl"] == 3600
        one = paths(cf) + "/" + id
        assert client.ask("DELETE", one).status == 200 and len(cf.records()) == 1
        assert client.ask("DELETE", one).status == 200 and cf.records() == []
        assert shown() == (1, 0)
        assert client.ask("POST", paths(cf), body(name=OTHER)).status == 200


def test_parallel():
    with Cloudflare() as cf:
        def work(number):
            with Client(cf) as client:
                for i in range(20):
                    client.ask("POST", paths(cf), body(
                        data=data(certificate="%064x" % (number * 1000 + i))))
                    client.ask("GET", paths(cf) + "?name=" + NAME)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert cf.settle() and cf.violations == []
        assert len(cf.records()) == 100
        assert sorted(entry["n"] for entry in cf.audit) == list(range(1, 201))
        assert [e["status"] for e in cf.audit if e["method"] == "POST"].count(200) == 100


def test_failing_hook():
    def fail(_cf, _entry):
        raise ValueError("a fault of the test itself")

    threading.excepthook, usual = lambda _: None, threading.excepthook
    try:
        with Cloudflare() as cf, Client(cf) as client:
            cf.fault(Fault("hook", call=fail))
            gone(client, "GET", paths(cf))
            assert cf.settle() and "ValueError" in cf.violations[0]
    finally:
        threading.excepthook = usual


def test_shapes():
    with Cloudflare() as cf, Client(cf) as client:
        cf.add_tlsa(NAME, "3 1 1 " + "ab" * 32)

        def one(*shapes):
            cf.set(shapes=shapes)
            reply = client.ask("GET", paths(cf))
            return reply.json, (reply.json.get("result") or [None])[0], reply.body

        assert one("no-data")[1]["content"] == "3\t1\t1\t" + "AB" * 32
        assert "data" not in one("no-data")[1] and "data" in one("tabs")[1]
        assert one("lower-hex")[1]["data"] == data() and one()[1]["data"] == data(certificate="AB" * 32)
        assert one("numbers-string")[1]["data"]["usage"] == "3"
        assert b'"usage":3.0' in one("numbers-float")[2].replace(b" ", b"")
        assert one("errors-null")[0]["errors"] is None and "errors" not in one("errors-absent")[0]
        assert "total_pages" not in one("no-total-pages")[0]["result_info"]
        assert "result_info" not in one("no-result-info")[0]
        assert one("zone-name")[1]["zone_name"] == "example.org" and "comment" not in one("no-comment")[1]
        assert len(one("large-extra")[2]) > 20000 and b"\\u00" in one("escapes")[2]
        assert one("escapes")[1]["name"] == NAME
        orders = {tuple(one("no-extra")[0]) for _ in range(20)}
        assert len(orders) > 5 and len({tuple(one("plain-order", "no-extra")[0]) for _ in range(5)}) == 1
        cf.set(shapes=["81057"])
        assert client.ask("POST", paths(cf), body()).code == 81057
        cf.set(shapes=["chain"])
        reply = client.ask("POST", paths(cf), body())
        assert (reply.code, reply.chain) == (1004, [81058])
        cf.set(shapes=["top"])
        assert client.ask("POST", paths(cf), body(ttl=7)).code == 9021
        cf.set(shapes=["delete-no-success"])
        id = cf.records()[0]["id"]
        assert client.ask("DELETE", paths(cf) + "/" + id).json == {"result": {"id": id}}
        assert one("null-result")[0]["result"] is None
        assert one("one-page-empty")[0]["result_info"]["total_pages"] == 1
        try:
            cf.set(shapes=["round"])
            raise AssertionError("an unknown shape")
        except ValueError:
            pass


def test_state_and_audit_file():
    with tempfile.TemporaryDirectory() as directory:
        state, audit = os.path.join(directory, "s"), os.path.join(directory, "a")
        with Cloudflare(state_file=state, audit_file=audit) as cf, Client(cf) as client:
            id = client.ask("POST", paths(cf), body()).result["id"]
            cf.add_record("A", "a.example.org", "192.0.2.1")
            assert cf.settle()
        with open(audit, encoding="utf-8") as lines:
            assert [json.loads(line)["effect"][0]["record"]["id"] for line in lines] == [id]
        with Cloudflare(state_file=state) as cf, Client(cf) as client:
            assert client.ask("GET", paths(cf) + "/" + id).result["comment"] == "daneroll"
            assert len(cf.records()) == 2 and cf.rrset(NAME)["ttl"] == 3600
