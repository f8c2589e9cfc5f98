"""How a call is watched where there is a GIL: windows of calls beside a witness.

With a huge switch interval nobody can be interrupted: a witness that runs, or is
woken, between the start of a call and its end proves that the call released the GIL.
With a tiny one, and a witness that has asked for the GIL before the call begins, the
first bytecode of the call is interrupted: a witness that does not run inside proves
that the call neither released the GIL nor ran Python code.

Source: docs/explanation/how-the-verdict-works.md, which says why each step is taken.
"""

import operator
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, compress, repeat
from typing import Any

from gilscope.clock import (
    perf_counter,
    perf_counter_ns,
    process_time_ns,
    thread_time_ns,
)
from gilscope.kernel import Seen, WitnessError
from gilscope.probe.estimate import Window
from gilscope.probe.waiters import Waiters
from gilscope.probe.witness import PAUSE_S, Decoy, Note, Witness

# The huge interval is at least this long, and this many times one call. A witness
# interrupts the caller once it has waited that long, so only half of it is used.
HUGE_S = 1.0
HUGE_CALLS = 20.0
TINY_S = 50e-6
# Between two interruptions of a call; long enough for the caller to come back.
INTERRUPT_PAUSE_S = 30e-6
# How long the caller holds the GIL for the witness to ask for it: 50 us are what Linux
# adds to a wait of 1 us. Longer where the machine is so busy that it has not.
ASK_S = (250e-6, 1e-3, 5e-3, 25e-3)
# The witness came to wait, and began to wait again because nobody answered.
ASKED_SLEEPS = 2

# Short calls are watched many at a time, for about so long.
WINDOW_NS = 1_000_000
MAX_CALLS = 10_000
# Calls shorter than a few pauses are looked at after pauses of different length, or
# the witness would meet each at the same place.
SHORT_NS = 200_000
SHORT_PAUSES_S = tuple(1e-6 * us for us in (50, 170, 95, 230, 70, 140, 200, 110))


# So long other threads have to have waited for the GIL before a window: who began to
# wait under a shorter interval has asked for it by then.
SETTLED_S = 200e-6
SETTLED_MAX_S = 0.02


class ForkedError(RuntimeError):
    """The call forked the process, and this is the child."""


class SwitchIntervalProbe:
    """Watches calls of this thread, with the turn at the switch interval.

    Args:
        set_interval: what `gilscope.threads.switch_interval` yields.
        witness: the second thread, attached to this one.
        decoy: the third.
        waiters: the other Python threads.
    """

    def __init__(
        self,
        set_interval: Callable[[float], None],
        witness: Witness,
        decoy: Decoy,
        waiters: Waiters,
    ) -> None:
        """Begin with the shortest huge interval."""
        self._set_interval = set_interval
        self._decoy = decoy
        self._pid = os.getpid()
        self.witness = witness
        self.waiters = waiters
        # Windows left out because threads woke in them for other reasons too, and
        # those in which all threads did.
        self.n_unclear = self.n_woken_all = 0
        # What other threads may still wait for under the interval that was.
        self.settled_s = min(SETTLED_MAX_S, 1.2 * sys.getswitchinterval())
        self.use_huge(0)

    def use_huge(self, call_ns: float) -> None:
        """Make the huge interval long enough for a call."""
        self.huge_s = max(HUGE_S, HUGE_CALLS * call_ns / 1e9)
        self.witness.limit_s = self.huge_s / 2
        is_short = 0 < call_ns < SHORT_NS
        self.witness.pauses_s = SHORT_PAUSES_S if is_short else (PAUSE_S,)
        self._set_interval(self.huge_s)

    def read_decoy(self) -> tuple[bool, int] | None:
        """Return the state of the decoy, which a release does not change."""
        return self._decoy.read()

    def watch(self, call: Callable[[], Any], n_calls: int = 1) -> Window | None:
        """Watch calls that nobody can interrupt.

        Returns:
            What was seen, or None if that says nothing: the calls took so long that the
            witness could have interrupted them after all, or threads were woken for
            other reasons than a release.

        Raises:
            WitnessError: nothing can be seen here now; the text says why.
        """
        # What the interpreter made of it: it counts whole microseconds.
        expected = sys.getswitchinterval()
        before_all = self._decoy.read()
        self.witness.park()
        self.waiters.note(self.settled_s)
        start = self._note(self.witness.n_sleeps_parked)
        view = self.witness.view
        before, read_before = ((), None) if view is None else view.defer()
        # From here to `readings` no bytecode runs but that of the call itself.
        try:
            readings = run_chain(call, n_calls, (perf_counter_ns,), before=before)
        finally:
            self._refuse_child()
        sleep = None if self.witness.view is None else self.witness.view.read_sleep()
        end = self._note(None if sleep is None else sleep[1])
        was_woken = self.witness.was_woken()
        if was_woken is False:
            was_woken = self.waiters.compare()
            is_unclear = was_woken is None
        else:
            is_unclear = bool(was_woken) and self._decoy.read() != before_all
            self.n_woken_all += is_unclear
        notes, way_back_s = self.witness.rest()
        if sys.getswitchinterval() != expected:
            message = "the call changes the switch interval, which the check relies on"
            raise WitnessError(message)
        self._refuse_rivals(way_back_s)
        stamps = check_complete(call, readings, n_calls + 1)
        took_ns = stamps[-1] - stamps[0]
        if took_ns > self.huge_s / 2 * 1e9:
            # Many times what the first call took.
            self._refuse_rivals(took_ns / 1e9)
            self.use_huge(took_ns / n_calls)
            return None
        inside = [note for note in notes if stamps[0] < note.at_ns < stamps[-1]]
        was_parked = read_before is None or self.witness.was_parked(read_before().sleep)
        self.settled_s = SETTLED_S
        if not was_parked or (is_unclear and not inside):
            self.n_unclear += 1
            return None
        return Window(
            stamps,
            inside,
            was_woken,
            start._replace(at_ns=stamps[0]),
            end._replace(at_ns=stamps[-1]),
            ends_asleep=bool(sleep and sleep[0]),
        )

    def watch_for(
        self,
        make_call: Callable[[], Callable[[], Any]],
        seconds: float,
        *,
        n_calls: int = 1,
        max_calls: int = MAX_CALLS,
    ) -> list[Window]:
        """Watch windows of calls for about so long, one at least if one can be seen."""
        windows: list[Window] = []
        deadline = perf_counter() + seconds
        n_tries = 0
        while (not windows and n_tries < 5) or perf_counter() < deadline:  # noqa: PLR2004
            n_tries += 1
            window = self.watch(make_call(), n_calls)
            if window is None:
                n_calls = 1
                continue
            windows.append(window)
            fitting = WINDOW_NS // max(1, window.call_ns)
            n_calls = int(max(1, min(fitting, 10 * n_calls, max_calls)))
        return windows

    def interrupt(
        self,
        call: Callable[[], Any],
        *,
        n_calls: int = 1,
        pause_s: float = INTERRUPT_PAUSE_S,
        answers: list[Any] | None = None,
    ) -> Window | None:
        """Let the witness ask for the GIL before the call begins, and all the time.

        Args:
            call: what is called.
            n_calls: how often.
            pause_s: between two interruptions.
            answers: what the calls answer is appended to it; None drops it at once.

        Returns:
            What was seen, with the progress of the process at each stamp and note; None
            if the machine was too busy for the witness to ask.
        """
        witness = self.witness
        pauses_s, witness.pauses_s = witness.pauses_s, (pause_s,)
        witness.notes_places = True
        try:
            hold_s = ASK_S[0]
            for hold_s in ASK_S:
                window = self._interrupt_once(call, n_calls, hold_s, answers)
                if window is not None or answers:
                    break
        finally:
            witness.notes_places, witness.pauses_s = False, pauses_s
            self._set_interval(self.huge_s)
        return window

    def _interrupt_once(
        self,
        call: Callable[[], Any],
        n_calls: int,
        hold_s: float,
        answers: list[Any] | None,
    ) -> Window | None:
        """Do so once; None if the witness had not asked."""
        witness = self.witness
        clocks = (
            perf_counter_ns,
            process_time_ns,
            witness.read_computed or int,
            thread_time_ns,
        )
        asking = _Asking(witness, hold_s)
        # The witness has to begin to wait under the tiny interval.
        self._set_interval(TINY_S)
        witness.start()
        try:
            readings = run_chain(
                call,
                n_calls,
                clocks,
                before=asking.before,
                after=asking.after,
                keep=answers is not None,
            )
        finally:
            self._set_interval(self.huge_s)
            self._refuse_child()
        notes, _ = witness.rest()
        if answers is not None:
            answers += readings[4::5]
            del readings[4::5]
        readings = check_complete(call, readings, 4 * (n_calls + 1))
        stamps = readings[::4]
        if not asking.was_heard():
            return None
        inside = [note for note in notes if stamps[0] < note.at_ns < stamps[-1]]
        start, end = asking.make_notes(stamps)
        # It sleeps again and again while it asks.
        before = inside[-1] if inside else start
        n_sleeps = (end.n_sleeps or 0) - (before.n_sleeps or 0)
        return Window(
            stamps,
            inside,
            None,
            start,
            end,
            ends_asleep=n_sleeps >= ASKED_SLEEPS,
            progress=[
                process - own
                for process, own in zip(readings[1::4], readings[2::4], strict=True)
            ],
            computed=readings[3::4],
        )

    def _note(self, n_sleeps: int | None) -> Note:
        """Return the times of both threads, read by this one."""
        witness = self.witness
        if witness.view is None or witness.caller_view is None:
            return Note(0)
        return Note(
            0,
            witness.caller_view.read_times(),
            witness.view.read_times(),
            n_sleeps,
            witness.read_switches and witness.read_switches(),
            thread_time_ns(),
        )

    def _refuse_rivals(self, waited_s: float) -> None:
        """Give up where other threads held the GIL for so long beside the witness."""
        if waited_s > self.huge_s / 2 and self.waiters.names:
            names = ", ".join(self.waiters.names)
            message = (
                f"another thread of this process computes in Python ({names}); "
                "what a call releases goes to that one"
            )
            raise WitnessError(message)

    def _refuse_child(self) -> None:
        """Refuse to go on where the call forked, in the child."""
        if os.getpid() != self._pid:
            message = "check(): the call forked the process, and this is the child"
            raise ForkedError(message)


class _Asking:
    """What is called around a call so that the witness has asked for the GIL before.

    It reads at both ends, without any bytecode, what the kernel tells.
    """

    def __init__(self, witness: Witness, hold_s: float) -> None:
        self._reads: tuple[Callable[[], Seen], ...] = ()
        self.before: tuple[Callable[[], object], ...] = ()
        self.after: tuple[Callable[[], object], ...] = ()
        if witness.view is None or witness.caller_view is None:
            deadline = perf_counter_ns() + int(hold_s * 1e9)
            clock = iter(perf_counter_ns, None)
            self.before = (partial(all, map(deadline.__gt__, clock)),)
            return
        hold = witness.view.usleep
        early, read_early = witness.view.defer()
        late, read_late = witness.view.defer()
        start, read_start = witness.caller_view.defer()
        end, read_end = witness.caller_view.defer()
        last, read_last = witness.view.defer()
        wait = (partial(hold, 50),), (partial(hold, int(hold_s * 1e6)),)
        self.before = (*wait[0], *early, *wait[1], *late, *start)
        self.after = (*end, *last)
        self._reads = (read_early, read_late, read_start, read_end, read_last)

    def was_heard(self) -> bool:
        """Return whether the witness had asked before the call began."""
        if not self._reads:
            return True
        early, late = self._reads[:2]
        return late().sleep[1] - early().sleep[1] >= ASKED_SLEEPS

    def make_notes(self, stamps: Sequence[int]) -> tuple[Note, Note]:
        """Return what the kernel told at both ends."""
        if not self._reads:
            return Note(stamps[0]), Note(stamps[-1])
        _, late, start, end, last = (read() for read in self._reads)
        return (
            Note(stamps[0], start.times, late.times, late.sleep[1]),
            Note(stamps[-1], end.times, last.times, last.sleep[1]),
        )


def run_chain(  # noqa: PLR0913 - all but three are by name.
    call: Callable[[], Any],
    n_calls: int,
    clocks: Sequence[Callable[[], int]],
    *,
    before: Sequence[Callable[[], Any]] = (),
    after: Sequence[Callable[[], Any]] = (),
    keep: bool = False,
) -> list[Any]:
    """Read clocks before, between and after calls; return the readings.

    It runs in C throughout. A loop in Python would give others in between the calls
    a chance that the calls do not give, and would hide what happens at their edges.
    An answer is dropped before the clock is read again, as with timeit.

    Args:
        call: what is called.
        n_calls: how often.
        clocks: what is read each time.
        before: what is called before all that.
        after: what is called after it.
        keep: whether the answers are kept, between the readings.
    """
    steps = chain.from_iterable(repeat((*clocks, call), n_calls))
    answers = map(operator.call, chain(before, steps, clocks, after))
    picks = chain.from_iterable(repeat((*repeat(1, len(clocks)), int(keep)), n_calls))
    picked = chain(repeat(0, len(before)), picks, repeat(1, len(clocks)), repeat(0))
    return list(compress(answers, picked))


def check_complete(call: Callable[[], Any], readings: list[Any], expected: int) -> Any:
    """Return the readings, which a StopIteration of the callable cuts short.

    Raises:
        StopIteration: as the callable does.
    """
    if len(readings) >= expected:
        return readings
    note = (
        "the callable has used up what it reads; prepare= (--prepare) gives each call "
        "fresh input"
    )
    try:
        call()
    except StopIteration as error:
        error.add_note(note)
        raise
    ended = StopIteration()
    ended.add_note(note)
    raise ended
