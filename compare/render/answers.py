"""The first thing that is said about a backend: one plain sentence a question.

From results only: nothing is measured, imported or read from a source here.
"""

from collections.abc import Callable, Iterator, Sequence
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
from gilscope.model import Environment
from gilscope.render.document import TONES, Answer
from gilscope.stats import judge_figure
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
GAIN_WORDS = {
    "two threads": "for two threads",
    "beside Python": "beside busy Python code",
}
# From this speed-up on, two threads do twice the work of one, near enough.
TWICE = 1.8
# Less than this share of a call is no stop worth a word.
STOP_MIN = 0.10


def answer_for(result: BackendResult, environment: Environment) -> Answer:
    """Return what is said of a backend before anything else."""
    name, status = result.name, result.status
    if status != "ok":
        reason = result.first_reason
        text = f"{name} {STATUS_WORDS[status]}{reason and ': '}{reason}"
        return Answer(text, status, TONES[status])
    gain = describe_gain(result.parallel) if result.parallel else ""
    if result.gil is not None:
        verdict = result.gil.verdict
        text = f"{name} {describe_gil(result.gil, environment)}"
        if verdict == "inconclusive":
            text += f" ({result.gil.check.reason.rstrip('.')})"
        return Answer(f"{text}{gain and ': '}{gain}", verdict, TONES[verdict])
    clauses = (
        f"{name} {describe(getattr(result, scenario))}"
        for scenario, describe in DESCRIPTIONS.items()
        if getattr(result, scenario) is not None
    )
    text = f"{name}: {gain}" if gain else next(clauses, f"{name} could be loaded")
    return Answer(text, "ok", "good")


def answer_scenario(
    results: Sequence[BackendResult], scenario: str, environment: Environment
) -> Iterator[Answer]:
    """Yield the answer to one scenario's question, a sentence a backend."""
    for result in results:
        found = getattr(result, scenario)
        if isinstance(found, Gil):
            text = f"{describe_gil(found, environment)}: {found.check.reason}"
            yield Answer(f"{result.name} {text}", found.verdict, TONES[found.verdict])
        elif isinstance(found, Parallel):
            yield Answer(f"{result.name}: {describe_gain(found)}")
        else:
            yield Answer(f"{result.name} {DESCRIPTIONS[scenario](found)}")


def describe_gil(gil: Gil, environment: Environment) -> str:
    """Say what the backend does to the GIL, in a clause without a subject."""
    words = VERDICT_WORDS if environment.gil_enabled else ATTACHED_WORDS
    return words[gil.verdict]


def is_usable(parallel: Parallel) -> bool:
    """Return whether the machine had a second core to give while it was measured."""
    processes = parallel.pair.process_speedup
    return processes is None or judge_figure(processes) == "above"


def describe_gain(parallel: Parallel) -> str:
    """Say what a second thread gains, in a clause of its own."""
    pair = parallel.pair
    if not is_usable(parallel):
        return "no second core was free to show what a second thread gains"
    gain = judge_figure(pair.speedup)
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
    if not was_released(found):
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
    places = {
        item.case: describe_place(item.pays_from)
        for item in found.break_evens
        if item.pays_from is not None
    }
    gains = [
        f"from {places[case]} on {words}"
        for case, words in GAIN_WORDS.items()
        if case in places
    ]
    text = f"gains by releasing the GIL {', '.join(gains)}"
    if not gains:
        text = "gains nothing by releasing the GIL in this grid"
    if "alone" in places:
        text += f"; alone, it costs nothing from {places['alone']} on"
    return text


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
