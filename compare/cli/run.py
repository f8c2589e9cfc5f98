"""`gilscope run`, `gilscope sweep` and `gilscope list`."""

import argparse
import os
from typing import Any

import compare.render  # noqa: F401 - registers how results are shown.
from compare.cli.progress import show_progress
from compare.model import Report
from compare.plan import Plan, make_plan, make_sweep_plan
from compare.render.exports import render_trace
from compare.run import run_plan
from compare.scenarios import SCENARIOS
from gilscope.cli import options, output
from gilscope.render.document import (
    Cell,
    Column,
    Document,
    Note,
    Section,
    show_verdict,
    tabulate,
)
from gilscope.render.markdown import render_annotation

LIST_TIMEOUT_S = 30.0


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
