#!/usr/bin/env python3
"""The OpenWrt package: what is in the .ipk, and that the feed's Makefile makes the same of the same.

VARIANT: target
"""

import gzip
import os
import re
import shutil
import stat
import sys
import tempfile

from lab import BUILD, DANEROLL, TARGET, TOP, Skipped, case, check, main, same
from openwrtlab import FILES, ON, OPENWRT, Scratch, call, fields_of, make_ipk, members, opened, rows, well

SCRIPTS = [path for path in FILES if path.startswith("etc/") and path != "etc/config/daneroll"]


# ---- the package ---------------------------------------------------------------------------------

@case("the package is as OpenWrt's own build makes it: members, modes, owners, fields")
def structure():
    epoch = int(well(os.path.join(TOP, "cross", "source-date")))
    with Scratch() as scratch:
        for path in make_ipk(scratch):
            with open(path, "rb") as source:
                whole = source.read()
            outer = members(whole)
            same([entry.name for entry, _ in outer],
                 ["./debian-binary", "./data.tar.gz", "./control.tar.gz"])
            same(outer[0][1], b"2.0\n")
            for data in [whole] + [content for _, content in outer[1:]]:
                check(data[3] == 0 and data[4:8] == bytes(4), "gzip has a name or a time in it")
            inner = [entry for _, content in outer[1:] for entry, _ in members(content)]
            for entry in [entry for entry, _ in outer] + inner:
                same((entry.uid, entry.gid, entry.uname, entry.gname), (0, 0, "", ""), entry.name)
                check(entry.name == "." or entry.name.startswith("./"), entry.name)
                check(entry.isdir() or entry.isfile(), entry.name, "is neither file nor folder")
                same(entry.mtime, epoch)
            control, data = opened(path)
            same({entry.name[2:]: entry.mode for entry, _ in data if entry.isfile()}, FILES)
            same({entry.mode for entry, _ in data if entry.isdir()}, {0o755})
            same(sorted(control), ["conffiles", "control", "postinst", "prerm"])
            same(control["conffiles"], b"/etc/config/daneroll\n")
            check_fields(path, fields_of(control), outer[1][1])


def check_fields(path, fields, data):
    with open(os.path.join(TOP, "src", "base", "version.h"), encoding="ascii") as source:
        version = re.search(r'"([^"]+)"', source.read()).group(1)
    same(fields["Package"], "daneroll")
    check(re.fullmatch(re.escape(version) + r"-r[1-9][0-9]*", fields["Version"]), fields["Version"])
    check(fields["Architecture"] in rows()[TARGET], fields["Architecture"])
    same(os.path.basename(path),
         "daneroll_%s_%s.ipk" % (fields["Version"], fields["Architecture"]))
    same(fields["Installed-Size"], str(len(gzip.decompress(data))))
    for licence in ("ISC", "MIT", "BSD-3-Clause", "Apache-2.0"):
        check(licence in fields["License"].split(), licence, "is not named")
    # opkg says "incompatible architecture" where it only misses a package
    check("Depends" not in fields, "depends on", fields.get("Depends"))
    for name in ("Section", "Maintainer", "Description"):
        check(fields.get(name), "no", name)


@case("the licences of everything in the program are in the package")
def licences():
    with Scratch() as scratch:
        _, data = opened(make_ipk(scratch)[0])
        text = next(content for entry, content in data if "/licenses/daneroll/l" in entry.name)
        for words in (b"ISC License", b"Thomas Pornin", b"Ben Hoyt", b"Rich Felker",
                      b"Apache License", b"END OF TERMS AND CONDITIONS"):
            check(words in text, words, "is missing")
        check(b"GNU GENERAL PUBLIC" not in text, "the other licence of Mbed TLS is in it, too")


@case("two builds give the same bytes, whatever umask, zone, language and folder; the time is given")
def reproducible():
    with Scratch() as scratch:
        one = make_ipk(os.path.join(scratch, "one"))
        command = ["sh", "-c", 'umask 077; exec "$0" "$@"', os.path.join(OPENWRT, "ipk"), DANEROLL,
                   os.path.join(BUILD, "src"), os.path.join(scratch, "two")] + rows()[TARGET]
        two = well(*command, cwd="/", env=dict(os.environ, TZ="Asia/Tokyo", LC_ALL="C.UTF-8"))
        for first, second in zip(one, two.split()):
            with open(first, "rb") as a, open(second, "rb") as b:
                check(a.read() == b.read(), "differ:", first, second)
        stamped = make_ipk(os.path.join(scratch, "three"), architectures=rows()[TARGET][:1],
                           env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"))[0]
        control, data = opened(stamped)
        same({entry.mtime for entry, _ in data}, {1700000000})
        same(fields_of(control)["SourceDateEpoch"], "1700000000")


@case("without git the time is that of the release, not in the future, and not the files'")
def outside_git():
    with Scratch() as scratch:
        for name in ("cross", "CHANGELOG.md", "LICENSE", "src/base/version.h"):
            target = os.path.join(scratch, "top", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            (shutil.copytree if os.path.isdir(os.path.join(TOP, name)) else shutil.copy)(
                os.path.join(TOP, name), target)
        environment = {key: value for key, value in os.environ.items()
                       if key != "SOURCE_DATE_EPOCH"}

        def package():
            path = well(os.path.join(scratch, "top", "cross", "openwrt", "ipk"), DANEROLL,
                        os.path.join(BUILD, "src"), os.path.join(scratch, "out"),
                        rows()[TARGET][0], env=environment).strip()
            with open(path, "rb") as source:
                return int(fields_of(opened(path)[0])["SourceDateEpoch"]), source.read()
        first, before = package()
        check(first < os.stat(DANEROLL).st_mtime, "in the future:", first)
        for base, _, files in os.walk(os.path.join(scratch, "top")):
            for name in files:
                os.utime(os.path.join(base, name), (1500000000, 1500000000))
        check(package()[1] == before, "the files' times are in it")
        with open(os.path.join(scratch, "top", "src", "base", "version.h"), encoding="ascii") as f:
            version = re.search(r'"([^"]+)"', f.read()).group(1)
        with open(os.path.join(scratch, "top", "CHANGELOG.md"), "w", encoding="ascii") as out:
            out.write("## %s (2026-02-03)\n" % version)
        same(package()[0], 1770076800)


@case("a program of another machine is refused, and all built rows make their packages")
def machines():
    with Scratch() as scratch:
        command = [os.path.join(OPENWRT, "ipk"), DANEROLL, os.path.join(BUILD, "src"), scratch]
        for name in ("mips_24kc", "aarch64_generic", "i386_pentium4", "vax"):
            code, output = call(*command, name)
            check(code == 1 and name in output, name, "is taken:", output)
        same(os.listdir(scratch), [])
        for target, names in rows().items():
            program = os.path.join(BUILD, target, "daneroll")
            if not os.path.exists(program):
                continue
            for name, path in zip(names, make_ipk(scratch, program, names)):
                same(fields_of(opened(path)[0])["Architecture"], name)


@case("make ipk makes a package for each name in the last column of cross/targets")
def make_rule():
    with Scratch() as scratch:
        names = rows()[TARGET]
        os.makedirs(os.path.join(scratch, TARGET))
        os.symlink(DANEROLL, os.path.join(scratch, TARGET, "daneroll"))
        os.symlink(os.path.join(BUILD, "src"), os.path.join(scratch, "src"))
        record = os.path.join(scratch, "record")
        with open(record, "w", encoding="ascii") as out:
            out.write('#!/bin/sh\necho "$@" >>%s/calls\n' % scratch)
        os.chmod(record, 0o755)
        well("make", "-s", "-C", TOP, "B=" + scratch, "MAKE=" + record, "IPK_TARGETS=" + TARGET, "ipk")
        with open(os.path.join(scratch, "calls"), encoding="ascii") as calls:
            same(calls.read().split(), ["--no-print-directory", "B=" + scratch, "TARGET=" + TARGET,
                                        "%s/%s/daneroll" % (scratch, TARGET)])
        same(sorted(re.sub(r".*-r\d+_(.*)\.ipk", r"\1", name)
                    for name in os.listdir(os.path.join(scratch, "ipk"))), sorted(names))


@case("the scripts are busybox ash's")
def syntax():
    with Scratch() as scratch:
        control, data = opened(make_ipk(scratch)[0])
        scripts = [content for entry, content in data if entry.name[2:] in SCRIPTS]
        scripts += [control["postinst"], control["prerm"]]
        same(len(scripts), len(SCRIPTS) + 2)
        for number, content in enumerate(scripts):
            path = os.path.join(scratch, "script%d" % number)
            with open(path, "wb") as out:
                out.write(content)
            check(content.startswith(b"#!/bin/sh"), content[:40])
            well("busybox", "ash", "-n", path)


@case("a real opkg installs it, keeps a changed configuration at an upgrade, and removes it")
def real_opkg():
    opkg = shutil.which("opkg") or shutil.which("opkg-cl")
    if not opkg:
        raise Skipped("no opkg here: no Debian suite has it")
    with Scratch() as scratch:
        root = os.path.join(scratch, "root")
        for folder in ("etc", "tmp", "var/lock", "usr/lib/opkg", "var/opkg-lists"):
            os.makedirs(os.path.join(root, folder))
        name = rows()[TARGET][0]
        with open(os.path.join(root, "etc", "opkg.conf"), "w", encoding="ascii") as out:
            out.write("dest root /\nlists_dir ext /var/opkg-lists\narch all 1\narch %s 10\n" % name)

        def run(*words):
            return well(opkg, "--offline-root", root, "-f", os.path.join(root, "etc", "opkg.conf"),
                        *words)
        path = make_ipk(scratch, architectures=[name])[0]
        run("install", path)
        for file, mode in FILES.items():
            same(stat.S_IMODE(os.stat(os.path.join(root, file)).st_mode), mode, file)
        config = os.path.join(root, "etc", "config", "daneroll")
        with open(config, "w", encoding="ascii") as out:
            out.write(ON)
        top = os.path.join(scratch, "top")
        shutil.copytree(os.path.join(TOP, "cross"), os.path.join(top, "cross"))
        os.makedirs(os.path.join(top, "src", "base"))
        shutil.copy(os.path.join(TOP, "LICENSE"), top)
        shutil.copy(os.path.join(TOP, "CHANGELOG.md"), top)
        with open(os.path.join(top, "src", "base", "version.h"), "w", encoding="ascii") as out:
            out.write('#define DANEROLL_VERSION "999.0.0"\n')
        with open(os.path.join(top, "cross/openwrt/daneroll/files/daneroll.config"), "a",
                  encoding="ascii") as out:
            out.write("# of the new version\n")
        newer = well(os.path.join(top, "cross", "openwrt", "ipk"), DANEROLL,
                     os.path.join(BUILD, "src"), scratch, name).strip()
        run("install", newer)
        with open(config, encoding="ascii") as source:
            same(source.read(), ON)
        check(os.path.exists(config + "-opkg"), "the new sample is not beside it")
        check("999.0.0" in run("list-installed"), "not upgraded")
        run("remove", "daneroll")
        check(not os.path.exists(os.path.join(root, "usr/bin/daneroll")), "is still there")


@case("where there is no opkg, busybox tar unpacks it by the lines of cross/openwrt/README.md")
def by_hand():
    with open(os.path.join(OPENWRT, "README.md"), encoding="ascii") as source:
        lines = [line.strip() for line in source if line.startswith("    tar ")]
    same(len(lines), 3, "lines with tar in the README")
    with Scratch() as scratch:
        path = make_ipk(scratch, architectures=rows()[TARGET][:1])[0]
        root = os.path.join(scratch, "root")
        for folder in ("root", "bin"):
            os.mkdir(os.path.join(scratch, folder))
        for applet in ("tar", "gunzip", "sh"):
            os.symlink(shutil.which("busybox"), os.path.join(scratch, "bin", applet))

        def follow(*some):
            for line in some:
                line = line.replace("daneroll_VERSION_ARCH.ipk", path).replace("-C /", "-C " + root)
                well(shutil.which("busybox"), "ash", "-c", line, cwd=scratch,
                     env={"PATH": os.path.join(scratch, "bin")})
        follow(*lines[:2])
        for file, mode in FILES.items():
            same(stat.S_IMODE(os.stat(os.path.join(root, file)).st_mode), mode, file)
        config = os.path.join(root, "etc", "config", "daneroll")
        with open(config, "w", encoding="ascii") as out:
            out.write(ON)
        os.unlink(os.path.join(root, "usr", "bin", "daneroll"))
        follow(lines[0], lines[2])
        with open(config, encoding="ascii") as source:
            same(source.read(), ON, "an upgrade by hand overwrites the configuration")
        check(os.path.exists(os.path.join(root, "usr", "bin", "daneroll")), "is not new")


# ---- the feed ------------------------------------------------------------------------------------

RULES = """
INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_DATA := install -m0644
INSTALL_CONF := install -m0600
CP := cp -fpR
"""
PACKAGE = """
PKG_BUILD_DIR := $(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)
define Download
$(eval $(Download/$(1)))$(info download $(FILE) $(HASH) $(URL) $(URL_FILE))
endef
define BuildPackage
$(eval $(Package/$(1)))
$(info package $(1) $(PKG_VERSION)-r$(PKG_RELEASE) depends $(DEPENDS))
$(info section $(SECTION) category $(CATEGORY))
$(info license $(PKG_LICENSE))
$(info target $(strip $(DANEROLL_TARGET) $(DANEROLL_FLAGS)))
$(info conffiles $(Package/$(1)/conffiles))
prepare:
	$$(Build/Prepare)
compile:
	$$(Build/Compile)
install:
	$$(call Package/$(1)/install,$$(DEST))
endef
"""


class Sdk:
    """As much of OpenWrt's build as reads a package's Makefile and does what it says."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.build = os.path.join(scratch, "build_dir")
        os.makedirs(os.path.join(scratch, "include"))
        os.makedirs(self.build)
        os.symlink(OPENWRT, os.path.join(scratch, "feed"))
        for name, text in (("rules.mk", RULES), ("include/package.mk", PACKAGE)):
            with open(os.path.join(scratch, name), "w", encoding="ascii") as out:
                out.write(text)

    def make(self, goal, *more, architecture=None):
        return well("make", "-s", "-C", os.path.join(self.scratch, "feed", "daneroll"),
                    "TOPDIR=" + self.scratch, "INCLUDE_DIR=%s/include" % self.scratch,
                    "BUILD_DIR=" + self.build, "DL_DIR=/the/downloads", "ARCH=x86_64",
                    "TARGET_CROSS=x86_64-openwrt-linux-musl-",
                    "ARCH_PACKAGES=" + (architecture or rows()[TARGET][0]), *more, goal)

    def folder(self):
        (name,) = os.listdir(self.build)
        return os.path.join(self.build, name)


@case("the feed's Makefile: what it says of the package, its downloads are the pinned tarballs")
def feed_says():
    with Scratch() as scratch:
        output = Sdk(scratch).make("-n", "prepare")
        control, _ = opened(make_ipk(scratch)[0])
        fields = fields_of(control)
        said = dict(line.split(" ", 1) for line in output.splitlines()
                    if line.startswith(("package", "section", "license", "conffiles", "target")))
        check(said["package"].startswith("daneroll %s depends @" % fields["Version"]), said)
        same(said["section"], "net category Network")
        same(said["license"], fields["License"])
        same(said["conffiles"], "/etc/config/daneroll")
        same(said["target"], TARGET)
        pins = {}
        with open(os.path.join(TOP, "third_party", "pins"), encoding="ascii") as source:
            for line in source:
                parts = [part.strip() for part in line.split("|")]
                if not line.startswith("#"):
                    pins.setdefault(parts[0], parts)
        downloads = [line.split()[1:] for line in output.splitlines()
                     if line.startswith("download ")]
        same([(d[0], d[1]) for d in downloads], [(p[2], p[3]) for p in pins.values()])
        for (_, _, folder, file), pin in zip(downloads, pins.values()):
            check(folder.startswith("https://") and folder.endswith("/"), folder)
            check(pin[6] in ("-", folder + file), folder + file)


@case("the feed's Makefile chooses the row of the architecture, else of the kind of processor")
def feed_rows():
    with Scratch() as scratch:
        sdk = Sdk(scratch)

        def chosen(*more, architecture):
            return re.search(r"^target (.*)$", sdk.make("-n", "prepare", *more,
                                                       architecture=architecture), re.M).group(1)
        for target, names in rows().items():
            for name in names if target not in ("arm", "armhf") else ():
                same(chosen(architecture=name), target, name)  # and no flags
        flags = "TARGET_OPTIMIZATION=-Os -pipe -mcpu=its-own -mips16 -minterlink-mips16 -mthumb"
        same(chosen("ARCH=i386", flags, architecture="i386_new").split(" ", 1)[0], "i686")
        same(chosen("ARCH=x86_64", flags, architecture="x86_64_new"),
             "x86_64 row_flags='-fcf-protection=none -mcpu=its-own' row_dense=")
        # what no row names may have neither MIPS16 nor Thumb, whoever asks for it
        for name in ("mips_mips32", "mips_4kec"):
            same(chosen("ARCH=mips", flags, architecture=name),
                 "mips row_flags='-msoft-float -mno-abicalls -mcpu=its-own' row_dense=")
        for name in ("arm_new", "arm_fa526"):
            same(chosen("ARCH=arm", flags, architecture=name), "arm row_flags='-mcpu=its-own' row_dense=")
        for target, theirs in (("arm", ""), ("armhf", "-mthumb ")):
            for name in rows()[target]:
                same(chosen("ARCH=arm", flags, architecture=name),
                     "%s row_flags='%s-mcpu=its-own'%s" % (
                         target, theirs, " row_dense=" if "arm1176" in name else ""), name)


@case("the feed's Makefile installs the very files of the .ipk, from a copy of the sources")
def feed_installs():
    with Scratch() as scratch:
        sdk = Sdk(scratch)
        _, data = opened(make_ipk(scratch)[0])
        sdk.make("prepare")
        top = sdk.folder()
        for name in ("src", "third_party", "cross"):
            same(well("diff", "-r", os.path.join(TOP, name), os.path.join(top, name)), "")
        # the copy is enough for the top Makefile to know what to do
        well("make", "-s", "-C", top, "TARGET=" + TARGET, "B=build", "help")
        record = os.path.join(scratch, "record")
        os.makedirs(os.path.join(top, "build", TARGET))
        os.symlink(os.path.join(BUILD, "src"), os.path.join(top, "build", "src"))
        shutil.copy(DANEROLL, os.path.join(top, "build", TARGET, "daneroll"))
        with open(record, "w", encoding="ascii") as out:
            out.write('#!/bin/sh\nprintf "%%s\\n" "DISTFILES=$DISTFILES" "$@" >%s/calls\n' % scratch)
        os.chmod(record, 0o755)
        sdk.make("compile", "MAKE=" + record, "PKG_JOBS=-j3")
        with open(os.path.join(scratch, "calls"), encoding="ascii") as calls:
            same(calls.read().splitlines(),
                 ["DISTFILES=/the/downloads", "-j3", "-C", top, "B=build", "TARGET=" + TARGET,
                  "CC=x86_64-openwrt-linux-musl-gcc", "build/%s/daneroll" % TARGET])
        root = os.path.join(scratch, "root")
        sdk.make("install", "DEST=" + root)
        for entry, content in data:
            path = os.path.join(root, entry.name)
            same(stat.S_IMODE(os.stat(path).st_mode), entry.mode, entry.name)
            if content is not None:
                with open(path, "rb") as source:
                    check(source.read() == content, entry.name, "differs")
        same(sum(len(files) for _, _, files in os.walk(root)), len(FILES))


if __name__ == "__main__":
    sys.exit(main())
