"""From which size on something pays, from fixed rows."""

from dataclasses import replace
from typing import Any

import pytest

from gilscope.measurement import BreakEven, Case, ContentionRow, ParallelRow, SizeRow
from gilscope.stats import Figure
from gilscope.timing.break_even import (
    describe_break_even,
    does_pay,
    find_break_even,
    name_place,
    select_unclear,
)
from tests.unit.sample_reports import make_check

ONE = Figure(1.0, 1.0, 1.0)
# Surely yes, surely no, and a range with the limit in it.
FIGURES = {
    "x": Figure(2.0, 1.9, 2.1),
    ".": Figure(0.9, 0.8, 1.0),
    "?": Figure(1.2, 0.5, 1.5),
    # The same, not told apart from either.
    "~": Figure(1.2, 0.9, 2.0),
}
CONTENTION = ContentionRow(1, 1, 1.0, 1.0, ONE, None, 1.0, 1.0, 1.0, 1.0, ONE, None)
PAIR = ParallelRow(2, 1.0, ONE, ONE, "parallel", 2.0)
ROW = SizeRow(1, ONE, (PAIR,), CONTENTION)


def make_rows(pattern: str) -> list[SizeRow]:
    """Return a row for each letter, with what two threads gain over the twin's."""
    return [
        replace(
            ROW,
            size=10**place,
            alone_s=Figure(10**place * 1e-6, 0.0, 1.0),
            gain=FIGURES[letter],
        )
        for place, letter in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("pattern", "pays_from", "not_at"),
    [
        ("...xxx", 1000, 100),
        ("xxxxxx", 1, None),
        ("......", None, 100_000),
        (".....x", 100_000, 10_000),
        # Where it cannot be told lies between the two ends.
        (".??xx", 1000, 1),
        ("??xx", 100, None),
        # One that surely does not pay is above whatever seemed to pay before it.
        (".x.xxx", 1000, 100),
        ("xx.", None, 100),
        ("..x?", None, 10),
        # An open row is as those on both sides of it that it is not told apart from.
        (".x~~x", 10, 1),
        (".x?x", 1000, 1),
        (".~.xx", 1000, 100),
        (".~x", 100, 1),
        (".x~", None, 1),
        ("", None, None),
    ],
)
def test_nothing_is_said_that_the_ranges_do_not_bear(
    pattern: str, pays_from: int | None, not_at: int | None
) -> None:
    """From the first row after which all pay; not yet at the last that does not."""
    found = find_break_even("two threads", make_rows(pattern))
    sizes = [place and place.size for place in (found.pays_from, found.not_at)]
    assert sizes == [pays_from, not_at]


@pytest.mark.parametrize(
    ("case", "name", "figure", "answer"),
    [
        ("alone", "cost", Figure(1.0, 0.9, 1.09), "yes"),
        ("alone", "cost", Figure(1.5, 0.9, 2.0), "unclear"),
        ("alone", "cost", Figure(1.5, 1.11, 1.6), "no"),
        ("two threads", "gain", Figure(1.5, 1.11, 1.6), "yes"),
        ("two threads", "gain", Figure(1.5, 1.09, 1.6), "unclear"),
        ("two threads", "gain", Figure(1.05, 1.04, 1.09), "no"),
        ("beside Python", "busy_gain", Figure(1.5, 1.4, 1.6), "yes"),
        ("beside Python", "busy_gain", Figure(0.5, 0.4, 0.6), "no"),
        ("beside Python", "busy_gain", None, "unclear"),
    ],
)
def test_what_pays(case: Case, name: str, figure: Figure | None, answer: str) -> None:
    """Alone it must not cost a tenth; beside others it must gain one."""
    changes: dict[str, Any] = {name: figure}
    assert does_pay(case, replace(ROW, **changes)) == answer


@pytest.mark.parametrize("letter", "x.?")
def test_a_second_thread_pays_by_its_speedup(letter: str) -> None:
    """No twin is needed for that."""
    row = replace(ROW, parallel=(replace(PAIR, speedup=FIGURES[letter]),))
    answers = {"x": "yes", ".": "no", "?": "unclear"}
    assert does_pay("second thread", row) == answers[letter]
    assert does_pay("second thread", replace(row, parallel=())) == "unclear"
    for verdict in ("holds", "preemptible"):
        check = make_check(verdict)
        assert does_pay("second thread", replace(row, check=check)) == "no"


@pytest.mark.parametrize(
    ("concurrency", "answer"),
    [("serialized", "no"), ("unclear", "unclear"), ("parallel", "unclear")],
)
def test_without_processes_only_turns_tell_that_nothing_is_gained(
    concurrency: Any, answer: str
) -> None:
    """Calls that release the GIL gain nothing either where no second core is free."""
    pair = replace(PAIR, speedup=FIGURES["."], concurrency=concurrency)
    row = replace(ROW, parallel=(pair,), check=make_check("releases"))
    assert does_pay("second thread", row) == answer
    pair = replace(pair, speedup=FIGURES["x"])
    assert does_pay("second thread", replace(row, parallel=(pair,))) == "yes"


@pytest.mark.parametrize(("processes", "answer"), [("x", "no"), ("?", "unclear")])
def test_nothing_gained_is_no_answer_where_processes_gain_nothing(
    processes: str, answer: str
) -> None:
    """No second core was free; a call that holds the GIL gains nothing all the same."""
    pair = replace(PAIR, speedup=FIGURES["."], process_speedup=FIGURES[processes])
    row = replace(ROW, parallel=(pair,))
    assert does_pay("second thread", row) == answer
    assert does_pay("second thread", replace(row, check=make_check("holds"))) == "no"


def test_rows_that_leave_it_open_are_measured_again() -> None:
    """Those whose range has the limit in it, in any of the cases."""
    assert select_unclear(make_rows(".?x?"), ["two threads"]) == [1, 3]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("..x", "from size 100, 100 us on, and not yet at size 10, 10 us"),
        ("xx", "from size 1, 1 us on"),
        ("..", "at none of these sizes, up to size 10, 10 us"),
        (".?", "at no size for certain, up to size 10, 10 us"),
        ("??", "at no size for certain, up to size 10, 10 us"),
    ],
)
def test_a_break_even_in_words(pattern: str, words: str) -> None:
    """Both ends, or how far the grid went."""
    rows = make_rows(pattern)
    found = find_break_even("two threads", rows)
    text = describe_break_even(found, rows)
    assert text == f"two threads that call get more done with the GIL released: {words}"


def test_a_work_with_passes_is_named_by_its_kernel() -> None:
    """Size, passes and the time of the kernel."""
    row = replace(ROW, size=1000, passes=20, kernel_s=2e-6)
    found = BreakEven("alone", name_place(row))
    assert describe_break_even(found, [row]).endswith(
        "from size 1,000, passes 20, 2 us on"
    )
