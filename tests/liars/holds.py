"""A backend that declares the release and computes with the GIL held throughout."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Answer rightly, in Python code that gives nothing away."""
    double_list_right(*arguments, **options)


backend = Backend("holds", double_list)
