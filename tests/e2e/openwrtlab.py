"""What the tests of the OpenWrt package share: making packages, opening them, and a router: busybox
in a scratch root."""

import gzip
import io
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
import threading

from lab import BUILD, DANEROLL, TARGET, TOP, Failed, Skipped, check, same
from packlab import targets

OPENWRT = os.path.join(TOP, "cross", "openwrt")
ROUTER = os.path.join(TOP, "tests", "openwrt", "root")
ON = "config daneroll 'global'\n\toption enabled '1'\n"
OFF = ON.replace("1", "0")

# Path, mode; the folders above them are 0755.
FILES = {
    "usr/bin/daneroll": 0o755,
    "etc/config/daneroll": 0o600,
    "etc/init.d/daneroll": 0o755,
    "etc/uci-defaults/90_daneroll": 0o755,
    "etc/hotplug.d/acme/50-daneroll": 0o755,
    "etc/hotplug.d/ntp/50-daneroll": 0o755,
    "lib/upgrade/keep.d/daneroll": 0o644,
    "usr/share/licenses/daneroll/licenses": 0o644,
}


class Scratch:
    """A folder that is gone afterwards."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="daneroll-openwrt-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def call(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          stdin=subprocess.DEVNULL, check=False, **more)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def well(*command, **more):
    code, output = call(*command, **more)
    check(code == 0, " ".join(command), "exit code", code, "\n" + output)
    return output


def rows():
    """{target: [OpenWrt's names of architectures]} of cross/targets."""
    return {row["name"]: row["openwrt"].split() for row in targets() if row["openwrt"] != "-"}


def make_ipk(folder, program=DANEROLL, architectures=None, **more):
    names = architectures or rows()[TARGET]
    paths = well(os.path.join(OPENWRT, "ipk"), program, os.path.join(BUILD, "src"), folder, *names,
                 **more).split()
    same(len(paths), len(names))
    return paths


def members(data):
    """[(entry, content)] of a gzip'd tar."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        return [(entry, archive.extractfile(entry).read() if entry.isfile() else None)
                for entry in archive]


def opened(path):
    """The control files and the data of a package: {path: content}, [(entry, content)]."""
    with open(path, "rb") as source:
        whole = source.read()
    outer = dict((entry.name, content) for entry, content in members(whole))
    control = dict((entry.name[2:], content) for entry, content in members(outer["./control.tar.gz"])
                   if entry.isfile())
    return control, members(outer["./data.tar.gz"])


def fields_of(control):
    lines = control["control"].decode().splitlines()
    return dict(line.split(": ", 1) for line in lines if not line.startswith(" "))


def unpack(data, folder):
    for entry, content in data:
        path = os.path.join(folder, entry.name)
        if entry.isdir():
            os.makedirs(path, exist_ok=True)
            continue
        with open(path, "wb") as out:
            out.write(content)
        os.chmod(path, entry.mode)


# ---- the router ----------------------------------------------------------------------------------

class Template:
    """What all routers are at first."""

    def __init__(self):
        self.keep = tempfile.TemporaryDirectory(prefix="daneroll-router-")  # gone when we are
        self.path = self.keep.name
        busybox = shutil.which("busybox")
        libraries = re.findall(r"(/\S+)", call("ldd", busybox)[1])
        for path in [busybox] + [lib for lib in libraries if os.path.exists(lib)]:
            target = self.inside("bin/busybox" if path == busybox else path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
        for folder in ("dev", "mnt", "tmp", "sbin", "usr/bin", "usr/sbin", "var/run", "etc/crontabs",
                       "etc/rc.d", "usr/lib/opkg/info"):
            os.makedirs(self.inside(folder), exist_ok=True)
        os.mknod(self.inside("dev/null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.chmod(self.inside("dev/null"), 0o666)
        well("chroot", self.path, "/bin/busybox", "--install", "-s", "/bin")
        with open(self.inside("etc/rc.d/S50cron"), "w", encoding="ascii"):
            pass
        self.install()

    def inside(self, name):
        return os.path.join(self.path, name.lstrip("/"))

    def install(self):
        """As opkg does it, up to the scripts; the program is one that says how it was called."""
        shutil.copytree(ROUTER, self.path, dirs_exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            control, data = opened(make_ipk(folder)[0])
        unpack(data, self.path)
        os.replace(self.inside("usr/bin/program"), self.inside("usr/bin/daneroll"))
        control["list"] = "".join("/%s\n" % path for path in FILES).encode()
        for name, content in control.items():
            path = self.inside("usr/lib/opkg/info/daneroll." + name)
            with open(path, "wb") as out:
                out.write(content)
            os.chmod(path, 0o755)


class Router:
    """A scratch root with busybox, our short versions of OpenWrt's scripts, and the package."""

    lock = threading.Lock()
    template = None  # made once, copied for each

    def __init__(self, config=OFF, crontab=None):
        if os.geteuid() != 0:
            raise Skipped("needs root: chroot")
        with Router.lock:
            if Router.template is None:
                Router.template = Template()
        self.root = tempfile.mkdtemp(prefix="daneroll-router-")
        well("cp", "-a", Router.template.path + "/.", self.root)
        if config is not None:
            self.write("etc/config/daneroll", config, 0o600)
        if crontab is not None:
            self.write("etc/crontabs/root", crontab, 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        try:
            with open(self.path(name), encoding="ascii") as source:
                return source.read()
        except FileNotFoundError:
            return None

    def run(self, command, name="OpenWrt", **variables):
        """Runs it, waits for what it leaves in the background too; its output and the log's lines."""
        if os.path.exists(self.path("log")):
            os.unlink(self.path("log"))
        environment = dict(variables, PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root")
        done, open_end = os.pipe()
        child = subprocess.Popen(
            ["unshare", "--uts", "--mount", shutil.which("chroot"), self.root, "/bin/sh", "-c",
             'hostname "$0" && eval "$1"', name, command], env=environment, pass_fds=(open_end,),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True)
        os.close(open_end)
        try:
            output = child.communicate(timeout=20)[0].decode("ascii", "replace")
            # the end of the pipe is the end of the last process that has it
            check(select.select([done], [], [], 20)[0], command, "left something that does not end")
        except subprocess.TimeoutExpired as late:
            raise Failed("%s does not end" % command) from late
        finally:
            os.close(done)
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.communicate()
        same(child.returncode, 0, command, output)
        return output, (self.read("log") or "").splitlines()

    def init(self, verb, name="OpenWrt", **variables):
        """What the init script asks of others; nothing of it is ever printed."""
        output, log = self.run("/etc/init.d/daneroll " + verb, name, **variables)
        same(output, "")
        return [line for line in log if not line.startswith("procd")]

    def crontab(self):
        return self.read("etc/crontabs/root")

    def flash(self):
        """All that lies in flash: inode, time and size of each file and folder."""
        found = {}
        for base, folders, files in os.walk(self.path("etc")):
            for name in folders + files:
                path = os.path.join(base, name)
                status = os.lstat(path)
                found[path] = status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode
        return found
