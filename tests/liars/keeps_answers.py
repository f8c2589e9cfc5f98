"""A backend that keeps every answer that it gave."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

KEPT: list[Any] = []


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, and remember it."""
    double_list_right(values, result, index, **options)
    KEPT.append(result[index])


backend = Backend("keeps_answers", double_list, releases_gil=False)
