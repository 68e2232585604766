"""What the tests of the packages share: a scratch folder, a changed copy of the sources, and the
packages made of the program under test."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile

from lab import BUILD, DANEROLL, TARGET, TOP, Skipped, check

with open(os.path.join(TOP, "src/base/version.h"), encoding="ascii") as header:
    VERSION = re.search(r'"(.*)"', header.read()).group(1)
NEWER = "999.9.9"
TIMER = "daneroll.timer"
COLUMNS = ("name", "prefix", "code", "dense", "link", "linker", "helpers", "most", "qemu", "openwrt")


class Scratch:
    """A temporary folder, gone afterwards."""

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="daneroll-deb-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def write(self, path, text, mode=0o644):
        """PATH below the folder."""
        whole = self.path(path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(whole, mode)
        return whole


def call(*command, code=0, **more):
    """What a command printed, its errors included."""
    more.setdefault("cwd", TOP)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          stdin=subprocess.DEVNULL, check=False, **more)
    text = done.stdout.decode("utf-8", "replace")
    check(code is None or done.returncode == code, "%r: exit code %d\n%s" % (
        command, done.returncode, text))
    return text


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as source:
        return source.read()


def targets():
    """The rows of cross/targets, as {column: field}."""
    return [dict(zip(COLUMNS, (" ".join(field.split()) for field in line.split("|"))))
            for line in read(TOP, "cross/targets").splitlines() if line and not line.startswith("#")]


def need_root():
    if os.geteuid() != 0:
        raise Skipped("needs root")


def snapshot(top):
    """Each path below TOP with what would show that it was touched."""
    found = {}
    for base, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(base, name)
            status = os.lstat(path)
            file = name in files
            found[os.path.relpath(path, top)] = (
                status.st_mode, file and (status.st_ino, status.st_mtime_ns),
                file and not os.path.islink(path) and hashlib.sha256(
                    open(path, "rb").read()).hexdigest())
    return found


def touched(before, top, *apart):
    """The paths below TOP that are not as they were in the snapshot BEFORE, but for those folders."""
    after = snapshot(top)
    return sorted(path for path in before.keys() | after.keys()
                  if before.get(path) != after.get(path) and path.split("/")[0] not in apart)


def sources(scratch, **changes):
    """A copy of what packages are made of, as a NEWER version; CHANGES say which files (with "/" as
    "__" and "." as "_dot_") get a line more."""
    top = scratch.path("sources")
    for name in ("cross", "src/base/version.h", "src/daneroll.8", "src/daneroll.conf.5", "README.md",
                 "CHANGELOG.md", "LICENSE"):
        to = os.path.join(top, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        (shutil.copytree if os.path.isdir(os.path.join(TOP, name)) else shutil.copy)(
            os.path.join(TOP, name), to)
    version = os.path.join(top, "src/base/version.h")
    text = read(version).replace(VERSION, NEWER)
    with open(version, "w", encoding="ascii") as out:
        out.write(text)
    for name, line in changes.items():
        path = os.path.join(top, name.replace("__", "/").replace("_dot_", "."))
        check(os.path.exists(path), "no", path)
        with open(path, "a", encoding="utf-8") as out:
            out.write(line)
    return top


def made(umask, environment, *command):
    """The path of what a script of cross/ has made."""
    return call("sh", "-c", 'umask $0; exec "$@"', umask, *command,
                env=dict(os.environ, **environment)).strip()


def package(folder, top=TOP, umask="022", **environment):
    return made(umask, environment, os.path.join(top, "cross/debian/deb"), DANEROLL, TARGET, folder)


def archive(folder, top=TOP, umask="022", **environment):
    return made(umask, environment, os.path.join(top, "cross/tarball/tarball"), DANEROLL, TARGET,
                os.path.join(BUILD, "src"), folder)
