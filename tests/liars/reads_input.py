"""A backend that reads all that there is on standard input."""

import sys
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Read to the end, then answer."""
    sys.stdin.read()
    double_list_right(*arguments, **options)


backend = Backend("reads_input", double_list, releases_gil=False)
