"""The grids of pairs and sweep as text, from fixed results."""

import pytest

from compare.model import BackendResult, BreakEven, PairCell, Pairs, Report, Sweep
from compare.model import SweepCell as Cell
from compare.render.grids import draw_bar
from compare.render.table import render_table
from gilscope.stats import Figure
from tests.unit.sample_reports import make_environment

CELL = Cell(
    size=1000,
    passes=10,
    kernel_s=2.5e-6,
    alone_released_s=2e-6,
    alone_held_s=1e-6,
    cost=Figure(2.0, 2.0, 2.0),
    pair_released_s=1e-6,
    pair_held_s=1e-6,
    gain=Figure(1.0, 0.8, 1.5),
    busy_released_s=1e-6,
    busy_held_s=1e-6,
    busy_gain=Figure(1.25, 1.2, 1.3),
)
SWEEP = Sweep(
    cells=(CELL,),
    break_evens=(BreakEven("alone", 1e-6, 10, 1), BreakEven("two threads")),
    planned_s=1.0,
)
PAIRS = Pairs(
    (PairCell("a", stops=Figure(0.5, 0.4, 0.6)), PairCell("b", reason="not built"))
)


def render(*rows: BackendResult) -> list[str]:
    """Return the lines of a report on them."""
    return render_table(Report(make_environment(), rows, ("pairs", "sweep"))).split(
        "\n"
    )


def test_the_matrix_has_a_row_for_each_backend() -> None:
    """What was not measured is a dash, and a backend that did not run has no row."""
    lines = render(
        BackendResult("a", "ok", pairs=PAIRS),
        BackendResult("b", "unavailable", "not built"),
    )
    title = lines.index(
        "the share of its call that keeps out the one that starts second:"
    )
    assert lines[title + 2 : title + 5] == ["   a    b", "a  50%  -", ""]


def test_the_sweep_says_from_where_on_and_draws_each_work() -> None:
    """The break-evens of all, then the grid of each with its bars."""
    lines = render(BackendResult("a", "ok", sweep=SWEEP))
    title = lines.index("the least kernel time from which on releasing the GIL pays:")
    assert lines[title + 2 : title + 4] == [
        "   alone          two threads",
        "a  1 us (10\u00a0x\u00a01)  not in this grid",
    ]
    title = lines.index("a: released by held, 1 = no difference")
    head, row = lines[title + 2 : title + 4]
    assert head.split() == [
        *("n", "passes", "kernel", "alone", "2", "threads", "0", "1", "2"),
        *("beside", "Python"),
    ]
    assert row.split() == [
        *("1,000", "10", "2.5", "us", "0.50", "1.00", "##########.....", "1.25")
    ]
    # The bar of a gain of 1 ends where the 1 stands.
    assert row.index(".....") == head.index(" 1 ") + 1


def test_without_grids_there_is_no_heading() -> None:
    """A report on other scenarios has neither."""
    text = "\n".join(render(BackendResult("a", "ok")))
    assert "starts second" not in text
    assert "pays" not in text


@pytest.mark.parametrize(
    ("value", "high", "bar"),
    [
        (0.0, 0.0, ""),
        (1.0, 1.0, "#" * 10),
        (1.0, 1.5, "#" * 10 + "." * 5),
        (2.0, 2.0, "#" * 20),
        (7.0, 9.0, "#" * 20),
    ],
)
def test_a_bar_ends_at_twice(value: float, high: float, bar: str) -> None:
    """Each character is a tenth; dots go on to the end of the range."""
    assert draw_bar(Figure(value, value, high)) == bar.ljust(20)
