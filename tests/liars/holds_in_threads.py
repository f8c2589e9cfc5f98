"""A backend that releases the GIL in the main thread, where it is of little use."""

import threading
from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Answer rightly, with the GIL held in any other thread."""
    if threading.current_thread() is not threading.main_thread():
        options["release_gil"] = False
    double_list_right(*arguments, **options)


backend = Backend("holds_in_threads", double_list)
