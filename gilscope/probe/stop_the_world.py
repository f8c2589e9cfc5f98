"""How a call is judged where there is no GIL: whether its thread is attached meanwhile.

The witness reads the state of the caller out of the memory of the interpreter, and
stops nobody. That tells for certain whether the call was detached at that moment,
however busy the machine: a thread that has no core stays what it is.

Of a call that is never detached, stops of the world tell whether it is Python code. A
stop that begins while the call is attached has to wait for it, until it comes to a
place in Python code where it may be stopped.

Source: docs/explanation/how-the-verdict-works.md; PEP 703, "Stop-the-World"; CPython,
Python/pystate.c, stop_the_world() and detach_thread().
"""

import contextlib
import statistics
import sys
from bisect import bisect, bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, pairwise, repeat
from operator import attrgetter, sub
from typing import Any, NamedTuple, TypeVar

from gilscope.clock import perf_counter, perf_counter_ns, sleep, thread_time_ns
from gilscope.kernel import ThreadView, WitnessError, count_sleeps
from gilscope.model import Check, Controls, Evidence, FirstCall
from gilscope.probe.decide import (
    DETACHED_LOOKS,
    LONG_S,
    MANY_CALLS,
    MANY_SHORT_LOOKS,
    compare_attached_controls,
    decide_attached,
    find_notes,
)
from gilscope.probe.estimate import COMPUTING_SHARE, HoldEstimate, select_longest_hold
from gilscope.probe.fraction import N_ERRORS_SAMPLED, compute_share_range
from gilscope.probe.interruptions import LOOP_NS, LOOP_SHARE, ONCE_SHARE, SHORT_NS
from gilscope.probe.session import borrow_session, run_loop
from gilscope.probe.statement import Subject
from gilscope.probe.surroundings import (
    count_python_share,
    describe_extension,
    explain_refusal,
)
from gilscope.probe.switch_interval import MAX_CALLS, check_complete, run_chain
from gilscope.probe.witness import Witness, find_place
from gilscope.stats import Figure

# Where PyThreadState has its state, in bytes, and what that says (CPython,
# Include/cpython/pystate.h and Include/internal/pycore_pystate.h, on 64 bits). Where it
# were elsewhere, the controls could not be told apart.
STATE_OFFSETS = {(3, 13): 40, (3, 14): 44, (3, 15): 48}
DETACHED, ATTACHED = 0, 1
# The Python loop is long, for it may take milliseconds to be stopped.
CONTROL_STEPS = 50_000
LOOP_STEPS = 500_000
# How long each control is watched at the most, each way, and for which share of what is
# enough otherwise.
CONTROL_S = 0.5
CONTROL_SHARE = 0.2
# The shares of the budget for figures, and while too little was seen for a verdict.
WATCH_SHARE = 0.5
LIMIT_SHARE = 4.0
# Which share of the stops that are enough otherwise finds Python code that no tracer
# sees, such as that of a greenlet that is resumed.
UNSEEN_SHARE = 0.2
# Taken in turn: with one of them alone the looks would fall into step with calls of
# some length, and meet each in the same place.
PAUSES_S = (*repeat(20e-6, 7), 400e-6)
# A wait of the witness for a core is no longer than so many usual ones.
LATE_TIMES = 4
# A stop takes about a microsecond if it has to wait for nobody.
STOP_NS = 20_000
# Calls shorter than this are watched many at a time, longer where the witness comes too
# late for them, and those that last no longer than a few stops as if they were one.
WINDOW_NS = 2_000_000
WINDOW_MAX_NS = 64_000_000
SPLIT_NS = 50_000
# So many looks are taken at a time at short calls, which may be detached for a moment.
SHORT_LOOKS = 8
# So many of one kind are enough: looks, of which none or several found the call
# detached; stops that were over inside of a call; calls that nobody could stop.
ENOUGH = {"looks": MANY_SHORT_LOOKS, "detached": 30, "inside": 30, "blocked": 20}


def judge_attached(
    check: Check, subject: Subject, budget_s: float, *, figures: bool
) -> Check:
    """Judge a call by whether its thread is attached while it runs."""
    with borrow_session() as session, session.take_turn(subject.tell_life):
        start = perf_counter_ns()
        answer = subject.make_call()()
        first = FirstCall((perf_counter_ns() - start) / 1e9)
        check = replace(check, n_calls_made=1, first_call=first)
        if (refusal := explain_refusal(subject.call, answer)) is not None:
            return replace(check, reason=refusal)
        del answer
        max_calls = MAX_CALLS if subject.prepare is None else 1
        witness = session.start(StopWitness)
        try:
            with witness.attach():
                watch = partial(watch_attached_controls, witness)
                check = replace(check, controls=session.renew_controls(watch))
                watch_calls = partial(
                    watch_for,
                    witness,
                    subject.make_call,
                    limit_s=LIMIT_SHARE * budget_s,
                    max_calls=max_calls,
                )
                least_s = WATCH_SHARE * budget_s if figures else 0.0
                looked = watch_calls(least_s=least_s)
                # The run-queue wait that is taken off may be too long for one of them.
                own_ns = statistics.median(window.own_ns for window in looked)
                share, n_traced = count_python_share(subject.make_call, own_ns)
                is_detached = any(window.n_detached for window in looked)
                # A few stops find Python code that no tracer sees.
                stop_calls = partial(
                    watch_calls,
                    stops_world=True,
                    share=UNSEEN_SHARE if share == 0 else 1,
                )
                stopped = [] if is_detached else stop_calls()
        except WitnessError as error:
            return replace(check, reason=str(error))
        evidence = replace(
            add_up(looked, stopped),
            python_share=share,
            n_calls_unseen=sum(map(is_unseen, stopped)) if share == 0 else 0,
            runs_python=None if share is None else share > 0,
        )
        n_made = 1 + n_traced + sum(each.n_calls for each in (*looked, *stopped))
        check = replace(check, evidence=evidence, n_calls_made=n_made)
        return weigh_windows(check, subject, looked, stopped)


def weigh_windows(
    check: Check,
    subject: Subject,
    looked: Sequence["AttachedWindow"],
    stopped: Sequence["AttachedWindow"],
) -> Check:
    """Return the check with what follows from the evidence."""
    assert check.controls is not None
    assert check.first_call is not None
    assert check.evidence is not None
    own_s = statistics.median(window.own_ns for window in looked) / 1e9
    call_s = min(window.passed_ns / window.n_calls for window in looked) / 1e9
    verdict, reason = decide_attached(
        check.evidence, check.controls, call_s=own_s, clock_s=call_s
    )
    notes = [*find_notes(check.evidence, None, call_s=call_s, first=check.first_call)]
    fraction = Figure(0.0, 0.0, 0.0)
    holds = [estimate_longest(window) for window in looked]
    if verdict == "releases":
        share = check.evidence.n_detached / check.evidence.n_looks
        bounds = compute_share_range(share, check.evidence.n_looks, N_ERRORS_SAMPLED)
        fraction = Figure(share, *bounds)
    elif verdict == "preemptible":
        holds = [hold for window in stopped for hold in estimate_waits(window)]
    elif verdict == "holds":
        notes.append(describe_extension(subject.call, has_gil=False))
    is_told = verdict != "inconclusive"
    hold, clock = (is_told and select_longest_hold(holds)) or (None, None)
    return replace(
        check,
        verdict=verdict,
        reason=reason,
        released_fraction=fraction if is_told else None,
        longest_hold=hold,
        longest_hold_by_clock=clock,
        call_s=call_s,
        notes=tuple(filter(None, notes)),
    )


def watch_attached_controls(witness: "StopWitness") -> Controls:
    """Watch a known releaser, a known holder and a known Python loop."""

    def watch(call: Callable[..., Any], argument: object) -> Evidence:
        watch = partial(
            watch_for,
            witness,
            lambda: partial(call, argument),
            limit_s=CONTROL_S,
            share=CONTROL_SHARE,
        )
        return add_up(watch(), [] if call is sleep else watch(stops_world=True))

    return compare_attached_controls(
        watch(sleep, 0.002),
        watch(sum, range(CONTROL_STEPS)),
        watch(run_loop, LOOP_STEPS),
    )


class StateLook(NamedTuple):
    """One moment at which the witness read the state of the caller."""

    start_ns: int
    end_ns: int
    is_detached: bool
    # Whether the caller got further since the last look, or slept: one that has no core
    # stays what it is, and counts once.
    is_counted: bool = True
    # The caller's run-queue wait so far.
    caller_wait_ns: int = 0


class Stop(NamedTuple):
    """One time that the witness stopped the world, while the caller was attached."""

    start_ns: int
    end_ns: int
    # How long the caller had computed before and after.
    computed: int = 0
    computed_after: int = 0
    # Where in its Python code it was stopped.
    place: tuple[int, int] | None = None
    # The run-queue waits meanwhile.
    witness_wait_ns: int = 0
    caller_wait_ns: int = 0
    # How often the witness slept meanwhile: each millisecond it looks whether the stop
    # is over (CPython, stop_the_world()).
    n_sleeps: int = 1


Seen = TypeVar("Seen", StateLook, Stop)


class AttachedWindow(NamedTuple):
    """Some calls, one right after the other, with what was seen meanwhile."""

    # Clock readings before, between and after the calls, and computing times.
    stamps: Sequence[int]
    computed: Sequence[int]
    # The looks that were all inside, and the stops that began inside.
    looks: Sequence[StateLook] = ()
    stops: Sequence[Stop] = ()
    # How long one of them took, without the caller's run-queue wait.
    own_ns: float = 0.0

    @property
    def n_calls(self) -> int:
        """How many calls it spans."""
        return len(self.stamps) - 1

    @property
    def passed_ns(self) -> int:
        """How long they took by the clock."""
        return self.stamps[-1] - self.stamps[0]

    @property
    def n_detached(self) -> int:
        """How many of the looks that count found the caller detached."""
        return sum(look.is_detached and look.is_counted for look in self.looks)

    @property
    def inside(self) -> list[Stop]:
        """The stops that ended inside, too."""
        return [stop for stop in self.stops if stop.end_ns < self.stamps[-1]]


class StopWitness(Witness):
    """A second thread that looks at the caller, or stops the world, again and again."""

    def __init__(self) -> None:
        """Prepare the thread."""
        super().__init__(limit_s=1.0)
        self.stops_world = False
        # How many looks it takes at a time.
        self.n_looks = 1
        self.looks: list[StateLook] = []
        self.stops: list[Stop] = []
        self._read_state: Callable[[], int] = int
        self._read_computed: Callable[[], int] = int
        self._computed_at_last: int | None = None

    @contextlib.contextmanager
    def attach(self) -> Iterator[None]:
        """Watch the calling thread meanwhile."""
        self._read_state = open_state()
        with super().attach():
            self._read_computed = self._read_caller or int
            yield

    def _take_ticks(self) -> None:
        self.looks, self.stops = [], []
        for pause_s in cycle(PAUSES_S):
            if not self._is_armed:
                return
            if not self.stops_world:
                self.looks += [self._look() for _ in range(self.n_looks)]
            # One that is detached waits for nothing, or is not back from the last stop.
            elif self._read_state() == ATTACHED:
                self.stops.append(self._stop_world())
            sleep(pause_s)

    def _look(self) -> StateLook:
        """Return the state of the caller."""
        start = perf_counter_ns()
        state = self._read_state()
        end = perf_counter_ns()
        look = StateLook(start, end, state == DETACHED)
        if (view := self._noted_view) is None:
            return look
        computed = self._read_computed()
        has_moved = computed != self._computed_at_last
        self._computed_at_last = computed
        # Whom a third thread has stopped for the moment is neither.
        is_counted = state in (DETACHED, ATTACHED) and (
            has_moved or view.read_sleep()[0]
        )
        return look._replace(is_counted=is_counted, caller_wait_ns=read_waits(view))

    def _stop_world(self) -> Stop:
        """Return what was seen of one stop."""
        view, own = self._noted_view, self._own_view

        def note() -> tuple[int, int, int]:
            return read_waits(own), read_waits(view), count_sleeps() if own else 0

        before = note()
        computed = self._read_computed()
        start = perf_counter_ns()
        # This is what stops the world.
        place = find_place(self._caller)
        end = perf_counter_ns()
        computed_after = self._read_computed()
        stop = Stop(
            start, end, computed, computed_after, place, *map(sub, note(), before)
        )
        return stop if own else stop._replace(n_sleeps=1)


def open_state() -> Callable[[], int]:
    """Return what reads the state of the calling thread, for another one to call."""
    import ctypes  # noqa: PLC0415 - as elsewhere.

    offset = STATE_OFFSETS.get(sys.version_info[:2])
    if offset is not None:
        prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p)
        address = prototype(("PyThreadState_Get", ctypes.pythonapi))()
        state = ctypes.c_int.from_address(address + offset)
        if state.value == ATTACHED:
            return lambda: state.value
    version = sys.version.partition(" ")[0]
    message = f"nobody knows where CPython {version} keeps the state of a thread"
    raise WitnessError(message)


def watch_for(  # noqa: PLR0913 - all but two are by name.
    witness: StopWitness,
    make_call: Callable[[], Callable[[], Any]],
    *,
    limit_s: float,
    least_s: float = 0.0,
    max_calls: int = MAX_CALLS,
    stops_world: bool = False,
    share: float = 1.0,
) -> list[AttachedWindow]:
    """Watch calls for `least_s`, and up to `limit_s` while too little was seen."""
    chains: list[AttachedWindow] = []
    count, window_ns = 1, WINDOW_NS
    seen: Counter[str] = Counter()
    started_s = perf_counter()
    witness.stops_world, witness.n_looks = stops_world, 1
    witness.start()
    try:
        while True:
            chains.append(watch_chain(witness, make_call(), count))
            # The last observation may not have been noted yet.
            last = [*place_windows(chains[-2:-1], witness)]
            for window in last:
                n_looks = sum(look.is_counted for look in window.looks)
                seen.update(
                    looks=n_looks // witness.n_looks,
                    detached=window.n_detached,
                    inside=len(window.inside),
                    # A call that nobody can stop shows so in as many windows.
                    blocked=bool(window.stops and not window.inside),
                )
            is_enough = any(seen[kind] >= share * n for kind, n in ENOUGH.items())
            # A few say too little.
            is_enough &= not 0 < seen["detached"] < DETACHED_LOOKS
            if not seen["detached"] and chains[-1].own_ns < LONG_S * 1e9:
                is_enough &= sum(chain.n_calls for chain in chains) > MANY_CALLS
            if perf_counter() - started_s >= (least_s if is_enough else limit_s):
                break
            # Where nobody runs Python code, one stop takes all of the rest.
            is_late = not any(window.stops or window.looks for window in last)
            window_ns = 2 * window_ns if is_late else window_ns // 2
            window_ns = max(WINDOW_NS, min(window_ns, WINDOW_MAX_NS))
            call_ns = max(1, chains[-1].passed_ns // count)
            # Each moment of a short call is as good as any other.
            witness.n_looks = SHORT_LOOKS if call_ns < SPLIT_NS else 1
            count = max(1, min(window_ns // call_ns, 10 * count, max_calls))
    finally:
        witness.rest()
    return [*place_windows(chains, witness)]


def place_windows(
    chains: Sequence[AttachedWindow], witness: StopWitness
) -> Iterator[AttachedWindow]:
    """Yield each call with what was seen meanwhile, short ones together."""
    for chain in chains:
        windows = [chain]
        # Between two calls there may be Python code that is none of theirs.
        if chain.passed_ns > SPLIT_NS * chain.n_calls:
            ends = zip(pairwise(chain.stamps), pairwise(chain.computed), strict=True)
            windows = [chain._replace(stamps=at, computed=own) for at, own in ends]
        for window in windows:
            first, last = window.stamps[0], window.stamps[-1]
            looks = select_begun(witness.looks, first, last)
            stops = select_begun(witness.stops, first, last)
            looks = [look for look in looks if look.end_ns < last]
            yield window._replace(looks=looks, stops=stops)


def select_begun(seen: Sequence[Seen], first: int, last: int) -> Sequence[Seen]:
    """Return those of the looks or stops that began between two moments."""
    start = attrgetter("start_ns")
    return seen[bisect(seen, first, key=start) : bisect_left(seen, last, key=start)]


def watch_chain(
    witness: StopWitness, call: Callable[[], Any], count: int
) -> AttachedWindow:
    """Watch some calls beside the witness, of which nothing is known yet."""
    view = witness.caller_view
    waited_ns = read_waits(view)
    readings = run_chain(call, count, (perf_counter_ns, thread_time_ns))
    readings = check_complete(call, readings, 2 * (count + 1))
    waited_ns = read_waits(view) - waited_ns
    stamps, computed = readings[::2], readings[1::2]
    own_ns = max(computed[-1] - computed[0], stamps[-1] - stamps[0] - waited_ns)
    return AttachedWindow(stamps, computed, own_ns=own_ns / count)


def read_waits(view: ThreadView | None) -> int:
    """Return the run-queue wait of a thread so far, in nanoseconds; 0 if not told."""
    return 0 if view is None else view.read_times().waiting_for_core


def add_up(
    looked: Sequence[AttachedWindow], stopped: Sequence[AttachedWindow]
) -> Evidence:
    """Return the counts."""
    detached = [window.n_detached for window in looked]
    inside = [window.inside for window in stopped]
    return Evidence(
        n_calls=sum(window.n_calls for window in looked),
        n_released=sum(
            window.n_calls for window, n in zip(looked, detached, strict=True) if n
        ),
        n_windows=len(looked),
        n_windows_released=sum(map(bool, detached)),
        n_ticks=sum(map(len, inside)),
        n_looks=sum(look.is_counted for window in looked for look in window.looks),
        n_detached=sum(detached),
        n_waited=sum(
            has_waited(window, stop) for window in stopped for stop in window.stops
        ),
        n_calls_tried=sum(bool(window.stops) for window in stopped),
        n_calls_interrupted=sum(map(bool, inside)),
        n_calls_split=sum(map(is_split, stopped)),
    )


def is_unseen(window: AttachedWindow) -> bool:
    """Return whether a window was stopped in Python code, and not around the calls."""
    own = id(run_chain.__code__)
    return any(stop.place is not None and stop.place[0] != own for stop in window.stops)


def has_waited(window: AttachedWindow, stop: Stop) -> bool:
    """Return whether a stop waited for most of the call, and not for a core."""
    waited_ns = stop.end_ns - stop.start_ns - stop.caller_wait_ns
    rest_ns = window.stamps[-1] - stop.start_ns - stop.caller_wait_ns
    half_ns = min(rest_ns, window.own_ns * window.n_calls) / 2
    # It may have been over for as long as the witness had no core to say so: for one of
    # its waits, and at the most for all of them.
    late_ns = stop.witness_wait_ns * min(1, LATE_TIMES / max(1, stop.n_sleeps))
    # Meanwhile the call computed, or slept.
    own_ns = max(waited_ns, stop.computed_after - stop.computed) - late_ns
    return stop.n_sleeps > 0 and own_ns > max(STOP_NS, half_ns)


def is_split(window: AttachedWindow) -> bool:
    """Return whether a window was stopped in its midst.

    When in the course of a stop the caller was stopped is not known: before that it may
    have had to come to a place for it, and afterwards the witness may have had no core
    to say that it is over. So a piece may begin and end with any moment of a stop.
    """
    stops = window.inside
    if not stops:
        return False
    ends = window.computed
    pieces = [(stop.computed, stop.computed_after) for stop in stops]
    # Of what sleeps the clock tells how far it has come.
    if ends[-1] - ends[0] < COMPUTING_SHARE * window.own_ns * window.n_calls:
        ends = window.stamps
        pieces = [(stop.start_ns, stop.end_ns) for stop in stops]
    before, after = zip(*pieces, strict=True)
    whole = ends[-1] - ends[0]
    # Stopped twice at one place, with work in between: there is a loop in Python.
    first_seen: dict[object, int] = {}
    has_loop = any(
        begin - first_seen.setdefault(stop.place, end)
        > max(LOOP_NS, LOOP_SHARE * whole)
        for stop, (begin, end) in zip(stops, pieces, strict=True)
        if stop.place is not None
    )
    longest = max(map(sub, [*after, ends[-1]], [ends[0], *before]))
    return has_loop or whole < SHORT_NS or longest < ONCE_SHARE * whole


def estimate_longest(window: AttachedWindow) -> HoldEstimate:
    """Return for how long the call was attached at a time, as the looks tell.

    At both of its ends it is attached.
    """
    own, passed = window.own_ns, window.passed_ns / window.n_calls
    looks = window.looks
    if not any(look.is_detached for look in looks):
        return HoldEstimate(own, own if looks else 0.0, own, passed, bool(looks))
    if window.n_calls > 1:
        return HoldEstimate(own / 2, 0.0, own, passed)
    first, last = (
        look._replace(start_ns=at_ns, end_ns=at_ns, is_detached=False)
        for look, at_ns in (
            (looks[0], window.stamps[0]),
            (looks[-1], window.stamps[-1]),
        )
    )
    found = []
    before, held = first, [first]
    for look in (*looks, last):
        if not look.is_detached:
            held.append(look)
        if held and (look.is_detached or look is last):
            clock = look.start_ns - before.end_ns
            waited = look.caller_wait_ns - before.caller_wait_ns
            high = min(own, max(0, clock - waited))
            seen = held[-1].start_ns - held[0].end_ns
            seen -= held[-1].caller_wait_ns - held[0].caller_wait_ns
            low = max(0, min(seen, high))
            found.append(HoldEstimate((low + high) / 2, low, high, clock))
        if look.is_detached:
            before, held = look, []
    return max(found, key=attrgetter("low", "high"))


def estimate_waits(window: AttachedWindow) -> Iterator[HoldEstimate]:
    """Yield for how long each stop had to wait for the call.

    The run-queue wait of the witness widens the range; the caller's is left out.
    """
    for stop in window.stops:
        waited = min(stop.end_ns, window.stamps[-1]) - stop.start_ns
        own = max(0, waited - stop.caller_wait_ns)
        low = max(0, own - stop.witness_wait_ns)
        yield HoldEstimate((low + own) / 2, low, own, waited)
