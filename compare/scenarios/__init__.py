"""The scenarios: one module each, all with the same entry.

`run(implementation, options)` puts one implementation through the scenario in this
process and returns a frozen dataclass of compare.model. It never prints, and what it
finds wrong goes into its result; an exception means that the implementation itself
failed, unless it is NotApplicable.
"""

import importlib
from dataclasses import dataclass
from typing import Any

# In the order in which they run and are reported.
DEFAULT_SCENARIOS = ("correctness", "handoff", "gil", "parallel", "contention")
# Those that run only when asked for, because they take long.
SCENARIOS = (*DEFAULT_SCENARIOS, "pairs", "sweep")


@dataclass(frozen=True)
class Options:
    """How a scenario is to be run."""

    # The short form, with the same proportions.
    quick: bool = False
    # How many threads the parallel scenario tries.
    threads: tuple[int, ...] = (2,)
    # Name and target of the implementations that stand beside this one in pairs.
    partners: tuple[tuple[str, str], ...] = ()
    # Whether the Python partner of the handoff sleeps longer than the GIL is released,
    # so that it wakes up while the GIL is held.
    late_partner: bool = False


class NotApplicable(Exception):  # noqa: N818 - it is no error.
    """A scenario says nothing: it needs what the contract lacks; the text says what."""


def load_scenario(name: str) -> Any:
    """Import the scenario of that name: a module with `run`."""
    return importlib.import_module(f"compare.scenarios.{name}")
