"""A backend that appends a trace whose stamps are not in the order of time."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, then turn the stamps round."""
    double_list_right(values, result, index, **options)
    if options.get("trace"):
        options["trace"][-1] = options["trace"][-1][::-1]


backend = Backend("garbles_trace", double_list, releases_gil=False)
