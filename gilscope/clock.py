"""The clocks of the operating system, whatever others have put in place of `time`'s.

Tools that freeze the time replace the functions of `time`, and the names of them in
every module that has some. These are of a second copy of that module, which is built
into the interpreter, so that nobody else has them.
"""

import importlib.util
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from typing import Any


def _load_time() -> Any:
    """Return a copy of the module `time` of its own."""
    spec = BuiltinImporter.find_spec("time")
    # It is part of every interpreter (CPython, Modules/Setup.bootstrap).
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_time = _load_time()

perf_counter: Callable[[], float] = _time.perf_counter
perf_counter_ns: Callable[[], int] = _time.perf_counter_ns
thread_time_ns: Callable[[], int] = _time.thread_time_ns
process_time_ns: Callable[[], int] = _time.process_time_ns
sleep: Callable[[float], None] = _time.sleep


def open_thread_clock(thread_id: int) -> Callable[[], int] | None:
    """Return what reads the computing time of a thread in nanoseconds.

    It may be called in another thread. None where the system has no such clock.
    """
    if not hasattr(_time, "pthread_getcpuclockid"):
        return None
    from functools import partial  # noqa: PLC0415 - only checks need it.

    return partial(_time.clock_gettime_ns, _time.pthread_getcpuclockid(thread_id))
