"""What the instrument found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None.
"""

from dataclasses import dataclass, field
from typing import Literal

from gilscope.record import Record

Verdict = Literal["releases", "preemptible", "holds", "inconclusive"]


@dataclass(frozen=True)
class Evidence:
    """What was counted beside the calls of one callable.

    Attributes:
        n_calls: calls that were watched while nobody could interrupt them.
        n_windows: stretches of them, each watched from end to end.
        n_windows_released: stretches in which another thread was let in.
        n_ticks: how often the other thread was seen to run inside.
        n_wakeups: stretches in which it was woken out of its wait for the GIL; None
            where the kernel does not tell.
        n_unhindered: without a GIL: how many of the ticks stopped the world, but not
            the call.
        n_proven: without a GIL: how many of those prove it: the call slept all the
            while, or was on its way and computed nothing, but what is attached has to
            compute in order to be stopped.
        n_stopped: without a GIL: how many of the stops stopped the call too.
        n_calls_tried: calls that were interrupted as often as they allow it.
        n_calls_entered: those of them into which another thread got.
        n_calls_interrupted: those into the midst of which it got.
        runs_python: whether a call runs Python functions, None if not found out.
        python_share: the least share of a call that runs lines of Python code; it is
            not followed further than decides the verdict. None if not found out.
    """

    n_calls: int = 0
    n_windows: int = 0
    n_windows_released: int = 0
    n_ticks: int = 0
    n_wakeups: int | None = None
    n_unhindered: int | None = None
    n_proven: int | None = None
    n_stopped: int | None = None
    n_calls_tried: int = 0
    n_calls_entered: int = 0
    n_calls_interrupted: int = 0
    runs_python: bool | None = None
    python_share: float | None = None


@dataclass(frozen=True)
class Controls:
    """What was counted beside callables whose behaviour is known, in the same run.

    Attributes:
        told_apart: whether the machine could tell the three apart; if not, no verdict
            of this run is worth anything.
        reason: what was seen of them.
    """

    releaser: Evidence
    holder: Evidence
    python_loop: Evidence
    told_apart: bool
    reason: str


@dataclass(frozen=True)
class CheckEnvironment:
    """Where a check ran, and what its verdict means there.

    Attributes:
        meaning: "gil": whether others can run Python code during the call;
            "attached": there is no GIL; whether others can stop the world during it.
        gil_enabled_by: the module whose import turned the GIL back on in a
            free-threaded build; None if none did, or if it could not be found.
        tells_wakeups: whether the kernel tells how often a thread was woken.
    """

    python: str
    platform: str
    cpu_count: int
    free_threaded_build: bool
    gil_enabled: bool
    meaning: Literal["gil", "attached"]
    gil_enabled_by: str | None = None
    tells_wakeups: bool = False


@dataclass(frozen=True)
class Check(Record):
    """Whether one callable gives the GIL away, and what says so.

    Attributes:
        name: the callable, for the reader.
        verdict: "releases", "preemptible" (gives nothing away, but is Python code that
            others can interrupt), "holds" or "inconclusive".
        reason: why, in a sentence.
        released_fraction: the share of a call for which others could run.
        released_fraction_best: the same in the stretch where it was largest; a loaded
            machine makes it smaller in others, and larger in none.
        longest_hold_s: the longest time in a call for which they could not.
        waiting_s: how long a call waited to get the GIL back from one other thread
            that keeps it for microseconds.
        call_s: how long the shortest call took.
        calls: how often it was called in all.
        notes: what else is worth knowing.
    """

    name: str
    verdict: Verdict
    reason: str
    environment: CheckEnvironment
    released_fraction: float | None = None
    released_fraction_best: float | None = None
    longest_hold_s: float | None = None
    waiting_s: float | None = None
    call_s: float | None = None
    calls: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    controls: Controls | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """Where a comparison ran.

    Attributes:
        gil_enabled: in the process that asked for the comparison.
        cpus_allowed: how many CPUs this process may use.
        cpu_quota: how many CPUs its control group may use, None = no limit.
        load_average: over the last minute, before it started; None = not told here.
        started_at: in UTC, as ISO 8601.
        warnings: what makes every figure unsure, with the figure that says so.
    """

    python: str
    implementation: str
    free_threaded_build: bool
    gil_enabled: bool
    cpu_count: int
    cpus_allowed: int
    cpu_quota: float | None
    load_average: float | None
    platform: str
    machine: str
    switch_interval_s: float
    gilscope: str
    started_at: str
    warnings: tuple[str, ...] = ()
