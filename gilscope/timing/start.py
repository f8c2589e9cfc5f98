"""Calls of several threads that begin together, in an order that is known.

A thread that is woken needs a core before it can do anything. If it is woken when the
first call begins, a busy machine keeps it from its call as well as the GIL could.
So the first thread holds the GIL, wakes the others, and begins when they all wait for
the GIL.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from gilscope.environment import is_gil_enabled
from gilscope.kernel import ThreadView, WitnessError, open_view
from gilscope.threads import run_together, switch_interval
from gilscope.timing.calls import Calls

# How long the first thread waits for the others to come to wait for the GIL: where the
# kernel tells when they have, and where it does not.
PARK_MAX_S = 5.0
PARK_S = 300e-6
PAUSE_S = 20e-6

# The switch interval of undisturbed calls, longer than any call. At the usual one a
# thread that waits for the GIL wakes up again and again only to ask for it, and where
# no core is free to do so, that wait says nothing about the call.
UNDISTURBED_S = 100.0


def run_in_order(
    all_calls: Sequence[Calls],
    *,
    is_reversed: bool = False,
    is_undisturbed: bool = False,
) -> None:
    """Make the calls of each in a thread of its own, all of them begun together.

    The last of them begins first if they are reversed. Undisturbed, nothing but the
    calls themselves decides who runs: the interpreter makes none release the GIL.
    """
    usual_s = sys.getswitchinterval()
    # Closing a file releases the GIL, so it waits until the calls are over.
    with contextlib.ExitStack() as stack:
        set_interval = stack.enter_context(switch_interval(UNDISTURBED_S))
        interval_s = UNDISTURBED_S if is_undisturbed else usual_s
        first = len(all_calls) - 1 if is_reversed else 0
        start = Start(len(all_calls), first, partial(set_interval, interval_s), stack)
        run_together(*(partial(start.run, *pair) for pair in enumerate(all_calls)))


class Start:
    """How so many threads begin together; `begin` is called just before the first."""

    def __init__(
        self,
        count: int,
        first: int,
        begin: Callable[[], object],
        closing: contextlib.ExitStack,
    ) -> None:
        """Close all gates."""
        self.first, self.begin, self.closing = first, begin, closing
        # Whether the others wait for the GIL before the first one begins.
        self.does_park = is_gil_enabled()
        self.prepared, self.done = threading.Barrier(count), threading.Barrier(count)
        self.gates = {place: threading.Lock() for place in range(count)}
        self.native_ids = [0] * count
        # How many have come to their gate, and wait there without the GIL.
        self.n_at_gate = 0
        # The run-queue wait of each when the first one began.
        self.waited_s: dict[int, float] = {}
        for gate in self.gates.values():
            gate.acquire()

    def run(self, position: int, calls: Calls) -> None:
        """Prepare the calls, and make them with all the others."""
        try:
            calls.prepare()
            self.native_ids[position] = threading.get_native_id()
            self.prepared.wait()
            calls.run(partial(self.enter, position), self.leave)
        except BaseException:
            # Nobody waits for a thread that failed.
            self.prepared.abort()
            self.done.abort()
            self.open_gates()
            raise

    def enter(self, position: int, read_queue_wait_s: Callable[[], float]) -> float:
        """Wait for the moment to begin; return the run-queue wait until then."""
        waited_s = read_queue_wait_s()
        if position == self.first:
            self.lead()
            self.begin()
        else:
            # From here to the gate this thread has the GIL, if there is one.
            self.n_at_gate += 1
            self.gates[position].acquire()
            if self.does_park and position not in self.waited_s:
                # It was not seen to wait for the GIL, so nothing may be taken off.
                waited_s = read_queue_wait_s()
        return self.waited_s.get(position, waited_s)

    def leave(self) -> None:
        """Wait until all have made their calls, unless one of them failed."""
        with contextlib.suppress(threading.BrokenBarrierError):
            self.done.wait()

    def open_gates(self) -> None:
        """Let all others in, unless that was done already."""
        for position, gate in self.gates.items():
            if position != self.first:
                with contextlib.suppress(RuntimeError):
                    gate.release()

    def lead(self) -> None:
        """Let the others in, and hold the GIL until they wait for it."""
        if not self.does_park:
            self.open_gates()
            return
        views: dict[int, ThreadView | None] = {}
        for position, native_id in enumerate(self.native_ids):
            views[position] = view = open_view(native_id)
            if view is not None:
                self.closing.callback(view.close)
        own = views.pop(self.first)
        while self.n_at_gate < len(views) and not self.prepared.broken:
            time.sleep(PAUSE_S)
        # From here on nothing releases the GIL. One that failed is gone, and nothing
        # can be told of it.
        with contextlib.suppress(WitnessError):
            self.park(views)
        if own is not None:
            self.waited_s[self.first] = own.read_times().waiting_for_core / 1e9

    def park(self, views: dict[int, ThreadView | None]) -> None:
        """Open the gates and wait until the others sleep, which is for the GIL."""
        waiting = {place: view for place, view in views.items() if view is not None}
        patience_s = PARK_MAX_S if len(waiting) == len(views) else PARK_S
        # One that is about to sleep is said to, and may need a core to do so: it has to
        # go to sleep once more than it had before.
        counts = {place: view.read_sleep()[1] for place, view in waiting.items()}
        self.open_gates()
        deadline = time.perf_counter() + patience_s
        # Where nothing is told of one, all of that time is for it.
        while (waiting or len(counts) < len(views)) and time.perf_counter() < deadline:
            for place, view in list(waiting.items()):
                is_asleep, count = view.read_sleep()
                if is_asleep and count > counts[place]:
                    self.waited_s[place] = view.read_times().waiting_for_core / 1e9
                    del waiting[place]
                else:
                    # On a single core they come to sleep only while this one does.
                    view.sleep_held(PAUSE_S)
