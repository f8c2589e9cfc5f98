"""A backend that raises what Ctrl-C raises."""

from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Interrupt the caller."""
    raise KeyboardInterrupt


backend = Backend("interrupts", double_list, releases_gil=False)
