"""The contract's cases by clause and name, for the harness and for tests/contract.

No case says what should come out: the reference does, called with the same. Of several
wrong arguments the contract does not say which is refused, so no case has two.
"""

import decimal
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from backends import VALUE_MAX, VALUE_MIN
from compare.double_list.objects import (
    RAISED,
    Colour,
    Number,
    Odd,
    OddList,
    Replaced,
    Seconds,
    fail,
    interrupt,
    raise_own,
)


@dataclass
class Call:
    """The arguments of one call, made anew for each that is made."""

    values: Any = field(default_factory=lambda: [1, 2, 3])
    result: Any = field(default_factory=lambda: ["first", "second"])
    index: Any = 1
    options: dict[str, Any] = field(default_factory=dict)


def of(*values: object, index: object = 1, **options: object) -> Callable[[], Call]:
    """Return what makes a call of these items, or of three integers."""
    items = values or (1, 2, 3)
    return lambda: Call([*items], index=index, options=dict(options))


def with_act(act: Callable[[Call], object], index: int = 1) -> Callable[[], Call]:
    """Return what makes a call whose second item does something to it when read."""

    def make() -> Call:
        call = Call(index=index)
        call.values[1] = Number(20, lambda: act(call))
        return call

    return make


def with_acting_passes() -> Call:
    """Return a call whose passes shorten the list that is written to."""
    call = Call()
    call.options["passes"] = Number(1, call.result.clear)
    return call


def with_acting_index() -> Call:
    """Return a call whose index makes the list longer that it counts from the end."""
    call = Call()
    call.index = Number(-1, lambda: call.result.append("third"))
    return call


def with_replaced(index: int) -> Call:
    """Return a call that replaces an object which looks for itself when it goes."""
    call = Call(index=index)
    call.result[index] = Replaced(call.result)
    return call


def with_same_list(index: int) -> Call:
    """Return a call that writes to the list that it reads."""
    values = [1, 2, 3]
    return Call(values=values, result=values, index=index)


def with_argument(name: str, value: Any) -> Call:
    """Return a call of this argument, which is given by its name."""
    if name == "trace":
        return Call(options={name: value})
    return Call(**{name: value})


def with_unread_items(index: object = 1, **options: object) -> Call:
    """Return a call that is to be refused before any item is read."""
    call = Call(index=index, options=dict(options))
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
# Less than a millisecond, so that whoever counts in whole ones does not sleep.
SLEEP_S = 0.0009
HELD_AND_REPEATED: dict[str, dict[str, Any]] = {
    "release_gil=False": {"index": -1, "release_gil": False},
    "two passes": {"index": 0, "trace": None, "passes": 2},
}

ANSWERS: dict[str, Callable[[], Call]] = {
    "1.1 three integers": Call,
    "1.1 no values": lambda: Call([]),
    "1.1 a thousand values": of(*range(-500, 500)),
    "1.1 descending values": of(*range(500, -500, -1)),
    "1.1 repeated values": of(*[7, 7, -7] * 50),
    "1.1 a subclass of list": lambda: Call(values=OddList([1, 2, 3])),
    "1.1 a result of a subclass": lambda: Call(result=OddList("ab")),
    "1.1 a result of a subclass, index -1": lambda: Call(
        result=OddList("ab"), index=-1
    ),
    "1.1 one list as values and result": partial(with_same_list, 1),
    "1.1 one list, index -1": partial(with_same_list, -1),
    "1.1 index 0": of(index=0),
    "1.1 index -1": of(index=-1),
    "1.1 index -2": of(index=-2),
    "1.1 index True": of(index=True),
    "1.1 an index by __index__": of(index=Number(1)),
    "1.1 an index with its own methods": of(index=Odd(1)),
    "1.2 the largest doubles": of(HALF_MAX, HALF_MIN, 0, -1),
    "1.2 one, two and three digits": of(1, 2**31, -(2**31), 2**61),
    "1.2 all around the powers of two": of(*AROUND_POWERS),
    "1.2 bools": of(True, False),  # noqa: FBT003
    "1.2 an IntEnum": of(Colour.RED, 1),
    "1.2 an int with its own methods": of(1, Odd(5), Odd(2**40)),
    "1.2 items by __index__": of(Number(4), 1, Number(-4)),
    "1.4 two passes": of(passes=2),
    "1.4 a hundred passes": of(passes=100),
    "1.4 passes of values at the edge": of(HALF_MAX, passes=7),
    "1.5 passes by __index__": of(passes=Number(3)),
    "1.5 passes that are True": of(passes=True),
    "1.5 sleeps that are ints": of(released_sleep=0, held_sleep=0),
    "1.5 a sleep by __float__": of(held_sleep=Seconds()),
    "1.5 a sleep by __index__": of(released_sleep=Number(0)),
    "1.8 the GIL held": of(release_gil=False),
    "1.8 the GIL held, two passes": of(release_gil=False, passes=2),
    "1.9 no trace": of(trace=None),
    "1.9 an empty trace": lambda: Call(options={"trace": []}),
    "1.9 a trace of a subclass": lambda: Call(options={"trace": OddList()}),
    "1.3 a sleep without the GIL": of(released_sleep=SLEEP_S),
    "1.3 a sleep with the GIL": of(held_sleep=SLEEP_S),
    "1.3 both sleeps without a trace": of(
        released_sleep=SLEEP_S, held_sleep=SLEEP_S, trace=None
    ),
    "1.3 both sleeps without values": lambda: Call(
        [], options={"released_sleep": SLEEP_S, "held_sleep": SLEEP_S}
    ),
    "1.3 both sleeps with the GIL held": of(
        release_gil=False, released_sleep=SLEEP_S, held_sleep=SLEEP_S
    ),
}

# An integer, by its __int__ alone.
WHOLE = decimal.Decimal(1)
# They are 0 where only 32 bits of them count.
BEYOND_32_BITS = (2**32, -(2**32), VALUE_MIN)

REFUSALS: dict[str, Callable[[], Call]] = {
    **{
        f"1.5 a {type(value).__name__} as {name}": partial(with_argument, name, value)
        for value in ((1, 2), "12", range(2), None)
        for name in ("values", "result", "trace")
        if (name, value) != ("trace", None)
    },
    **{
        f"1.5 an index that is {index!r}": of(index=index)
        for index in (1.0, "1", None, WHOLE, 2, -3, *BEYOND_32_BITS, 2**63, -HUGE)
    },
    "1.5 an index by an __index__ that raises": of(index=Number(1, fail)),
    "1.5 an __index__ that answers a str": of(index=Number("1")),
    "1.5 a result without places": lambda: Call(result=[], index=0),
    "1.5 a result without places, -1": lambda: Call(result=[], index=-1),
    **{
        f"1.5 passes that are {passes!r}": of(passes=passes)
        for passes in (0, False, -1, 1 - 2**32, -HUGE, 2**63, 1.0, "1", None, WHOLE)
    },
    **{
        f"1.5 a release_gil that is {flag!r}": of(release_gil=flag)
        for flag in (1, None, "")
    },
    **{
        f"1.5 a {name} of {'10**400' if seconds == 10**400 else repr(seconds)}": of(
            **{name: seconds}
        )
        for name in ("released_sleep", "held_sleep")
        for seconds in (-0.001, -math.inf, math.inf, math.nan, 2e9, 10**400, "1", None)
    },
    "1.5 no values, an index outside": lambda: Call([], index=2),
    "1.5 no values, passes that are 0": lambda: Call([], options={"passes": 0}),
    "1.5 no values, a wrong sleep": lambda: Call([], options={"held_sleep": -1}),
    "1.5 no values, a wrong trace": lambda: Call([], options={"trace": ()}),
    "1.5 a wrong trace before any item": partial(with_unread_items, trace=()),
    "1.5 a wrong sleep before any item": partial(with_unread_items, held_sleep=-1),
    "1.5 wrong passes before any item": partial(with_unread_items, passes=0),
    "1.5 a wrong flag before any item": partial(with_unread_items, release_gil=1),
    "1.5 a wrong index before any item": partial(with_unread_items, index=2),
    **{
        f"1.2 an item that is a {type(item).__name__}": of(1, item, 3)
        for item in ("2", 3.0, None, [2], 2j, b"2", WHOLE)
    },
    "1.2 a str in a long list": of(*range(700), "2", *range(99)),
    "1.2 two doubles that do not fit in a long list": of(
        *range(300), VALUE_MAX, *range(300), VALUE_MIN
    ),
    "1.2 an item just over 64 bits": of(0, VALUE_MAX + 1),
    "1.2 an item just under 64 bits": of(VALUE_MIN - 1),
    "1.2 an item of 133 bits": of(1, HUGE),
    "1.2 a double just over 64 bits": of(1, HALF_MAX + 1),
    "1.2 a double just under 64 bits": of(1, 2, HALF_MIN - 1),
    "1.2 a double that does not fit, two passes": of(VALUE_MAX, passes=2),
    "1.2 a double before an item of a wrong type": of(VALUE_MAX, "x"),
    "1.2 an item of a wrong type before a double": of("x", VALUE_MAX),
    "1.2 a double before an item over 64 bits": of(VALUE_MIN, HUGE),
    "1.2 a wrong type before an item over 64 bits": of("x", HUGE),
    "1.2 an item over 64 bits before a wrong type": of(HUGE, "x"),
    "1.2 an __index__ that raises": of(1, Number(2, fail)),
    **{
        f"1.2 an __index__ that raises its own {kind.__name__}": of(
            1, Number(2, partial(raise_own, kind))
        )
        for kind in RAISED
    },
    "1.2 an __index__ that is interrupted": of(Number(2, interrupt)),
    "1.2 an __index__ that returns a str": of(1, Number("2")),
    "1.2 an __index__ over 64 bits": of(1, Number(HUGE)),
    "1.2 a double of an __index__": of(1, Number(VALUE_MAX)),
    **{
        f"1.6 {n} items before a wrong one, {item!r}, {what}": of(
            *range(n), item, **options
        )
        for n in (0, 140)
        for item in ("x", 2**64, VALUE_MAX)
        for what, options in HELD_AND_REPEATED.items()
    },
}

ACTIONS: dict[str, Callable[[], Call]] = {
    "1.7 an __index__ that empties values and raises": with_act(
        lambda call: call.values.clear() or fail()
    ),
    "1.6 an __index__ that empties result": with_act(lambda call: call.result.clear()),
    "1.6 an __index__ that empties result, index -1": with_act(
        lambda call: call.result.clear(), index=-1
    ),
    "1.6 an __index__ that shortens result, index -1": with_act(
        lambda call: call.result.pop(), index=-1
    ),
    "1.6 an __index__ that grows result": with_act(
        lambda call: call.result.append("third")
    ),
    "1.1 an __index__ that grows result, index -1": with_act(
        lambda call: call.result.append("third"), index=-1
    ),
    "1.6 passes whose __index__ empties result": with_acting_passes,
    "1.1 an index whose __index__ grows result": with_acting_index,
    "1.7 what is replaced looks for itself": partial(with_replaced, 1),
    "1.7 what is replaced looks for itself, index -1": partial(with_replaced, -1),
}

CASES = ANSWERS | REFUSALS | ACTIONS
