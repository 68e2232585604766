#!/usr/bin/env python3
"""`daneroll status` as a process: JSON is valid on every exit code, nothing is written, nothing but
what was asked for is sent. What it tells of a host is compared by tests/unit/test_status.c.

TIMEOUT: 120. QEMU: too
"""

import json
import os
import subprocess
import sys
import tempfile

DANEROLL = os.environ["DANEROLL"]
CONFIG = """\
[daneroll]
state = %(dir)s/state
resolver = 127.0.0.1@1
[provider p]
type = cloudflare
token-file = %(dir)s/token
endpoint = https://127.0.0.1:1/client/v4
[host mail.example.org]
certificate = %(dir)s/cert.pem
private-key = %(dir)s/key.pem
connect = 127.0.0.1
service = 1/tls
"""

failed = 0


def report(good, name, why=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("  " + str(why).strip().replace("\n", "\n  "))
    sys.stdout.flush()


def call(*words, stdout=subprocess.PIPE):
    return subprocess.run([DANEROLL, "status", *words], env={}, stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, timeout=50, text=True)


def parsed(answer):
    """The object of one line; None: it is none."""
    if answer.stdout.count("\n") != 1:
        return None
    try:
        return json.loads(answer.stdout)
    except ValueError:
        return None


def refused(name, words, said):
    answer = call("--json", *words)
    told = parsed(answer)
    good = told is not None and answer.returncode == 2 and set(told) == {"version", "error"} and \
        told["version"] == 1 and told["error"]["exit"] == 2 and \
        any(said in text for text in told["error"]["texts"]) and \
        all("daneroll: %s\n" % text in answer.stderr for text in told["error"]["texts"])
    report(good, "JSON of a fault: " + name, answer)


def test_faults(folder, config):
    bad = os.path.join(folder, "bad.conf")
    with open(bad, "w", encoding="ascii") as file:
        file.write("[host x]\nfoo = \"1\"\n")
    refused("an unknown option", ["--nope"], "unknown option --nope")
    refused("before --json", ["--nope", "--json"], "unknown option --nope")
    refused("no such file", ["--config", folder + "/none"], "/none")
    refused("a bad configuration", ["--config", bad], "bad.conf:2: unknown key 'foo'")
    refused("an unknown host", ["--config", config, "other.example.org"], "other.example.org")
    answer = call("--config", bad)
    report(answer.returncode == 2 and answer.stdout == "", "no JSON where none was asked for", answer)


def test_looks(folder, config):
    for words in ([], ["--offline"]):
        answer = call("--json", "--config", config, *words)
        told = parsed(answer)
        name = "JSON" + ("".join(" " + word for word in words))
        report(told is not None and told["exit"] == answer.returncode == 1 and
               told["offline"] == bool(words) and told["hosts"][0]["name"] == "mail.example.org" and
               told["pairs"][0]["state"] == "blocked" and
               {"unfit-pair"} <= {problem["kind"] for problem in told["problems"]}, name, answer)
        served = told["hosts"][0]["services"][0]["served"] if told else None
        report(served == [] if words else served and served[0]["result"] == "unseen",
               name + ": what was asked", answer)
        answer = call("--config", config, *words)
        report(answer.returncode == 1 and answer.stdout.startswith("host  mail.example.org  blocked\n"),
               "text" + name[4:], answer)
    report(not os.path.exists(os.path.join(folder, "state")), "nothing is written",
           os.listdir(folder))
    with open("/dev/full", "w", encoding="ascii") as full:
        answer = call("--config", config, "--offline", "--json", stdout=full)
    report(answer.returncode == 1 and "cannot be written" in answer.stderr, "a full standard output",
           answer)


def main():
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "daneroll.conf")
        for name, text in (("daneroll.conf", CONFIG % {"dir": folder}), ("token", "t" * 40 + "\n")):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o600)
        test_faults(folder, config)
        test_looks(folder, config)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
