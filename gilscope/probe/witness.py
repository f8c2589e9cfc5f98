"""A second Python thread that testifies to who has the GIL.

Between two windows it sleeps at a gate. `park` opens the gate while the caller holds
the GIL, so the witness can do nothing but wait for the GIL. From there on it runs
only if the GIL is given away, and then it notes the time again and again.

On Linux a release is seen even if it is over before the witness can wake up: giving
the GIL away wakes the thread that waits for it, and the kernel counts how often a
thread went to sleep.
"""

import contextlib
import signal
import sys
import threading
import time
from typing import NamedTuple, Self

from gilscope.kernel import (
    Bell,
    ThreadView,
    Times,
    WitnessError,
    count_sleeps,
    open_clock,
    open_view,
)

__all__ = ["Note", "ThreadView", "Witness", "WitnessError", "find_place", "open_view"]

# Between two notes, so that the witness does not take a core for itself.
PAUSE_S = 50e-6
# How long the caller keeps the GIL for the witness to come to wait for it, where the
# kernel does not tell when it has.
SETTLE_S = 300e-6


class Note(NamedTuple):
    """One moment at which the witness had the GIL."""

    at_ns: int
    caller: Times | None = None
    witness: Times | None = None
    # How often the witness went to sleep so far.
    n_sleeps: int | None = None
    # How long the caller had computed, and where in its Python code it was; both only
    # if that was asked for.
    computed: int | None = None
    place: tuple[int, int] | None = None


def find_place(thread_id: int) -> tuple[int, int] | None:
    """Return where in its Python code a thread is."""
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001
    return None if frame is None else (id(frame.f_code), frame.f_lasti)


class Witness:
    """The second thread, to be used as a context manager by the caller's thread.

    Args:
        limit_s: how long it may take to come to wait for the GIL, or back from it.
        use_kernel: False does without the kernel's help, as on other systems.
    """

    def __init__(self, *, limit_s: float, use_kernel: bool = True) -> None:
        """Prepare the thread; `__enter__` starts it."""
        self.limit_s = limit_s
        self.pause_s = PAUSE_S
        self.notes_places = False
        self._caller = threading.get_ident()
        self._read_computed = open_clock(self._caller)
        # Views of the caller and of the witness, each for the thread that reads it.
        self.view: ThreadView | None = None
        self._noted_views: tuple[ThreadView, ThreadView] | None = None
        self._use_kernel = use_kernel and sys.platform == "linux"
        self._notes: list[Note] = []
        self._is_armed = self._is_stopping = False
        self._parked: tuple[bool, int] | None = None
        # How often the witness had gone to sleep when it last came to its gate.
        self._n_sleeps_before_gate = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, name="gilscope witness", daemon=True
        )
        self._closing = contextlib.ExitStack()
        self._gate, self._idle = Bell(), Bell()
        self._closing.callback(self._gate.close)
        self._closing.callback(self._idle.close)

    def __enter__(self) -> Self:
        """Start the thread and wait until it sleeps at its gate."""
        self._thread.start()
        try:
            self._await_idle()
            native_id = self._thread.native_id
            if self._use_kernel and native_id is not None:
                self._open_views(threading.get_native_id(), native_id)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread, whatever it is doing."""
        self._is_stopping = True
        self._is_armed = False
        self._gate.ring()
        self._thread.join()
        self._closing.close()

    def start(self) -> None:
        """Let the witness ask for the GIL and take notes from now on."""
        self._notes = []
        self._is_armed = True
        self._gate.ring()

    def park(self) -> None:
        """Let the witness wait for the GIL; the caller keeps it meanwhile.

        Raises:
            WitnessError: it did not come to wait for it within the limit.
        """
        if self.view is None:
            self.start()
            deadline = time.perf_counter() + SETTLE_S
            while time.perf_counter() < deadline:
                pass
            return
        _, n_sleeps = self.settle(self.view, self._n_sleeps_before_gate)
        self.start()
        self._parked = self.settle(self.view, n_sleeps)

    def settle(self, view: ThreadView, n_sleeps_before: int = -1) -> tuple[bool, int]:
        """Wait, with the GIL held, until the witness sleeps.

        Args:
            view: what tells.
            n_sleeps_before: how often it had gone to sleep before the sleep waited for.
                Linux says of a thread that it sleeps shortly before it counts that and
                gives up the core; whoever looks in between would take the count that
                is still to come for another sleep.

        Returns:
            What `was_woken` compares with.

        Raises:
            WitnessError: it got no core within the limit.
        """
        deadline = time.perf_counter() + self.limit_s
        while True:
            state = view.read_sleep()
            if state[0] and state[1] > n_sleeps_before:
                return state
            if time.perf_counter() > deadline:
                message = (
                    "the machine is too busy: a second thread got no core for "
                    f"{self.limit_s:g} s"
                )
                raise WitnessError(message)
            # On a single core it can come to sleep only while the caller does.
            view.sleep_held(20e-6)

    def was_woken(self) -> bool | None:
        """Return whether the parked witness was woken, or None if nobody can tell."""
        return None if self.view is None else self.view.read_sleep() != self._parked

    def rest(self) -> tuple[list[Note], float]:
        """Send the witness back to its gate.

        Returns:
            What it noted since `park`, and how many seconds the way back took.
        """
        notes = self._notes
        # A note taken from here on belongs to no window.
        self._notes = []
        self._is_armed = False
        start = time.perf_counter()
        self._await_idle()
        return notes, time.perf_counter() - start

    def _await_idle(self) -> None:
        # The bell rings as soon as the witness gets the GIL, which is late only where
        # a third thread keeps it.
        self._idle.wait()
        if self._error:
            message = f"the second thread failed: {self._error}"
            raise WitnessError(message) from self._error

    def _open_views(self, caller_id: int, witness_id: int) -> None:
        views = [
            open_view(native_id)
            for native_id in (witness_id, caller_id, caller_id, witness_id)
        ]
        for view in views:
            if view is not None:
                self._closing.callback(view.close)
        watched, own, noted_caller, noted_witness = views
        if watched and own and noted_caller and noted_witness:
            self.view, self.caller_view = watched, own
            self._noted_views = noted_caller, noted_witness

    def _run(self) -> None:
        # A tracer or a signal would wake the thread without any release.
        sys.settrace(None)
        sys.setprofile(None)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            while True:
                if self._use_kernel:
                    self._n_sleeps_before_gate = count_sleeps()
                self._idle.ring()
                self._gate.wait()
                if self._is_stopping:
                    return
                self._take_notes()
        except BaseException as error:  # noqa: BLE001 - raised by _await_idle.
            self._error = error
            self._idle.ring()

    def _take_notes(self) -> None:
        while self._is_armed:
            at_ns = time.perf_counter_ns()
            note = Note(at_ns)
            if self._noted_views is not None:
                caller, witness = (view.read_times() for view in self._noted_views)
                note = Note(at_ns, caller, witness, count_sleeps())
            if self.notes_places:
                note = note._replace(
                    computed=self._read_computed(), place=find_place(self._caller)
                )
            self._notes.append(note)
            time.sleep(self.pause_s)
