"""What the notes of a witness say about the calls that they were taken beside.

No thread, no clock and no GIL here: windows in, figures out.
"""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from gilscope.kernel import Times
from gilscope.probe.witness import Note

# Calls that all compute for less than this share of their time sleep with the GIL held,
# so that computing time does not tell how far they have come.
COMPUTING_SHARE = 0.3
# What a thread computes to find the GIL taken and to wait again.
WAKING_NS = 10_000
# In a call shorter than this, what holds cannot be told from the Python code around it.
SHORT_NS = 2 * WAKING_NS

QUARTILE = 0.75
# A window was watched well that was watched for this share of what the best was.
WELL_WATCHED = 0.5

# Others got into the midst of a call if its longest stretch is a smaller share of it
# than these, for one interruption and for several. A few calls of C functions in turn
# have a longest stretch too, which is why one interruption says less.
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
    # Those the witness took in between.
    notes: Sequence[Note]
    # None where the kernel does not tell.
    was_woken: bool | None = None
    # The times of the caller and of the witness, at both ends.
    start: tuple[Times, Times] | None = None
    end: tuple[Times, Times] | None = None
    # How long the caller was neither computing nor waiting for a core.
    blocked_ns: int | None = None
    # How long it was computing.
    computing_ns: int = 0
    # How long after the end the witness, woken before it, still had no core.
    late_ns: int = 0

    @property
    def n_calls(self) -> int:
        """How many calls it spans."""
        return len(self.stamps) - 1

    @property
    def is_released(self) -> bool:
        """Whether the GIL was given away inside."""
        return bool(self.was_woken or self.notes)

    @property
    def call_ns(self) -> int:
        """How long the shortest of the calls took."""
        return min(after - before for before, after in pairwise(self.stamps))

    @property
    def cored_ns(self) -> float:
        """How long a call took on average, without the wait for a core."""
        spent = self.computing_ns + (self.blocked_ns or 0)
        passed = self.stamps[-1] - self.stamps[0]
        return max(1, min(passed, spent)) / self.n_calls


class Weight(NamedTuple):
    """For how long a window kept others out, nanoseconds."""

    # Without the time for which there was no core for the witness to look.
    watched_ns: int
    held_ns: int
    longest_hold_ns: int

    @property
    def released_fraction(self) -> float:
        """The share of the time for which others could run."""
        return 1 - self.held_ns / self.watched_ns if self.watched_ns else 0.0


class Entry(NamedTuple):
    """How others got into one call under the tiny interval."""

    n_notes: int
    # The longest stretch without anybody else.
    longest_ns: int
    # Whether they got into the midst of it, and not just before or after its work.
    is_interrupted: bool


def weigh_window(window: Window, spacing_ns: int) -> Weight:
    """Weigh the time for which others were kept out against the whole.

    Args:
        window: calls watched under the huge interval.
        spacing_ns: between two notes of a witness that nobody keeps out.
    """
    start, end = window.stamps[0], window.stamps[-1]
    edges = [Note(start, *(window.start or ())), *window.notes]
    edges.append(Note(end, *(window.end or ())))
    total = held = longest = 0
    for position, (before, after) in enumerate(pairwise(edges)):
        lost = count_waiting_for_core(before, after)
        if after is edges[-1]:
            # Linux does not count all of that wait. Before the end it was likely as
            # long as after it, if there was room for that.
            lost = max(lost, window.late_ns)
        passed = max(0, after.at_ns - before.at_ns - lost)
        # The witness waits for the GIL from the start on, and later on pauses first.
        pause = spacing_ns if position else 0
        waited = max(0, passed - pause)
        if position and is_free(before, after, waited < pause):
            waited = unseen = 0
        else:
            # Nobody looked during the pause; it is put down to what was found at its
            # end, as samples are.
            unseen = min(passed, pause)
        total += passed
        held += waited + unseen
        longest = max(longest, waited)
    if window.n_calls > 1:
        steps = [after - before for before, after in pairwise(window.stamps)]
        longest = min(longest, int(statistics.median(steps)))
    return Weight(total, min(held, total), longest)


def pick_weight(weights: Sequence[Weight]) -> Weight | None:
    """Return the weight at the upper quartile of the share released, None if none is.

    Each counts for as long as it was watched. A loaded machine makes windows look more
    held than they are, and hardly ever less; hence neither the mean nor the middle.
    """
    left = sum(weight.watched_ns for weight in weights) * (1 - QUARTILE)
    for weight in sorted(weights, key=lambda weight: -weight.released_fraction):
        left -= weight.watched_ns
        if left < 0:
            return weight
    return None


def find_best_share(weights: Sequence[Weight]) -> float | None:
    """Return the largest share released in a window that was watched well enough."""
    shares = [weight.released_fraction for weight in keep_well_watched(weights)]
    return max(shares, default=None)


def find_longest_hold(weights: Sequence[Weight]) -> int:
    """Return the longest hold in the middle of the windows watched well enough."""
    holds = [weight.longest_hold_ns for weight in keep_well_watched(weights)]
    return int(statistics.median(holds))


def keep_well_watched(weights: Sequence[Weight]) -> list[Weight]:
    """Return the windows that were watched for not much less than the best one."""
    most = max((weight.watched_ns for weight in weights), default=0)
    return [w for w in weights if w.watched_ns >= most * WELL_WATCHED]


def is_free(before: Note, after: Note, is_soon: bool) -> bool:  # noqa: FBT001
    """Return whether the witness found the GIL free after its pause.

    It sleeps once for its pause, and once more whenever it has to wait for the GIL.
    Where sleeps cannot be counted it is judged by whether it came back soon.
    """
    if before.n_sleeps is None or after.n_sleeps is None:
        return is_soon
    return after.n_sleeps - before.n_sleeps <= 1


def count_waiting_for_core(before: Note, after: Note) -> int:
    """Return how long the caller or the witness waited for a core, in nanoseconds."""
    lost = 0
    for then, now in ((before.caller, after.caller), (before.witness, after.witness)):
        if then is not None and now is not None:
            lost += max(0, now.waiting_for_core - then.waiting_for_core)
    return lost


class Interrupted(NamedTuple):
    """Calls, one right after the other, that were interrupted as often as possible."""

    # Clock readings before, between and after the calls, and computing times.
    stamps: Sequence[int]
    computed: Sequence[int]
    # All that the witness took meanwhile.
    notes: Sequence[Note]
    # How long the caller waited for a core.
    waited_ns: int = 0

    def split(self) -> Iterator["Interrupted"]:
        """Yield each call with the notes inside it."""
        moments = [note.at_ns for note in self.notes]
        ends = pairwise(zip(self.stamps, self.computed, strict=True))
        for (start, before), (end, after) in ends:
            inside = slice(bisect_right(moments, start), bisect_left(moments, end))
            yield Interrupted((start, end), (before, after), self.notes[inside])

    @property
    def computing_share(self) -> float:
        """How much of the time for which there was a core was spent computing."""
        passed = self.stamps[-1] - self.stamps[0] - self.waited_ns
        return (self.computed[-1] - self.computed[0]) / max(1, passed)


def weigh_entries(runs: Sequence[Interrupted]) -> list[Entry]:
    """Find out how others got into each of some calls."""
    calls = [call for run in runs for call in run.split()]
    # A loaded machine makes the share small in some runs, and large in none.
    best_share = max((run.computing_share for run in runs), default=0.0)
    if best_share >= COMPUTING_SHARE:
        return [weigh_computing(call) for call in calls]
    shortest_ns = min(call.stamps[1] - call.stamps[0] for call in calls)
    return [weigh_sleeping(call, shortest_ns) for call in calls]


def weigh_computing(call: Interrupted) -> Entry:
    """Weigh a call that computes: its computing time tells how far it has come."""
    progress = [note.computed for note in call.notes if note.computed is not None]
    if len(progress) < len(call.notes):
        marks = [call.stamps[0], *(note.at_ns for note in call.notes), call.stamps[1]]
        return weigh_entry(marks, [None] * len(call.notes))
    marks = [call.computed[0], *progress, call.computed[1]]
    # The clock runs on while a thread is slow to come back; computing time does not,
    # and only by it are two notes surely far apart.
    return weigh_entry(marks, [note.place for note in call.notes])


def weigh_sleeping(call: Interrupted, shortest_ns: int) -> Entry:
    """Weigh a call that sleeps: it was not interrupted in its sleep if that was long.

    Args:
        call: the call.
        shortest_ns: the shortest of its kind, in which nothing came in between.
    """
    marks = [call.stamps[0], *(note.at_ns for note in call.notes), call.stamps[1]]
    longest_ns = max(after - before for before, after in pairwise(marks))
    is_split = longest_ns < ONCE_SHARE * shortest_ns
    return Entry(len(call.notes), longest_ns, bool(call.notes) and is_split)


def weigh_entry(marks: Sequence[int], places: Sequence[object]) -> Entry:
    """Find out whether one call was interrupted in its midst.

    Args:
        marks: how far the call had come at its start, at each note, and at its end.
        places: where in its code it was at each note.
    """
    if places and marks[-1] - marks[0] < SHORT_NS:
        # Nobody is kept out for long, whatever it is that runs in between.
        return Entry(len(places), marks[-1] - marks[0], is_interrupted=True)
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
    return Entry(len(places), longest, bool(places) and (has_loop or is_split))
