"""All figures of docs/performance.md in one run: `python -m benchmarks.figures`.

It prints Markdown to be pasted there. Nothing else should run meanwhile: what is built
is built last, so that no build meets a measurement of this run.
"""

import argparse
import gc
import os
import platform
import sys

import backends
from benchmarks import kernel, over_floor, start
from benchmarks.floor import FloorNotBuiltError


def describe_machine() -> str:
    """Return what the figures were seen on."""
    facts = [
        f"{platform.python_implementation()} {platform.python_version()}",
        platform.platform(terse=True),
        f"{platform.machine()}, {os.cpu_count()} CPUs",
    ]
    for name in backends.available():
        info = backends.get(name).build_info()
        facts.append(f"{name} {info['version']} ({info['compiler']})")
    if hasattr(os, "getloadavg"):
        facts.append(f"load {os.getloadavg()[0]:.1f} at the start")
    return "\n".join(f"- {fact}" for fact in facts)


def main() -> None:
    """Measure and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=over_floor.N_TURNS)
    parser.add_argument("--without-builds", action="store_true")
    arguments = parser.parse_args()

    def write(*lines: str) -> None:
        sys.stdout.write("\n".join(lines) + "\n\n")
        sys.stdout.flush()

    write("Seen on:", "", describe_machine())
    gc.disable()
    try:
        write("## Over the floor", "", over_floor.make_table(arguments.turns))
        write("## The kernel", "", kernel.make_table())
    except FloorNotBuiltError as error:
        write(f"no table: {error}")
    is_building = not arguments.without_builds
    write("## Size and start", "", start.make_table(is_building=is_building))


if __name__ == "__main__":
    main()
