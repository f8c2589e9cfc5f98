"""A report: its verdict, its JSON in both directions, its transcript."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from compare import Report
from compare.model import PARTNER, BackendResult, Correctness, Event, Handoff
from compare.render.timeline import render_transcript, was_released
from gilscope.model import Environment

ENVIRONMENT = Environment(
    python="3.13.2",
    implementation="CPython",
    free_threaded_build=False,
    gil_enabled=True,
    cpu_count=4,
    cpus_allowed=2,
    cpu_quota=1.5,
    load_average=0.1 + 0.2,
    platform="Linux",
    machine="x86_64",
    switch_interval_s=0.005,
    gilscope="0.1.0",
    started_at="2026-01-02T03:04:05+00:00",
    warnings=("the CPU quota is 1.50 CPUs: two threads are throttled",),
)
HANDOFF = Handoff(
    results=((2, 4, 2**62), None),
    events=(
        Event(0.0, PARTNER, "enter"),
        Event(0.0, PARTNER, "sleep"),
        Event(0.0001, "pyo3", "enter"),
        Event(0.0002, "pyo3", "release"),
        Event(0.1002, PARTNER, "exit"),
        Event(1.0, "pyo3", "kernel_end"),
        Event(1.005, "pyo3", "acquire"),
        Event(2.005, "pyo3", "exit"),
    ),
    released_s=1.0,
    waiting_s=0.005,
    held_s=1.0,
    partner_progress_released=0.987,
    partner_progress_held=0.0,
    partner_sleep_s=0.1,
    ticks_s=(0.1, 1 / 3),
)
PYO3 = BackendResult(
    "pyo3",
    "ok",
    technology="Rust through PyO3, Python::detach",
    declared=True,
    build_info={"profile": "release", "free_threaded": False, "flags": ["-O3"]},
    elapsed_s=3.25,
    correctness=Correctness(100, 0),
    handoff=HANDOFF,
)
CYTHON = BackendResult("cython", "unavailable", "not built: run: make build")


def make_report(*backends: BackendResult, **fields: Any) -> Report:
    """Return a report of these backends."""
    scenarios = ("correctness", "handoff")
    return Report(ENVIRONMENT, backends, scenarios, **fields)


# --- The verdict of the whole ---------------------------------------------------------


def test_all_ok_is_ok() -> None:
    """A report whose backends are all ok is ok."""
    assert make_report(PYO3).ok
    assert make_report(PYO3, asked=("pyo3",)).ok


def test_a_missing_backend_counts_only_if_it_was_named() -> None:
    """What is not built spoils a report only if it was asked for by name."""
    assert make_report(CYTHON, PYO3).ok
    assert not make_report(CYTHON, PYO3, asked=("cython", "pyo3")).ok


@pytest.mark.parametrize("status", ["wrong", "failed", "crashed", "timeout"])
def test_anything_else_is_not_ok(status: Any) -> None:
    """One backend with which something is wrong spoils the report."""
    assert not make_report(PYO3, dataclasses.replace(CYTHON, status=status)).ok


# --- Looking things up ----------------------------------------------------------------


def test_results_are_had_by_name_and_in_order() -> None:
    """A report is indexed by name and iterated in its order."""
    report = make_report(CYTHON, PYO3)
    assert report["pyo3"] is PYO3
    assert [*report] == [CYTHON, PYO3]
    assert len(report) == 2
    with pytest.raises(KeyError, match="expected one of cython, pyo3"):
        report["rust"]


# --- JSON -----------------------------------------------------------------------------


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    """A report survives JSON exactly, as text and as a file of either kind of path."""
    report = make_report(CYTHON, PYO3, asked=("cython", "pyo3"), quick=True)
    path = tmp_path / "report.json"
    text = report.to_json(path)
    assert Report.from_json(text) == report
    assert Report.from_json(path) == report
    assert Report.from_json(str(path)) == report
    assert Report.from_dict(report.to_dict()) == report
    assert json.loads(text) == report.to_dict()


def test_json_has_the_promised_fields() -> None:
    """Schema 2 names everything as promised; what was not asked for is null."""
    content = make_report(CYTHON, PYO3).to_dict()
    assert content["schema"] == 2
    assert {
        "python",
        "free_threaded_build",
        "gil_enabled",
        "cpu_count",
        "platform",
    } <= {*content["environment"]}
    cython, pyo3 = content["backends"]
    assert (cython["name"], cython["status"], cython["reason"]) == (
        "cython",
        "unavailable",
        "not built: run: make build",
    )
    assert cython["correctness"] is cython["handoff"] is cython["parallel"] is None
    assert cython["gil"] is cython["contention"] is None
    assert pyo3["correctness"] == {"passed": 100, "failed": 0, "failures": []}
    assert pyo3["handoff"]["results"] == [[2, 4, 2**62], None]
    assert pyo3["declared"] is True


def test_unknown_fields_are_let_be() -> None:
    """A later version may add fields without another schema."""
    content = make_report(PYO3).to_dict()
    content["later"] = content["backends"][0]["later"] = 1
    assert Report.from_dict(content) == make_report(PYO3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "expected JSON"),
        ("{}", "expected schema 2 or 1, got none"),
        ("[]", "expected schema 2 or 1, got none"),
        ('{"schema": 7}', "expected schema 2 or 1, got 7"),
        ('{"schema": true}', "expected schema 2 or 1, got True"),
        ('{"schema": 2}', "expected the field 'environment', got none"),
        ('{"schema": 1}', "expected the field 'environment', got none"),
    ],
)
def test_what_is_no_report_is_refused(text: str, words: str) -> None:
    """Anything that is no report of schema 2 is a ValueError that says why."""
    with pytest.raises(ValueError, match=words):
        Report.from_json(text)


def test_a_field_of_a_wrong_type_is_named() -> None:
    """The message names the field that cannot be read."""
    content = make_report(PYO3).to_dict()
    content["backends"][0]["correctness"]["passed"] = "many"
    with pytest.raises(ValueError, match=r"backends\[0\]\.correctness\.passed"):
        Report.from_dict(content)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """A path that is not there is reported as every other one."""
    with pytest.raises(FileNotFoundError):
        Report.from_json(tmp_path / "nothing.json")


# --- The lecture's lines --------------------------------------------------------------


def test_the_transcript_is_the_lectures(golden) -> None:
    """The lines are the lecture's, in the order and at the times of the events."""
    golden("transcript.txt", render_transcript(PYO3) + "\n")


def test_the_transcript_has_no_release_that_was_not_seen() -> None:
    """Without the events the lines are not there, and the reader is told."""
    events = tuple(
        event for event in HANDOFF.events if event.name not in ("release", "acquire")
    )
    handoff = dataclasses.replace(HANDOFF, events=events)
    text = render_transcript(dataclasses.replace(PYO3, handoff=handoff))
    assert "Release GIL" not in text
    assert "Acquire GIL" not in text
    assert not was_released(handoff)


def test_the_transcript_of_a_bad_trace_tells_what_is_known() -> None:
    """Without stamps there are the partner's events, the results and the failure."""
    handoff = dataclasses.replace(
        HANDOFF,
        events=tuple(event for event in HANDOFF.events if event.actor == PARTNER),
        partner_progress_released=None,
        partner_progress_held=None,
        failures=("1.9 trace: expected one entry, got 0",),
    )
    text = render_transcript(dataclasses.replace(PYO3, handoff=handoff))
    assert "Rust: Enter" not in text
    assert text.splitlines()[-1] == "wrong: 1.9 trace: expected one entry, got 0"
