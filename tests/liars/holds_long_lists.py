"""A backend that keeps the GIL for long lists."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend

MANY = 2000


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Keep the GIL for many values."""
    if len(values) > MANY and options.get("release_gil", True) is True:
        options["release_gil"] = False
    double_list_right(values, result, index, **options)


backend = Backend("holds_long_lists", double_list)
