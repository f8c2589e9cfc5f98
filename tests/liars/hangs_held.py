"""A backend that never returns, with the GIL held."""

import ctypes
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Sleep with the GIL."""
    ctypes.PyDLL(None).sleep(3600)


backend = Backend("hangs_held", double_list, releases_gil=False)
