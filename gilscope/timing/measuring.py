"""Calls of one size or more, measured in rounds until the ranges tell."""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from gilscope.busy_thread import BusyThread
from gilscope.check import check, check_statement
from gilscope.environment import collect_environment, is_gil_enabled
from gilscope.measurement import BreakEven, Case, Measurement, SizeRow
from gilscope.model import Check
from gilscope.stats import describe_ratio, describe_unsteady, judge
from gilscope.threads import collect_no_garbage
from gilscope.timing.break_even import (
    HELD_CASES,
    describe_break_even,
    find_break_even,
    select_unclear,
)
from gilscope.timing.calls import Calls, PlainWork, StatementWork, Wall, Work
from gilscope.timing.processes import ProcessError, Processes
from gilscope.timing.rounds import (
    Side,
    Timer,
    Windows,
    count_calls,
    summarize_size,
    time_contention,
)
from gilscope.units import describe_time

# Of seven rounds the range misses the true median in 1.6 % of cases.
N_ROUNDS = 7
# Sizes of which the ranges do not tell whether something pays are measured longer.
N_ROUNDS_MAX = 21
BUDGET_S = 30.0

ONE_SIZE = Windows(calls_s=0.05, beside_s=0.1, busy_s=0.05)
SIZES = Windows(calls_s=0.02, beside_s=0.04, busy_s=0.02)

# With less than this from two processes, there was no second core to be had.
TWO_CORES = 1.5


@dataclass
class Subject:
    """Calls of one size, and what was measured of them.

    Attributes:
        size: None if there is no such thing.
        work: the calls.
        held: the twin that holds the GIL.
        call_s: about how long one call takes.
        rounds, held_rounds: what each round measured.
        check: whether a call releases the GIL.
    """

    size: int | None
    work: Work
    held: Work | None = None
    call_s: float = 0.0
    rounds: list[Side] = field(default_factory=list)
    held_rounds: list[Side] = field(default_factory=list)
    check: Check | None = None


def measure_subjects(
    name: str, subjects: Sequence[Subject], threads: Sequence[int]
) -> Measurement:
    """Measure calls of all sizes, and say from which on what pays."""
    environment = collect_environment()
    for subject in subjects:
        subject.check = check_work(subject.work)
    rows, n_rounds, warnings = measure_rows(subjects, threads)
    cases = select_cases(rows) if rows[0].size is not None else ()
    break_evens = [find_break_even(case, rows) for case in cases]
    return Measurement(
        name=name,
        environment=environment,
        rows=tuple(rows),
        break_evens=tuple(break_evens),
        n_rounds=n_rounds,
        findings=describe(rows, break_evens),
        warnings=(*warnings, *describe_doubts(rows)),
    )


def measure_rows(
    subjects: Sequence[Subject], threads: Sequence[int]
) -> tuple[list[SizeRow], int, list[str]]:
    """Measure them all in the same rounds.

    Returns:
        A row for each, how many rounds there were, and what makes them unsure.
    """
    windows = ONE_SIZE if len(subjects) == 1 else SIZES
    warnings: list[str] = []
    for subject in subjects:
        subject.call_s = time_call(subject.work)
    # The twin is compared in two threads, whatever was asked for.
    counts = sorted({*threads, 2}) if subjects[0].held else [*threads]
    with ExitStack() as stack:
        processes = None
        try:
            works = [subject.work for subject in subjects]
            processes = stack.enter_context(Processes(works, max(counts)))
            processes.wait()
        except ProcessError as error:
            processes = None
            warnings.append(f"no processes to compare with: {error}")
        timer = Timer(stack.enter_context(BusyThread()))
        stack.enter_context(collect_no_garbage())
        measuring = Measuring(timer, windows, counts, processes)
        n_rounds = measuring.run(subjects)
    rows = [
        dataclasses.replace(
            summarize_size(subject.size, subject.rounds, subject.held_rounds),
            check=subject.check,
        )
        for subject in subjects
    ]
    return rows, n_rounds, warnings


def check_work(work: Work) -> Check:
    """Return whether a call releases the GIL, without figures."""
    if isinstance(work, PlainWork):
        call = partial(work.func, *work.args, **work.kwargs)
        return check(call, prepare=work.prepare, figures=False)
    if isinstance(work, StatementWork):
        statement, setup = work.fill_in()
        return check_statement(statement, setup, figures=False)
    (made,) = work.make_calls(1)
    return check(made, figures=False)


def time_call(work: Work) -> float:
    """Return about how long one call takes, the quickest of a few."""
    quickest_s = float("inf")
    count, started = 1, time.perf_counter()
    while time.perf_counter() - started < SIZES.calls_s:
        calls = Calls(work, count, is_stamped=False)
        calls.prepare()
        calls.make_calls()
        quickest_s = min(quickest_s, calls.elapsed_s / count)
        count = count_calls(quickest_s, SIZES.calls_s / 10)
    return quickest_s


def select_cases(rows: Sequence[SizeRow]) -> tuple[Case, ...]:
    """Return what is asked of the rows: what may pay."""
    cases: list[Case] = ["second thread"] if rows[0].pair else []
    if rows[0].gain is not None:
        cases += HELD_CASES
    return tuple(cases)


@dataclass
class Measuring:
    """How all sizes are measured."""

    timer: Timer
    windows: Windows
    counts: Sequence[int]
    processes: Processes | None

    def run(self, subjects: Sequence[Subject]) -> int:
        """Measure all of them, and longer where it is unclear whether something pays.

        Returns:
            How often all of them were measured.
        """
        deadline = time.perf_counter() + BUDGET_S
        for _ in range(N_ROUNDS):
            self.run_round(subjects, range(len(subjects)))
        for _ in range(N_ROUNDS_MAX - N_ROUNDS):
            rows = [
                summarize_size(subject.size, subject.rounds, subject.held_rounds)
                for subject in subjects
            ]
            places = select_unclear(rows, select_cases(rows))
            has_sizes = subjects[0].size is not None
            if not (has_sizes and places) or time.perf_counter() > deadline:
                break
            self.run_round(subjects, places)
        return N_ROUNDS

    def run_round(self, subjects: Sequence[Subject], places: Sequence[int]) -> None:
        """Measure some of them once."""
        busy_thread = self.timer.busy_thread
        with busy_thread.computing():
            time.sleep(self.windows.busy_s)
        speed_alone = max(busy_thread.speed, 0.01)
        for place in places:
            subject = subjects[place]
            is_reversed = len(subject.rounds) % 2 == 1
            side = self.measure_side(subject, subject.work, speed_alone, is_reversed)
            if self.processes is not None:
                for n_threads in self.counts:
                    wall, _ = self.processes.measure_wall(
                        place, side.count, n_threads, is_reversed=is_reversed
                    )
                    side.processes[n_threads] = wall
            subject.rounds.append(side)
            if subject.held is not None:
                held = self.measure_side(
                    subject, subject.held, speed_alone, is_reversed
                )
                subject.held_rounds.append(held)

    def measure_side(
        self,
        subject: Subject,
        work: Work,
        speed_alone: float,
        is_reversed: bool,  # noqa: FBT001 - the order of this round.
    ) -> Side:
        """Measure the calls, or those of the twin, once."""
        timer, windows = self.timer, self.windows
        count = count_calls(subject.call_s, windows.calls_s)
        alone = [timer.time_threads(work, count, 1)]
        threads: dict[int, Wall] = {
            n_threads: timer.time_threads(
                work, count, n_threads, is_reversed=is_reversed
            )
            for n_threads in self.counts
        }
        alone.append(timer.time_threads(work, count, 1))
        return Side(
            count,
            average(alone),
            threads,
            contention=time_contention(
                timer, work, subject.call_s, windows, speed_alone
            ),
        )


def average(walls: Sequence[Wall]) -> Wall:
    """Return the mean of the same calls, made before and after the others."""
    fields = ("seconds", "unqueued_s", "cpu_s", "own_cpu_s")
    return Wall(*(sum(getattr(wall, f) for wall in walls) / len(walls) for f in fields))


def describe(
    rows: Sequence[SizeRow], break_evens: Sequence[BreakEven]
) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    if rows[0].size is not None:
        return tuple(describe_break_even(found, rows) for found in break_evens)
    row = rows[0]
    findings = []
    for parallel in row.parallel:
        name = f"{parallel.threads} threads"
        findings.append(describe_ratio(parallel.speedup, name, "one after the other"))
        if parallel.of_processes is not None:
            other = f"{parallel.threads} processes"
            findings.append(describe_ratio(parallel.of_processes, name, other))
    contention = row.contention
    if contention is None:
        return tuple(findings)
    words = "no difference seen beside a busy Python thread"
    if judge(contention.slowdown) != "no difference":
        words = (
            f"{contention.slowdown.value:.3g} times as long beside a busy Python thread"
        )
    findings.append(
        f"{words} ({describe_time(contention.alone_s)} alone, "
        f"{describe_time(contention.contended_s)} beside, 99th percentile "
        f"{describe_time(contention.contended_p99_s)}), which keeps "
        f"{contention.busy_thread_speed.value:.0%} of its speed"
    )
    return tuple(findings)


def describe_doubts(rows: Sequence[SizeRow]) -> tuple[str, ...]:
    """Say what makes the figures unsure, with the figure that says so."""
    doubts = []
    processes = [
        row.pair.process_speedup.value
        for row in rows
        if row.pair and row.pair.process_speedup
    ]
    if processes and max(processes) < TWO_CORES and is_gil_enabled():
        doubts.append(
            f"2 processes are {max(processes):.2f} times as fast as one at best: "
            "no second core was free"
        )
    if rows[0].size is None:
        doubts += describe_unsteady(
            **{f"speed-up of {p.threads} threads": p.speedup for p in rows[0].parallel}
        )
    return tuple(doubts)
