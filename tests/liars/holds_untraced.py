"""A backend that releases the GIL only where a trace could tell."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Keep the GIL where there is no trace."""
    if options.get("trace") is None and options.get("release_gil", True) is True:
        options["release_gil"] = False
    double_list_right(values, result, index, **options)


backend = Backend("holds_untraced", double_list)
