"""The call in many forms: does each keep or give away the GIL as it is told to?

The verdict is that of one form. A single call of another one shows whether it is any
different: what gives the GIL away wakes the witness each time, and what does not never
does. See docs/explanation/scenarios.md.
"""

import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from backends import DoubleList
from compare.double_list.objects import Number
from gilscope.environment import is_gil_enabled
from gilscope.probe.session import count_releases

# So many calls of one form have to be alike; another one before them is not counted.
N_WATCHED = 3
LONG = 5_000
SHORT_SLEEP_S = 1e-4
# Longer than it takes to watch one form.
BESIDE_S = 0.04


def make_forms(
    double_list: DoubleList, *, release_gil: bool
) -> dict[str, Callable[[], object]]:
    """Return calls without arguments, each named by what is special about it."""
    options: dict[str, Any] = {} if release_gil else {"release_gil": False}
    few = list(range(10))
    forms: dict[str, tuple[list[Any], int, dict[str, Any]]] = {
        "of 10 values": (few, 0, {"trace": []}),
        f"of {LONG} values": (list(range(LONG)), 0, {"trace": []}),
        "without a trace": (few, 0, {}),
        "with an index from the end": (few, -1, {"trace": []}),
        "of values by __index__": ([Number(1), True], 0, {"trace": []}),
        "with two passes": (few, 0, {"passes": 2}),
        "that sleeps shortly": (few, 0, {"released_sleep": SHORT_SLEEP_S}),
        "that sleeps twice": (
            *(few, 0),
            {"released_sleep": SHORT_SLEEP_S, "held_sleep": SHORT_SLEEP_S, "trace": []},
        ),
    }
    return {
        name: functools.partial(
            double_list, values, [None, None], index, **options, **more
        )
        for name, (values, index, more) in forms.items()
    }


def find_odd_forms(double_list: DoubleList, *, release_gil: bool) -> list[str]:
    """Return the forms which do the contrary of what they are told.

    Returns:
        Their names; none where there is no GIL, or where Linux does not tell.
    """
    if not is_gil_enabled():
        return []
    found = watch_forms(make_forms(double_list, release_gil=release_gil))
    if release_gil:
        found |= watch_beside_another(double_list)
    contrary = 0 if release_gil else N_WATCHED
    return [name for name, n_released in found.items() if n_released == contrary]


def watch_forms(forms: Mapping[str, Callable[[], object]]) -> dict[str, int]:
    """Return how many of the calls of each form gave the GIL away, where that is seen.

    Threads:
        To be called in the main thread, with no other one that computes in Python.
    """
    found: dict[str, int] = {}
    for name, call in forms.items():
        counts = count_releases(call, N_WATCHED)
        if counts is not None and counts[1] == N_WATCHED:
            found[name] = counts[0]
    return found


def watch_beside_another(double_list: DoubleList) -> dict[str, int]:
    """Return the same for a call while another one sleeps in another thread.

    Nothing is returned if the other one, by its trace, was not asleep all the while.
    """
    trace: list[Any] = []
    other = threading.Thread(
        target=double_list,
        args=([1], [None], 0),
        kwargs={"released_sleep": BESIDE_S, "trace": trace},
        daemon=True,
    )
    other.start()
    # Until it has begun to sleep.
    time.sleep(BESIDE_S / 10)
    start_ns = time.perf_counter_ns()
    call = functools.partial(double_list, list(range(10)), [None], 0)
    found = watch_forms({"beside another one": call})
    end_ns = time.perf_counter_ns()
    other.join()
    if len(trace) == 1 and trace[0][1] < start_ns < end_ns < trace[0][2]:
        return found
    return {}
