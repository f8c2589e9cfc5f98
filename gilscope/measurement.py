"""What was measured of a callable: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured, or was not asked for, is None.
"""

from dataclasses import dataclass
from typing import Literal

from gilscope.model import Check, Environment
from gilscope.record import Record
from gilscope.stats import Figure

# Whether calls that were started together ran together.
Concurrency = Literal["parallel", "serialized", "unclear"]

# What may pay from some size on: a second thread that calls; releasing the GIL instead
# of holding it, with nothing beside the call, with another thread that calls, with
# another thread that runs Python.
Case = Literal["second thread", "alone", "two threads", "beside Python"]


@dataclass(frozen=True)
class ParallelRow:
    """So many threads, each with the same calls, against all of them in one thread.

    Attributes:
        threads: how many threads started together.
        wall_s: from the start of the first call to the end of the last.
        speedup: how many times as fast as one after the other; 1 = no faster.
        overlap: how many calls ran in parallel on average, run-queue wait left out.
        concurrency: whether the calls ran in parallel, where the ranges tell.
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
class ContentionRow:
    """Calls of one size, alone and beside a busy Python thread.

    Attributes:
        size: of the calls, None if there is no such thing.
        n_calls: how many calls were timed beside the busy thread.
        alone_s, contended_s: mean time of a call.
        slowdown: contended_s by alone_s.
        held_slowdown: the same with the GIL held.
        alone_median_s, alone_p99_s: median and 99th percentile of the calls alone.
        contended_median_s, contended_p99_s: the same beside the busy thread.
        busy_thread_speed: speed of the busy thread, 1 = as fast as alone.
        busy_thread_speed_held: the same beside the calls that hold the GIL.
    """

    size: int | None
    n_calls: int
    alone_s: float
    contended_s: float
    slowdown: Figure
    held_slowdown: Figure | None
    alone_median_s: float
    alone_p99_s: float
    contended_median_s: float
    contended_p99_s: float
    busy_thread_speed: Figure
    busy_thread_speed_held: Figure | None


@dataclass(frozen=True)
class SizeRow:
    """Everything about calls of one size, and about the twin that holds the GIL.

    Attributes:
        size: size of the calls; None if there are no sizes.
        alone_s: the time of one call with nothing beside it.
        parallel: for each number of threads that was asked for.
        contention: beside a busy Python thread.
        check: whether a call releases the GIL.
        alone_held_s: alone_s of the twin.
        cost: alone_s by alone_held_s.
        gain: calls that two threads get done, by those of two threads with the twin.
        busy_gain: what a thread that calls and a busy thread get done, by the same
            with the twin; each thread's speed counts as a share of its speed alone.
        passes, kernel_s: of a contract that has them, the passes and how long the
            kernel takes.
    """

    size: int | None
    alone_s: Figure
    parallel: tuple[ParallelRow, ...] = ()
    contention: ContentionRow | None = None
    check: Check | None = None
    alone_held_s: Figure | None = None
    cost: Figure | None = None
    gain: Figure | None = None
    busy_gain: Figure | None = None
    passes: int | None = None
    kernel_s: float | None = None

    @property
    def pair(self) -> ParallelRow | None:
        """The row of two threads, None if they were not asked for."""
        rows = [row for row in self.parallel if row.threads == 2]  # noqa: PLR2004
        return rows[0] if rows else None


@dataclass(frozen=True)
class Place:
    """A row of the grid, as a break-even names it; fields as in SizeRow."""

    size: int | None
    alone_s: float
    passes: int | None = None
    kernel_s: float | None = None


@dataclass(frozen=True)
class BreakEven:
    """From where on something pays, as far as the ranges bear it.

    Attributes:
        case: what pays: "second thread" (two threads get more done than one); and of
            releasing the GIL against holding it "alone" (it costs nothing that can be
            seen), "two threads" (two that call get more done), "beside Python" (a
            thread that calls and a busy Python thread get more done together).
        pays_from: the first row from which on it pays in every row, beyond all ranges;
            None where it is not in the grid.
        not_at: the last row before it in which it does not pay, beyond its range; None
            if there is no such row. In the rows between the two it cannot be told.
    """

    case: Case
    pays_from: Place | None = None
    not_at: Place | None = None


@dataclass(frozen=True)
class Measurement(Record):
    """What a callable gains and costs.

    Attributes:
        name: the callable, for the reader.
        environment: where it was measured.
        rows: one for each size, the smallest first; one if there are no sizes.
        break_evens: from which size on what pays.
        n_rounds: how often everything was measured at least.
        findings: sentences on the figures.
        warnings: reasons to doubt the figures.
    """

    name: str
    environment: Environment
    rows: tuple[SizeRow, ...]
    break_evens: tuple[BreakEven, ...] = ()
    n_rounds: int = 0
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
