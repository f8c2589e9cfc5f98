"""Clauses 1.1, 1.5 and 1.10: the arguments and how they are refused."""

import decimal
import fractions
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends import VALUE_MAX, Backend, contract


class Hostile(list[Any]):
    """A list whose overridden methods all fail; its own storage counts."""

    def refuse(self, *_: object) -> Any:
        """Fail, because no backend may ask a subclass about its items."""
        raise AssertionError

    __len__ = __iter__ = __getitem__ = __setitem__ = __bool__ = refuse
    append = copy = insert = __delitem__ = __contains__ = __reversed__ = refuse


class Liar:
    """No list, whatever it says of its class."""

    @property
    def __class__(self) -> Any:
        """Say that it is a list."""
        return list


class Position:
    """An integer by its __index__ alone, which may do something first."""

    def __init__(self, number: int, act: Callable[[], object] = int) -> None:
        self.number = number
        self.act = act

    def __index__(self) -> int:
        """Act, then answer."""
        self.act()
        return self.number


class Seconds:
    """A number by its __float__ alone."""

    def __init__(self, seconds: object) -> None:
        self.seconds = seconds

    def __float__(self) -> Any:
        """Answer, or raise what was given to raise."""
        if isinstance(self.seconds, Exception):
            raise self.seconds
        return self.seconds


def wrong_type(where: str, expected: str, got: str) -> str:
    """Return the message of a wrong type."""
    return contract.WRONG_TYPE.format(where=where, expected=expected, got=got)


def outside(index: object, length: int) -> str:
    """Return the message of an index outside result."""
    return contract.INDEX_OUTSIDE.format(index=index, length=length)


def test_doubles_into_place(backend: Backend) -> None:
    """1.1: the doubled values become a new list at result[index]."""
    values, result = [1, -2, 3], [None, "kept"]
    assert backend.double_list(values, result, 0) is None
    assert result == [[2, -4, 6], "kept"]
    assert values == [1, -2, 3]
    assert type(result[0]) is list


def test_empty_values(backend: Backend) -> None:
    """1.1: no value at all gives an empty list."""
    result = [None]
    backend.double_list([], result, 0)
    assert result == [[]]


def test_new_list_each_call(backend: Backend) -> None:
    """1.1: two calls give two lists, neither of which is values."""
    values: list[int] = []
    result = [None, None]
    backend.double_list(values, result, 0)
    backend.double_list(values, result, 1)
    assert len({id(values), id(result[0]), id(result[1])}) == 3


@pytest.mark.parametrize("index", [2, -1, True + 1, np.int64(2), Position(-1)])
def test_index_has_list_semantics(backend: Backend, index: Any) -> None:
    """1.1: an index is any integer, and a negative one counts from the end."""
    result = [0, 0, 0]
    backend.double_list([7], result, index)
    assert result == [0, 0, [14]]


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (2, "2"),
        (-3, "-3"),
        (2**63, "9223372036854775808"),
        (-(2**63), "-9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (2**127 - 1, "170141183460469231731687303715884105727"),
        (-(2**127), "-170141183460469231731687303715884105728"),
        (2**127, "int of 128 bits"),
        (-(2**127) - 1, "int of 128 bits"),
        pytest.param(10**5000, "int of 16610 bits", id="huge"),
    ],
)
def test_index_outside_result(refuses: Any, index: int, text: str) -> None:
    """1.5: an index outside result is an IndexError, however large it is."""
    refuses(IndexError, outside(text, 2), [1], [0, 0], index)


def test_index_into_empty_result(refuses: Any) -> None:
    """1.5: an empty result has no position."""
    refuses(IndexError, outside(0, 0), [1], [], 0)
    refuses(IndexError, outside(-1, 0), [1], [], -1)


def test_index_is_fixed_when_checked(backend: Backend) -> None:
    """1.1: a result that grows after the check does not move the position."""
    result = [0, 0]
    backend.double_list([1], result, -1, passes=Position(1, lambda: result.append(9)))
    assert result == [0, [2], 9]


def test_length_is_read_after_the_index(backend: Backend) -> None:
    """1.1: an index that grows result is a position in the grown one."""
    result = [0]
    backend.double_list([1], result, Position(-1, lambda: result.append(9)))
    assert result == [0, [2]]


def test_lists_keep_their_own_storage(backend: Backend) -> None:
    """1.1: what a list subclass overrides is ignored."""
    values, result, trace = Hostile([1, 2]), Hostile([0]), Hostile()
    backend.double_list(values, result, 0, trace=trace)
    assert list.copy(result) == [[2, 4]]
    assert list.__len__(trace) == 1
    assert list.copy(values) == [1, 2]


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ((1, 2), "tuple"),
        (None, "NoneType"),
        (range(3), "range"),
        (np.zeros(2, int), "ndarray"),
        (list, "type"),
        (Liar(), "Liar"),
    ],
)
def test_no_list(refuses: Any, value: object, got: str) -> None:
    """1.5: values, result and trace are lists, nothing like them."""
    refuses(TypeError, wrong_type("values", "list", got), value, [0], 0)
    refuses(TypeError, wrong_type("result", "list", got), [1], value, 0)
    if value is not None:
        text = wrong_type("trace", "list", got)
        refuses(TypeError, text, [1], [0], 0, trace=value)


@pytest.mark.parametrize(
    ("value", "got"),
    [("0", "str"), (0.0, "float"), (None, "NoneType"), ([0], "list"), (int, "type")],
)
def test_no_integer(refuses: Any, value: object, got: str) -> None:
    """1.5: index and passes are integers."""
    refuses(TypeError, wrong_type("index", "int", got), [1], [0], value)
    refuses(TypeError, wrong_type("passes", "int", got), [1], [0], 0, passes=value)


@pytest.mark.parametrize(
    ("passes", "text"),
    [
        (0, "0"),
        (False, "0"),
        (-1, "-1"),
        (-(2**63), "-9223372036854775808"),
        (-(2**64), "-18446744073709551616"),
        (-(2**200), "int of 201 bits"),
    ],
)
def test_too_few_passes(refuses: Any, passes: int, text: str) -> None:
    """1.5: passes is at least 1."""
    expected = contract.PASSES_TOO_FEW.format(passes=text)
    refuses(ValueError, expected, [1], [0], 0, passes=passes)


@pytest.mark.parametrize(
    ("passes", "text"), [(VALUE_MAX + 1, str(2**63)), (2**200, "int of 201 bits")]
)
def test_too_many_passes(refuses: Any, passes: int, text: str) -> None:
    """1.5: passes fits in 64 bits."""
    expected = contract.PASSES_TOO_MANY.format(passes=text)
    refuses(OverflowError, expected, [1], [0], 0, passes=passes)


@pytest.mark.parametrize("passes", [True, np.int8(1), Position(1)])
def test_passes_of_any_integer_type(backend: Backend, passes: Any) -> None:
    """1.5: passes is anything with __index__."""
    result = [0]
    backend.double_list([5], result, 0, passes=passes)
    assert result == [[10]]


@pytest.mark.parametrize(
    ("flag", "got"), [(1, "int"), (None, "NoneType"), ("no", "str"), ([], "list")]
)
def test_release_gil_is_a_bool(refuses: Any, flag: object, got: str) -> None:
    """1.5: release_gil is True or False, not merely true or false."""
    text = wrong_type("release_gil", "bool", got)
    refuses(TypeError, text, [1], [0], 0, release_gil=flag)


@pytest.mark.parametrize("where", ["released_sleep", "held_sleep"])
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "-1.0"),
        (-5e-324, "-5e-324"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (1e9 + 1, "1000000001.0"),
        (10**400, "inf"),
        (-(10**400), "inf"),
        (Seconds(-2.5), "-2.5"),
        (decimal.Decimal("NaN"), "nan"),
    ],
)
def test_seconds_outside(refuses: Any, where: str, seconds: object, text: str) -> None:
    """1.5: a sleep is neither negative nor infinite nor no number."""
    expected = contract.SECONDS_OUTSIDE.format(where=where, seconds=text)
    refuses(ValueError, expected, [1], [0], 0, **{where: seconds})


@pytest.mark.parametrize("where", ["released_sleep", "held_sleep"])
@pytest.mark.parametrize(
    ("seconds", "got"),
    [("1", "str"), (b"1", "bytes"), (None, "NoneType"), (1j, "complex"), ([], "list")],
)
def test_seconds_are_a_number(
    refuses: Any, where: str, seconds: object, got: str
) -> None:
    """1.5: a sleep is a number, not what float() could make one of."""
    text = wrong_type(where, "float", got)
    refuses(TypeError, text, [1], [0], 0, **{where: seconds})


@pytest.mark.parametrize(
    "seconds",
    [
        0,
        -0.0,
        False,
        1e-9,
        fractions.Fraction(0),
        decimal.Decimal(0),
        np.float32(0),
        Seconds(0.0),
        Position(0),
    ],
)
def test_seconds_of_any_number_type(backend: Backend, seconds: Any) -> None:
    """1.5: a sleep is anything with __float__ or __index__."""
    result = [0]
    backend.double_list([5], result, 0, released_sleep=seconds, held_sleep=seconds)
    assert result == [[10]]


@pytest.mark.parametrize("where", ["released_sleep", "held_sleep"])
def test_errors_of_a_number_pass(refuses: Any, where: str) -> None:
    """1.5: what a __float__ raises is raised, even a TypeError."""
    for error in (TypeError("mine"), ArithmeticError("mine"), ValueError("mine")):
        refuses(type(error), "mine", [1], [0], 0, **{where: Seconds(error)})


@pytest.mark.parametrize("where", ["index", "passes"])
def test_errors_of_an_index_pass(refuses: Any, where: str) -> None:
    """1.5: what an __index__ raises is raised, even an IndexError."""

    def act() -> None:
        raise error

    for error in (TypeError("mine"), IndexError("mine"), OverflowError("mine")):
        options: dict[str, Any] = {"index": 0, where: Position(1, act)}
        refuses(type(error), "mine", [1], [0], **options)


def test_arguments_are_checked_in_order(refuses: Any) -> None:
    """1.5: of several wrong arguments the first is named, before any item."""
    wrong: dict[str, tuple[Any, type[Exception], str]] = {
        "values": ((), TypeError, wrong_type("values", "list", "tuple")),
        "result": ((), TypeError, wrong_type("result", "list", "tuple")),
        "index": ("", TypeError, wrong_type("index", "int", "str")),
        "passes": (0, ValueError, contract.PASSES_TOO_FEW.format(passes=0)),
        "release_gil": (0, TypeError, wrong_type("release_gil", "bool", "int")),
        "released_sleep": ("", TypeError, wrong_type("released_sleep", "float", "str")),
        "held_sleep": ("", TypeError, wrong_type("held_sleep", "float", "str")),
        "trace": ((), TypeError, wrong_type("trace", "list", "tuple")),
    }
    arguments = {name: value for name, (value, _, _) in wrong.items()}
    right: dict[str, Any] = {
        "values": ["no integer"],
        "result": [0],
        "index": 0,
        "passes": 1,
        "release_gil": True,
        "released_sleep": 0,
        "held_sleep": 0,
        "trace": None,
    }
    for name, (_, error, text) in wrong.items():
        refuses(error, text, **arguments)
        arguments[name] = right[name]
    refuses(TypeError, wrong_type("values[0]", "int", "str"), **arguments)


def test_arguments_are_checked_before_sleep(refuses: Any) -> None:
    """1.5: a wrong argument is refused at once, whatever sleep was asked for."""
    text = wrong_type("trace", "list", "int")
    refuses(TypeError, text, [1], [0], 0, released_sleep=1e9, held_sleep=1e9, trace=1)
    text = wrong_type("values[0]", "int", "str")
    refuses(TypeError, text, [""], [0], 0, released_sleep=1e9, held_sleep=1e9)


def test_arguments_by_name(backend: Backend) -> None:
    """1.1: all arguments have the contract's names."""
    result, trace = [0], []
    backend.double_list(
        values=[3],
        result=result,
        index=0,
        passes=2,
        release_gil=False,
        released_sleep=0.0,
        held_sleep=0.0,
        trace=trace,
    )
    assert result == [[6]]
    assert len(trace) == 1
