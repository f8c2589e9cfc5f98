"""HTML and SVG out of elements: a text is escaped unless it is markup already."""

import html
from collections.abc import Iterable

from gilscope.clean import clean_text

VOID = {"link", "meta", "wbr"}

Content = str | Iterable["Content"] | None


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: Content, **attributes: object) -> Markup:
    """Return an element; every text in it is escaped.

    Args:
        name: of the element.
        children: texts, markup, or iterables of them; None is left out.
        attributes: `class_` stands for class, `aria_label` for aria-label; None and
            False are left out, True has no value.
    """
    start = f"<{name}"
    for key, value in attributes.items():
        if value is not None and value is not False:
            start += f" {key.rstrip('_').replace('_', '-')}"
            start += "" if value is True else f'="{_escape(value)}"'
    end = "" if name in VOID else f"</{name}>"
    return Markup(f"{start}>{join(*children)}{end}")


def join(*children: Content) -> Markup:
    """Return children without an element around them."""
    parts = (
        child
        if isinstance(child, Markup)
        else _escape(child)
        if isinstance(child, str)
        else join(*child)
        for child in children
        if child is not None
    )
    return Markup("".join(parts))


def _escape(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return html.escape(clean_text(text))
