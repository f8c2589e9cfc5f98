"""`gilscope sweep`: from which amount of work on does releasing the GIL pay?"""

import argparse
from typing import Any

from compare.cli.output import (
    judge_report,
    list_search_path,
    show_progress,
)
from compare.run import run_plan
from compare.sweeping import make_sweep_plan
from gilscope.cli.options import add_backend, add_files
from gilscope.cli.output import note
from gilscope.cli.show import check_files, show_result, write_files


def add_sweep(commands: Any) -> None:
    """Add `gilscope sweep`."""
    parser = commands.add_parser("sweep")
    add_backend(parser)
    parser.add_argument(
        "--quick", action="store_true", help="a smaller grid, in fewer rounds"
    )
    add_files(parser)
    parser.set_defaults(run=run_sweep)


def run_sweep(arguments: argparse.Namespace) -> int:
    """Say how long it will take, sweep, and show the grid of each backend."""
    plan, planned_s = make_sweep_plan(
        arguments.backend, quick=arguments.quick, path=list_search_path()
    )
    check_files(arguments)
    note(f"this takes about {planned_s:.0f} s")
    with show_progress(plan) as progress:
        report = run_plan(plan, progress)
    show_result(report, arguments)
    write_files(report, arguments)
    return judge_report(report)
