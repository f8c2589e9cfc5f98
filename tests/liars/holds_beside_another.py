"""A backend that keeps the GIL while another call is under way."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend

UNDER_WAY: list[int] = []


def double_list(*arguments: Any, **options: Any) -> None:
    """Keep the GIL unless nobody else is in here."""
    UNDER_WAY.append(1)
    try:
        if len(UNDER_WAY) > 1 and options.get("release_gil", True) is True:
            options["release_gil"] = False
        double_list_right(*arguments, **options)
    finally:
        UNDER_WAY.pop()


backend = Backend("holds_beside_another", double_list)
