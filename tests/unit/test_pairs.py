"""Who stops whom, from fixed calls."""

import pytest

from compare.model import PairCell
from compare.scenarios.pairs import compute_stop, describe, summarize_cell
from gilscope.stats import Figure
from gilscope.timing.calls import Calls, PlainWork


def make_calls(start_s: float, end_s: float, waited_s: float = 0.0) -> Calls:
    """Return calls that were made from then to then."""
    calls = Calls(PlainWork(sum))
    calls.stamps = [(round(start_s * 1e9), round(end_s * 1e9))]
    calls.waited_s = waited_s
    return calls


@pytest.mark.parametrize(
    ("second", "share"),
    [
        # It needs 2 s, and has them at once.
        (make_calls(0.0, 2.0), 0.0),
        # It waits for the 4 s of the first.
        (make_calls(4.0, 6.0), 1.0),
        (make_calls(0.1, 4.0), 0.5),
        # It waited for a core meanwhile, which is not for the GIL.
        (make_calls(0.1, 4.0, waited_s=1.0), 0.25),
        (make_calls(0.0, 1.5), 0.0),
        (make_calls(4.0, 9.0), 1.0),
    ],
)
def test_being_stopped_is_a_share_of_the_first_call(
    second: Calls, share: float
) -> None:
    """What the second call needed beyond its time alone, by the first one's time."""
    first, alone = make_calls(0.0, 4.0), make_calls(0.0, 2.0)
    assert compute_stop(first, second, alone) == pytest.approx(share)


def test_a_cell_is_the_median_of_its_rounds() -> None:
    """With the range of each figure."""
    rounds = [
        {
            "alone_s": 1.0,
            "partner_alone_s": 2.0,
            "stops": stops,
            "stopped": 0.0,
            "speedup": 2.0,
        }
        for stops in (0.9, 1.0, 0.8)
    ]
    cell = summarize_cell("python", rounds)
    assert (cell.partner, cell.reason) == ("python", "")
    assert (cell.alone_s, cell.partner_alone_s) == (1.0, 2.0)
    assert cell.stops == Figure(0.9, 0.8, 1.0)
    assert cell.stopped == Figure(0.0, 0.0, 0.0)
    assert cell.speedup == Figure(2.0, 2.0, 2.0)


def test_who_stops_whom_in_words() -> None:
    """Only what the rounds agree on, and a reason for what is missing."""
    shares = Figure(0.5, 0.4, 0.6), Figure(0.0, 0.0, 0.1)
    stopping = PairCell("a", "", 1.0, 1.0, *shares)
    shares = Figure(0.5, 0.0, 0.6), Figure(0.3, 0.2, 0.4)
    stopped = PairCell("b", "", 1.0, 1.0, *shares)
    shares = Figure(0.05, 0.04, 0.06), Figure(0.0, 0.0, 0.0)
    slightly = PairCell("c", "", 1.0, 1.0, *shares)
    missing = PairCell("d", "ImportError: not built")
    assert describe((stopping, stopped, slightly, missing)) == (
        "keeps a out for 50% of a call",
        "is kept out by b for 30% of its call",
        "d: not measured, ImportError: not built",
    )
    assert describe((slightly,)) == ("keeps nobody out, and is kept out by nobody",)
