"""What is measured: the backends, the floor, and what a user would write instead."""

from collections.abc import Callable, Iterator
from typing import Any

import backends
from benchmarks.floor import FloorNotBuiltError, load_floor

DoubleInto = Callable[[list[int], list[Any], int], object]

SMALL, LARGE = "small", "large"
INSTEAD = ("comprehension", "numpy")


def make_values(length: int, kind: str) -> list[int]:
    """Return integers of one digit of the interpreter, or of two."""
    start = 10**12 if kind == LARGE else 0
    return [*range(start, start + length)]


def double_by_comprehension(values: list[int], result: list[Any], index: int) -> None:
    """Double as anybody would."""
    result[index] = [item + item for item in values]


def load_numpy() -> DoubleInto:
    """Return a doubling by way of numpy, there and back."""
    import numpy as np  # noqa: PLC0415

    def double_by_numpy(values: list[int], result: list[Any], index: int) -> None:
        result[index] = (np.array(values, dtype=np.int64) * 2).tolist()

    return double_by_numpy


def load(name: str) -> DoubleInto:
    """Return the subject of that name.

    Raises:
        ImportError: it is not there, with the reason.
    """
    if name == "comprehension":
        return double_by_comprehension
    if name == "numpy":
        return load_numpy()
    if name == "floor":
        floor: DoubleInto = load_floor().double_list
        return floor
    return backends.get(name).double_list


def find_loadable(names: tuple[str, ...]) -> Iterator[tuple[str, DoubleInto]]:
    """Give each of these subjects that is there."""
    for name in names:
        try:
            yield name, load(name)
        except (backends.BackendNotBuiltError, FloorNotBuiltError, ModuleNotFoundError):
            continue
