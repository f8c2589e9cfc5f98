"""Objects that a call may meet: right ones of odd types, and some that act back."""

import enum
from collections.abc import Callable
from typing import Any, NoReturn


class Colour(enum.IntEnum):
    """An int by inheritance that is no plain int."""

    RED = 7


class Odd(int):
    """An int by inheritance whose own methods answer nonsense."""

    def __index__(self) -> int:
        """Answer another number, because an int is what it is."""
        return 9

    def __add__(self, other: object) -> int:
        """Answer nonsense."""
        return -1

    __int__ = __index__
    __mul__ = __rmul__ = __radd__ = __lshift__ = __add__


class Number:
    """An integer by its __index__ alone, which may act first."""

    def __init__(self, answer: object, act: Callable[[], object] = int) -> None:
        """Keep what to answer and what to do before."""
        self.answer = answer
        self.act = act

    def __index__(self) -> Any:
        """Act, then answer."""
        self.act()
        return self.answer


class Replaced:
    """What stands in a list, and is gone from there before it is finalized."""

    def __init__(self, places: list[Any]) -> None:
        """Keep the list."""
        self.places = places

    def __del__(self) -> None:
        """Tell the list if it still has this object."""
        if any(item is self for item in self.places):
            self.places.append("finalized while it was still there")


class Seconds:
    """A number by its __float__ alone."""

    def __float__(self) -> float:
        """Answer the shortest of sleeps."""
        return 1e-6


class OddList(list[Any]):
    """A list whose overridden methods answer nonsense; its own storage counts."""

    def __len__(self) -> int:
        """Answer a wrong length."""
        return 1

    def __iter__(self) -> Any:
        """Answer other items."""
        return iter((9, 9, 9, 9))

    def __getitem__(self, key: Any) -> Any:
        """Answer another item."""
        return 9

    def __setitem__(self, key: Any, value: Any) -> None:
        """Store nothing."""

    def append(self, item: Any) -> None:
        """Append nothing."""


# Of what an __index__ may raise, which a binding may take for an error of its own.
RAISED: tuple[type[Exception], ...] = (
    *(AttributeError, KeyError, MemoryError, OverflowError, TypeError, ValueError),
)


# Told apart from those themselves.
OWN = {kind: type(kind.__name__, (kind,), {}) for kind in RAISED}


def raise_own(kind: type[Exception]) -> NoReturn:
    """Raise an error that is told apart from one of that kind itself."""
    message = "raised by __index__"
    raise OWN[kind](message)


class Interrupt(KeyboardInterrupt):
    """What Ctrl-C raises, told apart from a real one."""


def fail() -> NoReturn:
    """Raise what a backend must let through."""
    message = "raised by __index__"
    raise LookupError(message)


def interrupt() -> NoReturn:
    """Raise as Ctrl-C does."""
    raise Interrupt
