"""A backend that returns what equals an int and is none."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer True for 1."""
    double_list_right(values, result, index, **options)
    result[index] = [bool(item) if item in (0, 1) else item for item in result[index]]


backend = Backend("answers_bools", double_list, releases_gil=False)
