"""A backend that never stops writing to standard output."""

import os
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Write for ever."""
    while True:
        os.write(1, b"flood " * 1000)


backend = Backend("floods_output", double_list, releases_gil=False)
