"""What a release costs short calls, from fixed rounds."""

import pytest

from compare.model import ContentionRow
from compare.scenarios.contention import Round, describe, find_doubts, summarize_size
from gilscope.stats import Figure

QUICK = [1e-6] * 99
RELEASED = Round(alone=[1e-6] * 100, beside=[*QUICK, 5e-3], partner=0.98)
HELD = Round(alone=[1e-6] * 100, beside=[2e-6] * 50, partner=0.5)


def make_row() -> ContentionRow:
    """Return the row of calls of which one in a hundred waits for 5 ms."""
    return summarize_size(10, [RELEASED] * 3, [HELD] * 3)


def test_the_mean_shows_what_the_median_hides() -> None:
    """One call in a hundred that waits makes all of them slow on average."""
    row = make_row()
    assert row.alone_s == pytest.approx(1e-6)
    assert row.contended_s == pytest.approx((99e-6 + 5e-3) / 100)
    slowdown = row.slowdown
    ends = (slowdown.value, slowdown.low, slowdown.high)
    assert ends == pytest.approx((50.99, 50.99, 50.99))
    assert row.held_slowdown.value == pytest.approx(2.0)
    assert (row.size, row.n_calls) == (10, 300)
    assert row.contended_median_s == pytest.approx(1e-6)
    assert row.contended_p99_s == pytest.approx(1e-6)
    assert row.busy_thread_speed == Figure(0.98, 0.98, 0.98)
    assert row.busy_thread_speed_held.value == 0.5


def test_rare_waits_are_in_the_99th_percentile() -> None:
    """Two calls in a hundred that wait are."""
    often = Round(alone=[1e-6] * 100, beside=[*QUICK[1:], 5e-3, 5e-3], partner=1.0)
    assert summarize_size(10, [often], [HELD]).contended_p99_s == 5e-3


def test_the_cost_in_words() -> None:
    """What a call costs alone and beside, what the other thread keeps."""
    often = Round(alone=[1e-6] * 100, beside=[*QUICK[1:], 5e-3, 5e-3], partner=1.0)
    row = summarize_size(10, [often] * 3, [HELD] * 3)
    assert describe([row], 5e-3, has_gil=True) == (
        (
            "n=10: 101 times as long beside a Python thread that computes, 2 times "
            "with release_gil=False (1 us alone, 101 us beside, 99th percentile 5 ms; "
            "range 101 to 101 times); the other thread keeps 100% of its speed"
        ),
        (
            "each time the GIL is given away, getting it back can cost a switch "
            "interval (5 ms here)"
        ),
    )


def test_no_difference_is_said_where_none_was_seen() -> None:
    """A free-threaded build has no GIL to wait for."""
    same = Round(alone=[1e-6] * 10, beside=[1e-6] * 10, partner=1.0)
    row = summarize_size(10, [same] * 3, [same] * 3)
    findings = describe([row], 5e-3, has_gil=False)
    assert findings[0].startswith("n=10: no difference seen beside a Python thread")
    assert findings[1] == "there is no GIL here that a call could have to wait for"
    assert len(describe([row], 5e-3, has_gil=True)) == 1


def test_unsteady_times_alone_are_doubted() -> None:
    """The size is named, and steady ones are not."""
    slow = Round(alone=[2e-6], beside=[2e-6], partner=1.0)
    doubts = find_doubts({10: [RELEASED] * 3, 1000: [RELEASED, slow, slow]})
    assert doubts == (
        (
            "microseconds of a call of n=1000 varies from round to round: "
            "2.00, range 1.00 to 2.00"
        ),
    )
