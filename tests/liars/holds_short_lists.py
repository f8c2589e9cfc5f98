"""A backend that does not think short lists worth a release."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend

FEW = 500


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Keep the GIL for a few values."""
    if len(values) < FEW and options.get("release_gil", True) is True:
        options["release_gil"] = False
    double_list_right(values, result, index, **options)


backend = Backend("holds_short_lists", double_list)
