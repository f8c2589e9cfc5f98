"""From what a witness noted beside calls to figures.

No thread, no clock and no GIL here: windows in, figures out.

Time is that of the caller: its run-queue wait is no part of a call. What the witness
did not see, because it had no core, widens a range and is never put down to the call.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter, truediv
from typing import NamedTuple

from gilscope.probe.witness import PAUSE_S, Tick
from gilscope.stats import Figure

PAUSE_NS = int(PAUSE_S * 1e9)
# A call that computes for this share of its time does nothing else.
ALL_COMPUTING = 0.9
# Calls during which the process computes for less than this share of the time sleep
# with the GIL held, so that computing time does not tell how far they have come.
COMPUTING_SHARE = 0.3


class Window(NamedTuple):
    """Some calls, one right after the other, watched from end to end."""

    # Clock readings before, between and after the calls: one more than calls.
    stamps: Sequence[int]
    # Those that the witness took in between.
    ticks: Sequence[Tick]
    # Whether a thread was woken out of its wait for the GIL; None where nobody tells.
    was_woken: bool | None = None
    # What was told of both threads at both ends.
    start: Tick = Tick(0)
    end: Tick = Tick(0)
    # Whether the witness slept at the end, so that all of its waits are known.
    ends_asleep: bool = False

    @property
    def n_calls(self) -> int:
        """How many calls it spans."""
        return len(self.stamps) - 1

    @property
    def is_released(self) -> bool:
        """Whether the GIL was released inside."""
        return bool(self.was_woken or self.ticks)

    @property
    def call_ns(self) -> int:
        """How long the shortest of the calls took."""
        return min(after - before for before, after in pairwise(self.stamps))

    @property
    def own_ns(self) -> int:
        """How long all of it took, without the caller's run-queue wait."""
        waited_ns, _ = count_waits(self.start, self.end)
        passed_ns = self.stamps[-1] - self.stamps[0]
        # The wait may have begun before the start; what was computed had a core.
        computed_ns = min(passed_ns, count_computed(self.start, self.end) or 0)
        return max(1, passed_ns - waited_ns, computed_ns)

    @property
    def waited_ns(self) -> int:
        """How long caller and witness had no core."""
        return sum(count_waits(self.start, self.end))

    @property
    def marks(self) -> list[Tick]:
        """Its start, what the witness noted, and its end."""
        start, end = self.stamps[0], self.stamps[-1]
        return [
            self.start._replace(at_ns=start),
            *self.ticks,
            self.end._replace(at_ns=end),
        ]


class Delays(NamedTuple):
    """What a witness takes that nobody keeps out, nanoseconds."""

    # From one tick to the next after the usual pause.
    spacing_ns: float = 120_000
    # From a release to the tick.
    waking_ns: float = 0


class HoldEstimate(NamedTuple):
    """For how long others were kept out, nanoseconds: between low and high."""

    value: float
    low: float
    high: float
    # The same with the caller's run-queue wait.
    clock: float = 0.0
    # Whether there was a hold, or only a time that nobody saw.
    is_seen: bool = True
    # Time that may have been held in addition without being seen.
    missed_ns: float = 0.0
    # The time of the caller in which it was, and what of that came first and was seen
    # by nobody; None where it may have come first or last.
    own_ns: float = 0.0
    unseen_first_ns: float | None = 0.0


def count_waits(before: Tick, after: Tick) -> tuple[int, int]:
    """Return the run-queue waits of caller and witness between two ticks, in ns."""
    pairs = (before.caller, after.caller), (before.witness, after.witness)
    caller, witness = (
        0
        if then is None or now is None
        else max(0, now.waiting_for_core - then.waiting_for_core)
        for then, now in pairs
    )
    return caller, witness


def count_computed(before: Tick, after: Tick) -> int | None:
    """Return how long the caller computed between two ticks, None if not told."""
    if before.computed is None or after.computed is None:
        return None
    return max(0, after.computed - before.computed)


def compute_delays(controls: Sequence[Window], windows: Sequence[Window]) -> Delays:
    """Return the usual delays of a witness beside calls that begin with a release."""
    spacings = [
        after.at_ns
        - before.at_ns
        - before.pause_ns
        + PAUSE_NS
        - count_waits(before, after)[1]
        for window in (*controls, *windows)
        for before, after in pairwise(window.ticks)
        if not was_kept_out(before, after)
    ]
    wakings = [
        window.ticks[0].at_ns
        - window.stamps[0]
        - count_waits(window.start, window.ticks[0])[1]
        for window in controls
        if window.ticks
    ]
    usual = Delays()
    return Delays(
        statistics.median(spacings) if spacings else usual.spacing_ns,
        max(0, statistics.median(wakings)) if wakings else usual.waking_ns,
    )


def computes(call: Window, read: Callable[[Tick], int | None]) -> bool:
    """Return whether computing takes a good part of a call.

    A loaded machine makes the share small in some calls, and large in none.
    """
    progress = [each for each in map(read, call.marks) if each is not None]
    is_told = len(progress) == len(call.marks)
    return is_told and progress[-1] - progress[0] >= COMPUTING_SHARE * call.own_ns


def is_computing(windows: Sequence[Window]) -> bool:
    """Return whether calls do nothing but compute, so that this is their time.

    Linux tells of a run-queue wait when it is over, so that too much or too little may
    be taken off for one window; and not of all that keeps a thread from its core, which
    is why one window without a wait is enough.
    """
    computed = [count_computed(each.start, each.end) or 0 for each in windows]
    own = [each.own_ns for each in windows]
    passed = [max(1, each.stamps[-1] - each.stamps[0]) for each in windows]
    return (
        max(c / p for c, p in zip(computed, passed, strict=True)) > ALL_COMPUTING
        or statistics.median(map(truediv, computed, own)) > ALL_COMPUTING
    )


def was_kept_out(before: Tick, after: Tick) -> bool | None:
    """Return whether the witness had to wait for the GIL, None if nobody tells.

    It sleeps once for its pause, and once more where it waits for the GIL.
    """
    if before.n_sleeps is None or after.n_sleeps is None:
        return None
    return after.n_sleeps - before.n_sleeps > 1


def estimate_holds(
    window: Window, delays: Delays, *, computes_only: bool
) -> Iterator[HoldEstimate]:
    """Yield the hold between any two ticks of a window, and up to its ends."""
    marks = window.marks
    for before, after in pairwise(marks):
        is_first, is_last = before is marks[0], after is marks[-1]
        passed = max(0, after.at_ns - before.at_ns)
        caller, witness = count_waits(before, after)
        computed = count_computed(before, after) or 0
        own = computed if computes_only else max(passed - caller, computed)
        own = max(0, min(own, passed))
        # At the start the caller has the GIL, and afterwards if it waited for it.
        is_known = is_first or before.caller_waits
        pause = delays.spacing_ns + before.pause_ns - PAUSE_NS
        pause = 0 if is_known else max(0, pause)
        # The witness does not look in its pause, and where it has no core.
        unseen = min(passed, witness + pause)
        was_held = was_kept_out(before, after)
        if was_held is None:
            was_held = passed - unseen >= pause
        is_same = before.n_switches == after.n_switches is not None
        if is_first and is_last and not window.was_woken:
            yield HoldEstimate(own, own, own, passed, own_ns=own)
        elif is_last and not (window.ends_asleep and (is_first or was_held)):
            # The witness had no core to look, and held nobody out.
            is_free = is_same and not is_first
            high = 0.0 if is_free else own
            yield HoldEstimate(
                high / 2, 0, high, high and passed, is_seen=is_free, own_ns=own
            )
        elif is_first or is_last or was_held:
            # A hold that was found began at some moment of the pause, and was over
            # before the witness had come back.
            waking = 0 if is_last else delays.waking_ns
            low = max(0, own - unseen - waking)
            yield HoldEstimate(
                (low + own) / 2,
                low,
                own,
                passed - unseen,
                own_ns=own,
                unseen_first_ns=0.0 if is_known else own - low if is_last else None,
            )
        else:
            # A hold that was over by then was missed, if the GIL changed hands.
            high = 0 if is_same else min(own, witness)
            missed = 0 if is_same else min(own, unseen) - high
            yield HoldEstimate(0, 0, high, missed_ns=missed, own_ns=own)


def select_longest(window: Window, holds: Sequence[HoldEstimate]) -> HoldEstimate:
    """Return the longest hold of one call that was seen in the window."""
    seen = [hold for hold in holds if hold.is_seen]
    if not seen:
        return HoldEstimate(0, 0, window.own_ns, is_seen=False)
    longest = max(seen, key=attrgetter("low", "value"))
    if window.n_calls == 1:
        return longest
    # Each of the calls was held for no longer than it took.
    steps = [after - before for before, after in pairwise(window.stamps)]
    waited_ns = window.stamps[-1] - window.stamps[0] - window.own_ns
    limit = max(statistics.median(steps), max(steps) - waited_ns)
    value, low, high = (min(limit, each) for each in longest[:3])
    return HoldEstimate(value, low, high, min(max(steps), longest.clock))


def select_longest_hold(holds: Sequence[HoldEstimate]) -> tuple[Figure, Figure] | None:
    """Return the longest hold of all, in seconds, and the same by the clock."""
    seen = [hold for hold in holds if hold.is_seen]
    if not seen:
        return None
    longest = max(seen, key=attrgetter("low"))
    clock = longest.clock / 1e9
    value = min(longest.value, longest.high)
    own = Figure(value / 1e9, longest.low / 1e9, longest.high / 1e9)
    return own, Figure(max(clock, own.low), own.low, max(clock, own.high))


def estimate_first_hold(window: Window, delays: Delays) -> Figure:
    """Return the longest hold of a call that is watched but once, in seconds.

    What nobody saw of it may have been held, and widens the range.
    """
    holds = [*estimate_holds(window, delays, computes_only=is_computing([window]))]
    longest = max(holds, key=attrgetter("low"))
    high = max(hold.high + hold.missed_ns for hold in holds)
    # A witness without a tick and without a core may have missed a release.
    low = longest.low if window.ticks or window.ends_asleep else 0.0
    return Figure(longest.value / 1e9, low / 1e9, high / 1e9)
