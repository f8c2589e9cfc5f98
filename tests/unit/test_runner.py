"""What a worker told becomes a row: one rule decides what is wrong."""

import dataclasses
import json
import sys
from typing import Any

import pytest

from compare import worker
from compare.plan import Job, select_scenarios
from compare.run import N_WRONGS_KEPT, Outcome, judge_outcome
from compare.scenarios import DEFAULT_SCENARIOS, SCENARIOS, Options
from gilscope import channel
from gilscope.process import Written
from gilscope.record import structure

JOB = Job("mine", "mine", "my own", True, scenarios=("correctness", "handoff"))
HANDOFF = {
    "results": [[2, 4, 6], None],
    "events": [],
    "released_s": None,
    "waiting_s": None,
    "held_s": None,
    "partner_progress_released": None,
    "partner_progress_held": None,
    "partner_sleep_s": 0.1,
}


def make_outcome(**fields: Any) -> Outcome:
    """Return the outcome of a worker that went through both scenarios."""
    content = {
        "technology": "told",
        "declared": False,
        "correctness": {"passed": 2, "failed": 0, "failures": []},
        "handoff": HANDOFF,
    }
    return dataclasses.replace(Outcome(content, status="ok"), **fields)


def test_nothing_wrong_is_ok() -> None:
    """What the worker told is in the row, over what was known before."""
    row = judge_outcome(JOB, make_outcome(), 1.5)
    assert (row.name, row.status, row.reason) == ("mine", "ok", "")
    assert (row.technology, row.declared, row.elapsed_s) == ("told", False, 1.5)
    assert row.handoff is not None
    assert row.handoff.results == ((2, 4, 6), None)


def test_what_is_known_without_a_worker_is_kept() -> None:
    """A backend that could not be loaded keeps what it was registered with."""
    row = judge_outcome(JOB, Outcome(status="unavailable", reason="why"), 0.0)
    assert (row.technology, row.declared) == ("my own", True)
    assert (row.status, row.reason) == ("unavailable", "why")


@pytest.mark.parametrize("kind", ["failures", "contradictions"])
def test_any_finding_of_any_scenario_is_wrong(kind: str) -> None:
    """The one rule: failures and contradictions, whichever scenario has them."""
    content = {**make_outcome().content, "handoff": {**HANDOFF, kind: ["it lied"]}}
    row = judge_outcome(JOB, make_outcome(content=content), 0.0)
    assert (row.status, row.reason) == ("wrong", "handoff: it lied")


def test_warnings_are_not_wrong() -> None:
    """What makes figures unsure leaves the status alone."""
    content = {**make_outcome().content, "warnings": ["odd"]}
    outcome = make_outcome(content=content, stderr=Written(3, b"hm\n", b"hm\n"))
    row = judge_outcome(JOB, outcome, 0.0)
    assert row.status == "ok"
    assert row.warnings == ("odd", "wrote to standard error: 'hm' (3 bytes in all)")


def test_standard_output_is_wrong() -> None:
    """A backend that prints is wrong even if all its answers are right."""
    row = judge_outcome(
        JOB, make_outcome(stdout=Written(10**9, b"x" * 2048, b"y")), 0.0
    )
    assert row.status == "wrong"
    assert row.reason == (
        f"wrote to standard output: {'x' * 80!r} (1000000000 bytes in all)"
    )


@pytest.mark.parametrize("status", ["failed", "crashed", "timeout"])
def test_a_worse_end_outweighs_what_is_wrong(status: Any) -> None:
    """A crash stays a crash; what was wrong before it is told too."""
    correctness = {"passed": 1, "failed": 1, "failures": ["1.1 wrong"]}
    content = {**make_outcome().content, "correctness": correctness}
    outcome = make_outcome(content=content, status=status, reason="the end")
    row = judge_outcome(JOB, outcome, 0.0)
    assert (row.status, row.reason) == (status, "the end\ncorrectness: 1.1 wrong")


def test_a_reason_has_an_end() -> None:
    """Of many findings the first are told, and how many there are."""
    failures = [f"case {number}" for number in range(100)]
    correctness = {"passed": 0, "failed": 100, "failures": failures}
    content = {**make_outcome().content, "correctness": correctness}
    lines = judge_outcome(JOB, make_outcome(content=content), 0.0).reason.splitlines()
    assert len(lines) == N_WRONGS_KEPT + 1
    assert lines[-1] == f"and {100 - N_WRONGS_KEPT} more"


def test_scenarios_run_in_their_own_order() -> None:
    """The order in which they are asked for does not matter; each runs once."""
    assert select_scenarios(["handoff", "correctness", "handoff"]) == (
        "correctness",
        "handoff",
    )
    assert select_scenarios("gil") == ("gil",)
    assert select_scenarios(None) == DEFAULT_SCENARIOS
    assert select_scenarios(SCENARIOS) == SCENARIOS
    assert select_scenarios([]) == ()


def test_a_scenario_without_an_answer_is_not_ok() -> None:
    """A worker that says "ok" before its time is not believed."""
    content = make_outcome().content
    del content["handoff"]
    row = judge_outcome(JOB, make_outcome(content=content), 0.0)
    assert (row.status, row.reason) == ("failed", "no answer from handoff")


def test_a_result_that_cannot_be_read_is_a_row() -> None:
    """What is of another shape than a result costs that backend its row alone."""
    content = {**make_outcome().content, "handoff": {"results": 1}}
    row = judge_outcome(JOB, make_outcome(content=content), 0.0)
    assert row.status == "failed"
    assert "handoff" in row.reason
    assert row.handoff is None


# --- The worker's side ----------------------------------------------------------------


def test_a_job_survives_the_channel() -> None:
    """Lists become the tuples again that they were."""
    options = Options(
        quick=True, threads=(1, 2), partners=(("a", "b:a"),), late_partner=True
    )
    job = dataclasses.replace(JOB, options=options)
    assert structure(json.loads(channel.encode(job)), Job) == job


@pytest.mark.parametrize(
    ("is_build", "is_on", "asked", "words"),
    [
        (False, True, None, []),
        (True, False, None, []),
        (True, True, None, ["turned the GIL back on for the whole process"]),
        (True, True, "1", ["because it was asked for"]),
    ],
)
def test_a_gil_that_came_back_is_told(
    is_build: bool,
    is_on: bool,
    asked: str | None,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A backend that turns the GIL back on is named as the cause, unless it is not."""
    monkeypatch.setattr(worker, "is_free_threaded_build", lambda: is_build)
    monkeypatch.setattr(worker, "is_gil_enabled", lambda: is_on)
    monkeypatch.delenv("PYTHON_GIL", raising=False)
    if asked:
        monkeypatch.setenv("PYTHON_GIL", asked)
    found = worker.find_load_warnings()
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


def test_an_exception_is_told_with_its_place() -> None:
    """Type, message and the place where it was raised, in one line."""

    def fail() -> None:
        message = "out of cheese"
        raise ValueError(message)

    with pytest.raises(ValueError, match="cheese") as raised:
        fail()
    text = worker.describe_error(raised.value)
    assert text.startswith("ValueError: out of cheese (in fail, test_runner.py:")


def test_a_long_message_is_cut() -> None:
    """A message that would fill pages is told by its beginning and its length."""
    text = worker.describe_error(ValueError("x" * 10_000))
    assert len(text) < 600
    assert text.endswith("(10012 characters)")


def test_the_worker_needs_the_standard_library_alone() -> None:
    """No other module is loaded in the process that is measured."""
    import subprocess  # noqa: PLC0415

    code = (
        "import sys, compare.worker\n"
        "from compare.scenarios import load_scenario, DEFAULT_SCENARIOS\n"
        "for name in DEFAULT_SCENARIOS: load_scenario(name)\n"
        "own = {'compare', 'backends', 'gilscope', '__main__'}\n"
        "own |= sys.stdlib_module_names | set(sys.builtin_module_names)\n"
        # What sysconfig reads is named after the system.
        "print({name.partition('.')[0] for name in sys.modules\n"
        "       if not name.startswith('_sysconfigdata_')} - own)\n"
    )
    # Without site, which loads whatever is installed for it.
    paths = ":".join(sys.path)
    out = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out == "set()\n"
