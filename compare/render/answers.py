"""The first thing that is said about a backend: one plain sentence a question.

From results only: nothing is measured, imported or read from a source here.
"""

from collections.abc import Callable
from typing import Any

from compare.model import (
    BackendResult,
    Contention,
    Correctness,
    Gil,
    Handoff,
    Pairs,
    Parallel,
    Sweep,
)
from compare.render.timeline import was_released
from gilscope.render.document import TONES, Answer
from gilscope.render.results import ATTACHED_DEEDS, DEEDS
from gilscope.stats import MARGIN
from gilscope.timing.break_even import describe_place
from gilscope.timing.rounds import Gain, judge_gain
from gilscope.units import describe_ratio, describe_share, describe_time

# What a status that is not "ok" says about the backend.
STATUS_WORDS = {
    "wrong": "cannot be relied on",
    "failed": "raised an error",
    "crashed": "crashed",
    "timeout": "did not end in time",
    "unavailable": "was not compared",
}
GAIN_WORDS = {
    "two threads": "for two threads",
    "beside Python": "beside busy Python code",
}
# From this speed-up on, two threads do twice the work of one, near enough.
TWICE = 1.8
GAINS: dict[Gain, str] = {
    "much": "a second thread doubles the work",
    "nothing": "a second thread gains nothing",
    "slower": "a second thread makes the calls slower",
    "no core": "no second core was free to show what a second thread gains",
    "unclear": "whether a second thread gains could not be told",
}
# Less than this share of a call is no stop worth a word.
STOP_MIN = 0.10


def answer_for(result: BackendResult) -> Answer:
    """Return what is said of a backend before anything else."""
    name, status = result.name, result.status
    if status != "ok":
        reason = result.first_reason
        text = f"{name} {STATUS_WORDS[status]}{reason and ': '}{reason}"
        return Answer(text, status, TONES[status])
    told = (one for one in CLAUSES if getattr(result, one) is not None)
    scenario = next(told, None)
    text = describe(result, scenario) if scenario else f"{name} could be loaded"
    if result.gil is None:
        return Answer(text, "ok", "good")
    verdict = result.gil.verdict
    if verdict == "inconclusive":
        text += f" ({result.gil.check.reason.rstrip('.')})"
    if result.parallel:
        text += f": {describe_gain(result.parallel)}"
    return Answer(text, verdict, TONES[verdict])


def answer_scenario(result: BackendResult, scenario: str) -> Answer:
    """Return the answer to one scenario's question, a sentence."""
    text = describe(result, scenario)
    if scenario != "gil" or result.gil is None:
        return Answer(text)
    verdict = result.gil.verdict
    return Answer(f"{text}: {result.gil.check.reason}", verdict, TONES[verdict])


def describe(result: BackendResult, scenario: str) -> str:
    """Return a sentence on what a scenario found, which begins with the backend."""
    clause = CLAUSES[scenario](getattr(result, scenario))
    # That of the gain has a subject of its own.
    return f"{result.name}{': ' if scenario == 'parallel' else ' '}{clause}"


# Each of these says what a scenario found in a clause without a subject.


def describe_gil(found: Gil) -> str:
    """Say what the backend does to the GIL."""
    has_gil = found.check.environment.meaning == "gil"
    return (DEEDS if has_gil else ATTACHED_DEEDS)[found.verdict]


def describe_gain(parallel: Parallel) -> str:
    """Say what a second thread gains, in a clause of its own."""
    pair = parallel.pair
    is_held = pair.amdahl is not None and pair.amdahl <= 1 + MARGIN
    gain = judge_gain(pair, is_held=is_held)
    if gain == "much" and pair.speedup.value < TWICE:
        return f"a second thread gets {pair.speedup.value - 1:.0%} more work done"
    if gain == "little":
        return f"a second thread gains little ({describe_ratio(pair.speedup)})"
    return GAINS[gain]


def describe_correctness(found: Correctness) -> str:
    """Say how many answers are right."""
    n_cases = found.passed + found.failed
    if found.failed:
        return f"answers {found.failed} of {n_cases} cases otherwise than the reference"
    return f"answers all {n_cases} cases as the reference does"


def describe_handoff(found: Handoff) -> str:
    """Say what Python code did meanwhile."""
    if found.partner_progress_released is None:
        return "was not seen beside other Python code"
    text = f"lets Python code run at {describe_share(found.partner_progress_released)}"
    if not was_released(found):
        return f"was not seen to release the GIL: it {text} of its speed"
    held = describe_share(found.partner_progress_held)
    return f"{text} of its speed in the released phase, at {held} in the held one"


def describe_contention(found: Contention) -> str:
    """Say what a busy thread costs a short call."""
    if not found.rows:
        return "has no figures"
    row = found.rows[0]
    return (
        f"takes {describe_ratio(row.slowdown)} as long at size {row.size:,} beside "
        f"busy Python code ({describe_time(row.alone_s)} alone)"
    )


def describe_sweep(found: Sweep) -> str:
    """Say from when on releasing pays."""
    places = {
        item.case: f"from {describe_place(item.pays_from)} on"
        for item in found.break_evens
        if item.pays_from is not None
    }
    gains = [
        f"{places[case]} {GAIN_WORDS[case]}" for case in GAIN_WORDS if case in places
    ]
    text = "gains nothing by releasing the GIL in this grid"
    if gains:
        text = f"gains by releasing the GIL {', '.join(gains)}"
    if "alone" in places:
        text += f"; alone, it costs nothing {places['alone']}"
    return text


def describe_pairs(found: Pairs) -> str:
    """Say whom it stops."""
    stops = {cell.partner: cell.stops for cell in found.cells if cell.stops}
    stopped = [
        f"{name} for {describe_share(stop)}"
        for name, stop in stops.items()
        if stop.value > STOP_MIN
    ]
    if stopped:
        return f"stops {', '.join(stopped)} of its call"
    return "stops no other backend" if stops else "was seen beside no other backend"


# What is said of each scenario: of a result with several, the first one is told.
CLAUSES: dict[str, Callable[[Any], str]] = {
    "gil": describe_gil,
    "parallel": describe_gain,
    "sweep": describe_sweep,
    "pairs": describe_pairs,
    "handoff": describe_handoff,
    "contention": describe_contention,
    "correctness": describe_correctness,
}
