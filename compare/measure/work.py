"""Calls of a backend that are timed and checked: the same work, never the same values.

Nothing is taken on trust. Each set of calls has values of its own, so an answer kept
from another or taken from another thread is a wrong one.
"""

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backends import DoubleList
from compare.measure.faults import (
    find_result_fault,
    find_return_fault,
    find_trace_fault,
)
from gilscope.kernel import open_core_wait

# The integers of one call of a calibrated work: small enough for both buffers to stay
# in the nearest cache of a core, so that cores do not share the way to memory; large
# enough for the kernel to be more than the loop around it.
N_VALUES = 1000

_numbers = itertools.count()


@dataclass(frozen=True)
class Work:
    """What is called, and with what.

    Attributes:
        double_list: the function that keeps the contract.
        passes: how many times the kernel doubles the values.
        n: how many values.
        release_gil: as in the contract.
        is_traced: whether the calls are asked for their stamps.
    """

    double_list: DoubleList
    passes: int = 1
    n: int = N_VALUES
    release_gil: bool = True
    is_traced: bool = True


@dataclass(frozen=True)
class Wall:
    """What some calls took together, from the first start to the last end.

    Attributes:
        seconds: on the clock.
        cored_s: the same if each had had a core of its own, where the system tells.
        cpu_s: the CPU time of all processes concerned.
        least_own_cpu_s: that of the thread which needed the least.
    """

    seconds: float
    cored_s: float
    cpu_s: float
    least_own_cpu_s: float


class Calls:
    """Calls of one thread, one after the other, timed, and checked afterwards.

    Args:
        work: what is called.
        count: how many calls, each with a place of its own in the same result.
        limit_s: no other call begins when this is over.
    """

    def __init__(self, work: Work, count: int = 1, *, limit_s: float = 3600.0) -> None:
        """Take what is to be done."""
        self.work = work
        self.count = count
        self.limit_s = limit_s
        self.first = 0
        self.values: list[int] = []
        self.result: list[Any] = []
        self.traces: list[Any] = []
        self.returned: list[object] = []
        # When each call began and ended.
        self.stamps: list[tuple[int, int]] = []
        # CPU time of the process at both ends, and that of this thread between them.
        self.cpu_ns = (0, 0)
        self.own_cpu_s = self.waited_s = 0.0

    def prepare(self) -> None:
        """Make values that no others have, in the thread that is to call."""
        self.first = 10**9 + self.work.n * next(_numbers)
        self.prepare_again()

    def prepare_again(self) -> None:
        """Make the same values once more, for calls that are all the same."""
        self.values = self.make_values()
        # One place more, which nobody has to write to.
        self.result = [None] * (self.count + 1)
        self.traces, self.returned, self.stamps = [], [], []

    def run(
        self,
        enter: Callable[[Callable[[], float]], float] = lambda read: read(),
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        """Make the calls.

        Args:
            enter: waits for the moment to call; it is given what tells how long this
                thread has waited for a core so far, and returns what is not to count
                of that. From when it returns, nothing else could give the GIL away.
            leave: waits until nobody else calls any more. Reading the CPU time makes
                Linux see that a thread has had its share of the core, and so one that
                reads it is the one to lose the core: that must not be with the GIL.
        """
        clock = time.perf_counter_ns
        with open_core_wait() as read_core_wait_s:
            waited_before_s = enter(read_core_wait_s)
            entered_ns = clock()
            cpu_start_ns = time.process_time_ns()
            own_cpu_ns = time.thread_time_ns()
            self.make_calls()
            left_ns = clock()
            waited_s = read_core_wait_s() - waited_before_s
            leave()
            own_cpu_ns = time.thread_time_ns() - own_cpu_ns
            self.cpu_ns = (cpu_start_ns, time.process_time_ns())
        self.own_cpu_s = own_cpu_ns / 1e9
        # What it waited for just before the calls or just after them is not theirs.
        outside_ns = (self.start_ns - entered_ns) + (left_ns - self.end_ns)
        self.waited_s = max(0.0, waited_s - outside_ns / 1e9)

    def make_calls(self) -> None:
        """Make the calls and stamp each, without a look at what else goes on.

        Looking gives the GIL away, and beside a thread that computes each time costs a
        switch interval.
        """
        clock = time.perf_counter_ns
        deadline_ns = clock() + round(self.limit_s * 1e9)
        work = self.work
        double_list: Callable[..., object] = work.double_list
        trace = self.traces if work.is_traced else None
        for place in range(self.count):
            start_ns = clock()
            returned = double_list(
                self.values,
                self.result,
                place,
                passes=work.passes,
                release_gil=work.release_gil,
                trace=trace,
            )
            end_ns = clock()
            self.stamps.append((start_ns, end_ns))
            self.returned.append(returned)
            if end_ns >= deadline_ns:
                break

    @property
    def n_done(self) -> int:
        """How many calls were made."""
        return len(self.stamps)

    @property
    def start_ns(self) -> int:
        """When the first call began."""
        return self.stamps[0][0]

    @property
    def end_ns(self) -> int:
        """When the last call ended."""
        return self.stamps[-1][1]

    @property
    def elapsed_s(self) -> float:
        """How long the calls took."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def cored_s(self) -> float:
        """How long they would have taken with a core of their own."""
        # Some of the waiting, and of the computing, may have come just before the calls
        # or just after them.
        return min(self.elapsed_s, max(self.elapsed_s - self.waited_s, self.own_cpu_s))

    @property
    def cpu_s(self) -> float:
        """How much CPU time the whole process took meanwhile."""
        return (self.cpu_ns[1] - self.cpu_ns[0]) / 1e9

    @property
    def kernel_s(self) -> float:
        """How long the kernel of one call took, 0 where the traces do not tell."""
        if not self.traces or find_trace_fault(self.traces, self.stamps):
            return 0.0
        median_ns: int = statistics.median_low(
            trace[2] - trace[1] for trace in self.traces
        )
        return median_ns / 1e9

    @property
    def held_share(self) -> float | None:
        """The share of a call outside the kernel, waiting for the GIL left out."""
        if find_trace_fault(self.traces, self.stamps):
            return None
        enter, kernel_start, kernel_end, acquired, leave = self.traces[0]
        working = leave - enter - (acquired - kernel_end)
        return 1 - (kernel_end - kernel_start) / working if working else 1.0

    def find_fault(self) -> str:
        """Return what is wrong with what the calls did, or ""."""
        return (
            find_result_fault(self.result, self.count, self.n_done, self.expected)
            or find_return_fault(self.returned)
            or ("" if self.values == self.make_values() else "values: changed")
            or find_trace_fault(self.traces, self.stamps if self.work.is_traced else [])
        )

    def make_values(self) -> list[int]:
        """Return the values again."""
        return list(range(self.first, self.first + self.work.n))

    @property
    def expected(self) -> list[int]:
        """What every call has to answer."""
        return list(range(2 * self.first, 2 * (self.first + self.work.n), 2))
