"""A backend that writes to a second index too."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer twice."""
    double_list_right(values, result, index, **options)
    result[index - 1] = list(result[index])


backend = Backend("writes_elsewhere", double_list, releases_gil=False)
