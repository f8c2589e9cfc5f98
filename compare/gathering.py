"""`compare.gather()`: many results in one table, subjects down, environments across."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from compare.entries import FAMILIES, Entry, Source, is_apart, make_source
from gilscope.record import Record

# What names an environment, in the order of what a reader looks at first.
LABELS = (
    "python",
    "free_threaded_build",
    "gil_enabled",
    "meaning",
    "platform",
    "cpus_allowed",
    "gilscope",
    "quick",
)
WORDS = {
    ("free_threaded_build", "True"): "free-threaded",
    ("free_threaded_build", "False"): "",
    ("gil_enabled", "True"): "GIL on",
    ("gil_enabled", "False"): "GIL off",
    ("quick", "True"): "--quick",
    ("quick", "False"): "",
    ("meaning", "gil"): "",
    ("meaning", "attached"): "",
}


@dataclass(frozen=True)
class GatheredCell:
    """What one environment has of one thing.

    Attributes:
        text: the fact or the figure, "" = nothing.
        range: of the figure, in brackets.
        is_apart: whether it differs from the first environment that has it, a figure
            beyond both ranges.
        is_unsure: whether the run was unsure of it.
    """

    text: str = ""
    range: str = ""
    is_apart: bool = False
    is_unsure: bool = False


@dataclass(frozen=True)
class GatheredRow:
    """What all environments have of one thing of one subject."""

    subject: str
    what: str
    cells: tuple[GatheredCell, ...]


@dataclass(frozen=True)
class Gathered(Record):
    """Many results side by side.

    Attributes:
        environments: what each column is of.
        rows: what by what, and in it subject by subject.
    """

    environments: tuple[str, ...]
    rows: tuple[GatheredRow, ...]


def gather(results: Mapping[str, Any]) -> Gathered:
    """Return the main facts and figures of many results, side by side.

    Args:
        results: reports, checks or measurements, by a name for each.
    """
    return gather_sources(
        {name: [make_source(result)] for name, result in results.items()}
    )


def gather_sources(sources: Mapping[str, Iterable[Source]]) -> Gathered:
    """Return the main facts and figures of what files have, by their names."""
    named = [(name, source) for name, found in sources.items() for source in found]
    columns: dict[str, dict[tuple[str, str], Entry]] = {}
    for label, (_, source) in zip(make_labels(named), named, strict=True):
        entries = columns.setdefault(label, {})
        entries.update({(e.what, e.subject): e for e in select_main(source)})
    keys = dict.fromkeys(key for entries in columns.values() for key in entries)
    whats = list(dict.fromkeys(what for what, _ in keys))
    ordered = sorted(keys, key=lambda key: whats.index(key[0]))
    rows = tuple(
        GatheredRow(
            subject,
            what,
            make_cells([entries.get((what, subject)) for entries in columns.values()]),
        )
        for what, subject in ordered
    )
    return Gathered(tuple(columns), rows)


def select_main(source: Source) -> list[Entry]:
    """Return facts, and of each subject the first figure of each main family."""
    seen = set()
    found = []
    for entry in source.entries:
        key = (entry.subject, entry.family or entry.what)
        if key not in seen and (not entry.family or FAMILIES[entry.family].is_main):
            found.append(entry)
        seen.add(key)
    return found


def make_cells(entries: list[Entry | None]) -> tuple[GatheredCell, ...]:
    """Return a row, each cell compared with the first that can be."""
    first = next((entry for entry in entries if is_sure(entry)), None)
    return tuple(
        GatheredCell()
        if entry is None
        else GatheredCell(
            entry.text,
            entry.range_text,
            first is not None and is_sure(entry) and is_apart(first, entry),
            bool(entry.doubt),
        )
        for entry in entries
    )


def is_sure(entry: Entry | None) -> bool:
    """Return whether there is something that can be compared."""
    return entry is not None and not entry.doubt and entry.value != "inconclusive"


def make_labels(named: list[tuple[str, Source]]) -> list[str]:
    """Return what each result is called: by what differs, else by where it is from."""
    environments = [source.environment for _, source in named]
    telling = [
        key
        for key in LABELS
        if key == "python" or len({each.get(key) for each in environments}) > 1
    ]
    labels = []
    for environment in environments:
        values = [(key, environment.get(key, "")) for key in telling]
        words = [WORDS.get((key, value), value) for key, value in values]
        labels.append(" ".join(filter(None, words)))
    # Several checks of one environment share a column; two runs of one do not.
    subjects: dict[str, set[str]] = {}
    for label, (_, source) in zip(labels, named, strict=True):
        if subjects.setdefault(label, set()) & set(source.subjects):
            return [
                f"{text} {name}" for text, (name, _) in zip(labels, named, strict=True)
            ]
        subjects[label] |= set(source.subjects)
    return labels
