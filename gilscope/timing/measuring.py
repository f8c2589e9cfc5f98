"""Calls of one size or more, measured in rounds until the ranges tell."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import gilscope.render.results  # noqa: F401 - what is found shows itself.
from gilscope.environment import collect_environment
from gilscope.measurement import Measurement
from gilscope.stats import describe_unsteady
from gilscope.threads import SIZE_LIMITS, check_counts
from gilscope.timing.break_even import (
    describe_break_even,
    find_break_even,
    select_cases,
    select_unclear,
)
from gilscope.timing.calls import Calls, Work, count_calls
from gilscope.timing.rounds import (
    MeasuredSubject,
    Rounds,
    Windows,
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

T = TypeVar("T")


def measure_works(
    name: str,
    make_work: Callable[[T, int | None], Work],
    pair: tuple[T, T | None],
    sizes: Sequence[int] | None,
    threads: Sequence[int],
) -> Measurement:
    """Measure a call, and its twin if it has one, and say from which size on what pays.

    `make_work` makes a work of either of the pair for a size.
    """
    call, held = pair
    subjects = [
        MeasuredSubject(
            make_work(call, size), None if held is None else make_work(held, size)
        )
        for size in (
            [None]
            if sizes is None
            else check_counts("measure() sizes", sizes, SIZE_LIMITS)
        )
    ]
    counts = check_counts("measure() threads", threads)
    environment = collect_environment()
    for subject in subjects:
        subject.check = subject.work.check()
    warnings = run_rounds(subjects, counts)
    rows = [subject.summarize() for subject in subjects]
    cases = () if sizes is None else select_cases(rows)
    break_evens = [find_break_even(case, rows) for case in cases]
    doubts = describe_cores(row.pair for row in rows)
    if sizes is None:
        (row,) = rows
        several = [each for each in row.parallel if each.threads > 1]
        findings = [words for each in several for words in describe_threads(each)]
        if row.contention is not None:
            findings.append(describe_contention(row.contention))
        doubts += describe_unsteady(
            **{f"speed-up of {p.threads} threads": p.speedup for p in several}
        )
    else:
        findings = [describe_break_even(found, rows) for found in break_evens]
    return Measurement(
        name=name,
        environment=environment,
        rows=tuple(rows),
        break_evens=tuple(break_evens),
        n_rounds=N_ROUNDS,
        findings=tuple(findings),
        warnings=(*warnings, *doubts),
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
    has_sizes = subjects[0].work.size is not None
    rounds = Rounds(subjects, windows, counts)
    with rounds.open(has_processes=True):
        deadline = time.perf_counter() + (SIZES_BUDGET_S if has_sizes else BUDGET_S)
        for _ in range(N_ROUNDS):
            rounds.run()
        for _ in range(N_ROUNDS_MAX - N_ROUNDS):
            rows = [subject.summarize() for subject in subjects]
            places = [
                place
                for place, row in enumerate(rows)
                if any(each.concurrency == "unclear" for each in row.parallel)
            ]
            if has_sizes:
                places = select_unclear(rows, select_cases(rows))
            if not places or time.perf_counter() > deadline:
                break
            rounds.run(places)
    return rounds.warnings


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
