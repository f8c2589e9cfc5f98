"""A backend that changes the switch interval and leaves it so."""

import sys
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Let threads interrupt each other more often, then answer rightly."""
    sys.setswitchinterval(1e-4)
    double_list_right(*arguments, **options)


backend = Backend("changes_switch_interval", double_list, releases_gil=False)
