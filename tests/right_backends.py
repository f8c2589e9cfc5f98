"""Right backends of odd makes: whatever they are made of, none is ever accused.

Each keeps the contract and declares truly that it releases the GIL; it is found as
`tests.right_backends:NAME`. All but the conversions and the kernel are those of the
native backend `cython`, whose calls they make in ways of their own.
"""

import ctypes
import importlib
import mmap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import backends
from backends import Backend
from tests.native import load_kernel

try:
    released = backends.get("cython").double_list
except backends.BackendNotBuiltError:
    released = None

# CDLL releases the GIL around a call, PyDLL holds it.
RELEASING_LIBRARY, HOLDING_LIBRARY = ctypes.CDLL(None), ctypes.PyDLL(None)
HOLDING_LIBRARY.mmap.restype = ctypes.c_void_p
HOLDING_LIBRARY.mmap.argtypes = (
    *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int),
    ctypes.c_long,
)
HOLDING_LIBRARY.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)

# By name, the scenarios that could accuse each.
RIGHT_BACKENDS: dict[str, tuple[str, ...]] = {}


def right(*scenarios: str) -> Callable[[Callable[..., None]], Backend]:
    """Register the decorated function as a right backend that these could accuse."""

    def decorate(function: Callable[..., None]) -> Backend:
        RIGHT_BACKENDS[function.__name__] = scenarios
        return Backend(function.__name__, function)

    return decorate


def is_plain(values: Any, options: dict[str, Any]) -> bool:
    """Return whether a call is one of ints alone that is to release the GIL."""
    return (
        options.get("release_gil", True) is True
        and type(values) is list
        and {*map(type, values)} <= {int}
    )


POOL = ThreadPoolExecutor(4)


@right("gil", "parallel")
def runs_in_a_pool(values, result, index, **options):
    """Let a thread of a pool make the call."""
    if not is_plain(values, options):
        released(values, result, index, **options)
        return
    POOL.submit(released, values, result, index, **options).result()


@right("gil", "parallel")
def splits_its_work(values, result, index, **options):
    """Let two threads of a pool double half of the values each."""
    if not is_small(values, result, index, options):
        released(values, result, index, **options)
        return
    enter = time.perf_counter_ns()
    half = len(values) // 2
    parts = values[:half], values[half:]
    trace = check_call(result, index, options)
    answers: list[Any] = [None, None]
    entries: list[Any] = []
    calls = [
        POOL.submit(released, part, answers, place, trace=entries, **options)
        for place, part in enumerate(parts)
    ]
    for call in calls:
        call.result()
    list.__setitem__(result, index, answers[0] + answers[1])
    if trace is not None:
        starts, ends, had = ([entry[k] for entry in entries] for k in (1, 2, 3))
        stamps = enter, min(starts), max(ends), max(had), time.perf_counter_ns()
        list.append(trace, stamps)


def is_small(values: Any, result: Any, index: Any, options: dict[str, Any]) -> bool:
    """Return whether a call is one of small ints, without sleeps."""
    return (
        is_plain(values, options)
        # No __index__ may change the result meanwhile.
        and type(index) is type(options.get("passes", 1)) is int
        and all(abs(item) < 2**40 for item in values)
        and isinstance(result, list)
        and not SLEEPS & options.keys()
    )


def check_call(result: Any, index: Any, options: dict[str, Any]) -> Any:
    """Refuse what is to be refused; take the trace out of the options."""
    trace = options.pop("trace", None)
    check_trace = [] if isinstance(trace, list) else trace
    released([], list.copy(result), index, trace=check_trace, **options)
    return trace


SLEEPS = {"released_sleep", "held_sleep"}


@right("parallel")
def waits_for_a_mutex(values, result, index, **options):
    """Let in one call at a time: a release that gains nothing, and is one."""
    if not is_plain(values, options):
        released(values, result, index, **options)
        return
    with MUTEX:
        released(values, result, index, **options)


MUTEX = threading.Lock()


@right("gil", "parallel")
def starts_a_native_thread(values, result, index, **options):
    """Start a native thread for each call, and wait for it without the GIL."""
    if not is_plain(values, options):
        released(values, result, index, **options)
        return
    errors: list[BaseException] = []

    def run(_: object) -> None:
        try:
            released(values, result, index, **options)
        except BaseException as error:
            errors.append(error)

    entry = NATIVE_ENTRY(run)
    thread = ctypes.c_void_p()
    RELEASING_LIBRARY.pthread_create(ctypes.byref(thread), None, entry, None)
    RELEASING_LIBRARY.pthread_join(thread, None)
    if errors:
        raise errors[0]


NATIVE_ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@right("correctness")
def maps_memory(*arguments, **options):
    """Map 96 MB for each call, as one with large tables does."""
    size = 96 << 20
    private_and_anonymous = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    address = HOLDING_LIBRARY.mmap(None, size, protection, private_and_anonymous, -1, 0)
    try:
        released(*arguments, **options)
    finally:
        HOLDING_LIBRARY.munmap(address, size)


@right("gil", "parallel")
def converts_slowly(values, result, index, **options):
    """Take a microsecond for an item, with the GIL held: 60 times that of Cython."""
    if is_plain(values, {}):
        for _ in range(4):
            values = [*map(int, map(str, values))]
    released(values, result, index, **options)


@right("correctness")
def imports_late(*arguments, **options):
    """Import numpy in the first call."""
    importlib.import_module("numpy")
    released(*arguments, **options)


@right("correctness")
def calls_methods_by_name(*arguments, **options):
    """Call a method of an error by a name that is new each time.

    The interpreter's type cache keeps the names, a bounded number of them.
    """
    try:
        released(*arguments, **options)
    except Exception as error:
        name = b"with_traceback".decode()
        getattr(error, name)(None)
        raise


KERNEL = load_kernel()


@right("correctness", "gil", "parallel", "contention")
def throws_in_cpp(values, result, index, **options):
    """Throw and catch an exception of C++ in each pass, without the GIL."""
    if KERNEL is None or not is_small(values, result, index, options):
        released(values, result, index, **options)
        return
    enter = time.perf_counter_ns()
    count = len(values)
    given = (ctypes.c_longlong * count)(*values)
    trace = check_call(result, index, options)
    doubled, stamps = (ctypes.c_longlong * count)(), (ctypes.c_longlong * 2)()
    passes = ctypes.c_longlong(options.get("passes", 1))
    KERNEL.double_values(given, doubled, ctypes.c_size_t(count), passes, stamps)
    acquired = time.perf_counter_ns()
    list.__setitem__(result, index, list(doubled))
    if trace is not None:
        list.append(trace, (enter, *stamps, acquired, time.perf_counter_ns()))
