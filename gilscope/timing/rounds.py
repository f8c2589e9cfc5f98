"""Rounds of measuring calls in every way, and the figures of all rounds.

In each round everything is measured once, one after the other, so that what the machine
does to one side it does to the other. A ratio is taken within its round.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import Literal

from gilscope.busy_thread import BusyThread
from gilscope.measurement import Concurrency, ContentionRow, ParallelRow, SizeRow
from gilscope.model import Check
from gilscope.stats import (
    MARGIN,
    Figure,
    compute_percentile,
    describe_speed,
    judge_figure,
    summarize,
)
from gilscope.threads import collect_no_garbage
from gilscope.timing.calls import Calls, Wall, Work, count_calls, measure_wall
from gilscope.timing.processes import ProcessError, Processes
from gilscope.timing.start import run_in_order
from gilscope.units import describe_time

# A call that computes on more cores than this does so in threads of its own.
SEVERAL_CORES = 1.2
# A call that computes for less of its time is one that waits: its CPU time tells
# nothing of what runs in parallel.
COMPUTING_MIN = 0.5
# A call that computes in its own thread takes this share of its CPU time there.
OWN_SHARE = 0.9
# With less than this from two processes, there was no second core to be had.
TWO_CORES = 1.5

# A batch of calls whose arguments are made before it, or whose answers are checked
# after it, takes about so long, and has no more calls; the first has fewer.
BATCH_S = 0.00025
BATCH_CALLS_MAX = 1000
FIRST_CALLS = 8

# The gain of a second thread.
Gain = Literal["much", "little", "nothing", "slower", "no core", "unclear"]

# Takes what is wrong with the answers of calls, and where they were made.
AddFault = Callable[[str, str], None]


@dataclass(frozen=True)
class Windows:
    """For how long what is measured in a round; 0 = not at all."""

    # The calls of each thread.
    calls_s: float
    # Calls beside the busy thread; a few switch intervals at least.
    beside_s: float = 0.0
    # The busy thread with nothing beside it.
    busy_s: float = 0.0


@dataclass
class ContentionRound:
    """Calls alone and beside the busy thread, once."""

    # alone_s, beside_s: the seconds of each call.
    alone_s: list[float]
    beside_s: list[float]
    # Of the busy thread beside the calls, 1 = as fast as alone.
    speed: float

    @property
    def slowdown(self) -> float:
        """How many times as long a call takes beside the busy thread."""
        return fmean(self.beside_s) / fmean(self.alone_s)

    @property
    def done(self) -> float:
        """What both threads get done, in shares of what each does alone."""
        return 1 / self.slowdown + self.speed


@dataclass
class Side:
    """What one round measured of one work."""

    # How many calls each thread or process made.
    count: int = 1
    # That many calls in one thread.
    alone: Wall = Wall()  # noqa: RUF009 - it is frozen.
    # threads, processes: by how many there were.
    threads: dict[int, Wall] = field(default_factory=dict)
    processes: dict[int, Wall] = field(default_factory=dict)
    # None if it was not asked for.
    contention: ContentionRound | None = None

    @property
    def call_s(self) -> float:
        """One call alone, run-queue wait left out."""
        return self.alone.unqueued_s / self.count


@dataclass
class MeasuredSubject:
    """Calls of one size, and what was measured of them."""

    work: Work
    # The twin that holds the GIL.
    held: Work | None = None
    # About how long one call takes.
    call_s: float = 0.0
    # How many calls each thread makes; 0 = as many as fill the window.
    count: int = 0
    # rounds, held_rounds: what each round measured.
    rounds: list[Side] = field(default_factory=list)
    held_rounds: list[Side] = field(default_factory=list)
    # check, passes, kernel_s: what else its row has.
    check: Check | None = None
    passes: int | None = None
    kernel_s: float | None = None

    def summarize(self) -> SizeRow:
        """Return everything about its calls, and about the twin if there is one."""
        size, released, held = self.work.size, self.rounds, self.held_rounds
        row = SizeRow(
            size=size,
            alone_s=summarize([side.call_s for side in released]),
            parallel=tuple(summarize_threads(released, n) for n in released[0].threads),
            contention=summarize_contention(size, released, held),
            check=self.check,
            passes=self.passes,
            kernel_s=self.kernel_s,
        )
        if not held:
            return row

        def compare(ratio: Callable[[Side, Side], float]) -> Figure:
            return summarize([*map(ratio, released, held)])

        return replace(
            row,
            alone_held_s=summarize([twin.call_s for twin in held]),
            cost=compare(lambda side, twin: side.call_s / twin.call_s),
            # The calls of two threads by those of two that hold the GIL.
            gain=compare(
                lambda side, twin: (
                    (twin.threads[2].seconds / twin.count)
                    / (side.threads[2].seconds / side.count)
                )
            ),
            busy_gain=compare(
                lambda side, twin: side.contention.done / twin.contention.done  # type: ignore[union-attr]
            ),
        )


@dataclass
class Rounds:
    """What measures some subjects, round by round."""

    subjects: Sequence[MeasuredSubject]
    windows: Windows
    # The numbers of threads; none = no threads are measured.
    counts: Sequence[int] = ()
    # Takes what is wrong with answers.
    add_fault: AddFault = lambda fault, where: None  # noqa: ARG005
    # Whether threads that call start undisturbed (see start.py).
    is_undisturbed: bool = False
    # Whether the twin is measured alone, too, and not only in threads.
    is_twin_alone: bool = True
    busy_thread: BusyThread = field(default_factory=BusyThread)
    # What stands beside the threads, if it could be had.
    processes: Processes | None = None
    # What could not be had.
    warnings: tuple[str, ...] = ()

    @contextlib.contextmanager
    def open(self, *, has_processes: bool) -> Iterator["Rounds"]:
        """Start the busy thread and as many processes as there are threads."""
        with ExitStack() as stack:
            if has_processes:
                works = [subject.work for subject in self.subjects]
                try:
                    processes = stack.enter_context(Processes(works, max(self.counts)))
                    processes.wait()
                    self.processes = processes
                except ProcessError as error:
                    self.warnings = (f"no processes to compare with: {error}",)
            if self.windows.beside_s:
                stack.enter_context(self.busy_thread)
            stack.enter_context(collect_no_garbage())
            yield self

    def run(self, places: Iterable[int] | None = None) -> None:
        """Measure all subjects once, or those in some places."""
        speed_alone = 1.0
        if self.windows.beside_s:
            with self.busy_thread.computing():
                time.sleep(self.windows.busy_s)
            speed_alone = max(self.busy_thread.speed, 0.01)
        for place in range(len(self.subjects)) if places is None else places:
            self.run_subject(place, speed_alone)

    def run_subject(self, place: int, speed_alone: float) -> None:
        """Measure one subject and its twin once."""
        subject = self.subjects[place]
        is_reversed = len(subject.rounds) % 2 == 1
        count = subject.count or count_calls(subject.call_s, self.windows.calls_s)
        own = Side(count)
        sides = [(subject.work, own)]
        if self.counts:
            self.time_side(subject.work, own, self.counts, is_reversed=is_reversed)
        if self.processes is not None:
            for n in self.counts:
                own.processes[n], fault = self.processes.measure_wall(
                    place, count, n, is_reversed=is_reversed
                )
                self.add_fault(fault, "in a process of its own")
        subject.rounds.append(own)
        if subject.held is not None:
            twin = Side(count, own.alone)
            sides.append((subject.held, twin))
            if self.counts:
                self.time_side(
                    subject.held, twin, (2,), is_twin=True, is_reversed=is_reversed
                )
            subject.held_rounds.append(twin)
        for work, side in sides if self.windows.beside_s else ():
            alone_s = self.time_calls(work, self.windows.calls_s, subject.call_s)
            beside_s = self.time_calls(
                work, self.windows.beside_s, subject.call_s, is_beside=True
            )
            speed = self.busy_thread.speed / speed_alone
            side.contention = ContentionRound(alone_s, beside_s, speed)

    def time_side(
        self,
        work: Work,
        side: Side,
        counts: Iterable[int],
        *,
        is_twin: bool = False,
        is_reversed: bool,
    ) -> None:
        """Measure the calls in threads, and alone before and after."""
        label = " with the GIL held" if is_twin else ""
        is_alone = self.is_twin_alone or not is_twin
        before = self.time_threads(work, side.count, 1, label) if is_alone else None
        for n in counts:
            side.threads[n] = self.time_threads(
                work, side.count, n, label, is_reversed=is_reversed
            )
        if before is not None:
            after = self.time_threads(work, side.count, 1, label)
            side.alone = average(before, after)

    def time_threads(
        self,
        work: Work,
        count: int,
        n_threads: int,
        label: str = "",
        *,
        is_reversed: bool = False,
    ) -> Wall:
        """Make so many calls in each of so many threads, and check them."""
        all_calls = [Calls(work, count, is_stamped=False) for _ in range(n_threads)]
        run_in_order(
            all_calls, is_reversed=is_reversed, is_undisturbed=self.is_undisturbed
        )
        where = "called alone" if n_threads == 1 else f"{n_threads} threads calling"
        for calls in all_calls:
            self.add_fault(calls.find_fault(), where + label)
        return measure_wall(all_calls)

    def time_calls(
        self, work: Work, seconds: float, call_s: float, *, is_beside: bool = False
    ) -> list[float]:
        """Call for some time in this thread; return the seconds of each call."""
        where = "in short calls" + (" beside a busy thread" if is_beside else "")
        durations_s: list[float] = []
        last: Calls | None = None
        with self.busy_thread.computing() if is_beside else nullcontext():
            deadline = time.perf_counter() + seconds
            while (left_s := deadline - time.perf_counter()) > 0 or last is None:
                if last is not None:
                    self.add_fault(last.find_fault(), where)
                # Beside the busy thread each may take a switch interval.
                count = min(count_batch(call_s), FIRST_CALLS * (len(durations_s) or 1))
                last = Calls(work, count, limit_s=left_s)
                last.prepare()
                last.make_calls()
                durations_s += last.durations_s
        self.add_fault(last.find_fault(), where)
        return durations_s


def count_batch(call_s: float) -> int:
    """Return how many calls are made at a time."""
    return min(BATCH_CALLS_MAX, count_calls(call_s, BATCH_S))


def average(before: Wall, after: Wall) -> Wall:
    """Return the mean of the same calls, made before and after the others."""
    return Wall(
        (before.seconds + after.seconds) / 2,
        (before.unqueued_s + after.unqueued_s) / 2,
        (before.cpu_s + after.cpu_s) / 2,
        (before.own_cpu_s + after.own_cpu_s) / 2,
    )


# --- The figures of all rounds --------------------------------------------------------


def compute_overlap(alone: Wall, wall: Wall, n_threads: int) -> float:
    """Return how many calls ran in parallel on average, had each had a core."""
    computing = alone.cpu_s / alone.unqueued_s
    if computing < COMPUTING_MIN:
        return n_threads * alone.unqueued_s / wall.unqueued_s
    # A call that computes in several threads keeps several cores busy on its own.
    alone_cores = computing if computing > SEVERAL_CORES else 1.0
    return wall.cpu_s / wall.unqueued_s / alone_cores


def decide_concurrency(
    row: ParallelRow, *, is_known: bool = True, is_single: bool = True
) -> Concurrency:
    """Say whether the calls ran in parallel, where the ranges bear it.

    Where each process had a core, the clock tells. Where they had not, threads are held
    against processes and against one after the other, run-queue wait left out.

    Args:
        row: all but the answer.
        is_known: whether the calling threads compute themselves; of helpers it is not
            known how long their run-queue wait was.
        is_single: whether each thread made one call. With more, a lock of the calls is
            often taken again while the thread that wants it is in the run queue.
    """
    processes, of_processes = row.process_speedup, row.of_processes
    has_gained = judge_figure(row.speedup) == "above"
    is_parallel = is_single and row.overlap.low > (1 + row.threads) / 2
    is_serialized = is_known and row.overlap.high <= 1 + MARGIN
    if of_processes is not None:
        is_parallel &= judge_figure(of_processes) != "below"
        is_slow = of_processes.high < (1 + 1 / row.threads) / 2
        is_serialized |= is_known and is_slow and not has_gained
    if processes is not None and processes.low >= TWO_CORES:
        is_parallel |= has_gained
        is_serialized |= row.speedup.high <= 1 + MARGIN
    if is_parallel == is_serialized:
        return "unclear"
    return "parallel" if is_parallel else "serialized"


def summarize_threads(sides: Sequence[Side], n_threads: int) -> ParallelRow:
    """Return the row of one number of threads."""
    rounds = [(side, side.threads[n_threads]) for side in sides]
    row = ParallelRow(
        threads=n_threads,
        wall_s=median(wall.seconds for _, wall in rounds),
        speedup=summarize(
            [n_threads * side.alone.seconds / wall.seconds for side, wall in rounds]
        ),
        overlap=summarize(
            [compute_overlap(side.alone, wall, n_threads) for side, wall in rounds]
        ),
        concurrency="parallel",
        effective_cores=median(wall.cpu_s / wall.seconds for _, wall in rounds),
    )
    if all(n_threads in side.processes for side in sides):
        beside = [(*pair, pair[0].processes[n_threads]) for pair in rounds]
        row = replace(
            row,
            process_speedup=summarize(
                [
                    n_threads * side.alone.seconds / other.seconds
                    for side, _, other in beside
                ]
            ),
            of_processes=summarize(
                [other.unqueued_s / wall.unqueued_s for _, wall, other in beside]
            ),
        )
    if n_threads == 1:
        return row
    # Nothing but what is beside the calls computes while a call waits.
    is_known = all(
        wall.own_cpu_s >= OWN_SHARE * wall.cpu_s
        or side.alone.cpu_s < COMPUTING_MIN * side.alone.unqueued_s
        for side, wall in rounds
    )
    is_single = all(side.count == 1 for side in sides)
    concurrency = decide_concurrency(row, is_known=is_known, is_single=is_single)
    return replace(row, concurrency=concurrency)


def summarize_contention(
    size: int | None, released: Sequence[Side], held: Sequence[Side] = ()
) -> ContentionRow:
    """Return the row of one size from the rounds, and from the twin's if it has one."""
    found = [side.contention for side in released if side.contention]
    twin = [side.contention for side in held if side.contention]
    alone = [seconds for each in found for seconds in each.alone_s]
    beside = [seconds for each in found for seconds in each.beside_s]
    return ContentionRow(
        size=size,
        n_calls=len(beside),
        alone_s=median(fmean(each.alone_s) for each in found),
        contended_s=median(fmean(each.beside_s) for each in found),
        slowdown=summarize([each.slowdown for each in found]),
        held_slowdown=summarize([each.slowdown for each in twin]) if twin else None,
        alone_median_s=median(alone),
        alone_p99_s=compute_percentile(alone, 99),
        contended_median_s=median(beside),
        contended_p99_s=compute_percentile(beside, 99),
        busy_thread_speed=summarize([each.speed for each in found]),
        busy_thread_speed_held=(
            summarize([each.speed for each in twin]) if twin else None
        ),
    )


def judge_gain(pair: ParallelRow, *, is_held: bool) -> Gain:
    """Say what a second thread gains, where the ranges bear it.

    Of calls that hold the GIL all along, no free core would change anything.
    """
    if not is_usable(pair):
        return "nothing" if is_held else "no core"
    gain = judge_figure(pair.speedup)
    if gain == "no difference" and is_held:
        return "nothing"
    # A range from no gain to one that matters tells nothing.
    is_open = gain == "no difference" and pair.speedup.high > 1 + MARGIN
    if pair.concurrency == "unclear" or (pair.concurrency == "parallel" and is_open):
        return "unclear"
    if gain == "above":
        return "little" if pair.concurrency == "serialized" else "much"
    return "slower" if gain == "below" else "nothing"


def is_usable(pair: ParallelRow) -> bool:
    """Return whether the machine had a second core to give while it was measured."""
    processes = pair.process_speedup
    return processes is None or judge_figure(processes) == "above"


# --- What the figures bear, in words --------------------------------------------------


def describe_threads(row: ParallelRow) -> list[str]:
    """Say how fast threads are beside one, and beside processes."""
    name = f"{row.threads} threads"
    findings = [describe_speed(row.speedup, name, "one call after the other")]
    if row.of_processes is not None:
        other = f"{row.threads} processes"
        findings.append(describe_speed(row.of_processes, name, other))
    return findings


def describe_contention(row: ContentionRow) -> str:
    """Say what a busy Python thread costs the calls, and they it."""
    slowdown, held = row.slowdown, row.held_slowdown
    finding = "no difference seen beside a busy Python thread"
    if judge_figure(slowdown) != "no difference":
        finding = f"{slowdown.value:.3g} times as long beside a busy Python thread"
        if held is not None:
            finding += f", {held.value:.3g} times with the GIL held"
    return (
        f"{finding} ({describe_time(row.alone_s)} alone, "
        f"{describe_time(row.contended_s)} beside, 99th percentile "
        f"{describe_time(row.contended_p99_s)}; range {slowdown.low:.3g} to "
        f"{slowdown.high:.3g} times); the busy thread keeps "
        f"{row.busy_thread_speed.value:.0%} of its speed"
    )


def describe_cores(rows: Iterable[ParallelRow | None]) -> tuple[str, ...]:
    """Say whether even processes found no second core; rows of two threads."""
    found = [row.process_speedup.value for row in rows if row and row.process_speedup]
    if not found or max(found) >= TWO_CORES:
        return ()
    best = " at best" if len(found) > 1 else ""
    words = f"2 processes are {max(found):.2f} times as fast as one{best}"
    return (f"{words}: no second core was free",)
