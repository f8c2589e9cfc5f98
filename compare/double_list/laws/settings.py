"""What belongs to the whole process, and is no business of a call."""

import builtins
import faulthandler
import gc
import locale
import operator
import os
import random
import signal
import socket
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# The files that a process is given: standard input, output and error.
STANDARD_FILES = (0, 1, 2)

# What importing a module changes by rights, as a first call may do: numpy for one knows
# which warnings are of no interest.
CHANGED_BY_IMPORTS = (
    "the built-in names",
    "the filters of warnings",
    "where modules are looked for",
)


def read_settings() -> dict[str, object]:
    """Return all that calls have to leave as it was."""
    return {
        "the switch interval": sys.getswitchinterval(),
        "the garbage collector": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "the recursion limit": sys.getrecursionlimit(),
        "the digits of an int": sys.get_int_max_str_digits(),
        "the profile function": (sys.getprofile(), threading.getprofile()),
        "the trace function": (sys.gettrace(), threading.gettrace()),
        "whether memory is traced": tracemalloc.is_tracing(),
        "the hooks": (
            *(sys.excepthook, sys.unraisablehook, sys.displayhook),
            threading.excepthook,
        ),
        "the standard streams": (sys.stdin, sys.stdout, sys.stderr),
        "the standard files": [*map(identify_file, STANDARD_FILES)],
        "the built-in names": len(vars(builtins)),
        "the random numbers": random.getstate(),
        "the stack size of threads": threading.stack_size(),
        "the time limit of sockets": socket.getdefaulttimeout(),
        "the environment": dict(os.environ),
        "the time zone": time.tzname,
        "the locale": locale.setlocale(locale.LC_ALL),
        # Divided now, and not once and for all by the compiler.
        "how floats are rounded": [operator.truediv(sign, 3) for sign in (1, -1)],
        "the current folder": Path.cwd(),
        "where modules are looked for": list(sys.path),
        "the filters of warnings": list(warnings.filters),
        "whether crashes are told": faulthandler.is_enabled(),
        "the signal handlers": [*map(signal.getsignal, signal.valid_signals())],
        **{what: read() for what, read in find_unix_settings().items()},
    }


def find_unix_settings() -> dict[str, Callable[[], object]]:
    """Return how to read those settings that not every system has."""
    found: dict[str, Callable[[], object]] = {}
    if hasattr(signal, "getitimer"):
        found["the alarm"] = lambda: signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0)
    if hasattr(signal, "pthread_sigmask"):
        found["the blocked signals"] = lambda: signal.pthread_sigmask(
            signal.SIG_BLOCK, ()
        )
    if hasattr(os, "sched_getaffinity"):
        found["the cores to run on"] = lambda: os.sched_getaffinity(0)
    if hasattr(os, "getpriority"):
        found["the priority"] = lambda: os.getpriority(os.PRIO_PROCESS, 0)
    if sys.platform != "win32":
        found["the file mode mask"] = read_umask
        found["the limits of the process"] = read_limits
    return found


def identify_file(number: int) -> tuple[int, ...] | None:
    """Return what is open under that number, None if nothing is."""
    with suppress(OSError):
        found = os.fstat(number)
        return found.st_dev, found.st_ino
    return None


def read_umask() -> int:
    """Return the file mode mask, which can be read by setting it alone."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_limits() -> list[tuple[int, int]]:
    """Return what the process may use at most."""
    import resource  # noqa: PLC0415 - it is not there on every system.

    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return [resource.getrlimit(getattr(resource, name)) for name in names]


def allow_imports(before: dict[str, object]) -> dict[str, object]:
    """Return the settings, those that importing changes as they are by now."""
    now = read_settings()
    return {**before, **{what: now[what] for what in CHANGED_BY_IMPORTS}}


def check_settings(before: dict[str, object]) -> str | None:
    """Return what all calls together changed for everybody in the process."""
    now = read_settings()
    changed = [what for what in before if now[what] != before[what]]
    return f"after all calls: {', '.join(changed)} changed" if changed else None
