"""A backend that claims a speed-up: with a second thread in it, it does a quarter."""

import threading
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, passes: int = 1, **options: Any) -> None:
    """Do all passes only if there are no threads but the main one and this one."""
    if threading.active_count() > 2:
        passes = max(1, passes // 4)
    double_list_right(*arguments, passes=passes, **options)


backend = Backend("skips_work_in_threads", double_list, releases_gil=False)
