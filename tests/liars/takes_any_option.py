"""A backend that does not mind options which nobody has heard of."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

NAMES = ("passes", "release_gil", "released_sleep", "held_sleep", "trace")


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Leave out what is not known."""
    known = {name: value for name, value in options.items() if name in NAMES}
    double_list_right(values, result, index, **known)


backend = Backend("takes_any_option", double_list, releases_gil=False)
