"""How a call is watched where there is a GIL: windows of calls beside a witness.

With a huge switch interval nobody can be interrupted: a witness that runs, or is
woken, between the start of a call and its end proves that the call released the GIL.
With a tiny one, and a witness that has asked for the GIL before the call begins, the
first bytecode of the call is interrupted: a witness that does not run inside proves
that the call neither released the GIL nor ran Python code.

Source: docs/explanation/how-the-verdict-works.md, which says why each step is taken.
"""

import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, compress, count, repeat
from typing import Any

from gilscope.clock import perf_counter_ns, process_time_ns, thread_time_ns
from gilscope.kernel import WitnessError
from gilscope.model import Evidence
from gilscope.probe.estimate import Window
from gilscope.probe.waiters import Waiters
from gilscope.probe.witness import PAUSE_S, Decoy, Tick, Witness

# The huge interval is at least this long, and this many times one call. A witness
# interrupts the caller once it has waited that long, so only half of it is used.
HUGE_S = 1.0
HUGE_CALLS = 20.0
TINY_S = 50e-6
# Between two interruptions of a call; long enough for the caller to come back.
INTERRUPT_PAUSE_S = 30e-6
# How long the caller holds the GIL for the witness to ask for it: 50 us are what Linux
# adds to a wait of 1 us. Longer where the machine is so busy that it has not.
ASK_S: tuple[float, ...] = (250e-6, 1e-3, 5e-3, 25e-3)
# The witness came to wait, and began to wait again because nobody answered.
ASKED_SLEEPS = 2

MAX_CALLS = 10_000
# Calls shorter than a few pauses are looked at after pauses of different length, which
# are spread evenly over a whole number of calls: each part of a call is met alike.
SAMPLED_NS = 1_000_000
GOLDEN_RATIO = (5**0.5 - 1) / 2

# So long other threads have to have waited for the GIL before a window: who began to
# wait under a shorter interval has asked for it by then.
SETTLED_S = 200e-6
SETTLED_MAX_S = 0.02


class ForkedError(RuntimeError):
    """The call forked the process, and this is the child."""


class SwitchIntervalProbe:
    """Watches calls of this thread, with the turn at the switch interval."""

    def __init__(
        self,
        set_interval: Callable[[float], None],
        witness: Witness,
        decoy: Decoy,
        waiters: Waiters,
    ) -> None:
        """Begin with the shortest huge interval."""
        self._set_interval = set_interval
        self._decoy = decoy
        self._decoy_before: tuple[bool, int] | None = None
        self._pid = os.getpid()
        self.witness = witness
        self.waiters = waiters
        # Windows left out because threads woke in them for other reasons too, and
        # those in which all threads did.
        self.n_unclear = self.n_woken_all = 0
        # What other threads may still wait for under the interval that was.
        self._settled_s = min(SETTLED_MAX_S, 1.2 * sys.getswitchinterval())
        self.use_huge(0)

    def use_huge(self, call_ns: float) -> None:
        """Make the huge interval long enough for a call."""
        self.huge_s = max(HUGE_S, HUGE_CALLS * call_ns / 1e9)
        self.witness.limit_s = self.huge_s / 2
        self.witness.pauses_s = repeat(PAUSE_S)
        self._set_interval(self.huge_s)

    def park(self) -> None:
        """Let witness and other threads wait for the GIL, which this one holds."""
        self._decoy_before = self._decoy.read()
        self.witness.park()
        self.waiters.note(self._settled_s)

    def was_released(self) -> bool | None:
        """Return whether a release woke one of them since; None if nobody can tell."""
        was_woken = self.witness.was_woken()
        if was_woken is False:
            return self.waiters.compare()
        if was_woken and self._decoy.read() != self._decoy_before:
            self.n_woken_all += 1
            return None
        return was_woken

    def watch(self, call: Callable[[], Any], n_calls: int = 1) -> Window | None:
        """Watch calls that nobody can interrupt; None if what was seen says nothing."""
        # What the interpreter made of it: it counts whole microseconds.
        expected = sys.getswitchinterval()
        view = self.witness.view
        self.park()
        parked = self.witness.parked
        start = self._note(parked and parked[1])
        before, read_before = ((), None) if view is None else view.defer()
        # From here to `readings` no bytecode runs but that of the call itself.
        try:
            readings = run_chain(call, n_calls, (perf_counter_ns,), before=before)
        finally:
            self._refuse_child()
        sleep = (False, None) if view is None else view.read_sleep()
        end = self._note(sleep[1])
        was_released = self.was_released()
        ticks, way_back_s = self.witness.rest()
        if sys.getswitchinterval() != expected:
            message = "the call changes the switch interval, which the check relies on"
            raise WitnessError(message)
        self._refuse_rivals(way_back_s)
        stamps = check_complete(call, readings, n_calls + 1)
        took_ns = stamps[-1] - stamps[0]
        if took_ns > self.huge_s / 2 * 1e9:
            # Many times what the first call took.
            self._refuse_rivals(took_ns / 1e9)
            self.use_huge(took_ns / n_calls)
            return None
        inside = select_inside(ticks, stamps)
        self._settled_s = SETTLED_S
        if view is not None and read_before is not None:
            was_parked = read_before().sleep == parked
            if not was_parked or (was_released is None and not inside):
                self.n_unclear += 1
                return None
        return Window(stamps, inside, was_released, start, end, ends_asleep=sleep[0])

    def interrupt(
        self,
        call: Callable[[], Any],
        *,
        pause_s: float = INTERRUPT_PAUSE_S,
        answers: list[Any] | None = None,
    ) -> Window | None:
        """Let the witness ask for the GIL before the call begins, and all the time.

        None if the machine was too busy for it to ask. What the call answers is
        appended to `answers`, or dropped at once.
        """
        witness = self.witness
        pauses_s, witness.pauses_s = witness.pauses_s, repeat(pause_s)
        witness.notes_places = True
        window = None
        try:
            holds_s = ASK_S
            if answers is not None:
                # The call is made but once. A machine that was busy a moment ago may
                # be busier then.
                is_quiet = witness.has_asked or self._interrupt_once(bool, ASK_S[0])
                holds_s = ASK_S[:1] if is_quiet else ASK_S[-1:]
            for hold_s in holds_s:
                window = self._interrupt_once(call, hold_s, answers)
                if window is not None:
                    break
        finally:
            witness.notes_places, witness.pauses_s = False, pauses_s
            self._set_interval(self.huge_s)
        return window

    def _interrupt_once(
        self, call: Callable[[], Any], hold_s: float, answers: list[Any] | None = None
    ) -> Window | None:
        """Do so once; None if the witness had not asked."""
        witness = self.witness
        clocks = (
            perf_counter_ns,
            thread_time_ns,
            process_time_ns,
            witness.read_computed or int,
        )
        before, after, read_ends = plan_asking(witness, hold_s)
        keep = answers is not None
        # The witness has to begin to wait under the tiny interval.
        self._set_interval(TINY_S)
        witness.start()
        try:
            readings = run_chain(call, 1, clocks, before=before, after=after, keep=keep)
        finally:
            self._set_interval(self.huge_s)
            self._refuse_child()
        ticks, _ = witness.rest()
        if answers is not None:
            answers += readings[4:5]
            del readings[4:5]
        readings = check_complete(call, readings, 8)
        ends = read_ends()
        witness.has_asked = ends is not None
        if ends is None:
            return None
        start, end = (
            tick._replace(
                at_ns=at_ns, computed=computed, progress=process_ns - witness_ns
            )
            for tick, (at_ns, computed, process_ns, witness_ns) in zip(
                ends, (readings[:4], readings[4:]), strict=True
            )
        )
        stamps = start.at_ns, end.at_ns
        inside = select_inside(ticks, stamps)
        # It sleeps again and again while it asks.
        last = inside[-1] if inside else start
        n_sleeps = (end.n_sleeps or 0) - (last.n_sleeps or 0)
        is_asleep = n_sleeps >= ASKED_SLEEPS
        return Window(stamps, inside, None, start, end, ends_asleep=is_asleep)

    def _note(self, n_sleeps: int | None) -> Tick:
        """Return what is told of both threads, read by this one."""
        witness = self.witness
        if witness.view is None or witness.caller_view is None:
            return Tick(0)
        return Tick(
            0,
            witness.caller_view.read_times(),
            witness.view.read_times(),
            n_sleeps,
            witness.read_switches and witness.read_switches(),
            thread_time_ns(),
        )

    def _refuse_rivals(self, waited_s: float) -> None:
        """Give up where other threads held the GIL for so long beside the witness."""
        if waited_s > self.huge_s / 2 and (rivals := self.waiters.find_rivals()):
            message = (
                "another thread of this process computes in Python "
                f"({', '.join(rivals)}); what a call releases goes to that one"
            )
            raise WitnessError(message)

    def _refuse_child(self) -> None:
        """Refuse to go on where the call forked, in the child."""
        if os.getpid() != self._pid:
            message = "check(): the call forked the process, and this is the child"
            raise ForkedError(message)


Steps = Sequence[Callable[[], object]]


def plan_asking(
    witness: Witness, hold_s: float
) -> tuple[Steps, Steps, Callable[[], tuple[Tick, Tick] | None]]:
    """Return what makes a witness ask for the GIL without any bytecode.

    It is called before the call and after it; the last function then returns what was
    told at both ends, or None if the witness had not asked.
    """
    view, caller = witness.view, witness.caller_view
    if view is None or caller is None:
        deadline = perf_counter_ns() + int(hold_s * 1e9)
        clock = iter(perf_counter_ns, None)
        spin = partial(all, map(deadline.__gt__, clock))
        return (spin,), (), lambda: (Tick(0), Tick(0))
    early, read_early = view.defer()
    late, read_late = view.defer()
    start, read_start = caller.defer()
    end, read_end = caller.defer()
    last, read_last = view.defer()
    come, ask = partial(view.usleep, 50), partial(view.usleep, int(hold_s * 1e6))

    def read_ends() -> tuple[Tick, Tick] | None:
        asked, ended = read_late(), read_last()
        if asked.sleep[1] - read_early().sleep[1] < ASKED_SLEEPS:
            return None
        return (
            Tick(0, read_start().times, asked.times, asked.sleep[1]),
            Tick(0, read_end().times, ended.times, ended.sleep[1]),
        )

    return (come, *early, ask, *late, *start), (*end, *last), read_ends


def spread_pauses(call_ns: float) -> Iterator[float]:
    """Yield the pauses of a witness beside calls of that length, in seconds."""
    span_s = 0.0
    if 0 < call_ns < SAMPLED_NS:
        span_s = call_ns * math.ceil(SAMPLED_NS / call_ns) / 1e9
    # The fractions of i * i * x are spread evenly, as are those of sums of a few.
    return (PAUSE_S + span_s * (i * i * GOLDEN_RATIO % 1) for i in count())


def select_inside(ticks: Iterable[Tick], stamps: Sequence[int]) -> list[Tick]:
    """Return the ticks between the first stamp and the last."""
    return [tick for tick in ticks if stamps[0] < tick.at_ns < stamps[-1]]


def run_chain(  # noqa: PLR0913 - all but three are by name.
    call: Callable[[], Any],
    n_calls: int,
    clocks: Sequence[Callable[[], int]],
    *,
    before: Steps = (),
    after: Steps = (),
    keep: bool = False,
) -> list[Any]:
    """Read clocks before, between and after calls; return the readings.

    It runs in C throughout. A loop in Python would give others in between the calls
    a chance that the calls do not give, and would hide what happens at their edges.
    An answer is dropped before the clock is read again, as with timeit.
    """
    steps = chain.from_iterable(repeat((*clocks, call), n_calls))
    answers = map(operator.call, chain(before, steps, clocks, after))
    picks = chain.from_iterable(repeat((*repeat(1, len(clocks)), int(keep)), n_calls))
    picked = chain(repeat(0, len(before)), picks, repeat(1, len(clocks)), repeat(0))
    return list(compress(answers, picked))


def check_complete(call: Callable[[], Any], readings: list[Any], expected: int) -> Any:
    """Return the readings, which a StopIteration of the callable cuts short."""
    if len(readings) >= expected:
        return readings
    ended = StopIteration()
    try:
        call()
    except StopIteration as error:
        ended = error
    ended.add_note(
        "the callable has used up what it reads; prepare= (--prepare) gives each call "
        "fresh input"
    )
    raise ended


def count_evidence(
    windows: Iterable[Window | None], tried: Iterable[Window | None] = ()
) -> Evidence:
    """Return the counts."""
    seen = [window for window in windows if window is not None]
    single = [window for window in seen if window.n_calls == 1]
    asked = [window for window in tried if window is not None]
    woken = [window.was_woken for window in seen if window.was_woken is not None]
    n_interrupted = sum(bool(window.ticks) for window in asked)
    return Evidence(
        n_calls=len(single),
        n_released=sum(window.is_released for window in single),
        n_windows=len(seen),
        n_windows_released=sum(window.is_released for window in seen),
        n_ticks=sum(len(window.ticks) for window in seen),
        n_wakeups=sum(woken) if woken else None,
        n_calls_tried=len(asked),
        n_calls_interrupted=n_interrupted,
        runs_python=n_interrupted > 0 if asked else None,
    )
