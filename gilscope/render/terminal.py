"""A document as text: for a terminal of any width, in colour or without."""

import io
import re
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from gilscope.clean import clean_text
from gilscope.render.document import NO_FIGURE, Document, Section, Table, Tone

WIDTH = 80
# Where words are broken, the longest first, until there is room for all columns.
WORDS = (1000, 28, 14)
# Between two columns.
GAP = 2

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
    with console.capture() as written:
        print_document(document, console, is_brief=is_brief)
    return "\n".join(line.rstrip() for line in written.get().splitlines())


def print_document(
    document: Document, console: Console, *, is_brief: bool = True
) -> None:
    """Print the document as wide as the console is, in brief or with all sections."""
    parts: list[RenderableType] = []
    told: set[str] = set()
    for section in document.sections:
        if section.is_brief or not is_brief:
            if parts:
                parts += [Text(), Text(section.title, "bold underline")]
            for answer in section.answers:
                # A report of one scenario has its answer in two sections.
                if answer.text not in told:
                    parts.append(text := make_line(answer.text))
                    if answer.word:
                        text.highlight_words([answer.word], STYLES[answer.tone])
            told |= {answer.text for answer in section.answers}
            parts += list_figures(section, console.width)
            parts += list_notes(section, is_brief=is_brief)
    if document.where:
        parts += [Text(), make_line(document.where, "dim")]
    if document.more and is_brief:
        parts.append(Text(document.more, "dim"))
    console.print(Group(*parts), crop=False)


def list_figures(section: Section, width: int) -> Iterator[RenderableType]:
    """Yield each table with its legend."""
    for number, table in enumerate(section.tables):
        if number or section.answers:
            yield Text()
        if len(section.tables) > 1:
            yield make_line(table.caption, "bold")
        shown = fit_columns(table, width)
        yield make_grid(shown, width)
        legend = Grid.grid(padding=(0, 2))
        for column in table.columns:
            text = column.meaning
            if column not in shown.columns:
                text = "not shown, the terminal is too narrow: --json FILE has it"
            if text:
                legend.add_row(Text(column.title, "dim"), Text(text, "dim"))
        if legend.row_count:
            yield from (Text(), legend)


def list_notes(section: Section, *, is_brief: bool) -> Iterator[RenderableType]:
    """Yield the notes below their headings, and the details."""
    for note in section.notes:
        style, indent = STYLES[note.tone], 2 if note.heading else 0
        yield Text()
        if note.heading:
            yield make_line(note.heading, style)
        for line in clean_text(note.text).splitlines():
            yield Padding(make_line(line, style), (0, 0, 0, indent), expand=False)
    for title, notes in () if is_brief else section.details:
        yield from (Text(), make_line(title, "bold"))
        for note in notes:
            head = f"{note.heading}: " if note.heading else ""
            yield Padding(Text(clean_text(head + note.text)), (0, 0, 0, 2))


def make_line(line: str, style: str = "") -> Text:
    """Return a line; one with a command is not wrapped, so that it is copied whole."""
    text = Text(clean_text(line), style)
    if "run: " in line:
        text.no_wrap, text.overflow = True, "ignore"
    return text


def fit_columns(table: Table, width: int) -> Table:
    """Return the table without columns for which a terminal has no room."""
    spare = [place for place, each in enumerate(table.columns) if each.is_spare]
    if not spare or sum(compute_least(table)) - GAP <= width:
        return table
    left = [place for place in range(len(table.columns)) if place != spare[-1]]
    columns = [table.columns[place] for place in left]
    rows = [[row[place] for place in left] for row in table.rows]
    return fit_columns(Table(table.caption, columns, rows), width)


def compute_least(table: Table, longest: int = WORDS[0]) -> list[int]:
    """Return how narrow columns may be: figures stay whole, texts wrap at words."""
    least = []
    for column, *cells in zip(table.columns, *table.rows, strict=True):
        words = column.head.split()
        for cell in cells:
            words += [cell.text] if cell.text[:1].isdigit() else cell.text.split()
        least.append(GAP + min(longest, max(map(cell_len, words), default=0)))
    return least


def break_words(text: str, width: int) -> str:
    """Return a text whose words end at punctuation where they are too long."""
    width -= GAP
    return re.sub(
        rf"(?=\S{{{width + 1}}})\S{{,{width - 1}}}[/:.,_-](?=\S)(?!py:)",
        r"\g<0>\n",
        text,
    )


def make_grid(table: Table, width: int) -> Grid:
    """Return the table, with what stands after its figures if there is room."""
    for is_full in (True, False):
        texts = [
            [each.full_text if is_full else each.text for each in row]
            for row in table.rows
        ]
        widths = [
            GAP + max(map(cell_len, (*column.head.split("\n"), *cells)))
            for column, *cells in zip(table.columns, *texts, strict=True)
        ]
        if sum(widths) - GAP <= width:
            break
    else:
        # Words wrap, and are broken only where they have to be. The first column,
        # which is copied, gets what the others can spare.
        narrowed = (compute_least(table, longest) for longest in WORDS)
        least = next((one for one in narrowed if sum(one) - GAP <= width), None)
        least = least or compute_least(table, WORDS[-1])
        spare = width + GAP - sum(least)
        for place, most in enumerate(widths):
            widths[place] = least[place] + max(0, min(spare, most - least[place]))
            spare -= widths[place] - least[place]
    grid = Grid(
        width=sum(widths) - GAP,
        box=RULED,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=any(column.head for column in table.columns),
    )
    for column, least_width, *cells in zip(table.columns, widths, *texts, strict=True):
        is_figure = all(text[:1].isdigit() or text == NO_FIGURE for text in cells)
        grid.add_column(
            Text(clean_text(column.head)),
            justify="right" if is_figure and grid.columns else "left",
            overflow="fold",
            width=least_width - GAP,
        )
    for row, line in zip(table.rows, texts, strict=True):
        folded = map(break_words, map(clean_text, line), widths)
        grid.add_row(*map(Text, folded, (STYLES[cell.tone] for cell in row)))
    return grid
