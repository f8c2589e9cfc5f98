"""Clocks and threads of the operating system, whatever others have put in their place.

Tools that freeze the time replace the functions of `time`, and the names of them in
every module that has some; gevent replaces those of `_thread`. These are of a second
copy of each module, which is built into the interpreter, so that nobody else has them.
"""

import importlib.util
from _thread import LockType
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from typing import Any


def _load(name: str) -> Any:
    """Return a copy of its own of a module that each interpreter has built in."""
    spec = BuiltinImporter.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_time, _thread = map(_load, ("time", "_thread"))

perf_counter: Callable[[], float] = _time.perf_counter
perf_counter_ns: Callable[[], int] = _time.perf_counter_ns
thread_time_ns: Callable[[], int] = _time.thread_time_ns
process_time_ns: Callable[[], int] = _time.process_time_ns
sleep: Callable[[float], None] = _time.sleep

start_new_thread: Callable[..., int] = _thread.start_new_thread
allocate_lock: Callable[[], LockType] = _thread.allocate_lock
get_ident: Callable[[], int] = _thread.get_ident
get_native_id: Callable[[], int] = _thread.get_native_id


def open_thread_clock(thread_id: int) -> Callable[[], int] | None:
    """Return what reads the computing time of a thread in nanoseconds.

    It may be called in another thread. None where the system has no such clock.
    """
    if not hasattr(_time, "pthread_getcpuclockid"):
        return None
    from functools import partial  # noqa: PLC0415 - only checks need it.

    return partial(_time.clock_gettime_ns, _time.pthread_getcpuclockid(thread_id))
