"""`gilscope.watch()`: who holds the GIL in this process, while it goes on."""

import _thread
import contextlib
import ctypes
import dataclasses
import math
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from gilscope.clock import perf_counter, sleep
from gilscope.watcher.attribute import make_hold
from gilscope.watcher.collect import HoldCollector
from gilscope.watcher.link import ANSWER_TIMEOUT_S, SamplerLink
from gilscope.watcher.model import Hold, WatchReport
from gilscope.watcher.offsets import (
    WatchUnavailableError,
    check_supported,
    read_offsets,
)

# How often the GIL is asked for.
PERIOD_US = 1000
LATE_S = 0.005
POLL_S = 0.001
MAX_NAMES = 10_000
# The hold of the self test goes beyond the switch interval by the first of these; where
# the machine is too busy to see it, by the next one.
SELF_TEST_S = (0.010, 0.030, 0.090, 0.270)
SELF_TEST_OVER_NS = 5_000_000
MAX_INTERVAL_S = 1.0


class Watch:
    """Watches this process from `start()` to `stop()`, or in a `with` statement."""

    def __init__(
        self,
        over_s: float = 0.010,
        on_hold: Callable[[Hold], object] | None = None,
        *,
        report_to: int | None = None,
        note: Callable[[int, Hold], None] | None = None,
    ) -> None:
        """Start nothing yet; see `gilscope.watch`.

        `report_to` is a file to which the sampler reports as well, and `note` gets each
        hold with its end, ns.
        """
        if not 0 < over_s < math.inf:
            message = f"watch() over_s: expected seconds over 0, got {over_s!r}"
            raise ValueError(message)
        self._over_s = over_s
        self._on_hold = on_hold
        self._report_to = report_to
        self._note = note
        self._collector = HoldCollector(over_s)
        self._link: SamplerLink | None = None
        self._pid = 0
        self._is_stopping = False
        self._has_ended = False
        # How often the sampler was asked to report all, and had done so.
        self._n_syncs = self._n_synced = 0
        self._collecting_thread = 0
        # struct timeval: seconds, microseconds.
        self._rest = (ctypes.c_long * 2)(0, PERIOD_US)
        # By native id.
        self._names: dict[int, str] = {}

    def start(self) -> Self:
        """Begin to watch.

        Raises:
            WatchUnavailableError: the watcher cannot work here, or did not see a hold
                that it made itself.
            RuntimeError: it was started before.
        """
        if self._link is not None:
            message = "watch was started before; make another one"
            raise RuntimeError(message)
        check_supported()
        interval_s = sys.getswitchinterval()
        if interval_s > MAX_INTERVAL_S:
            message = (
                "the watcher needs a switch interval of at most "
                f"{MAX_INTERVAL_S:g} s, got {interval_s:g} s"
            )
            raise WatchUnavailableError(message)
        self._pid = os.getpid()
        offsets = dataclasses.replace(
            read_offsets(), rest_address=ctypes.addressof(self._rest) + 8
        )
        self._link = link = SamplerLink(offsets, self._report_to)
        try:
            link.look_for(SELF_TEST_OVER_NS)
            _thread.start_new_thread(self._ask, ())
            self._test(link, interval_s)
            self._collector.start_ns = link.look_for(int(self._over_s * 1e9))
        except BaseException:
            self._is_stopping = True
            link.close()
            raise
        _thread.start_new_thread(self._collect, (link,))
        return self

    def stop(self) -> WatchReport:
        """Stop watching, once what was seen so far has been taken in."""
        if self._link is None:
            message = "watch was not started"
            raise RuntimeError(message)
        if not self._is_stopping:
            self._is_stopping = True
            # A process that was forked has neither the threads nor the sampler.
            if os.getpid() == self._pid:
                self._link.send("stop")
                if self._wait(lambda: self._has_ended):
                    return self.report()
            self._link.close()
        return self.report()

    def sync(self) -> None:
        """Wait until the holds that have ended by now are in `holds`."""
        if self._link is not None and not self._is_stopping:
            number = self._n_syncs = self._n_syncs + 1
            self._link.send("sync")
            self._wait(lambda: self._has_ended or self._n_synced >= number)

    def _wait(self, is_over: Callable[[], bool]) -> bool:
        """Wait for the thread that takes in holds; `on_hold` runs in it itself.

        Locks of a program that replaces those of Python may wait for its own threads.
        """
        deadline = perf_counter() + ANSWER_TIMEOUT_S
        while not (is_over() or threading.get_ident() == self._collecting_thread):
            if perf_counter() > deadline:
                return False
            sleep(POLL_S)
        return True

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds by place, the longest first; those that are kept."""
        return self._collector.get_holds()

    @property
    def n_unresolved(self) -> int:
        """How many holds were seen and not attributed to a line."""
        return self._collector.n_unresolved

    @property
    def sampler_pid(self) -> int:
        """The process id of the sampler; 0 = it was not started."""
        return 0 if self._link is None else self._link.sampler_pid

    def report(self) -> WatchReport:
        """Return what was seen so far."""
        return self._collector.report()

    def _ask(self) -> None:
        """Want the GIL every millisecond.

        select() without files sleeps, writes how much is left, and only then the GIL is
        waited for: the sampler sees it.
        """
        sleep, rest = ctypes.CDLL(None).select, self._rest
        clock, arguments = time.monotonic, (0, None, None, None, ctypes.byref(rest))
        while not self._is_stopping:
            start = clock()
            rest[1] = PERIOD_US
            sleep(*arguments)
            if clock() - start > LATE_S:
                # The thread that held the GIL may have ended by the time of the report.
                self._note_names()
        rest[1] = PERIOD_US

    def _note_names(self) -> None:
        """Remember what the threads are called now."""
        if len(self._names) > MAX_NAMES:
            self._names.clear()
        threads = threading.enumerate()
        with contextlib.suppress(RuntimeError):
            # Private, and changed while it is read: threads that have ended, too.
            threads = [*getattr(threading, "_dangling", ()), *threads]
        for thread in threads:
            # Those of a program that replaces the module's own may have none.
            native_id = getattr(thread, "native_id", None)
            if native_id is not None:
                self._names[native_id] = thread.name

    @staticmethod
    def _test(link: SamplerLink, interval_s: float) -> None:
        """Make a hold and see whether it is reported."""
        # Unlike those of CDLL, a function of PyDLL holds the GIL.
        sleep = ctypes.PyDLL(None).usleep
        code = _hold.__code__
        expected = [code.co_filename, code.co_firstlineno + 2, code.co_qualname]
        for extra_s in SELF_TEST_S:
            _hold(sleep, int((interval_s + extra_s) * 1e6))
            link.send("sync")
            while (report := link.receive(ANSWER_TIMEOUT_S)) is not None:
                if report["kind"] == "sync":
                    break
                place = report.get("place")
                if place is not None and place["stack"][0] == expected:
                    return
        message = (
            "the watcher did not see a hold that it made itself "
            f"(CPython {platform.python_version()}, {platform.machine()})"
        )
        raise WatchUnavailableError(message)

    def _collect(self, link: SamplerLink) -> None:
        """Take in what the sampler reports, until it ends."""
        self._collecting_thread = threading.get_ident()
        is_complete = False
        try:
            while (report := link.receive()) is not None and report["kind"] != "stop":
                if report["kind"] == "sync":
                    self._n_synced += 1
                elif report["kind"] == "hold":
                    self._take_in(report)
            is_complete = report is not None
        finally:
            # Nobody waits for holds that no one takes in.
            self._collector.end_ns = time.monotonic_ns()
            self._collector.is_cut_short = not is_complete
            self._is_stopping = True
            link.close()
            self._has_ended = True

    def _take_in(self, report: dict[str, Any]) -> None:
        """Take in a hold."""
        if report["place"] is None:
            self._collector.n_unresolved += 1
            return
        self._note_names()
        native_id = report["native_thread_id"]
        name = self._names.get(native_id, name_thread(native_id, self._pid))
        hold = make_hold(report, name)
        self._collector.add(hold, report["start_ns"])
        if self._note is not None:
            self._note(report["start_ns"] + report["kept_ns"], hold)
        if self._on_hold is not None:
            try:
                self._on_hold(hold)
            except Exception:  # noqa: BLE001 - it must not end the watch
                # Nothing that names this thread: the program would see one more.
                error = *sys.exc_info(), None
                threading.excepthook(threading.ExceptHookArgs(error))


def _hold(sleep: Callable[[int], object], microseconds: int) -> None:
    """Hold the GIL; `Watch._test` knows the line of the call."""
    sleep(microseconds)


def name_thread(native_id: int, pid: int) -> str:
    """Return what a thread is called that nobody can ask."""
    return "MainThread" if native_id == pid else f"thread {native_id}"


def watch(
    over_s: float = 0.010, on_hold: Callable[[Hold], object] | None = None
) -> Watch:
    """Watch who holds the GIL in this process.

    A hold is reported if another thread had asked for the GIL and the same thread kept
    it, at the same instruction, for `over_s` without its run-queue wait. What is
    shorter than the switch interval (`sys.getswitchinterval()`, 5 ms) and 2 ms more
    cannot be seen.

    Args:
        over_s: the shortest hold to report, seconds.
        on_hold: called with each single `Hold` once it has ended, in a thread of the
            watcher.

    Returns:
        A `Watch`: a context manager with `start()`, `stop()`, `holds`, `n_unresolved`.

    Raises:
        ValueError: `over_s` is not over 0.
    """
    return Watch(over_s, on_hold)
