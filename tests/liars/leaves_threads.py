"""A backend that leaves a thread behind with each call."""

import threading
import time
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Start a thread, then answer."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
    double_list_right(*arguments, **options)


backend = Backend("leaves_threads", double_list, releases_gil=False)
