"""A backend that raises an exception of its own with the right name and text."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

OwnError = type("OverflowError", (Exception,), {})


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Refuse with what looks like an OverflowError."""
    try:
        double_list_right(values, result, index, **options)
    except OverflowError as error:
        raise OwnError(*error.args) from None


backend = Backend("raises_its_own", double_list, releases_gil=False)
