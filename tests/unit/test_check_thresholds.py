"""Each threshold of a verdict lies where it is said to: moved, one of these fails.

Every case stands just beside a threshold, on either side of it.
"""

from dataclasses import replace
from itertools import islice, pairwise

import pytest

from gilscope.model import Evidence, FirstCall
from gilscope.probe.decide import (
    compare_attached_controls,
    compare_controls,
    decide,
    decide_attached,
    find_notes,
)
from gilscope.probe.estimate import Delays, HoldEstimate, Window
from gilscope.probe.fraction import Estimate, Phase, estimate_fraction, estimate_windows
from gilscope.probe.interruptions import weigh_interruptions, weigh_marks
from gilscope.probe.switch_interval import spread_pauses
from gilscope.probe.witness import Tick
from gilscope.stats import Figure
from tests.unit.test_check_decide import (
    BLOCKED,
    DETACHES,
    HOLDER,
    LOOP,
    RELEASER,
    STOPPED,
    WRAPPED,
)

US = 1000
DELAYS = Delays(spacing_ns=100 * US)

KEPT = Evidence(
    n_calls=2,
    n_windows=2,
    n_wakeups=0,
    n_calls_tried=1000,
    n_calls_interrupted=1000,
)
PIECES = replace(KEPT, python_share=0.0)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        # SPLIT_SHARE
        (replace(KEPT, n_calls_split=81), "preemptible"),
        (replace(KEPT, n_calls_split=79), "holds"),
        # PIECES_SHARE
        (replace(PIECES, n_calls_split=401), "preemptible"),
        (replace(PIECES, n_calls_split=399), "holds"),
        # PYTHON_SHARE
        (replace(KEPT, python_share=0.0201), "preemptible"),
        (replace(KEPT, python_share=0.0199), "holds"),
    ],
)
def test_a_verdict_changes_at_its_share(evidence: Evidence, verdict: str) -> None:
    """Of the calls that were interrupted, or of their time."""
    controls = compare_controls(RELEASER, HOLDER, LOOP)
    assert decide(evidence, controls, call_s=1e-3, empty_s=1e-7)[0] == verdict


@pytest.mark.parametrize(
    ("call_ns", "verdict"), [(199, "inconclusive"), (201, "holds")]
)
def test_a_call_is_seen_if_it_takes_twice_what_nothing_takes(
    call_ns: int, verdict: str
) -> None:
    """SEEN_CALLS."""
    controls = compare_controls(RELEASER, HOLDER, LOOP)
    found, _ = decide(KEPT, controls, call_s=call_ns / 1e9, empty_s=1e-7)
    assert found == verdict


MANY = replace(STOPPED, n_calls_tried=1000, n_calls_interrupted=1000, n_looks=1000)


@pytest.mark.parametrize(
    ("evidence", "call_s", "verdict"),
    [
        # MANY_LOOKS
        (replace(BLOCKED, runs_python=False, n_looks=20), 1e-3, "holds"),
        (replace(BLOCKED, runs_python=False, n_looks=19), 1e-3, "inconclusive"),
        # SHORT_S and MANY_SHORT_LOOKS
        (replace(BLOCKED, runs_python=False, n_looks=300), 49e-6, "holds"),
        (replace(BLOCKED, runs_python=False, n_looks=299), 49e-6, "inconclusive"),
        (replace(BLOCKED, runs_python=False, n_looks=299), 51e-6, "holds"),
        # MANY_CALLS and LONG_S
        (replace(WRAPPED, n_calls=5), 0.019, "holds"),
        (replace(WRAPPED, n_calls=4), 0.019, "inconclusive"),
        (replace(WRAPPED, n_calls=1), 0.021, "holds"),
        (replace(BLOCKED, runs_python=False, n_calls=1), 0.019, "holds"),
        # DETACHED_LOOKS
        (replace(STOPPED, n_detached=3, n_looks=100), 1e-3, "releases"),
        (replace(STOPPED, n_detached=2, n_looks=100), 1e-3, "inconclusive"),
        # DETACHED_SHARE
        (replace(MANY, n_detached=5), 1e-3, "releases"),
        (replace(MANY, n_detached=4), 1e-3, "inconclusive"),
        # PIECES_SHARE
        (replace(MANY, n_calls_split=400), 1e-3, "preemptible"),
        (replace(MANY, n_calls_split=399), 1e-3, "inconclusive"),
        # SPLIT_SHARE
        (replace(MANY, n_calls_split=81, n_waited=9), 1e-3, "inconclusive"),
        (replace(MANY, n_calls_split=79, n_waited=9), 1e-3, "holds"),
        # MANY_STOPS
        (replace(WRAPPED, n_waited=3), 1e-3, "holds"),
        (replace(WRAPPED, n_waited=2), 1e-3, "inconclusive"),
        # FEW_STOPS and LONG_S
        (replace(WRAPPED, n_waited=1), 0.021, "holds"),
        (replace(WRAPPED, n_waited=0), 0.021, "inconclusive"),
        (replace(WRAPPED, n_waited=2), 0.019, "inconclusive"),
    ],
)
def test_a_verdict_without_a_gil_changes_at_its_share(
    evidence: Evidence, call_s: float, verdict: str
) -> None:
    """Of the looks and of the stops of the world."""
    controls = compare_attached_controls(DETACHES, BLOCKED, STOPPED)
    assert (
        decide_attached(evidence, controls, call_s=call_s, clock_s=call_s)[0] == verdict
    )


@pytest.mark.parametrize(
    ("fraction", "first_s", "call_s", "n_notes"),
    [
        # TOKEN_SHARE
        (0.099, 1e-3, 1e-3, 1),
        (0.101, 1e-3, 1e-3, 0),
        # FIRST_S
        (1.0, 1.01e-3, 1e-6, 1),
        (1.0, 0.99e-3, 1e-6, 0),
        # FIRST_TIMES
        (1.0, 3.01e-3, 1e-3, 1),
        (1.0, 2.99e-3, 1e-3, 0),
    ],
)
def test_a_note_is_made_from_its_threshold_on(
    fraction: float, first_s: float, call_s: float, n_notes: int
) -> None:
    """Of a token release, and of a first call that held for long."""
    first = FirstCall(first_s, 0, Figure(first_s, first_s, first_s))
    figure = Figure(fraction, fraction, fraction)
    assert len([*find_notes(RELEASER, figure, call_s=call_s, first=first)]) == n_notes


@pytest.mark.parametrize(
    ("marks_us", "places", "is_split"),
    [
        # ONCE_SHARE
        ([0, 545, 1000], "a", True),
        ([0, 555, 1000], "a", False),
        # OFTEN_SHARE, and TWO_STEPS: with two steps the share is the smaller one
        ([0, 595, 800, 1000], "ab", True),
        ([0, 605, 800, 1000], "ab", False),
        ([0, 595, 600, 1000], "ab", False),
        # PIECE_SHARE: the first piece is work, or comes before it
        ([0, 51, 540, 1000], "ab", True),
        ([0, 49, 540, 1000], "ab", False),
        # LOOP_NS
        ([0, 10, 111, 500], "aa", True),
        ([0, 10, 109, 500], "aa", False),
        # LOOP_SHARE
        ([0, 10, 211, 2000], "aa", True),
        ([0, 10, 209, 2000], "aa", False),
    ],
)
def test_a_call_is_split_from_its_threshold_on(
    marks_us: list[int], places: str, is_split: bool
) -> None:
    """By its longest piece, or by what lies between two visits of one place."""
    assert weigh_marks([US * mark for mark in marks_us], places) is is_split


@pytest.mark.parametrize(("computed_us", "is_split"), [(299, False), (301, True)])
def test_a_call_computes_if_it_does_so_for_three_tenths(
    computed_us: int, is_split: bool
) -> None:
    """COMPUTING_SHARE: with less the clock tells where it was interrupted."""
    note = Tick(995 * US, progress=150 * US)
    ends = Tick(0, progress=0), Tick(0, progress=computed_us * US)
    call = Window((0, 1000 * US), [note], None, *ends)
    assert weigh_interruptions([call], 1000 * US) == [is_split]


@pytest.mark.parametrize(("high", "is_told"), [(899, True), (901, False)])
def test_a_range_of_nine_tenths_says_nothing(high: int, is_told: bool) -> None:
    """RANGE_MAX."""
    phases = [Phase(free_ns=1000 - high, unplaced_ns=high)]
    estimate = Estimate(1000, 1, phases, 0, HoldEstimate(0, 0, 0))
    assert (estimate_fraction([estimate]) is not None) == is_told


@pytest.mark.parametrize(("n_calls", "counts"), [(49, False), (51, True)])
def test_a_window_counts_if_it_has_half_of_the_calls_of_the_largest(
    n_calls: int, counts: bool
) -> None:
    """FULL_WINDOW."""
    largest = Estimate(1000, 100, [Phase(0, 100)], 0, HoldEstimate(0, 0, 0))
    other = largest._replace(n_calls=n_calls, phases=[Phase(100, 0)])
    found = estimate_fraction([largest, other])
    assert found is not None
    assert (found.value < 1) == counts


@pytest.mark.parametrize(("computed_us", "held_us"), [(899, 1000), (901, 901)])
def test_a_call_that_computes_for_nine_tenths_does_nothing_else(
    computed_us: int, held_us: int
) -> None:
    """ALL_COMPUTING: what it computed is then its time, in other windows too."""
    less, most = (
        Window((0, 1000 * US), [], False, Tick(0, computed=0), Tick(0, computed=end_us))
        for end_us in (500 * US, computed_us * US)
    )
    found = estimate_windows([less, most], DELAYS)
    assert found[1].longest.high == held_us * US
    assert found[0].longest.high == (500 if computed_us > 900 else 1000) * US


@pytest.mark.parametrize(("call_us", "is_short"), [(999, True), (1001, False)])
def test_short_calls_are_looked_at_after_pauses_of_a_whole_number_of_calls(
    call_us: int, is_short: bool
) -> None:
    """SAMPLED_NS: so each part of a call is met alike."""
    pauses_us = [1e6 * pause_s for pause_s in islice(spread_pauses(call_us * US), 500)]
    if not is_short:
        assert set(map(round, pauses_us)) == {50}
        return
    places = sorted((pause_us - 50) / call_us % 1 for pause_us in pauses_us)
    steps = [after - before for before, after in pairwise([0, *places, 1])]
    assert max(steps) < 0.04
