"""The figures of a result that have a range, and whether two of them lie apart."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from compare.model import BackendResult
from gilscope.stats import Figure

# The figures that have a range, as the results call them, and what measures each.
FAMILIES = {
    "speedup": "parallel",
    "of_processes": "parallel",
    "overlap": "parallel",
    "slowdown": "contention",
    "stops": "pairs",
    "cost": "sweep",
    "gain": "sweep",
    "busy_gain": "sweep",
}
HIGHER_IS_WORSE = ("slowdown", "stops", "cost")
# A share of a call, which may be nothing; the others are ratios.
SHARES = ("stops",)

# A change of a ratio by a smaller factor means nothing to whoever reads it. A mean that
# one wait for the GIL in a hundred calls decides on was up to 23 times as much in
# another run of the same build, while the rounds of either agreed.
FACTOR = 1.15
FACTORS = {"slowdown": 30.0}
# The same for a share of a call, which may be near to nothing.
SHARE_MARGIN = 0.10
# Two runs differ by more than the rounds of one run do, so that their ranges have to
# lie apart by this share of both.
CLEARANCE = 1.0


@dataclass(frozen=True)
class Measured:
    """A figure of one report.

    Attributes:
        scenario: which one measured it.
        family: what `fail_on` calls it, one of FAMILIES.
        detail: of which threads, size or partner.
    """

    scenario: str
    family: str
    detail: str
    figure: Figure


def list_figures(result: BackendResult) -> Iterator[Measured]:
    """Yield every figure of a backend that has a range."""
    for family, detail, holder in list_holders(result):
        figure = getattr(holder, family)
        if figure is not None:
            yield Measured(FAMILIES[family], family, detail, figure)


def list_holders(result: BackendResult) -> Iterator[tuple[str, str, object]]:
    """Yield each family of figures, of what it is, and what has it as a field."""
    for row in result.parallel.rows if result.parallel else ():
        for family in ("speedup", "of_processes", "overlap"):
            yield family, f"{row.threads} threads", row
    for short in result.contention.rows if result.contention else ():
        yield "slowdown", f"{short.size} integers", short
    for cell in result.pairs.cells if result.pairs else ():
        yield "stops", cell.partner, cell
    for work in result.sweep.cells if result.sweep else ():
        for family in ("cost", "gain", "busy_gain"):
            yield family, f"{work.size} integers, {work.passes} passes", work


def is_apart(old: Measured, new: Measured) -> bool:
    """Return whether two figures differ beyond the spread of both.

    The distance of the figures has to exceed the spread of both towards each other,
    CLEARANCE times again on top of it, and what means something to a reader. Ratios
    are compared by their logarithms, in which twice and half are as far from 1.
    """
    figures = (old.figure, new.figure)
    lower, upper = sorted(figures, key=lambda figure: figure.value)
    is_share = old.family in SHARES
    scale = float if is_share else take_log
    factor = FACTORS.get(old.family, FACTOR)
    margin = SHARE_MARGIN if is_share else math.log(factor)
    up = scale(lower.high) - scale(lower.value)
    down = scale(upper.value) - scale(upper.low)
    distance = scale(upper.value) - scale(lower.value)
    return distance > max(margin, (1 + CLEARANCE) * (up + down))


def take_log(value: float) -> float:
    """Return the logarithm, also of a figure that is nothing."""
    return math.log(max(value, 1e-12))
