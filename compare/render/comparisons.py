"""A comparison of two results, and a table of many, as documents."""

from itertools import groupby

from compare.changes import Diff
from compare.gathering import Gathered, GatheredCell, GatheredRow
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.table import NOTHING, Cell, Column, Table, Tone

TONES: dict[str, Tone] = {"worse": "bad", "better": "good", "other": "unsure"}

# What is shown only where environments differ in it.
TAKEN_FOR_GRANTED = ("status", "wrong answers")


def show_diff(found: Diff) -> Document:
    """Return what changed, the worst first."""
    changes = sorted(found.changes, key=lambda change: list(TONES).index(change.kind))
    answers = [
        Answer(
            f"{change.subject} got worse: {change.what}: "
            f"{change.before} -> {change.after}",
            "worse",
            "bad",
        )
        for change in changes
        if change.kind == "worse"
    ]
    if not answers:
        text = (
            f"nothing got worse, {len(changes)} changed"
            if changes
            else "no change seen"
        )
        answers = [Answer(text, tone="good")]
    table = Table(
        "What changed",
        tuple(map(Column, ("subject", "what", "before", "after", ""))),
        [
            (
                change.subject,
                change.what,
                change.before,
                change.after,
                Cell(change.kind, TONES[change.kind]),
            )
            for change in changes
        ],
    )
    notes = [
        Note(f"{change.what}: {change.before} -> {change.after}", "another environment")
        for change in found.environment
    ]
    notes += [
        Note(f"{item.scenario}: not compared, {item.reason}", item.subject, "unsure")
        for item in found.unsure
    ]
    if found.unchanged:
        notes.append(Note(f"no change seen: {', '.join(found.unchanged)}"))
    notes.append(
        Note("Not compared: the time of long calls, which differs between runs.")
    )
    section = Section(
        "What changed",
        answers=tuple(answers),
        tables=(table,) if changes else (),
        notes=tuple(notes),
    )
    return Document("What changed", "", (section,))


def show_gathered(found: Gathered) -> Document:
    """Return a table for each thing: subjects down, environments across."""
    n_apart = sum(cell.is_apart for row in found.rows for cell in row.cells)
    text = f"{len(found.environments)} environments: "
    answer = (
        Answer(f"{text}{n_apart} cells differ from the first one (!)", "!", "bad")
        if n_apart
        else Answer(f"{text}no difference seen", tone="good")
    )
    tables = [
        Table(
            what,
            (Column("subject"), *map(Column, found.environments)),
            [(row.subject, *map(show_cell, row.cells)) for row in rows],
        )
        for what, group in groupby(found.rows, key=lambda row: row.what)
        if (rows := list(group))
        and (what not in TAKEN_FOR_GRANTED or any(map(has_difference, rows)))
    ]
    section = Section("Side by side", answers=(answer,), tables=tuple(tables))
    return Document("Many results side by side", "", (section,))


def has_difference(row: GatheredRow) -> bool:
    """Return whether any environment differs from the first one."""
    return any(cell.is_apart for cell in row.cells)


def show_cell(cell: GatheredCell) -> Cell:
    """Return what one environment has, marked if it differs."""
    mark = " (!)" if cell.is_apart else " (?)" if cell.is_unsure else ""
    tone: Tone = "bad" if cell.is_apart else "muted" if cell.is_unsure else ""
    return Cell(f"{cell.text or NOTHING}{mark}", tone, cell.range)
