"""Judge the calls and run the tests that a workflow names; write its job summary.

What action.yml runs. It is told by GILSCOPE_CHECK (arguments of `gilscope check`, one
call a line), GILSCOPE_PYTEST (arguments of pytest) and GILSCOPE_INCONCLUSIVE ("pass" or
"fail"). The summary is added to the file that GITHUB_STEP_SUMMARY names. Exit status: 0
all well, 1 something is wrong, 2 nothing to do or not understood.
"""

import html
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OK, WRONG, USAGE = range(3)
# What the statuses of the two commands mean, where they mean more than "failed".
CHECK_WORDS = {0: "ok", 3: "could not be judged"}
PYTEST_WORDS = {0: "ok", 5: "no test was run"}
# Of a long log the end says what failed.
N_LINES_SHOWN = 60


class Step(NamedTuple):
    """A command that was run, and what came of it."""

    title: str
    outcome: str
    output: str


def main() -> int:
    """Do it and return the exit status."""
    inconclusive = os.environ.get("GILSCOPE_INCONCLUSIVE", "") or "pass"
    if inconclusive not in {"pass", "fail"}:
        write(f"inconclusive: expected pass or fail, got {inconclusive}")
        return USAGE
    try:
        commands = list(read_commands(inconclusive))
    except ValueError as error:
        write(f"check: {error}")
        return USAGE
    if not commands:
        write("expected an input check or pytest, got neither")
        return USAGE
    steps = [run(title, command) for title, command in commands]
    allowed = {"ok", "could not be judged"} if inconclusive == "pass" else {"ok"}
    for step in steps:
        if step.outcome != "ok":
            level = "warning" if step.outcome in allowed else "error"
            text = escape_command(f"{step.title}: {step.outcome}")
            write(f"::{level} title=gilscope::{text}")
    add_summary(steps)
    return OK if all(step.outcome in allowed for step in steps) else WRONG


def write(text: str) -> None:
    """Write a line into the log, where lines with :: become annotations."""
    print(text, flush=True)


def read_commands(inconclusive: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is to be run, with a title.

    Raises:
        ValueError: a line cannot be split as a shell does it.
    """
    for line in os.environ.get("GILSCOPE_CHECK", "").splitlines():
        arguments = shlex.split(line, comments=True)
        if arguments:
            title = f"gilscope check {shlex.join(arguments)}"
            yield title, ["-m", "gilscope", "check", *arguments]
    arguments = shlex.split(os.environ.get("GILSCOPE_PYTEST", ""))
    if arguments:
        option = "skip" if inconclusive == "pass" else "fail"
        command = ["-m", "pytest", "-ra", f"--gil-inconclusive={option}", *arguments]
        yield f"pytest {shlex.join(arguments)}", command


def run(title: str, arguments: list[str]) -> Step:
    """Run Python with these arguments; pass on what it writes as it comes."""
    write(f"::group::{escape_command(title)}")
    lines = []
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            write(line.rstrip("\n"))
    write("::endgroup::")
    words = PYTEST_WORDS if arguments[1] == "pytest" else CHECK_WORDS
    status = process.returncode
    return Step(title, words.get(status, f"failed ({status})"), "".join(lines))


def add_summary(steps: list[Step]) -> None:
    """Add a line and the output of each step to the job's summary."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    parts = ["## gilscope\n"]
    for step in steps:
        shown = "".join(step.output.splitlines(keepends=True)[-N_LINES_SHOWN:])
        is_open = "" if step.outcome == "ok" else " open"
        head = html.escape(f"{step.title}: {step.outcome}")
        parts += [
            f"<details{is_open}><summary>{head}</summary>\n",
            f"<pre>{html.escape(shown)}</pre>\n</details>\n",
        ]
    with Path(path).open("a", encoding="utf-8") as file:
        file.write("\n".join(parts))


def escape_command(text: str) -> str:
    """Return text as it has to stand in a workflow command."""
    for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(character, code)
    return text


if __name__ == "__main__":
    sys.exit(main())
