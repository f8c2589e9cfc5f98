"""A document as text: for a terminal of any width, in colour or without."""

import io
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from gilscope.clean import clean_text
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.table import NOTHING, Table, Tone

WIDTH = 80
# Wider lines of prose are hard to read.
PROSE_WIDTH = 100
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
    """Return the document as plain text; see make_text()."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_document(document, console, is_brief=is_brief)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def print_document(
    document: Document, console: Console, *, is_brief: bool = True
) -> None:
    """Print the document as wide as the console is; see make_text()."""
    text = make_text(document, console.width, is_brief=is_brief)
    console.print(text, crop=False)


def make_text(
    document: Document, width: int, *, is_brief: bool = True
) -> RenderableType:
    """Return what rich prints.

    Args:
        document: what to show.
        width: how many columns there are.
        is_brief: leave out the sections that are not.
    """
    parts: list[RenderableType] = []
    for section in document.sections:
        if section.is_brief or not is_brief:
            if parts:
                parts += [Text(), Text(section.title, "bold underline")]
            parts += make_section(section, width)
            if not is_brief:
                parts += make_details(section)
    if document.where:
        parts += [Text(), Text(clean_text(document.where), "dim")]
    if document.more and is_brief:
        parts.append(Text(document.more, "dim"))
    return Group(*parts)


def make_section(section: Section, width: int) -> Iterator[RenderableType]:
    """Yield the answers, the figures with their legend, and the notes."""
    yield from map(make_answer, section.answers)
    for number, table in enumerate(section.tables):
        if number or section.answers:
            yield Text()
        if len(section.tables) > 1:
            yield Text(clean_text(table.caption), "bold")
        yield make_grid(table, width)
        if any(column.meaning for column in table.columns):
            yield from (Text(), make_legend(table))
    for note in section.notes:
        yield from (Text(), *make_note(note))


def make_details(section: Section) -> Iterator[RenderableType]:
    """Yield what a brief text leaves out."""
    for details in section.details:
        yield from (Text(), Text(clean_text(details.title), "bold"))
        for note in details.notes:
            text = f"{note.heading}: {note.text}" if note.heading else note.text
            yield Padding(Text(clean_text(text)), (0, 0, 0, 2))


def make_note(note: Note) -> Iterator[RenderableType]:
    """Yield a note below its heading."""
    style = STYLES[note.tone]
    if note.heading:
        yield Text(clean_text(note.heading), style)
    for line in clean_text(note.text).splitlines():
        text = make_line(line)
        text.stylize(style)
        yield Padding(text, (0, 0, 0, 2 if note.heading else 0), expand=False)


def make_answer(answer: Answer) -> Text:
    """Return the sentence, its verdict in colour."""
    text = make_line(clean_text(answer.text))
    if answer.word:
        text.highlight_words([answer.word], STYLES[answer.tone])
    return text


def make_line(line: str) -> Text:
    """Return a line; one with a command is not wrapped, so that it is copied whole."""
    if "run: " in line:
        return Text(line, no_wrap=True, overflow="ignore")
    return Text(line)


def make_grid(table: Table, width: int) -> Grid:
    """Return the table, with what stands after its figures if there is room."""
    cells = table.get_cells()
    full = [[cell.full_text for cell in row] for row in cells]
    short = [[cell.text for cell in row] for row in cells]
    for texts, is_wrapped in ((full, False), (short, False), (short, True)):
        grid = _fill_grid(table, texts, is_wrapped=is_wrapped)
        if is_wrapped or measure_width(grid) <= width:
            break
    return grid


def measure_width(grid: Grid) -> int:
    """Return how many columns of a terminal a table would like to have."""
    console = Console(file=io.StringIO(), width=10_000)
    return Measurement.get(console, console.options, grid).maximum


def _fill_grid(table: Table, rows: list[list[str]], *, is_wrapped: bool) -> Grid:
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
        is_prose = longest > PROSE_LENGTH
        grid.add_column(
            Text(clean_text(column.head)),
            justify="right" if is_figure and number else "left",
            overflow="fold",
            min_width=None if is_prose or not number else longest,
            max_width=None if number else NAME_WIDTH,
        )
    for cells, texts in zip(table.get_cells(), rows, strict=True):
        grid.add_row(
            *(
                Text(clean_text(text), STYLES[cell.tone])
                for cell, text in zip(cells, texts, strict=True)
            )
        )
    return grid


def make_legend(table: Table) -> Grid:
    """Return what each column means, a line each."""
    legend = Grid.grid(padding=(0, 2))
    for column in table.columns:
        if column.meaning:
            legend.add_row(Text(column.title, "dim"), Text(column.meaning, "dim"))
    return legend
