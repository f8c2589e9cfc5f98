"""What correctness, handoff and gil found."""

from dataclasses import dataclass

from gilscope.model import Check, Verdict
from gilscope.record import Shown

# The actor of an event that is not the backend: the Python thread beside it.
PARTNER = "partner"


@dataclass(frozen=True)
class Correctness(Shown):
    """How many of the contract's cases the backend answered as the reference does."""

    passed: int
    failed: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that happened in the two-thread scenario.

    Attributes:
        at_s: seconds after the barrier opened.
        actor: PARTNER or the backend's name.
        name: what happened: "enter", "sleep" (the partner's), "release",
            "kernel_end", "acquire", "exit".
    """

    at_s: float
    actor: str
    name: str


@dataclass(frozen=True)
class Handoff(Shown):
    """The lecture's two threads on one shared result.

    Attributes:
        results: what stood in the shared list at the end, [partner's, backend's];
            None for what is no list of ints.
        events: both threads' events in the order of time. "release" and "acquire"
            are there only if Python code was seen to run between the two.
        released_s: how long the backend's kernel and sleep took.
        waiting_s: how long it waited to re-acquire the GIL.
        held_s: how long it held the GIL afterwards.
        partner_progress_released: speed of Python code beside the backend while
            the GIL was released, 1 = as fast as alone, 0 = stopped.
        partner_progress_held: the same while it was held.
        partner_sleep_s: how long the Python partner slept before it doubled.
        ticks_s: when that Python code was seen to run, seconds after the barrier;
            of moments too close for a picture, one.
        failures: wrong results, and a trace that breaks clause 1.9.
        contradictions: Python code kept out, or let in, against what is declared.
    """

    results: tuple[tuple[int, ...] | None, ...]
    events: tuple[Event, ...]
    released_s: float | None
    waiting_s: float | None
    held_s: float | None
    partner_progress_released: float | None
    partner_progress_held: float | None
    partner_sleep_s: float
    ticks_s: tuple[float, ...] = ()
    failures: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gil(Shown):
    """The verdict on a backend's own call, against what the backend declares.

    Attributes:
        check: the check of the call.
        held_check: that of the twin that holds the GIL, None if there is none.
        traced_fraction: the kernel's share of a call by the trace, None without one.
        waiting_s: how long a call waited to re-acquire the GIL, by the trace.
        size, passes: the work of the call that was judged.
        contradictions: each a sentence; one is enough to make the backend wrong.
        failures: wrong answers that the judged calls gave.
        warnings: what makes the verdict unsure.
    """

    check: Check
    held_check: Check | None
    traced_fraction: float | None
    waiting_s: float | None
    size: int
    passes: int | None
    contradictions: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """That of the call itself."""
        return self.check.verdict
