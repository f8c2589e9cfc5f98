"""A backend that appends no trace."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer without the trace."""
    options.pop("trace", None)
    double_list_right(values, result, index, **options)


backend = Backend("never_traces", double_list, releases_gil=False)
