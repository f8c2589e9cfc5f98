"""Two threads, each with one call of the same work, against one after the other.

Everything is measured once a round, in turns, so that what the machine does to one
side it does to the other. `compare.measure.speedup` makes the figures from the rounds.
"""

import dataclasses
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from backends import Backend
from compare.measure.calibration import calibrate, find_missing_work
from compare.measure.faults import Failures
from compare.measure.processes import ProcessError, Processes
from compare.measure.speedup import Measured, Round, summarize_rounds
from compare.measure.together import measure_wall, run_in_order
from compare.measure.work import Calls, Work
from compare.model import Parallel
from compare.scenarios import Options
from gilscope.environment import is_gil_enabled
from gilscope.kernel import tells_core_waits
from gilscope.threads import switch_interval

# A switch interval as short as a call can be interrupted at all.
INTERRUPTING_S = 10e-6


@dataclass(frozen=True)
class Form:
    """How long the scenario takes.

    Attributes:
        call_s: one call of the calibrated work.
        budget_s: all rounds together, once there are the fewest.
    """

    call_s: float
    budget_s: float
    n_rounds_min: int


FULL = Form(call_s=0.1, budget_s=4.5, n_rounds_min=4)
# With shorter calls a loaded machine hides that they run at once; of five rounds the
# range misses the true median in 6 % of cases, of four in 12 %.
QUICK = Form(call_s=0.013, budget_s=0.4, n_rounds_min=5)


def run(backend: Backend, options: Options) -> Parallel:
    """Measure the speed-up of threads, and beside it what bounds it.

    Raises:
        Exception: what a call raised.
    """
    form = QUICK if options.quick else FULL
    counts = tuple(sorted({2, *options.threads}))
    warnings: list[str] = []
    failures = Failures()
    target = options.target or backend.name
    with Processes(target, max(counts)) as started_processes:
        # They load the backend meanwhile: nothing of this is compared in time.
        work = calibrate(Work(backend.double_list), form.call_s)
        missing = find_missing_work(work)
        if missing:
            failures.add(missing)
        check_interrupted(work, max(counts), failures)
        processes = wait_for(started_processes, warnings)
        measured = Measured(
            work.passes, backend.releases_gil, is_gil_enabled(), tells_core_waits()
        )
        rounds = measured.rounds
        started = time.perf_counter()
        while len(rounds) < form.n_rounds_min or (
            # Another one of the same length still fits.
            (time.perf_counter() - started) * (1 + 1 / len(rounds)) < form.budget_s
        ):
            turn = Turn(work, failures, is_reversed=len(rounds) % 2 == 1)
            rounds.append(turn.measure(counts, processes))
        if processes is not None and (fault := processes.find_end_fault()):
            failures.add(fault)
    measured.warnings = tuple(warnings)
    measured.failures = failures.as_tuple()
    return summarize_rounds(measured)


def check_interrupted(work: Work, count: int, failures: Failures) -> None:
    """Check calls that are interrupted all the time, which is when they may mix.

    What is timed afterwards is not interrupted at all.
    """
    part = dataclasses.replace(work, passes=max(1, work.passes // 2))
    with switch_interval(INTERRUPTING_S):
        for is_reversed in (False, True):
            all_calls = [Calls(part) for _ in range(count)]
            run_in_order(all_calls, is_reversed=is_reversed)
            failures.check(all_calls, f"{count} threads interrupting each other")


def wait_for(processes: Processes, warnings: list[str]) -> Processes | None:
    """Return the processes to compare with, if the backend can be found by them."""
    try:
        processes.wait()
    except ProcessError as error:
        warnings.append(f"no processes to compare with: {error}")
        return None
    return processes


@dataclass(frozen=True)
class Turn:
    """One round: what is called, and in which order the threads start."""

    work: Work
    failures: Failures
    is_reversed: bool

    def measure(self, counts: Sequence[int], processes: Processes | None) -> Round:
        """Measure everything once."""
        alone = [self.run_threads(1, self.work, "called alone")[0] for _ in range(2)]
        shares = [calls.held_share for calls in alone]
        # A backend may be another one where nobody looks.
        untraced = dataclasses.replace(self.work, is_traced=False)
        threads, beside = {}, {}
        for count in counts:
            calls = self.run_threads(count, untraced, f"{count} threads calling")
            threads[count] = measure_wall(calls)
            if processes is not None:
                beside[count] = processes.measure_wall(
                    self.work.passes, self.failures, count, is_reversed=self.is_reversed
                )
        place = "2 threads calling with release_gil=False"
        held_work = dataclasses.replace(self.work, release_gil=False)
        held = self.run_threads(2, held_work, place)
        return Round(
            call_s=statistics.mean(calls.elapsed_s for calls in alone),
            call_cpu_s=statistics.mean(calls.cpu_s for calls in alone),
            call_own_cpu_s=statistics.mean(calls.own_cpu_s for calls in alone),
            held=measure_wall(held),
            held_shares=tuple(share for share in shares if share is not None),
            threads=threads,
            processes=beside,
        )

    def run_threads(self, count: int, work: Work, place: str) -> list[Calls]:
        """Make one call in each of so many threads, and check them."""
        all_calls = [Calls(work) for _ in range(count)]
        run_in_order(all_calls, is_reversed=self.is_reversed, is_undisturbed=True)
        self.failures.check(all_calls, place)
        return all_calls
