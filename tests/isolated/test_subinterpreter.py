"""Which backends load in a subinterpreter with a GIL of its own, and who refuses."""

import sys
from pathlib import Path

import pytest

import compare
from compare.model import BackendResult
from compare.plan import make_plan
from compare.run import run_plan
from compare.subinterpreter import VERSION_MIN
from tests.looks import look_until
from tests.unit.sample_reports import make_report, replace_in

REFUSAL = "refuses: ImportError: module X does not support loading in subinterpreters"


# What a subinterpreter does, when the process has loaded the backend before.
SOURCE = """\
import os
from backends.reference import double_list
if os.environ.get("IS_LOADED"):
    {}
os.environ["IS_LOADED"] = "1"
"""


@pytest.mark.skipif(sys.version_info < VERSION_MIN, reason="they share one GIL there")
@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("pass", "loads"),
        ("raise ImportError('not here')", "refuses: ImportError: not here"),
        (
            "import _testsinglephase",
            REFUSAL.replace("X", "_testsinglephase", 1),
        ),
        (
            "print('a crash'); os.abort()",
            "crashed: the subinterpreter ended with SIGABRT",
        ),
    ],
)
def test_who_refuses_is_quoted(tmp_path: Path, source: str, answer: str) -> None:
    """And one that crashes takes nothing with it."""
    if "_testsinglephase" in source:
        pytest.importorskip("_testsinglephase")
    (tmp_path / "mine.py").write_text(SOURCE.format(source))
    plan = make_plan(
        ["mine:double_list"],
        scenarios=["gil"],
        quick=True,
        path=[str(tmp_path), *sys.path],
    )

    def look() -> BackendResult:
        (result,) = run_plan(plan)
        return result

    # A busy machine may hide that Python code releases nothing.
    result = look_until(lambda found: found.reason, look)
    assert result.subinterpreter == answer
    # Nothing else is wrong with it.
    assert result.reason.startswith("gil: declares that it releases the GIL")
    assert "\n" not in result.reason


def test_a_run_tells_it_where_there_are_such() -> None:
    """Of Python code: it loads, from CPython 3.12 on."""
    result = compare.run_all(["python"], scenarios=["gil"], quick=True)["python"]
    is_tried = sys.version_info >= VERSION_MIN
    assert result.subinterpreter == ("loads" if is_tried else "")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (REFUSAL, "loads", "better"),
        ("loads", REFUSAL, "worse"),
        (REFUSAL, "crashed: it ended with SIGABRT", "other"),
        (REFUSAL, REFUSAL, "same"),
    ],
)
def test_it_is_a_row_of_many_results(before: str, after: str, kind: str) -> None:
    """That one of them loads there is a difference, and no regression by itself."""
    reports = {
        name: replace_in(make_report(), "cffi", subinterpreter=text)
        for name, text in (("a", before), ("b", after))
    }
    (row,) = [
        row for row in compare.gather(reports).rows if row.what == "subinterpreter"
    ]
    assert (row.subject, [cell.text for cell in row.cells]) == ("cffi", [before, after])
    assert (row.kind, row.is_regression) == (kind, False)
