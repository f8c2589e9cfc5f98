"""A document in GitHub's Markdown: for the summary of a job, or a comment."""

from collections.abc import Iterator

from gilscope.clean import clean_text
from gilscope.render.document import Document, Section, Tone

MARKS: dict[Tone, str] = {"good": "✅ ", "bad": "❌ ", "unsure": "⚠️ "}
_SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_{}[]<>#|~&!$"})


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
        yield f"- {MARKS.get(answer.tone, '')}{escape(answer.text)}"
    for table in section.tables:
        yield ""
        if len(section.tables) > 1:
            yield from (f"**{escape(table.caption)}**", "")
        heads = [escape(column.title) for column in table.columns]
        rows = [
            [
                f"**{escape(each.text)}**"
                if each.tone == "bad"
                else escape(each.full_text)
                for each in row
            ]
            for row in table.rows
        ]
        for texts in (heads, ["---"] * len(heads), *rows):
            yield f"| {' | '.join(texts)} |"
    for note in section.notes:
        head = f"**{escape(note.heading)}**: " if note.heading else ""
        text = "<br>".join(map(escape, note.text.splitlines()))
        yield from ("", f"{MARKS.get(note.tone, '')}{head}{text}")
    yield ""


def escape(text: str) -> str:
    """Return a text in one line that Markdown shows as it is."""
    return clean_text(" ".join(text.split())).translate(_SPECIAL)


def render_annotation(title: str, text: str) -> str:
    """Return the line by which a job on GitHub names an error above its log."""
    title, text = (
        clean_text(part).replace("%", "%25").replace("\n", "%0A")
        for part in (title, text)
    )
    title = title.replace(":", "%3A").replace(",", "%2C")
    return f"::error title=gilscope {title}::{text}"
