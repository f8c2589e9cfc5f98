"""What the operating system tells about threads, and wakes them with."""

import contextlib
import os
import posix
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

PR_SET_TIMERSLACK = 29
# The number of the system call, and what it takes: size, policy, flags, nice, priority,
# runtime, deadline, period.
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
SCHED_ATTR = "IIQiIQQQ"
# The shortest slice that Linux grants.
SLICE_NS = 100_000


class WitnessError(Exception):
    """The witness could not do its work; the text says why."""


class Times(NamedTuple):
    """What the kernel knows about a thread, nanoseconds since it started."""

    # The kernel adds to it at each of its ticks.
    computing: int
    # Ready to run, but no core was free; the kernel adds to it when that is over.
    waiting_for_core: int
    # How often it got a core.
    n_runs: int = 0


class Seen(NamedTuple):
    """What was read of a thread at one moment."""

    # Whether it slept, and how often it went to sleep so far.
    sleep: tuple[bool, int]
    times: Times


class ThreadView:
    """What Linux tells about one thread of this process, read with the GIL held.

    Reading a file releases the GIL, which would be the very thing to be found. Hence
    `pread` through PyDLL, which does not.
    """

    _SIZE = 4096

    def __init__(self, native_id: int) -> None:
        """Open the files; see `open_view`."""
        # Imported here because it costs more than the rest of this module.
        import ctypes  # noqa: PLC0415

        library = ctypes.PyDLL(None)
        self._pread = library.pread
        self.usleep = library.usleep
        self._buffer = ctypes.create_string_buffer(self._SIZE)
        self._files: dict[str, int] = {}
        for name in ("status", "schedstat", "syscall"):
            path = f"/proc/self/task/{native_id}/{name}"
            with contextlib.suppress(OSError):
                self._files[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.popitem()[1])

    def read_sleep(self) -> tuple[bool, int]:
        """Return whether the thread sleeps, and how often it went to sleep so far."""
        return parse_sleep(self._read("status"))

    def defer(self) -> tuple[tuple[Callable[[], object], ...], Callable[[], "Seen"]]:
        """Return what reads sleep and times in C, and what then returns what was read.

        The former run no bytecode, so that they can be called between two calls that
        are watched.
        """
        import ctypes  # noqa: PLC0415

        status, times = (ctypes.create_string_buffer(self._SIZE) for _ in range(2))
        reads = (
            partial(self._pread, self._files["status"], status, self._SIZE, 0),
            partial(self._pread, self._files["schedstat"], times, self._SIZE, 0),
        )
        return reads, lambda: Seen(parse_sleep(status.value), parse_times(times.value))

    def read_times(self) -> Times:
        """Return how long the thread computed, its run-queue wait and its runs."""
        return parse_times(self._read("schedstat"))

    def read_futex(self) -> int | None:
        """Return the address that the thread sleeps at; None if it is not told.

        Source:
            proc(5), /proc/pid/syscall: the number of the system call and its arguments,
            or "running". futex(2) is the only one here whose first argument is an
            address that several threads sleep at.
        """
        if "syscall" not in self._files:
            return None
        fields = self._read("syscall").split()
        return int(fields[1], 16) if len(fields) > 1 and fields[0] != b"-1" else None

    def sleep_held(self, seconds: float) -> None:
        """Sleep without releasing the GIL."""
        self.usleep(int(seconds * 1e6))

    def _read(self, name: str) -> bytes:
        size = self._pread(self._files.get(name, -1), self._buffer, self._SIZE, 0)
        if size <= 0:
            message = "the kernel no longer tells about a thread of this process"
            raise WitnessError(message)
        return self._buffer.raw[:size]


def parse_sleep(text: bytes) -> tuple[bool, int]:
    """Return from a status file whether a thread sleeps, and its count of sleeps."""
    state = text[text.index(b"State:\t") + 7 :][:1]
    count = text[text.rindex(b"\nvoluntary_ctxt_switches:\t") + 26 :]
    return state == b"S", int(count[: count.index(b"\n")])


def parse_times(text: bytes) -> Times:
    """Return from a schedstat file what the kernel knows about a thread.

    Source:
        Linux, Documentation/scheduler/sched-stats.rst.
    """
    return Times(*map(int, text.split()))


def open_view(
    native_id: int, closing: contextlib.ExitStack | None = None
) -> ThreadView | None:
    """Return what the kernel tells about a thread, or None where it tells nothing."""
    if sys.platform != "linux":
        return None
    try:
        view = ThreadView(native_id)
    except (ImportError, OSError, AttributeError):
        return None
    try:
        view.read_sleep()
        view.read_times()
    except (ValueError, WitnessError):
        view.close()
        return None
    if closing is not None:
        closing.callback(view.close)
    return view


@contextlib.contextmanager
def open_core_wait() -> Iterator[Callable[[], float]]:
    """Yield what tells how long this thread was ready to run while no core was free.

    Source:
        Linux, Documentation/scheduler/sched-stats.rst (/proc/PID/schedstat); elsewhere
        it stays 0.
    """
    try:
        file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        yield lambda: 0.0
        return
    try:
        yield lambda: int(os.pread(file, 100, 0).split()[1]) / 1e9
    finally:
        os.close(file)


def count_sleeps() -> int:
    """Return how often this thread went to sleep so far."""
    # Linux alone has RUSAGE_THREAD; the module is there on every POSIX system.
    import resource  # noqa: PLC0415

    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def wake_soon() -> None:
    """Have Linux wake this thread when it asked for it, and run it soon.

    A thread that sleeps most of the time gets a core sooner if its slices are short
    (Linux 6.12 and newer). Where either is refused, all stays as it was.

    Source:
        prctl(2), PR_SET_TIMERSLACK; sched_setattr(2) and Linux,
        Documentation/scheduler/sched-eevdf.rst.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(ImportError, OSError, TypeError, AttributeError):
        import ctypes  # noqa: PLC0415 - as above.
        import platform  # noqa: PLC0415

        library = ctypes.CDLL(None)
        library.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
        number = SCHED_SETATTR.get(platform.machine())
        if number is not None:
            size = struct.calcsize(SCHED_ATTR)
            attributes = struct.pack(SCHED_ATTR, size, 0, 0, 0, 0, SLICE_NS, 0, 0)
            library.syscall(number, 0, attributes, 0)


class Bell:
    """What one thread waits for and another rings, without a lock of Python.

    Under some interpreters a lock releases the GIL when it is released, and under
    others that takes its time on a loaded machine.
    """

    def __init__(self) -> None:
        """Open a pipe."""
        self.read_end, self._write_end = os.pipe()
        self._write: Callable[[int, bytes], object] = os.write
        try:
            import ctypes  # noqa: PLC0415

            write = ctypes.PyDLL(None).write
        except (ImportError, OSError, TypeError, AttributeError):
            return
        # Unlike os.write it holds the GIL.
        self._write = lambda file, text: write(file, text, len(text))

    def ring(self) -> None:
        """Wake the thread that waits, or will."""
        self._write(self._write_end, b"x")

    def wait(self) -> None:
        """Wait for the next ring."""
        posix.read(self.read_end, 1)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.read_end)
        os.close(self._write_end)
