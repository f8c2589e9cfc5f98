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
            text = f"{value:.6g}" if isinstance(value, float) else str(value)
            start += f" {key.rstrip('_').replace('_', '-')}"
            start += "" if value is True else f'="{join(text)}"'
    end = "" if name in VOID else f"</{name}>"
    return Markup(f"{start}>{join(*children)}{end}")


def join(*children: Content) -> Markup:
    """Return children without an element around them."""
    text = ""
    for child in children:
        if isinstance(child, str):
            is_done = isinstance(child, Markup)
            text += child if is_done else html.escape(clean_text(child))
        elif child is not None:
            text += join(*child)
    return Markup(text)
