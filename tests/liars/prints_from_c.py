"""A backend that prints from C, through a buffer of its own, while it answers right."""

import ctypes
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Print, then answer."""
    ctypes.CDLL(None).printf(b"here I am\n")
    double_list_right(*arguments, **options)


backend = Backend("prints_from_c", double_list, releases_gil=False)
