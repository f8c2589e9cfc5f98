"""How a call is judged where there is no GIL: by a witness that stops the world.

A thread that is attached makes whoever stops the world wait for it, until it comes to
a place in Python code where it may be stopped, or detaches. So a stop that begins and
ends inside a call tells that the call detached or runs Python code; which of the two,
Linux tells: a thread that was stopped went to sleep for it, one that was detached ran
on or slept on.

Source: docs/explanation/how-the-verdict-works.md; PEP 703, "Stop-the-World".
"""

from bisect import bisect, bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress, cycle, pairwise, repeat
from operator import attrgetter
from typing import Any, NamedTuple

from gilscope.clock import perf_counter, perf_counter_ns, sleep, thread_time_ns
from gilscope.kernel import ThreadView, WitnessError, count_sleeps
from gilscope.model import Check, Controls, Evidence, FirstCall
from gilscope.probe.decide import compare_attached_controls, decide_attached, find_notes
from gilscope.probe.estimate import HoldEstimate, select_longest_hold
from gilscope.probe.fraction import Estimate, Phase, estimate_fraction
from gilscope.probe.interruptions import weigh_marks
from gilscope.probe.session import borrow_session, run_loop
from gilscope.probe.statement import Subject
from gilscope.probe.surroundings import (
    count_python_share,
    describe_extension,
    explain_refusal,
)
from gilscope.probe.switch_interval import MAX_CALLS, check_complete, run_chain
from gilscope.probe.witness import Tick, Witness, find_place
from gilscope.stats import Figure

# The Python loop is long, for it may take milliseconds to be stopped.
CONTROL_STEPS = 50_000
LOOP_STEPS = 500_000
# How long each control is watched at the least, and at the most.
CONTROL_S = 0.02, 0.2
# The shares of the budget for figures, and while too little was seen for a verdict.
WATCH_SHARE = 0.5
LIMIT_SHARE = 2.0
# From this share of the budget on one call is long.
LONG_SHARE = 0.25
# Taken in turn: with one of them alone the stops would fall into step with calls of
# some length, and meet each in the same place.
PAUSES_S = (*repeat(20e-6, 7), 400e-6)
# A stop takes about a microsecond if it has to wait for nobody.
STOP_NS = 20_000
# It looks each millisecond for threads that have detached (stop_the_world(), CPython).
LOOK_NS = 1_500_000
# What a thread computes at the most to come back from a stop.
BACK_NS = 20_000
# Calls shorter than this are watched many at a time, longer where the witness comes too
# late for them, and those that last no longer than a few stops as if they were one.
WINDOW_NS = 2_000_000
WINDOW_MAX_NS = 64_000_000
SPLIT_NS = 50_000
# So many stops inside of so many calls are enough, or calls that nobody could stop.
ENOUGH_STOPS = 30
ENOUGH_CALLS = 5
ENOUGH_BLOCKED = 20


def judge_attached(
    check: Check, subject: Subject, budget_s: float, *, figures: bool
) -> Check:
    """Judge a call by whether others can stop the world while it runs."""
    with borrow_session() as session, session.take_turn():
        start = perf_counter_ns()
        answer = subject.make_call()()
        first = FirstCall((perf_counter_ns() - start) / 1e9)
        check = replace(check, n_calls_made=1, first_call=first)
        if (refusal := explain_refusal(subject.call, answer)) is not None:
            return replace(check, reason=refusal)
        del answer
        is_long = first.call_s > LONG_SHARE * budget_s
        windows: list[StopWindow] = []
        witness = session.start(StopWitness)
        try:
            with witness.attach():
                watch = partial(watch_attached_controls, witness)
                controls = session.renew_controls(watch)
                check = replace(check, controls=controls)
                start_s = perf_counter()
                # For a verdict alone the first windows may be enough.
                shares = (WATCH_SHARE,) if figures else (0.0, WATCH_SHARE)
                for share in (0.0,) if is_long else shares:
                    passed_s = perf_counter() - start_s
                    windows += watch_for(
                        witness,
                        subject.make_call,
                        share * budget_s - passed_s,
                        LIMIT_SHARE * budget_s - passed_s,
                        MAX_CALLS if subject.prepare is None else 1,
                    )
                    check = weigh_windows(check, subject, windows)
                    if check.verdict != "inconclusive":
                        break
        except WitnessError as error:
            return replace(check, reason=str(error))
        return check


def weigh_windows(
    check: Check, subject: Subject, windows: Sequence["StopWindow"]
) -> Check:
    """Return the check with what was seen, and with one more call that is traced."""
    assert check.controls is not None
    assert check.first_call is not None
    first = check.first_call
    own_ns = min(window.own_ns for window in windows)
    share, n_traced = count_python_share(subject.make_call, own_ns)
    evidence = replace(
        # Where no Python code runs, a stop inside shows a call that detaches.
        add_up(windows, STOP_NS if share == 0 else LOOK_NS),
        python_share=share,
        runs_python=None if share is None else share > 0,
    )
    verdict, reason = decide_attached(evidence, check.controls, call_s=own_ns / 1e9)
    call_s = min(window.passed_ns / window.n_calls for window in windows) / 1e9
    notes = [*find_notes(evidence, None, call_s=call_s, first=first)]
    fraction: Figure | None = None
    holds: tuple[Figure | None, Figure | None] | None = None
    if verdict != "inconclusive":
        fraction = Figure(0.0, 0.0, 0.0)
        estimates = [estimate_stops(window) for window in windows]
        holds = select_longest_hold([each.longest for each in estimates])
        if verdict == "releases":
            fraction = estimate_fraction(estimates)
        elif verdict == "holds":
            notes.append(describe_extension(subject.call, has_gil=False))
    hold, clock = holds or (None, None)
    return replace(
        check,
        verdict=verdict,
        reason=reason,
        released_fraction=fraction,
        longest_hold=hold,
        longest_hold_by_clock=clock,
        call_s=call_s,
        n_calls_made=1 + n_traced + evidence.n_calls,
        evidence=evidence,
        notes=tuple(filter(None, notes)),
    )


def watch_attached_controls(witness: "StopWitness") -> Controls:
    """Watch a known releaser, a known holder and a known Python loop."""

    def watch(call: Callable[..., Any], argument: object) -> Evidence:
        call = partial(call, argument)
        return add_up(watch_for(witness, lambda: call, *CONTROL_S))

    return compare_attached_controls(
        watch(sleep, 0.002),
        watch(sum, range(CONTROL_STEPS)),
        watch(run_loop, LOOP_STEPS),
    )


class Stop(NamedTuple):
    """One time that the witness stopped the world."""

    start_ns: int
    end_ns: int
    tick: Tick
    # How long the caller had computed before.
    computed: int | None = None
    # Whether the caller was stopped by it: None if that could not be seen.
    has_stopped: bool | None = None
    # Whether that is proven.
    is_proven: bool = False
    # The run-queue waits meanwhile.
    witness_wait_ns: int = 0
    caller_wait_ns: int = 0
    # Whether the witness slept in the meantime.
    has_slept: bool = True

    @property
    def is_free(self) -> bool:
        """Whether it surely did not stop the caller."""
        return self.has_stopped is False


class StopWindow(NamedTuple):
    """Some calls, one right after the other, and the stops meanwhile."""

    # Clock readings before, between and after the calls, and computing times.
    stamps: Sequence[int]
    computed: Sequence[int]
    stops: Sequence[Stop]
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

    def split(self) -> Iterator["StopWindow"]:
        """Yield each call on its own."""
        ends = pairwise(zip(self.stamps, self.computed, strict=True))
        for (start, before), (end, after) in ends:
            stops = [s for s in self.stops if s.end_ns > start and s.start_ns < end]
            yield StopWindow((start, end), (before, after), stops, self.own_ns)

    @property
    def begun(self) -> list[Stop]:
        """The stops that began inside."""
        first, last = self.stamps[0], self.stamps[-1]
        return [stop for stop in self.stops if first < stop.start_ns < last]

    @property
    def inside(self) -> list[Stop]:
        """Those of them that ended inside, too."""
        return [stop for stop in self.begun if stop.end_ns < self.stamps[-1]]


class StopWitness(Witness):
    """A second thread that stops the world again and again."""

    def __init__(self) -> None:
        """Prepare the thread."""
        super().__init__(limit_s=1.0)
        self.stops: list[Stop] = []
        self._computed_at_last: int | None = None

    def _read_computed(self) -> int | None:
        return self._read_caller and self._read_caller()

    def _take_ticks(self) -> None:
        self.stops = []
        for pause_s in cycle(PAUSES_S):
            if not self._is_armed:
                return
            view = self._noted_view
            is_asleep = view is None or view.read_sleep()[0]
            if is_asleep or self._is_back(self._read_computed()):
                stop = self._stop_world()
                self.stops += [stop] if stop else []
            sleep(pause_s)

    def _is_back(self, computed: int | None) -> bool:
        """Return whether the caller has come back from the last stop.

        One that was stopped comes back in steps, for which it needs a core.
        """
        last = self._computed_at_last
        return last is None or computed is None or not 0 <= computed - last <= BACK_NS

    def _stop_world(self) -> Stop | None:
        """Return what was seen of one stop, None if it tells nothing of the caller."""
        view, own = self._noted_view, self._own_view
        n_sleeps = count_sleeps() if own else -1
        waits_ns = read_waits(own), read_waits(view)
        before = view.read_sleep() if view else None
        earlier, computed = self._read_computed(), self._read_computed()
        start = perf_counter_ns()
        # This is what stops the world.
        place = find_place(self._caller)
        end = perf_counter_ns()
        computed_after = self._read_computed()
        after = view.read_sleep() if view else None
        waits_ns = read_waits(own) - waits_ns[0], read_waits(view) - waits_ns[1]
        has_slept = not own or count_sleeps() > n_sleeps
        is_back = self._is_back(computed)
        self._computed_at_last = computed_after
        tick = Tick(end, progress=computed_after, place=place)
        stop = Stop(start, end, tick, computed, has_slept=has_slept)
        stop = stop._replace(witness_wait_ns=waits_ns[0], caller_wait_ns=waits_ns[1])
        if before is None or after is None or computed is None:
            return stop
        # To be stopped a thread has to compute until it comes to where it goes to
        # sleep. One that slept on, or computed nothing though it was on its way, was
        # detached; so, with some exceptions, was one that computed on without sleeping.
        slept_on = before == after and before[0]
        if not (slept_on or is_back):
            return None
        if slept_on or computed == computed_after:
            return stop._replace(has_stopped=False, is_proven=True)
        if before[1] != after[1]:
            return stop._replace(has_stopped=True)
        computed_on = before == after and computed != earlier
        return stop._replace(has_stopped=False if computed_on else None)


def watch_for(
    witness: StopWitness,
    make_call: Callable[[], Callable[[], Any]],
    least_s: float,
    limit_s: float,
    max_calls: int = MAX_CALLS,
) -> list[StopWindow]:
    """Watch calls for `least_s`, and up to `limit_s` while too little was seen."""
    chains: list[StopWindow] = []
    count, window_ns = 1, WINDOW_NS
    n_begun = n_inside = n_blocked = 0
    started_s = perf_counter()
    witness.start()
    try:
        while True:
            chains.append(watch_stops(witness, make_call(), count))
            # The last stop may not have been noted yet.
            last = [*place_stops(chains[-2:-1], witness.stops)]
            for window in last:
                n_begun += bool(window.begun)
                n_inside += len(window.inside)
                # A call that nobody can stop shows so in as many windows.
                n_blocked += bool(window.begun and not window.inside)
            was_stopped = n_begun >= ENOUGH_CALLS and n_inside >= ENOUGH_STOPS
            is_enough = was_stopped or n_blocked >= ENOUGH_BLOCKED
            passed_s = perf_counter() - started_s
            if passed_s >= (least_s if is_enough else limit_s):
                break
            # Where nobody runs Python code, one stop takes all of the rest.
            is_late = not any(window.begun for window in last)
            window_ns = 2 * window_ns if is_late else window_ns // 2
            window_ns = max(WINDOW_NS, min(window_ns, WINDOW_MAX_NS))
            call_ns = max(1, chains[-1].passed_ns // count)
            count = max(1, min(window_ns // call_ns, 10 * count, max_calls))
    finally:
        witness.rest()
    return [*place_stops(chains, witness.stops)]


def place_stops(
    chains: Sequence[StopWindow], stops: Sequence[Stop]
) -> Iterator[StopWindow]:
    """Yield calls with the stops beside each, short ones as many as were watched."""
    for chain in chains:
        first = bisect(stops, chain.stamps[0], key=attrgetter("end_ns"))
        last = bisect_left(stops, chain.stamps[-1], key=attrgetter("start_ns"))
        window = chain._replace(stops=stops[first:last])
        # Between two calls there may be Python code that is none of theirs.
        is_long = window.passed_ns > SPLIT_NS * window.n_calls
        yield from window.split() if is_long else [window]


def watch_stops(
    witness: StopWitness, call: Callable[[], Any], count: int
) -> StopWindow:
    """Watch some calls beside the witness, whose stops are not known yet."""
    view = witness.caller_view
    waited_ns = read_waits(view)
    readings = run_chain(call, count, (perf_counter_ns, thread_time_ns))
    readings = check_complete(call, readings, 2 * (count + 1))
    waited_ns = read_waits(view) - waited_ns
    stamps, computed = readings[::2], readings[1::2]
    own_ns = max(computed[-1] - computed[0], stamps[-1] - stamps[0] - waited_ns)
    return StopWindow(stamps, computed, (), own_ns / count)


def read_waits(view: ThreadView | None) -> int:
    """Return the run-queue wait of a thread so far, in nanoseconds; 0 if not told."""
    return 0 if view is None else view.read_times().waiting_for_core


def add_up(windows: Sequence[StopWindow], look_ns: int = LOOK_NS) -> Evidence:
    """Return the counts."""
    inside = [window.inside for window in windows]
    is_free = [any(stop.is_free for stop in stops) for stops in inside]
    ended = [stop for stops in inside for stop in stops]
    begun = [(window, stop) for window in windows for stop in window.begun]
    return Evidence(
        n_calls=sum(window.n_calls for window in windows),
        n_released=sum(window.n_calls for window in compress(windows, is_free)),
        n_windows=len(windows),
        n_windows_released=sum(is_free),
        n_ticks=len(ended),
        n_unhindered=sum(stop.is_free for stop in ended),
        n_proven=sum(stop.is_proven for stop in ended),
        # A stop that was over may seem to end late, where the witness had no core.
        n_stopped=sum(bool(stop.has_stopped) for _, stop in begun),
        n_waited=sum(has_waited(window, stop, look_ns) for window, stop in begun),
        n_calls_tried=sum(bool(window.begun) for window in windows),
        n_calls_interrupted=sum(map(bool, inside)),
        n_calls_split=sum(map(is_split, windows)),
    )


def has_waited(window: StopWindow, stop: Stop, look_ns: int) -> bool:
    """Return whether a stop waited for most of the call, and not for a core."""
    if not stop.has_slept:
        return False
    waited_ns = stop.end_ns - stop.start_ns - stop.witness_wait_ns - stop.caller_wait_ns
    rest_ns = window.stamps[-1] - stop.start_ns - stop.caller_wait_ns
    half_ns = min(rest_ns, window.own_ns * window.n_calls) / 2
    # Meanwhile the call computed, or slept. A stop looks but now and then for a thread
    # that detached on its way, and so may outlast the beginning of a sleep.
    computed_ns = (stop.tick.progress or 0) - (stop.computed or 0)
    return computed_ns > max(STOP_NS, half_ns) or waited_ns > max(look_ns, half_ns)


def is_split(window: StopWindow) -> bool:
    """Return whether a window was stopped in its midst.

    When in the course of a stop the caller was stopped is not known, so both ends of
    each have to lie there: before it was stopped it may have had to come to a place for
    that, and afterwards the witness may have had no core to say that it is over.
    """
    first, last = window.computed[0], window.computed[-1]
    places = [stop.tick.place for stop in window.inside]
    before = [stop.computed or 0 for stop in window.inside]
    after = [stop.tick.progress or 0 for stop in window.inside]
    return all(weigh_marks([first, *marks, last], places) for marks in (before, after))


def estimate_stops(window: StopWindow) -> Estimate:
    """Estimate for which share of a window stops did not have to wait for the caller.

    The run-queue wait of the witness widens the range; the caller's is left out.
    """
    first, last = window.stamps[0], window.stamps[-1]
    holds = []
    for stop in window.stops:
        waited = min(stop.end_ns, last) - max(stop.start_ns, first)
        if not stop.is_free and waited > STOP_NS:
            own = max(0, waited - stop.caller_wait_ns)
            low = max(0, own - stop.witness_wait_ns)
            holds.append(HoldEstimate((low + own) / 2, low, own, waited))
    whole = max(1.0, window.own_ns * window.n_calls)
    held, high = (
        min(whole, sum(map(attrgetter(end), holds))) for end in ("low", "high")
    )
    longest = max(holds, key=attrgetter("low"), default=HoldEstimate(0, 0, 0))
    phase = Phase(held, whole - high, unplaced_ns=high - held)
    return Estimate(whole, 1, [phase], 0.0, longest)
