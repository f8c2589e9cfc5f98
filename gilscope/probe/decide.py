"""From counts to a verdict, in words. No thread, no clock and no GIL here."""

from collections.abc import Iterator

from gilscope.model import Controls, Evidence, FirstCall, Verdict
from gilscope.stats import Figure
from gilscope.units import describe_time

# So many of the calls that were interrupted have to be split, that is, interrupted in
# their midst: it is every other one for Python code, and none for what holds.
SPLIT_SHARE = 0.08
# More of them where it is known that Python code is no part of it to speak of, so that
# others can interrupt it only between a few pieces of C code.
PIECES_SHARE = 0.4
# A call of which at least this share runs Python code is one that others can interrupt.
# It is up to a hundredth for a C function in a Python wrapper, and from a twentieth on
# for what is written in Python, little as that may do itself.
PYTHON_SHARE = 0.02
# A release that covers less than this share of the call is pointed out.
TOKEN_SHARE = 0.1
# The first call is pointed out if it held for longer than this, and than so many calls.
FIRST_S = 1e-3
FIRST_TIMES = 3
# A call takes at least so many times what a call that does nothing takes.
SEEN_CALLS = 2.0
# Without a GIL: so many looks at a call have to say the same, or one in so many where
# Python code runs: that is stopped by whatever else stops the world, and then looks
# detached for a moment.
MANY_LOOKS = 20
# So many at calls so short that they may be detached for a moment only; and so many
# calls, as the threads of one may be over before it waits for them.
SHORT_S = 50e-6
MANY_SHORT_LOOKS = 300
MANY_CALLS = 5
DETACHED_LOOKS = 3
DETACHED_SHARE = 0.005
# So many stops have to have waited for most of a call; fewer if it is so long.
MANY_STOPS = 3
FEW_STOPS = 1
# In so many calls, and most of them, Python code that no tracer sees has to be stopped.
UNSEEN_CALLS = 2
LONG_S = 0.02
# A call that takes so many times longer than it has a core for is not seen as it is:
# its own threads may be over before it comes to wait for them.
STARVED_TIMES = 20

UNTOLD = "the controls could not be told apart"
GIVE_MORE = "check the C function itself, or give it more to do"


def compare_controls(
    releaser: Evidence, holder: Evidence, python_loop: Evidence
) -> Controls:
    """Find out whether the known callables can be told apart."""
    n_seen, n_windows = releaser.n_windows_released, releaser.n_windows
    faults: dict[str, object] = {
        f"a known release was seen in {n_seen} of {n_windows} calls only": (
            n_seen <= n_windows / 2
        )
    }
    for name, kept in (("holder", holder), ("Python loop", python_loop)):
        n_seen, n_windows = kept.n_windows_released, kept.n_windows
        text = f"a known {name} let another thread run in {n_seen} of {n_windows} calls"
        faults[text] = n_seen or not n_windows
    n_interrupted, n_tried = python_loop.n_calls_interrupted, python_loop.n_calls_tried
    faults |= {
        f"a known holder was interrupted {holder.n_calls_interrupted} times": (
            holder.n_calls_interrupted
        ),
        f"a Python loop could not be interrupted in {n_tried} calls": (
            not n_interrupted
        ),
    }
    return make_controls(
        (releaser, holder, python_loop),
        faults,
        f"releaser {releaser.n_windows_released} of {releaser.n_windows}, holder "
        f"0 of {holder.n_windows}, Python loop 0 of {python_loop.n_windows} and "
        f"interrupted in {n_interrupted} of {n_tried} calls",
    )


def compare_attached_controls(
    releaser: Evidence, holder: Evidence, python_loop: Evidence
) -> Controls:
    """Find out whether the known callables can be told apart without a GIL."""
    faults: dict[str, object] = {
        f"a known detached call was found so in {releaser.n_detached} of "
        f"{releaser.n_looks} looks": releaser.n_detached < DETACHED_LOOKS
    }
    for name, kept in (("attached call", holder), ("Python loop", python_loop)):
        text = f"a known {name} was found detached in {kept.n_detached} of "
        faults[f"{text}{kept.n_looks} looks"] = kept.n_detached or not kept.n_looks
    faults |= {
        f"a known attached call was stopped {holder.n_ticks} times": holder.n_ticks,
        "a Python loop could not be stopped": not python_loop.n_ticks,
    }
    return make_controls(
        (releaser, holder, python_loop),
        faults,
        f"releaser detached in {releaser.n_detached} of {releaser.n_looks} looks, "
        f"holder in 0 of {holder.n_looks}, Python loop in 0 of {python_loop.n_looks} "
        f"and stopped {python_loop.n_ticks} times",
    )


def make_controls(
    kinds: tuple[Evidence, Evidence, Evidence], faults: dict[str, object], counts: str
) -> Controls:
    """Return the controls, with the faults that there are or the counts."""
    found = [text for text, is_so in faults.items() if is_so]
    return Controls(*kinds, not found, "; ".join(found) or counts)


def decide(
    evidence: Evidence, controls: Controls, *, call_s: float, empty_s: float
) -> tuple[Verdict, str]:
    """Draw the verdict from the counts."""
    if not controls.told_apart:
        return "inconclusive", f"{UNTOLD}: {controls.reason}"
    if evidence.n_windows_released:
        return decide_released(evidence)
    if not evidence.n_windows:
        return "inconclusive", "no call was seen as nobody was there to watch it"
    if call_s < SEEN_CALLS * empty_s:
        return "inconclusive", (
            f"the call is too short to be seen: it takes {describe_time(call_s)}, and "
            f"a call that does nothing takes {describe_time(empty_s)} with the two "
            "readings of the clock; give it more to do"
        )
    return decide_kept(evidence, call_s)


def decide_released(evidence: Evidence) -> tuple[Verdict, str]:
    """Tell calls that all release the GIL from those of which some do."""
    n_calls, n_released = evidence.n_calls, evidence.n_released
    n_windows = evidence.n_windows_released
    how = (
        f"another thread ran {evidence.n_ticks} times inside them"
        if evidence.n_ticks
        else "another thread was woken to take the GIL"
    )
    # Where nothing tells of wake-ups a release that was not seen may have been one.
    is_told = evidence.n_wakeups is not None
    if is_told and n_released == n_calls and n_windows < evidence.n_windows:
        return "varies", (
            f"the GIL was released in {n_windows} of {evidence.n_windows} windows of "
            f"calls: {how}"
        )
    return "varies" if is_told and n_released < n_calls else "releases", (
        f"{n_released} of {n_calls} calls released the GIL: {how}, and nobody could "
        "interrupt them"
    )


def decide_kept(evidence: Evidence, call_s: float) -> tuple[Verdict, str]:
    """Tell Python code from what holds, for a call that never released the GIL."""
    interrupted, split = evidence.n_calls_interrupted, evidence.n_calls_split
    tried = evidence.n_calls_tried
    is_python = (evidence.python_share or 0) >= PYTHON_SHARE
    calls = f"{evidence.n_calls} calls of {describe_time(call_s)}"
    kept = f"{calls} never released the GIL"
    if evidence.n_wakeups is None:
        kept = f"no other thread ran during {calls}"
    # A busy machine interrupts Python code at its beginning alone, or not at all.
    is_untold = evidence.runs_python and evidence.python_share is None
    hidden = "the calls hide from the tracer how much Python code they run"
    if not tried:
        return "inconclusive", (
            f"{kept}, but the machine was too busy to find out whether they can be "
            "interrupted"
        )
    if not interrupted:
        none = f"none of {tried} tried could be interrupted"
        if is_python or is_untold:
            how = "one call ran Python code" if is_python else hidden
            return "inconclusive", f"{kept}; {how}, but {none}"
        return "holds", f"{kept}, and {none}"
    least = SPLIT_SHARE if evidence.python_share is None else PIECES_SHARE
    if is_python:
        why = (
            "they run Python code, which another thread interrupted in "
            f"{interrupted} of {tried} calls"
        )
    elif n_unseen := evidence.n_calls_unseen:
        why = (
            "another thread interrupted Python code that no tracer sees, in "
            f"{n_unseen} of {tried} calls"
        )
    elif split >= max(min(2, interrupted), least * interrupted):
        why = (
            f"another thread could interrupt them, in the midst of {split} of {tried} "
            "calls"
        )
    elif is_untold:
        return "inconclusive", (
            f"{kept}; {hidden}, and {split} of {tried} were interrupted in their midst"
        )
    else:
        return "holds", (
            f"{kept}; interrupting them let another thread run only before or after "
            f"the work, in {interrupted - split} of {tried} calls"
        )
    return "preemptible", f"{kept}, but {why}"


def decide_attached(
    evidence: Evidence, controls: Controls, *, call_s: float, clock_s: float
) -> tuple[Verdict, str]:
    """Draw the verdict where there is no GIL.

    A call took `call_s` without its run-queue wait, and at the least `clock_s` with it.
    """
    looks, detached = evidence.n_looks, evidence.n_detached
    calls = f"{evidence.n_calls} calls of {describe_time(call_s)}"
    found = f"{detached} of {looks} looks found {calls} detached"
    runs_no_python = evidence.runs_python is False
    if not controls.told_apart:
        return "inconclusive", f"{UNTOLD}: {controls.reason}"
    if detached >= max(DETACHED_LOOKS, DETACHED_SHARE * looks) or (
        runs_no_python and detached
    ):
        return "releases", found
    if detached:
        return "inconclusive", (
            f"{found}: they detach for moments, or another thread stopped the world; "
            f"{GIVE_MORE}"
        )
    is_few = evidence.n_calls < MANY_CALLS and call_s < LONG_S
    is_few &= not runs_no_python
    n_least = MANY_LOOKS if call_s > SHORT_S else MANY_SHORT_LOOKS
    if is_few or looks < n_least or clock_s > STARVED_TIMES * call_s:
        return "inconclusive", (
            f"too little was seen: the machine let another thread look {looks} times "
            f"at {calls}, which took {describe_time(clock_s)} by the clock; {GIVE_MORE}"
        )
    return decide_stopped(evidence, found, call_s)


def decide_stopped(
    evidence: Evidence, found: str, call_s: float
) -> tuple[Verdict, str]:
    """Tell Python code from what holds, for a call that was never detached."""
    interrupted, split = evidence.n_calls_interrupted, evidence.n_calls_split
    tried, waited = evidence.n_calls_tried, evidence.n_waited or 0
    n_unseen = evidence.n_calls_unseen
    is_python = (evidence.python_share or 0) >= PYTHON_SHARE
    # One of them may have begun after the call.
    if n_unseen >= UNSEEN_CALLS and n_unseen > tried / 2:
        return "preemptible", (
            f"{found}, but they could be stopped in Python code that no tracer sees, "
            f"in {n_unseen} of {tried} calls"
        )
    if evidence.runs_python is False:
        return (
            "holds",
            f"{found}, and no Python code runs in which they could be stopped",
        )
    if is_python and interrupted:
        return "preemptible", (
            f"{found}, but they run Python code, which was stopped in {interrupted} of "
            f"{tried} calls"
        )
    if not is_python and split >= max(min(2, tried), PIECES_SHARE * interrupted):
        return "preemptible", (
            f"{found}, but they could be stopped, in the midst of {split} of {tried} "
            "calls"
        )
    has_waited = waited >= (FEW_STOPS if call_s > LONG_S else MANY_STOPS)
    if not is_python and has_waited and split <= SPLIT_SHARE * interrupted:
        return "holds", (
            f"{found}, and {waited} stops of the world waited for most of one of "
            f"{tried} calls, which can be stopped only before or after the work"
        )
    return "inconclusive", (
        f"{found}; too little was seen of where they can be stopped: {tried} calls "
        f"were tried, {interrupted} stopped, {split} in their midst; {GIVE_MORE}"
    )


def find_notes(
    evidence: Evidence, fraction: Figure | None, *, call_s: float, first: FirstCall
) -> Iterator[str]:
    """Yield what else is worth knowing."""
    if fraction is not None and evidence.n_released and fraction.value < TOKEN_SHARE:
        yield (
            f"the GIL was free for {fraction.value:.1%} of the call; the rest of it "
            "kept others out"
        )
    hold = first.longest_hold
    if hold is not None and hold.low > max(FIRST_S, FIRST_TIMES * call_s):
        low, high = describe_time(hold.low), describe_time(hold.high)
        yield (
            "the first call kept others out for "
            f"{low if low == high else f'{low} to {high}'}; later ones took "
            f"{describe_time(call_s)}"
        )
    elif first.call_s > max(FIRST_S, 100 * call_s):
        yield (
            f"the first call took {describe_time(first.call_s)}, later ones "
            f"{describe_time(call_s)}; if it remembers its answer, have it checked "
            "with an argument that is new each time (prepare=, --prepare)"
        )
    if evidence.n_unclear:
        yield (
            f"{evidence.n_unclear} windows were left out, in which threads woke up for "
            "other reasons than a release"
        )
