#!/usr/bin/env python3
"""One file by scp and the README's crontab line: in a chroot that holds the program, its token, the
pair, /etc/resolv.conf, a state folder and the folder of `install`, as busybox's crond calls it; twice
by real ones, busybox's and Debian's, whose roots hold a shell too.

The program is daneroll-clock, whose built-in anchors hold the tests' own CA. The script has a
network of its own, so that the API is https://api.cloudflare.com as the line means it, and mounts
of its own, for file systems that cannot be written.

VARIANT: target. TIMEOUT: 300
"""

import glob
import os
import re
import shutil
import subprocess
import sys

from dnslab import own_network
from lab import DANEROLL, FAILED, GOOD, HOST, TOP, USAGE, Failed, case, check, main, same
from singlelab import (CERTIFICATE, CROND, INSTALL, KEY, LINE, NO_HOOK, PAIRS, VARIABLES, WORDS, Root,
                       open_text, prepare, texts, value_of, without)

HOUR = 3600
# What a TTL of 1800 s and the margin of 300 s come to; and the first time, an hour that nobody knows of.
RIPE, RIPE_FIRST, RETIRED = 2 * 1800 + 301, 2 * 3600 + 301, HOUR + 1
IDLE_CALLS, IDLE_LOOKS = 100, 30
CRON = "/usr/sbin/cron"
CROND_SECONDS = 60 + 60  # until its minute, and for the call
# System calls that change a file, or are about to.
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|\b(creat|rename\w*|unlink\w*|mkdir\w*|rmdir|link\w*|"
                     r"symlink\w*|f?truncate|f?chmod\w*|[fl]?chown\w*|utime\w*|fsync|fdatasync)\(")



def without_flag(words, option):
    return [word for word in words if word != option]


def rotate(root, **how):
    """First publication, renewal, wait, install, verify, retire; all that was said."""
    old, new = PAIRS[:2]
    said = []

    def call(*records, current, previous):
        words, out = root.call(**how)
        said.extend(words)
        same(out, "", "on the streams")
        same(root.contents(), sorted(pair.record for pair in records), "records", said)
        same(root.content("current"), texts(current), "current")
        same(root.content("previous"), previous and texts(previous), "previous")

    root.renew(old)
    call(old, current=old, previous=None)
    root.later(RIPE_FIRST)
    call(old, current=old, previous=None)
    root.renew(new)
    call(old, new, current=old, previous=None)
    root.later(RIPE - 60)
    call(old, new, current=old, previous=None)
    root.later(120)
    call(old, new, current=new, previous=old)
    root.later(RETIRED)
    call(new, current=new, previous=None)
    count = len(root.writes())
    root.later(HOUR)
    call(new, current=new, previous=None)
    same(len(root.writes()), count, "still writes")
    root.check_clean()
    return said


def settle(root):
    """The first pair is installed, published, served and verified; nothing is to be done."""
    root.renew(PAIRS[0])
    root.call()
    root.later(RIPE_FIRST)
    root.call()
    same(root.contents(), [PAIRS[0].record])
    same(root.content("current"), texts(PAIRS[0]))
    root.mark()


def check_tidy(root):
    """Nothing stands there but what was put there, the state, and what is installed."""
    pieces = [CERTIFICATE, KEY, "/clock", "/usr/bin/daneroll", "/etc/resolv.conf",
              VARIABLES["DANEROLL_TOKEN_FILE"]]
    pieces += [root.state_directory + "/" + name for name in ("state", "lock")]
    for path in root.everything():
        known = path in pieces or path.startswith(("/dev", INSTALL)) or any(
            piece.startswith(path.rstrip("/") + "/") for piece in pieces + ["/var/lib/x", INSTALL])
        check(known, path, "was made")


# ---- real ones: they start at the next minute, while the other cases run -------------------------

# What a shell sets for itself.
OWN = ("PWD", "OLDPWD", "SHLVL", "_")
# Says what it was called with, to the file that it is given, if any. Who asks what a stream is must
# not turn it elsewhere for that.
WITNESS = """#!/bin/sh
streams=
test ! -e /proc/self || for number in 0 1 2; do
    streams="$streams $(readlink /proc/$$/fd/$number)"
done
test -z "$1" || exec >"$1"
export -p
echo "in $(pwd), streams$streams"
"""


def every_minute(line):
    """A crontab's line, with the time replaced."""
    fields = line.split(None, 5)
    check(fields[1:5] == ["*"] * 4, "not once an hour:", line)
    return " ".join(["*"] * 5 + fields[5:]) + "\n"


def exported(text):
    """What `export -p` says, without what a shell adds."""
    found = dict(re.findall(r"^export (\w+)='(.*)'$", text, re.M))
    return {name: value for name, value in found.items() if name not in OWN}


def ready(root):
    """All is prepared for a call that installs, reloads and verifies; whose name and shell root's are."""
    root.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    root.text("/root/witness", WITNESS, 0o755)
    root.text("/usr/bin/postfix", "#!/bin/sh\necho \"$DANE_EVENT $*\" >>/reloads\n", 0o755)
    settle(root)
    root.renew(PAIRS[1])
    root.call()
    root.later(RIPE)


def crond_calls(root, command, environment, seen):
    """Runs it, as init does, until the call that it makes is over, and until SEEN is there."""
    process = subprocess.Popen(["chroot", root.tree, *command], env=environment, cwd="/",
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root.running.append(process)

    def idle():
        """A call was made, and nothing runs any more."""
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid), encoding="ascii") as children:
            return (os.path.exists(root.inside("reloads")) and os.path.exists(root.inside(seen))
                    and not children.read().strip())
    try:
        check(root.see_through(process, idle, CROND_SECONDS), "it ended by itself:", process.poll())
    except Failed as failure:
        raise Failed("%s\n%s" % (failure, "\n".join(root.said()))) from failure
    process.kill()
    process.wait()
    root.running.remove(process)
    root.cf.settle()
    return root.said()


def check_called(root, said, line):
    """The renewed pair was installed by the one call of LINE, and its command run."""
    old, new = PAIRS[:2]
    same((root.content("current"), root.content("previous")), (texts(new), texts(old)), said)
    same(root.contents(), sorted((old.record, new.record)))
    same(open_text(root.inside("reloads")), "reload %s\n" % value_of("--reload").split(None, 1)[1])
    check(any("daneroll" in words and "installed" in words for words in said), said)
    check(any(line.split(None, 5)[5].strip() in words for words in said), "not called as", line, said)
    root.check_clean()


@case("busybox's crond itself calls the README's line: installed and reloaded, in the environment of the cases below")
def real_busybox():
    busybox = shutil.which("busybox")
    check("crond" in subprocess.check_output([busybox, "--list"], text=True).split(),
          "this busybox has no crond; Debian's busybox-static has one (tests/packages)")
    with Root(devices=("null", "urandom", "log"), processes=True) as root:
        root.place("bin/busybox", busybox, 0o755)
        for name in ("sh", "readlink"):
            os.symlink("busybox", root.inside("bin/" + name))
        os.mkdir(root.inside("proc"))
        root.mount("proc", "-t", "proc", "none")
        root.words = WORDS
        ready(root)
        root.text("/etc/crontabs/root", every_minute(LINE) + "* * * * * /root/witness /witnessed\n", 0o600)
        said = crond_calls(root, ["/bin/busybox", "crond", "-f", "-c", "/etc/crontabs", "-l", "5"],
                           {"PATH": CROND["PATH"], "DANE_TEST_CLOCK": "/clock"}, "witnessed")
        check_called(root, said, LINE)
        witnessed = open_text(root.inside("witnessed"))
        same(exported(witnessed), dict(CROND, DANE_TEST_CLOCK="/clock"))
        check("\nin /root, streams%s\n" % (3 * " /dev/null") in witnessed, witnessed)


@case("Debian's cron itself calls the line of /etc/cron.d: installed and reloaded; output is mailed")
def real_cron():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as readme:
        line = re.search(r"^ +(\S+ \* \* \* \* root daneroll .*)$", readme.read(), re.M).group(1)
    with Root(devices=("null", "urandom", "log"), processes=True) as root:
        permit = glob.glob("/lib/*/security/pam_permit.so") + glob.glob("/lib/security/pam_permit.so")
        check(permit and os.path.exists(CRON), CRON, "is not installed, or PAM (tests/packages)")
        root.add_command(CRON, permit[0])
        root.add_command("/bin/sh")
        for name in ("cron", "other"):
            root.text("/etc/pam.d/" + name, "".join("%s required pam_permit.so\n" % kind for kind in (
                "auth", "account", "password", "session")))
        root.text("/etc/crontab", "")
        for folder in ("run", "var/spool/cron/crontabs", "tmp"):
            os.makedirs(root.inside(folder), exist_ok=True)
        os.symlink("/run", root.inside("var/run"))
        root.text("/usr/sbin/sendmail",
                  "#!/bin/sh\nwhile IFS= read -r line; do echo \"$line\"; done >>/mail\n", 0o755)
        ready(root)
        root.text("/etc/daneroll/daneroll.conf", configuration(root), 0o600)
        root.text("/etc/cron.d/daneroll", "DANE_TEST_CLOCK=/clock\n" + every_minute(line) +
                  "* * * * * root /root/witness\n")
        said = crond_calls(root, [CRON, "-f"], {"PATH": CROND["PATH"]}, "mail")
        check_called(root, said, line.replace("root daneroll", "daneroll"))
        mail = open_text(root.inside("mail"))
        same(mail.count("\nSubject: "), 1, "one letter for the line that prints, none for ours")
        same(exported(mail), {"PATH": "/usr/bin:/bin", "HOME": "/root", "LOGNAME": "root",
                              "SHELL": "/bin/sh", "DANE_TEST_CLOCK": "/clock"})
        check("\nin /root, streams\n" in mail, mail)


def configuration(root):
    """The file that says the same as the README's line of one file."""
    keys = {word[2:]: WORDS[number + 1] for number, word in enumerate(WORDS) if word.startswith("--")}
    host = "".join("%s = %s\n" % (key, keys[key]) for key in (
        "service", "certificate", "private-key", "install", "reload"))
    return "[daneroll]\nstate = %s\n[provider cf]\ntype = %s\ntoken-file = %s\n[host %s]\n%s" % (
        root.state_directory, keys["provider"], VARIABLES["DANEROLL_TOKEN_FILE"], keys["host"], host)


# ---- imitated ------------------------------------------------------------------------------------

@case("an empty chroot, streams on /dev/null: a whole rotation")
def empty():
    with Root() as root:
        rotate(root)
        check_tidy(root)


@case("with /dev/urandom and /dev/log: what is said arrives there, and nothing elsewhere")
def with_devices():
    with Root(devices=("urandom", "log")) as root:
        said = rotate(root, streams=subprocess.PIPE)
        for words in ("published", "installed", "retired"):
            check(any(words in line for line in said), "nothing says", words, said)
        check(all(re.match(r"<2[79]|<28|<30", line) for line in said), said)
        check_tidy(root)


@case("all else cannot be written: a whole rotation")
def read_only():
    with Root(read_only=True) as root:
        rotate(root)
        check_tidy(root)


@case("no standard stream is open: what is said lands in no file, with --syslog and without")
def closed():
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    for words in (NO_HOOK, without_flag(NO_HOOK, "--syslog")):
        with Root() as root:
            root.words = words
            rotate(root, before=closing)
            check_tidy(root)


@case("a `reload` where there is no /bin/sh: said, exit 1, nothing is lost; without it all goes on")
def no_shell():
    old, new = PAIRS[:2]
    with Root(devices=("log",), processes=True) as root:
        root.words = WORDS
        settle(root)
        root.renew(new)
        root.call()
        root.later(RIPE)
        for _ in range(3):
            said = root.call(FAILED)[0]
            check(any("<27>" in line and value_of("--reload") in line and "no /bin/sh" in line
                      for line in said), said)
            same((root.content("current"), root.content("previous")), (texts(new), texts(old)))
            same(root.contents(), sorted((old.record, new.record)))
            root.later(RETIRED)
        check("/run" not in root.everything(), "/run was made")
        before = root.everything(root.state_directory)
        check(root.state_directory + "/look" in before, "no look is left")
        for _ in range(3):
            root.call(FAILED)
            root.later(HOUR)
        same(root.everything(root.state_directory), before, "a fault that lasts writes")
        root.words = NO_HOOK
        root.call()
        root.later(RETIRED)
        root.call()
        same(root.contents(), [new.record])
        root.check_clean()


@case("the shipped program, on the real clock: first publication, a look, status")
def shipped():
    pair = PAIRS[0]
    with Root() as root:
        root.place("usr/bin/daneroll", DANEROLL, 0o755)
        root.place("/etc/ca.pem", Root.authority.certificate, 0o644)
        more = ["--ca-file", "/etc/ca.pem"]
        root.renew(pair)
        root.call(words=NO_HOOK + more + ["--retire-wait", "1"])
        same(root.contents(), [pair.record])
        same(root.content("current"), texts(pair))
        before = root.everything()
        _, out = root.call(words=NO_HOOK + more, streams=subprocess.PIPE)
        same((out, root.everything()), ("", before))
        words = without(without_flag(NO_HOOK + more, "--syslog"))
        _, out = root.call(words=[words[0], "status"] + words[2:], streams=subprocess.PIPE)
        check(HOST in out and pair.spki[:12] in out, out)
        same(root.everything(), before)
        root.check_clean()


# ---- random numbers ------------------------------------------------------------------------------

def old_kernel(root):
    """A kernel without getrandom, as far as the program can tell."""
    if not shutil.which("strace"):
        raise Failed("strace is not installed; make deps does it")
    return ["strace", "-f", "-qq", "-o", root.path("trace"), "-e", "trace=getrandom",
            "-e", "inject=getrandom:error=ENOSYS"]


@case("a kernel without getrandom: /dev/urandom does; without it nothing is sent, and it is said why")
def no_getrandom():
    for devices in (("urandom", "log"), ("log",)):
        with Root(devices=devices) as root:
            root.renew(PAIRS[0])
            before = old_kernel(root)
            said = root.call(GOOD if "urandom" in devices else USAGE, before=before)[0]
            check("ENOSYS" in root.read("trace"), "getrandom was not asked")
            same(root.contents(), [PAIRS[0].record] if "urandom" in devices else [])
            if "urandom" not in devices:
                check(any("no source of random numbers" in line for line in said), said)
                same(root.cf.counters["requests"], 0)
                root.call()
                same(root.contents(), [PAIRS[0].record])
            root.check_clean()


# ---- flash ---------------------------------------------------------------------------------------

def idle(root, reboot=True):
    """Calls with nothing due, looks, and reboots change nothing but what is in RAM."""
    before = root.everything()
    for _ in range(IDLE_CALLS):
        root.call()
        root.later(60)
    for number in range(IDLE_LOOKS):
        root.later(6 * HOUR + 10)
        if reboot and number % 10 == 9:
            root.clock.reboot(wall=root.clock.wall + 60)
        asked = len(root.names.asked)
        root.call()
        check(len(root.names.asked) > asked, "did not look")
    after = root.everything()
    for own in ("/", "/clock"):  # the test itself writes the clock
        del before[own], after[own]
    same(after, before)
    same(root.writes(), [])


@case("a router's layout: %d calls with nothing due and %d looks write nothing in flash"
      % (IDLE_CALLS, IDLE_LOOKS))
def wear():
    with Root(ram=True, processes=True) as root:
        settle(root)
        check(os.path.exists(root.state_file), "the state is not in flash")
        root.call()
        looks = len(root.names.asked)
        root.call()
        same(len(root.names.asked), looks, "looks although nothing is due")
        idle(root)


@case("without /proc and /run: %d looks write nothing in the state folder, nor elsewhere" % IDLE_LOOKS)
def wear_without():
    with Root() as root:
        settle(root)
        root.call()
        idle(root, reboot=False)


@case("a router's call with nothing due, and one that looks: nothing in flash is opened for writing")
def wear_traced():
    traced = "?open,?openat,?creat,%file,fsync,fdatasync,fchmod,fchown,ftruncate"
    with Root(ram=True, processes=True) as root:
        settle(root)
        root.call()
        for seconds in (60, 7 * HOUR):
            root.later(seconds)
            root.call(before=["strace", "-f", "-qq", "-y", "-o", root.path("trace"), "-e", traced])
            lines = root.read("trace").split("/usr/bin/daneroll", 1)[1].splitlines()[1:]
            check(len(lines) > 10, "no trace", lines)
            writing = [line for line in lines if WRITING.search(line) and " = -1 E" not in line]
            check(writing, "not even the lock is written")
            elsewhere = [line for line in writing if "/run/daneroll" not in line]
            same(elsewhere, [], "outside RAM")


if __name__ == "__main__":
    own_network("-m")
    prepare()
    sys.exit(main())
