"""A limit for a call that may never come back, in the process that makes it.

Where the GIL is free, SIGALRM interrupts what the main thread waits for. Where it is
not, nothing in Python can run any more: faulthandler writes the stacks of all threads
and ends the process. A child process is the way to survive that; see `child`.
"""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial

from gilscope.clock import perf_counter

NO_ANSWER = "no answer after"
# How much later the process is ended if nothing in Python could run at the limit.
GRACE_S = 1.0
# Between two renewals.
RENEWAL_S = 0.25

# Where the stacks go before the process is ended; None = it is not ended.
stack_file: int | None = 2


class NoAnswerError(TimeoutError):
    """A call did not come back; the text has the stacks of all threads."""


@contextlib.contextmanager
def limit_silence(timeout_s: float | None) -> Iterator[Callable[[], None]]:
    """End what gives no sign of life for so long after one; yield what is a sign of it.

    What goes before the first one, such as another check, may take as long as it likes.
    """
    if timeout_s is None:
        yield lambda: None
        return
    has_alarm = (
        threading.current_thread() is threading.main_thread()
        and hasattr(signal, "setitimer")
        and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    )
    renewed_s, pid = 0.0, os.getpid()
    watches = []
    if (file := stack_file) is not None:
        start = faulthandler.dump_traceback_later
        watches = [partial(start, timeout_s + GRACE_S, exit=True, file=file)]

    def interrupt(*_: object) -> None:
        message = f"{NO_ANSWER} {timeout_s:g} s: deadlock?\n{describe_stacks()}"
        raise NoAnswerError(message)

    def renew() -> None:
        nonlocal renewed_s
        if renewed_s and perf_counter() - renewed_s < RENEWAL_S:
            return
        renewed_s = perf_counter()
        _watches[:] = watches
        if has_alarm:
            signal.setitimer(signal.ITIMER_REAL, timeout_s)
        for watch in watches:
            watch()

    before = signal.signal(signal.SIGALRM, interrupt) if has_alarm else None
    try:
        yield renew
    finally:
        if _watches and renewed_s and os.getpid() == pid:
            _watches.clear()
            faulthandler.cancel_dump_traceback_later()
        if has_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


# What faulthandler was told to do, and not yet told to leave.
_watches: list[Callable[[], None]] = []


def _stop_before_fork() -> None:
    # A child has no thread of faulthandler's, and would wait for it for ever.
    if _watches:
        faulthandler.cancel_dump_traceback_later()


def _go_on_after_fork() -> None:
    if _watches:
        _watches[-1]()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_stop_before_fork,
        after_in_parent=_go_on_after_fork,
        after_in_child=_watches.clear,
    )


@contextlib.contextmanager
def choose_ending(file: int | None) -> Iterator[None]:
    """Choose what becomes of a call that never releases the GIL meanwhile."""
    global stack_file  # noqa: PLW0603 - faulthandler watches once in a process, too.
    before, stack_file = stack_file, file
    try:
        yield
    finally:
        stack_file = before


def describe_stacks() -> str:
    """Return the stacks of all Python threads, most recent call last."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001
        stack = "".join(traceback.format_stack(frame))
        parts.append(f"thread {names.get(ident, ident)}:\n{stack}")
    return "".join(parts).rstrip("\n")
