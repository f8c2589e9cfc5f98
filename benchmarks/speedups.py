"""The scenario `parallel` again and again: does it say the same each time?

    python benchmarks/speedups.py [--runs N] [--busy LOOPS] [--quick] [--backend NAME]

One line is printed for each run of a backend that is parallel or serialized otherwise
than it declares, or whose figures lie on the wrong side of their limit with all of
their range. Then for each backend how often it was which, and its figures: the middle
of all runs, and the lowest and the highest. `--busy` runs that many processes beside it
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
# The most that serialized calls gain.
SERIALIZED_MAX = 1.25
FIGURES = (
    ("pair", "of_processes"),
    ("pair", "speedup"),
    ("pair", "process_speedup"),
    ("pair", "overlap"),
    ("held", "speedup"),
    ("held", "overlap"),
)


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
    if row.status != "ok" or found is None or found.held is None:
        yield f"{row.status}: {row.reason}"
        return
    wanted = "parallel" if row.declared else "serialized"
    pair, held = found.pair, found.held
    if pair.concurrency != wanted:
        yield f"expected {wanted}, got {pair.concurrency}: {pair.overlap}"
    if held.concurrency != "serialized":
        yield f"held: expected serialized, got {held.concurrency}"
    share = pair.of_processes
    if row.declared and (share is None or share.high < OF_PROCESSES_MIN):
        yield f"of_processes: {share}"
    if not row.declared and pair.speedup.low > SERIALIZED_MAX:
        yield f"speedup: {pair.speedup}"
    if held.speedup.low > SERIALIZED_MAX:
        yield f"speedup, held: {held.speedup}"


def describe(rows: Sequence[BackendResult]) -> str:
    """Return what came out, and the figures of all runs."""
    found = [row.parallel for row in rows if row.parallel]
    counts = collections.Counter(
        f"{each.pair.concurrency}, held {each.held.concurrency if each.held else '-'}"
        for each in found
    )
    lines = [", ".join(f"{n} x {words}" for words, n in counts.items())]
    for kind, name in FIGURES:
        figures = [getattr(getattr(each, kind), name, None) for each in found]
        values = [figure.value for figure in figures if figure is not None]
        if values:
            middle = statistics.median(values)
            lines.append(
                f"{kind} {name} {middle:.3f} ({min(values):.3f} to {max(values):.3f})"
            )
    return "\n  ".join(lines)


if __name__ == "__main__":
    sys.exit(main())
