"""The few charts that are drawn: bars with ranges, lanes of time.

Places along a chart are per cent of its width and heights are pixels, so one drawing
fits a phone and a desk, and its text keeps its size. The colours have a contrast of at
least 3:1 on white and on the dark page; text has the colour of what is around it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gilscope.render.markup import Child, Markup, element, join
from gilscope.stats import Figure

COLOURS = {
    "blue": "#3b7dd8",
    "orange": "#c8651b",
    "purple": "#9063d8",
    "teal": "#1b8f80",
    "grey": "#7d828c",
}

# Text beside the end of the longest bar needs this much of the width, in per cent.
_ROOM = 24.0
_BAR, _AXIS = 16, 22


@dataclass(frozen=True)
class Scale:
    """Where a value is drawn, in per cent of the width.

    Attributes:
        low, high: the values at the beginning and at the end.
        is_log: whether equal factors are equally far apart.
        room: per cent of the width left free after the end.
    """

    low: float
    high: float
    is_log: bool = False
    room: float = 0.0

    def place(self, value: float) -> float:
        """Return the place of a value, at most a little outside of the chart."""
        low, high = self._warp(self.low), self._warp(self.high)
        share = (self._warp(value) - low) / ((high - low) or 1.0)
        return min(1.0, max(0.0, share)) * (100.0 - self.room)

    def list_ticks(self) -> list[float]:
        """Return a few round values from the lower to the higher end."""
        if self.is_log:
            first, last = math.floor(math.log10(self.low)), math.log10(self.high)
            step = max(1, round((last - first) / 4))
            ticks = [10.0**power for power in range(first, int(last) + 1, step)]
        else:
            rough = (self.high - self.low) / 4 or 1.0
            size = 10.0 ** math.floor(math.log10(rough))
            step_size = size * next(n for n in (1, 2, 5, 10) if size * n >= rough)
            n_ticks = int((self.high - self.low) / step_size + 1e-9) + 1
            ticks = [self.low + step_size * number for number in range(n_ticks)]
        return [tick for tick in ticks if self.low <= tick <= self.high]

    def _warp(self, value: float) -> float:
        return math.log(max(value, 1e-12)) if self.is_log else value


@dataclass(frozen=True)
class Bar:
    """One bar of a chart.

    Attributes:
        figure: its length, with the range that is drawn through its end.
        colour: one of COLOURS.
        is_open: only its outline is drawn.
        bound: where a mark across the bar stands.
        text: what stands after it.
    """

    figure: Figure
    colour: str
    text: str
    is_open: bool = False
    bound: float | None = None


def draw_bars(
    rows: Sequence[tuple[str, Sequence[Bar]]],
    title: str,
    show: Callable[[float], str],
    *,
    is_log: bool = False,
) -> Markup:
    """Draw groups of bars below their names, with a line at 1.

    Args:
        rows: the name of each group with its bars.
        title: what a reader that does not see it is told.
        show: returns the text of a value at the axis.
        is_log: whether the scale is logarithmic, which begins at the lowest value.
    """
    figures = [bar.figure for _, bars in rows for bar in bars]
    high = max(1.0, *(figure.high for figure in figures))
    low = min(1.0, *(figure.low for figure in figures)) if is_log else 0.0
    scale = Scale(low, high, is_log, _ROOM)
    step = _BAR + 4
    drawings: list[Markup] = []
    for name, bars in rows:
        height = len(bars) * step
        texts = ", ".join(bar.text for bar in bars)
        drawings += [
            element("div", element("strong", name)),
            make_svg(
                height,
                f"{title}: {name}: {texts}",
                draw_reference(scale, height),
                [_draw_bar(bar, scale, step * row) for row, bar in enumerate(bars)],
            ),
        ]
    axis = [draw_reference(scale, 4), *draw_axis(scale, 4, show)]
    return join(drawings, make_svg(_AXIS + 4, f"{title}: scale", axis))


def draw_reference(scale: Scale, height: float) -> Markup:
    """Draw a line down at 1."""
    place = scale.place(1)
    return draw_line(place, 0, place, height, "grey", stroke_dasharray="4 3")


def _draw_bar(bar: Bar, scale: Scale, y: float) -> list[Markup]:
    start, middle = scale.place(min(scale.low, 1.0)), y + _BAR / 2
    end, low, high = map(
        scale.place, (bar.figure.value, bar.figure.low, bar.figure.high)
    )
    bound = scale.place(bar.bound or 0.0)
    colour = COLOURS[bar.colour]
    return [
        element(
            "rect",
            x=f"{min(start, end):.4g}%",
            y=y,
            width=f"{abs(end - start):.4g}%",
            height=_BAR,
            fill="none" if bar.is_open else colour,
            stroke=colour if bar.is_open else None,
        ),
        element(
            "line",
            x1=f"{low:.4g}%",
            x2=f"{high:.4g}%",
            y1=middle,
            y2=middle,
            stroke="currentColor",
            stroke_width=2,
        ),
        *(
            [
                element(
                    "line",
                    x1=f"{bound:.4g}%",
                    y1=y - 2,
                    x2=f"{bound:.4g}%",
                    y2=y + _BAR + 2,
                    stroke="currentColor",
                    stroke_width=3,
                )
            ]
            if bar.bound is not None
            else []
        ),
        draw_text(max(end, high, bound), y + _BAR - 4, bar.text, dx=6),
    ]


def draw_axis(scale: Scale, y: float, show: Callable[[float], str]) -> list[Markup]:
    """Draw a line with a few values below it."""
    parts = [draw_line(0, y, 100, y, "grey")]
    for tick in scale.list_ticks():
        x = scale.place(tick)
        parts.append(draw_line(x, y, x, y + 4, "grey"))
        anchor = "start" if x < 3 else "end" if x > 97 else "middle"  # noqa: PLR2004 - near an edge.
        parts.append(draw_text(x, y + 17, show(tick), text_anchor=anchor))
    return parts


def draw_text(x: float, y: float, text: str, **attributes: object) -> Markup:
    """Draw a text in the colour of what is around the chart."""
    return element("text", text, x=f"{x:.4g}%", y=y, fill="currentColor", **attributes)


def draw_line(
    x1: float, y1: float, x2: float, y2: float, colour: str, **attributes: object
) -> Markup:
    """Draw a line between two places, in per cent across and pixels down."""
    return element(
        "line",
        x1=f"{x1:.4g}%",
        y1=y1,
        x2=f"{x2:.4g}%",
        y2=y2,
        stroke=COLOURS[colour],
        **attributes,
    )


def make_svg(height: float, title: str, *parts: Child) -> Markup:
    """Return a drawing as wide as its place, with a name."""
    return element(
        "svg",
        *parts,
        width="100%",
        height=height,
        role="img",
        aria_label=title,
        style="display:block;overflow:visible;font-size:13px;margin:.3em 0",
    )


def make_swatches(entries: Sequence[tuple[str, Markup]]) -> Markup:
    """Return a legend: what is drawn, and what it stands for."""
    items = [
        element(
            "li",
            element("svg", drawing, width=28, height=LANE, aria_hidden="true"),
            f" {text}",
            style="display:flex;gap:.5em;align-items:center",
        )
        for text, drawing in entries
    ]
    return element(
        "ul",
        items,
        aria_label="Legend",
        style="display:flex;flex-wrap:wrap;gap:.2em 1.4em;list-style:none;"
        "padding:0;margin:.8em 0",
    )


@dataclass(frozen=True)
class Span:
    """A part of a lane of time, told by its height as well as by its colour.

    Attributes:
        start, end: on the lane's scale.
        colour: one of COLOURS.
        height: of LANE pixels.
        is_open: only its outline is drawn.
        title: what is said where the pointer rests on it.
    """

    start: float
    end: float
    colour: str
    height: float
    is_open: bool = False
    title: str = ""


LANE = 24


def draw_lane(spans: Sequence[Span], scale: Scale, title: str) -> Markup:
    """Draw one thread's time; a span of no length is a hair line."""
    return make_svg(LANE, title, [draw_span(span, scale) for span in spans])


def draw_span(span: Span, scale: Scale) -> Markup:
    """Draw one part of a lane, in the middle of its height."""
    start, end = scale.place(span.start), scale.place(span.end)
    colour = COLOURS[span.colour]
    return element(
        "rect",
        element("title", span.title) if span.title else None,
        x=f"{start:.5g}%",
        y=(LANE - span.height) / 2,
        width=f"{max(end - start, 0.1):.5g}%",
        height=span.height,
        fill="none" if span.is_open else colour,
        stroke=colour if span.is_open else None,
        stroke_width=2 if span.is_open else None,
    )
