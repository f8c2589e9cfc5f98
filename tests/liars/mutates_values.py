"""A backend that doubles its input in place as well."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, then write the answer to the input."""
    double_list_right(values, result, index, **options)
    values[:] = result[index]


backend = Backend("mutates_values", double_list, releases_gil=False)
