"""Arguments that several commands have, as argparse takes them, and how they are read.

Here and in each command's module, arguments are data: how argparse takes each, by its
names.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from gilscope.threads import THREAD_LIMITS, WAIT_MAX_S, check_counts

Arguments = dict[str, dict[str, Any]]


def option(metavar: str, text: str, **more: Any) -> dict[str, Any]:
    """Return an argument with a value, read by what it stands for, and its help."""
    parse = PARSERS.get(metavar, str)
    return {"metavar": metavar, "help": text, "type": parse, **more}


def flag(text: str) -> dict[str, Any]:
    """Return an option without a value, and its help."""
    return {"action": "store_true", "help": text}


def join_lines(lines: list[str] | None) -> str:
    """Return the code of an option that was given line by line."""
    return "\n".join(lines or ("pass",))


def list_search_path() -> list[str]:
    """Return where the user's modules are looked for: as with `python -m`.

    Only child processes look there first. In this one a module of the current folder
    could take the place of one that is needed.
    """
    return [*find_folder(), *sys.path]


def append_folder() -> None:
    """Let modules of the current folder be imported here, after all others."""
    sys.path += [folder for folder in find_folder() if folder not in sys.path]


def find_folder() -> list[str]:
    """Return the current folder, if there is one and its modules can be named."""
    # Somebody may have deleted it.
    with contextlib.suppress(OSError):
        return [] if sys.flags.safe_path else [str(Path.cwd())]
    return []


def refuse_value(expected: str, text: str) -> NoReturn:
    """Refuse a value that is not what was expected."""
    message = f"expected {expected}, got {text!r}"
    raise argparse.ArgumentTypeError(message)


def parse_statement(text: str) -> str:
    """Return a statement that does something."""
    if text.strip():
        return parse_code(text)
    refuse_value("a statement", text)


def parse_code(text: str) -> str:
    """Return code, which is UTF-8 whatever the locale."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parse_file(text: str) -> str:
    """Return the name of a file."""
    if text:
        return text
    refuse_value("a file", text)


def parse_fraction(text: str) -> float:
    """Return a fraction from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    refuse_value("a number from 0 to 1", text)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration over 0 such as 10ms, 0.5s or 200us."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3), ("s", 1.0)):
        if text.endswith(unit) and (seconds := read_seconds(text.removesuffix(unit))):
            return seconds * size
    refuse_value("a duration over 0 such as 10ms, 0.5s or 200us", text)


def parse_time_limit(text: str) -> float:
    """Return the seconds of a time limit: a duration, or a number of seconds."""
    return read_seconds(text) or parse_duration(text)


def read_seconds(text: str) -> float:
    """Return a number of seconds that can be waited for, 0 for what is none."""
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if 0 < seconds < WAIT_MAX_S:
            return seconds
    return 0.0


def parse_counts(text: str, limits: range = THREAD_LIMITS) -> list[int]:
    """Return counts that commas separate."""
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        refuse_value("counts such as 1,2,4", text)
    try:
        return check_counts("counts", counts, limits)
    except ValueError as error:
        # The option is named already.
        raise argparse.ArgumentTypeError(str(error).partition(": ")[2]) from error


# How a value is read, by what stands for it in the help.
PARSERS: dict[str, Callable[[str], Any]] = {
    "STATEMENT": parse_statement,
    "SETUP": parse_code,
    "FILE": parse_file,
    "FILE.json": parse_file,
    "BEFORE.json": parse_file,
    "AFTER.json": parse_file,
    "F": parse_fraction,
    "N,N": parse_counts,
    "T": parse_duration,
    "SECONDS": parse_time_limit,
}
SETUP: Arguments = {
    "-s --setup": option(
        "SETUP",
        "run once before, in each process; for another line, give it again "
        "(default: pass)",
        action="append",
    )
}
BACKEND: Arguments = {
    "--backend": option(
        "NAME",
        "a registered name or package.module:attribute; for another one, give it again "
        "(default: all that are registered)",
        action="append",
    )
}
JSON: Arguments = {
    "--json": option(
        "FILE", "write JSON; - is standard output, which then has nothing else"
    )
}
HTML: Arguments = {"--html": option("FILE", "write an HTML page")}
FILES: Arguments = {
    **JSON,
    **HTML,
    "--markdown": option("FILE", "write Markdown, such as for the summary of a CI job"),
}


def make_statement(more: str = "", **attributes: Any) -> Arguments:
    """Return the argument STATEMENT, or several of them."""
    text = f"Python code, as `python -m timeit` takes it{more}"
    return {"statement": option("STATEMENT", text, type=parse_statement, **attributes)}
