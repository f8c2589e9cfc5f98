"""`compare.sweep()`: every backend over a grid of work, and how long that takes."""

from collections.abc import Callable, Iterable

from backends import Backend
from compare.model import Report
from compare.plan import Plan, make_plan
from compare.run import Progress, run_plan
from compare.scenarios.sweep import plan_s

# How many times as long as planned a backend may take on a loaded machine.
PATIENCE = 10.0


def sweep(
    backends: Iterable[str | Backend] | None = None,
    *,
    quick: bool = False,
    timeout_s: float | None = None,
    progress: Callable[[Progress], None] | None = None,
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


def make_sweep_plan(
    backends: Iterable[str | Backend] | None = None,
    *,
    quick: bool = False,
    timeout_s: float | None = None,
    path: Iterable[str] | None = None,
) -> tuple[Plan, float]:
    """Return the plan of a sweep and how many seconds it will take."""
    if timeout_s is None:
        timeout_s = PATIENCE * plan_s(1, quick=quick)
    plan = make_plan(
        backends, scenarios=["sweep"], quick=quick, timeout_s=timeout_s, path=path
    )
    return plan, plan_s(len(plan.jobs), quick=quick)
