"""The wrong backends of tests/liars, and how often each is found out.

    python benchmarks/wrong_backends.py [--runs N] [--busy LOOPS] [--only NAME]

Each run puts all of them through the comparison, as `gilscope run --quick` does. One
line is printed for each that came out with another status than it deserves, and a sum
at the end. `--busy` runs that many processes beside it that do nothing but compute.
"""

import argparse
import collections
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.known_callables import run_beside, say
from compare import run_all

LIARS = Path(__file__).parents[1] / "tests" / "liars"

# What each deserves; those that are not here are wrong.
STATUSES = {
    "aborts": "crashed",
    "aborts_in_import": "crashed",
    "aborts_when_it_sleeps": "crashed",
    "calls_sys_exit": "crashed",
    "debug_build": "failed",
    "exits_in_threads": "crashed",
    "exits_quietly": "crashed",
    "floods_output": "timeout",
    "forks": "ok",
    "hangs_for_good": "timeout",
    "hangs_held": "timeout",
    "hangs_in_import": "timeout",
    "hangs_released": "timeout",
    "hangs_the_second_time": "timeout",
    "interrupts": "failed",
    "leaves_daemon": "ok",
    "leaves_process": "ok",
    # It doubles its input until that no longer fits.
    "mutates_values": "failed",
    "raises": "failed",
    "raises_in_import": "failed",
    "segfaults": "crashed",
    "stops_itself": "timeout",
}
TIMEOUT_S = 120.0
# Those that never end need not be waited for that long.
HANG_TIMEOUT_S = 3.0


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1, help="how often (default: 1)")
    parser.add_argument("--busy", type=int, default=0, help="busy loops beside it")
    parser.add_argument("--only", action="append", help="the name of one of them")
    options = parser.parse_args()
    names = sorted(path.stem for path in LIARS.glob("*.py"))
    wanted = [name for name in names if not options.only or name in options.only]
    missed: collections.Counter[str] = collections.Counter()
    start = time.perf_counter()
    with run_beside(options.busy):
        for run in range(1, options.runs + 1):
            missed.update(name for name in wanted if not is_found_out(name, run))
            say(f"run {run}: {missed.total()} missed so far")
    n_runs = len(wanted) * options.runs
    seconds = (time.perf_counter() - start) / max(1, n_runs)
    say(
        f"Python {sys.version.split()[0]}, {options.busy} busy loops: {len(wanted)} "
        f"wrong backends, {options.runs} runs: {n_runs - missed.total()} found out, "
        f"{missed.total()} missed; {seconds:.1f} s each"
    )
    return 1 if missed else 0


def is_found_out(name: str, run: int) -> bool:
    """Put a wrong backend through the comparison; print what is not as it should be."""
    deserved = STATUSES.get(name, "wrong")
    timeout_s = HANG_TIMEOUT_S if deserved == "timeout" else TIMEOUT_S
    target = f"tests.liars.{name}:backend"
    row = run_all([target], quick=True, timeout_s=timeout_s)[target]
    if row.status != deserved:
        say(f"run {run}: {name}: expected {deserved}, got {row.status}: {row.reason}")
    return row.status == deserved


if __name__ == "__main__":
    sys.exit(main())
