"""A Python thread that computes beside others, and how fast it gets on.

It is plain Python code: it wants the GIL all the time, and releases it only when the
interpreter makes it, once in a switch interval.
"""

import bisect
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Self

from gilscope.kernel import ThreadView, open_view

# The additions of one tick, which take about 50 us: a window of 10 ms has hundreds.
N_ADDITIONS = 1000


class BusyThread:
    """A thread that computes while it is told to, with a stamp after each tick."""

    def __init__(self) -> None:
        """Prepare the thread; `__enter__` starts it."""
        self.stamps: list[int] = []
        # The thread's CPU time and run-queue wait by then.
        self._cpus_ns: list[int] = []
        self._waits_ns: list[int] = []
        self.speed = 0.0
        self._is_computing = self._is_ending = False
        # Released to let it begin, and by it when it has begun and when it has ended.
        self._gate, self._began, self._ended = (threading.Lock() for _ in range(3))
        for lock in (self._gate, self._began, self._ended):
            lock.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Start the thread, asleep."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._is_ending = True
        self._gate.release()
        self._thread.join()

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """Let it compute meanwhile; its stamps and speed are known afterwards."""
        for ticks in (self.stamps, self._cpus_ns, self._waits_ns):
            ticks.clear()
        self._is_computing = True
        self._gate.release()
        self._began.acquire()
        start_ns = time.perf_counter_ns()
        try:
            yield
        finally:
            end_ns = time.perf_counter_ns()
            self._is_computing = False
            self._ended.acquire()
            self.speed = self.compute_speed(start_ns, end_ns)

    def _run(self) -> None:
        view = open_view(threading.get_native_id())
        while self._gate.acquire() and not self._is_ending:
            self._note_tick(view)
            self._began.release()
            while self._is_computing:
                total = 0
                for number in range(N_ADDITIONS):
                    total += number
                self._note_tick(view)
            self._ended.release()
        if view:
            view.close()

    def _note_tick(self, view: ThreadView | None) -> None:
        # A thread mostly loses its core as a system call ends. In this order the wait
        # for it counts for the tick that it makes longer. Reading them holds the GIL,
        # so that it lets nobody in.
        self._cpus_ns.append(time.thread_time_ns())
        self.stamps.append(time.perf_counter_ns())
        self._waits_ns.append(view.read_times().waiting_for_core if view else 0)

    def compute_speed(self, start_ns: int, end_ns: int) -> float:
        """Return the share of the time between two moments for which it computed.

        Run-queue wait is left out: that says what else runs on the machine. Alone it
        would have computed for all the rest.
        """
        first = bisect.bisect(self.stamps, start_ns)
        last = bisect.bisect_left(self.stamps, end_ns) - 1
        if last < max(first, 1):
            return 0.0
        cpu_ns = self._cpus_ns[last] - self._cpus_ns[max(first, 1) - 1]
        waited_ns = self.compute_wait_ns(end_ns) - self.compute_wait_ns(start_ns)
        return cpu_ns / max(cpu_ns, end_ns - start_ns - waited_ns, 1)

    def compute_wait_ns(self, moment_ns: int) -> float:
        """Return the run-queue wait of the thread by a moment."""
        place = bisect.bisect(self.stamps, moment_ns)
        if not 0 < place < len(self.stamps):
            return self._waits_ns[-1] if place else 0
        before_ns, after_ns = self.stamps[place - 1], self.stamps[place]
        share = (moment_ns - before_ns) / (after_ns - before_ns)
        waited_ns = self._waits_ns[place] - self._waits_ns[place - 1]
        return self._waits_ns[place - 1] + share * waited_ns
