"""A backend that takes the interpreter down as it ends."""

import atexit
import os
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

CALLED: list[Any] = []


def double_list(*arguments: Any, **options: Any) -> None:
    """Make sure that the end is a bad one, then answer rightly."""
    if not CALLED:
        CALLED.append(atexit.register(os.abort))
    double_list_right(*arguments, **options)


backend = Backend("aborts_at_exit", double_list, releases_gil=False)
