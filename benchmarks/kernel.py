"""The kernels beside memcpy() and a plain loop in C: `python -m benchmarks.kernel`.

A pass over memory that nobody has touched makes the system hand out its pages, which
costs more than the pass itself. So one pass over fresh memory and one more pass over
the same memory are told apart, for all subjects alike.
"""

import argparse
import functools
import gc
import random
import statistics
import sys
from collections.abc import Callable
from typing import Any

import backends
from benchmarks.floor import FloorNotBuiltError, load_floor
from benchmarks.subjects import SMALL, make_values

# Takes a number of passes over fresh memory, gives nanoseconds.
TimePasses = Callable[[int], float]

# How many passes follow the first one. The longer list is larger than the last cache,
# and so large that glibc gives back each buffer (over 32 MiB) to the system.
LENGTHS = {1_000: 1_000, 5_000_000: 10}
N_TURNS = 9


def time_kernel(
    double_list: backends.DoubleList, values: list[int], passes: int
) -> float:
    """Return the nanoseconds of the kernel of one call, by its own stamps."""
    trace: list[tuple[int, int, int, int, int]] = []
    double_list(values, [None], 0, passes=passes, trace=trace)
    _, kernel_start, kernel_end, _, _ = trace[0]
    return kernel_end - kernel_start


def find_subjects(length: int) -> dict[str, TimePasses]:
    """Return what is compared, memcpy() first.

    Raises:
        FloorNotBuiltError: there is no C compiler, or it failed.
    """
    floor = load_floor()
    subjects: dict[str, TimePasses] = {
        "memcpy()": lambda passes: floor.time_passes(length, passes, True),  # noqa: FBT003
        "plain loop in C": lambda passes: floor.time_passes(length, passes, False),  # noqa: FBT003
    }
    values = make_values(length, SMALL)
    for name in backends.available():
        # Pure Python has no kernel that could be compared.
        if name != "python":
            double_list: Any = backends.get(name).double_list
            subjects[name] = functools.partial(time_kernel, double_list, values)
    return subjects


def measure_passes_ns(
    subjects: dict[str, TimePasses], n_more: int
) -> dict[str, list[tuple[float, float]]]:
    """Return the first pass and one of those that follow, of each turn."""
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in subjects}
    # The same orders every time.
    dice = random.Random(1)  # noqa: S311
    for _ in range(N_TURNS):
        for name in dice.sample([*subjects], len(subjects)):
            first = subjects[name](1)
            more = (subjects[name](1 + n_more) - first) / n_more
            turns[name].append((first, more))
    return turns


def make_row(
    head: str, turns: dict[str, list[tuple[float, float]]], place: int, n_items: int
) -> str:
    """Return one row: ns per item, and the ratio to memcpy()."""
    cells = [head]
    base = [turn[place] for turn in turns["memcpy()"]]
    for passes in turns.values():
        taken = [turn[place] for turn in passes]
        ratio = statistics.median(
            ours / theirs for ours, theirs in zip(taken, base, strict=True)
        )
        cells.append(f"{statistics.median(taken) / n_items:.2f} ({ratio:.2f})")
    return f"| {' | '.join(cells)} |"


def make_table() -> str:
    """Measure all and return the table, in Markdown.

    Raises:
        FloorNotBuiltError: there is no C compiler, or it failed.
    """
    lines: list[str] = []
    for length, n_more in LENGTHS.items():
        turns = measure_passes_ns(find_subjects(length), n_more)
        if not lines:
            lines = [f"| one pass over | {' | '.join(turns)} |"]
            lines += [f"| --- |{' --: |' * len(turns)}"]
        head = f"{length:,} items"
        if length == max(LENGTHS):
            lines.append(make_row(f"{head}, target fresh", turns, 0, length))
        lines.append(make_row(f"{head}, both touched", turns, 1, length))
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    gc.disable()
    try:
        sys.stdout.write(make_table() + "\n")
    except FloorNotBuiltError as error:
        sys.stdout.write(f"no table: {error}\n")


if __name__ == "__main__":
    main()
