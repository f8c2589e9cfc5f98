"""Which backends are compared, each as a job that another process understands."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

import backends
from backends import Backend
from backends.registry import BackendSpec, describe
from compare.scenarios import Options


@dataclass(frozen=True)
class Job:
    """What one worker has to do.

    Attributes:
        name: what the backend is reported under.
        target: what backends.get() finds it by in another process.
        technology, releases_gil: what was declared here, None = what is found there.
        reason: why it cannot be found there, or "".
    """

    name: str
    target: str
    technology: str | None = None
    releases_gil: bool | None = None
    reason: str = ""
    scenarios: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)


def plan_jobs(wanted: Iterable[str | Backend] | None) -> list[Job]:
    """Return one job a backend, registry order first.

    Raises:
        UnknownBackendError: no backend has that name.
    """
    known = backends.names()
    if wanted is None:
        wanted = known
    elif isinstance(wanted, str | Backend):
        wanted = (wanted,)
    jobs = {job.name: job for job in map(plan_job, wanted)}
    if not jobs:
        message = "run_all() backends: expected at least one name, got none"
        raise ValueError(message)
    ordered = [jobs.pop(name) for name in known if name in jobs]
    return ordered + list(jobs.values())


def plan_job(wanted: str | Backend) -> Job:
    """Return the job for one backend, without importing it.

    Raises:
        UnknownBackendError: no backend has that name.
    """
    backend = wanted if isinstance(wanted, Backend) else describe(wanted)
    if isinstance(backend, BackendSpec):
        return Job(backend.name, backend.name, backend.technology, backend.releases_gil)
    if backend is None:
        assert isinstance(wanted, str)
        if not re.fullmatch(r"[^:]+:[^:]+", wanted) and wanted not in backends.names():
            # Nothing is loaded by this: it says which names there are.
            backends.get(wanted)
        return Job(wanted, wanted)
    target = find_path(backend)
    reason = (
        f"backend {backend.name!r} cannot be found by another process: "
        "expected a Backend or function at the top of a module that can be imported"
    )
    return Job(
        backend.name,
        target or "",
        backend.technology,
        backend.releases_gil,
        "" if target else reason,
    )


def find_path(backend: Backend) -> str | None:
    """Return the "module:attribute" by which another process finds the backend."""
    function = backend.double_list
    module_name = getattr(function, "__module__", None)
    # The main module would be run again, not found.
    if not isinstance(module_name, str) or module_name == "__main__":
        return None
    module = sys.modules.get(module_name)
    for name, value in vars(module or object).items():
        if value is backend:
            return f"{module_name}:{name}"
    value = module
    qualname = getattr(function, "__qualname__", "<unknown>")
    for part in qualname.split("."):
        value = getattr(value, part, None)
    return f"{module_name}:{qualname}" if value is function else None
