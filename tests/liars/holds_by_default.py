"""A backend that releases the GIL only when it is told to."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Keep the GIL unless it is asked for by name."""
    options.setdefault("release_gil", False)
    double_list_right(values, result, index, **options)


backend = Backend("holds_by_default", double_list)
