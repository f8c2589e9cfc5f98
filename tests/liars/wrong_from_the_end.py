"""A backend that answers wrong in threads, for an index from the end."""

import threading
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer one too much for a negative index, except in the main thread."""
    double_list_right(values, result, index, **options)
    if index < 0 and threading.current_thread() is not threading.main_thread():
        result[index][-1] += 1


backend = Backend("wrong_from_the_end", double_list, releases_gil=False)
