"""What a comparison found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None. The JSON layout is schema 1 (docs/contract.md).

A scenario's result may have `failures` (wrong answers) and `contradictions` (what
was seen against what was declared), each of which makes the backend `wrong`, and
`warnings` (what makes its figures unsure), which do not.
"""

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

SCHEMA = 1

# The actor of an event that is not the backend: the Python thread beside it.
PARTNER = "partner"

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
        actor: PARTNER or the backend's name.
        name: what happened: "enter", "sleep" (the partner's), "release",
            "kernel_end", "acquire", "exit".
    """

    at_s: float
    actor: str
    name: str


@dataclass(frozen=True)
class Handoff:
    """The lecture's two threads on one shared result.

    Attributes:
        results: what stood in the shared list at the end, [partner's, backend's];
            None for what is no list of ints.
        events: both threads' events in the order of time. "release" and "acquire"
            are there only if Python code was seen to run between the two.
        released_s: how long the backend's kernel and sleep took.
        waiting_s: how long it waited to get the GIL back.
        held_s: how long it kept the GIL afterwards.
        partner_progress_released: speed of Python code beside the backend while
            the GIL was released, 1 = as fast as alone, 0 = stopped.
        partner_progress_held: the same while it was held.
        partner_sleep_s: how long the Python partner slept before it doubled.
        ticks_s: when that Python code was seen to run, seconds after the barrier;
            of moments too close for a picture, one.
        failures: wrong results, and a trace that breaks clause 1.9.
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


# --- The figures: parallel, contention, pairs, sweep ----------------------------------

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


# --- The verdict on one callable ------------------------------------------------------


@dataclass(frozen=True)
class Evidence:
    """What was counted beside the calls of one callable.

    Attributes:
        n_calls: calls that were watched while nobody could interrupt them.
        n_windows: stretches of them, each watched from end to end.
        n_windows_released: stretches in which another thread was let in.
        n_ticks: how often the other thread was seen to run inside.
        n_wakeups: stretches in which it was woken out of its wait for the GIL; None
            where the kernel does not tell.
        n_unhindered: without a GIL: how many of the ticks stopped the world, but not
            the call.
        n_stopped: without a GIL: how many of the ticks stopped the call too.
        n_calls_tried: calls that were interrupted as often as they allow it.
        n_calls_entered: those of them into which another thread got.
        n_calls_interrupted: those into the midst of which it got.
        runs_python: whether a call runs Python functions, None if not found out.
        python_share: the least share of a call that runs lines of Python code; it is
            not followed further than decides the verdict. None if not found out.
    """

    n_calls: int = 0
    n_windows: int = 0
    n_windows_released: int = 0
    n_ticks: int = 0
    n_wakeups: int | None = None
    n_unhindered: int | None = None
    n_stopped: int | None = None
    n_calls_tried: int = 0
    n_calls_entered: int = 0
    n_calls_interrupted: int = 0
    runs_python: bool | None = None
    python_share: float | None = None


@dataclass(frozen=True)
class Controls:
    """What was counted beside callables whose behaviour is known, in the same run.

    Attributes:
        told_apart: whether the machine could tell the three apart; if not, no verdict
            of this run is worth anything.
        reason: what was seen of them.
    """

    releaser: Evidence
    holder: Evidence
    python_loop: Evidence
    told_apart: bool
    reason: str


@dataclass(frozen=True)
class CheckEnvironment:
    """Where a check ran, and what its verdict means there.

    Attributes:
        meaning: "gil": whether others can run Python code during the call;
            "attached": there is no GIL; whether others can stop the world during it.
        gil_enabled_by: the module whose import turned the GIL back on in a
            free-threaded build; None if none did, or if it could not be found.
        tells_wakeups: whether the kernel tells how often a thread was woken.
    """

    python: str
    platform: str
    cpu_count: int
    free_threaded_build: bool
    gil_enabled: bool
    meaning: Literal["gil", "attached"]
    gil_enabled_by: str | None = None
    tells_wakeups: bool = False


@dataclass(frozen=True)
class Check:
    """Whether one callable gives the GIL away, and what says so.

    Attributes:
        name: the callable, for the reader.
        verdict: "releases", "preemptible" (gives nothing away, but is Python code that
            others can interrupt), "holds" or "inconclusive".
        reason: why, in a sentence.
        released_fraction: the share of a call for which others could run.
        released_fraction_best: the same in the stretch where it was largest; a loaded
            machine makes it smaller in others, and larger in none.
        longest_hold_s: the longest time in a call for which they could not.
        waiting_s: how long a call waited to get the GIL back from one other thread
            that keeps it for microseconds.
        call_s: how long the shortest call took.
        calls: how often it was called in all.
        notes: what else is worth knowing.
    """

    name: str
    verdict: Verdict
    reason: str
    environment: CheckEnvironment
    released_fraction: float | None = None
    released_fraction_best: float | None = None
    longest_hold_s: float | None = None
    waiting_s: float | None = None
    call_s: float | None = None
    calls: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    controls: Controls | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the verdict with its evidence, as text of several lines."""
        from compare.explain import explain_check  # noqa: PLC0415

        return explain_check(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the check as what JSON knows: dicts, lists, strings, numbers."""
        content = {"schema": SCHEMA, **dataclasses.asdict(self)}
        plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
        return plain

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the check as JSON, and write it to the file if one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows; None, and it shows the text, without extra."""
        from compare.report.html import render_notebook  # noqa: PLC0415

        return render_notebook(self)


@dataclass(frozen=True)
class Gil:
    """The verdict on a backend's own call, against what the backend declares.

    Attributes:
        verdict: that of the call with release_gil=True.
        reason: why, in a sentence.
        held_verdict: that of the call with release_gil=False.
        released_fraction: the share of the call for which others could run.
        traced_fraction: the same share according to the backend's own trace.
        longest_hold_s: the longest time in a call for which others could not run.
        waiting_s: how long a call waited to get the GIL back, by the trace.
        n_values: the size of the call that was judged.
        passes: the work of the call that was judged.
        check: all that was counted; held_check: the same for release_gil=False.
        contradictions: each a sentence; one is enough to make the backend wrong.
        failures: wrong answers that the judged calls gave.
        warnings: what makes the verdict unsure.
    """

    verdict: Verdict
    reason: str
    held_verdict: Verdict
    released_fraction: float | None
    traced_fraction: float | None
    longest_hold_s: float | None
    waiting_s: float | None
    n_values: int
    passes: int
    check: Check
    held_check: Check
    contradictions: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackendResult:
    """Everything that was found out about one backend; a scenario not run is None.

    Attributes:
        name: what it is reported under.
        status: "ok", or what went wrong.
        reason: what went wrong, in words; further lines are the Python stack.
        technology: what it is written with.
        declared: whether it says that it releases the GIL, None if not loaded.
        build_info: how it was built.
        elapsed_s: how long its process ran.
        warnings: what is odd but not wrong.
    """

    name: str
    status: Status
    reason: str = ""
    technology: str = ""
    declared: bool | None = None
    build_info: Mapping[str, Any] = field(default_factory=dict)
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    correctness: Correctness | None = None
    gil: Gil | None = None
    handoff: Handoff | None = None
    parallel: Parallel | None = None
    contention: Contention | None = None
    pairs: Pairs | None = None
    sweep: Sweep | None = None


# --- The report -----------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """Where a comparison ran.

    Attributes:
        gil_enabled: in the process that asked for the comparison.
        cpus_allowed: how many CPUs this process may use.
        cpu_quota: how many CPUs its control group may use, None = no limit.
        load_average: over the last minute, before it started; None = not told here.
        started_at: in UTC, as ISO 8601.
        warnings: what makes every figure unsure, with the figure that says so.
    """

    python: str
    implementation: str
    free_threaded_build: bool
    gil_enabled: bool
    cpu_count: int
    cpus_allowed: int
    cpu_quota: float | None
    load_average: float | None
    platform: str
    machine: str
    switch_interval_s: float
    gilscope: str
    started_at: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole comparison.

    Attributes:
        environment: where it ran.
        backends: one result each, in the order of the registry.
        scenarios: the names of those that were asked for.
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

    def __str__(self) -> str:
        """Return the table."""
        # Imported here because this module is also used where rich must not be.
        from compare.report.table import render_table  # noqa: PLC0415

        return render_table(self)

    @property
    def ok(self) -> bool:
        """Whether all that was asked for is well.

        A backend that is not built spoils it only if it was asked for by name.
        """
        fine = ("ok",) if self.asked is not None else ("ok", "unavailable")
        return all(result.status in fine for result in self.backends)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as what JSON knows: dicts, lists, strings, numbers."""
        content = {"schema": SCHEMA, **dataclasses.asdict(self)}
        plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
        return plain

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as JSON, and write it to the file if one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as one HTML file, and write it if a path is given.

        Raises:
            ImportError: jinja2 or matplotlib is missing; the message says what to run.
        """
        from compare.report.html import render_page  # noqa: PLC0415

        return render_page(self, path)

    def explain(self) -> str:
        """Return in words what was found about each backend, and why."""
        from compare.report.explain import explain_report  # noqa: PLC0415

        return explain_report(self)

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows; None, and it shows the table, without extra."""
        from compare.report.html import render_notebook  # noqa: PLC0415

        return render_notebook(self)

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> "Report":
        """Read a report back.

        Args:
            source: the JSON itself, or the path of a file that has it.

        Raises:
            ValueError: it is no report, or one of another schema.
        """
        if isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
            text = source
        else:
            text = Path(source).read_text(encoding="utf-8")
        try:
            content = json.loads(text)
        except ValueError as error:
            message = f"report: expected JSON: {error}"
            raise ValueError(message) from error
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Any) -> "Report":
        """Read a report back from what to_dict() returned.

        Raises:
            ValueError: it is no report, or one of another schema.
        """
        schema = content.get("schema") if isinstance(content, dict) else None
        if schema != SCHEMA:
            message = f"report: expected schema {SCHEMA}, got {schema!r}"
            raise ValueError(message)
        return structure(content, cls)


T = TypeVar("T")


def structure(content: Any, kind: type[T]) -> T:
    """Build a dataclass of this module from what JSON gave.

    Raises:
        ValueError: a field is missing or of a wrong type; the message names all.
    """
    # Imported here because the process that is measured needs this module too, and
    # loads nothing that is not in the standard library.
    import cattrs  # noqa: PLC0415

    try:
        return cattrs.structure(content, kind)
    except cattrs.BaseValidationError as error:
        faults = "; ".join(cattrs.transform_error(error, path="report"))
        message = f"report: {faults}"
        raise ValueError(message) from error
