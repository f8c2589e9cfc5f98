"""A backend whose trace tells that it never waits for the GIL."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, then tell that the GIL was had as soon as it was asked for."""
    trace = options.get("trace")
    n_before = list.__len__(trace) if issubclass(type(trace), list) else 0
    double_list_right(values, result, index, **options)
    if trace is not None:
        enter, start, end, _, leave = list.__getitem__(trace, n_before)
        entry = (enter, start, end, end, leave)
        list.__setitem__(trace, n_before, entry)


backend = Backend("traces_no_wait", double_list)
