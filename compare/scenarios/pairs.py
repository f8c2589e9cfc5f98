"""Every backend in one thread beside every backend in another: who stops whom.

The process of each backend measures its own row: it loads the others as partners, and
starts its own call first, then the partner's.
"""

import statistics
from dataclasses import dataclass

import backends
from backends import Backend
from compare.measure.calibration import calibrate
from compare.measure.faults import Failures
from compare.measure.together import measure_wall, run_in_order
from compare.measure.work import Calls, Work
from compare.model import PairCell, Pairs
from compare.scenarios import Options
from gilscope.stats import Figure, summarize

# Being kept out for less of a call than this is not called being stopped.
STOPPED_MIN = 0.1


@dataclass(frozen=True)
class Form:
    """How long the scenario takes."""

    call_s: float
    n_rounds: int


FULL = Form(call_s=0.05, n_rounds=7)
QUICK = Form(call_s=0.015, n_rounds=4)


@dataclass(frozen=True)
class Round:
    """What one round measured.

    Attributes:
        alone_s, partner_alone_s: either call on its own.
        stops: the share of the own call, begun first, that kept the partner out.
        stopped: the share of the partner's call, begun first, that kept this one out.
        speedup: both at once against one after the other, mean of both orders.
    """

    alone_s: float
    partner_alone_s: float
    stops: float
    stopped: float
    speedup: float


def run(backend: Backend, options: Options) -> Pairs:
    """Measure this backend beside each partner, both start orders.

    Raises:
        Exception: what a call raised.
    """
    form = QUICK if options.quick else FULL
    failures = Failures()
    own = calibrate(Work(backend.double_list), form.call_s)
    cells = tuple(
        measure_cell(own, partner, form, failures)
        for partner in options.partners or backends.names()
    )
    return Pairs(
        cells=cells,
        findings=describe(cells),
        failures=failures.as_tuple(),
    )


def measure_cell(own: Work, partner: str, form: Form, failures: Failures) -> PairCell:
    """Measure one partner, or say why that cannot be."""
    try:
        work = calibrate(Work(backends.get(partner).double_list), form.call_s)
    except Exception as error:  # noqa: BLE001 - it is the partner's, not this one's.
        return PairCell(partner, reason=f"{type(error).__name__}: {error}")
    place = f"beside {partner}"
    rounds = [run_round(own, work, failures, place) for _ in range(form.n_rounds)]
    return summarize_cell(partner, rounds)


def run_round(own: Work, other: Work, failures: Failures, place: str) -> Round:
    """Measure both alone, then both at once in either order."""
    alone, partner_alone = run_calls(own), run_calls(other)
    first, second = run_calls(own, other), run_calls(own, other, is_reversed=True)
    # What is wrong with the partner's answers stands in the partner's own row.
    failures.check([alone[0], first[0], second[0]], place)
    both_s = alone[0].elapsed_s + partner_alone[0].elapsed_s
    return Round(
        alone_s=alone[0].elapsed_s,
        partner_alone_s=partner_alone[0].elapsed_s,
        stops=find_stop(first[0], first[1], partner_alone[0]),
        stopped=find_stop(second[1], second[0], alone[0]),
        speedup=statistics.fmean(
            both_s / measure_wall(pair).seconds for pair in (first, second)
        ),
    )


def run_calls(*works: Work, is_reversed: bool = False) -> list[Calls]:
    """Make one call of each at the same time."""
    all_calls = [Calls(work) for work in works]
    run_in_order(all_calls, is_reversed=is_reversed)
    return all_calls


def find_stop(first: Calls, second: Calls, alone: Calls) -> float:
    """Return for how much of the first call the second one could not go on.

    Args:
        first: the call that began first.
        second: the one that was started by it.
        alone: the second one's, with nothing beside it.
    """
    needed_s = second.end_ns / 1e9 - second.waited_s - first.start_ns / 1e9
    return min(1.0, max(0.0, (needed_s - alone.cored_s) / first.elapsed_s))


def summarize_cell(partner: str, rounds: list[Round]) -> PairCell:
    """Make the cell from all rounds."""
    return PairCell(
        partner=partner,
        alone_s=statistics.median(found.alone_s for found in rounds),
        partner_alone_s=statistics.median(found.partner_alone_s for found in rounds),
        stops=summarize([found.stops for found in rounds]),
        stopped=summarize([found.stopped for found in rounds]),
        speedup=summarize([found.speedup for found in rounds]),
    )


def describe(cells: tuple[PairCell, ...]) -> tuple[str, ...]:
    """Say in words which partners are kept out, and which keep this one out."""
    findings = []
    for cell in cells:
        if cell.stops is None or cell.stopped is None:
            findings.append(f"{cell.partner}: not measured, {cell.reason}")
            continue
        if is_stopped(cell.stops):
            findings.append(
                f"keeps {cell.partner} out for {cell.stops.value:.0%} of a call"
            )
        if is_stopped(cell.stopped):
            share = f"{cell.stopped.value:.0%} of its call"
            findings.append(f"is kept out by {cell.partner} for {share}")
    return tuple(findings) or ("keeps nobody out, and is kept out by nobody",)


def is_stopped(share: Figure) -> bool:
    """Return whether the rounds agree that a call was kept out for a while."""
    return share.low > 0 and share.value > STOPPED_MIN
