"""Two reports side by side: what changed beyond its spread.

Only figures with a range are compared, since nothing else tells a change from noise,
and only those of scenarios in which neither run found anything unsure. A time has none;
that of a short call is compared by the other backends, that of a long one is not.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from compare.model import BackendResult, Report
from compare.render.answers import first_line
from compare.render.pace import find_pace
from compare.render.spread import (
    FAMILIES,
    HIGHER_IS_WORSE,
    Measured,
    is_apart,
    list_figures,
)
from gilscope.record import SCHEMA
from gilscope.stats import Figure
from gilscope.units import describe_range, describe_ratio, describe_time

Kind = Literal["worse", "better", "other"]

# What differs between any two runs, and says nothing about where they ran.
_UNCOMPARED = ("started_at", "load_average", "warnings")

UNTOLD = "not compared: how long long calls take, for that differs from run to run"


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
class Unsure:
    """Figures that were not compared, because one of the runs was unsure of them."""

    backend: str
    scenario: str
    reason: str

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.scenario}: not compared, {self.reason}"


@dataclass(frozen=True)
class Diff:
    """What is not the same in two reports.

    Attributes:
        environment: how the places differ in which they were made.
        changes: backend by backend.
        unsure: what could not be told.
        unchanged: the backends in which nothing changed, of those that were compared.
    """

    environment: tuple[Change, ...]
    changes: tuple[Change, ...]
    unsure: tuple[Unsure, ...]
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

    def find_unsure(self, fail_on: Iterable[str]) -> tuple[Unsure, ...]:
        """Return what keeps a figure from being judged that may not get worse."""
        scenarios = {FAMILIES[family] for family in fail_on}
        return tuple(item for item in self.unsure if item.scenario in scenarios)

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
        found: tuple[Change | Unsure, ...] = (*self.changes, *self.unsure)
        for name in dict.fromkeys(item.backend for item in found):
            lines.append(f"{name}:")
            lines += [f"  {item}" for item in found if item.backend == name]
        if self.unchanged:
            lines.append(f"no change seen: {', '.join(self.unchanged)}")
        lines.append(UNTOLD)
        return "\n".join(lines)


def diff(before: Report, after: Report) -> Diff:
    """Compare two reports, of the same machine or of two.

    Args:
        before: the one to compare with.
        after: the one that is judged.
    """
    changes: list[Change] = []
    unsure: list[Unsure] = []
    unchanged = []
    second = {result.name: result for result in after}
    for result in before:
        other = second.pop(result.name, None)
        found = [*compare_facts(result, other)]
        if other is None:
            changes += found
            continue
        found += compare_figures(result, other)
        found += compare_paces(before, after, result.name)
        changes += found
        doubts = [*list_unsure(result, other)]
        unsure += doubts
        if not found and (not doubts or any(pair_figures(result, other))):
            unchanged.append(result.name)
    changes += [
        Change(name, "backend", "not in the first report", result.status)
        for name, result in second.items()
    ]
    environment = tuple(compare_environments(before, after))
    return Diff(environment, tuple(changes), tuple(unsure), tuple(unchanged))


def compare_environments(before: Report, after: Report) -> Iterator[Change]:
    """Yield how the places differ in which the reports were made."""
    old, new = (dataclasses.asdict(report.environment) for report in (before, after))
    old["quick"], new["quick"] = before.quick, after.quick
    for name, value in old.items():
        if name not in _UNCOMPARED and value != new[name]:
            yield Change("", name, str(value), str(new[name]))


def compare_facts(old: BackendResult, new: BackendResult | None) -> Iterator[Change]:
    """Yield what changed in one backend besides its figures."""
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


def compare_figures(old: BackendResult, new: BackendResult) -> Iterator[Change]:
    """Yield the figures that changed beyond their spread."""
    for first, second in pair_figures(old, new):
        if is_apart(first, second):
            yield describe_change(old.name, first, second)


def pair_figures(
    old: BackendResult, new: BackendResult
) -> Iterator[tuple[Measured, Measured]]:
    """Yield the figures that both reports have, and of which both are sure."""
    scenarios = {item.scenario for item in list_unsure(old, new)}
    figures = {(item.family, item.detail): item for item in list_figures(new)}
    for item in list_figures(old):
        other = figures.get((item.family, item.detail))
        if other is not None and item.scenario not in scenarios:
            yield item, other


def compare_paces(before: Report, after: Report, name: str) -> Iterator[Change]:
    """Yield how a short call became slower or faster than the other backends'."""
    pace = find_pace(before, after, name)
    if pace is not None and pace.is_apart:
        factor = show_figure(pace.factor)
        yield Change(
            name,
            f"short call, {pace.n} integers",
            describe_time(pace.before_s),
            f"{describe_time(pace.after_s)}, by the others {factor} times as long",
            "worse" if pace.factor.value > 1 else "better",
        )


def list_unsure(old: BackendResult, new: BackendResult) -> Iterator[Unsure]:
    """Yield the scenarios of which one of the runs was unsure."""
    for scenario in dict.fromkeys(FAMILIES.values()):
        pair = getattr(old, scenario), getattr(new, scenario)
        if None in pair:
            continue
        for place, found in zip(("first", "second"), pair, strict=True):
            if found.warnings:
                reason = f"the {place} run was unsure: {found.warnings[0]}"
                yield Unsure(old.name, scenario, reason)
                break


def describe_change(name: str, old: Measured, new: Measured) -> Change:
    """Return the change of a figure."""
    is_higher_worse = old.family in HIGHER_IS_WORSE
    kind: Kind = (
        "worse"
        if (new.figure.value > old.figure.value) == is_higher_worse
        else "better"
    )
    return Change(
        name,
        f"{old.family}, {old.detail}",
        show_figure(old.figure),
        show_figure(new.figure),
        kind,
        old.family,
    )


def show_figure(figure: Figure) -> str:
    """Return a figure with its range."""
    return f"{describe_ratio(figure)} {describe_range(figure, describe_ratio)}"
