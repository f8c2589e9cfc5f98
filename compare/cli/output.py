"""What the commands of the harness tell while they run, and at their end."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from compare.model import Report
from compare.plan import Plan
from compare.run import Progress
from compare.scenarios.sweep import plan_s
from gilscope.cli.output import note
from gilscope.cli.progress import ProgressView, make_live
from gilscope.cli.status import OK, UNSURE, WRONG
from gilscope.render.document import TONES
from gilscope.render.markdown import render_annotation
from gilscope.render.terminal import STYLES

# How many seconds each step of one backend takes on an idle machine, and in its short
# form.
STEPS_S = {
    "loading": (0.1, 0.1),
    "correctness": (1.0, 0.3),
    "handoff": (2.1, 0.4),
    "gil": (1.4, 0.5),
    "parallel": (5.6, 1.4),
    "contention": (2.1, 0.5),
    "sweep": (plan_s(1, quick=False), plan_s(1, quick=True)),
    "pairs": (8.0, 2.0),
}


def annotate(report: Report) -> None:
    """Name what failed to a runner of GitHub, which shows it above the log."""
    if os.environ.get("GITHUB_ACTIONS"):
        for result in report:
            if result.status not in ("ok", "unavailable"):
                title = f"{result.name}: {result.status}"
                note(render_annotation(title, result.reason))


def list_search_path() -> list[str]:
    """Return where a backend of the user's is looked for: as with `python -m`.

    Only the workers look there. In this process a module of the current folder could
    take the place of one that is needed.
    """
    here = [] if sys.flags.safe_path else [str(Path.cwd())]
    return [*here, *sys.path]


def judge_report(report: Report) -> int:
    """Return the exit status that a report stands for."""
    if not report.ok:
        return WRONG
    if any(result.gil and result.gil.verdict == "inconclusive" for result in report):
        return UNSURE
    return OK


@contextlib.contextmanager
def show_progress(
    plan: Plan, *, is_told: bool = True
) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, as lines elsewhere.

    Args:
        plan: what runs.
        is_told: whether there are lines where no terminal is.
    """
    steps = {name: STEPS_S[name][plan.quick] for name in ("loading", *plan.scenarios)}
    view = ProgressView({job.name: steps for job in plan.jobs})
    live = make_live(view)

    def update(step: Progress) -> None:
        if step.state == "running":
            view.begin(step.backend, step.scenario or "loading")
        else:
            style = STYLES[TONES[step.state]]
            view.end(step.backend, step.state, style, step.elapsed_s)

    if live is None:
        yield lambda step: note(describe_progress(step)) if is_told else None
        return
    with live:
        yield update


def describe_progress(step: Progress) -> str:
    """Return a step in a few words."""
    if step.state != "running":
        return f"{step.backend}: {step.state} after {step.elapsed_s:.1f} s"
    return f"{step.backend}: {step.scenario or 'loading'}"
