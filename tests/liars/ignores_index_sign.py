"""A backend that takes a negative index for its absolute value."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Write to the wrong place."""
    double_list_right(values, result, abs(index), **options)


backend = Backend("ignores_index_sign", double_list, releases_gil=False)
