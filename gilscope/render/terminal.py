"""A document as text: for a terminal of any width, in colour or without."""

import io
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from gilscope.clean import clean_text
from gilscope.render.document import NOTHING, Document, Note, Section, Table, Tone

WIDTH = 80
NAME_WIDTH = 28
# A text of more letters is prose: it may wrap, and is no figure to align.
PROSE_LENGTH = 40

STYLES: dict[Tone, str] = {
    "": "",
    "good": "green",
    "bad": "bold red",
    "unsure": "yellow",
    "muted": "dim",
}
# A rule below the heads, of a character that every terminal and file can take.
RULED = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def render_text(
    document: Document, *, width: int = WIDTH, is_brief: bool = True
) -> str:
    """Return the document as plain text; see print_document()."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_document(document, console, is_brief=is_brief)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def print_document(
    document: Document, console: Console, *, is_brief: bool = True
) -> None:
    """Print the document as wide as the console is.

    Args:
        document: what to show.
        console: of rich.
        is_brief: leave out the sections that are not.
    """
    parts: list[RenderableType] = []
    for section in document.sections:
        if section.is_brief or not is_brief:
            if parts:
                parts += [Text(), Text(section.title, "bold underline")]
            parts += make_section(section, console.width, is_brief=is_brief)
    if document.where:
        parts += [Text(), make_line(document.where, "dim")]
    if document.more and is_brief:
        parts.append(Text(document.more, "dim"))
    console.print(Group(*parts), crop=False)


def make_section(
    section: Section, width: int, *, is_brief: bool
) -> Iterator[RenderableType]:
    """Yield the answers, the figures with their legend, the notes and the details."""
    for answer in section.answers:
        text = make_line(answer.text)
        if answer.word:
            text.highlight_words([answer.word], STYLES[answer.tone])
        yield text
    for number, table in enumerate(section.tables):
        if number or section.answers:
            yield Text()
        if len(section.tables) > 1:
            yield make_line(table.caption, "bold")
        yield make_grid(table, width)
        if any(column.meaning for column in table.columns):
            yield from (Text(), make_legend(table))
    for note in section.notes:
        yield from (Text(), *make_note(note))
    for details in () if is_brief else section.details:
        yield from (Text(), make_line(details.title, "bold"))
        for note in details.notes:
            head = f"{note.heading}: " if note.heading else ""
            yield Padding(Text(clean_text(head + note.text)), (0, 0, 0, 2))


def make_note(note: Note) -> Iterator[RenderableType]:
    """Yield a note below its heading."""
    style = STYLES[note.tone]
    if note.heading:
        yield make_line(note.heading, style)
    for line in clean_text(note.text).splitlines():
        indent = 2 if note.heading else 0
        yield Padding(make_line(line, style), (0, 0, 0, indent), expand=False)


def make_line(line: str, style: str = "") -> Text:
    """Return a line; one with a command is not wrapped, so that it is copied whole."""
    text = Text(clean_text(line), style)
    if "run: " in line:
        text.no_wrap, text.overflow = True, "ignore"
    return text


def make_grid(table: Table, width: int) -> Grid:
    """Return the table, with what stands after its figures if there is room."""
    cells = table.get_cells()
    short = [[cell.text for cell in row] for row in cells]
    for texts in ([[cell.full_text for cell in row] for row in cells], short):
        grid = fill_grid(table, texts, is_wrapped=False)
        if measure_width(grid) <= width:
            return grid
    return fill_grid(table, short, is_wrapped=True)


def measure_width(grid: Grid) -> int:
    """Return how many columns of a terminal a table would like to have."""
    console = Console(file=io.StringIO(), width=10_000)
    return Measurement.get(console, console.options, grid).maximum


def fill_grid(table: Table, rows: Sequence[Sequence[str]], *, is_wrapped: bool) -> Grid:
    """Return the table with these texts, each as wide as its longest word or line."""
    grid = Grid(
        box=RULED,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=any(column.head for column in table.columns),
    )
    for number, column in enumerate(table.columns):
        texts = [row[number] for row in rows]
        is_figure = all(text[:1].isdigit() or text == NOTHING for text in texts)
        words = " ".join((*texts, column.head)).split() if is_wrapped else texts
        longest = max(map(cell_len, words), default=0)
        grid.add_column(
            Text(clean_text(column.head)),
            justify="right" if is_figure and number else "left",
            overflow="fold",
            min_width=None if longest > PROSE_LENGTH or not number else longest,
            max_width=None if number else NAME_WIDTH,
        )
    for cells, row in zip(table.get_cells(), rows, strict=True):
        styles = [STYLES[cell.tone] for cell in cells]
        grid.add_row(*map(Text, map(clean_text, row), styles))
    return grid


def make_legend(table: Table) -> Grid:
    """Return what each column means, a line each."""
    legend = Grid.grid(padding=(0, 2))
    for column in table.columns:
        if column.meaning:
            legend.add_row(Text(column.title, "dim"), Text(column.meaning, "dim"))
    return legend
