"""Figures with their units, in words; "" for what could not be measured."""

from collections.abc import Callable

from gilscope.stats import Figure

Value = Figure | float | None

_MANY = 10


def describe_time(seconds: Value) -> str:
    """Return a duration in the unit that suits it."""
    if seconds is None:
        return ""
    value = take_value(seconds)
    rounded = float(f"{value:.3g}")
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if rounded >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def describe_ratio(ratio: Value) -> str:
    """Return how many times as much it is, such as 1.93x or 5,000x."""
    if ratio is None:
        return ""
    value = take_value(ratio)
    return f"{value:.2f}x" if value < _MANY else f"{value:,.0f}x"


def describe_share(share: Value) -> str:
    """Return a share in per cent."""
    return "" if share is None else f"{take_value(share):.0%}"


def describe_range(figure: Value, describe: Callable[[Value], str]) -> str:
    """Return the range of a figure in brackets, "" for a number that has none."""
    if not isinstance(figure, Figure):
        return ""
    return f"({describe(figure.low)} to {describe(figure.high)})"


def describe_count(number: int, noun: str) -> str:
    """Return how many there are, such as 1 hold or 12 holds."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def take_value(figure: Figure | float) -> float:
    """Return the number itself."""
    return figure.value if isinstance(figure, Figure) else figure
