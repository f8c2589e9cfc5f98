"""Put backends through scenarios: a crash or a hang of one is a row, not the end."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backends import Backend
from compare.contract import Contract
from compare.model import BackendResult, Report, Status
from compare.plan import Job, Plan, make_plan, make_sweep_plan
from compare.subinterpreter import is_due
from gilscope.environment import collect_environment
from gilscope.process import WORKER_MARK, Child, Written
from gilscope.record import structure

# How much of what a backend printed is quoted.
QUOTE_LENGTH = 80
# How much of what is wrong goes into a reason; the scenarios' results have all.
N_WRONGS_KEPT = 5


@dataclass(frozen=True)
class Progress:
    """Something that happened while a comparison runs.

    Attributes:
        backend: which one it happened to.
        scenario: which one begins, or None: the backend is being loaded, or ended.
        state: "running", or the status with which the backend ended.
        elapsed_s: seconds since its process was started.
    """

    backend: str
    scenario: str | None
    state: str
    elapsed_s: float


Tell = Callable[[Progress], None]


@dataclass
class Outcome:
    """What is known about a worker that has ended."""

    # The fields of a BackendResult, as JSON gave them.
    content: dict[str, Any] = field(default_factory=dict)
    # status, reason: how it ended.
    status: Status = "ok"
    reason: str = ""
    # stdout, stderr, stray: what it wrote, the last to descriptors not its own.
    stdout: Written = field(default_factory=Written)
    stderr: Written = field(default_factory=Written)
    stray: Written = field(default_factory=Written)


def run_all(  # noqa: PLR0913 - all but the first are by name.
    backends: Iterable[str | Backend] | Mapping[str, Any] | None = None,
    *,
    contract: Contract | str | None = None,
    scenarios: Iterable[str] | None = None,
    quick: bool = False,
    timeout_s: float = 60.0,
    progress: Tell | None = None,
    threads: Sequence[int] = (2,),
) -> Report:
    """Put backends through scenarios, each backend in a process of its own.

    Args:
        backends: names, "package.module:attribute", or Backend objects that can be
            imported; None stands for all that are registered. For another contract
            also a mapping of names to functions that can be imported.
        contract: what they implement, or its "module:attribute"; None = double_list.
        scenarios: names; None stands for those that run unless asked otherwise.
        quick: run every scenario in its short form.
        timeout_s: how long one backend may take for everything.
        progress: called with each step.
        threads: how many threads the parallel scenario tries.

    Raises:
        UnknownBackendError: no backend has that name. Nothing was run.
        ValueError: no scenario has that name, or a number is out of range; the
            contract or an implementation cannot be used.
    """
    plan = make_plan(
        backends,
        contract=contract,
        scenarios=scenarios,
        quick=quick,
        timeout_s=timeout_s,
        threads=threads,
    )
    return run_plan(plan, progress)


def sweep(
    backends: Iterable[str | Backend] | None = None,
    *,
    quick: bool = False,
    timeout_s: float | None = None,
    progress: Tell | None = None,
) -> Report:
    """Find for each backend from which amount of work on releasing the GIL pays.

    Args:
        backends: as in run_all().
        quick: a smaller grid, in fewer rounds.
        timeout_s: how long one backend may take; None = ten times what is planned.
        progress: called with each step.

    Returns:
        A report whose rows have `sweep`; str() has its tables and its plot.

    Raises:
        UnknownBackendError: no backend has that name. Nothing was run.
    """
    plan, _ = make_sweep_plan(backends, quick=quick, timeout_s=timeout_s)
    return run_plan(plan, progress)


def plan_sweep(
    backends: Iterable[str | Backend] | None = None, *, quick: bool = False
) -> float:
    """Return how many seconds sweep() will take, from the plan of its grid."""
    return make_sweep_plan(backends, quick=quick)[1]


def run_plan(plan: Plan, progress: Tell | None = None) -> Report:
    """Do what a plan says, one worker after the other."""
    if WORKER_MARK in os.environ:
        message = (
            "run_all() was called by what it compares: "
            'put the call under if __name__ == "__main__"'
        )
        raise RuntimeError(message)
    environment = collect_environment()
    results: list[BackendResult] = []
    reference = ""
    for job in plan.jobs:
        # Where a contract has no reference, the first that is well stands for it.
        result = run_implementation(replace(job, reference=reference), plan, progress)
        results.append(result)
        if not reference and job.contract and result.status == "ok":
            reference = job.target
    return Report(environment, tuple(results), plan.scenarios, plan.asked, plan.quick)


def run_implementation(
    job: Job, plan: Plan, progress: Tell | None = None
) -> BackendResult:
    """Run one worker to its end, whatever that is, and leave nothing behind."""
    started = time.monotonic()

    def tell(scenario: str | None, state: str) -> None:
        if progress is not None:
            elapsed_s = time.monotonic() - started
            progress(Progress(job.name, scenario, state, elapsed_s))

    tell(None, "running")
    if job.reason:
        outcome = Outcome(status="unavailable", reason=job.reason)
    else:
        outcome = run_worker(job, plan, lambda step: tell(step, "running"))
    elapsed_s = time.monotonic() - started
    result = judge_outcome(job, outcome, elapsed_s)
    tell(None, result.status)
    return result


def run_worker(job: Job, plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """Start the worker and take in what it sends until it has ended."""
    content: dict[str, Any] = {}
    step, end = "loading", None
    with Child(
        "compare.worker:main", job, timeout_s=plan.timeout_s, path=plan.path
    ) as worker:
        # What shows the report is imported while the process starts.
        import compare.render  # noqa: F401, PLC0415

        for message in worker:
            content |= message.get("found", {})
            if "step" in message:
                step = message["step"]
                tell(step)
            if end := message.get("end"):
                break
        if end and is_due(job.scenarios, end[0]):
            # That is the last thing that it does, and may crash it.
            text = worker.receive()
            if text is None:
                status, reason = worker.explain_end("the subinterpreter")
                text = f"{status}: {reason.splitlines()[0]}"
            content["subinterpreter"] = text
    status, reason = end or worker.explain_end(step)
    return Outcome(content, status, reason, worker.stdout, worker.stderr, worker.stray)


def judge_outcome(job: Job, outcome: Outcome, elapsed_s: float) -> BackendResult:
    """Make the row of one backend: `wrong` comes from any scenario's own findings."""
    status, reason, content = outcome.status, outcome.reason, outcome.content
    answered = {name for name, value in content.items() if value is not None}
    answered |= {*content.get("not_applicable", ())}
    missing = [name for name in job.scenarios if name not in answered]
    if status == "ok" and missing:
        status, reason = "failed", f"no answer from {', '.join(missing)}"
    # The one rule that makes a status of what the scenarios found.
    wrongs = [
        f"{scenario}: {finding}"
        for scenario in job.scenarios
        for kind in ("failures", "contradictions")
        for finding in (content.get(scenario) or {}).get(kind, ())
    ]
    for where, written in (
        ("standard output", outcome.stdout),
        ("descriptors that were not its own", outcome.stray),
    ):
        if written.n_bytes:
            wrongs.append(f"wrote to {where}: {quote(written)}")
    if wrongs and status == "ok":
        status = "wrong"
    warnings = list(content.get("warnings", ()))
    if outcome.stderr.n_bytes and status in ("ok", "wrong"):
        warnings.append(f"wrote to standard error: {quote(outcome.stderr)}")
    declared = {"technology": job.technology or "", "declared": job.releases_gil}
    if len(wrongs) > N_WRONGS_KEPT:
        wrongs[N_WRONGS_KEPT:] = [f"and {len(wrongs) - N_WRONGS_KEPT} more"]
    row = {
        "name": job.name,
        "elapsed_s": elapsed_s,
        "status": status,
        "reason": "\n".join(filter(None, (reason, *wrongs))),
    }
    try:
        found = {**declared, **content, **row, "warnings": warnings}
        return structure(found, BackendResult)
    except ValueError as error:
        row |= {"status": "failed", "reason": f"what it sent is no result: {error}"}
        return structure({**declared, **row}, BackendResult)


def quote(written: Written) -> str:
    """Return the beginning of what was written and how much it was."""
    text = written.head.decode(errors="replace").strip()[:QUOTE_LENGTH]
    return f"{text!r} ({written.n_bytes} bytes in all)"
