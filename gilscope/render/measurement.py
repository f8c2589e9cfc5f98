"""A measurement as a document: what a call gains and costs, and from which size on."""

from typing import Protocol

from gilscope.measurement import Measurement, SizeRow
from gilscope.model import Check
from gilscope.render import register_document
from gilscope.render.columns import Show, tabulate
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.table import Cell
from gilscope.render.text import TONES
from gilscope.units import (
    describe_ratio,
    describe_share,
    describe_time,
)


class Checked(Protocol):
    """What may have been checked."""

    @property
    def check(self) -> Check | None:
        """The check of a call."""


def show_verdict(item: Checked) -> Cell | None:
    """Return whether a call of this size releases the GIL."""
    if item.check is None:
        return None
    return Cell(item.check.verdict, tone=TONES.get(item.check.verdict, "unsure"))


SHOWS = (
    Show("verdict", show_verdict),
    Show("two threads", "pair.concurrency"),
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


THREADS = (
    Show("threads", "threads"),
    Show("speed-up", "speedup", describe_ratio),
    Show("processes", "process_speedup", describe_ratio),
    Show("of processes", "of_processes", describe_share),
    Show("", "concurrency"),
)


def make_document(found: Measurement) -> Document:
    """Return the findings in sentences, and a line for each size."""
    answers = [Answer(f"{found.name}: {words}") for words in found.findings]
    environment = found.environment
    where = f"{environment.implementation} {environment.python}, {environment.platform}"
    rows = [(name_size(row), row) for row in found.rows]
    tables = [tabulate("By size", SHOWS, rows, "size")]
    if any(len(row.parallel) > 1 for row in found.rows):
        lines = [(name, each) for name, row in rows for each in row.parallel]
        tables.append(tabulate("By number of threads", THREADS, lines, "size"))
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


def name_size(row: SizeRow) -> str:
    """Return the size, or that there is no such thing."""
    return "any" if row.size is None else f"{row.size:,}"


register_document(Measurement, make_document)
