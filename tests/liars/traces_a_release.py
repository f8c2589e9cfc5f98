"""A backend whose trace tells of a release that takes place elsewhere.

It sleeps with the GIL released after its kernel, for as long as the kernel takes, and
traces the kernel as the released part.
"""

import time
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    *arguments: Any,
    release_gil: bool = True,
    trace: list[Any] | None = None,
    **options: Any,
) -> None:
    """Compute with the GIL held, sleep without it, tell it the other way round."""
    told: list[Any] = []
    start = time.perf_counter()
    double_list_right(*arguments, release_gil=release_gil, trace=told, **options)
    if release_gil:
        time.sleep(4 * (time.perf_counter() - start))
    if trace is not None:
        enter, kernel_start, kernel_end, acquired, _ = told[0]
        trace.append(
            (enter, kernel_start, kernel_end, acquired, time.perf_counter_ns())
        )


backend = Backend("traces_a_release", double_list)
