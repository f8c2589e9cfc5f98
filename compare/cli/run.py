"""`gilscope run` and `gilscope list`."""

import argparse
from typing import Any

from rich.table import Table
from rich.text import Text

from compare.cli.output import (
    ReportConsole,
    check_files,
    find_modules,
    judge_report,
    show_progress,
    show_report,
    write_files,
)
from compare.plan import Plan, make_plan
from compare.render.table import STYLES
from compare.run import run_plan
from compare.scenarios import SCENARIOS
from gilscope.cli.options import add_backend, add_json, parse_counts, parse_seconds
from gilscope.cli.output import check_writable, write, write_text
from gilscope.cli.status import OK, UsageError

LIST_TIMEOUT_S = 30.0


def add_run(commands: Any) -> None:
    """Add `gilscope run`."""
    parser = commands.add_parser("run", help="compare backends")
    add_backend(parser)
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
        type=parse_seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long one backend may take for everything (default: %(default)g)",
    )
    parser.add_argument(
        "--threads",
        type=parse_counts,
        default=(2,),
        metavar="N,N",
        help="how many threads the parallel scenario tries (default: 2)",
    )
    add_json(parser)
    parser.add_argument("--html", metavar="FILE", help="write the report as one page")
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="write the handoff as Chrome Trace Event JSON, for Perfetto or speedscope",
    )
    parser.add_argument(
        "--explain", action="store_true", help="say in words what was found, and why"
    )
    parser.set_defaults(run=run_run)


def run_run(arguments: argparse.Namespace) -> int:
    """Compare, and show what was found."""
    plan = plan_run(arguments)
    check_writable(arguments.json)
    check_files(arguments)
    with show_progress(plan) as progress:
        report = run_plan(plan, progress)
    if arguments.json != "-":
        show_report(report)
        if arguments.explain:
            write(f"\n{report.explain()}")
    write_text(arguments.json, report.to_json())
    write_files(arguments, report)
    return judge_report(report)


def plan_run(arguments: argparse.Namespace) -> Plan:
    """Refuse what is unknown before anything runs."""
    try:
        return make_plan(
            arguments.backend,
            scenarios=arguments.scenario,
            quick=arguments.quick,
            timeout_s=arguments.timeout,
            threads=arguments.threads,
            path=find_modules(),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def add_list(commands: Any) -> None:
    """Add `gilscope list`."""
    parser = commands.add_parser("list", help="name the backends and what they lack")
    parser.set_defaults(run=run_list)


def run_list(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it is one entry for all.
    """Load each backend in a process of its own and say what came of it."""
    report = run_plan(make_plan(scenarios=(), timeout_s=LIST_TIMEOUT_S))
    grid = Table.grid(padding=(0, 2))
    for result in report:
        state = "available" if result.status == "ok" else result.reason
        grid.add_row(
            Text(result.name),
            Text(result.technology),
            Text(state, STYLES[result.status]),
        )
    ReportConsole().print(grid)
    return OK
