"""`gilscope run`, `gilscope sweep` and `gilscope list`."""

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import compare.render  # noqa: F401 - registers how results are shown.
from compare.model import Report
from compare.plan import Plan, make_plan, make_sweep_plan
from compare.render.exports import render_trace
from compare.run import Progress, run_plan
from compare.scenarios import SCENARIOS
from compare.scenarios.sweep import plan_s
from gilscope.cli import options, output
from gilscope.cli.progress import ProgressView, make_live
from gilscope.render.document import (
    TONES,
    Cell,
    Column,
    Document,
    Note,
    Section,
    show_verdict,
    tabulate,
)
from gilscope.render.markdown import render_annotation
from gilscope.render.terminal import STYLES

LIST_TIMEOUT_S = 30.0
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


def add_run(commands: Any) -> None:
    """Add `gilscope run`."""
    parser = commands.add_parser("run")
    options.add(parser, "--backend")
    parser.add_argument(
        "--contract",
        metavar="MODULE:ATTRIBUTE",
        help="what is implemented (default: double_list); --backend then names "
        "implementations that are installed or module:attribute",
    )
    parser.add_argument(
        "--scenario",
        action="append",
        metavar="NAME",
        help=f"one of {', '.join(SCENARIOS)}; again for another one",
    )
    parser.add_argument(
        "--quick", action="store_true", help="run every scenario in its short form"
    )
    parser.add_argument(
        "--timeout",
        type=options.parse_time_limit,
        default=60.0,
        metavar="SECONDS",
        help="how long one backend may take for everything (default: %(default)g)",
    )
    parser.add_argument(
        "--threads",
        type=options.parse_counts,
        default=(2,),
        metavar="N,N",
        help="how many threads the parallel scenario tries (default: 2)",
    )
    options.add(parser, *options.FILES)
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="write the handoff as Chrome Trace Event JSON, for Perfetto or speedscope",
    )
    parser.add_argument(
        "--explain", action="store_true", help="print every scenario's figures, and why"
    )
    parser.set_defaults(run=run_run)


def run_run(arguments: argparse.Namespace) -> int:
    """Compare, and show what was found."""
    if arguments.contract:
        # It is imported here, too.
        options.append_folder()
    try:
        plan = make_plan(
            arguments.backend,
            contract=arguments.contract,
            scenarios=arguments.scenario,
            quick=arguments.quick,
            timeout_s=arguments.timeout,
            threads=arguments.threads,
            path=options.list_search_path(),
        )
    except ValueError as error:
        raise output.UsageError(str(error)) from error
    output.check_files(arguments)
    report = run_and_show(plan, arguments)
    if arguments.trace is not None:
        output.write_text(arguments.trace, render_trace(report))
        output.note(f"wrote {arguments.trace}")
    if arguments.markdown is not None and os.environ.get("GITHUB_ACTIONS"):
        # A runner of GitHub shows above its log what failed.
        for result in report:
            if result.status not in ("ok", "unavailable"):
                title = f"{result.name}: {result.status}"
                output.note(render_annotation(title, result.reason))
    return judge_report(report)


def add_sweep(commands: Any) -> None:
    """Add `gilscope sweep`."""
    parser = commands.add_parser("sweep")
    options.add(parser, "--backend")
    parser.add_argument(
        "--quick", action="store_true", help="a smaller grid, in fewer rounds"
    )
    options.add(parser, *options.FILES)
    parser.set_defaults(run=run_sweep)


def run_sweep(arguments: argparse.Namespace) -> int:
    """Say how long it will take, sweep, and show the grid of each backend."""
    plan, planned_s = make_sweep_plan(
        arguments.backend, quick=arguments.quick, path=options.list_search_path()
    )
    output.check_files(arguments)
    output.note(f"this takes about {planned_s:.0f} s")
    return judge_report(run_and_show(plan, arguments))


def run_and_show(plan: Plan, arguments: argparse.Namespace) -> Report:
    """Run a plan and show the report."""
    with show_progress(plan) as progress:
        report = run_plan(plan, progress)
    output.deliver(report, arguments)
    return report


def judge_report(report: Report) -> int:
    """Return the exit status that a report stands for."""
    if not report.ok:
        return output.WRONG
    if any(result.gil and result.gil.verdict == "inconclusive" for result in report):
        return output.UNSURE
    return output.OK


def add_list(commands: Any) -> None:
    """Add `gilscope list`."""
    commands.add_parser("list").set_defaults(run=run_list)


def run_list(arguments: argparse.Namespace) -> int:
    """Load each backend in a process of its own and say what came of it."""
    del arguments
    plan = make_plan(scenarios=(), timeout_s=LIST_TIMEOUT_S)
    with show_progress(plan, is_told=False) as progress:
        report = run_plan(plan, progress)
    rows = [(result.name, result) for result in report]
    columns = (Column("", "technology"), Column("", show_status))
    notes = [Note(each.reason, each.name) for each in report if each.reason]
    tables = (tabulate("Backends", columns, rows, ""),)
    section = Section("Backends", tables=tables, notes=notes)
    output.show_document(Document("Backends", "", (section,)))
    return output.OK


def show_status(result: Any) -> Cell:
    """Return whether a backend could be loaded."""
    if result.status == "ok":
        return Cell("available", "good")
    return show_verdict(result.status)


@contextlib.contextmanager
def show_progress(
    plan: Plan, *, is_told: bool = True
) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, else as lines if told."""
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
            output.note(f"{step.backend}: {words}")

    with live or contextlib.nullcontext():
        yield tell if live is None else update
