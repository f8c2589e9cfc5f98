"""Short calls beside a busy Python thread: what releasing the GIL costs.

A call that releases the GIL asks for it again when it is done, and by then the other
thread may have it, for as long as the interpreter lets it.
"""

import statistics
import sys
from collections.abc import Sequence

from compare.contract import Implementation
from compare.model import Contention
from compare.scenarios import Options
from compare.work import Failures, ImplementationWork, select_sizes
from gilscope.environment import is_gil_enabled
from gilscope.measurement import ContentionRow
from gilscope.stats import describe_unsteady, summarize
from gilscope.timing.rounds import (
    MeasuredSubject,
    Rounds,
    Windows,
    describe_contention,
    summarize_contention,
)
from gilscope.units import describe_time

# How many rounds there are, and for how long what is measured; and in the short form.
FULL = (5, Windows(calls_s=0.01, beside_s=0.06, busy_s=0.03))
QUICK = (3, Windows(calls_s=0.003, beside_s=0.01, busy_s=0.01))


def run(implementation: Implementation, options: Options) -> Contention:
    """Measure short calls, released and held, alone and beside a busy thread."""
    n_rounds, windows = QUICK if options.quick else FULL
    failures = Failures()
    times, warnings = select_sizes(implementation)
    # The shortest call, and the one in the middle of the contract's sizes.
    sizes = sorted({min(times), sorted(times)[len(times) // 2]})
    works = [ImplementationWork(implementation, size) for size in sizes]
    subjects = [MeasuredSubject(work, work.held, times[work.size]) for work in works]
    rounds = Rounds(subjects, windows, add_fault=failures.add)
    with rounds.open(has_processes=False):
        for _ in range(n_rounds):
            rounds.run()
    rows = tuple(
        summarize_contention(subject.work.size, subject.rounds, subject.held_rounds)
        for subject in subjects
    )
    interval_s = sys.getswitchinterval()
    return Contention(
        rows=rows,
        switch_interval_s=interval_s,
        findings=describe(rows, interval_s, has_gil=is_gil_enabled()),
        warnings=(*warnings, *describe_doubts(subjects)),
        failures=tuple(failures.values()),
    )


def describe(
    rows: Sequence[ContentionRow], interval_s: float, *, has_gil: bool
) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    findings = [f"size {row.size}: {describe_contention(row)}" for row in rows]
    if not has_gil:
        findings.append("there is no GIL here that a call could have to wait for")
    elif any(row.contended_p99_s > interval_s / 2 for row in rows):
        findings.append(
            "each time the GIL is released, re-acquiring it can cost a switch interval "
            f"({describe_time(interval_s)} here)"
        )
    return tuple(findings)


def describe_doubts(subjects: Sequence[MeasuredSubject]) -> tuple[str, ...]:
    """Name the times alone that vary too much between rounds."""
    times = {}
    for subject in subjects:
        found = [side.contention for side in subject.rounds if side.contention]
        means_us = [statistics.fmean(each.alone_s) * 1e6 for each in found]
        times[f"microseconds of a call of size {subject.work.size}"] = summarize(
            means_us
        )
    return describe_unsteady(**times)
