"""Statements side by side as a document: one table, and what came of it."""

from compare.statements import ComparedCall, Comparison
from gilscope.render import register_document
from gilscope.render.columns import Show, tabulate
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.measurement import show_verdict
from gilscope.render.table import Cell
from gilscope.units import describe_ratio, describe_share, describe_time

N_LETTERS = 26


def show_answer(call: ComparedCall) -> Cell:
    """Return whether the answer is that of the first."""
    return Cell("differs", "bad") if call.difference else Cell("equal", "good")


SHOWS = (
    Show("answer", show_answer),
    Show("verdict", show_verdict),
    Show("released\nfraction", "check.released_fraction", describe_share),
    Show("longest\nhold", "check.longest_hold", describe_time),
    Show("alone", "row.alone_s", describe_time, "time of one call"),
    Show("speed", "speed", describe_ratio, "by that of the first"),
    Show(
        "two\nthreads",
        "row.pair.speedup",
        describe_ratio,
        "speed of calls in two threads, against one after the other",
    ),
    Show(
        "beside\nPython",
        "row.contention.slowdown",
        describe_ratio,
        "time beside a busy Python thread, by its time alone",
    ),
)


def make_document(found: Comparison) -> Document:
    """Return what came of it, the table, and what makes it unsure."""
    letters = [chr(ord("A") + place % N_LETTERS) for place in range(len(found.calls))]
    named = [*zip(letters, found.calls, strict=True)]
    environment = found.environment
    notes = [
        Note(call.difference, call.name, "bad")
        for call in found.calls
        if call.difference
    ]
    notes += [
        Note(words, tone="unsure") for words in (*found.warnings, *environment.warnings)
    ]
    where = f"{environment.implementation} {environment.python}, {environment.platform}"
    section = Section(
        "Which one?",
        answers=(
            Answer(found.summary, tone="" if found.ok else "bad"),
            *(Answer(f"{letter}: {call.name}") for letter, call in named),
        ),
        tables=(tabulate("Side by side", SHOWS, named, ""),),
        notes=tuple(notes),
    )
    return Document("Statements side by side", where, (section,))


register_document(Comparison, make_document)
