"""The lecture's program: a Python thread and the backend share one result.

The Python partner sleeps, doubles and writes to index 0; the backend doubles with a
released and a held second and writes to index 1. A third thread counts in pure
Python: its speed in the backend's released and held window, against its speed alone
in this process, is how far Python code got meanwhile.
"""

import itertools
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from backends import Backend
from compare.results import PARTNER, Event, Handoff
from compare.scenarios import Options
from compare.scenarios.correctness import find_trace_fault, picture, shorten
from compare.threads import run_together

VALUES = (1, 2, 3)
DOUBLED = (2, 4, 6)

# The lecture's seconds; the short form keeps their proportions.
PARTNER_SLEEP_S = 0.1
# Longer than the GIL is released, so that the partner wakes up while it is held.
LATE_PARTNER_SLEEP_S = 1.2
PHASE_S = 1.0
QUICK_SCALE = 0.2

# How long the counting thread is measured alone, before and after.
ALONE_S = 0.3
QUICK_ALONE_S = 0.08
# One step of the counting thread takes about 50 us: a window of 0.2 s has thousands.
N_COUNTED = 1000
# About how many of its steps are reported.
N_TICKS_KEPT = 500


def run(backend: Backend, options: Options) -> Handoff:
    """Run the two threads and put their stamps in order."""
    scale = QUICK_SCALE if options.quick else 1.0
    sleep_s = LATE_PARTNER_SLEEP_S if options.late_partner else PARTNER_SLEEP_S
    alone_s = QUICK_ALONE_S if options.quick else ALONE_S
    speeds = [measure_alone(alone_s)]
    show = Show(backend, PHASE_S * scale, sleep_s * scale)
    show.run()
    speeds.append(measure_alone(alone_s))
    # The faster of the two: noise only ever slows down.
    return describe_show(show, max(speeds))


class Counter:
    """Pure Python work in a thread, with a stamp after each step of it."""

    def __init__(self) -> None:
        """Begin with no stamps."""
        self.stamps: list[int] = []
        self.is_done = False
        self.thread = threading.Thread(target=self.count, daemon=True)

    def __enter__(self) -> Self:
        """Start the work."""
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.is_done = True
        self.thread.join()

    def count(self) -> None:
        """Work until told to stop."""
        stamps, clock = self.stamps, time.perf_counter_ns
        while not self.is_done:
            total = 0
            for number in range(N_COUNTED):
                total += number
            stamps.append(clock())

    def measure_speed(self, start_ns: int, end_ns: int) -> float:
        """Return the steps a second that were completed between two moments."""
        n_steps = sum(start_ns < stamp < end_ns for stamp in self.stamps)
        return n_steps / (end_ns - start_ns) * 1e9


def measure_alone(seconds: float) -> float:
    """Return the speed of the counting thread when nothing runs beside it."""
    with Counter() as counter:
        start_ns = time.perf_counter_ns()
        time.sleep(seconds)
        end_ns = time.perf_counter_ns()
    return counter.measure_speed(start_ns, end_ns)


@dataclass
class Show:
    """The threads of the lecture's program and the stamps that they leave."""

    backend: Backend
    phase_s: float
    partner_sleep_s: float
    result: list[Any] = field(default_factory=lambda: [[], []])
    trace: list[Any] = field(default_factory=list)
    counter: Counter = field(default_factory=Counter)
    partner_stamps: dict[str, int] = field(default_factory=dict)
    call_ns: tuple[int, int] = (0, 0)

    def run(self) -> None:
        """Let them run; raise what the backend raises."""
        with self.counter:
            run_together(self.double_list_py, self.call_backend, timeout_s=None)

    def double_list_py(self) -> None:
        """Do the partner's part, as in the lecture."""
        stamps, clock = self.partner_stamps, time.perf_counter_ns
        stamps["enter"] = clock()
        stamps["sleep"] = clock()
        time.sleep(self.partner_sleep_s)
        self.result[0] = [item * 2 for item in VALUES]
        stamps["exit"] = clock()

    def call_backend(self) -> None:
        """Do the backend's part."""
        start_ns = time.perf_counter_ns()
        self.backend.double_list(
            list(VALUES),
            self.result,
            1,
            released_sleep=self.phase_s,
            held_sleep=self.phase_s,
            trace=self.trace,
        )
        self.call_ns = start_ns, time.perf_counter_ns()


def describe_show(show: Show, speed_alone: float) -> Handoff:
    """Make the result of the stamps, or of the failure to leave good ones."""
    opened_ns = min(show.partner_stamps["enter"], show.call_ns[0])
    failures = find_result_failures(show.result)
    fault = (
        find_trace_fault(show.trace[0], *show.call_ns)
        if len(show.trace) == 1
        else f"expected one entry, got {len(show.trace)}"
    )
    events = make_events(PARTNER, show.partner_stamps.items(), opened_ns)
    released_s = waiting_s = held_s = progress_released = progress_held = None
    if fault:
        failures.append(f"1.9 trace: {fault}")
    else:
        enter, kernel_start, kernel_end, acquired, leave = show.trace[0]
        released_s = (kernel_end - kernel_start) / 1e9
        waiting_s = (acquired - kernel_end) / 1e9
        held_s = (leave - acquired) / 1e9
        speed = show.counter.measure_speed
        progress_released = speed(kernel_start, kernel_end) / speed_alone
        progress_held = speed(acquired, leave) / speed_alone
        # At its edges a window may have steps that belong outside: a backend written
        # in Python stamps a moment before it takes hold, and after it lets go.
        quarter = (kernel_end - kernel_start) // 4
        is_released = speed(kernel_start + quarter, kernel_end - quarter) > 0
        stamps = {
            "enter": enter,
            "release" if is_released else "kernel_start": kernel_start,
            "kernel_end": kernel_end,
            **({"acquire": acquired} if is_released else {}),
            "exit": leave,
        }
        events += make_events(show.backend.name, stamps.items(), opened_ns)
    first, second = (take_ints(answer) for answer in (*show.result, None, None)[:2])
    return Handoff(
        results=(first, second),
        events=tuple(sorted(events, key=lambda event: event.at_s)),
        released_s=released_s,
        waiting_s=waiting_s,
        held_s=held_s,
        partner_progress_released=progress_released,
        partner_progress_held=progress_held,
        partner_sleep_s=show.partner_sleep_s,
        ticks_s=tuple(
            round((stamp - opened_ns) / 1e9, 6)
            for stamp in thin_stamps(show.counter.stamps)
        ),
        failures=tuple(failures),
    )


def thin_stamps(stamps: list[int]) -> list[int]:
    """Return stamps that tell the same in a picture: no two closer than it can show."""
    if not stamps:
        return []
    least = (stamps[-1] - stamps[0]) / N_TICKS_KEPT
    kept = stamps[:1]
    for before, stamp in itertools.pairwise(stamps):
        # Both sides of a gap are kept, so that it stays as long as it was.
        if stamp - before >= least > 0 and kept[-1] != before:
            kept.append(before)
        if stamp - kept[-1] >= least:
            kept.append(stamp)
    return kept


def make_events(
    actor: str, stamps: Iterable[tuple[str, int]], opened_ns: int
) -> list[Event]:
    """Return events with their time after the barrier opened."""
    return [Event((stamp - opened_ns) / 1e9, actor, name) for name, stamp in stamps]


def take_ints(answer: Any) -> tuple[int, ...] | None:
    """Return the ints of a list of nothing else, None for anything else."""
    if type(answer) is not list or {*map(type, answer)} - {int}:
        return None
    return tuple(answer)


def find_result_failures(result: list[Any]) -> list[str]:
    """Return how the shared result differs from what both threads should leave."""
    expected = picture([list(DOUBLED), list(DOUBLED)])
    got = picture(result)
    if got == expected:
        return []
    return [f"result: expected {expected}, got {shorten(got)}"]
