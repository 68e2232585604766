"""Sockets, TLS and the reading of requests: HTTP/1.1 with every octet under control."""

import re
import selectors
import socket
import ssl
import struct
import threading

HEAD_MOST = 65536
BODY_MOST = 1 << 20
READ_SIZE = 16384
STOP_ROUNDS = 50  # of 0.2 s: for threads to notice that they are to end
REQUEST_LINE = re.compile(r"([A-Z]{1,16}) ([!-~]{1,8192}) (HTTP/1\.[0-9])\Z")
HEADER_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*(.*?)[ \t]*\Z")
TLS_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Malformed(Exception):
    """The octets are no HTTP/1.1 request."""


class Request:
    def __init__(self, method, target, version, headers, body, address):
        self.method, self.target, self.version = method, target, version
        self.headers, self.body, self.address = headers, body, address
        self.number = None


def tls_context(files, versions=("1.2", "1.3")):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = TLS_VERSIONS[versions[0]]
    context.maximum_version = TLS_VERSIONS[versions[1]]
    context.load_cert_chain(*files)
    context.set_alpn_protocols(["http/1.1"])

    def note(tls, name, _):
        tls.server_name_asked = name

    context.sni_callback = note
    return context


class Connection:
    """One accepted connection. Its thread reads and writes; stop() may shut it from outside."""

    def __init__(self, sock, address, number):
        self.sock, self.address, self.number = sock, address, number
        self.buffer = b""
        self.bytes_in = self.bytes_out = 0
        self.tls = None
        self.closed = False

    def handshake(self, context, timeout):
        """False when the handshake fails."""
        self.sock.settimeout(timeout)
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                raw = self.sock
                self.sock = context.wrap_socket(raw, server_side=True,
                                                do_handshake_on_connect=False,
                                                suppress_ragged_eofs=True)
                self.sock.do_handshake()
                self.tls = {"version": self.sock.version(),
                            "sni": getattr(self.sock, "server_name_asked", None),
                            "resumed": bool(self.sock.session_reused)}
        except (OSError, ValueError):
            return False
        return True

    def fill(self):
        """Reads more into the buffer; False at the end of the stream."""
        try:
            got = self.sock.recv(READ_SIZE)
        except (OSError, ValueError):
            got = b""
        self.buffer += got
        self.bytes_in += len(got)
        return bool(got)

    def write(self, octets):
        """False when the other side is gone."""
        try:
            self.sock.sendall(octets)
        except (OSError, ValueError):
            return False
        self.bytes_out += len(octets)
        return True

    def request_waits(self):
        """Waits until a request begins, and reads nothing of it. False: the client has closed."""
        if self.buffer:
            return True
        try:
            start = socket.socket.recv(self.sock, 5, socket.MSG_PEEK)
        except (OSError, ValueError):
            return False
        if not start:
            return False
        if self.tls is None or len(start) < 5:
            return True
        # A close_notify: an alert, or in TLS 1.3 a record with room for two octets only.
        return start[0] == 23 and int.from_bytes(start[3:5], "big") > 19

    def wait_closed(self):
        """Stays until the client gives up (or the time limit of an idle connection)."""
        while self.fill():
            self.buffer = b""

    def close(self, how="clean"):
        if self.closed:
            return
        self.closed = True
        try:
            if how == "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack("ii", 1, 0))
            elif how == "clean" and isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(0)  # the answer to our close_notify is not waited for
                self.sock.unwrap()
        except (OSError, ValueError):
            pass
        try:
            self.sock.close()
        except OSError:
            pass

    def shut(self):
        """From another thread: wakes whoever reads or writes."""
        try:
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass

    def read_request(self):
        """The next Request, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > HEAD_MOST:
                raise Malformed("a head of more than %d octets" % HEAD_MOST)
            if not self.fill():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        first = REQUEST_LINE.match(lines[0])
        if first is None or "\n" in head.decode("latin-1").replace("\r\n", ""):
            raise Malformed("request line %r" % lines[0][:80])
        headers = []
        for line in lines[1:]:
            header = HEADER_LINE.match(line)
            if header is None or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line):
                raise Malformed("header line %r" % line.partition(":")[0][:80])
            headers.append((header.group(1).lower(), header.group(2)))
        body = self.read_body(headers)
        if body is None:
            return None
        return Request(first.group(1), first.group(2), first.group(3), headers, body, self.address)

    def read_body(self, headers):
        lengths = [value for name, value in headers if name == "content-length"]
        if any(name == "transfer-encoding" for name, _ in headers):
            raise Malformed("a request body with Transfer-Encoding")
        if len(lengths) > 1 or any(not re.fullmatch(r"[0-9]{1,9}", text) for text in lengths):
            raise Malformed("Content-Length %r" % lengths)
        length = int(lengths[0]) if lengths else 0
        if length > BODY_MOST:
            raise Malformed("a body of %d octets" % length)
        while len(self.buffer) < length:
            if not self.fill():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return body


class Listener:
    """Accepts on several addresses with one port; SERVE(connection) runs in a thread of its own."""

    def __init__(self, bind, port, serve):
        self.serve = serve
        self.sockets, self.connections, self.threads = [], set(), []
        self.accepted = 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.wake, self.woken = socket.socketpair()
        for address in bind:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            sock.listen(128)
            port = sock.getsockname()[1]
            self.sockets.append(sock)
        self.port = port
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        with selectors.DefaultSelector() as selector:
            for sock in self.sockets + [self.woken]:
                selector.register(sock, selectors.EVENT_READ)
            while not self.stopping.is_set():
                for key, _ in selector.select():
                    if key.fileobj is self.woken:
                        continue
                    try:
                        sock, address = key.fileobj.accept()
                    except OSError:
                        continue
                    self.begin(sock, address[0])

    def begin(self, sock, address):
        with self.lock:
            self.accepted += 1
            connection = Connection(sock, address, self.accepted)
            self.connections.add(connection)
            self.threads = [thread for thread in self.threads if thread.is_alive()]
            thread = threading.Thread(target=self.run, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def run(self, connection):
        try:
            self.serve(connection)
        finally:
            with self.lock:
                connection.close("close")
                self.connections.discard(connection)

    def stop(self):
        self.stopping.set()
        self.wake.send(b"x")
        self.thread.join()
        for sock in self.sockets + [self.wake, self.woken]:
            sock.close()
        with self.lock:
            for connection in self.connections:
                connection.shut()
            threads = list(self.threads)
        for thread in threads:
            # More than once: a handshake may just have moved the socket into another object.
            for _ in range(STOP_ROUNDS):
                thread.join(0.2)
                if not thread.is_alive():
                    break
                with self.lock:
                    for connection in self.connections:
                        connection.shut()


class Trap:
    """Where a redirect leads: keeps what arrives and answers that all is well."""

    def __init__(self, tls=None):
        self.context = tls_context(tls) if tls else None
        self.scheme = "https" if tls else "http"
        self.connections, self.requests = 0, []
        self.listener = None

    def start(self):
        self.listener = Listener(("127.0.0.1",), 0, self.serve)
        return self

    def stop(self):
        self.listener.stop()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return "%s://127.0.0.1:%d/client/v4" % (self.scheme, self.listener.port)

    def saw(self, secret):
        return any(secret.encode() in octets for octets in self.requests)

    def serve(self, connection):
        self.connections += 1
        if not connection.handshake(self.context, 10):
            return
        while b"\r\n\r\n" not in connection.buffer and len(connection.buffer) < HEAD_MOST:
            if not connection.fill():
                break
        if connection.buffer:
            self.requests.append(connection.buffer)
        body = b'{"success":true,"errors":[],"messages":[],"result":[]}'
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.close()
