"""A backend whose trace has no kernel where the GIL was held."""

from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, then tell that there was only the sleep."""
    asked = options.get("released_sleep", 0.0)
    slept_ns = int(asked * 1e9) if type(asked) is float and 0 <= asked < 1 else 0

    trace = options.get("trace")
    n_before = list.__len__(trace) if issubclass(type(trace), list) else 0
    double_list_right(values, result, index, **options)
    if trace is not None and options.get("release_gil") is False:
        enter, start, end, acquired, leave = list.__getitem__(trace, n_before)
        entry = (enter, max(start, end - slept_ns), end, acquired, leave)
        list.__setitem__(trace, n_before, entry)


backend = Backend("traces_no_work_held", double_list)
