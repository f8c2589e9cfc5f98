"""Calls of a backend that are timed and checked: the same work, never the same values.

Nothing is taken on trust. Each call has values of its own, so an answer kept from
another call or taken from another thread is a wrong one, and the time has to grow with
the work that was asked for.
"""

import contextlib
import functools
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backends import DoubleList
from compare.threads import run_together

# The integers of one call of a calibrated work: small enough for both buffers to stay
# in the nearest cache of a core, so that cores do not share the way to memory; large
# enough for the kernel to be more than the loop around it.
N_VALUES = 1000

N_STAMPS = 5
N_PLACES = 3

_numbers = itertools.count()


@dataclass(frozen=True)
class Wall:
    """What some calls took together, from the first start to the last end.

    Attributes:
        seconds: on the clock.
        cored_s: the same if each had had a core of its own, where the system tells.
        cpu_s: the CPU time of all processes concerned.
    """

    seconds: float
    cored_s: float
    cpu_s: float


class Call:
    """One call of a backend with its own values, timed, and checked afterwards.

    Args:
        double_list: the function that keeps the contract.
        passes: how many times the kernel doubles the values.
        n: how many values.
        release_gil: as in the contract.
        index: where the answer goes, in a result of three.
    """

    def __init__(
        self,
        double_list: DoubleList,
        passes: int,
        *,
        n: int = N_VALUES,
        release_gil: bool = True,
        index: int = 1,
    ) -> None:
        """Take what the call is to be."""
        self.double_list = double_list
        self.passes = passes
        self.n = n
        self.release_gil = release_gil
        self.index = index
        self.first = 0
        self.values: list[int] = []
        self.result: list[Any] = []
        self.trace: list[Any] = []
        self.returned: object = None
        self.start_ns = self.end_ns = self.waited_ns = 0
        self.own_cpu_s = 0.0
        self.cpu_start_ns = self.cpu_end_ns = 0

    def prepare(self) -> None:
        """Make values that no other call has, in the thread that is to call."""
        self.first = 10**9 + self.n * next(_numbers)
        self.values = list(range(self.first, self.first + self.n))
        self.result = [f"place {position}" for position in range(N_PLACES)]
        self.trace = []

    def run(self, enter: Callable[[], object] = lambda: None) -> None:
        """Call, between two stamps of each clock.

        Args:
            enter: waits for the moment to call. From when it returns, nothing else
                could give the GIL away.
        """
        with open_core_wait() as read_core_wait_ns:
            waited_before_ns = read_core_wait_ns()
            enter()
            self.cpu_start_ns = time.process_time_ns()
            own_cpu_ns = time.thread_time_ns()
            self.start_ns = time.perf_counter_ns()
            self.returned = self.double_list(  # type: ignore[func-returns-value]
                self.values,
                self.result,
                self.index,
                passes=self.passes,
                release_gil=self.release_gil,
                trace=self.trace,
            )
            self.end_ns = time.perf_counter_ns()
            own_cpu_ns = time.thread_time_ns() - own_cpu_ns
            self.cpu_end_ns = time.process_time_ns()
            self.waited_ns = read_core_wait_ns() - waited_before_ns
        self.own_cpu_s = own_cpu_ns / 1e9

    @property
    def elapsed_s(self) -> float:
        """How long the call took."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def cored_s(self) -> float:
        """How long the call would have taken with a core of its own."""
        # Some of the waiting may have come just before the call or just after it.
        return max(self.elapsed_s - self.waited_ns / 1e9, self.own_cpu_s)

    @property
    def cpu_s(self) -> float:
        """How much CPU time the whole process took meanwhile."""
        return (self.cpu_end_ns - self.cpu_start_ns) / 1e9

    @property
    def held_share(self) -> float | None:
        """The share of the call outside the kernel, waiting for the GIL left out."""
        if self.find_trace_fault():
            return None
        enter, kernel_start, kernel_end, acquired, leave = self.trace[0]
        working = leave - enter - (acquired - kernel_end)
        return 1 - (kernel_end - kernel_start) / working if working else 1.0

    def find_fault(self) -> str:
        """Return what is wrong with what the call did, or ""."""
        if len(self.result) != N_PLACES:
            return f"result: expected {N_PLACES} items to stay, got {len(self.result)}"
        answer = self.result[self.index]
        fault = find_fault(answer, double_from(self.first, self.n))
        if fault:
            return f"result[{self.index}]{fault}"
        if self.returned is not None:
            return f"expected None to be returned, got {type(self.returned).__name__}"
        if self.values != list(range(self.first, self.first + self.n)):
            return "values: changed by the call"
        for position, item in enumerate(self.result):
            if position != self.index and item != f"place {position}":
                return f"result[{position}]: written to, with index {self.index}"
        return self.find_trace_fault()

    def find_trace_fault(self) -> str:
        """Return what is wrong with the trace, or ""."""
        if len(self.trace) != 1:
            return f"trace: expected one tuple to be appended, got {len(self.trace)}"
        stamps = self.trace[0]
        if not (
            type(stamps) is tuple
            and len(stamps) == N_STAMPS
            and all(type(stamp) is int for stamp in stamps)
        ):
            return f"trace[0]: expected a tuple of five ints, got {stamps!r:.60}"
        if sorted((self.start_ns, *stamps, self.end_ns)) != [
            self.start_ns,
            *stamps,
            self.end_ns,
        ]:
            return "trace[0]: stamps out of order, or from outside the call"
        return ""


def double_from(first: int, n: int) -> list[int]:
    """Return the doubles of n integers from first on."""
    return list(range(2 * first, 2 * (first + n), 2))


def find_fault(answer: object, expected: list[int]) -> str:
    """Compare an answer with the one that the contract asks for.

    Returns:
        What is wrong, to be put behind the name of the place, or "".
    """
    if type(answer) is not list:
        return f": expected list, got {type(answer).__name__}"
    # Quick, because short calls are checked between others that are timed.
    if answer == expected and set(map(type, answer)) <= {int}:
        return ""
    if len(answer) != len(expected):
        return f": expected {len(expected)} items, got {len(answer)}"
    for position, (item, double) in enumerate(zip(answer, expected, strict=True)):
        if type(item) is not int:
            return f"[{position}]: expected int, got {type(item).__name__}"
        if item != double:
            return f"[{position}]: expected {double}, got {item}"
    return ""


@contextlib.contextmanager
def open_core_wait() -> Iterator[Callable[[], int]]:
    """Yield what tells how long this thread was ready to run while no core was free.

    Source:
        Linux, Documentation/scheduler/sched-stats.rst (/proc/PID/schedstat); elsewhere
        it stays 0.
    """
    try:
        file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        yield lambda: 0
        return
    try:
        yield lambda: int(os.pread(file, 100, 0).split()[1])
    finally:
        os.close(file)


def run_in_order(calls: Sequence[Call], *, is_reversed: bool = False) -> None:
    """Run each call in a thread of its own; each starts the next just before itself.

    So they overlap like calls from a barrier, but which of them is first is known.

    Args:
        calls: not prepared yet; each is prepared in its thread.
        is_reversed: whether the last of them starts first.
    """
    prepared = threading.Barrier(len(calls))
    gates = [threading.Event() for _ in range(len(calls) + 1)]
    gates[0].set()

    def run(position: int) -> None:
        turn = len(calls) - 1 - position if is_reversed else position

        def enter() -> None:
            gates[turn].wait()
            gates[turn + 1].set()

        calls[position].prepare()
        prepared.wait()
        calls[position].run(enter)

    run_together(
        *(functools.partial(run, position) for position in range(len(calls))),
        timeout_s=None,
    )


def measure_wall(calls: Sequence[Call]) -> Wall:
    """Return what calls took together that ran at the same time in this process."""
    start_ns = min(call.start_ns for call in calls)
    cpu_start_ns = min(call.cpu_start_ns for call in calls)
    cored_end_ns = max(call.end_ns - call.waited_ns for call in calls)
    return Wall(
        seconds=(max(call.end_ns for call in calls) - start_ns) / 1e9,
        cored_s=max(
            (cored_end_ns - start_ns) / 1e9, *(call.own_cpu_s for call in calls)
        ),
        cpu_s=(max(call.cpu_end_ns for call in calls) - cpu_start_ns) / 1e9,
    )


class Failures:
    """What was wrong in the calls: the first of what was wrong in each place."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[str, str] = {}

    def check(self, calls: Iterable[Call], where: str) -> None:
        """Check the calls that were made under the circumstances named."""
        for call in calls:
            self.add_fault(call.find_fault(), where)

    def add_fault(self, fault: str, where: str) -> None:
        """Keep what is wrong with a call, if anything is."""
        if fault:
            self.add(f"double_list() {fault}, {where}", where)

    def add(self, failure: str, kind: str = "") -> None:
        """Keep a failure, unless one of its kind was kept already."""
        self._kept.setdefault(kind or failure, failure)

    def as_tuple(self) -> tuple[str, ...]:
        """Return what was kept, in the order in which it was found."""
        return tuple(self._kept.values())
