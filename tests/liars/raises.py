"""A backend that raises where there is an answer."""

from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Raise."""
    message = "out of cheese"
    raise ValueError(message)


backend = Backend("raises", double_list, releases_gil=False)
