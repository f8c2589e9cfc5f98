"""What the commands of the harness tell while they run."""

import contextlib
from collections.abc import Callable, Iterator

from compare.plan import Plan
from compare.run import Progress
from compare.scenarios.sweep import plan_s
from gilscope.cli.output import note
from gilscope.cli.progress import ProgressView, make_live
from gilscope.render.document import TONES
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

    def tell(step: Progress) -> None:
        words = f"{step.state} after {step.elapsed_s:.1f} s"
        if step.state == "running":
            words = step.scenario or "loading"
        if is_told:
            note(f"{step.backend}: {words}")

    with live or contextlib.nullcontext():
        yield tell if live is None else update
