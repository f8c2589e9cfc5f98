"""Clause 1.2: which items are integers, and how others are refused."""

import decimal
from typing import Any

import numpy as np
import pytest

from backends import VALUE_MAX, VALUE_MIN, Backend, contract
from compare.double_list.objects import Number, Odd

DOUBLE_MAX = VALUE_MAX // 2
DOUBLE_MIN = VALUE_MIN // 2

# Both sides of each number of bits at which some representation changes.
EDGES = sorted(
    {
        sign * 2**bits + step
        for bits in (0, 7, 8, 15, 16, 29, 30, 31, 32, 59, 60, 61, 62)
        for sign in (1, -1)
        for step in (-1, 0, 1)
    }
)

# Python says it in other words from 3.15 on.
SUBCLASS_WARNING = "ignore:.*__index__:DeprecationWarning"


class Alike(type):
    """A metaclass whose classes say that they are any other."""

    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        return hash(int)


class Liar(metaclass=Alike):
    """No integer, of a type that says it equals int, with arithmetic of its own."""

    def __add__(self, other: object) -> int:
        return 99

    __radd__ = __mul__ = __rmul__ = __add__


class Raising:
    """An integer whose __index__ raises, the first time or each time."""

    def __init__(self, error: BaseException, n_times: int = 100) -> None:
        self.error = error
        self.n_times = n_times

    def __index__(self) -> int:
        """Raise, as often as that."""
        self.n_times -= 1
        if self.n_times >= 0:
            raise self.error
        return 5


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 31, 64, 65, 1000, 4097])
def test_every_length(backend: Backend, length: int) -> None:
    """1.2: all items are doubled, whatever the kernel does in blocks."""
    values = [(-1) ** place * place * 10**13 for place in range(length)]
    result = [0]
    backend.double_list(values, result, 0)
    assert result == [[2 * item for item in values]]


def test_edges_of_the_digits(backend: Backend) -> None:
    """1.2: all that fits is doubled exactly, at each edge of a representation."""
    values = [item for item in EDGES if DOUBLE_MIN <= item <= DOUBLE_MAX]
    values += [DOUBLE_MIN, DOUBLE_MAX]
    result = [0]
    backend.double_list(values, result, 0)
    assert result == [[2 * item for item in values]]
    for item in values:
        backend.double_list([item], result, 0)
        assert result == [[2 * item]]


@pytest.mark.parametrize(
    ("item", "double"),
    [
        (True, 2),
        (False, 0),
        pytest.param(Odd(5), 10, id="odd"),
        pytest.param(Odd(2**61), 2**62, id="odd-large"),
        pytest.param(Odd(DOUBLE_MIN), VALUE_MIN, id="odd-min"),
        (np.int8(-3), -6),
        (np.int64(2**40), 2**41),
        (np.uint64(2**61), 2**62),
        (Number(-4), -8),
        (Number(DOUBLE_MAX), VALUE_MAX - 1),
    ],
)
def test_integers_of_any_type(backend: Backend, item: Any, double: int) -> None:
    """1.2: bool, subclasses and __index__ are integers; the answer is exactly int."""
    for values in ([item], [1, item, 2], [item] * 40):
        result: list[Any] = [0]
        backend.double_list(values, result, 0)
        assert result[0] == [double if value is item else 2 * value for value in values]
        assert {*map(type, result[0])} == {int}


@pytest.mark.filterwarnings(SUBCLASS_WARNING)
@pytest.mark.parametrize("answer", [True, Odd(4)])
def test_index_may_answer_a_subclass(backend: Backend, answer: int) -> None:
    """1.2: an __index__ that answers an int subclass is deprecated, and counts."""
    result: list[Any] = [0]
    backend.double_list([Number(answer)], result, 0)
    assert result == [[2 * int.__pos__(answer)]]
    assert type(result[0][0]) is int


@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_warning_as_error_passes(refuses: Any) -> None:
    """1.2: a warning that was made an error is raised."""
    refuses(DeprecationWarning, [1, Number(Odd(4))], [0], 0, item=1)


@pytest.mark.parametrize(
    "item",
    [
        "3",
        b"3",
        2.0,
        np.float64(2),
        decimal.Decimal(2),
        None,
        2j,
        [2],
        int,
        Number,
        pytest.param(Liar(), id="liar"),
        pytest.param(Number("3"), id="answers-str"),
        pytest.param(Number(2.0), id="answers-float"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 35])
def test_no_integer(refuses: Any, item: object, place: int) -> None:
    """1.2: anything else is a TypeError that says where."""
    values = [*range(place), item, 5, "later", 2**70]
    refuses(TypeError, values, [0], 0, item=place)
    refuses(TypeError, [2**62, *values], [0], 0, item=place + 1)


@pytest.mark.parametrize(
    "item",
    [
        VALUE_MAX + 1,
        VALUE_MIN - 1,
        2**64,
        -(2**64),
        -(2**130),
        pytest.param(10**5000, id="huge"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 35])
def test_item_too_large(refuses: Any, item: int, place: int) -> None:
    """1.2: an item over 64 bits is an OverflowError that says where."""
    values = [*range(place), item, 5, "later", 2**70]
    for wrong in (values, [2**62, *values], [*map(Number, values)]):
        where = place + (wrong[0] == 2**62)
        refuses(OverflowError, wrong, [0], 0, item=where)
    refuses(OverflowError, [*map(Odd, values[: place + 1])], [0], 0, item=place)


@pytest.mark.parametrize("item", [VALUE_MAX, VALUE_MIN, DOUBLE_MAX + 1, DOUBLE_MIN - 1])
@pytest.mark.parametrize("place", [0, 1, 35])
def test_double_too_large(refuses: Any, item: int, place: int) -> None:
    """1.2: a double over 64 bits is an OverflowError that says where."""
    text = contract.DOUBLE_TOO_LARGE.format(item=item)
    values = [DOUBLE_MAX, DOUBLE_MIN, *range(place), item, 5, 2**62]
    for wrong in (values, [*map(Number, values)], [*map(Odd, values)]):
        refuses(OverflowError, wrong, [0], 0, text=text, item=place + 2)
    refuses(
        *(OverflowError, values, [0], 0),
        passes=3,
        release_gil=False,
        text=text,
        item=place + 2,
    )


@pytest.mark.parametrize(
    "kind",
    [TypeError, OverflowError, ZeroDivisionError, KeyboardInterrupt, SystemExit],
)
def test_errors_of_an_index_pass(refuses: Any, kind: type[BaseException]) -> None:
    """1.2: what an __index__ raises is raised, with a note that names the item."""
    for before in ([], [1], [2**62, Number(3)]):
        error = kind("mine")
        values = [*before, Raising(error), "", 2**70]
        assert refuses(kind, values, [0], 0, item=len(before)) is error


def test_errors_of_an_index_pass_that_raises_once(refuses: Any) -> None:
    """1.2: what an __index__ raises is raised, also if it would not do so again."""
    for kind in (KeyboardInterrupt, LookupError, OverflowError, TypeError):
        error = kind("mine")
        values = [1, Number(2), Raising(error, 1), 3]
        assert refuses(kind, values, [0], 0, item=2) is error


def test_index_is_called_once(backend: Backend) -> None:
    """1.3: a call that ends well reads each item once."""
    calls = []

    class Counted:
        def __index__(self) -> int:
            calls.append(self)
            return len(calls)

    item = Counted()
    result = [0]
    backend.double_list([item, 10, item], result, 0, passes=3)
    assert result == [[2, 20, 4]]
    assert calls == [item, item]
