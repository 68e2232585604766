#!/usr/bin/env python3
"""A small SMTP server with STARTTLS on loopback, where Postfix stands in real life.

    service.py smtp|tls ADDRESS PORT PAIR PID_FILE

With "tls" a client begins with its handshake. PAIR is one file, key first, then the chain. It is loaded
at the start and upon SIGHUP, and at no other time. The first line that is printed says "ready"; every further line says what it loaded, or why it could not. SIGTERM
ends it.
"""

import os
import signal
import socket
import ssl
import sys
import threading

LINE_MOST = 1000   # octets of a command
COMMANDS_MOST = 20
PATIENCE = 5       # seconds for each step of a client


class Service:
    def __init__(self, dialect, address, port, pair):
        self.dialect, self.pair = dialect, pair
        self.context = None
        self.listener = socket.create_server((address, port), backlog=128)

    def load(self):
        """What new connections are shown from now on; what is under way keeps what it has."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0
        try:
            context.load_cert_chain(self.pair)
        except (OSError, ssl.SSLError) as error:
            print("cannot load: %s; the former pair stays" % error, flush=True)
            return False
        self.context = context
        return True

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            try:
                connection.settimeout(PATIENCE)
                self.talk(connection)
            except (OSError, ValueError):
                pass  # a client that breaks off is nobody's concern
            finally:
                connection.close()

    def talk(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.dialect == "tls":
            return self.shake(connection)
        connection.sendall(b"220 mail.example.org ESMTP\r\n")
        for _ in range(COMMANDS_MOST):
            verb = self.line(connection).split(b" ")[0].upper()
            if verb == b"EHLO":
                connection.sendall(b"250-mail.example.org\r\n250 STARTTLS\r\n")
            elif verb == b"STARTTLS":
                connection.sendall(b"220 go ahead\r\n")
                return self.shake(connection)
            elif verb == b"QUIT":
                return connection.sendall(b"221 bye\r\n")
            else:
                connection.sendall(b"502 not here\r\n")

    def shake(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    @staticmethod
    def line(connection):
        """Octet by octet, so that nothing of the handshake is taken."""
        text = b""
        while not text.endswith(b"\r\n"):
            octet = connection.recv(1)
            if not octet or len(text) > LINE_MOST:
                raise ValueError("no command")
            text += octet
        return text[:-2]


def main():
    dialect, address, port, pair, pid_file = sys.argv[1:]
    # Before any thread starts, so that only sigwait gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM, signal.SIGINT})
    service = Service(dialect, address, int(port), pair)
    if not service.load():
        return 1
    with open(pid_file, "w", encoding="ascii") as out:
        out.write("%d\n" % os.getpid())
    threading.Thread(target=service.serve, daemon=True).start()
    print("ready", flush=True)
    while signal.sigwait({signal.SIGHUP, signal.SIGTERM, signal.SIGINT}) == signal.SIGHUP:
        if service.load():
            print("SIGHUP: key and certificate loaded anew", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
