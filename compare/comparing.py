"""`compare.diff()` and `compare.gather()`: results side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from compare.entries import FAMILIES, Entry, Source, is_apart, make_source
from gilscope.record import Record
from gilscope.stats import Figure
from gilscope.units import describe_ratio, describe_time

Kind = Literal["", "same", "worse", "better", "other"]

CHANGES = ("worse", "better", "other")

# Of facts of many values: any other one is worse.
BEST = {"status": "ok", "subinterpreter": "loads"}

# Seconds say as much about the machine as about the backend: a short call changed if it
# did so by this factor against every other backend, of which there are so many. By so
# much the short calls of one build differ now and then on a busy machine.
TIME_FACTOR = 2.0
N_OTHERS = 2

# What differs between any two runs, and says nothing about where they ran.
UNCOMPARED = ("started_at", "load_average", "warnings")
# What names an environment, in the order of what a reader looks at first.
LABELS = ("python", "build", "platform", "cpus_allowed", "gilscope", "form")


@dataclass(frozen=True)
class ComparedCell:
    """What one result has of one thing.

    Attributes:
        text: the fact or the figure, "" = nothing.
        range: of the figure, in brackets.
        kind: how it differs from the first that can be compared, a figure beyond both
            ranges; "" = it was not compared.
        doubt: why its run was unsure of it.
    """

    text: str = ""
    range: str = ""
    kind: Kind = ""
    doubt: str = ""


@dataclass(frozen=True)
class ComparedRow:
    """What all results have of one thing of one subject.

    Attributes:
        subject: a backend, or a callable.
        what: the fact or the figure.
        cells: one of each result.
        family: of a figure, what `fail_on` calls it; "" for a fact.
        is_regression: whether the last one fails a comparison in any case.
    """

    subject: str
    what: str
    cells: tuple[ComparedCell, ...]
    family: str = ""
    is_regression: bool = False

    @property
    def kind(self) -> Kind:
        """How the last one differs, or one before it."""
        differences = (cell.kind for cell in self.cells[::-1] if cell.kind in CHANGES)
        return next(differences, self.cells[-1].kind)


@dataclass(frozen=True)
class Compared(Record):
    """Many results side by side.

    Attributes:
        environments: names of the columns.
        rows: rows by quantity, then by subject.
    """

    environments: tuple[str, ...]
    rows: tuple[ComparedRow, ...]


@dataclass(frozen=True)
class Diff(Record):
    """What changed between two results.

    Attributes:
        environment: facts of the places that differ: name, before, after.
        changes: differences, subject by subject.
        unsure: figures that one of the runs was unsure of.
        unchanged: the subjects in which nothing changed, of those that were compared.
    """

    environment: tuple[tuple[str, str, str], ...]
    changes: tuple[ComparedRow, ...]
    unsure: tuple[ComparedRow, ...]
    unchanged: tuple[str, ...]

    def select_regressions(self, fail_on: Iterable[str] = ()) -> list[ComparedRow]:
        """Return what fails the comparison: the families that may not get worse."""
        families = set(fail_on)
        return [
            row
            for row in self.changes
            if row.is_regression or (row.kind == "worse" and row.family in families)
        ]

    def select_unsure(self, fail_on: Iterable[str]) -> list[ComparedRow]:
        """Return what keeps a figure from being judged that may not get worse."""
        families = set(fail_on)
        return [row for row in self.unsure if row.family in families]


def gather(results: Mapping[str, Any]) -> Compared:
    """Return the main facts and figures of many results, side by side.

    Args:
        results: reports, checks or measurements, by a name for each.
    """
    return gather_sources({name: [make_source(each)] for name, each in results.items()})


def gather_sources(sources: Mapping[str, Iterable[Source]]) -> Compared:
    """Return the main facts and figures of what files have, by their names."""
    named = [(name, source) for name, found in sources.items() for source in found]
    columns: dict[str, list[Entry]] = {}
    for label, (_, source) in zip(make_labels(named), named, strict=True):
        columns.setdefault(label, []).extend(select_main(source))
    rows = [*make_rows(list(columns.values()))]
    whats = list(dict.fromkeys(row.what for row in rows))
    rows.sort(key=lambda row: whats.index(row.what))
    return Compared(tuple(columns), tuple(rows))


def diff(before: Any, after: Any) -> Diff:
    """Compare two results, of the same machine or of two.

    Args:
        before: a report, a check or a measurement: the one to compare with.
        after: the one that is judged.
    """
    return diff_sources([make_source(before)], [make_source(after)])


def diff_sources(before: Sequence[Source], after: Sequence[Source]) -> Diff:
    """Compare what two files have."""
    pair = [
        [entry for source in found for entry in source.entries]
        for found in (before, after)
    ]
    rows = [*make_rows(pair), *list_times(before, after)]
    subjects = list(dict.fromkeys(row.subject for row in rows))
    rows.sort(key=lambda row: subjects.index(row.subject))
    old_names, new_names = ({entry.subject for entry in found} for found in pair)
    lone = old_names ^ new_names
    # Of a subject that only one of them has, its first fact says so.
    firsts = {row.subject: row for row in reversed(rows) if row.subject in lone}
    changes = tuple(
        row
        for row in rows
        if firsts.get(row.subject, row) is row
        and (row.subject in lone or row.kind in CHANGES)
    )
    unsure = tuple(row for row in rows if any(cell.doubt for cell in row.cells))
    compared = {row.subject for row in rows if row.family and row not in unsure}
    doubted = {row.subject for row in unsure} - compared
    changed = {row.subject for row in changes}
    old, new = (found[0].environment if found else {} for found in (before, after))
    return Diff(
        tuple(
            (name, value, new[name])
            for name, value in old.items()
            if name not in UNCOMPARED and new.get(name, value) != value
        ),
        changes,
        unsure,
        tuple(name for name in subjects if name not in changed | doubted),
    )


def make_rows(columns: Sequence[Iterable[Entry]]) -> Iterator[ComparedRow]:
    """Yield what any of the results has, subject by subject."""
    found = [{(e.subject, e.what): e for e in entries} for entries in columns]
    for key in dict.fromkeys(key for entries in found for key in entries):
        row = [entries.get(key) for entries in found]
        there = [entry for entry in row if entry is not None]
        first = next((entry for entry in there if entry.is_sure), None)
        cells = []
        is_regression = False
        for entry in row:
            if entry is None:
                cells.append(ComparedCell())
                is_regression = False
                continue
            kind, is_regression = judge_entry(first, entry)
            text, range_text = entry.texts
            if kind in CHANGES and entry.more:
                text += f": {entry.more}"
            cells.append(ComparedCell(text, range_text, kind, entry.doubt))
        yield ComparedRow(*key, tuple(cells), there[0].family, is_regression)


def judge_entry(first: Entry | None, entry: Entry) -> tuple[Kind, bool]:
    """Return how an entry differs, and whether that fails in any case."""
    if first is None or not entry.is_sure:
        return ("other" if first and not entry.doubt else ""), False
    if first is entry or not is_apart(first, entry):
        return "same", False
    before, after = first.value, entry.value
    if isinstance(before, Figure) and isinstance(after, Figure):
        is_more = after.value > before.value
        return "worse" if is_more == FAMILIES[entry.family].is_cost else "better", False
    if entry.what == "wrong answers":
        is_worse = is_regression = int(str(after)) > int(str(before))
    elif entry.what == "verdict":
        is_worse = after != "releases"
        is_regression = before == "releases"
    else:
        best = BEST[entry.what]
        if best not in (before, after):
            return "other", False
        is_worse, is_regression = after != best, entry.what == "status"
    return "worse" if is_worse else "better", is_worse and is_regression


def list_times(
    before: Iterable[Source], after: Iterable[Source]
) -> Iterator[ComparedRow]:
    """Yield whose short call became slower, or faster, than every other one's."""
    old, new = (
        {name: time for source in found for name, time in source.times.items()}
        for found in (before, after)
    )
    factors = {
        name: new[name][1] / seconds
        for name, (size, seconds) in old.items()
        if name in new and new[name][0] == size
    }
    for name, factor in factors.items() if len(factors) > N_OTHERS else ():
        others = sorted(factor / each for key, each in factors.items() if key != name)
        if others[0] > TIME_FACTOR or others[-1] < 1 / TIME_FACTOR:
            size, after_s = new[name]
            ratio = describe_ratio(median(others))
            text = f"{describe_time(after_s)}, by the others {ratio} as long"
            kind: Kind = "worse" if others[0] > 1 else "better"
            before_cell = ComparedCell(describe_time(old[name][1]))
            cells = (before_cell, ComparedCell(text, kind=kind))
            yield ComparedRow(name, f"short call, size {size}", cells)


def select_main(source: Source) -> list[Entry]:
    """Return facts, and of each subject the first figure of each main family."""
    first = {
        (entry.subject, entry.family or entry.what): entry
        for entry in reversed(source.entries)
        if not entry.family or FAMILIES[entry.family].is_main
    }
    return list(reversed(first.values()))


def make_labels(named: list[tuple[str, Source]]) -> list[str]:
    """Return what each result is called: by what differs, else by where it is from."""
    facts = [describe_facts(source.environment) for _, source in named]
    telling = [
        key
        for key in LABELS
        if key == "python" or len({each.get(key) for each in facts}) > 1
    ]
    labels = [" ".join(filter(None, map(each.get, telling))) for each in facts]
    # Several checks of one environment share a column; two runs of one do not.
    known: set[tuple[str, str]] = set()
    for label, (_, source) in zip(labels, named, strict=True):
        keys = {(label, entry.subject) for entry in source.entries}
        if known & keys:
            pairs = zip(labels, named, strict=True)
            return [f"{text} {name}" for text, (name, _) in pairs]
        known |= keys
    return labels


def describe_facts(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what tells an environment from others, in words."""
    is_free = environment.get("free_threaded_build") == "True"
    gil = "on" if environment.get("gil_enabled") == "True" else "off"
    words = {"cpus_allowed": "{} CPUs", "gilscope": "gilscope {}"}
    return {
        **environment,
        **{
            key: words[key].format(environment[key])
            for key in words
            if key in environment
        },
        "build": f"free-threaded, GIL {gil}" if is_free else "",
        "form": "--quick" if environment.get("quick") == "True" else "",
    }
