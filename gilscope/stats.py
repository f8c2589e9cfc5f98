"""Figures from repeated measurements, and the words that they bear.

A figure is the median of the rounds. Its range is where that median may lie, so that
nothing is called a difference that the rounds themselves do not agree on.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# The share of cases in which the range is to contain the true median.
CONFIDENCE = 0.95

# A ratio nearer to what it is compared with is not called a difference, however well
# it was measured: it would mean nothing to whoever reads it.
MARGIN = 0.10

# A range wider than this share of its figure makes the run unsteady.
SPREAD_MAX = 0.25

Judgement = Literal["above", "below", "no difference"]


@dataclass(frozen=True)
class Figure:
    """The median of the rounds, and from where to where it may lie."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the figure with its range."""
        return f"{self.value:.2f}, range {self.low:.2f} to {self.high:.2f}"


def summarize(values: Sequence[float]) -> Figure:
    """Return the median and its range.

    The range lies between the k-th smallest and the k-th largest value, for the
    largest k with which it misses the true median in no more than 5 % of cases. That
    holds for values of any distribution. Fewer than six values give no such k, and
    the range is then from the smallest to the largest.

    Args:
        values: one of each round, at least one.

    Source:
        The sign test; Conover, Practical Nonparametric Statistics, 3.2.
    """
    ordered = sorted(values)
    k = 1
    while count_misses(len(ordered), k + 1) <= 1 - CONFIDENCE:
        k += 1
    return Figure(statistics.median(ordered), ordered[k - 1], ordered[-k])


def count_misses(n_values: int, k: int) -> float:
    """Return how often the k-th smallest to the k-th largest misses the median."""
    return sum(math.comb(n_values, i) for i in range(k)) / math.ldexp(1, n_values - 1)


def judge_figure(
    figure: Figure, reference: float = 1.0, margin: float = MARGIN
) -> Judgement:
    """Say on which side of the reference a ratio lies, if that can be told."""
    if figure.low > reference and figure.value > reference * (1 + margin):
        return "above"
    if figure.high < reference and figure.value < reference / (1 + margin):
        return "below"
    return "no difference"


def describe_speed(speed: Figure, what: str, other: str) -> str:
    """Say how fast something is by the side of another, if that can be told."""
    ends = f"range {speed.low:.2f} to {speed.high:.2f}"
    if judge_figure(speed) == "no difference":
        return f"{what}: no difference seen from {other} ({speed.value:.2f}, {ends})"
    return f"{what}: {speed.value:.2f} times as fast as {other} ({ends})"


def compute_percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def describe_unsteady(**figures: Figure) -> tuple[str, ...]:
    """Name the figures that vary too much between rounds, with their range."""
    return tuple(
        f"{name} varies from round to round: {figure}"
        for name, figure in figures.items()
        if figure.high - figure.low > SPREAD_MAX * abs(figure.value)
    )
