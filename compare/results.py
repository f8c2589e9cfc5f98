"""What a comparison found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None. The JSON layout is schema 1 (docs/contract.md).
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cattrs

SCHEMA = 1

Status = Literal["ok", "wrong", "failed", "crashed", "timeout", "unavailable"]
Verdict = Literal["releases", "preemptible", "holds", "inconclusive"]


@dataclass(frozen=True)
class Correctness:
    """How many of the contract's cases the backend answered as the reference does."""

    passed: int
    failed: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that happened in the two-thread scenario.

    Attributes:
        at_s: seconds after the barrier opened.
        actor: "python" (the partner) or the backend's name.
        name: what happened: "enter", "release", "kernel_end", "acquire", "exit".
    """

    at_s: float
    actor: str
    name: str


@dataclass(frozen=True)
class Handoff:
    """The lecture's two threads on one shared result.

    Attributes:
        results: what stood in the shared list at the end: [partner's, backend's].
        events: both threads' events in the order of time.
        released_s: how long the backend ran without the GIL.
        waiting_s: how long it waited to get the GIL back.
        held_s: how long it kept the GIL afterwards.
        partner_progress_released: speed of the partner's Python code while the
            GIL was released, 1 = as fast as alone, 0 = stopped.
        partner_progress_held: the same while it was held.
        ticks_s: when the partner's counting thread was seen to run.
    """

    results: tuple[tuple[int, ...] | None, ...]
    events: tuple[Event, ...]
    released_s: float
    waiting_s: float
    held_s: float
    partner_progress_released: float
    partner_progress_held: float
    ticks_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class BackendResult:
    """Everything that was found out about one backend; a scenario not run is None."""

    name: str
    status: Status
    reason: str = ""
    technology: str = ""
    declared: bool | None = None
    build_info: Mapping[str, Any] = field(default_factory=dict)
    correctness: Correctness | None = None
    handoff: Handoff | None = None
