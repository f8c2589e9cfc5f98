"""Tables of results: a column names the field that it shows, and how."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from gilscope.render.table import NOTHING, Cell, Column, Table
from gilscope.units import describe_range


class Show(NamedTuple):
    """A column of a table.

    Attributes:
        head: its words; a line break in it is one in a terminal.
        path: the field that it shows, "." between a field and one of that; or what
            returns the value, which may be a cell. None is no value.
        describe: returns a value as text.
        meaning: one line for the legend.
    """

    head: str
    path: str | Callable[[Any], Any]
    describe: Callable[[Any], str] = str
    meaning: str = ""

    def make_cell(self, item: Any) -> Cell:
        """Return what an item has in this column, with the range of a figure."""
        value = pick(item, self.path) if isinstance(self.path, str) else self.path(item)
        if isinstance(value, Cell):
            return value
        if value is None:
            return Cell(NOTHING)
        return Cell(self.describe(value), more=describe_range(value, self.describe))


def pick(item: Any, path: str) -> Any:
    """Return a field of a field, None where there is none on the way."""
    for name in path.split("."):
        item = getattr(item, name, None)
    return item


def tabulate(
    caption: str,
    shows: Sequence[Show],
    items: Iterable[tuple[str, Any]],
    head: str = "backend",
) -> Table:
    """Return a table with a row for each named item; an empty column is left out."""
    names, values = zip(*items, strict=True)
    columns = [[show.make_cell(value) for value in values] for show in shows]
    filled = [
        (show, cells)
        for show, cells in zip(shows, columns, strict=True)
        if any(cell.text != NOTHING for cell in cells)
    ]
    heads = [Column(show.head, show.meaning) for show, _ in filled]
    rows = list(zip(names, *(cells for _, cells in filled), strict=True))
    return Table(caption, [Column(head), *heads], rows)
