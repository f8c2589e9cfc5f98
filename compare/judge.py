"""From a callable to a verdict: what is watched, in which order, and what follows.

Source: docs/method.md.
"""

import contextlib
import functools
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from compare.decide import PYTHON_SHARE, compare_controls, decide
from compare.gil_method import GilMethod
from compare.judgement import Judgement, Subject
from compare.kernel import WitnessError
from compare.results import Check, CheckEnvironment, Controls, Evidence, Verdict
from compare.surroundings import (
    call_first,
    count_steps,
    describe_environment,
    find_refusal,
)
from compare.threads import switch_interval
from compare.weigh import (
    Entry,
    Interrupted,
    Window,
    find_best_share,
    pick_weight,
    weigh_entries,
    weigh_window,
)
from compare.witness import Witness

# The shares of the budget; the rest is left for the first call and the controls.
WATCH_SHARE = 0.4
INTERRUPT_SHARE = 0.2
# A call longer than this share of the budget is watched once or twice, not more.
LONG_SHARE = 0.25

# So many calls have to be entered before that share means anything.
ENOUGH_ENTRIES = 12
ENOUGH_INTERRUPTIONS = 3
# The least time in which a line of Python code is run.
STEP_NS = 25
# How often the time to interrupt calls may be spent again when there were too few.
PATIENCE = 5
CONTROL_PATIENCE = 25

# A release that covers less than this share of the call is pointed out.
TOKEN_SHARE = 0.1
# Where there was a core for less of the time, the share that was released is unknown.
SEEN_SHARE = 0.05

# The holder's work takes about half a millisecond.
CONTROL_S = 0.02
# What a pause of the witness comes to where the controls gave no figure.
SPACING_NS = 200_000
CONTROL_STEPS = 20_000
# The witness has to wake up before it can interrupt, so the loop lasts longer.
LOOP_STEPS = 50_000
INTERRUPTED_WINDOWS = 4
EMPTY_CALLS = 1000


class Seen(NamedTuple):
    """All that was seen of one callable."""

    windows: list[Window]
    entries: list[Entry]
    runs_python: bool | None
    python_share: float | None = None

    def add_up(self) -> Evidence:
        """Return the counts."""
        woken = [window.was_woken for window in self.windows]
        return Evidence(
            n_calls=sum(window.n_calls for window in self.windows),
            n_windows=len(self.windows),
            n_windows_released=sum(window.is_released for window in self.windows),
            n_ticks=sum(len(window.notes) for window in self.windows),
            n_wakeups=None if None in woken else sum(map(bool, woken)),
            n_calls_tried=len(self.entries),
            n_calls_entered=sum(entry.n_notes > 0 for entry in self.entries),
            n_calls_interrupted=sum(entry.is_interrupted for entry in self.entries),
            runs_python=self.runs_python,
            python_share=self.python_share,
        )


def judge_call(
    call: Callable[[], Any],
    *,
    name: str,
    budget_s: float,
    empty: Callable[[], Any] = bool,
    use_kernel: bool = True,
) -> Judgement:
    """Judge a callable that takes no arguments; see `compare.check`.

    Args:
        call: the callable.
        name: what the reader knows it by.
        budget_s: about how long it may take.
        empty: a callable of the same kind that does nothing.
        use_kernel: False does without what Linux tells, as on other systems.
    """
    environment = describe_environment(call)

    def refuse(reason: str, calls: int) -> Judgement:
        check = Check(name, "inconclusive", reason, environment, calls=calls)
        return Judgement(check)

    if (refusal := find_refusal(call)) is not None:
        return refuse(refusal, 0)
    with contextlib.ExitStack() as stack:
        usual_s = sys.getswitchinterval()
        set_interval = stack.enter_context(switch_interval(usual_s))
        stack.enter_context(pause_collector())
        start = time.perf_counter_ns()
        result, has_python = call_first(call)
        first_ns = time.perf_counter_ns() - start
        if (refusal := find_refusal(call, result)) is not None:
            return refuse(refusal, 1)
        del result
        subject = Subject(call, empty, first_ns, has_python)
        if environment.meaning == "attached":
            # Imported here because few interpreters are built without a GIL.
            from compare.stop_method import judge_attached  # noqa: PLC0415

            return judge_attached(subject, name, environment, budget_s)
        witness = Witness(limit_s=0.5, use_kernel=use_kernel)
        try:
            stack.enter_context(witness)
            # Or the end would take long wherever a third thread wants the GIL too.
            stack.callback(set_interval, usual_s)
            environment = replace(environment, tells_wakeups=witness.view is not None)
            method = GilMethod(set_interval, witness)
            return _Judge(method, subject, budget_s).judge(name, environment)
        except WitnessError as error:
            return refuse(str(error), 1)


@contextlib.contextmanager
def pause_collector() -> Iterator[None]:
    """Keep the garbage collector from running finalizers of others in a call."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Judge:
    """One check, on an interpreter with a GIL."""

    def __init__(self, method: GilMethod, subject: Subject, budget_s: float) -> None:
        self.method = method
        self.subject = subject
        self.budget_s = budget_s
        self.is_long = subject.first_ns > LONG_SHARE * budget_s * 1e9

    def judge(self, name: str, environment: CheckEnvironment) -> Judgement:
        """Take the evidence and weigh it."""
        controls, spacing_ns, empty_ns = self.measure_controls()
        seen = self.see()
        evidence = seen.add_up()
        call_ns = min(window.call_ns for window in seen.windows)
        verdict, reason = decide(
            evidence, controls, call_s=call_ns / 1e9, empty_s=empty_ns / 1e9
        )
        fraction, best, hold_ns = self.weigh(seen, verdict, spacing_ns)
        waiting_ns = self.measure_waiting(seen) if verdict == "releases" else None
        check = Check(
            name,
            verdict,
            reason,
            environment,
            released_fraction=fraction,
            released_fraction_best=best,
            longest_hold_s=None if hold_ns is None else hold_ns / 1e9,
            waiting_s=None if waiting_ns is None else waiting_ns / 1e9,
            call_s=call_ns / 1e9,
            calls=1 + evidence.n_calls + evidence.n_calls_tried,
            evidence=evidence,
            controls=controls,
            notes=tuple(self.note(evidence, verdict, fraction, call_ns)),
        )
        return Judgement(check, seen.windows, spacing_ns)

    def measure_controls(self) -> tuple[Controls, int, int]:
        """Watch what is known, and how the watching itself comes out.

        Returns:
            The controls, the spacing of notes that nobody keeps out, and the shortest
            time of a call that does nothing.
        """
        method = self.method
        sleeper = method.watch_for(functools.partial(time.sleep, 0.002), CONTROL_S / 2)
        gaps = [
            after.at_ns - before.at_ns
            for window in sleeper
            for before, after in zip(window.notes, window.notes[1:], strict=False)
        ]
        # A loaded machine makes some of them longer.
        spacing_ns = sorted(gaps)[len(gaps) // 4] if gaps else SPACING_NS
        releaser = method.watch_for(functools.partial(time.sleep, 0), CONTROL_S)
        numbers = range(CONTROL_STEPS)
        hold = functools.partial(sum, numbers)
        holder = method.watch_for(hold, CONTROL_S)
        loop = functools.partial(run_loop, range(LOOP_STEPS))
        python_loop = method.watch_for(loop, CONTROL_S)
        entries = self.interrupt(loop, CONTROL_S, 1, CONTROL_PATIENCE)
        empty = method.watch_for(
            self.subject.empty, CONTROL_S / 10, n_calls=EMPTY_CALLS
        )
        controls = compare_controls(
            Seen(sleeper + releaser, [], None).add_up(),
            Seen(holder, self.interrupt(hold, CONTROL_S / 2, 1, 1), None).add_up(),
            Seen(python_loop, entries, None).add_up(),
        )
        return controls, spacing_ns, min(window.call_ns for window in empty)

    def see(self) -> Seen:
        """Watch the call, and interrupt it if it gives nothing away."""
        self.method.use_huge(self.subject.first_ns)
        seconds = 0.0 if self.is_long else WATCH_SHARE * self.budget_s
        windows = self.method.watch_for(self.subject.call, seconds)
        if windows[-1].is_released and len(windows) == 1:
            # It may have been the last of what only the first calls do.
            windows += self.method.watch_for(self.subject.call, 0.0)
        tells_wakeups = windows[0].was_woken is not None
        if tells_wakeups and windows[-1].is_released:
            return Seen(windows, [], self.subject.runs_python)
        if tells_wakeups and self.subject.runs_python is False:
            return Seen(windows, [], self.subject.runs_python)
        share = self.find_python_share(min(window.cored_ns for window in windows))
        seconds = INTERRUPT_SHARE * self.budget_s
        n_calls = min(INTERRUPTED_WINDOWS * windows[-1].n_calls, 1000)
        # What is Python code need not be caught at it a dozen times.
        patience = 1 if share is not None and share >= PYTHON_SHARE else PATIENCE
        entries = self.interrupt(self.subject.call, seconds, n_calls, patience)
        return Seen(windows, entries, self.subject.runs_python, share)

    def find_python_share(self, call_ns: float) -> float | None:
        """Return the least share of the call that runs lines of Python code."""
        enough = 1 + int(PYTHON_SHARE * call_ns / STEP_NS)
        n_steps = count_steps(self.subject.call, enough)
        return None if n_steps is None else n_steps * STEP_NS / call_ns

    def interrupt(
        self,
        call: Callable[[], Any],
        seconds: float,
        n_calls: int,
        patience: int = PATIENCE,
    ) -> list[Entry]:
        """Interrupt calls until enough of them were entered, or patience ends."""
        runs: list[Interrupted] = []
        deadline = time.perf_counter() + patience * seconds
        while True:
            runs += self.method.interrupt_for(call, seconds, n_calls=n_calls)
            entries = weigh_entries(runs)
            n_entered = sum(entry.n_notes > 0 for entry in entries)
            n_interrupted = sum(entry.is_interrupted for entry in entries)
            # One or two may still turn out either way.
            is_clear = n_entered >= ENOUGH_ENTRIES and not n_interrupted
            is_clear |= n_interrupted >= ENOUGH_INTERRUPTIONS
            if is_clear or time.perf_counter() > deadline:
                return entries

    def weigh(
        self, seen: Seen, verdict: Verdict, spacing_ns: int
    ) -> tuple[float | None, float | None, int | None]:
        """Return the share that was released, its best, and the longest hold."""
        if verdict == "inconclusive":
            return None, None, None
        weights = [weigh_window(window, spacing_ns) for window in seen.windows]
        hold_ns = int(statistics.median(weight.longest_hold_ns for weight in weights))
        if verdict == "preemptible":
            # Others wait only until the next place where they can interrupt it.
            longest = [entry.longest_ns for entry in seen.entries if entry.n_notes]
            if not longest:
                return 0.0, 0.0, None
            hold_ns = min(hold_ns, int(statistics.median_low(longest)))
        if verdict != "releases":
            return 0.0, 0.0, hold_ns
        seen_ns = sum(weight.watched_ns for weight in weights)
        passed_ns = sum(window.stamps[-1] - window.stamps[0] for window in seen.windows)
        picked = pick_weight(weights)
        if picked is None or seen_ns < SEEN_SHARE * passed_ns:
            return None, None, hold_ns
        return picked.released_fraction, find_best_share(weights), hold_ns

    def measure_waiting(self, seen: Seen) -> int | None:
        """Return for how much longer a call is blocked beside another thread."""
        beside = [
            window.blocked_ns / window.n_calls
            for window in seen.windows
            if window.blocked_ns is not None
        ]
        if not beside:
            return None
        n_calls = min(seen.windows[-1].n_calls, 100)
        n_times = 1 if self.is_long else 3
        alone = [
            self.method.watch_alone(self.subject.call, n_calls) for _ in range(n_times)
        ]
        known = [blocked for blocked in alone if blocked is not None]
        return max(0, int(statistics.median(beside) - statistics.median(known)))

    def note(
        self,
        evidence: Evidence,
        verdict: Verdict,
        fraction: float | None,
        call_ns: int,
    ) -> Iterator[str]:
        """Yield what else is worth knowing."""
        some, of_all = evidence.n_windows_released, evidence.n_windows
        if verdict == "releases" and some < of_all:
            yield f"the calls differ: {some} of {of_all} stretches gave the GIL away"
        if verdict == "releases" and fraction is not None and fraction < TOKEN_SHARE:
            yield (
                f"the GIL was free for {fraction:.1%} of the call; the rest of it kept "
                "others out"
            )
        if self.subject.first_ns > max(1e6, 100 * call_ns):
            yield (
                f"the first call took {self.subject.first_ns / 1e9:.2g} s, later ones "
                f"{call_ns / 1e9:.2g} s; if it remembers its answer, have it checked "
                "with an argument that is new each time"
            )


def run_loop(numbers: range) -> None:
    """Run bytecode that gives nothing away: the control in Python."""
    for _ in numbers:
        pass
