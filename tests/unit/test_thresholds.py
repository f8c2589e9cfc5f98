"""Each threshold of the figures lies where it is said to: moved, one of these fails.

Every case stands just beside a threshold, on either side of it.
"""

from dataclasses import replace

import pytest

from compare.measure.speedup import Measured, Round, decide, summarize_rounds
from compare.measure.work import Wall
from compare.model import Parallel
from gilscope.stats import Figure, find_unsteady, judge, summarize

# Two calls of 0.1 s, in parallel with the GIL released and one after the other held.
WALL = Wall(seconds=0.1, cored_s=0.1, cpu_s=0.2, least_own_cpu_s=0.1)
ROUND = Round(
    call_s=0.1,
    call_cpu_s=0.1,
    call_own_cpu_s=0.1,
    held=replace(WALL, seconds=0.2, cored_s=0.2),
    threads={2: WALL},
    processes={2: WALL},
)


def summarize_four(round_: Round) -> Parallel:
    """Return the result of the same round four times."""
    return summarize_rounds(
        Measured(passes=7, releases_gil=True, has_gil=True, rounds=[round_] * 4)
    )


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
    assert judge(Figure(value, value - 0.001, value + 0.001)) == judgement


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
    assert bool(find_unsteady(speedup=Figure(2.0, 1.75, high))) == is_unsteady


@pytest.mark.parametrize(
    ("overlap", "concurrency"), [(1.199, "serialized"), (1.201, "parallel")]
)
def test_calls_in_parallel_overlap_by_more_than_a_fifth(
    overlap: float, concurrency: str
) -> None:
    """Serialized calls overlap by 1 at most; the rest is room for noise."""
    assert decide([overlap]) == concurrency


@pytest.mark.parametrize(
    ("n_parallel", "n_rounds", "concurrency"),
    [
        (3, 4, "parallel"),
        (1, 4, "serialized"),
        (14, 19, "unclear"),
        (5, 19, "unclear"),
    ],
)
def test_three_quarters_of_the_rounds_decide(
    n_parallel: int, n_rounds: int, concurrency: str
) -> None:
    """Fewer of them leave it open."""
    overlaps = [2.0] * n_parallel + [1.0] * (n_rounds - n_parallel)
    assert decide(overlaps) == concurrency


@pytest.mark.parametrize(("speedup", "n_doubts"), [(1.49, 1), (1.51, 0)])
def test_a_second_core_was_free_if_two_processes_gain_half(
    speedup: float, n_doubts: int
) -> None:
    """With less the speed-up of threads is no figure of theirs."""
    wall = replace(WALL, seconds=0.2 / speedup)
    found = summarize_four(replace(ROUND, processes={2: wall}))
    assert len(found.warnings) == n_doubts


@pytest.mark.parametrize(("cpu_s", "n_failures"), [(0.0499, 1), (0.0501, 0)])
def test_a_call_that_takes_half_of_its_cpu_time_did_its_work(
    cpu_s: float, n_failures: int
) -> None:
    """With less it skipped some of it."""
    wall = replace(WALL, cpu_s=2 * cpu_s, least_own_cpu_s=cpu_s)
    found = summarize_four(replace(ROUND, threads={2: wall}))
    assert len(found.failures) == n_failures


@pytest.mark.parametrize(("own_cpu_s", "n_failures"), [(0.0899, 0), (0.0901, 1)])
def test_a_call_computes_in_its_own_thread_for_nine_tenths(
    own_cpu_s: float, n_failures: int
) -> None:
    """With less the CPU time of its thread says nothing of its work."""
    wall = replace(WALL, cpu_s=0.2, least_own_cpu_s=0.01)
    round_ = replace(ROUND, call_own_cpu_s=own_cpu_s, threads={2: wall})
    found = summarize_four(round_)
    assert len(found.failures) == n_failures
