"""From a callable to a verdict where there is no GIL.

Source: docs/explanation/how-the-verdict-works.md.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from gilscope.clock import perf_counter_ns, sleep
from gilscope.kernel import WitnessError
from gilscope.model import Check, CheckEnvironment, Controls, Evidence, FirstCall
from gilscope.probe.decide import compare_attached_controls, decide_attached, find_notes
from gilscope.probe.estimate import estimate_fraction, select_longest_hold
from gilscope.probe.session import run_loop
from gilscope.probe.stop_the_world import (
    StopWitness,
    add_up,
    estimate_span,
    watch_for,
)
from gilscope.probe.surroundings import count_python_share, explain_refusal
from gilscope.stats import Figure
from gilscope.threads import collect_no_garbage, switch_interval

if TYPE_CHECKING:
    from gilscope.probe.judge import Subject

CONTROL_S = 0.04
# The Python loop is long, for it may take milliseconds to be stopped.
CONTROL_STEPS = 50_000
LOOP_STEPS = 500_000
# The share of the budget for watching, and that from which on one call is long.
WATCH_SHARE = 0.5
LONG_SHARE = 0.25


def judge_attached(
    subject: "Subject", environment: CheckEnvironment, budget_s: float
) -> Check:
    """Judge a call by whether others can stop the world while it runs."""
    check = Check(subject.name, "inconclusive", "", environment)
    with switch_interval(0.005), collect_no_garbage():
        start = perf_counter_ns()
        answer = subject.make_call()()
        first = FirstCall((perf_counter_ns() - start) / 1e9)
        check = replace(check, n_calls_made=1, first_call=first)
        if (refusal := explain_refusal(subject.call, answer)) is not None:
            return replace(check, reason=refusal)
        del answer
        try:
            with StopWitness() as witness, witness.attach():
                witness.attach_clock()
                return watch_attached(witness, subject, budget_s, check)
        except WitnessError as error:
            return replace(check, reason=str(error))


def watch_attached(
    witness: StopWitness, subject: "Subject", budget_s: float, check: Check
) -> Check:
    """Watch the calls and weigh what was seen."""
    controls = watch_controls(witness)
    first = check.first_call or FirstCall(0.0)
    seconds, limit_s = WATCH_SHARE * budget_s, math.inf
    if first.call_s > LONG_SHARE * budget_s:
        seconds, limit_s = 0.0, budget_s
    max_calls = {} if subject.prepare is None else {"max_calls": 1}
    spans = watch_for(witness, subject.make_call, seconds, limit_s, **max_calls)
    evidence = add_up(spans, runs_python=None)
    call_s = min((span.stamps[-1] - span.stamps[0]) / span.n_calls for span in spans)
    computed_ns = min(
        (span.computed[-1] - span.computed[0]) / span.n_calls for span in spans
    )
    share, n_calls = count_python_share(subject.make_call, computed_ns)
    runs_python = None if share is None else share > 0
    evidence = replace(evidence, python_share=share, runs_python=runs_python)
    verdict, reason = decide_attached(evidence, controls, call_s=call_s / 1e9)
    estimates = [estimate_span(span) for span in spans]
    fraction = longest = clock = None
    if verdict != "inconclusive":
        found = select_longest_hold([each.longest for each in estimates])
        longest, clock = found or (None, None)
        fraction = Figure(0.0, 0.0, 0.0)
        if verdict == "releases":
            fraction = estimate_fraction(estimates)
    return replace(
        check,
        verdict=verdict,
        reason=reason,
        released_fraction=fraction,
        longest_hold=longest,
        longest_hold_by_clock=clock,
        call_s=call_s / 1e9,
        n_calls_made=1 + n_calls + evidence.n_calls,
        evidence=evidence,
        controls=controls,
        notes=tuple(find_notes(evidence, None, call_s=call_s / 1e9, first=first)),
    )


def watch_controls(witness: StopWitness) -> Controls:
    """Watch a detached call, an attached one and a Python loop."""
    return compare_attached_controls(
        watch_control(witness, partial(sleep, 0.002)),
        watch_control(witness, partial(sum, range(CONTROL_STEPS))),
        watch_control(witness, partial(run_loop, LOOP_STEPS)),
    )


def watch_control(witness: StopWitness, call: Callable[[], Any]) -> Evidence:
    """Watch a known callable until something was seen, or patience ends."""
    return add_up(watch_for(witness, lambda: call, CONTROL_S), runs_python=None)
