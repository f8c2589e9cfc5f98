"""`gilscope run`, `gilscope sweep` and `gilscope list`."""

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator

from compare.model import Report
from compare.plan import Plan, make_plan, make_sweep_plan
from compare.run import Progress, run_plan
from compare.scenarios import SCENARIOS, sweep
from gilscope.cli import options, output
from gilscope.cli.options import flag, option
from gilscope.cli.progress import ProgressView, make_live
from gilscope.render.document import (
    TONES,
    Cell,
    Column,
    Document,
    Note,
    Section,
    tabulate,
)
from gilscope.render.markdown import render_annotation
from gilscope.render.terminal import STYLES

LIST_TIMEOUT_S = 30.0
# How many seconds each step of one backend takes on an idle machine, and in its short
# form.
STEPS_S = {
    "loading": (0.1, 0.1),
    "correctness": (1.0, 0.4),
    "handoff": (2.1, 0.3),
    "gil": (1.4, 0.4),
    "parallel": (5.6, 0.6),
    "contention": (2.1, 0.4),
    "sweep": (sweep.FULL.planned_s, sweep.QUICK.planned_s),
    "pairs": (8.0, 2.0),
}

RUN: options.Arguments = {
    **options.BACKEND,
    "--contract": option(
        "MODULE:ATTRIBUTE",
        "the contract to implement (default: double_list); --backend then names "
        "implementations that are installed or module:attribute",
    ),
    "--scenario": option(
        "NAME",
        f"one of {', '.join(SCENARIOS)}; for another one, give it again",
        action="append",
    ),
    "--quick": flag("run every scenario in its short form"),
    "--timeout": option(
        "SECONDS",
        "how long one backend may take for everything (default: %(default)g)",
        default=60.0,
    ),
    "--threads": option(
        "N,N",
        "how many threads the parallel scenario tries (default: 2)",
        default=(2,),
    ),
    **options.FILES,
    "--trace": option(
        "FILE",
        "write the handoff as Chrome Trace Event JSON, for Perfetto or speedscope",
    ),
    "--explain": flag("print every scenario's figures, and why"),
}
SWEEP: options.Arguments = {
    **options.BACKEND,
    "--quick": flag("a smaller grid, in fewer rounds"),
    **options.FILES,
}
LIST: options.Arguments = {}


def run_run(arguments: argparse.Namespace) -> int:
    """Compare, and show what was found."""
    if arguments.contract:
        # It is imported here, too.
        options.append_folder()
    with output.refuse(ValueError):
        plan = make_plan(
            arguments.backend,
            contract=arguments.contract,
            scenarios=arguments.scenario,
            quick=arguments.quick,
            timeout_s=arguments.timeout,
            threads=arguments.threads,
            path=options.list_search_path(),
        )
    report, status = run_and_show(plan, arguments)
    if arguments.trace is not None:
        from compare.render.timeline import render_trace  # noqa: PLC0415

        output.write_text(arguments.trace, render_trace(report))
        output.note(f"wrote {arguments.trace}")
    if arguments.markdown is not None and os.environ.get("GITHUB_ACTIONS"):
        # A runner of GitHub shows above its log what failed.
        for result in report:
            if result.status not in ("ok", "unavailable"):
                title = f"{result.name}: {result.status}"
                output.note(render_annotation(title, result.reason))
    return status


def run_sweep(arguments: argparse.Namespace) -> int:
    """Say how long it will take, sweep, and show the grid of each backend."""
    plan, planned_s = make_sweep_plan(
        arguments.backend, quick=arguments.quick, path=options.list_search_path()
    )
    output.note(f"this takes about {planned_s:.0f} s")
    return run_and_show(plan, arguments)[1]


def run_and_show(plan: Plan, arguments: argparse.Namespace) -> tuple[Report, int]:
    """Run a plan, show the report, and return the exit status that it stands for."""
    with show_progress(plan) as progress:
        report = run_plan(plan, progress)
    # What shows it is imported while the first backend starts, if there is one.
    import compare.render  # noqa: F401, PLC0415

    output.deliver(report, arguments)
    if not report.ok:
        return report, output.WRONG
    if any(result.gil and result.gil.verdict == "inconclusive" for result in report):
        return report, output.UNSURE
    return report, output.OK


def run_list(_: argparse.Namespace) -> int:
    """Load each backend in a process of its own and say what came of it."""
    plan = make_plan(scenarios=(), timeout_s=LIST_TIMEOUT_S)
    with show_progress(plan, is_told=False) as progress:
        report = run_plan(plan, progress)
    words = {"ok": "available"}
    columns = (
        Column("", "technology"),
        Column(
            "", lambda one: Cell(words.get(one.status, one.status), TONES[one.status])
        ),
    )
    table = tabulate("Backends", columns, ((each.name, each) for each in report), "")
    notes = [Note(each.reason, each.name) for each in report if each.reason]
    section = Section("Backends", tables=(table,), notes=notes)
    output.show_document(Document("Backends", "", (section,)))
    return output.OK


@contextlib.contextmanager
def show_progress(
    plan: Plan, *, is_told: bool = True
) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, else as lines if told."""
    steps = {name: STEPS_S[name][plan.quick] for name in ("loading", *plan.scenarios)}
    view = ProgressView({job.name: steps for job in plan.jobs})
    live = make_live(view)

    def tell(step: Progress) -> None:
        scenario = step.scenario or "loading"
        is_running, elapsed_s = step.state == "running", step.elapsed_s
        if live is None and is_told:
            words = scenario if is_running else f"{step.state} after {elapsed_s:.1f} s"
            output.note(f"{step.backend}: {words}")
        elif is_running:
            view.begin(step.backend, scenario)
        else:
            view.end(step.backend, step.state, STYLES[TONES[step.state]], elapsed_s)

    with live or contextlib.nullcontext():
        yield tell
