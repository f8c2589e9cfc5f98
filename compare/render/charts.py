"""The charts of the figures: speed-up, contention, break-even."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from compare.model import BackendResult
from compare.render.svg import COLOURS, WIDE, make_figure, shorten
from gilscope import stats
from gilscope.units import describe_time

Style = dict[str, Any]

# Each is told from the others without colour too.
BOUND: Style = {"marker": "|", "ms": 26, "mew": 3, "color": COLOURS["text"]}
PROCESSES: Style = {"marker": "D", "ms": 9, "color": COLOURS["series-3"]}
RELEASED: Style = {"marker": "o", "ms": 9, "color": COLOURS["series-1"]}
HELD: Style = {
    "marker": "o",
    "ms": 9,
    "mew": 2,
    "color": COLOURS["series-2"],
    "mfc": COLOURS["surface"],
}
# The backends of a chart that has a line for each; after the last it begins again.
LINES: tuple[Style, ...] = tuple(
    {"color": COLOURS[f"series-{number}"], "marker": marker, "ls": style}
    for number, marker, style in (
        (1, "o", "-"),
        (2, "s", "--"),
        (3, "^", "-."),
        (4, "D", ":"),
    )
)

ROW_HEIGHT = 52
NAME_LENGTH = 16


def draw_speedups(results: Sequence[BackendResult], width: int) -> Figure:
    """Draw each speed-up with its range, its bounds and its own control."""
    measured = [(result.name, result.parallel) for result in results if result.parallel]
    figure, axes = start_rows([name for name, _ in measured], width)
    axes.axvline(1, color=COLOURS["muted"], lw=1.5, ls="--")
    for row, (_, parallel) in enumerate(measured):
        pair, held = parallel.pair, parallel.held.speedup
        axes.barh(row - 0.1, pair.speedup.value, 0.4, color=COLOURS["series-1"])
        draw_range(axes, row - 0.1, pair.speedup, COLOURS["text"])
        if pair.amdahl is not None:
            axes.plot(pair.amdahl, row - 0.1, ls="", **BOUND)
        if pair.process_speedup is not None:
            axes.plot(pair.process_speedup.value, row - 0.1, ls="", **PROCESSES)
        draw_range(axes, row + 0.3, held, HELD["color"])
        axes.plot(held.value, row + 0.3, ls="", **HELD)
    axes.set_xlim(left=0)
    axes.set_xlabel("times as fast as one after the other", loc="right")
    bar = {"color": COLOURS["series-1"], "lw": 9}
    add_legend(
        figure,
        {
            "two threads": bar,
            "Amdahl bound": {**BOUND, "ms": 14},
            "two processes": PROCESSES,
            "release_gil=False": HELD,
        },
        width,
    )
    return figure


def draw_contention(results: Sequence[BackendResult], width: int) -> Figure:
    """Draw how much longer short calls take beside a Python thread that computes."""
    measured = [
        (f"{shorten(result.name, NAME_LENGTH)}, {row.size:,}", row)
        for result in results
        if result.contention
        for row in result.contention.rows
    ]
    figure, axes = start_rows([name for name, _ in measured], width, height=34)
    axes.set_xscale("log")
    axes.axvline(1, color=COLOURS["muted"], lw=1.5, ls="--")
    for number, (_, row) in enumerate(measured):
        for shift, slowdown, style in (
            (-0.14, row.slowdown, RELEASED),
            (0.14, row.held_slowdown, HELD),
        ):
            draw_range(axes, number + shift, slowdown, style["color"])
            axes.plot(slowdown.value, number + shift, ls="", **style)
    axes.set_xlabel("times as long as alone", loc="right")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    add_legend(
        figure, {"releasing the GIL": RELEASED, "release_gil=False": HELD}, width
    )
    return figure


def draw_sweep(results: Sequence[BackendResult], width: int) -> Figure:
    """Draw from which amount of work on releasing pays, in both cases."""
    measured = [(result.name, result.sweep) for result in results if result.sweep]
    panels = (
        ("two threads that call", "gain"),
        ("one that calls, one that runs Python", "busy_gain"),
    )
    is_wide = width == WIDE
    figure = make_figure(width, 320 if is_wide else 560)
    shape = (1, 2) if is_wide else (2, 1)
    grid = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    for axes, (title, field) in zip(grid.flat, panels, strict=True):
        axes.set_title(title, loc="left", size=13, weight="bold")
        axes.axhline(1, color=COLOURS["muted"], lw=1.5, ls="--")
        axes.set_xscale("log")
        axes.set_xlabel("time of the kernel")
        axes.set_ylabel("released by held")
        axes.xaxis.set_major_formatter(lambda value, _: describe_time(value))
        for number, (_, sweep) in enumerate(measured):
            style = LINES[number % len(LINES)]
            cells = sorted(sweep.cells, key=lambda cell: cell.kernel_s)
            x = [cell.kernel_s for cell in cells]
            gains = [getattr(cell, field) for cell in cells]
            axes.plot(x, [gain.value for gain in gains], ms=6, **style)
            lows, highs = [gain.low for gain in gains], [gain.high for gain in gains]
            axes.vlines(x, lows, highs, color=style["color"], lw=1.5)
        axes.set_ylim(bottom=0)
        axes.label_outer()
    names = (shorten(name, NAME_LENGTH) for name, _ in measured)
    add_legend(figure, dict(zip(names, LINES * len(measured), strict=False)), width)
    return figure


def start_rows(
    names: Sequence[str], width: int, height: int = ROW_HEIGHT
) -> tuple[Figure, Axes]:
    """Return a figure with one row for each name, the first at the top."""
    figure = make_figure(width, height * len(names) + (80 if width == WIDE else 110))
    axes = figure.add_subplot()
    axes.set_yticks(
        range(len(names)), [shorten(name, NAME_LENGTH + 8) for name in names]
    )
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return figure, axes


def draw_range(axes: Axes, row: float, figure: stats.Figure, colour: str) -> None:
    """Draw from where to where a figure may lie."""
    axes.hlines(row, figure.low, figure.high, color=colour, lw=2)


def add_legend(figure: Figure, entries: dict[str, Style], width: int) -> None:
    """Write above the chart what stands for what."""
    handles = [Line2D([], [], **{"ls": "", **style}) for style in entries.values()]
    for handle, style in zip(handles, entries.values(), strict=True):
        if "marker" not in style:
            handle.set_linestyle("-")
    figure.legend(
        handles,
        list(entries),
        loc="outside upper left",
        ncols=4 if width == WIDE else 2,
        columnspacing=1.5,
        handletextpad=0.6,
    )
