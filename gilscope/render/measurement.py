"""A measurement as a document: what a call gains and costs, and from which size on."""

from gilscope.measurement import Measurement
from gilscope.render import register_document
from gilscope.render.document import (
    Answer,
    Column,
    Document,
    Section,
    describe_where,
    list_doubts,
    tabulate,
)

SIZE_COLUMNS = (
    Column("verdict", "check.verdict:verdict"),
    Column("two threads", "pair.concurrency"),
    Column("alone", "alone_s:s"),
    Column(
        "threads", "pair.speedup:x", "speed of two threads, 1x = one after the other"
    ),
    Column("processes", "pair.process_speedup:x", "the same in two processes"),
    Column(
        "beside\nPython",
        "contention.slowdown:x",
        "time beside a busy Python thread, 1x = as alone",
    ),
    Column("99th\npercentile", "contention.contended_p99_s:s", is_spare=True),
    Column(
        "busy\nthread",
        "contention.busy_thread_speed:%",
        "speed of that thread, 100% = as fast as alone",
    ),
    Column("cost", "cost:x", "time alone, 1x = as the held twin"),
    Column(
        "gain", "gain:x", "calls that two threads get done, 1x = as with the held twin"
    ),
    Column(
        "gain\nwith Python",
        "busy_gain:x",
        "work of a calling thread and a busy thread, 1x = as with the held twin",
    ),
)
THREADS = (
    Column("threads", "threads"),
    Column("speed-up", "speedup:x"),
    Column("processes", "process_speedup:x"),
    Column("of processes", "of_processes:%"),
    Column("", "concurrency"),
)


def show_measurement(found: Measurement) -> Document:
    """Return the findings in sentences, and a line for each size."""
    where = found.environment
    rows = [("any" if row.size is None else f"{row.size:,}", row) for row in found.rows]
    tables = [tabulate("By size", SIZE_COLUMNS, rows, "size")]
    if any(len(row.parallel) > 1 for row in found.rows):
        lines = [(name, each) for name, row in rows for each in row.parallel]
        tables.append(tabulate("By number of threads", THREADS, lines, "size"))
    section = Section(
        "What it gains and costs",
        answers=[Answer(f"{found.name}: {words}") for words in found.findings],
        tables=tables,
        notes=[*list_doubts(found.warnings, where.warnings)],
    )
    return Document(found.name, describe_where(where), (section,))


register_document(Measurement, show_measurement)
