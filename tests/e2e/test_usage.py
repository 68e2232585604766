#!/usr/bin/env python3
"""What the program says to its caller: help, versions, exit codes, faults of the call and of the
configuration with file and line, and which of option, variable, file and default counts.

TIMEOUT: 120. QEMU: too
"""

import os
import subprocess
import sys
import tempfile

DANEROLL = os.environ["DANEROLL"]
VARIANT = os.environ.get("VARIANT") or "target"
USAGE = 2
# Nothing listens there: should a run get that far, it does not leave this machine.
NOWHERE = "https://127.0.0.1:1/client/v4"

failed = 0


def report(good, name, why=""):
    global failed
    print("%sok - %s" % ("" if good else "not ", name))
    if not good:
        failed += 1
        print("  " + str(why).strip().replace("\n", "\n  "))
    sys.stdout.flush()


def call(*words, env=None, **more):
    """Runs the program with nothing but ENV in its environment."""
    return subprocess.run([DANEROLL, *words], env=env or {}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, text=True,
                          errors="replace", **more)


def told(answer):
    return "exit %d\nstdout: %s\nstderr: %s" % (answer.returncode, answer.stdout, answer.stderr)


def refused(name, words, said, env=None, whole=False):
    """Exit 2, nothing on standard output, and each of SAID on standard error."""
    answer = call(*words, env=env)
    said = [said] if isinstance(said, str) else said
    good = answer.returncode == USAGE and answer.stdout == ""
    good = good and all(text in answer.stderr for text in said)
    if whole:
        good = good and len(answer.stderr.splitlines()) == len(said)
    report(good, name, told(answer) + "\nexpected: " + "\n".join(said))
    return answer


def test_help():
    answer = call("--help")
    verbs = [line.split()[0] for line in answer.stdout.splitlines() if line.startswith("  ")]
    report(answer.returncode == 0 and answer.stderr == "" and {"run", "status", "digest", "version"} <= set(verbs),
           "--help lists the verbs", told(answer))
    for verb in verbs:
        answer = call(verb, "--help")
        lines = answer.stdout.splitlines()
        report(answer.returncode == 0 and answer.stderr == "" and lines and
               lines[0].startswith("daneroll " + verb) and "Options:" in lines,
               "%s --help" % verb, told(answer))
        report(all(len(line) <= 80 for line in lines), "%s --help fits 80 columns" % verb,
               "\n".join(line for line in lines if len(line) > 80))
    answer = call("run", "--help")
    for word in ("--config FILE", "--host NAME", "--service", "--certificate FILE", "--reload COMMAND",
                 "--token-file FILE", "DANEROLL_TOKEN ", "--retire-wait TIME", "(default 1h)",
                 "--install FILE", "--propagation WORD"):
        report(word in answer.stdout, "run --help says %s" % word, answer.stdout)
    report("--token " not in answer.stdout, "run --help has no option for the secret", answer.stdout)
    answer = call("run", "--help", "--no-such-option")
    report(answer.returncode == 0, "--help counts whatever stands beside it", told(answer))


def test_version():
    first, second = call("version"), call("--version")
    report(first.returncode == 0 and first.stdout.startswith("daneroll ") and
           len(first.stdout.split()) == 2 and first.stdout == second.stdout, "version and --version",
           told(first) + told(second))
    with open("/dev/full", "w") as full:
        answer = subprocess.run([DANEROLL, "version"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    report(answer.returncode == 1, "a full disk behind standard output is exit 1", answer)


def test_call():
    refused("no verb", [], "a verb is missing; see daneroll --help", whole=True)
    refused("an unknown verb", ["rnu"], "unknown verb 'rnu'; did you mean 'run'?", whole=True)
    for verb in ("check", "tlsrpt", "doctor", "init"):
        refused("%s is not yet" % verb, [verb], "'%s' is not yet supported" % verb, whole=True)
    refused("an option before the verb", ["--wait", "run"], "options come after the verb", whole=True)
    refused("an unknown option with the nearest", ["run", "--wiat"],
            "unknown option --wiat; did you mean --wait?", whole=True)
    refused("an unknown option far from all", ["run", "--qqqqqqqqqq"],
            "unknown option --qqqqqqqqqq; see daneroll run --help", whole=True)
    refused("a short option", ["run", "-v"], "unknown option -v; options are long", whole=True)
    refused("all faults of the call at once", ["run", "--wiat", "--verbos", "-q", "--host"],
            ["--wiat", "--verbos", "-q", "option --host: needs a value"], whole=True)
    refused("an argument too many", ["version", "x"], "version: 'x' is one argument too many", whole=True)
    refused("an argument is missing", ["digest"], "digest: FILE... is missing", whole=True)
    refused("a bad value of a verb's own option", ["digest", "--usage=7", "x"],
            "option --usage: not a whole number from 0 to 3", whole=True)
    refused("neither yes nor no", ["run", "--wait=maybe"], "option --wait: neither yes nor no", whole=True)
    refused("too many options", ["run"] + ["--wait"] * 70, "more than 64 options")
    answer = refused("a mistyped secret is not repeated", ["run", "--tokn=verysecret"], "--tokn")
    report("verysecret" not in answer.stdout + answer.stderr, "nor its value", told(answer))
    for words in (["run", "--token", "verysecret"], ["run", "--token=verysecret"]):
        answer = refused("a secret as an option: " + words[1][:7], words,
                         "option --token: a secret is never an option")
        report("verysecret" not in answer.stdout + answer.stderr, "it is not repeated", told(answer))


def test_configuration(folder):
    path = os.path.join(folder, "daneroll.conf")

    def write(text, mode=0o600):
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    if not os.path.exists("/etc/daneroll/daneroll.conf") and not os.path.exists("/etc/config/daneroll"):
        refused("no configuration at all", ["run"],
                ["none found: write /etc/daneroll/daneroll.conf", "--host NAME"])
    refused("a file that is not there", ["run", "--config", folder + "/none"],
            folder + "/none: No such file or directory")
    refused("--host beside --config", ["run", "--host", "a.example.org", "--config", path],
            "option --host: with it no file is read")
    write("[daneroll]\nstaet = /x\n[provider cf]\ntype = cloudflare\n[hots a]\n"
          "[host a.example.org]\ncertificate = /x\nttl = none\n")
    refused("all faults with file and line, and their number", ["run", "--config", path],
            [path + ":2: unknown key 'staet'; the nearest known is 'state'",
             path + ":5: unknown section 'hots'; the nearest known is 'host'",
             path + ":8: 'ttl = none': not a whole number",
             "3 faults in the configuration: nothing was done"], whole=True)
    base = "[provider cf]\ntype = cloudflare\n[host a.example.org]\ncertificate = /x\n"
    write("[daneroll]\nenabled = perhaps\n" + base)
    refused("enabled is yes or no", ["run", "--config", path],
            [path + ":2: 'enabled = perhaps': neither yes nor no", "1 fault in"], whole=True)
    for line, said in (("leave = /x", "neither yes nor no"),
                       ("shared = /x", "neither yes nor no"),
                       ("propagation = /x", "not one of: all resolver time"),
                       ("install-mode = 0604", "a mode such as 0600 or 0640"),
                       ("install-mode = 0066", "a mode such as 0600 or 0640"),
                       ("renew-before = 400d", "")):
        write(base + line + "\n")
        refused("a bad value: " + line, ["run", "--config", path],
                ["%s:5: '%s': %s" % (path, line, said), "1 fault in"], whole=True)
    write(base + "install = /x\n")
    refused("install without private-key", ["run", "--config", path],
            [path + ":3: 'install' needs 'private-key' beside 'certificate'", "1 fault in"], whole=True)
    write(base + "record = 2 1 1\n")
    refused("a record of an issuer alone", ["run", "--config", path], "give 3 1 1 beside it")
    write(base + "record = 3 1 1\nrecord = 2 0 1\n")
    refused("a record of an issuer's certificate", ["run", "--config", path], "use 2 1 1")
    write(base + "record = 1 1 1\n")
    refused("usage 1 is refused for good", ["run", "--config", path], "RFC 7672 section 3.1.3")
    write("[provider x]\ntype = rfc2137\n[host a.example.org]\ncertificate = /x\n")
    refused("an unknown provider type", ["run", "--config", path],
            "unknown provider type 'rfc2137'; the nearest known is 'rfc2136'")
    write("config daneroll 'global'\n\toption staet '/x'\n\toption enabled 'x'\nconfig hots\n"
          "config provider 'cf'\n\toption type cloudflare\n\toption token-file '/x'\n"
          "config host\n\toption name 'a.example.org\n\toption certificate '/x'\n")
    refused("all faults of a UCI file, in its spelling", ["run", "--config", path],
            [path + ":2: unknown key 'staet'; the nearest known is 'state'",
             path + ":3: 'enabled = x': neither yes nor no",
             path + ":4: unknown section 'hots'; the nearest known is 'host'",
             path + ":7: unknown key 'token-file'; the nearest known is 'token_file'",
             path + ":8: needs a name of at most 40 characters: config host 'mail'",
             path + ":9: a quote or a backslash without its end in this line",
             "6 faults in the configuration: nothing was done"], whole=True)
    write("config provider\n\toption type cloudflare\n\toption token verysecret\nconfig host\n"
          "\toption name a.example.org\n\toption certificate '/x'\n", 0o644)
    answer = refused("a secret in a UCI file that others can read", ["run", "--config", path],
                     path + ":3: a file with a 'token' that others than its owner can read")
    report("verysecret" not in answer.stderr, "it is not repeated", told(answer))
    write("[provider cf]\ntype = cloudflare\ntoken = verysecret\n[host a.example.org]\ncertificate = /x\n",
          0o644)
    answer = refused("a secret in a file that others can read", ["run", "--config", path],
                     path + ":3: a file with a 'token' that others than its owner can read")
    report("verysecret" not in answer.stderr, "it is not repeated", told(answer))
    refused("an unknown variable", ["run", "--host", "a.example.org"],
            "variable DANEROLL_TOKNE: unknown; the nearest known is DANEROLL_TOKEN",
            env={"DANEROLL_TOKNE": "verysecret"})
    refused("a host's option beside a file", ["run", "--config", path, "--service", "smtp"],
            "option --service: needs --host NAME")


def shown(answer):
    """The lines of the effective configuration: {'[host x] ttl': ('60', 'option --ttl')}."""
    lines = {}
    for line in (answer.stdout + answer.stderr).splitlines():
        line = line[len("daneroll: "):] if line.startswith("daneroll: ") else line
        if line.startswith("[") and " = " in line and line.endswith(")"):
            name, rest = line.split(" = ", 1)
            value, where = rest.rsplit("  (", 1)
            lines[name] = (value, where[:-1])
    return lines


def effective(name, words, expected, env=None):
    answer = call("run", "--dry-run", "--verbose", *words, env=env)
    lines = shown(answer)
    wrong = {key: lines.get(key) for key in expected if lines.get(key) != expected[key]}
    report(answer.returncode != USAGE and not wrong, name,
           told(answer) + "\nwrong: %r\nexpected: %r" % (wrong, expected))
    secret = "verysecret" in answer.stdout + answer.stderr
    report(not secret, name + ", no secret shown", told(answer))


def test_effective(folder):
    path, state = os.path.join(folder, "daneroll.conf"), os.path.join(folder, "state")
    missing = os.path.join(folder, "none.crt")
    with open(path, "w") as file:
        file.write("[daneroll]\nstate = %s\nretire-wait = 10m\n[provider cf]\ntype = cloudflare\n"
                   "token = verysecret\nendpoint = %s\n[host a.example.org]\ncertificate = %s\n"
                   "ttl = 60\n" % (state, NOWHERE, missing))
    os.chmod(path, 0o600)
    wait = "[host a.example.org] retire-wait"
    effective("the file beats the default", ["--config", path],
              {wait: ("10m", path + ":3"), "[host a.example.org] ttl": ("60", path + ":10"),
               "[host a.example.org] wait-floor": ("900", "default"),
               "[provider cf] token": ("(set)", path + ":6")})
    effective("a variable beats the file", [], {wait: ("20m", "variable DANEROLL_RETIRE_WAIT")},
              env={"DANEROLL_RETIRE_WAIT": "20m", "DANEROLL_CONFIG": path})
    effective("an option beats the variable", ["--config", path, "--retire-wait=30m"],
              {wait: ("30m", "option --retire-wait")}, env={"DANEROLL_RETIRE_WAIT": "20m"})
    effective("a provider's variable beside a file", ["--config=" + path],
              {"[provider cf] token": ("(set)", "variable DANEROLL_TOKEN")},
              env={"DANEROLL_TOKEN": "verysecret2"})
    effective("no file at all", ["--host", "a.example.org", "--provider", "cloudflare", "--state", state,
                                 "--endpoint", NOWHERE, "--certificate", missing, "--adopt",
                                 "--service", "smtp imaps", "--service", "8443/tls"],
              {"[provider cloudflare] token": ("(set)", "variable DANEROLL_TOKEN"),
               "[provider cloudflare] type": ("cloudflare", "option --provider"),
               "[host a.example.org] service": ("8443/tls", "option --service"),
               "[host a.example.org] adopt": ("yes", "option --adopt"),
               "[host a.example.org] certificate": (missing, "option --certificate"),
               "[host a.example.org] ttl": ("120", "variable DANEROLL_TTL")},
              env={"DANEROLL_TOKEN": "verysecret", "DANEROLL_TTL": "120"})
    report(not os.path.exists(state), "a dry run makes no state folder", os.listdir(folder))


def test_standard_streams():
    """With closed standard streams nothing that is opened becomes one."""
    answer = subprocess.run(["sh", "-c", '"$0" version >&- 2>&- <&-; echo $?', DANEROLL],
                            stdout=subprocess.PIPE, timeout=60, text=True)
    report(answer.stdout in ("0\n", "1\n"), "closed standard streams", answer)


def test_set_user_id(folder):
    if os.geteuid() != 0:
        print("ok - a set-user-id copy refuses to run # SKIP needs root")
        return
    if VARIANT == "qemu":
        print("ok - a set-user-id copy refuses to run # SKIP qemu-user is started by a script, whose bit means nothing")
        return
    copy = os.path.join(folder, "suid")
    with open(DANEROLL, "rb") as source, open(copy, "wb") as target:
        target.write(source.read())
    os.chmod(folder, 0o755)
    os.chmod(copy, 0o4755)
    answer = subprocess.run([copy, "version"], user=65534, group=65534, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=60, text=True,
                            env={"ASAN_OPTIONS": "detect_leaks=0"})
    report(answer.returncode == USAGE and answer.stdout == "" and "set-user-id" in answer.stderr,
           "a set-user-id copy refuses to run", told(answer))


def main():
    test_help()
    test_version()
    test_call()
    test_standard_streams()
    with tempfile.TemporaryDirectory(prefix="daneroll-usage-") as folder:
        test_configuration(folder)
        test_effective(folder)
        test_set_user_id(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
