"""A backend that reads memory that is not there."""

import ctypes
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Read address 0."""
    ctypes.string_at(0)


backend = Backend("segfaults", double_list, releases_gil=False)
