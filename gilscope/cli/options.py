"""Options that several commands have."""

import argparse
import contextlib
import math


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


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the options --json, --html and --markdown."""
    add_json(parser)
    parser.add_argument("--html", metavar="FILE", help="write one page")
    parser.add_argument(
        "--markdown",
        metavar="FILE",
        help="write Markdown, such as for the summary of a CI job",
    )


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
