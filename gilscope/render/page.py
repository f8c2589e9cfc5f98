"""A document as a page that needs nothing else, or as a part of a notebook.

A notebook has a theme and a style sheet of its own, so its part takes the colours of
what is around it and has every rule that matters inline.
"""

from pathlib import Path

from gilscope.render.document import (
    Cell,
    Column,
    Document,
    Section,
    Table,
    Tone,
)
from gilscope.render.markup import Content, Markup, element, join

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
    links, sections = [], []
    for number, section in enumerate(document.sections):
        part, title = f"part-{number}", f"title-{number}"
        links.append(element("li", element("a", section.title, href=f"#{part}")))
        body = (element("h2", section.title, id=title), _render_section(section))
        attributes = {"id": part, "aria_labelledby": title, "class_": "card"}
        sections.append(element("section", body, **attributes))
    nav = element("nav", element("ul", links), aria_label="Contents")
    return _PAGE.format(
        title=join(document.title),
        where=join(document.where),
        contents=nav if len(links) > 1 else "",
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
    where = element("p", document.where, style=_MORE)
    return element("div", parts, where, class_="gilscope-part", lang="en")


def _render_section(section: Section) -> Markup:
    answers = []
    for answer in section.answers:
        edge, word = EDGES[answer.tone], None
        if answer.word:
            style = _WORD.format(edge)
            word = element("span", answer.word, class_=answer.tone, style=style)
        answers.append(element("li", word, answer.text, style=_ITEM.format(edge)))
    notes = [
        element(
            "p",
            element("strong", f"{note.heading}: ") if note.heading else None,
            element("span", note.text, style="white-space:pre-line"),
            style=_ITEM.format(EDGES[note.tone]),
            class_="note",
        )
        for note in section.notes
    ]
    details = []
    for title, texts in section.details:
        items: list[Markup] = []
        for note in texts:
            if note.heading:
                items.append(element("dt", note.heading, style="font-weight:600"))
            items.append(element("dd", note.text, style="margin:0 0 .6em"))
        summary = element("summary", title)
        details.append(element("details", summary, element("dl", items)))
    tables: list[Markup] = []
    for table in section.tables:
        tables.append(render_table(table, section.title))
        meanings = [f"{c.title}: {c.meaning}" for c in table.columns if c.meaning]
        if meanings:
            legend = element("small", "\n".join(meanings), style="white-space:pre-line")
            tables.append(element("p", legend, class_="muted"))
    return join(
        element("ul", answers, style=_LIST) if answers else None,
        element("p", section.lead, class_="muted") if section.lead else None,
        section.draw() if section.draw else None,
        notes,
        tables,
        details,
    )


def render_table(table: Table, title: str = "") -> Markup:
    """Return the table below a title; a narrow page shows each row as a list."""
    role = {"scope": "col", "role": "columnheader", "style": _CELL}
    heads: Content = [element("th", column.title, **role) for column in table.columns]
    role = {"scope": "row", "role": "rowheader", "style": _CELL}
    rows: list[Content] = [
        [
            element("th", element("span", row[0].text), **role),
            map(_render_cell, row[1:], table.columns[1:]),
        ]
        for row in table.rows
    ]
    head, *lines = (
        element("tr", cells, role="row", style="background:none")
        for cells in (heads, *rows)
    )
    caption = element("caption", table.caption, style=_CAPTION)
    return element(
        "table",
        caption if table.caption != title else None,
        element("thead", head) if any(each.head for each in table.columns) else None,
        element("tbody", lines),
        role="table",
        aria_label=table.caption,
        style="border-collapse:collapse;width:100%;font-size:.92em;margin:.8em 0",
    )


def _render_cell(cell: Cell, column: Column) -> Markup:
    shade = f";background:rgb(200 101 27 / {cell.shade * 0.45:.2f})"
    more = element("span", cell.more, class_="more", style=_MORE)
    # The class is for a page, which has a style sheet; a notebook has none of ours.
    text = element(
        "span",
        cell.text,
        [" ", more] if cell.more else None,
        class_=cell.tone or None,
        style=_MORE if cell.tone == "muted" else None,
    )
    style = _CELL + (shade if cell.shade else "")
    return element("td", text, role="cell", data_head=column.title or None, style=style)
