"""The lecture's program: a Python thread and the backend share one result.

The Python partner sleeps, doubles and writes to index 0; the backend doubles with a
released and a held second and writes to index 1. A third thread counts in pure
Python: for how much of the backend's released and held window it did is how far
Python code got meanwhile.
"""

import itertools
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from backends import Backend
from compare.double_list.observe import (
    find_short_sleep,
    find_trace_fault,
    picture,
    shorten,
)
from compare.measure.counter import Counter
from compare.model import PARTNER, Event, Handoff
from compare.scenarios import Options
from gilscope.environment import is_gil_enabled
from gilscope.kernel import tells_core_waits
from gilscope.threads import run_together, switch_interval

VALUES = (1, 2, 3)
DOUBLED = (2, 4, 6)

# The lecture's seconds; the short form keeps their proportions.
PARTNER_SLEEP_S = 0.1
# Longer than the GIL is released, so that the partner wakes up while it is held.
LATE_PARTNER_SLEEP_S = 1.2
PHASE_S = 1.0
QUICK_SCALE = 0.1

# What is seen against the declaration, or not seen, is looked at once more.
N_LOOKS = 2
# Python code that gets less done in the middle of a phase was kept out of it, and with
# more it was let in.
KEPT_OUT_MAX = 0.1
LET_IN_MIN = 0.5
# The share of a phase for which the counting thread has to have had a core, or no need
# of one.
CORED_MIN = 0.5

# Nobody is interrupted within a call so much shorter than the switch interval: whoever
# gets in was let in. Looked at again, for want of a core.
PROBE_S = 0.05
PROBE_INTERVAL_S = 5.0
N_PROBES = 3

# About how many of its steps are reported.
N_TICKS_KEPT = 500


def run(backend: Backend, options: Options) -> Handoff:
    """Run the two threads and put their stamps in order."""
    scale = QUICK_SCALE if options.quick else 1.0
    sleep_s = LATE_PARTNER_SLEEP_S if options.late_partner else PARTNER_SLEEP_S
    for _ in range(N_LOOKS):
        show = Show(backend, PHASE_S * scale, sleep_s * scale)
        show.run()
        found = describe_show(show)
        if not found.contradictions and show.had_core:
            break
    return found


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
    is_given_away: bool = True

    def run(self) -> None:
        """Let them run; raise what the backend raises."""
        with self.counter:
            run_together(self.double_list_py, self.call_backend, timeout_s=None)
        self.is_given_away = not is_gil_enabled() or any(
            gives_gil_away(self.backend) for _ in range(N_PROBES)
        )

    @property
    def had_core(self) -> bool:
        """Whether the counting thread did not lack a core for most of the release."""
        if len(self.trace) != 1 or find_trace_fault(self.trace[0], *self.call_ns):
            return True
        start_ns, end_ns = find_middle(*self.trace[0][1:3])
        counter = self.counter
        waited_ns = counter.find_wait_ns(end_ns) - counter.find_wait_ns(start_ns)
        return waited_ns < (1 - CORED_MIN) * (end_ns - start_ns)

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


def gives_gil_away(backend: Backend) -> bool:
    """Return whether other Python code runs while nobody can be interrupted."""
    trace: list[Any] = []
    stamps: list[int] = []
    is_done = threading.Event()

    def watch() -> None:
        while not is_done.wait(PROBE_S / 50):
            stamps.append(time.perf_counter_ns())

    watcher = threading.Thread(target=watch, daemon=True)
    with switch_interval(PROBE_INTERVAL_S):
        watcher.start()
        called_ns = time.perf_counter_ns()
        try:
            backend.double_list(
                list(VALUES), [[]], 0, released_sleep=PROBE_S, trace=trace
            )
        finally:
            is_done.set()
            watcher.join()
    returned_ns = time.perf_counter_ns()
    if len(trace) != 1 or find_trace_fault(trace[0], called_ns, returned_ns):
        return False
    start_ns, end_ns = find_middle(*trace[0][1:3])
    return any(start_ns < stamp < end_ns for stamp in stamps)


def describe_show(show: Show) -> Handoff:
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
        asked = dict.fromkeys(("released_sleep", "held_sleep"), show.phase_s)
        if short := find_short_sleep(show.trace[0], asked):
            failures.append(f"1.3 trace: {short}")
        released_s = (kernel_end - kernel_start) / 1e9
        waiting_s = (acquired - kernel_end) / 1e9
        held_s = (leave - acquired) / 1e9
        progress = show.counter.measure_progress
        progress_released = progress(kernel_start, kernel_end)
        progress_held = progress(acquired, leave)
        # Python code that was interrupted let others run too, but released nothing.
        is_released = (
            show.is_given_away and progress(*find_middle(kernel_start, kernel_end)) > 0
        )
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
        contradictions=() if fault else tuple(find_contradictions(show)),
    )


def find_middle(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Return a window without its edges, where steps may belong outside.

    A backend written in Python stamps a moment before it takes hold, and after it lets
    go.
    """
    quarter = (end_ns - start_ns) // 4
    return start_ns + quarter, end_ns - quarter


def find_contradictions(show: Show) -> Iterator[str]:
    """Say how the call let Python code in otherwise than a release is declared."""
    if not (show.backend.releases_gil and is_gil_enabled() and tells_core_waits()):
        return
    _, kernel_start, kernel_end, acquired, leave = show.trace[0]
    counter = show.counter
    start_ns, end_ns = find_middle(kernel_start, kernel_end)
    if show.had_core and counter.measure_progress(start_ns, end_ns) < KEPT_OUT_MAX:
        yield "declares that it releases the GIL, but keeps it while it sleeps"
    if counter.measure_progress(*find_middle(acquired, leave)) > LET_IN_MIN:
        yield "gives the GIL away in held_sleep"


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
