"""A backend that prints once from C, into a buffer that nobody empties."""

import ctypes
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

PRINTED: list[int] = []


def double_list(*arguments: Any, **options: Any) -> None:
    """Print the first time, answer always."""
    if not PRINTED:
        PRINTED.append(ctypes.CDLL(None).printf(b"here I am\n"))
    double_list_right(*arguments, **options)


backend = Backend("prints_from_c", double_list, releases_gil=False)
