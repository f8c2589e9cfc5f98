"""From a callable to a verdict where there is no GIL.

Source: docs/method.md.
"""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gilscope.kernel import WitnessError
from gilscope.model import Check, CheckEnvironment, Evidence
from gilscope.probe.decide import compare_attached_controls, decide_attached
from gilscope.probe.estimate import find_best_share, pick_weight
from gilscope.probe.judgement import Judgement, Subject
from gilscope.probe.stop_the_world import StopWitness, add_up, watch_for, weigh_span
from gilscope.probe.surroundings import find_python_share

CONTROL_S = 0.04
# The Python loop is long, for it may take milliseconds to be stopped.
CONTROL_STEPS = 50_000
LOOP_STEPS = 500_000
# The share of the budget for watching, and that from which on one call is long.
WATCH_SHARE = 0.5
LONG_SHARE = 0.25


def judge_attached(
    subject: Subject, name: str, environment: CheckEnvironment, budget_s: float
) -> Judgement:
    """Judge a call by whether others can stop the world while it runs."""
    try:
        with StopWitness() as witness:
            controls = compare_attached_controls(
                watch_control(witness, functools.partial(time.sleep, 0.002)),
                watch_control(witness, functools.partial(sum, range(CONTROL_STEPS))),
                watch_control(witness, functools.partial(run_loop, LOOP_STEPS)),
            )
            seconds, limit_s = WATCH_SHARE * budget_s, math.inf
            if subject.first_ns > LONG_SHARE * budget_s * 1e9:
                seconds, limit_s = 0.0, budget_s
            spans = watch_for(witness, subject.call, seconds, limit_s)
    except WitnessError as error:
        return Judgement(Check(name, "inconclusive", str(error), environment, calls=1))
    evidence = add_up(spans, runs_python=subject.runs_python)
    call_s = min((span.stamps[-1] - span.stamps[0]) / span.n_calls for span in spans)
    computed_ns = min(
        (span.computed[-1] - span.computed[0]) / span.n_calls for span in spans
    )
    evidence = replace(evidence, python_share=find_python_share(subject, computed_ns))
    verdict, reason = decide_attached(evidence, controls, call_s=call_s / 1e9)
    weights = [weigh_span(span) for span in spans]
    picked = pick_weight(weights)
    share = best = hold_s = None
    if verdict != "inconclusive" and picked is not None:
        hold_s = picked.longest_hold_ns / 1e9
        share = best = 0.0
        if verdict == "releases":
            share, best = picked.released_fraction, find_best_share(weights)
    return Judgement(
        Check(
            name,
            verdict,
            reason,
            environment,
            released_fraction=share,
            released_fraction_best=best,
            longest_hold_s=hold_s,
            call_s=call_s / 1e9,
            calls=1 + evidence.n_calls,
            evidence=evidence,
            controls=controls,
        )
    )


def run_loop(n_steps: int) -> None:
    """Run bytecode, which may be stopped: the control in Python."""
    for _ in range(n_steps):
        pass


def watch_control(witness: StopWitness, call: Callable[[], Any]) -> Evidence:
    """Watch a known callable until something was seen, or patience ends."""
    return add_up(watch_for(witness, call, CONTROL_S), runs_python=None)
