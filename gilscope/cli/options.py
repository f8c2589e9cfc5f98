"""Options that several commands have."""

import argparse
import contextlib
import math
import sys
from pathlib import Path
from typing import Any

OPTIONS: dict[str, dict[str, Any]] = {
    "--setup": {
        "action": "append",
        "metavar": "SETUP",
        "help": "run once before, in each process; again for another line "
        "(default: pass)",
    },
    "--backend": {
        "action": "append",
        "metavar": "NAME",
        "help": "a registered name or package.module:attribute; again for another one "
        "(default: all that are registered)",
    },
    "--json": {
        "metavar": "FILE",
        "help": "write JSON; - is standard output, which then has nothing else",
    },
    "--html": {"metavar": "FILE", "help": "write one page"},
    "--markdown": {
        "metavar": "FILE",
        "help": "write Markdown, such as for the summary of a CI job",
    },
}
FILES = ("--json", "--html", "--markdown")
SHORT = {"--setup": ("-s",)}


def add(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add some of OPTIONS."""
    for name in names:
        parser.add_argument(*SHORT.get(name, ()), name, **OPTIONS[name])


def add_statement(
    parser: argparse.ArgumentParser, more: str = "", **attributes: Any
) -> None:
    """Add the argument STATEMENT, or several of them."""
    parser.add_argument(
        "statement",
        type=parse_statement,
        metavar="STATEMENT",
        help=f"Python code, as `python -m timeit` takes it{more}",
        **attributes,
    )


def join_lines(lines: list[str] | None) -> str:
    """Return the code of an option that was given line by line."""
    return "\n".join(lines or ("pass",))


def list_search_path() -> list[str]:
    """Return where the user's modules are looked for: as with `python -m`.

    Only child processes look there first. In this one a module of the current folder
    could take the place of one that is needed.
    """
    return [*([] if sys.flags.safe_path else [str(Path.cwd())]), *sys.path]


def append_folder() -> None:
    """Let modules of the current folder be imported here, after all others."""
    if not sys.flags.safe_path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


def parse_statement(text: str) -> str:
    """Return a statement that does something."""
    if text.strip():
        return text
    message = f"expected a statement, got {text!r}"
    raise argparse.ArgumentTypeError(message)


def parse_seconds(text: str) -> float:
    """Return a positive, finite number of seconds."""
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if seconds > 0 and math.isfinite(seconds):
            return seconds
    message = f"expected a number of seconds over 0, got {text!r}"
    raise argparse.ArgumentTypeError(message)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration over 0 such as 10ms, 0.5s or 200us."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3), ("s", 1.0)):
        if text.endswith(unit):
            with contextlib.suppress(argparse.ArgumentTypeError):
                return parse_seconds(text.removesuffix(unit)) * size
            break
    message = f"expected a duration over 0 such as 10ms, 0.5s or 200us, got {text!r}"
    raise argparse.ArgumentTypeError(message)


def parse_time_limit(text: str) -> float:
    """Return the seconds of a time limit: a duration, or a number of seconds."""
    with contextlib.suppress(argparse.ArgumentTypeError):
        return parse_seconds(text)
    return parse_duration(text)


def parse_counts(text: str) -> tuple[int, ...]:
    """Return positive counts that commas separate."""
    with contextlib.suppress(ValueError):
        counts = tuple(int(part) for part in text.split(","))
        if min(counts) > 0:
            return counts
    message = f"expected counts over 0 like 1,2,4, got {text!r}"
    raise argparse.ArgumentTypeError(message)
