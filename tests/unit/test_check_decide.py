"""From counts to a verdict: fixed counts in, verdict and reason out."""

from dataclasses import replace

import pytest

from gilscope.model import Evidence, FirstCall
from gilscope.probe.decide import (
    compare_attached_controls,
    compare_controls,
    decide,
    decide_attached,
    find_notes,
)
from gilscope.stats import Figure

RELEASER = Evidence(
    n_calls=9,
    n_released=9,
    n_windows=10,
    n_windows_released=10,
    n_ticks=90,
    n_wakeups=10,
)
HOLDER = Evidence(n_calls=10, n_windows=10, n_wakeups=0, n_calls_tried=20)
LOOP = replace(HOLDER, n_calls_interrupted=20, n_calls_split=18)
KEPT = Evidence(
    n_calls=80, n_windows=88, n_wakeups=0, n_calls_tried=20, n_calls_interrupted=20
)

PIECES = replace(KEPT, python_share=0.0)
FIRST = FirstCall(1e-3, 0, Figure(1e-3, 1e-3, 1e-3))


def verdict(evidence, controls=None, call_s=1e-3, empty_s=1e-7):
    controls = controls or compare_controls(RELEASER, HOLDER, LOOP)
    return decide(evidence, controls, call_s=call_s, empty_s=empty_s)


def test_known_callables_are_told_apart():
    controls = compare_controls(RELEASER, HOLDER, LOOP)
    assert controls.told_apart
    assert controls.reason == (
        "releaser 10 of 10, holder 0 of 10, Python loop 0 of 10 and interrupted in "
        "20 of 20 calls"
    )


@pytest.mark.parametrize(
    ("releaser", "holder", "loop", "fault"),
    [
        (replace(RELEASER, n_windows_released=5), HOLDER, LOOP, "a known release was"),
        (RELEASER, replace(HOLDER, n_windows_released=1), LOOP, "a known holder let"),
        (RELEASER, replace(HOLDER, n_windows=0), LOOP, "a known holder let"),
        (RELEASER, replace(HOLDER, n_calls_interrupted=1), LOOP, "a known holder was"),
        (RELEASER, HOLDER, replace(LOOP, n_windows_released=1), "a known Python loop"),
        (RELEASER, HOLDER, HOLDER, "a Python loop could not be interrupted"),
    ],
)
def test_a_control_out_of_line_makes_every_verdict_inconclusive(
    releaser, holder, loop, fault
):
    controls = compare_controls(releaser, holder, loop)
    assert not controls.told_apart
    assert controls.reason.startswith(fault)
    found, reason = verdict(RELEASER, controls)
    assert found == "inconclusive"
    assert fault in reason


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (RELEASER, "releases"),
        (replace(RELEASER, n_released=8), "varies"),
        (replace(RELEASER, n_windows_released=9), "varies"),
        # Where wake-ups are not told, a short release may have been missed.
        (replace(RELEASER, n_released=8, n_wakeups=None), "releases"),
        (replace(KEPT, n_windows=0), "inconclusive"),
        (replace(KEPT, n_calls_interrupted=0), "holds"),
        (replace(KEPT, n_calls_tried=0), "inconclusive"),
        # One call ran Python code, and none of those tried.
        (replace(KEPT, n_calls_interrupted=0, python_share=0.5), "inconclusive"),
        # What Python code it runs was not counted.
        (replace(KEPT, runs_python=True, n_calls_split=1), "inconclusive"),
        (replace(KEPT, runs_python=True, n_calls_split=2), "preemptible"),
        (replace(KEPT, n_calls_interrupted=0, runs_python=True), "inconclusive"),
        (
            replace(KEPT, n_calls_interrupted=0, runs_python=True, python_share=0.01),
            "holds",
        ),
        (replace(KEPT, n_calls_split=1), "holds"),
        (replace(KEPT, n_calls_split=2), "preemptible"),
        (replace(KEPT, n_calls_interrupted=5, n_calls_split=1), "holds"),
        (replace(KEPT, n_calls_interrupted=1, n_calls_split=1), "preemptible"),
        (replace(KEPT, python_share=0.019), "holds"),
        (replace(KEPT, python_share=0.02), "preemptible"),
        (replace(PIECES, n_calls_split=7), "holds"),
        (replace(PIECES, n_calls_split=8), "preemptible"),
        # A greenlet that is resumed runs Python code that no tracer sees.
        (replace(PIECES, n_calls_unseen=1), "preemptible"),
    ],
)
def test_the_verdict_follows_from_the_counts(evidence, expected):
    assert verdict(evidence)[0] == expected


def test_a_call_like_nothing_is_too_short_unless_it_was_seen_to_release():
    found, reason = verdict(KEPT, call_s=1.5e-7)
    assert found == "inconclusive"
    assert reason.startswith("the call is too short to be seen: it takes 150 ns")
    assert verdict(RELEASER, call_s=1.5e-7)[0] == "releases"


@pytest.mark.parametrize(
    ("evidence", "counts"),
    [
        (RELEASER, ["9 of 9 calls", "ran 90 times"]),
        (replace(RELEASER, n_ticks=0), ["9 of 9 calls", "was woken"]),
        (replace(RELEASER, n_released=1), ["1 of 9 calls"]),
        (replace(RELEASER, n_windows_released=7), ["7 of 10 windows"]),
        (replace(KEPT, n_calls_interrupted=0), ["80 calls of 1 ms", "none of 20"]),
        (replace(KEPT, python_share=0.5), ["80 calls of 1 ms", "in 20 of 20 calls"]),
        (replace(PIECES, n_calls_split=9), ["80 calls of 1 ms", "9 of 20 calls"]),
        (PIECES, ["80 calls of 1 ms", "20 of 20 calls"]),
        (replace(PIECES, n_wakeups=None), ["no other thread ran during 80 calls"]),
    ],
)
def test_the_reason_has_its_counts(evidence, counts):
    _, reason = verdict(evidence)
    assert [count for count in counts if count not in reason] == []


@pytest.mark.parametrize(
    ("changes", "fraction", "first", "words"),
    [
        ({}, 1.0, FIRST, []),
        ({"n_released": 0}, 0.0, FIRST, []),
        ({}, None, FIRST, []),
        ({}, 0.09, FIRST, ["the GIL was free for 9.0% of the call"]),
        ({"n_unclear": 2}, 1.0, FIRST, ["2 windows were left out"]),
        ({}, 1.0, replace(FIRST, call_s=0.1), []),
        ({}, 1.0, replace(FIRST, call_s=0.101), ["the first call took 101 ms, later"]),
        (
            {},
            1.0,
            FirstCall(0.4, 0, Figure(0.4, 0.4, 0.4)),
            ["the first call kept others out for 400 ms; later ones took 1 ms"],
        ),
    ],
)
def test_notes_point_out_what_the_verdict_does_not_say(changes, fraction, first, words):
    evidence = replace(RELEASER, **changes)
    figure = None if fraction is None else Figure(fraction, fraction, fraction)
    notes = [*find_notes(evidence, figure, call_s=1e-3, first=first)]
    assert len(notes) == len(words)
    assert all(note.startswith(word) for note, word in zip(notes, words, strict=True))


def test_a_first_call_of_less_than_a_millisecond_is_nothing_to_note():
    for first_s, n_notes in ((1e-3, 0), (1.1e-3, 1)):
        first = FirstCall(first_s)
        notes = [*find_notes(RELEASER, None, call_s=1e-6, first=first)]
        assert len(notes) == n_notes


DETACHES = Evidence(n_calls=50, n_windows=10, n_looks=90, n_detached=85)
BLOCKED = Evidence(n_calls=50, n_windows=10, n_looks=200, n_waited=19, n_calls_tried=20)
STOPPED = replace(
    BLOCKED,
    n_ticks=60,
    n_waited=0,
    n_calls_interrupted=20,
    n_calls_split=8,
    runs_python=True,
    python_share=0.019,
)
STOPPED_LOOP = replace(STOPPED, python_share=0.02, n_calls_split=0)
# A C function in a Python wrapper.
WRAPPED = replace(STOPPED, n_calls_split=1, n_waited=5)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (DETACHES, "releases"),
        # Without Python code one look is proof: nobody could have stopped the call.
        (replace(BLOCKED, runs_python=False, n_detached=1), "releases"),
        (replace(BLOCKED, runs_python=False, n_looks=1, n_detached=1), "releases"),
        (replace(BLOCKED, runs_python=False), "holds"),
        # What no tracer sees: one of the stops may have begun after the call.
        (replace(BLOCKED, runs_python=False, n_calls_unseen=11), "preemptible"),
        (replace(BLOCKED, runs_python=False, n_calls_unseen=10), "holds"),
        (
            replace(BLOCKED, runs_python=False, n_calls_tried=1, n_calls_unseen=1),
            "holds",
        ),
        (
            replace(BLOCKED, runs_python=False, n_calls_tried=2, n_calls_unseen=2),
            "preemptible",
        ),
        # However few stops there were.
        (replace(BLOCKED, runs_python=False, n_calls_tried=0, n_waited=0), "holds"),
        (replace(STOPPED_LOOP, n_detached=3), "releases"),
        (replace(STOPPED_LOOP, n_detached=2), "inconclusive"),
        (replace(STOPPED, n_detached=3), "releases"),
        (replace(STOPPED, n_detached=1), "inconclusive"),
        (STOPPED_LOOP, "preemptible"),
        (replace(STOPPED_LOOP, n_calls_interrupted=0), "inconclusive"),
        (replace(STOPPED_LOOP, n_calls_interrupted=0, n_waited=9), "inconclusive"),
        (STOPPED, "preemptible"),
        # What no tracer could count.
        (replace(STOPPED, runs_python=None, python_share=None), "preemptible"),
        (WRAPPED, "holds"),
        (replace(WRAPPED, n_calls_tried=5, n_calls_interrupted=0), "inconclusive"),
        (replace(WRAPPED, n_calls_interrupted=0, n_calls_split=0), "holds"),
    ],
)
def test_without_a_gil_looks_decide_and_then_stops(evidence, expected):
    controls = compare_attached_controls(DETACHES, BLOCKED, STOPPED)
    assert controls.told_apart
    assert decide_attached(evidence, controls, call_s=1e-3, clock_s=1e-3)[0] == expected


def test_without_a_gil_the_reason_says_what_was_seen():
    controls = compare_attached_controls(DETACHES, BLOCKED, STOPPED)
    reasons = {
        DETACHES: "85 of 90 looks found 50 calls of 1 ms detached",
        replace(BLOCKED, runs_python=False): (
            "0 of 200 looks found 50 calls of 1 ms detached, and no Python code runs "
            "in which they could be stopped"
        ),
    }
    for evidence, reason in reasons.items():
        assert (
            decide_attached(evidence, controls, call_s=1e-3, clock_s=1e-3)[1] == reason
        )


@pytest.mark.parametrize(
    ("evidence", "clock_s", "expected"),
    [
        (STOPPED, 0.020, "preemptible"),
        (STOPPED, 0.021, "inconclusive"),
        (DETACHES, 0.021, "releases"),
    ],
)
def test_without_a_gil_a_call_without_a_core_is_not_seen_as_it_is(
    evidence, clock_s, expected
):
    """Its threads may be over before it comes to wait for them."""
    controls = compare_attached_controls(DETACHES, BLOCKED, STOPPED)
    found = decide_attached(evidence, controls, call_s=1e-3, clock_s=clock_s)
    assert found[0] == expected


@pytest.mark.parametrize(
    ("kinds", "fault"),
    [
        ((BLOCKED, BLOCKED, STOPPED), "a known detached call"),
        ((DETACHES, DETACHES, STOPPED), "a known attached call was found"),
        ((DETACHES, STOPPED, STOPPED), "a known attached call was stopped"),
        ((DETACHES, BLOCKED, DETACHES), "a known Python loop was found"),
        ((DETACHES, BLOCKED, BLOCKED), "a Python loop could not be stopped"),
        ((DETACHES, replace(BLOCKED, n_looks=0), STOPPED), "a known attached call"),
    ],
)
def test_without_a_gil_the_controls_have_to_be_told_apart_too(kinds, fault):
    controls = compare_attached_controls(*kinds)
    assert controls.reason.startswith(fault)
    assert (
        decide_attached(DETACHES, controls, call_s=1e-3, clock_s=1e-3)[0]
        == "inconclusive"
    )
