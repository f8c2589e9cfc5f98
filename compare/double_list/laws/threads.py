"""Laws of more than one thread (1.7): their answers, and what one sees of another."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from backends import DoubleList
from compare.double_list.outcome import (
    describe_difference,
    find_trace_fault,
    picture,
    shorten,
)
from gilscope.threads import run_together


@dataclass(frozen=True)
class Load:
    """The calls that one thread makes in a row."""

    n: int
    n_calls: int
    options: dict[str, Any]


# The sleeps make the calls overlap on any machine: they begin together and are longer
# than a thread has to wait for a core; the long lists make the kernels.
LOADS = (
    Load(50, 100, {}),
    Load(50, 2, {"released_sleep": 0.01}),
    Load(5_000, 6, {"passes": 3}),
)


def check_threads(
    n_threads: int, double_list: DoubleList, *, is_same_list: bool
) -> str | None:
    """Return what went wrong in threads that share one result and one trace.

    Every other one counts its place in it from the end.
    """
    lists = [[list(range(k, k + load.n)) for load in LOADS] for k in range(n_threads)]
    if is_same_list:
        lists = [lists[0]] * n_threads
    result: list[Any] = [None] * n_threads
    trace: list[Any] = []
    which = "the same values" if is_same_list else "values of its own"
    where = f"1.7 {n_threads} threads, each with {which}"
    meeting = threading.Barrier(n_threads)

    def work(k: int) -> str | None:
        try:
            return call_all(k)
        finally:
            # Nobody waits for one that is done, or that failed.
            meeting.abort()

    def call_all(k: int) -> str | None:
        index = k - n_threads * (k % 2)
        for load, values in zip(LOADS, lists[k], strict=True):
            expected = [2 * item for item in values]
            for _ in range(load.n_calls):
                if "released_sleep" in load.options:
                    with suppress(threading.BrokenBarrierError):
                        meeting.wait()
                double_list(values, result, index, trace=trace, **load.options)
                answer = result[k]
                if answer != expected or {*map(type, answer)} != {int}:
                    return f"{where}: {describe_answer(expected, answer)}"
        return None

    start_ns = time.perf_counter_ns()
    found = run_together(*(partial(work, k) for k in range(n_threads)), timeout_s=None)
    stamps_ns = start_ns, time.perf_counter_ns()
    first: str | None = next(filter(None, found), None)
    if first:
        return first
    fault = find_end_fault(lists, result) or find_traces_fault(
        trace, n_threads * sum(load.n_calls for load in LOADS), stamps_ns
    )
    return f"{where}: {fault}" if fault else None


def find_end_fault(lists: list[list[list[int]]], result: list[Any]) -> str | None:
    """Return whether anybody put back what another one had written."""
    for values, answer in zip(lists, result, strict=True):
        expected = [2 * item for item in values[-1]]
        if answer != expected:
            return f"in the end {describe_answer(expected, answer)}"
    return None


def find_traces_fault(
    trace: list[Any], n_calls: int, stamps_ns: tuple[int, int]
) -> str | None:
    """Return what is wrong with what all threads appended to one trace."""
    if len(trace) != n_calls:
        return f"expected {n_calls} entries in one trace, got {len(trace)}"
    faults = (find_trace_fault(stamps, *stamps_ns) for stamps in trace)
    found: str | None = next(filter(None, faults), None)
    return found


def describe_answer(expected: list[int], answer: Any) -> str:
    """Return in words how an answer differs."""
    return describe_difference(picture(expected), picture(answer))


def check_changing_values(double_list: DoubleList) -> str | None:
    """Return an answer that is double of no state that values ever had."""
    states = ([1] * 10, [2] * 500)
    answers = ([2] * 10, [4] * 500)
    values = list(states[0])
    done: list[bool] = []

    def change() -> None:
        while not done:
            for state in states:
                values[:] = state
            time.sleep(0)

    def call() -> str | None:
        try:
            for _ in range(200):
                result: list[Any] = [None]
                double_list(values, result, 0)
                if result[0] not in answers:
                    return (
                        "1.7 values that another thread replaces: expected the double "
                        f"of one state, got {shorten(picture(result[0]))}"
                    )
            return None
        finally:
            done.append(True)

    found: str | None = run_together(call, change, timeout_s=None)[0]
    return found


# Until the other thread was there while the call slept. One that keeps the GIL lets
# nobody see anything.
MEANWHILE_SLEEPS_S = (0.003, 0.01, 0.03)


def check_meanwhile(double_list: DoubleList) -> str | None:
    """Return what another thread sees or does too early while a call sleeps (1.3)."""
    for sleep_s in MEANWHILE_SLEEPS_S:
        meanwhile = Meanwhile(double_list, sleep_s)
        run_together(meanwhile.call, meanwhile.look, timeout_s=None)
        if meanwhile.was_inside:
            return meanwhile.find_fault()
    return None


class Meanwhile:
    """A call that sleeps without the GIL, and a thread that looks at its lists then.

    That thread changes them too: the answer has to be that of the snapshot, and
    nothing but its own place is the call's.
    """

    def __init__(self, double_list: DoubleList, sleep_s: float) -> None:
        """Make the lists."""
        self.double_list = double_list
        self.sleep_s = sleep_s
        self.values = [1, 2, 3]
        self.result: list[Any] = ["first", "second"]
        self.trace: list[Any] = []
        self.seen: list[str] = []
        self.stamps_ns: list[int] = []

    def call(self) -> None:
        """Make the call."""
        self.double_list(
            self.values, self.result, 1, released_sleep=self.sleep_s, trace=self.trace
        )

    def look(self) -> None:
        """Look at the lists in the middle of the sleep, then change them."""
        time.sleep(self.sleep_s / 2)
        self.stamps_ns.append(time.perf_counter_ns())
        self.seen += map(picture, (self.values, self.result, self.trace))
        self.values[:] = [7, 7, 7]
        self.result[0] = "changed"
        self.result.append("third")
        self.stamps_ns.append(time.perf_counter_ns())

    @property
    def was_inside(self) -> bool:
        """Whether the other thread did all that while the call slept, by its trace."""
        if len(self.trace) != 1:
            return False
        _, kernel_start, kernel_end, *_ = self.trace[0]
        first_ns, last_ns = self.stamps_ns
        return bool(kernel_start < first_ns and last_ns < kernel_end)

    def find_fault(self) -> str | None:
        """Return what is wrong with what was seen, or with the outcome."""
        for what, before, after, seen in zip(
            ("values", "result", "trace"),
            ("[1, 2, 3]", "['first', 'second']", "[]"),
            ([7, 7, 7], ["changed", [2, 4, 6], "third"], self.trace),
            self.seen,
            strict=True,
        ):
            if seen != before:
                return f"1.3 {what} while a call sleeps: expected {before}, got {seen}"
            now = picture(getattr(self, what))
            if now != picture(after):
                return (
                    f"1.7 {what} that another thread changes while a call sleeps: "
                    f"expected {picture(after)}, got {now}"
                )
        return None
