"""The other Python threads of the process: does one of them wait for the GIL?

A release wakes one of the threads that wait for the GIL, and that need not be the
witness. Linux tells at which address a thread sleeps; those that wait for the GIL
sleep at the same one.
"""

import contextlib
import threading
from typing import NamedTuple

from gilscope.clock import get_native_id, perf_counter
from gilscope.kernel import ThreadView, WitnessError, open_view
from gilscope.probe.witness import Witness, is_near

# How long the caller holds the GIL at most until threads that poll wait for it.
GATHER_S = 2e-3
LOOK_S = 100e-6
# A thread that computes for so long before it sleeps again is a rival for the GIL.
RIVAL_NS = 1_000_000


class _State(NamedTuple):
    """What was seen of one thread."""

    sleeps: bool
    n_sleeps: int
    n_runs: int
    waits_for_gil: bool
    computed: int


class Waiters:
    """The Python threads beside the caller; those that start later are not watched."""

    def __init__(
        self, witness: Witness, own_ids: set[int], closing: contextlib.ExitStack
    ) -> None:
        """Find them."""
        self._witness = witness
        self._before: list[_State | None] = []
        # What eventlet has put in the place of a thread has no number.
        others = {
            getattr(thread, "native_id", None): thread.name
            for thread in threading.enumerate()
        }
        for native_id in (None, get_native_id(), *own_ids):
            others.pop(native_id, None)
        self._names = [*others.values()]
        # Those that woke up during a call that tells nothing.
        self.woken: set[str] = set()
        views = (
            (name, open_view(native_id, closing))
            for native_id, name in others.items()
            if native_id is not None and witness.view is not None
        )
        self._views = [(name, view) for name, view in views if view is not None]

    def note(self, settled_s: float) -> None:
        """Note who waits for the GIL, which the caller holds, once all have come.

        They have to have waited for `settled_s`: who began to wait under a shorter
        switch interval asks for the GIL when that is over.
        """
        if not self._views or self._witness.view is None:
            return
        self._before = [self._read(view) for _, view in self._views]
        since_s = perf_counter()
        deadline = since_s + GATHER_S + settled_s
        while True:
            self._witness.view.sleep_held(LOOK_S)
            after = [self._read(view) for _, view in self._views]
            now_s = perf_counter()
            if after != self._before:
                self._before, since_s = after, now_s
            is_settled = now_s - since_s > settled_s and all(
                state is not None and state.waits_for_gil for state in after
            )
            if is_settled or now_s > deadline:
                return

    def compare(self) -> bool | None:
        """Return whether one of them was woken by a release since `note`.

        None if that cannot be told: one woke up that did not wait for the GIL before.
        """
        unclear = set()
        for (name, view), before in zip(self._views, self._before, strict=False):
            after = self._read(view)
            if after is None or before is None:
                # It has ended, or nobody can tell; a thread that computes sleeps never.
                if before != after:
                    unclear.add(name)
            elif after[:3] == before[:3]:
                continue
            elif before.waits_for_gil:
                return True
            else:
                # It woke up by itself and now waits for the GIL, and slept nowhere
                # else in between: nothing woke it since.
                n_sleeps = after.n_sleeps - before.n_sleeps
                if not (before.sleeps and after.waits_for_gil and n_sleeps == 1):
                    unclear.add(name)
        self.woken |= unclear
        return None if unclear else False

    def find_rivals(self) -> list[str]:
        """Return the names of those that computed without a break since `note`.

        All of them where nobody can tell.
        """
        if self._witness.view is None:
            return self._names
        states = (
            (name, before, self._read(view))
            for (name, view), before in zip(self._views, self._before, strict=False)
        )
        return [
            name
            for name, before, after in states
            if before is not None
            and after is not None
            and after.computed - before.computed
            > RIVAL_NS * (1 + after.n_sleeps - before.n_sleeps)
        ]

    def _read(self, view: ThreadView) -> _State | None:
        try:
            sleeps, n_sleeps = view.read_sleep()
            times = view.read_times()
            futex = view.read_futex() if sleeps else None
        except (WitnessError, ValueError):
            return None
        waits_for_gil = is_near(futex, self._witness.gil_futex)
        return _State(sleeps, n_sleeps, times.n_runs, waits_for_gil, times.computing)
