"""Functions of one's own side by side: each is a row, whatever it does."""

import sys

import pytest

from compare import run_all
from tests import contracts
from tests.looks import look_until


@pytest.fixture(scope="module")
def report():
    """Return a comparison of right and wrong implementations."""
    implementations = {
        "right": contracts.sum_squares,
        "wrong": contracts.forget_first,
        "racy": contracts.share_a_buffer,
        "holds": contracts.declares_release,
        "crashes": contracts.crash,
        "lost": "no_such_module:function",
    }
    # A busy machine may hide what takes two cores to be seen.
    return look_until(
        lambda found: "ok" not in (found["racy"].status, found["holds"].status),
        lambda: run_all(
            implementations,
            contract=contracts.SQUARES,
            scenarios=["correctness", "gil"],
            quick=True,
        ),
    )


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("right", "ok", ""),
        ("wrong", "wrong", "correctness: a text: expected TypeError, got 0"),
        ("racy", "wrong", "4 threads: answer: expected"),
        ("holds", "wrong", "gil: declares that it releases the GIL, but"),
        ("crashes", "crashed", "correctness ended with SIGABRT"),
        ("lost", "failed", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_each_is_a_row_with_its_status(report, name, status, words):
    assert report[name].status == status, report[name].reason
    assert words in report[name].reason


def test_what_the_contract_lacks_is_not_applicable():
    implementations = {"right": contracts.sum_squares}
    report = run_all(implementations, contract=contracts.SQUARES, quick=True)
    assert report["right"].status == "ok", report["right"].reason
    assert [*report["right"].not_applicable] == ["handoff"]
    assert report["right"].handoff is None
    assert report["right"].gil.held_check.verdict in ("preemptible", "inconclusive")
    assert report["right"].parallel.passes is None
    assert type(report).from_json(report.to_json()) == report
    assert "handoff is not applicable" in " ".join(str(report).split())


def test_without_reference_and_twin_the_first_that_is_well_is_compared_with():
    report = run_all(
        {
            "crashes": contracts.crash,
            "first": contracts.sha256,
            "second": contracts.sha256_in_c,
        },
        contract="tests.contracts:Digest",
        scenarios=["correctness", "parallel", "sweep"],
        quick=True,
    )
    assert [row.status for row in report] == ["crashed", "ok", "ok"]
    for row in [*report][1:]:
        assert row.parallel.held is None
        assert [cell.size for cell in row.sweep.cells] == [100, 1_000, 100_000]
        assert row.sweep.cells[0].gain is None
        assert [found.case for found in row.sweep.break_evens] == ["second thread"]
    assert str(report)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such limit")
def test_memory_beyond_the_contract_is_not_to_be_had():
    implementations = {"right": contracts.sum_squares, "huge": contracts.take_memory}
    right, huge = run_all(
        implementations,
        contract=contracts.Limited(),
        scenarios=["correctness"],
        quick=True,
    )
    assert (right.status, right.reason) == ("ok", "")
    assert huge.status == "failed"
    assert huge.reason.startswith("correctness raised MemoryError (in take_memory")


@pytest.mark.parametrize("name", ["sum_squares", "sum_in_c"])
@pytest.mark.parametrize("scenario", ["correctness", "parallel", "sweep"])
def test_a_function_that_is_no_double_list_is_told_in_a_line(name, scenario):
    target = f"tests.contracts:{name}"
    row = run_all([target], scenarios=[scenario], quick=True)[target]
    assert row.status == "failed"
    assert "gilscope check, gilscope measure, gilscope compare" in row.reason
    assert len(row.reason) < 400
    assert len(row.reason.splitlines()) == 1
