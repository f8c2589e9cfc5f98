"""The released fraction of calls, from what was seen of them.

Calls that are long enough are watched one by one: what nobody saw at some part of one
call is told by others that were seen there. Short ones are sampled.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import hypot, sqrt
from operator import attrgetter
from typing import NamedTuple

from gilscope.probe.estimate import (
    Delays,
    HoldEstimate,
    Window,
    computes,
    count_computed,
    estimate_holds,
    is_computing,
    select_longest,
)
from gilscope.stats import Figure

# The parts of a call in which calls are compared with each other.
N_PHASES = 32
# How many standard errors a share may be off, of the calls that were held at a phase
# and of the looks at short calls: these are less independent of each other.
N_ERRORS = 2.0
N_ERRORS_SAMPLED = 3.0
# A caller that got no further between two ticks had no core.
MOVED_NS = 2_000
# A caller that got on by less than this share of a pause had no core for most of it.
NEAR_SHARE = 0.5
# Windows of short calls count if they have this share of the calls of the largest.
FULL_WINDOW = 0.5
# A range wider than this says nothing.
RANGE_MAX = 0.9


class Phase(NamedTuple):
    """What is known of one part of a call, or of all calls, nanoseconds."""

    held_ns: float = 0.0
    free_ns: float = 0.0
    unseen_ns: float = 0.0
    # Unseen, and perhaps not at this part of the call but at another one.
    unplaced_ns: float = 0.0


class Looks(NamedTuple):
    """How often the GIL was found held, and free, in calls too short for phases."""

    n_held: float = 0
    n_free: float = 0
    # Those of them that came in the same call as the last one, for want of a core.
    n_held_near: float = 0
    n_free_near: float = 0


class Estimate(NamedTuple):
    """What one window says."""

    own_ns: float
    n_calls: int
    # The parts of its call, or the looks at calls too short to be watched one by one.
    phases: Sequence[Phase | Looks]
    # Time that may have been held in addition, independent of other windows.
    missed_ns: float
    longest: HoldEstimate


def estimate_windows(windows: Sequence[Window], delays: Delays) -> list[Estimate]:
    """Estimate when in the calls of each window others could run."""
    computes_only = is_computing(windows)
    holds = [
        [*estimate_holds(window, delays, computes_only=computes_only)]
        for window in windows
    ]
    # Calls that are alike release for the first time at the same moment, however late
    # the witness came in some of them: no later than it came in any.
    first_ns = min((each[0].high for each in holds if len(each) > 1), default=0.0)
    most = max(0.0, first_ns - delays.waking_ns)
    estimates = []
    for window, found in zip(windows, holds, strict=True):
        own = float(max(1, sum(hold.own_ns for hold in found)))
        longest = select_longest(window, found)
        if window.n_calls > 1:
            looks = [sample(window, found)]
            estimates.append(Estimate(own, window.n_calls, looks, 0.0, longest))
            continue
        missed = hypot(*(hold.missed_ns for hold in found))
        if len(found) > 1:
            found[0] = found[0]._replace(low=min(found[0].low, most))
        estimates.append(Estimate(own, 1, fold(found), missed, longest))
    return estimates


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


def sample(window: Window, holds: Sequence[HoldEstimate]) -> Looks:
    """Return how often the GIL was found held, and free, after a pause.

    A caller without a core is found at one place again and again where the GIL is
    free, and once where it is held. It counts once for both. One that had a core for
    the smaller part of a pause is found where it was near the last tick, which is no
    random place either: it is counted apart.
    """
    counts = [0] * len(Looks())
    may_stay = computes(window, attrgetter("computed"))
    computed = count_computed(window.start, window.end) or 0
    gaps = [*zip(pairwise(window.marks), holds, strict=True)]
    for (before, after), hold in gaps[1:]:
        if not hold.is_seen:
            continue
        is_free = hold.value <= 0
        moved_ns = count_computed(before, after) or 0
        if is_free and may_stay and moved_ns < MOVED_NS:
            continue
        counts[is_free] += 1
        # As if it did nothing but compute.
        passed_ns = moved_ns * window.own_ns / max(1, computed)
        counts[2 + is_free] += may_stay and passed_ns < min(
            NEAR_SHARE * before.pause_ns, window.own_ns / window.n_calls
        )
    return Looks(*counts)


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


def estimate_fraction(estimates: Sequence[Estimate]) -> Figure | None:
    """Return the released fraction of all windows together, with its range."""
    most = max((each.n_calls for each in estimates), default=0)
    # One call alone is no sample of short ones.
    least = max(FULL_WINDOW * most, min(2, most))
    estimates = [each for each in estimates if each.n_calls >= least]
    if not estimates:
        return None
    own = sum(each.own_ns for each in estimates)
    sums = [
        [*map(sum, zip(*parts, strict=True))]
        for parts in zip(*(each.phases for each in estimates), strict=True)
    ]
    if estimates[0].n_calls > 1:
        held = estimate_sampled(Looks(*sums[0]))
    else:
        held = estimate_folded([Phase(*each) for each in sums], own, len(estimates))
    missed = hypot(*(each.missed_ns for each in estimates)) / own
    value, low, high = (
        1 - min(1.0, max(0.0, share))
        for share in (held.value, held.high + missed, held.low)
    )
    if high - low > RANGE_MAX:
        return None
    return Figure(min(high, max(low, value)), low, high)


def estimate_sampled(looks: Looks) -> Figure:
    """Return the held share of short calls.

    A look near the last one tells most likely what that one told. At one end of the
    range those are left out that found the GIL held so, at the other those free.
    """
    ends = []
    for n_held, n_free in (
        (looks.n_held - looks.n_held_near, looks.n_free),
        (looks.n_held, looks.n_free - looks.n_free_near),
    ):
        n_seen = n_held + n_free
        share = n_held / n_seen if n_seen else 0.5
        ends.append((share, *compute_share_range(share, n_seen, N_ERRORS_SAMPLED)))
    (least, low, _), (most, _, high) = ends
    return Figure((least + most) / 2, low, high)


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
