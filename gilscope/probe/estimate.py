"""From what a witness noted beside calls to figures.

No thread, no clock and no GIL here: windows in, figures out.

Time is that of the caller: its run-queue wait is no part of a call. What the witness
did not see, because it had no core, widens a range and is never put down to the call.
"""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from gilscope.probe.witness import PAUSE_S, Note
from gilscope.stats import Figure, summarize

# There are many pauses in a call as long as this.
LONG_NS = 1_000_000
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
# interruption and for several. A few calls of C functions in turn have a longest piece
# too, which is why one interruption says less.
TWO_STEPS = 2
ONCE_SHARE = 0.8
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
        return max(1, self.stamps[-1] - self.stamps[0] - waited_ns)

    def split(self) -> Iterator["Window"]:
        """Yield each call with the notes inside it."""
        moments = [note.at_ns for note in self.notes]
        for position, (start, end) in enumerate(pairwise(self.stamps)):
            inside = slice(bisect_right(moments, start), bisect_left(moments, end))
            yield Window(
                (start, end),
                self.notes[inside],
                progress=self.progress[position : position + 2],
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
    """What one window says."""

    own_ns: float
    released: Figure
    longest: Hold


def count_waits(before: Note, after: Note) -> tuple[int, int]:
    """Return the run-queue waits of caller and witness between two notes, in ns."""
    waits = [
        0
        if then is None or now is None
        else now.waiting_for_core - then.waiting_for_core
        for then, now in (
            (before.caller, after.caller),
            (before.witness, after.witness),
        )
    ]
    return max(0, waits[0]), max(0, waits[1])


def estimate_window(window: Window, spacing_ns: int) -> Estimate:
    """Estimate for which share of a window others could run.

    Args:
        window: calls watched while nobody could interrupt them.
        spacing_ns: between two notes of a witness that nobody keeps out.
    """
    start, end = window.start, window.end
    edges = [
        start._replace(at_ns=window.stamps[0]),
        *window.notes,
        end._replace(at_ns=window.stamps[-1]),
    ]
    is_long = window.own_ns / window.n_calls >= LONG_NS
    first = estimate_first(edges[0], edges[1], window)
    holds = [first]
    value = first.value if first.is_seen else 0.0
    low, high, unwatched = first.low, first.high, 0.0
    for before, after in pairwise(edges[1:]):
        pause_ns = max(0, spacing_ns + before.pause_ns - int(PAUSE_S * 1e9))
        is_last = after is edges[-1]
        ends_asleep = window.ends_asleep or not is_last
        hold = estimate_later(before, after, pause_ns, is_last, ends_asleep)
        holds.append(hold)
        waited = count_waits(before, after)[1]
        if is_long:
            # A hold that was found began at some moment of the pause, and one that was
            # over in it was missed, if the witness had no core for so long.
            low, high = low + hold.low, high + hold.high
            value += hold.value if hold.is_seen else 0.0
            unwatched = hypot(unwatched, 0 if hold.high else waited)
        else:
            # Calls are so short that what is found after a pause is a sample of them.
            part = hold.high if hold.is_seen else 0.0
            value, low, high = value + part, low + part, high + part
            missed = (pause_ns + waited) / 2 if hold.is_seen else hold.high
            unwatched = hypot(unwatched, missed)
    own = float(window.own_ns)
    unseen = sum(hold.high for hold in holds if not hold.is_seen)
    shares = (
        value / max(1.0, own - unseen),
        (high + unwatched) / own,
        (low - unwatched) / own,
    )
    released = Figure(*(1 - min(1.0, max(0.0, share)) for share in shares))
    return Estimate(own, released, select_longest(window, holds))


def estimate_first(before: Note, after: Note, window: Window) -> Hold:
    """Estimate the hold at the start, at which the witness waits for the GIL already.

    Args:
        before: the start.
        after: the first note, or the end.
        window: where both are.
    """
    passed = max(0, after.at_ns - before.at_ns)
    caller, witness = count_waits(before, after)
    own = max(0, passed - caller)
    if not window.notes:
        if not window.was_woken:
            return Hold(own, own, own, passed)
        if not window.ends_asleep:
            # It was woken and had no core to look.
            return Hold(own / 2, 0, own, passed, is_seen=False)
        # It was woken, and came too late.
    blocked = max(0, passed - witness)
    low = max(0, blocked - caller)
    high = min(own, max(0, blocked - max(0, caller - witness)))
    return Hold((low + high) / 2, low, high, blocked)


def estimate_later(
    before: Note,
    after: Note,
    pause_ns: int,
    is_last: bool,  # noqa: FBT001
    ends_asleep: bool,  # noqa: FBT001
) -> Hold:
    """Estimate the hold between two notes, of which the witness paused at first.

    Args:
        before: the earlier one.
        after: the later one, or the end.
        pause_ns: how long it pauses.
        is_last: whether it is the end.
        ends_asleep: whether the witness slept then.
    """
    passed = max(0, after.at_ns - before.at_ns)
    caller, witness = count_waits(before, after)
    own = max(0, passed - caller)
    unseen = min(passed, pause_ns + witness)
    blocked = passed - unseen
    if before.n_sleeps is None or after.n_sleeps is None:
        was_free = blocked < pause_ns
    else:
        # It sleeps once for its pause, and once more where it waits for the GIL.
        was_free = after.n_sleeps - before.n_sleeps <= 1
    if is_last and (was_free or not ends_asleep):
        return Hold(own / 2, 0, own, passed, is_seen=False)
    if was_free:
        return Hold(0, 0, 0)
    low = max(0, blocked - caller)
    return Hold((low + own) / 2, low, own, blocked)


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
    """Return the released fraction in the middle of the windows, with its range.

    Returns:
        None if the range is so wide that it says nothing.
    """
    if not estimates:
        return None
    value, low, high = (
        summarize([getattr(each.released, name) for each in estimates])
        for name in ("value", "low", "high")
    )
    if high.high - low.low > RANGE_MAX:
        return None
    return Figure(value.value, low.low, high.high)


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
    # A loaded machine makes the share small in some windows, and large in none.
    best_share = max(
        (
            (window.progress[-1] - window.progress[0]) / window.own_ns
            for window in windows
            if window.progress
        ),
        default=0.0,
    )
    if best_share >= COMPUTING_SHARE:
        return [weigh_computing(call) for call in calls]
    return [weigh_sleeping(call, shortest_ns) for call in calls]


def weigh_computing(call: Window) -> Entry:
    """Weigh a call that computes: the time computed tells how far it has come.

    It is that of the process without the witness: a call may compute in threads of its
    own.
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
