"""Clauses 1.2 and 1.10: which items are integers, and how others are refused."""

import enum
from typing import Any

import numpy as np
import pytest

from backends import VALUE_MAX, VALUE_MIN, Backend, contract

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


class Number:
    """An integer by its __index__ alone."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __index__(self) -> Any:
        """Answer, or raise what was given to raise."""
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Odd(int):
    """An int with other arithmetic, whose own digits count."""

    def answer(self, *_: object) -> Any:
        """Answer what no backend may read."""
        return 99

    __index__ = __int__ = __add__ = __radd__ = __mul__ = __rmul__ = answer
    __neg__ = __abs__ = __lshift__ = __trunc__ = answer
    __lt__ = __le__ = __gt__ = __ge__ = __str__ = __repr__ = __format__ = answer


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


class Colour(enum.IntEnum):
    """An int subclass as users have it."""

    RED = 3


def refusal(items: list[Any]) -> tuple[type[Exception], str]:
    """Return the error of the first of these ints that is out of bounds."""
    for index, item in enumerate(items):
        if not VALUE_MIN <= item <= VALUE_MAX:
            digits = str(item) if abs(item) < 2**127 else None
            text = digits or f"int of {item.bit_length()} bits"
            return OverflowError, contract.ITEM_TOO_LARGE.format(index=index, item=text)
        if not VALUE_MIN <= 2 * item <= VALUE_MAX:
            template = contract.DOUBLE_TOO_LARGE
            return OverflowError, template.format(index=index, item=item)
    raise AssertionError


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
        (Colour.RED, 6),
        pytest.param(Odd(5), 10, id="odd"),
        pytest.param(Odd(2**61), 2**62, id="odd-large"),
        pytest.param(Odd(DOUBLE_MIN), VALUE_MIN, id="odd-min"),
        (np.int8(-3), -6),
        (np.int64(2**40), 2**41),
        (np.uint64(2**61), 2**62),
        (Number(-4), -8),
        (Number(DOUBLE_MAX), VALUE_MAX - 1),
        (Number(True), 2),
    ],
)
@pytest.mark.filterwarnings("ignore:.*__index__ returned non-int:DeprecationWarning")
def test_integers_of_any_type(backend: Backend, item: Any, double: int) -> None:
    """1.2: bool, subclasses and __index__ are integers; the answer is exactly int."""
    for values in ([item], [1, item, 2], [item] * 40):
        result: list[Any] = [0]
        backend.double_list(values, result, 0)
        assert result[0] == [double if value is item else 2 * value for value in values]
        assert {*map(type, result[0])} == {int}


@pytest.mark.parametrize(
    ("item", "got"),
    [
        ("3", "str"),
        (b"3", "bytes"),
        (2.0, "float"),
        (np.float64(2), "float64"),
        (None, "NoneType"),
        (2j, "complex"),
        ([2], "list"),
        (int, "type"),
        (Number, "type"),
        pytest.param(Liar(), "Liar", id="liar"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 35])
def test_no_integer(refuses: Any, item: object, got: str, place: int) -> None:
    """1.2: anything else is a TypeError that says where."""
    values = [*range(place), item, 5, "later"]
    text = contract.WRONG_TYPE.format(where=f"values[{place}]", expected="int", got=got)
    refuses(TypeError, text, values, [0], 0)


@pytest.mark.parametrize(
    "item",
    [
        VALUE_MAX,
        VALUE_MIN,
        DOUBLE_MAX + 1,
        DOUBLE_MIN - 1,
        VALUE_MAX + 1,
        VALUE_MIN - 1,
        2**64,
        -(2**64),
        2**127,
        -(2**130),
        pytest.param(10**5000, id="huge"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 35])
def test_too_large(refuses: Any, item: int, place: int) -> None:
    """1.2: an item or a double over 64 bits is an OverflowError that says where."""
    values = [*range(place), item, 5, 2**70]
    refuses(*refusal(values), values, [0], 0)
    refuses(*refusal(values), [*map(Number, values)], [0], 0)
    refuses(*refusal(values), [*map(Odd, values)], [0], 0)
    refuses(*refusal(values), values, [0], 0, passes=3, release_gil=False)


def test_double_before_other_offence(refuses: Any) -> None:
    """1.2: an item whose double is too large is named before any later offence."""
    text = contract.DOUBLE_TOO_LARGE.format(index=1, item=2**62)
    for later in ("no integer", 2**64, Number(2**64), object()):
        refuses(OverflowError, text, [0, 2**62, later], [0], 0)
        refuses(OverflowError, text, [Number(0), 2**62, later], [0], 0)


def test_bounds_before_an_offence(refuses: Any) -> None:
    """1.2: what just fits is not named when a later item is."""
    for wrong in (2**64, 2**62):
        values = [DOUBLE_MAX, DOUBLE_MIN, wrong]
        refuses(*refusal(values), values, [0], 0)
        refuses(*refusal(values), [*map(Number, values)], [0], 0)


def test_wrong_type_before_other_offence(refuses: Any) -> None:
    """1.2: an item of a wrong type is named before any later offence."""
    text = contract.WRONG_TYPE.format(where="values[1]", expected="int", got="str")
    for later in (2**62, 2**64, None):
        refuses(TypeError, text, [0, "", later], [0], 0)


def test_errors_of_an_index_pass(refuses: Any) -> None:
    """1.2: what an __index__ raises is raised, even after an overflow."""
    for error in (TypeError("mine"), OverflowError("mine"), ZeroDivisionError("mine")):
        refuses(type(error), "mine", [1, Number(error)], [0], 0)
        refuses(type(error), "mine", [2**62, Number(error), ""], [0], 0)


def test_index_answers_no_int(refuses: Any) -> None:
    """1.2: an __index__ that answers no int fails as the interpreter says it."""
    with pytest.raises(TypeError) as raised:
        [0][Number("")]  # type: ignore[call-overload]
    refuses(TypeError, str(raised.value), [1, Number("")], [0], 0)


def test_index_answers_a_subclass(backend: Backend) -> None:
    """1.2: an __index__ that answers an int subclass is warned of, and counts."""
    result = [0]
    with pytest.warns(DeprecationWarning, match="__index__ returned non-int"):
        backend.double_list([Number(Odd(4))], result, 0)
    assert result == [[8]]


@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_warning_as_error_passes(backend: Backend) -> None:
    """1.2: a warning that was made an error is raised."""
    result = [0]
    with pytest.raises(DeprecationWarning):
        backend.double_list([Number(Odd(4))], result, 0)
    assert result == [0]


def test_index_is_called_once(backend: Backend) -> None:
    """1.7: a snapshot sees each item once."""
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
