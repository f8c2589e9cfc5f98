"""A backend that gives the answer of an earlier call to a call of the same shape."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

ANSWERS: dict[Any, Any] = {}


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer what was right the first time."""
    double_list_right(values, result, index, **options)
    result[index] = list(ANSWERS.setdefault(len(values), result[index]))


backend = Backend("remembers_answers", double_list, releases_gil=False)
