#!/usr/bin/env python3
"""Rotations from renewal to retirement, over the emulator: by `run --wait` in real time, and by plain
`run` with time made to pass (the state's times are aged; daneroll-clock where clocks are the matter).

TIMEOUT: 400. QEMU: too
"""

import os
import sys
import time

from lab import (FAILED, FAST, GOOD, HOST, LATER, OWNER, UNKNOWN, USAGE, VARIANT, Clock, Lab, Skipped, case, check,
                 main, same)

MAIL2, WEB = "mail2.example.org", "www.example.org"
# For those that look at what stands before it is retired, however slow the machine is.
SLOW_RETIRING = dict(FAST, **{"wait-floor": 7, "retire-wait": 4})


def order(lab):
    """What happened in the order of time: "POST NAME", "reload NAME", "DELETE NAME"."""
    events = [(when, "%s %s" % ({"create": "POST", "delete": "DELETE"}.get(e["op"], e["op"]),
                                e["record"]["name"])) for when, e in lab.effects()]
    events += [(when, "reload " + name) for when, name, _ in lab.reloads() if when >= lab.marked]
    return [words for _, words in sorted(events)]


# ---- run --wait, in real time --------------------------------------------------------------------

@case("run --wait: renew, publish, wait, reload, wait, retire, in this order and not before the time")
def whole_job():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        waits = {"publish-wait": 1, "wait-margin": 1, "wait-floor": 2, "retire-wait": 3}
        lab.put("mail", old)
        lab.configure([lab.host(renew=lab.swap("mail", new))], waits)
        lab.run("run", "--no-renew")
        same(lab.contents(), [old.record])
        lab.age()
        lab.mark()
        done = lab.run("run", "--wait")
        same(order(lab), ["POST " + OWNER, "reload mail", "DELETE " + OWNER])
        same(lab.contents(), [new.record])
        lab.check_vouched(old)
        lab.check_waited(new, least=2 * 2 + 1)
        (created, _), (deleted, _) = lab.effects()
        check(created < lab.reloads()[0][0], "reloaded before the record was there")
        check(deleted - lab.reloads()[0][0] >= 3, "retired before retire-wait")
        check(done.seconds < 25, "took far too long", done)
        check("reload" in done.err and "retired" in done.err, "the steps are not told", done)
        lab.mark()
        same((lab.run("run", "--wait", "--no-renew").err, lab.writes()), ("", []))
        lab.check_clean()


@case("run --wait: publish-wait alone where no RRset was there; a first publication reloads nothing")
def first_wait():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(renew="true")], {"publish-wait": 30, "wait-margin": 300,
                                                 "wait-floor": 900, "retire-wait": 3600})
        done = lab.run("run", "--wait", timeout=25)
        check(done.seconds < 15, "waits for more than the second round of verifying", done)
        same(lab.contents(), [lab.pair(1).record])
        same(lab.reloads(), [])
        lab.check_clean()


@case("run --wait: renewed at the first run of all: the key in use is published first, then the new one")
def first_key():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.put("mail", old)
        lab.configure([lab.host(renew=lab.swap("mail", new))])
        lab.mark()
        lab.run("run", "--wait", timeout=30)
        same(order(lab), ["POST " + OWNER] * 2 + ["reload mail", "DELETE " + OWNER])
        same(lab.effects()[0][1]["record"]["content"], old.record, "the key in use comes first")
        same(lab.contents(), [new.record])
        lab.check_vouched(old)
        lab.check_waited(new)
        lab.check_clean()


@case("run --wait: several hosts, services, pairs and reload commands")
def several():
    with Lab() as lab:
        olds = {"rsa": lab.pair(1, "rsa2048"), "ec": lab.pair(1), "web": lab.pair(3)}
        news = {"rsa": lab.pair(2, "rsa2048"), "ec": lab.pair(2), "web": lab.pair(4)}
        for name, pair in olds.items():
            lab.put(name, pair)
        both = "echo both >> " + lab.path("both")
        sections = [lab.section(n, n, renew=lab.swap(n, news[n]),
                                reload=[lab.reload_command(n), both]) for n in ("rsa", "ec")]
        sections += [lab.section("web", "web", renew=lab.swap("web", news["web"]),
                                 reload=[lab.reload_command("web"), "touch " + lab.path("second")]),
                     lab.host(HOST, pair=None, service="smtp submission imaps", pair_="x"),
                     lab.host(MAIL2, pair=None, service="smtp"),
                     lab.host("web", pair=None, service="https")]
        sections[-3] = ("host " + HOST, [("service", "smtp submission imaps"), ("ttl", 2),
                                         ("pair", "rsa ec")])
        sections[-2] = ("host " + MAIL2, [("ttl", 2), ("pair", "ec")])
        sections[-1] = ("host web", [("name", HOST), ("service", "https"), ("ttl", 2),
                                     ("pair", "web")])
        lab.configure(sections)
        lab.run("run")
        lab.age()
        lab.mark()
        owners = {"_%d._tcp.%s" % (port, host): names for port, host, names in (
            (25, HOST, ("rsa", "ec")), (587, HOST, ("rsa", "ec")), (993, HOST, ("rsa", "ec")),
            (25, MAIL2, ("ec",)), (443, HOST, ("web",)))}
        for owner, names in owners.items():
            same(lab.contents(owner), sorted(olds[n].record for n in names), owner)
        lab.run("run", "--wait")
        for owner, names in owners.items():
            same(lab.contents(owner), sorted(news[n].record for n in names), owner)
            for name in names:
                lab.check_vouched(olds[name], owner, name)
                lab.check_waited(news[name], owner, name)
        check(os.path.exists(lab.path("second")), "the second reload command of web did not run")
        same(lab.read("both"), "both\n", "a command wanted by two pairs runs once a call")
        lab.check_clean()


@case("run --wait: renew fails: said, exit 1, the pair on disk is looked after all the same")
def renew_fails():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(renew=["echo certbot-words; exit 3", "touch " + lab.path("second")])])
        done = lab.run("run", "--wait", code=FAILED)
        check("exit status 3" in done.err and "certbot-words" in done.err, done)
        same(lab.contents(), [lab.pair(1).record])
        check(os.path.exists(lab.path("second")), "the second renew command did not run")
        lab.check_clean()


@case("run --wait: renew hangs in a child: the whole group is ended at hook-timeout")
def renew_hangs():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        command = "sleep 300 & echo $! > %s; sleep 300" % lab.path("child")
        lab.configure([lab.host(renew=command, hook_timeout=1)])
        done = lab.run("run", "--wait", code=FAILED, timeout=30)
        check(done.seconds < 15 and "hook-timeout" in done.err, done)
        check(not alive(int(lab.read("child"))), "the child lives on")
        same(lab.contents(), [lab.pair(1).record])


@case("run --wait: renew hangs and ignores TERM: KILL comes")
def renew_ignores():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        command = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! > %s; " \
                  "while :; do sleep 1; done" % lab.path("child")
        lab.configure([lab.host(renew=command, hook_timeout=1)])
        done = lab.run("run", "--wait", code=FAILED, timeout=30)
        check(done.seconds < 20, done)
        check(not alive(int(lab.read("child"))), "the child lives on")


@case("run --wait: renew leaves a daemon behind that keeps its output open: not waited for")
def renew_daemon():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure([lab.host(renew="sleep 20 & echo $! > %s" % lab.path("child"))])
        done = lab.run("run", "--wait", timeout=19)
        os.kill(int(lab.read("child")), 9)
        check(done.seconds < 15, done)


def alive(pid):
    for _ in range(30):
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return False
        except OSError:
            return False
        time.sleep(0.1)
    return True


@case("a hook's environment: DANE_ variables, PATH and HOME, and nothing secret")
def hook_environment():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        secret = lab.cf.tokens[0].secret
        lab.put("mail", old)
        lab.configure([lab.host(renew="env > %s; %s" % (lab.path("renew.env"), lab.swap("mail", new)),
                                reload=["env > %s; ls -l /proc/self/fd > %s"
                                        % (lab.path("reload.env"), lab.path("fds")),
                                        lab.reload_command()])],
                      provider={"zone-id": lab.cf.zones[0].id})
        env = {"DANEROLL_TOKEN": secret, "https_proxy": "http://192.0.2.1:9", "MY_SECRET": "mine",
               "TZ": "UTC", "PATH": "/usr/bin:/sbin:/bin"}
        lab.run("run", "--no-renew", env=env)
        lab.run("run", "--wait", env=env)
        for event, key in (("renew", old.spki), ("reload", new.spki)):
            env = dict(line.split("=", 1) for line in lab.read(event + ".env").splitlines())
            check(secret not in str(env), "the token is in the environment of", event)
            check(not any(name.startswith("DANEROLL") for name in env), env)
            check("MY_SECRET" not in env, "all of the environment is passed on")
            same((env["DANE_EVENT"], env["DANE_HOST"], env["DANE_KEY"], env["DANE_CERTIFICATE"],
                  env["DANE_PRIVATE_KEY"], env["DANE_PAIR"]),
                 (event, HOST, key, lab.path("mail.crt"), lab.path("mail.key"), HOST))
            same(env["PATH"], "/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/sbin")
            same((env["HOME"], env["TZ"], env["https_proxy"]), ("/root", "UTC", "http://192.0.2.1:9"))
        check("socket" not in lab.read("fds"), "a hook inherits a descriptor:", lab.read("fds"))
        lab.check_clean()


# ---- plain run -----------------------------------------------------------------------------------

def rotate(lab, old, new, name="mail"):
    """The four calls of a rotation by cron, each looked at."""
    lab.put(name, new)
    lab.run()
    same(lab.contents(), sorted([old.record, new.record]))
    same([r[0] for r in lab.reloads() if r[0] > lab.marked], [])
    lab.run()
    same(len(lab.writes()), 1, "writes again while it waits")
    lab.age()
    lab.run()
    same(lab.reloads()[-1][2], new.spki)
    same(lab.contents(), sorted([old.record, new.record]))
    lab.age()
    lab.run()
    same(lab.contents(), [new.record])
    lab.check_vouched(old)


@case("a server that denies the name above its own records is named; one that has none there is not")
def denies_above():
    with Lab() as lab:
        lab.put("mail", lab.pair(1))
        lab.configure()
        lab.names.replace["_tcp." + HOST, "TLSA"] = "NXDOMAIN"
        done = lab.run("run", "--dry-run", code=None)
        check("RFC 8020" not in done.err, "there is no record yet:", done)
        done = lab.run("run", code=None)
        check("says that there is no name _tcp." + HOST in done.err, done)


@case("plain run: a rotation step by step, then a second one, then a third")
def steps():
    with Lab() as lab:
        lab.published()
        for old, new in ((1, 2), (2, 3), (3, 1)):
            lab.mark()
            rotate(lab, lab.pair(old), lab.pair(new))
        lab.mark()
        same(lab.run().err, "")
        same(lab.writes(), [])
        lab.check_clean()


@case("plain run never runs `renew`; nor does --wait --no-renew")
def no_renew():
    with Lab() as lab:
        lab.published(sections=[lab.host(renew="touch " + lab.path("renewed"))])
        lab.run()
        lab.run("run", "--wait", "--no-renew")
        check(not os.path.exists(lab.path("renewed")), "renew was run")


@case("same key, new certificate: the services are reloaded, no record changes")
def same_key():
    with Lab() as lab:
        lab.published()
        lab.put("mail", lab.pair(1, edition=1))
        lab.run()
        lab.converge()
        same(lab.writes(), [])
        same([key for _, _, key in lab.reloads()], [lab.pair(1).spki])
        lab.check_clean()


@case("3 0 1 of a renewed certificate with the same key: published, waited for, retired")
def same_key_whole():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(1, edition=1)
        lab.put("mail", old)
        lab.configure([lab.host(record="3 0 1")])
        lab.run()
        lab.age()
        lab.mark()
        lab.put("mail", new)
        lab.run()
        same(lab.contents(), sorted([old.records[3, 0, 1], new.records[3, 0, 1]]))
        same(lab.reloads(), [], "reloaded before caches have it")
        lab.age()
        lab.converge()
        same(lab.contents(), [new.records[3, 0, 1]])
        same(len(lab.reloads()), 1)


@case("3 1 1 with 3 1 2, 3 0 1 and 3 0 2: all four are rolled")
def four_records():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        host = lab.host(record=None)
        host[1].extend(("record", r) for r in ("3 1 1", "3 1 2", "3 0 1", "3 0 2"))
        lab.published(sections=[host])
        same(lab.contents(), sorted(old.records.values()))
        lab.put("mail", new)
        lab.run()
        same(lab.contents(), sorted(list(old.records.values()) + list(new.records.values())))
        lab.age()
        lab.converge()
        same(lab.contents(), sorted(new.records.values()))
        lab.check_vouched(old)
        lab.check_clean()


@case("renewed again in mid-rotation: the newest key is loaded, both others retired")
def renewed_again():
    with Lab() as lab:
        old = lab.published(waits=SLOW_RETIRING)
        lab.put("mail", lab.pair(2))
        lab.run()
        lab.put("mail", lab.pair(3))
        lab.run()
        same(lab.contents(), sorted(lab.pair(n).record for n in (1, 2, 3)))
        same(lab.reloads(), [])
        lab.age()
        lab.run()
        same([key for _, _, key in lab.reloads()], [lab.pair(3).spki])
        lab.age()
        lab.converge()
        same(lab.contents(), [lab.pair(3).record])
        lab.check_vouched(old)
        lab.check_clean()


@case("renewed again between reload and retirement")
def renewed_between():
    with Lab() as lab:
        old = lab.published()
        lab.put("mail", lab.pair(2))
        lab.run()
        lab.age()
        lab.run()
        lab.put("mail", lab.pair(3))
        lab.run()
        same([key for _, _, key in lab.reloads()], [lab.pair(2).spki])
        check(lab.pair(2).record in lab.contents() and lab.pair(3).record in lab.contents())
        lab.age()
        lab.converge()
        same(lab.contents(), [lab.pair(3).record])
        lab.check_vouched(old)


@case("rolled back to the former certificate before the reload")
def rolled_back():
    with Lab() as lab:
        old = lab.published()
        lab.put("mail", lab.pair(2))
        lab.run()
        lab.put("mail", old)
        lab.run()
        check(old.record in lab.contents(), "the key in use has no record")
        lab.age()
        lab.converge()
        same(lab.contents(), [old.record])
        lab.check_vouched(old)


@case("rolled back to the former certificate after the reload, before and after its retirement")
def rolled_back_late():
    for retired in (False, True):
        with Lab() as lab:
            old, new = lab.published(), lab.pair(2)
            lab.put("mail", new)
            lab.run()
            lab.age()
            lab.run()
            if retired:
                lab.age()
                lab.run()
                same(lab.contents(), [new.record])
            lab.put("mail", old)
            count = len(lab.reloads())
            lab.run()
            check(len(lab.reloads()) == count or not retired, "reloaded an unpublished key")
            same(lab.contents(), sorted([old.record, new.record]))
            lab.age()
            lab.converge()
            same(lab.contents(), [old.record])
            lab.check_vouched(old)


@case("reload fails: the old record stays, the next run tries again, exit 1 each time")
def reload_fails():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        command = lab.reload_command() + "; test -e " + lab.path("healed")
        lab.published(sections=[lab.host(reload=command)])
        lab.put("mail", new)
        lab.run()
        for count in (1, 2):
            lab.age()
            done = lab.run(code=FAILED)
            check("failed" in done.err and "exit status 1" in done.err, done)
            same(len(lab.reloads()), count)
            same(lab.contents(), sorted([old.record, new.record]))
        lab.write("healed", "")
        lab.converge()
        same(lab.contents(), [new.record])


@case("one of two reload commands fails: the other one runs, both run again, nothing is retired")
def reload_half():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.published(sections=[lab.host(reload=["test -e " + lab.path("healed"),
                                                 lab.reload_command()])])
        lab.put("mail", new)
        lab.run()
        lab.age()
        lab.run(code=FAILED)
        same(len(lab.reloads()), 1)
        lab.age()
        lab.run(code=FAILED)
        same(lab.contents(), sorted([old.record, new.record]))
        lab.write("healed", "")
        lab.converge()
        same(lab.contents(), [new.record])


@case("no reload command at all: the new key's records are published, the former key's stay; told once")
def no_reload():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        lab.published(sections=[lab.host(reload=[])])
        lab.put("mail", new)
        lab.run()
        lab.age()
        check("no 'reload'" in lab.run().err, "not told")
        for _ in range(3):
            lab.age()
            same(lab.run().err, "", "told again and again")
        lab.age()
        done = lab.run(code=FAILED)
        check("former certificate" in done.err, "the service that does not follow is not told", done)
        same(lab.contents(), sorted([old.record, new.record]))
        lab.serve("mail", new)
        lab.converge()
        same(lab.contents(), [new.record])


@case("a pair shared by two hosts is reloaded when both hosts' records are ripe")
def shared_pair():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        owner2 = "_25._tcp." + MAIL2
        lab.cf.add_tlsa(owner2, old.record, ttl=40)
        sections = [lab.section("mail", "mail"), ("host " + HOST, [("ttl", 2), ("pair", "mail")]),
                    ("host " + MAIL2, [("pair", "mail")])]
        lab.published(sections=sections)
        lab.age(UNKNOWN)
        lab.put("mail", new)
        lab.run()
        lab.age(20)
        lab.run()
        same(lab.reloads(), [], "the slower host does not count")
        lab.age(70)
        lab.run()
        same(len(lab.reloads()), 1)
        lab.converge()
        for owner in (OWNER, owner2):
            same(lab.contents(owner), sorted([new.record] + ([old.record] if owner == owner2 else [])))
            lab.check_vouched(old, owner)
        lab.check_clean()


@case("two pairs that share a reload command wait for each other")
def shared_command():
    with Lab() as lab:
        script = lab.write("both.sh", lab.reload_command("a", then=lab.reload_command("b")))
        command = "sh " + script
        sections = [lab.section("a", "a", reload=command), lab.section("b", "b", reload=command),
                    ("host " + HOST, [("ttl", 2), ("pair", "a")]),
                    ("host " + MAIL2, [("ttl", 2), ("pair", "b")])]
        lab.put("b", lab.pair(3))
        lab.published(name="a", sections=sections)
        lab.put("a", lab.pair(2))
        lab.run()
        lab.age()
        lab.put("b", lab.pair(4))
        lab.run()
        same(lab.reloads(), [], "b's new key is not published long enough")
        lab.age()
        lab.run()
        same((len(lab.reloads("a")), len(lab.reloads("b"))), (1, 1))
        lab.converge()
        same(lab.contents(), [lab.pair(2).record])
        same(lab.contents("_25._tcp." + MAIL2), [lab.pair(4).record])


@case("a key file that does not fit its certificate: said, exit 75, nothing changes, then it goes on")
def half_written():
    with Lab() as lab:
        old, new = lab.published(), lab.pair(2)
        lab.write("mail.key", new.key, 0o600)
        done = lab.run(code=LATER)
        check("does not fit" in done.err, done)
        same((lab.writes(), lab.contents()), ([], [old.record]))
        lab.put("mail", new)
        lab.run()
        same(lab.contents(), sorted([old.record, new.record]))


@case("a certificate that is gone or garbage: said, exit 1, its records stay; another host goes on")
def broken_pair():
    with Lab() as lab:
        lab.put("other", lab.pair(3))
        old = lab.published(sections=[lab.host(adopt="yes"), lab.host(MAIL2, pair="other")],
                            waits=SLOW_RETIRING)
        for words in ("no such file", "PEM"):
            if words == "PEM":
                lab.write("mail.crt", "garbage\n")
            else:
                os.unlink(lab.path("mail.crt"))
            lab.put("other", lab.pair(4 if words == "PEM" else 5))
            lab.age()
            done = lab.run(code=FAILED)
            check("mail.crt" in done.err, done)
            same(lab.contents(), [old.record])
        same(len(lab.contents("_25._tcp." + MAIL2)), 3)


@case("renewed in place by somebody else, certificate and key in one file")
def one_file():
    with Lab() as lab:
        old, new = lab.pair(1), lab.pair(2)
        both = lab.write("both.pem", old.key + old.certificate, 0o600)
        lab.serve("both", old)
        load = "cp %s %s; cp %s %s; mv %s %s" % (
            both, lab.path("both.served.key"), both, lab.path("both.new"), lab.path("both.new"),
            lab.path("both.served.crt"))
        sections = [("host " + HOST, [("ttl", 2), ("certificate", both), ("private-key", both),
                                      ("chain", "none"), ("reload", load)])]
        lab.configure(sections)
        lab.run()
        lab.write("both.pem", new.key + new.certificate, 0o600)
        lab.run()
        same(lab.contents(), sorted([old.record, new.record]))
        lab.age()
        lab.converge()
        same(lab.contents(), [new.record])


@case("somebody deletes our record: it comes back; in mid-rotation the wait begins anew")
def deleted_outside():
    with Lab() as lab:
        old, new = lab.published(), lab.pair(2)
        lab.cf.remove(lab.cf.records(OWNER)[0]["id"])
        lab.run()
        same(lab.contents(), [old.record])
        lab.age()
        lab.put("mail", new)
        lab.run()
        wanted = [r for r in lab.cf.records(OWNER) if r["content"] == new.record]
        lab.cf.remove(wanted[0]["id"])
        lab.age()
        lab.run()
        same(lab.contents(), sorted([old.record, new.record]))
        same(lab.reloads(), [], "reloaded though caches may lack the new key")
        lab.age()
        lab.run()
        same(len(lab.reloads()), 1)


# ---- clocks --------------------------------------------------------------------------------------

def clocked(lab, **conf):
    if VARIANT != "target":
        raise Skipped("daneroll-clock is built for the target only")
    lab.clock = Clock(lab)
    lab.put("mail", lab.pair(1))
    lab.configure(conf.pop("sections", None) or [lab.host(ttl=None)], conf.pop("waits", {}))
    lab.run(clock=True)
    lab.clock.pass_time(100000)
    lab.mark()


def due(lab, seconds, what, count):
    """WHAT happens SECONDS from now and not three seconds earlier."""
    lab.clock.pass_time(seconds - 3)
    lab.run(clock=True)
    same(what(), count, "%d s early" % 3)
    lab.clock.pass_time(3 + 2)
    lab.run(clock=True)
    same(what(), count + 1, "not done when due")


@case("the TTL of the RRset counts, and stays: 3600 where 2 is configured, automatic stays automatic")
def ttl_kept():
    for ttl, life in ((3600, 2 * 3600), (1, 2 * 300)):
        with Lab() as lab:
            old, new = lab.pair(1), lab.pair(2)
            lab.cf.add_tlsa(OWNER, old.record, ttl=ttl)
            clocked(lab, sections=[lab.host()], waits=None)
            lab.put("mail", new)
            lab.run(clock=True)
            same(sorted(r["ttl"] for r in lab.cf.records(OWNER)), [ttl, ttl])
            due(lab, life, lambda: len(lab.reloads()), 0)
            lab.check_clean()


@case("default waits: 2 TTL + 300 s to the reload, an hour to the retirement")
def default_waits():
    with Lab(min_ttl=60) as lab:
        clocked(lab)
        same(lab.cf.rrset(OWNER)["ttl"], 1800)
        lab.put("mail", lab.pair(2))
        lab.run(clock=True)
        due(lab, 2 * 1800 + 300, lambda: len(lab.reloads()), 0)
        due(lab, 3600, lambda: len(lab.calls("DELETE")), 0)
        same(lab.contents(), [lab.pair(2).record])
        lab.check_vouched(lab.pair(1))
        lab.check_clean()


@case("default waits: the floor of 900 s with a TTL of 60; automatic counts as 300")
def floor_waits():
    for ttl, wait in ((60, 900), (1, 900), (301, 902)):
        with Lab(min_ttl=60) as lab:
            lab.cf.add_tlsa(OWNER, lab.pair(1).record, ttl=ttl)
            clocked(lab)
            lab.put("mail", lab.pair(2))
            lab.run(clock=True)
            due(lab, wait, lambda: len(lab.reloads()), 0)


@case("publish-wait of a day beats the TTL; a host's own waits beat the global ones")
def publish_wait():
    for section, wait in (({}, 86400), ({"publish-wait": 7200}, 7200)):
        with Lab(min_ttl=60) as lab:
            clocked(lab, sections=[lab.host(ttl=None, **section)], waits={"publish-wait": "1d"})
            lab.put("mail", lab.pair(2))
            lab.run(clock=True)
            due(lab, wait, lambda: len(lab.reloads()), 0)


@case("reboot: with a proven clock the wait goes on, with an unproven one it begins anew")
def reboots():
    for proven in (1, 0):
        with Lab(min_ttl=60) as lab:
            clocked(lab)
            lab.put("mail", lab.pair(2))
            lab.run(clock=True)
            lab.clock.pass_time(3000)
            lab.clock.reboot(wall=lab.clock.wall + 800, proven=proven)
            if not proven:
                lab.clock.date = lab.clock.wall + 7200  # so the server does not vouch for it
            lab.run(clock=True)
            same(lab.reloads(), [])
            due(lab, 3900 - 3800 if proven else 3900, lambda: len(lab.reloads()), 0)


@case("reboot with a clock that only the server's Date proves: the wait goes on")
def date_proves():
    with Lab(min_ttl=60) as lab:
        clocked(lab)
        lab.clock.set(proven=0)
        lab.put("mail", lab.pair(2))
        lab.run(clock=True)
        lab.clock.pass_time(3000)
        lab.clock.reboot(wall=lab.clock.wall + 800)
        lab.run(clock=True)
        due(lab, 100, lambda: len(lab.reloads()), 0)


@case("no boot id: every call is taken for another boot")
def no_boot_id():
    with Lab(min_ttl=60) as lab:
        clocked(lab)
        lab.clock.set(boot="", proven=0, date=lab.clock.wall - 86400)
        lab.put("mail", lab.pair(2))
        for _ in range(3):
            lab.run(clock=True)
            lab.clock.pass_time(3950)
        lab.run(clock=True)
        same(lab.reloads(), [], "a wait that nothing vouches for counted")
        lab.clock.date = None
        lab.run(clock=True)
        lab.clock.pass_time(3950)
        lab.run(clock=True)
        same(len(lab.reloads()), 1)


@case("the wall clock jumps a year forth, and back, within one boot: the wait is what it was")
def jumps():
    for jump in (365 * 86400 // 8, -10 * 86400):
        with Lab(min_ttl=60) as lab:
            clocked(lab)
            lab.put("mail", lab.pair(2))
            lab.run(clock=True)
            lab.clock.set(wall=lab.clock.wall + jump)
            lab.run(clock=True, code=(GOOD, FAILED, USAGE, LATER))  # certificates have dates
            same(lab.reloads(), [], "a jump of the clock ended the wait")
            lab.clock.set(wall=lab.clock.wall - jump)
            due(lab, 3900, lambda: len(lab.reloads()), 0)


@case("the wall clock jumps back over a reboot: the wait begins anew, and ends")
def jumps_back():
    with Lab(min_ttl=60) as lab:
        clocked(lab)
        lab.put("mail", lab.pair(2))
        lab.run(clock=True)
        lab.clock.reboot(wall=lab.clock.wall - 3000)
        lab.run(clock=True)
        due(lab, 3900, lambda: len(lab.reloads()), 0)


@case("retire-wait begins anew after a reboot with an unproven clock, never ends early")
def retire_reboot():
    with Lab(min_ttl=60) as lab:
        clocked(lab)
        lab.put("mail", lab.pair(2))
        lab.run(clock=True)
        lab.clock.pass_time(4000)
        lab.run(clock=True)
        same(len(lab.reloads()), 1)
        lab.clock.reboot(wall=lab.clock.wall + 90000, proven=0)
        lab.clock.date = lab.clock.wall - 90000
        lab.run(clock=True)
        same(lab.calls("DELETE"), [])
        due(lab, 3600, lambda: len(lab.calls("DELETE")), 0)


if __name__ == "__main__":
    sys.exit(main())
