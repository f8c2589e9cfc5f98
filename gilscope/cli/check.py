"""`gilscope check`: does a statement release the GIL?"""

import argparse
import platform
from collections.abc import Iterator, Sequence
from typing import Any

from gilscope.check import BUDGET_S, TIMEOUT_S
from gilscope.cli import options, output
from gilscope.cli.options import option
from gilscope.cli.progress import show_waiting
from gilscope.environment import is_free_threaded_build
from gilscope.limits import check_limits
from gilscope.model import Check
from gilscope.probe.child import Statement, StatementError, judge_in_child
from gilscope.record import SCHEMA, format_json
from gilscope.render.results import show_check

STATUSES = {"met": output.OK, "missed": output.WRONG, "unclear": output.UNSURE}
# How much longer than its figures a check takes, with the start of a process.
START_S = 0.3

CHECK: options.Arguments = {
    **options.SETUP,
    **options.JSON,
    "--prepare": option(
        "STATEMENT",
        "run before every call, and not watched; for another line, give it again",
        action="append",
    ),
    "--min-fraction": option("F", "the least released fraction, 0 to 1"),
    "--max-hold": option("T", "the longest hold that is allowed, such as 10ms"),
    "--budget": option(
        "T",
        "about how long the figures of a statement may take (default: 0.5s)",
        type=options.parse_time_limit,
        default=BUDGET_S,
    ),
    "--timeout": option(
        "T",
        "how long to wait for a sign of life (default: 60s)",
        type=options.parse_time_limit,
        default=TIMEOUT_S,
    ),
    "--both": options.flag(
        "judge with the GIL on and with it off, on a free-threaded build"
    ),
    **options.make_statement("; each argument is judged by itself", nargs="+"),
}


def run_check(arguments: argparse.Namespace) -> int:
    """Judge each statement in a process of its own, and show the verdicts."""
    if arguments.both and not is_free_threaded_build():
        message = (
            "--both: expected a free-threaded build of Python, got "
            f"{platform.python_version()} with nothing but a GIL"
        )
        raise output.UsageError(message)
    checks: list[Check] = []
    statuses = {output.OK}
    try:
        for check in judge_statements(arguments):
            checks.append(check)
            answers = check_limits(check, arguments.min_fraction, arguments.max_hold)
            statuses |= {STATUSES[answer.outcome] for answer in answers}
            if arguments.json != "-":
                if len(checks) > 1:
                    output.write("")
                limits = [f"  {each.outcome}: {each.text}" for each in answers[1:]]
                output.show_document(show_check(check, limits))
    except output.UsageError:
        # Earlier checks are not lost.
        if checks:
            output.write_text(arguments.json, render_json(checks, arguments))
        raise
    output.write_text(arguments.json, render_json(checks, arguments))
    return output.choose_worst(statuses)


def judge_statements(arguments: argparse.Namespace) -> Iterator[Check]:
    """Yield the check of each statement, or both of them."""
    setup, prepare = options.join_lines(arguments.setup), None
    if arguments.prepare:
        prepare = options.join_lines(arguments.prepare)
    # As with `python -m timeit`, modules of the current folder can be named.
    path, timeout_s = options.list_search_path(), arguments.timeout
    for text in arguments.statement:
        wanted = Statement(text, setup, prepare, arguments.budget)
        for gil in ("1", "0") if arguments.both else (None,):
            with (
                output.refuse(StatementError),
                show_waiting(text, "judging", arguments.budget + START_S),
            ):
                check = judge_in_child(wanted, timeout_s=timeout_s, path=path, gil=gil)
            yield check


def render_json(checks: Sequence[Check], arguments: argparse.Namespace) -> str:
    """Return one check as it is, both by what they mean, and several as a list."""
    if len(arguments.statement) > 1:
        content: dict[str, Any] = {"checks": [found.to_dict() for found in checks]}
    elif arguments.both:
        content = {found.environment.meaning: found.to_dict() for found in checks}
    else:
        return checks[0].to_json()
    return format_json({"schema": SCHEMA, **content})
