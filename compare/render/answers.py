"""The first thing that is said about a backend: one plain sentence a question.

From results only: nothing is measured, imported or read from a source here.
"""

from collections.abc import Callable, Sequence
from typing import Any

from compare.model import (
    BackendResult,
    Contention,
    Correctness,
    Environment,
    Gil,
    Handoff,
    Pairs,
    Parallel,
    Sweep,
)
from gilscope.render.document import Answer
from gilscope.render.table import Tone
from gilscope.render.text import TONES
from gilscope.stats import judge
from gilscope.timing.break_even import describe_place
from gilscope.units import describe_ratio, describe_share, describe_time

# What a status that is not "ok" says about the backend.
STATUS_WORDS = {
    "wrong": "cannot be relied on",
    "failed": "raised an error",
    "crashed": "crashed",
    "timeout": "did not end in time",
    "unavailable": "was not compared",
}
STATUS_TONES: dict[str, Tone] = {"ok": "good", "unavailable": "unsure"}

VERDICT_WORDS = {
    "releases": "releases the GIL",
    "varies": "releases the GIL in some calls",
    "preemptible": "never releases the GIL, but other threads can interrupt it",
    "holds": "holds the GIL from beginning to end",
    "inconclusive": "could not be judged",
}
ATTACHED_WORDS = {
    "releases": "detaches, so that nothing has to wait for its kernel",
    "varies": "detaches in some calls",
    "preemptible": "stays attached, but can be stopped between its steps",
    "holds": "stays attached, so that whatever stops the world waits for it",
    "inconclusive": "could not be judged",
}
SWEEP_WORDS = {
    "alone": "at no cost alone",
    "two threads": "for two threads",
    "beside Python": "beside busy Python code",
}
# From this speed-up on, two threads do twice the work of one, near enough.
TWICE = 1.8
# Less than this share of a call is no stop worth a word.
STOP_MIN = 0.10


def answer_for(result: BackendResult, environment: Environment) -> Answer:
    """Return what is said of a backend before anything else."""
    name = result.name
    if result.status != "ok":
        reason = first_line(result.reason)
        text = f"{name} {STATUS_WORDS[result.status]}{reason and ': '}{reason}"
        tone = STATUS_TONES.get(result.status, "bad")
        return Answer(text, result.status, tone)
    gain = describe_gain(result.parallel) if result.parallel else ""
    if result.gil is not None:
        verdict = result.gil.verdict
        text = f"{name} {describe_gil(result.gil, environment)}"
        if verdict == "inconclusive":
            text += f" ({first_line(result.gil.check.reason)})"
        tone = TONES.get(verdict, "unsure")
        return Answer(f"{text}{gain and ': '}{gain}", verdict, tone)
    if gain:
        return Answer(f"{name}: {gain}", "ok", "good")
    for scenario, describe in DESCRIPTIONS.items():
        found = getattr(result, scenario)
        if found is not None:
            return Answer(f"{name} {describe(found)}", "ok", "good")
    return Answer(f"{name} could be loaded", "ok", "good")


def answer_scenario(
    results: Sequence[BackendResult], scenario: str, environment: Environment
) -> tuple[Answer, ...]:
    """Return the answer to one scenario's question, a sentence a backend."""
    answers = []
    for result in results:
        found = getattr(result, scenario)
        if found is None:
            continue
        if isinstance(found, Gil):
            text = f"{describe_gil(found, environment)}: {found.check.reason}"
            tone = TONES.get(found.verdict, "unsure")
            answers.append(Answer(f"{result.name} {text}", found.verdict, tone))
        elif isinstance(found, Parallel):
            answers.append(Answer(f"{result.name}: {describe_gain(found)}"))
        else:
            text = DESCRIPTIONS[scenario](found)
            answers.append(Answer(f"{result.name} {text}"))
    return tuple(answers)


def describe_gil(gil: Gil, environment: Environment) -> str:
    """Say what the backend does to the GIL, in a clause without a subject."""
    words = VERDICT_WORDS if environment.gil_enabled else ATTACHED_WORDS
    return words[gil.verdict]


def is_usable(parallel: Parallel) -> bool:
    """Return whether the machine had a second core to give while it was measured."""
    processes = parallel.pair.process_speedup
    return processes is None or judge(processes) == "above"


def describe_gain(parallel: Parallel) -> str:
    """Say what a second thread gains, in a clause of its own."""
    pair = parallel.pair
    if not is_usable(parallel):
        return "no second core was free to show what a second thread gains"
    gain = judge(pair.speedup)
    if pair.concurrency == "unclear":
        return "whether a second thread runs in parallel could not be told"
    if pair.concurrency == "serialized" or gain != "above":
        return {
            "above": f"a second thread gains little ({describe_ratio(pair.speedup)})",
            "below": "a second thread makes the calls slower",
            "no difference": "a second thread gains nothing",
        }[gain]
    if pair.speedup.value >= TWICE:
        return "a second thread doubles the work"
    return f"a second thread gets {pair.speedup.value - 1:.0%} more work done"


def describe_correctness(found: Correctness) -> str:
    """Say how many answers are right, in a clause without a subject."""
    n_cases = found.passed + found.failed
    if found.failed:
        return f"answers {found.failed} of {n_cases} cases otherwise than the reference"
    return f"answers all {n_cases} cases as the reference does"


def describe_handoff(found: Handoff) -> str:
    """Say what Python code did meanwhile, in a clause without a subject."""
    if found.partner_progress_released is None:
        return "was not seen beside other Python code"
    text = f"lets Python code run at {describe_share(found.partner_progress_released)}"
    if not any(event.name == "release" for event in found.events):
        return f"was not seen to release the GIL: it {text} of its speed"
    held = describe_share(found.partner_progress_held)
    return f"{text} of its speed while it computes, at {held} while it holds the GIL"


def describe_contention(found: Contention) -> str:
    """Say what a busy thread costs a short call, in a clause without a subject."""
    if not found.rows:
        return "has no figures"
    row = found.rows[0]
    return (
        f"takes {describe_ratio(row.slowdown)} as long for {row.size:,} items beside "
        f"busy Python code ({describe_time(row.alone_s)} alone)"
    )


def describe_sweep(found: Sweep) -> str:
    """Say from when on releasing pays, in a clause without a subject."""
    texts = [
        f"from {describe_place(item.pays_from)} on {SWEEP_WORDS[item.case]}"
        for item in found.break_evens
        if item.pays_from is not None and item.case in SWEEP_WORDS
    ]
    if not texts:
        return "gains nothing by releasing the GIL in this grid"
    return f"gains by releasing the GIL: {', '.join(texts)}"


def describe_pairs(found: Pairs) -> str:
    """Say whom it stops, in a clause without a subject."""
    stops = {cell.partner: cell.stops for cell in found.cells if cell.stops}
    if not stops:
        return "was seen beside no other backend"
    stopped = [
        f"{name} for {describe_share(stop)}"
        for name, stop in stops.items()
        if stop.value > STOP_MIN
    ]
    if not stopped:
        return "stops no other backend"
    return f"stops {', '.join(stopped)} of its call"


DESCRIPTIONS: dict[str, Callable[[Any], str]] = {
    "sweep": describe_sweep,
    "pairs": describe_pairs,
    "handoff": describe_handoff,
    "contention": describe_contention,
    "correctness": describe_correctness,
}


def first_line(text: str) -> str:
    """Return the first line of a reason, without a full stop."""
    return text.strip().split("\n", 1)[0].rstrip(".")
