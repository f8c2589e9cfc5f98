"""From where on releasing pays, from fixed cells."""

from dataclasses import replace
from typing import Any

import pytest

from compare.measure.breakeven import (
    CellRound,
    Measured,
    describe_break_even,
    does_pay,
    find_break_even,
    find_doubts,
    summarize_sweep,
)
from compare.model import BreakEven, Case, SweepCell
from gilscope.stats import Figure

ONE = Figure(1.0, 1.0, 1.0)
CELL = SweepCell(
    size=10,
    passes=1,
    kernel_s=1e-6,
    alone_released_s=2e-6,
    alone_held_s=2e-6,
    cost=ONE,
    pair_released_s=2e-6,
    pair_held_s=2e-6,
    gain=ONE,
    busy_released_s=4e-6,
    busy_held_s=4e-6,
    busy_gain=ONE,
)
ROUND = CellRound(
    kernel_s=1e-4,
    alone_released_s=3e-4,
    alone_held_s=2e-4,
    pair_released_s=1e-4,
    pair_held_s=2e-4,
    busy_released_s=6e-4,
    busy_held_s=4e-4,
    partner_released=1.0,
    partner_held=0.5,
)


def make_cells(pattern: str) -> list[SweepCell]:
    """Return a cell for each letter; those with an x gain from two threads."""
    return [
        replace(
            CELL,
            passes=position,
            kernel_s=position * 1e-6,
            gain=Figure(2.0, 1.9, 2.1) if letter == "x" else Figure(1.0, 0.5, 1.5),
        )
        for position, letter in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ("...xxx", 3),
        ("xxxxxx", 0),
        ("......", None),
        (".....x", 5),
        # A single cell on the wrong side decides nothing.
        (".x..xxxx", 4),
        ("..xx.xxx", 2),
        ("x.....", None),
        ("xx....", None),
        ("", None),
    ],
)
def test_the_split_with_the_fewest_on_the_wrong_side(
    pattern: str, passes: int | None
) -> None:
    """The work from which on it pays, and pays itself."""
    found = find_break_even("two threads", make_cells(pattern))
    assert found.passes == passes
    assert (found.kernel_s is None) == (passes is None)


@pytest.mark.parametrize(
    ("case", "name", "figure", "pays"),
    [
        ("alone", "cost", Figure(1.0, 0.9, 1.1), True),
        ("alone", "cost", Figure(1.5, 0.9, 2.0), True),
        ("alone", "cost", Figure(1.5, 1.4, 1.6), False),
        ("two threads", "gain", Figure(1.5, 1.4, 1.6), True),
        ("two threads", "gain", Figure(1.5, 0.9, 1.6), False),
        ("two threads", "gain", Figure(0.5, 0.4, 0.6), False),
        ("beside Python", "busy_gain", Figure(1.5, 1.4, 1.6), True),
        ("beside Python", "busy_gain", Figure(1.05, 1.04, 1.06), False),
    ],
)
def test_what_pays(case: Case, name: str, figure: Figure, pays: bool) -> None:
    """Alone it must not be seen to cost; beside others it must be seen to gain."""
    changes: dict[str, Any] = {name: figure}
    assert does_pay(case, replace(CELL, **changes)) is pays


def test_what_both_threads_get_done() -> None:
    """Each thread's speed counts as a share of its speed alone."""
    # Released: half as fast and as fast as alone; held: half as fast, both of them.
    assert ROUND.busy_gain == pytest.approx((0.5 + 1.0) / (0.5 + 0.5))


def test_cells_are_medians_in_the_order_of_their_kernels() -> None:
    """Each ratio is taken within its round."""
    slower = replace(ROUND, pair_held_s=4e-4, kernel_s=3e-4)
    small = replace(ROUND, kernel_s=1e-7)
    found = summarize_sweep(
        Measured(
            {(1000, 9): [ROUND, slower, slower], (10, 1): [small]},
            releases_gil=True,
            has_gil=True,
            planned_s=2.5,
            failures=("wrong",),
        )
    )
    assert [(cell.size, cell.passes) for cell in found.cells] == [(10, 1), (1000, 9)]
    large = found.cells[1]
    assert large.kernel_s == 3e-4
    assert large.cost.value == pytest.approx(1.5)
    assert large.gain == Figure(4.0, 2.0, 4.0)
    assert large.busy_gain.value == pytest.approx(1.5)
    assert found.planned_s == 2.5
    assert found.failures == ("wrong",)
    assert found.warnings == ("the gain varies from round to round in 1 of 2 works",)
    assert [item.case for item in found.break_evens] == [
        "alone",
        "two threads",
        "beside Python",
    ]
    assert found.break_evens[1].size == 10


@pytest.mark.parametrize(
    ("releases_gil", "has_gil", "words"),
    [
        (False, True, "it declares that it keeps the GIL"),
        (True, False, "there is no GIL here"),
        (False, False, "there is no GIL here"),
    ],
)
def test_where_nothing_can_pay_nothing_is_found(
    releases_gil: bool, has_gil: bool, words: str
) -> None:
    """A gain that noise shows is not believed."""
    measured = Measured({(10, 1): [ROUND]}, releases_gil, has_gil, planned_s=1.0)
    found = summarize_sweep(measured)
    assert {item.kernel_s for item in found.break_evens} == {None}
    assert len(found.findings) == 1
    assert found.findings[0].startswith(words)


def test_a_break_even_in_words() -> None:
    """The least kernel time, or how far the grid went."""
    cells = make_cells("..x")
    assert describe_break_even(BreakEven("two threads", 2e-6, 1000, 20), cells) == (
        "two threads that call get more done with the GIL released: "
        "from 2 us without the GIL on (n=1,000, passes=20)"
    )
    assert describe_break_even(BreakEven("alone"), cells) == (
        "alone, releasing costs nothing that can be seen: "
        "not found in the grid, up to 2 us"
    )


def test_the_gain_beside_a_busy_thread_counts_the_work_of_both():
    """Two shares of what each does alone, released against held."""
    assert replace(ROUND, partner_held=0.25).busy_gain == 2.0


@pytest.mark.parametrize(("pattern", "n_doubts"), [("xxx-", 0), ("xx--", 1)])
def test_many_works_that_vary_are_told(pattern: str, n_doubts: int) -> None:
    """Cells without an x have a wide range."""
    doubts = find_doubts(make_cells(pattern))
    assert len(doubts) == n_doubts
    assert all("in 2 of 4 works" in doubt for doubt in doubts)
