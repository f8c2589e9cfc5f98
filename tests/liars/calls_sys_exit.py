"""A backend that calls sys.exit() in its call."""

import sys
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Ask for the end of the process."""
    sys.exit(3)


backend = Backend("calls_sys_exit", double_list, releases_gil=False)
