"""A backend that takes the more time the more passes it is told, asleep."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    *arguments: Any, passes: int = 1, released_sleep: float = 0.0, **options: Any
) -> None:
    """Sleep a microsecond for each pass."""
    double_list_right(
        *arguments, released_sleep=released_sleep + passes * 1e-6, **options
    )


backend = Backend("sleeps_for_work", double_list)
