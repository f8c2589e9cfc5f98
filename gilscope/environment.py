"""Where a comparison runs: the interpreter, the state of its GIL, the CPUs."""

import os
import platform
import sys
import sysconfig
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from gilscope.model import Environment

# Two threads have to run in parallel for any figure to mean something.
N_CPUS_NEEDED = 2


def collect_environment() -> Environment:
    """Return the facts that every figure of a report depends on."""
    cpu_count = cpus_allowed = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cpus_allowed = len(os.sched_getaffinity(0))
    cpu_quota = read_cpu_quota()
    load_average = None
    # Not every system tells.
    with suppress(OSError):
        load_average = os.getloadavg()[0]
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        free_threaded_build=is_free_threaded_build(),
        gil_enabled=is_gil_enabled(),
        cpu_count=cpu_count,
        cpus_allowed=cpus_allowed,
        cpu_quota=cpu_quota,
        load_average=load_average,
        platform=platform.platform(),
        machine=platform.machine(),
        switch_interval_s=sys.getswitchinterval(),
        gilscope=read_version(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=find_warnings(cpus_allowed, cpu_quota, load_average),
    )


def is_free_threaded_build() -> bool:
    """Return whether this interpreter can run without a GIL (PEP 703)."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def is_gil_enabled() -> bool:
    """Return whether there is a GIL in this process now."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return ask is None or bool(ask())


def read_version() -> str:
    """Return the version of this project, or "unknown" in a bare checkout."""
    # Imported here because the process of a backend has no use for it.
    from importlib import metadata  # noqa: PLC0415

    try:
        return metadata.version("gilscope")
    except metadata.PackageNotFoundError:
        return "unknown"


def read_cpu_quota(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> float | None:
    """Return how many CPUs this process may use, None = no limit is known.

    A control group has no more than those that it lies in.

    Source:
        Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max),
        Documentation/scheduler/sched-bwc.rst (cpu.cfs_quota_us), cgroups(7).
    """
    quotas: list[float | None] = []
    with suppress(OSError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            # Version 2 has one tree for all and names no controller.
            base = root / "cpu" if controllers else root
            # A container may see the path from outside, and then only its own root.
            folder = base / path.lstrip("/")
            groups = (folder, *folder.parents)
            quotas += [read_quota(one) for one in groups if one.is_relative_to(base)]
    return min((quota for quota in quotas if quota is not None), default=None)


def read_quota(folder: Path) -> float | None:
    """Return how many CPUs one control group may use, None = no limit is known."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return None if quota in ("max", "-1") else int(quota) / int(period)


def find_warnings(
    cpus_allowed: int, cpu_quota: float | None, load_average: float | None
) -> tuple[str, ...]:
    """Say what makes every figure taken here unsure, with the figure that says so."""
    warnings = []
    if cpus_allowed < N_CPUS_NEEDED:
        warnings.append(
            f"{cpus_allowed} CPU is allowed here: two threads cannot run in parallel"
        )
    if cpu_quota is not None and cpu_quota < N_CPUS_NEEDED:
        warnings.append(
            f"the CPU quota is {cpu_quota:.2f} CPUs: two threads are throttled"
        )
    # The cores that are left for two threads.
    if load_average is not None and load_average > cpus_allowed - 1:
        warnings.append(
            f"the load was {load_average:.1f} on {cpus_allowed} CPUs "
            f"before the start: the figures compete with other work"
        )
    return tuple(warnings)
