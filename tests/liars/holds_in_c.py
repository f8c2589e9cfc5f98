"""A backend that declares the release and sleeps in C with the GIL held."""

import ctypes
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

# PyDLL keeps the GIL through the call, CDLL would give it away.
LIBRARY = ctypes.PyDLL(None)
US_PER_PASS = 50


def double_list(*arguments: Any, passes: int = 1, **options: Any) -> None:
    """Answer rightly, then let the passes take their time in C."""
    double_list_right(*arguments, passes=passes, **options)
    LIBRARY.usleep(min(US_PER_PASS * passes, 1_000_000))


backend = Backend("holds_in_c", double_list)
