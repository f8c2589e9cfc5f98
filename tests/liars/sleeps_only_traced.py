"""A backend that sleeps only when it has to tell about it."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Leave out the sleeps where there is no trace."""
    if options.get("trace") is None:
        for name in ("released_sleep", "held_sleep"):
            if type(options.get(name)) is float and 0 < options[name] < 1:
                del options[name]
    double_list_right(*arguments, **options)


backend = Backend("sleeps_only_traced", double_list, releases_gil=False)
