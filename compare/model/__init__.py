"""What a comparison found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None. The JSON layout is schema 1 (docs/contract.md).

A scenario's result may have `failures` (wrong answers) and `contradictions` (what
was seen against what was declared), each of which makes the backend `wrong`, and
`warnings` (what makes its figures unsure), which do not.
"""

from compare.model.figures import (
    BreakEven,
    Case,
    Contention,
    ContentionRow,
    Course,
    PairCell,
    Pairs,
    Parallel,
    ParallelRow,
    Range,
    Sweep,
    SweepCell,
)
from compare.model.report import BackendResult, Report, Status
from compare.model.scenarios import PARTNER, Correctness, Event, Gil, Handoff
from gilscope.model import (
    SCHEMA,
    Check,
    CheckEnvironment,
    Controls,
    Environment,
    Evidence,
    Verdict,
    structure,
)

__all__ = [
    "PARTNER",
    "SCHEMA",
    "BackendResult",
    "BreakEven",
    "Case",
    "Check",
    "CheckEnvironment",
    "Contention",
    "ContentionRow",
    "Controls",
    "Correctness",
    "Course",
    "Environment",
    "Event",
    "Evidence",
    "Gil",
    "Handoff",
    "PairCell",
    "Pairs",
    "Parallel",
    "ParallelRow",
    "Range",
    "Report",
    "Status",
    "Sweep",
    "SweepCell",
    "Verdict",
    "structure",
]
