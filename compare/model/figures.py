"""What the scenarios that measure found: parallel, contention, pairs, sweep."""

from dataclasses import dataclass
from typing import Literal

# From the lowest to the highest value that the median of the rounds may have had.
Range = tuple[float, float]

# Whether calls that were started together ran together.
Course = Literal["at once", "in turns", "unclear"]

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
        amdahl: the most that the held share of the calls allows, None if unknown.
        effective_cores: CPU time by wall time.
        process_speedup: the same speed-up from as many processes.
        of_processes: speed of the threads by that of the processes, 1 = as good;
            waiting for a core is left out where the system tells it.
        overlap: how many of the calls ran at once on average; CPU time by wall
            time, waiting for a core left out.
        course: what overlap says.
    """

    threads: int
    wall_s: float
    speedup: float
    speedup_range: Range
    amdahl: float | None
    effective_cores: float
    process_speedup: float | None
    process_speedup_range: Range | None
    of_processes: float | None
    of_processes_range: Range | None
    overlap: float
    overlap_range: Range
    course: Course


@dataclass(frozen=True)
class Parallel:
    """Two threads, each with one call of the same work, against one after the other.

    A figure is the median of the rounds; its _range is where that median lies.

    Attributes:
        solo_s: the two calls one after the other.
        pair_s: both at once, from the first start to the last end.
        speedup, amdahl, effective_cores, process_speedup, of_processes, overlap,
            course: as in ParallelRow, for two threads.
        held_speedup, held_overlap, held_course: with release_gil=False.
        held_share: the share of a call outside the kernel, waiting left out; None
            if the trace does not tell.
        order_s: pair_s by which thread started first.
        n, passes: the work of one call.
        n_rounds: how often everything was measured.
        rows: the figures for each number of threads that was asked for.
        findings: what the figures mean, in words.
        warnings: what makes them unsure, with the figure that says so.
        failures: wrong answers, and work that was not done.
        contradictions: courses that are not as the backend declares.
    """

    solo_s: float
    pair_s: float
    speedup: float
    amdahl: float | None
    effective_cores: float
    process_speedup: float | None
    held_speedup: float
    speedup_range: Range
    process_speedup_range: Range | None
    held_speedup_range: Range
    of_processes: float | None
    of_processes_range: Range | None
    overlap: float
    overlap_range: Range
    held_overlap: float
    held_overlap_range: Range
    course: Course
    held_course: Course
    held_share: float | None
    order_s: tuple[float, float]
    n: int
    passes: int
    n_rounds: int
    rows: tuple[ParallelRow, ...]
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContentionRow:
    """Short calls of one size, alone and beside a Python thread that computes.

    Attributes:
        n: how many integers a call doubles.
        n_calls: how many calls were timed beside the other thread.
        alone_s, contended_s: mean time of a call.
        slowdown: contended_s by alone_s.
        held_slowdown: the same with release_gil=False.
        alone_median_s, alone_p99_s: median and 99th percentile of the calls alone.
        contended_median_s, contended_p99_s: the same beside the other thread.
        partner_speed: speed of the other thread, 1 = as fast as alone.
        partner_speed_held: the same beside the calls with release_gil=False.
    """

    n: int
    n_calls: int
    alone_s: float
    contended_s: float
    slowdown: float
    slowdown_range: Range
    held_slowdown: float
    held_slowdown_range: Range
    alone_median_s: float
    alone_p99_s: float
    contended_median_s: float
    contended_p99_s: float
    partner_speed: float
    partner_speed_held: float


@dataclass(frozen=True)
class Contention:
    """Short calls beside a Python thread that computes: what releasing costs.

    Attributes:
        alone_s, contended_s, slowdown: those of the first row, the shortest call.
        switch_interval_s: sys.getswitchinterval() while it was measured.
        rows: one for each size.
        findings, warnings, failures: as in Parallel.
    """

    alone_s: float
    contended_s: float
    slowdown: float
    switch_interval_s: float
    rows: tuple[ContentionRow, ...]
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
        speedup: both at once against one after the other, over both orders.
    """

    partner: str
    reason: str = ""
    alone_s: float | None = None
    partner_alone_s: float | None = None
    stops: float | None = None
    stops_range: Range | None = None
    stopped: float | None = None
    stopped_range: Range | None = None
    speedup: float | None = None
    speedup_range: Range | None = None


@dataclass(frozen=True)
class Pairs:
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
        n, passes: the work.
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

    n: int
    passes: int
    kernel_s: float
    alone_released_s: float
    alone_held_s: float
    cost: float
    cost_range: Range
    pair_released_s: float
    pair_held_s: float
    gain: float
    gain_range: Range
    busy_released_s: float
    busy_held_s: float
    busy_gain: float
    busy_gain_range: Range


@dataclass(frozen=True)
class BreakEven:
    """The least work in the grid from which on releasing the GIL pays.

    Attributes:
        case: "alone" (it costs nothing that can be seen), "two threads" (two that
            call get more done) or "beside Python" (a thread that calls and a Python
            thread that computes get more done together).
        kernel_s: the kernel time from which on, None where the grid has none.
        n, passes: the work it was found at.
    """

    case: Case
    kernel_s: float | None = None
    n: int | None = None
    passes: int | None = None


@dataclass(frozen=True)
class Sweep:
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
