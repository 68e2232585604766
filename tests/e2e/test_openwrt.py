#!/usr/bin/env python3
"""What the OpenWrt package's init script, uci-defaults and hotplug scripts do, run by busybox ash in a
scratch root; and its sample of a configuration.

VARIANT: target
"""

import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile

from lab import DANEROLL, Skipped, case, check, main, same
from openwrtlab import OFF, ON, OPENWRT, ROUTER, Router, Scratch, call, make_ipk, opened, unpack, well

MARK = "# /etc/init.d/daneroll"
FOREIGN = "SHELL=/bin/sh\n# 5 4 * * * daneroll run\n0 0 * * * /etc/init.d/acme renew\n\n"


def minute_of(*names):
    digest = hashlib.sha256(" ".join(names).encode()).hexdigest()
    return int(digest[:6], 16) % 60


def line_of(*names):
    return "%d * * * * /usr/bin/daneroll run --syslog %s\n" % (minute_of(*names), MARK)


RESTARTED = ["cron restart"]


@case("installed on a router: nothing happens until it is enabled; then one line, and cron runs it")
def installed():
    with Router(config=None) as router:
        os.unlink(router.path("etc/rc.d/S50cron"))
        output, log = router.run("/usr/lib/opkg/info/daneroll.postinst configure")
        same(output, "")
        same([line for line in log if not line.startswith("procd")], ["uci commit"])
        same(router.crontab(), None)
        check(os.path.islink(router.path("etc/rc.d/S95daneroll")), "is not started at boot")
        check(not [name for name in os.listdir(router.path("etc/rc.d")) if name.startswith("K")],
              "a K link takes the line out at each reboot")
        check("procd trigger daneroll" in log, log)
        same(stat.S_IMODE(os.stat(router.path("etc/daneroll")).st_mode), 0o700)
        same(stat.S_IMODE(os.stat(router.path("etc/config/daneroll")).st_mode), 0o600)
        same(os.listdir(router.path("etc/uci-defaults")), [])
        sample = router.read("etc/config/daneroll")
        same(sample.count("option enabled '0'"), 1)
        router.write("etc/config/daneroll", sample.replace("enabled '0'", "enabled '1'"), 0o600)
        same(router.init("reload"), ["cron enable", "cron restart"])
        same(router.crontab(), line_of("OpenWrt", "mail.example.org"))
        same(stat.S_IMODE(os.stat(router.path("etc/crontabs/root")).st_mode), 0o600)


@case("nothing is written while nothing changes: reload, restart, boot, upgrade")
def nothing_written():
    with Router(ON, FOREIGN) as router:
        same(router.init("start"), RESTARTED)
        before = router.flash()
        for verb in ("start", "reload", "restart", "boot"):
            same(router.init(verb), [], verb)
            same(router.flash(), before, verb)
        same(router.init("start", name="another"), [])
        router.run("/usr/lib/opkg/info/daneroll.prerm upgrade 9", PKG_UPGRADE="1")
        same(router.flash(), before, "an upgrade, before")
        os.unlink(router.path("etc/uci-defaults/90_daneroll"))
        before = router.flash()
        router.run("/usr/lib/opkg/info/daneroll.postinst configure", PKG_UPGRADE="1")
        same(router.flash(), before, "an upgrade, after")
    with Router(OFF, FOREIGN) as router:
        before = router.flash()
        for verb in ("start", "reload", "restart", "boot", "stop"):
            same(router.init(verb), [], verb)
        same(router.flash(), before)


@case("the minute comes from the names, and is the same each time")
def minutes():
    names = ["OpenWrt", "ap1", "router.example.net"]
    check(len({minute_of(name) for name in names}) == 3, "bad names for this test")
    with Router(ON) as router:
        for name in names + names:
            same(router.init("start", name), RESTARTED)
            same(router.crontab(), line_of(name))
            same(router.init("stop", name), RESTARTED)
        router.write("etc/config/daneroll", ON + "config host mx\nconfig host\n"
                     "\toption name 'mail.example.org'\n", 0o600)
        router.init("start")
        same(router.crontab(), line_of("OpenWrt", "mx", "mail.example.org"))


@case("other lines of the crontab stay as they are; without an end, none at all, mode and owner")
def other_lines():
    for before in (FOREIGN, "1 2 * * * x", "", "\n", "1 2 * * * x\n\n\n", "%s\n" % ("# x" * 2000)):
        with Router(ON, before) as router:
            os.chmod(router.path("etc/crontabs/root"), 0o640)
            os.chown(router.path("etc/crontabs/root"), 0, 7)
            same(router.init("start"), RESTARTED)
            whole = before if before.endswith("\n") or not before else before + "\n"
            same(router.crontab(), whole + line_of("OpenWrt"))
            router.write("etc/config/daneroll", OFF, 0o600)
            same(router.init("reload"), RESTARTED)
            same(router.crontab(), whole or None)
            if whole:
                status = os.stat(router.path("etc/crontabs/root"))
                same((stat.S_IMODE(status.st_mode), status.st_gid), (0o640, 7))
            same([name for name in os.listdir(router.path("etc/crontabs")) if name != "root"], [])


@case("a line of one's own counts and stays; our mark with another time, too")
def own_line():
    for own in ("*/20 * * * * daneroll run --wait --syslog\n",
                "7 3 * * * /usr/bin/daneroll run --syslog %s\n" % MARK):
        with Router(ON, FOREIGN + own) as router:
            before = router.flash()
            same(router.init("start"), [])
            same(router.flash(), before)
            os.unlink(router.path("etc/rc.d/S50cron"))
            same(router.init("start"), ["cron enable", "cron restart"])
            same(router.crontab(), FOREIGN + own)
            router.init("stop")
            same(router.crontab(), FOREIGN + ("" if MARK in own else own))


@case("enabled: every spelling, every name of the section or none; the default is no")
def spellings():
    config = "config provider cf\n\toption enabled '1'\n%s\toption enabled %s\n"
    sections = ("config daneroll\n", "config daneroll 'global'\n", "config daneroll main\n")
    with Router() as router:
        def start(text):
            """What init script and hotplug script do with this configuration."""
            shutil.rmtree(router.path("var/run/daneroll.ntp"), ignore_errors=True)
            router.write("etc/config/daneroll", text, 0o600)
            output, log = router.run("rm -f /etc/crontabs/root; /etc/init.d/daneroll start; "
                                     "hotplug-call ntp", ACTION="stratum")
            same(output, "")
            return router.crontab(), [line for line in log if not line.startswith("procd")]

        for section, value in [(section, "'1'") for section in sections] + [
                (sections[0], value) for value in ("1", "'on'", "true", "'yes'", "enabled")]:
            same(start(config % (section, value)),
                 (line_of("OpenWrt"), ["cron restart", "daneroll run --syslog"]), section, value)
        for text in (config % (sections[0], "off"), "config daneroll\n", "",
                     "config daneroll\n\toption enabled 'perhaps'\n", OFF + ON.replace("global", "other")):
            same(start(text), (None, []), text)
        os.unlink(router.path("etc/config/daneroll"))
        same(router.init("start"), [])
        same((router.crontab(), router.run("hotplug-call ntp", ACTION="stratum")[1]), (None, []))


@case("a full flash leaves the crontab whole, and is said")
def full_flash():
    full = "#" * 4095 + "\n"
    with Router(ON, full) as router:
        command = ("mount -t tmpfs -o size=4k none /mnt && cp /etc/crontabs/root /mnt && "
                   "mount -o bind /mnt /etc/crontabs && /etc/init.d/daneroll start; "
                   "cmp /etc/crontabs/root /full && ls -A /etc/crontabs")
        router.write("full", full)
        output, log = router.run(command)
        same(output.splitlines()[-1], "root")
        check(any(line.startswith("logger -t daneroll") for line in log), log)
        check("cron restart" not in log, log)


@case("removed: the line goes, and so does the start at boot")
def removed():
    with Router(ON, FOREIGN) as router:
        router.run("/usr/lib/opkg/info/daneroll.postinst configure")
        same(router.crontab(), FOREIGN + line_of("OpenWrt"))
        router.run("/usr/lib/opkg/info/daneroll.prerm remove", PKG_UPGRADE="0")
        same(router.crontab(), FOREIGN)
        check(not os.path.lexists(router.path("etc/rc.d/S95daneroll")), "still started at boot")


@case("uci-defaults: a file from a backup is made root's alone, a section is there; else no write")
def defaults():
    with Router(ON) as router:
        os.mkdir(router.path("etc/daneroll"), 0o700)
        before = router.flash()
        same(router.run("sh /etc/uci-defaults/90_daneroll"), ("", []))
        same(router.flash(), before)
    with Router("config host 'mail'\n") as router:
        os.chmod(router.path("etc/config/daneroll"), 0o644)
        output, log = router.run("sh /etc/uci-defaults/90_daneroll")
        same(output, "")
        check("uci commit daneroll" in log, log)
        same(router.read("etc/config/daneroll"), "config host 'mail'\n" + OFF)
        same(stat.S_IMODE(os.stat(router.path("etc/config/daneroll")).st_mode), 0o600)


@case("in an image's build nothing starts and nothing outside the image is touched")
def image():
    with Router(ON, FOREIGN) as router:
        with tempfile.TemporaryDirectory() as folder:
            _, data = opened(make_ipk(folder)[0])
        os.mkdir(router.path("image"))
        unpack(data, router.path("image"))
        shutil.copytree(ROUTER, router.path("image"), dirs_exist_ok=True)
        for name in ("postinst", "list"):
            router.write("image/usr/lib/opkg/info/daneroll." + name,
                         router.read("usr/lib/opkg/info/daneroll." + name), 0o755)
        os.makedirs(router.path("image/etc/rc.d"))

        def all_files():
            return sorted(os.path.join(base, name) for base, _, files in os.walk(router.root)
                          for name in files)
        before, flash = all_files(), router.flash()
        output, log = router.run("/image/usr/lib/opkg/info/daneroll.postinst configure",
                                 IPKG_INSTROOT="/image")
        same((output, log), ("", []))
        same(router.flash(), flash)
        same([path for path in all_files() if path not in before],
             [router.path("image/etc/rc.d/S95daneroll")])


# ---- hotplug -------------------------------------------------------------------------------------

@case("the clock is set: one run a boot, however often that is said")
def clock_set():
    with Router(ON) as router:
        before = router.flash()
        for action in ("step", "periodic", "unsync"):
            same(router.run("hotplug-call ntp", ACTION=action), ("", []), action)
        same(router.run("hotplug-call ntp", ACTION="stratum", stratum="3"),
             ("", ["daneroll run --syslog"]))
        for _ in range(3):
            same(router.run("hotplug-call ntp", ACTION="stratum"), ("", []))
        shutil.rmtree(router.path("var/run"))  # a reboot: RAM is empty
        os.mkdir(router.path("var/run"))
        same(router.run("hotplug-call ntp", ACTION="stratum"), ("", ["daneroll run --syslog"]))
        same(router.flash(), before)
    with Router(OFF) as router:
        same(router.run("hotplug-call ntp", ACTION="stratum"), ("", []))
        router.write("etc/config/daneroll", ON)
        same(router.run("hotplug-call ntp", ACTION="stratum"), ("", ["daneroll run --syslog"]),
             "enabled after the clock was set once")


@case("a renewal by the acme package starts a run that renews nothing itself")
def acme():
    with Router(ON) as router:
        for action, expected in (("renewed", ["daneroll run --no-renew --syslog"]),
                                 ("issued", ["daneroll run --no-renew --syslog"]),
                                 ("prepare", []), ("issue-failed", []), ("renew-failed", []),
                                 ("renewed-failed", []), ("", [])):
            same(router.run("hotplug-call acme", ACTION=action), ("", expected), action)
        same(router.run("hotplug-call acme"), ("", []))
    with Router(OFF) as router:
        same(router.run("hotplug-call acme", ACTION="renewed"), ("", []))


@case("who waits for the hotplug scripts does not wait for the run")
def background():
    with Router(ON) as router:
        router.write("usr/bin/daneroll", "#!/bin/sh\nread -r word </tmp/gate\necho \"$word\" >>/log\n",
                     0o755)
        for kind, action in (("ntp", "stratum"), ("acme", "renewed")):
            # the run would hang for ever if the caller, who opens the gate, waited for it
            _, log = router.run("rm -f /tmp/gate; mkfifo /tmp/gate; hotplug-call %s; "
                                "echo passed >/tmp/gate" % kind, ACTION=action)
            same(log, ["passed"])


# ---- the sample ----------------------------------------------------------------------------------

@case("the sample is a configuration that the program takes, and its event is what services wait for")
def sample():
    path = os.path.join(OPENWRT, "daneroll", "files", "daneroll.config")
    with open(path, encoding="ascii") as source:
        text = source.read()
    reload = re.search(r"list reload '(ubus .*)'\n", text).group(1)
    with Scratch() as scratch:
        record = os.path.join(scratch, "ubus")
        with open(record, "w", encoding="ascii") as out:
            out.write('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        os.chmod(record, 0o755)
        with open(os.path.join(scratch, "sleep"), "w", encoding="ascii") as out:
            out.write("#!/bin/sh\n")
        os.chmod(out.name, 0o755)
        same(well(shutil.which("busybox"), "ash", "-c", reload, env={"PATH": scratch}).splitlines(),
             ["call", "service", "event", '{"type":"acme.renew","data":{}}'])
        copy = os.path.join(scratch, "daneroll")
        shutil.copy(path, copy)
        os.chmod(copy, 0o600)
        code, output = call(DANEROLL, "status", "--offline", "--config", copy)
        check(code != 2, output)


if __name__ == "__main__":
    sys.exit(main())
