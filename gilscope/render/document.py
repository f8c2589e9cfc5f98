"""What there is to show, before it becomes text, Markdown or a page.

A document answers first: each section begins with one sentence a subject, then come
the figures, then how to read them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gilscope.model import Environment
from gilscope.render.markup import Markup
from gilscope.units import describe_range, describe_ratio, describe_share, describe_time

Tone = Literal["", "good", "bad", "unsure", "muted"]

# How each verdict and each status is coloured.
TONES: dict[str, Tone] = {
    **dict.fromkeys(("releases", "ok"), "good"),
    **dict.fromkeys(("varies", "preemptible", "unavailable"), "unsure"),
    **dict.fromkeys(("holds", "wrong", "failed", "crashed", "timeout"), "bad"),
    "inconclusive": "muted",
}
UNITS: dict[str, Callable[[Any], str]] = {
    "": str,
    "s": describe_time,
    "x": describe_ratio,
    "%": describe_share,
}
# Stands where there is no figure.
NO_FIGURE = "-"


@dataclass(frozen=True)
class Cell:
    """A text of a table."""

    text: str
    tone: Tone = ""
    # Stands after it where there is room, such as a range.
    more: str = ""
    # How dark its background is on a page, 0 to 1.
    shade: float = 0.0

    @property
    def full_text(self) -> str:
        """The text with what stands after it."""
        return f"{self.text} {self.more}".strip()


@dataclass(frozen=True)
class Column:
    """A column of a table, whose head is broken into lines in a terminal only."""

    head: str
    # The field of an item that it shows with its unit, such as "pair.speedup:x"; or
    # what returns the value, which may be a cell. None and "" are no value.
    path: str | Callable[[Any], Any] = ""
    # One line for the legend.
    meaning: str = ""
    # Whether a terminal leaves it out where there is no room for all.
    is_spare: bool = False
    # Says of an item that its figure cannot be used.
    is_muted: Callable[[Any], bool] | None = None

    @property
    def title(self) -> str:
        """The head in one line."""
        return self.head.replace("\n", " ")

    def make_cell(self, item: Any) -> Cell:
        """Return what an item has in this column, with the range of a figure."""
        unit = ""
        if isinstance(self.path, str):
            path, _, unit = self.path.partition(":")
            value = pick(item, path)
        else:
            value = self.path(item)
        if isinstance(value, Cell):
            return value
        if value is None or value == "":
            return Cell(NO_FIGURE)
        if unit == "verdict":
            return Cell(value, TONES[value])
        describe = UNITS.get(unit, lambda value: format(value, unit))
        tone: Tone = "muted" if self.is_muted and self.is_muted(item) else ""
        return Cell(describe(value), tone, describe_range(value, describe))


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows; each row has a cell a column."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def tabulate(
    caption: str,
    columns: Iterable[Column],
    items: Iterable[tuple[str, Any]],
    head: str = "backend",
) -> Table:
    """Return a table with a row for each named item; an empty column is left out."""
    items = list(items)
    filled: dict[Column, list[Cell]] = {}
    for column in columns:
        cells = [column.make_cell(item) for _, item in items]
        if any(cell.text != NO_FIGURE for cell in cells):
            filled[column] = cells
    names = [Cell(name) for name, _ in items]
    rows = [*zip(names, *filled.values(), strict=True)]
    return Table(caption, [Column(head), *filled], rows)


def cross_tabulate(
    caption: str, head: str, cells: Mapping[tuple[str, str], Cell]
) -> Table:
    """Return a table of cells by row and column, in the order in which these come."""
    columns = dict.fromkeys(column for _, column in cells)
    lines = [
        [Cell(row), *(cells.get((row, column), Cell(NO_FIGURE)) for column in columns)]
        for row in dict.fromkeys(row for row, _ in cells)
    ]
    return Table(caption, [*map(Column, (head, *columns))], lines)


def pick(item: Any, path: str) -> Any:
    """Return a field of a field, None where there is none on the way."""
    for name in path.split("."):
        item = getattr(item, name, None)
    return item


@dataclass(frozen=True)
class Answer:
    """One plain sentence that begins with its subject, and its verdict or status."""

    text: str
    word: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Note:
    """A text below the figures, and whose it is; its lines stay lines."""

    text: str
    heading: str = ""
    tone: Tone = ""


def list_doubts(*texts: Iterable[str]) -> Iterator[Note]:
    """Yield a note for each text that makes figures unsure."""
    yield from (Note(text, tone="unsure") for some in texts for text in some)


@dataclass(frozen=True)
class Section:
    """One question with its answers, in the order in which they are shown."""

    title: str
    # How it was looked at, in a sentence.
    lead: str = ""
    answers: Sequence[Answer] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[Note] = ()
    # Titles and notes that a page folds away, and Markdown and a terminal leave out.
    details: Sequence[tuple[str, Sequence[Note]]] = ()
    # Returns the drawings of a page; it is called only for one.
    draw: Callable[[], Markup] | None = None
    # Whether a terminal shows it without being asked for more.
    is_brief: bool = True


@dataclass(frozen=True)
class Document:
    """Everything that is shown of one result; the first section has the answer."""

    title: str
    # Where and when it was found out, in a line.
    where: str
    sections: Sequence[Section]
    # Names the options that show the rest, for a terminal.
    more: str = ""


def describe_where(environment: Environment) -> str:
    """Return where it ran, in one line."""
    gil = "GIL on" if environment.gil_enabled else "GIL off"
    build = ", free-threaded build" if environment.free_threaded_build else ""
    return (
        f"{environment.implementation} {environment.python}{build}, {gil}, "
        f"{environment.cpus_allowed} of {environment.cpu_count} CPUs, "
        f"{environment.platform}"
    )
