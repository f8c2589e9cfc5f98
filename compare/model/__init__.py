"""What a comparison found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None. The JSON layout is schema 2.

A scenario's result may have `failures` (wrong answers) and `contradictions` (what
was seen against what was declared), each of which makes the backend `wrong`, and
`warnings` (what makes its figures unsure), which do not.
"""

from compare.model.figures import Contention, PairCell, Pairs, Parallel, Sweep
from compare.model.report import BackendResult, Report, Status
from compare.model.scenarios import PARTNER, Correctness, Event, Gil, Handoff
from gilscope.measurement import (
    BreakEven,
    Case,
    Concurrency,
    ContentionRow,
    ParallelRow,
    Place,
    SizeRow,
)
from gilscope.model import (
    Check,
    CheckEnvironment,
    Controls,
    Environment,
    Evidence,
    Verdict,
)

__all__ = [
    "PARTNER",
    "BackendResult",
    "BreakEven",
    "Case",
    "Check",
    "CheckEnvironment",
    "Concurrency",
    "Contention",
    "ContentionRow",
    "Controls",
    "Correctness",
    "Environment",
    "Event",
    "Evidence",
    "Gil",
    "Handoff",
    "PairCell",
    "Pairs",
    "Parallel",
    "ParallelRow",
    "Place",
    "Report",
    "SizeRow",
    "Status",
    "Sweep",
    "Verdict",
]
