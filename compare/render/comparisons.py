"""What changed between two results, and a table of many, as documents."""

from itertools import groupby

from compare.comparing import Compared, ComparedCell, ComparedRow, Diff
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.table import NOTHING, Cell, Column, Table, Tone

TONES: dict[str, Tone] = {"worse": "bad", "better": "good", "other": "unsure"}
# What is shown only where environments differ in it.
TAKEN_FOR_GRANTED = ("status", "wrong answers")


def show_diff(found: Diff) -> Document:
    """Return what changed, the worst first."""
    changes = sorted(
        found.changes, key=lambda row: list(TONES).index(row.kind or "other")
    )
    answers = [
        Answer(f"{row.subject} got worse: {describe_row(row)}", "worse", "bad")
        for row in changes
        if row.kind == "worse"
    ]
    if not answers:
        text = f"nothing got worse, {len(changes)} changed"
        answers = [Answer(text if changes else "no change seen", tone="good")]
    rows: list[tuple[Cell | str, ...]] = [
        (
            row.subject,
            row.what,
            *(Cell(cell.text or "not there", more=cell.range) for cell in row.cells),
            Cell(get_kind(row), TONES[get_kind(row)]),
        )
        for row in changes
    ]
    heads = tuple(map(Column, ("subject", "what", "before", "after", "")))
    doubts = {
        (row.subject, place, cell.doubt): None
        for row in found.unsure
        for place, cell in zip(("first", "second"), row.cells, strict=True)
        if cell.doubt
    }
    notes = [
        Note(f"{name}: {before} -> {after}", "another environment")
        for name, before, after in found.environment
    ]
    notes += [
        Note(f"not compared, the {place} run was unsure: {doubt}", subject, "unsure")
        for subject, place, doubt in doubts
    ]
    if found.unchanged:
        notes.append(Note(f"no change seen: {', '.join(found.unchanged)}"))
    notes.append(
        Note("Not compared: the time of long calls, which differs between runs.")
    )
    section = Section(
        "What changed",
        answers=tuple(answers),
        tables=(Table("What changed", heads, rows),) if rows else (),
        notes=tuple(notes),
    )
    return Document("What changed", "", (section,))


def get_kind(row: ComparedRow) -> str:
    """Return how a change is called; what only one result has is neither."""
    return row.kind if row.kind in TONES else "other"


def describe_row(row: ComparedRow) -> str:
    """Return what it was and is, without ranges."""
    return f"{row.what}: {' -> '.join(cell.text for cell in row.cells)}"


def show_compared(found: Compared) -> Document:
    """Return a table for each thing: subjects down, environments across."""
    n_apart = sum(cell.kind in TONES for row in found.rows for cell in row.cells)
    text = f"{len(found.environments)} environments: "
    answer = (
        Answer(f"{text}{n_apart} cells differ from the first one (!)", "!", "bad")
        if n_apart
        else Answer(f"{text}no difference seen", tone="good")
    )
    groups = groupby(found.rows, key=lambda row: row.what)
    tables = [
        Table(
            what,
            (Column("subject"), *map(Column, found.environments)),
            [(row.subject, *map(show_cell, row.cells)) for row in rows],
        )
        for what, rows in ((what, list(group)) for what, group in groups)
        if what not in TAKEN_FOR_GRANTED
        or any(cell.kind in TONES for row in rows for cell in row.cells)
    ]
    section = Section("Side by side", answers=(answer,), tables=tuple(tables))
    return Document("Many results side by side", "", (section,))


def show_cell(cell: ComparedCell) -> Cell:
    """Return what one environment has, marked if it differs."""
    is_apart = cell.kind in TONES
    mark = " (!)" if is_apart else " (?)" if cell.doubt else ""
    tone: Tone = TONES[cell.kind] if is_apart else "muted" if cell.doubt else ""
    return Cell(f"{cell.text or NOTHING}{mark}", tone, cell.range)
