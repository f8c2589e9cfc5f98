"""A document in GitHub's Markdown: for the summary of a job, or a comment."""

from collections.abc import Iterator

from gilscope.clean import clean_text
from gilscope.render.document import Document, Section
from gilscope.render.table import Table, Tone

MARKS: dict[Tone, str] = {
    "good": "✅ ",
    "bad": "❌ ",
    "unsure": "⚠️ ",
    "": "",
    "muted": "",
}
_SPECIAL = "\\`*_{}[]<>#|~&!$"


def render_markdown(document: Document) -> str:
    """Return what a terminal shows of the document without being asked for more."""
    lines = [f"## {escape(document.title)}", ""]
    for number, section in enumerate(document.sections):
        if section.is_brief:
            lines += [f"### {escape(section.title)}", ""] if number else []
            lines += list_section(section)
    if document.where:
        lines += [f"<sub>{escape(document.where)}</sub>", ""]
    return "\n".join(lines)


def list_section(section: Section) -> Iterator[str]:
    """Yield the lines of a section."""
    for answer in section.answers:
        yield f"- {MARKS[answer.tone]}{escape(answer.text)}"
    for table in section.tables:
        caption = f"**{escape(table.caption)}**" if len(section.tables) > 1 else ""
        yield from ("", *filter(None, [caption]), *([""] if caption else []))
        yield from list_table(table)
    for note in section.notes:
        head = f"**{escape(note.heading)}**: " if note.heading else ""
        lines = [escape(line) for line in note.text.splitlines()]
        yield from ("", f"{MARKS[note.tone]}{head}" + "<br>".join(lines))
    yield ""


def list_table(table: Table) -> Iterator[str]:
    """Yield the lines of a table."""
    heads = [escape(column.title) for column in table.columns]
    yield f"| {' | '.join(heads)} |"
    yield "|" + " --- |" * len(heads)
    for row in table.get_cells():
        texts = [
            f"**{escape(cell.text)}**" if cell.tone == "bad" else escape(cell.full_text)
            for cell in row
        ]
        yield f"| {' | '.join(texts)} |"


def escape(text: str) -> str:
    """Return a text in one line that Markdown shows as it is."""
    return "".join(
        f"\\{letter}" if letter in _SPECIAL else letter
        for letter in clean_text(" ".join(text.split()))
    )


def render_annotation(title: str, text: str) -> str:
    """Return the line by which a job on GitHub names an error above its log."""
    title, text = (
        clean_text(part).replace("%", "%25").replace("\n", "%0A")
        for part in (title, text)
    )
    title = title.replace(":", "%3A").replace(",", "%2C")
    return f"::error title=gilscope {title}::{text}"
