"""From the rounds of the scenario `sweep` to the work from which releasing pays."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compare.model import BreakEven, Case, Sweep, SweepCell
from gilscope.stats import find_unsteady, judge, summarize
from gilscope.units import describe_time

CASES: tuple[Case, ...] = ("alone", "two threads", "beside Python")


# The share of works with an unsteady gain from which on it is worth a warning.
UNSTEADY_MAX = 0.25


@dataclass(frozen=True)
class CellRound:
    """One work of the grid as one round measured it; times are those of one call.

    Attributes:
        kernel_s, alone_released_s, alone_held_s, pair_released_s, pair_held_s,
            busy_released_s, busy_held_s: as in SweepCell.
        partner_released, partner_held: speed of the Python thread beside the calls,
            1 = as fast as alone.
    """

    kernel_s: float
    alone_released_s: float
    alone_held_s: float
    pair_released_s: float
    pair_held_s: float
    busy_released_s: float
    busy_held_s: float
    partner_released: float
    partner_held: float

    @property
    def busy_gain(self) -> float:
        """What both threads get done, released by held, in shares of their best."""
        released = self.alone_released_s / self.busy_released_s + self.partner_released
        held = self.alone_held_s / self.busy_held_s + self.partner_held
        return released / held


@dataclass(frozen=True)
class Measured:
    """All rounds of a sweep, and what was the same in them.

    Attributes:
        rounds: by n and passes.
        releases_gil: what the backend declares.
        has_gil: whether there was a GIL in this process.
        planned_s: how long it was said to take.
        failures: what was wrong.
    """

    rounds: Mapping[tuple[int, int], Sequence[CellRound]]
    releases_gil: bool
    has_gil: bool
    planned_s: float
    failures: tuple[str, ...] = ()


def summarize_sweep(measured: Measured) -> Sweep:
    """Make the result of the scenario."""
    cells = sorted(
        (summarize_cell(*work, rounds) for work, rounds in measured.rounds.items()),
        key=lambda cell: (cell.kernel_s, cell.size),
    )
    can_pay = measured.releases_gil and measured.has_gil
    break_evens = tuple(
        find_break_even(case, cells) if can_pay else BreakEven(case) for case in CASES
    )
    if not measured.has_gil:
        findings = ["there is no GIL here, so there is nothing to release"]
    elif not measured.releases_gil:
        findings = ["it declares that it keeps the GIL, so there is nothing to find"]
    else:
        findings = [describe_break_even(found, cells) for found in break_evens]
    return Sweep(
        cells=tuple(cells),
        break_evens=break_evens,
        planned_s=measured.planned_s,
        findings=tuple(findings),
        warnings=find_doubts(cells),
        failures=measured.failures,
    )


def find_doubts(cells: Sequence[SweepCell]) -> tuple[str, ...]:
    """Say how many cells vary too much between rounds, if many do."""
    n_unsteady = sum(bool(find_unsteady(gain=cell.gain)) for cell in cells)
    if n_unsteady <= UNSTEADY_MAX * len(cells):
        return ()
    where = f"{n_unsteady} of {len(cells)} works"
    return (f"the gain varies from round to round in {where}",)


def summarize_cell(n: int, passes: int, rounds: Sequence[CellRound]) -> SweepCell:
    """Make the cell of one work from all rounds."""

    def find_median(name: str) -> float:
        values: list[float] = [getattr(found, name) for found in rounds]
        return statistics.median(values)

    cost = summarize([found.alone_released_s / found.alone_held_s for found in rounds])
    gain = summarize([found.pair_held_s / found.pair_released_s for found in rounds])
    busy_gain = summarize([found.busy_gain for found in rounds])
    return SweepCell(
        size=n,
        passes=passes,
        kernel_s=find_median("kernel_s"),
        alone_released_s=find_median("alone_released_s"),
        alone_held_s=find_median("alone_held_s"),
        cost=cost,
        pair_released_s=find_median("pair_released_s"),
        pair_held_s=find_median("pair_held_s"),
        gain=gain,
        busy_released_s=find_median("busy_released_s"),
        busy_held_s=find_median("busy_held_s"),
        busy_gain=busy_gain,
    )


def find_break_even(case: Case, cells: Sequence[SweepCell]) -> BreakEven:
    """Return the least work from which on releasing pays.

    One cell that was disturbed must not decide, so it is the split of the cells that
    leaves the fewest on the wrong side: before it those that pay, behind it those that
    do not.

    Args:
        case: what is to pay.
        cells: the least work first.
    """
    pays = [does_pay(case, cell) for cell in cells]
    n_wrong = {
        split: sum(pays[:split]) + pays[split:].count(False)
        for split in range(len(pays))
    }
    # Nothing pays often enough: then fewer are wrong with no split at all.
    if not n_wrong or min(n_wrong.values()) >= sum(pays):
        return BreakEven(case)
    cell = cells[min(n_wrong, key=n_wrong.__getitem__)]
    return BreakEven(case, cell.kernel_s, cell.size, cell.passes)


def does_pay(case: Case, cell: SweepCell) -> bool:
    """Return whether releasing pays for this work, beyond what may be noise."""
    if case == "alone":
        return judge(cell.cost) != "above"
    if case == "two threads":
        return judge(cell.gain) == "above"
    return judge(cell.busy_gain) == "above"


def describe_break_even(found: BreakEven, cells: Sequence[SweepCell]) -> str:
    """Say in words from where on releasing pays."""
    meaning = {
        "alone": "alone, releasing costs nothing that can be seen",
        "two threads": "two threads that call get more done with the GIL released",
        "beside Python": (
            "a thread that calls and one that runs Python get more done together"
        ),
    }[found.case]
    if found.kernel_s is None:
        longest_s = max(cell.kernel_s for cell in cells)
        return f"{meaning}: not found in the grid, up to {describe_time(longest_s)}"
    return (
        f"{meaning}: from {describe_time(found.kernel_s)} without the GIL on "
        f"(n={found.size:,}, passes={found.passes:,})"
    )
