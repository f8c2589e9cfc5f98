"""A backend that releases the GIL even with release_gil=False."""

import time
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

S_PER_PASS = 50e-6


def double_list(
    *arguments: Any,
    passes: int = 1,
    release_gil: bool = True,
    trace: list[Any] | None = None,
    **options: Any,
) -> None:
    """Let the passes take their time asleep, whatever was asked for."""
    enter = kernel_start = time.perf_counter_ns()
    time.sleep(min(S_PER_PASS * passes, 1.0))
    kernel_end = acquired = time.perf_counter_ns()
    double_list_right(*arguments, **options)
    if trace is not None:
        stamps = enter, kernel_start, kernel_end, acquired, time.perf_counter_ns()
        trace.append(stamps)


backend = Backend("never_holds", double_list)
