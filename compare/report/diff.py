"""Two reports side by side: what changed beyond its spread.

Only figures with a range are compared, since nothing else tells a change from noise.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from compare.report.explain import first_line
from compare.report.tabulate import show_figure
from compare.results import SCHEMA, BackendResult, Range, Report

Kind = Literal["worse", "better", "other"]

# A change of a ratio by less means nothing to whoever reads it.
MARGIN = 0.15
# The same for a share of a call, which may be near to nothing.
SHARE_MARGIN = 0.10
# Two runs differ by more than the rounds of one run do, so that their ranges have to
# lie apart by this share of both.
CLEARANCE = 1.0

# What differs between any two runs, and says nothing about where they ran.
_UNCOMPARED = ("started_at", "load_average", "warnings")


@dataclass(frozen=True)
class Measured:
    """A figure of one report.

    Attributes:
        family: what `fail_on` calls it, one of FAMILIES.
        detail: of which threads, size or partner.
    """

    family: str
    detail: str
    value: float
    range: Range


@dataclass(frozen=True)
class Change:
    """Something that is not as it was.

    Attributes:
        backend: whose, "" for the environment.
        what: the figure or the fact.
        before, after: what it was and is, as text.
        kind: whether that is worse.
        family: of a figure, what `fail_on` calls it; "" for a fact.
        is_regression: whether it fails a comparison in any case.
    """

    backend: str
    what: str
    before: str
    after: str
    kind: Kind = "other"
    family: str = ""
    is_regression: bool = False

    def __str__(self) -> str:
        """Return the change in a line."""
        mark = "" if self.kind == "other" else f"  ({self.kind})"
        return f"{self.what}: {self.before} -> {self.after}{mark}"


@dataclass(frozen=True)
class Diff:
    """What is not the same in two reports.

    Attributes:
        environment: how the places differ in which they were made.
        changes: backend by backend.
        unchanged: the backends in which nothing changed.
    """

    environment: tuple[Change, ...]
    changes: tuple[Change, ...]
    unchanged: tuple[str, ...]

    def find_regressions(self, fail_on: Iterable[str] = ()) -> tuple[Change, ...]:
        """Return what fails the comparison.

        Args:
            fail_on: the figures that may not get worse; see FAMILIES.
        """
        families = set(fail_on)
        return tuple(
            change
            for change in self.changes
            if change.is_regression
            or (change.kind == "worse" and change.family in families)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as what JSON knows."""
        fields = dataclasses.asdict(self)
        return {
            "schema": SCHEMA,
            **{name: list(value) for name, value in fields.items()},
        }

    def __str__(self) -> str:
        """Return the comparison as text."""
        lines = [f"environment: {change}" for change in self.environment]
        for name in dict.fromkeys(change.backend for change in self.changes):
            lines.append(f"{name}:")
            lines += [f"  {item}" for item in self.changes if item.backend == name]
        if self.unchanged:
            lines.append(f"no change beyond its spread: {', '.join(self.unchanged)}")
        return "\n".join(lines)


def diff(before: Report, after: Report) -> Diff:
    """Compare two reports, of the same machine or of two.

    Args:
        before: the one to compare with.
        after: the one that is judged.
    """
    changes: list[Change] = []
    unchanged = []
    second = {result.name: result for result in after}
    for result in before:
        found = tuple(compare_backends(result, second.pop(result.name, None)))
        changes += found
        if not found:
            unchanged.append(result.name)
    changes += [
        Change(name, "backend", "not in the first report", result.status)
        for name, result in second.items()
    ]
    return Diff(
        tuple(compare_environments(before, after)), tuple(changes), tuple(unchanged)
    )


def compare_environments(before: Report, after: Report) -> Iterator[Change]:
    """Yield how the places differ in which the reports were made."""
    old, new = (dataclasses.asdict(report.environment) for report in (before, after))
    old["quick"], new["quick"] = before.quick, after.quick
    for name, value in old.items():
        if name not in _UNCOMPARED and value != new[name]:
            yield Change("", name, str(value), str(new[name]))


def compare_backends(old: BackendResult, new: BackendResult | None) -> Iterator[Change]:
    """Yield what changed in one backend: facts first, then figures."""
    if new is None:
        yield Change(old.name, "backend", old.status, "not in the second report")
        return
    if old.status != new.status:
        got_worse = old.status == "ok"
        yield Change(
            old.name,
            "status",
            old.status,
            f"{new.status}: {first_line(new.reason)}" if new.reason else new.status,
            "worse" if got_worse else "better" if new.status == "ok" else "other",
            is_regression=got_worse,
        )
    yield from compare_verdicts(old, new)
    yield from compare_answers(old, new)
    figures = {(item.family, item.detail): item for item in list_figures(new)}
    for item in list_figures(old):
        other = figures.get((item.family, item.detail))
        if other is not None and is_apart(item, other):
            yield describe_change(old.name, item, other)


def compare_verdicts(old: BackendResult, new: BackendResult) -> Iterator[Change]:
    """Yield a verdict that is another one now."""
    if old.gil is None or new.gil is None or old.gil.verdict == new.gil.verdict:
        return
    before, after = old.gil.verdict, new.gil.verdict
    kind: Kind = "other"
    if "inconclusive" not in (before, after):
        kind = "worse" if after != "releases" else "better"
    is_regression = before == "releases" and kind == "worse"
    yield Change(old.name, "verdict", before, after, kind, is_regression=is_regression)


def compare_answers(old: BackendResult, new: BackendResult) -> Iterator[Change]:
    """Yield answers that became wrong, or right."""
    if old.correctness is None or new.correctness is None:
        return
    before, after = old.correctness.failed, new.correctness.failed
    if before != after:
        got_worse = after > before
        yield Change(
            old.name,
            "wrong answers",
            str(before),
            str(after),
            "worse" if got_worse else "better",
            is_regression=got_worse,
        )


# --- Figures --------------------------------------------------------------------------

# What `fail_on` may name, as the fields of the results are called.
FAMILIES = (
    "speedup",
    "of_processes",
    "overlap",
    "slowdown",
    "stops",
    "cost",
    "gain",
    "busy_gain",
)
HIGHER_IS_WORSE = ("slowdown", "stops", "cost")
# A share of a call, which may be nothing; the others are ratios.
SHARES = ("stops",)


def list_figures(result: BackendResult) -> Iterator[Measured]:
    """Yield every figure of a backend that has a range."""
    for family, detail, holder in list_holders(result):
        value = getattr(holder, family)
        bounds = getattr(holder, f"{family}_range")
        if value is not None and bounds is not None:
            yield Measured(family, detail, value, bounds)


def list_holders(result: BackendResult) -> Iterator[tuple[str, str, object]]:
    """Yield each family of figures, of what it is, and what has it as a field."""
    for row in result.parallel.rows if result.parallel else ():
        for family in ("speedup", "of_processes", "overlap"):
            yield family, f"{row.threads} threads", row
    for short in result.contention.rows if result.contention else ():
        yield "slowdown", f"{short.n} integers", short
    for cell in result.pairs.cells if result.pairs else ():
        yield "stops", cell.partner, cell
    for work in result.sweep.cells if result.sweep else ():
        for family in ("cost", "gain", "busy_gain"):
            yield family, f"{work.n} integers, {work.passes} passes", work


def is_apart(old: Measured, new: Measured) -> bool:
    """Return whether two figures differ beyond the spread of both.

    The distance of the figures has to exceed the spread of both towards each other,
    CLEARANCE times again on top of it, and what means something to a reader. Ratios
    are compared by their logarithms, in which twice and half are as far from 1.
    """
    lower, upper = sorted((old, new), key=lambda item: item.value)
    is_share = old.family in SHARES
    scale = float if is_share else take_log
    margin = SHARE_MARGIN if is_share else math.log1p(MARGIN)
    up = scale(lower.range[1]) - scale(lower.value)
    down = scale(upper.value) - scale(upper.range[0])
    distance = scale(upper.value) - scale(lower.value)
    return distance > max(margin, (1 + CLEARANCE) * (up + down))


def take_log(value: float) -> float:
    """Return the logarithm, also of a figure that is nothing."""
    return math.log(max(value, 1e-12))


def describe_change(name: str, old: Measured, new: Measured) -> Change:
    """Return the change of a figure."""
    is_higher_worse = old.family in HIGHER_IS_WORSE
    kind: Kind = "worse" if (new.value > old.value) == is_higher_worse else "better"
    return Change(
        name,
        f"{old.family}, {old.detail}",
        show_figure(old.value, old.range).replace("\u00a0", " "),
        show_figure(new.value, new.range).replace("\u00a0", " "),
        kind,
        old.family,
    )
