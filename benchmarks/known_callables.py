"""Callables whose behaviour is known, and how often the verdict on them is right.

    python benchmarks/known_callables.py [--runs N] [--busy LOOPS] [--only NAME]

Each run judges all of them; the score is printed as one line a wrong or inconclusive
verdict, and a sum. `--busy` runs that many processes beside it that do nothing but
compute. What each does to the GIL was taken from its source, not from the verdict.
"""

import argparse
import bisect
import collections
import ctypes
import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from compare import check  # noqa: E402
from compare.threads import run_together  # noqa: E402

Call = Callable[[], object]


class Known(NamedTuple):
    """A callable and the verdicts on it that are right."""

    name: str
    call: Call
    verdict: str


def make_known() -> Iterator[Known]:
    """Yield all of them; one whose module is missing here is left out."""
    for make in (
        make_hashing,
        make_compression,
        make_text,
        make_sorting,
        make_system,
        make_sockets,
        make_sqlite,
        make_numbers,
        make_python,
        make_foreign,
        make_numpy,
    ):
        try:
            yield from make()
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)


def bind(function: Callable[..., object], *args: object, **kwargs: Any) -> Call:
    """Return the call without arguments."""
    return functools.partial(function, *args, **kwargs)


def make_hashing() -> Iterator[Known]:
    """Hashes release the GIL above 2 KiB, checksums above 5 KiB."""
    import binascii
    import hashlib
    import hmac
    import zlib

    big, small = os.urandom(1_000_000), os.urandom(1000)
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
        yield Known(name, bind(hashlib.new, name, big), "releases")
    yield Known("sha256 small", bind(hashlib.sha256, small), "holds")
    pbkdf2 = bind(hashlib.pbkdf2_hmac, "sha256", b"password", b"salt", 2000)
    yield Known("pbkdf2_hmac", pbkdf2, "releases")
    scrypt = bind(hashlib.scrypt, b"password", salt=b"salt", n=1024, r=8, p=1)
    yield Known("scrypt", scrypt, "releases")
    yield Known("hmac.compare_digest", bind(hmac.compare_digest, big, big), "holds")
    yield Known("crc32", bind(zlib.crc32, big), "releases")
    yield Known("crc32 small", bind(zlib.crc32, small), "holds")
    yield Known("adler32", bind(zlib.adler32, big), "releases")
    yield Known("binascii.crc32", bind(binascii.crc32, big), "releases")
    yield Known("binascii.hexlify", bind(binascii.hexlify, big), "holds")
    yield Known("b2a_base64", bind(binascii.b2a_base64, big), "holds")


def make_compression() -> Iterator[Known]:
    """All compressors release the GIL around their work."""
    import bz2
    import lzma
    import zlib

    data = b"".join(b"%d " % number for number in range(20_000))
    yield Known("zlib.compress", bind(zlib.compress, data), "releases")
    yield Known("zlib.decompress", bind(zlib.decompress, zlib.compress(data)), "releases")
    yield Known("bz2.compress", bind(bz2.compress, data), "releases")
    yield Known("bz2.decompress", bind(bz2.decompress, bz2.compress(data)), "releases")
    yield Known("lzma.compress", bind(lzma.compress, data, preset=0), "releases")
    yield Known(
        "lzma.decompress", bind(lzma.decompress, lzma.compress(data)), "releases"
    )


def make_text() -> Iterator[Known]:
    """Parsers and searches are C code that holds, but for the callbacks in Python."""
    import ast
    import base64
    import csv
    import json
    import marshal
    import pickle
    import re
    import struct
    import unicodedata
    import xml.etree.ElementTree as ElementTree

    items = [{"number": number, "text": f"item {number}"} for number in range(5000)]
    document = json.dumps(items)
    text = "the quick brown fox " * 20_000
    rows = [f"{number},{number},{number}" for number in range(20_000)]
    xml = "<a>" + "<b c='d'>e</b>" * 10_000 + "</a>"
    yield Known("json.loads", bind(json.loads, document), "holds")
    yield Known("json.dumps", bind(json.dumps, items), "holds")
    hook = bind(json.loads, document, object_hook=lambda item: item)
    yield Known("json.loads, hook", hook, "preemptible")
    indented = bind(json.dumps, items, default=str, indent=1, cls=SlowEncoder)
    yield Known("json.dumps in Python", indented, "preemptible")
    yield Known("pickle.dumps", bind(pickle.dumps, items), "holds")
    yield Known("pickle.loads", bind(pickle.loads, pickle.dumps(items)), "holds")
    yield Known("marshal.dumps", bind(marshal.dumps, items), "holds")
    yield Known("re.findall", bind(re.findall, r"\bq\w+k\b", text), "holds")
    yield Known("re backtracking", bind(re.match, "(a+)+$", "a" * 20 + "b"), "holds")
    yield Known("re.sub", bind(re.sub, "q", "Q", text), "holds")
    called = bind(re.sub, "q", lambda match: "Q", text)
    yield Known("re.sub, function", called, "preemptible")
    yield Known("str.replace", bind(text.replace, "fox", "ox"), "holds")
    yield Known("bytes.find", bind(bytes(4_000_000).find, b"x"), "holds")
    yield Known("str.encode", bind(text.encode, "utf-16"), "holds")
    yield Known("base64.b64encode", bind(base64.b64encode, text.encode()), "holds")
    yield Known("base64.b85encode", bind(base64.b85encode, bytes(10_000)), "preemptible")
    normalize = bind(unicodedata.normalize, "NFD", "\u00e9" * 50_000)
    yield Known("unicodedata.normalize", normalize, "holds")
    yield Known("struct.pack", bind(struct.pack, "50000d", *range(50_000)), "holds")
    yield Known("csv.reader", lambda: list(csv.reader(rows)), "holds")
    yield Known("ElementTree", bind(ElementTree.fromstring, xml), "holds")
    yield Known("compile", bind(compile, "x = [1, 2]\n" * 2000, "x", "exec"), "holds")
    literal = bind(ast.literal_eval, repr(items[:500]))
    yield Known("ast.literal_eval", literal, "preemptible")


def make_sorting() -> Iterator[Known]:
    """A sort holds; a key in Python lets others in while the keys are made."""
    import heapq
    import random

    numbers = [random.Random(1).random() for _ in range(50_000)]
    texts = [str(number) for number in numbers]
    yield Known("sorted", bind(sorted, numbers), "holds")
    yield Known("sorted, key in C", bind(sorted, texts, key=str.lower), "holds")
    in_python = bind(sorted, numbers, key=lambda number: -number)
    yield Known("sorted, key in Python", in_python, "preemptible")
    compare_in_python = bind(
        sorted, numbers[:5000], key=functools.cmp_to_key(lambda a, b: (a > b) - (a < b))
    )
    yield Known("sorted, cmp in Python", compare_in_python, "preemptible")
    yield Known("sum", bind(sum, numbers), "holds")
    yield Known("min", bind(min, numbers), "holds")
    yield Known("list.copy", bind(numbers.copy), "holds")
    yield Known("set", bind(set, numbers), "holds")
    yield Known("Counter", bind(collections.Counter, texts), "holds")
    yield Known("heapq.nsmallest", bind(heapq.nsmallest, 100, numbers), "preemptible")
    yield Known("bisect.bisect", bind(bisect.bisect, range(10**12), 7**13), "holds")


def make_system() -> Iterator[Known]:
    """System calls that may block release the GIL, others do not."""
    import select
    import tempfile
    import threading

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "data")
    path.write_bytes(bytes(1_000_000))
    file = path.open("rb", buffering=0)
    # The folder goes with the last call that needs it.
    read = Kept(file.read, folder)
    lock = threading.Lock()
    lock.acquire()
    yield Known("time.sleep", bind(time.sleep, 0.001), "releases")
    yield Known("time.sleep(0)", bind(time.sleep, 0), "releases")
    yield Known("time.perf_counter_ns", repeat(time.perf_counter_ns), "holds")
    yield Known("os.stat", bind(os.stat, path), "releases")
    yield Known("os.listdir", bind(os.listdir, folder.name), "releases")
    yield Known("os.urandom", bind(os.urandom, 100_000), "releases")
    yield Known("file.read", read, "releases")
    yield Known("Path.read_bytes", path.read_bytes, "releases")
    yield Known("lock, timeout", bind(lock.acquire, timeout=0.001), "releases")
    yield Known("Event.wait", bind(threading.Event().wait, 0.001), "releases")
    yield Known("run a process", bind(subprocess.run, ["true"]), "releases")
    if hasattr(select, "poll"):
        yield Known("poll", bind(select.poll().poll, 1), "releases")


def make_sockets() -> Iterator[Known]:
    """Sending and receiving release the GIL."""
    import socket
    import ssl

    left, right = socket.socketpair()

    def exchange() -> bytes:
        left.sendall(b"x" * 1000)
        return right.recv(1000)

    yield Known("sendall and recv", exchange, "releases")
    yield Known("getaddrinfo", bind(socket.getaddrinfo, "127.0.0.1", 80), "releases")
    yield Known("inet_aton", repeat(bind(socket.inet_aton, "127.0.0.1")), "holds")
    yield Known("ssl.RAND_bytes", bind(ssl.RAND_bytes, 100_000), "holds")


def make_sqlite() -> Iterator[Known]:
    """Every step of a statement releases the GIL."""
    import sqlite3

    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("create table numbers (number)")
    database.executemany(
        "insert into numbers values (?)", [(number,) for number in range(10_000)]
    )
    query = "select sum(number * number) from numbers"
    yield Known("sqlite3", lambda: database.execute(query).fetchall(), "releases")
    rows = "select number from numbers limit 1000"
    yield Known("sqlite3, rows", lambda: database.execute(rows).fetchall(), "releases")


def make_numbers() -> Iterator[Known]:
    """Arithmetic holds."""
    import decimal
    import math
    import random

    big = 3**50_000
    context = decimal.Context(prec=2000)
    yield Known("pow", bind(pow, 3, 50_000), "holds")
    yield Known("str of a big int", bind(format, 3**8000, "d"), "holds")
    yield Known("multiply", bind(int.__mul__, big, big), "holds")
    yield Known("math.factorial", bind(math.factorial, 5000), "holds")
    yield Known("math.fsum", bind(math.fsum, range(50_000)), "holds")
    yield Known("Decimal.sqrt", bind(context.sqrt, decimal.Decimal(2)), "holds")
    yield Known("getrandbits", bind(random.Random(1).getrandbits, 10**6), "holds")
    shuffle = bind(random.Random(1).shuffle, list(range(5000)))
    yield Known("random.shuffle", shuffle, "preemptible")


def make_python() -> Iterator[Known]:
    """Python code of several kinds gives nothing away and can be interrupted."""
    import copy
    import difflib
    import fractions
    import textwrap

    numbers = list(range(5000))
    nested = [[number] * 3 for number in range(500)]
    words = "the quick brown fox jumps " * 200
    yield Known("for loop", run_loop, "preemptible")
    yield Known("while loop", run_while, "preemptible")
    yield Known("comprehension", lambda: [n * n for n in numbers], "preemptible")
    yield Known("generator", lambda: sum(n for n in numbers), "preemptible")
    yield Known("recursion", bind(run_fibonacci, 15), "preemptible")
    yield Known("map of a lambda", lambda: list(map(run_square, numbers)), "preemptible")
    yield Known("reduce", lambda: functools.reduce(run_add, numbers), "preemptible")
    yield Known("exceptions", run_exceptions, "preemptible")
    yield Known("methods", bind(Counting().run, 2000), "preemptible")
    yield Known("copy.deepcopy", bind(copy.deepcopy, nested), "preemptible")
    yield Known("textwrap.fill", bind(textwrap.fill, words), "preemptible")
    matcher = difflib.SequenceMatcher(None, words[:500], words[100:700])
    yield Known("difflib", bind(difflib.SequenceMatcher.ratio, matcher), "preemptible")
    thirds = [fractions.Fraction(1, number) for number in range(1, 50)]
    yield Known("Fraction", lambda: sum(thirds), "preemptible")
    yield Known("threads", lambda: run_together(run_loop, run_loop), "releases")


def make_foreign() -> Iterator[Known]:
    """CDLL gives the GIL away around each call, PyDLL keeps it."""
    releasing, holding = ctypes.CDLL(None), ctypes.PyDLL(None)
    yield Known("CDLL usleep", bind(releasing.usleep, 1000), "releases")
    yield Known("PyDLL usleep", bind(holding.usleep, 1000), "holds")
    yield Known("CDLL getpid", releasing.getpid, "releases")
    yield Known("PyDLL getpid", holding.getpid, "holds")

    def release_then_hold() -> None:
        releasing.getpid()
        holding.usleep(2000)

    def release_then_compute() -> None:
        releasing.getpid()
        run_loop()

    def hold_then_release() -> None:
        holding.usleep(2000)
        releasing.getpid()

    yield Known("release, then hold", release_then_hold, "releases")
    yield Known("release, then compute", release_then_compute, "releases")
    yield Known("hold, then release", hold_then_release, "releases")
    yield Known("hold in a function", lambda: holding.usleep(2000), "holds")
    yield Known("release in a function", lambda: releasing.usleep(500), "releases")


def make_numpy() -> Iterator[Known]:
    """Loops over numbers release the GIL, loops over objects do not."""
    import numpy as np

    vector = np.random.default_rng(1).random(200_000)
    matrix = np.random.default_rng(1).random((200, 200))
    objects = np.array([str(number) for number in range(20_000)], dtype=object)
    yield Known("np.sort", bind(np.sort, vector), "releases")
    yield Known("np.add", bind(np.add, vector, vector), "releases")
    yield Known("np.sin", bind(np.sin, vector), "releases")
    yield Known("np.sum", bind(np.sum, vector), "releases")
    yield Known("np.dot", bind(np.dot, matrix, matrix), "releases")
    yield Known("np.linalg.inv", bind(np.linalg.inv, matrix), "releases")
    yield Known("np.fft.fft", bind(np.fft.fft, vector), "releases")
    generator = np.random.default_rng(1)
    yield Known("np.random", bind(generator.standard_normal, 100_000), "releases")
    yield Known("np.tolist", vector.tolist, "holds")
    yield Known("np.array of a list", bind(np.array, vector.tolist()), "holds")
    yield Known("np.sort of objects", bind(np.sort, objects), "holds")
    in_python = np.vectorize(run_square)
    yield Known("np.vectorize", bind(in_python, vector[:2000]), "preemptible")


class SlowEncoder:
    """The encoder of json without its part in C."""

    def __new__(cls, **options: Any) -> Any:
        """Return an encoder that is told to use Python."""
        import json

        options["indent"] = 1
        return json.JSONEncoder(**options)


class Kept:
    """A call on a file from its start, which keeps what the file needs."""

    def __init__(self, read: Callable[[], bytes], *kept: object) -> None:
        """Take the call and what it needs."""
        self.read = read
        self.kept = kept

    def __call__(self) -> bytes:
        """Read the file again."""
        self.read.__self__.seek(0)  # type: ignore[attr-defined]
        return self.read()


class Counting:
    """An object with methods that call one another."""

    count = 0

    def run(self, steps: int) -> None:
        """Call a method so many times."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """Count."""
        self.count += 1


def repeat(call: Call) -> Call:
    """Return a call in C of a thousand calls, for one too short to be seen."""
    return bind(collections.deque, [None] * 0) if call is None else CRepeat(call).run


class CRepeat:
    """A thousand calls with no Python code between them."""

    def __init__(self, call: Call) -> None:
        """Take the call."""
        self.call = call

    @property
    def run(self) -> Call:
        """The thousand calls as one call."""
        import itertools
        import operator

        calls = [self.call] * 1000
        return bind(consume, operator.call, calls, itertools.count)


def consume(call: Callable[..., object], calls: list[Call], _: object) -> None:
    """Make the calls."""
    collections.deque(map(call, calls), maxlen=0)


def run_loop() -> None:
    """Loop over numbers."""
    for _ in range(20_000):
        pass


def run_while() -> None:
    """Count up."""
    number = 0
    while number < 20_000:
        number += 1


def run_fibonacci(number: int) -> int:
    """Recurse."""
    return number if number < 2 else run_fibonacci(number - 1) + run_fibonacci(number - 2)


def run_square(number: float) -> float:
    """Square."""
    return number * number


def run_add(left: int, right: int) -> int:
    """Add."""
    return left + right


def run_exceptions() -> None:
    """Raise and catch."""
    for _ in range(2000):
        try:
            raise ValueError
        except ValueError:
            pass
