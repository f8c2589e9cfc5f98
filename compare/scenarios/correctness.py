"""The contract's cases, each against the reference called with the same.

A failure is one sentence: the clause, what was special about the call, what was
expected and what came. The laws that no table of calls can show come after them:
what more than one thread sees, and what is left behind.
"""

import gc
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from backends import Backend, DoubleList
from backends.reference import double_list as double_list_reference
from compare.cases import CASES, Call, Case
from compare.results import Correctness
from compare.scenarios import Options
from compare.threads import run_together

# A wrong backend fails most of the cases; its first failures tell enough.
N_FAILURES_KEPT = 20
TEXT_LENGTH = 120

# Stamps of a trace: enter, kernel_start, kernel_end, acquired, exit (1.9).
N_STAMPS = 5
# A sleep may be that much shorter than asked for: clocks have ticks.
SLEEP_TOLERANCE = 0.99


def run(backend: Backend, options: Options) -> Correctness:  # noqa: ARG001 - it is one entry for all.
    """Put the backend through the cases and the laws.

    Raises:
        BaseException: a plain call raised, so that there is nothing to compare.
    """
    double_list = backend.double_list
    settings = read_settings()
    double_list([1, 2, 3], [None, None], 1)
    checks = [partial(check_case, double_list, case) for case in CASES]
    checks += [partial(law, double_list) for law in LAWS]
    checks.append(partial(check_settings, settings))
    failures: list[str] = []
    for check in checks:
        try:
            failure = check()
        except Exception as error:
            if not failures:
                raise
            # A backend that spoils its own later calls has been found wrong before.
            failure = f"then a call raised {type(error).__name__}: {error}"
        if failure:
            failures.append(failure)
    kept = tuple(failures[:N_FAILURES_KEPT])
    return Correctness(len(checks) - len(failures), len(failures), kept)


# --- One call against the reference ---------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a call did, in a form that can be compared and read."""

    error: str
    returned: str
    values: str
    result: str
    trace: str


def check_case(double_list: DoubleList, case: Case) -> str | None:
    """Return how the backend's call differs from the reference's, None if equal."""
    expected = observe(double_list_reference, case.make())
    got = observe(double_list, case.make())
    where = f"{case.clause} {case.name}"
    for name, wanted in vars(expected).items():
        came = vars(got)[name]
        if came != wanted:
            return f"{where}: {name}: {describe_difference(wanted, came)}"
    return None


def describe_difference(expected: str, got: str) -> str:
    """Return both texts, from shortly before the first difference on."""
    pairs = enumerate(zip(expected, got, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), 0)
    start = same - TEXT_LENGTH // 2
    shown = [
        shorten(f"...{text[start:]}" if start > 0 else text) for text in (expected, got)
    ]
    return f"expected {shown[0]}, got {shown[1]}"


def observe(double_list: DoubleList, call: Call) -> Outcome:
    """Make the call and describe everything that it could have changed."""
    trace = ["before"]
    options = {"trace": trace, **call.options}
    start_ns = time.perf_counter_ns()
    returned, error = None, ""
    try:
        returned = double_list(call.values, call.result, call.index, **options)  # type: ignore[func-returns-value]
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is compared.
        error = f"{type(raised).__name__}: {raised}"
    end_ns = time.perf_counter_ns()
    return Outcome(
        error=error or "no error",
        returned=picture(returned),
        values=picture(call.values),
        result=picture(call.result),
        trace=describe_trace(options, start_ns, end_ns),
    )


def picture(value: object, depth: int = 3) -> str:
    """Return a text in which only what is equal and of the same types looks equal."""
    kind = type(value)
    if kind in (int, str, float, type(None)):
        return repr(value)
    if isinstance(value, list | tuple) and depth:
        # Past whatever a subclass overrides.
        items = list.__iter__(value) if isinstance(value, list) else iter(value)
        text = ", ".join(picture(item, depth - 1) for item in items)
        return f"[{text}]" if kind is list else f"{kind.__name__}({text})"
    return f"a {kind.__name__}"


def describe_trace(options: dict[str, Any], start_ns: int, end_ns: int) -> str:
    """Return what became of the trace; all good ones read the same."""
    trace = options["trace"]
    if not isinstance(trace, list):
        return picture(trace)
    before, stamps = trace[:-1], trace[-1:]
    if before != ["before"] * len(before) or not stamps or stamps == ["before"]:
        return picture(trace)
    fault = find_trace_fault(stamps[0], start_ns, end_ns)
    if fault:
        return fault
    _, kernel_start, kernel_end, acquired, leave = stamps[0]
    for name, slept_ns in (
        ("released_sleep", kernel_end - kernel_start),
        ("held_sleep", leave - acquired),
    ):
        asked = options.get(name, 0)
        if isinstance(asked, float) and slept_ns < asked * 1e9 * SLEEP_TOLERANCE:
            return f"{name} of {slept_ns / 1e9:.6f} s instead of {asked:g} s"
    return f"{len(before)} before, one good entry after"


def find_trace_fault(stamps: object, start_ns: int, end_ns: int) -> str | None:
    """Return what is wrong with an entry of a trace, None if nothing is (1.9).

    Args:
        stamps: what was appended.
        start_ns: the caller's stamp before the call.
        end_ns: the caller's stamp after it.
    """
    if type(stamps) is not tuple or [*map(type, stamps)] != [int] * N_STAMPS:
        return f"not a tuple of {N_STAMPS} ints: {shorten(picture(stamps))}"
    if sorted(stamps) != list(stamps):
        return f"stamps not in the order of time: {picture(stamps)}"
    if not (start_ns <= stamps[0] and stamps[-1] <= end_ns):
        return (
            f"stamps not on the clock of perf_counter_ns(): {picture(stamps)} "
            f"outside {start_ns} to {end_ns}"
        )
    return None


def shorten(text: str) -> str:
    """Return the text, or its beginning where it would fill a page."""
    return text if len(text) <= TEXT_LENGTH else f"{text[:TEXT_LENGTH]}..."


# --- The laws: what is left behind ----------------------------------------------------


def check_new_list(double_list: DoubleList) -> str | None:
    """Return whether somebody else has the answer too (1.3)."""
    result: list[Any] = [None, None]
    double_list([1, 2, 3], result, 0)
    double_list([1, 2, 3], result, 1)
    if result[0] is result[1]:
        return "1.3 two calls: expected two lists, got the same list twice"
    alone: list[Any] = [[]]
    if sys.getrefcount(result[1]) > sys.getrefcount(alone[0]):
        return "1.3 a call: expected a new list in result alone, got one kept elsewhere"
    return None


def check_references(double_list: DoubleList) -> str | None:
    """Return which argument is kept after calls, good and bad."""
    n_calls = 20
    item = 2**40
    names = ("values", "result", "trace", "values[0]")
    kept: tuple[Any, ...] = ([item, 1], [None, None], [], item)
    values, result, trace, _ = kept
    refused = [item, "x"]
    before = [sys.getrefcount(one) for one in kept]
    for _ in range(n_calls):
        double_list(values, result, 1, trace=trace)
        try:
            double_list(refused, result, 1, trace=trace)
        except TypeError:
            continue
    after = [sys.getrefcount(one) for one in kept]
    for name, then, now in zip(names, before, after, strict=True):
        if now - then >= n_calls:
            return f"{n_calls} calls: {now - then} references to {name} kept"
    return None


def check_leftovers(double_list: DoubleList) -> str | None:
    """Return what stays open after calls, where Linux tells."""
    n_calls = 20
    result: list[Any] = [None]
    before = count_leftovers()
    for _ in range(n_calls):
        double_list([1, 2, 3], result, 0)
    for what, now in count_leftovers().items():
        if now - before[what] >= n_calls:
            return f"{n_calls} calls: {now - before[what]} {what} left behind"
    return None


def count_leftovers() -> dict[str, int]:
    """Return how many threads and files this process has; none if not told."""
    counts = {}
    for what, folder in (("threads", "task"), ("open files", "fd")):
        try:
            counts[what] = sum(1 for _ in Path("/proc/self", folder).iterdir())
        except OSError:
            counts[what] = 0
    return counts


def read_settings() -> dict[str, object]:
    """Return what belongs to the whole process, and is no business of a call."""
    return {
        "the switch interval": sys.getswitchinterval(),
        "whether garbage is collected": gc.isenabled(),
        "the recursion limit": sys.getrecursionlimit(),
        "the profile function": sys.getprofile(),
        "the trace function": sys.gettrace(),
        "the current folder": Path.cwd(),
        "the signal handlers": [*map(signal.getsignal, signal.valid_signals())],
        "the alarm": hasattr(signal, "getitimer")
        and signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0),
    }


def check_settings(before: dict[str, object]) -> str | None:
    """Return what all calls together changed for everybody in the process."""
    now = read_settings()
    changed = [what for what in before if now[what] != before[what]]
    return f"after all calls: {', '.join(changed)} changed" if changed else None


def check_memory(double_list: DoubleList) -> str | None:
    """Return how much memory is not given back, where Linux tells."""
    n, n_calls = 20_000, 40
    values = list(range(n))
    result: list[Any] = [None]
    sizes = []
    for _ in range(2):
        # The first round is to get everything that is kept for good reasons.
        for _ in range(n_calls):
            double_list(values, result, 0)
        sizes.append(read_resident_bytes())
    if result[0] != [2 * value for value in values]:
        return f"1.1 {n} values: expected their doubles, got something else"
    grown = sizes[1] - sizes[0]
    # Half of one of the two buffers of 64-bit values that a call needs.
    if grown > n_calls * n * 8 / 2:
        return f"{n_calls} calls of {n} values: {grown / 1e6:.1f} MB not given back"
    return None


def read_resident_bytes() -> int:
    """Return how much memory this process has, 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    import resource  # noqa: PLC0415 - it is not there on every system.

    return pages * resource.getpagesize()


# --- The laws: more than one thread (1.7) ---------------------------------------------


@dataclass(frozen=True)
class Load:
    """The calls that one thread makes in a row."""

    n: int
    n_calls: int
    options: dict[str, Any]


# The sleeps make the calls overlap on any machine; the long lists make the kernels.
LOADS = (
    Load(50, 100, {}),
    Load(50, 6, {"released_sleep": 0.001}),
    Load(5_000, 6, {"passes": 3}),
)


def check_threads(
    n_threads: int, double_list: DoubleList, *, is_same_list: bool
) -> str | None:
    """Return what went wrong in threads that share one result.

    Every other one counts its place in it from the end.
    """
    lists = [[list(range(k, k + load.n)) for load in LOADS] for k in range(n_threads)]
    result: list[Any] = [None] * n_threads
    which = "the same values" if is_same_list else "values of its own"

    def work(k: int) -> str | None:
        index = k - n_threads * (k % 2)
        for load, values in zip(LOADS, lists[0 if is_same_list else k], strict=True):
            expected = [2 * item for item in values]
            for _ in range(load.n_calls):
                double_list(values, result, index, **load.options)
                answer = result[k]
                if answer != expected or {*map(type, answer)} != {int}:
                    return (
                        f"1.7 {n_threads} threads, each with {which}: "
                        f"{describe_difference(picture(expected), picture(answer))}"
                    )
        return None

    found = run_together(*(partial(work, k) for k in range(n_threads)), timeout_s=None)
    return next(filter(None, found), None)


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


LAWS: tuple[Callable[[DoubleList], str | None], ...] = (
    check_new_list,
    check_references,
    check_leftovers,
    check_memory,
    partial(check_threads, 2, is_same_list=True),
    partial(check_threads, 2, is_same_list=False),
    partial(check_threads, 4, is_same_list=False),
    check_changing_values,
)
