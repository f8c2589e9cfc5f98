"""A backend that leaves half an answer after an error."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Store what was done when an item is refused."""
    try:
        double_list_right(values, result, index, **options)
    except OverflowError:
        result[index] = []
        raise


backend = Backend("leaves_half", double_list, releases_gil=False)
