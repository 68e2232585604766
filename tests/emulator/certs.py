#!/usr/bin/env python3
"""A throw-away certificate authority and server certificates, made with the openssl command.

    certs.py DIRECTORY [--kind KIND] [--stem STEM] [NAME...]
"""

import argparse
import ipaddress
import os
import subprocess
import sys
import time

USUAL_NAMES = ("localhost", "127.0.0.1", "::1", "api.cloudflare.test")

KEYS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "ed25519": ["-algorithm", "ED25519"],
}

CONFIG = """\
[ca]
default_ca = here
[here]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
default_md = {digest}
policy = anything
unique_subject = no
email_in_dn = no
x509_extensions = leaf
[anything]
commonName = optional
[leaf]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[req]
distinguished_name = dn
prompt = no
x509_extensions = authority
[dn]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (arguments[0], done.stderr.decode("utf-8", "replace")))
    return done.stdout


def subject_alternative(names):
    parts = []
    for name in names:
        try:
            ipaddress.ip_address(name)
            parts.append("IP:" + name)
        except ValueError:
            parts.append("DNS:" + name)
    return ", ".join(parts)


def utc(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


class Authority:
    """A CA with its files in DIRECTORY; one that lies there already is used again."""

    def __init__(self, directory, name="daneroll test CA"):
        self.directory = os.path.abspath(directory)
        os.makedirs(self.directory, exist_ok=True)
        self.certificate = os.path.join(self.directory, "ca.pem")
        self.key = os.path.join(self.directory, "ca.key")
        if not (os.path.exists(self.certificate) and os.path.exists(self.key)):
            self.generate(self.key, "p256")
            openssl("req", "-x509", "-new", "-key", self.key, "-out", self.certificate,
                    "-config", self.config(["unused.test"]), "-subj", "/CN=" + name, "-days", "3650")

    def config(self, names):
        path = os.path.join(self.directory, "openssl.cnf")
        with open(path, "w", encoding="ascii") as out:
            out.write(CONFIG.format(directory=self.directory, digest="sha256",
                                    names=subject_alternative(names)))
        index = os.path.join(self.directory, "index.txt")
        if not os.path.exists(index):
            open(index, "w", encoding="ascii").close()
        return path

    @staticmethod
    def generate(path, kind):
        openssl("genpkey", *KEYS[kind], "-out", path)
        os.chmod(path, 0o600)

    def issue(self, names=USUAL_NAMES, stem="server", kind="p256", not_before=None, not_after=None,
              issuer_in_file=True, key_file=None):
        """A certificate for NAMES: (file with the chain, file with the key)."""
        names = list(names)
        now = time.time()
        base = os.path.join(self.directory, stem)
        key = key_file or base + ".key"
        if key_file is None:
            self.generate(key, kind)
        config = self.config(names)
        openssl("req", "-new", "-key", key, "-out", base + ".csr", "-config", config,
                "-subj", "/CN=" + names[0][:64])
        openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.certificate,
                "-keyfile", self.key, "-in", base + ".csr", "-out", base + ".new",
                "-startdate", utc(now - 3600 if not_before is None else not_before),
                "-enddate", utc(now + 90 * 86400 if not_after is None else not_after))
        with open(base + ".new", "rb") as leaf, open(self.certificate, "rb") as issuer:
            chain = leaf.read() + (issuer.read() if issuer_in_file else b"")
        os.unlink(base + ".csr")
        with open(base + ".new", "wb") as out:
            out.write(chain)
        os.replace(base + ".new", base + ".pem")
        return base + ".pem", key


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("names", nargs="*", default=list(USUAL_NAMES))
    parser.add_argument("--kind", choices=sorted(KEYS), default="p256")
    parser.add_argument("--stem", default="server")
    options = parser.parse_intermixed_args()
    authority = Authority(options.directory)
    print(authority.certificate, *authority.issue(options.names, options.stem, options.kind))


if __name__ == "__main__":
    sys.exit(main())
