"""A backend that aborts the process in its call."""

import os
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Abort."""
    os.abort()


backend = Backend("aborts", double_list, releases_gil=False)
