"""A world of its own for one test: network, processes, mounts; the kernel takes it down.

The outer script calls apart(), which runs a command in new namespaces (network, PIDs, mounts) as
their first process. When that process ends, or the caller is killed, even by SIGKILL, the kernel
ends every process inside, and interfaces, named network namespaces, mounts and files vanish with the
last of them: no run leaves anything that the next one would have to clean.

Inside, settle() lays a tmpfs over /run, which holds all files of the test, and a bridge; each Node
is a network namespace of its own on that bridge.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

ROOT = "/run/lab"          # seen by the processes of this test only
BRIDGE = "br0"
NET4, NET6 = "10.53.0.", "fd53::"
COMMAND_SECONDS = 30       # no single command takes longer
POLL = 0.03


class Fault(Exception):
    """The test fails, or cannot be held, for the reason it says."""


class Impossible(Fault):
    """This machine does not permit such a test."""


def until(predicate, seconds, words, pause=POLL):
    """The first true value of PREDICATE; a Fault if there is none in time. WORDS may be a function."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise Fault("after %d s: %s" % (seconds, words() if callable(words) else words))
        time.sleep(pause)


# ---- outside -------------------------------------------------------------------------------------

def possible():
    """Raises Impossible where root may not make namespaces, as in most containers."""
    if os.geteuid() != 0:
        raise Impossible("network namespaces are made by root only")
    probe = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "true"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    if probe.returncode != 0:
        raise Impossible("this machine's root may not make namespaces: " + probe.stdout.strip())


def apart(command, seconds):
    """(exit code, output) of COMMAND in namespaces of its own."""
    apart_from_us = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid",
                     "--fork", "--kill-child", "--mount-proc", "--"]
    child = subprocess.Popen(apart_from_us + list(command), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output = child.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        output = child.communicate()[0] + "\n(took longer than %d s)" % seconds
    except BaseException:
        child.kill()
        raise
    return child.returncode, output


# ---- inside --------------------------------------------------------------------------------------

running = []  # (name, process) of all daemons in the foreground


def run(*argv, seconds=COMMAND_SECONDS, env=None, cwd=None):
    """The output of a command that must succeed."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", env=env,
                              timeout=seconds, cwd=cwd)
    except subprocess.TimeoutExpired:
        raise Fault("%s took longer than %d s" % (" ".join(argv), seconds))
    if done.returncode != 0:
        raise Fault("%s: exit %d: %s" % (" ".join(argv), done.returncode, done.stdout.strip()))
    return done.stdout


def path(*parts):
    return os.path.join(ROOT, *parts)


def write(text, *parts, mode=0o644):
    where = path(*parts)
    os.makedirs(os.path.dirname(where), exist_ok=True)
    with open(where, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(where, mode)
    return where


def program(name):
    """A copy of a server's binary: AppArmor confines servers by the path of theirs."""
    found = shutil.which(name)
    if found is None:
        raise Fault("%s is not installed; make deps does it" % name)
    copy = path("bin", name)
    if not os.path.exists(copy):
        os.makedirs(path("bin"), exist_ok=True)
        shutil.copy(found, copy)
    return copy


def start(name, argv, cwd=None):
    """A server in the foreground; what it says is in NAME.out."""
    with open(path(name + ".out"), "ab") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd)
    running.append((name, process))
    return process


def fallen():
    """The servers that ended by themselves, with their last words."""
    gone = []
    for name, process in running:
        if process.poll() is not None:
            with open(path(name + ".out"), encoding="utf-8", errors="replace") as source:
                gone.append("%s ended with %s:\n%s" % (name, process.returncode, source.read()[-800:]))
    return gone


def settle(resolver):
    """The first call inside: an own /run, the bridge with our own address, RESOLVER for everybody."""
    # Process 1 of a PID namespace is deaf to signals that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    resolv_conf = os.path.realpath("/etc/resolv.conf")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")
    os.makedirs(ROOT)
    os.makedirs("/run/netns")
    ours = write("nameserver %s\noptions trust-ad edns0 timeout:2 attempts:2\n" % resolver,
                 "resolv.conf")
    if not os.path.exists(resolv_conf):  # a link into /run, which is gone
        os.makedirs(os.path.dirname(resolv_conf), exist_ok=True)
        open(resolv_conf, "w", encoding="ascii").close()
    run("mount", "--bind", ours, resolv_conf)
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "stp_state", "0")
    run("ip", "link", "set", BRIDGE, "up")


def has_ipv6():
    return os.path.exists("/proc/sys/net/ipv6") and open(
        "/proc/sys/net/ipv6/conf/all/disable_ipv6", encoding="ascii").read().strip() == "0"


def address(number, node=None, interface=BRIDGE, ipv6=False):
    """Gives this node, or the bridge, the address that ends in NUMBER."""
    inside = ["nsenter", "--net=/run/netns/" + node] if node else []
    run(*inside, "ip", "address", "add", "%s%d/24" % (NET4, number), "dev", interface)
    if ipv6:
        run(*inside, "ip", "address", "add", "%s%d/64" % (NET6, number), "dev", interface, "nodad")


class Node:
    """A machine on the bridge."""

    def __init__(self, name, number, ipv6=False):
        self.name = name
        self.v4, self.v6 = "%s%d" % (NET4, number), "%s%d" % (NET6, number) if ipv6 else None
        run("ip", "netns", "add", name)
        run("ip", "link", "add", "v-" + name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", "v-" + name, "master", BRIDGE, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")
        address(number, name, "eth0", ipv6)

    @property
    def addresses(self):
        return [a for a in (self.v4, self.v6) if a]

    def inside(self, *argv):
        return ["nsenter", "--net=/run/netns/" + self.name, *argv]

    def run(self, *argv, **more):
        return run(*self.inside(*argv), **more)

    def start(self, name, *argv, **more):
        return start(name, self.inside(*argv), **more)
