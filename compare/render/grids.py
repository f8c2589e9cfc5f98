"""The grids of pairs and sweep as text: a matrix, a table with a bar for each work."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from compare.model import BreakEven, Report, Sweep, SweepCell
from gilscope.stats import Figure
from gilscope.units import describe_time

# Stands where there is no figure.
NOTHING = "-"

# So many characters stand for a gain of 2.
BAR_LENGTH = 20
GAIN_MAX = 2.0


def make_grids(report: Report) -> Iterator[RenderableType]:
    """Yield what does not fit into one row for each backend."""
    if any(result.pairs for result in report):
        yield Text(
            "\nthe share of its call that keeps out the one that starts second:\n"
        )
        yield make_matrix(report)
    if any(result.sweep for result in report):
        yield Text("\nthe least kernel time from which on releasing the GIL pays:\n")
        yield make_break_evens(report)
    for result in report:
        if result.sweep:
            yield Text(f"\n{result.name}: released by held, 1 = no difference\n")
            yield make_sweep(result.sweep)


def make_matrix(report: Report) -> Table:
    """Return who stops whom, each backend as the first in its row."""
    partners = dict.fromkeys(
        cell.partner for result in report if result.pairs for cell in result.pairs.cells
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_row("", *partners)
    for result in report:
        if result.pairs is None:
            continue
        cells = {cell.partner: cell for cell in result.pairs.cells}
        shares = [
            show_share(stops.value if (stops := cells[partner].stops) else None)
            if partner in cells
            else NOTHING
            for partner in partners
        ]
        grid.add_row(result.name, *shares)
    return grid


def make_break_evens(report: Report) -> Table:
    """Return from which work on releasing pays, for each backend and case."""
    found = {result.name: result.sweep for result in report if result.sweep}
    cases = dict.fromkeys(
        item.case for sweep in found.values() for item in sweep.break_evens
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_row("", *cases)
    for name, sweep in found.items():
        items = {item.case: item for item in sweep.break_evens}
        grid.add_row(name, *(show_break_even(items.get(case)) for case in cases))
    return grid


def make_sweep(sweep: Sweep) -> Table:
    """Return one line for each work, with a bar as long as two threads gain."""
    grid = Table.grid(padding=(0, 2))
    scale = f"0{'1':>{BAR_LENGTH // 2}}{'2':>{BAR_LENGTH // 2}}"
    for _ in range(5):
        grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row("n", "passes", "kernel", "alone", "2 threads", scale, "beside Python")
    for cell in sweep.cells:
        grid.add_row(*describe_cell(cell))
    return grid


def describe_cell(cell: SweepCell) -> tuple[str, ...]:
    """Return the texts of one work."""
    return (
        f"{cell.size:,}",
        f"{cell.passes:,}",
        describe_time(cell.kernel_s),
        f"{1 / cell.cost.value:.2f}",
        f"{cell.gain.value:.2f}",
        draw_bar(cell.gain),
        f"{cell.busy_gain.value:.2f}",
    )


def draw_bar(gain: Figure) -> str:
    """Return a bar as long as the value, and dots up to the end of its range."""
    length, end = (
        round(min(GAIN_MAX, figure) / GAIN_MAX * BAR_LENGTH)
        for figure in (gain.value, gain.high)
    )
    return ("#" * length + "." * (end - length)).ljust(BAR_LENGTH)


def show_break_even(item: BreakEven | None) -> str:
    """Return the least work from which on releasing pays, with what it was found at."""
    if item is None or item.kernel_s is None:
        return "not in this grid"
    work = f"{item.size:,} x {item.passes:,}".replace(" ", "\u00a0")
    return f"{describe_time(item.kernel_s)} ({work})"


def show_share(share: float | None) -> str:
    """Return a share in per cent, or that there is none."""
    return NOTHING if share is None else f"{share:.0%}"
