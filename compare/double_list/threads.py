"""Property tests of more than one thread (1.7): answers, and who sees what when."""

import time
from functools import partial
from typing import Any

from backends import DoubleList
from compare.double_list.observe import find_answer_fault, find_trace_fault, picture
from gilscope.threads import run_together

# Length, calls and options of what each thread does in a row. The sleeps make calls
# overlap on any machine, the long lists make the kernels.
LOADS: tuple[tuple[int, int, dict[str, Any]], ...] = (
    (50, 100, {}),
    (50, 2, {"released_sleep": 0.01}),
    (5_000, 6, {"passes": 3}),
)
N_CALLS = sum(n_calls for _, n_calls, _ in LOADS)


def check_threads(
    n_threads: int, double_list: DoubleList, *, is_same_list: bool
) -> str | None:
    """Return what went wrong in threads that share one result and one trace.

    Every other one counts its place in it from the end.
    """
    all_lists = [[[*range(k, k + n)] for n, _, _ in LOADS] for k in range(n_threads)]
    if is_same_list:
        all_lists = [all_lists[0]] * n_threads
    result: list[Any] = [None] * n_threads
    trace: list[Any] = []

    def work(k: int) -> str | None:
        index = k - n_threads * (k % 2)
        for values, (_, n_calls, options) in zip(all_lists[k], LOADS, strict=True):
            expected = [2 * item for item in values]
            for _ in range(n_calls):
                double_list(values, result, index, trace=trace, **options)
                fault = find_answer_fault(result[k], expected)
                if fault:
                    return fault
        return None

    start_ns = time.perf_counter_ns()
    found = run_together(*(partial(work, k) for k in range(n_threads)), timeout_s=None)
    end_ns = time.perf_counter_ns()
    # Nobody may put back what another one had written.
    found += [
        find_answer_fault(answer, [2 * item for item in lists[-1]])
        for lists, answer in zip(all_lists, result, strict=True)
    ]
    if len(trace) != n_threads * N_CALLS:
        found.append(f"expected {n_threads * N_CALLS} traces, got {len(trace)}")
    found += [find_trace_fault(stamps, start_ns, end_ns) for stamps in trace]
    which = "the same values" if is_same_list else "values of its own"
    where = f"1.7 {n_threads} threads, each with {which}"
    return next((f"{where}: {fault}" for fault in found if fault), None)


# Until the other thread was there while the call slept. One that holds the GIL lets
# nobody see anything.
MEANWHILE_SLEEPS_S = (0.003, 0.01, 0.03)


def check_meanwhile(double_list: DoubleList) -> str | None:
    """Return what another thread sees or does too early while a call sleeps (1.3).

    It changes the lists in the middle of the sleep: the answer has to be that of the
    values that were read, and nothing but its own place is the call's.
    """
    for sleep_s in MEANWHILE_SLEEPS_S:
        values, result = [1, 2, 3], ["first", "second"]
        trace: list[Any] = []
        options: dict[str, Any] = {"released_sleep": sleep_s, "trace": trace}
        call = partial(double_list, values, result, 1, **options)
        look = partial(look_and_change, values, result, trace, sleep_s)
        _, (start_ns, seen, end_ns) = run_together(call, look, timeout_s=None)
        _, kernel_start, kernel_end, *_ = trace[0]
        if not kernel_start < start_ns < end_ns < kernel_end:
            continue
        before = "[[1, 2, 3], ['first', 'second'], []]"
        after = "[[7, 7, 7], ['changed', [2, 4, 6], 'third']]"
        got = picture([values, result])
        if seen != before:
            return f"1.3 lists while a call sleeps: expected {before}, got {seen}"
        if got != after:
            return f"1.7 lists changed while a call sleeps: expected {after}, got {got}"
        break
    return None


def look_and_change(
    values: list[Any], result: list[Any], trace: list[Any], sleep_s: float
) -> tuple[int, str, int]:
    """Return what the lists are in the middle of a sleep, and when that was."""
    time.sleep(sleep_s / 2)
    start_ns = time.perf_counter_ns()
    seen = picture([values, result, trace])
    values[:] = [7, 7, 7]
    result[0] = "changed"
    result.append("third")
    return start_ns, seen, time.perf_counter_ns()
