"""A backend that stores the same list whenever there are no values."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

EMPTY: list[Any] = []


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer with one list for all calls of nothing."""
    double_list_right(values, result, index, **options)

    if not list.__getitem__(result, index):
        list.__setitem__(result, index, EMPTY)


backend = Backend("shares_empty_answers", double_list, releases_gil=False)
