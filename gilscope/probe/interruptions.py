"""Whether calls that were interrupted were so in their midst."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import attrgetter

from gilscope.probe.estimate import Window, computes
from gilscope.probe.witness import WAKING_NS

# In a call shorter than this, what holds cannot be told from the Python code around it.
SHORT_NS = 2 * WAKING_NS

# A call is split if its longest piece is a smaller share of it than these, for one
# interruption and for several. A C function in a wrapper is two pieces where its answer
# is large: the work, and the end of the answer when it is dropped, which may take as
# long.
TWO_STEPS = 2
ONCE_SHARE = 0.55
OFTEN_SHARE = 0.6
# The computing before the work begins is a smaller share than this.
PIECE_SHARE = 0.05
# Two interruptions at one place are far apart if this much was computed in between.
LOOP_NS = 100_000
LOOP_SHARE = 0.1


def weigh_interruptions(calls: Sequence[Window], shortest_ns: float) -> list[bool]:
    """Return of each call whether it was interrupted in its midst."""
    # How far a call has come is told by what its thread computed, and by what the
    # process did where the call has threads of its own. The clock runs on while a
    # thread is slow to come back, so that two ticks are surely far apart by these only.
    for read in (attrgetter("computed"), attrgetter("progress")):
        if any(computes(call, read) for call in calls):
            return [
                weigh_marks(
                    [read(mark) or 0 for mark in call.marks],
                    [tick.place for tick in call.ticks],
                )
                for call in calls
            ]
    # Where both sleep it is told by the clock: a long sleep was not interrupted. A busy
    # machine makes some calls longer, and none shorter.
    passed_ns = [call.stamps[-1] - call.stamps[0] for call in calls]
    limit_ns = ONCE_SHARE * min([shortest_ns, *passed_ns])
    return [
        bool(call.ticks)
        and all(b.at_ns - a.at_ns < limit_ns for a, b in pairwise(call.marks))
        for call in calls
    ]


def weigh_marks(marks: Sequence[int], places: Sequence[object]) -> bool:
    """Return whether one call was interrupted in its midst."""
    if not places:
        return False
    if marks[-1] - marks[0] < SHORT_NS:
        # Nobody is kept out for long, whatever it is that runs in between.
        return True
    steps = [max(0, after - before) for before, after in pairwise(marks)]
    longest, whole = max(steps), max(1, sum(steps))
    # Interrupted twice at one place, with work in between: there is a loop in Python,
    # if that is more than one piece of C code between two calls of one function.
    done = [*accumulate(steps)]
    after_longest = steps.index(longest)
    done[after_longest:] = [each - longest for each in done[after_longest:]]
    first_seen: dict[object, int] = {}
    has_loop = any(
        place is not None
        and mark - first_seen.setdefault(place, mark) > max(LOOP_NS, LOOP_SHARE * whole)
        for place, mark in zip(places, done, strict=False)
    )
    is_large = [step > max(WAKING_NS, PIECE_SHARE * whole) for step in steps]
    n_large = sum(is_large)
    # Interrupted before the work and after it: the rest is the end of its answer.
    is_dropped = n_large == TWO_STEPS and is_large[-1] and not is_large[0]
    share = ONCE_SHARE if n_large <= TWO_STEPS else OFTEN_SHARE
    return has_loop or (not is_dropped and longest / whole < share)
