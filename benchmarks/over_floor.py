"""Print what each subject costs over the floor: `python -m benchmarks.over_floor`.

All subjects take turns in one process, so that a change of the machine's speed meets
them alike. A figure is the median of the ratios of neighbouring turns, beside it their
quartiles; absolute times of a shared machine say little.
"""

import argparse
import gc
import statistics
import sys
import time
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
# Long enough for the clock, short enough for many turns.
TURN_ITEMS = 20_000


def measure_turns_ns(
    subjects: dict[str, DoubleInto], values: list[int], n_turns: int
) -> dict[str, list[float]]:
    """Return the nanoseconds of a call in each turn of each subject."""
    n_calls = max(3, TURN_ITEMS // (len(values) + 20))
    # A result of its own for each, so that nobody frees what another one made.
    results: dict[str, list[Any]] = {name: [None] for name in subjects}
    turns: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(n_turns):
        for name, double_into in subjects.items():
            result = results[name]
            double_into(values, result, 0)
            start = time.perf_counter_ns()
            for _ in range(n_calls):
                double_into(values, result, 0)
            turns[name].append((time.perf_counter_ns() - start) / n_calls)
    expected = [2 * item for item in values]
    for name, result in results.items():
        assert result == [expected], name
    return turns


def describe(turns: list[float], floor: list[float], n_items: int) -> str:
    """Return ns per item over the floor, the ratio, and its quartiles."""
    ratios = [turn / least for turn, least in zip(turns, floor, strict=True)]
    over = [turn - least for turn, least in zip(turns, floor, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    per_item = statistics.median(over) / n_items
    return f"{per_item:+9.1f} {ratio:6.2f} [{low:.2f} {high:.2f}]"


def make_table(n_turns: int) -> str:
    """Measure all and return the table."""
    floor = load("floor")
    names = (*backends.names(), *INSTEAD)
    subjects = {"floor": floor, **dict(find_loadable(names))}
    lines = [
        "ns per item over the floor, ratio to the floor [quartiles of the ratio]",
        f"{'n':>7} {'integers':8} {'floor':>9}"
        + "".join(f"{name:>31}" for name in subjects if name != "floor"),
    ]
    for length in LENGTHS:
        for kind in (SMALL, LARGE) if length else (SMALL,):
            values = make_values(length, kind)
            turns = measure_turns_ns(subjects, values, n_turns)
            # Of an empty list the price of the call is shown.
            n_items = max(length, 1)
            cells = [
                f"{describe(turns[name], turns['floor'], n_items):>31}"
                for name in subjects
                if name != "floor"
            ]
            least = statistics.median(turns["floor"]) / n_items
            lines.append(f"{length:7} {kind:8} {least:9.1f}" + "".join(cells))
    return "\n".join(lines)


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=40)
    arguments = parser.parse_args()
    gc.disable()
    try:
        sys.stdout.write(make_table(arguments.turns) + "\n")
    except FloorNotBuiltError as error:
        sys.stdout.write(f"no table: {error}\n")


if __name__ == "__main__":
    main()
