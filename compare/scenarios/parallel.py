"""Threads, each with calls of the same work, against all of them in one thread.

Everything is measured once a round, so that what the machine does to one side it does
to the other; see gilscope.timing.rounds.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from compare.contract import Implementation
from compare.model import Parallel
from compare.scenarios import Options
from compare.work import (
    Failures,
    ImplementationWork,
    find_thread_fault,
    make_long_work,
    select_sizes,
)
from gilscope.environment import is_gil_enabled
from gilscope.stats import describe_speed, describe_unsteady
from gilscope.timing.rounds import (
    MeasuredSubject,
    Rounds,
    Windows,
    describe_cores,
    describe_threads,
    summarize_threads,
)

# Calls of a held twin never meet, and those that release the GIL do in most rounds.
# Where they were not seen to, they are looked at longer.
N_LONGER = 3

# How long the calls of each thread take, all rounds together once there are the fewest,
# and how many these are; and in the short form.
FULL = (0.1, 4.5, 4)
# With shorter calls a loaded machine hides that they run in parallel; of five rounds
# the range misses the true median in 6 % of cases, of four in 12 %.
QUICK = (0.013, 0.4, 5)


def run(implementation: Implementation, options: Options) -> Parallel:
    """Measure the speed-up of threads, and beside it what bounds it."""
    call_s, budget_s, n_rounds_min = QUICK if options.quick else FULL
    counts = tuple(sorted({2, *options.threads}))
    failures = Failures()
    times, warnings = select_sizes(implementation)
    work, n_calls = make_long_work(implementation, times, call_s)
    held_fraction = measure_held_fraction(work)
    # What is timed afterwards is not interrupted at all.
    where = "in threads that interrupt each other"
    failures.add(find_thread_fault(work, n_calls, 2), where)
    subject = MeasuredSubject(work, work.held, call_s, n_calls)
    rounds = Rounds(
        [subject],
        Windows(call_s),
        counts,
        failures.add,
        is_undisturbed=True,
        is_twin_alone=False,
    )
    with rounds.open(has_processes=True):
        started = time.perf_counter()
        while (n_rounds := len(subject.rounds)) < n_rounds_min or (
            # Another one of the same length still fits.
            (time.perf_counter() - started) * (1 + 1 / n_rounds) < budget_s
        ):
            rounds.run()
        contradictions = tuple(find_contradictions(implementation, rounds, subject))
        if rounds.processes is not None:
            failures.add(rounds.processes.find_end_fault(), "")
    sides, held_sides = subject.rounds, subject.held_rounds
    rows = [
        replace(summarize_threads(sides, n), amdahl=bound_speedup(held_fraction, n))
        for n in counts
    ]
    found = Parallel(
        alone_s=median(side.alone.seconds for side in sides) / n_calls,
        rows=tuple(rows),
        held=summarize_threads(held_sides, 2) if held_sides else None,
        held_fraction=held_fraction,
        size=work.size,
        passes=work.options.get("passes"),
        n_calls=n_calls,
        n_rounds=n_rounds,
        failures=tuple(failures.values()),
        contradictions=contradictions,
    )
    doubts = (*warnings, *rounds.warnings, *describe_doubts(found))
    return replace(found, findings=describe(found), warnings=doubts)


def measure_held_fraction(work: ImplementationWork) -> float | None:
    """Return the fraction of a call in which no other one can run, None if unknown."""
    implementation = work.implementation
    if not is_gil_enabled():
        return 0.0
    if implementation.releases_gil is False:
        return 1.0
    if "trace" not in implementation.contract.keywords:
        return None
    trace: list[tuple[int, ...]] = []
    for _ in range(3):
        work.with_options(trace=trace).time_call()
    fractions = []
    for enter, start, end, acquired, leave in trace:
        working = leave - enter - (acquired - end)
        fractions.append(1 - (end - start) / working if working else 1.0)
    return median(fractions) if fractions else None


def bound_speedup(held_fraction: float | None, threads: int) -> float | None:
    """Return the most that so many threads can gain.

    Source:
        Amdahl, Validity of the single processor approach, AFIPS 1967.
    """
    if held_fraction is None:
        return None
    return 1 / (held_fraction + (1 - held_fraction) / threads)


def find_contradictions(
    implementation: Implementation, rounds: Rounds, subject: MeasuredSubject
) -> Iterator[str]:
    """Say what proves that calls release the GIL, or hold it, against what is declared.

    Nobody is interrupted here, so that a call which begins before another one has ended
    was let in by that one: by order, not by time.
    """
    if not is_gil_enabled():
        return
    have_met = [side.threads[2].has_met for side in subject.rounds]
    if implementation.releases_gil is False and any(have_met):
        yield "declares that it does not release the GIL, but lets another call in"
    if any(side.threads[2].has_met for side in subject.held_rounds):
        yield "lets another call in where it is to hold the GIL"
    if implementation.releases_gil and not any(have_met):
        work = subject.work
        assert isinstance(work, ImplementationWork)
        if "passes" in work.options:
            work = work.with_options(passes=4 * work.options["passes"])
        looks = (rounds.time_threads(work, subject.count, 2) for _ in range(N_LONGER))
        if not any(wall.has_met for wall in looks):
            yield "declares that it releases the GIL, but never lets another call in"


def describe(found: Parallel) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    pair, held = found.pair, found.held
    findings = describe_threads(pair)
    if held is not None:
        what = "2 threads with the GIL held"
        findings.append(describe_speed(held.speedup, what, "one call after the other"))
    if "unclear" in (pair.concurrency, held and held.concurrency):
        findings.append("the ranges do not tell whether the calls ran in parallel")
    if not is_gil_enabled():
        findings.append("there is no GIL here that a call could hold")
    elif pair.amdahl is not None and found.held_fraction is not None:
        findings.append(
            f"the GIL is held for {found.held_fraction:.1%} of a call, which allows "
            f"a speed-up of {pair.amdahl:.2f} at most"
        )
    return tuple(findings)


def describe_doubts(found: Parallel) -> tuple[str, ...]:
    """Say what makes the figures unsure, with the figure that says so."""
    return describe_unsteady(speedup=found.pair.speedup) + describe_cores([found.pair])
