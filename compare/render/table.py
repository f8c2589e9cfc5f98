"""The report as text: one table of 80 columns, what it means, and what is odd."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from compare.model import BackendResult, Environment, Report
from compare.render.grids import make_grids

WIDTH = 80

# A rule below the heads, of a character that every terminal and file can take.
RULED = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)

STYLES = {
    "ok": "green",
    "wrong": "bold red",
    "failed": "bold red",
    "crashed": "bold red",
    "timeout": "bold red",
    "unavailable": "yellow",
}


@dataclass(frozen=True)
class Column:
    """One column of the table, shown where any backend has something for it.

    Attributes:
        header: its words, two lines at most.
        show: returns the text of a cell, "" where there is nothing.
        meaning: one sentence below the table.
    """

    header: str
    show: Callable[[BackendResult], str]
    meaning: str


def show_answers(result: BackendResult) -> str:
    """Return how many of the contract's cases came out right."""
    found = result.correctness
    return f"{found.passed}/{found.passed + found.failed}" if found else ""


def show_verdict(result: BackendResult) -> str:
    """Return the verdict on the GIL."""
    return result.gil.verdict if result.gil else ""


def show_progress(result: BackendResult) -> str:
    """Return how fast Python code ran beside the call, released and held."""
    found = result.handoff
    if found is None or found.partner_progress_released is None:
        return ""
    return f"{found.partner_progress_released:.0%}/{found.partner_progress_held:.0%}"


def show_speedup(result: BackendResult) -> str:
    """Return what a second thread gains, released and held, and a second process."""
    found = result.parallel
    if found is None:
        return ""
    texts = [
        f"{'~' if row.concurrency == 'unclear' else ''}{row.speedup.value:.2f}"
        for row in (found.pair, found.held)
    ]
    limit = found.pair.process_speedup
    return "/".join([*texts, "-" if limit is None else f"{limit.value:.2f}"])


def show_slowdown(result: BackendResult) -> str:
    """Return by how much busy Python code slows a short call down."""
    found = result.contention
    if found is None or not found.rows:
        return ""
    slowdown = found.rows[0].slowdown.value
    digits = 1 if slowdown < 10 else 0  # noqa: PLR2004 - two digits suffice.
    return f"{slowdown:,.{digits}f}x"


COLUMNS = (
    Column(
        "answers",
        show_answers,
        "cases of the contract that came out as the reference's",
    ),
    Column(
        "verdict",
        show_verdict,
        "whether the call gives the GIL away, by evidence (docs/method.md)",
    ),
    Column(
        "Python ran\nfree/held",
        show_progress,
        "speed of Python code beside the call while the GIL was released, and "
        "while it was held; 100% is as fast as alone",
    ),
    Column(
        "two threads\nfree/held/limit",
        show_speedup,
        "speed of two calls in two threads, against one after the other; then the "
        "same with release_gil=False, as a control; then in two processes, which is "
        "what the machine could give at that moment; ~ where it could not be told "
        "whether the calls ran in parallel",
    ),
    Column(
        "slowed",
        show_slowdown,
        "time of a short call beside busy Python code, against alone",
    ),
)


def render_table(report: Report) -> str:
    """Return the report as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    console.print(make_text(report))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def make_text(report: Report) -> RenderableType:
    """Return the report as something that rich prints, in colour or without."""
    columns = [
        column for column in COLUMNS if any(column.show(result) for result in report)
    ]
    return Group(
        make_grid(report, columns),
        *make_meanings(columns),
        *make_grids(report),
        *make_reasons(report),
        *make_notes(report),
        Text(f"\n{describe_environment(report.environment)}", style="dim"),
        *(Text(f"warning: {text}", "yellow") for text in report.environment.warnings),
    )


def make_grid(report: Report, columns: Iterable[Column]) -> Table:
    """Return the table itself."""
    grid = Table(box=RULED, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    grid.add_column("backend", overflow="fold", max_width=20)
    grid.add_column("status", no_wrap=True)
    for column in columns:
        is_word = column.header == "verdict"
        grid.add_column(
            column.header, justify="left" if is_word else "right", no_wrap=True
        )
    for result in report:
        grid.add_row(
            Text(result.name),
            Text(result.status, STYLES[result.status]),
            *(Text(column.show(result) or "-") for column in columns),
        )
    return grid


def make_meanings(columns: Iterable[Column]) -> Iterator[RenderableType]:
    """Say what each column means."""
    legend = Table.grid(padding=(0, 2))
    for column in columns:
        legend.add_row(column.header.partition("\n")[0], column.meaning)
    if legend.row_count:
        yield Text()
        yield legend


def make_reasons(report: Report) -> Iterator[RenderableType]:
    """Say what went wrong, backend by backend."""
    for result in report:
        if result.reason:
            yield Text()
            yield Text(f"{result.name}: {result.status}", STYLES[result.status])
            yield Padding(Text(result.reason), (0, 0, 0, 2))


def make_notes(report: Report) -> Iterator[RenderableType]:
    """Say what the figures mean and what makes them unsure.

    Of several backends, what is true of one alone is counted and left to the longer
    reports: it would fill pages.
    """
    for result in report:
        for warning in result.warnings:
            yield Text(f"\n{result.name}: {warning}", "yellow")
    for kind in ("findings", "warnings"):
        notes = collect_notes(report, kind)
        left_out = Counter[str]()
        title = f"\n{kind}:"
        for note, names in notes.items():
            if len(names) == 1 < len(report):
                left_out[names[0]] += 1
                continue
            if title:
                yield Text(title)
                title = ""
            yield Padding(Text(f"{', '.join(names)}: {note}"), (0, 0, 0, 2))
        if left_out:
            counts = ", ".join(f"{name} {count}" for name, count in left_out.items())
            yield Text(f"\nmore {kind} in --html and --json: {counts}")


def collect_notes(report: Report, kind: str) -> dict[str, list[str]]:
    """Return what the scenarios note, and the backends that each note is true of."""
    notes: dict[str, list[str]] = {}
    for result in report:
        for scenario in report.scenarios:
            for note in getattr(getattr(result, scenario), kind, ()):
                names = notes.setdefault(note, [])
                if result.name not in names:
                    names.append(result.name)
    return notes


def describe_environment(environment: Environment) -> str:
    """Return where it ran, in one line."""
    gil = "GIL on" if environment.gil_enabled else "GIL off"
    build = ", free-threaded build" if environment.free_threaded_build else ""
    return (
        f"{environment.implementation} {environment.python}{build}, {gil}, "
        f"{environment.cpus_allowed} of {environment.cpu_count} CPUs, "
        f"{environment.platform}"
    )
