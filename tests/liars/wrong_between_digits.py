"""A backend that loses a bit of values of more than 60 bits."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

LARGE = 2**61


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer two too little for large values."""
    double_list_right(values, result, index, **options)

    answer = list.__getitem__(result, index)
    for place, item in enumerate(answer):
        if item >= LARGE:
            answer[place] -= 2


backend = Backend("wrong_between_digits", double_list, releases_gil=False)
