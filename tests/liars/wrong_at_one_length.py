"""A backend that answers wrong for one length, as at the end of a block."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

BLOCK = 64


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer one too much for the last of 64 values."""
    double_list_right(values, result, index, **options)
    if len(values) == BLOCK:
        result[index][-1] += 1


backend = Backend("wrong_at_one_length", double_list, releases_gil=False)
