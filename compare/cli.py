"""The command `gilscope`: the only module that prints.

The report goes to standard output, everything else to standard error. Exit status: 0
all well, 1 something is wrong, 2 usage, 3 could not tell.
"""

import argparse
import contextlib
import json
import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backends import UnknownBackendError
from compare.check import check_statement
from compare.environment import read_version
from compare.jobs import plan_jobs
from compare.report.diff import diff
from compare.report.html import render_page, require_extra
from compare.report.live import GUESS_S, QUICK_GUESS_S, LiveView
from compare.report.mermaid import render_mermaid
from compare.report.spread import FAMILIES
from compare.report.table import STYLES, WIDTH, make_text
from compare.report.timeline import render_timeline
from compare.report.trace import render_trace
from compare.report.transcript import render_transcript
from compare.results import BackendResult, Report
from compare.runner import Progress, run_all, run_demo, take_scenarios
from compare.scenarios import SCENARIOS
from compare.sweeping import plan_sweep, sweep

OK, WRONG, USAGE, UNSURE = 0, 1, 2, 3
# As a shell reports a command that a signal ended.
SIGNALLED = 128
# Not every system has it by name.
SIGPIPE = 13

DEMO_BACKEND = "pyo3"
LIST_TIMEOUT_S = 30.0


class UsageError(Exception):
    """What the user asked for cannot be done; its text is one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = make_parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    # As with `python -m`, modules of the current folder can be named.
    if not sys.flags.safe_path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        with terminate_cleanly():
            status = run(arguments)
            sys.stdout.flush()
            return status
    except (UsageError, UnknownBackendError) as error:
        say(str(error))
        return USAGE
    except KeyboardInterrupt:
        say("interrupted")
        return SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        # Whoever read the report has seen enough; the interpreter must not try to
        # flush the rest as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SIGNALLED + SIGPIPE


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each subcommand adds itself."""
    parser = argparse.ArgumentParser(
        prog="gilscope", description="Compare what binding technologies do to the GIL."
    )
    parser.add_argument(
        "--version", action="version", version=f"gilscope {read_version()}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (add_run, add_demo, add_list, add_check, add_sweep, add_diff):
        add(commands)
    return parser


# --- gilscope run ---------------------------------------------------------------------


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
    plan_jobs(arguments.backend)
    check_scenarios(arguments.scenario)
    check_writable(arguments.json)
    check_files(arguments)
    with show_progress(arguments.backend, quick=arguments.quick) as progress:
        report = run_all(
            arguments.backend,
            scenarios=arguments.scenario,
            quick=arguments.quick,
            timeout_s=arguments.timeout,
            threads=arguments.threads,
            progress=progress,
        )
    if arguments.json != "-":
        show_report(report)
        if arguments.explain:
            write(f"\n{report.explain()}")
    write_text(arguments.json, report.to_json())
    write_files(arguments, report)
    return judge_report(report)


def check_files(arguments: argparse.Namespace) -> None:
    """Refuse what --html and --trace ask for, if it cannot be had, before the run."""
    for target in (arguments.html, arguments.trace):
        if target == "-":
            message = "only --json goes to standard output: expected a file, got -"
            raise UsageError(message)
        check_writable(target)
    if arguments.html is not None:
        try:
            require_extra()
        except ImportError as error:
            raise UsageError(str(error)) from error


def write_files(arguments: argparse.Namespace, report: Report) -> None:
    """Write what --html and --trace ask for, and say where it is."""
    for target, render in (
        (arguments.html, render_page),
        (arguments.trace, render_trace),
    ):
        if target is not None:
            write_text(target, render(report))
            note(f"wrote {target}")


def show_report(report: Report) -> None:
    """Print the report, in colour only on a terminal."""
    console = ReportConsole()
    if console.is_terminal:
        console.print(make_text(report))
    else:
        write(str(report))


def judge_report(report: Report) -> int:
    """Return the exit status that a report stands for."""
    if not report.ok:
        return WRONG
    if any(result.gil and result.gil.verdict == "inconclusive" for result in report):
        return UNSURE
    return OK


def check_scenarios(names: Sequence[str] | None) -> None:
    """Refuse unknown scenarios before anything runs."""
    try:
        take_scenarios(names)
    except ValueError as error:
        raise UsageError(str(error)) from error


# --- gilscope demo --------------------------------------------------------------------


def add_demo(commands: Any) -> None:
    """Add `gilscope demo`."""
    parser = commands.add_parser("demo", help="print the lecture's two threads")
    parser.add_argument(
        "name",
        nargs="?",
        default=DEMO_BACKEND,
        metavar="NAME",
        help="the backend (default: %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the seconds")
    parser.add_argument(
        "--mermaid",
        action="store_true",
        help="print a sequence diagram for Markdown instead",
    )
    parser.set_defaults(run=run_demo_command)


def run_demo_command(arguments: argparse.Namespace) -> int:
    """Run the lecture's program and print what its threads did, early and late."""
    for is_late in (False,) if arguments.mermaid else (False, True):
        with show_progress([arguments.name], quick=arguments.quick) as progress:
            result = run_demo(
                arguments.name,
                late_partner=is_late,
                quick=arguments.quick,
                progress=progress,
            )
        if result.handoff is not None:
            write(describe_demo(result, is_late=is_late, is_mermaid=arguments.mermaid))
        if result.status != "ok":
            say(f"{result.name}: {result.status}: {result.reason}")
            return WRONG
    return OK


def describe_demo(result: BackendResult, *, is_late: bool, is_mermaid: bool) -> str:
    """Return the lecture's output and timeline, or the diagram of it."""
    assert result.handoff is not None
    if is_mermaid:
        return render_mermaid(result).rstrip()
    head = (
        "\nThe partner sleeps longer than the GIL is released:"
        if is_late
        else f"{result.name}: {result.technology}\n\nThe lecture as written:"
    )
    timeline = render_timeline(result.name, result.handoff)
    return f"{head}\n{render_transcript(result)}\n\n{timeline}".rstrip()


# --- gilscope list --------------------------------------------------------------------


def add_list(commands: Any) -> None:
    """Add `gilscope list`."""
    parser = commands.add_parser("list", help="name the backends and what they lack")
    parser.set_defaults(run=run_list)


def run_list(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it is one entry for all.
    """Load each backend in a process of its own and say what came of it."""
    report = run_all(scenarios=(), timeout_s=LIST_TIMEOUT_S)
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


# --- gilscope check -------------------------------------------------------------------

CHECK_STATUS = {"releases": OK, "inconclusive": UNSURE}


def add_check(commands: Any) -> None:
    """Add `gilscope check`."""
    parser = commands.add_parser("check", help="does a statement release the GIL?")
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        metavar="SETUP",
        help="run once before; again for another line (default: pass)",
    )
    add_json(parser)
    parser.add_argument(
        "statement",
        nargs="+",
        metavar="STATEMENT",
        help="as `python -m timeit` takes it: each argument is a line",
    )
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Judge the statement, and show the verdict with its evidence."""
    check_writable(arguments.json)
    setup = "\n".join(arguments.setup or ("pass",))
    try:
        # What the statement prints must not end up in the JSON.
        with contextlib.redirect_stdout(sys.stderr):
            found = check_statement("\n".join(arguments.statement), setup)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        message = f"the statement cannot be checked: {text.splitlines()[-1]}"
        raise UsageError(message) from error
    if arguments.json != "-":
        write(str(found))
    write_text(arguments.json, found.to_json())
    return CHECK_STATUS.get(found.verdict, WRONG)


# --- gilscope sweep -------------------------------------------------------------------


def add_sweep(commands: Any) -> None:
    """Add `gilscope sweep`."""
    parser = commands.add_parser(
        "sweep", help="from which amount of work on does releasing the GIL pay?"
    )
    add_backend(parser)
    parser.add_argument(
        "--quick", action="store_true", help="a smaller grid, in fewer rounds"
    )
    add_json(parser)
    parser.add_argument("--html", metavar="FILE", help="write the plot as one page")
    parser.set_defaults(run=run_sweep, trace=None)


def run_sweep(arguments: argparse.Namespace) -> int:
    """Say how long it will take, sweep, and show the grid of each backend."""
    planned_s = plan_sweep(arguments.backend, quick=arguments.quick)
    check_writable(arguments.json)
    check_files(arguments)
    note(f"this takes about {planned_s:.0f} s")
    with show_progress(arguments.backend, quick=arguments.quick) as progress:
        report = sweep(arguments.backend, quick=arguments.quick, progress=progress)
    if arguments.json != "-":
        show_report(report)
    write_text(arguments.json, report.to_json())
    write_files(arguments, report)
    return judge_report(report)


# --- gilscope diff --------------------------------------------------------------------


def add_diff(commands: Any) -> None:
    """Add `gilscope diff`."""
    parser = commands.add_parser("diff", help="what changed between two reports")
    parser.add_argument("before", metavar="BEFORE.json")
    parser.add_argument("after", metavar="AFTER.json")
    parser.add_argument(
        "--fail-on",
        action="append",
        choices=FAMILIES,
        default=[],
        metavar="FIGURE",
        help="a figure that may not get worse beyond its spread; again for another "
        f"one: {', '.join(FAMILIES)}",
    )
    add_json(parser)
    parser.set_defaults(run=run_diff)


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two reports that were written with --json."""
    check_writable(arguments.json)
    found = diff(read_report(arguments.before), read_report(arguments.after))
    if arguments.json != "-":
        write(str(found))
    write_text(arguments.json, json.dumps(found.to_dict(), indent=2) + "\n")
    if found.find_regressions(arguments.fail_on):
        return WRONG
    return UNSURE if found.find_unsure(arguments.fail_on) else OK


def read_report(path: str) -> Report:
    """Read a report from a file."""
    try:
        return Report.from_json(Path(path))
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        message = f"cannot read {path}: {text}"
        raise UsageError(message) from error


# --- What the subcommands share -------------------------------------------------------


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add the option --backend."""
    parser.add_argument(
        "--backend",
        action="append",
        metavar="NAME",
        help="a registered name or package.module:attribute; again for another one "
        "(default: all that are registered)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option --json."""
    parser.add_argument(
        "--json", metavar="FILE", help="write JSON; - is standard output, alone"
    )


def parse_seconds(text: str) -> float:
    """Return a positive, finite number of seconds."""
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if seconds > 0 and math.isfinite(seconds):
            return seconds
    message = f"expected a number of seconds over 0, got {text!r}"
    raise argparse.ArgumentTypeError(message)


def parse_counts(text: str) -> tuple[int, ...]:
    """Return positive counts that commas separate."""
    with contextlib.suppress(ValueError):
        counts = tuple(int(part) for part in text.split(","))
        if min(counts) > 0:
            return counts
    message = f"expected counts over 0 like 1,2,4, got {text!r}"
    raise argparse.ArgumentTypeError(message)


def check_writable(target: str | None) -> None:
    """Refuse a file that cannot be written before anything runs."""
    if target is None or target == "-":
        return
    path = Path(target)
    is_new = not path.exists()
    if not (is_new or path.is_file() or path.is_dir()):
        # A pipe or a device tells only when it is written to.
        return
    try:
        with path.open("a", encoding="utf-8"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise UsageError(describe_write_error(target, error)) from error


def write_text(target: str | None, text: str) -> None:
    """Write a text to a file, to standard output if that is "-", or nowhere."""
    if target is None:
        return
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(describe_write_error(target, error)) from error


def describe_write_error(target: str, error: OSError) -> str:
    """Return why a file cannot be written."""
    return f"cannot write {target}: {error.strerror or error}"


def say(text: str) -> None:
    """Write what went wrong to standard error."""
    note(f"gilscope: {text}")


def note(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")


def write(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class ReportConsole(Console):
    """Standard output, for what rich lays out."""

    def __init__(self) -> None:
        """Take the width of the report, and texts as they are."""
        super().__init__(file=sys.stdout, width=WIDTH, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to main(), which knows what it means."""
        raise BrokenPipeError


@contextlib.contextmanager
def show_progress(
    wanted: Sequence[str] | None, *, quick: bool
) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, as lines elsewhere."""
    console = Console(file=sys.stderr, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal or console.no_color:
        yield lambda step: note(describe_progress(step))
        return
    names = [job.name for job in plan_jobs(wanted)]
    view = LiveView(names, guess_s=QUICK_GUESS_S if quick else GUESS_S)
    with Live(view, console=console, refresh_per_second=4):
        yield view.update


def describe_progress(step: Progress) -> str:
    """Return a step in a few words."""
    if step.state != "running":
        return f"{step.backend}: {step.state} after {step.elapsed_s:.1f} s"
    return f"{step.backend}: {step.scenario or 'loading'}"


@contextlib.contextmanager
def terminate_cleanly() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that no worker is left behind."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(SIGNALLED + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
