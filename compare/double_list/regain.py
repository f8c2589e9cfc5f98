"""What a trace tells about the wait for the GIL, where somebody is known to have it."""

import contextlib
import threading
import time
from typing import Any

from backends import DoubleList
from gilscope.environment import is_gil_enabled
from gilscope.kernel import ThreadView, WitnessError, open_view
from gilscope.threads import run_together, switch_interval

# Nobody is interrupted while a thread holds the GIL for as long as it likes to.
UNDISTURBED_S = 100.0
SLEEP_S = 0.001
# How long the GIL is kept at most for the call to be seen waiting for it.
KEPT_MAX_S = 1.0
PAUSE_S = 50e-6
# What the other thread may miss: the call is over before it gets a core.
N_TRIES = 3


class Keeper:
    """A call that sleeps without the GIL, and a thread that takes and holds the GIL.

    It keeps it until the call, whose sleep is over, sleeps again: for the GIL.
    """

    def __init__(self, double_list: DoubleList) -> None:
        """Take what is called."""
        self.double_list = double_list
        self.trace: list[Any] = []
        self.native_id = 0
        self.kept_ns = (0, 0)
        # Whether the call was seen to wait for the GIL in the end.
        self.was_waiting = False

    def call(self) -> None:
        """Make the call."""
        self.native_id = threading.get_native_id()
        self.double_list([1], [None], 0, released_sleep=SLEEP_S, trace=self.trace)

    def keep(self) -> None:
        """Take the GIL while the call sleeps, and keep it."""
        while not self.native_id:
            time.sleep(0)
        view = open_view(self.native_id)
        if view is None:
            return
        time.sleep(SLEEP_S / 4)
        start_ns = time.perf_counter_ns()
        # One that has ended is seen no more.
        with contextlib.suppress(WitnessError):
            self.was_waiting = self.await_sleeper(view, start_ns)
        self.kept_ns = start_ns, time.perf_counter_ns()
        view.close()

    def await_sleeper(self, view: ThreadView, start_ns: int) -> bool:
        """Return whether the call is seen to sleep when its own sleep is over.

        Whom a clock has woken up, but who has no core, does not sleep.
        """
        while (now_ns := time.perf_counter_ns()) < start_ns + KEPT_MAX_S * 1e9:
            if now_ns > start_ns + 3 * SLEEP_S * 1e9 and view.read_sleep()[0]:
                return True
            view.sleep_held(PAUSE_S)
        return False


def find_wait_fault(double_list: DoubleList) -> str:
    """Return how a trace hides the wait for the GIL, or "" (1.9).

    For a backend that releases the GIL around its sleep, and has kept to the form of
    the trace so far.
    """
    for _ in range(N_TRIES if is_gil_enabled() else 0):
        keeper = Keeper(double_list)
        with switch_interval(UNDISTURBED_S):
            run_together(keeper.call, keeper.keep, timeout_s=None)
        _, kernel_start, kernel_end, acquired, _ = keeper.trace[0]
        start_ns, end_ns = keeper.kept_ns
        if not (keeper.was_waiting and kernel_start < start_ns):
            continue
        if start_ns < acquired < end_ns:
            return "traces that it had the GIL while another thread kept it"
        if end_ns < kernel_end:
            return "traces the wait for the GIL as part of the kernel"
        return ""
    return ""
