"""A backend that never returns, with the GIL released."""

import time
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Sleep without the GIL."""
    time.sleep(3600)


backend = Backend("hangs_released", double_list, releases_gil=False)
