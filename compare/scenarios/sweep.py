"""A grid of work, released and held: from where on releasing the GIL pays.

`compare.measure.breakeven` makes the figures from the rounds.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from backends import Backend
from compare.measure.breakeven import CellRound, Measured, summarize_sweep
from compare.measure.faults import Failures
from compare.measure.together import measure_wall, run_in_order
from compare.measure.work import Calls, Work
from compare.model import Sweep
from compare.scenarios import Options
from gilscope.busy_thread import Companion
from gilscope.environment import is_gil_enabled
from gilscope.threads import collect_no_garbage

# The largest work of the grid takes a native kernel a few milliseconds: where a call is
# as long as a switch interval, there is nothing left to find.
N_VALUES_MAX = 10**7

# So many values are doubled before the answers are looked at.
BATCH_VALUES = 100_000

# A slow backend leaves out the work of which one kernel would take longer than this.
CALL_MAX_S = 0.1

# What preparing and checking take beyond the windows, and starting a process.
OVERHEAD = 1.6
START_S = 0.5


@dataclass(frozen=True)
class Form:
    """What is measured and for how long.

    Attributes:
        sizes, passes: the sides of the grid.
        n_rounds: how often all of it is measured.
        window_s: calls in one thread or two.
        busy_s: calls beside a Python thread that computes; a few switch intervals.
    """

    sizes: tuple[int, ...]
    passes: tuple[int, ...]
    n_rounds: int
    window_s: float
    busy_s: float

    @property
    def grid(self) -> tuple[tuple[int, int], ...]:
        """All pairs of n and passes, the least work first."""
        pairs = ((n, passes) for n in self.sizes for passes in self.passes)
        return tuple(
            sorted(
                (pair for pair in pairs if pair[0] * pair[1] <= N_VALUES_MAX),
                key=lambda pair: (pair[0] * pair[1], pair[0]),
            )
        )

    @property
    def planned_s(self) -> float:
        """How long all of it takes at most, for one backend."""
        # Alone and in a pair, and beside the other thread; each released and held.
        cell_s = 2 * (2 * self.window_s + self.busy_s)
        return START_S + self.n_rounds * len(self.grid) * cell_s * OVERHEAD


FULL = Form(
    sizes=(10, 100, 1_000, 10_000, 100_000),
    passes=(1, 10, 100, 1_000, 10_000),
    n_rounds=5,
    window_s=0.01,
    busy_s=0.04,
)
QUICK = Form(
    sizes=(10, 1_000, 100_000),
    passes=(1, 100, 10_000),
    n_rounds=3,
    window_s=0.005,
    busy_s=0.03,
)


def plan_s(n_backends: int, *, quick: bool) -> float:
    """Return how long a sweep of so many backends takes at most, in seconds."""
    return n_backends * (QUICK if quick else FULL).planned_s


def run(backend: Backend, options: Options) -> Sweep:
    """Measure every work of the grid, alone, in pairs and beside a Python thread.

    Raises:
        Exception: what a call raised.
    """
    form = QUICK if options.quick else FULL
    failures = Failures()
    found: dict[tuple[int, int], list[CellRound]] = {}
    with Companion() as companion, collect_no_garbage():
        for _ in range(form.n_rounds):
            partner_alone = companion.measure_alone(form.busy_s)
            value_s = 0.0
            for n, passes in form.grid:
                if value_s * n * passes > CALL_MAX_S:
                    continue
                cell = Cell(
                    Work(backend.double_list, passes, n), form, companion, failures
                )
                measured = cell.measure(partner_alone)
                found.setdefault((n, passes), []).append(measured)
                value_s = measured.kernel_s / (n * passes)
    return summarize_sweep(
        Measured(
            found,
            releases_gil=backend.releases_gil,
            has_gil=is_gil_enabled(),
            planned_s=form.planned_s,
            failures=failures.as_tuple(),
        )
    )


@dataclass(frozen=True)
class Cell:
    """One work of the grid, and how it is measured."""

    work: Work
    form: Form
    companion: Companion
    failures: Failures

    def measure(self, partner_alone: float) -> CellRound:
        """Measure it in every way once.

        Args:
            partner_alone: how far the other thread gets with nothing beside it.
        """
        held = replace(self.work, release_gil=False)
        alone, alone_held = self.call_alone(self.work), self.call_alone(held)
        pair_s, pair_held_s = self.time_pair(self.work), self.time_pair(held)
        busy_s = self.time_busy(self.work)
        partner = self.companion.speed / partner_alone
        busy_held_s = self.time_busy(held)
        partner_held = self.companion.speed / partner_alone
        return CellRound(
            kernel_s=alone.kernel_s,
            alone_released_s=alone.cored_s / alone.n_done,
            alone_held_s=alone_held.cored_s / alone_held.n_done,
            pair_released_s=pair_s,
            pair_held_s=pair_held_s,
            busy_released_s=busy_s,
            busy_held_s=busy_held_s,
            partner_released=partner,
            partner_held=partner_held,
        )

    def call_alone(self, work: Work) -> Calls:
        """Call with nothing beside it."""
        (calls,) = self.call_for(work, 1, self.form.window_s)
        return calls

    def time_pair(self, work: Work) -> float:
        """Return the wall time by calls of two threads that call."""
        both = self.call_for(work, 2, self.form.window_s)
        return measure_wall(both).cored_s / sum(calls.n_done for calls in both)

    def time_busy(self, work: Work) -> float:
        """Return the wall time by calls beside a Python thread that computes."""
        (calls,) = self.call_for(work, 1, self.form.busy_s, self.companion.computing())
        return calls.elapsed_s / calls.n_done

    def call_for(
        self,
        work: Work,
        n_threads: int,
        seconds: float,
        beside: AbstractContextManager[None] | None = None,
    ) -> list[Calls]:
        """Call for some time in so many threads, and check every answer."""
        count = max(1, BATCH_VALUES // work.n)
        all_calls = [Calls(work, count, limit_s=seconds) for _ in range(n_threads)]
        if n_threads == 1:
            all_calls[0].prepare()
            with beside or nullcontext():
                all_calls[0].run()
        else:
            run_in_order(all_calls)
        threads = "1 thread" if n_threads == 1 else f"{n_threads} threads"
        place = f"n={work.n}, passes={work.passes}, {threads}"
        self.failures.check(all_calls, place)
        return all_calls
