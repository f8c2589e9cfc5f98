"""Laws of one thread: the answer, whatever the length and whatever goes with it."""

import itertools
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from backends import VALUE_MAX, DoubleList
from backends.reference import double_list as double_list_reference
from compare.double_list.cases import REFUSALS, Call
from compare.double_list.hostile import Number, fail
from compare.double_list.outcome import find_trace_fault, name_error, picture, shorten

# Every length up to a few blocks of what a compiler or a CPU takes at once, and what
# is just beside a longer block.
SHORT_LENGTHS = range(132)
LONG_LENGTHS = [2**k + off for k in range(8, 13) for off in (-1, 0, 1)]
# Longer than any list that is doubled elsewhere.
LENGTH_MAX = 1_000_000


def check_new_list(double_list: DoubleList) -> str | None:
    """Return whether somebody else has the answer too (1.3)."""
    for values in ([1, 2, 3], [0, 0], []):
        replaced = ["replaced"]
        result: list[Any] = [replaced, None]
        double_list(values, result, 0)
        double_list(values, result, 1)
        where = f"1.3 two calls of {values}: expected two new lists, got"
        if result[0] is result[1]:
            return f"{where} the same list twice"
        if replaced != ["replaced"] or result[0] is replaced:
            return f"{where} the list that stood in result before"
        if any(answer is values for answer in result):
            return f"{where} values itself"
        alone: list[Any] = [[]]
        if sys.getrefcount(result[1]) > sys.getrefcount(alone[0]):
            return "1.3 a call: expected a new list in result alone, got one kept too"
    return None


def check_signature(double_list: DoubleList) -> str | None:
    """Return which arguments are taken otherwise than the contract names them."""
    call: Any = double_list
    result: list[Any] = [None]
    error = catch_error(call, values=[1], result=result, index=0)
    if error != "no error":
        return f"1.1 all arguments by name: expected no error, got {error}"
    for what, arguments, options in (
        ("no index", ([1], result), {}),
        ("passes by position", ([1], result, 0, 1), {}),
        ("an unknown option", ([1], result, 0), {"no_such_option": 1}),
    ):
        error = catch_error(call, *arguments, **options)
        # The text is that of the language it is written in.
        if not error.startswith("TypeError: "):
            return f"1.1 {what}: expected TypeError, got {error}"
    return None


def check_lengths(double_list: DoubleList) -> str | None:
    """Return the first length whose answer is wrong, with numbers of all sizes."""
    numbers = make_numbers(max(LONG_LENGTHS))
    for n, release_gil in itertools.product(
        (*SHORT_LENGTHS, *LONG_LENGTHS), (True, False)
    ):
        values = numbers[:n]
        result: list[Any] = [None]
        double_list(values, result, 0, passes=1 + n % 9, release_gil=release_gil)
        fault = find_fault(result, 0, [number + number for number in values])
        if fault:
            return f"1.1 {n} values, release_gil={release_gil}: {fault}"
    return None


def check_long_list(double_list: DoubleList) -> str | None:
    """Return what is wrong with the answer of a list as long as lists get."""
    values = list(range(LENGTH_MAX))
    result: list[Any] = [None]
    double_list(values, result, 0)
    fault = find_fault(result, 0, list(range(0, 2 * LENGTH_MAX, 2)))
    return f"1.1 {LENGTH_MAX} values: {fault}" if fault else None


def make_numbers(count: int) -> list[int]:
    """Return as many integers of all sizes whose doubles fit, the same every time."""
    draw = random.Random(0)  # noqa: S311 - nothing is kept secret with it.
    signs = (-1, 1)
    return [
        signs[place % 2] * (draw.getrandbits(62) >> draw.randrange(62))
        for place in range(count)
    ]


def find_fault(result: list[Any], place: int, expected: list[int]) -> str | None:
    """Return what is wrong with the answer at that place."""
    answer = result[place]
    if type(answer) is not list:
        return f"expected a list, got {picture(answer)}"
    if answer == expected and {*map(type, answer)} <= {int}:
        return None
    if len(answer) != len(expected):
        return f"expected {len(expected)} items, got {len(answer)}"
    pairs = zip(expected, answer, strict=True)
    wrong = next(
        at for at, (one, got) in enumerate(pairs) if one != got or type(got) is not int
    )
    got = shorten(picture(answer[wrong]))
    return f"item {wrong}: expected {expected[wrong]}, got {got}"


def make_combinations() -> Iterator[tuple[list[Any], int, dict[str, Any]]]:
    """Yield values, an index and options: all of them with each other."""
    kinds: tuple[list[Any], ...] = (
        [5, -6, 7],
        [False, 2**40, True] * 40,
        [*range(-70, 70), Number(3), 2**35],
    )
    sleeps: tuple[dict[str, Any], ...] = (
        {},
        {"released_sleep": 1e-6},
        {"held_sleep": 1e-6},
    )
    for place, (values, index, passes, release_gil, sleep, is_traced) in enumerate(
        itertools.product(
            kinds,
            (0, -1, 150, -150),
            (1, 2, 5),
            (True, False),
            sleeps,
            (True, False),
        )
    ):
        # The shortest of sleeps takes as long as a dozen calls.
        if not sleep or place % 5 == 0:
            options = {"passes": passes, "release_gil": release_gil, **sleep}
            yield values, index, options | ({"trace": []} if is_traced else {})


def check_combinations(double_list: DoubleList) -> str | None:
    """Return which combination of arguments is answered wrongly.

    The list that is written to has 200 places.
    """
    n_places = 200
    for values, index, options in make_combinations():
        before = list(values)
        result: list[Any] = [None] * n_places
        start_ns = time.perf_counter_ns()
        returned = double_list(values, result, index, **options)  # type: ignore[func-returns-value]
        end_ns = time.perf_counter_ns()
        expected = [2 * value.__index__() for value in before]
        fault = find_fault(result, index, expected)
        trace = options.get("trace")
        if fault is None and returned is not None:
            fault = f"expected None to be returned, got {picture(returned)}"
        if fault is None and (values != before or result.count(None) != n_places - 1):
            fault = "expected one place of result to change, got more changed"
        if fault is None and trace is not None:
            fault = (
                find_trace_fault(trace[0], start_ns, end_ns)
                if len(trace) == 1
                else f"expected one entry in trace, got {len(trace)}"
            )
        if fault:
            given = ", ".join(
                f"{name}={value!r:.20}" for name, value in options.items()
            )
            return f"1.1 {len(before)} values, index {index}, {given}: {fault}"
    return None


def describe_call(values: list[Any], index: int, options: dict[str, Any]) -> str:
    """Return in words what was called."""
    given = [
        "a trace" if name == "trace" else f"{name}={value!r}"
        for name, value in options.items()
    ]
    return ", ".join([f"{len(values)} values", f"index {index}", *given])


def check_refused_combinations(double_list: DoubleList) -> str | None:
    """Return after which refusal of an item something is not as it was (1.6)."""
    wrong_items = ("x", 2**64, VALUE_MAX, Number(1, fail))
    for n, item in itertools.product((0, 3, 140), wrong_items):
        values: list[Any] = [*range(-1, n - 1), item]
        expected = catch_error(double_list_reference, values, [None], 0)
        for index, passes, release_gil, is_traced in itertools.product(
            (0, -1), (1, 2), (True, False), (True, False)
        ):
            options: dict[str, Any] = {"passes": passes, "release_gil": release_gil}
            options |= {"trace": []} if is_traced else {}
            result: list[Any] = [None]
            got = catch_error(double_list, values, result, index, **options)
            where = f"1.6 {describe_call(values, index, options)}"
            if got != expected:
                return f"{where}: expected {expected}, got {got}"
            if result != [None] or options.get("trace") or len(values) != n + 1:
                return f"{where}: expected everything to stay as it was"
    return None


def catch_error(double_list: DoubleList, *arguments: Any, **options: Any) -> str:
    """Make a call and return what it raised."""
    try:
        double_list(*arguments, **options)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared.
        return f"{name_error(error)}: {error}"
    return "no error"


def check_after_errors(double_list: DoubleList) -> str | None:
    """Return after which refusal a call that keeps the contract is answered wrongly."""
    for case in REFUSALS:
        refused = case.make()
        try:
            double_list(
                refused.values, refused.result, refused.index, **refused.options
            )
        except Exception:  # noqa: BLE001 - which one is a matter of the cases.
            call = Call()
            double_list(call.values, call.result, call.index)
            fault = find_fault(call.result, call.index, [2, 4, 6])
            if fault:
                return f"1.6 a call after {case.name}: {fault}"
    return None


def check_inner_call(double_list: DoubleList) -> str | None:
    """Return what is wrong with a call that is made by an item of another one (1.7)."""
    inner: list[Any] = [None]
    outer: list[Any] = [None]
    item = Number(20, lambda: double_list([7, 8], inner, 0))
    double_list([1, item, 3], outer, 0)
    fault = find_fault(inner, 0, [14, 16]) or find_fault(outer, 0, [2, 40, 6])
    return f"1.7 a call inside of another one: {fault}" if fault else None


def check_stamps(double_list: DoubleList) -> str | None:
    """Return whether the trace has items read outside of where they are (1.9)."""
    read_ns: list[int] = []
    trace: list[Any] = []
    item = Number(1, lambda: read_ns.append(time.perf_counter_ns()))
    double_list([item, 2, item], [None], 0, trace=trace)
    enter, kernel_start = trace[0][:2]
    if read_ns and not enter <= read_ns[0] <= read_ns[-1] <= kernel_start:
        return (
            "1.9 items that note when they are read: expected that to be between enter "
            f"{enter} and kernel_start {kernel_start}, got {read_ns}"
        )
    return None
