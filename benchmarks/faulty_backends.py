"""How often the harness finds each faulty backend, and accuses a right one.

    python benchmarks/faulty_backends.py [--runs N] [--busy LOOPS] [--only NAME]
                                         [--right]

Each run puts each backend of tests/faulty_backends.py through the scenario that is
there to find it; with `--right`, each one of tests/right_backends.py through all. One
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
from tests.faulty_backends import FAULTS, Fault
from tests.right_backends import RIGHT_BACKENDS

TIMEOUT_S = 120.0
# Those that never end need not be waited for that long.
HANG_TIMEOUT_S = 3.0


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1, help="how often (default: 1)")
    parser.add_argument("--busy", type=int, default=0, help="busy loops beside it")
    parser.add_argument("--only", action="append", help="the name of one of them")
    parser.add_argument(
        "--right", action="store_true", help="run the right backends instead"
    )
    options = parser.parse_args()
    known = RIGHT_BACKENDS if options.right else FAULTS
    names = [name for name in known if name in (options.only or known)]
    is_as_deserved = is_right if options.right else is_found
    missed: collections.Counter[str] = collections.Counter()
    start = time.perf_counter()
    with run_beside(options.busy):
        for run in range(1, options.runs + 1):
            missed.update(name for name in names if not is_as_deserved(name, run))
            say(f"run {run}: {missed.total()} missed so far")
    n_runs = len(names) * options.runs
    seconds = (time.perf_counter() - start) / max(1, n_runs)
    kind = "right" if options.right else "faulty"
    say(
        f"Python {sys.version.split()[0]}, {options.busy} busy loops: {len(names)} "
        f"{kind} backends, {options.runs} runs: {n_runs - missed.total()} as deserved, "
        f"{missed.total()} not; {seconds:.1f} s each"
    )
    for name, count in missed.most_common():
        say(f"{name}: {count} of {options.runs}")
    return 1 if missed else 0


def is_found(name: str, run: int) -> bool:
    """Run a faulty backend; print what is not as it should be."""
    fault: Fault = FAULTS[name]
    if fault.skip:
        return True
    try:
        row = run_all(
            [fault.target],
            scenarios=[fault.scenario],
            quick=fault.is_quick,
            timeout_s=HANG_TIMEOUT_S if fault.is_hanging else TIMEOUT_S,
        )[fault.target]
    except Exception as error:  # noqa: BLE001 - the whole run ended without a row.
        say(f"run {run}: {name}: no report: {error!r}")
        return False
    # The reason has the first of what is wrong, the scenario's own result all of it.
    found = getattr(row, fault.scenario)
    wrongs = [getattr(found, kind, ()) for kind in ("failures", "contradictions")]
    told = "\n".join([row.reason, *wrongs[0], *wrongs[1]])
    if row.status == fault.status and all(part in told for part in fault.reasons):
        return True
    say(f"run {run}: {name}: expected {fault.status} for {fault.reasons}, got")
    say(f"    {row.status}: {row.reason}")
    return False


def is_right(name: str, run: int) -> bool:
    """Put a right backend through all scenarios; print of what it is accused."""
    target = f"tests.right_backends:{name}"
    row = run_all([target], quick=True, timeout_s=TIMEOUT_S)[target]
    if row.status != "ok":
        say(f"run {run}: {name}: {row.status}: {row.reason}")
    return row.status == "ok"


if __name__ == "__main__":
    sys.exit(main())
