"""A backend with one buffer for all calls, which a call inside of another takes."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

BUFFER: list[Any] = [None]


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Read into the common buffer; an item that calls this again overwrites it."""
    BUFFER[0] = None
    double_list_right(values, result, index, **options)
    if BUFFER[0] is not None:
        result[index] = BUFFER[0]
    BUFFER[0] = list(list.__getitem__(result, index))


backend = Backend("wrong_inside_itself", double_list, releases_gil=False)
