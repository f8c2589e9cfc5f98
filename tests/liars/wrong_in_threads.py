"""A backend that answers wrong only when two threads run."""

import threading
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

RUNNING: list[int] = []


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer one too much while another thread is in here too."""
    RUNNING.append(threading.get_ident())
    try:
        double_list_right(values, result, index, **options)
        if len(set(RUNNING)) > 1 and result[index]:
            result[index][-1] += 1
    finally:
        RUNNING.remove(threading.get_ident())


backend = Backend("wrong_in_threads", double_list, releases_gil=False)
