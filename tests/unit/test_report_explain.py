"""What a report says in words, from fixed results."""

import dataclasses
from pathlib import Path

import pytest

from compare.model import BackendResult, Report
from compare.render.explain import explain_backend, explain_report
from compare.render.technology import TECHNOLOGIES
from gilscope.stats import Figure
from tests.unit.sample_reports import make_environment, make_gil, make_report

ROOT = Path(__file__).parents[2]


def explain(result: BackendResult) -> dict[str, str]:
    explanation = explain_backend(result, make_environment())
    return {"answer": explanation.answer, **dict(explanation.paragraphs)}


@pytest.mark.parametrize(
    "technology", [item for item in TECHNOLOGIES if item.construct]
)
def test_the_quoted_line_releases_the_gil_in_the_source(technology) -> None:
    """It stands between the two comments that mark the region."""
    text = (ROOT / technology.source).read_text(encoding="utf-8")
    region = text.partition("GIL released from here.")[2]
    region = region.partition("GIL held again from here.")[0]
    assert technology.construct in region


def test_the_answer_is_verdict_and_gain() -> None:
    """One sentence, with the bound and what the machine gave."""
    report = make_report()
    assert explain(report["pyo3"])["answer"] == (
        "pyo3 releases the GIL: two calls in two threads run in parallel (1.93 times "
        "as fast as one after the other; at most 1.99 by its held fraction; "
        "two processes 1.95)."
    )
    assert explain(report["python"])["answer"] == (
        "python never gives the GIL away, but others can interrupt it: two calls in "
        "two threads are serialized (1.00 times as fast as one after the other)."
    )


@pytest.mark.parametrize(
    ("status", "reason", "answer"),
    [
        ("wrong", "a\nb", "pyo3 cannot be relied on: a."),
        (
            "failed",
            "handoff raised ValueError.",
            "pyo3 raised an error: handoff raised ValueError.",
        ),
        (
            "crashed",
            "gil ended with SIGSEGV\nstack",
            "pyo3 crashed: gil ended with SIGSEGV.",
        ),
        ("timeout", "", "pyo3 did not end in time."),
        ("unavailable", "not built", "pyo3 was not compared: not built."),
    ],
)
def test_the_answer_of_a_backend_that_is_not_ok(status, reason, answer) -> None:
    """Status and first line of the reason, and no figure that might mislead."""
    result = dataclasses.replace(make_report()["pyo3"], status=status, reason=reason)
    assert explain(result)["answer"] == answer


def test_a_backend_that_was_never_loaded_has_an_answer_only() -> None:
    """Nothing is known about it, so nothing is explained."""
    result = BackendResult("pyo3", "unavailable", "not built", declared=None)
    assert explain(result) == {"answer": "pyo3 was not compared: not built."}


def test_without_a_gil_the_words_are_of_attachment() -> None:
    """On a free-threaded build there is nothing to release."""
    environment = dataclasses.replace(make_environment(), gil_enabled=False)
    report = make_report()
    answers = [explain_backend(result, environment).answer for result in report]
    assert answers[3].startswith("pyo3 detaches, so that nothing has to wait")
    assert not any("releases the GIL" in answer for answer in answers)


def test_each_technology_has_its_own_terms() -> None:
    """The line that releases, and what to change in one's own code."""
    found = {result.name: explain(result) for result in make_report()}
    head, own = "Where it releases the GIL", "In your own code"
    assert "`py.detach(run_kernel)` in pyo3_backend/src/lib.rs" in found["pyo3"][head]
    assert "allow_threads" in found["pyo3"][head]
    assert "`with nogil:`" in found["cython"][head]
    assert "no line of the source asks for it" in found["cffi"][head]
    assert "No line of its source releases" in found["python"][head]
    assert "To hold the GIL" not in found["python"][head]
    assert "py.detach(|| ...)" in found["pyo3"][own]
    assert "memoryviews" in found["cython"][own]
    assert "one call for a whole buffer" in found["cffi"][own]
    assert "native code" in found["python"][own]


def test_a_fifth_backend_is_explained_too() -> None:
    """Of an unknown technology nothing is made up; of a known one no file is named."""
    result = make_report()["pyo3"]
    unknown = explain(dataclasses.replace(result, name="mine", technology="Zig"))
    assert "not known for this technology" in unknown["Where it releases the GIL"]
    assert "Python objects first" in unknown["In your own code"]
    known = explain(dataclasses.replace(result, name="mine"))
    assert "lib.rs" not in known["Where it releases the GIL"]
    assert "Python::detach" in known["Where it releases the GIL"]


def test_what_the_other_thread_did() -> None:
    """Speed of Python code in each phase, and the wait between them."""
    assert explain(make_report()["pyo3"])["Meanwhile"] == (
        "While its kernel and sleep ran (600 ms), Python code beside it ran at 98% of "
        "its speed alone. While it kept the GIL (300 ms), Python code beside it ran at "
        "0% of its speed alone. It waited 200 us to get the GIL back."
    )


@pytest.mark.parametrize(
    ("speedup", "bounds", "concurrency", "words"),
    [
        (1.93, (1.99, 1.95, 0.99), "parallel", "as good as the machine allowed"),
        (1.30, (1.33, 1.95, 0.67), "parallel", "the held fraction is what limits it"),
        (1.30, (1.99, 1.31, 0.99), "parallel", "as good as the machine allowed"),
        (1.30, (1.99, 1.95, 0.67), "parallel", "less than either bound"),
        (1.30, (None, None, None), "parallel", "with nothing to compare it with"),
        # A busy machine: no second core for the processes, or for the threads.
        (1.02, (1.99, 1.02, 0.99), "parallel", "as good as the machine allowed"),
        (1.10, (1.99, 1.60, 0.99), "parallel", "as good as the machine allowed"),
        (1.02, (1.99, 1.02, 0.99), "serialized", "for the calls are serialized"),
    ],
)
def test_what_limits_the_speedup_is_named(speedup, bounds, concurrency, words) -> None:
    """The lower of the two bounds if the speed-up is near to it, or neither.

    Serialized calls are not limited by the machine, however busy it is.
    """
    result = make_report()["pyo3"]
    assert result.parallel is not None
    amdahl, processes, beside = bounds
    pair = dataclasses.replace(
        result.parallel.pair,
        speedup=Figure(speedup, speedup - 0.02, speedup + 0.02),
        amdahl=amdahl,
        process_speedup=processes and Figure(processes, processes, processes),
        of_processes=beside and Figure(beside, beside, beside),
        concurrency=concurrency,
    )
    parallel = dataclasses.replace(result.parallel, rows=(pair,))
    text = explain(dataclasses.replace(result, parallel=parallel))["Why this speed-up"]
    assert f"Measured: {speedup:.2f}, {words}" in text


def test_advice_begins_with_what_was_found() -> None:
    """A call that holds, and one that converts for most of its time, are told so."""
    result = make_report()["pyo3"]
    holds = explain(dataclasses.replace(result, gil=make_gil("holds")))
    assert holds["In your own code"].startswith("Nothing of this call runs without")
    assert result.parallel is not None
    converts = dataclasses.replace(result.parallel, held_fraction=0.8)
    found = explain(dataclasses.replace(result, parallel=converts))
    assert found["In your own code"].startswith("80% of this call is spent")


def test_the_text_fits_80_columns_and_needs_no_scenario() -> None:
    """What was not run is left out."""
    report = make_report()
    assert max(map(len, explain_report(report).splitlines())) <= 80
    bare = Report(
        report.environment,
        (BackendResult("pyo3", "ok", declared=True, technology="Rust through PyO3"),),
    )
    text = explain_report(bare)
    assert text.startswith("pyo3 was not judged.")
    assert "Meanwhile" not in text
    seen = dataclasses.replace(report["pyo3"], gil=None, parallel=None)
    assert explain(seen)["answer"] == (
        "pyo3 was not judged; beside its kernel and sleep Python code ran at 98% of "
        "its speed alone."
    )
    assert "speed-up" not in text


def test_the_answer_of_a_sweep_is_from_when_releasing_pays() -> None:
    """Nothing else was asked there."""
    swept = make_report(long=True)["pyo3"]
    alone = BackendResult("pyo3", "ok", declared=True, sweep=swept.sweep)
    answer = explain(alone)["answer"]
    assert answer == "pyo3: releasing pays from 100 µs of work on."
