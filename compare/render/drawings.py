"""The drawings of the page: lanes of time, bars with ranges."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from compare.model import BackendResult, Handoff
from compare.render.timeline import Lane, make_lanes
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
CALL = Look("blue", height=12)
PROCESSES = Look("grey", is_open=True, height=12)
HELD = Look("orange", is_open=True, height=12)
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
    parts = [
        element(
            "div",
            element("h3", name),
            (draw_thread(lane, scale) for lane in make_lanes(name, handoff)),
            draw_ticks(handoff, scale),
        )
        for name, handoff in found.items()
    ]
    return join(draw_legend(STATES), parts, draw_seconds(scale))


def draw_thread(lane: Lane, scale: Scale) -> Markup:
    """Draw what one thread did, below its name and its phases in words."""
    parts = [
        LanePart(
            phase.start_s,
            phase.end_s,
            STATES[phase.state],
            f"{phase.state} {describe_time(phase.duration_s)}",
        )
        for phase in lane.phases
    ]
    words = ", ".join(part.title for part in parts)
    return draw_lane(lane.label, words or "not seen", parts, scale)


def draw_ticks(handoff: Handoff, scale: Scale) -> Markup:
    """Draw when Python code was seen to run."""
    runs = compute_runs([tick for tick in handoff.ticks_s if tick >= 0])
    parts = [LanePart(start, end, TICKS) for start, end in runs]
    words = f"{len(handoff.ticks_s)} ticks"
    return draw_lane("Python code beside them", words, parts, scale)


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
        if result.parallel is not None:
            pair, held = result.parallel.pair, result.parallel.held
            figures = {CALL: pair.speedup, PROCESSES: pair.process_speedup}
            figures[HELD] = held.speedup if held else None
            rows.append((result.name, make_bars(figures, pair.amdahl)))
    looks = {
        "two threads": CALL,
        "two processes": PROCESSES,
        "two threads, GIL held": HELD,
        "Amdahl bound": None,
    }
    bars = draw_bars(rows, "Speed-up of two threads", show_tick)
    return join(draw_legend(looks), bars)


def draw_contention(results: Iterable[BackendResult]) -> Markup:
    """Draw how much longer short calls take beside a busy thread."""
    rows = [
        (
            f"{result.name}, size {row.size:,}",
            make_bars({CALL: row.slowdown, HELD: row.held_slowdown}),
        )
        for result in results
        for row in (result.contention.rows if result.contention else ())
    ]
    bars = draw_bars(rows, "Slowdown of short calls", show_tick, is_log=True)
    return join(draw_legend({"the call as it is": CALL, "GIL held": HELD}), bars)


def make_bars(
    figures: Mapping[Look, Figure | None], bound: float | None = None
) -> list[Bar]:
    """Return a bar for each figure that there is; the bound is that of the call."""
    return [
        Bar(figure, look, describe_ratio(figure), bound if look == CALL else None)
        for look, figure in figures.items()
        if figure is not None
    ]


def show_tick(value: float) -> str:
    """Return a round ratio at an axis."""
    return f"{value:,g}x"
