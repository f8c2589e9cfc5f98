"""What is wrong with the answer of a call, in words."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

N_STAMPS = 5


def find_result_fault(
    result: list[Any], count: int, n_done: int, expected: list[int]
) -> str:
    """Look at a list that calls wrote to.

    Args:
        result: of count places, and one more that was not to be written to.
        count: how many calls there might have been.
        n_done: how many there were; each wrote to the next place, in which None was.
        expected: what each had to answer.

    Returns:
        What is wrong, or "".
    """
    if len(result) != count + 1:
        return f"result: expected {count + 1} items to stay, got {len(result)}"
    answers = result[:n_done]
    # All at once where nothing is wrong: there may be thousands of them.
    if not are_right(answers, expected):
        for place, answer in enumerate(answers):
            fault = find_answer_fault(answer, expected)
            if fault:
                return f"result[{place}]{fault}"
    for place, item in enumerate(result[n_done:], n_done):
        if item is not None:
            return f"result[{place}]: written to by a call with another index"
    if len(set(map(id, answers))) != n_done:
        return "result: expected a new list from each call"
    return ""


def are_right(answers: list[Any], expected: list[int]) -> bool:
    """Return whether each of the answers is the one that the contract asks for."""
    return (
        set(map(type, answers)) <= {list}
        and answers == [expected] * len(answers)
        and set(map(type, itertools.chain.from_iterable(answers))) <= {int}
    )


def find_answer_fault(answer: object, expected: list[int]) -> str:
    """Compare an answer with the one that the contract asks for.

    Returns:
        What is wrong, to be put behind the name of the place, or "".
    """
    if type(answer) is not list:
        return f": expected list, got {type(answer).__name__}"
    if are_right([answer], expected):
        return ""
    if len(answer) != len(expected):
        return f": expected {len(expected)} items, got {len(answer)}"
    for position, (item, double) in enumerate(zip(answer, expected, strict=True)):
        if type(item) is not int:
            return f"[{position}]: expected int, got {type(item).__name__}"
        if item != double:
            return f"[{position}]: expected {double}, got {item}"
    return ": changed while it was looked at"


def find_return_fault(returned: Iterable[object]) -> str:
    """Return what is wrong with what the calls returned, or ""."""
    for value in returned:
        if value is not None:
            return f"expected None to be returned, got {type(value).__name__}"
    return ""


def find_trace_fault(traces: list[Any], stamps: Sequence[tuple[int, int]]) -> str:
    """Look at the traces of calls.

    Args:
        traces: what the calls appended.
        stamps: when each began and ended, on the same clock.

    Returns:
        What is wrong, or "".
    """
    if len(traces) != len(stamps):
        return f"trace: expected {len(stamps)} tuples appended, got {len(traces)}"
    for trace, (start_ns, end_ns) in zip(traces, stamps, strict=True):
        if not (
            type(trace) is tuple
            and len(trace) == N_STAMPS
            and set(map(type, trace)) == {int}
        ):
            return f"trace: expected a tuple of five ints, got {trace!r:.60}"
        in_order = [start_ns, *trace, end_ns]
        if sorted(in_order) != in_order:
            return "trace: stamps out of order, or from outside the call"
    return ""


class Checked(Protocol):
    """Calls that know what is wrong with them."""

    def find_fault(self) -> str:
        """Return what is wrong, or ""."""


class Failures:
    """What was wrong in the calls: the first of what was wrong in each place."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[str, str] = {}

    def check(self, all_calls: Iterable[Checked], where: str) -> None:
        """Check the calls that were made under the circumstances named."""
        for calls in all_calls:
            self.add_fault(calls.find_fault(), where)

    def add_fault(self, fault: str, where: str) -> None:
        """Keep what is wrong with a call, if anything is."""
        if fault:
            self.add(f"double_list() {fault}, {where}", where)

    def add(self, failure: str, kind: str = "") -> None:
        """Keep a failure, unless one of its kind was kept already."""
        self._kept.setdefault(kind or failure, failure)

    def as_tuple(self) -> tuple[str, ...]:
        """Return what was kept, in the order in which it was found."""
        return tuple(self._kept.values())
