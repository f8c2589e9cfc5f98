"""A backend that declares that it holds the GIL, and releases it."""

import time
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, release_gil: bool = True, **options: Any) -> None:
    """Answer rightly, then sleep a millisecond."""
    double_list_right(*arguments, release_gil=release_gil, **options)
    if release_gil:
        time.sleep(1e-3)


backend = Backend("releases_in_secret", double_list, releases_gil=False)
