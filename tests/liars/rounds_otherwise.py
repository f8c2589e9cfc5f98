"""A backend that changes how the whole process rounds its floats."""

import ctypes
import platform
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

LIBRARY = ctypes.PyDLL(None)
UPWARDS = 0x400000 if platform.machine() in ("aarch64", "arm64") else 0x800


def double_list(*arguments: Any, **options: Any) -> None:
    """Round upwards, then answer rightly."""
    # Another system has another number for it, which changes the mode as well.
    LIBRARY.fesetround(UPWARDS)
    double_list_right(*arguments, **options)


backend = Backend("rounds_otherwise", double_list, releases_gil=False)
