"""A staged program: holds of the GIL of many kinds, and kinds that hold nothing.

    python benchmarks/watch_staged.py [ROUNDS [LONGEST_MS]]

It watches itself and writes what was reported beside what happened, as JSON. Each kind
of hold has one line that holds, marked `# HOLD`; its size is calibrated to the time
wanted, 15 to 200 ms.
"""

# ruff: noqa: D103, D105, D107 - the names of the kinds say all there is to say.

import concurrent.futures
import contextlib
import ctypes
import gc
import hashlib
import inspect
import json
import pickle
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from gilscope.watcher.watch import Watch

# Of the holds, in turn.
TARGETS_S = (0.018, 0.03, 0.06, 0.12, 0.2)
SILENT_S = 0.3

HOLDS: dict[str, tuple[Callable[..., None], Callable[[int], Any]]] = {}
SILENT: dict[str, Callable[[], None]] = {}
HELD = ctypes.PyDLL(None)
RELEASED = ctypes.CDLL(None)


OWN_S: list[float] = []
# What was made: its deallocation would be a hold of its own.
KEPT: list[Any] = []


class Tried(NamedTuple):
    """One kind, tried once."""

    kind: str
    lines: tuple[int, ...]
    # Of the thread, without its waits for a core or for the GIL.
    own_s: float
    reports: list[dict[str, Any]]


def holds(make: Callable[[int], Any]) -> Callable[[Callable[..., None]], Any]:
    """Add a function that holds; `make` makes its argument of a size."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        HOLDS[function.__name__] = (function, make)
        return function

    return add


def silent(function: Callable[[], None]) -> Callable[[], None]:
    """Add a function that holds nothing."""
    SILENT[function.__name__] = function
    return function


@contextlib.contextmanager
def timed(slept_s: float = 0.0) -> Iterator[None]:
    """Measure for how long what is inside really holds."""
    start = time.thread_time()
    try:
        yield
    finally:
        OWN_S.append(time.thread_time() - start + slept_s)


def make_integers(size: int) -> list[int]:
    """Return integers in no order."""
    return [number * 7919 % 1_000_003 for number in range(size)]


@holds(make_integers)
def json_dumps(values: Any) -> None:
    with timed():
        KEPT.append(json.dumps(values))  # HOLD


@holds(lambda size: json.dumps(make_integers(size)))
def json_loads(text: Any) -> None:
    with timed():
        KEPT.append(json.loads(text))  # HOLD


@holds(make_integers)
def sorting(values: Any) -> None:
    with timed():
        KEPT.append(sorted(values))  # HOLD


@holds(lambda size: "a" * size)
def regular_expression(text: Any) -> None:
    with timed():
        _ = re.match("(?:a?){20}b|(?:.*.*)c$", text)  # HOLD


@holds(make_integers)
def pickling(values: Any) -> None:
    with timed():
        KEPT.append(pickle.dumps(values))  # HOLD


@holds(lambda size: size)
def held_by_ctypes(microseconds: Any) -> None:
    with timed(microseconds / 1e6):
        HELD.usleep(microseconds)  # HOLD


@holds(lambda size: 3**size)
def operator_on_large_integers(number: Any) -> None:
    with timed():
        _ = number * (number + 1)  # HOLD


@holds(lambda size: [0.5] * size)
def containment(values: Any) -> None:
    with timed():
        _ = -1 in values  # HOLD


@holds(lambda size: [[[] for _ in range(size)]])
def deallocation(values: Any) -> None:
    parts = values.pop()
    with timed():
        del parts  # HOLD


@holds(lambda size: [[] for _ in range(size)])
def garbage_collection(_: Any) -> None:
    with timed():
        gc.collect()  # HOLD


@holds(lambda size: list(range(size)))
def nested_calls(values: Any) -> None:
    def inner(parts: Any) -> None:
        with timed():
            KEPT.append(str(parts))  # HOLD

    def middle(parts: Any) -> None:
        inner(parts)

    middle(values)


@holds(make_integers)
def in_a_second_thread(values: Any) -> None:
    def work() -> None:
        with timed():
            KEPT.append(set(values))  # HOLD

    run_thread(work)


@holds(lambda size: [0.5] * size)
def beside_a_busy_thread(values: Any) -> None:
    with running(count_for_ever), timed():
        _ = max(values)  # HOLD


@holds(lambda size: [0.5] * size)
def beside_a_hashing_thread(values: Any) -> None:
    with running(hash_for_ever), timed():
        _ = min(values)  # HOLD


@holds(lambda size: ["x" * 10] * size)
def joining(parts: Any) -> None:
    with timed():
        KEPT.append(",".join(parts))  # HOLD


@holds(lambda size: size)
def in_a_generator(size: Any) -> None:
    with timed():
        KEPT.extend(
            list(map(str, range(size)))  # HOLD
            for _ in range(1)
        )


@holds(lambda size: (["x" * 2_000] * size, [2_000 * "x"] * size))
def comparison(values: Any) -> None:
    with timed():
        _ = values[0] == values[1]  # HOLD


try:
    import numpy as np
except ImportError:
    pass
else:

    @holds(np.arange)
    def numpy_to_list(values: Any) -> None:
        with timed():
            KEPT.append(values.tolist())  # HOLD


@silent
def python_code() -> None:
    count_until(time.monotonic() + SILENT_S)


@silent
def a_tight_loop() -> None:
    number = 2_000_000
    while number:
        number -= 1


@silent
def hashing() -> None:
    hash_until(time.monotonic() + SILENT_S)


@silent
def sleeping() -> None:
    time.sleep(SILENT_S)


@silent
def released_by_ctypes() -> None:
    RELEASED.usleep(int(SILENT_S * 1e6))


@silent
def three_python_threads() -> None:
    end = time.monotonic() + SILENT_S
    with running(partial(count_until, end)), running(partial(count_until, end)):
        count_until(end)


@silent
def a_thread_pool() -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in pool.map(count_a_little, range(500)):
            pass


@silent
def short_holds() -> None:
    end = time.monotonic() + SILENT_S
    values = list(range(20_000))
    while time.monotonic() < end:
        sorted(values)


def count_a_little(number: int) -> int:
    for _ in range(1_000):
        number += 1
    return number


def count_until(end: float) -> None:
    number = 0
    while time.monotonic() < end:
        number = count_a_little(number)


def hash_until(end: float) -> None:
    content = bytes(8 << 20)
    while time.monotonic() < end:
        hashlib.sha256(content).digest()


STOP = threading.Event()


def count_for_ever() -> None:
    while not STOP.is_set():
        count_a_little(0)


def hash_for_ever() -> None:
    content = bytes(1 << 20)
    while not STOP.is_set():
        hashlib.sha256(content).digest()


class running:  # noqa: N801 - used like a function
    """A thread that runs while a `with` statement does."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.thread = threading.Thread(target=work)

    def __enter__(self) -> None:
        STOP.clear()
        self.thread.start()
        time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        STOP.set()
        self.thread.join()


def run_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, name="second")
    thread.start()
    thread.join()


def find_line(function: Callable[..., None]) -> int:
    """Return the line that holds."""
    lines, first = inspect.getsourcelines(function)
    return next(first + number for number, line in enumerate(lines) if "# HOLD" in line)


def calibrate(kind: str, target_s: float) -> int:
    """Return the size that takes about so long."""
    function, make = HOLDS[kind]
    size = 2_000
    while True:
        function(make(size))
        KEPT.clear()
        took_s = max(OWN_S[-1], 1e-6)
        if took_s > 0.5 * target_s:
            return max(int(size * min(target_s / took_s, 2)), 1)
        size = int(size * max(min(0.8 * target_s / took_s, 8), 1.3))


def run_holds(
    watch: Watch,
    reports: list[dict[str, Any]],
    number: int,
    targets_s: tuple[float, ...],
) -> list[Tried]:
    """Try every kind of hold once."""
    tried = []
    for index, (kind, (function, make)) in enumerate(HOLDS.items()):
        target_s = targets_s[(index + number) % len(targets_s)]
        argument = make(calibrate(kind, target_s))
        settle(watch, reports)
        function(argument)
        watch.sync()
        tried.append(Tried(kind, (find_line(function),), OWN_S[-1], list(reports)))
        del argument
    return tried


def run_silent(watch: Watch, reports: list[dict[str, Any]]) -> list[Tried]:
    """Try every kind that holds nothing."""
    tried = []
    for kind, function in SILENT.items():
        settle(watch, reports)
        function()
        watch.sync()
        tried.append(Tried(kind, (), 0.0, list(reports)))
    return tried


def settle(watch: Watch, reports: list[dict[str, Any]]) -> None:
    """Forget what the preparations held."""
    KEPT.clear()
    watch.sync()
    reports.clear()


def main(n_rounds: int = 1, longest_ms: int = 200) -> None:
    """Run it, and write JSON."""
    targets_s = tuple(target for target in TARGETS_S if target <= longest_ms / 1e3)
    reports: list[dict[str, Any]] = []
    tried: list[Tried] = []
    watch = Watch(
        on_hold=lambda hold: reports.append(
            {
                "lines": [f.line for f in hold.stack if f.file == __file__],
                "line": hold.line,
                "text": hold.text,
                "function": hold.function,
                "thread": hold.thread,
                "longest_s": hold.longest_s,
            }
        )
    )
    with watch:
        for number in range(n_rounds):
            tried += run_holds(watch, reports, number, targets_s)
            tried += run_silent(watch, reports)
    report = watch.report()
    content = {
        "python": report.python,
        "n_unresolved": report.n_unresolved,
        "is_cut_short": report.is_cut_short,
        "tried": [one._asdict() for one in tried],
    }
    json.dump(content, sys.stdout)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
