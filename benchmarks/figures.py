"""All figures of docs/explanation/performance.md: `python -m benchmarks.figures`.

It prints Markdown; with --into FILE it also replaces what stands there between

    <!-- figures: NAME -->
    <!-- end of figures -->

Nothing else should run meanwhile. What is built is built last, so that no build meets
a measurement of this run.
"""

import argparse
import gc
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import backends
from benchmarks import kernel, over_floor, start
from benchmarks.floor import FloorNotBuiltError


def describe_machine() -> str:
    """Return what the figures were seen on."""
    facts = [
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{platform.system()}, {platform.machine()}, {os.cpu_count()} CPUs",
    ]
    for name in backends.available():
        info = backends.get(name).build_info()
        facts.append(f"{name} {info['version']} ({info['compiler']})")
    if hasattr(os, "getloadavg"):
        facts.append(f"load {os.getloadavg()[0]:.1f} at the start")
    return "\n".join(f"- {fact}" for fact in facts)


def find_figures(n_rounds: int, *, is_building: bool) -> Iterator[tuple[str, str]]:
    """Measure, and give each table with its name."""
    yield "seen on", describe_machine()
    try:
        # The other table has the memory kept that this one wants to be fresh.
        yield "the kernel", kernel.make_table()
        yield "over the floor", over_floor.make_table(n_rounds)
    except FloorNotBuiltError as error:
        yield "no table", str(error)
    yield "size and start", start.make_table(is_building=is_building)


def replace_figures(text: str, name: str, table: str) -> str:
    """Return the text with that table between the marks of that name."""
    head, end = f"<!-- figures: {name} -->\n", "\n<!-- end of figures -->"
    pattern = f"{re.escape(head)}.*?{re.escape(end)}"
    return re.sub(pattern, lambda _: head + table + end, text, flags=re.DOTALL)


def main() -> None:
    """Measure and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=over_floor.N_ROUNDS)
    parser.add_argument("--without-builds", action="store_true")
    parser.add_argument("--into", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    gc.disable()
    is_building = not arguments.without_builds
    text = arguments.into.read_text() if arguments.into else ""
    for name, table in find_figures(arguments.rounds, is_building=is_building):
        sys.stdout.write(f"## {name.capitalize()}\n\n{table}\n\n")
        sys.stdout.flush()
        text = replace_figures(text, name, table)
    if arguments.into:
        arguments.into.write_text(text)


if __name__ == "__main__":
    main()
