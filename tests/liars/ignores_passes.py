"""A backend whose answers are right, and which does the work once at most."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, passes: int = 1, **options: Any) -> None:
    """Answer at once."""
    double_list_right(*arguments, **options)


backend = Backend("ignores_passes", double_list, releases_gil=False)
