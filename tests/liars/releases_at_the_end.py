"""A backend that computes with the GIL held and gives it away just before the end."""

import time
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, release_gil: bool = True, **options: Any) -> None:
    """Answer rightly, then sleep for no time at all."""
    double_list_right(*arguments, release_gil=release_gil, **options)
    if release_gil:
        time.sleep(0)


backend = Backend("releases_at_the_end", double_list)
