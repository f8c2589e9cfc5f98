"""The drawings of the page: lanes of time, bars with ranges."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from compare.model import BackendResult, Handoff
from compare.render.timeline import Lane, State, make_lanes
from gilscope.render.markup import Markup, element, join
from gilscope.render.svg import (
    COLOURS,
    LANE,
    Bar,
    Scale,
    Span,
    draw_axis,
    draw_bars,
    draw_lane,
    draw_line,
    draw_span,
    make_svg,
    make_swatches,
)
from gilscope.units import describe_ratio, describe_time

# How each state of a lane is drawn: colour, height, whether only its outline is.
STATES: dict[State, tuple[str, float, bool]] = {
    "held": ("orange", LANE, False),
    "released": ("teal", LANE / 2, False),
    "waiting": ("purple", LANE - 2, True),
    "sleeping": ("grey", 4, False),
}
# Between two ticks that are this many times as far apart as most, nothing was seen.
PAUSE_FACTOR = 3.0

_BARS = (("blue", False), ("grey", True), ("orange", True))


def draw_timelines(results: Sequence[BackendResult]) -> Markup:
    """Draw the handoff of each backend, all on one scale."""
    found = {
        result.name: result.handoff
        for result in results
        if result.handoff and result.handoff.events
    }
    if not found:
        return Markup()
    end_s = max(event.at_s for each in found.values() for event in each.events)
    scale = Scale(0.0, end_s)
    swatches = [
        (state, draw_span(Span(0, 1, *how), Scale(0, 1)))
        for state, how in STATES.items()
    ]
    return join(
        make_swatches(swatches),
        [
            element(
                "div",
                element("h3", name),
                (draw_thread(lane, scale) for lane in make_lanes(name, handoff)),
                draw_ticks(handoff, scale),
            )
            for name, handoff in found.items()
        ],
        make_svg(24, "Seconds", draw_axis(scale, 1, lambda s: f"{s:g} s")),
    )


def draw_thread(lane: Lane, scale: Scale) -> Markup:
    """Draw what one thread did, below its name and its phases in words."""
    words = ", ".join(
        f"{phase.state} {describe_time(phase.duration_s)}" for phase in lane.phases
    )
    spans = [
        Span(
            phase.start_s,
            phase.end_s,
            *STATES[phase.state],
            f"{phase.state} {describe_time(phase.duration_s)}",
        )
        for phase in lane.phases
    ]
    return join(
        element("div", element("strong", lane.label), f": {words or 'not seen'}"),
        draw_lane(spans, scale, f"Timeline of {lane.label}: {words}"),
    )


def draw_ticks(handoff: Handoff, scale: Scale) -> Markup:
    """Draw when Python code was seen to run."""
    runs = compute_runs([tick for tick in handoff.ticks_s if tick >= 0])
    spans = [Span(start, end, "blue", LANE / 2) for start, end in runs]
    title = f"Python code beside them: {len(handoff.ticks_s)} ticks"
    return join(element("div", title), draw_lane(spans, scale, title))


def compute_runs(ticks_s: Sequence[float]) -> list[tuple[float, float]]:
    """Return from when to when ticks follow each other without a pause."""
    if not ticks_s:
        return []
    pauses = [after - before for before, after in pairwise(ticks_s)]
    longest = PAUSE_FACTOR * median(pauses) if pauses else 0.0
    starts, ends = [ticks_s[0]], []
    for before, after in pairwise(ticks_s):
        if after - before > longest:
            ends.append(before)
            starts.append(after)
    return list(zip(starts, [*ends, ticks_s[-1]], strict=True))


def draw_speedups(results: Sequence[BackendResult]) -> Markup:
    """Draw the speed-up of two threads, two processes and the held twin."""
    names = ("two threads", "two processes", "two threads, GIL held")
    rows = []
    for result in results:
        if result.parallel is None:
            continue
        pair, held = result.parallel.pair, result.parallel.held
        figures = (
            pair.speedup,
            pair.process_speedup,
            None if held is None else held.speedup,
        )
        bars = [
            Bar(figure, colour, describe_ratio(figure), is_open, bound)
            for figure, (colour, is_open), bound in zip(
                figures, _BARS, (pair.amdahl, None, None), strict=True
            )
            if figure is not None
        ]
        rows.append((result.name, bars))
    bound = draw_line(50, 4, 50, 20, "grey", stroke_width=3)
    return join(
        make_swatches([*_swatch_bars(names), ("Amdahl bound", bound)]),
        draw_bars(rows, "Speed-up of two threads", show_tick),
    )


def draw_contention(results: Sequence[BackendResult]) -> Markup:
    """Draw how much longer short calls take beside a busy thread."""
    rows = []
    for result in results:
        for row in result.contention.rows if result.contention else ():
            figures = (row.slowdown, None, row.held_slowdown)
            bars = [
                Bar(figure, colour, describe_ratio(figure), is_open)
                for figure, (colour, is_open) in zip(figures, _BARS, strict=True)
                if figure is not None
            ]
            rows.append((f"{result.name}, {row.size:,} items", bars))
    first, _, last = _swatch_bars(("the call as it is", "", "GIL held"))
    return join(
        make_swatches([first, last]),
        draw_bars(rows, "Slowdown of short calls", show_tick, is_log=True),
    )


def show_tick(value: float) -> str:
    """Return a round ratio at an axis."""
    return f"{value:,g}x"


def _swatch_bars(names: Sequence[str]) -> list[tuple[str, Markup]]:
    return [
        (
            name,
            element(
                "rect",
                x=1,
                y=6,
                width=26,
                height=12,
                fill="none" if is_open else COLOURS[colour],
                stroke=COLOURS[colour],
            ),
        )
        for name, (colour, is_open) in zip(names, _BARS, strict=True)
    ]
