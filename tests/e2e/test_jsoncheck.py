#!/usr/bin/env python3
"""VARIANT: target. What build/jsoncheck accepts (exit 0) and rejects (exit 1) as JSON (RFC 8259).

The program is $JSONCHECK, or $BUILD/jsoncheck. Each document is given whole by a pipe; those that are
accepted are given once more octet by octet, with every proper beginning of some of them. Where the
standard leaves the choice to the reader, this is ours: an escaped surrogate without its other half,
octets that are no UTF-8 and a byte order mark are rejected, numbers of any size and 512 levels of
nesting are accepted.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

BUILD = os.environ.get("BUILD") or "build"
PROGRAM = os.environ.get("JSONCHECK") or os.path.join(BUILD, "jsoncheck")
DEPTH = 512  # JSON_DEPTH_MOST


def octets(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def nested(opening, closing, levels, inner=""):
    return opening * levels + inner + closing * levels


ACCEPTED = {
    "values at the top": [
        "true", "false", "null", "0", "-1", "42", "1.5", '""', '"asd"', '" "', "[]", "{}",
    ],
    "white space": [
        " [] ", "[]\n", "\n\r\t []\t\r\n", "[ ]", "{ }", "[\t1\n,\r2 ]", ' { "a" : 1 , "b" : 2 } ',
        " 1 ", "\ttrue\n", '["a",\n4\n]', "\n" * 3000 + "1" + " " * 3000,
    ],
    "arrays": [
        "[[]   ]", '[""]', "[[]]", '["a"]', "[false]", '[null, 1, "1", {}]', "[null]", "[1\n]", " [1]",
        "[1,null,null,null,2]", "[2] ", "[[1,2],[3,[4]],[]]", "[" + "0," * 50000 + "0]",
    ],
    "objects": [
        '{"a":"b","c":"d"}', '{"a":"b"}', '{"a":"b","a":"c"}', '{"a":"b","a":"b"}', '{"":0}',
        '{"a\\u0000b": 42}', '{"min": -1.0e+28, "max": 1.0e+28}', '{"a":[]}', '{"a":{"a":{"a":{}}}}',
        '{"x":[{"id":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}], "id":"xxxxxxxxxxxxxxxxxxxx"}',
        '{"title":"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430"}', '{\n"a": "b"\n}', '{"a":null}',
        "{" + ",".join('"%d":%d' % (i, i) for i in range(5000)) + "}",
        '{"' + "n" * 100000 + '":1}',
    ],
    "numbers": [
        "[123e65]", "[0e+1]", "[0e1]", "[ 4]", "[-0." + "0" * 77 + "1]", "[20e1]", "[-0]", "[-0.0]", "[-0e0]",
        "[-123]", "[-1]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]", "[1e+2]",
        "[123]", "[123.456789]", "[0]", "[0.5]", "[0e5]", "[0E-0]", "[1e00]", "[1e0001]", "[1.0]", "[10.010]",
        "[1234567890]", "[" + "9" * 100000 + "]", "[0." + "1" * 100000 + "]",
    ],
    "numbers beyond any machine's": [
        "[123.456e-789]", "[0.4e00669999999999999999999999999999999999999999999999999999999969999999006]",
        "[-1e+9999]", "[1.5e+9999]", "[-123123e100000]", "[123123e100000]", "[123e-10000000]",
        "[-123123123123123123123123123123]", "[100000000000000000000]", "[-237462374673276894279832749832]",
        "[1e" + "9" * 20000 + "]",
    ],
    "strings": [
        '["\\u0060\\u012a\\u12AB"]', '["\\uD801\\udc37"]', '["\\ud83d\\ude39\\ud83d\\udc8d"]',
        '["\\"\\\\\\/\\b\\f\\n\\r\\t"]', '["\\\\u0000"]', '["\\""]', '["a/*b*/c/*d//e"]', '["\\\\a"]', '["\\\\n"]',
        '["\\u0012"]', '["\\uFFFF"]', '["asd"]', '[ "asd"]', '["\\uDBFF\\uDFFF"]', '["new\\u00A0line"]',
        '["\U0010ffff"]', '["\uffff"]', '["\\u0000"]', '["\\u002c"]', '["\u03c0"]', '["\U0001bfff"]', '["asd "]',
        '" "', '["\\uD834\\uDd1e"]', '["\\u0821"]', '["\\u0123"]', '["\u2028"]', '["\u2029"]',
        '["\\u0061\\u30af\\u30EA\\u30b9"]', '["new\\u000Aline"]', '["\x7f"]', '["\\uA66D"]', '["\\u005C"]',
        '["\u2342\u3648\u6fdf"]', '["\\u200B"]', '["\\u2064"]', '["\\uDBFF\\uDFFE"]', '["\\uD83F\\uDFFE"]',
        '["\\uFDD0"]', '["\\uFFFE"]', '["\\u0022"]', '["\u20ac\U0001d11e"]', '["a\x7fa"]', '["\\ud800\\udc00"]',
        '["\\uD7ff\\uE000"]', '["\u0080\u07ff\u0800\ud7ff\ue000\U00010000"]', '["' + "x" * 1000000 + '"]',
        '["' + "\\ud834\\udd1e" * 3000 + '"]', '["' + "\U0001d11e" * 3000 + '"]', "[\"'\"]", '["\\u000b\\u001f"]',
    ],
    "nesting": [
        nested("[", "]", 500), nested("[", "]", DEPTH), nested('{"a":', "}", 500, "null"),
        nested('{"a":', "}", DEPTH, "0"), nested('[{"":', "}]", DEPTH // 2, "0"), "[" + "[]," * 20000 + "[]]",
        "[" + nested("[", "]", DEPTH - 1) + "," + nested("[", "]", DEPTH - 1) + "]",
    ],
}

REJECTED = {
    "nothing": ["", " ", "\n\t\r "],
    "marks and other encodings": [
        b"\xef\xbb\xbf{}", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef\xbb{}", b"\xfe\xff\x00[\x00]", b"\xff\xfe[\x00]\x00",
        b"\x00[\x00]", b"[\x00]\x00", b"\x00\x00\x00[\x00\x00\x00]", b"\x00[\x00\"\x00\xe9\x00\"\x00]",
    ],
    "NUL and other octets outside of strings": [
        b"\x00", b"[]\x00", b"[\x00]", b"123\x00", b"\x001", b"[1,\x002]", b"{\"a\":\x001}", b"\x0c[]", b"[\x0b]", b"[\x0c1]",
        b"[\x85]", b"[\xa0]", b"[\xc2\xa0]", b"[\xe2\x80\xa8]", b"[\xe2\x81\xa0]", b"\xe2\x81\xa0", b"[\xff]", b"\xe5",
        b"\xc3\xa5", b"[\xc3\xa5]", b"\x1e[]", b"\x7f", b"[1\x0c]",
    ],
    "words": [
        "nul", "nulll", "nullx", "[nul]", "tru", "[tru]", "fals", "[fals]", "True", "TRUE", "[True]", "Null", "FALSE", "nil",
        "undefined", "[nan]", "NaN", "[NaN]", "[-NaN]", "Infinity", "[Infinity]", "[-Infinity]", "[+Inf]", "[Inf]", "yes",
        "truefalse", "true false", "truE", "n", "t", "f", "<null>", "*", "<.>", "asd", "[a", "[asd]", "abc",
    ],
    "arrays": [
        "[", "]", "[1", "[1,", "[,]", "[,1]", "[1,]", "[1,,]", "[1,,2]", "[,,]", "[\"\",]", "[\"a\",,\"b\"]", "[1 true]", "[1 2]",
        "[\"a\" \"b\"]", "[\"\": 1]", "[1:2]", "[\"\"],", "[\"x\"]]", "[]]", "[1]x", "[1}", "[}", "[1;2]", "[   , \"\"]",
        "[3[4]]", "[1\n1]", "[1,\n1\n,1", "[\"a\",\n4\n,1,", "[\"a", "[*]", "[{}", "[[", "[][]", "[] 1", "[]{}", "[1],[2]",
        "[\"\x0ba\"\\f]", "(1)", "1]", "1,2", "[1]]]", "[\\n]", "[#]", "[1", "[{\"a\":1}", "[\\u000A\"\"]",
    ],
    "objects": [
        "{", "}", "{]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{,\"a\":1}", "{\"a\":1,,\"b\":2}",
        "{\"a\" 1}", "{\"a\",1}", "{\"a\"}", "{\"a\"::1}", "{\"a\":}", "{\"a\":1:2}", "{\"a\":1 2}", "{\"a\":1 \"b\":2}",
        "{\"a\":\"b\",,\"c\":\"d\"}", "{a:1}", "{'a':1}", "{'a':0}", "{1:1}", "{1}", "{null:null}", "{true:1}", "{[]:1}", "{{}:1}",
        "{\"a\":\"a\" 123}", "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}#", "{\"a\":\"b\"}/**//", "{\"a\":\"b\"}//", "{\"a\":\"b\"}/",
        "{\"a\":/*x*/\"b\"}", "{\"a\":\"b\"}}", "{\"a\":1}]", "{}}", "{} {}", "{},", "{\"a\":true} \"x\"", "{\"id\":0,,,,,}",
        "{\"x\"::\"b\"}", "{\"x\", null}", "{\"x\":'1'}", "{\"a", "{\"a\": b}", "{9999E9999:1}", "{:1}", "{\"\":}",
        "{\"a\":\"a", "{key: 'value'}", "{\"a\" b}", "{\"asd\":\"asd\"", "{ \"foo\" : \"bar\", \"a\" }", "{\"a\":1;\"b\":2}",
        "{\"a\"=1}", "{\"a\"=>1}", "{\"\\uDFAA\":0}", b"{\"\xff\":0}", b"{\"\xb9\":\"0\",}",
    ],
    "numbers": [
        "[-]", "-", "[+1]", "+1", "[++1234]", "[+0]", "[-01]", "[-012]", "[012]", "01", "00", "[00]", "[-00]", "[0_1]", "[1_000]",
        "[1,000.0.1]", "[.]", "[.5]", "[-.5]", "[.123]", "[.-1]", "[+.1]", "[.2e-3]", "[0.]", "[1.]", "[-1.]", "[2.]", "[0.e1]",
        "[2.e3]", "[2.e-3]", "[2.e+3]", "[0e]", "[0E]", "[0e+]", "[0E+]", "[0.3e]", "[0.3e+]", "[1.0e]", "[1.0e-]", "[1.0e+]",
        "[1eE2]", "[1ea]", "[1e1.5]", "[1e--1]", "[1e+-1]", "[9.e+]", "[-1.0.]", "[0.1.2]", "[1.2.3]", "[1 000.0]", "[1 .5]",
        "[1. 5]", "[1e 5]", "[- 1]", "[-  123]", "[--2.]", "[-2.]", "[-foo]", "[-a]", "[-1x]", "[1a]", "[1.2a-3]", "[1.8011670033376514H-308]",
        "[0x1]", "[0x42]", "[-0x1]", "[0b1]", "[0o7]", "[1L]", "[1.5f]", "[1+2]", "[1-2]", "[1/2]", "[0e+-1]", "[-1e]", "1e", "1.",
        "[1e1e1]", "[123.a]", "[1\u00b9]", b"[123\xe5]", b"[1e1\xe5]", b"[0\xe5]", b"[-123.123foo]", "[\uff11]", "[\u0661]", "0e", "0.",
        "[.e1]", "[e1]", "[E]",
    ],
    "strings": [
        '"', '["', '["asd]', '"asd', '"\\', '"\\"', '["\\"]', '["\\\\\\"]', '["\\', '["\\u', '["\\u1', '["\\u12', '["\\u123', '["\\u1234',
        "['a']", "'a'", "['single quote']", "[\u201ca\u201d]", "[`a`]", '["\\x00"]', '["\\a"]', '["\\v"]', '["\\0"]', '["\\\'"]', '["\\ "]',
        '["\\e"]', '["\\N"]', '["\\B"]', '["\\U0041"]', '["\\u{41}"]', '["\\u00A"]', '["\\u00g1"]', '["\\u 123"]', '["\\u+123"]', '["\\u12-4"]', '["\\uqqqq"]',
        '["\\u00"]', '["\\u"]', '["\\U00000041"]', '["\\\t"]', '["\\\n"]', '["\\\u00e9"]', '["\\\U0001f300"]', b'["\\\xe5"]', b'["\\u\xe5"]', '[\\"a"]',
        '["a\nb"]', '["\t"]', '["\r"]', '["new\nline"]', b'["a\x00a"]', b'["\\\x00"]', b'["\\u00\x0041"]', '["a" + "b"]', '""x', '"a" "b"', '"" ""',
        '"\\"', "abc\"", "\\u0020\"asd\"", "[\\u0020\"asd\"]", '"a\x1fb"', '["" ""]', '[" \\']
        + [b'["' + bytes([c]) + b'"]' for c in range(0x20)],
    "surrogates": [
        '["\\uD800"]', '["\\uDFFF"]', '["\\uDADA"]', '["\\uD888\\u1234"]', '["\\uD800\\n"]', '["\\uDd1ea"]', '["\\uD800\\uD800\\n"]',
        '["\\ud800"]', '["\\ud800abc"]', '["\\uDd1e\\uD834"]', '["\\uDFAA"]', '["\\uD800\\"]', '["\\uD800\\u"]', '["\\uD800\\u1"]',
        '["\\uD800\\u1x"]', '["\\uD800\\uDC0"]', '["\\uD800u1234"]', '["\\uDBFF\\uE000"]', '["\\uDBFF\\uDBFF\\uDFFF"]', '["\\uD834\\uDD1E\\uDD1E"]',
        '["\\uD800\\\\uDC00"]', '["\\uD800 \\uDC00"]',
    ],
    "octets that are no UTF-8": [
        b'["\x80"]', b'["\x81"]', b'["\xbf"]', b'["\xff"]', b'["\xfe"]', b'["\xe9"]', b'["\xe0\xff"]', b'["\xe6\x97\xa5\xd1\x88\xfa"]', b'["\xc0\xaf"]',
        b'["\xc0\x80"]', b'["\xc1\xbf"]', b'["\xe0\x80\xaf"]', b'["\xe0\x9f\xbf"]', b'["\xf0\x80\x80\xaf"]', b'["\xf0\x8f\xbf\xbf"]',
        b'["\xf8\x87\xbf\xbf\xbf"]', b'["\xfc\x83\xbf\xbf\xbf\xbf"]', b'["\xfc\x80\x80\x80\x80\x80"]', b'["\xed\xa0\x80"]', b'["\xed\xad\xbf"]',
        b'["\xed\xbf\xbf"]', b'["\xed\xa0\x81\xed\xb0\xb7"]', b'["\xf4\x90\x80\x80"]', b'["\xf4\xbf\xbf\xbf"]', b'["\xf5\x80\x80\x80"]', b'["\xc3"]',
        b'["\xc3\xc3"]', b'["\xc3A"]', b'["\xe2\x82"]', b'["\xe2\x82A"]', b'["\xe2"]', b'["\xf0\x9d\x84"]', b'["\xf0\x9d"]', b'["\xf0"]', b'["\xf0\x9d\x84A"]',
        b'["\xe2\x82\xac\x80"]', b'["\xc2\x80\x80"]', b'"\xc3', b'"\xe2\x82', b'"\xf0\x9d\x84',
    ],
    "more than one value": [
        "1 2", "1 1", "{}{}", "[][]", "null null", "true,", "1,", "1]", "1}", '"a":1', "[1]a", "[1] [2]", "{}x", "{} x", "2@", "{}}", "1 //", "[],",
    ],
    "comments and other dialects": [
        "// x\n1", "1 // x", "/* x */1", "[1 /* x */]", "[1] # x", "# x\n1", "/", "//", "[/**/]", "{/**/}", "<!-- x -->", "---\n- 1", "a = 1",
        "callback({})", ";1", "1;", "{\"a\":1,\n// x\n\"b\":2}",
    ],
    "nesting": [
        nested("[", "]", DEPTH + 1), nested('{"a":', "}", DEPTH + 1, "0"), "[" * 100000, nested("[", "]", 100000), '[{"":' * 50000 + "\n",
        '{"a":' * 100000, "[" * DEPTH, "[" * 500 + "]" * 499, "[" * 500 + "]" * 501, "[" * 500 + "}" * 500, nested('{"a":[', "]}", 100, "}"),
        "[" * 10 + "{" + "]" * 10,
    ],
}


def exit_code(document):
    return subprocess.run([PROGRAM], input=document, stdout=subprocess.DEVNULL, timeout=60).returncode


def exit_code_by_octets(document):
    """The same through a pipe that never holds more than one octet that was not read."""
    reader, writer = os.pipe()
    child = subprocess.Popen([PROGRAM], stdin=reader, stdout=subprocess.DEVNULL)
    os.close(reader)
    try:
        for i in range(len(document)):
            os.write(writer, document[i:i + 1])
    except BrokenPipeError:
        pass
    os.close(writer)
    return child.wait(60)


# Beginnings of these, all but the whole, are no JSON.
WHOLES = [
    '{"result":[{"id":"4299","data":{"certificate":"AA","usage":3.0,"x":[true,false,null]}}],"n":-1.5e+3}',
    '["\\"\\u00e9\\ud834\\udd1e\u00e9\u20ac\U0001d11e"]',
    '"\\\\"',
]


def cases():
    for wanted, groups in ((0, ACCEPTED), (1, REJECTED)):
        word = "rejected" if wanted else "accepted"
        for group, documents in groups.items():
            for number, document in enumerate(documents, 1):
                document = octets(document)
                name = "%s: %s %d: %s" % (word, group, number, ascii(document[:40])[1:].replace("#", "(hash)"))
                yield name, exit_code, document, wanted
                if len(document) <= 1000:
                    yield name + ", by octets", exit_code_by_octets, document, wanted
    for number, whole in enumerate(octets(w) for w in WHOLES):
        yield "whole %d" % number, exit_code, whole, 0
        for length in range(len(whole)):
            yield "whole %d cut at %d" % (number, length), exit_code, whole[:length], 1


def run(case):
    name, function, document, wanted = case
    try:
        got = function(document)
    except (OSError, subprocess.TimeoutExpired) as error:
        return name, str(error)
    return name, None if got == wanted else "exit %d, wanted %d" % (got, wanted)


def unreadable_input():
    """Standard input that cannot be read is neither accepted nor rejected."""
    directory = os.open("/", os.O_RDONLY)
    got = subprocess.run([PROGRAM], stdin=directory, timeout=60).returncode
    os.close(directory)
    return "unreadable standard input", None if got == 2 else "exit %d, wanted 2" % got


def main():
    failed = 0
    with ThreadPoolExecutor(4) as pool:
        for name, fault in [*pool.map(run, cases()), unreadable_input()]:
            failed += fault is not None
            print("ok %s" % name if fault is None else "not ok %s\n# %s" % (name, fault))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
