#!/usr/bin/env python3
"""What the program's DNS half sees of real name servers: signed zones on BIND, a secondary that
lags, a validating Unbound; by way of tests/tools/dnslook.c.
"""

import sys
import time

from dnstree import Content, Tree, own_network
from lab import case, check, main, same

A, B = "3 1 1 " + "a1" * 32, "3 1 1 " + "b2" * 32
OWNER = "_25._tcp.mail.example.test"
LINES = [
    "@ IN MX 20 backup.example.test.", "@ IN MX 10 mail.example.test.", "mail IN A 127.0.0.99",
    "_25._tcp.mail 7 IN TLSA " + A,
    "_25._tcp.alias 9 IN CNAME tlsa.plain.test.",
    "_25._tcp.far IN CNAME _25._tcp.alias",
    "*._tcp.wild IN TLSA " + A,
    "moved IN DNAME new", "_25._tcp.new IN TLSA " + B,
    "child IN NS ns2.nic.test.", "child IN NS ns1.nic.test.",
] + ["_25._tcp.many IN TLSA 3 1 2 " + "%02x" % i * 64 for i in range(40)]


def contents():
    return [Content("example.test", LINES),
            Content("plain.test", ["tlsa IN TLSA " + B, "_25._tcp IN TLSA " + A], signed="no"),
            Content("nods.test", ["_25._tcp IN TLSA " + A], ds=False, servers=("ns1",)),
            Content("over.test", ["_25._tcp IN TLSA " + A], signed="over", servers=("ns1",)),
            Content("six.test", ["_25._tcp IN TLSA " + A], servers=("ns1", "six", "none")),
            Content("child.example.test", ["_25._tcp IN TLSA " + A], signed="no",
                    servers=("ns2", "ns1"))]


def seen_everywhere(tree):
    look = tree.look("_25._tcp.MAIL.Example.test.")
    same(look["owner"], OWNER)
    same(look["apex"], "example.test refresh=3600 retry=600 delegation")
    check(look["zone"].startswith("signed authentic end="), look.text)
    same(sorted(look.servers), ["ns1.nic.test", "ns2.nic.test"])
    for server in look.servers:
        same(look.code(server), "rrset", look.text)
        same(look.records(server), [A])
        same((look.number(server, "ttl"), look.number(server, "original")), (7, 7))
    same(look.servers["ns2.nic.test"]["line"].split()[0], tree.address("ns2"))


def denied(tree):
    look = tree.look("_25._tcp.nosuch.example.test")
    check(look["zone"].startswith("signed authentic"), look.text)
    for server in look.servers:
        same(look.code(server), "denial")
        check("nxdomain negative=5 most=5" in look.servers[server]["line"], look.text)
        check("signature=" in look.servers[server]["line"], look.text)
    look = tree.look("mail.example.test")
    check("nodata" in look.servers["ns1.nic.test"]["line"], look.text)


def aliases(tree):
    for name in ("_25._tcp.alias", "_25._tcp.far"):
        look = tree.look(name + ".example.test")
        same(look["owner"], "tlsa.plain.test", look.text)
        check(look["zone"].startswith("unsigned"), look.text)
        same(look["alias"], "ttl=9")
        same(look.records("ns1.nic.test"), [B])
    look = tree.look("_25._tcp.moved.example.test")
    same(look["owner"], "_25._tcp.new.example.test", look.text)
    check(look["zone"].startswith("signed authentic"), look.text)
    same(look.records("ns2.nic.test"), [B])


def wildcard(tree):
    look = tree.look("_25._tcp.wild.example.test")
    same(look.records("ns1.nic.test"), [A])
    for server in look.servers:
        check(look.servers[server]["line"].endswith(" wildcard"), look.text)
    check(not tree.look(OWNER).servers["ns1.nic.test"]["line"].endswith(" wildcard"))


def over_tcp(tree):
    look = tree.look("_25._tcp.many.example.test")
    for server in look.servers:
        same(len(look.records(server)), 40, look.text)
    check(look["zone"].startswith("signed authentic"), look.text)


def security(tree):
    look = tree.look("_25._tcp.plain.test")
    check(look["zone"].startswith("unsigned end=-1"), look.text)
    look = tree.look("_25._tcp.nods.test")
    check(look["zone"].startswith("no-ds end="), look.text)
    look = tree.look("_25._tcp.over.test")
    check(look["zone"].startswith("bogus end="), look.text)
    same(look["words"], "there is a DS record, but ns1.nic.test (%s) shows a signature that is not "
         "valid now; it ends at 2020-02-01T00:00:00Z" % tree.address("ns1"))
    check(" over" in look.servers["ns1.nic.test"]["line"], look.text)
    # By the resolver alone: it refuses, but not with CD.
    look = tree.look("--resolvers", "_25._tcp.over.test")
    same(look["words"],
         "the resolver answers SERVFAIL, but not if told to leave DNSSEC unchecked")
    check(look["zone"].startswith("bogus"), look.text)
    # By a clock of those days the servers are right.
    look = tree.look("--wall", "1579000000", "_25._tcp.over.test")
    check(" over" not in look.servers["ns1.nic.test"]["line"], look.text)


def zone_cut(tree):
    look = tree.look("_25._tcp.child.example.test")
    check(look["apex"].startswith("child.example.test "), look.text)
    same(look.records("ns2.nic.test"), [A])


def out_of_reach(tree):
    look = tree.look("_25._tcp.six.test")
    same(look.records("ns1.nic.test"), [A])
    line, words = (look.servers["six.nic.test"][key] for key in ("line", "words"))
    check(line.startswith("2001:db8::53 silent") and line.endswith(" no-route"), look.text)
    same(words, ["Network is unreachable"])
    same(look.servers["none.nic.test"]["line"], "- silent")
    same(look.servers["none.nic.test"]["words"], ["it has no address"])


def by_resolver(tree):
    look = tree.look("--resolvers", OWNER)
    check(look["zone"].startswith("signed authentic"), look.text)
    server, = look.servers
    same(look.records(server), [A])
    check(look.number(server, "ttl") <= 7 and look.number(server, "original") == 7, look.text)
    look = tree.look("--resolvers", "_25._tcp.alias.example.test")
    same(look["owner"], "tlsa.plain.test")


def mail_exchangers(tree):
    look = tree.look("--mx", "example.test")
    same(look["mx"], "10 mail.example.test / 20 backup.example.test")
    same(look["itself"], "0 exists 1 authentic 1")
    same(tree.look("--mx", "mail.example.test")["itself"], "1 exists 1 authentic 1")
    same(tree.look("--mx", "nosuch.example.test")["itself"], "1 exists 0 authentic 1")


def non_terminal(tree):
    look = tree.look("--non-terminal", "mail.example.test")
    same(look["owner"], "_tcp.mail.example.test")
    same(look["wrong"], "")
    look = tree.look("--non-terminal", "nosuch.example.test")
    check(look["wrong"] in ("ns1.nic.test", "ns2.nic.test"), look.text)


# One tree for all that changes nothing: it takes some seconds to grow.
@case("what real servers show of zones, signed or not")
def looks():
    with Tree(contents(), more=["six.nic IN AAAA 2001:db8::53"]) as tree:
        for step in (seen_everywhere, denied, aliases, wildcard, over_tcp, security, zone_cut,
                     out_of_reach, by_resolver, mail_exchangers, non_terminal):
            step(tree)


@case("a secondary that lags, and one that is dead")
def lags():
    with Tree([Content("example.test", LINES[:4])], first=21) as tree:
        tree.change("example.test", ("add", OWNER, 7, B))
        look = tree.look(OWNER)
        same(look.records("ns1.nic.test"), [A, B])
        same(look.records("ns2.nic.test"), [A])
        check(look["zone"].startswith("signed"), look.text)
        tree.catch_up("example.test")
        look = tree.look(OWNER)
        same(look.records("ns2.nic.test"), [A, B])
        tree.change("example.test", ("clear", OWNER))
        look = tree.look(OWNER)
        same(look.code("ns1.nic.test"), "denial")
        same(look.records("ns2.nic.test"), [A, B])
        tree.servers["ns2"].stop()
        start = time.monotonic()
        look = tree.look(OWNER)
        same(look.code("ns2.nic.test"), "silent", look.text)
        same(look.servers["ns2.nic.test"]["words"], ["Connection refused"])
        same(look.code("ns1.nic.test"), "denial")
        check(time.monotonic() - start < 15, "one dead server took all the time")
        tree.servers["ns1"].stop()
        look = tree.look(OWNER)
        same([look.code(server) for server in look.servers], ["silent", "silent"], look.text)


@case("no resolver, no parent")
def cut_off():
    with Tree([Content("example.test", LINES[:4])], first=31) as tree:
        tree.look(OWNER)  # the resolver now knows the way
        tree.servers["root"].stop()
        tree.servers["tld"].stop()
        look = tree.look(OWNER)
        check(not look["apex"].endswith("delegation"), look.text)
        same(look.records("ns2.nic.test"), [A])
        tree.servers["resolver"].stop()
        look = tree.look(OWNER)
        same(look["words"], "the zone of %s: the resolver %s: Connection refused" %
             (OWNER, tree.resolver))
        same(look.servers, {})


if __name__ == "__main__":
    own_network()
    sys.exit(main())
