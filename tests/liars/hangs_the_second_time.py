"""A backend whose first call is right and whose second one never returns."""

import time
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

CALLED: list[int] = []


def double_list(*arguments: Any, **options: Any) -> None:
    """Answer once."""
    if CALLED:
        time.sleep(3600)
    CALLED.append(1)
    double_list_right(*arguments, **options)


backend = Backend("hangs_the_second_time", double_list, releases_gil=False)
