"""Callables whose behaviour is known, and how often the verdict on them is right.

    python benchmarks/known_callables.py [--runs N] [--busy LOOPS] [--pollers THREADS]
        [--packages] [--verdict-only] [--peers] [--only NAME]

Each run judges all of them; each verdict that is wrong or inconclusive is a line, and a
sum follows. `--busy` runs that many processes beside it that do nothing but compute,
`--pollers` that many Python threads that sleep for 0.2 ms again and again.
`--packages` adds the calls of known_packages.toml that are installed, `--peers` what
gilknocker and two-thread timing say of the same calls in the same run. What each does
to the GIL was taken from its source, not from the verdict.
"""

import argparse
import ast
import base64
import binascii
import bisect
import bz2
import collections
import contextlib
import copy
import csv
import ctypes
import decimal
import difflib
import fractions
import functools
import hashlib
import heapq
import hmac
import itertools
import json
import lzma
import marshal
import math
import os
import pickle
import random
import re
import select
import socket
import sqlite3
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

try:
    import numpy as np
except ImportError:
    np = None  # type: ignore[assignment]

sys.path.insert(0, str(Path(__file__).parents[1]))


from benchmarks import known_packages
from benchmarks.peers import judge_by_gilknocker, judge_by_timing
from gilscope import check
from gilscope.environment import is_gil_enabled
from gilscope.probe.session import drop_session, keep_session
from gilscope.threads import run_together

Call = Callable[[], object]

# The same numbers every time.
RANDOM = random.Random(1)  # noqa: S311 - nothing here is secret.


class Known(NamedTuple):
    """A callable and the verdict on it that is right."""

    name: str
    call: Call
    verdict: str
    # Releases only for moments, which without a GIL nobody can see.
    is_brief: bool = False


def make_known() -> Iterator[Known]:
    """Yield all of them; those of numpy are left out where it is missing."""
    yield from make_hashing()
    yield from make_compression()
    yield from make_text()
    yield from make_sorting()
    yield from make_system()
    yield from make_sockets()
    yield from make_sqlite()
    yield from make_numbers()
    yield from make_python()
    yield from make_foreign()
    if np is not None:
        yield from make_numpy()


def make_package_calls() -> Iterator[Known]:
    """Yield the calls of known_packages.toml whose packages are installed."""
    for each, call in known_packages.make_known():
        other = None if is_gil_enabled() else each.without_gil
        yield Known(each.name, call, other or each.verdict)


def bind(function: Callable[..., object], *args: object, **kwargs: Any) -> Call:
    """Return the call without arguments."""
    return functools.partial(function, *args, **kwargs)


def make_hashing() -> Iterator[Known]:
    """Hashes release the GIL above 2 KiB, checksums above 5 KiB."""
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
    data = b"".join(b"%d " % number for number in range(20_000))
    yield Known("zlib.compress", bind(zlib.compress, data), "releases")
    yield Known(
        "zlib.decompress", bind(zlib.decompress, zlib.compress(data)), "releases"
    )
    yield Known("bz2.compress", bind(bz2.compress, data), "releases")
    yield Known("bz2.decompress", bind(bz2.decompress, bz2.compress(data)), "releases")
    yield Known("lzma.compress", bind(lzma.compress, data, preset=0), "releases")
    yield Known(
        "lzma.decompress", bind(lzma.decompress, lzma.compress(data)), "releases"
    )


def make_text() -> Iterator[Known]:
    """Parsers and searches are C code that holds, but for the callbacks in Python."""
    items = [{"number": number, "text": f"item {number}"} for number in range(5000)]
    document = json.dumps(items)
    text = "the quick brown fox " * 20_000
    rows = [f"{number},{number},{number}" for number in range(20_000)]
    xml = "<a>" + "<b c='d'>e</b>" * 10_000 + "</a>"
    yield Known("json.loads", bind(json.loads, document), "holds")
    yield Known("json.dumps", bind(json.dumps, items), "holds")
    hook = bind(json.loads, document, object_hook=lambda item: item)
    yield Known("json.loads, hook", hook, "preemptible")
    default = bind(json.dumps, [run_square] * 2000, default=lambda _: None)
    yield Known("json.dumps, default", default, "preemptible")
    yield Known("pickle.dumps", bind(pickle.dumps, items), "holds")
    yield Known("pickle.loads", bind(pickle.loads, pickle.dumps(items)), "holds")
    yield Known("marshal.dumps", bind(marshal.dumps, items), "holds")
    yield Known("re.findall", bind(re.findall, r"\bq\w+k\b", text), "holds")
    yield Known("re backtracking", bind(re.match, "(a+)+$", "a" * 20 + "b"), "holds")
    yield Known("re.sub", bind(re.sub, "q", "Q", text), "holds")
    called = bind(re.sub, "q", lambda _: "Q", text)
    yield Known("re.sub, function", called, "preemptible")
    yield Known("str.replace", bind(text.replace, "fox", "ox"), "holds")
    yield Known("bytes.find", bind(bytes(4_000_000).find, b"x"), "holds")
    yield Known("str.encode", bind(text.encode, "utf-16"), "holds")
    yield Known("base64.b64encode", bind(base64.b64encode, text.encode()), "holds")
    yield Known(
        "base64.b85encode", bind(base64.b85encode, bytes(10_000)), "preemptible"
    )
    normalize = bind(unicodedata.normalize, "NFD", "\u00e9" * 50_000)
    yield Known("unicodedata.normalize", normalize, "holds")
    yield Known("struct.pack", bind(struct.pack, "50000d", *range(50_000)), "holds")
    # A list of the rows would be freed in a second piece of C code, after the first.
    read = lambda: collections.deque(csv.reader(rows), maxlen=0)  # noqa: E731
    yield Known("csv.reader", read, "holds")
    yield Known("ElementTree", bind(ET.fromstring, xml), "holds")
    yield Known("compile", bind(compile, "x = [1, 2]\n" * 2000, "x", "exec"), "holds")
    literal = bind(ast.literal_eval, repr(items[:500]))
    yield Known("ast.literal_eval", literal, "preemptible")


def make_sorting() -> Iterator[Known]:
    """A sort holds; a key in Python lets others in while the keys are made."""
    numbers = [RANDOM.random() for _ in range(50_000)]
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
    left, right = socket.socketpair()

    def exchange() -> bytes:
        left.sendall(b"x" * 1000)
        return right.recv(1000)

    yield Known("sendall and recv", exchange, "releases")
    yield Known("getaddrinfo", bind(socket.getaddrinfo, "127.0.0.1", 80), "releases")
    yield Known("ssl.RAND_bytes", bind(ssl.RAND_bytes, 100_000), "holds")


def make_sqlite() -> Iterator[Known]:
    """Every step of a statement releases the GIL."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("create table numbers (number)")
    database.executemany(
        "insert into numbers values (?)", [(number,) for number in range(10_000)]
    )
    query = "select sum(number * number) from numbers"
    yield Known("sqlite3", lambda: database.execute(query).fetchall(), "releases")
    rows = "select number from numbers limit 1000"
    yield Known(
        "sqlite3, rows",
        lambda: database.execute(rows).fetchall(),
        "releases",
        is_brief=True,
    )


def make_numbers() -> Iterator[Known]:
    """Arithmetic holds."""
    big = 3**50_000
    context = decimal.Context(prec=2000)
    yield Known("pow", bind(pow, 3, 50_000), "holds")
    yield Known("str of a big int", bind(format, 3**8000, "d"), "holds")
    yield Known("multiply", bind(int.__mul__, big, big), "holds")
    yield Known("math.factorial", bind(math.factorial, 5000), "holds")
    yield Known("math.fsum", bind(math.fsum, range(50_000)), "holds")
    yield Known("Decimal.sqrt", bind(context.sqrt, decimal.Decimal(2)), "holds")
    yield Known("getrandbits", bind(RANDOM.getrandbits, 10**6), "holds")
    shuffle = bind(RANDOM.shuffle, list(range(5000)))
    yield Known("random.shuffle", shuffle, "preemptible")


def make_python() -> Iterator[Known]:
    """Python code of several kinds gives nothing away and can be interrupted."""
    numbers = list(range(5000))
    nested = [[number] * 3 for number in range(500)]
    words = "the quick brown fox jumps " * 200
    yield Known("for loop", run_loop, "preemptible")
    yield Known("while loop", run_while, "preemptible")
    yield Known("comprehension", lambda: [n * n for n in numbers], "preemptible")
    yield Known("generator", lambda: sum(n for n in numbers), "preemptible")
    yield Known("recursion", bind(run_fibonacci, 15), "preemptible")
    yield Known(
        "map of a lambda", lambda: list(map(run_square, numbers)), "preemptible"
    )
    yield Known("reduce", lambda: functools.reduce(run_add, numbers), "preemptible")
    yield Known("exceptions", run_exceptions, "preemptible")
    yield Known("methods", bind(Counting().run, 2000), "preemptible")
    yield Known("copy.deepcopy", bind(copy.deepcopy, nested), "preemptible")
    yield Known("textwrap.fill", bind(textwrap.fill, words), "preemptible")
    texts = words[:500].split(), words[100:700].split()
    yield Known("difflib", bind(run_matcher, *texts), "preemptible")
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

    yield Known("release, then hold", release_then_hold, "releases", is_brief=True)
    yield Known(
        "release, then compute", release_then_compute, "releases", is_brief=True
    )
    yield Known("hold, then release", hold_then_release, "releases", is_brief=True)
    yield Known("hold in a function", lambda: holding.usleep(2000), "holds")
    yield Known("release in a function", lambda: releasing.usleep(500), "releases")


def make_numpy() -> Iterator[Known]:
    """Loops over numbers release the GIL, loops over objects do not."""
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
    yield Known("np.argsort of objects", objects.argsort, "holds")


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
    return (
        number if number < 2 else run_fibonacci(number - 1) + run_fibonacci(number - 2)
    )


def run_square(number: float) -> float:
    """Square."""
    return number * number


def run_matcher(left: list[str], right: list[str]) -> float:
    """Compare two lists of words, with nothing kept from before."""
    return difflib.SequenceMatcher(None, left, right).ratio()


def run_add(left: int, right: int) -> int:
    """Add."""
    return left + right


def run_exceptions() -> None:
    """Raise and catch."""
    for _ in range(2000):
        with contextlib.suppress(ValueError):
            int("x")


# --- The command ----------------------------------------------------------------------


@contextlib.contextmanager
def run_beside(n_loops: int) -> Iterator[None]:
    """Keep so many processes computing meanwhile."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(n_loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def poll_beside(n_threads: int) -> Iterator[None]:
    """Keep so many Python threads polling meanwhile."""
    is_over = threading.Event()

    def poll() -> None:
        while not is_over.is_set():
            time.sleep(0.0002)

    threads = [threading.Thread(target=poll, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def judge_all(
    known: list[Known], run: int, *, figures: bool, times_s: list[float]
) -> collections.Counter[str]:
    """Judge each once, print what was not right, and count."""
    score: collections.Counter[str] = collections.Counter()
    for each in known:
        start = time.perf_counter()
        found = check(each.call, figures=figures)
        times_s.append(time.perf_counter() - start)
        if found.verdict == each.verdict:
            score["right"] += 1
            continue
        kind = "inconclusive" if found.verdict == "inconclusive" else "wrong"
        score[kind] += 1
        say(f"run {run}: {each.name}: {kind}, expected {each.verdict}: {found}")
    return score


def judge_by_peers(known: list[Known]) -> None:
    """Print how often the peers are wrong about a release."""
    for name, judge in (
        ("gilknocker", judge_by_gilknocker),
        ("two-thread timing", judge_by_timing),
    ):
        answers = [(each, judge(each.call)) for each in known]
        n_wrong = sum(
            (answer == "releases") != (each.verdict == "releases")
            for each, answer in answers
            if answer
        )
        say(f"{name}: wrong about {n_wrong} of {sum(bool(a) for _, a in answers)}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1, help="how often (default: 1)")
    parser.add_argument("--busy", type=int, default=0, help="busy loops beside it")
    parser.add_argument("--pollers", type=int, default=0, help="threads that poll")
    parser.add_argument("--packages", action="store_true", help="those of PyPI, too")
    parser.add_argument("--verdict-only", action="store_true", help="without figures")
    parser.add_argument("--peers", action="store_true", help="what others say of them")
    parser.add_argument("--only", action="append", help="the name of one of them")
    options = parser.parse_args()
    packages = make_package_calls() if options.packages else ()
    known = [
        each
        for each in itertools.chain(make_known(), packages)
        if (not options.only or each.name in options.only)
        and (is_gil_enabled() or not each.is_brief)
    ]
    total: collections.Counter[str] = collections.Counter()
    times_s: list[float] = []
    figures = not options.verdict_only
    with run_beside(options.busy), poll_beside(options.pollers):
        if not figures:
            keep_session()
        for run in range(1, options.runs + 1):
            total += judge_all(known, run, figures=figures, times_s=times_s)
            say(f"run {run}: {total['right']} right so far")
        drop_session()
        if options.peers:
            judge_by_peers(known)
    times_s.sort()
    say(
        f"Python {sys.version.split()[0]}, {options.busy} busy loops, "
        f"{options.pollers} pollers: {len(known)} callables, {options.runs} runs: "
        f"{total['right']} right, {total['inconclusive']} inconclusive, "
        f"{total['wrong']} wrong; a check takes {statistics.median(times_s) * 1e3:.1f} "
        f"ms (median), {times_s[len(times_s) * 9 // 10] * 1e3:.1f} ms (90th percentile)"
    )
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
