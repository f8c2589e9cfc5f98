"""`gilscope run` and `gilscope list`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from compare.cli.output import (
    annotate,
    judge_report,
    list_search_path,
    show_progress,
)
from compare.plan import Plan, make_plan
from compare.render.exports import render_trace
from compare.run import run_plan
from compare.scenarios import SCENARIOS
from gilscope.cli.options import add_backend, add_files, parse_counts, parse_time_limit
from gilscope.cli.output import note, write_text
from gilscope.cli.show import check_files, show_document, show_result, write_files
from gilscope.cli.status import OK, UsageError
from gilscope.render.document import (
    Cell,
    Column,
    Document,
    Note,
    Section,
    Table,
    show_verdict,
)

LIST_TIMEOUT_S = 30.0


def add_run(commands: Any) -> None:
    """Add `gilscope run`."""
    parser = commands.add_parser("run")
    add_backend(parser)
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
        type=parse_time_limit,
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
    add_files(parser)
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
    plan = plan_run(arguments)
    check_files(arguments)
    with show_progress(plan) as progress:
        report = run_plan(plan, progress)
    show_result(report, arguments)
    write_files(report, arguments)
    if arguments.trace is not None:
        write_text(arguments.trace, render_trace(report))
        note(f"wrote {arguments.trace}")
    if arguments.markdown is not None:
        annotate(report)
    return judge_report(report)


def plan_run(arguments: argparse.Namespace) -> Plan:
    """Refuse what is unknown before anything runs."""
    if arguments.contract and not sys.flags.safe_path:
        # A contract is imported here, too; a module of the current folder must not take
        # the place of one that is needed.
        sys.path.append(str(Path.cwd()))
    try:
        return make_plan(
            arguments.backend,
            contract=arguments.contract,
            scenarios=arguments.scenario,
            quick=arguments.quick,
            timeout_s=arguments.timeout,
            threads=arguments.threads,
            path=list_search_path(),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def add_list(commands: Any) -> None:
    """Add `gilscope list`."""
    parser = commands.add_parser("list")
    parser.set_defaults(run=run_list)


def run_list(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it is one entry for all.
    """Load each backend in a process of its own and say what came of it."""
    plan = make_plan(scenarios=(), timeout_s=LIST_TIMEOUT_S)
    with show_progress(plan, is_told=False) as progress:
        report = run_plan(plan, progress)
    rows = [
        (
            result.name,
            result.technology,
            Cell("available", "good")
            if result.status == "ok"
            else show_verdict(result.status),
        )
        for result in report
    ]
    table = Table("Backends", (Column(""), Column(""), Column("")), rows)
    notes = tuple(Note(each.reason, each.name) for each in report if each.reason)
    section = Section("Backends", tables=(table,), notes=notes)
    show_document(Document("Backends", "", (section,)))
    return OK
