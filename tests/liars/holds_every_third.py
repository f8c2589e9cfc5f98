"""A backend that keeps the GIL in one call of three."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend

CALLS: list[int] = []


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Count the calls."""
    CALLS.append(1)
    if len(CALLS) % 3 == 0 and options.get("release_gil", True) is True:
        options["release_gil"] = False
    double_list_right(values, result, index, **options)


backend = Backend("holds_every_third", double_list)
