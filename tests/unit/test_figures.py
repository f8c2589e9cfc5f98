"""A figure is no more than the rounds agree on."""

import pytest

from gilscope.stats import (
    Figure,
    compute_percentile,
    count_misses,
    describe_speed,
    describe_unsteady,
    judge_figure,
    summarize,
)


@pytest.mark.parametrize(
    ("values", "figure"),
    [
        ([3.0], Figure(3.0, 3.0, 3.0)),
        ([2.0, 1.0], Figure(1.5, 1.0, 2.0)),
        ([5.0, 1.0, 2.0, 3.0, 4.0], Figure(3.0, 1.0, 5.0)),
        # Six to eight values: the smallest to the largest miss in 3 % to 0.8 %.
        ([*map(float, range(1, 9))], Figure(4.5, 1.0, 8.0)),
        # Nine: without the outermost they miss in 3.9 %.
        ([*map(float, range(1, 10))], Figure(5.0, 2.0, 8.0)),
        # Twelve: the 3rd to the 10th miss in 3.9 %, the 4th to the 9th in 14.6 %.
        ([*map(float, range(1, 13))], Figure(6.5, 3.0, 10.0)),
    ],
)
def test_the_range_holds_the_median_in_19_of_20_cases(
    values: list[float], figure: Figure
) -> None:
    """The ends are those of the sign test, the outermost where there are too few."""
    assert summarize(values) == figure
    assert summarize(values[::-1]) == figure


@pytest.mark.parametrize(
    ("n_values", "k", "share"),
    [(6, 1, 2 / 64), (9, 2, 20 / 512), (12, 3, 158 / 4096), (5, 0, 0.0)],
)
def test_how_often_a_range_misses(n_values: int, k: int, share: float) -> None:
    """The k outermost on either side: twice the binomial tail below k."""
    assert count_misses(n_values, k) == pytest.approx(share)


@pytest.mark.parametrize(
    ("figure", "judgement"),
    [
        (Figure(1.9, 1.8, 2.0), "above"),
        (Figure(0.5, 0.4, 0.6), "below"),
        # Inside its own range.
        (Figure(1.9, 0.9, 2.0), "no difference"),
        (Figure(0.5, 0.4, 1.1), "no difference"),
        # Well measured, and too small to mean anything.
        (Figure(1.05, 1.04, 1.06), "no difference"),
        (Figure(0.95, 0.94, 0.96), "no difference"),
        (Figure(1.0, 1.0, 1.0), "no difference"),
    ],
)
def test_no_difference_is_called_inside_its_own_range(
    figure: Figure, judgement: str
) -> None:
    """A ratio differs from 1 if its range leaves 1 out and it is a tenth away."""
    assert judge_figure(figure) == judgement


def test_a_ratio_is_put_into_words() -> None:
    """The words say no more than the judgement, and give the figures."""
    assert describe_speed(Figure(1.9, 1.8, 2.0), "threads", "one call") == (
        "threads: 1.90 times as fast as one call (range 1.80 to 2.00)"
    )
    assert describe_speed(Figure(1.02, 0.9, 1.1), "threads", "one call") == (
        "threads: no difference seen from one call (1.02, range 0.90 to 1.10)"
    )


def test_an_unsteady_figure_is_named_with_its_range() -> None:
    """A range over a quarter of its figure is worth a warning, up to that it is not."""
    assert describe_unsteady(
        speedup=Figure(2.0, 1.7, 2.3), cores=Figure(2.0, 1.75, 2.25)
    ) == ("speedup varies from round to round: 2.00, range 1.70 to 2.30",)


@pytest.mark.parametrize(
    ("percent", "value"), [(99, 99.0), (50, 50.0), (1, 1.0), (100, 100.0), (0, 1.0)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: int, value: float) -> None:
    """So many percent of the values do not exceed it."""
    assert compute_percentile([*map(float, range(100, 0, -1))], percent) == value


def test_the_percentile_of_few_values_is_the_largest() -> None:
    """Nothing is made up between the values."""
    assert compute_percentile([1.0, 7.0, 3.0], 99) == 7.0
