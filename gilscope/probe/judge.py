"""From a callable to a verdict: what is watched, in which order, and what follows.

Source: docs/method.md.
"""

import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gilscope.kernel import WitnessError
from gilscope.model import Check, CheckEnvironment, Verdict
from gilscope.probe.controls import measure_yardstick
from gilscope.probe.decide import PYTHON_SHARE, decide, find_notes
from gilscope.probe.estimate import (
    find_best_share,
    find_longest_hold,
    pick_weight,
    weigh_window,
)
from gilscope.probe.judgement import Judgement, Seen, Subject
from gilscope.probe.surroundings import (
    call_first,
    describe_environment,
    find_python_share,
    find_refusal,
)
from gilscope.probe.switch_interval import PATIENCE, GilMethod
from gilscope.probe.witness import Witness
from gilscope.threads import collect_no_garbage, switch_interval

# The shares of the budget; the rest is left for the first call and the controls.
WATCH_SHARE = 0.4
INTERRUPT_SHARE = 0.2
# A call longer than this share of the budget is watched once or twice, not more.
LONG_SHARE = 0.25

# So much more than for watching is done at a time where calls are interrupted.
INTERRUPTED_WINDOWS = 4
MAX_INTERRUPTED = 1000
# Where there was a core for less of the time, the share that was released is unknown.
SEEN_SHARE = 0.05
# So many stretches have to follow the first one before it can be left out.
ENOUGH_WINDOWS = 3


def judge_call(
    call: Callable[[], Any],
    *,
    name: str,
    budget_s: float,
    empty: Callable[[], Any] = bool,
    use_kernel: bool = True,
) -> Judgement:
    """Judge a callable that takes no arguments; see `gilscope.check`.

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
        stack.enter_context(collect_no_garbage())
        start = time.perf_counter_ns()
        result, has_python = call_first(call)
        first_ns = time.perf_counter_ns() - start
        if (refusal := find_refusal(call, result)) is not None:
            return refuse(refusal, 1)
        del result
        subject = Subject(call, empty, first_ns, has_python)
        if environment.meaning == "attached":
            # Imported here because few interpreters are built without a GIL.
            from gilscope.probe.judge_attached import judge_attached  # noqa: PLC0415

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


class _Judge:
    """One check, on an interpreter with a GIL."""

    def __init__(self, method: GilMethod, subject: Subject, budget_s: float) -> None:
        self.method = method
        self.subject = subject
        self.budget_s = budget_s
        self.is_long = subject.first_ns > LONG_SHARE * budget_s * 1e9

    def judge(self, name: str, environment: CheckEnvironment) -> Judgement:
        """Take the evidence and weigh it."""
        yardstick = measure_yardstick(self.method, self.subject.empty)
        seen = self.see()
        evidence = seen.add_up()
        call_s = min(window.call_ns for window in seen.windows) / 1e9
        verdict, reason = decide(
            evidence,
            yardstick.controls,
            call_s=call_s,
            empty_s=yardstick.empty_ns / 1e9,
        )
        fraction, best, hold_ns = self.weigh(seen, verdict, yardstick.spacing_ns)
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
            call_s=call_s,
            calls=1 + evidence.n_calls + evidence.n_calls_tried,
            evidence=evidence,
            controls=yardstick.controls,
            notes=tuple(
                find_notes(
                    evidence,
                    fraction,
                    call_s=call_s,
                    first_s=self.subject.first_ns / 1e9,
                )
            ),
        )
        return Judgement(check, seen.windows, yardstick.spacing_ns)

    def see(self) -> Seen:
        """Watch the call, and interrupt it if it gives nothing away."""
        self.method.use_huge(self.subject.first_ns)
        seconds = 0.0 if self.is_long else WATCH_SHARE * self.budget_s
        windows = self.method.watch_for(self.subject.call, seconds)
        if windows[-1].is_released and len(windows) == 1:
            # It may have been the last of what only the first calls do.
            windows += self.method.watch_for(self.subject.call, 0.0)
        later = windows[1:]
        if len(later) >= ENOUGH_WINDOWS and not any(
            window.is_released for window in later
        ):
            # So it was, if it was anything.
            windows = later
        tells_wakeups = windows[0].was_woken is not None
        if tells_wakeups and windows[-1].is_released:
            return Seen(windows, runs_python=self.subject.runs_python)
        if tells_wakeups and self.subject.runs_python is False:
            return Seen(windows, runs_python=self.subject.runs_python)
        call_ns = min(window.cored_ns for window in windows)
        share = find_python_share(self.subject, call_ns)
        seconds = INTERRUPT_SHARE * self.budget_s
        n_calls = min(INTERRUPTED_WINDOWS * windows[-1].n_calls, MAX_INTERRUPTED)
        # What is Python code need not be caught at it a dozen times.
        patience = 1 if share is not None and share >= PYTHON_SHARE else PATIENCE
        entries = self.method.interrupt(
            self.subject.call, seconds, n_calls=n_calls, patience=patience
        )
        return Seen(windows, entries, self.subject.runs_python, share)

    def weigh(
        self, seen: Seen, verdict: Verdict, spacing_ns: int
    ) -> tuple[float | None, float | None, int | None]:
        """Return the share that was released, its best, and the longest hold."""
        if verdict == "inconclusive":
            return None, None, None
        weights = [weigh_window(window, spacing_ns) for window in seen.windows]
        hold_ns = find_longest_hold(weights)
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
