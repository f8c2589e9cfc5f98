"""Witness, decoy and controls: made for one check, or kept for many.

They are kept between `keep_session` and `drop_session`, as the pytest fixture does. A
process that forks stops them before, so that it forks with no thread of ours, and
starts them again when they are needed.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from gilscope.clock import perf_counter, sleep
from gilscope.kernel import WitnessError
from gilscope.model import Controls, Evidence
from gilscope.probe.decide import compare_controls
from gilscope.probe.estimate import Window
from gilscope.probe.switch_interval import SwitchIntervalProbe, count_evidence
from gilscope.probe.waiters import Waiters
from gilscope.probe.witness import Decoy, Helper, Witness
from gilscope.threads import collect_no_garbage, switch_interval

T = TypeVar("T", bound=Helper)

# Controls older than this, and than so many times what they took, are made anew.
FRESH_S = 1.0
FRESH_TIMES = 5
N_CONTROLS = 3
# How often they are made anew where they could not be told apart.
N_TRIES = 5
# The holder takes about half a millisecond, the Python loop a little more.
N_STEPS = 20_000
EMPTY_CALLS = 1000


class Session:
    """The threads of the check and what is known of the machine."""

    def __init__(self) -> None:
        """Note what process it is for."""
        self._pid = os.getpid()
        self._threads = contextlib.ExitStack()
        self._started: dict[type[Helper], Any] = {}
        self._controls: Controls | None = None
        self._fresh_until_s = 0.0
        self._sleeps: Sequence[Window] = ()
        # Whether a check uses it now.
        self.is_used = False

    def start(self, kind: type[T]) -> T:
        """Return the thread of a kind, which goes on until the session is closed."""
        if kind not in self._started:
            self._started[kind] = self._threads.enter_context(kind())
        found: T = self._started[kind]
        return found

    def close(self) -> None:
        """Stop the threads; the next use starts them again."""
        threads, self._threads = self._threads, contextlib.ExitStack()
        self._started.clear()
        # A process that was forked from the one that it is for has none of them.
        if self._pid == os.getpid():
            threads.close()

    @contextlib.contextmanager
    def take_turn(
        self, tell_life: Callable[[], object] = bool
    ) -> Iterator[Callable[[float], None]]:
        """Use it, with the turn at the switch interval and no garbage collected.

        The wait for the turn may take long; it is over at the first sign of life.
        """
        with (
            switch_interval(sys.getswitchinterval()) as set_interval,
            collect_no_garbage(),
        ):
            tell_life()
            self.is_used = True
            try:
                yield set_interval
            finally:
                self.is_used = False

    @contextlib.contextmanager
    def open_probe(
        self, tell_life: Callable[[], object] = bool
    ) -> Iterator[SwitchIntervalProbe]:
        """Yield what watches calls of this thread; meanwhile nobody is interrupted."""
        usual_s = sys.getswitchinterval()
        with (
            self.take_turn(tell_life) as set_interval,
            contextlib.ExitStack() as closing,
        ):
            witness, decoy = self.start(Witness), self.start(Decoy)
            closing.enter_context(witness.attach())
            waiters = Waiters(witness, {witness.native_id, decoy.native_id}, closing)
            # Or the end would take long wherever a third thread wants the GIL too.
            closing.callback(set_interval, usual_s)
            yield SwitchIntervalProbe(set_interval, witness, decoy, waiters)

    @property
    def tells_wakeups(self) -> bool:
        """Whether the kernel tells which threads were woken."""
        return self.start(Witness).view is not None

    def renew_controls(self, watch: Callable[[], Controls]) -> Controls:
        """Return what the known callables came out at a moment ago."""
        started_s = perf_counter()
        found = self._controls
        if found is not None and found.told_apart and started_s < self._fresh_until_s:
            return found
        for _ in range(N_TRIES):
            found = watch()
            if found.told_apart or perf_counter() - started_s > FRESH_S:
                break
        assert found is not None
        now_s = perf_counter()
        fresh_s = max(FRESH_S, FRESH_TIMES * (now_s - started_s))
        self._controls, self._fresh_until_s = found, now_s + fresh_s
        return found

    def watch_sleeps(self, probe: SwitchIntervalProbe) -> Sequence[Window]:
        """Return windows of short sleeps, in which nobody keeps the witness out."""
        if not self._sleeps:
            windows = [probe.watch(partial(sleep, 0.002)) for _ in range(N_CONTROLS)]
            self._sleeps = [window for window in windows if window is not None]
        return self._sleeps


def watch_controls(probe: SwitchIntervalProbe) -> Controls:
    """Watch a known releaser, a known holder and a known Python loop."""

    def watch(call: Callable[[], Any], n_interrupted: int) -> Evidence:
        windows = [probe.watch(call) for _ in range(N_CONTROLS)]
        return count_evidence(
            windows, [probe.interrupt(call) for _ in range(n_interrupted)]
        )

    probe.use_huge(0)
    found = compare_controls(
        watch(partial(sleep, 0), 0),
        watch(partial(sum, range(N_STEPS)), 2),
        watch(partial(run_loop, N_STEPS), 2),
    )
    # What they made of them is none of the callable's.
    probe.n_unclear = probe.n_woken_all = 0
    return found


def measure_empty(probe: SwitchIntervalProbe, empty: Callable[[], Any]) -> int:
    """Return how long the shortest call takes that does nothing, in nanoseconds."""
    windows = [probe.watch(empty, EMPTY_CALLS) for _ in range(2)]
    return min((window.call_ns for window in windows if window), default=0)


def run_loop(n_steps: int) -> None:
    """Run bytecode that releases nothing: the control in Python."""
    for _ in range(n_steps):
        pass


_kept: Session | None = None


def keep_session() -> None:
    """Keep witness, decoy and controls for all checks from now on."""
    global _kept  # noqa: PLW0603 - there is one switch interval in a process, too.
    _kept = _kept or Session()


def drop_session() -> None:
    """Stop the threads that are kept, if there are some."""
    global _kept
    session, _kept = _kept, None
    if session is not None:
        session.close()


@contextlib.contextmanager
def borrow_session() -> Iterator[Session]:
    """Yield the session that is kept, or one of its own where that is not to be had."""
    session = Session() if _kept is None or _kept.is_used else _kept
    # Its threads may be what failed, or may still watch a call that raised.
    with contextlib.ExitStack() as closing:
        closing.callback(session.close)
        yield session
        if session is _kept:
            closing.pop_all()


def count_releases(call: Callable[[], Any], n_calls: int = 3) -> tuple[int, int] | None:
    """Return how many of some calls released the GIL, and how many could be seen.

    One call is made before, which does not count.
    """
    with (
        contextlib.suppress(WitnessError),
        borrow_session() as session,
        session.open_probe() as probe,
    ):
        if not session.tells_wakeups:
            return None
        call()
        windows = [probe.watch(call) for _ in range(n_calls)]
        seen = [window for window in windows if window is not None]
        return sum(window.is_released for window in seen), len(seen)
    return None


def _stop_before_fork() -> None:
    if _kept is not None and not _kept.is_used:
        _kept.close()


if hasattr(os, "register_at_fork"):
    # In the child, one that was used has none of its threads.
    os.register_at_fork(before=_stop_before_fork, after_in_child=drop_session)
