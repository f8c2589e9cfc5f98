"""One round of measuring calls in every way, and the figures of all rounds.

In each round everything is measured once, one after the other, so that what the machine
does to one side it does to the other. A ratio is taken within its round.
"""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from gilscope.busy_thread import BusyThread
from gilscope.measurement import Concurrency, ContentionRow, ParallelRow, SizeRow
from gilscope.stats import Figure, compute_percentile, summarize
from gilscope.timing.calls import Calls, Wall, Work, measure_wall
from gilscope.timing.start import run_in_order

# Serialized calls overlap by 1 at most; a busy machine lowers the overlap of calls that
# run in parallel. So the line lies near 1.
PARALLEL = 1.2
# How many of the rounds have to agree on which side of the line they lie.
AGREEING = 0.75
# A call that computes for less of its time is one that waits: its CPU time tells
# nothing of what runs in parallel.
COMPUTING_MIN = 0.5
# A call that computes in its own thread takes this share of its CPU time there.
OWN_SHARE = 0.9

# Threads that run in parallel are about as fast as processes at the same moment. On a
# busy machine the run-queue wait of a thread that a lock would have kept out anyway
# makes its calls look parallel.
OF_PROCESSES_MIN = 0.85

# A batch of calls whose arguments are made before it, or whose answers are checked
# after it, takes about so long, and has no more calls.
BATCH_S = 0.002
BATCH_CALLS_MAX = 1000

# Takes what is wrong with the answers of calls, and where they were made.
AddFault = Callable[[str, str], None]


def ignore_fault(fault: str, where: str) -> None:
    """Believe every answer."""
    del fault, where


@dataclass(frozen=True)
class Timer:
    """How calls are made and timed.

    Attributes:
        busy_thread: the thread beside which calls are timed.
        add_fault: takes what is wrong with answers.
        is_undisturbed: whether threads that call start undisturbed (see start.py).
    """

    busy_thread: BusyThread
    add_fault: AddFault = ignore_fault
    is_undisturbed: bool = False

    def time_threads(
        self,
        work: Work,
        count: int,
        n_threads: int,
        where: str = "",
        *,
        is_reversed: bool = False,
    ) -> Wall:
        """Make so many calls in each of so many threads, and check them."""
        all_calls = [Calls(work, count, is_stamped=False) for _ in range(n_threads)]
        run_in_order(
            all_calls, is_reversed=is_reversed, is_undisturbed=self.is_undisturbed
        )
        if work.keeps_answers:
            for calls in all_calls:
                self.add_fault(calls.find_fault(), where or f"in {n_threads} threads")
        return measure_wall(all_calls)

    def time_calls(
        self, work: Work, seconds: float, batch: int, *, is_beside: bool
    ) -> list[float]:
        """Call for some time in this thread; return the seconds of each call.

        Args:
            work: what is called.
            seconds: for how long.
            batch: how many calls are prepared, and checked, at a time.
            is_beside: whether the busy thread computes meanwhile.
        """
        where = "in short calls" + (" beside a busy thread" if is_beside else "")
        durations_s: list[float] = []
        last = None
        with self.busy_thread.computing() if is_beside else nullcontext():
            deadline = time.perf_counter() + seconds
            while (left_s := deadline - time.perf_counter()) > 0 or not durations_s:
                if last is not None and work.keeps_answers:
                    self.add_fault(last.find_fault(), where)
                last = Calls(work, batch, limit_s=left_s)
                last.prepare()
                last.make_calls()
                durations_s += last.durations_s
        if last is not None and work.keeps_answers:
            self.add_fault(last.find_fault(), where)
        return durations_s


@dataclass
class ContentionRound:
    """Calls alone and beside the busy thread, once.

    Attributes:
        alone_s, beside_s: the seconds of each call.
        speed: of the busy thread beside the calls, 1 = as fast as alone.
    """

    alone_s: list[float]
    beside_s: list[float]
    speed: float

    @property
    def slowdown(self) -> float:
        """How many times as long a call takes beside the busy thread."""
        return statistics.fmean(self.beside_s) / statistics.fmean(self.alone_s)

    @property
    def done(self) -> float:
        """What both threads get done, in shares of what each does alone."""
        return 1 / self.slowdown + self.speed


@dataclass
class Side:
    """What one round measured of one work.

    Attributes:
        count: how many calls each thread or process made.
        alone: that many calls in one thread.
        threads, processes: by how many there were.
        contention: None if it was not asked for.
    """

    count: int
    alone: Wall
    threads: dict[int, Wall] = field(default_factory=dict)
    processes: dict[int, Wall] = field(default_factory=dict)
    contention: ContentionRound | None = None

    @property
    def call_s(self) -> float:
        """One call alone, run-queue wait left out."""
        return self.alone.unqueued_s / self.count


@dataclass
class Windows:
    """For how long what is measured in a round.

    Attributes:
        calls_s: the calls of each thread.
        beside_s: calls beside the busy thread; a few switch intervals at least.
        busy_s: the busy thread with nothing beside it.
    """

    calls_s: float
    beside_s: float
    busy_s: float


def count_calls(call_s: float, window_s: float) -> int:
    """Return how many calls fill a window."""
    return max(1, math.ceil(window_s / max(call_s, 1e-9)))


def count_batch(call_s: float) -> int:
    """Return how many calls are made at a time."""
    return min(BATCH_CALLS_MAX, count_calls(call_s, BATCH_S))


def time_contention(
    timer: Timer, work: Work, call_s: float, windows: Windows, speed_alone: float
) -> ContentionRound:
    """Measure calls alone and beside the busy thread.

    Args:
        timer: what makes the calls.
        work: what is called.
        call_s: about how long one call takes.
        windows: for how long it is measured.
        speed_alone: of the busy thread, in the same round.
    """
    batch = count_batch(call_s)
    alone_s = timer.time_calls(work, windows.calls_s, batch, is_beside=False)
    beside_s = timer.time_calls(work, windows.beside_s, batch, is_beside=True)
    speed = timer.busy_thread.speed / speed_alone
    return ContentionRound(alone_s, beside_s, speed)


def compute_overlap(alone: Wall, wall: Wall, n_threads: int) -> float:
    """Return how many calls ran in parallel on average, had each had a core."""
    computing = alone.cpu_s / alone.unqueued_s
    if computing < COMPUTING_MIN:
        return n_threads * alone.unqueued_s / wall.unqueued_s
    # A call that computes in several threads keeps several cores busy on its own.
    alone_cores = computing if computing > PARALLEL else 1.0
    return wall.cpu_s / wall.unqueued_s / alone_cores


def decide(overlaps: Sequence[float], *, is_known: bool = True) -> Concurrency:
    """Say whether the calls ran in parallel, unless the rounds do not agree on it.

    Args:
        overlaps: one of each round.
        is_known: whether the calling threads compute themselves. Of helpers it is not
            known how long their run-queue wait was.
    """
    n_parallel = sum(overlap > PARALLEL for overlap in overlaps)
    if n_parallel >= AGREEING * len(overlaps):
        return "parallel"
    n_serialized = len(overlaps) - n_parallel
    if is_known and n_serialized >= AGREEING * len(overlaps):
        return "serialized"
    return "unclear"


def summarize_threads(
    sides: Sequence[Side], n_threads: int, *, alone: Sequence[Side] | None = None
) -> ParallelRow:
    """Make the row of one number of threads.

    Args:
        sides: one of each round.
        n_threads: how many threads.
        alone: what the calls alone are taken from, if not from the sides themselves.
    """
    alones = [side.alone for side in alone or sides]
    walls = [side.threads[n_threads] for side in sides]
    pairs = [*zip(alones, walls, strict=True)]
    overlaps = [compute_overlap(*pair, n_threads) for pair in pairs]
    # Nothing but what is beside the calls computes while a call waits.
    is_known = all(
        wall.own_cpu_s >= OWN_SHARE * wall.cpu_s
        or alone.cpu_s < COMPUTING_MIN * alone.unqueued_s
        for alone, wall in pairs
    )
    row = ParallelRow(
        threads=n_threads,
        wall_s=statistics.median(wall.seconds for wall in walls),
        speedup=compute_speedup(alones, walls, n_threads),
        overlap=summarize(overlaps),
        concurrency=(
            decide(overlaps, is_known=is_known) if n_threads > 1 else "parallel"
        ),
        effective_cores=statistics.median(wall.cpu_s / wall.seconds for wall in walls),
    )
    if not all(n_threads in side.processes for side in sides):
        return row
    beside = [side.processes[n_threads] for side in sides]
    both = [*zip(walls, beside, strict=True)]
    by_clock = statistics.median(other.seconds / wall.seconds for wall, other in both)
    is_slower = n_threads > 1 and by_clock < OF_PROCESSES_MIN
    return dataclasses.replace(
        row,
        concurrency=(
            "unclear"
            if is_slower and row.concurrency == "parallel"
            else row.concurrency
        ),
        process_speedup=compute_speedup(alones, beside, n_threads),
        of_processes=summarize(
            [other.unqueued_s / wall.unqueued_s for wall, other in both]
        ),
    )


def compute_speedup(
    alones: Sequence[Wall], walls: Sequence[Wall], n_threads: int
) -> Figure:
    """Return how many times as fast as one after the other so many threads were."""
    pairs = zip(alones, walls, strict=True)
    return summarize([n_threads * one.seconds / wall.seconds for one, wall in pairs])


def summarize_contention(
    size: int | None, released: Sequence[Side], held: Sequence[Side] = ()
) -> ContentionRow:
    """Make the row of one size from the rounds, and from the twin's if it has one."""
    found = [side.contention for side in released if side.contention]
    twin = [side.contention for side in held if side.contention]
    alone = [seconds for each in found for seconds in each.alone_s]
    beside = [seconds for each in found for seconds in each.beside_s]
    return ContentionRow(
        size=size,
        n_calls=len(beside),
        alone_s=statistics.median(statistics.fmean(each.alone_s) for each in found),
        contended_s=statistics.median(
            statistics.fmean(each.beside_s) for each in found
        ),
        slowdown=summarize([each.slowdown for each in found]),
        held_slowdown=summarize([each.slowdown for each in twin]) if twin else None,
        alone_median_s=statistics.median(alone),
        alone_p99_s=compute_percentile(alone, 99),
        contended_median_s=statistics.median(beside),
        contended_p99_s=compute_percentile(beside, 99),
        busy_thread_speed=summarize([each.speed for each in found]),
        busy_thread_speed_held=(
            summarize([each.speed for each in twin]) if twin else None
        ),
    )


def summarize_size(
    size: int | None, released: Sequence[Side], held: Sequence[Side] = ()
) -> SizeRow:
    """Make everything about one size from its rounds, and from the twin's."""
    row = SizeRow(
        size=size,
        alone_s=summarize([side.call_s for side in released]),
        parallel=tuple(
            summarize_threads(released, n_threads) for n_threads in released[0].threads
        ),
        contention=summarize_contention(size, released, held),
    )
    if not held:
        return row
    rounds = [*zip(released, held, strict=True)]
    return dataclasses.replace(
        row,
        alone_held_s=summarize([twin.call_s for twin in held]),
        cost=summarize([side.call_s / twin.call_s for side, twin in rounds]),
        gain=summarize([compute_gain(side, twin) for side, twin in rounds]),
        busy_gain=summarize(
            [
                side.contention.done / twin.contention.done
                for side, twin in rounds
                if side.contention and twin.contention
            ]
        ),
    )


def compute_gain(side: Side, twin: Side) -> float:
    """Return the calls of two threads by those of two that hold the GIL."""
    wall, held_wall = side.threads[2], twin.threads[2]
    return (held_wall.seconds / twin.count) / (wall.seconds / side.count)
