"""From which size on something pays, as far as the ranges of the figures bear it."""

import itertools
from collections.abc import Sequence
from typing import Literal

from gilscope.measurement import BreakEven, Case, ParallelRow, Place, SizeRow
from gilscope.stats import MARGIN, Figure
from gilscope.units import describe_time

Payoff = Literal["yes", "no", "unclear"]

HELD_CASES: tuple[Case, ...] = ("alone", "two threads", "beside Python")

MEANINGS: dict[Case, str] = {
    "second thread": "a second thread gains",
    "alone": "alone, releasing costs nothing that can be seen",
    "two threads": "two threads that call get more done with the GIL released",
    "beside Python": (
        "a thread that calls and a busy Python thread get more done together"
    ),
}


def does_pay(case: Case, row: SizeRow) -> Payoff:
    """Say whether it pays at this size, if the range of the figure tells."""
    verdict = row.check.verdict if row.check else ""
    if case == "second thread" and verdict in ("holds", "preemptible"):
        # A second thread is kept out, however the clock came out.
        return "no"
    figure = find_figure(case, row)
    if figure is None:
        return "unclear"
    # Alone it need not gain, but not cost what can be seen either.
    limit = 1 / (1 + MARGIN) if case == "alone" else 1 + MARGIN
    if figure.low > limit:
        return "yes"
    if case == "second thread" and row.pair and not had_core(row.pair, verdict, limit):
        return "unclear"
    return "no" if figure.high < limit else "unclear"


def had_core(pair: ParallelRow, verdict: str, limit: float) -> bool:
    """Return whether a second core was there for whoever could have used it."""
    if pair.process_speedup is not None:
        return pair.process_speedup.low >= limit
    # Nothing stands beside calls that release the GIL: they have to be seen serialized.
    return verdict not in ("releases", "varies") or pair.concurrency == "serialized"


def find_figure(case: Case, row: SizeRow) -> Figure | None:
    """Return what tells whether it pays, the more the better; None if not measured."""
    match case:
        case "second thread":
            return row.pair.speedup if row.pair else None
        case "two threads":
            return row.gain
        case "beside Python":
            return row.busy_gain
    cost = row.cost
    return cost and Figure(1 / cost.value, 1 / cost.high, 1 / cost.low)


def select_cases(rows: Sequence[SizeRow]) -> tuple[Case, ...]:
    """Return what is asked of the rows: what may pay."""
    cases: tuple[Case, ...] = ("second thread",) if rows[0].pair else ()
    return cases + (HELD_CASES if rows[0].gain is not None else ())


def select_unclear(rows: Sequence[SizeRow], cases: Sequence[Case]) -> list[int]:
    """Return the places of the rows of which it is unclear whether something pays."""
    return [
        place
        for place, row in enumerate(rows)
        if any(does_pay(case, row) == "unclear" for case in cases)
    ]


def find_break_even(case: Case, rows: Sequence[SizeRow]) -> BreakEven:
    """Return from where on it pays, in the order of the rows, the least work first.

    It pays from the first row after which no other one does not, beyond all ranges. An
    open row is as those on both sides of it, where these agree and its range is not
    told apart from either of theirs.
    """
    answers = [does_pay(case, row) for row in rows]
    figures = [find_figure(case, row) for row in rows]
    known = [place for place, answer in enumerate(answers) if answer != "unclear"]
    for before, after in itertools.pairwise(known):
        for place in range(before + 1, after):
            if answers[before] == answers[after] and all(
                do_overlap(figures[place], figures[end]) for end in (before, after)
            ):
                answers[place] = answers[before]
    first = len(rows)
    while first and answers[first - 1] == "yes":
        first -= 1
    noes = [place for place, answer in enumerate(answers) if answer == "no"]
    return BreakEven(
        case,
        pays_from=name_place(rows[first]) if first < len(rows) else None,
        not_at=name_place(rows[noes[-1]]) if noes else None,
    )


def do_overlap(one: Figure | None, two: Figure | None) -> bool:
    """Return whether two ranges have anything in common."""
    return bool(one and two and one.low <= two.high and two.low <= one.high)


def name_place(row: SizeRow) -> Place:
    """Return what is said of a row as the end of a break-even."""
    return Place(row.size, row.alone_s.value, row.passes, row.kernel_s)


def describe_break_even(found: BreakEven, rows: Sequence[SizeRow]) -> str:
    """Say in words from where on it pays, and how well that is known."""
    last = name_place(rows[-1])
    start, not_at = found.pays_from, found.not_at
    if start is None:
        known = "at none of these sizes" if not_at == last else "at no size for certain"
        words = f"{known}, up to {describe_place(last)}"
    elif not_at is None:
        words = f"from {describe_place(start)} on"
    else:
        words = (
            f"from {describe_place(start)} on, and not yet at {describe_place(not_at)}"
        )
    return f"{MEANINGS[found.case]}: {words}"


def describe_place(place: Place) -> str:
    """Return the size, or the passes and the time of a call."""
    time_s = place.alone_s if place.kernel_s is None else place.kernel_s
    parts = [] if place.size is None else [f"size {place.size:,}"]
    if place.passes is not None:
        parts.append(f"passes {place.passes:,}")
    return ", ".join([*parts, describe_time(time_s)])
