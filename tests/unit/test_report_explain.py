"""What a report says in words: every sentence is chosen by figures."""

import dataclasses
from pathlib import Path

import pytest

from compare.model import BackendResult, Parallel
from compare.render.answers import (
    TECHNOLOGIES,
    UNKNOWN,
    answer_for,
    describe_gain,
    describe_gil,
    explain_backend,
)
from gilscope.render.results import ATTACHED_DEEDS, DEEDS
from gilscope.stats import Figure
from gilscope.timing.rounds import is_usable
from tests.unit.sample_reports import make_gil, make_report

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "technology", [item for item in TECHNOLOGIES if item.construct]
)
def test_the_quoted_line_releases_the_gil_in_the_source(technology) -> None:
    """It stands between the two comments that mark the region."""
    text = (ROOT / technology.source).read_text(encoding="utf-8")
    region = text.partition("GIL released from here.")[2]
    region = region.partition("GIL held again from here.")[0]
    assert technology.construct in region


def make_parallel(
    speedup: tuple[float, float, float],
    concurrency: str = "parallel",
    processes: tuple[float, float, float] | None = (1.95, 1.92, 1.97),
    amdahl: float | None = 1.9,
) -> Parallel:
    found = make_report(long=False)["pyo3"].parallel
    assert found is not None
    pair = dataclasses.replace(
        found.pair,
        speedup=Figure(*speedup),
        concurrency=concurrency,
        process_speedup=Figure(*processes) if processes else None,
        amdahl=amdahl,
    )
    return dataclasses.replace(found, rows=(pair,))


@pytest.mark.parametrize(
    ("parallel", "word"),
    [
        (make_parallel((1.9, 1.85, 1.95)), "doubles"),
        (make_parallel((1.8, 1.75, 1.85)), "doubles"),
        (make_parallel((1.79, 1.7, 1.85)), "79%"),
        (make_parallel((1.2, 1.15, 1.25)), "20%"),
        (make_parallel((1.2, 0.95, 1.25)), "could not be told"),
        (make_parallel((1.2, 0.95, 1.25), "serialized"), "nothing"),
        (make_parallel((1.05, 1.02, 1.08)), "nothing"),
        (make_parallel((0.8, 0.7, 0.85)), "slower"),
        (make_parallel((1.0, 0.98, 1.02), "serialized"), "nothing"),
        (make_parallel((1.3, 1.2, 1.4), "serialized"), "little"),
        (make_parallel((1.9, 1.85, 1.95), "unclear"), "could not be told"),
        (make_parallel((1.9, 1.85, 1.95), processes=(1.1, 0.9, 1.3)), "no second core"),
        (make_parallel((1.9, 1.85, 1.95), processes=None), "doubles"),
        (make_parallel((1, 0.9, 1.2), processes=(1, 1, 1), amdahl=1), "nothing"),
        (make_parallel((1, 0.9, 1.2), processes=(1, 1, 1), amdahl=1.2), "no second"),
        (make_parallel((1, 0.9, 1.2), processes=(1, 1, 1), amdahl=None), "no second"),
    ],
)
def test_the_gain_is_said_by_figures_and_ranges(parallel, word) -> None:
    """A range that has 1 and a gain in it tells nothing, nor does a busy machine."""
    assert word in describe_gain(parallel)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [((1.95, 1.9, 2.0), True), ((1.2, 0.99, 1.3), False), ((1.05, 1.02, 1.1), False)],
)
def test_speedups_are_usable_if_two_processes_gained(processes, expected) -> None:
    """By the range of what two processes reached, and by a margin that matters."""
    pair = make_parallel((1.0, 1.0, 1.0), processes=processes).pair
    assert is_usable(pair) == expected


@pytest.mark.parametrize("status", ["wrong", "failed", "crashed", "timeout"])
def test_a_backend_that_is_not_ok_is_answered_by_its_status(status) -> None:
    """With the first line of the reason, and no figure that might mislead."""
    result = dataclasses.replace(
        make_report()["pyo3"], status=status, reason="why.\nstack"
    )
    answer = answer_for(result)
    assert (answer.word, answer.tone) == (status, "bad")
    assert answer.text.startswith("pyo3 ")
    assert answer.text.endswith(": why")


@pytest.mark.parametrize(
    "scenario", ["gil", "parallel", "handoff", "contention", "correctness", "sweep"]
)
def test_a_report_of_one_scenario_has_an_answer(scenario) -> None:
    """Whatever was asked for, the first sentence is about it."""
    whole = make_report()["pyo3"]
    result = BackendResult("pyo3", "ok", **{scenario: getattr(whole, scenario)})
    texts = {answer_for(one).text for one in (result, BackendResult("pyo3", "ok"))}
    assert len(texts) == 2
    assert all(text.startswith("pyo3") for text in texts)


@pytest.mark.parametrize("verdict", DEEDS)
@pytest.mark.parametrize("has_gil", [True, False])
def test_every_verdict_has_words_with_a_gil_and_without(verdict, has_gil) -> None:
    """On a free-threaded build there is nothing to release."""
    found = make_gil(verdict)
    where = dataclasses.replace(
        found.check.environment, meaning="gil" if has_gil else "attached"
    )
    check = dataclasses.replace(found.check, environment=where)
    words = DEEDS if has_gil else ATTACHED_DEEDS
    assert describe_gil(dataclasses.replace(found, check=check)) == words[verdict]


def test_a_backend_that_was_never_loaded_is_not_explained() -> None:
    """Nothing is known about it."""
    assert explain_backend(BackendResult("pyo3", "unavailable", "not built")) == ()


def test_a_fifth_backend_is_explained_too() -> None:
    """Of an unknown technology nothing is made up; of a known one no file is named."""
    result = make_report()["pyo3"]
    unknown, known = (
        {note.heading: note.text for note in explain_backend(other)}
        for other in (
            dataclasses.replace(result, name="mine", technology="Zig"),
            dataclasses.replace(result, name="mine"),
        )
    )
    assert UNKNOWN.region[1:] in unknown["Where it releases the GIL"]
    assert "lib.rs" not in known["Where it releases the GIL"]
    assert "`Python::detach`" in known["Where it releases the GIL"]
