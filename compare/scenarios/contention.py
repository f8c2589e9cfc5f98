"""Short calls beside a busy Python thread: what releasing the GIL costs.

A call that releases the GIL asks for it again when it is done, and by then the other
thread may have it, for as long as the interpreter lets it.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from compare.contract import Implementation
from compare.model import Contention, ContentionRow
from compare.scenarios import NotApplicable, Options
from compare.work import Failures, ImplementationWork, select_sizes
from gilscope.busy_thread import BusyThread
from gilscope.environment import is_gil_enabled
from gilscope.stats import describe_unsteady, judge, summarize
from gilscope.threads import collect_no_garbage
from gilscope.timing.calls import Wall
from gilscope.timing.rounds import (
    Side,
    Timer,
    Windows,
    summarize_contention,
    time_contention,
)
from gilscope.units import describe_time

# The shortest call, and the one in the middle of the contract's sizes.
N_SIZES = 2
NOTHING = Wall(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Plan:
    """How long the scenario takes."""

    n_rounds: int
    windows: Windows


FULL = Plan(n_rounds=5, windows=Windows(calls_s=0.01, beside_s=0.06, busy_s=0.03))
QUICK = Plan(n_rounds=3, windows=Windows(calls_s=0.003, beside_s=0.01, busy_s=0.01))


def run(implementation: Implementation, options: Options) -> Contention | NotApplicable:
    """Measure short calls, released and held, alone and beside a busy thread.

    Raises:
        Exception: what a call raised.
    """
    plan = QUICK if options.quick else FULL
    failures = Failures()
    times, warnings = select_sizes(implementation)
    if not times:
        return NotApplicable("the contract has no sizes")
    sizes = sorted({min(times), sorted(times)[len(times) // 2]})[:N_SIZES]
    released: dict[int, list[Side]] = {size: [] for size in sizes}
    held: dict[int, list[Side]] = {size: [] for size in sizes}
    with BusyThread() as busy_thread, collect_no_garbage():
        timer = Timer(busy_thread, failures.add)
        for _ in range(plan.n_rounds):
            with busy_thread.computing():
                time.sleep(plan.windows.busy_s)
            speed_alone = max(busy_thread.speed, 0.01)
            for size in sizes:
                work = ImplementationWork(implementation, size)
                for each, kept in ((work, released), (work.held, held)):
                    if each is not None:
                        contention = time_contention(
                            timer, each, times[size], plan.windows, speed_alone
                        )
                        kept[size].append(Side(1, NOTHING, contention=contention))
    rows = tuple(
        summarize_contention(size, released[size], held[size]) for size in sizes
    )
    interval_s = sys.getswitchinterval()
    return Contention(
        rows=rows,
        switch_interval_s=interval_s,
        findings=describe(rows, interval_s, has_gil=is_gil_enabled()),
        warnings=(*warnings, *describe_doubts(released)),
        failures=failures.as_tuple(),
    )


def describe(
    rows: Sequence[ContentionRow], interval_s: float, *, has_gil: bool
) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    findings = []
    for row in rows:
        slowdown, held = row.slowdown, row.held_slowdown
        finding = "no difference seen beside a busy Python thread"
        if judge(slowdown) != "no difference":
            finding = f"{slowdown.value:.3g} times as long beside a busy Python thread"
            if held is not None:
                finding += f", {held.value:.3g} times with the GIL held"
        findings.append(
            f"size {row.size}: {finding} ({describe_time(row.alone_s)} alone, "
            f"{describe_time(row.contended_s)} beside, 99th percentile "
            f"{describe_time(row.contended_p99_s)}; range {slowdown.low:.3g} to "
            f"{slowdown.high:.3g} times); the busy thread keeps "
            f"{row.busy_thread_speed.value:.0%} of its speed"
        )
    if not has_gil:
        findings.append("there is no GIL here that a call could have to wait for")
    elif any(row.contended_p99_s > interval_s / 2 for row in rows):
        findings.append(
            "each time the GIL is released, re-acquiring it can cost a switch interval "
            f"({describe_time(interval_s)} here)"
        )
    return tuple(findings)


def describe_doubts(released: dict[int, list[Side]]) -> tuple[str, ...]:
    """Name the times alone that vary too much between rounds."""
    return describe_unsteady(
        **{
            f"microseconds of a call of size {size}": summarize(
                [
                    statistics.fmean(side.contention.alone_s) * 1e6
                    for side in sides
                    if side.contention
                ]
            )
            for size, sides in released.items()
        }
    )
