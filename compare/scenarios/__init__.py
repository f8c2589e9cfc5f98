"""The scenarios: one module each, all with the same entry.

`run(backend, options)` puts one backend through the scenario in this process and
returns a frozen dataclass of compare.results. It never prints, and what it finds
wrong goes into its result; an exception means that the backend itself failed.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Protocol

from backends import Backend

# In the order in which they run and are reported.
DEFAULT_SCENARIOS = ("correctness", "handoff", "gil", "parallel", "contention")


@dataclass(frozen=True)
class Options:
    """How a scenario is to be run.

    Attributes:
        quick: the short form, with the same proportions.
        threads: how many threads the parallel scenario tries.
    """

    quick: bool = False
    threads: tuple[int, ...] = (2,)


class Scenario(Protocol):
    """What every module of this package offers."""

    def run(self, backend: Backend, options: Options) -> Any:
        """Put the backend through the scenario."""


def load_scenario(name: str) -> Scenario:
    """Import the scenario of that name."""
    return importlib.import_module(f"compare.scenarios.{name}")  # type: ignore[return-value]
