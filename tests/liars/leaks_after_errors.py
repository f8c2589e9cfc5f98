"""A backend that keeps what it had read of values it refused."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

KEPT: list[Any] = []


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, or keep a buffer and refuse."""
    try:
        double_list_right(values, result, index, **options)
    except OverflowError:
        KEPT.append(bytearray(8 * len(values)))
        raise


backend = Backend("leaks_after_errors", double_list, releases_gil=False)
