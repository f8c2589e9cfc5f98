"""A backend that reads the clock after its kernel when it has the GIL again."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, then tell that the kernel ended when the GIL was had."""
    trace = options.get("trace")
    n_before = list.__len__(trace) if issubclass(type(trace), list) else 0
    double_list_right(values, result, index, **options)
    if trace is not None:
        enter, start, _, acquired, leave = list.__getitem__(trace, n_before)
        entry = (enter, start, acquired, acquired, leave)
        list.__setitem__(trace, n_before, entry)


backend = Backend("traces_wait_as_work", double_list)
