#!/usr/bin/env python3
"""The real program with a UCI file against the emulator: a whole rollover, OpenWrt's usual place,
and what of the configuration counts.

TIMEOUT: 120. QEMU: too
"""

import os
import shlex
import shutil
import subprocess
import sys

from lab import (FAILED, GOOD, HOST, OWNER, USAGE, Lab, Skipped, case, check, main, same)


def quoted(value):
    return "'%s'" % value.replace("'", "'\\''")


def uci_of(ini):
    """The same in UCI's way: names have no dots there, so a host's is an option of its own."""
    text = ["package daneroll"]
    for line in ini.splitlines():
        if line.startswith("["):
            kind, _, label = line.strip("[]").partition(" ")
            text.append("\nconfig %s%s" % (kind, " " + quoted(label) if label.isalnum() else ""))
            if not label.isalnum() and kind == "host":
                text.append("\toption name " + quoted(label))
            if kind == "daneroll":
                text.append("\toption enabled '0'")
            continue
        if line == "":
            continue
        key, value = line.split(" = ", 1)
        word = "list" if key in ("reload", "renew", "resolver", "service", "connect") else "option"
        text.append("\t%s %s %s" % (word, key.replace("-", "_"), quoted(value)))
    return "\n".join(text) + "\n"


class UciLab(Lab):
    def configure(self, *words, **more):
        path = super().configure(*words, **more)
        with open(path, encoding="utf-8") as source:
            text = uci_of(source.read())
        return self.write(os.path.basename(path), text, 0o600)


@case("a whole rollover by a UCI file that is not enabled")
def rollover():
    with UciLab() as lab:
        old, new = lab.published(), lab.pair(2)
        same(lab.contents(), [old.record])
        lab.put("mail", new)
        lab.run()
        same(lab.contents(), sorted([old.record, new.record]))
        lab.age()
        lab.converge()
        same(lab.contents(), [new.record])
        lab.check_vouched(old)
        lab.check_waited(new)
        lab.check_clean()


@case("the two spellings are one configuration: nothing is done anew")
def one_model():
    with Lab() as lab:
        lab.published()
        with open(lab.config_file, encoding="utf-8") as source:
            lab.write("daneroll.conf", uci_of(source.read()), 0o600)
        lab.mark()
        lab.run()
        same(lab.writes(), [])
        done = lab.run("run", "--dry-run", "--verbose")
        answer = done.out + done.err
        for line in ("[host %s] ttl = 2  (%s:" % (HOST, lab.config_file),
                     "[daneroll] enabled = 0  (%s:" % lab.config_file,
                     "[provider cf] token-file = %s  (" % lab.token_file):
            check(line in answer, "no", line, "in\n" + answer)


@case("/etc/config/daneroll is read where nothing else is named")
def usual_place():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("needs root and unshare, for an /etc of its own")
    with UciLab() as lab:
        pair = lab.pair(1)
        lab.put("mail", pair)
        lab.configure()
        script = ("mount -t tmpfs none /etc && mkdir /etc/config /etc/daneroll && %s; "
                  "cp -p %s /etc/config/daneroll && exec %s")

        def call(*words, before="true"):
            text = script % (before, shlex.quote(lab.config_file),
                             " ".join(map(shlex.quote, lab.command(words, config=False))))
            return subprocess.run(["unshare", "-m", "sh", "-c", text], env=lab.environment(),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=90, text=True)

        done = call("run")
        same(done.returncode, GOOD, done.stdout + done.stderr)
        same(lab.contents(), [pair.record])
        done = call("status")
        check(done.returncode in (GOOD, FAILED) and HOST in done.stdout, done)
        done = call("run", before="echo '[daneroll]' >/etc/daneroll/daneroll.conf")
        same(done.returncode, USAGE)
        check("/etc/daneroll/daneroll.conf: there is no [host NAME]" in done.stderr, done.stderr)
        lab.write("daneroll.conf", "# nothing\n", 0o600)
        done = call("run")
        check("/etc/config/daneroll: there is no [host NAME]" in done.stderr, done.stderr)
        lab.write("daneroll.conf", "# what is no UCI is none there\n[daneroll]\n", 0o600)
        done = call("run")
        check("/etc/config/daneroll:2: neither config TYPE" in done.stderr, done.stderr)
        lab.check_clean()


@case("a rollover's labels: an unnamed host is called by its name")
def labels():
    with UciLab() as lab:
        pair = lab.published()
        for word in (HOST, "nobody.example.org"):
            done = lab.run("run", word, code=GOOD if word == HOST else USAGE)
        check("nobody.example.org" in done.err, done)
        same(lab.contents(OWNER), [pair.record])


if __name__ == "__main__":
    sys.exit(main())
