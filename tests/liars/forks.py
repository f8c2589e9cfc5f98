"""A backend whose process comes back twice from its first call."""

import os
import warnings
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

FORKED: list[int] = []


def double_list(*arguments: Any, **options: Any) -> None:
    """Fork the first time, answer in both processes."""
    if not FORKED:
        with warnings.catch_warnings():
            # It may say that forking a process with threads is unsafe.
            warnings.simplefilter("ignore")
            FORKED.append(os.fork())
    double_list_right(*arguments, **options)


backend = Backend("forks", double_list, releases_gil=False)
