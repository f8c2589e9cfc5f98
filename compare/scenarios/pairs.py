"""Every implementation in one thread beside every other in another: who stops whom.

The process of each measures its own row: it loads the others as partners, and starts
its own calls first, then the partner's.
"""

import statistics

from compare.contract import Implementation, load_implementation
from compare.model import PairCell, Pairs
from compare.scenarios import Options
from compare.work import Failures, ImplementationWork, make_long_work, select_sizes
from gilscope.stats import Figure, summarize
from gilscope.timing.calls import Calls, measure_wall
from gilscope.timing.start import run_in_order

# Being kept out for less of a call than this is not called being stopped.
STOPPED_MIN = 0.1

# How long the calls of each take, and how many rounds there are; and in short form.
FULL = (0.05, 7)
QUICK = (0.015, 4)


def run(implementation: Implementation, options: Options) -> Pairs:
    """Measure this implementation beside each partner, both start orders."""
    call_s, n_rounds = QUICK if options.quick else FULL
    failures = Failures()
    times, warnings = select_sizes(implementation)
    own = make_long_work(implementation, times, call_s)
    cells = []
    for name, target in options.partners:
        try:
            partner = load_implementation(implementation.contract_target, name, target)
            times, _ = select_sizes(partner)
            other = make_long_work(partner, times, call_s)
        except Exception as error:  # noqa: BLE001 - it is the partner's, not this one's.
            cells.append(PairCell(name, reason=f"{type(error).__name__}: {error}"))
            continue
        where = f"beside {name}"
        rounds = [run_round(own, other, failures, where) for _ in range(n_rounds)]
        cells.append(summarize_cell(name, rounds))
    return Pairs(
        cells=tuple(cells),
        findings=describe(tuple(cells)),
        warnings=warnings,
        failures=tuple(failures.values()),
    )


def run_round(
    own: tuple[ImplementationWork, int],
    other: tuple[ImplementationWork, int],
    failures: Failures,
    where: str,
) -> dict[str, float]:
    """Measure both alone, then both together in either order."""

    def run_calls(
        *works: tuple[ImplementationWork, int], is_reversed: bool = False
    ) -> list[Calls]:
        all_calls = [Calls(work, count, is_stamped=False) for work, count in works]
        run_in_order(all_calls, is_reversed=is_reversed)
        return all_calls

    (alone,), (partner_alone,) = run_calls(own), run_calls(other)
    first, second = run_calls(own, other), run_calls(own, other, is_reversed=True)
    # What is wrong with the partner's answers stands in the partner's own row.
    for calls in (alone, first[0], second[0]):
        failures.add(calls.find_fault(), where)
    both_s = alone.elapsed_s + partner_alone.elapsed_s
    return {
        "alone_s": alone.elapsed_s,
        "partner_alone_s": partner_alone.elapsed_s,
        # The share of the own call, begun first, that kept the partner out, and the
        # share of the partner's, begun first, that kept this one out.
        "stops": compute_stop(first[0], first[1], partner_alone),
        "stopped": compute_stop(second[1], second[0], alone),
        # Against one after the other, the mean of both orders.
        "speedup": statistics.fmean(
            both_s / measure_wall(pair).seconds for pair in (first, second)
        ),
    }


def compute_stop(first: Calls, second: Calls, alone: Calls) -> float:
    """Return for how much of the first call the second one could not go on."""
    needed_s = second.end_ns / 1e9 - second.waited_s - first.start_ns / 1e9
    alone_s = measure_wall([alone]).unqueued_s
    return min(1.0, max(0.0, (needed_s - alone_s) / first.elapsed_s))


def summarize_cell(partner: str, rounds: list[dict[str, float]]) -> PairCell:
    """Make the cell from all rounds."""
    found = {name: summarize([each[name] for each in rounds]) for name in rounds[0]}
    times = {name: found.pop(name).value for name in ("alone_s", "partner_alone_s")}
    return PairCell(partner, **times, **found)  # type: ignore[arg-type]


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
