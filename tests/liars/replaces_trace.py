"""A backend whose threads lose each other's entries in one trace."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Put back the whole trace with one entry more."""
    trace = options.pop("trace", None)
    if type(trace) is not list:
        double_list_right(values, result, index, trace=trace, **options)
        return
    told: list[Any] = list(trace)
    double_list_right(values, result, index, trace=told, **options)
    trace[:] = told


backend = Backend("replaces_trace", double_list, releases_gil=False)
