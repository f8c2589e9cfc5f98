"""The few charts that are drawn: bars with ranges, lanes of time.

Places along a chart are per cent of its width and heights are pixels, so one drawing
fits a phone and a desk, and its text keeps its size. The colours have a contrast of at
least 3:1 on white and on the dark page; text has the colour of what is around it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gilscope.render.markup import Content, Markup, element, join
from gilscope.stats import Figure

COLOURS = {
    "blue": "#3b7dd8",
    "orange": "#c8651b",
    "purple": "#9063d8",
    "teal": "#1b8f80",
    "grey": "#7d828c",
}
LANE = 24

# Text beside the end of the longest bar needs this much of the width, in per cent.
_ROOM = 24.0
_BAR, _STEP = 16, 20
# A text this near to an edge, in per cent, is not centred.
_EDGE = 3
_INK = "currentColor"


@dataclass(frozen=True)
class Scale:
    """Where a value is drawn, in per cent of the width."""

    low: float
    high: float
    # Whether equal factors are equally far apart.
    is_log: bool = False
    # Per cent of the width left free after the end.
    room: float = 0.0

    def place(self, value: float) -> float:
        """Return the place of a value; one that lies outside is at the edge."""
        low, high, at = (
            math.log(max(each, 1e-12)) if self.is_log else each
            for each in (self.low, self.high, value)
        )
        return min(1, max(0, (at - low) / ((high - low) or 1))) * (100 - self.room)

    def list_ticks(self) -> list[float]:
        """Return a few round values from the lower to the higher end."""
        if self.is_log:
            first, last = math.floor(math.log10(self.low)), math.log10(self.high)
            step = max(1, round((last - first) / 4))
            ticks = [10.0**power for power in range(first, int(last) + 1, step)]
        else:
            rough = (self.high - self.low) / 4 or 1.0
            size = 10.0 ** math.floor(math.log10(rough))
            size *= next(n for n in (1, 2, 5, 10) if size * n >= rough)
            n_ticks = int((self.high - self.low) / size + 1e-9) + 1
            ticks = [self.low + size * number for number in range(n_ticks)]
        return [tick for tick in ticks if self.low <= tick <= self.high]


def make_svg(height: float, title: str, *parts: Content) -> Markup:
    """Return a drawing as wide as its place, with a name for a screen reader."""
    style = "display:block;overflow:visible;font-size:13px;margin:.3em 0"
    size = {"width": "100%", "height": height}
    return element("svg", *parts, **size, role="img", aria_label=title, style=style)


class Look(NamedTuple):
    """How something is drawn, told by its height as well as by its colour."""

    colour: str
    # Only its outline is drawn.
    is_open: bool = False
    height: float = LANE


def draw_box(
    x: str, y: float, width: str, height: float, look: Look, *children: Content
) -> Markup:
    """Draw what is filled, or its outline alone."""
    shade = COLOURS[look.colour]
    paint = {"fill": "none", "stroke": shade} if look.is_open else {"fill": shade}
    place = {"x": x, "y": y, "width": width, "height": height}
    return element("rect", *children, **place, **paint)


def draw_line(
    x1: float,
    y1: float,
    y2: float,
    x2: float | None = None,
    stroke: str = COLOURS["grey"],
    **attributes: object,
) -> Markup:
    """Draw a line down, or to another place across, in per cent and pixels."""
    place, end = f"{x1:.4g}%", f"{x1 if x2 is None else x2:.4g}%"
    return element("line", x1=place, y1=y1, x2=end, y2=y2, stroke=stroke, **attributes)


def draw_text(x: float, y: float, text: str, **attributes: object) -> Markup:
    """Draw a text in the colour of what is around the chart."""
    return element("text", text, x=f"{x:.4g}%", y=y, fill=_INK, **attributes)


def draw_axis(scale: Scale, y: float, show: Callable[[float], str]) -> Iterable[Markup]:
    """Draw a line with a few values below it."""
    yield draw_line(0, y, y, x2=100)
    for tick in scale.list_ticks():
        x = scale.place(tick)
        anchor = "start" if x < _EDGE else "end" if x > 100 - _EDGE else "middle"
        yield draw_line(x, y, y + 4)
        yield draw_text(x, y + 17, show(tick), text_anchor=anchor)


def draw_legend(looks: Mapping[str, Look | None]) -> Markup:
    """Return what each look stands for; None is that of a bound."""
    items = []
    for text, look in looks.items():
        sample = draw_line(50, 4, 20, stroke_width=3)
        if look:
            top = (LANE - look.height) / 2
            sample = draw_box("4%", top, "92%", look.height, look)
        swatch = element("svg", sample, width=28, height=LANE, aria_hidden="true")
        style = "display:flex;gap:.5em;align-items:center"
        items.append(element("li", swatch, f" {text}", style=style))
    style = "display:flex;flex-wrap:wrap;gap:.2em 1.4em;list-style:none;padding:0"
    return element("ul", items, aria_label="Legend", style=f"{style};margin:.8em 0")


class Bar(NamedTuple):
    """One bar of a chart, its range drawn through its end, a text after it."""

    figure: Figure
    look: Look
    text: str
    # Where a mark across the bar stands.
    bound: float | None = None


def draw_bars(
    rows: Sequence[tuple[str, Sequence[Bar]]],
    title: str,
    show: Callable[[float], str],
    *,
    is_log: bool = False,
) -> Markup:
    """Draw groups of bars below their names, with a line at 1.

    A logarithmic scale begins at the lowest value.
    """
    figures = [bar.figure for _, bars in rows for bar in bars]
    high = max(1.0, *(figure.high for figure in figures))
    low = min(1.0, *(figure.low for figure in figures)) if is_log else 0.0
    scale = Scale(low, high, is_log, _ROOM)
    one = scale.place(1)
    drawings = []
    for name, bars in rows:
        height = len(bars) * _STEP
        label = f"{title}: {name}: {', '.join(bar.text for bar in bars)}"
        parts = [_draw_bar(bar, scale, _STEP * row) for row, bar in enumerate(bars)]
        line = draw_line(one, 0, height, stroke_dasharray="4 3")
        drawings += [
            element("div", element("strong", name)),
            make_svg(height, label, line, parts),
        ]
    line = draw_line(one, 0, 4, stroke_dasharray="4 3")
    axis = draw_axis(scale, 4, show)
    return join(drawings, make_svg(26, f"{title}: scale", line, axis))


def _draw_bar(bar: Bar, scale: Scale, y: float) -> Iterable[Markup]:
    """Yield the bar, its range, its bound and its text."""
    start, middle = scale.place(min(scale.low, 1.0)), y + _BAR / 2
    figure = bar.figure
    value, low, high = map(scale.place, (figure.value, figure.low, figure.high))
    bound = scale.place(bar.bound or 0.0)
    left, width = f"{min(start, value):.4g}%", f"{abs(value - start):.4g}%"
    yield draw_box(left, y, width, _BAR, bar.look)
    yield draw_line(low, middle, middle, high, _INK, stroke_width=2)
    if bar.bound is not None:
        yield draw_line(bound, y - 2, y + _BAR + 2, stroke=_INK, stroke_width=3)
    yield draw_text(max(value, high, bound), y + _BAR - 4, bar.text, dx=6)


class LanePart(NamedTuple):
    """A part of a lane of time, with what is said where the pointer rests on it."""

    start: float
    end: float
    look: Look
    title: str = ""


def draw_lane(name: str, words: str, parts: Iterable[LanePart], scale: Scale) -> Markup:
    """Draw one thread's time, below its name and what is in the lane in words.

    A part that is too short to be seen is drawn as a line.
    """
    boxes = []
    for part in parts:
        start, end, height = (*map(scale.place, part[:2]), part.look.height)
        width = f"{max(end - start, 0.1):.5g}%"
        title = element("title", part.title) if part.title else None
        top = (LANE - height) / 2
        boxes.append(draw_box(f"{start:.5g}%", top, width, height, part.look, title))
    return join(
        element("div", element("strong", name), f": {words}"),
        make_svg(LANE, f"Timeline of {name}: {words}", boxes),
    )


def draw_seconds(scale: Scale) -> Markup:
    """Draw the axis below lanes of time."""
    axis = draw_axis(scale, 1, lambda seconds: f"{seconds:g} s")
    return make_svg(24, "Seconds", axis)
