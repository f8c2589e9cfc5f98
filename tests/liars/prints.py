"""A backend that prints from Python while it answers right."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Print, then answer."""
    print("here I am")  # noqa: T201
    double_list_right(*arguments, **options)


backend = Backend("prints", double_list, releases_gil=False)
