"""How a call is watched where there is a GIL: windows of calls beside a witness.

With a huge switch interval nobody can be interrupted: a witness that runs, or is
woken, between the start of a call and its end proves that the call gave the GIL away.
With a tiny one everybody is interrupted wherever Python code is run: a witness that
runs in the midst of a call that gives nothing away proves that it is Python code.

Source: docs/method.md, which says why each step is taken.
"""

import operator
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any

from gilscope.kernel import Times, WitnessError
from gilscope.probe.estimate import Entry, Interrupted, Window, weigh_entries
from gilscope.probe.witness import PAUSE_S, Witness

# The huge interval is at least this long, and this many times one call. A witness
# interrupts the caller once it has waited that long, so only half of it is used.
HUGE_S = 1.0
HUGE_CALLS = 20.0
TINY_S = 1e-6
# So many calls are to be entered before it says something that none was interrupted, or
# so many interrupted.
ENOUGH_ENTRIES = 12
ENOUGH_INTERRUPTIONS = 3
# How often the time to interrupt calls may be spent again when there were too few.
PATIENCE = 5
# Between two tries to get into a call; long enough for the caller to come back.
ENTRY_PAUSE_S = 30e-6

# Short calls are watched many at a time, for about so long.
WINDOW_NS = 1_000_000
MAX_CALLS = 10_000


class GilMethod:
    """Watches calls, with the turn at the switch interval and a running witness.

    Args:
        set_interval: what `switch_interval` yields.
        witness: the second thread.
    """

    def __init__(self, set_interval: Callable[[float], None], witness: Witness) -> None:
        """Begin with the shortest huge interval."""
        self._set_interval = set_interval
        self._witness = witness
        self.use_huge(0)

    def use_huge(self, call_ns: float) -> None:
        """Make the huge interval long enough for a call."""
        self.huge_s = max(HUGE_S, HUGE_CALLS * call_ns / 1e9)
        self._witness.limit_s = self.huge_s / 2
        self._witness.pause_s = PAUSE_S

    def watch(self, call: Callable[[], Any], n_calls: int) -> Window | None:
        """Watch calls that nobody can interrupt.

        Returns:
            What was seen, or None if they took so long that the witness could have
            interrupted them after all.

        Raises:
            WitnessError: nothing can be seen here now; the text says why.
        """
        witness = self._witness
        timed = time_calls(call, n_calls, (time.perf_counter_ns,))
        self._set_interval(self.huge_s)
        # What the interpreter made of it: it counts whole microseconds.
        expected = sys.getswitchinterval()
        witness.park()
        start, blocked = self._read_times(), self._read_blocked()
        computed = time.thread_time_ns()
        # From here to `readings` no bytecode runs but that of the call itself.
        readings = list(timed)
        was_woken = witness.was_woken()
        computed = time.thread_time_ns() - computed
        blocked_after = self._read_blocked()
        stamps = readings[::2]
        end, late_ns = self._read_times_at(stamps[-1])
        notes, way_back_s = witness.rest()
        if sys.getswitchinterval() != expected:
            message = "the call changes the switch interval, which the check relies on"
            raise WitnessError(message)
        self._refuse_rivals(way_back_s)
        took_ns = stamps[-1] - stamps[0]
        if took_ns > self.huge_s / 2 * 1e9:
            # Many times what the first call took.
            self._refuse_rivals(took_ns / 1e9)
            self.use_huge(took_ns / n_calls)
            return None
        return Window(
            stamps,
            [note for note in notes if stamps[0] < note.at_ns < stamps[-1]],
            was_woken,
            start,
            end,
            None
            if blocked is None or blocked_after is None
            else max(0, blocked_after - blocked),
            computed,
            late_ns,
        )

    def _refuse_rivals(self, waited_s: float) -> None:
        """Give up where another thread kept the GIL from the witness for so long."""
        if waited_s > self.huge_s / 2 and (names := find_other_threads()):
            message = (
                f"another thread of this process computes in Python ({names}); "
                "what a call gives away goes to that one"
            )
            raise WitnessError(message)

    def watch_for(
        self, call: Callable[[], Any], seconds: float, *, n_calls: int = 1
    ) -> list[Window]:
        """Watch windows of calls for about so long, at least one."""
        windows: list[Window] = []
        deadline = time.perf_counter() + seconds
        while not windows or time.perf_counter() < deadline:
            window = self.watch(call, n_calls)
            if window is None:
                n_calls = 1
                continue
            windows.append(window)
            fitting = WINDOW_NS // max(1, window.call_ns)
            n_calls = int(max(1, min(fitting, 10 * n_calls, MAX_CALLS)))
        return windows

    def watch_alone(self, call: Callable[[], Any], n_calls: int) -> int | None:
        """Return how long a call is blocked while the witness sleeps at its gate."""
        before = self._read_blocked()
        list(time_calls(call, n_calls, ()))
        after = self._read_blocked()
        if before is None or after is None:
            return None
        return max(0, after - before) // n_calls

    def interrupt_for(
        self, call: Callable[[], Any], seconds: float, n_calls: int
    ) -> list[Interrupted]:
        """Interrupt calls as often as they allow it, for about so long."""
        runs: list[Interrupted] = []
        witness = self._witness
        witness.pause_s, witness.notes_places = ENTRY_PAUSE_S, True
        deadline = time.perf_counter() + seconds
        while not runs or time.perf_counter() < deadline:
            clocks = (time.perf_counter_ns, time.thread_time_ns)
            timed = time_calls(call, n_calls, clocks)
            # The witness has to begin to wait under the tiny interval.
            self._set_interval(TINY_S)
            waited_ns = self._read_waited()
            witness.start()
            readings = list(timed)
            self._set_interval(self.huge_s)
            waited_ns = self._read_waited() - waited_ns
            notes, _ = witness.rest()
            runs.append(Interrupted(readings[::3], readings[1::3], notes, waited_ns))
        witness.pause_s, witness.notes_places = PAUSE_S, False
        return runs

    def interrupt(
        self,
        call: Callable[[], Any],
        seconds: float,
        *,
        n_calls: int = 1,
        patience: int = PATIENCE,
    ) -> list[Entry]:
        """Interrupt calls until enough of them were entered, or patience ends."""
        runs: list[Interrupted] = []
        deadline = time.perf_counter() + patience * seconds
        while True:
            runs += self.interrupt_for(call, seconds, n_calls)
            entries = weigh_entries(runs)
            n_entered = sum(entry.n_notes > 0 for entry in entries)
            n_interrupted = sum(entry.is_interrupted for entry in entries)
            # One or two may still turn out either way.
            is_clear = n_entered >= ENOUGH_ENTRIES and not n_interrupted
            is_clear |= n_interrupted >= ENOUGH_INTERRUPTIONS
            if is_clear or time.perf_counter() > deadline:
                return entries

    def _read_times(self) -> tuple[Times, Times] | None:
        """Return the times of the caller and of the witness."""
        witness = self._witness
        if witness.view is None:
            return None
        return witness.caller_view.read_times(), witness.view.read_times()

    def _read_times_at(self, at_ns: int) -> tuple[tuple[Times, Times] | None, int]:
        """Return the times of both as they were a moment ago.

        What the witness has waited for a core since then cannot be told from what it
        waited before, where the caller itself had no core to look. So all of it
        counts: a window may say too little, but nothing that is not so.

        Returns:
            They, and for how long the witness had no core since then.
        """
        witness = self._witness
        if witness.view is None:
            return None, 0
        is_late = not witness.view.read_sleep()[0]
        computing, waiting = witness.caller_view.read_times()
        caller = Times(computing, waiting - (time.perf_counter_ns() - at_ns))
        # How long a thread has waited for a core is known once it got one.
        witness.settle(witness.view)
        since_ns = time.perf_counter_ns() - at_ns
        return (caller, witness.view.read_times()), since_ns if is_late else 0

    def _read_waited(self) -> int:
        """Return how long this thread waited for a core, 0 where nobody knows."""
        if self._witness.view is None:
            return 0
        return self._witness.caller_view.read_times().waiting_for_core

    def _read_blocked(self) -> int | None:
        """Return how long this thread was blocked since some moment."""
        if self._witness.view is None:
            return None
        return time.perf_counter_ns() - time.thread_time_ns() - self._read_waited()


def time_calls(
    call: Callable[[], Any], n_calls: int, clocks: Iterable[Callable[[], int]]
) -> Iterator[Any]:
    """Read clocks before, between and after calls; yield readings and results in turn.

    It runs in C throughout. A loop in Python would give others in between the calls
    a chance that the calls do not give, and would hide what happens at their edges.
    Results are not dropped, because what happens then is no part of the call.
    """
    return map(
        operator.call,
        chain(chain.from_iterable(repeat((*clocks, call), n_calls)), clocks),
    )


def find_other_threads() -> str:
    """Return the names of the Python threads that are not of the check."""
    me = threading.current_thread()
    names = [
        thread.name
        for thread in threading.enumerate()
        if thread is not me and thread.name != "gilscope witness"
    ]
    return ", ".join(names)
