"""What a comparison found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None. The JSON layout is schema 1 (docs/contract.md).
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cattrs

SCHEMA = 1

Status = Literal["ok", "wrong", "failed", "crashed", "timeout", "unavailable"]
Verdict = Literal["releases", "preemptible", "holds", "inconclusive"]


@dataclass(frozen=True)
class Correctness:
    """How many of the contract's cases the backend answered as the reference does."""

    passed: int
    failed: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that happened in the two-thread scenario.

    Attributes:
        at_s: seconds after the barrier opened.
        actor: "python" (the partner) or the backend's name.
        name: what happened: "enter", "release", "kernel_end", "acquire", "exit".
    """

    at_s: float
    actor: str
    name: str


@dataclass(frozen=True)
class Handoff:
    """The lecture's two threads on one shared result.

    Attributes:
        results: what stood in the shared list at the end: [partner's, backend's].
        events: both threads' events in the order of time.
        released_s: how long the backend ran without the GIL.
        waiting_s: how long it waited to get the GIL back.
        held_s: how long it kept the GIL afterwards.
        partner_progress_released: speed of the partner's Python code while the
            GIL was released, 1 = as fast as alone, 0 = stopped.
        partner_progress_held: the same while it was held.
        ticks_s: when the partner's counting thread was seen to run.
    """

    results: tuple[tuple[int, ...] | None, ...]
    events: tuple[Event, ...]
    released_s: float
    waiting_s: float
    held_s: float
    partner_progress_released: float
    partner_progress_held: float
    ticks_s: tuple[float, ...] = ()


# --- The figures: parallel, contention, pairs, sweep ----------------------------------

# From the lowest to the highest value that the median of the rounds may have had.
Range = tuple[float, float]


@dataclass(frozen=True)
class ParallelRow:
    """So many threads, each with one call, against the calls one after the other.

    Attributes:
        threads: how many threads started together.
        wall_s: from the start of the first call to the end of the last.
        speedup: how many times as fast as one after the other; 1 = no faster.
        amdahl: the most that the held share of the calls allows.
        effective_cores: CPU time by wall time.
        process_speedup: the same speed-up from as many processes.
        of_processes: speed of the threads by that of the processes, 1 = as good.
    """

    threads: int
    wall_s: float
    speedup: float
    speedup_range: Range
    amdahl: float
    effective_cores: float
    process_speedup: float | None = None
    process_speedup_range: Range | None = None
    of_processes: float | None = None
    of_processes_range: Range | None = None


@dataclass(frozen=True)
class Parallel:
    """Two threads, each with one call of the same work, against one after the other.

    A figure is the median of the rounds; its _range is where that median lies.

    Attributes:
        solo_s: the two calls one after the other.
        pair_s: both at once, from the first start to the last end.
        speedup, amdahl, effective_cores, process_speedup, of_processes: as in
            ParallelRow, for two threads.
        held_speedup: the same with release_gil=False.
        held_share: the share of a call outside the kernel, waiting left out.
        order_s: pair_s by which thread started first.
        n, passes: the work of one call.
        n_rounds: how often everything was measured.
        rows: the figures for each number of threads that was asked for.
        findings: what the figures mean, in words.
        warnings: what makes them unsure, with the figure that says so.
        failures: wrong answers, and work that was not done.
    """

    solo_s: float
    pair_s: float
    speedup: float
    amdahl: float
    effective_cores: float
    process_speedup: float | None
    held_speedup: float
    speedup_range: Range
    process_speedup_range: Range | None
    held_speedup_range: Range
    of_processes: float | None
    of_processes_range: Range | None
    held_share: float
    order_s: tuple[float, float]
    n: int
    passes: int
    n_rounds: int
    rows: tuple[ParallelRow, ...]
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


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

    case: Literal["alone", "two threads", "beside Python"]
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


@dataclass(frozen=True)
class BackendResult:
    """Everything that was found out about one backend; a scenario not run is None."""

    name: str
    status: Status
    reason: str = ""
    technology: str = ""
    declared: bool | None = None
    build_info: Mapping[str, Any] = field(default_factory=dict)
    correctness: Correctness | None = None
    handoff: Handoff | None = None
    parallel: Parallel | None = None
    contention: Contention | None = None
    pairs: Pairs | None = None
    sweep: Sweep | None = None
