"""A backend that sets an environment variable and leaves it so."""

import os
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Set it, then answer rightly."""
    os.environ["OMP_NUM_THREADS"] = "1"
    double_list_right(*arguments, **options)


backend = Backend("changes_environment", double_list, releases_gil=False)
