"""Threads that start together, and the switch interval under one lock.

The switch interval belongs to the whole process, so one change of it waits for the
other: `switch_interval` is the only place of the project that sets it.
"""

import contextlib
import gc
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# How long one user of the switch interval waits for another before it gives up.
TURN_TIMEOUT_S = 600.0

# The longest wait; the system refuses much longer ones.
WAIT_MAX_S = threading.TIMEOUT_MAX / 2

# How many threads there may be: nobody means more, and as many processes stand beside
# them.
THREAD_LIMITS = range(1, 257)
# The limits of a size.
SIZE_LIMITS = range(sys.maxsize)


class _Turn:
    """Whose turn it is to set the switch interval, and what to put back after it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.owner: int | None = None
        self.before = 0.0

    def end(self) -> None:
        """Put the interval back and let the next one in."""
        sys.setswitchinterval(self.before)
        self.owner = None
        self.lock.release()

    def end_in_child(self) -> None:
        """End the turn in a forked child, where nobody else can."""
        if self.owner is None:
            self.lock = threading.Lock()
        else:
            self.end()


_turn = _Turn()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turn.end_in_child)


@contextlib.contextmanager
def switch_interval(seconds: float) -> Iterator[Callable[[float], None]]:
    """Set the interpreter's switch interval for a while, one user at a time."""
    me = threading.get_ident()
    if _turn.owner == me:
        message = "expected one check or measurement at a time, got one inside another"
        raise RuntimeError(message)
    if not _turn.lock.acquire(timeout=TURN_TIMEOUT_S):
        message = (
            "a check or measurement of another thread has not come to its end for "
            f"{TURN_TIMEOUT_S:g} s"
        )
        raise TimeoutError(message)
    _turn.before = sys.getswitchinterval()
    _turn.owner = me
    try:
        sys.setswitchinterval(seconds)
        yield sys.setswitchinterval
    finally:
        # In a forked child the turn has ended already.
        if _turn.owner == me:
            _turn.end()


@contextlib.contextmanager
def collect_no_garbage() -> Iterator[None]:
    """Keep the cyclic garbage collector out of what is timed, as timeit does.

    It would go through all answers that are kept to be checked, and run finalizers of
    other people's objects, which may release the GIL.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def run_together(*functions: Callable[[], Any]) -> list[Any]:
    """Run each function in a thread of its own, all from the same moment on."""
    barrier = threading.Barrier(len(functions))
    results: list[Any] = [None] * len(functions)
    errors: list[BaseException] = []

    def work(position: int) -> None:
        try:
            barrier.wait()
            results[position] = functions[position]()
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller.
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=(position,), daemon=True)
        for position in range(len(functions))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        # Those that started already must not wait for ever for those that did not.
        barrier.abort()
        raise
    # A KeyboardInterrupt or SystemExit is no failure of the work, and goes first.
    errors.sort(key=lambda error: isinstance(error, Exception))
    for other in errors[1:]:
        errors[0].add_note(f"another thread raised {type(other).__name__}: {other}")
    if errors:
        raise errors[0]
    return results


def check_counts(
    what: str, counts: Iterable[int], limits: range = THREAD_LIMITS
) -> list[int]:
    """Return the counts in their order, each once; refuse what is no such count."""
    try:
        # Those of numpy are ints, too.
        found = sorted({operator.index(each) for each in counts})
    except TypeError as error:
        message = f"{what}: expected several ints, got {counts!r}"
        raise TypeError(message) from error
    wrong = [each for each in found if each not in limits]
    if wrong or not found:
        expected = f"{limits[0]} to {limits[-1]}"
        if limits == SIZE_LIMITS:
            expected = "at least 0"
        message = f"{what}: expected {expected}, got {wrong[0] if wrong else 'none'}"
        raise ValueError(message)
    return found
