"""Whether a check keeps to what is asked of it."""

from math import inf
from typing import Literal, NamedTuple

from gilscope.model import Check
from gilscope.units import describe_time

Outcome = Literal["met", "missed", "unclear"]


class LimitAnswer(NamedTuple):
    """One thing asked for, and what came of it."""

    outcome: Outcome
    text: str


def check_limits(
    check: Check, min_fraction: float | None = None, max_hold_s: float | None = None
) -> list[LimitAnswer]:
    """Return what came of a release, and of each limit that is asked for.

    A limit is met if the whole range lies on its good side, missed if all of it lies on
    the other, else unclear.
    """
    word = "releases the GIL" if check.environment.meaning == "gil" else "detaches"
    outcome: Outcome = {"releases": "met", "inconclusive": "unclear"}.get(
        check.verdict, "missed"
    )  # type: ignore[assignment]
    answers = [LimitAnswer(outcome, word)]
    fraction, hold = check.released_fraction, check.longest_hold
    if min_fraction is not None:
        text = f"{word} for at least {min_fraction:.0%} of the call"
        ends = 0.0, 1.0
        if fraction is not None:
            ends = fraction.low, fraction.high
            text += describe_ends(f"{fraction.low:.0%}", f"{fraction.high:.0%}")
        answers.append(LimitAnswer(compare(min_fraction, *ends), text))
    if max_hold_s is not None:
        text = f"keeps others out for at most {describe_time(max_hold_s)} at a time"
        ends = -inf, 0.0
        if hold is not None:
            ends = -hold.high, -hold.low
            text += describe_ends(describe_time(hold.low), describe_time(hold.high))
        answers.append(LimitAnswer(compare(-max_hold_s, *ends), text))
    return answers


def describe_ends(low: str, high: str) -> str:
    """Return what a limit was held against."""
    return f" (was {low})" if low == high else f" (was {low} to {high})"


def compare(limit: float, low: float, high: float) -> Outcome:
    """Say on which side of a lower limit a range lies."""
    if low >= limit:
        return "met"
    return "missed" if high < limit else "unclear"


def check_range(min_fraction: float | None, max_hold_s: float | None) -> None:
    """Refuse a limit that is none."""
    if min_fraction is not None and not 0 <= min_fraction <= 1:
        message = f"gil min_fraction: expected 0 to 1, got {min_fraction!r}"
        raise ValueError(message)
    if max_hold_s is not None and not 0 < max_hold_s < inf:
        message = f"gil max_hold_s: expected seconds over 0, got {max_hold_s!r}"
        raise ValueError(message)
