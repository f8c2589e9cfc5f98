"""From a callable to a verdict: what is watched, in which order, and what follows.

Source: docs/explanation/how-the-verdict-works.md.
"""

import statistics
import types
from dataclasses import replace
from functools import partial
from typing import Any

from gilscope.clock import perf_counter, perf_counter_ns
from gilscope.kernel import WitnessError
from gilscope.model import Check, Evidence, FirstCall, Verdict
from gilscope.probe.deadline import NoAnswerError, limit_silence
from gilscope.probe.decide import PYTHON_SHARE, decide, find_notes
from gilscope.probe.estimate import (
    Delays,
    Window,
    compute_delays,
    estimate_first_hold,
    select_longest_hold,
)
from gilscope.probe.fraction import estimate_fraction, estimate_windows
from gilscope.probe.interruptions import weigh_interruptions
from gilscope.probe.session import (
    Session,
    borrow_session,
    measure_empty,
    watch_controls,
)
from gilscope.probe.statement import Subject
from gilscope.probe.surroundings import (
    count_python_share,
    describe_answer,
    describe_environment,
    describe_extension,
    explain_refusal,
    is_used_up,
    unbind,
)
from gilscope.probe.switch_interval import (
    MAX_CALLS,
    SAMPLED_NS,
    SwitchIntervalProbe,
    count_evidence,
    run_chain,
    spread_pauses,
)
from gilscope.stats import Figure

# Calls that decide where all of them agree, and at most where they do not.
N_ALIKE = 2
N_UNLIKE = 12
# Calls in which nothing could be told, before that is the answer.
N_UNCLEAR = 6
# So many calls have to follow the first one before that can be left out.
N_LATER = 3
# So many calls are to be interrupted before it says something that none was split.
N_INTERRUPTED = 5
N_INTERRUPTED_MAX = 12
# The shares of the budget that figures take.
SINGLE_SHARE = 0.1
WATCH_SHARE = 0.4
INTERRUPT_SHARE = 0.2
# So many budgets more are spent on a busy machine, at most.
BUSY_BUDGETS = 3
# A call longer than this share of the budget is watched twice, not more.
LONG_SHARE = 0.25
# Between two looks at the first call, of which nobody knows how long it takes.
FIRST_PAUSE_S = 500e-6
# Windows for figures are so long that a pause of the witness is a small part of them.
FIGURE_NS = 10_000_000
# From one window to the next, for a call may take longer than the last one did.
GROWTH = 10
# Calls as short as this are watched many at a time in any case.
BRIEF_NS = 3_000
BRIEF_CALLS = 300
# Other callables run C code, at first.
PYTHON_FUNCTIONS = (types.FunctionType, types.MethodType)


def judge(
    subject: Subject,
    *,
    budget_s: float,
    figures: bool = True,
    timeout_s: float | None = None,
) -> Check:
    """Judge a callable; see `gilscope.check`."""
    environment = describe_environment(subject.call)
    check = Check(subject.name, "inconclusive", "", environment)
    if (refusal := explain_refusal(subject.call)) is not None:
        return replace(check, reason=refusal)
    run: _Judge | None = None
    try:
        with limit_silence(timeout_s) as renew:
            signs = renew, subject.tell_life
            subject = subject._replace(tell_life=lambda: [sign() for sign in signs])
            if environment.meaning == "attached":
                # Imported here because few interpreters are built without a GIL.
                from gilscope.probe.stop_the_world import (  # noqa: PLC0415
                    judge_attached,
                )

                return judge_attached(check, subject, budget_s, figures=figures)
            with (
                borrow_session() as session,
                session.open_probe(subject.tell_life) as probe,
            ):
                where = replace(environment, tells_wakeups=session.tells_wakeups)
                check = replace(check, environment=where)
                run = _Judge(subject, session, probe, budget_s, figures=figures)
                return run.judge(check)
    except (WitnessError, NoAnswerError) as error:
        check = replace(check, reason=str(error))
        if run is not None:
            check = replace(check, n_calls_made=run.n_made, first_call=run.first)
        return check


class _Judge:
    """One check, on an interpreter with a GIL."""

    def __init__(
        self,
        subject: Subject,
        session: Session,
        probe: SwitchIntervalProbe,
        budget_s: float,
        *,
        figures: bool,
    ) -> None:
        self.subject = subject
        self.session = session
        self.probe = probe
        self.budget_s = budget_s
        self.figures = figures
        self.n_made = 0
        self.first: FirstCall | None = None
        # Calls that nobody could interrupt, and those that were to be interrupted.
        self.windows: list[Window] = []
        self.tried: list[Window] = []
        # Of each of the latter, whether it was interrupted in its midst.
        self.is_split: list[bool] = []
        self.share: float | None = None

    def judge(self, check: Check) -> Check:
        """Take the evidence and weigh it."""
        first, answer = self.watch_first()
        check = replace(check, n_calls_made=self.n_made, first_call=first)
        if (refusal := explain_refusal(self.subject.call, answer)) is not None:
            return replace(check, reason=refusal)
        answer_note = describe_answer(answer)
        was_full = is_used_up(answer) is False
        del answer
        controls = self.session.renew_controls(partial(watch_controls, self.probe))
        self.probe.use_huge(first.call_s * 1e9)
        self.see()
        if not self.windows:
            reason = self.explain_unclear()
            return replace(check, reason=reason, n_calls_made=self.n_made)
        call_s = min(window.call_ns for window in self.windows) / 1e9
        evidence = self.count()
        empty_s = measure_empty(self.probe, self.subject.empty) / 1e9
        verdict, reason = decide(evidence, controls, call_s=call_s, empty_s=empty_s)
        fraction, hold, clock = self.estimate(verdict)
        notes = [*find_notes(evidence, fraction, call_s=call_s, first=first)]
        if was_full and call_s < first.call_s / 2:
            self.n_made += 1
            if is_used_up(self.subject.make_call()()):
                answer_note = (
                    "later calls answer with nothing: the first one has used up what "
                    "it reads; prepare= (--prepare) gives each call fresh input"
                )
        if verdict == "holds" and self.figures:
            notes.append(describe_extension(self.subject.call, has_gil=True))
        return replace(
            check,
            verdict=verdict,
            reason=reason,
            released_fraction=fraction,
            longest_hold=hold,
            longest_hold_by_clock=clock,
            call_s=call_s,
            n_calls_made=self.n_made,
            evidence=evidence,
            controls=controls,
            notes=tuple(filter(None, [*notes, answer_note])),
        )

    def watch_first(self) -> tuple[FirstCall, Any]:
        """Watch the first call beside a witness that asks; return its answer too."""
        answers: list[Any] = []
        self.n_made += 1
        call = self.subject.make_call()
        start = perf_counter_ns()
        window = self.probe.interrupt(call, pause_s=FIRST_PAUSE_S, answers=answers)
        if window is None:
            self.first = FirstCall((perf_counter_ns() - start) / 1e9)
        else:
            hold = None
            if self.session.tells_wakeups:
                hold = estimate_first_hold(window, Delays())
            self.first = FirstCall(window.own_ns / 1e9, len(window.ticks), hold)
        return self.first, answers.pop()

    def see(self) -> None:
        """Watch the call, and interrupt it if it never releases the GIL."""
        self.watch_single(N_ALIKE, N_UNLIKE)
        if self.windows and self.windows[-1].call_ns < BRIEF_NS:
            # One of them takes as long as reading the clock.
            self.watch_window(1 if self.subject.prepare else BRIEF_CALLS)
        if self.figures and self.windows:
            self.watch_for_figures()
        later = self.windows[1:]
        if len(later) >= N_LATER and not any(window.is_released for window in later):
            # The first call did what none of the later ones does.
            self.windows = later
        if self.windows and not any(window.is_released for window in self.windows):
            self.interrupt()

    def watch_single(self, n_alike: int, n_unlike: int, limit_s: float = 0.0) -> None:
        """Watch single calls until enough of them are alike."""
        deadline = perf_counter() + limit_s
        n_unclear = 0
        while n_unclear < N_UNCLEAR:
            released = [window.is_released for window in self.windows]
            is_alike = all(released) or not any(released)
            n_enough = n_alike if is_alike else n_unlike
            if len(released) >= n_enough and perf_counter() >= deadline:
                return
            n_unclear += self.watch_window(1) is None

    def watch_window(self, n_calls: int) -> Window | None:
        """Watch one window, and keep it if it was seen."""
        self.n_made += n_calls
        window = self.probe.watch(self.subject.make_call(), n_calls)
        if window is not None:
            self.windows.append(window)
        return window

    def watch_for_figures(self) -> None:
        """Watch as many calls as the budget allows, long ones twice."""
        call_ns = min(window.own_ns for window in self.windows)
        if call_ns > LONG_SHARE * self.budget_s * 1e9:
            return
        self.watch_single(N_ALIKE, N_UNLIKE, SINGLE_SHARE * self.budget_s)
        deadline = perf_counter() + (WATCH_SHARE - SINGLE_SHARE) * self.budget_s
        limit = deadline + BUSY_BUDGETS * self.budget_s
        self.probe.witness.pauses_s = spread_pauses(call_ns)
        is_short = call_ns < SAMPLED_NS
        n_calls = 1
        while perf_counter() < deadline:
            window = self.watch_window(n_calls)
            if window is not None:
                # A busy machine is given more time, so that as much is seen.
                deadline = min(limit, deadline + window.waited_ns / 1e9)
            if window is None or not is_short or self.subject.prepare is not None:
                n_calls = 1
                continue
            fitting = FIGURE_NS * n_calls // window.own_ns
            n_calls = int(max(1, min(fitting, GROWTH * n_calls, MAX_CALLS)))

    def interrupt(self) -> None:
        """Interrupt calls until it is clear where they can be interrupted."""
        self.try_interrupt(N_ALIKE)
        if not (self.is_python_function or self.was_interrupted):
            return
        calls_ns = [window.own_ns / window.n_calls for window in self.windows]
        # The run-queue wait that is taken off may be too long for one of them.
        usual_ns = statistics.median(calls_ns)
        self.share, n_calls = count_python_share(self.subject.make_call, usual_ns)
        self.n_made += n_calls
        is_python = self.share is not None and self.share >= PYTHON_SHARE
        # What no tracer could count may be all of the call.
        while (self.share is None or is_python) and not self.was_interrupted:
            # A busy machine, or another thread that polls, came in between.
            n_tried = len(self.tried)
            self.try_interrupt(n_tried + 1)
            if len(self.tried) in (n_tried, N_INTERRUPTED_MAX):
                break
        if not self.was_interrupted:
            return
        if is_python:
            if self.figures:
                self.try_interrupt(len(self.tried), INTERRUPT_SHARE * self.budget_s / 2)
            return
        self.try_interrupt(
            N_INTERRUPTED if self.share is not None else N_INTERRUPTED_MAX
        )
        self.is_split = weigh_interruptions(self.tried, min(calls_ns))
        if any(self.is_split):
            self.try_interrupt(N_INTERRUPTED_MAX, INTERRUPT_SHARE * self.budget_s)
            self.is_split = weigh_interruptions(self.tried, min(calls_ns))

    @property
    def is_python_function(self) -> bool:
        """Whether a call begins with Python code."""
        return isinstance(unbind(self.subject.call), PYTHON_FUNCTIONS)

    @property
    def was_interrupted(self) -> bool:
        """Whether a call was interrupted."""
        return any(window.ticks for window in self.tried)

    def try_interrupt(self, n_windows: int, limit_s: float = 0.0) -> None:
        """Try so many calls at least, and go on for so long."""
        deadline = perf_counter() + limit_s
        n_failed = 0
        while len(self.tried) < n_windows or perf_counter() < deadline:
            self.n_made += 1
            window = self.probe.interrupt(self.subject.make_call())
            if window is not None:
                self.tried.append(window)
                continue
            n_failed += 1
            if n_failed > N_ALIKE:
                return

    def count(self) -> Evidence:
        """Return the counts."""
        # A C function that is called directly has the frame below it on top. Where no
        # tracer sees Python code, as in a greenlet that is resumed, another is there.
        own = id(run_chain.__code__)
        n_unseen = sum(
            any(tick.place is not None and tick.place[0] != own for tick in call.ticks)
            for call in self.tried
        )
        evidence = count_evidence(self.windows, self.tried)
        return replace(
            evidence,
            n_unclear=self.probe.n_unclear,
            runs_python=self.is_python_function or evidence.runs_python,
            n_calls_split=sum(self.is_split),
            n_calls_unseen=n_unseen if self.share == 0 else 0,
            python_share=self.share,
        )

    def explain_unclear(self) -> str:
        """Say why no window tells anything."""
        if self.probe.n_woken_all:
            return (
                "all threads of the process were woken during each call, so that a "
                "wake-up does not tell of a release: glibc does that for set*id(), and "
                "so do debuggers, sampling profilers and SIGSTOP"
            )
        if woken := self.probe.waiters.woken:
            names = ", ".join(sorted(woken))
            return (
                f"other Python threads ({names}) woke up during each call; a release "
                "may have gone to one of them"
            )
        if self.probe.n_unclear:
            return "the second thread was woken before each call began"
        return "no call was short enough beside the others to be watched"

    def estimate(
        self, verdict: Verdict
    ) -> tuple[Figure | None, Figure | None, Figure | None]:
        """Return the released fraction, the longest hold and that by the clock."""
        is_released = verdict in ("releases", "varies")
        is_unseen = is_released and not self.session.tells_wakeups
        is_unasked = is_released and not self.figures
        if verdict == "inconclusive" or is_unseen or is_unasked:
            return None, None, None
        # Others wait only until the next place where they can interrupt a call.
        windows = self.tried if verdict == "preemptible" else self.windows
        delays = Delays()
        if self.figures:
            controls = self.session.watch_sleeps(self.probe)
            delays = compute_delays(controls, self.windows)
        estimates = estimate_windows(windows, delays)
        fraction: Figure | None = Figure(0.0, 0.0, 0.0)
        if is_released:
            fraction = estimate_fraction(estimates)
        holds = select_longest_hold([each.longest for each in estimates])
        return fraction, *(holds or (None, None))
