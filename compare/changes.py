"""`compare.diff()`: what changed between two results beyond its range."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from compare.entries import FAMILIES, Entry, Source, is_apart, make_source
from gilscope.record import Record
from gilscope.stats import Figure
from gilscope.units import describe_ratio, describe_time

Kind = Literal["worse", "better", "other"]

# What differs between any two runs, and says nothing about where they ran.
UNCOMPARED = ("started_at", "load_average", "warnings")

# Seconds say as much about the machine as about the backend: a short call changed if it
# did so by this factor against every other backend, of which there are so many. By so
# much the short calls of one build differ now and then on a busy machine.
TIME_FACTOR = 2.0
N_OTHERS = 2


@dataclass(frozen=True)
class Change:
    """Something that is not as it was.

    Attributes:
        subject: whose, "" for the environment.
        what: the figure or the fact.
        before, after: what it was and is, as text.
        kind: whether that is worse.
        family: of a figure, what `fail_on` calls it; "" for a fact.
        is_regression: whether it fails a comparison in any case.
    """

    subject: str
    what: str
    before: str
    after: str
    kind: Kind = "other"
    family: str = ""
    is_regression: bool = False


@dataclass(frozen=True)
class Unsure:
    """Figures that were not compared, because one of the runs was unsure of them."""

    subject: str
    scenario: str
    reason: str


@dataclass(frozen=True)
class Diff(Record):
    """What is not the same in two results.

    Attributes:
        environment: how the places differ in which they were found.
        changes: subject by subject.
        unsure: what could not be told.
        unchanged: the subjects in which nothing changed, of those that were compared.
    """

    environment: tuple[Change, ...]
    changes: tuple[Change, ...]
    unsure: tuple[Unsure, ...]
    unchanged: tuple[str, ...]

    def select_regressions(self, fail_on: Iterable[str] = ()) -> tuple[Change, ...]:
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

    def select_unsure(self, fail_on: Iterable[str]) -> tuple[Unsure, ...]:
        """Return what keeps a figure from being judged that may not get worse."""
        scenarios = {FAMILIES[family].scenario for family in fail_on}
        return tuple(item for item in self.unsure if item.scenario in scenarios)


def diff(before: Any, after: Any) -> Diff:
    """Compare two results, of the same machine or of two.

    Args:
        before: a report, a check or a measurement: the one to compare with.
        after: the one that is judged.
    """
    return diff_sources([make_source(before)], [make_source(after)])


def diff_sources(before: Iterable[Source], after: Iterable[Source]) -> Diff:
    """Compare what two files have."""
    old, new = (merge_sources(sources) for sources in (before, after))
    times = {change.subject: change for change in list_times(old, new)}
    changes: list[Change] = []
    unsure: list[Unsure] = []
    unchanged = []
    for subject in dict.fromkeys((*old.subjects, *new.subjects)):
        first, second = old.list_of(subject), new.list_of(subject)
        if not (first and second):
            changes.append(describe_lone(subject, first, second))
            continue
        pairs = [(first[what], second[what]) for what in first if what in second]
        doubts = list_unsure(subject, pairs)
        sure = [pair for pair in pairs if not any(entry.doubt for entry in pair)]
        found = [describe_change(*pair) for pair in sure if is_apart(*pair)]
        found += [times[subject]] if subject in times else []
        changes += found
        unsure += doubts
        if not found and (not doubts or any(entry.family for entry, _ in sure)):
            unchanged.append(subject)
    environment = tuple(
        Change("", name, value, new.environment[name])
        for name, value in old.environment.items()
        if name not in UNCOMPARED and value != new.environment.get(name, value)
    )
    return Diff(environment, tuple(changes), tuple(unsure), tuple(unchanged))


def merge_sources(sources: Iterable[Source]) -> Source:
    """Return all that several results have, as if it was one."""
    found = list(sources)
    entries = tuple(entry for source in found for entry in source.entries)
    times = {name: time for source in found for name, time in source.times.items()}
    return Source(found[0].environment if found else {}, entries, times)


def describe_lone(
    subject: str, first: dict[str, Entry], second: dict[str, Entry]
) -> Change:
    """Say that only one of two results has a subject."""
    here = next(iter((first or second).values()))
    texts = (here.text, "not there") if first else ("not there", here.text)
    return Change(subject, here.what, *texts)


def list_unsure(subject: str, pairs: list[tuple[Entry, Entry]]) -> list[Unsure]:
    """Return the scenarios of which one of the runs was unsure."""
    reasons: dict[str, str] = {}
    for pair in pairs:
        for place, entry in zip(("first", "second"), pair, strict=True):
            if entry.doubt:
                reason = f"the {place} run was unsure: {entry.doubt}"
                reasons.setdefault(FAMILIES[entry.family].scenario, reason)
    return [Unsure(subject, scenario, why) for scenario, why in reasons.items()]


def describe_change(old: Entry, new: Entry) -> Change:
    """Return the change of a fact or of a figure."""
    kind: Kind
    if isinstance(old.value, Figure) and isinstance(new.value, Figure):
        is_more = new.value.value > old.value.value
        kind = "worse" if is_more == FAMILIES[old.family].is_cost else "better"
        before, after = (f"{entry.text} {entry.range_text}" for entry in (old, new))
        return Change(old.subject, old.what, before, after, kind, old.family)
    kind, is_regression = judge_fact(old.what, old.text, new.text)
    after = f"{new.text}: {new.more}" if new.more else new.text
    return Change(
        old.subject, old.what, old.text, after, kind, is_regression=is_regression
    )


def judge_fact(what: str, before: str, after: str) -> tuple[Kind, bool]:
    """Return whether another fact is worse, and whether that fails in any case."""
    if what == "status":
        kind: Kind = (
            "worse" if before == "ok" else "better" if after == "ok" else "other"
        )
        return kind, before == "ok"
    if what == "wrong answers":
        return ("worse", True) if int(after) > int(before) else ("better", False)
    if "inconclusive" in (before, after):
        return "other", False
    is_worse = after != "releases"
    return "worse" if is_worse else "better", is_worse and before == "releases"


def list_times(before: Source, after: Source) -> Iterator[Change]:
    """Yield whose short call became slower, or faster, than every other one's."""
    times = {
        subject: (old, after.times[subject])
        for subject, old in before.times.items()
        if subject in after.times and old[0] == after.times[subject][0]
    }
    if len(times) <= N_OTHERS:
        return
    for name, ((size, before_s), (_, after_s)) in times.items():
        factors = sorted(
            after_s / before_s * old[1] / new[1]
            for other, (old, new) in times.items()
            if other != name
        )
        if factors[0] > TIME_FACTOR or factors[-1] < 1 / TIME_FACTOR:
            ratio = describe_ratio(median(factors))
            yield Change(
                name,
                f"short call, {size} items",
                describe_time(before_s),
                f"{describe_time(after_s)}, by the others {ratio} as long",
                "worse" if factors[0] > 1 else "better",
            )
