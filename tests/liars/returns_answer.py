"""A backend that returns the answer besides storing it."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer twice."""
    double_list_right(values, result, index, **options)
    return result[index]  # type: ignore[no-any-return]


backend = Backend("returns_answer", double_list, releases_gil=False)
