"""A document as text: for a terminal of any width, in colour or without."""

import dataclasses
import io
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from gilscope.clean import clean_text
from gilscope.render.document import NO_FIGURE, Document, Note, Section, Table, Tone

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
    print_document(document, console, is_brief=is_brief)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


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
            # A report of one scenario has its answer in two sections.
            answers = [each for each in section.answers if each.text not in told]
            told |= {answer.text for answer in answers}
            fresh = dataclasses.replace(section, answers=answers)
            parts += make_section(fresh, console.width, is_brief=is_brief)
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
        shown = fit_columns(table, width)
        yield make_grid(shown, width)
        if any(column.meaning for column in table.columns):
            yield from (Text(), make_legend(table, shown))
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
    for column, *cells in zip(table.columns, *table.get_cells(), strict=True):
        words = column.head.split()
        for cell in cells:
            words += [cell.text] if cell.text[:1].isdigit() else cell.text.split()
        least.append(GAP + min(longest, max(map(cell_len, words), default=0)))
    return least


def make_grid(table: Table, width: int) -> Grid:
    """Return the table, with what stands after its figures if there is room."""
    rows = table.get_cells()
    for is_full in (True, False):
        texts = [[each.full_text if is_full else each.text for each in r] for r in rows]
        widths = [
            GAP + max(map(cell_len, (*column.head.split("\n"), *cells)))
            for column, *cells in zip(table.columns, *texts, strict=True)
        ]
        if sum(widths) - GAP <= width:
            break
    else:
        widths = squeeze(table, widths, width)
    grid = Grid(
        width=sum(widths) - GAP,
        box=RULED,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=any(column.head for column in table.columns),
    )
    for column, least, *cells in zip(table.columns, widths, *texts, strict=True):
        is_figure = all(text[:1].isdigit() or text == NO_FIGURE for text in cells)
        grid.add_column(
            Text(clean_text(column.head)),
            justify="right" if is_figure and grid.columns else "left",
            overflow="fold",
            width=least - GAP,
        )
    for row, line in zip(rows, texts, strict=True):
        styles = [STYLES[cell.tone] for cell in row]
        grid.add_row(*map(Text, map(clean_text, line), styles))
    return grid


def squeeze(table: Table, widths: Sequence[int], width: int) -> list[int]:
    """Return widths at which words wrap, and are broken only where they have to be."""
    for longest in WORDS:
        least = compute_least(table, longest)
        spare = width + GAP - sum(least)
        if spare >= 0:
            break
    # The first column, which is copied, gets what the others can spare.
    for place, most in enumerate(widths):
        more = max(0, min(spare, most - least[place]))
        least[place] += more
        spare -= more
    return least


def make_legend(table: Table, shown: Table) -> Grid:
    """Return what each column means, a line each, and which are not shown."""
    legend = Grid.grid(padding=(0, 2))
    for column in table.columns:
        text = column.meaning
        if column not in shown.columns:
            text = "not shown, the terminal is too narrow: --json FILE has it"
        if text:
            legend.add_row(Text(column.title, "dim"), Text(text, "dim"))
    return legend
