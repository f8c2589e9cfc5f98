"""What belongs to the whole process, and is no business of a call (1.11)."""

import ctypes
import decimal
import gc
import locale
import operator
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# The files that a process is given: standard input, output and error.
STANDARD_FILES = (0, 1, 2)
# More than struct sigaction has anywhere. It begins with the handler; of the rest the
# system leaves some bytes as they were.
SIGACTION_BYTES = 256
HANDLER_BYTES = ctypes.sizeof(ctypes.c_void_p)

# What importing a package changes by rights, as a call may do: numpy for one knows
# which warnings are of no interest.
CHANGED_BY_IMPORTS = ("the filters of warnings", "the search path", "the hooks")


def read_settings() -> dict[str, object]:
    """Return all that calls have to leave as it was, as far as this system has it."""
    # What it has met so far is left out.
    context = decimal.getcontext().copy()
    context.clear_flags()
    limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    settings: dict[str, object] = {
        "the switch interval": sys.getswitchinterval(),
        "the garbage collector": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "the recursion limit": sys.getrecursionlimit(),
        "the limit of digits": sys.get_int_max_str_digits(),
        "the stack of new threads": threading.stack_size(),
        "the trace function": (sys.gettrace(), sys.getprofile()),
        "the standard files": [*map(identify_file, STANDARD_FILES)],
        "the environment": dict(os.environ),
        "the time zone": time.tzname,
        "the locale": locale.setlocale(locale.LC_ALL),
        "the current folder": identify_file("."),
        "the filters of warnings": list(warnings.filters),
        "the signal handlers": [*map(read_handler, signal.valid_signals())],
        # How this thread rounds, and whether it knows the smallest numbers: calculated
        # now, and not once and for all by the compiler.
        "the floating-point mode": [
            operator.truediv(*pair)
            for pair in ((1, 3), (-1, 3), (sys.float_info.min, 2))
        ],
        "the decimal context": repr(context),
        "the standard streams": (sys.stdin, sys.stdout, sys.stderr),
        "the search path": list(sys.path),
        "the hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "the limits of resources": [
            resource.getrlimit(getattr(resource, name)) for name in limits
        ],
        "the priority": os.getpriority(os.PRIO_PROCESS, 0),
    }
    with suppress(OSError):
        # It cannot be asked for without setting it.
        lines = Path("/proc/self/status").read_text().splitlines()
        umask = [line for line in lines if line.startswith("Umask:")]
        settings["the mode of new files"] = umask
    if hasattr(signal, "getitimer"):
        kinds = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
        timers: list[object] = [signal.getitimer(kind) != (0.0, 0.0) for kind in kinds]
        with suppress(OSError):
            timers.append(Path("/proc/self/timers").read_bytes())
        settings["the timers"] = timers
        settings["the blocked signals"] = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    if hasattr(os, "sched_getaffinity"):
        settings["the cores to run on"] = os.sched_getaffinity(0)
        settings["the scheduling policy"] = os.sched_getscheduler(0)
    return settings


def identify_file(file: int | str) -> tuple[int, ...] | None:
    """Return which file a name or number stands for, None if there is none."""
    with suppress(OSError):
        found = os.stat(file)  # noqa: PTH116 - of a number, too.
        return found.st_dev, found.st_ino
    return None


def read_handler(number: int) -> tuple[object, bytes]:
    """Return what Python and what the system knows of a signal's handler."""
    buffer = ctypes.create_string_buffer(SIGACTION_BYTES)
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).sigaction(number, None, buffer)
    return signal.getsignal(number), buffer.raw[:HANDLER_BYTES]


def find_packages() -> set[str]:
    """Return what was imported that is not of the standard library."""
    names = {name.partition(".")[0] for name in [*sys.modules]}
    return names - sys.stdlib_module_names


def watch_settings() -> Callable[[], str | None]:
    """Return what tells later which settings calls changed for the whole process."""
    before, packages = read_settings(), find_packages()

    def check_settings() -> str | None:
        now = read_settings()
        changed = [what for what in before if now.get(what) != before[what]]
        if find_packages() - packages:
            changed = [what for what in changed if what not in CHANGED_BY_IMPORTS]
        where = "1.11 after all calls"
        return f"{where}: {', '.join(changed)} changed" if changed else None

    return check_settings
