#!/usr/bin/env python3
"""daneroll digest against what openssl prints: every kind of key, every kind of object, PEM and DER.

TIMEOUT: 300. QEMU: too
"""

import base64
import hashlib
import os
import subprocess
import sys
import tempfile

DANEROLL = os.environ["DANEROLL"]
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = os.path.join(TOP, "tests/data/vectors")
KEYS = os.path.join(TOP, "tests/data/keys")

# Name, arguments of openssl genpkey (RSA-8192 takes long: that one stands in tests/data).
KINDS = [
    ("rsa2048", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("rsa3072", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"]),
    ("rsa4096", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"]),
    ("rsa8192", None),
    ("p256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("p384", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("p521", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
    ("ed25519", ["-algorithm", "ED25519"]),
    ("ed448", ["-algorithm", "ED448"]),
]

failed = 0


def report(good, name, why=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("  " + str(why).strip().replace("\n", "\n  "))
    sys.stdout.flush()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl"] + list(arguments), input=data, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def digest(*arguments, data=b"", closed_output=False):
    """The exit code, standard output and standard error of one call."""
    out = open("/dev/full", "wb") if closed_output else subprocess.PIPE
    done = subprocess.run([DANEROLL, "digest"] + list(arguments), input=data, stdout=out,
                          stderr=subprocess.PIPE, timeout=60)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def expect(name, arguments, code, out, errors=(), data=b"", not_in_errors=()):
    """One call whose exit code and output are known; ERRORS are words of its messages."""
    got = digest(*arguments, data=data)
    good = got[0] == code and got[1] == out and all(word in got[2] for word in errors)
    good = good and not any(word in got[2] for word in not_in_errors)
    if not errors:
        good = good and got[2] == ""
    report(good, name, "wanted %r\n%r, words %r\ngot %r\n%r\n%r" % (code, out, errors, *got))


def hashed(matching, data):
    return (data, hashlib.sha256(data).digest(), hashlib.sha512(data).digest())[matching].hex()


class Objects:
    """One key with everything made of it, in FOLDER."""

    def __init__(self, folder, name, arguments):
        self.name, self.folder = name, folder
        self.key = self.path("key.pem")
        if arguments is None:
            with open(os.path.join(KEYS, name + ".key"), "rb") as source:
                self.write("key.pem", source.read())
        else:
            self.write("key.pem", openssl("genpkey", *arguments))
        self.write("key.der", openssl("pkey", "-in", self.key, "-outform", "DER"))
        for form in ("pem", "der"):
            self.write("public." + form,
                       openssl("pkey", "-in", self.key, "-pubout", "-outform", form.upper()))
            self.write("certificate." + form,
                       openssl("req", "-new", "-x509", "-key", self.key, "-subj", "/CN=a.example",
                               "-days", "30", "-outform", form.upper()))
            # The same certificate in both forms.
            if form == "der":
                self.write("certificate.der",
                           openssl("x509", "-in", self.path("certificate.pem"), "-outform", "DER"))
            self.write("request." + form, openssl("req", "-new", "-key", self.key, "-subj",
                                                  "/CN=a.example", "-outform", form.upper()))
        self.spki = self.read("public.der")
        self.certificate = self.read("certificate.der")

    def path(self, what):
        return os.path.join(self.folder, "%s-%s" % (self.name, what))

    def read(self, what):
        with open(self.path(what), "rb") as source:
            return source.read()

    def write(self, what, data):
        with open(self.path(what), "wb") as out:
            out.write(data)


def kinds(folder):
    """Every kind of key × certificate, request, public and private key × PEM and DER."""
    for name, arguments in KINDS:
        made = Objects(folder, name, arguments)
        line = "3 1 1 %s\n" % hashed(1, made.spki)
        eddsa = name.startswith("ed")
        for what in ("certificate", "request", "public", "key"):
            for form in ("pem", "der"):
                path = made.path("%s.%s" % (what, form))
                if what == "key" and eddsa:
                    expect("%s %s" % (name, os.path.basename(path)), [path], 1, "",
                           [path, "EdDSA", "certificate or public key"])
                    continue
                expect("%s" % os.path.basename(path), [path], 0, line)
                with open(path, "rb") as source:
                    expect("%s on standard input" % os.path.basename(path), ["-"], 0, line,
                           data=source.read())
        if name.startswith("rsa") or name.startswith("p"):
            traditional = openssl("pkey", "-in", made.key, "-traditional")
            expect("%s traditional private key" % name, ["-"], 0, line, data=traditional)
            encrypted = openssl("pkcs8", "-topk8", "-in", made.key, "-passout", "pass:x",
                                "-outform", "DER")
            expect("%s encrypted PKCS#8 in DER" % name, ["-"], 1, "", ["encrypted"],
                   data=encrypted)
        parameter_sets(made)


def parameter_sets(made):
    for usage in range(4):
        for selector in range(2):
            for matching in range(3):
                data = hashed(matching, made.spki if selector else made.certificate)
                numbers = "%d %d %d" % (usage, selector, matching)
                options = ["--usage", str(usage), "--selector=%d" % selector,
                           "--matching", str(matching)]
                got = digest(*options, made.path("certificate.pem"))
                if got != (0, "%s %s\n" % (numbers, data), ""):
                    report(False, "%s %s" % (made.name, numbers), got)
                    return
    report(True, "%s in every parameter set" % made.name)
    for matching in range(3):
        expect("%s private key's SPKI with matching type %d" % (made.name, matching),
               ["--matching", str(matching), made.path("public.der")], 0,
               "3 1 %d %s\n" % (matching, hashed(matching, made.spki)))
    for what in ("request", "public"):
        expect("%s %s has no selector 0" % (made.name, what),
               ["--selector", "0", made.path(what + ".pem")], 1, "",
               [made.path(what + ".pem"), "selector 0"])


def vectors():
    """Every row of the facts' table."""
    rows = 0
    with open(os.path.join(VECTORS, "digests.tsv"), encoding="ascii") as table:
        for row in table:
            name, selector, matching, data = row.split()
            rows += 1
            path = os.path.join(VECTORS, name)
            options = ["--selector", selector, "--matching", matching, path]
            if name in ("kind-ed25519.key", "kind-ed448.key"):
                good = digest(*options)[0] == 1
            else:
                good = digest(*options) == (0, "3 %s %s %s\n" % (selector, matching, data), "")
            if not good:
                report(False, "vector " + row.strip(), digest(*options))
    report(rows == 81, "all 81 rows of the vectors", rows)


def unusual_keys():
    words = {"encrypted": ["encrypted"], "unsupported": ["not known here"]}
    with open(os.path.join(KEYS, "expect.tsv"), encoding="ascii") as table:
        for row in table:
            name, wanted = row.split()
            path = os.path.join(KEYS, name)
            if wanted in words:
                expect(name, [path], 1, "", [path] + words[wanted])
            else:
                expect(name, [path], 0, "3 1 1 %s\n" % wanted)


def whole_lines():
    leaf = os.path.join(VECTORS, "openssl-leaf.pem")
    data = "3111668338043de264d0256a702248696c9484b6221a42740f920187b4c61838"
    owner = "_25._tcp.mail.example.org."
    expect("--record", ["--record", "mail.example.org:25", leaf], 0,
           "%s IN TLSA 3 1 1 %s\n" % (owner, data))
    expect("--record folds case and drops the final dot",
           ["--record=MAIL.Example.Org.:25", leaf], 0, "%s IN TLSA 3 1 1 %s\n" % (owner, data))
    expect("--generic", ["--generic", leaf], 0, "\\# 35 030101%s\n" % data)
    expect("--generic --record", ["--generic", "--record", "mail.example.org:25", leaf], 0,
           "%s IN TYPE52 \\# 35 030101%s\n" % (owner, data))
    der = openssl("x509", "-in", leaf, "-outform", "DER")
    expect("--generic with full data",
           ["--generic", "--usage=2", "--selector=0", "--matching=0", leaf], 0,
           "\\# %d 020000%s\n" % (3 + len(der), der.hex()))
    sha512 = hashlib.sha512(der).hexdigest()
    expect("--generic with SHA-512", ["--generic", "--selector=0", "--matching=2", leaf], 0,
           "\\# 67 030002%s\n" % sha512)
    for port in ("1", "65535"):
        expect("port " + port, ["--record", "a.example:" + port, leaf], 0,
               "_%s._tcp.a.example. IN TLSA 3 1 1 %s\n" % (port, data))


def wrong_calls():
    leaf = os.path.join(VECTORS, "leaf.pem")
    long_name = ".".join(["a" * 49] * 5)  # 249 characters: with _25._tcp. too long
    records = ["mail.example.org", "mail.example.org:", "mail.example.org:0", ":25",
               "mail.example.org:65536", "mail.example.org:99999999999999999999",
               "mail.example.org:025", "mail.example.org:+25", "mail.example.org:25 ",
               "mail:25", "mail..example.org:25", "-a.example:25", "a_b.example:25",
               "*.example.org:25", "mail.example.org:smtp", long_name + ":25", "x" * 400 + ":25"]
    for record in records:
        got = digest("--record", record, leaf)
        report(got[0] == 2 and got[1] == "" and "--record" in got[2],
               "--record %s is refused" % record[:40], got)
    for option, values in (("--usage", ("4", "-1", "x", "", "255")), ("--selector", ("2", "01x")),
                           ("--matching", ("3", "1 1"))):
        for value in values:
            got = digest("%s=%s" % (option, value), leaf)
            report(got[0] == 2 and got[1] == "" and option in got[2],
                   "%s=%s is refused" % (option, value), got)
    got = digest()
    report(got[0] == 2 and got[1] == "" and got[2] != "", "no file is refused", got)
    got = digest("--no-such-option", leaf)
    report(got[0] == 2 and got[1] == "", "an unknown option is refused", got)


def several_files(folder):
    leaf, following = (os.path.join(VECTORS, n) for n in ("leaf.pem", "leaf-next.pem"))
    first, second = (digest(f)[1] for f in (leaf, following))
    expect("several files in their order", [leaf, following, leaf], 0, first + second + first)
    expect("one bad file among good ones", [leaf, os.path.join(folder, "absent"), following], 1,
           first + second, [os.path.join(folder, "absent"), "no such file"])


def files(folder):
    """Chains, combined files, and what is no such file at all."""
    leaf, issuer = (os.path.join(VECTORS, n) for n in ("leaf.pem", "ca-issuer.pem"))
    line = digest(leaf)[1]
    with open(leaf, "rb") as source, open(issuer, "rb") as other, \
            open(os.path.join(VECTORS, "leaf.key"), "rb") as private:
        certificate, chain, key = source.read(), other.read(), private.read()
    selector0 = digest("--selector", "0", leaf)[1]
    text = openssl("x509", "-in", leaf, "-text")
    for name, data in (("a chain", certificate + chain), ("key, then chain", key + certificate + chain),
                       ("chain, then key", certificate + chain + key),
                       ("with openssl's -text", text),
                       ("with CRLF", (key + certificate).replace(b"\n", b"\r\n"))):
        expect(name, ["--selector", "0", "-"], 0, selector0, data=data)
    expect("a key of that certificate", ["-"], 0, line, data=key)

    expect("an empty file", ["-"], 1, "", ["standard input", "empty"])
    expect("text that is no PEM", ["-"], 1, "", ["standard input", "PEM"], data=b"hello world\n")
    expect("octets that are neither", ["-"], 1, "", ["standard input", "damaged"],
           data=bytes(range(256)))
    expect("base64 without banners", ["-"], 1, "", ["PEM"],
           data=base64.b64encode(openssl("x509", "-in", leaf, "-outform", "DER")))
    expect("an encrypted key", ["-"], 1, "", ["encrypted"],
           data=openssl("pkcs8", "-topk8", "-in", os.path.join(VECTORS, "leaf.key"), "-passout",
                        "pass:x"))
    expect("a directory", [folder], 1, "", [folder, "not a plain file"])
    expect("a file that is too long", ["/dev/zero"], 1, "", ["/dev/zero", "longer"])
    cut = certificate[:len(certificate) // 2]
    expect("a certificate cut in the middle", ["-"], 1, "", ["damaged"], data=cut + b"\n" + chain)
    code, _, errors = digest(leaf, closed_output=True)
    report(code == 1 and "output" in errors, "an output that is full", (code, errors))


def truncations():
    """Malformed DER at every truncation point: refused with a message, never a digest."""
    for name in ("kind-p256.pem", "kind-ed25519.pem"):
        der = openssl("x509", "-in", os.path.join(VECTORS, name), "-outform", "DER")
        bad = []
        for length in range(len(der)):
            code, out, errors = digest("-", data=der[:length])
            if code != 1 or out or not errors.startswith("daneroll: standard input:"):
                bad.append((length, code, out, errors))
        report(not bad, "%s cut at each of its %d octets" % (name, len(der)), bad[:3])
        expect("%s with an octet behind it" % name, ["-"], 1, "", ["damaged"], data=der + b"\0")


def main():
    with tempfile.TemporaryDirectory() as folder:
        kinds(folder)
        vectors()
        unusual_keys()
        whole_lines()
        wrong_calls()
        several_files(folder)
        files(folder)
        truncations()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
