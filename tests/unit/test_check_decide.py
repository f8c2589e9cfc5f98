"""From counts to a verdict: fixed counts in, verdict and reason out."""

from dataclasses import replace

import pytest

from compare.model import Evidence
from gilscope.probe.decide import (
    compare_attached_controls,
    compare_controls,
    decide,
    decide_attached,
    find_notes,
)

RELEASER = Evidence(n_calls=50, n_windows=10, n_windows_released=10, n_ticks=90)
HOLDER = Evidence(n_calls=50, n_windows=10, n_calls_tried=20)
LOOP = replace(HOLDER, n_calls_entered=20, n_calls_interrupted=18)
KEPT = Evidence(n_calls=80, n_windows=8, n_wakeups=0, runs_python=True)

PIECES = replace(KEPT, python_share=0.0, n_calls_entered=20)


def verdict(evidence, controls=None, call_s=1e-3, empty_s=1e-7):
    controls = controls or compare_controls(RELEASER, HOLDER, LOOP)
    return decide(evidence, controls, call_s=call_s, empty_s=empty_s)


def test_known_callables_are_told_apart():
    controls = compare_controls(RELEASER, HOLDER, LOOP)
    assert controls.told_apart
    assert controls.reason == (
        "releaser 10 of 10, holder 0 of 10, Python loop 0 of 10 and interrupted in "
        "18 of 20 calls"
    )


@pytest.mark.parametrize(
    ("releaser", "holder", "loop", "fault"),
    [
        (replace(RELEASER, n_windows_released=4), HOLDER, LOOP, "a known release was"),
        (RELEASER, replace(HOLDER, n_windows_released=1), LOOP, "a known holder let"),
        (RELEASER, replace(HOLDER, n_calls_entered=1), LOOP, "a known holder was ent"),
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
        (replace(KEPT, n_windows_released=1, n_wakeups=1), "releases"),
        (replace(KEPT, runs_python=False), "holds"),
        (replace(KEPT, runs_python=False, n_calls_entered=3), "releases"),
        (replace(KEPT, n_calls_tried=9), "holds"),
        (replace(KEPT, n_calls_entered=9), "holds"),
        (replace(KEPT, n_calls_entered=20, n_calls_interrupted=1), "holds"),
        (replace(KEPT, n_calls_entered=5, n_calls_interrupted=1), "holds"),
        (replace(KEPT, n_calls_entered=1, n_calls_interrupted=1), "preemptible"),
        (replace(KEPT, python_share=0.009, n_calls_entered=20), "holds"),
        (replace(KEPT, python_share=0.01, n_calls_entered=20), "preemptible"),
        (replace(PIECES, n_calls_interrupted=4), "holds"),
        (replace(PIECES, n_calls_interrupted=5), "preemptible"),
        (replace(KEPT, n_calls_entered=20, n_calls_interrupted=2), "preemptible"),
    ],
)
def test_the_verdict_follows_from_the_counts(evidence, expected):
    assert verdict(evidence)[0] == expected


def test_a_call_like_nothing_is_too_short_unless_it_was_seen_to_release():
    found, reason = verdict(KEPT, call_s=1.5e-7)
    assert found == "inconclusive"
    assert reason.startswith("the call is too short to be seen: it takes 150 ns")
    assert verdict(RELEASER, call_s=1.5e-7)[0] == "releases"


def test_without_the_kernel_the_reason_claims_only_what_was_seen():
    assert "never gave the GIL away" in verdict(KEPT)[1]
    assert "no other thread ran" in verdict(replace(KEPT, n_wakeups=None))[1]


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (
            RELEASER,
            "another thread ran 90 times inside 50 calls that nobody could interrupt",
        ),
        (
            replace(KEPT, n_windows_released=1),
            (
                "another thread was woken to take the GIL inside 80 calls that nobody "
                "could interrupt, in 1 of 8 stretches"
            ),
        ),
        (
            replace(KEPT, runs_python=False),
            (
                "80 calls of 1 ms never gave the GIL away, and they run no Python code "
                "that others can interrupt"
            ),
        ),
        (
            replace(KEPT, n_calls_tried=9),
            (
                "80 calls of 1 ms never gave the GIL away, and none of 9 tried could "
                "be interrupted"
            ),
        ),
    ],
)
def test_the_reason_says_what_was_seen(evidence, reason):
    assert verdict(evidence)[1] == reason


@pytest.mark.parametrize(
    ("n_released", "fraction", "first_s", "words"),
    [
        (8, 1.0, 1e-3, []),
        (0, 0.0, 1e-3, []),
        (0, None, 1e-3, []),
        (7, 0.1, 1e-3, ["the calls differ: 7 of 8 stretches"]),
        (8, 0.09, 1e-3, ["the GIL was free for 9.0% of the call"]),
        (8, None, 0.1, []),
        (8, 1.0, 0.101, ["the first call took 101 ms, later ones 1 ms"]),
    ],
)
def test_notes_point_out_what_the_verdict_does_not_say(
    n_released, fraction, first_s, words
):
    evidence = replace(KEPT, n_windows_released=n_released)
    notes = [*find_notes(evidence, fraction, call_s=1e-3, first_s=first_s)]
    assert len(notes) == len(words)
    assert all(note.startswith(word) for note, word in zip(notes, words, strict=True))


def test_a_first_call_of_less_than_a_millisecond_is_nothing_to_note():
    for first_s, n_notes in ((1e-3, 0), (1.1e-3, 1)):
        notes = [*find_notes(RELEASER, 1.0, call_s=1e-6, first_s=first_s)]
        assert len(notes) == n_notes


FREE = Evidence(n_calls=50, n_windows=10, n_ticks=90, n_unhindered=85, n_stopped=1)
BLOCKED = Evidence(n_calls=50, n_windows=10, n_unhindered=0, n_calls_tried=10)
STOPPED = Evidence(
    n_calls=50,
    n_windows=10,
    n_ticks=60,
    n_unhindered=1,
    n_stopped=50,
    n_calls_tried=10,
    n_calls_entered=10,
    n_calls_interrupted=9,
    runs_python=True,
)
STOPPED_LOOP = replace(STOPPED, python_share=0.02)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (FREE, "releases"),
        (replace(STOPPED_LOOP, n_unhindered=16), "preemptible"),
        (replace(STOPPED_LOOP, n_unhindered=17), "releases"),
        (replace(STOPPED_LOOP, n_unhindered=5, n_proven=5), "releases"),
        (replace(STOPPED_LOOP, n_unhindered=4, n_proven=4), "preemptible"),
        (replace(STOPPED_LOOP, n_stopped=29), "inconclusive"),
        (replace(STOPPED_LOOP, n_calls_tried=4), "inconclusive"),
        (replace(STOPPED, n_unhindered=9), "releases"),
        (replace(STOPPED, runs_python=False), "releases"),
        (STOPPED_LOOP, "preemptible"),
        (STOPPED, "inconclusive"),
        (replace(STOPPED, n_calls_interrupted=0), "holds"),
        (replace(BLOCKED, runs_python=False), "holds"),
        (replace(BLOCKED, runs_python=False, n_calls_tried=0), "inconclusive"),
        (replace(BLOCKED, runs_python=True), "holds"),
        (replace(BLOCKED, runs_python=True, n_calls_tried=4), "inconclusive"),
    ],
)
def test_without_a_gil_the_stops_decide(evidence, expected):
    controls = compare_attached_controls(FREE, BLOCKED, STOPPED)
    assert controls.told_apart
    assert decide_attached(evidence, controls, call_s=1e-3)[0] == expected


def test_without_a_gil_a_microsecond_is_too_short():
    controls = compare_attached_controls(FREE, BLOCKED, STOPPED)
    evidence = replace(BLOCKED, runs_python=False)
    for call_s, expected in ((1e-6, "inconclusive"), (20e-6, "holds")):
        assert decide_attached(evidence, controls, call_s=call_s)[0] == expected


def test_without_a_gil_the_reason_says_what_was_seen():
    controls = compare_attached_controls(FREE, BLOCKED, STOPPED)
    _, reason = decide_attached(FREE, controls, call_s=1e-3)
    assert reason == (
        "the world was stopped 90 times inside 50 calls of 1 ms; 85 of them did not "
        "stop the call, which was detached"
    )
    evidence = replace(BLOCKED, runs_python=False)
    _, reason = decide_attached(evidence, controls, call_s=1e-3)
    assert reason == (
        "whoever stops the world waits for the whole of 50 calls of 1 ms, tried in "
        "10 of 10 stretches"
    )


@pytest.mark.parametrize(
    ("kinds", "fault"),
    [
        ((BLOCKED, BLOCKED, STOPPED), "a known detached call"),
        ((replace(FREE, n_ticks=0), BLOCKED, STOPPED), "no stop was over inside a"),
        ((FREE, STOPPED, STOPPED), "a known attached call"),
        ((FREE, BLOCKED, BLOCKED), "a Python loop could not be stopped"),
    ],
)
def test_without_a_gil_the_controls_have_to_be_told_apart_too(kinds, fault):
    controls = compare_attached_controls(*kinds)
    assert controls.reason.startswith(fault)
    assert decide_attached(FREE, controls, call_s=1e-3)[0] == "inconclusive"
