"""Contracts of the tests, and implementations of them, right and wrong.

A comparison finds each as `tests.contracts:NAME`, in a process of its own.
"""

import hashlib
import itertools
import os
import threading
from typing import Any

from compare.contract import Contract, Implementation


def sum_squares_slowly(values: list[int]) -> int:
    """Add up squares, one after the other."""
    total = 0
    for value in values:
        total += value * value
    return total


class Squares(Contract):
    """The sum of squares, with everything that a contract may leave out."""

    name = "squares"
    sizes = (10, 1000)
    reference = sum_squares_slowly
    cases = {  # noqa: RUF012
        "no values": ([],),
        "a text": lambda: (["1"],),
    }

    def make_arguments(self, size: int, seed: int) -> tuple[list[int]]:
        """Return integers."""
        return (list(range(seed, seed + size)),)

    def hold(self, implementation: Any) -> Any:
        """Return the call itself, which is Python and never releases the GIL."""
        return implementation

    def mutate(self, arguments: tuple[Any, ...]) -> None:
        """Let another thread change the list."""
        arguments[0].append(7)
        arguments[0].pop()


SQUARES = Squares()


class Digest(Contract):
    """A hash of bytes: no cases, no twin, no reference."""

    sizes = (100, 1_000, 100_000)

    def make_arguments(self, size: int, seed: int) -> tuple[bytes]:
        """Return bytes."""
        return (bytes([seed]) * size,)


class Unsized(Contract):
    """Says nothing but how two numbers are added."""

    reference = sum_squares_slowly
    cases = {"two values": ([1, 2],)}  # noqa: RUF012


class Limited(Squares):
    """Allows the process to grow by a gigabyte."""

    memory_max_bytes = 1 << 30


class Empty(Contract):
    """Says nothing at all."""


_counter = itertools.count()


class Random(Squares):
    """Arguments that the seed does not decide."""

    def make_arguments(self, size: int, seed: int) -> tuple[list[int]]:
        """Return other ones each time."""
        return ([next(_counter) + seed] * size,)


class Long(Squares):
    """A size that takes too long."""

    sizes = (10, 10**9)


def sum_squares(values: list[int]) -> int:
    """Add up squares."""
    return sum(value * value for value in values)


def forget_first(values: list[int]) -> int:
    """Leave one out."""
    return sum(value * value for value in values[1:])


def answer_float(values: list[int]) -> Any:
    """Return what is equal and no int."""
    return float(sum_squares(values))


def raise_late(values: list[Any]) -> int:
    """Raise another type than the reference."""
    if "1" in values:
        message = "no text"
        raise ValueError(message)
    return sum_squares(values)


_shared: list[int] = []


def share_a_buffer(values: list[int]) -> int:
    """Keep a buffer that all threads share."""
    _shared[:] = values
    total = 0
    for value in list(_shared):
        total += value * value
        if threading.active_count() > 2:
            _shared[:] = values[::-1]
    return total + sum(_shared) - sum(values) + (_shared != values)


def take_memory(values: list[int]) -> int:
    """Ask for four gigabytes."""
    return sum_squares(values) + len(bytearray(1 << 32)) - (1 << 32)


def crash(values: list[int]) -> int:
    """End the process."""
    os.abort()
    return len(values)


def sha256(data: bytes) -> bytes:
    """Release the GIL from 2,048 bytes on."""
    return hashlib.sha256(data).digest()


def sha256_in_c(data: bytes) -> bytes:
    """Do the same."""
    return hashlib.new("sha256", data).digest()


sum_in_c = sum

declares_release = Implementation("declares_release", sum_squares, releases_gil=True)
