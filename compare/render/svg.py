"""Turn a matplotlib figure into SVG that is part of a page: its text, its colours.

Text stays text, in the page's own font. A colour of the figure is a stand-in for a CSS
variable of the page, so one drawing fits a light and a dark page.
"""

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

# One unit of a drawing is one CSS pixel where it is shown at its full width.
PIXELS_PER_INCH = 72
WIDE, NARROW = 920, 350

# Any colours do that occur nowhere else; the page's variables have the same names.
COLOURS = {
    name: f"#{0xFA0000 + number:06x}"
    for number, name in enumerate(
        (
            "text",
            "muted",
            "grid",
            "surface",
            "held",
            "on-held",
            "released",
            "on-released",
            "waiting",
            "on-waiting",
            "sleeping",
            "on-sleeping",
            "tick",
            "series-1",
            "series-2",
            "series-3",
            "series-4",
        )
    )
}

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gilscope",
    # A backend's name is no formula, whatever it has in it.
    "text.parse_math": False,
    "font.size": 13,
    "text.color": COLOURS["text"],
    "axes.edgecolor": COLOURS["grid"],
    "axes.labelcolor": COLOURS["text"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 1,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["text"],
    "ytick.labelcolor": COLOURS["text"],
    "legend.frameon": False,
    "hatch.linewidth": 1.5,
}


class Chart(NamedTuple):
    """One chart as the page shows it: the wide drawing, and the narrow one."""

    wide: str
    narrow: str


def make_chart(
    key: str, title: str, description: str, draw: Callable[[int], Figure]
) -> Chart:
    """Draw a chart in both widths.

    Args:
        key: begins all ids, so that several charts fit on one page.
        title: the chart's name, for a reader that does not see it.
        description: what it shows, for the same.
        draw: returns the drawing for a width in pixels.
    """
    with mpl.rc_context(SETTINGS):
        return Chart(
            *(
                render_svg(draw(width), f"{key}-{width}", title, description)
                for width in (WIDE, NARROW)
            )
        )


def make_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that many pixels."""
    size = (width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
    return Figure(figsize=size, dpi=PIXELS_PER_INCH, layout="constrained")


def render_svg(figure: Figure, key: str, title: str, description: str) -> str:
    """Return the figure as an SVG element for a page; see make_chart()."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The page's font draws the text, not the one that is measured here.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for pattern in (
        r"<metadata>.*?</metadata>",
        r'<style type="text/css">.*?</style>',
        r"<!--.*?-->",
        r"\n\s*",
    ):
        text = re.sub(pattern, " " if "\\n" in pattern else "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r'href="#', f'href="#{key}-', text)
    text = re.sub(r"url\(#", f"url(#{key}-", text)
    for name, colour in COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    view_box = re.search(r'viewBox="[^"]*"', text)
    assert view_box is not None
    head = (
        f'<svg {view_box[0]} role="img" '
        f'aria-labelledby="{key}-title {key}-description">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-description">{escape(description)}</desc>'
    )
    return head + text[text.index(">") + 1 :].strip()


def shorten(name: str, length: int) -> str:
    """Return a name of that many letters at most, so that it leaves room."""
    return name if len(name) <= length else name[: length - 1] + "…"
