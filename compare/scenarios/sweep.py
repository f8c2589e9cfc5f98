"""A grid of work, released and held: from where on releasing the GIL pays."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from compare.contract import Implementation
from compare.model import Sweep
from compare.scenarios import Options
from compare.work import Failures, ImplementationWork, select_sizes
from gilscope.environment import is_gil_enabled
from gilscope.measurement import BreakEven, SizeRow
from gilscope.stats import describe_unsteady
from gilscope.timing.break_even import (
    describe_break_even,
    find_break_even,
    select_cases,
)
from gilscope.timing.rounds import MeasuredSubject, Rounds, Windows

# The largest work of the grid takes a native kernel a few milliseconds: where a call is
# as long as a switch interval, there is nothing left to find.
N_VALUES_MAX = 10**7

# A slow implementation leaves out the work of which one call would take longer.
CALL_MAX_S = 0.1

# What preparing and checking take beyond the windows, and starting a process.
OVERHEAD = 1.6
START_S = 0.5

# The share of works with an unsteady gain from which on it is worth a warning.
UNSTEADY_MAX = 0.25


@dataclass(frozen=True)
class Grid:
    """What is measured and for how long."""

    # sizes, passes: the sides of the grid, where the contract has passes; otherwise the
    # sizes are the contract's.
    sizes: tuple[int, ...]
    passes: tuple[int, ...]
    # How often all of it is measured.
    n_rounds: int
    # How long calls in one thread or two, and beside a busy thread, take.
    windows: Windows

    @property
    def works(self) -> list[tuple[int, int]]:
        """All pairs of size and passes, the least work first."""
        pairs = [
            pair
            for pair in itertools.product(self.sizes, self.passes)
            if math.prod(pair) <= N_VALUES_MAX
        ]
        return sorted(pairs, key=lambda pair: (math.prod(pair), pair))

    @property
    def planned_s(self) -> float:
        """How long all of it takes at most, for one implementation."""
        # Alone before and after, in a pair, and beside the busy thread; each released
        # and held.
        cell_s = 2 * (4 * self.windows.calls_s + self.windows.beside_s)
        return START_S + self.n_rounds * len(self.works) * cell_s * OVERHEAD


FULL = Grid(
    sizes=(10, 100, 1_000, 10_000, 100_000),
    passes=(1, 10, 100, 1_000, 10_000),
    n_rounds=6,
    windows=Windows(calls_s=0.01, beside_s=0.04, busy_s=0.04),
)
QUICK = Grid(
    sizes=(10, 1_000, 100_000),
    passes=(1, 100, 10_000),
    n_rounds=3,
    windows=Windows(calls_s=0.005, beside_s=0.03, busy_s=0.03),
)


def run(implementation: Implementation, options: Options) -> Sweep:
    """Measure every work of the grid, alone, in pairs and beside a busy thread."""
    grid = QUICK if options.quick else FULL
    failures = Failures()
    subjects, warnings = make_subjects(implementation, grid)
    rounds = Rounds(subjects, grid.windows, (2,), failures.add)
    with rounds.open(has_processes=False):
        for _ in range(grid.n_rounds):
            rounds.run()
    rows = sorted(
        (subject.summarize() for subject in subjects),
        key=lambda row: (row.kernel_s or row.alone_s.value, row.size or 0),
    )
    cases = select_cases(rows)
    words = ""
    if not is_gil_enabled():
        words = "there is no GIL here, so there is nothing to release"
    elif implementation.releases_gil is False:
        words = "it declares that it holds the GIL, so there is nothing to find"
    if words:
        break_evens, findings = [*map(BreakEven, cases)], [words]
    else:
        break_evens = [find_break_even(case, rows) for case in cases]
        findings = [describe_break_even(found, rows) for found in break_evens]
    return Sweep(
        cells=tuple(rows),
        break_evens=tuple(break_evens),
        planned_s=grid.planned_s,
        findings=tuple(findings),
        warnings=(*warnings, *describe_doubts(rows)),
        failures=tuple(failures.values()),
    )


def make_subjects(
    implementation: Implementation, grid: Grid
) -> tuple[list[MeasuredSubject], tuple[str, ...]]:
    """Return what is measured, and what is left out because it takes too long."""
    if "passes" not in implementation.contract.keywords:
        times, warnings = select_sizes(implementation)
        works = [ImplementationWork(implementation, size) for size in times]
        return [
            MeasuredSubject(work, work.held, times[work.size]) for work in works
        ], warnings
    subjects = []
    value_s = 0.0
    for size, passes in grid.works:
        if value_s * size * passes > CALL_MAX_S:
            continue
        work = ImplementationWork(implementation, size, {"passes": passes})
        trace: list[tuple[int, ...]] = []
        traced = work.with_options(trace=trace)
        call_s = min(traced.time_call().seconds for _ in range(3))
        kernels_s = [(end - start) / 1e9 for _, start, end, *_ in trace]
        value_s = call_s / (size * passes)
        kernel_s = min(kernels_s, default=None)
        subjects.append(
            MeasuredSubject(work, work.held, call_s, passes=passes, kernel_s=kernel_s)
        )
    return subjects, ()


def describe_doubts(rows: Sequence[SizeRow]) -> tuple[str, ...]:
    """Say how many works vary too much between rounds, if many do."""
    gains = [row.gain for row in rows if row.gain is not None]
    n_unsteady = sum(bool(describe_unsteady(gain=gain)) for gain in gains)
    if n_unsteady <= UNSTEADY_MAX * len(rows):
        return ()
    return (f"the gain varies from round to round in {n_unsteady} of {len(rows)} rows",)
