"""`gilscope watch`: who holds the GIL in a program?"""

import argparse
import os
import sys

import gilscope.render.results  # noqa: F401 - registers how a report is shown.
from gilscope.cli import options, output
from gilscope.cli.options import option
from gilscope.guard import end_like
from gilscope.watcher.launch import WatchedProgram
from gilscope.watcher.offsets import WatchUnavailableError, check_supported

USAGE = (
    "gilscope watch [--over T] [--fail-over T] [--json FILE] [--html FILE] "
    "(SCRIPT | -m MODULE) [ARGS]..."
)
WATCH: options.Arguments = {
    "--over": option(
        "T", "the shortest hold to report, such as 10ms (the default)", default=0.010
    ),
    "--fail-over": option("T", "exit status 1 if a hold was longer"),
    **options.JSON,
    **options.HTML,
    "-m": option(
        "MODULE",
        "the module to run, with its arguments",
        dest="words",
        nargs=argparse.REMAINDER,
    ),
    "script": option(
        "SCRIPT",
        "the script to run, with its arguments; SIGUSR1 prints what was seen so far",
        nargs=argparse.REMAINDER,
    ),
}


def run_watch(arguments: argparse.Namespace) -> int:
    """Run the program, then show who held the GIL."""
    words = take_words(arguments)
    try:
        check_supported()
        # Standard output is for the JSON alone.
        stdout = sys.stderr.fileno() if arguments.json == "-" else None
        program = WatchedProgram(words, arguments.over, stdout)
    except WatchUnavailableError as error:
        output.say(str(error))
        return output.UNSURE
    status = program.wait(lambda: output.write(str(program.report())))
    if program.refusal:
        output.say(program.refusal)
        return output.UNSURE
    if not program.has_begun:
        return status
    if n_unwatched := len(program.unwatched):
        noun = "process" if n_unwatched == 1 else "processes"
        output.say(f"not watched: {n_unwatched} Python {noun} that the program started")
    report = program.report()
    output.deliver(report, arguments)
    if (limit_s := arguments.fail_over) is not None:
        if any(hold.longest_s > limit_s for hold in report.holds):
            return output.WRONG
        if report.is_cut_short:
            return output.UNSURE
    if status < 0:
        # As the program ended, so that a shell sees no difference.
        sys.stdout.flush()
        end_like(status)
    return status


def take_words(arguments: argparse.Namespace) -> list[str]:
    """Return what `python` is run with."""
    script = [*arguments.script]
    if script[:1] == ["--"]:
        del script[0]
    if arguments.words:
        return ["-m", *arguments.words, *script]
    if not script or script[0].startswith("-"):
        got = repr(script[0]) if script else "nothing"
        message = f"watch: expected SCRIPT or -m MODULE, got {got}"
        raise output.UsageError(message)
    if not os.path.exists(script[0]):  # noqa: PTH110 - a folder or an archive too.
        message = f"watch: no such script: {script[0]!r}"
        raise output.UsageError(message)
    return script
