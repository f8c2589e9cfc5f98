"""The sampler: a process that looks every millisecond who holds the GIL of another.

It looks twice as often where nothing has moved since the last time.

It reports a hold if the same thread held the GIL at the same instruction although
another one had asked for it. A request is seen once a switch interval has passed; a
thread that executes Python code grants it within microseconds then. The run-queue wait
of the thread is taken off.
"""

import contextlib
import json
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from gilscope.kernel import Times, parse_times
from gilscope.watcher.memory import FramePlace, Interpreter, ProcessMemory, State
from gilscope.watcher.offsets import Offsets

PERIOD_S, SHORT_PERIOD_S = 0.001, 0.0005
PERIOD_NS = int(PERIOD_S * 1e9)
# Of the time kept, so much has to lie after the request was seen.
MIN_ASKED_NS = 3 * PERIOD_NS
# Time that a thread computed may be this old: a tick of 250 Hz and some.
TICK_NS = 5 * PERIOD_NS
# The locks of the GIL are this near behind its other fields.
GIL_SIZE = 256
# Files of this many threads are kept open.
MAX_FILES = 64
# After so many readings of one instruction the place counts as unresolved.
MAX_TRIES = 5
# So many readings in a row may fail before the process counts as another one.
MAX_FAILURES = 100

Emit = Callable[..., None]


class Kernel:
    """What the kernel tells of the threads of a process."""

    def __init__(self, pid: int) -> None:
        """Open nothing yet."""
        self._folder = f"/proc/{pid}/task"
        self._files: dict[int, int] = {}

    def read_times(self, native_id: int) -> Times:
        """Return the times of a thread; OSError: it has ended."""
        if native_id not in self._files:
            while len(self._files) >= MAX_FILES:
                os.close(self._files.pop(next(iter(self._files))))
            path = f"{self._folder}/{native_id}/schedstat"
            self._files[native_id] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return parse_times(os.pread(self._files[native_id], 100, 0))
        except (OSError, ValueError) as error:
            os.close(self._files.pop(native_id))
            message = f"thread {native_id} has ended"
            raise OSError(message) from error

    def find_lock(self, native_id: int) -> int | None:
        """Return the address of the lock (or so) that a thread is blocked in."""
        try:
            with open(f"{self._folder}/{native_id}/syscall", "rb") as file:  # noqa: PTH123
                words = file.read().split()
        except OSError:
            return None
        # The number and the arguments of the call, or "running", or -1 for a fault.
        return int(words[1], 16) if len(words) > 1 else None


class AskedWindow:
    """Own time of a thread since a moment: it computed, or was blocked."""

    def __init__(self, start: int, times: Times) -> None:
        """Begin at a clock reading, ns."""
        self.start = self._latest = start
        self._times = times
        self._computed = self._waited = self._blocked = 0
        # A wait that began earlier is added to the counter when it ends.
        self._waited_before = 0

    def note(self, now: int, times: Times, *, is_blocked: bool) -> None:
        """Take in a reading of the same instruction."""
        self._computed = times.computing - self._times.computing
        if is_blocked:
            self._blocked += now - self._latest
        self._latest = now
        self.note_wait(now, times)

    def note_wait(self, now: int, times: Times) -> None:
        """Take in the run-queue wait alone."""
        self._waited = times.waiting_for_core - self._times.waiting_for_core
        self._waited_before = max(
            self._waited_before, self._waited - (now - self.start)
        )

    def compute_own_ns(self, end: int, margin: int) -> int:
        """Return the own time until `end`.

        What neither computed nor was blocked for longer than `margin` had a core of a
        virtual machine that had none itself.
        """
        unwaited = end - self.start - (self._waited - self._waited_before)
        return min(unwaited, self._computed + self._blocked + margin)


class Candidate:
    """One instruction that may turn out to hold the GIL."""

    def __init__(self, state: State, now: int, times: Times) -> None:
        """Begin with the first reading."""
        self.state = state
        self.end = now
        self.n_samples = 1
        self.n_asked = 0
        self.place: FramePlace | None = None
        self._is_blocked = False
        # Windows from each of the last readings before anybody wanted the GIL.
        self._before: deque[AskedWindow] = deque([AskedWindow(now, times)], maxlen=16)
        self._asked: AskedWindow | None = None
        self._kept: AskedWindow | None = None

    def note(
        self, state: State, span: tuple[int, int], times: Times, *, is_blocked: bool
    ) -> None:
        """Take in a later reading of the same instruction, made in a span of time."""
        self.end, after = span
        self.n_samples += 1
        self._is_blocked = is_blocked
        for window in self._get_windows():
            window.note(after, times, is_blocked=is_blocked)
        if self._kept is None and state.is_wanted:
            self._kept = AskedWindow(after, times)
        self.n_asked += state.is_asked
        if self._asked is None and state.is_asked:
            self._asked = AskedWindow(after, times)
            # Who asks has waited for a switch interval.
            earliest = after - state.interval_us * 1000
            since = (window for window in self._before if window.start >= earliest)
            self._kept = next(since, self._kept or self._asked)
            self._before.clear()
        elif self._kept is None:
            self._before.append(AskedWindow(after, times))

    def note_end(self, now: int, times: Times) -> None:
        """Take in the run-queue wait that ended after the last reading.

        Of a thread that was blocked then, it began later as well.
        """
        for window in () if self._is_blocked else self._get_windows():
            window.note_wait(now, times)

    def compute_kept_ns(self, over_ns: int) -> int | None:
        """Return for how long the GIL was kept; None if that is no hold."""
        if self._asked is None or self._kept is None:
            return None
        kept = self._kept.compute_own_ns(self.end, TICK_NS)
        asked = self._asked.compute_own_ns(self.end, 0)
        return kept if kept >= over_ns and asked >= MIN_ASKED_NS else None

    def _get_windows(self) -> list[AskedWindow]:
        kept = (self._asked, self._kept)
        return [*self._before, *(window for window in kept if window is not None)]


class Sampler:
    """Looks at one interpreter, again and again."""

    def __init__(self, kernel: Kernel, interpreter: Interpreter, emit: Emit) -> None:
        """Take what it reads from, and what it tells its findings to."""
        # The shortest hold to report; 0 = none yet.
        self.over_ns = 0
        self._kernel = kernel
        self._interpreter = interpreter
        self._emit = emit
        self._candidate: Candidate | None = None

    def get_period_s(self) -> float | None:
        """Return when to look again; None = not before the next command."""
        if not self.over_ns:
            return None
        candidate = self._candidate
        return SHORT_PERIOD_S if candidate and candidate.n_samples > 1 else PERIOD_S

    def sample(self) -> None:
        """Look once; OSError: the process cannot be read."""
        before = time.monotonic_ns()
        state = self._interpreter.read_state()
        after = time.monotonic_ns()
        candidate = self._candidate
        if state is None:
            self.close()
            return
        is_same = candidate and candidate.state.is_same_instruction(state)
        if not is_same:
            self.close()
        times = self._kernel.read_times(state.native_thread_id)
        if candidate is None or not is_same:
            self._candidate = Candidate(state, after, times)
            return
        lock = self._kernel.find_lock(state.native_thread_id)
        gil = self._interpreter.gil_address
        if lock is not None and gil <= lock < gil + GIL_SIZE:
            # It grants the request. The locks for it may be with a thread that waits
            # for the GIL and for a core.
            return
        candidate.note(state, (before, after), times, is_blocked=lock is not None)
        # From the second reading on: one alone is often of Python code.
        if 1 < candidate.n_asked <= MAX_TRIES and candidate.place is None:
            candidate.place = self._read_place(state)

    def close(self) -> None:
        """Report the candidate if it held the GIL, and forget it."""
        candidate, self._candidate = self._candidate, None
        if candidate is None or not candidate.n_asked:
            return
        state = candidate.state
        # Without that thread its waits so far are all there will be.
        with contextlib.suppress(OSError):
            times = self._kernel.read_times(state.native_thread_id)
            candidate.note_end(time.monotonic_ns(), times)
        kept = candidate.compute_kept_ns(self.over_ns)
        if kept is not None:
            self._emit(
                "hold",
                start_ns=candidate.end - kept,
                kept_ns=kept,
                native_thread_id=state.native_thread_id,
                place=candidate.place and asdict(candidate.place),
            )

    def _read_place(self, state: State) -> FramePlace | None:
        """Return where the holder stands, if it still stood there afterwards."""
        try:
            place = self._interpreter.read_place(state.frame)
            later = self._interpreter.read_state()
        except (OSError, ValueError):
            return None
        return place if later and later.is_same_instruction(state) else None

    def obey(self, command: str) -> None:
        """Do what a command says, and say so.

        `over NS` begins to look for holds of that many nanoseconds; `sync` looks once
        more, so that all holds are reported that have ended.
        """
        word, _, number = command.partition(" ")
        failure = ""
        try:
            if word == "sync":
                self.sample()
            else:
                self._interpreter.read_gil()
                self.over_ns = int(number)
        except OSError as error:
            failure = f"{error.strerror} (errno {error.errno})"
        self._emit(
            word,
            error=failure,
            now_ns=time.monotonic_ns(),
            pid=os.getpid(),
            version=sys.hexversion,
        )


def run(sampler: Sampler, control: int) -> str:
    """Obey the commands on a pipe, and look in between; return why that is over."""
    n_failures, is_open = 0, True
    while is_open and n_failures < MAX_FAILURES:
        content = b""
        if select.select([control], [], [], sampler.get_period_s())[0]:
            content = os.read(control, 4096)
            # Its process has ended, or closes files that are not its own.
            is_open = bool(content)
        for command in content.decode().splitlines():
            if command == "stop":
                sampler.close()
                return command
            sampler.obey(command)
        try:
            if sampler.over_ns:
                sampler.sample()
            n_failures = 0
        except ProcessLookupError:
            # The process has ended, perhaps within a hold.
            sampler.close()
            return "gone"
        except OSError:
            # Mostly a thread or a frame that went away between two readings.
            n_failures += 1
    sampler.close()
    return "lost"


def main(text: str) -> None:
    """Run, as the order of a `SamplerLink` says."""
    order = json.loads(text)
    files: list[int] = order["reports"]

    def emit(kind: str, **content: Any) -> None:
        line = json.dumps({"kind": kind, **content}).encode() + b"\n"
        for file in list(files):
            try:
                os.write(file, line)
            except OSError:
                files.remove(file)

    pid, offsets = order["pid"], Offsets(**order["offsets"])
    interpreter = Interpreter(ProcessMemory(pid), offsets)
    # select() takes low numbers only.
    why = run(Sampler(Kernel(pid), interpreter, emit), os.dup(order["control"]))
    emit(why)
