"""Results side by side, as documents: two, many, and statements."""

from functools import partial
from itertools import cycle, groupby
from string import ascii_uppercase

from compare.comparing import Compared, ComparedRow, Diff
from compare.statements import Comparison
from gilscope.render import register_document
from gilscope.render.document import (
    NO_FIGURE,
    Answer,
    Cell,
    Column,
    Document,
    Note,
    Section,
    Tone,
    cross_tabulate,
    describe_where,
    list_doubts,
    tabulate,
)
from gilscope.units import describe_count

OTHER = Cell("changed", "unsure")
KINDS = {
    "worse": Cell("worse", "bad"),
    "better": Cell("better", "good"),
    "other": OTHER,
}
# What is shown only where environments differ in it.
TAKEN_FOR_GRANTED = ("status", "wrong answers")


def show_side(place: int, row: ComparedRow) -> Cell:
    """Return what a row of a diff was, or is."""
    cell = row.cells[place]
    return Cell(cell.text or "not there", more=cell.range)


# A row that is gone or new changed otherwise.
DIFF_COLUMNS = (
    Column("what", "what"),
    Column("before", partial(show_side, 0)),
    Column("after", partial(show_side, 1)),
    Column("", lambda row: KINDS.get(row.kind, OTHER)),
)


def show_diff(found: Diff) -> Document:
    """Return what changed, the worst first."""
    order = [*KINDS]
    changes = sorted(
        found.changes,
        key=lambda row: order.index(row.kind if row.kind in KINDS else "other"),
    )
    answers = [
        Answer(
            f"{row.subject} got worse: {row.what}: "
            f"{' -> '.join(cell.text for cell in row.cells)}",
            "worse",
            "bad",
        )
        for row in changes
        if row.kind == "worse"
    ]
    if not answers:
        text = f"nothing got worse, {len(changes)} changed"
        answers = [Answer(text if changes else "no change seen", tone="good")]
    doubts: dict[str, dict[str, None]] = {}
    for row in found.unsure:
        for place, cell in zip(("first", "second"), row.cells, strict=True):
            if cell.doubt:
                text = f"not compared, the {place} run was unsure: {cell.doubt}"
                doubts.setdefault(row.subject, {})[text] = None
    notes = [
        Note(f"{name}: {before} -> {after}", "another environment")
        for name, before, after in found.environment
    ]
    notes += [Note("\n".join(doubts[name]), name, "unsure") for name in doubts]
    if found.unchanged:
        notes.append(Note(f"no change seen: {', '.join(found.unchanged)}"))
    text = "Not compared: the time of long calls, which differs between runs."
    notes.append(Note(text))
    rows = [(row.subject, row) for row in changes]
    table = tabulate("What changed", DIFF_COLUMNS, rows, "subject")
    section = Section("What changed", "", answers, [table] if rows else (), notes)
    return Document("What changed", "", [section])


def show_compared(found: Compared) -> Document:
    """Return a table for each thing: subjects down, environments across."""
    tables, n_apart = [], 0
    for what, rows in groupby(found.rows, key=lambda row: row.what):
        grid, n_marked = {}, 0
        for row in rows:
            for name, cell in zip(found.environments, row.cells, strict=True):
                tone: Tone = "muted" if cell.doubt else ""
                mark = " (?)" if cell.doubt else ""
                if cell.kind in KINDS:
                    tone, mark = KINDS[cell.kind].tone, " (!)"
                    n_marked += 1
                text = f"{cell.text or NO_FIGURE}{mark}"
                grid[row.subject, name] = Cell(text, tone, cell.range)
        if what not in TAKEN_FOR_GRANTED or n_marked:
            tables.append(cross_tabulate(what, "subject", grid))
        n_apart += n_marked
    text = f"{describe_count(len(found.environments), 'environment')}: "
    answer = Answer(f"{text}no difference seen", tone="good")
    n_kinds = [sum(cell.kind != "" for cell in row.cells) for row in found.rows]
    if max(n_kinds, default=0) < len(("one", "another")):
        answer = Answer(f"{text}nothing could be compared", tone="unsure")
    if n_apart:
        text += f"{describe_count(n_apart, 'difference')} from the first one (!)"
        answer = Answer(text, "!", "bad")
    is_unsure = any(cell.doubt for row in found.rows for cell in row.cells)
    notes = [Note("(?) = its own run was unsure of the figure")] if is_unsure else ()
    section = Section("Side by side", "", [answer], tables, notes)
    return Document("Many results side by side", "", [section])


# Whether the answer is that of the first statement.
ANSWERS = {False: Cell("equal", "good"), True: Cell("differs", "bad")}
STATEMENT_COLUMNS = (
    Column("answer", lambda call: ANSWERS[bool(call.difference)]),
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
    named = list(zip(cycle(ascii_uppercase), found.calls, strict=False))
    answers = [Answer(found.summary, tone="" if found.ok else "bad")]
    answers += [Answer(f"{letter}: {call.name}") for letter, call in named]
    differences = [
        Note(call.difference, call.name, "bad")
        for call in found.calls
        if call.difference
    ]
    section = Section(
        "Which one?",
        "",
        answers,
        [tabulate("Side by side", STATEMENT_COLUMNS, named, "")],
        [*differences, *list_doubts(found.warnings, where.warnings)],
    )
    return Document("Statements side by side", describe_where(where), [section])


register_document(Diff, show_diff)
register_document(Compared, show_compared)
register_document(Comparison, show_statements)
