"""A backend that releases the GIL around its kernel, and keeps it while it sleeps."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Answer rightly, with the GIL held where released_sleep is asked for."""
    if options.get("released_sleep"):
        options["release_gil"] = False
    double_list_right(*arguments, **options)


backend = Backend("sleeps_held", double_list)
