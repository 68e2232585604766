"""Where the demo's servers listen: port 53 for DNS and 25 for SMTP, if this machine allows it.

In a network namespace of one's own, which root may make and on many machines everybody, all ports of
127.0.0.1 are free. Else root takes a loopback address of its own on the machine itself; and who is
not root gets ports above 1023: daneroll asks authoritative servers on port 53 only, so it is told
`propagation = resolver`.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e")]
from labworld import own_address

HOST = "mail.example.org"
INSIDE = "DEMO_NETWORK"  # the process that unshare was told to start
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
TRIES = 50


class Place:
    def __init__(self, address, dns_port, port, dialect, why_not_private=None):
        self.address, self.dns_port, self.port, self.dialect = address, dns_port, port, dialect
        self.why_not_private = why_not_private
        self.private = why_not_private is None
        self.owner = "_%d._tcp.%s" % (port, HOST)

    @property
    def service(self):
        return "smtp" if self.port == 25 else "%d/tls" % self.port

    @property
    def lines(self):
        """Of the host's section."""
        return ("service = %s\nconnect = %s\n" % (self.service, self.address)
                + ("" if self.dns_port == 53 else "propagation = resolver\n"))


def enter():
    """Starts the demo anew in a network namespace; comes back if it is there, or cannot be had (then
    with the reason)."""
    if os.environ.get(INSIDE) == str(os.getpid()):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
        return None
    command = ["unshare", "-n"] + (["-r"] if os.geteuid() else [])
    try:
        made = subprocess.run(command + ["true"], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        return "no network namespace can be made here: %s" % error
    if made.returncode:
        return "no network namespace can be made here: %s" % made.stderr.strip()
    os.environ[INSIDE] = str(os.getpid())
    sys.stdout.flush()
    os.execvp(command[0], command + [sys.executable, "-B"] + sys.argv)


def free(address, port=0):
    """A port of ADDRESS that is free for UDP and TCP, PORT itself if that is given; else None."""
    for _ in range(TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            try:
                udp.bind((address, port))
                tcp.bind((address, udp.getsockname()[1]))
                return udp.getsockname()[1]
            except OSError:
                if port:
                    return None
    raise OSError("no port is free")


def find(why_not_private):
    if why_not_private is None:
        return Place("127.0.0.1", 53, 25, "smtp")
    address, dns_port = "127.0.0.1", None
    if os.geteuid() == 0:
        address, dns_port = own_address(), 53
    if dns_port and free(address, 25):
        return Place(address, dns_port, 25, "smtp", why_not_private)
    return Place(address, dns_port or free(address), free(address), "tls", why_not_private)
