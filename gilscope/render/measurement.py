"""A measurement as a document: what a call gains and costs, and from which size on."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gilscope.measurement import Measurement, SizeRow
from gilscope.render import register_document
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.table import NOTHING, Cell, Column, Table
from gilscope.render.text import TONES
from gilscope.units import (
    Value,
    describe_range,
    describe_ratio,
    describe_share,
    describe_time,
)


class Show(NamedTuple):
    """A column with a figure of each row; left out where no row has it.

    Attributes:
        head: its words.
        path: the fields that lead to the figure; None on the way is no figure.
        describe: returns the figure with its unit.
        meaning: one line for the legend.
    """

    head: str
    path: str
    describe: Callable[[Value], str]
    meaning: str = ""


SHOWS = (
    Show("alone", "alone_s", describe_time),
    Show("threads", "pair.speedup", describe_ratio, "two, by one after the other"),
    Show("processes", "pair.process_speedup", describe_ratio, "the same in processes"),
    Show(
        "beside\nPython",
        "contention.slowdown",
        describe_ratio,
        "time beside a busy Python thread, by its time alone",
    ),
    Show("99th\npercentile", "contention.contended_p99_s", describe_time),
    Show(
        "busy\nthread",
        "contention.busy_thread_speed",
        describe_share,
        "speed of that thread, 100% = as fast as alone",
    ),
    Show("cost", "cost", describe_ratio, "time by the twin's"),
    Show(
        "gain",
        "gain",
        describe_ratio,
        "calls of two threads by those of two with the twin, which holds the GIL",
    ),
    Show(
        "gain\nwith Python",
        "busy_gain",
        describe_ratio,
        "work of a call and a busy thread by the same with the twin",
    ),
)


def make_document(found: Measurement) -> Document:
    """Return the findings in sentences, and a line for each size."""
    answers = [Answer(f"{found.name}: {words}") for words in found.findings]
    environment = found.environment
    where = f"{environment.implementation} {environment.python}, {environment.platform}"
    tables = [make_table(found.rows)]
    if any(len(row.parallel) > 1 for row in found.rows):
        tables.append(make_threads_table(found.rows))
    section = Section(
        "What it gains and costs",
        answers=tuple(answers),
        tables=tuple(tables),
        notes=tuple(
            Note(words, tone="unsure")
            for words in (*found.warnings, *environment.warnings)
        ),
    )
    return Document(found.name, where, (section,))


def make_table(rows: tuple[SizeRow, ...]) -> Table:
    """Return a line for each size; what was not measured has no column."""
    columns = [Column("size"), Column("verdict"), Column("two threads")]
    cells: list[list[Cell | str]] = [
        [name_size(row) for row in rows],
        [show_verdict(row) for row in rows],
        [row.pair.concurrency if row.pair else NOTHING for row in rows],
    ]
    for head, path, describe, meaning in SHOWS:
        figures = [find_figure(row, path) for row in rows]
        if any(figure is not None for figure in figures):
            columns.append(Column(head, meaning))
            cells.append([show(figure, describe) for figure in figures])
    return Table("By size", columns, [*zip(*cells, strict=True)])


def make_threads_table(rows: tuple[SizeRow, ...]) -> Table:
    """Return a line for each number of threads."""
    heads = ("size", "threads", "speed-up", "processes", "of processes", "")
    lines = [
        (
            name_size(row),
            str(parallel.threads),
            show(parallel.speedup, describe_ratio),
            show(parallel.process_speedup, describe_ratio),
            show(parallel.of_processes, describe_share),
            parallel.concurrency,
        )
        for row in rows
        for parallel in row.parallel
    ]
    return Table("By number of threads", [*map(Column, heads)], lines)


def name_size(row: SizeRow) -> str:
    """Return the size, or that there is no such thing."""
    return "any" if row.size is None else f"{row.size:,}"


def find_figure(row: SizeRow, path: str) -> Any:
    """Return the figure at the end of a path, None if there is none."""
    found: Any = row
    for name in path.split("."):
        if found is not None:
            found = getattr(found, name)
    return found


def show(figure: Value, describe: Callable[[Value], str]) -> Cell | str:
    """Return a figure, with its range where there is room."""
    text = describe(figure)
    return Cell(text, more=describe_range(figure, describe)) if text else NOTHING


def show_verdict(row: SizeRow) -> Cell | str:
    """Return whether a call of this size releases the GIL."""
    if row.check is None:
        return NOTHING
    return Cell(row.check.verdict, tone=TONES.get(row.check.verdict, "unsure"))


register_document(Measurement, make_document)
