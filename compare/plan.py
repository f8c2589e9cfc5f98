"""What a run does: which backends, each as a job that another process understands."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import backends
from backends import Backend
from backends.registry import BackendSpec, describe, describe_nearest
from compare.contract import (
    Contract,
    ContractError,
    check_contract,
    describe_script,
    find_contract_target,
    find_target,
    list_implementations,
    load_contract,
)
from compare.scenarios import DEFAULT_SCENARIOS, SCENARIOS, Options
from gilscope.threads import check_counts

Backends = Iterable[str | Backend] | None

# How many times as long as planned a backend may take to sweep on a loaded machine.
PATIENCE = 10.0


@dataclass(frozen=True)
class Job:
    """What one worker has to do."""

    # What the backend is reported under.
    name: str
    # What backends.get() finds it by in another process.
    target: str
    # technology, releases_gil: what was declared here, None = what is found there.
    technology: str | None = None
    releases_gil: bool | None = None
    # Why it cannot be found there, or "".
    reason: str = ""
    scenarios: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    # "module:attribute" of the contract, "" for double_list.
    contract: str = ""
    # "module:attribute" of what it is compared with, if the contract has no reference.
    reference: str = ""


@dataclass(frozen=True)
class Plan:
    """All that a run does, made once."""

    # One a backend, in the order of the registry.
    jobs: tuple[Job, ...]
    # What each is put through, in the order in which they run.
    scenarios: tuple[str, ...]
    # The backends that were asked for by name; None = all there are.
    asked: tuple[str, ...] | None = None
    # Whether the scenarios run in their short form.
    quick: bool = False
    # How long one backend may take for everything.
    timeout_s: float = 60.0
    # Where the workers look for modules; None = where this process does.
    path: tuple[str, ...] | None = None


def make_plan(  # noqa: PLR0913 - all but the first are by name.
    wanted: Any = None,
    *,
    contract: Contract | str | None = None,
    scenarios: Iterable[str] | None = None,
    quick: bool = False,
    timeout_s: float = 60.0,
    threads: Sequence[int] = (2,),
    late_partner: bool = False,
    path: Iterable[str] | None = None,
) -> Plan:
    """Return the plan of a run, see run_all(); no backend is imported by it."""
    if not (timeout_s > 0 and math.isfinite(timeout_s)):
        message = f"run_all() timeout_s: expected seconds over 0, got {timeout_s!r}"
        raise ValueError(message)
    names = select_scenarios(scenarios)
    if contract is None:
        jobs = plan_jobs(wanted)
    else:
        jobs = plan_implementations(contract, wanted)
    partners = tuple((job.name, job.target) for job in jobs if not job.reason)
    counts = check_counts("run_all() threads", threads)
    options = Options(quick, tuple(counts), partners, late_partner)
    return Plan(
        jobs=tuple(replace(job, scenarios=names, options=options) for job in jobs),
        scenarios=names,
        asked=None if wanted is None else tuple(job.name for job in jobs),
        quick=quick,
        timeout_s=timeout_s,
        path=None if path is None else tuple(path),
    )


def make_sweep_plan(
    backends: Backends = None,
    *,
    quick: bool = False,
    timeout_s: float | None = None,
    path: Iterable[str] | None = None,
) -> tuple[Plan, float]:
    """Return the plan of a sweep and how many seconds it will take."""
    # Other runs and the workers need not load all that measures.
    from compare.scenarios.sweep import FULL, QUICK  # noqa: PLC0415

    planned_s = (QUICK if quick else FULL).planned_s
    if timeout_s is None:
        timeout_s = PATIENCE * planned_s
    plan = make_plan(
        backends, scenarios=["sweep"], quick=quick, timeout_s=timeout_s, path=path
    )
    return plan, len(plan.jobs) * planned_s


def select_scenarios(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the scenarios in the order in which they run."""
    if names is None:
        return DEFAULT_SCENARIOS
    wanted = {names} if isinstance(names, str) else {*names}
    for name in wanted.difference(SCENARIOS):
        expected = ", ".join(SCENARIOS) + describe_nearest(name, SCENARIOS)
        message = f"unknown scenario {name!r}: expected one of {expected}"
        raise ValueError(message)
    return tuple(name for name in SCENARIOS if name in wanted)


def plan_jobs(wanted: Backends) -> list[Job]:
    """Return one job a backend of double_list, registry order first."""
    known = backends.names()
    if wanted is None:
        wanted = known
    elif isinstance(wanted, str | Backend):
        wanted = (wanted,)
    jobs = {job.name: job for job in map(plan_job, wanted)}
    if not jobs:
        message = "run_all() backends: expected at least one name, got none"
        raise ValueError(message)
    return [jobs[name] for name in dict.fromkeys((*known, *jobs)) if name in jobs]


def plan_job(wanted: str | Backend) -> Job:
    """Return the job for one backend, without importing it."""
    backend = wanted if isinstance(wanted, Backend) else describe(wanted)
    if isinstance(backend, BackendSpec):
        return Job(backend.name, backend.name, backend.technology, backend.releases_gil)
    if backend is not None:
        return plan_object(f"backend {backend.name!r}", backend.name, backend)
    assert isinstance(wanted, str)
    if not re.fullmatch(r"[^:]+:[^:]+", wanted) and wanted not in backends.names():
        # Nothing is loaded by this: it says which names there are.
        backends.get(wanted)
    return Job(wanted, wanted)


def plan_object(what: str, name: str, wanted: Any) -> Job:
    """Return the job for a Backend, an Implementation or a function."""
    function = getattr(wanted, "double_list", getattr(wanted, "function", None))
    target = find_target(wanted, function) or find_target(function or wanted)
    kind = "a Backend or function" if isinstance(wanted, Backend) else "a function"
    reason = (
        f"{what} cannot be found by another process: "
        f"expected {kind} at the top of a module that can be imported"
        f"{describe_script(function or wanted)}"
    )
    return Job(
        name,
        target,
        wanted.technology if function else None,
        wanted.releases_gil if function else None,
        "" if target else reason,
    )


def plan_implementations(contract: Contract | str, wanted: Any) -> list[Job]:
    """Return one job for each implementation of a contract, without importing it."""
    if isinstance(contract, str):
        target = contract
        contract = load_contract(target)
    else:
        contract = check_contract(contract)
        target = find_contract_target(contract)
    known = list_implementations(contract)
    wanted = name_wanted(known if wanted is None else wanted)
    if not wanted:
        name = contract.find_name()
        message = f"contract {name}: expected at least one implementation, got none"
        raise ContractError(message)
    jobs = []
    for name, one in wanted.items():
        found = known.get(one, one) if isinstance(one, str) else one
        if not isinstance(found, str):
            jobs.append(plan_object(f"implementation {name!r}", name, found))
        elif ":" in found:
            jobs.append(Job(name, found))
        else:
            expected = ", ".join([*known, "module:attribute"])
            expected += describe_nearest(one, known)
            message = f"unknown implementation {one!r}: expected one of {expected}"
            raise ContractError(message)
    return [replace(job, contract=target) for job in jobs]


def name_wanted(wanted: Any) -> Mapping[str, Any]:
    """Return implementations by their names, however they were asked for."""
    if isinstance(wanted, str) or callable(wanted):
        wanted = (wanted,)
    if not isinstance(wanted, Iterable):
        kind = type(wanted).__name__
        message = f"run_all() backends: expected functions by their names, got {kind}"
        raise ContractError(message)
    named: Mapping[Any, Any] = (
        wanted
        if isinstance(wanted, Mapping)
        else {getattr(one, "__name__", str(one)): one for one in wanted}
    )
    for name in named:
        if not isinstance(name, str):
            message = f"run_all() backends: expected names, got {name!r}"
            raise ContractError(message)
    return named
