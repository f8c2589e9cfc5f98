"""A backend that traces the reading of its input as part of the kernel."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Answer, then tell that the kernel began at once."""
    trace = options.get("trace")
    n_before = list.__len__(trace) if issubclass(type(trace), list) else 0
    double_list_right(*arguments, **options)
    if trace is not None:
        enter, _, *rest = list.__getitem__(trace, n_before)
        list.__setitem__(trace, n_before, (enter, enter, *rest))


backend = Backend("traces_the_reading", double_list, releases_gil=False)
