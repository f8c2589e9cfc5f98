"""The contract's cases as a table: what correctness puts every backend through.

No case says what should come out: the reference does, called with the same.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backends import VALUE_MAX, VALUE_MIN
from compare.double_list.hostile import (
    Colour,
    Hostile,
    Number,
    Other,
    Seconds,
    Whole,
    fail,
)


@dataclass
class Call:
    """The arguments of one call, made anew for each that is made."""

    values: Any = field(default_factory=lambda: [1, 2, 3])
    result: Any = field(default_factory=lambda: ["first", "second"])
    index: Any = 1
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One thing that the contract says about a call.

    Attributes:
        clause: its number in docs/contract.md.
        name: what is special about the call.
        make: returns the call.
    """

    clause: str
    name: str
    make: Callable[[], Call]


def with_values(*values: object) -> Callable[[], Call]:
    """Return a call of these items."""
    return lambda: Call(values=list(values))


def with_index(index: object) -> Callable[[], Call]:
    """Return a call of this index."""
    return lambda: Call(index=index)


def with_options(**options: object) -> Callable[[], Call]:
    """Return a call of these options."""
    return lambda: Call(options=dict(options))


def with_act(act: Callable[[Call], object]) -> Callable[[], Call]:
    """Return a call whose second item does something to it when it is read."""

    def make() -> Call:
        call = Call()
        call.values[1] = Number(20, lambda: act(call))
        return call

    return make


def with_same_list(index: int = 1) -> Call:
    """Return a call that writes to the list that it reads."""
    values = [1, 2, 3]
    return Call(values=values, result=values, index=index)


def with_wrong_trace() -> Call:
    """Return a call that is to be refused before any item is read."""
    call = Call(options={"trace": ()})
    call.values[0] = Number(1, call.values.clear)
    return call


HALF_MAX, HALF_MIN = VALUE_MAX // 2, VALUE_MIN // 2
AROUND_POWERS = [
    number
    for bits in range(63)
    for off in (-1, 0, 1)
    for number in (2**bits + off, -(2**bits) - off)
    if HALF_MIN <= number <= HALF_MAX
]
HUGE = 10**40

WRONG_OPTIONS: dict[str, object] = {
    "passes": 0,
    "release_gil": 1,
    "released_sleep": -1.0,
    "held_sleep": math.nan,
    "trace": (),
}

ANSWERS = (
    Case("1.1", "three integers", Call),
    Case("1.1", "no values", with_values()),
    Case("1.1", "a thousand values", with_values(*range(-500, 500))),
    Case("1.1", "a subclass of list", lambda: Call(values=Hostile([1, 2, 3]))),
    Case("1.1", "a result of a subclass", lambda: Call(result=Hostile("ab"))),
    Case(
        "1.1",
        "a result of a subclass, index -1",
        lambda: Call(result=Hostile("ab"), index=-1),
    ),
    Case("1.1", "one list as values and result", with_same_list),
    Case("1.1", "one list, index 0", lambda: with_same_list(0)),
    Case("1.1", "one list, index -1", lambda: with_same_list(-1)),
    Case("1.1", "index 0", with_index(0)),
    Case("1.1", "index -1", with_index(-1)),
    Case("1.1", "index -2", with_index(-2)),
    Case("1.1", "index True", with_index(True)),  # noqa: FBT003
    Case("1.1", "index False", with_index(False)),  # noqa: FBT003
    Case("1.1", "an index by __index__", with_index(Number(1))),
    Case("1.2", "the largest doubles", with_values(HALF_MAX, HALF_MIN, 0, -1)),
    Case("1.2", "one, two and three digits", with_values(1, 2**31, -(2**31), 2**61)),
    Case("1.2", "all around the powers of two", with_values(*AROUND_POWERS)),
    Case("1.2", "bools", with_values(True, False)),  # noqa: FBT003
    Case("1.2", "an IntEnum", with_values(Colour.RED, 1)),
    Case("1.2", "an int with its own arithmetic", with_values(1, Whole(5))),
    Case("1.2", "an int with its own __index__", with_values(1, Other(5))),
    Case("1.2", "items by __index__", with_values(Number(4), 1, Number(-4))),
    Case("1.2", "a bool by __index__ of an item", with_values(Number(4), 2)),
    Case("1.4", "two passes", with_options(passes=2)),
    Case("1.4", "a hundred passes", with_options(passes=100)),
    Case(
        "1.4",
        "passes of values at the edge",
        lambda: Call([HALF_MAX], options={"passes": 7}),
    ),
    Case("1.5", "passes by __index__", with_options(passes=Number(3))),
    Case("1.5", "passes that are True", with_options(passes=True)),
    Case("1.5", "sleeps that are ints", with_options(released_sleep=0, held_sleep=0)),
    Case("1.5", "a sleep by __float__", with_options(held_sleep=Seconds())),
    Case("1.5", "a sleep by __index__", with_options(released_sleep=Number(0))),
    Case("1.8", "the GIL held", with_options(release_gil=False)),
    Case("1.8", "the GIL held, two passes", with_options(release_gil=False, passes=2)),
    Case("1.9", "no trace", with_options(trace=None)),
    Case("1.9", "an empty trace", lambda: Call(options={"trace": []})),
    Case("1.9", "a trace of a subclass", lambda: Call(options={"trace": Hostile()})),
    Case("1.3", "a sleep without the GIL", with_options(released_sleep=0.002)),
    Case("1.3", "a sleep with the GIL", with_options(held_sleep=0.002)),
    Case(
        "1.3",
        "both sleeps without a trace",
        with_options(released_sleep=0.001, held_sleep=0.001, trace=None),
    ),
    Case(
        "1.3",
        "both sleeps with the GIL held",
        with_options(release_gil=False, released_sleep=0.002, held_sleep=0.002),
    ),
)

REFUSALS = (
    Case("1.5", "values that are a tuple", lambda: Call(values=(1, 2, 3))),
    Case("1.5", "values that are a str", lambda: Call(values="123")),
    Case("1.5", "values that are None", lambda: Call(values=None)),
    Case("1.5", "a result that is a tuple", lambda: Call(result=(1, 2))),
    Case("1.5", "a result that is None", lambda: Call(result=None)),
    Case("1.5", "an index that is a float", with_index(1.0)),
    Case("1.5", "an index that is a str", with_index("1")),
    Case("1.5", "an index that is None", with_index(None)),
    Case("1.5", "an index by an __index__ that raises", with_index(Number(1, fail))),
    Case("1.5", "an index just past the end", with_index(2)),
    Case("1.5", "an index just before the start", with_index(-3)),
    Case("1.5", "an index of 64 bits and more", with_index(2**63)),
    Case("1.5", "an index of 133 bits", with_index(-HUGE)),
    Case("1.5", "a result without places", lambda: Call(result=[], index=0)),
    Case("1.5", "0 passes", with_options(passes=0)),
    Case("1.5", "-1 passes", with_options(passes=-1)),
    Case("1.5", "very negative passes", with_options(passes=-HUGE)),
    Case("1.5", "passes over 64 bits", with_options(passes=2**63)),
    Case("1.5", "passes that are a float", with_options(passes=1.0)),
    Case("1.5", "passes that are None", with_options(passes=None)),
    Case("1.5", "a release_gil that is an int", with_options(release_gil=1)),
    Case("1.5", "a release_gil that is None", with_options(release_gil=None)),
    *(
        Case("1.5", f"a {name} of {seconds!r}", with_options(**{name: seconds}))
        for name in ("released_sleep", "held_sleep")
        for seconds in (-0.001, math.inf, math.nan, 2e9, 10**400, "1", None)
    ),
    Case("1.5", "a trace that is a tuple", with_options(trace=())),
    Case("1.5", "wrong values and a wrong index", lambda: Call(None, index=9)),
    Case(
        "1.5",
        "a wrong index and wrong passes",
        lambda: Call(index=9, options={"passes": 0}),
    ),
    Case(
        "1.5",
        "a wrong sleep and a wrong item",
        lambda: Call(["x"], options={"held_sleep": -1}),
    ),
    Case("1.5", "a wrong result and a wrong index", lambda: Call(result=0, index="")),
    *(
        Case(
            "1.5",
            f"wrong {first} and wrong {second}",
            with_options(**{name: WRONG_OPTIONS[name] for name in (second, first)}),
        )
        for first, second in itertools.combinations(WRONG_OPTIONS, 2)
    ),
    Case("1.5", "a wrong trace and a wrong item", with_wrong_trace),
    Case("1.2", "an item that is a str", with_values(1, "2", 3)),
    Case("1.2", "a str in a long list", with_values(*range(700), "2", *range(99))),
    Case(
        "1.2",
        "two doubles that do not fit in a long list",
        with_values(*range(300), VALUE_MAX, *range(300), VALUE_MIN, None),
    ),
    Case("1.2", "an item that is a float", with_values(1, 2, 3.0)),
    Case("1.2", "an item that is None", with_values(None)),
    Case("1.2", "an item that is a list", with_values(1, [2])),
    Case("1.2", "an item just over 64 bits", with_values(0, VALUE_MAX + 1)),
    Case("1.2", "an item just under 64 bits", with_values(VALUE_MIN - 1)),
    Case("1.2", "an item of 133 bits", with_values(1, HUGE)),
    Case("1.2", "a double just over 64 bits", with_values(1, HALF_MAX + 1)),
    Case("1.2", "a double just under 64 bits", with_values(1, 2, HALF_MIN - 1)),
    Case(
        "1.2",
        "a double that does not fit, two passes",
        lambda: Call([VALUE_MAX], options={"passes": 2}),
    ),
    Case("1.2", "a double before an item of a wrong type", with_values(VALUE_MAX, "x")),
    Case("1.2", "an item of a wrong type before a double", with_values("x", VALUE_MAX)),
    Case("1.2", "a double before an item over 64 bits", with_values(VALUE_MIN, HUGE)),
    Case("1.2", "an __index__ that raises", with_values(1, Number(2, fail))),
    Case("1.2", "an __index__ that returns a str", with_values(1, Number("2"))),
    Case("1.2", "an __index__ over 64 bits", with_values(1, Number(HUGE))),
    Case(
        "1.6",
        "a double that does not fit, the GIL held",
        lambda: Call([1, VALUE_MAX], options={"release_gil": False}),
    ),
)

ACTIONS = (
    Case(
        "1.7",
        "an __index__ that empties values",
        with_act(lambda call: call.values.clear()),
    ),
    Case(
        "1.7",
        "an __index__ that grows values",
        with_act(lambda call: call.values.extend(range(999))),
    ),
    Case(
        "1.7",
        "an __index__ that replaces the items",
        with_act(lambda call: call.values.__setitem__(slice(None), "abc")),
    ),
    Case(
        "1.7",
        "an __index__ that empties values and raises",
        with_act(lambda call: call.values.clear() or fail()),
    ),
    Case(
        "1.6",
        "an __index__ that empties result",
        with_act(lambda call: call.result.clear()),
    ),
    Case(
        "1.6",
        "an __index__ that shortens result by one",
        with_act(lambda call: call.result.pop()),
    ),
    Case(
        "1.6",
        "an __index__ that grows result",
        with_act(lambda call: call.result.append("third")),
    ),
)

CASES = (*ANSWERS, *REFUSALS, *ACTIONS)
