"""What the page says, section by section, before it becomes HTML.

A scenario that was not run, or a backend that has no figures, is said in words.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compare.model import BackendResult, Report
from compare.render import tabulate
from compare.render.explain import capitalize, first_line, join_sentences
from compare.render.grids import NOTHING
from compare.render.table import COLUMNS
from compare.render.tabulate import Table

Tabulate = Callable[[Sequence[BackendResult]], tuple[Table, ...]]


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        key: its place in the address of the page.
        title: its heading.
        lead: the question that it answers.
        reading: how to read it, in paragraphs.
        tables: in their order, none without figures.
        findings: names of backends, and what their figures mean.
        doubts: the same for what is wrong, or makes their figures unsure.
        missing: what is not there, and why.
    """

    key: str
    title: str
    lead: str
    reading: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()


def make_overview(report: Report) -> Table:
    """Return the table that a terminal shows, with the columns that have something."""
    columns = [
        column for column in COLUMNS if any(column.show(result) for result in report)
    ]
    heads = (capitalize(column.header.replace("\n", " ")) for column in columns)
    rows: list[Sequence[str]] = [("Backend", "Status", *heads)]
    rows += [
        (
            result.name,
            result.status,
            *(column.show(result) or NOTHING for column in columns),
        )
        for result in report
    ]
    return Table("Every backend at a glance", rows)


def make_sections(report: Report) -> tuple[Section, ...]:
    """Return the sections after the answers, in their order."""
    return tuple(
        dataclasses.replace(
            template,
            tables=make_tables(measured) if measured else (),
            findings=find_notes(measured, template.key, "findings"),
            doubts=find_notes(
                measured, template.key, "warnings", "failures", "contradictions"
            ),
            missing=find_missing(report, template.key),
        )
        for template, make_tables in _SECTIONS
        for measured in [find_measured(report, template.key)]
    )


def find_measured(report: Report, scenario: str) -> list[BackendResult]:
    """Return the backends that have figures of the scenario."""
    return [result for result in report if getattr(result, scenario) is not None]


def find_notes(
    measured: Sequence[BackendResult], scenario: str, *kinds: str
) -> tuple[tuple[str, str], ...]:
    """Return what a scenario says in words, as names and texts.

    What it says of several backends is said once, and what it says of the same ones
    stands together.
    """
    names_of: dict[str, list[str]] = {}
    for result in measured:
        for kind in kinds:
            for note in getattr(getattr(result, scenario), kind, ()):
                names_of.setdefault(note, []).append(result.name)
    grouped: dict[str, list[str]] = {}
    for note, names in names_of.items():
        grouped.setdefault(", ".join(dict.fromkeys(names)), []).append(note)
    return tuple(
        (names, join_sentences(tuple(notes))) for names, notes in grouped.items()
    )


def find_missing(report: Report, scenario: str) -> tuple[str, ...]:
    """Say for which backends a scenario has no figures, and why."""
    if scenario not in report.scenarios:
        return ("Not run: this scenario was not asked for.",)
    return tuple(
        f"{result.name}: no figures ({describe_status(result)})."
        for result in report
        if getattr(result, scenario) is None
    )


def describe_status(result: BackendResult) -> str:
    """Return the status with the first line of its reason."""
    reason = first_line(result.reason)
    return f"{result.status}: {reason}" if reason else result.status


_SECTIONS: tuple[tuple[Section, Tabulate], ...] = (
    (
        Section(
            "handoff",
            "Who had the GIL",
            (
                "Two threads share one result: Python's partner sleeps, doubles "
                "and exits; the backend computes without the GIL, takes it back "
                "and keeps it for a while."
            ),
            reading=(
                (
                    "Time runs from left to right, on the same scale for every "
                    "backend. The upper lane is Python's partner, the lower one "
                    "the backend; a phase begins and ends at a measured stamp."
                ),
                (
                    "Between them stands when other Python code was seen to run. Where "
                    "it goes on above a released phase, the GIL was really free; where "
                    "it stops, somebody kept it. How fast it ran is in the table."
                ),
                (
                    "Waiting is the time between asking for the GIL and having "
                    "it. A thread that computes in Python gives it up after one "
                    "switch interval."
                ),
            ),
        ),
        tabulate.tabulate_handoff,
    ),
    (
        Section(
            "gil",
            "Does the call release the GIL?",
            "The verdict rests on counted evidence, not on a stopwatch.",
            reading=(
                (
                    "While nobody can be interrupted, a second Python thread that "
                    "runs in the midst of a call proves that the call gave the "
                    "GIL away: releases. Python code that others can only "
                    "interrupt is preemptible. A call that lets nobody in holds."
                ),
                (
                    "The released share is the part of the call for which others "
                    "could run; the longest hold is the longest stretch for which "
                    "they could not."
                ),
            ),
        ),
        tabulate.tabulate_gil,
    ),
    (
        Section(
            "parallel",
            "What two threads gain",
            (
                "Two calls of the same work, each in a thread, against one after "
                "the other."
            ),
            reading=(
                (
                    "1 means no gain, 2 is perfect for two threads. The Amdahl "
                    "bound is what the share of the call that needs the GIL "
                    "allows at most; two processes show what the machine itself "
                    "could give at that moment."
                ),
                (
                    "A line through a mark is the range in which its median lies. "
                    "The open circle is the same backend told to hold the GIL: "
                    "its own control."
                ),
            ),
        ),
        tabulate.tabulate_parallel,
    ),
    (
        Section(
            "contention",
            "What releasing costs",
            "Short calls beside a Python thread that computes all the time.",
            reading=(
                (
                    "A call that releases the GIL has to wait to get it back, up "
                    "to a switch interval if Python code is running. The scale is "
                    "logarithmic: each line of the grid is ten times as much as "
                    "the one before."
                ),
            ),
        ),
        tabulate.tabulate_contention,
    ),
    (
        Section(
            "sweep",
            "From when releasing pays",
            (
                "The same calls with more and more work, releasing the GIL or "
                "holding it."
            ),
            reading=(
                (
                    "Above the line at 1 releasing gets more done, below it less. "
                    "The left chart is two threads that both call, the right one "
                    "a thread that calls beside one that computes in Python."
                ),
            ),
        ),
        tabulate.tabulate_sweep,
    ),
    (
        Section(
            "pairs",
            "Who stops whom",
            "Every backend in one thread beside every backend in another.",
            reading=(
                (
                    "0% means that the other one is not delayed at all, 100% that "
                    "it is stopped for the whole call. Darker is more."
                ),
            ),
        ),
        tabulate.tabulate_pairs,
    ),
)
