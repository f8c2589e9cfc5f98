"""The scenario `parallel` again and again: does it say the same each time?

    python benchmarks/speedups.py [--runs N] [--busy LOOPS] [--quick] [--backend NAME]

One line is printed for each run of a backend whose course is not what its declaration
promises, or whose figures lie on the wrong side of their limit with all of their range.
Then for each backend how often it came to which course, and its figures: the middle of
all runs, and the lowest and the highest. `--busy` runs that many processes beside it
that do nothing but compute.
"""

import argparse
import collections
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.known_callables import run_beside, say
from compare import run_all
from compare.model import BackendResult

# Of the speed of two processes: what two threads that release the GIL reach.
OF_PROCESSES_MIN = 0.95
# The most that calls in turns gain.
IN_TURNS_MAX = 1.25
FIGURES = ("of_processes", "speedup", "process_speedup", "overlap")
HELD_FIGURES = ("held_speedup", "held_overlap")


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="how often (default: 20)")
    parser.add_argument("--busy", type=int, default=0, help="busy loops beside it")
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("--backend", action="append", help="one of them")
    options = parser.parse_args()
    rows: dict[str, list[BackendResult]] = collections.defaultdict(list)
    n_deviating = 0
    with run_beside(options.busy):
        for run in range(1, options.runs + 1):
            report = run_all(
                options.backend, scenarios=["parallel"], quick=options.quick
            )
            for row in report:
                rows[row.name].append(row)
                deviations = list(find_deviations(row))
                n_deviating += bool(deviations)
                for deviation in deviations:
                    say(f"run {run}: {row.name}: {deviation}")
    for name, found in rows.items():
        say(f"{name}: {describe(found)}")
    return 1 if n_deviating else 0


def find_deviations(row: BackendResult) -> Iterator[str]:
    """Yield what is not as the backend's declaration promises."""
    found = row.parallel
    if row.status != "ok" or found is None:
        yield f"{row.status}: {row.reason}"
        return
    course = "at once" if row.declared else "in turns"
    if found.course != course:
        yield f"expected {course}, got {found.course}: {found.overlap_range}"
    if found.held_course != "in turns":
        yield f"held: expected in turns, got {found.held_course}"
    share = found.of_processes_range or (0.0, 0.0)
    if row.declared and share[1] < OF_PROCESSES_MIN:
        yield f"of_processes: {found.of_processes}, {share}"
    if not row.declared and found.speedup_range[0] > IN_TURNS_MAX:
        yield f"speedup: {found.speedup:.3f}, {found.speedup_range}"
    if found.held_speedup_range[0] > IN_TURNS_MAX:
        yield f"held_speedup: {found.held_speedup:.3f}, {found.held_speedup_range}"


def describe(rows: Sequence[BackendResult]) -> str:
    """Return the courses that came out, and the figures of all runs."""
    found = [row.parallel for row in rows if row.parallel]
    counts = collections.Counter(
        f"{each.course}, held {each.held_course}" for each in found
    )
    lines = [", ".join(f"{n} x {course}" for course, n in counts.items())]
    for name in (*FIGURES, *HELD_FIGURES):
        values = [value for each in found if (value := getattr(each, name)) is not None]
        if values:
            middle = statistics.median(values)
            lines.append(
                f"{name} {middle:.3f} ({min(values):.3f} to {max(values):.3f})"
            )
    return "\n  ".join(lines)


if __name__ == "__main__":
    sys.exit(main())
