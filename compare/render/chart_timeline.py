"""The timeline of one handoff, drawn for a wide and for a narrow page."""

from collections.abc import Sequence
from itertools import pairwise, product
from statistics import median
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare.model import Event, Handoff
from compare.render.svg import COLOURS, make_figure, shorten
from compare.render.timeline import EVENT_NAMES, Lane, make_lanes
from gilscope.units import describe_time

# A state is told by its pattern as well as by its colour.
HATCHES = {"held": "", "released": "//", "waiting": "xx", "sleeping": "--"}

# About the width of a letter, to find out whether a text fits.
LETTER = 6.8
# Heights in pixels.
BAR, LABEL, RUNS, AXIS = 26, 20, 12, 24
# Between two ticks that are this many times as far apart as most, nothing was seen.
PAUSE_FACTOR = 3.0


def draw_timeline(name: str, handoff: Handoff, end_s: float, width: int) -> Figure:
    """Draw both lanes, and between them when Python code was seen to run."""
    partner, own = make_lanes(name, handoff)
    scale = end_s / (width - 2)
    labels = [place_labels(lane.events, scale, width) for lane in (partner, own)]
    heights = [LABEL + BAR + LABEL * n_rows(rows) for rows in labels]
    runs_height = LABEL + RUNS + 6
    total = sum(heights) + runs_height + AXIS
    figure = make_figure(width, total)
    figure.set_layout_engine("none")
    axes = figure.add_axes((1 / width, AXIS / total, 1 - 2 / width, 1 - AXIS / total))
    axes.set(xlim=(0, end_s), ylim=(0, total - AXIS), yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    top = total - AXIS
    draw_lane(axes, partner, labels[0], top, scale)
    top -= heights[0]
    draw_runs(axes, handoff.ticks_s, top, scale)
    top -= runs_height
    draw_lane(axes, own, labels[1], top, scale)
    axes.tick_params(axis="x", length=4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} s" if value else "0")
    for label in axes.get_xticklabels():
        label.set_clip_on(False)
    return figure


class Placed(NamedTuple):
    """A label with its place: seconds, and the row under its lane."""

    at_s: float
    text: str
    row: int
    alignment: str

    def find_ends(self, scale: float) -> tuple[float, float]:
        """Return from where to where it goes, in pixels."""
        x, length = self.at_s / scale, (len(self.text) + 1) * LETTER
        return (x - length, x) if self.alignment == "right" else (x, x + length)

    def is_clear_of(self, other: "Placed", scale: float) -> bool:
        """Return whether neither the other text nor the line to it runs into this."""
        left, right = self.find_ends(scale)
        other_left, other_right = other.find_ends(scale)
        if self.row == other.row and left < other_right and other_left < right:
            return False
        return other.row < self.row or not left < other.at_s / scale < right


def place_labels(events: Sequence[Event], scale: float, width: int) -> list[Placed]:
    """Join the names of events that are drawn at one place; let none meet another."""
    groups: list[tuple[float, list[str]]] = []
    for event in events:
        text = EVENT_NAMES.get(event.name, event.name)
        if groups and event.at_s - groups[-1][0] < 5 * scale:
            groups[-1][1].append(text)
        else:
            groups.append((event.at_s, [text]))
    labels = [(at_s, ", ".join(texts)) for at_s, texts in groups]
    for n_free in range(1, len(labels) + 1):
        if found := find_places(labels, [], n_free, scale, width):
            return found
    return [Placed(at_s, text, row, "left") for row, (at_s, text) in enumerate(labels)]


def find_places(
    labels: Sequence[tuple[float, str]],
    placed: list[Placed],
    n_free: int,
    scale: float,
    width: int,
) -> list[Placed]:
    """Return the labels, each clear of the others in so many rows; nothing if none is.

    Args:
        labels: when and what.
        placed: the first of them, which have a place.
        n_free: how many rows there are.
        scale: seconds of a pixel.
        width: pixels of the drawing.
    """
    if len(placed) == len(labels):
        return placed
    at_s, text = labels[len(placed)]
    for row, alignment in product(range(n_free), ("left", "right")):
        label = Placed(at_s, text, row, alignment)
        left, right = label.find_ends(scale)
        if left < 0 or right - LETTER > width:
            continue
        if all(
            label.is_clear_of(other, scale) and other.is_clear_of(label, scale)
            for other in placed
        ) and (found := find_places(labels, [*placed, label], n_free, scale, width)):
            return found
    return []


def n_rows(labels: Sequence[Placed]) -> int:
    """Return how many rows the labels take."""
    return 1 + max((label.row for label in labels), default=-1)


def draw_lane(
    axes: Axes, lane: Lane, labels: Sequence[Placed], top: float, scale: float
) -> None:
    """Draw one lane downwards from the top: name, phases, names of the events."""
    # Bold letters are wider than the others.
    name = shorten(lane.label, int(axes.get_xlim()[1] / scale / (1.3 * LETTER)))
    axes.text(0, top - 3, name, va="top", weight="bold")
    upper = top - LABEL
    lower = upper - BAR
    for phase in lane.phases:
        axes.broken_barh(
            [(phase.start_s, phase.duration_s)],
            (lower, BAR),
            facecolor=COLOURS[phase.state],
            edgecolor=COLOURS["surface"],
            hatch=HATCHES[phase.state],
            linewidth=0,
        )
        text = f"{phase.state} {describe_time(phase.duration_s)}"
        if phase.duration_s / scale > (len(text) + 2) * LETTER:
            axes.text(
                (phase.start_s + phase.end_s) / 2,
                (upper + lower) / 2,
                text,
                ha="center",
                va="center_baseline",
                color=COLOURS[f"on-{phase.state}"],
                bbox={"facecolor": COLOURS[phase.state], "lw": 0, "pad": 2.5},
            )
    for label in labels:
        bottom = lower - LABEL * (label.row + 1)
        axes.vlines(label.at_s, bottom + 4, upper, color=COLOURS["text"], lw=1)
        shift = 4 * scale * (-1 if label.alignment == "right" else 1)
        axes.text(
            label.at_s + shift, bottom + 5, label.text, ha=label.alignment, size=12
        )


def draw_runs(axes: Axes, ticks_s: Sequence[float], top: float, scale: float) -> None:
    """Draw when Python code was seen to run: from tick to tick while they go on."""
    axes.text(0, top - 3, "Python code beside them", va="top", weight="bold")
    lower = top - LABEL - RUNS
    axes.hlines(lower, 0, axes.get_xlim()[1], color=COLOURS["muted"], lw=1)
    axes.broken_barh(
        [(start, max(end - start, scale)) for start, end in find_runs(ticks_s)],
        (lower, RUNS),
        facecolor=COLOURS["tick"],
        linewidth=0,
    )


def find_runs(ticks_s: Sequence[float]) -> list[tuple[float, float]]:
    """Return from when to when ticks follow each other without a pause."""
    if not ticks_s:
        return []
    pauses = [after - before for before, after in pairwise(ticks_s)]
    longest = PAUSE_FACTOR * median(pauses) if pauses else 0.0
    starts, ends = [ticks_s[0]], []
    for (before, after), pause in zip(pairwise(ticks_s), pauses, strict=True):
        if pause > longest:
            ends.append(before)
            starts.append(after)
    return list(zip(starts, [*ends, ticks_s[-1]], strict=True))
