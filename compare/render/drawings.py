"""The drawings of the page: lanes of time, bars with ranges."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from compare.model import BackendResult
from compare.render.timeline import make_lanes
from gilscope.render.markup import Markup, element, join
from gilscope.render.svg import (
    LANE,
    Bar,
    LanePart,
    Look,
    Scale,
    draw_bars,
    draw_lane,
    draw_legend,
    draw_seconds,
)
from gilscope.stats import Figure
from gilscope.units import describe_ratio, describe_time

# How each state of a lane is drawn, and the ticks of Python code beside it.
STATES = {
    "held": Look("orange"),
    "released": Look("teal", height=LANE / 2),
    "waiting": Look("purple", is_open=True, height=LANE - 2),
    "sleeping": Look("grey", height=4),
}
TICKS = Look("blue", height=LANE / 2)
# How the figures of a call, of processes and of the held twin are drawn.
LOOKS = (
    Look("blue", height=12),
    Look("grey", is_open=True, height=12),
    Look("orange", is_open=True, height=12),
)
# Between two ticks that are this many times as far apart as most, nothing was seen.
PAUSE_FACTOR = 3.0


def draw_timelines(results: Iterable[BackendResult]) -> Markup:
    """Draw the handoff of each backend, all on one scale."""
    found = {
        result.name: result.handoff
        for result in results
        if result.handoff and result.handoff.events
    }
    if not found:
        return Markup()
    scale = Scale(0.0, max(e.at_s for each in found.values() for e in each.events))
    drawings = []
    for name, handoff in found.items():
        drawings.append(element("h3", name))
        for lane in make_lanes(name, handoff):
            parts = [
                LanePart(
                    phase.start_s,
                    phase.end_s,
                    STATES[phase.state],
                    f"{phase.state} {describe_time(phase.duration_s)}",
                )
                for phase in lane.phases
            ]
            words = ", ".join(part.title for part in parts) or "not seen"
            drawings.append(draw_lane(lane.label, words, parts, scale))
        runs = compute_runs([tick for tick in handoff.ticks_s if tick >= 0])
        parts = [LanePart(start, end, TICKS) for start, end in runs]
        words = f"{len(handoff.ticks_s)} ticks"
        drawings.append(draw_lane("Python code beside them", words, parts, scale))
    return join(draw_legend(STATES), drawings, draw_seconds(scale))


def compute_runs(ticks_s: Sequence[float]) -> list[tuple[float, float]]:
    """Return from when to when ticks follow each other without a pause."""
    if not ticks_s:
        return []
    pauses = [after - before for before, after in pairwise(ticks_s)]
    longest = PAUSE_FACTOR * median(pauses) if pauses else 0.0
    ends = [pair for pair in pairwise(ticks_s) if pair[1] - pair[0] > longest]
    starts = [ticks_s[0], *(after for _, after in ends)]
    return list(zip(starts, [*(end for end, _ in ends), ticks_s[-1]], strict=True))


def draw_speedups(results: Iterable[BackendResult]) -> Markup:
    """Draw the speed-up of two threads, two processes and the held twin."""
    rows = []
    for result in results:
        if found := result.parallel:
            pair, held = found.pair, found.held.speedup if found.held else None
            figures = (pair.speedup, pair.process_speedup, held)
            rows.append((result.name, make_bars(figures, pair.amdahl)))
    names = ("two threads", "two processes", "two threads, GIL held")
    looks = {**dict(zip(names, LOOKS, strict=True)), "Amdahl bound": None}
    bars = draw_bars(rows, "Speed-up of two threads", show_tick)
    return join(draw_legend(looks), bars)


def draw_contention(results: Iterable[BackendResult]) -> Markup:
    """Draw how much longer short calls take beside a busy thread."""
    rows = [
        (
            f"{result.name}, size {row.size:,}",
            make_bars((row.slowdown, None, row.held_slowdown)),
        )
        for result in results
        for row in (result.contention.rows if result.contention else ())
    ]
    bars = draw_bars(rows, "Slowdown of short calls", show_tick, is_log=True)
    legend = {"the call as it is": LOOKS[0], "GIL held": LOOKS[2]}
    return join(draw_legend(legend), bars)


def make_bars(
    figures: Iterable[Figure | None], bound: float | None = None
) -> list[Bar]:
    """Return a bar for each figure that there is; the bound is that of the call."""
    return [
        Bar(figure, look, describe_ratio(figure), None if number else bound)
        for number, (figure, look) in enumerate(zip(figures, LOOKS, strict=True))
        if figure is not None
    ]


def show_tick(value: float) -> str:
    """Return a round ratio at an axis."""
    return f"{value:,g}x"
