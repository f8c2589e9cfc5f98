"""A backend that gives the GIL away for a moment and computes with it held."""

import ctypes
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

# CDLL gives the GIL away around the call, which is over in less than a microsecond.
LIBRARY = ctypes.CDLL(None)


def double_list(*arguments: Any, release_gil: bool = True, **options: Any) -> None:
    """Release for nothing, then answer rightly."""
    if release_gil:
        LIBRARY.getpid()
    double_list_right(*arguments, release_gil=release_gil, **options)


backend = Backend("releases_for_a_moment", double_list)
