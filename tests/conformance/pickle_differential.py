#!/usr/bin/env python3
r"""The pickle machine against CPython: the same opcodes, the same answer (or refusal), or an oddity that says that loaders disagree.

    tests/conformance/pickle_differential.py BUILD/pickle_text [--streams 200000] [--seed 1] [CORPUS...]

Generated streams are read by pickletools, by C's Unpickler, by pickle.py's and by decant. Theirs make inert objects: find_class gives a class
that only remembers, so nothing is imported. A CORPUS (a folder or a .tar.gz, of other people's files) is shown to pickletools only.
"""
import argparse
import collections
import io
import itertools
import pathlib
import pickle
import pickletools
import random
import resource
import struct
import subprocess
import sys
import tarfile

import _pickle

MOST_TEXT = 4096
UNKNOWN = -1  # where a pickle ends, when pickletools does not get there


class Inert:
    """What a global or a persistent id stands for: it remembers what is done to it, and does nothing."""

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self.made = (cls, args, kwargs)
        self.states, self.appended, self.entries = [], [], []
        return self

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        out = Inert.__new__(Result)
        out.made = (self, args, kwargs)
        return out

    def __setstate__(self, state):
        self.states.append(state)

    def append(self, value):
        self.appended.append(value)

    def extend(self, values):
        self.appended.extend(values)

    def add(self, value):
        self.appended.append(value)

    def __setitem__(self, key, value):
        self.entries += [key, value]


class Result(Inert):
    pass


class Persistent(Inert):
    pass


CLASSES = {}


def find_class(module, name):
    if (module, name) not in CLASSES:
        CLASSES[module, name] = type("Inert", (Inert,), {"of": (module, name)})
    return CLASSES[module, name]


def persistent_load(identity):
    out = Inert.__new__(Persistent)
    out.identity = identity
    return out


class InC(_pickle.Unpickler):
    def find_class(self, module, name):
        return find_class(module, name)

    def persistent_load(self, identity):
        return persistent_load(identity)


class InPython(pickle._Unpickler):
    def find_class(self, module, name):
        return find_class(module, name)

    def persistent_load(self, identity):
        return persistent_load(identity)


def raw(text):
    return text.encode("utf-8", "surrogatepass").hex()


class Printer:
    def __init__(self, path=()):
        self.out, self.size, self.path = [], 0, list(path)

    def put(self, text):
        self.out.append(text)
        self.size += len(text)

    def text(self, value):
        self.node(value)
        return "".join(self.out)[:MOST_TEXT]

    def all(self, values, opening, closing):
        self.put(opening)
        for value in values:
            self.node(value)
            self.put(",")
        self.put(closing)

    def node(self, value):
        if self.size > MOST_TEXT:
            return
        if any(value is other for other in self.path) and not (value is None or isinstance(value, (bool, int, float, str, bytes))) and value != () or len(self.path) > 50:
            self.put("*")
            return
        self.path.append(value)
        kind = type(value)
        if value is None:
            self.put("N")
        elif kind is bool:
            self.put("T" if value else "F")
        elif kind is int:
            big = value >= 2**63 or value < -(2**63)
            size = (value if value >= 0 else ~value).bit_length() // 8 + 1
            self.put("I" + value.to_bytes(size, "little", signed=True).hex() if big else str(value))
        elif kind is float:
            self.put("fnan" if value != value else "f" + struct.pack(">d", value).hex())
        elif kind is str:
            self.put("s" + raw(value))
        elif kind is bytes:
            self.put("b" + value.hex())
        elif kind is bytearray:
            self.put("a" + value.hex())
        elif kind is list:
            self.all(value, "[", "]")
        elif kind is tuple:
            self.all(value, "(", ")")
        elif kind is dict:
            self.put("{")
            for key, item in value.items():
                self.node(key)
                self.put(":")
                self.node(item)
                self.put(",")
            self.put("}")
        elif kind in (set, frozenset):
            self.put("<" + "".join(sorted(Printer(self.path).text(item) + "," for item in value)) + ">")
        elif isinstance(value, type):
            self.put("g" + ".".join(map(raw, value.of)))
        else:
            if kind is Persistent:
                self.put("p")
                self.node(value.identity)
            else:
                callee, args, kwargs = value.made
                self.put("c")
                self.node(callee)
                self.node(args)
                if kwargs:
                    self.node(kwargs)
            self.all(value.states, "!", ";")
            self.all(value.appended, "+", ";")
            self.all(value.entries, "=", ";")
        self.path.pop()


def loaded(unpickler, stream):
    try:
        return True, Printer().text(unpickler(io.BytesIO(stream), encoding="latin1").load())
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # every refusal counts, whatever it is called
        return False, f"{type(error).__name__}: {error}"


def opcodes(stream):
    """The offset behind STOP as pickletools has it, or None, and whether a loader would be asked for a huge memo."""
    huge, end = False, None
    try:
        for opcode, argument, position in pickletools.genops(stream):
            huge = huge or (opcode.name in ("PUT", "LONG_BINPUT") and argument > 100_000)
            if opcode.name == "STOP":
                end = position + 1
    except UnicodeDecodeError:  # pickletools cannot show a str of Python 2 that is not ASCII; the loaders can read it
        end = UNKNOWN
    except Exception:
        pass
    return end, huge


# ---- streams ---------------------------------------------------------------------------------------------------------------------

GLOBALS = [b"a\nb", b"collections\nOrderedDict", b"m.n\no.p", b"x\ny"]


class Plain:
    pass


def value(rng, depth=0):
    kinds = ["none", "bool", "int", "big", "float", "str", "bytes"] + (["list", "tuple", "dict", "set", "frozenset", "bytearray"] if depth < 4 else [])
    kind = rng.choice(kinds)
    many = lambda: [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == "none":
        return None
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "int":
        return rng.choice([0, 1, 255, 256, 65535, 65536, -1, -128, 2**31 - 1, 2**31, -2**31, rng.randrange(-10**6, 10**6)])
    if kind == "big":
        return rng.choice([2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64, rng.randrange(-2**200, 2**200)])
    if kind == "float":
        return rng.choice([0.0, -0.0, 1.5, 1e300, float("inf"), float("nan"), 5e-324, rng.random()])
    if kind == "str":
        return rng.choice(["", "a", "é", "\u4e2d", "😀", "\ud800", "a\nb", "\\u0041", "it's", "x" * rng.randrange(300)])
    if kind == "bytes":
        return rng.choice([b"", b"a", bytes(rng.randrange(256) for _ in range(rng.randrange(20))), b"x" * 300])
    if kind == "bytearray":
        return bytearray(b"ab")
    if kind == "list":
        return many()
    if kind == "tuple":
        return tuple(many())
    if kind == "dict":
        return {rng.choice(["a", "b", "cd", rng.randrange(5), None, b"k"]): item for item in many()}
    items = [rng.choice([None, 1, "a", b"b", 2.5, (1, "x")]) for _ in range(rng.randrange(4))]
    return set(items) if kind == "set" else frozenset(items)


def written(rng):
    """A pickle that CPython itself writes."""
    return pickle.dumps(value(rng), protocol=rng.randrange(6))


def line(rng):
    return rng.choice([b"0", b"1", b"00", b"01", b"-5", b"+1", b" 1", b"1 ", b"010", b"0x1f", b"0o17", b"1_0", b"5L", b"", b"x", b"1.5", b"inf", b"-nan", b"1e5",
                       b"'a'", b'"b"', b"'", b"'a\\x41'", b"'a' ", b"'\\q'", b"\\u0041", b"\\U00110000", b"\xe9", b"a\\", b"9" * 30, b"0" * 5, b"-0"])


def composed(rng):
    """Opcodes that follow each other in ways that no writer knows, often with a stack that fits."""
    out = [b"\x80" + bytes([rng.choice([0, 1, 2, 3, 4, 5, 5, 5, 6])])] if rng.random() < 0.7 else []
    simple = [b"N", b"\x88", b"\x89", b"K\x05", b"M\x01\x02", b"J\xff\xff\xff\x7f", b"\x8a\x01\xff", b"\x8a\x00", b"G?\xf8\0\0\0\0\0\0", b"U\x01a", b"C\x01a",
              b"\x8c\x01a", b"X\x01\0\0\0b", b"]", b")", b"}", b"\x8f", b"\x96\x01\0\0\0\0\0\0\0a", b"\x8b\x02\0\0\0\0\x80"]
    globals_ = [b"c" + name + b"\n" for name in GLOBALS] + [b"\x8c\x01a\x8c\x01b\x93"]
    other = [b"(", b"0", b"1", b"2", b"R", b"b", b"a", b"e", b"s", b"u", b"t", b"l", b"d", b"\x85", b"\x86", b"\x87", b"\x81", b"\x92", b"\x90", b"\x91", b"o", b"Q",
             b"\x94", b"\x93", b"q\0", b"q\1", b"h\0", b"h\1", b"p0\n", b"g0\n", b"r\5\0\0\0", b"j\5\0\0\0", b"ia\nb\n", b"Pid\n", b"\x82\1", b"\x80\x02", b"."]
    for _ in range(rng.randrange(1, 25)):
        pick = rng.random()
        if pick < 0.35:
            out.append(rng.choice(simple))
        elif pick < 0.45:
            out.append(rng.choice(globals_))
        elif pick < 0.5:
            out.append(rng.choice([b"I", b"L", b"F", b"S", b"V", b"p", b"g", b"P"]) + line(rng) + b"\n")
        elif pick < 0.53:
            out.append(b"\x95" + struct.pack("<Q", rng.choice([0, 1, 2, 5, 10, 100])))
        elif pick < 0.75:
            # A fitting group: an object and what is done to it.
            out.append(rng.choice([
                rng.choice(globals_) + b")R", rng.choice(globals_) + b"K\1\x85R", rng.choice(globals_) + b")\x81}b", rng.choice(globals_) + b"]R", b"]K\1a", b"](K\1K\2e",
                b"}K\1Ns", b"}(K\1NK\2Nu", b"\x8f(K\1K\2\x90", b"(K\1K\2t", b"(K\1K\2l", b"(K\1K\2d", b"(K\1\x91", b"(" + rng.choice(globals_) + b"K\1o",
                rng.choice(globals_) + b")RK\1a", rng.choice(globals_) + b")RK\1K\2s", rng.choice(globals_) + b")R(K\1\x90", rng.choice(globals_) + b")}\x92"]))
        else:
            out.append(rng.choice(other))
    return b"".join(out) + (b"." if rng.random() < 0.95 else b"")


def mutated(rng, stream):
    stream = bytearray(stream)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(stream) + 1)
        pick = rng.random()
        if pick < 0.4 and at < len(stream):
            stream[at] = rng.randrange(256)
        elif pick < 0.6:
            del stream[at:at + rng.randrange(1, 4)]
        elif pick < 0.8:
            stream[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 3)))
        else:
            start = rng.randrange(len(stream) + 1)
            stream[at:at] = stream[start:start + rng.randrange(1, 8)]
    return bytes(stream)


def streams(rng, count):
    for _ in range(count):
        pick = rng.random()
        stream = written(rng) if pick < 0.5 else composed(rng)
        if rng.random() < 0.5:
            stream = mutated(rng, stream)
        yield stream


# ---- comparison ------------------------------------------------------------------------------------------------------------------


ALL_MEMORY = resource.getrlimit(resource.RLIMIT_AS)


def lift_limit():
    """The limit is for Python's own loaders; a sanitizer reserves terabytes of addresses."""
    resource.setrlimit(resource.RLIMIT_AS, ALL_MEMORY)


def decants(tool, batch):
    given = b"".join(struct.pack("<I", len(stream)) + stream for stream in batch)
    out = subprocess.run([tool], input=given, stdout=subprocess.PIPE, check=True, preexec_fn=lift_limit).stdout.split(b"\n")
    assert len(out) == len(batch) + 1, f"{len(out) - 1} answers to {len(batch)} pickles"
    for text in out[:-1]:
        status, first, oddities, rest = text.decode("utf-8", "replace").split(" ", 3)
        yield status == "ok", first, oddities, rest


# What pickletools does not look at, and decant refuses: the stack, the memo, types. A loader refuses these as well (the generated streams show it).
def compare_generated(tool, rng, count, tally, failures):
    source = streams(rng, count)
    while batch := list(itertools.islice(source, 20_000)):
        CLASSES.clear()
        batch = [s for s in batch if not opcodes(s)[1]]
        for stream, (accepted, first, oddities, text) in zip(batch, decants(tool, batch)):
            try:
                in_c, c_text = loaded(InC, stream)
                in_python, python_text = loaded(InPython, stream)
            except (MemoryError, RecursionError):
                tally["not compared: too deep or too large for CPython"] += 1
                continue
            odd = oddities != "-"
            end, _ = opcodes(stream)
            same = in_c == in_python and (not in_c or c_text == python_text)
            if not same:
                tally["C and pickle.py disagree"] += 1
                if accepted and not odd:
                    failures.append(("loaders disagree, no oddity", stream, c_text, python_text, text))
                elif not accepted:
                    tally["C and pickle.py disagree, refused"] += 1
            elif in_c:
                tally["both accept"] += 1
                if not accepted:
                    failures.append(("refused what loaders accept", stream, c_text, "", text))
                elif text != c_text and not odd:
                    failures.append(("another tree", stream, c_text, "", text))
                elif end not in (None, UNKNOWN) and int(first) != end and not odd:
                    failures.append(("another end", stream, str(end), "", first))
                elif odd:
                    tally["both accept, odd"] += 1
            else:
                tally["both refuse"] += 1
                if accepted and not odd:
                    failures.append(("accepted what loaders refuse", stream, c_text, python_text, text))


def compare_corpus(tool, name, files, tally, failures):
    for stream, (accepted, first, oddities, text) in zip(files, decants(tool, files)):
        end, _ = opcodes(stream)
        odd = oddities != "-"
        if end is None and accepted and not odd:
            failures.append((f"{name}: pickletools finds no STOP", stream, "", "", text))
        elif end not in (None, UNKNOWN) and accepted and int(first) != end and not odd:
            failures.append((f"{name}: another end", stream, str(end), "", first))
        tally[f"{name}: {'accepted' if accepted else 'refused'}, pickletools {'fails' if end is None else 'cannot show it' if end == UNKNOWN else 'reads to STOP'}"] += 1


def files_of(path):
    path = pathlib.Path(path)
    if path.is_dir():
        return [p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file() and p.suffix in (".pickle", ".pkl", "")]
    with tarfile.open(path) as archive:
        return [archive.extractfile(member).read() for member in archive if member.isfile()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("corpus", nargs="*")
    parser.add_argument("--streams", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, ALL_MEMORY[1]))  # a length of gigabytes is a MemoryError
    tally, failures = collections.Counter(), []
    compare_generated(arguments.tool, random.Random(arguments.seed), arguments.streams, tally, failures)
    for corpus in arguments.corpus:
        compare_corpus(arguments.tool, pathlib.Path(corpus).name, files_of(corpus), tally, failures)
    for what, count in sorted(tally.items()):
        print(f"{count:9d}  {what}")
    kinds = collections.Counter(failure[0] for failure in failures)
    for what, stream, expected, other, found in failures[:20]:
        print(f"FAIL {what}\n  {stream!r}\n  CPython: {expected[:300]}\n  {other[:300]}\n  decant:  {found[:300]}")
    print(f"{sum(kinds.values())} failures {dict(kinds)}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
