"""Short calls beside a Python thread that computes: what releasing the GIL costs.

A call that releases the GIL asks for it again when it is done, and by then the other
thread may have it, for as long as the interpreter lets it.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from backends import Backend
from compare.measure.faults import Failures
from compare.measure.work import Calls, Work
from compare.model import Contention, ContentionRow
from compare.scenarios import Options
from gilscope.busy_thread import Companion
from gilscope.environment import is_gil_enabled
from gilscope.stats import (
    find_percentile,
    find_unsteady,
    judge,
    summarize,
)
from gilscope.threads import collect_no_garbage
from gilscope.units import describe_time

SIZES = (10, 1000)

# So many values are doubled before the answers are looked at: few enough for the memory
# of the answers to be used again and again, as it would be by whoever calls.
BATCH_VALUES = 16_000


@dataclass(frozen=True)
class Form:
    """How long the scenario takes.

    Attributes:
        alone_s: calls with nothing beside them.
        beside_s: calls beside the other thread; a few switch intervals at least.
        partner_s: the other thread with nothing beside it.
    """

    n_rounds: int
    alone_s: float
    beside_s: float
    partner_s: float


FULL = Form(n_rounds=5, alone_s=0.01, beside_s=0.06, partner_s=0.03)
QUICK = Form(n_rounds=3, alone_s=0.003, beside_s=0.01, partner_s=0.01)


@dataclass
class Round:
    """What one round measured for one size.

    Attributes:
        alone, beside: seconds of each call with nothing beside it, and beside the
            other thread.
        partner: speed of the other thread beside the calls, 1 = as fast as alone.
    """

    alone: list[float]
    beside: list[float]
    partner: float

    @property
    def slowdown(self) -> float:
        """How many times as long a call takes beside the other thread."""
        return statistics.fmean(self.beside) / statistics.fmean(self.alone)


def run(backend: Backend, options: Options) -> Contention:
    """Measure short calls, released and held, alone and beside a Python thread.

    Raises:
        Exception: what a call raised.
    """
    form = QUICK if options.quick else FULL
    failures = Failures()
    released: dict[int, list[Round]] = {n: [] for n in SIZES}
    held: dict[int, list[Round]] = {n: [] for n in SIZES}
    with Companion() as companion, collect_no_garbage():
        for _ in range(form.n_rounds):
            alone = companion.measure_alone(form.partner_s)
            for n in SIZES:
                work = Work(backend.double_list, n=n, is_traced=False)
                twin = replace(work, release_gil=False)
                released[n].append(run_round(work, form, companion, alone, failures))
                held[n].append(run_round(twin, form, companion, alone, failures))
    rows = tuple(summarize_size(n, released[n], held[n]) for n in SIZES)
    interval_s = sys.getswitchinterval()
    has_gil = is_gil_enabled()
    return Contention(
        rows=rows,
        switch_interval_s=interval_s,
        findings=describe(rows, interval_s, has_gil=has_gil),
        warnings=find_doubts(released),
        failures=failures.as_tuple(),
    )


def run_round(
    work: Work,
    form: Form,
    companion: Companion,
    partner_alone: float,
    failures: Failures,
) -> Round:
    """Measure the work alone, then beside the other thread."""
    alone = call_for(work, form.alone_s, None, failures)
    beside = call_for(work, form.beside_s, companion, failures)
    return Round(alone, beside, companion.speed / partner_alone)


def call_for(
    work: Work, seconds: float, companion: Companion | None, failures: Failures
) -> list[float]:
    """Call for some time, check every answer, return the seconds of each call."""
    durations_s: list[float] = []
    place = "in short calls" + (" beside a Python thread" if companion else "")
    done: list[Calls] = []
    with companion.computing() if companion else nullcontext():
        deadline = time.perf_counter() + seconds
        left_s = seconds
        while left_s > 0:
            # The last of them are looked at when nothing is beside that any more.
            failures.check(done, place)
            done = [calls := Calls(work, BATCH_VALUES // work.n, limit_s=left_s)]
            calls.prepare()
            calls.make_calls()
            durations_s += [(end - start) / 1e9 for start, end in calls.stamps]
            left_s = deadline - time.perf_counter()
    failures.check(done, place)
    return durations_s


def summarize_size(
    n: int, released: Sequence[Round], held: Sequence[Round]
) -> ContentionRow:
    """Make the row of one size."""
    alone = [seconds for found in released for seconds in found.alone]
    beside = [seconds for found in released for seconds in found.beside]
    return ContentionRow(
        size=n,
        n_calls=len(beside),
        alone_s=statistics.median(statistics.fmean(found.alone) for found in released),
        contended_s=statistics.median(
            statistics.fmean(found.beside) for found in released
        ),
        slowdown=summarize([found.slowdown for found in released]),
        held_slowdown=summarize([found.slowdown for found in held]),
        alone_median_s=statistics.median(alone),
        alone_p99_s=find_percentile(alone, 99),
        contended_median_s=statistics.median(beside),
        contended_p99_s=find_percentile(beside, 99),
        busy_thread_speed=summarize([found.partner for found in released]),
        busy_thread_speed_held=summarize([found.partner for found in held]),
    )


def describe(
    rows: Sequence[ContentionRow], interval_s: float, *, has_gil: bool
) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    findings = []
    for row in rows:
        slowdown = row.slowdown
        if judge(slowdown) == "no difference":
            finding = "no difference seen beside a Python thread that computes"
        else:
            finding = (
                f"{slowdown.value:.3g} times as long beside a Python thread that "
                f"computes, {row.held_slowdown.value:.3g} times with release_gil=False"
            )
        findings.append(
            f"n={row.size}: {finding} ({describe_time(row.alone_s)} alone, "
            f"{describe_time(row.contended_s)} beside, 99th percentile "
            f"{describe_time(row.contended_p99_s)}; range {slowdown.low:.3g} to "
            f"{slowdown.high:.3g} times); the other thread keeps "
            f"{row.busy_thread_speed.value:.0%} of its speed"
        )
    if not has_gil:
        findings.append("there is no GIL here that a call could have to wait for")
    elif any(row.contended_p99_s > interval_s / 2 for row in rows):
        findings.append(
            "each time the GIL is given away, getting it back can cost a switch "
            f"interval ({describe_time(interval_s)} here)"
        )
    return tuple(findings)


def find_doubts(released: dict[int, list[Round]]) -> tuple[str, ...]:
    """Name the times alone that vary too much between rounds."""
    return find_unsteady(
        **{
            f"microseconds of a call of n={n}": summarize(
                [statistics.fmean(found.alone) * 1e6 for found in rounds]
            )
            for n, rounds in released.items()
        }
    )
