"""The lecture's program: a Python thread and the backend share one result.

The Python partner sleeps, doubles and writes to index 0; the backend doubles with a
released and a held second and writes to index 1. A busy thread beside them shows how
fast Python code gets on in either.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from compare.contract import Implementation
from compare.double_list.observe import find_short_sleep, find_trace_fault, picture
from compare.model import PARTNER, Event, Handoff
from compare.scenarios import NotApplicable, Options
from compare.work import shorten
from gilscope.busy_thread import BusyThread
from gilscope.environment import is_gil_enabled
from gilscope.threads import run_together, switch_interval

VALUES = (1, 2, 3)
DOUBLED = (2, 4, 6)

# The lecture's seconds; the short form keeps their proportions.
PARTNER_SLEEP_S = 0.1
# Longer than the GIL is released, so that the partner wakes up while it is held.
LATE_PARTNER_SLEEP_S = 1.2
PHASE_S = 1.0
QUICK_SCALE = 0.1

# Nobody is interrupted within a call so much shorter than the switch interval: whoever
# gets in was let in. Who was not seen to get in is looked for again, longer.
PROBES_S = (0.03, 0.1, 0.3)
PROBE_INTERVAL_S = 100.0

# About how many ticks are reported.
N_TICKS_KEPT = 500


def run(implementation: Implementation, options: Options) -> Handoff:
    """Run the two threads and put their stamps in order."""
    if not implementation.contract.can_hand_off:
        message = "the contract has no sleeps and no trace"
        raise NotApplicable(message)
    scale = QUICK_SCALE if options.quick else 1.0
    sleep_s = LATE_PARTNER_SLEEP_S if options.late_partner else PARTNER_SLEEP_S
    show = Show(implementation, PHASE_S * scale, sleep_s * scale)
    show.run()
    return describe_show(show)


@dataclass
class Show:
    """The threads of the lecture's program and the stamps that they leave."""

    implementation: Implementation
    phase_s: float
    partner_sleep_s: float
    result: list[Any] = field(default_factory=lambda: [[], []])
    trace: list[Any] = field(default_factory=list)
    busy_thread: BusyThread = field(default_factory=BusyThread)
    partner_stamps: dict[str, int] = field(default_factory=dict)
    call_ns: tuple[int, int] = (0, 0)
    # Whether others ran while the call slept, released and held, nobody interrupted.
    is_released: bool = True
    is_let_in: bool = False

    def run(self) -> None:
        """Let them run; raise what the call raises."""
        with self.busy_thread, self.busy_thread.computing():
            run_together(self.double_list_py, self.call)
        if is_gil_enabled():
            self.is_released = False
            for seconds in PROBES_S:
                n_released, n_held = count_ticks(self.implementation, seconds)
                self.is_released |= n_released > 0
                self.is_let_in |= n_held > 0
                if self.is_released:
                    break

    def double_list_py(self) -> None:
        """Do the partner's part, as in the lecture."""
        stamps, clock = self.partner_stamps, time.perf_counter_ns
        stamps["enter"] = clock()
        stamps["sleep"] = clock()
        time.sleep(self.partner_sleep_s)
        self.result[0] = [item * 2 for item in VALUES]
        stamps["exit"] = clock()

    def call(self) -> None:
        """Do the implementation's part."""
        start_ns = time.perf_counter_ns()
        self.implementation.function(
            list(VALUES),
            self.result,
            1,
            released_sleep=self.phase_s,
            held_sleep=self.phase_s,
            trace=self.trace,
        )
        self.call_ns = start_ns, time.perf_counter_ns()


def count_ticks(implementation: Implementation, seconds: float) -> tuple[int, int]:
    """Return how often other Python code ran while a call slept, released and held."""
    trace: list[Any] = []
    ticks: list[int] = []
    is_done = threading.Event()

    def tick() -> None:
        while not is_done.wait(seconds / 100):
            ticks.append(time.perf_counter_ns())

    def call() -> tuple[int, int]:
        sleeps = {"released_sleep": seconds, "held_sleep": seconds / 3}
        start_ns = time.perf_counter_ns()
        try:
            implementation.function(list(VALUES), [[]], 0, trace=trace, **sleeps)
        finally:
            is_done.set()
        return start_ns, time.perf_counter_ns()

    with switch_interval(PROBE_INTERVAL_S):
        _, called_ns = run_together(tick, call)
    if len(trace) != 1 or find_trace_fault(trace[0], *called_ns):
        return 0, 0
    _, kernel_start, kernel_end, acquired, leave = trace[0]
    middles = find_middle(kernel_start, kernel_end), find_middle(acquired, leave)
    n_released, n_held = (
        sum(start < stamp < end for stamp in ticks) for start, end in middles
    )
    return n_released, n_held


def describe_show(show: Show) -> Handoff:
    """Make the result of the stamps, or of the failure to leave good ones."""
    opened_ns = min(show.partner_stamps["enter"], show.call_ns[0])
    failures = []
    expected, got = picture([list(DOUBLED), list(DOUBLED)]), picture(show.result)
    if got != expected:
        failures.append(f"result: expected {expected}, got {shorten(got)}")
    stamps = [(at, PARTNER, name) for name, at in show.partner_stamps.items()]
    fault = f"expected one entry, got {len(show.trace)}"
    if len(show.trace) == 1:
        fault = find_trace_fault(show.trace[0], *show.call_ns) or ""
    first, second = (take_ints(answer) for answer in (*show.result, None, None)[:2])
    found = Handoff(
        results=(first, second),
        events=(),
        released_s=None,
        waiting_s=None,
        held_s=None,
        partner_progress_released=None,
        partner_progress_held=None,
        partner_sleep_s=show.partner_sleep_s,
        ticks_s=tuple(
            round((stamp - opened_ns) / 1e9, 6)
            for stamp in thin_stamps(show.busy_thread.stamps)
        ),
    )
    if fault:
        failures.append(f"1.9 trace: {fault}")
    else:
        enter, kernel_start, kernel_end, acquired, leave = show.trace[0]
        asked = dict.fromkeys(("released_sleep", "held_sleep"), show.phase_s)
        if short := find_short_sleep(show.trace[0], asked):
            failures.append(f"1.3 trace: {short}")
        progress = show.busy_thread.compute_speed
        found = replace(
            found,
            released_s=(kernel_end - kernel_start) / 1e9,
            waiting_s=(acquired - kernel_end) / 1e9,
            held_s=(leave - acquired) / 1e9,
            partner_progress_released=progress(kernel_start, kernel_end),
            partner_progress_held=progress(acquired, leave),
            contradictions=tuple(find_contradictions(show)),
        )
        # Python code that was interrupted let others run too, but released nothing.
        middle = find_middle(kernel_start, kernel_end)
        is_released = show.is_released and progress(*middle) > 0
        names = {
            "enter": enter,
            "release" if is_released else "kernel_start": kernel_start,
            "kernel_end": kernel_end,
            **({"acquire": acquired} if is_released else {}),
            "exit": leave,
        }
        actor = show.implementation.name
        stamps += [(at, actor, name) for name, at in names.items()]
    stamps.sort(key=lambda stamp: stamp[0])
    events = (Event((at - opened_ns) / 1e9, actor, name) for at, actor, name in stamps)
    return replace(found, events=tuple(events), failures=tuple(failures))


def find_middle(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Return a window without its edges, where steps may belong outside.

    An implementation in Python stamps a moment before it holds, and after it releases.
    """
    quarter = (end_ns - start_ns) // 4
    return start_ns + quarter, end_ns - quarter


def find_contradictions(show: Show) -> Iterator[str]:
    """Say how the call let Python code in otherwise than a release is declared."""
    if not is_gil_enabled():
        return
    if show.implementation.releases_gil and not show.is_released:
        yield "declares that it releases the GIL, but holds it while it sleeps"
    if show.is_let_in:
        yield "releases the GIL in held_sleep"


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


def take_ints(answer: Any) -> tuple[int, ...] | None:
    """Return the ints of a list of nothing else, None for anything else."""
    if type(answer) is not list or {*map(type, answer)} - {int}:
        return None
    return tuple(answer)
