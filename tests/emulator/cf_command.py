"""The command line of the emulator."""

import argparse
import os
import signal

import cf_faults
from cf_auth import Token
from cf_control import Control
from cf_shape import SHAPES
from cf_store import Zone


def pairs(parts, lists=()):
    values = {}
    for part in parts:
        name, separator, value = part.partition("=")
        if not separator:
            raise ValueError("%r is not KEY=VALUE" % part)
        values[name] = value.split("+") if name in lists else cf_faults.plain_value(value)
    return values


def zone(text):
    first, *rest = text.split(",")
    name, _, id = first.partition("=")
    return Zone(name, id or None, **pairs(rest))


def token(text):
    secret, *rest = text.split(",")
    return Token(secret, **pairs(rest, ("permissions", "zones", "addresses")))


def rate(text):
    if text == "none":
        return None
    most, window, block = text.split("/")
    return int(most), float(window), float(block)


def write_port(path, port):
    if path:
        with open(path + ".new", "w", encoding="ascii") as out:
            out.write("%d\n" % port)
        os.replace(path + ".new", path)


def arguments():
    parser = argparse.ArgumentParser(prog="cloudflare.py", description="An emulator of Cloudflare's "
                                     "API v4: see README.md beside this file.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--bind", action="append")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--zone", action="append", type=zone)
    parser.add_argument("--token", action="append", type=token, default=[])
    parser.add_argument("--token-file", action="append", default=[])
    parser.add_argument("--min-ttl", type=int, default=60)
    parser.add_argument("--generate", type=int, default=0, metavar="N")
    parser.add_argument("--state")
    parser.add_argument("--audit")
    parser.add_argument("--fault", action="append", type=cf_faults.parse, default=[])
    parser.add_argument("--shape", action="append", choices=sorted(SHAPES), default=[])
    parser.add_argument("--lenient", action="store_true")
    parser.add_argument("--rate-limit", type=rate, default=(1200, 300, 300))
    parser.add_argument("--framing", choices=("chunked", "length"), default="chunked")
    parser.add_argument("--add", action="append", default=[], metavar="'NAME TTL TYPE CONTENT'")
    parser.add_argument("--control-port", type=int)
    parser.add_argument("--control-port-file")
    return parser.parse_args()


def main():
    from cloudflare import Cloudflare

    options = arguments()
    tokens = list(options.token)
    for path in options.token_file:
        with open(path, encoding="ascii") as source:
            tokens.append(Token(source.read().strip()))
    # Before any thread starts, so that only sigwait gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    emulator = Cloudflare(
        tls=(options.tls_cert, options.tls_key) if options.tls_cert else None,
        zones=options.zone, tokens=tokens or None, min_ttl=options.min_ttl,
        bind=options.bind or ("127.0.0.1",), port=options.port, generate=options.generate,
        shapes=options.shape, strict=not options.lenient, rate_limit=options.rate_limit,
        framing=options.framing, audit_file=options.audit, state_file=options.state)
    for line in options.add:
        name, ttl, type, content = line.split(None, 3)
        emulator.add_record(type, name, content, int(ttl))
    for fault in options.fault:
        emulator.fault(fault)
    emulator.start()
    control = None
    if options.control_port is not None or options.control_port_file:
        control = Control(emulator, options.control_port or 0)
        write_port(options.control_port_file, control.port)
    write_port(options.port_file, emulator.port)
    print(emulator.url, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    if control is not None:
        control.stop()
    emulator.stop()
    return 0
