"""What each subject costs over the floor: `python -m benchmarks.over_floor`.

All subjects are measured in rounds in one process, in another order each time. A change
of the machine's speed and what a neighbour leaves behind meet them alike. A figure is
the median of the ratios within the rounds; absolute times of a shared machine say
little.
"""

import argparse
import ctypes
import gc
import platform
import random
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import backends
from benchmarks.floor import FloorNotBuiltError
from benchmarks.subjects import (
    INSTEAD,
    LARGE,
    SMALL,
    DoubleInto,
    find_loadable,
    load,
    make_values,
)

LENGTHS = (0, 3, 10, 100, 1_000, 10_000, 100_000)
# Long enough for the clock; so short that a busy machine seldom takes the core away
# within the round of a slow subject, which then would look slower still.
TURN_ITEMS = 5_000
N_ROUNDS = 100

# Parameters of mallopt(3).
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT_BYTES = 32 * 1024 * 1024


def keep_freed_memory() -> None:
    """Let glibc keep the memory that is freed instead of giving it back.

    Else it hangs on the layout of the heap which subject meets fresh pages in every
    call: half as much again was seen, on another subject from one run to the next.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, 8 * KEPT_BYTES)


def measure_rounds_ns(
    subjects: dict[str, DoubleInto], values: list[int], n_rounds: int
) -> dict[str, list[float]]:
    """Return the nanoseconds of a call in each round of each subject."""
    n_calls = max(1, TURN_ITEMS // (len(values) + 20))
    # A result of its own for each, so that nobody frees what another one made.
    results: dict[str, list[Any]] = {name: [None] for name in subjects}
    rounds: dict[str, list[float]] = {name: [] for name in subjects}
    # The same orders every time.
    dice = random.Random(1)  # noqa: S311
    for _ in range(n_rounds):
        for name in dice.sample([*subjects], len(subjects)):
            double_into, result = subjects[name], results[name]
            double_into(values, result, 0)
            # CPU time: the wait for a core on a busy machine is no cost of a subject.
            start = time.thread_time_ns()
            for _ in range(n_calls):
                double_into(values, result, 0)
            rounds[name].append((time.thread_time_ns() - start) / n_calls)
    expected = [2 * item for item in values]
    for name, result in results.items():
        assert result == [expected], name
    return rounds


def find_ratios(rounds: list[float], base: list[float]) -> list[float]:
    """Return the lower quartile, the median and the upper one of the ratios."""
    pairs = zip(rounds, base, strict=True)
    return statistics.quantiles([spent / least for spent, least in pairs], n=4)


def describe(rounds: list[float], floor: list[float], n_items: int) -> str:
    """Return ns per item over the floor, and the ratio to it."""
    pairs = zip(rounds, floor, strict=True)
    over = statistics.median(spent - least for spent, least in pairs) / n_items
    return f"{over:+.1f} ({find_ratios(rounds, floor)[1]:.2f})"


def find_cases() -> Iterator[tuple[int, str]]:
    """Give each length with each kind of integers."""
    for length in LENGTHS:
        yield from [(length, kind) for kind in (SMALL, LARGE)] if length else [(0, "-")]


def make_table(n_rounds: int) -> str:
    """Measure all and return the table, in Markdown.

    Raises:
        FloorNotBuiltError: there is no C compiler, or it failed.
    """
    keep_freed_memory()
    floor = load("floor")
    names = (*backends.names(), *INSTEAD)
    subjects = {"floor": floor, **dict(find_loadable(names))}
    heads = ["n", "integers", "floor, ns", *[*subjects][1:], "python / comprehension"]
    lines = [
        f"| {' | '.join(heads)} |",
        f"| --: | --- |{' --: |' * (len(heads) - 2)}",
    ]
    spreads = []
    for length, kind in find_cases():
        rounds = measure_rounds_ns(subjects, make_values(length, kind), n_rounds)
        # Of an empty list the price of the call is shown.
        n_items = max(length, 1)
        cells = [f"{length:,}", kind]
        cells += [f"{statistics.median(rounds['floor']) / n_items:.1f}"]
        for name in [*subjects][1:]:
            cells.append(describe(rounds[name], rounds["floor"], n_items))
            low, ratio, high = find_ratios(rounds[name], rounds["floor"])
            spreads.append((high - low) / 2 / ratio)
        cells += [f"{find_ratios(rounds['python'], rounds['comprehension'])[1]:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    middle = statistics.median(spreads)
    lines += [
        "",
        f"Half of the rounds lie within {middle:.0%} of a ratio (median of all",
    ]
    lines += [f"cells; {max(spreads):.0%} in the worst)."]
    return "\n".join(lines)


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=N_ROUNDS)
    arguments = parser.parse_args()
    gc.disable()
    try:
        sys.stdout.write(make_table(arguments.rounds) + "\n")
    except FloorNotBuiltError as error:
        sys.stdout.write(f"no table: {error}\n")


if __name__ == "__main__":
    main()
