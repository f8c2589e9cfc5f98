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
from dataclasses import dataclass, field

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
    first = len(all_calls) - 1 if is_reversed else 0
    start = Start(len(all_calls), first, does_park=is_gil_enabled())

    def run(position: int) -> None:
        try:
            all_calls[position].prepare()
            start.native_ids[position] = threading.get_native_id()
            start.prepared.wait()
            all_calls[position].run(
                functools.partial(start.enter, position), start.leave
            )
        except BaseException:
            start.give_up()
            raise

    usual_s = sys.getswitchinterval()
    # Closing a file releases the GIL, so it waits until the calls are over.
    with switch_interval(UNDISTURBED_S) as set_interval, start.closing:
        if not is_undisturbed:
            start.begin = functools.partial(set_interval, usual_s)
        run_together(
            *(functools.partial(run, position) for position in range(len(all_calls))),
            timeout_s=None,
        )


@dataclass
class Start:
    """How threads begin together.

    Attributes:
        count: how many they are.
        first: which of them begins first.
        does_park: whether the others wait for the GIL before it begins.
        begin: called just before it does.
    """

    count: int
    first: int
    does_park: bool
    begin: Callable[[], object] = lambda: None
    prepared: threading.Barrier = field(init=False)
    done: threading.Barrier = field(init=False)
    gates: list[threading.Lock] = field(init=False)
    native_ids: list[int] = field(init=False)
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    # How many have come to their gate, and wait there without the GIL.
    n_at_gate: int = 0
    # The run-queue wait of each when the first one began.
    waited_s: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Close all gates."""
        self.prepared = threading.Barrier(self.count)
        self.done = threading.Barrier(self.count)
        self.gates = [threading.Lock() for _ in range(self.count)]
        self.native_ids = [0] * self.count
        for gate in self.gates:
            gate.acquire()

    def enter(self, position: int, read_queue_wait_s: Callable[[], float]) -> float:
        """Wait for the moment to begin.

        Args:
            position: which thread this is.
            read_queue_wait_s: returns its run-queue wait so far.

        Returns:
            Its run-queue wait when the first one began.
        """
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
        others = [place for place in range(self.count) if place != self.first]
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

    def give_up(self) -> None:
        """Let nobody wait for a thread that failed."""
        self.prepared.abort()
        self.done.abort()
        for place in range(self.count):
            self.open_gate(place)

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

        Args:
            views: of each of the others.
            counts: how often each had gone to sleep before its gate was opened. One
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
