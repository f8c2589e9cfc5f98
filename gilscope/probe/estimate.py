"""From what a witness noted beside calls to figures.

No thread, no clock and no GIL here: windows in, figures out.

Time is that of the caller: its run-queue wait is no part of a call. What the witness
did not see, because it had no core, widens a range and is never put down to the call.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import hypot, sqrt
from operator import attrgetter, truediv
from typing import NamedTuple

from gilscope.probe.witness import PAUSE_S, WAKING_NS, Tick
from gilscope.stats import Figure

# The parts of a call in which calls are compared with each other.
N_PHASES = 32
# How many standard errors a share may be off, of the calls that were held at a phase
# and of the looks at short calls: these are less independent of each other.
N_ERRORS = 2.0
N_ERRORS_SAMPLED = 3.0
# A caller that got no further between two ticks had no core.
MOVED_NS = 2_000
PAUSE_NS = int(PAUSE_S * 1e9)
# Windows of short calls count if they have this share of the calls of the largest.
FULL_WINDOW = 0.5
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

    def compute_pause(self, tick: Tick) -> float:
        """Return how long after a tick the witness looks again."""
        return max(0, self.spacing_ns + tick.pause_ns - PAUSE_NS)


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
    # The time of the caller in which it was, and what of that came first and was seen
    # by nobody; None where it may have come first or last.
    own_ns: float = 0.0
    unseen_first_ns: float | None = 0.0


class Phase(NamedTuple):
    """What is known of one part of a call, or of all calls, nanoseconds."""

    held_ns: float = 0.0
    free_ns: float = 0.0
    unseen_ns: float = 0.0
    # Unseen, and perhaps not at this part of the call but at another one.
    unplaced_ns: float = 0.0


class Estimate(NamedTuple):
    """What one window says."""

    own_ns: float
    n_calls: int
    # The parts of its call; or how often the GIL was found held, and free, in calls
    # that are too short to be watched one by one.
    phases: Sequence[Phase]
    # What may have been held in addition, independent of other windows.
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


def estimate_windows(windows: Sequence[Window], delays: Delays) -> list[Estimate]:
    """Estimate when in the calls of each window others could run."""
    computes_only = is_computing(windows)
    return [
        estimate_window(window, delays, computes_only=computes_only)
        for window in windows
    ]


def estimate_window(window: Window, delays: Delays, *, computes_only: bool) -> Estimate:
    """Estimate when in its calls others could run."""
    holds = [*estimate_holds(window, delays, computes_only=computes_only)]
    own = float(max(1, sum(hold.own_ns for hold in holds)))
    longest = select_longest(window, holds)
    if window.n_calls > 1:
        return Estimate(own, window.n_calls, [sample(window, holds)], 0.0, longest)
    missed = hypot(*(hold.missed_ns for hold in holds))
    return Estimate(own, 1, fold(holds), missed, longest)


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
        pause = 0 if is_known else delays.compute_pause(before)
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


def fold(holds: Sequence[HoldEstimate]) -> list[Phase]:
    """Return what is known of each part of a call."""
    sums = [[0.0] * len(Phase()) for _ in range(N_PHASES)]
    part_ns = sum(hold.own_ns for hold in holds) / N_PHASES
    begin_ns = 0.0
    for length_ns, kind in list_parts(holds):
        end_ns = begin_ns + length_ns
        first, last = (
            min(N_PHASES - 1, int(at_ns / part_ns)) if part_ns else 0
            for at_ns in (begin_ns, end_ns)
        )
        for phase in range(first, last + 1):
            since = begin_ns if phase == first else phase * part_ns
            until = end_ns if phase == last else (phase + 1) * part_ns
            sums[phase][kind] += until - since
        begin_ns = end_ns
    return [Phase(*each) for each in sums]


def sample(window: Window, holds: Sequence[HoldEstimate]) -> Phase:
    """Return how often the GIL was found held, and free, after a pause.

    A caller without a core is found at one place again and again where the GIL is
    free, and once where it is held. It counts once for both.
    """
    n_held = n_free = 0
    may_stay = computes(window, attrgetter("computed"))
    gaps = [*zip(pairwise(window.marks), holds, strict=True)]
    for (before, after), hold in gaps[1:]:
        if not hold.is_seen:
            continue
        if hold.value > 0:
            n_held += 1
        elif not may_stay or (count_computed(before, after) or 0) >= MOVED_NS:
            n_free += 1
    return Phase(n_held, n_free)


HELD, FREE, UNSEEN, UNPLACED = range(len(Phase()))


def list_parts(holds: Iterable[HoldEstimate]) -> Iterator[tuple[float, int]]:
    """Yield for how long the GIL was held, free or unseen, one after the other."""
    for hold in holds:
        unseen_ns = hold.high - hold.low
        first_ns = hold.unseen_first_ns
        if first_ns is None:
            yield hold.low, HELD
            yield unseen_ns, UNPLACED
        else:
            yield first_ns, UNSEEN
            yield hold.low, HELD
            yield hold.own_ns - hold.high, FREE
            yield unseen_ns - first_ns, UNSEEN


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


def select_largest(estimates: Sequence[Estimate]) -> Sequence[Estimate]:
    """Return the windows of as many calls as the largest one, or about as many."""
    most = max((each.n_calls for each in estimates), default=0)
    return [each for each in estimates if each.n_calls >= FULL_WINDOW * most]


def estimate_fraction(estimates: Sequence[Estimate]) -> Figure | None:
    """Return the released fraction of all windows together, with its range."""
    estimates = select_largest(estimates)
    own = sum(each.own_ns for each in estimates)
    if not estimates:
        return None
    phases = [
        Phase(*map(sum, zip(*parts, strict=True)))
        for parts in zip(*(each.phases for each in estimates), strict=True)
    ]
    if estimates[0].n_calls > 1:
        n_held, n_free, *_ = phases[0]
        n_seen = n_held + n_free
        share = n_held / n_seen if n_seen else 0.5
        held = Figure(share, *compute_share_range(share, n_seen, N_ERRORS_SAMPLED))
    else:
        held = estimate_folded(phases, own, len(estimates))
    missed = hypot(*(each.missed_ns for each in estimates)) / own
    value, low, high = (
        1 - min(1.0, max(0.0, share))
        for share in (held.value, held.high + missed, held.low)
    )
    if high - low > RANGE_MAX:
        return None
    return Figure(min(high, max(low, value)), low, high)


def estimate_folded(phases: Sequence[Phase], own_ns: float, n_calls: int) -> Figure:
    """Return the held share of calls that were watched one by one.

    What nobody saw in one call is told by others that were seen at the same part of
    them, as far as there are enough of them.
    """
    value = low = high = 0.0
    all_held, all_free, *_ = map(sum, zip(*phases, strict=True))
    usual = all_held / max(1.0, all_held + all_free)
    for held, free, unseen, unplaced in phases:
        seen = held + free
        share = held / seen if seen else usual
        n_seen = seen * n_calls / max(1.0, seen + unseen + unplaced)
        _, most = compute_share_range(share, n_seen)
        value += held + share * (unseen + unplaced)
        low += held
        high += held + most * unseen + unplaced
    return Figure(value / own_ns, low / own_ns, high / own_ns)


def compute_share_range(
    share: float, n_seen: float, n_errors: float = N_ERRORS
) -> tuple[float, float]:
    """Return between what a share lies that was found in so many cases.

    Source:
        Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if not n_seen:
        return 0.0, 1.0
    square = n_errors**2 / n_seen
    centre = share + square / 2
    width = sqrt(square * (share * (1 - share) + square / 4))
    return (centre - width) / (1 + square), (centre + width) / (1 + square)


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
