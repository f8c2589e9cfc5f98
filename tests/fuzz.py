"""Run the property tests on one backend for as long as one likes.

    python tests/fuzz.py --backend pyo3 --seconds 600

It stops at the first finding, which Hypothesis shrinks and prints with its seed.
Findings become tests in tests/contract/.
"""

import argparse
import importlib.util
import random
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import hypothesis

ROOT = Path(__file__).parents[1]
PROPERTIES = ROOT / "tests/contract/test_properties.py"
N_EXAMPLES = 500


def load_properties() -> Any:
    """Return the module of the property tests, which is no package."""
    spec = importlib.util.spec_from_file_location("test_properties", PROPERTIES)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def fuzz(name: str, duration_s: float) -> tuple[int, int]:
    """Try new examples until the time is over; return how many, and the last seed."""
    # The tree is on the path where this is run as a script, too.
    sys.path.insert(0, str(ROOT))
    import backends  # noqa: PLC0415

    backend = backends.get(name)
    hypothesis.settings.register_profile(
        "fuzz",
        max_examples=N_EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("fuzz")
    module = load_properties()
    properties = [
        getattr(module, found) for found in vars(module) if found.startswith("test_")
    ]
    warnings.simplefilter("ignore", DeprecationWarning)
    deadline = time.monotonic() + duration_s
    n_examples = 0
    seed = random.SystemRandom().getrandbits(64)
    while time.monotonic() < deadline:
        seed += 1
        for test in properties:
            hypothesis.seed(seed)(test)(backend=backend)
            n_examples += N_EXAMPLES
    return n_examples, seed


def main() -> None:
    """Read the arguments, fuzz, and say how far it came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    n_examples, seed = fuzz(arguments.backend, arguments.seconds)
    sys.stdout.write(
        f"{arguments.backend}: {n_examples} examples, last seed {seed}, no finding\n"
    )


if __name__ == "__main__":
    main()
