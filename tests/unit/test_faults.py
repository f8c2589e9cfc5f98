"""What is wrong with an answer is said in words."""

from typing import Any

import pytest

from compare.measure.faults import (
    Failures,
    find_answer_fault,
    find_result_fault,
    find_return_fault,
    find_trace_fault,
)

TRACE = (11, 12, 13, 14, 15)


class Faulty:
    """Calls with something wrong with them, or nothing."""

    def __init__(self, fault: str) -> None:
        """Take what is wrong."""
        self.fault = fault

    def find_fault(self) -> str:
        """Return it."""
        return self.fault


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([2, 4], ""),
        (None, ": expected list, got NoneType"),
        ((2, 4), ": expected list, got tuple"),
        ([2], ": expected 2 items, got 1"),
        ([2, 5], "[1]: expected 4, got 5"),
        ([2.0, 4], "[0]: expected int, got float"),
        ([2, "4"], "[1]: expected int, got str"),
    ],
)
def test_the_first_wrong_item_is_named(answer: Any, fault: str) -> None:
    """Type first, since what equals an int need not be one."""
    assert find_answer_fault(answer, [2, 4]) == fault


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        ([[2], [2], None], ""),
        ([[2], [2]], "result: expected 3 items to stay, got 2"),
        ([[2], [3], None], "result[1][0]: expected 2, got 3"),
        ([[2], [2], [2]], "result[2]: written to by a call with another index"),
        ([[2], None, None], "result[1]: expected list, got NoneType"),
    ],
)
def test_each_call_writes_to_its_own_place(result: list[Any], fault: str) -> None:
    """Every place up to the last call has an answer, and no other one has."""
    assert find_result_fault(result, 2, 2, [2]) == fault


def test_places_of_calls_that_were_not_made_stay_empty() -> None:
    """A window that ended early leaves them."""
    assert find_result_fault([[2], None, None], 2, 1, [2]) == ""


def test_one_list_is_not_two_answers() -> None:
    """Each call has to make a new one."""
    answer = [2]
    assert find_result_fault([answer, answer, None], 2, 2, [2]) == (
        "result: expected a new list from each call"
    )


def test_nothing_is_returned() -> None:
    """Anything but None is told with its type."""
    assert find_return_fault([None, None]) == ""
    assert find_return_fault([None, 3]) == "expected None to be returned, got int"


@pytest.mark.parametrize(
    ("traces", "fault"),
    [
        ([TRACE], ""),
        ([], "trace: expected 1 tuples appended, got 0"),
        ([TRACE, TRACE], "trace: expected 1 tuples appended, got 2"),
        ([[*TRACE]], "trace: expected a tuple of five ints, got [11, 12, 13, 14, 15]"),
        (
            [(11, 12, 13, 14.0, 15)],
            "trace: expected a tuple of five ints, got (11, 12, 13, 14.0, 15)",
        ),
        ([TRACE[1:]], "trace: expected a tuple of five ints, got (12, 13, 14, 15)"),
        (
            [(11, 13, 12, 14, 15)],
            "trace: stamps out of order, or from outside the call",
        ),
        ([(9, 12, 13, 14, 15)], "trace: stamps out of order, or from outside the call"),
        (
            [(11, 12, 13, 14, 21)],
            "trace: stamps out of order, or from outside the call",
        ),
    ],
)
def test_a_trace_fits_into_its_call(traces: list[Any], fault: str) -> None:
    """Five ints in order, from the start of the call to its end."""
    assert find_trace_fault(traces, [(10, 20)]) == fault


def test_one_fault_of_each_circumstance_is_kept() -> None:
    """The first of many, in the order in which they were found."""
    failures = Failures()
    failures.check([Faulty(""), Faulty("a"), Faulty("b")], "alone")
    failures.check([Faulty("c")], "beside")
    failures.add("not even called")
    assert failures.as_tuple() == (
        "double_list() a, alone",
        "double_list() c, beside",
        "not even called",
    )
