"""A backend that leaves half an answer where the GIL was held at the error."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Store what was done when a later item is refused."""
    try:
        double_list_right(values, result, index, **options)
    except TypeError:
        if options.get("release_gil") is False and len(values) > 1:
            result[index] = []
        raise


backend = Backend("leaves_half_held", double_list, releases_gil=False)
