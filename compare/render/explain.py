"""What the figures of a comparison mean: the answer first, then why.

From results only: nothing is measured, imported or read from a source here.
"""

import textwrap
from dataclasses import dataclass

from compare.model import (
    BackendResult,
    Environment,
    Handoff,
    Parallel,
    ParallelRow,
    Report,
)
from compare.render.technology import find_technology
from gilscope.units import describe_time

WIDTH = 80

# A figure this near to its bound is as good as the bound.
NEAR = 0.95

# From this share of a call on, holding the GIL is what keeps threads from gaining.
MUCH_HELD = 0.25

# What a status that is not "ok" says about the backend.
STATUS_WORDS = {
    "wrong": "cannot be relied on",
    "failed": "raised an error",
    "crashed": "crashed",
    "timeout": "did not end in time",
    "unavailable": "was not compared",
}


@dataclass(frozen=True)
class Explanation:
    """One backend in words.

    Attributes:
        name: the backend's.
        answer: the one sentence.
        paragraphs: heading and text of what there is to say beyond it.
    """

    name: str
    answer: str
    paragraphs: tuple[tuple[str, str], ...] = ()


def explain_report(report: Report) -> str:
    """Return the explanation of every backend as plain text of 80 columns."""
    blocks = []
    for result in report:
        explanation = explain_backend(result, report.environment)
        lines = [wrap(explanation.answer)]
        lines += [
            wrap(f"{head}: {text}", "  ") for head, text in explanation.paragraphs
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def wrap(text: str, indent: str = "") -> str:
    """Break a paragraph into lines."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def explain_backend(result: BackendResult, environment: Environment) -> Explanation:
    """Return one backend in words."""
    answer = answer_for(result, environment)
    if result.declared is None:
        # It was never loaded, so there is nothing else to say about it.
        return Explanation(result.name, answer)
    handoff, parallel = result.handoff, result.parallel
    contention, sweep = result.contention, result.sweep
    paragraphs = (
        ("Where it releases the GIL", explain_release(result)),
        ("Meanwhile", explain_handoff(handoff) if handoff else ""),
        ("Why this speed-up", explain_speedup(parallel) if parallel else ""),
        (
            "What releasing costs",
            join_sentences(contention.findings if contention else ()),
        ),
        ("From when it pays", join_sentences(sweep.findings if sweep else ())),
        ("In your own code", advise(result)),
    )
    return Explanation(
        result.name, answer, tuple(pair for pair in paragraphs if pair[1])
    )


def answer_for(result: BackendResult, environment: Environment) -> str:
    """Return the answer in one sentence."""
    if result.status != "ok":
        words = STATUS_WORDS[result.status]
        reason = first_line(result.reason)
        return (
            f"{result.name} {words}: {reason}." if reason else f"{result.name} {words}."
        )
    verdict = describe_verdict(result, environment)
    sweep = result.sweep
    if not verdict and result.handoff is None and sweep and sweep.findings:
        return f"{result.name}: {'; '.join(sweep.findings)}."
    if not verdict:
        verdict = "was not judged"
        progress = result.handoff and result.handoff.partner_progress_released
        if progress is not None:
            verdict += (
                f"; beside its kernel and sleep Python code ran at {progress:.0%} of "
                "its speed alone"
            )
    gain = describe_gain(result.parallel)
    return f"{result.name} {verdict}{gain and ': '}{gain}."


def describe_verdict(result: BackendResult, environment: Environment) -> str:
    """Say what the backend does to the GIL, in a clause without a subject."""
    gil = result.gil
    if gil is None:
        return ""
    if gil.verdict == "inconclusive":
        return f"could not be judged ({first_line(gil.check.reason)})"
    if not environment.gil_enabled:
        return {
            "releases": "detaches, so that nothing has to wait for its kernel",
            "holds": "stays attached, so that whatever stops the world waits for it",
            "preemptible": "stays attached, but can be stopped between its steps",
        }[gil.verdict]
    return {
        "releases": "releases the GIL",
        "holds": "holds the GIL from beginning to end",
        "preemptible": "never gives the GIL away, but others can interrupt it",
    }[gil.verdict]


def describe_gain(parallel: Parallel | None) -> str:
    """Say what two threads gain, as a clause that follows the verdict."""
    if parallel is None:
        return ""
    pair = parallel.pair
    words = {
        "parallel": "two calls in two threads run in parallel",
        "serialized": "two calls in two threads are serialized",
        "unclear": "whether two calls in two threads run in parallel is unclear",
    }[pair.concurrency]
    figures = [f"{pair.speedup.value:.2f} times as fast as one after the other"]
    if pair.concurrency != "serialized" and pair.amdahl is not None:
        figures.append(f"at most {pair.amdahl:.2f} by its held fraction")
    if pair.concurrency != "serialized" and pair.process_speedup is not None:
        figures.append(f"two processes {pair.process_speedup.value:.2f}")
    return f"{words} ({'; '.join(figures)})"


def explain_release(result: BackendResult) -> str:
    """Say which line releases the GIL."""
    technology = find_technology(result.technology)
    region = technology.region
    # Another backend may use the same technology; its source is not known.
    if technology.construct and technology.source.startswith(f"{result.name}_"):
        region = f"`{technology.construct}` in {technology.source}: {region}"
    if technology.keyword and result.declared:
        return f"{capitalize(region)}. To hold the GIL instead, {technology.to_hold}."
    return f"{capitalize(region)}."


def explain_handoff(handoff: Handoff) -> str:
    """Say what the other thread did meanwhile."""
    sentences = []
    for duration_s, progress, place in (
        (
            handoff.released_s,
            handoff.partner_progress_released,
            "While its kernel and sleep ran",
        ),
        (handoff.held_s, handoff.partner_progress_held, "While it kept the GIL"),
    ):
        if duration_s is not None and progress is not None:
            sentences.append(
                f"{place} ({describe_time(duration_s)}), Python code beside it ran at "
                f"{progress:.0%} of its speed alone."
            )
    if handoff.waiting_s is not None:
        sentences.append(
            f"It waited {describe_time(handoff.waiting_s)} to get the GIL back."
        )
    return " ".join(sentences)


def explain_speedup(parallel: Parallel) -> str:
    """Say what the speed-up is bound by: the held share, the machine, or neither."""
    sentences = []
    pair = parallel.pair
    if parallel.held_fraction is not None and pair.amdahl is not None:
        sentences.append(
            f"{parallel.held_fraction:.1%} of a call needs the GIL, which bounds the "
            f"speed-up of two threads to {pair.amdahl:.2f} (Amdahl)."
        )
    if pair.process_speedup is not None:
        sentences.append(
            "The machine itself gave two processes "
            f"{pair.process_speedup.value:.2f} at that moment."
        )
    sentences.append(f"Measured: {pair.speedup.value:.2f}, {find_limit(pair)}.")
    sentences.append(f"With release_gil=False it is {parallel.held.speedup.value:.2f}.")
    return " ".join(sentences)


def find_limit(pair: ParallelRow) -> str:
    """Name what keeps the speed-up from being higher."""
    if pair.concurrency == "serialized":
        return "for the calls are serialized"
    high = pair.speedup.high
    amdahl = pair.amdahl
    processes = None if pair.process_speedup is None else pair.process_speedup.value
    if amdahl is None and processes is None:
        return "with nothing to compare it with"
    if amdahl is not None and high >= NEAR * amdahl <= NEAR * (processes or amdahl):
        return "the held fraction is what limits it"
    beside = pair.of_processes
    if processes is not None and (
        high >= NEAR * processes or (beside is not None and beside.high >= NEAR)
    ):
        return "as good as the machine allowed"
    return (
        "less than either bound: the threads also wait for each other at the edges of "
        "the call, or shared a core with other work"
    )


def advise(result: BackendResult) -> str:
    """Say what to change in one's own code, beginning with what was found here."""
    sentences = []
    verdict = result.gil.verdict if result.gil else None
    if verdict == "holds":
        sentences.append(
            "Nothing of this call runs without the GIL: the computation itself has to "
            "be inside the region that releases it."
        )
    share = result.parallel.held_fraction if result.parallel else None
    if verdict == "releases" and share is not None and share > MUCH_HELD:
        sentences.append(
            f"{share:.0%} of this call is spent with the GIL held, on reading and "
            "writing Python objects: do more work a call, or pass a buffer instead of "
            "a list."
        )
    advice = find_technology(result.technology).advice
    return " ".join((*sentences, capitalize(advice)))


def join_sentences(findings: tuple[str, ...]) -> str:
    """Return findings as running text."""
    return " ".join(f"{capitalize(finding)}." for finding in findings)


def capitalize(text: str) -> str:
    """Return the text with its first letter in upper case, the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"


def first_line(text: str) -> str:
    """Return the first line of a reason, without a full stop."""
    return text.strip().split("\n", 1)[0].rstrip(".")
