"""Fixed reports: what a run on two idle cores might find, and worse ones.

The figures are made up; nothing here was measured. `make_report()` has all four
backends and every scenario, `replace_in()` changes one field of one backend.
"""

import dataclasses
from typing import Any

import compare.render  # noqa: F401 - registers how results are shown.
import gilscope.render.results  # noqa: F401
from compare.model import (
    PARTNER,
    BackendResult,
    Contention,
    Correctness,
    Event,
    Gil,
    Handoff,
    PairCell,
    Pairs,
    Parallel,
    Report,
    Sweep,
)
from gilscope.measurement import (
    BreakEven,
    ContentionRow,
    Measurement,
    ParallelRow,
    Place,
    SizeRow,
)
from gilscope.model import (
    Audit,
    AuditedFunction,
    Check,
    CheckEnvironment,
    Environment,
    Evidence,
    FirstCall,
    Verdict,
)
from gilscope.stats import Figure

HOSTILE = '<script>alert("x")</script> & $x_1$ \'"'

_BACKENDS: dict[str, tuple[str, Verdict]] = {
    "python": ("pure Python", "preemptible"),
    "cython": ("Cython, with nogil", "releases"),
    "cffi": ("C through cffi, API mode", "releases"),
    "pyo3": ("Rust through PyO3, Python::detach", "releases"),
}


def make_report(*, long: bool = True) -> Report:
    """Return a report in which all is well; `long` adds pairs and sweep."""
    scenarios = ("correctness", "handoff", "gil", "parallel", "contention")
    return Report(
        environment=make_environment(),
        backends=tuple(
            make_backend(name, technology, verdict, long=long)
            for name, (technology, verdict) in _BACKENDS.items()
        ),
        scenarios=(*scenarios, "pairs", "sweep") if long else scenarios,
    )


def make_environment() -> Environment:
    """Return an ordinary machine with a GIL."""
    return Environment(
        python="3.13.2",
        implementation="CPython",
        free_threaded_build=False,
        gil_enabled=True,
        cpu_count=2,
        cpus_allowed=2,
        cpu_quota=None,
        load_average=0.2,
        platform="Linux-6.1-x86_64",
        machine="x86_64",
        switch_interval_s=0.005,
        gilscope="0.1.0",
        started_at="2026-01-02T03:04:05+00:00",
    )


def make_backend(
    name: str, technology: str, verdict: Verdict, *, long: bool = True
) -> BackendResult:
    """Return one backend that went through everything."""
    declared = verdict == "releases"
    speedup, amdahl, progress = (1.93, 1.99, 0.98) if declared else (1.0, 1.0, 0.5)
    return BackendResult(
        name=name,
        status="ok",
        technology=technology,
        declared=declared,
        build_info={
            "profile": "release" if declared else "interpreted",
            "compiler": "gcc 12.2.0",
            "version": "1.2.3",
            "free_threaded": False,
        },
        elapsed_s=9.5,
        correctness=Correctness(120, 0),
        handoff=make_handoff(name, progress, is_seen=declared),
        gil=make_gil(verdict),
        parallel=make_parallel(speedup, amdahl),
        contention=make_contention(declared),
        pairs=make_pairs(declared) if long else None,
        sweep=make_sweep(declared) if long else None,
    )


def make_handoff(name: str, progress: float, *, is_seen: bool) -> Handoff:
    """Return the lecture's two threads: 0.6 s released, 0.3 s held."""
    events = [
        Event(0.0001, PARTNER, "enter"),
        Event(0.0002, PARTNER, "sleep"),
        Event(0.0004, name, "enter"),
        Event(0.1003, PARTNER, "exit"),
        Event(0.6006, name, "kernel_end"),
        Event(0.9009, name, "exit"),
    ]
    ticks = [0.001 * tick for tick in range(1, 600)] if is_seen else [0.95]
    if is_seen:
        events += [Event(0.0005, name, "release"), Event(0.6008, name, "acquire")]
    else:
        events.append(Event(0.0005, name, "kernel_start"))
    return Handoff(
        results=((2, 4, 6), (2, 4, 6)),
        events=tuple(sorted(events, key=lambda event: event.at_s)),
        released_s=0.6001,
        waiting_s=0.0002,
        held_s=0.3,
        partner_progress_released=progress,
        partner_progress_held=0.0 if is_seen else 0.5,
        partner_sleep_s=0.1,
        ticks_s=tuple(ticks),
    )


def make_gil(verdict: Verdict) -> Gil:
    """Return the verdict on a backend's own call, and on its held twin."""
    check = make_check(verdict)
    held: Verdict = "preemptible" if verdict == "preemptible" else "holds"
    return Gil(
        check=check,
        held_check=make_check(held),
        traced_fraction=0.99 if verdict == "releases" else 0.0,
        waiting_s=3e-6 if verdict == "releases" else None,
        size=1000,
        passes=5000,
    )


def make_check(verdict: Verdict = "releases") -> Check:
    """Return what `gilscope.check` says about one callable."""
    is_released = verdict == "releases"
    return Check(
        name="zlib.crc32",
        verdict=verdict,
        reason=f"it {verdict}, by what the other thread did",
        environment=CheckEnvironment(
            python="3.13.2",
            platform="Linux-6.1-x86_64",
            cpu_count=2,
            free_threaded_build=False,
            gil_enabled=True,
            meaning="gil",
            tells_wakeups=True,
        ),
        released_fraction=Figure(0.99, 0.98, 1.0) if is_released else Figure(0, 0, 0),
        longest_hold=Figure(2e-6, 1e-6, 3e-6)
        if is_released
        else Figure(0.01, 0.01, 0.01),
        longest_hold_by_clock=None,
        call_s=0.01,
        n_calls_made=120,
        first_call=FirstCall(0.01, 3, None),
        evidence=Evidence(
            n_calls=100,
            n_released=100 if is_released else 0,
            n_windows=25,
            n_windows_released=25 if is_released else 0,
            n_ticks=900 if is_released else 0,
            n_wakeups=25 if is_released else 0,
            n_calls_tried=20,
        ),
        notes=("a note on the call",),
    )


def make_parallel(speedup: float, amdahl: float) -> Parallel:
    """Return figures for two and four threads on two cores."""
    rows = tuple(
        ParallelRow(
            threads=threads,
            wall_s=0.1 * threads / speedup,
            speedup=Figure(speedup, speedup - 0.02, speedup + 0.02),
            amdahl=amdahl,
            effective_cores=speedup,
            process_speedup=Figure(1.95, 1.92, 1.97),
            of_processes=Figure(speedup / 1.95, speedup / 1.97, speedup / 1.92),
            overlap=Figure(speedup, speedup - 0.02, speedup + 0.02),
            concurrency="parallel" if speedup > 1.5 else "serialized",
        )
        for threads in (2, 4)
    )
    return Parallel(
        alone_s=0.1,
        rows=rows,
        held=ParallelRow(
            threads=2,
            wall_s=0.2,
            speedup=Figure(1.01, 0.99, 1.02),
            overlap=Figure(1.0, 0.99, 1.01),
            concurrency="serialized",
            effective_cores=1.0,
        ),
        held_fraction=2 / amdahl - 1,
        size=1000,
        passes=20_000,
        n_rounds=12,
        findings=("a finding about two threads",),
    )


def make_contention(declared: bool) -> Contention:
    """Return what short calls cost beside a busy Python thread."""
    keeps = 0.99 if declared else 0.5
    rows = tuple(
        ContentionRow(
            size=size,
            n_calls=400,
            alone_s=alone_s,
            contended_s=alone_s * slowdown,
            slowdown=Figure(slowdown, slowdown * 0.95, slowdown * 1.05),
            held_slowdown=Figure(2.0, 1.9, 2.1),
            alone_median_s=alone_s,
            alone_p99_s=alone_s * 1.5,
            contended_median_s=alone_s * slowdown,
            contended_p99_s=alone_s * slowdown * 1.2,
            busy_thread_speed=Figure(keeps, keeps, keeps),
            busy_thread_speed_held=Figure(0.5, 0.49, 0.51),
        )
        for size, alone_s, slowdown in (
            (10, 1e-6, 5000.0 if declared else 2.0),
            (1000, 2e-5, 251.0 if declared else 2.0),
        )
    )
    return Contention(
        rows=rows,
        switch_interval_s=0.005,
        findings=("each release can cost a switch interval, 5 ms here",),
    )


def make_pairs(declared: bool) -> Pairs:
    """Return one row of the matrix: a backend that holds stops the others."""
    share = 0.01 if declared else 0.5
    cells = tuple(
        PairCell(
            partner=partner,
            alone_s=0.1,
            partner_alone_s=0.1,
            stops=Figure(share, share, share + 0.02),
            stopped=Figure(0.01, 0.0, 0.02),
            speedup=Figure(1.9, 1.8, 1.95),
        )
        for partner in ("python", "cython", "cffi")
    )
    return Pairs((*cells, PairCell("pyo3", "not built: install Rust (cargo)")))


def make_sweep(declared: bool) -> Sweep:
    """Return a grid in which releasing pays from 100 µs on."""
    contention = make_contention(declared).rows[0]
    parallel = make_parallel(1.9 if declared else 1.0, 2.0).rows[:1]
    cells = tuple(
        SizeRow(
            size=1000,
            passes=passes,
            kernel_s=kernel_s,
            alone_s=Figure(kernel_s + 1e-6, kernel_s, kernel_s + 2e-6),
            alone_held_s=Figure(kernel_s + 9e-7, kernel_s, kernel_s + 2e-6),
            parallel=parallel,
            contention=contention,
            cost=Figure(1.0 + 1e-7 / kernel_s, 1.0, 1.0 + 2e-7 / kernel_s),
            gain=Figure(gain, gain - 0.05, gain + 0.05),
            busy_gain=Figure(gain * 0.9, gain * 0.85, gain * 0.95),
        )
        for passes, kernel_s, gain in (
            (1, 1e-6, 0.6),
            (10, 1e-5, 0.9),
            (100, 1e-4, 1.6 if declared else 1.0),
            (1000, 1e-3, 1.9 if declared else 1.0),
        )
    )
    places = [Place(1000, 1e-6 * 10**k, 10**k, 1e-6 * 10**k) for k in range(3)]
    ends = (places[2], places[1]) if declared else (None, places[2])
    return Sweep(
        cells=cells,
        break_evens=(
            BreakEven("alone", places[1], places[0]),
            BreakEven("two threads", *ends),
            BreakEven("beside Python", *ends),
        ),
        planned_s=30.0,
        findings=("releasing pays from 100 µs of work on",),
    )


def replace_in(report: Report, name: str, /, **fields: Any) -> Report:
    """Return the report with other fields in the backend of that name."""
    return dataclasses.replace(
        report,
        backends=tuple(
            dataclasses.replace(result, **fields) if result.name == name else result
            for result in report
        ),
    )


def make_bad_report() -> Report:
    """Return a report in which much went wrong, on a machine without a second core."""
    report = make_report(long=False)
    busy = {}
    for result in report:
        assert result.parallel is not None
        rows = tuple(
            dataclasses.replace(
                row,
                speedup=Figure(1.04, 0.9, 1.2),
                process_speedup=Figure(1.02, 0.9, 1.1),
                concurrency="unclear",
            )
            for row in result.parallel.rows
        )
        busy[result.name] = dataclasses.replace(
            result.parallel,
            rows=rows,
            warnings=("no second core was free", f"{result.name} was unsteady"),
        )
    for name, parallel in busy.items():
        report = replace_in(report, name, parallel=parallel)
    report = replace_in(
        report,
        "cffi",
        status="crashed",
        reason="parallel ended with SIGSEGV\nstack",
        parallel=None,
        contention=None,
    )
    report = replace_in(
        report, "cython", status="unavailable", reason="not built: run: " + "x" * 90
    )
    report = replace_in(
        report, "python", name=HOSTILE, status="wrong", reason=f"{HOSTILE}\x1b[2J\u202e"
    )
    report = replace_in(report, "pyo3", gil=make_gil("inconclusive"), warnings=("odd",))
    environment = dataclasses.replace(
        report.environment, warnings=("the CPU quota is 1.50 CPUs",)
    )
    return dataclasses.replace(report, environment=environment)


def make_audit() -> Audit:
    """Return what an audit of zstandard saw: docs/how-to/audit-a-package.md has it."""
    module = "zstandard.backend_c."
    functions = (
        AuditedFunction(f"{module}ZstdCompressor.compress", 21, 20, 20, 6.61e-3),
        AuditedFunction(f"{module}ZstdDecompressor.decompress", 22, 20, 19, 4.24e-3),
        AuditedFunction(f"{module}ZstdCompressor", 1, 1, 0, 47.7e-6),
        AuditedFunction(f"{module}ZstdDecompressor", 2, 2, 0, 28.9e-6),
    )
    return Audit(make_check().environment, ("zstandard",), functions)


def make_measurement(speedup: float) -> Measurement:
    """Return what `gilscope.measure` says about one callable, at one size."""
    figure = Figure(speedup, speedup - 0.02, speedup + 0.02)
    pair = ParallelRow(2, 0.1, figure, figure, "parallel", speedup)
    one = Figure(1.0, 0.9, 1.1)
    contention = ContentionRow(10, 9, 1e-6, 1e-6, one, None, *[1e-6] * 4, one, None)
    row = SizeRow(10, Figure(1e-6, 1e-6, 1e-6), (pair,), contention, make_check())
    findings = ("a second thread gains from size 10 on",)
    return Measurement("f(10)", make_environment(), (row,), findings=findings)
