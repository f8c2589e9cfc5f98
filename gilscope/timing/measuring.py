"""Calls of one size or more, measured in rounds until the ranges tell."""

import time
from collections.abc import Sequence
from functools import partial

from gilscope.check import check, check_statement
from gilscope.environment import collect_environment
from gilscope.measurement import BreakEven, Measurement, SizeRow
from gilscope.model import Check
from gilscope.stats import describe_unsteady
from gilscope.timing.break_even import (
    describe_break_even,
    find_break_even,
    select_cases,
    select_unclear,
)
from gilscope.timing.calls import Calls, PlainWork, StatementWork, Work
from gilscope.timing.rounds import (
    MeasuredSubject,
    Rounds,
    Windows,
    count_calls,
    describe_contention,
    describe_cores,
    describe_threads,
)

# Of seven rounds the range misses the true median in 1.6 % of cases.
N_ROUNDS = 7
# What the ranges do not tell is measured longer: of one call, whether threads ran in
# parallel; of sizes, whether something pays.
N_ROUNDS_MAX = 21
BUDGET_S, SIZES_BUDGET_S = 10.0, 30.0

ONE_SIZE = Windows(calls_s=0.05, beside_s=0.1, busy_s=0.05)
SIZES = Windows(calls_s=0.02, beside_s=0.04, busy_s=0.02)


def measure_subjects(
    name: str, subjects: Sequence[MeasuredSubject], threads: Sequence[int]
) -> Measurement:
    """Measure calls of all sizes, and say from which on what pays."""
    environment = collect_environment()
    for subject in subjects:
        subject.check = check_work(subject.work)
    warnings = run_rounds(subjects, threads)
    rows = [subject.summarize() for subject in subjects]
    cases = select_cases(rows) if rows[0].size is not None else ()
    break_evens = [find_break_even(case, rows) for case in cases]
    return Measurement(
        name=name,
        environment=environment,
        rows=tuple(rows),
        break_evens=tuple(break_evens),
        n_rounds=N_ROUNDS,
        findings=describe_findings(rows, break_evens),
        warnings=(*warnings, *describe_doubts(rows)),
    )


def run_rounds(
    subjects: Sequence[MeasuredSubject], threads: Sequence[int]
) -> tuple[str, ...]:
    """Measure all in the same rounds; return what could not be had.

    There are more rounds of what is unclear.
    """
    for subject in subjects:
        subject.call_s = time_call(subject.work)
    # The twin is compared in two threads, whatever was asked for.
    counts = sorted({*threads, 2}) if subjects[0].held else [*threads]
    windows = ONE_SIZE if len(subjects) == 1 else SIZES
    rounds = Rounds(subjects, windows, counts)
    with rounds.open(has_processes=True):
        has_sizes = subjects[0].size is not None
        deadline = time.perf_counter() + (SIZES_BUDGET_S if has_sizes else BUDGET_S)
        for _ in range(N_ROUNDS):
            rounds.run()
        for _ in range(N_ROUNDS_MAX - N_ROUNDS):
            rows = [subject.summarize() for subject in subjects]
            if has_sizes:
                places = select_unclear(rows, select_cases(rows))
            else:
                places = select_unclear_threads(rows)
            if not places or time.perf_counter() > deadline:
                break
            rounds.run(places)
    return rounds.warnings


def select_unclear_threads(rows: Sequence[SizeRow]) -> list[int]:
    """Return the places of rows that leave it unclear whether threads ran together."""
    return [
        place
        for place, row in enumerate(rows)
        if any(each.concurrency == "unclear" for each in row.parallel)
    ]


def check_work(work: Work) -> Check:
    """Return whether a call releases the GIL, without figures."""
    if isinstance(work, PlainWork) and work.size is None:
        call = partial(work.func, *work.args, **work.kwargs)
        return check(call, prepare=work.prepare, figures=False)
    if isinstance(work, StatementWork):
        return check_statement(*work.fill_in(), figures=False)
    (made,) = work.make_calls(1)
    return check(made, figures=False)


def time_call(work: Work) -> float:
    """Return about how long one call takes, the quickest of a few."""
    quickest_s = float("inf")
    count, started = 1, time.perf_counter()
    while time.perf_counter() - started < SIZES.calls_s:
        calls = Calls(work, count, is_stamped=False)
        calls.prepare()
        calls.make_calls()
        quickest_s = min(quickest_s, calls.elapsed_s / count)
        count = count_calls(quickest_s, SIZES.calls_s / 10)
    return quickest_s


def describe_findings(
    rows: Sequence[SizeRow], break_evens: Sequence[BreakEven]
) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    if rows[0].size is not None:
        return tuple(describe_break_even(found, rows) for found in break_evens)
    row = rows[0]
    findings = [words for each in row.parallel for words in describe_threads(each)]
    if row.contention is not None:
        findings.append(describe_contention(row.contention))
    return tuple(findings)


def describe_doubts(rows: Sequence[SizeRow]) -> tuple[str, ...]:
    """Say what makes the figures unsure, with the figure that says so."""
    doubts = describe_cores(row.pair for row in rows)
    if rows[0].size is not None:
        return doubts
    return doubts + describe_unsteady(
        **{f"speed-up of {p.threads} threads": p.speedup for p in rows[0].parallel}
    )
