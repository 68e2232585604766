#!/usr/bin/env python3
"""Prints tests/unit/tsig_vectors.h: TSIG records that Python's hmac made (RFC 8945)."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from dnswire import NONE, QR, UPDATE, Key, Message, Rr, update  # noqa: E402

SECRET = b"daneroll-test-secret-0123456789a"
OWNER, RECORD = "_25._tcp.mail.example.org", "3 1 1 " + bytes(range(32)).hex()
TIME = 1700000000
KEYS = {"256": Key("dr.key", "hmac-sha256", SECRET), "384": Key("dr384.key", "hmac-sha384", SECRET),
        "512": Key("dr512.key", "hmac-sha512", SECRET)}


def show(name, data):
    text = "".join("\\x%02x" % octet for octet in data)
    rows = [text[i:i + 88] for i in range(0, len(text), 88)]
    print("#define %s_LENGTH %d" % (name, len(data)))
    print("static const char %s[] =\n    %s;" % (name, "\n    ".join('"%s"' % row for row in rows)))


def main():
    print("/* TSIG vectors, computed by Python (tests/tools/tsig_vectors.py) and not by the code they test. */")
    message = update("example.org", [("add", OWNER, 3600, RECORD)],
                     [Rr(OWNER, "TLSA", NONE)])
    message.id = 0x1234
    plain = message.pack()
    show("PLAIN", plain)
    answer = Message(0x1234, QR | UPDATE << 11, [message.sections[0], [], [], []]).pack()
    show("ANSWER", answer)
    for name, key in KEYS.items():
        signed, mac = key.sign(plain, TIME)
        show("SIGNED" + name, signed)
        show("ANSWERED" + name, key.sign(answer, TIME + 5, mac)[0])
    key, mac = KEYS["256"], KEYS["256"].sign(plain, TIME)[1]
    late = struct.pack(">HI", 0, TIME + 4000)
    show("BADTIME", key.sign(answer[:3] + b"\x09" + answer[4:], TIME, mac, error=18, other=late)[0])
    show("BADKEY", key.sign(answer[:3] + b"\x09" + answer[4:], TIME, mac, error=17, mac=b"")[0])
    show("BADSIG", key.sign(answer[:3] + b"\x09" + answer[4:], TIME, mac, error=16, mac=b"")[0])
    whole = key.sign(answer, TIME, mac)[1]
    show("SHORT", key.sign(answer, TIME, mac, mac=whole[:16])[0])
    show("OTHER_REQUEST", key.sign(answer, TIME, bytes(32))[0])
    show("OTHER_KEY", Key("another.key", "hmac-sha256", SECRET).sign(answer, TIME, mac)[0])
    show("OTHER_SECRET", Key("dr.key", "hmac-sha256", b"x").sign(answer, TIME, mac)[0])
    show("LOOSE", key.sign(answer, TIME, mac, fudge=10)[0])
    # The same with letters in upper case, and with the ID that a forwarder gave it.
    upper = Key("DR.Key", "hmac-sha256", SECRET).sign(answer, TIME, mac)[0]
    show("UPPER", upper)
    show("FORWARDED", b"\x77\x77" + key.sign(answer, TIME, mac)[0][2:])


if __name__ == "__main__":
    main()
