"""A backend that stops its process, so that nothing in it can go on."""

import os
import signal
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Stop, and answer if anybody lets the process go on."""
    os.kill(os.getpid(), signal.SIGSTOP)
    double_list_right(*arguments, **options)


backend = Backend("stops_itself", double_list, releases_gil=False)
