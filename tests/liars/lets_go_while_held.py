"""A backend that gives the GIL away in held_sleep."""

import time
from typing import Any

from cython_backend._native import double_list as double_list_right

from backends import Backend

LONG_S = 60


def double_list(*arguments: Any, trace: Any = None, **options: Any) -> None:
    """Answer rightly, then sleep as anybody does."""
    seconds = options.get("held_sleep")
    if type(seconds) is not float or not 0 < seconds < LONG_S or trace is None:
        double_list_right(*arguments, trace=trace, **options)
        return
    told: list[Any] = []
    double_list_right(*arguments, trace=told, **{**options, "held_sleep": 0.0})
    time.sleep(seconds)
    trace.append((*told[0][:4], time.perf_counter_ns()))


backend = Backend("lets_go_while_held", double_list)
