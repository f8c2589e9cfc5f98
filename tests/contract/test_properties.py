"""All clauses: whatever is given, each backend ends as the reference does.

`tests/fuzz.py` runs these for as long as one likes.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from backends import Backend, reference
from compare.double_list.cases import Call
from compare.double_list.objects import Interrupt, Odd, OddList
from compare.double_list.observe import find_difference, observe

pytestmark = pytest.mark.filterwarnings(
    # Python says it in other words from 3.15 on.
    "ignore:.*__index__:DeprecationWarning"
)


@dataclass
class Indexed:
    """An object with __index__ that may act on the lists first."""

    answer: Any
    act: Callable[["Lists"], object]
    lists: "Lists"

    def __index__(self) -> Any:
        """Act, then answer or raise."""
        self.act(self.lists)
        if isinstance(self.answer, BaseException):
            raise type(self.answer)(*self.answer.args)
        return self.answer


@dataclass
class Floated:
    """An object with __float__."""

    answer: Any

    def __float__(self) -> Any:
        """Answer."""
        return self.answer


@dataclass
class Lists:
    """The lists of one call, which a hostile object may act on."""

    values: list[Any]
    result: list[Any]


# None of them changes values: which state is seen then is not promised.
ACTS: dict[str, Callable[[Lists], object]] = {
    "nothing": lambda lists: lists,
    "empty result": lambda lists: list.clear(lists.result),
    "shrink result": lambda lists: list.__delitem__(lists.result, slice(1, None)),
    "grow result": lambda lists: list.extend(lists.result, [1] * 100),
    "call again": lambda lists: reference.double_list([1], lists.result, 0),
}

# What a list or an argument is made from: built anew for each backend, because
# objects that act on the lists belong to one call.
Recipe = tuple[str, Any]

EDGES = [
    sign * 2**bits + step
    for bits in (0, 15, 29, 30, 31, 59, 60, 61, 62, 63, 64, 90, 127, 128, 14_000)
    for sign in (1, -1)
    for step in (-1, 0, 1)
]
integers = st.one_of(st.integers(-300, 300), st.integers(), st.sampled_from(EDGES))
no_integers = st.one_of(
    st.none(), st.text(max_size=3), st.floats(), st.binary(max_size=3), st.just(1j)
)
answers = st.one_of(
    integers,
    st.booleans(),
    integers.map(Odd),
    st.sampled_from(["", 1.0, None, KeyError("mine"), TypeError("mine"), Interrupt()]),
)
items = st.one_of(
    st.tuples(st.just("plain"), integers),
    st.tuples(st.just("plain"), st.booleans()),
    st.tuples(st.just("plain"), integers.map(Odd)),
    st.tuples(st.just("plain"), no_integers),
    st.tuples(st.just("indexed"), st.tuples(answers, st.sampled_from([*ACTS]))),
)
fine_items = st.tuples(st.just("plain"), st.integers(-(2**62), 2**62 - 1))
recipes = st.one_of(
    st.lists(fine_items, max_size=80),
    st.lists(st.one_of(fine_items, fine_items, fine_items, items), max_size=80),
    st.lists(items, max_size=8),
)
plain = functools.partial(st.tuples, st.just("plain"))
list_kinds = st.sampled_from([list, list, list, OddList])
seconds = plain(st.sampled_from([0, 0.0, -0.0, False, 1e-6]))
options = st.fixed_dictionaries(
    {},
    optional={
        "passes": plain(st.integers(1, 20)),
        "release_gil": plain(st.booleans()),
        "released_sleep": seconds,
        "held_sleep": seconds,
        "trace": plain(st.sampled_from([[], None])),
    },
)
# At most one of these in a call: which of two is refused is not promised.
wrong_seconds = st.one_of(
    plain(no_integers.filter(lambda value: not is_a_sleep(value))),
    plain(st.integers(max_value=-1)),
    st.tuples(st.just("floated"), st.sampled_from([-1.0, "", None, 10**400])),
)
wrong_arguments = st.one_of(
    st.just(("", None)),
    st.just(("", None)),
    st.tuples(st.sampled_from(["values", "result", "trace"]), plain(st.just((1,)))),
    st.tuples(st.just("index"), items),
    st.tuples(st.just("passes"), plain(st.integers(max_value=0))),
    st.tuples(st.just("passes"), plain(st.integers(min_value=2**63))),
    st.tuples(st.just("passes"), plain(no_integers)),
    st.tuples(st.just("release_gil"), plain(st.sampled_from([0, 1, None]))),
    st.tuples(st.sampled_from(["released_sleep", "held_sleep"]), wrong_seconds),
)
cases = st.fixed_dictionaries(
    {
        "values": recipes,
        "values_kind": list_kinds,
        "result_kind": list_kinds,
        "n_results": st.integers(1, 3),
        "is_shared": st.sampled_from([False, False, False, True]),
        "index": st.integers(-4, 3),
        "options": options,
        "wrong": wrong_arguments,
    }
)


def is_a_sleep(value: object) -> bool:
    """Return whether one could sleep for that long."""
    return isinstance(value, float) and 0 <= value < 1e10


def cook(recipe: Recipe, lists: Lists) -> Any:
    """Return what the recipe stands for, acting on these lists."""
    kind, value = recipe
    if kind == "indexed":
        answer, act = value
        return Indexed(answer, ACTS[act], lists)
    if kind == "floated":
        return Floated(value)
    return list(value) if isinstance(value, list) else value


def make_call(case: dict[str, Any]) -> Call:
    """Return the call that the case stands for."""
    lists = Lists([], [])
    cooked = [cook(recipe, lists) for recipe in case["values"]]
    lists.values = case["values_kind"](cooked)
    lists.result = case["result_kind"]([0] * case["n_results"])
    name, recipe = case["wrong"]
    # What acts on result would act on values too, where they are one list.
    is_quiet = all(kind == "plain" for kind, _ in case["values"])
    if case["is_shared"] and is_quiet and not name:
        lists.result = lists.values
    given = {option: cook(value, lists) for option, value in case["options"].items()}
    call = Call(lists.values, lists.result, 0 if name else case["index"], given)
    if name in {"values", "result", "index"}:
        setattr(call, name, cook(recipe, lists))
    elif name:
        given[name] = cook(recipe, lists)
    return call


@hypothesis.given(cases)
def test_ends_as_with_the_reference(backend: Backend, case: dict[str, Any]) -> None:
    """1.1 to 1.10: the same answers and the same errors for anything at all."""
    expected = observe(reference.double_list, make_call(case))
    got = observe(backend.double_list, make_call(case))
    difference = find_difference(expected, got)
    assert difference is None, difference


@hypothesis.given(st.lists(st.integers(-(2**62), 2**62 - 1)), st.integers(1, 5))
def test_doubles_any_integers(backend: Backend, values: list[int], passes: int) -> None:
    """1.2: what fits is doubled, by the definition and not by a backend."""
    result: list[Any] = [0]
    backend.double_list(values, result, 0, passes=passes)
    assert result == [[item + item for item in values]]
