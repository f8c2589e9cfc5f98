"""From what a witness noted beside calls to figures.

No thread, no clock and no GIL here: windows in, figures out.

Time is that of the caller: its run-queue wait is no part of a call. What the witness
did not see, because it had no core, widens a range and is never put down to the call.
"""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import hypot, sqrt
from typing import NamedTuple

from gilscope.probe.witness import PAUSE_S, Note
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
# What a thread computes to find the GIL taken and to wait again.
WAKING_NS = 10_000
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
    notes: Sequence[Note]
    # Whether a thread was woken out of its wait for the GIL; None where nobody tells.
    was_woken: bool | None = None
    # What the kernel tells of both threads at both ends.
    start: Note = Note(0)
    end: Note = Note(0)
    # Whether the witness slept at the end, so that all of its waits are known.
    ends_asleep: bool = False
    # What the process had computed at each stamp, without the witness.
    progress: Sequence[int] = ()
    # What the caller had computed.
    computed: Sequence[int] = ()

    @property
    def n_calls(self) -> int:
        """How many calls it spans."""
        return len(self.stamps) - 1

    @property
    def is_released(self) -> bool:
        """Whether the GIL was released inside."""
        return bool(self.was_woken or self.notes)

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

    def split(self) -> Iterator["Window"]:
        """Yield each call with the notes inside it."""
        moments = [note.at_ns for note in self.notes]
        for position, (start, end) in enumerate(pairwise(self.stamps)):
            inside = slice(bisect_right(moments, start), bisect_left(moments, end))
            yield Window(
                (start, end),
                self.notes[inside],
                progress=self.progress[position : position + 2],
                computed=self.computed[position : position + 2],
            )


class Hold(NamedTuple):
    """For how long others were kept out, nanoseconds: between low and high."""

    value: float
    low: float
    high: float
    # The same with the caller's run-queue wait.
    clock: float = 0.0
    # Whether there was a hold, or only a time that nobody saw.
    is_seen: bool = True


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
    longest: Hold


def count_waits(before: Note, after: Note) -> tuple[int, int]:
    """Return the run-queue waits of caller and witness between two notes, in ns."""
    pairs = (before.caller, after.caller), (before.witness, after.witness)
    caller, witness = (
        0
        if then is None or now is None
        else max(0, now.waiting_for_core - then.waiting_for_core)
        for then, now in pairs
    )
    return caller, witness


def count_computed(before: Note, after: Note) -> int | None:
    """Return how long the caller computed between two notes, None if not told."""
    if before.computed is None or after.computed is None:
        return None
    return max(0, after.computed - before.computed)


def estimate_window(window: Window, spacing_ns: int) -> Estimate:
    """Estimate for which share of a window others could run.

    Args:
        window: calls watched while nobody could interrupt them.
        spacing_ns: between two notes of a witness that nobody keeps out.
    """
    own = float(window.own_ns)
    intervals = [*make_intervals(window, spacing_ns)]
    holds = [estimate_interval(interval, window) for interval in intervals]
    seen = [hold for hold in holds if hold.is_seen]
    unseen_ns = sum(hold.high for hold in holds if not hold.is_seen)
    held = sum(hold.value for hold in seen)
    low, high = sum(hold.low for hold in holds), sum(hold.high for hold in holds)
    error = 0.0
    # A hold that was over within a pause was missed, if the GIL changed hands.
    missed = hypot(*(each.missable_ns for each in intervals))
    if own / window.n_calls < SAMPLED_CALLS * spacing_ns and len(seen) > N_SAMPLED:
        # What is found after a pause is a sample of calls that are shorter than it.
        share = sum(hold.high > 0 for hold in seen[1:]) / len(seen[1:])
        held = low = share * (own - unseen_ns)
        high = low + unseen_ns
        error = 2 * own * sqrt((share * (1 - share) + 1 / len(seen)) / len(seen))
        missed = 0.0
    longest = select_longest(window, holds)
    return Estimate(own, own - unseen_ns, held, low, high, error, missed, longest)


class Interval(NamedTuple):
    """Between two notes of the witness, or an end of the window; nanoseconds."""

    passed_ns: int
    # Without the caller's run-queue wait.
    own_ns: int
    # For which the witness did not look: its pause and its run-queue wait.
    unseen_ns: int
    # Whether it waited for the GIL at the end.
    was_held: bool
    is_first: bool
    is_last: bool
    # Whether the GIL changed hands meanwhile, None where nobody counts that.
    was_switched: bool | None

    @property
    def missable_ns(self) -> int:
        """How much of it may have been held without being seen."""
        is_free = not (self.is_first or self.is_last or self.was_held)
        if not is_free or self.was_switched is False:
            return 0
        return min(self.own_ns, self.unseen_ns)


def make_intervals(window: Window, spacing_ns: int) -> Iterator[Interval]:
    """Yield what lies between the notes of a window, in order."""
    start = window.start._replace(at_ns=window.stamps[0])
    end = window.end._replace(at_ns=window.stamps[-1])
    edges = [start, *window.notes, end]
    computed_ns = count_computed(start, end)
    # Linux tells of a run-queue wait when it is over; computing time is exact.
    is_computing = (
        computed_ns is not None and computed_ns > ALL_COMPUTING * window.own_ns
    )
    for before, after in pairwise(edges):
        passed = max(0, after.at_ns - before.at_ns)
        caller, witness = count_waits(before, after)
        own = count_computed(before, after) if is_computing else passed - caller
        is_first = before is start
        pause = spacing_ns + before.pause_ns - int(PAUSE_S * 1e9)
        # At the start the caller has the GIL, and afterwards if it waited for it.
        is_known = is_first or before.caller_waits
        unseen = min(passed, witness + (0 if is_known else max(0, pause)))
        if before.n_sleeps is None or after.n_sleeps is None:
            was_held = passed - unseen >= pause
        else:
            # It sleeps once for its pause, and once more where it waits for the GIL.
            was_held = after.n_sleeps - before.n_sleeps > 1
        switches = before.n_switches, after.n_switches
        yield Interval(
            passed,
            max(0, min(own or 0, passed)),
            unseen,
            was_held,
            is_first,
            after is end,
            None if None in switches else switches[0] != switches[1],
        )


def estimate_interval(interval: Interval, window: Window) -> Hold:
    """Estimate the hold between two notes."""
    own, passed = interval.own_ns, interval.passed_ns
    if interval.is_first and interval.is_last:
        if not window.was_woken:
            return Hold(own, own, own, passed)
        if not window.ends_asleep:
            # It was woken and had no core to look.
            return Hold(own / 2, 0, own, passed, is_seen=False)
        # It was woken, and came too late.
    elif interval.is_last and not (interval.was_held and window.ends_asleep):
        if interval.was_switched is False:
            return Hold(0, 0, 0)
        return Hold(own / 2, 0, own, passed, is_seen=False)
    elif not (interval.is_first or interval.was_held):
        return Hold(0, 0, 0)
    # A hold that was found began at some moment of the pause.
    low = max(0, own - interval.unseen_ns)
    return Hold((low + own) / 2, low, own, passed - interval.unseen_ns)


def select_longest(window: Window, holds: Sequence[Hold]) -> Hold:
    """Return the longest hold of one call that was seen in the window."""
    seen = [hold for hold in holds if hold.is_seen]
    if not seen:
        return Hold(0, 0, window.own_ns, is_seen=False)
    longest = max(seen, key=lambda hold: hold.low)
    if window.n_calls == 1:
        return longest
    # Each of the calls was held for no longer than it took.
    steps = [after - before for before, after in pairwise(window.stamps)]
    waited_ns = window.stamps[-1] - window.stamps[0] - window.own_ns
    limit = max(statistics.median(steps), max(steps) - waited_ns)
    return Hold(
        min(limit, longest.value),
        min(limit, longest.low),
        min(limit, longest.high),
        min(max(steps), longest.clock),
    )


def estimate_fraction(estimates: Sequence[Estimate]) -> Figure | None:
    """Return the released fraction of all windows together, with its range.

    Returns:
        None if the range is so wide that it says nothing.
    """
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


def select_longest_hold(holds: Sequence[Hold]) -> tuple[Figure, Figure] | None:
    """Return the longest hold of all, in seconds, and the same by the clock."""
    if not holds:
        return None
    longest = max(holds, key=lambda hold: hold.low)
    clock = longest.clock / 1e9
    value = min(longest.value, longest.high)
    own = Figure(value / 1e9, longest.low / 1e9, longest.high / 1e9)
    return own, Figure(max(clock, own.low), own.low, max(clock, own.high))


class Entry(NamedTuple):
    """How one call was interrupted."""

    n_notes: int
    # Whether that was in the midst of it, and not just before or after its work.
    is_split: bool


def weigh_entries(windows: Sequence[Window], shortest_ns: float) -> list[Entry]:
    """Find out how each of some calls was interrupted.

    Args:
        windows: calls beside a witness that asks for the GIL all the time.
        shortest_ns: a call of that kind that nobody interrupted.
    """
    calls = [call for window in windows for call in window.split()]
    if computes([(window.computed, window.own_ns) for window in windows]):
        # Other threads of the process, which may compute too, are none of the call's.
        return [weigh_computing(take_own(call)) for call in calls]
    if computes([(window.progress, window.own_ns) for window in windows]):
        return [weigh_computing(call) for call in calls]
    return [weigh_sleeping(call, shortest_ns) for call in calls]


def computes(progress: Iterable[tuple[Sequence[int], int]]) -> bool:
    """Return whether computing takes a good part of some windows.

    A loaded machine makes the share small in some windows, and large in none.
    """
    return any(
        marks and (marks[-1] - marks[0]) / own_ns >= COMPUTING_SHARE
        for marks, own_ns in progress
    )


def take_own(call: Window) -> Window:
    """Return the call with the progress of its own thread in the place of all."""
    notes = [note._replace(progress=note.computed) for note in call.notes]
    return call._replace(notes=notes, progress=call.computed)


def weigh_computing(call: Window) -> Entry:
    """Weigh a call that computes: the time computed tells how far it has come.

    It is that of the process without the witness where the call computes in threads
    of its own.
    """
    progress = [note.progress for note in call.notes if note.progress is not None]
    if len(progress) < len(call.notes):
        marks = [call.stamps[0], *(note.at_ns for note in call.notes), call.stamps[1]]
        return weigh_marks(marks, [None] * len(call.notes))
    # The clock runs on while a thread is slow to come back; computing time does not,
    # and only by it are two notes surely far apart.
    marks = [call.progress[0], *progress, call.progress[1]]
    return weigh_marks(marks, [note.place for note in call.notes])


def weigh_sleeping(call: Window, shortest_ns: float) -> Entry:
    """Weigh a call that sleeps: a long sleep is one that was not interrupted."""
    marks = [call.stamps[0], *(note.at_ns for note in call.notes), call.stamps[1]]
    longest_ns = max(after - before for before, after in pairwise(marks))
    is_split = longest_ns < ONCE_SHARE * shortest_ns
    return Entry(len(call.notes), bool(call.notes) and is_split)


def weigh_marks(marks: Sequence[int], places: Sequence[object]) -> Entry:
    """Find out whether one call was interrupted in its midst.

    Args:
        marks: how far the call had come at its start, at each note, and at its end.
        places: where in its code it was at each note.
    """
    if places and marks[-1] - marks[0] < SHORT_NS:
        # Nobody is kept out for long, whatever it is that runs in between.
        return Entry(len(places), is_split=True)
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
    is_split = longest / whole < (ONCE_SHARE if n_large <= TWO_STEPS else OFTEN_SHARE)
    return Entry(len(places), bool(places) and (has_loop or is_split))
