"""A backend that calls the overridden append() of a trace."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Append as anybody does."""
    trace = options.pop("trace", None)
    told: list[Any] | None = [] if isinstance(trace, list) else trace
    double_list_right(values, result, index, trace=told, **options)
    if trace is not None and told:
        trace.append(told[0])


backend = Backend("asks_the_subclass", double_list, releases_gil=False)
