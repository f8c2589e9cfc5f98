"""From what a witness noted beside calls to figures.

No thread, no clock and no GIL here: windows in, figures out.

Time is that of the caller: its run-queue wait is no part of a call. What the witness
did not see, because it had no core, widens a range and is never put down to the call.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import hypot, sqrt
from operator import attrgetter
from typing import NamedTuple

from gilscope.probe.witness import PAUSE_S, WAKING_NS, Tick
from gilscope.stats import Figure

# Calls shorter than so many pauses are sampled, if there are enough samples.
SAMPLED_CALLS = 2
N_SAMPLED = 8
# A call that computes for this share of its time does nothing else.
ALL_COMPUTING = 0.9
# A range wider than this says nothing.
RANGE_MAX = 0.9

# Calls during which the process computes for less than this share of the time sleep
# with the GIL held, so that computing time does not tell how far they have come.
COMPUTING_SHARE = 0.3
# In a call shorter than this, what holds cannot be told from the Python code around it.
SHORT_NS = 2 * WAKING_NS

# A call is split if its longest piece is a smaller share of it than these, for one
# interruption and for several. A C function in a wrapper is two pieces where its answer
# is large: the work, and the end of the answer when it is dropped.
TWO_STEPS = 2
ONCE_SHARE = 0.55
OFTEN_SHARE = 0.6
# Two interruptions at one place are far apart if this much was computed in between.
LOOP_NS = 100_000
LOOP_SHARE = 0.1


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
    def marks(self) -> list[Tick]:
        """Its start, what the witness noted, and its end."""
        start, end = self.stamps[0], self.stamps[-1]
        return [
            self.start._replace(at_ns=start),
            *self.ticks,
            self.end._replace(at_ns=end),
        ]


class HoldEstimate(NamedTuple):
    """For how long others were kept out, nanoseconds: between low and high."""

    value: float
    low: float
    high: float
    # The same with the caller's run-queue wait.
    clock: float = 0.0
    # Whether there was a hold, or only a time that nobody saw.
    is_seen: bool = True
    # What may have been held in addition without being seen.
    missed_ns: float = 0.0


class Estimate(NamedTuple):
    """What one window says, nanoseconds."""

    own_ns: float
    # Of it, what the witness saw, and what of that was held.
    seen_ns: float
    seen_held_ns: float
    # What was held at the least, and at the most.
    held_low_ns: float
    held_high_ns: float
    # How far either end may be off, and what may have been held in addition: both
    # independent of other windows.
    error_ns: float
    missed_ns: float
    longest: HoldEstimate


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


def estimate_window(window: Window, spacing_ns: int) -> Estimate:
    """Estimate for which share of a window others could run."""
    own = float(window.own_ns)
    holds = [*estimate_holds(window, spacing_ns)]
    seen = [hold for hold in holds if hold.is_seen]
    unseen_ns = sum(hold.high for hold in holds if not hold.is_seen)
    held = sum(hold.value for hold in seen)
    low, high = sum(hold.low for hold in holds), sum(hold.high for hold in holds)
    error = 0.0
    missed = hypot(*(hold.missed_ns for hold in holds))
    if own / window.n_calls < SAMPLED_CALLS * spacing_ns and len(seen) > N_SAMPLED:
        # What is found after a pause is a sample of calls that are shorter than it.
        share = sum(hold.high > 0 for hold in seen[1:]) / len(seen[1:])
        held = low = share * (own - unseen_ns)
        high = low + unseen_ns
        error = 2 * own * sqrt((share * (1 - share) + 1 / len(seen)) / len(seen))
        missed = 0.0
    longest = select_longest(window, holds)
    return Estimate(own, own - unseen_ns, held, low, high, error, missed, longest)


def estimate_holds(window: Window, spacing_ns: int) -> Iterator[HoldEstimate]:
    """Yield the hold between any two ticks of a window, and up to its ends."""
    marks = window.marks
    computed_ns = count_computed(marks[0], marks[-1])
    # Linux tells of a run-queue wait when it is over; computing time is exact.
    is_computing = (
        computed_ns is not None and computed_ns > ALL_COMPUTING * window.own_ns
    )
    for before, after in pairwise(marks):
        is_first, is_last = before is marks[0], after is marks[-1]
        passed = max(0, after.at_ns - before.at_ns)
        caller, witness = count_waits(before, after)
        computed = count_computed(before, after) or 0
        own = computed if is_computing else max(passed - caller, computed)
        own = max(0, min(own, passed))
        pause = spacing_ns + before.pause_ns - int(PAUSE_S * 1e9)
        # At the start the caller has the GIL, and afterwards if it waited for it.
        is_known = is_first or before.caller_waits
        # The witness does not look in its pause, and where it has no core.
        unseen = min(passed, witness + (0 if is_known else max(0, pause)))
        if before.n_sleeps is None or after.n_sleeps is None:
            was_held = passed - unseen >= pause
        else:
            # It sleeps once for its pause, and once more where it waits for the GIL.
            was_held = after.n_sleeps - before.n_sleeps > 1
        is_same = before.n_switches == after.n_switches is not None
        if is_first and is_last and not window.was_woken:
            yield HoldEstimate(own, own, own, passed)
        elif is_last and not (window.ends_asleep and (is_first or was_held)):
            # The witness had no core to look, and held nobody out.
            is_free = is_same and not is_first
            high = 0.0 if is_free else own
            yield HoldEstimate(high / 2, 0, high, high and passed, is_seen=is_free)
        elif is_first or is_last or was_held:
            # A hold that was found began at some moment of the pause.
            low = max(0, own - unseen)
            yield HoldEstimate((low + own) / 2, low, own, passed - unseen)
        else:
            # A hold that was over within a pause was missed, if the GIL changed hands.
            yield HoldEstimate(0, 0, 0, missed_ns=0 if is_same else min(own, unseen))


def select_longest(window: Window, holds: Sequence[HoldEstimate]) -> HoldEstimate:
    """Return the longest hold of one call that was seen in the window."""
    seen = [hold for hold in holds if hold.is_seen]
    if not seen:
        return HoldEstimate(0, 0, window.own_ns, is_seen=False)
    longest = max(seen, key=attrgetter("low"))
    if window.n_calls == 1:
        return longest
    # Each of the calls was held for no longer than it took.
    steps = [after - before for before, after in pairwise(window.stamps)]
    waited_ns = window.stamps[-1] - window.stamps[0] - window.own_ns
    limit = max(statistics.median(steps), max(steps) - waited_ns)
    value, low, high = (min(limit, each) for each in longest[:3])
    return HoldEstimate(value, low, high, min(max(steps), longest.clock))


def estimate_fraction(estimates: Sequence[Estimate]) -> Figure | None:
    """Return the released fraction of all windows together, with its range."""
    own = sum(each.own_ns for each in estimates)
    if not own:
        return None
    error = hypot(*(each.error_ns for each in estimates))
    missed = hypot(error, *(each.missed_ns for each in estimates))
    seen = max(1.0, sum(each.seen_ns for each in estimates))
    value, low, high = (
        1 - min(1.0, max(0.0, share))
        for share in (
            sum(each.seen_held_ns for each in estimates) / seen,
            (sum(each.held_high_ns for each in estimates) + missed) / own,
            (sum(each.held_low_ns for each in estimates) - error) / own,
        )
    )
    if high - low > RANGE_MAX:
        return None
    return Figure(min(high, max(low, value)), low, high)


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


def estimate_first_hold(window: Window, spacing_ns: int) -> Figure:
    """Return the longest hold of a call that is watched but once, in seconds.

    What nobody saw of it may have been held, and widens the range.
    """
    holds = [*estimate_holds(window, spacing_ns)]
    longest = max(holds, key=attrgetter("low"))
    high = max(hold.high + hold.missed_ns for hold in holds)
    # A witness without a tick and without a core may have missed a release.
    low = longest.low if window.ticks or window.ends_asleep else 0.0
    return Figure(longest.value / 1e9, low / 1e9, high / 1e9)


def weigh_interruptions(calls: Sequence[Window], shortest_ns: float) -> list[bool]:
    """Return of each call whether it was interrupted in its midst."""
    # How far a call has come is told by what its thread computed; by what the process
    # did where the call has threads of its own; and by the clock where both sleep.
    for read in (attrgetter("computed"), attrgetter("progress")):
        if any(computes(call, read) for call in calls):
            return [weigh_computing(call, read) for call in calls]
    return [weigh_sleeping(call, shortest_ns) for call in calls]


def computes(call: Window, read: Callable[[Tick], int | None]) -> bool:
    """Return whether computing takes a good part of a call.

    A loaded machine makes the share small in some calls, and large in none.
    """
    progress = [each for each in map(read, call.marks) if each is not None]
    is_told = len(progress) == len(call.marks)
    return is_told and progress[-1] - progress[0] >= COMPUTING_SHARE * call.own_ns


def weigh_computing(call: Window, read: Callable[[Tick], int | None]) -> bool:
    """Weigh a call that computes: the time computed tells how far it has come.

    The clock runs on while a thread is slow to come back; computing time does not, and
    only by it are two ticks surely far apart.
    """
    progress = [read(mark) or 0 for mark in call.marks]
    return weigh_marks(progress, [tick.place for tick in call.ticks])


def weigh_sleeping(call: Window, shortest_ns: float) -> bool:
    """Weigh a call that sleeps: a long sleep is one that was not interrupted."""
    moments = [mark.at_ns for mark in call.marks]
    longest_ns = max(after - before for before, after in pairwise(moments))
    # The others may have been watched while the machine was busier.
    shortest_ns = min(shortest_ns, moments[-1] - moments[0])
    return bool(call.ticks) and longest_ns < ONCE_SHARE * shortest_ns


def weigh_marks(marks: Sequence[int], places: Sequence[object]) -> bool:
    """Return whether one call was interrupted in its midst."""
    if not places:
        return False
    if marks[-1] - marks[0] < SHORT_NS:
        # Nobody is kept out for long, whatever it is that runs in between.
        return True
    steps = [max(0, after - before) for before, after in pairwise(marks)]
    longest, whole = max(steps), max(1, sum(steps))
    # Interrupted twice at one place, with work in between: there is a loop in Python.
    first_seen: dict[object, int] = {}
    has_loop = any(
        place is not None
        and mark - first_seen.setdefault(place, mark) > max(LOOP_NS, LOOP_SHARE * whole)
        for place, mark in zip(places, marks[1:], strict=False)
    )
    n_large = sum(step > WAKING_NS for step in steps)
    share = ONCE_SHARE if n_large <= TWO_STEPS else OFTEN_SHARE
    return has_loop or longest / whole < share
