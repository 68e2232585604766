#!/usr/bin/env python3
"""The programs of all rows of cross/targets: their ELF headers, the instructions in them, and what they
print under qemu-user with each CPU of their row. On qemu's 24Kc an FPU instruction is SIGILL.

VARIANT: target
TIMEOUT: 600
"""

import glob
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
COLUMNS = ("name", "prefix", "code", "dense", "link", "linker", "helpers", "qemu", "openwrt")

# name: (class, order, machine), as readelf -h names them
ELF = {"x86_64": ("ELF64", "little", "X86-64"), "i686": ("ELF32", "little", "80386"),
       "aarch64": ("ELF64", "little", "AArch64"), "arm": ("ELF32", "little", "ARM"),
       "armhf": ("ELF32", "little", "ARM"), "mips": ("ELF32", "big", "MIPS"),
       "mipsel": ("ELF32", "little", "MIPS"), "riscv64": ("ELF64", "little", "RISC-V"),
       "powerpc": ("ELF32", "big", "PowerPC")}
# name: what readelf -hA must say and what it must not say
ABI = {"mips": (r"FP ABI: *Soft float", r"\b(nan2008|cpic|pic)\b"),
       "mipsel": (r"FP ABI: *Soft float", r"\b(nan2008|cpic|pic)\b"),
       "arm": (r"Tag_CPU_arch: v5TE", r"Tag_(FP_arch|ABI_VFP_args)"),
       "armhf": (r"Tag_ABI_VFP_args: VFP registers", r"NEON"),
       "powerpc": (r"Class", r"hard float"),
       "riscv64": (r"double-float ABI", r"quad-float")}
# name: (mnemonics, operands) of instructions that its machines do not have
FORBIDDEN = {"mips": (r".*c1$|.*\.[sd]$|bc1.*", r"\$f\d+"), "mipsel": (r".*c1$|.*\.[sd]$|bc1.*", r"\$f\d+"),
             "powerpc": (r"[ls]t?f[sd]u?x?|evl.*|evst.*|efs.*|isel.*", r"\bf(?:[0-9]|[12][0-9]|3[01])\b"),
             "arm": (r"v(?:ldr|str|mov|push|pop|ldm|stm|add|mul).*|movw|movt|sdiv|udiv", r"(?!)"),
             "i686": (r"cmov.*|endbr.*|sysenter|.*fence", r"%[xy]?mm\d")}
LEAST_SEEN = 20000  # instructions; less was no disassembly

failed = 0


def report(good, name, why=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("  " + str(why)[-2000:].strip().replace("\n", "\n  "))
    sys.stdout.flush()


def rows():
    with open(TOP + "/cross/targets", encoding="ascii") as source:
        for line in source:
            if line.strip() and not line.startswith("#"):
                yield dict(zip(COLUMNS, [field.strip() for field in line.split("|")]))


def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, errors="replace", timeout=120)
    return done.stdout if done.returncode == 0 else "exit %d\n%s" % (done.returncode, done.stdout)


def headers(row, program):
    """Nothing but what is wrong."""
    text = output("readelf", "-hlAdW", program)
    wide, order, machine = ELF[row["name"]]
    wrong = []
    for pattern in (r"Class: *%s\n" % wide, r"Data: .*%s endian" % order, r"Machine: .*%s" % machine,
                    r"GNU_STACK .* RW +0x", r"Type: *%s " % ("DYN" if row["link"] == "pie" else "EXEC")):
        if not re.search(pattern, text):
            wrong.append("no " + pattern)
    if row["link"] == "pie" and not re.search(r"GNU_RELRO", text):
        wrong.append("no RELRO")
    for pattern in (r"INTERP", r"\(NEEDED\)", r"\(TEXTREL\)", r"GNU_STACK .*E +0x", r"LOAD .* RWE "):
        if re.search(pattern, text):
            wrong.append("has " + pattern)
    must, never = ABI.get(row["name"], ("", None))
    if not re.search(must, text) or never and re.search(never, text):
        wrong.append("its ABI is none that %s or not %s" % (never, must))
    return "\n".join(wrong + [text]) if wrong else ""


def forbidden(row, program):
    """Instructions that the row's machines do not have, or None where nothing was disassembled."""
    mnemonics, operands = (re.compile(p) for p in FORBIDDEN[row["name"]])
    found, seen = [], 0
    for line in output(row["prefix"] + "objdump", "-d", program + ".debug").splitlines():
        fields = line.split("\t")
        if len(fields) < 3 or fields[2].startswith("."):
            continue
        seen += 1
        # what follows is objdump's own note
        words = re.split(r"[#;<@]", " ".join(fields[3:]))[0]
        if mnemonics.fullmatch(fields[2].strip().split(" ")[0]) or operands.search(words):
            found.append(line)
    return found if seen > LEAST_SEEN else ["only %d instructions seen" % seen]


def digests(command):
    """What the program says to every certificate and key of the tests."""
    files = sorted(glob.glob(TOP + "/tests/data/vectors/*.[pk]e[my]") +
                   glob.glob(TOP + "/tests/data/keys/*.[pk]*"))
    said = [output(*command, "version")]
    for path in files:
        said.append(output(*command, "digest", path))
    return "".join(said).replace(command[-1], "daneroll")


def examine(row, native):
    program = os.path.join(BUILD, row["name"], "daneroll")
    results = [("the headers", headers(row, program))]
    if row["name"] in FORBIDDEN:
        results.append(("no instruction that its machines lack", "\n".join(forbidden(row, program)[:20])))
    architecture, *cpus = row["qemu"].split()
    for cpu in cpus:
        said = digests(["qemu-%s-static" % architecture, "-cpu", cpu, program])
        results.append(("version and digests on a %s are this machine's" % cpu,
                        "" if said == native else said))
    return row, results


def main():
    native = digests([os.path.join(BUILD, os.uname().machine, "daneroll")])
    report(native.count("3 1 1 ") >= 20, "this machine's program makes digests", native)
    names = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for row, results in pool.map(lambda r: examine(r, native), rows()):
            names.append(row["name"])
            for what, wrong in results:
                report(not wrong, "%s: %s" % (row["name"], what), wrong)
    report(sorted(names) == sorted(ELF), "every target is looked at", names)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
