"""Calls of several threads that begin together, in an order that is known.

A thread that is woken needs a core before it can do anything. If it is woken when the
first call begins, a busy machine keeps it from its call as well as the GIL could.
So the first thread holds the GIL, wakes the others, and begins when they all wait for
the GIL.
"""

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

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

    Args:
        all_calls: not prepared yet; each is prepared in its thread.
        is_reversed: whether the last of them begins first.
        is_undisturbed: whether nothing but the calls themselves decides who runs; the
            interpreter makes none of them release the GIL.
    """
    usual_s = sys.getswitchinterval()
    # Closing a file releases the GIL, so it waits until the calls are over.
    with contextlib.ExitStack() as stack:
        set_interval = stack.enter_context(switch_interval(UNDISTURBED_S))
        interval_s = UNDISTURBED_S if is_undisturbed else usual_s
        start = Start(
            len(all_calls),
            first=len(all_calls) - 1 if is_reversed else 0,
            begin=functools.partial(set_interval, interval_s),
            closing=stack,
        )
        run_together(
            *(functools.partial(start.run, *pair) for pair in enumerate(all_calls))
        )


class Start:
    """How threads begin together.

    Args:
        count: how many they are.
        first: which of them begins first.
        begin: called just before it does.
        closing: closes what was opened when the calls are over.
    """

    def __init__(
        self,
        count: int,
        first: int,
        begin: Callable[[], object],
        closing: contextlib.ExitStack,
    ) -> None:
        """Close all gates."""
        self.first = first
        self.begin = begin
        self.closing = closing
        # Whether the others wait for the GIL before the first one begins.
        self.does_park = is_gil_enabled()
        self.prepared, self.done = threading.Barrier(count), threading.Barrier(count)
        self.gates = [threading.Lock() for _ in range(count)]
        self.native_ids = [0] * count
        # How many have come to their gate, and wait there without the GIL.
        self.n_at_gate = 0
        # The run-queue wait of each when the first one began.
        self.waited_s: dict[int, float] = {}
        for gate in self.gates:
            gate.acquire()

    def run(self, position: int, calls: Calls) -> None:
        """Prepare the calls, and make them with all the others."""
        try:
            calls.prepare()
            self.native_ids[position] = threading.get_native_id()
            self.prepared.wait()
            calls.run(functools.partial(self.enter, position), self.leave)
        except BaseException:
            # Nobody waits for a thread that failed.
            self.prepared.abort()
            self.done.abort()
            for gate in range(len(self.gates)):
                self.open_gate(gate)
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

    def lead(self) -> None:
        """Let the others in, and hold the GIL until they wait for it."""
        others = [place for place in range(len(self.gates)) if place != self.first]
        if not self.does_park:
            for place in others:
                self.open_gate(place)
            return
        views = {place: self.open_view(place) for place in others}
        own = self.open_view(self.first)
        while self.n_at_gate < len(others) and not self.prepared.broken:
            time.sleep(PAUSE_S)
        # From here on nothing releases the GIL. One that failed is gone, and nothing
        # can be told of it.
        with contextlib.suppress(WitnessError):
            counts = {
                place: view.read_sleep()[1] for place, view in views.items() if view
            }
            for place in others:
                self.open_gate(place)
            self.park(views, counts)
        if own is not None:
            self.waited_s[self.first] = own.read_times().waiting_for_core / 1e9

    def open_gate(self, position: int) -> None:
        """Let a thread in, if that was not done already."""
        with contextlib.suppress(RuntimeError):
            self.gates[position].release()

    def open_view(self, position: int) -> ThreadView | None:
        """Return what the kernel tells about a thread, until the calls are over."""
        view = open_view(self.native_ids[position])
        if view is not None:
            self.closing.callback(view.close)
        return view

    def park(
        self, views: Mapping[int, ThreadView | None], counts: Mapping[int, int]
    ) -> None:
        """Wait, with the GIL held, until the others sleep, which is for the GIL.

        The counts are how often each had gone to sleep before its gate was opened: one
        that is about to sleep is said to, and may need a core to do so.
        """
        waiting = dict(views)
        deadline = time.perf_counter() + (PARK_MAX_S if all(views.values()) else PARK_S)
        while waiting and time.perf_counter() < deadline:
            for place, view in list(waiting.items()):
                if view is None:
                    continue
                is_asleep, count = view.read_sleep()
                if is_asleep and count > counts[place]:
                    self.waited_s[place] = view.read_times().waiting_for_core / 1e9
                    del waiting[place]
                else:
                    # On a single core they come to sleep only while this one does.
                    view.sleep_held(PAUSE_S)
