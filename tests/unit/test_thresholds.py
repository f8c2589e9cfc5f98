"""Each threshold of the figures lies where it is said to: moved, one of these fails.

Every case stands just beside a threshold, on either side of it.
"""

from dataclasses import replace

import pytest

from compare.model import Parallel
from compare.scenarios.gil import find_contradictions
from compare.scenarios.parallel import describe_doubts
from gilscope.measurement import ParallelRow
from gilscope.stats import Figure, describe_unsteady, judge_figure, summarize
from gilscope.timing.calls import Wall
from gilscope.timing.rounds import Side, compute_overlap, summarize_threads
from tests.unit.sample_reports import make_check


@pytest.mark.parametrize(
    ("value", "judgement"),
    [
        (1.101, "above"),
        (1.099, "no difference"),
        (1 / 1.099, "no difference"),
        (1 / 1.101, "below"),
    ],
)
def test_a_difference_is_more_than_a_tenth(value: float, judgement: str) -> None:
    """However well it was measured."""
    assert judge_figure(Figure(value, value - 0.001, value + 0.001)) == judgement


@pytest.mark.parametrize(
    ("n_values", "n_left_out"),
    # How often the range misses the median if one value more is left out at either
    # end: of 14 values 3 % and 5.7 %, of 17 values 4.9 % and 14.3 %.
    [(14, 2), (17, 4)],
)
def test_a_range_misses_the_median_in_a_twentieth_of_cases(
    n_values: int, n_left_out: int
) -> None:
    """As many values are left out at either end as that allows."""
    found = summarize([*map(float, range(n_values))])
    assert (found.low, found.high) == (n_left_out, n_values - 1 - n_left_out)


@pytest.mark.parametrize(("high", "is_unsteady"), [(2.249, False), (2.251, True)])
def test_a_range_over_a_quarter_of_its_figure_is_unsteady(
    high: float, is_unsteady: bool
) -> None:
    """Up to that it is not."""
    assert bool(describe_unsteady(speedup=Figure(2.0, 1.75, high))) == is_unsteady


@pytest.mark.parametrize(("speedup", "n_doubts"), [(1.49, 1), (1.51, 0)])
def test_a_second_core_was_free_if_two_processes_gain_half(
    speedup: float, n_doubts: int
) -> None:
    """With less the speed-up of threads is no figure of theirs."""
    figure = Figure(speedup, speedup, speedup)
    row = ParallelRow(2, 0.1, figure, figure, "parallel", 2.0, process_speedup=figure)
    found = Parallel(0.1, (row,), None, None, (0.1, 0.1), 10, 1, 4)
    assert len(describe_doubts(found)) == n_doubts


@pytest.mark.parametrize(
    ("own_cpu_s", "concurrency"), [(0.1799, "unclear"), (0.1801, "serialized")]
)
def test_a_call_computes_in_its_own_thread_for_nine_tenths(
    own_cpu_s: float, concurrency: str
) -> None:
    """With less, helpers compute whose wait for a core is not known."""
    wall = Wall(0.2, 0.2, 0.2, own_cpu_s)
    side = Side(1, Wall(0.1, 0.1, 0.1, 0.1), {2: wall})
    assert summarize_threads([side] * 4, 2).concurrency == concurrency


@pytest.mark.parametrize(("cpu_s", "overlap"), [(0.0499, 1.0), (0.0501, 0.501)])
def test_a_call_that_computes_for_half_of_its_time_is_told_by_cpu_time(
    cpu_s: float, overlap: float
) -> None:
    """One that waits for most of it is told by the clock."""
    alone, wall = Wall(0.1, 0.1, cpu_s, cpu_s), Wall(0.2, 0.2, 2 * cpu_s, 2 * cpu_s)
    assert compute_overlap(alone, wall, 2) == pytest.approx(overlap)


@pytest.mark.parametrize(("high", "n_found"), [(0.479, 1), (0.481, 0)])
def test_a_release_covers_half_of_the_kernel_with_some_of_its_range(
    high: float, n_found: int
) -> None:
    """Only a range that lies below makes it a token release."""
    check = replace(make_check(), released_fraction=Figure(0.3, 0.2, high))
    assert len([*find_contradictions(True, check, None, 0.96)]) == n_found
