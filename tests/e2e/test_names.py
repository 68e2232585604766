#!/usr/bin/env python3
"""Addresses of names, for which libc is asked: what comes of its answers and faults, and what never
reaches it; by way of tests/tools/probetool.c --addresses, with /etc/hosts and /etc/resolv.conf replaced.
"""

import os
import socket
import subprocess
import sys
import tempfile

from dnslab import own_network
from lab import BUILD, TARGET, VARIANT, case, main, same
from labworld import Names, Rr

TOOL = os.path.join(BUILD, TARGET if VARIANT == "target" else "asan", "tools", "probetool")
FIRST, SECOND, DEAD, DEAF, OWN = "127.7.0.1", "127.7.0.2", "127.7.0.3", "127.7.0.4", "127.0.0.1"
V6 = "2001:db8::25"


class Resolver(Names):
    """One as old as RFC 1035: what has an OPT record is not answered."""

    def answer(self, asked):
        if asked.sections[3]:
            raise ValueError
        reply = super().answer(asked)
        reply.sections[3].clear()
        return reply


class Nothing:
    zones = ()


def own_mounts():
    """/etc/hosts and /etc/resolv.conf are files of this process and its children alone."""
    if os.environ.get("NAMES_MOUNTS") != str(os.getpid()):
        os.environ["NAMES_MOUNTS"] = str(os.getpid())
        os.execvp("unshare", ["unshare", "--mount", sys.executable] + sys.argv)
    folder = tempfile.mkdtemp(prefix="names-")
    subprocess.run(["mount", "-t", "tmpfs", "names", folder], check=True)
    for name in ("hosts", "resolv.conf"):
        with open(os.path.join(folder, name), "w", encoding="ascii"):
            pass
        subprocess.run(["mount", "--bind", os.path.join(folder, name), "/etc/" + name], check=True)
    subprocess.run(["umount", "--lazy", folder], check=True)
    os.rmdir(folder)


def system(hosts="", resolv="nameserver %s\n" % FIRST):
    for name, text in (("hosts", hosts), ("resolv.conf", resolv)):
        with open("/etc/" + name, "w", encoding="ascii") as out:
            out.write(text)
    for server in (first, second):
        server.asked.clear()


def addresses(*names):
    """What the tool prints, a line each, the code last."""
    done = subprocess.run([TOOL, "--addresses"] + list(names), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=60, check=False)
    return done.stdout.decode().splitlines() + [done.returncode]


@case("hosts: names as wholes, comments, several addresses of both families")
def _():
    system("# 127.1.0.9 mail.test\n127.1.0.1\tmail.test alias.test\r\n"
           "127.1.0.2 xmail.test mail.test.x # mail.test\n::2   mail.test\n"
           "nonsense mail.test\n127.1.0.3 other.test mail.test\n")
    same(addresses("mail.test"), ["127.1.0.1", "127.1.0.3", "::2", 0])
    same(addresses("alias.test"), ["127.1.0.1", 0])
    same(first.asked, [])


@case("hosts: a long list is read to its end")
def _():
    system("".join("0.0.0.0 a%d.ads.test\n" % i for i in range(20000)) + "127.1.0.4 last.test\n")
    same(addresses("last.test"), ["127.1.0.4", 0])
    same(addresses("a12345.ads.test"), ["0.0.0.0", 0])


@case("localhost and literals ask nobody, what cannot be a name neither")
def _():
    system("127.1.0.5 localhost\n")
    same(addresses("LocalHost"), ["127.0.0.1", "::1", 0])
    same(addresses("192.0.2.1", V6, "fe80::1%lo"), ["192.0.2.1", V6, 0])
    for name in ("", "a b", "a:b", "1.2.3.4@53", "a/b"):
        same(addresses(name)[-1] != 0, True, name)
    same(first.asked, [])


@case("DNS: both families, an alias, hundreds of octets over TCP, no OPT record")
def _():
    system()
    same(addresses("both.test"), ["192.0.2.1", V6, 0])
    same(sorted(set(first.asked)), [("both.test", "A"), ("both.test", "AAAA")])
    same(addresses("alias.test"), ["192.0.2.1", V6, 0])
    if VARIANT != "target":  # glibc wants both answers on one TCP connection, which our server ends
        return
    # As many as we use, of those that libc takes.
    many = addresses("many.test")
    same((len(many), many[-1]), (17, 0), many)
    same({address.rpartition(".")[0] for address in many[:-1]}, {"192.0.2"})


@case("DNS: no such name, no address, an error, no answer")
def _():
    unknown = "%s could not be looked up: no resolver of /etc/resolv.conf has an answer"
    system()
    same(addresses("nosuch.test"), ["nosuch.test has no address", 1])
    same(addresses("empty.test"), ["empty.test has no address", 1])
    same(addresses("broken.test"), [unknown % "broken.test", 1])
    if VARIANT != "target":  # as musl has it
        return
    # Of one family alone: the other's addresses are not all.
    same(addresses("half.test"), [unknown % "half.test", 1])
    for silent in (DEAD, DEAF):
        system(resolv="nameserver %s\noptions timeout:1 attempts:1\n" % silent)
        same(addresses("both.test"), [unknown % "both.test", 1])


@case("resolv.conf: any of those named answers; none named stands for 127.0.0.1")
def _():
    for one in (DEAD, DEAF):
        system(resolv="nameserver %s\nnameserver %s\noptions timeout:1\n" % (one, SECOND))
        same(addresses("both.test"), ["192.0.2.1", V6, 0])
    same((first.asked, sorted(set(second.asked))), ([], [("both.test", "A"), ("both.test", "AAAA")]))
    system(resolv="# nameserver %s\n" % FIRST)
    same(addresses("both.test"), ["192.0.2.99", 0])


@case("resolv.conf: names without a dot are looked for in the search list, then as they are")
def _():
    system(resolv="domain nosuch.test\nsearch\tother.test  sub.test\nnameserver %s\n" % FIRST)
    same(addresses("short"), ["192.0.2.77", 0])
    same([name for name, kind in first.asked if kind == "A"], ["short.other.test", "short.sub.test"])
    same(addresses("top"), ["192.0.2.78", 0])


if __name__ == "__main__":
    own_network()
    own_mounts()
    first, second, own = [Resolver(address, Nothing) for address in (FIRST, SECOND, OWN)]
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind((DEAF, 53))
    for each in (first, second, own):
        each.unsigned = True
        each.hosts = {"both.test": "192.0.2.1", "short.sub.test": "192.0.2.77", "top": "192.0.2.78"}
        each.aliases = {"alias.test": "both.test"}
        each.replace = {
            ("both.test", "AAAA"): [Rr("both.test", "AAAA", ttl=60,
                                       data=socket.inet_pton(socket.AF_INET6, V6))],
            ("many.test", "A"): [Rr("many.test", "A", ttl=60, data=bytes([192, 0, 2, i]))
                                 for i in range(1, 101)],
            ("nosuch.test", "A"): "NXDOMAIN", ("nosuch.test", "AAAA"): "NXDOMAIN",
            ("broken.test", "A"): "SERVFAIL", ("broken.test", "AAAA"): "SERVFAIL",
            ("half.test", "A"): [Rr("half.test", "A", ttl=60, data=bytes([192, 0, 2, 2]))],
            ("half.test", "AAAA"): "SERVFAIL",
            **{(name, kind): "NXDOMAIN" for kind in ("A", "AAAA")
               for name in ("short.other.test", "top.other.test", "top.sub.test")}}
    own.hosts, own.replace = {"both.test": "192.0.2.99"}, {}
    sys.exit(main(jobs=1))
