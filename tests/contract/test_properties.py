"""All clauses: whatever is given, each backend does what the reference does.

`tests/fuzz.py` runs these for as long as one likes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from backends import Backend, reference

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*__index__ returned non-int:DeprecationWarning"
)


class Subclass(int):
    """An int subclass whose overridden methods must not matter."""

    __index__ = __int__ = __add__ = __mul__ = lambda *_: 99  # type: ignore[assignment]


class HostileList(list[Any]):
    """A list subclass whose overridden methods must not matter."""

    __len__ = __getitem__ = __iter__ = append = lambda *_: 99  # type: ignore[assignment]


@dataclass
class Indexed:
    """An object with __index__ that may act on the lists first."""

    answer: Any
    act: Callable[["Lists"], object]
    lists: "Lists"

    def __index__(self) -> Any:
        """Act, then answer or raise."""
        self.act(self.lists)
        if isinstance(self.answer, Exception):
            raise self.answer
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
    trace: list[Any]


ACTS: dict[str, Callable[[Lists], object]] = {
    "nothing": lambda lists: lists,
    "empty values": lambda lists: list.clear(lists.values),
    "grow values": lambda lists: list.extend(lists.values, [1] * 100),
    "replace values": lambda lists: list.__setitem__(
        lists.values, slice(None), ["no integer"] * list.__len__(lists.values)
    ),
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
    integers.map(Subclass),
    st.sampled_from(["", 1.0, None, KeyError("mine"), TypeError("mine")]),
)
items = st.one_of(
    st.tuples(st.just("plain"), integers),
    st.tuples(st.just("plain"), st.booleans()),
    st.tuples(st.just("plain"), integers.map(Subclass)),
    st.tuples(st.just("plain"), no_integers),
    st.tuples(st.just("indexed"), st.tuples(answers, st.sampled_from([*ACTS]))),
)
fine_items = st.tuples(st.just("plain"), st.integers(-(2**62), 2**62 - 1))
recipes = st.one_of(
    st.lists(fine_items, max_size=80),
    st.lists(st.one_of(fine_items, fine_items, fine_items, items), max_size=80),
    st.lists(items, max_size=8),
)
list_kinds = st.sampled_from([list, list, list, HostileList, tuple])
seconds = st.one_of(
    st.tuples(st.just("plain"), st.sampled_from([0, 0.0, -0.0, False, 1e-6])),
    st.tuples(st.just("plain"), no_integers.filter(lambda x: not 0 < _real(x) < 1e10)),
    st.tuples(st.just("plain"), st.integers(max_value=0)),
    st.tuples(st.just("floated"), st.sampled_from([0.0, -1.0, "", None, 10**400])),
)
options = st.fixed_dictionaries(
    {},
    optional={
        "passes": st.one_of(
            st.tuples(st.just("plain"), st.integers(-3, 20)),
            st.tuples(st.just("plain"), st.integers(min_value=2**63)),
            items.filter(lambda recipe: not _is_long(recipe)),
        ),
        "release_gil": st.tuples(
            st.just("plain"), st.sampled_from([True, True, False, False, 0, 1, None])
        ),
        "released_sleep": seconds,
        "held_sleep": seconds,
        "trace": st.tuples(st.just("trace"), st.sampled_from([list, HostileList, set])),
    },
)


def _real(value: object) -> float:
    """Return the number where it is one that could be slept for."""
    return value if isinstance(value, float) else 0.0


def _is_long(recipe: Recipe) -> bool:
    """Return whether this many passes would take long."""
    kind, value = recipe
    number = value if kind == "plain" else value[0]
    return isinstance(number, int) and 20 < int.__pos__(number) < 2**63


def cook(recipe: Recipe, lists: Lists) -> Any:
    """Return what the recipe stands for, acting on these lists."""
    kind, value = recipe
    if kind == "indexed":
        answer, act = value
        return Indexed(answer, ACTS[act], lists)
    if kind == "floated":
        return Floated(value)
    if kind == "trace":
        lists.trace = value()
        return lists.trace
    return value


def observe(call: Callable[..., None], case: dict[str, Any]) -> Any:
    """Return all that can be seen of the call: answer, error, and what changed."""
    lists = Lists([], [], [])
    cooked = [cook(recipe, lists) for recipe in case["values"]]
    lists.values = case["values_kind"](cooked)
    lists.result = case["result_kind"]([0] * case["n_results"])
    if case["is_shared"]:
        lists.result = lists.values
    index = cook(case["index"], lists)
    given = {name: cook(value, lists) for name, value in case["options"].items()}
    try:
        call(lists.values, lists.result, index, **given)
        error = None
    except Exception as caught:
        error = (type(caught), str(caught))
    return error, describe(lists.result), len(plain(lists.trace))


def plain(value: Any) -> list[Any]:
    """Return the items, past the overridden methods of a list subclass."""
    return list.copy(value) if isinstance(value, list) else [*value]


def describe(value: Any) -> str:
    """Return types and values; of objects the type, as they differ by call."""
    known = (int, str, list)
    return repr(
        [(type(item), item if type(item) in known else "") for item in plain(value)]
    )


cases = st.fixed_dictionaries(
    {
        "values": recipes,
        "values_kind": list_kinds,
        "result_kind": list_kinds,
        "n_results": st.integers(0, 3),
        "is_shared": st.sampled_from([False, False, False, True]),
        "index": st.one_of(
            st.tuples(st.just("plain"), st.integers(-4, 4)),
            st.tuples(st.just("plain"), st.integers(-4, 4)),
            items,
        ),
        "options": options,
    }
)


@hypothesis.given(cases)
def test_does_what_the_reference_does(backend: Backend, case: dict[str, Any]) -> None:
    """1.1 to 1.10: the same answers and the same errors for anything at all."""
    expected = observe(reference.double_list, case)
    assert observe(backend.double_list, case) == expected


@hypothesis.given(st.lists(st.integers(-(2**62), 2**62 - 1)), st.integers(1, 5))
def test_doubles_any_integers(backend: Backend, values: list[int], passes: int) -> None:
    """1.2: what fits is doubled, by the definition and not by a backend."""
    result: list[Any] = [0]
    backend.double_list(values, result, 0, passes=passes)
    assert result == [[item + item for item in values]]
