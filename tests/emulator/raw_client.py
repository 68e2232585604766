"""A tiny HTTP client on plain sockets that shows every octet: for test_cloudflare.py."""

import json
import socket
import ssl

from cloudflare import USUAL_TOKEN

TIME_LIMIT = 10


class Gone(Exception):
    """The connection ended before the answer was whole; `got` is what had come, `how` reset or eof."""

    def __init__(self, got, how):
        super().__init__("%s after %d octets" % (how, len(got)))
        self.got, self.how = got, how


class Reply:
    def __init__(self):
        self.status, self.headers, self.body = None, [], b""
        self.interim, self.trailers, self.sizes = [], [], []
        self.framing = None

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        assert self.status == 200, (self.status, self.body[:300])
        return self.json["result"]

    @property
    def code(self):
        return self.json["errors"][0]["code"]

    @property
    def chain(self):
        return [e["code"] for e in self.json["errors"][0].get("error_chain", [])]


class Client:
    def __init__(self, cf, ca=None, token=USUAL_TOKEN, name="localhost", timeout=TIME_LIMIT):
        self.cf, self.token, self.buffer, self.got = cf, token, b"", b""
        self.sock = socket.create_connection(("127.0.0.1", cf.port), timeout)
        if ca is not None:
            context = ssl.create_default_context(cafile=ca)
            self.sock = context.wrap_socket(self.sock, server_hostname=name,
                                            suppress_ragged_eofs=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def head(self, method, path, body, headers):
        lines = {"Host": "127.0.0.1:%d" % self.cf.port, "User-Agent": "raw/1",
                 "Accept": "application/json", "Authorization": "Bearer " + self.token}
        if body is not None:
            lines["Content-Type"] = "application/json"
            lines["Content-Length"] = str(len(body))
        lines.update(headers or {})
        text = "%s /client/v4%s HTTP/1.1\r\n" % (method, path)
        return text + "".join("%s: %s\r\n" % item for item in lines.items()
                              if item[1] is not None) + "\r\n"

    def send(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        self.got = self.buffer = b""
        self.sock.sendall(self.head(method, path, body, headers).encode() + (body or b""))

    def ask(self, method, path, body=None, headers=None):
        self.send(method, path, body, headers)
        return self.read()

    def more(self):
        try:
            octets = self.sock.recv(65536)
        except ConnectionResetError:
            raise Gone(self.got, "reset")
        except ssl.SSLEOFError:
            raise Gone(self.got, "eof without close_notify")
        if not octets:
            raise Gone(self.got, "eof")
        self.buffer += octets
        self.got += octets

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def take(self, length):
        while len(self.buffer) < length:
            self.more()
        octets, self.buffer = self.buffer[:length], self.buffer[length:]
        return octets

    def headers(self):
        found = []
        line = self.line()
        while line:
            name, _, value = line.partition(": ")
            found.append((name, value))
            line = self.line()
        return found

    def read(self):
        reply = Reply()
        while True:
            reply.status = int(self.line().split(" ")[1])
            reply.headers = self.headers()
            if reply.status >= 200:
                break
            reply.interim.append(reply.status)
        length = reply.header("Content-Length")
        if reply.header("Transfer-Encoding") == "chunked":
            reply.framing = "chunked"
            self.chunked(reply)
        elif length is not None:
            reply.framing = "length"
            reply.body = self.take(int(length))
        elif reply.status not in (204, 304):
            reply.framing = "close"
            try:
                while True:
                    self.more()
            except Gone as gone:
                assert gone.how == "eof", gone.how
            reply.body, self.buffer = self.buffer, b""
        return reply

    def chunked(self, reply):
        while True:
            text = self.line()
            size = int(text.partition(";")[0], 16)
            reply.sizes.append((size, text))
            if size == 0:
                break
            reply.body += self.take(size)
            assert self.take(2) == b"\r\n"
        reply.trailers = self.headers()


def body(**changes):
    """A good record to create."""
    members = {"type": "TLSA", "name": "_25._tcp.mail.example.org", "ttl": 3600,
               "data": {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "ab" * 32},
               "comment": "daneroll"}
    members.update(changes)
    return {name: value for name, value in members.items() if value is not ...}


def data(**changes):
    members = dict(body()["data"], **changes)
    return {name: value for name, value in members.items() if value is not ...}
