"""A backend that gets up early."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

LONGEST_S = 0.01


def double_list(*arguments: Any, **options: Any) -> None:
    """Sleep for a hundredth of a second at most."""
    for name in ("released_sleep", "held_sleep"):
        if type(options.get(name)) is float and LONGEST_S < options[name] < 10:
            options[name] = LONGEST_S
    double_list_right(*arguments, **options)


backend = Backend("sleeps_less", double_list, releases_gil=False)
