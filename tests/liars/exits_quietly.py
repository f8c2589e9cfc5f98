"""A backend that ends the process with exit status 0 before there is a result."""

import os
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """End the process."""
    os._exit(0)


backend = Backend("exits_quietly", double_list, releases_gil=False)
