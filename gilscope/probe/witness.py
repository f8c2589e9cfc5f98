"""A second Python thread that testifies to who has the GIL.

Between two windows it sleeps at a gate. `park` opens the gate while the caller holds
the GIL, so the witness can do nothing but wait for the GIL. From there on it runs
only if the GIL is released or the caller interrupted, and then it ticks, again
and again.

On Linux a release is seen even if it is over before the witness can wake up: a release
wakes the thread that waits for the GIL, and the kernel counts how often a thread went
to sleep. What else wakes threads (set*id() of glibc, a debugger, SIGSTOP) wakes the
decoy too, a third thread that waits for something that never comes.
"""

import contextlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

from gilscope.clock import (
    allocate_lock,
    get_ident,
    get_native_id,
    open_thread_clock,
    perf_counter,
    perf_counter_ns,
    process_time_ns,
    sleep,
    start_new_thread,
    thread_time_ns,
)
from gilscope.kernel import (
    Bell,
    ThreadView,
    Times,
    WitnessError,
    count_sleeps,
    open_view,
    wake_soon,
)
from gilscope.watcher.offsets import (
    WatchUnavailableError,
    check_supported,
    read_offsets,
)

# Between two ticks, so that the witness does not take a core for itself.
PAUSE_S = 50e-6
# How long the caller holds the GIL for the witness to come to wait for it, where the
# kernel does not tell when it has.
SETTLE_S = 300e-6
# A condition variable and its lock take less room than this.
NEAR_BYTES = 128
# On-CPU time in which a thread finds the GIL taken and waits again.
WAKING_NS = 10_000
# How long an ended thread may take to be gone, and the decoy to come to sleep.
GONE_S = 0.05
COME_S = 0.5


class Tick(NamedTuple):
    """One moment at which the witness had the GIL, or an end of a window."""

    at_ns: int
    caller: Times | None = None
    witness: Times | None = None
    # How often so far the witness went to sleep, and the GIL changed hands.
    n_sleeps: int | None = None
    n_switches: int | None = None
    # How long the caller had computed.
    computed: int | None = None
    # Whether the caller waited for the GIL, which it then gets next.
    caller_waits: bool = False
    # The pause of the witness afterwards.
    pause_ns: int = 0
    # What the process had computed without the witness, and where in its Python code
    # the caller was; both only if that was asked for.
    progress: int | None = None
    place: tuple[int, int] | None = None


def is_near(futex: int | None, other: int | None) -> bool:
    """Return whether two addresses are of one condition variable or its lock."""
    return futex is not None and other is not None and abs(futex - other) < NEAR_BYTES


def find_place(thread_id: int) -> tuple[int, int] | None:
    """Return where in its Python code a thread is, None where that is not told."""
    # Looking at the frames of an interpreter with a GIL of its own corrupts its memory.
    for name in ("_interpreters", "_xxsubinterpreters"):
        module = sys.modules.get(name)
        if module is not None and len(module.list_all()) > 1:
            return None
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001
    return None if frame is None else (id(frame.f_code), frame.f_lasti)


def open_switch_counter() -> Callable[[], int] | None:
    """Return what reads how often the GIL changed hands, None where nobody knows.

    Source:
        CPython, pycore_gil.h: the interval in microseconds, the last holder, whether it
        is locked, the number of switches, a machine word each.
    """
    try:
        check_supported()
        address = read_offsets().gil_address
    except (WatchUnavailableError, AttributeError, ValueError):
        return None
    import ctypes  # noqa: PLC0415 - the table of offsets needs it too.

    interval = ctypes.c_ulong.from_address(address)
    if interval.value != round(sys.getswitchinterval() * 1e6):
        return None
    counter = ctypes.c_ulong.from_address(address + 3 * ctypes.sizeof(interval))
    return lambda: int(counter.value)


class Helper:
    """A thread that the check starts, and that no tracer, signal or list touches.

    It runs from `__enter__` to `__exit__`.
    """

    # What the thread waits for, and what it rings when it comes to wait.
    _gate: Bell
    _idle: Bell

    def __init__(self) -> None:
        """Prepare the thread."""
        self.ident = self.native_id = 0
        # A view of this thread for the caller.
        self.view: ThreadView | None = None
        self._is_stopping = False
        # How often it had gone to sleep when it last came to its gate.
        self._n_sleeps_before_gate = 0
        self._closing = contextlib.ExitStack()
        self._ended = allocate_lock()

    def __enter__(self) -> Self:
        """Start the thread and wait until it sleeps at its gate."""
        self._gate, self._idle = Bell(), Bell()
        self._closing.callback(self._gate.close)
        self._closing.callback(self._idle.close)
        self._ended.acquire()
        try:
            start_new_thread(self._run_masked, ())
        except RuntimeError:
            # A subinterpreter may allow no threads that it does not wait for.
            threading.Thread(target=self._run_masked, name="gilscope").start()
        self._idle.wait()
        try:
            self._open_views()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread, whatever it is doing, and wait until it is gone."""
        self._is_stopping = True
        self._gate.ring()
        with self._ended:
            self._closing.close()
        deadline = perf_counter() + GONE_S
        path = f"/proc/self/task/{self.native_id}"
        while os.path.exists(path) and perf_counter() < deadline:  # noqa: PTH110
            sleep(0)

    def _open_views(self) -> None:
        self.view = open_view(self.native_id, self._closing)

    def _run_masked(self) -> None:
        # A tracer or a signal would wake the thread without any release.
        sys.settrace(None)
        sys.setprofile(None)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.ident, self.native_id = get_ident(), get_native_id()
        wake_soon()
        try:
            self._run()
        finally:
            self._ended.release()

    def _run(self) -> None:
        raise NotImplementedError


class Decoy(Helper):
    """A thread that waits for something that never comes, as a context manager."""

    def read(self) -> tuple[bool, int] | None:
        """Return its state, to be compared with an earlier one."""
        return None if self.view is None else self.view.read_sleep()

    def _open_views(self) -> None:
        super()._open_views()
        deadline = perf_counter() + COME_S
        # To come to sleep takes a core, and would look like being woken.
        while not self._is_asleep() and perf_counter() < deadline:
            sleep(20e-6)

    def _is_asleep(self) -> bool:
        """Return whether it sleeps at its gate, as far as anybody can tell."""
        if self.view is None:
            return True
        is_asleep, n_sleeps = self.view.read_sleep()
        # It may still wait for the GIL, which is at another place.
        is_at_gate = self.view.read_futex() in (None, self._gate.read_end)
        return is_asleep and n_sleeps > self._n_sleeps_before_gate and is_at_gate

    def _run(self) -> None:
        if sys.platform == "linux":
            self._n_sleeps_before_gate = count_sleeps()
        self._idle.ring()
        self._gate.wait()


class Witness(Helper):
    """The second thread, to be used as a context manager."""

    def __init__(self, *, limit_s: float = 0.5) -> None:
        """Prepare the thread."""
        super().__init__()
        self.limit_s = limit_s
        # Taken in turn, from one window to the next.
        self.pauses_s: Iterator[float] = itertools.repeat(PAUSE_S)
        self.notes_places = False
        # Whether it came to ask for the GIL when it was last waited for.
        self.has_asked = False
        self.read_computed: Callable[[], int] | None = None
        self.read_switches: Callable[[], int] | None = None
        # Views of witness and caller, each for the thread that reads it.
        self._own_view: ThreadView | None = None
        self.caller_view: ThreadView | None = None
        self._noted_view: ThreadView | None = None
        self._caller = 0
        self._read_caller: Callable[[], int] | None = None
        self._ticks: list[Tick] = []
        self._is_armed = False
        # Whether it sleeps while it is parked, and how often it had gone to sleep.
        self.parked: tuple[bool, int] | None = None
        self._n_runs_before = 0
        # Where threads sleep that wait for the GIL.
        self.gil_futex: int | None = None
        self._error: BaseException | None = None

    def __exit__(self, *_: object) -> None:
        """Stop the thread, whatever it is doing."""
        self._is_armed = False
        super().__exit__()

    def _open_views(self) -> None:
        self._raise_error()
        self.read_computed = open_thread_clock(self.ident)
        super()._open_views()
        if self.view is not None:
            self._own_view = open_view(self.native_id, self._closing)
            self.read_switches = open_switch_counter()

    @contextlib.contextmanager
    def attach(self) -> Iterator[None]:
        """Watch the calling thread meanwhile."""
        self._caller = get_ident()
        self._read_caller = open_thread_clock(self._caller)
        with contextlib.ExitStack() as closing:
            if self.view is not None:
                native_id = get_native_id()
                self.caller_view = open_view(native_id, closing)
                self._noted_view = open_view(native_id, closing)
            try:
                yield
            finally:
                self.caller_view = self._noted_view = None

    def start(self) -> None:
        """Let the witness ask for the GIL and take ticks from now on."""
        self._ticks = []
        self._is_armed = True
        self._gate.ring()

    def park(self) -> None:
        """Let the witness wait for the GIL; the caller holds it meanwhile."""
        if self.view is None:
            self.start()
            deadline = perf_counter() + SETTLE_S
            while perf_counter() < deadline:
                pass
            return
        _, n_sleeps = self.settle(self.view, self._n_sleeps_before_gate)
        self.start()
        self.parked = self.settle(self.view, n_sleeps)
        self._n_runs_before = self.view.read_times().n_runs
        self.gil_futex = self.gil_futex or self.view.read_futex()

    def settle(self, view: ThreadView, n_sleeps_before: int = -1) -> tuple[bool, int]:
        """Wait, with the GIL held, until the witness sleeps; return its state.

        Linux says of a thread that it sleeps shortly before it counts that and leaves
        the core; whoever looks in between would take the count for another sleep.
        """
        deadline = perf_counter() + self.limit_s
        while True:
            state = view.read_sleep()
            if state[0] and state[1] > n_sleeps_before:
                return state
            if perf_counter() > deadline:
                message = (
                    "the machine is too busy: a second thread got no core for "
                    f"{self.limit_s:g} s"
                )
                raise WitnessError(message)
            # On a single core it can come to sleep only while the caller does.
            view.sleep_held(20e-6)

    def was_woken(self) -> bool | None:
        """Return whether the parked witness was woken, or None if nobody can tell."""
        if self.view is None:
            return None
        # One that was woken and is about to sleep again is said to sleep already, but
        # is not counted yet. It got a core for that.
        return (
            self.view.read_sleep() != self.parked
            or self.view.read_times().n_runs != self._n_runs_before
        )

    def rest(self) -> tuple[list[Tick], float]:
        """Send the witness to its gate; return its ticks and the seconds it took."""
        ticks = self._ticks
        # A tick taken from here on belongs to no window.
        self._ticks = []
        self._is_armed = False
        start = perf_counter()
        # The bell rings as soon as the witness gets the GIL, which is late only where
        # a third thread holds it.
        self._idle.wait()
        self._raise_error()
        return ticks, perf_counter() - start

    def _raise_error(self) -> None:
        if self._error:
            message = f"the second thread failed: {self._error}"
            raise WitnessError(message) from self._error

    def _run(self) -> None:
        try:
            while True:
                if sys.platform == "linux":
                    self._n_sleeps_before_gate = count_sleeps()
                self._idle.ring()
                self._gate.wait()
                if self._is_stopping:
                    return
                self._take_ticks()
        except BaseException as error:  # noqa: BLE001 - raised in the caller.
            self._error = error
            self._idle.ring()

    def _take_ticks(self) -> None:
        while self._is_armed:
            pause_s = next(self.pauses_s)
            tick = Tick(perf_counter_ns(), pause_ns=int(pause_s * 1e9))
            if self._read_caller is not None:
                tick = tick._replace(computed=self._read_caller())
            if self.notes_places:
                tick = tick._replace(
                    place=self._find_place(tick.computed),
                    progress=process_time_ns() - thread_time_ns(),
                )
            if self._noted_view is not None and self._own_view is not None:
                tick = tick._replace(
                    caller=self._noted_view.read_times(),
                    witness=self._own_view.read_times(),
                    n_sleeps=count_sleeps(),
                    n_switches=self.read_switches and self.read_switches(),
                    caller_waits=is_near(self._noted_view.read_futex(), self.gil_futex),
                )
            self._ticks.append(tick)
            sleep(pause_s)

    def _find_place(self, computed: int | None) -> tuple[int, int] | None:
        """Return where the caller is, None if it went on since it had computed that."""
        place = find_place(self._caller)
        if self._read_caller is None or computed is None:
            return place
        # This thread, too, is interrupted where the caller asks for the GIL.
        return place if self._read_caller() - computed < WAKING_NS else None
