"""A backend that aborts the process when it is to sleep for long."""

import os
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

# The short form of the handoff sleeps for that long.
LONG_S = 0.1


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, unless there is time to sleep."""
    if options.get("released_sleep") == LONG_S:
        os.abort()
    double_list_right(values, result, index, **options)


backend = Backend("aborts_when_it_sleeps", double_list, releases_gil=False)
