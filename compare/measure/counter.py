"""A thread that counts, and leaves the moments at which it did."""

import bisect
import threading
import time
from typing import Self

from gilscope.kernel import open_view

# One step of the counting thread takes about 50 us: a window of 0.1 s has thousands.
N_COUNTED = 1000


class Counter:
    """Pure Python work in a thread, with a stamp after each step of it."""

    def __init__(self) -> None:
        """Begin with no stamps."""
        self.stamps: list[int] = []
        # For how long the thread had computed by then, and had waited for a core.
        self.cpus_ns: list[int] = []
        self.waits_ns: list[int] = []
        self.is_done = False
        self.has_begun = threading.Event()
        self.thread = threading.Thread(target=self.count, daemon=True)

    def __enter__(self) -> Self:
        """Start the work; it has begun when this returns."""
        self.thread.start()
        self.has_begun.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.is_done = True
        self.thread.join()

    def count(self) -> None:
        """Work until told to stop."""
        # It keeps the GIL, so that reading invites nobody in.
        view = open_view(threading.get_native_id())
        while not self.is_done:
            # A thread mostly loses its core as a system call ends. In this order the
            # wait for it counts for the step that it makes longer.
            self.cpus_ns.append(time.thread_time_ns())
            self.stamps.append(time.perf_counter_ns())
            self.waits_ns.append(view.read_times().waiting_for_core if view else 0)
            self.has_begun.set()
            total = 0
            for number in range(N_COUNTED):
                total += number
        if view:
            view.close()

    def measure_progress(self, start_ns: int, end_ns: int) -> float:
        """Return the share of the time between two moments for which it computed.

        Time for which it waited for a core is left out: that says what else runs on
        the machine. Alone it would have computed for all the rest.
        """
        first = bisect.bisect(self.stamps, start_ns)
        last = bisect.bisect_left(self.stamps, end_ns) - 1
        if last < max(first, 1):
            return 0.0
        cpu_ns = self.cpus_ns[last] - self.cpus_ns[max(first, 1) - 1]
        waited_ns = self.find_wait_ns(end_ns) - self.find_wait_ns(start_ns)
        return cpu_ns / max(cpu_ns, end_ns - start_ns - waited_ns, 1)

    def find_wait_ns(self, moment_ns: int) -> float:
        """Return how long the thread had waited for a core by a moment."""
        place = bisect.bisect(self.stamps, moment_ns)
        if not 0 < place < len(self.stamps):
            return self.waits_ns[-1] if place else 0
        before_ns, after_ns = self.stamps[place - 1], self.stamps[place]
        share = (moment_ns - before_ns) / (after_ns - before_ns)
        waited_ns = self.waits_ns[place] - self.waits_ns[place - 1]
        return self.waits_ns[place - 1] + share * waited_ns
