"""What the scenarios that measure found: parallel, contention, pairs, sweep."""

from dataclasses import dataclass

from gilscope.measurement import BreakEven, ContentionRow, ParallelRow, SizeRow
from gilscope.record import Shown
from gilscope.stats import Figure


@dataclass(frozen=True)
class Parallel(Shown):
    """Threads, each with calls of the same work, against one after the other.

    Attributes:
        alone_s: one call with nothing beside it.
        rows: the figures for each number of threads, two among them.
        held: those of two threads that hold the GIL, the control; None if the contract
            has no twin.
        held_fraction: the fraction of a call outside the kernel, waiting left out;
            None if nothing tells it.
        order_s: the wall time of two threads by which of them started first.
        size, passes: the work of one call; passes is None if the contract has none.
        n_calls: how many calls each thread made.
        n_rounds: how often everything was measured.
        findings: what the figures mean, in words.
        warnings: what makes them unsure, with the figure that says so.
        failures: wrong answers, and work that was not done.
        contradictions: what was seen against what is declared.
    """

    alone_s: float
    rows: tuple[ParallelRow, ...]
    held: ParallelRow | None
    held_fraction: float | None
    order_s: tuple[float, float]
    size: int
    passes: int | None
    n_rounds: int
    n_calls: int = 1
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()

    @property
    def pair(self) -> ParallelRow:
        """The row of two threads."""
        return next(row for row in self.rows if row.threads == 2)  # noqa: PLR2004


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
    """This implementation in thread 1 beside a partner in thread 2, a long call each.

    Attributes:
        partner: the name of the other implementation.
        reason: why nothing was measured, or "".
        alone_s, partner_alone_s: the time of either call on its own.
        stops: the share of this call by which it delayed the partner that started
            second; 0 = not at all, 1 = for the whole call.
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
class Sweep(Shown):
    """The grid of one implementation, and from where on releasing the GIL pays.

    Attributes:
        cells: in the order of their work.
        break_evens: one for each case.
        planned_s: how long it was said to take.
        findings, warnings, failures: as in Parallel.
    """

    cells: tuple[SizeRow, ...]
    break_evens: tuple[BreakEven, ...]
    planned_s: float
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
