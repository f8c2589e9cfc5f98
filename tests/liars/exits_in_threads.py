"""A backend that ends the process from any thread but the main one."""

import os
import threading
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """End the process, unless this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        os._exit(0)
    double_list_right(*arguments, **options)


backend = Backend("exits_in_threads", double_list, releases_gil=False)
