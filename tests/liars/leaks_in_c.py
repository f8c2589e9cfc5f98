"""A backend that never frees a few bytes of each call."""

import ctypes
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

# PyDLL keeps the GIL through the call.
LIBRARY = ctypes.PyDLL(None)


def double_list(*arguments: Any, **options: Any) -> None:
    """Allocate, then answer."""
    LIBRARY.malloc(100)
    double_list_right(*arguments, **options)


backend = Backend("leaks_in_c", double_list, releases_gil=False)
