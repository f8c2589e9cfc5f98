"""A backend that takes Ctrl-C away from its caller."""

import signal
import threading
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def swallow(*_: object) -> None:
    """Do nothing about an interrupt."""


def double_list(*arguments: Any, **options: Any) -> None:
    """Swallow interrupts, then answer rightly."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, swallow)
    double_list_right(*arguments, **options)


backend = Backend("handles_signals", double_list, releases_gil=False)
