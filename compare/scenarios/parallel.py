"""Threads, each with calls of the same work, against all of them in one thread.

Everything is measured once a round, so that what the machine does to one side it does
to the other; see gilscope.timing.rounds.
"""

import dataclasses
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from compare.contract import Implementation
from compare.model import Parallel, ParallelRow
from compare.scenarios import NotApplicable, Options
from compare.work import (
    Failures,
    ImplementationWork,
    calibrate,
    make_call,
    select_sizes,
)
from gilscope.busy_thread import BusyThread
from gilscope.environment import is_gil_enabled
from gilscope.stats import describe_ratio, describe_unsteady
from gilscope.threads import collect_no_garbage, run_together, switch_interval
from gilscope.timing.calls import Calls
from gilscope.timing.processes import ProcessError, Processes
from gilscope.timing.rounds import Side, Timer, count_calls, summarize_threads

# With less than this from two processes, there was no second core to be had.
TWO_CORES = 1.5
# Of calls whose arguments and answers are kept there are no more.
N_CALLS_MAX = 1000
# Calls of a held twin never meet, and those that release the GIL do in most rounds.
# Where they were not seen to, they are looked at longer.
N_LONGER = 3
# A switch interval as short as a call can be interrupted at all.
INTERRUPTING_S = 10e-6


@dataclass(frozen=True)
class Plan:
    """How long the scenario takes.

    Attributes:
        call_s: the calls of each thread.
        budget_s: all rounds together, once there are the fewest.
    """

    call_s: float
    budget_s: float
    n_rounds_min: int


FULL = Plan(call_s=0.1, budget_s=4.5, n_rounds_min=4)
# With shorter calls a loaded machine hides that they run in parallel; of five rounds
# the range misses the true median in 6 % of cases, of four in 12 %.
QUICK = Plan(call_s=0.013, budget_s=0.4, n_rounds_min=5)


@dataclass
class Round:
    """What one round measured, the twin apart."""

    own: Side
    held: Side | None


def run(implementation: Implementation, options: Options) -> Parallel | NotApplicable:
    """Measure the speed-up of threads, and beside it what bounds it.

    Raises:
        Exception: what a call raised.
    """
    plan = QUICK if options.quick else FULL
    counts = tuple(sorted({2, *options.threads}))
    failures = Failures()
    times, warnings = select_sizes(implementation)
    if not times:
        return NotApplicable("the contract has no sizes")
    work, n_calls = make_long_work(implementation, max(times), plan.call_s, times)
    held_fraction = measure_held_fraction(work)
    check_interrupted(work, n_calls, failures)
    with ExitStack() as stack:
        stack.enter_context(collect_no_garbage())
        try:
            processes = stack.enter_context(Processes([work], max(counts)))
            processes.wait()
        except ProcessError as error:
            processes = None
            warnings += (f"no processes to compare with: {error}",)
        timer = Timer(BusyThread(), failures.add, is_undisturbed=True)
        rounds: list[Round] = []
        started = time.perf_counter()
        while len(rounds) < plan.n_rounds_min or (
            # Another one of the same length still fits.
            (time.perf_counter() - started) * (1 + 1 / len(rounds)) < plan.budget_s
        ):
            is_reversed = len(rounds) % 2 == 1
            rounds.append(
                measure_round(timer, work, n_calls, counts, processes, is_reversed)
            )
        contradictions = [*find_contradictions(implementation, timer, work, rounds)]
        if processes is not None and (fault := processes.find_end_fault()):
            failures.add(fault, "")
    walls = [each.own.threads[2].seconds for each in rounds]
    found = Parallel(
        alone_s=statistics.median(each.own.alone.seconds for each in rounds) / n_calls,
        rows=tuple(
            dataclasses.replace(
                summarize_threads([each.own for each in rounds], n_threads),
                amdahl=bound_speedup(held_fraction, n_threads),
            )
            for n_threads in counts
        ),
        held=summarize_held(rounds),
        held_fraction=held_fraction,
        order_s=(statistics.median(walls[::2]), statistics.median(walls[1::2])),
        size=work.size,
        passes=work.options.get("passes"),
        n_calls=n_calls,
        n_rounds=len(rounds),
        failures=failures.as_tuple(),
        contradictions=tuple(contradictions),
    )
    return dataclasses.replace(
        found,
        findings=describe(found),
        warnings=(*warnings, *describe_doubts(found)),
    )


def check_interrupted(
    work: ImplementationWork, n_calls: int, failures: Failures
) -> None:
    """Check calls that interrupt each other all the time, which is when they may mix.

    What is timed afterwards is not interrupted at all.
    """
    all_calls = [Calls(work, n_calls, is_stamped=False) for _ in range(2)]
    for calls in all_calls:
        calls.prepare()
    with switch_interval(INTERRUPTING_S):
        run_together(*(calls.make_calls for calls in all_calls), timeout_s=None)
    for calls in all_calls:
        failures.add(calls.find_fault(), "in threads that interrupt each other")


def make_long_work(
    implementation: Implementation, size: int, call_s: float, times: dict[int, float]
) -> tuple[ImplementationWork, int]:
    """Return the work of a thread and how many calls make it as long as it should be.

    Args:
        implementation: whose work.
        size: of its arguments.
        call_s: how long it should take.
        times: how long a call of each size takes.
    """
    work = ImplementationWork(implementation, size)
    if "passes" in implementation.contract.keywords:
        return calibrate(work, call_s), 1
    return work, min(N_CALLS_MAX, count_calls(times[size], call_s))


def measure_round(  # noqa: PLR0913, PLR0917 - all that is the same in each round.
    timer: Timer,
    work: ImplementationWork,
    n_calls: int,
    counts: Sequence[int],
    processes: Processes | None,
    is_reversed: bool,  # noqa: FBT001 - the order of this round.
) -> Round:
    """Measure everything once."""
    alone = timer.time_threads(work, n_calls, 1, "called alone")
    side = Side(n_calls, alone)
    for n_threads in counts:
        where = f"{n_threads} threads calling"
        side.threads[n_threads] = timer.time_threads(
            work, n_calls, n_threads, where, is_reversed=is_reversed
        )
        if processes is not None:
            wall, fault = processes.measure_wall(
                0, n_calls, n_threads, is_reversed=is_reversed
            )
            timer.add_fault(fault, "in a process of its own")
            side.processes[n_threads] = wall
    if work.held is None:
        return Round(side, None)
    where = "2 threads calling with the GIL held"
    wall = timer.time_threads(work.held, n_calls, 2, where, is_reversed=is_reversed)
    return Round(side, Side(n_calls, alone, {2: wall}))


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
    traced = dataclasses.replace(work, options={**work.options, "trace": trace})
    for _ in range(3):
        make_call(traced)
    fractions = []
    for enter, start, end, acquired, leave in trace:
        working = leave - enter - (acquired - end)
        fractions.append(1 - (end - start) / working if working else 1.0)
    return statistics.median(fractions) if fractions else None


def bound_speedup(held_fraction: float | None, threads: int) -> float | None:
    """Return the most that so many threads can gain.

    Source:
        Amdahl, Validity of the single processor approach, AFIPS 1967.
    """
    if held_fraction is None:
        return None
    return 1 / (held_fraction + (1 - held_fraction) / threads)


def find_contradictions(
    implementation: Implementation,
    timer: Timer,
    work: ImplementationWork,
    rounds: Sequence[Round],
) -> Iterator[str]:
    """Say what proves that calls release the GIL, or hold it, against what is declared.

    Nobody is interrupted here, so that a call which begins before another one has ended
    was let in by that one: by order, not by time.
    """
    if not is_gil_enabled():
        return
    have_met = [each.own.threads[2].has_met for each in rounds]
    if implementation.releases_gil is False and any(have_met):
        yield "declares that it does not release the GIL, but lets another call in"
    if any(each.held and each.held.threads[2].has_met for each in rounds):
        yield "lets another call in where it is to hold the GIL"
    if implementation.releases_gil and not any(have_met):
        count = rounds[0].own.count
        if "passes" in work.options:
            passes = 4 * work.options["passes"]
            work = dataclasses.replace(work, options={**work.options, "passes": passes})
        looks = (timer.time_threads(work, count, 2) for _ in range(N_LONGER))
        if not any(wall.has_met for wall in looks):
            yield "declares that it releases the GIL, but never lets another call in"


def summarize_held(rounds: Sequence[Round]) -> ParallelRow | None:
    """Make the row of the twin, None if there is none."""
    sides = [each.held for each in rounds if each.held is not None]
    return summarize_threads(sides, 2) if sides else None


def describe(found: Parallel) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    pair, held = found.pair, found.held
    findings = [describe_ratio(pair.speedup, "2 threads", "one call after the other")]
    if pair.of_processes is not None:
        findings.append(describe_ratio(pair.of_processes, "2 threads", "2 processes"))
    if held is not None:
        what = "2 threads with the GIL held"
        findings.append(describe_ratio(held.speedup, what, "one call after the other"))
    if "unclear" in (pair.concurrency, held and held.concurrency):
        findings.append("the rounds do not agree on whether the calls ran in parallel")
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
    doubts = list(describe_unsteady(speedup=found.pair.speedup))
    processes = found.pair.process_speedup
    if processes is not None and processes.value < TWO_CORES:
        doubts.append(
            f"2 processes are {processes.value:.2f} times as fast as one: "
            "no second core was free"
        )
    return tuple(doubts)
