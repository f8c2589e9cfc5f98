"""`gilscope diff` and `gilscope gather`: two results, and many, side by side."""

import argparse
from pathlib import Path

import compare.render  # noqa: F401 - registers how results are shown.
from compare.comparing import diff_sources, gather_sources
from compare.entries import FAMILIES, Source, read_sources
from gilscope.cli import options, output
from gilscope.cli.options import option

DIFF: options.Arguments = {
    "before": option("BEFORE.json", "a result, written with --json"),
    "after": option("AFTER.json", "a later one of the same kind"),
    "--fail-on": option(
        "FIGURE",
        "a figure that may not get worse beyond its range; for another one, give it "
        "again: "
        f"{', '.join(FAMILIES)}",
        action="append",
        choices=FAMILIES,
        default=[],
    ),
    **options.FILES,
}
GATHER: options.Arguments = {
    "file": option(
        "FILE.json", "a report, checks or a measurement, written with --json", nargs="+"
    ),
    **options.FILES,
}


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two results that were written with --json."""
    found = diff_sources(read(arguments.before), read(arguments.after))
    output.deliver(found, arguments)
    if found.select_regressions(arguments.fail_on):
        return output.WRONG
    return output.UNSURE if found.select_unsure(arguments.fail_on) else output.OK


def run_gather(arguments: argparse.Namespace) -> int:
    """Show many results in one table."""
    paths = [*dict.fromkeys(arguments.file)]
    names = [Path(path).stem for path in paths]
    if len({*names}) < len(names):
        # Files of one name, each in a folder of its own.
        names = paths
    pairs = zip(names, paths, strict=True)
    found = gather_sources({name: read(path) for name, path in pairs})
    output.deliver(found, arguments)
    return output.OK


def read(path: str) -> list[Source]:
    """Read what a file has that can be compared."""
    with output.refuse(OSError, ValueError, what=f"cannot read {path}"):
        return read_sources(path)
