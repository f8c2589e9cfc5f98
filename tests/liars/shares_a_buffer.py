"""A backend right alone, and wrong when two threads are in it: one buffer for all."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

BUFFER: list[Any] = [None]


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Double into the common buffer; a thread that comes meanwhile overwrites it."""
    double_list_right(values, BUFFER, 0, passes=1)
    scratch: list[Any] = [None]
    double_list_right(values, scratch, 0, **options)
    result[index] = BUFFER[0]


backend = Backend("shares_a_buffer", double_list, releases_gil=False)
