"""One model of a table, which every renderer shows in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "bad", "unsure", "muted"]

# Stands where there is no figure.
NOTHING = "-"


@dataclass(frozen=True)
class Cell:
    """A text of a table.

    Attributes:
        text: what it says.
        tone: how it is coloured.
        more: what stands after it where there is room, such as a range.
        shade: how dark its background is on a page: up to 1 = gain, down to -1 = loss.
    """

    text: str
    tone: Tone = ""
    more: str = ""
    shade: float = 0.0

    @property
    def full_text(self) -> str:
        """The text with what stands after it."""
        return f"{self.text} {self.more}" if self.more else self.text


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: its words; a line break in it is one in a terminal.
        meaning: one line for the legend, "" = it needs none.
    """

    head: str
    meaning: str = ""

    @property
    def title(self) -> str:
        """The head in one line."""
        return self.head.replace("\n", " ")


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Attributes:
        caption: what it is a table of.
        columns: one for each cell of a row.
        rows: of cells; a plain text is a cell without a tone.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell | str]]

    def get_cells(self) -> list[list[Cell]]:
        """Return the rows with every text as a cell."""
        return [
            [Cell(cell) if isinstance(cell, str) else cell for cell in row]
            for row in self.rows
        ]
