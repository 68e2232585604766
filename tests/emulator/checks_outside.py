"""Large zones, TLS, certificates, the program and its control channel: part three."""

import json
import os
import resource
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from certs import Authority, openssl
from checks_api import NAME, paths
from cloudflare import Cloudflare, Token, Zone
from raw_client import Client, body

HERE = os.path.dirname(os.path.abspath(__file__))
TIME_LIMIT = 20


def test_large_zone():
    with Cloudflare(generate=1000000) as cf, Client(cf) as client:
        mine = [client.ask("POST", paths(cf), body(name=name)).result["id"] for name in (
            NAME, "_25._tcp.g00000500a.example.org", "_25._tcp.aaa.example.org")]

        def ask(query):
            return client.ask("GET", paths(cf) + "?" + query)

        assert ask("name=" + NAME).json["result_info"]["total_count"] == 1
        reply = ask("type=TLSA&order=name&per_page=1000&page=1")
        assert reply.json["result_info"]["total_count"] == 1000003
        assert reply.json["result_info"]["total_pages"] == 1001
        names = [record["name"] for record in reply.result]
        assert names[0] == "_25._tcp.aaa.example.org" and names == sorted(names)
        assert names[502] == "_25._tcp.g00000500a.example.org" and len(set(names)) == 1000
        last = [record["name"] for record in ask("type=TLSA&order=name&per_page=1000&page=1001").result]
        assert last == ["_25._tcp.g00999998.example.org", "_25._tcp.g00999999.example.org", NAME]
        assert ask("order=name").json["result_info"]["total_count"] > 1090000
        virtual = ask("name=_25._tcp.g00000007.example.org").result[0]
        one = paths(cf) + "/" + virtual["id"]
        assert client.ask("GET", one).result["name"] == virtual["name"]
        assert client.ask("PATCH", one, {"ttl": 99}).result["ttl"] == 99
        assert client.ask("DELETE", one).status == 200 and client.ask("GET", one).code == 81044
        assert ask("name=" + virtual["name"]).result == []
        assert client.ask("DELETE", paths(cf) + "/" + mine[0]).status == 200
        assert ask("type=TLSA&order=name").json["result_info"]["total_count"] == 1000001
        assert cf.violations == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 200000


def test_whole_walk():
    """Every record of a zone with virtual ones comes exactly once."""
    with Cloudflare(generate=2500) as cf, Client(cf) as client:
        for i in range(40):
            cf.add_tlsa("_25._tcp.g%08dx.example.org" % (i * 60), "3 1 1 " + "ab" * 32)
        for query, total in (("type=TLSA&order=name", 2540), ("type=TLSA", 2540), ("type=MX", 63),
                             ("order=name&direction=desc", 2540 + 126 + 63 + 63)):
            ids = []
            while True:
                reply = client.ask("GET", paths(cf) + "?%s&per_page=177&page=%d"
                                   % (query, len(ids) // 177 + 1))
                ids += [record["id"] for record in reply.result]
                if len(reply.result) < 177:
                    break
            assert len(ids) == len(set(ids)) == total, (query, len(ids))


def test_tls_and_certificates():
    with tempfile.TemporaryDirectory() as directory:
        ca = Authority(directory)
        for versions, kind in ((("1.2", "1.2"), "rsa2048"), (("1.3", "1.3"), "p384"),
                               (("1.2", "1.3"), "p256")):
            with Cloudflare(tls=ca.issue(kind=kind, stem=kind), tls_versions=versions) as cf:
                for name in ("localhost", "api.cloudflare.test", "127.0.0.1"):
                    with Client(cf, ca.certificate, name=name) as client:
                        assert client.ask("GET", paths(cf)).result == []
                        assert client.ask("GET", paths(cf)).result == []
                assert cf.audit[-3]["tls"] == {"version": "TLSv" + versions[1],
                                               "sni": "api.cloudflare.test", "resumed": False}
                assert cf.counters["handshakes"] == 3 and cf.url.startswith("https://127.0.0.1:")
                try:
                    Client(cf, ca.certificate, name="other.test")
                    raise AssertionError("another name")
                except ssl.SSLCertVerificationError:
                    pass
        now = time.time()
        expired = ca.issue(["localhost"], "expired", not_before=now - 9000, not_after=now - 60)
        with Cloudflare(tls=expired) as cf:
            try:
                Client(cf, ca.certificate)
                raise AssertionError("an expired certificate")
            except ssl.SSLCertVerificationError as error:
                assert "expired" in str(error)
        chain, key = ca.issue(["mail.example.org", "::1"], "mail")
        again, same = ca.issue(["mail.example.org"], "mail2", key_file=key, issuer_in_file=False)
        assert same == key and openssl("x509", "-in", chain, "-noout", "-pubkey") == \
            openssl("x509", "-in", again, "-noout", "-pubkey")
        openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca.certificate, again)
        with open(again, encoding="ascii") as one, open(chain, encoding="ascii") as two:
            assert (one.read().count("BEGIN"), two.read().count("BEGIN")) == (1, 2)
        assert Authority(directory).certificate == ca.certificate


def test_addresses():
    with Cloudflare(bind=("127.0.0.1", "127.0.0.2"), zones=[Zone("a.test"), Zone("b.a.test")]) as cf:
        with Client(cf) as client:
            assert client.ask("GET", paths(cf)).result == []
        cf.add_tlsa("_25._tcp.x.b.a.test", "3 1 1 " + "ab" * 32)
        assert len(cf.records(zone="b.a.test")) == 1 and cf.records(zone="a.test") == []
    try:
        Token("short")
        raise AssertionError("a short token")
    except ValueError:
        pass


def wait_file(path, process):
    deadline = time.monotonic() + TIME_LIMIT
    while not os.path.exists(path):
        assert process.poll() is None, "the program ended"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with open(path, encoding="ascii") as source:
        return int(source.read())


class Outside:
    """The program, as Client wants to see an emulator."""

    def __init__(self, port, zone):
        self.port, self.zones = port, [Zone("example.org", zone)]


def test_program():
    zone = "c" * 32
    with tempfile.TemporaryDirectory() as directory:
        ca = Authority(directory)
        cert, key = ca.issue()
        files = {name: os.path.join(directory, name) for name in ("port", "control", "state", "audit",
                                                                  "token")}
        with open(files["token"], "w", encoding="ascii") as out:
            out.write("q" * 40 + "\n")
        process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(HERE, "cloudflare.py"), "--port", "0", "--port-file",
             files["port"], "--control-port-file", files["control"], "--state", files["state"],
             "--audit", files["audit"], "--tls-cert", cert, "--tls-key", key, "--zone",
             "example.org=%s,plan=pro" % zone, "--token", "r" * 40 + ",label=reader,permissions=dns:read",
             "--token-file", files["token"], "--min-ttl", "2", "--generate", "100",
             "--fault", "status,status=503,method=POST,nth=2", "--shape", "lower-hex",
             "--add", NAME + " 300 TLSA 3 1 1 " + "ef" * 32], stdout=subprocess.PIPE, text=True)
        try:
            port = wait_file(files["port"], process)
            assert process.stdout.readline() == "https://127.0.0.1:%d/client/v4\n" % port
            talk(Outside(port, zone), ca.certificate, wait_file(files["control"], process))
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIME_LIMIT) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        with open(files["state"], encoding="utf-8") as source:
            assert len(json.load(source)["zones"][zone]) == 2
        with open(files["audit"], encoding="utf-8") as source:
            lines = sorted(map(json.loads, source), key=lambda entry: entry["time"])
            assert [line["status"] for line in lines] == [200, 503, 403, 200, 200]


def control(port, method, path, value=None):
    request = urllib.request.Request("http://127.0.0.1:%d/__control/%s" % (port, path), method=method,
                                     data=None if value is None else json.dumps(value).encode())
    with urllib.request.urlopen(request, timeout=TIME_LIMIT) as answer:
        return json.load(answer)


def talk(cf, ca, port):
    with Client(cf, ca, token="q" * 40) as client:
        assert client.ask("POST", paths(cf), body(ttl=2)).result["data"]["certificate"] == "ab" * 32
        assert client.ask("POST", paths(cf), body(ttl=2)).status == 503
        with Client(cf, ca, token="r" * 40) as reader:
            assert reader.ask("POST", paths(cf), body()).code == 10000
        rrset = control(port, "GET", "rrset?name=" + NAME)
        assert rrset["ttl"] == 2 and len(rrset["records"]) == 2
        assert [entry["token"] for entry in control(port, "GET", "audit")] == ["token", None, "reader"]
        assert len(control(port, "GET", "audit?from=3")) == 1
        assert control(port, "GET", "violations") == []
        assert control(port, "GET", "counters")["handshakes"] == 2
        new = control(port, "POST", "records", {"type": "A", "name": "a.example.org", "content": "::"})
        assert len(control(port, "GET", "records?name=a.example.org&type=A")) == 1
        control(port, "DELETE", "records/" + new["id"])
        assert control(port, "GET", "records?name=a.example.org") == []
        control(port, "POST", "faults", {"action": "status", "at": 99})
        assert control(port, "GET", "faults")[0]["action"] == "status"
        control(port, "DELETE", "faults")
        assert control(port, "GET", "faults") == []
        control(port, "POST", "set", {"shapes": ["no-data"], "date": -86400})
        reply = client.ask("GET", paths(cf) + "?name=" + NAME)
        assert "data" not in reply.result[0]
        for method, path, value in (("GET", "nothing", None), ("POST", "faults", {"action": "no"}),
                                    ("POST", "set", {"color": 1}), ("DELETE", "records/0", None)):
            try:
                control(port, method, path, value)
                raise AssertionError(path)
            except urllib.error.HTTPError as error:
                error.close()
                assert error.code in (400, 404)
        control(port, "POST", "reset", {})
        assert control(port, "GET", "audit") == [] and control(port, "GET", "counters")["requests"] == 0
        assert client.ask("GET", paths(cf)).status == 200
