"""What a comparison found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None. The JSON layout is schema 2.

A scenario's result may have `failures` (wrong answers) and `contradictions` (what
was seen against what was declared), each of which makes the backend `wrong`, and
`warnings` (what makes its figures unsure), which do not.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from compare.scenarios import SCENARIOS
from compare.schema_1 import convert_report
from gilscope.measurement import BreakEven, ContentionRow, ParallelRow, SizeRow
from gilscope.model import Check, Environment, Verdict
from gilscope.record import (
    SCHEMA,
    Record,
    Shown,
    check_content,
    read_json,
    shorten,
    structure,
)
from gilscope.stats import Figure

Status = Literal["ok", "wrong", "failed", "crashed", "timeout", "unavailable"]
# The actor of an event that is not the backend: the Python thread beside it.
PARTNER = "partner"


@dataclass(frozen=True)
class Correctness(Shown):
    """How many of the contract's cases the backend answered as the reference does."""

    passed: int
    failed: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that happened in the two-thread scenario.

    Attributes:
        at_s: seconds after the barrier opened.
        actor: PARTNER or the backend's name.
        name: what happened: "enter", "sleep" (the partner's), "release",
            "kernel_end", "acquire", "exit".
    """

    at_s: float
    actor: str
    name: str


@dataclass(frozen=True)
class Handoff(Shown):
    """The lecture's two threads on one shared result.

    Attributes:
        results: contents of the shared list at the end, [partner's, backend's];
            None for what is no list of ints.
        events: both threads' events in the order of time. "release" and "acquire"
            are there only if Python code was seen to run between the two.
        released_s: how long the backend's kernel and sleep took.
        waiting_s: how long it waited to re-acquire the GIL.
        held_s: how long it held the GIL afterwards.
        partner_progress_released: speed of Python code beside the backend while
            the GIL was released, 1 = as fast as alone, 0 = stopped.
        partner_progress_held: the same while it was held.
        partner_sleep_s: how long the Python partner slept before it doubled.
        ticks_s: when that Python code was seen to run, seconds after the barrier;
            of moments too close for a picture, one.
        failures: wrong results, and a trace that breaks clause 1.9.
        contradictions: Python code kept out, or let in, against what is declared.
    """

    results: tuple[tuple[int, ...] | None, ...]
    events: tuple[Event, ...]
    released_s: float | None
    waiting_s: float | None
    held_s: float | None
    partner_progress_released: float | None
    partner_progress_held: float | None
    partner_sleep_s: float
    ticks_s: tuple[float, ...] = ()
    failures: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gil(Shown):
    """The verdict on a backend's own call, against what the backend declares.

    Attributes:
        check: the check of the call.
        held_check: check of the held twin; None if there is none.
        traced_fraction: part of a call in the kernel, 0 to 1; None without a trace.
        waiting_s: how long a call waited to re-acquire the GIL, by the trace.
        size, passes: the work of the call that was judged.
        contradictions: each a sentence; one is enough to make the backend wrong.
        failures: wrong answers that the judged calls gave.
        warnings: reasons to doubt the verdict.
    """

    check: Check
    held_check: Check | None
    traced_fraction: float | None
    waiting_s: float | None
    size: int
    passes: int | None
    contradictions: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """That of the call itself."""
        return self.check.verdict


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
        size, passes: the work of one call; passes is None if the contract has none.
        n_calls: how many calls each thread made.
        n_rounds: how often everything was measured.
        findings: sentences on the figures.
        warnings: reasons to doubt the figures.
        failures: wrong answers, and work that was not done.
        contradictions: evidence against the declaration.
    """

    alone_s: float
    rows: tuple[ParallelRow, ...]
    held: ParallelRow | None
    held_fraction: float | None
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
        stops: part of this call by which it delayed the partner that started
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
        planned_s: planned time.
        findings, warnings, failures: as in Parallel.
    """

    cells: tuple[SizeRow, ...]
    break_evens: tuple[BreakEven, ...]
    planned_s: float
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackendResult(Shown):
    """Everything that was found out about one backend; a scenario not run is None.

    Attributes:
        name: name of the implementation.
        status: "ok", or what went wrong.
        reason: what went wrong, in words; further lines are the Python stack.
        technology: language and binding.
        declared: whether it declares a release of the GIL; None if not loaded.
        build_info: how it was built.
        elapsed_s: how long its process ran.
        warnings: oddities that are no fault.
        not_applicable: the scenarios that need what the contract lacks, and what.
        subinterpreter: "loads" in one with a GIL of its own, or who refuses in which
            words; "" where it was not tried (it is with gil, from CPython 3.12 on).
    """

    name: str
    status: Status
    reason: str = ""
    technology: str = ""
    declared: bool | None = None
    build_info: Mapping[str, Any] = field(default_factory=dict)
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    subinterpreter: str = ""
    correctness: Correctness | None = None
    gil: Gil | None = None
    handoff: Handoff | None = None
    parallel: Parallel | None = None
    contention: Contention | None = None
    pairs: Pairs | None = None
    sweep: Sweep | None = None

    @property
    def first_reason(self) -> str:
        """The first line of the reason, without a full stop."""
        return self.reason.strip().split("\n", 1)[0].rstrip(".")


@dataclass(frozen=True)
class Report(Record):
    """A whole comparison.

    Attributes:
        environment: where it ran.
        backends: one result each, in the order of the registry.
        scenarios: names of the scenarios that were asked for.
        asked: the names of the backends that were asked for; None = all there are.
        quick: whether the scenarios ran in their short form.
    """

    environment: Environment
    backends: tuple[BackendResult, ...]
    scenarios: tuple[str, ...] = ()
    asked: tuple[str, ...] | None = None
    quick: bool = False

    def __getitem__(self, name: str) -> BackendResult:
        """Return the result of the backend of that name."""
        for result in self.backends:
            if result.name == name:
                return result
        known = ", ".join(result.name for result in self.backends)
        message = f"no backend {name!r} in this report: expected one of {known}"
        raise KeyError(message)

    def __iter__(self) -> Iterator[BackendResult]:
        """Go through the results in the order of the registry."""
        return iter(self.backends)

    def __len__(self) -> int:
        """Return how many backends there are."""
        return len(self.backends)

    @property
    def ok(self) -> bool:
        """Whether all that was asked for is well.

        A backend that is not built spoils it only if it was asked for by name.
        """
        fine = ("ok",) if self.asked is not None else ("ok", "unavailable")
        return all(result.status in fine for result in self.backends)

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> "Report":
        """Read a report back.

        Args:
            source: the JSON itself, or the path of a file that has it.

        Raises:
            ValueError: it is no report, or one of another schema.
        """
        return cls.from_dict(read_json(source))

    @classmethod
    def from_dict(cls, content: Any) -> "Report":
        """Read a report back from what to_dict() returned, now or in schema 1.

        Raises:
            ValueError: it is no report, or one of another schema.
        """
        schema = content.get("schema") if isinstance(content, dict) else None
        if type(schema) is not int or schema not in (1, SCHEMA):
            got = "none" if schema is None else shorten(schema)
            message = (
                f"report: expected schema {SCHEMA} or 1, got {got}: a file that "
                "gilscope writes with --json has it"
            )
            raise ValueError(message)
        report = structure(convert_report(content) if schema == 1 else content, cls)
        for place, name in enumerate(report.scenarios):
            words, where = f"one of {', '.join(SCENARIOS)}", f"scenarios[{place}]"
            check_content(name in SCENARIOS, name, words, f"report.{where}")
        names = [result.name for result in report]
        for place, name in enumerate(names):
            is_first, where = name not in names[:place], f"backends[{place}].name"
            check_content(is_first, name, "each name once", f"report.{where}")
        return report
