"""A document as a page that needs nothing else, or as a part of a notebook.

A notebook has a theme and a style sheet of its own, so its part takes the colours of
what is around it and has every rule that matters inline.
"""

from pathlib import Path

from gilscope.render.document import (
    Answer,
    Cell,
    Column,
    Details,
    Document,
    Note,
    Section,
    Table,
    Tone,
)
from gilscope.render.markup import Markup, element, join

# Drawn where the page's own colours are not: at least 3:1 on white and on dark.
EDGES: dict[Tone, str] = {
    "": "#7d828c",
    "good": "#1b8f80",
    "bad": "#d8433b",
    "unsure": "#b27a10",
    "muted": "#7d828c",
}

# Inline, for a notebook has rules of its own for lists and tables.
_LIST = "list-style:none;margin:.8em 0;padding:0"
_ITEM = "margin:0 0 .6em;padding:.1em 0 .1em .8em;border-left:.3em solid {}"
_WORD = (
    "border:1px solid {};border-radius:1em;padding:0 .55em;margin-right:.4em;"
    "font-size:.85em;font-weight:600;white-space:nowrap"
)
_CAPTION = "text-align:left;font-weight:600;padding:.3em 0"
_CELL = (
    "text-align:left;vertical-align:top;padding:.35em 1em .35em 0;"
    "border:0;border-bottom:1px solid rgb(128 128 128 / .4);"
    "background:none;color:inherit;white-space:normal"
)
_MORE = "opacity:.75"


_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,"><title>gilscope: {title}</title>
<style>{style}</style></head>
<body class="gilscope"><a class="skip" href="#part-0">Skip to the answer</a>
<header><h1>{title}</h1><p class="muted">{where}</p>
{contents}</header>
<main>{sections}</main>
<footer class="muted">Made by gilscope.</footer></body></html>
"""


def render_page(document: Document) -> str:
    """Return the document as one HTML file."""
    links = [
        element("li", element("a", section.title, href=f"#part-{number}"))
        for number, section in enumerate(document.sections)
    ]
    sections = [
        element(
            "section",
            element("h2", section.title, id=f"title-{number}"),
            _render_section(section),
            id=f"part-{number}",
            aria_labelledby=f"title-{number}",
            class_="card",
        )
        for number, section in enumerate(document.sections)
    ]
    return _PAGE.format(
        title=join(document.title),
        where=join(document.where),
        contents=element("nav", element("ul", links), aria_label="Contents")
        if len(links) > 1
        else "",
        sections=join(sections),
        style=Path(__file__).with_name("page.css").read_text(encoding="utf-8"),
    )


def render_fragment(document: Document) -> Markup:
    """Return the document for a notebook."""
    parts = [
        element(
            "div",
            element("p", element("strong", section.title)) if number else None,
            _render_section(section),
        )
        for number, section in enumerate(document.sections)
    ]
    where = element("p", document.where, style="opacity:.75")
    return element("div", parts, where, class_="gilscope-part", lang="en")


def _render_section(section: Section) -> Markup:
    answers = element("ul", map(_render_answer, section.answers), style=_LIST)
    return join(
        answers if section.answers else None,
        element("p", section.lead, class_="muted") if section.lead else None,
        section.draw() if section.draw else None,
        map(_render_note, section.notes),
        (render_table(table, section.title) for table in section.tables),
        map(_render_details, section.details),
    )


def _render_answer(answer: Answer) -> Markup:
    edge = EDGES[answer.tone]
    word = element("span", answer.word, class_=answer.tone, style=_WORD.format(edge))
    return element(
        "li", word if answer.word else None, answer.text, style=_ITEM.format(edge)
    )


def _render_note(note: Note) -> Markup:
    text = element("span", note.text, style="white-space:pre-line")
    head = element("strong", f"{note.heading}: ") if note.heading else None
    return element("p", head, text, style=_ITEM.format(EDGES[note.tone]), class_="note")


def _render_details(details: Details) -> Markup:
    items: list[Markup] = []
    for note in details.notes:
        if note.heading:
            items.append(element("dt", note.heading, style="font-weight:600"))
        items.append(element("dd", note.text, style="margin:0 0 .6em"))
    return element("details", element("summary", details.title), element("dl", items))


def render_table(table: Table, title: str = "") -> Markup:
    """Return the table below a title; a narrow page shows each row as a list."""
    heads = [
        element(
            "th",
            column.title,
            scope="col",
            role="columnheader",
            style=_CELL,
            title=column.meaning or None,
        )
        for column in table.columns
    ]
    rows = [
        (_render_name(row[0]), map(_render_cell, row[1:], table.columns[1:]))
        for row in table.get_cells()
    ]
    head, *lines = (
        element("tr", cells, role="row", style="background:none")
        for cells in (heads, *rows)
    )
    is_headed = any(column.head for column in table.columns)
    return element(
        "table",
        element("caption", table.caption, style=_CAPTION)
        if table.caption != title
        else None,
        element("thead", head) if is_headed else None,
        element("tbody", lines),
        role="table",
        aria_label=table.caption,
        style="border-collapse:collapse;width:100%;font-size:.92em;margin:.8em 0",
    )


def _render_name(cell: Cell) -> Markup:
    text = element("span", cell.text)
    return element("th", text, scope="row", role="rowheader", style=_CELL)


def _render_cell(cell: Cell, column: Column) -> Markup:
    shade = f";background:rgb(200 101 27 / {cell.shade * 0.45:.2f})"
    more = element("span", cell.more, class_="more", style=_MORE)
    # The class is for a page, which has a style sheet; a notebook has none of ours.
    text = element(
        "span",
        cell.text,
        [" ", more] if cell.more else None,
        class_=cell.tone or None,
        style="opacity:.75" if cell.tone == "muted" else None,
    )
    return element(
        "td",
        text,
        role="cell",
        data_head=column.title or None,
        style=_CELL + (shade if cell.shade else ""),
    )
