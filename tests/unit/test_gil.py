"""The scenario gil: verdicts on implementations, against what they declare."""

from dataclasses import replace

import pytest

from compare.contract import Contract, Implementation
from compare.double_list.contract import adopt
from compare.scenarios import NotApplicable, Options
from compare.scenarios.gil import find_contradictions, find_doubts, run
from gilscope.stats import Figure
from tests.looks import look_until
from tests.unit.sample_reports import make_check

HOLDS = make_check("holds")
RELEASES = make_check("releases")


def test_a_backend_is_as_it_declares(backend):
    found = look_until(
        # By the clock: a busy machine may lengthen what is not the kernel.
        lambda each: (each.traced_fraction or 0) > 0.5,
        lambda: run(adopt(backend), Options(quick=True)),
    )
    assert found.contradictions == ()
    assert found.failures == ()
    assert found.held_check is not None
    verdicts = found.verdict, found.held_check.verdict
    expected = ("releases", "holds") if backend.releases_gil else ("preemptible",) * 2
    assert "inconclusive" in verdicts or verdicts == expected
    assert found.traced_fraction is not None
    assert found.traced_fraction > 0.5


def test_without_sizes_there_is_nothing_to_check():
    implementation = Implementation("sum", sum, Contract())
    with pytest.raises(NotApplicable, match="no sizes"):
        run(implementation, Options(quick=True))


@pytest.mark.parametrize(
    ("declared", "own", "twin", "n_contradictions"),
    [
        pytest.param(True, "releases", "holds", 0, id="as declared"),
        pytest.param(True, "releases", None, 0, id="no twin"),
        pytest.param(None, "holds", None, 0, id="declares nothing"),
        pytest.param(None, "releases", "holds", 0, id="declares nothing, releases"),
        pytest.param(True, "holds", "holds", 1, id="holds"),
        pytest.param(True, "varies", "holds", 1, id="holds at times"),
        pytest.param(True, "preemptible", "preemptible", 1, id="Python"),
        pytest.param(False, "preemptible", "preemptible", 0, id="honest"),
        pytest.param(False, "releases", "holds", 1, id="releases unasked"),
        pytest.param(True, "releases", "releases", 1, id="never holds"),
        pytest.param(True, "inconclusive", "inconclusive", 0, id="inconclusive"),
    ],
)
def test_contradictions(declared, own, twin, n_contradictions):
    full = Figure(0.99, 0.98, 1.0)
    checks = [
        name and replace(HOLDS, verdict=name, released_fraction=full)
        for name in (own, twin)
    ]
    assert len([*find_contradictions(declared, *checks, 0.98)]) == n_contradictions


@pytest.mark.parametrize(
    ("fraction", "traced_fraction", "n_contradictions"),
    [
        (Figure(0.1, 0.0, 0.4), 0.98, 1),
        # Its range does not bear it, or it was not seen.
        (Figure(0.1, 0.0, 0.5), 0.98, 0),
        (None, 0.98, 0),
        # The kernel is no larger, or not known: a short release is one.
        (Figure(0.1, 0.0, 0.4), 0.7, 0),
        (Figure(0.1, 0.0, 0.4), None, 0),
    ],
)
def test_a_token_release_is_told_by_its_range(
    fraction, traced_fraction, n_contradictions
):
    check = replace(RELEASES, released_fraction=fraction)
    found = [*find_contradictions(True, check, HOLDS, traced_fraction)]
    assert len(found) == n_contradictions
    assert [*find_contradictions(None, check, HOLDS, traced_fraction)] == []


def test_what_is_left_open_is_a_warning():
    unknown = replace(HOLDS, verdict="inconclusive", name="x", reason="so")
    assert [*find_doubts(RELEASES, HOLDS)] == [*find_doubts(RELEASES, None)] == []
    unseen = replace(RELEASES, released_fraction=None)
    assert len([*find_doubts(unseen, HOLDS)]) == 1
    assert [*find_doubts(unknown, HOLDS)] == ["x: so"]
    assert [*find_doubts(RELEASES, unknown)] == ["x: so"]
