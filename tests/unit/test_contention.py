"""What a release costs short calls, in words, from fixed rows."""

import dataclasses

from compare.scenarios.contention import describe, describe_doubts
from gilscope.measurement import ContentionRow
from gilscope.stats import Figure
from gilscope.timing.calls import PlainWork
from gilscope.timing.rounds import ContentionRound, MeasuredSubject, Side

ONE = Figure(1.0, 1.0, 1.0)
ROW = ContentionRow(
    size=10,
    n_calls=300,
    alone_s=1e-6,
    contended_s=101e-6,
    slowdown=Figure(101.0, 90.0, 110.0),
    held_slowdown=Figure(2.0, 1.9, 2.1),
    alone_median_s=1e-6,
    alone_p99_s=1e-6,
    contended_median_s=1e-6,
    contended_p99_s=5e-3,
    busy_thread_speed=ONE,
    busy_thread_speed_held=Figure(0.5, 0.5, 0.5),
)


def test_the_cost_in_words() -> None:
    """What a call costs alone and beside, what the busy thread keeps."""
    assert describe([ROW], 5e-3, has_gil=True) == (
        (
            "size 10: 101 times as long beside a busy Python thread, 2 times with the "
            "GIL held (1 us alone, 101 us beside, 99th percentile 5 ms; range 90 to "
            "110 times); the busy thread keeps 100% of its speed"
        ),
        (
            "each time the GIL is released, re-acquiring it can cost a switch "
            "interval (5 ms here)"
        ),
    )


def test_no_difference_is_said_where_none_was_seen() -> None:
    """A free-threaded build has no GIL to wait for."""
    row = dataclasses.replace(ROW, slowdown=ONE, contended_p99_s=1e-6)
    findings = describe([row], 5e-3, has_gil=False)
    assert findings[0].startswith("size 10: no difference seen beside a busy Python")
    assert findings[1] == "there is no GIL here that a call could have to wait for"
    assert len(describe([row], 5e-3, has_gil=True)) == 1


def test_unsteady_times_alone_are_doubted() -> None:
    """The size is named, and steady ones are not."""
    sides = [
        Side(contention=ContentionRound([seconds], [seconds], 1.0))
        for seconds in (1e-6, 2e-6)
    ]
    subjects = [MeasuredSubject(PlainWork(sum, size=size)) for size in (10, 1000)]
    subjects[0].rounds = [sides[0]] * 3
    subjects[1].rounds = [sides[0], sides[1], sides[1]]
    doubts = describe_doubts(subjects)
    assert doubts == (
        (
            "microseconds of a call of size 1000 varies from round to round: "
            "2.00, range 1.00 to 2.00"
        ),
    )
