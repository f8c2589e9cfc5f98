"""Results side by side, as documents: two, many, and statements."""

from itertools import groupby

from compare.comparing import Compared, ComparedCell, ComparedRow, Diff
from compare.statements import ComparedCall, Comparison
from gilscope.render import register_document
from gilscope.render.document import (
    NO_FIGURE,
    Answer,
    Cell,
    Column,
    Document,
    Note,
    Row,
    Section,
    Table,
    Tone,
    describe_where,
    list_doubts,
    tabulate,
)

KIND_TONES: dict[str, Tone] = {"worse": "bad", "better": "good", "other": "unsure"}
# What is shown only where environments differ in it.
TAKEN_FOR_GRANTED = ("status", "wrong answers")
N_LETTERS = 26


def show_diff(found: Diff) -> Document:
    """Return what changed, the worst first."""
    kinds = {
        row: row.kind if row.kind in KIND_TONES else "other" for row in found.changes
    }
    changes = sorted(kinds, key=lambda row: list(KIND_TONES).index(kinds[row]))
    answers = [
        Answer(f"{row.subject} got worse: {describe_row(row)}", "worse", "bad")
        for row in changes
        if row.kind == "worse"
    ]
    if not answers:
        text = f"nothing got worse, {len(changes)} changed"
        answers = [Answer(text if changes else "no change seen", tone="good")]
    rows: list[Row] = [
        (
            row.subject,
            row.what,
            *(Cell(cell.text or "not there", more=cell.range) for cell in row.cells),
            Cell(kinds[row], KIND_TONES[kinds[row]]),
        )
        for row in changes
    ]
    heads = [*map(Column, ("subject", "what", "before", "after", ""))]
    doubts = {
        (row.subject, f"not compared, the {place} run was unsure: {cell.doubt}"): None
        for row in found.unsure
        for place, cell in zip(("first", "second"), row.cells, strict=True)
        if cell.doubt
    }
    notes = [
        Note(f"{name}: {before} -> {after}", "another environment")
        for name, before, after in found.environment
    ]
    notes += [Note(text, subject, "unsure") for subject, text in doubts]
    if found.unchanged:
        notes.append(Note(f"no change seen: {', '.join(found.unchanged)}"))
    text = "Not compared: the time of long calls, which differs between runs."
    section = Section(
        "What changed",
        answers=answers,
        tables=(Table("What changed", heads, rows),) if rows else (),
        notes=(*notes, Note(text)),
    )
    return Document("What changed", "", (section,))


def describe_row(row: ComparedRow) -> str:
    """Return what it was and is, without ranges."""
    return f"{row.what}: {' -> '.join(cell.text for cell in row.cells)}"


def show_compared(found: Compared) -> Document:
    """Return a table for each thing: subjects down, environments across."""
    n_apart = sum(cell.kind in KIND_TONES for row in found.rows for cell in row.cells)
    text = f"{len(found.environments)} environments: "
    answer = (
        Answer(f"{text}{n_apart} cells differ from the first one (!)", "!", "bad")
        if n_apart
        else Answer(f"{text}no difference seen", tone="good")
    )
    tables = []
    for what, group in groupby(found.rows, key=lambda row: row.what):
        rows = [*group]
        cells = [cell for row in rows for cell in row.cells]
        if what not in TAKEN_FOR_GRANTED or any(c.kind in KIND_TONES for c in cells):
            heads = [*map(Column, ("subject", *found.environments))]
            shown: list[Row] = [
                (row.subject, *map(show_cell, row.cells)) for row in rows
            ]
            tables.append(Table(what, heads, shown))
    section = Section("Side by side", answers=(answer,), tables=tables)
    return Document("Many results side by side", "", (section,))


def show_cell(cell: ComparedCell) -> Cell:
    """Return what one environment has, marked if it differs."""
    tone = KIND_TONES.get(cell.kind, "muted" if cell.doubt else "")
    mark = " (!)" if cell.kind in KIND_TONES else " (?)" if cell.doubt else ""
    return Cell(f"{cell.text or NO_FIGURE}{mark}", tone, cell.range)


def show_answer(call: ComparedCall) -> Cell:
    """Return whether the answer is that of the first statement."""
    return Cell("differs", "bad") if call.difference else Cell("equal", "good")


STATEMENT_COLUMNS = (
    Column("answer", show_answer),
    Column("verdict", "check.verdict:verdict"),
    Column("released\nfraction", "check.released_fraction:%"),
    Column("longest\nhold", "check.longest_hold:s"),
    Column("alone", "row.alone_s:s", "time of one call"),
    Column("speed", "speed:x", "speed alone, 1x = as the first"),
    Column(
        "two\nthreads",
        "row.pair.speedup:x",
        "speed of calls in two threads, 1x = one after the other",
    ),
    Column(
        "beside\nPython",
        "row.contention.slowdown:x",
        "time beside a busy Python thread, 1x = as alone",
    ),
)


def show_statements(found: Comparison) -> Document:
    """Return what came of it, the table, and what makes it unsure."""
    where = found.environment
    named = [
        (chr(ord("A") + place % N_LETTERS), call)
        for place, call in enumerate(found.calls)
    ]
    wrong = [call for call in found.calls if call.difference]
    section = Section(
        "Which one?",
        answers=(
            Answer(found.summary, tone="" if found.ok else "bad"),
            *(Answer(f"{letter}: {call.name}") for letter, call in named),
        ),
        tables=(tabulate("Side by side", STATEMENT_COLUMNS, named, ""),),
        notes=(
            *(Note(call.difference, call.name, "bad") for call in wrong),
            *list_doubts(found.warnings, where.warnings),
        ),
    )
    return Document("Statements side by side", describe_where(where), (section,))


register_document(Diff, show_diff)
register_document(Compared, show_compared)
register_document(Comparison, show_statements)
