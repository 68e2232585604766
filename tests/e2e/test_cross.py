#!/usr/bin/env python3
"""The programs of all rows of cross/targets: their size, their ELF headers, the instructions in them, and
what they print under qemu-user with each CPU of their row. On qemu's 24Kc an FPU instruction is SIGILL.

VARIANT: target
TIMEOUT: 600
"""

import glob
import os
import re
import subprocess
import sys

from lab import BUILD, TOP, case, check, main, same
from packlab import targets

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
# The budgets of the issue; the other rows' figures may follow what is built.
BUDGETS = {"x86_64": 400000, "mips": 480000, "mipsel": 480000}
LEAST_OCTETS = 200000  # less was no whole program
LEAST_SEEN = 20000  # instructions; less was no disassembly

def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, errors="replace", timeout=120)
    return done.stdout if done.returncode == 0 else "exit %d\n%s" % (done.returncode, done.stdout)


def headers(row, program):
    text = output("readelf", "-hlAdW", program)
    wide, order, machine = ELF[row["name"]]
    wrong = []
    for pattern in (r"Class: *%s\n" % wide, r"Data: .*%s endian" % order, r"Machine: .*%s" % machine,
                    r"GNU_STACK .* RW +0x", r"Type: *%s " % ("DYN" if row["link"] == "pie" else "EXEC")):
        if not re.search(pattern, text):
            wrong.append("no " + pattern)
    if row["link"] == "pie" and "norelro" not in row["linker"] and not re.search(r"GNU_RELRO", text):
        wrong.append("no RELRO")
    for pattern in (r"INTERP", r"\(NEEDED\)", r"\(TEXTREL\)", r"GNU_STACK .*E +0x", r"LOAD .* RWE "):
        if re.search(pattern, text):
            wrong.append("has " + pattern)
    must, never = ABI.get(row["name"], ("", None))
    if not re.search(must, text) or never and re.search(never, text):
        wrong.append("its ABI is none that %s or not %s" % (never, must))
    check(not wrong, "\n".join(wrong + [text]))


def forbidden(row, program):
    """No instructions that the row's machines do not have, in a program that was disassembled."""
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
    check(seen > LEAST_SEEN, "only", seen, "instructions seen")
    check(not found, "\n".join(found[:20]))


def digests(command):
    """What the program says to every certificate and key of the tests."""
    files = sorted(glob.glob(TOP + "/tests/data/vectors/*.[pk]e[my]") +
                   glob.glob(TOP + "/tests/data/keys/*.[pk]*"))
    said = [output(*command, "version")]
    for path in files:
        said.append(output(*command, "digest", path))
    return "".join(said).replace(command[-1], "daneroll")


def octets(row, program):
    found = os.path.getsize(program)
    check(LEAST_OCTETS < found <= int(row["most"]), "%d octets: see make size" % found)


def run(row, cpu, program):
    said = digests(["qemu-%s-static" % row["qemu"].split()[0], "-cpu", cpu, program])
    check(said == native, said[-2000:])


def cases_of(row):
    program = os.path.join(BUILD, row["name"], "daneroll")
    case("%s: at most %s octets" % (row["name"], row["most"]))(lambda: octets(row, program))
    case(row["name"] + ": the headers")(lambda: headers(row, program))
    if row["name"] in FORBIDDEN:
        case(row["name"] + ": no instruction that its machines lack")(lambda: forbidden(row, program))
    for cpu in row["qemu"].split()[1:]:
        case("%s: version and digests on a %s are this machine's" % (row["name"], cpu))(
            lambda cpu=cpu: run(row, cpu, program))


@case("this machine's program makes digests, and every target is looked at")
def all_targets():
    check(native.count("3 1 1 ") >= 20, native)
    same(sorted(row["name"] for row in targets()), sorted(ELF))


@case("the rows hold the budgets")
def budgets():
    same({row["name"]: int(row["most"]) for row in targets() if row["name"] in BUDGETS}, BUDGETS)


if __name__ == "__main__":
    native = digests([os.path.join(BUILD, os.uname().machine, "daneroll")])
    for each in targets():
        cases_of(each)
    sys.exit(main(jobs=os.cpu_count() or 1))
