"""What the scenarios that measure found: parallel, contention, pairs, sweep."""

from dataclasses import dataclass
from typing import Literal

from gilscope.record import Shown
from gilscope.stats import Figure

# Whether calls that were started together ran together.
Concurrency = Literal["parallel", "serialized", "unclear"]

# When releasing the GIL may pay: with nothing beside the call, with another thread that
# calls, with another thread that runs Python.
Case = Literal["alone", "two threads", "beside Python"]


@dataclass(frozen=True)
class ParallelRow:
    """So many threads, each with one call, against the calls one after the other.

    Attributes:
        threads: how many threads started together.
        wall_s: from the start of the first call to the end of the last.
        speedup: how many times as fast as one after the other; 1 = no faster.
        overlap: how many calls ran in parallel on average; CPU time by wall time,
            run-queue wait left out.
        concurrency: what overlap says.
        effective_cores: CPU time by wall time, None if that was not kept.
        amdahl: the most that the held fraction of the calls allows, None if unknown.
        process_speedup: the same speed-up from as many processes.
        of_processes: speed of the threads by that of the processes, 1 = as good;
            run-queue wait is left out where the system tells it.
    """

    threads: int
    wall_s: float
    speedup: Figure
    overlap: Figure
    concurrency: Concurrency
    effective_cores: float | None
    amdahl: float | None = None
    process_speedup: Figure | None = None
    of_processes: Figure | None = None


@dataclass(frozen=True)
class Parallel(Shown):
    """Threads, each with one call of the same work, against one after the other.

    Attributes:
        alone_s: one call with nothing beside it.
        rows: the figures for each number of threads, two among them.
        held: those of two threads that hold the GIL, the control.
        held_fraction: the fraction of a call outside the kernel, waiting left out;
            None if nothing tells it.
        order_s: the wall time of two threads by which of them started first.
        size, passes: the work of one call.
        n_rounds: how often everything was measured.
        findings: what the figures mean, in words.
        warnings: what makes them unsure, with the figure that says so.
        failures: wrong answers, and work that was not done.
        contradictions: parallel or serialized, against what the backend declares.
    """

    alone_s: float
    rows: tuple[ParallelRow, ...]
    held: ParallelRow
    held_fraction: float | None
    order_s: tuple[float, float]
    size: int
    passes: int
    n_rounds: int
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()

    @property
    def pair(self) -> ParallelRow:
        """The row of two threads."""
        return next(row for row in self.rows if row.threads == 2)  # noqa: PLR2004


@dataclass(frozen=True)
class ContentionRow:
    """Short calls of one size, alone and beside a busy Python thread.

    Attributes:
        size: how many integers a call doubles.
        n_calls: how many calls were timed beside the busy thread.
        alone_s, contended_s: mean time of a call.
        slowdown: contended_s by alone_s.
        held_slowdown: the same with the GIL held.
        alone_median_s, alone_p99_s: median and 99th percentile of the calls alone.
        contended_median_s, contended_p99_s: the same beside the busy thread.
        busy_thread_speed: speed of the busy thread, 1 = as fast as alone.
        busy_thread_speed_held: the same beside the calls that hold the GIL.
    """

    size: int
    n_calls: int
    alone_s: float
    contended_s: float
    slowdown: Figure
    held_slowdown: Figure
    alone_median_s: float
    alone_p99_s: float
    contended_median_s: float
    contended_p99_s: float
    busy_thread_speed: Figure
    busy_thread_speed_held: Figure


@dataclass(frozen=True)
class Contention(Shown):
    """Short calls beside a busy Python thread: what releasing costs.

    Attributes:
        rows: one for each size, the shortest call first.
        switch_interval_s: sys.getswitchinterval() while it was measured.
        findings, warnings, failures: as in Parallel.
    """

    rows: tuple[ContentionRow, ...]
    switch_interval_s: float
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairCell:
    """This backend in thread 1 beside a partner in thread 2, a long call each.

    Attributes:
        partner: the name of the other backend.
        reason: why nothing was measured, or "".
        alone_s, partner_alone_s: the time of either call on its own.
        stops: the share of this backend's call by which it delayed the partner
            that started second; 0 = not at all, 1 = for the whole call.
        stopped: the same the other way round, the partner starting first.
        speedup: both in parallel against one after the other, over both orders.
    """

    partner: str
    reason: str = ""
    alone_s: float | None = None
    partner_alone_s: float | None = None
    stops: Figure | None = None
    stopped: Figure | None = None
    speedup: Figure | None = None


@dataclass(frozen=True)
class Pairs(Shown):
    """One row of the matrix of who stops whom.

    Attributes:
        cells: one for each partner, in the order of the registry.
        findings, warnings, failures: as in Parallel.
    """

    cells: tuple[PairCell, ...]
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepCell:
    """One amount of work, released and held; times are those of one call.

    Attributes:
        size, passes: the work.
        kernel_s: how long its kernel takes.
        alone_released_s, alone_held_s: by one thread with nothing beside it.
        cost: alone_released_s by alone_held_s.
        pair_released_s, pair_held_s: wall time by calls, two threads calling.
        gain: pair_held_s by pair_released_s, 2 = twice as many calls.
        busy_released_s, busy_held_s: wall time by calls, beside a Python thread
            that computes.
        busy_gain: what both threads get done, released by held, each thread's
            speed counted as a share of its speed alone.
    """

    size: int
    passes: int
    kernel_s: float
    alone_released_s: float
    alone_held_s: float
    cost: Figure
    pair_released_s: float
    pair_held_s: float
    gain: Figure
    busy_released_s: float
    busy_held_s: float
    busy_gain: Figure


@dataclass(frozen=True)
class BreakEven:
    """The least work in the grid from which on releasing the GIL pays.

    Attributes:
        case: "alone" (it costs nothing that can be seen), "two threads" (two that
            call get more done) or "beside Python" (a thread that calls and a Python
            thread that computes get more done together).
        kernel_s: the kernel time from which on, None where the grid has none.
        size, passes: the work it was found at.
    """

    case: Case
    kernel_s: float | None = None
    size: int | None = None
    passes: int | None = None


@dataclass(frozen=True)
class Sweep(Shown):
    """The grid of one backend and the work from which releasing the GIL pays.

    Attributes:
        cells: in the order of their work.
        break_evens: one for each case.
        planned_s: how long it was said to take.
        findings, warnings, failures: as in Parallel.
    """

    cells: tuple[SweepCell, ...]
    break_evens: tuple[BreakEven, ...]
    planned_s: float
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
