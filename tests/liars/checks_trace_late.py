"""A backend that looks at the trace when everything else is done."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Refuse what is no list after the items were read."""
    trace = options.pop("trace", None)
    told: list[Any] | None = None if trace is None else []
    scratch = list.copy(result) if issubclass(type(result), list) else result
    double_list_right(values, scratch, index, trace=told, **options)
    double_list_right([], [None], 0, trace=trace)
    if told is not None:
        list.__setitem__(trace, -1, told[0])
    list.__setitem__(result, index, list.__getitem__(scratch, index))


backend = Backend("checks_trace_late", double_list, releases_gil=False)
