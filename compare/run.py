"""Put backends through scenarios: a crash or a hang of one is a row, not the end."""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import compare.render  # noqa: F401 - what registers how a report shows itself.
from backends import Backend
from compare.isolation import MARK, Outcome, Written, run_worker
from compare.model import BackendResult, Report, structure
from compare.plan import Job, plan_job, plan_jobs
from compare.scenarios import DEFAULT_SCENARIOS, SCENARIOS, Options
from gilscope.environment import collect_environment

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


def run_all(  # noqa: PLR0913 - all but the first are by name.
    backends: Iterable[str | Backend] | None = None,
    *,
    scenarios: Iterable[str] | None = None,
    quick: bool = False,
    timeout_s: float = 60.0,
    progress: Callable[[Progress], None] | None = None,
    threads: Sequence[int] = (2,),
) -> Report:
    """Put backends through scenarios, each backend in a process of its own.

    Args:
        backends: names, "package.module:attribute", or Backend objects that can be
            imported; None stands for all that are registered.
        scenarios: names; None stands for those of the table in docs/method.md.
        quick: run every scenario in its short form.
        timeout_s: how long one backend may take for everything.
        progress: called with each step.
        threads: how many threads the parallel scenario tries.

    Raises:
        UnknownBackendError: no backend has that name. Nothing was run.
        ValueError: no scenario has that name, or a number is out of range.
    """
    if not (timeout_s > 0 and math.isfinite(timeout_s)):
        message = f"run_all() timeout_s: expected seconds over 0, got {timeout_s!r}"
        raise ValueError(message)
    wanted = take_scenarios(scenarios)
    jobs = plan_jobs(backends)
    options = Options(
        quick=quick,
        threads=tuple(threads),
        partners=tuple(job.target for job in jobs if not job.reason),
    )
    if MARK in os.environ:
        message = (
            "run_all() was called by what it compares: "
            'put the call under if __name__ == "__main__"'
        )
        raise RuntimeError(message)
    environment = collect_environment()
    results = [
        run_job(
            dataclasses.replace(
                job,
                scenarios=wanted,
                options=dataclasses.replace(options, target=job.target),
            ),
            timeout_s,
            progress,
        )
        for job in jobs
    ]
    asked = None if backends is None else tuple(job.name for job in jobs)
    return Report(environment, tuple(results), wanted, asked, quick)


def run_demo(
    backend: str | Backend,
    *,
    late_partner: bool = False,
    quick: bool = False,
    timeout_s: float = 60.0,
    progress: Callable[[Progress], None] | None = None,
) -> BackendResult:
    """Run the lecture's program alone, with either of its partners.

    Raises:
        UnknownBackendError: no backend has that name.
    """
    job = dataclasses.replace(
        plan_job(backend),
        scenarios=("handoff",),
        options=Options(quick=quick, late_partner=late_partner),
    )
    return run_job(job, timeout_s, progress)


def take_scenarios(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the scenarios in the order in which they run."""
    if names is None:
        return DEFAULT_SCENARIOS
    wanted = {names} if isinstance(names, str) else set(names)
    for name in wanted:
        if name not in SCENARIOS:
            message = (
                f"unknown scenario {name!r}: expected one of {', '.join(SCENARIOS)}"
            )
            raise ValueError(message)
    return tuple(name for name in SCENARIOS if name in wanted)


def run_job(
    job: Job, timeout_s: float, progress: Callable[[Progress], None] | None = None
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
        outcome = run_worker(job, timeout_s, lambda step: tell(step, "running"))
    result = judge(job, outcome, time.monotonic() - started)
    tell(None, result.status)
    return result


def judge(job: Job, outcome: Outcome, elapsed_s: float) -> BackendResult:
    """Make the row of one backend: `wrong` comes from any scenario's own findings."""
    status = outcome.status
    wrongs = find_wrongs(outcome.content, job.scenarios)
    if outcome.stdout.n_bytes:
        wrongs.append(f"wrote to standard output: {quote(outcome.stdout)}")
    if wrongs and status == "ok":
        status = "wrong"
    warnings = list(outcome.content.get("warnings", ()))
    if outcome.stderr.n_bytes and status in ("ok", "wrong"):
        warnings.append(f"wrote to standard error: {quote(outcome.stderr)}")
    return structure(
        {
            "technology": job.technology or "",
            "declared": job.releases_gil,
            **outcome.content,
            "name": job.name,
            "status": status,
            "reason": "\n".join(filter(None, (outcome.reason, *keep_some(wrongs)))),
            "elapsed_s": elapsed_s,
            "warnings": warnings,
        },
        BackendResult,
    )


def keep_some(wrongs: list[str]) -> list[str]:
    """Return the first of them and how many more there are."""
    more = len(wrongs) - N_WRONGS_KEPT
    return wrongs if more <= 0 else [*wrongs[:N_WRONGS_KEPT], f"and {more} more"]


def quote(written: Written) -> str:
    """Return the beginning of what was written and how much it was."""
    text = written.head.decode(errors="replace").strip()[:QUOTE_LENGTH]
    return f"{text!r} ({written.n_bytes} bytes in all)"


def find_wrongs(content: dict[str, Any], scenarios: Iterable[str]) -> list[str]:
    """Return what the scenarios found wrong: the one rule that makes it a status."""
    return [
        f"{scenario}: {finding}"
        for scenario in scenarios
        for kind in ("failures", "contradictions")
        for finding in (content.get(scenario) or {}).get(kind, ())
    ]
