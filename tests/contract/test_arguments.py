"""Clauses 1.1 and 1.5: the arguments and how they are refused, beyond the cases."""

import decimal
import fractions
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends import VALUE_MAX, VALUE_MIN, Backend, contract
from compare.double_list.objects import Number, OddList


class Liar:
    """No list, whatever it says of its class."""

    @property
    def __class__(self) -> Any:
        """Say that it is a list."""
        return list


class Seconds:
    """A number by its __float__ alone."""

    def __init__(self, seconds: object) -> None:
        self.seconds = seconds

    def __float__(self) -> Any:
        """Answer, or raise what was given to raise."""
        if isinstance(self.seconds, Exception):
            raise self.seconds
        return self.seconds


def outside(index: object, length: int) -> str:
    """Return the sentence on an index outside result."""
    return contract.INDEX_OUTSIDE.format(index=index, length=length)


def test_doubles_into_place(backend: Backend) -> None:
    """1.1: the doubled values become a new list at result[index]."""
    values, result = [1, -2, 3], [None, "kept"]
    assert backend.double_list(values, result, 0) is None
    assert result == [[2, -4, 6], "kept"]
    assert values == [1, -2, 3]
    assert type(result[0]) is list


@pytest.mark.parametrize("index", [2, -1, True + 1, np.int64(2), Number(-1)])
def test_index_has_list_semantics(backend: Backend, index: Any) -> None:
    """1.1: an index is any integer, and a negative one counts from the end."""
    result = [0, 0, 0]
    backend.double_list([7], result, index)
    assert result == [0, 0, [14]]


@pytest.mark.parametrize("index", [2, -3, VALUE_MAX, VALUE_MIN])
def test_index_outside_result(refuses: Any, index: int) -> None:
    """1.5: an index outside result is an IndexError, however large it is."""
    refuses(IndexError, [1], [0, 0], index, text=outside(index, 2))


@pytest.mark.parametrize(
    "number", [VALUE_MAX + 1, VALUE_MIN - 1, pytest.param(10**5000, id="huge")]
)
def test_more_than_64_bits(refuses: Any, number: int) -> None:
    """1.5: an index or passes beyond 64 bits is an OverflowError."""
    for value in (number, Number(number)):
        refuses(OverflowError, [1], [0, 0], value)
        refuses(OverflowError, [1], [0, 0], 0, passes=value)


def test_index_is_fixed_before_items_are_read(backend: Backend) -> None:
    """1.1: a result that grows while items are read does not move the position."""
    result: list[Any] = [0, 0]
    backend.double_list([Number(1, lambda: result.append(9))], result, -1)
    assert result == [0, [2], 9]


def test_length_is_read_after_the_index(backend: Backend) -> None:
    """1.1: an index that grows result is a position in the grown one."""
    result: list[Any] = [0]
    backend.double_list([1], result, Number(-1, lambda: result.append(9)))
    assert result == [0, [2]]


def test_lists_keep_their_own_storage(backend: Backend) -> None:
    """1.1: what a list subclass overrides is ignored."""
    values, result, trace = OddList([1, 2]), OddList([0]), OddList()
    backend.double_list(values, result, 0, trace=trace)
    assert list.copy(result) == [[2, 4]]
    assert list.__len__(trace) == 1
    assert list.copy(values) == [1, 2]


@pytest.mark.parametrize("value", [np.zeros(2, int), list, Liar(), {}, iter([])])
def test_no_list(refuses: Any, value: object) -> None:
    """1.5: values, result and trace are lists, nothing like them."""
    refuses(TypeError, value, [0], 0)
    refuses(TypeError, [1], value, 0)
    refuses(TypeError, [1], [0], 0, trace=value)


@pytest.mark.parametrize("value", ["0", 0.0, None, [0], int, decimal.Decimal(1)])
def test_no_integer(refuses: Any, value: object) -> None:
    """1.5: index and passes are integers."""
    refuses(TypeError, [1], [0], value)
    refuses(TypeError, [1], [0], 0, passes=value)


@pytest.mark.parametrize("passes", [0, -1, VALUE_MIN])
def test_too_few_passes(refuses: Any, passes: int) -> None:
    """1.5: passes is at least 1."""
    text = contract.PASSES_TOO_FEW.format(passes=passes)
    refuses(ValueError, [1], [0], 0, passes=passes, text=text)


@pytest.mark.parametrize("flag", [1, 0, None, "no", [], np.True_, Number(1)])
def test_release_gil_is_a_bool(refuses: Any, flag: object) -> None:
    """1.5: release_gil is True or False, not merely true or false."""
    refuses(TypeError, [1], [0], 0, release_gil=flag)


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
        (1e300, "1e+300"),
        (Seconds(-2.5), "-2.5"),
        (decimal.Decimal("NaN"), "nan"),
    ],
)
def test_seconds_outside(refuses: Any, where: str, seconds: object, text: str) -> None:
    """1.5: a sleep is neither negative nor infinite nor no number."""
    expected = contract.SECONDS_OUTSIDE.format(name=where, seconds=text)
    refuses(ValueError, [1], [0], 0, text=expected, **{where: seconds})


@pytest.mark.parametrize("where", ["released_sleep", "held_sleep"])
@pytest.mark.parametrize("seconds", ["1", b"1", None, 1j, []])
def test_seconds_are_a_number(refuses: Any, where: str, seconds: object) -> None:
    """1.5: a sleep is a number, not what float() could make one of."""
    refuses(TypeError, [1], [0], 0, **{where: seconds})


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
        Number(0),
    ],
)
def test_seconds_of_any_number_type(backend: Backend, seconds: Any) -> None:
    """1.5: a sleep is anything with __float__ or __index__."""
    result = [0]
    backend.double_list([5], result, 0, released_sleep=seconds, held_sleep=seconds)
    assert result == [[10]]


def raise_it(error: Exception) -> Callable[[], object]:
    """Return what raises that exception."""

    def act() -> None:
        raise error

    return act


def test_errors_of_an_argument_pass(refuses: Any) -> None:
    """1.5: what an __index__ or a __float__ raises is raised, whatever it is."""
    for kind in (TypeError, IndexError, OverflowError, ValueError, KeyboardInterrupt):
        error = kind("mine")
        index = Number(0, raise_it(error))
        assert refuses(kind, [1], [0], index) is error
        assert refuses(kind, [1], [0], 0, passes=index) is error
        seconds = Seconds(error) if isinstance(error, Exception) else index
        assert refuses(kind, [1], [0], 0, held_sleep=seconds) is error


def test_arguments_are_checked_before_any_work(refuses: Any) -> None:
    """1.5: a wrong argument is refused at once, and no item is read before."""
    values = [Number(1, raise_it(AssertionError()))]
    sleeps = {"released_sleep": 1e9, "held_sleep": 1e9}
    refuses(TypeError, values, [0], 0, trace=1, **sleeps)
    refuses(TypeError, values, [0], 0, release_gil=1, **sleeps)
    refuses(IndexError, values, [0], 1, **sleeps)
    refuses(TypeError, [""], [0], 0, item=0, **sleeps)


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
