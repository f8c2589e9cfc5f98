"""Calls that are timed: what one thread does, and what several took together."""

import itertools
import math
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from gilscope.check import check, check_statement
from gilscope.kernel import open_core_wait
from gilscope.model import Check
from gilscope.probe.statement import bind_statement, describe_error, read_prepared

Call = Callable[[], Any]


class Work:
    """What is called; an object that can be pickled is had in other processes too.

    Attributes:
        keeps_answers: whether the answers are kept for `find_fault`. Otherwise each is
            dropped at once, as part of its call.
        modules: ours, that another process imports before any of the user's.
        size: of the arguments, None if there is no such thing.
    """

    keeps_answers: ClassVar[bool] = False
    modules: ClassVar[tuple[str, ...]] = (__name__,)
    size: int | None = None

    def make_calls(self, count: int) -> Iterable[Call]:
        """Return so many calls with their arguments, made in the calling thread."""
        raise NotImplementedError

    def find_fault(self, calls: Sequence[Call], answers: Sequence[Any]) -> str:
        """Return what is wrong with what the calls answered, "" = nothing."""
        raise NotImplementedError

    def check(self) -> Check:
        """Return whether a call releases the GIL, without figures."""
        (call,) = self.make_calls(1)
        return check(call, figures=False)


@dataclass(frozen=True)
class PlainWork(Work):
    """A callable with its arguments, the answers of which are dropped."""

    # func, args, kwargs: the call.
    func: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    # Called before each call, outside of what is timed; what it returns, if not None,
    # is the call's arguments: a tuple, or a tuple and a dict.
    prepare: Callable[..., Any] | None = None
    # What `prepare` is called with, once for each set of calls.
    size: int | None = None

    def make_calls(self, count: int) -> Iterable[Call]:
        """Return the same call again and again, or one for each set of arguments."""
        if self.prepare is None:
            return itertools.repeat(self.bind(None), count)
        if self.size is not None:
            return itertools.repeat(self.bind(self.prepare(self.size)), count)
        return [self.bind(self.prepare()) for _ in range(count)]

    def bind(self, prepared: Any) -> Call:
        """Return the call with the arguments that were prepared."""
        args, kwargs = read_prepared(prepared, self.args, self.kwargs)
        return partial(self.func, *args, **kwargs) if args or kwargs else self.func

    def check(self) -> Check:
        """Return whether a call releases the GIL; each has arguments of its own."""
        prepare = self.prepare
        if prepare is None or self.size is not None:
            return super().check()

        def prepare_all() -> tuple[tuple[Any, ...], dict[str, Any]]:
            return read_prepared(prepare(), self.args, self.kwargs)

        return check(self.func, prepare=prepare_all, figures=False)


@dataclass
class StatementWork(Work):
    """A statement, as `python -m timeit` takes it."""

    # statement, setup: `{size}` in either stands for the size.
    statement: str
    setup: str = "pass"
    size: int | None = None
    # What a message calls the statement.
    role: str = "the statement"
    _call: Call | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Put the size in its place."""
        if self.size is not None:
            self.statement = self.statement.replace("{size}", str(self.size))
            self.setup = self.setup.replace("{size}", str(self.size))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what another process makes for itself."""
        return {**vars(self), "_call": None}

    def make_calls(self, count: int) -> Iterable[Call]:
        """Return the same call again and again; the setup is run before the first."""
        if self._call is None:
            self._call = bind_statement(self.statement, self.setup).call
        return itertools.repeat(self._call, count)

    def call(self) -> Any:
        """Return the answer of one call."""
        (call,) = self.make_calls(1)
        return call()

    def check(self, *, figures: bool = False) -> Check:
        """Return whether the statement releases the GIL, in a namespace of its own."""
        return check_statement(self.statement, self.setup, figures=figures)


def describe_work_error(error: BaseException) -> str:
    """Return in one line what a call of a statement raised, and of which."""
    work: Work | None = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        # A call into C has no frame that tells which it was.
        match frame.f_locals.get("self"):
            case Calls(work=found) | (Work() as found):
                work = found
    if not isinstance(work, StatementWork):
        return describe_error(error, {})
    sources = {"<statement>": work.statement, "<setup>": work.setup}
    return describe_error(error, sources, work.role)


@dataclass
class Calls:
    """Calls of one thread, one after the other, timed, and checked afterwards."""

    work: Work
    count: int = 1
    # No other call begins when this is over; of calls that are stamped.
    limit_s: float = 3600.0
    # Whether each call is timed, not only all of them together.
    is_stamped: bool = True
    calls: Iterable[Call] = ()
    answers: list[Any] = field(default_factory=list)
    n_done: int = 0
    # When each call began and ended, or all of them.
    stamps: list[tuple[int, int]] = field(default_factory=list)
    # CPU time of the process at both ends, and that of this thread between them.
    cpu_ns: tuple[int, int] = (0, 0)
    own_cpu_s: float = 0.0
    # The run-queue wait of this thread between them.
    waited_s: float = 0.0

    def prepare(self) -> None:
        """Make the arguments, in the thread that is to call."""
        self.calls = self.work.make_calls(self.count)

    def run(
        self,
        enter: Callable[[Callable[[], float]], float] = lambda read: read(),
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        """Make the calls.

        Args:
            enter: waits for the moment to call; it is given what tells the run-queue
                wait of this thread so far, and returns what is not to count of it.
                From when it returns, nothing else could release the GIL.
            leave: waits until nobody else calls any more. Reading the CPU time makes
                Linux see that a thread has had its share of the core, and so one that
                reads it is the one to lose the core: that must not be with the GIL.
        """
        clock = time.perf_counter_ns
        with open_core_wait() as read_queue_wait_s:
            waited_before_s = enter(read_queue_wait_s)
            entered_ns = clock()
            cpu_start_ns = time.process_time_ns()
            own_cpu_ns = time.thread_time_ns()
            self.make_calls()
            left_ns = clock()
            waited_s = read_queue_wait_s() - waited_before_s
            leave()
            own_cpu_ns = time.thread_time_ns() - own_cpu_ns
            self.cpu_ns = (cpu_start_ns, time.process_time_ns())
        self.own_cpu_s = own_cpu_ns / 1e9
        # What it waited for just before the calls or just after them is not theirs.
        outside_ns = (self.start_ns - entered_ns) + (left_ns - self.end_ns)
        self.waited_s = max(0.0, waited_s - outside_ns / 1e9)

    def make_calls(self) -> None:
        """Make the calls and stamp them, without a look at what else goes on.

        Looking releases the GIL, and beside a busy thread costs a switch interval each
        time.
        """
        clock, keep = time.perf_counter_ns, self.answers.append
        keeps_answers = self.work.keeps_answers
        deadline_ns = clock() + round(self.limit_s * 1e9)
        if not self.is_stamped:
            start_ns = clock()
            if keeps_answers:
                self.answers += [call() for call in self.calls]
            else:
                for call in self.calls:
                    call()
            self.stamps.append((start_ns, clock()))
            self.n_done = self.count
            return
        for call in self.calls:
            start_ns = clock()
            if keeps_answers:
                answer = call()
                end_ns = clock()
                keep(answer)
            else:
                call()
                end_ns = clock()
            self.stamps.append((start_ns, end_ns))
            if end_ns >= deadline_ns:
                break
        self.n_done = len(self.stamps)

    def find_fault(self) -> str:
        """Return what is wrong with what the calls did, "" = nothing."""
        if not self.work.keeps_answers:
            return ""
        made = [*itertools.islice(self.calls, self.n_done)]
        return self.work.find_fault(made, self.answers)

    @property
    def start_ns(self) -> int:
        """When the first call began."""
        return self.stamps[0][0]

    @property
    def end_ns(self) -> int:
        """When the last call ended."""
        return self.stamps[-1][1]

    @property
    def elapsed_s(self) -> float:
        """How long the calls took."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def durations_s(self) -> list[float]:
        """How long each of the calls took."""
        return [(end - start) / 1e9 for start, end in self.stamps]


def count_calls(call_s: float, window_s: float) -> int:
    """Return how many calls fill a window."""
    return max(1, math.ceil(window_s / max(call_s, 1e-9)))


@dataclass(frozen=True)
class Wall:
    """What some calls took together, from the first start to the last end."""

    # On the clock.
    seconds: float = 0.0
    # The same if each thread had had a core of its own, where the system tells.
    unqueued_s: float = 0.0
    # The CPU time of all processes concerned.
    cpu_s: float = 0.0
    # That of the calling threads themselves.
    own_cpu_s: float = 0.0
    # Whether a call began before another thread's had ended.
    has_met: bool = False


def measure_wall(all_calls: Sequence[Calls]) -> Wall:
    """Return what calls of one thread or several took that began together here."""
    ordered = sorted(all_calls, key=lambda calls: calls.start_ns)
    start_s = ordered[0].start_ns / 1e9
    seconds = (max(calls.end_ns for calls in ordered) - ordered[0].start_ns) / 1e9
    unqueued_end_s = max(calls.end_ns / 1e9 - calls.waited_s for calls in ordered)
    own_cpus_s = [calls.own_cpu_s for calls in ordered]
    cpu_ends_ns = [*zip(*(calls.cpu_ns for calls in ordered), strict=True)]
    return Wall(
        seconds=seconds,
        # Some of the waiting, and of the computing, may have come just before the calls
        # or just after them.
        unqueued_s=min(seconds, max(unqueued_end_s - start_s, *own_cpus_s)),
        cpu_s=(max(cpu_ends_ns[1]) - min(cpu_ends_ns[0])) / 1e9,
        own_cpu_s=sum(own_cpus_s),
        has_met=any(
            later.start_ns < earlier.end_ns
            for earlier, later in itertools.pairwise(ordered)
        ),
    )
