"""A backend whose answers equal the right ints, and are floats."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer a float for each int that fits in one."""
    double_list_right(values, result, index, **options)
    result[index] = [float(item) for item in result[index]]


backend = Backend("answers_floats", double_list, releases_gil=False)
