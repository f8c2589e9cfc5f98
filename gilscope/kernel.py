"""What the operating system tells about threads, and wakes them with."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple


class WitnessError(Exception):
    """The witness could not do its work; the text says why."""


class Times(NamedTuple):
    """What the kernel knows about a thread, nanoseconds since it started."""

    computing: int
    # Ready to run, but no core was free.
    waiting_for_core: int


class ThreadView:
    """What Linux tells about one thread of this process, read with the GIL held.

    Reading a file gives the GIL away, which would be the very thing to be found.
    Hence `pread` through PyDLL, which does not.
    """

    _SIZE = 4096

    def __init__(self, native_id: int) -> None:
        """Open the files; see `open_view`."""
        # Imported here because it costs more than the rest of this module.
        import ctypes  # noqa: PLC0415

        library = ctypes.PyDLL(None)
        self._pread = library.pread
        self._usleep = library.usleep
        self._buffer = ctypes.create_string_buffer(self._SIZE)
        self._files: list[int] = []
        try:
            for name in ("status", "schedstat"):
                path = f"/proc/self/task/{native_id}/{name}"
                self._files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except BaseException:
            self.close()
            raise
        self._status, self._schedstat = self._files

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.pop())

    def read_sleep(self) -> tuple[bool, int]:
        """Return whether the thread sleeps, and how often it went to sleep so far."""
        text = self._read(self._status)
        state = text[text.index(b"State:\t") + 7 :][:1]
        count = text[text.rindex(b"\nvoluntary_ctxt_switches:\t") + 26 :]
        return state == b"S", int(count[: count.index(b"\n")])

    def read_times(self) -> Times:
        """Return how long the thread computed, and how long it waited for a core."""
        computing, waiting, _ = self._read(self._schedstat).split()
        return Times(int(computing), int(waiting))

    def sleep_held(self, seconds: float) -> None:
        """Sleep without giving the GIL away."""
        self._usleep(int(seconds * 1e6))

    def _read(self, file: int) -> bytes:
        size = self._pread(file, self._buffer, self._SIZE, 0)
        if size <= 0:
            message = "the kernel no longer tells about a thread of this process"
            raise WitnessError(message)
        return self._buffer.raw[:size]


def open_view(native_id: int) -> ThreadView | None:
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
    return view


def open_clock(thread_id: int) -> Callable[[], int | None]:
    """Return what reads the computing time of a thread, wherever it is at the moment.

    The times of a ThreadView stand still while the thread runs; this clock does not.
    """
    if not hasattr(time, "pthread_getcpuclockid"):
        return lambda: None
    return partial(time.clock_gettime_ns, time.pthread_getcpuclockid(thread_id))


def tells_core_waits() -> bool:
    """Return whether the system tells how long a thread waited for a core."""
    return os.path.exists("/proc/thread-self/schedstat")  # noqa: PTH110 - less to import.


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


class Bell:
    """What one thread waits for and another rings, without a lock of Python.

    Those give the GIL away when they are released under some interpreters, and take
    their time on a loaded machine under others.
    """

    def __init__(self) -> None:
        """Open a pipe."""
        self._read_end, self._write_end = os.pipe()
        self._write: Callable[[int, bytes], object] = os.write
        try:
            import ctypes  # noqa: PLC0415

            write = ctypes.PyDLL(None).write
        except (ImportError, OSError, TypeError, AttributeError):
            return
        # Unlike os.write it keeps the GIL.
        self._write = lambda file, text: write(file, text, len(text))

    def ring(self) -> None:
        """Wake the thread that waits, or will."""
        self._write(self._write_end, b"x")

    def wait(self) -> None:
        """Wait for the next ring."""
        os.read(self._read_end, 1)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._read_end)
        os.close(self._write_end)
