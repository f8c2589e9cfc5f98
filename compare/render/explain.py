"""Why the figures of a backend are as they are, and what to do about it.

From results only: nothing is measured, imported or read from a source here.
"""

from compare.model import BackendResult, Handoff, Parallel, ParallelRow
from compare.render.technology import select_technology
from gilscope.render.document import Note
from gilscope.units import describe_ratio, describe_share, describe_time

# A figure this near to its bound is as good as the bound.
NEAR = 0.95

# From this fraction of a call on, holding the GIL is what keeps threads from gaining.
MUCH_HELD = 0.25


def explain_backend(result: BackendResult) -> tuple[Note, ...]:
    """Return what there is to say beyond the answer, each under its heading."""
    if result.declared is None:
        # It was never loaded, so there is nothing to say about it.
        return ()
    contention, sweep = result.contention, result.sweep
    notes = (
        ("Where it releases the GIL", explain_release(result)),
        ("Meanwhile", explain_handoff(result.handoff) if result.handoff else ""),
        ("Why this speed-up", explain_gain(result.parallel) if result.parallel else ""),
        (
            "What releasing costs",
            join_sentences(contention.findings if contention else ()),
        ),
        ("From when it pays", join_sentences(sweep.findings if sweep else ())),
        ("In your own code", advise(result)),
    )
    return tuple(Note(text, heading) for heading, text in notes if text)


def explain_release(result: BackendResult) -> str:
    """Say which line releases the GIL."""
    technology = select_technology(result.technology)
    region = technology.region
    # Another backend may use the same technology; its source is not known.
    if technology.construct and technology.source.startswith(f"{result.name}_"):
        region = f"`{technology.construct}` in {technology.source}: {region}"
    if technology.keyword and result.declared:
        region += f". To hold the GIL instead, {technology.to_hold}"
    return f"{capitalize(region)}."


def explain_handoff(handoff: Handoff) -> str:
    """Say what the other thread did meanwhile."""
    sentences = [
        f"{place} ({describe_time(duration_s)}), Python code beside it ran at "
        f"{describe_share(progress)} of its speed alone."
        for duration_s, progress, place in (
            (
                handoff.released_s,
                handoff.partner_progress_released,
                "While its kernel and sleep ran",
            ),
            (handoff.held_s, handoff.partner_progress_held, "While it held the GIL"),
        )
        if duration_s is not None and progress is not None
    ]
    if handoff.waiting_s is not None:
        waiting = describe_time(handoff.waiting_s)
        sentences.append(f"It waited {waiting} to re-acquire the GIL.")
    return " ".join(sentences)


def explain_gain(parallel: Parallel) -> str:
    """Say what bounds the speed-up: the held fraction, the machine, or neither."""
    pair = parallel.pair
    sentences = []
    if parallel.held_fraction is not None and pair.amdahl is not None:
        sentences.append(
            f"{parallel.held_fraction:.1%} of a call holds the GIL, which bounds the "
            f"speed-up of two threads to {describe_ratio(pair.amdahl)} (Amdahl)."
        )
    if pair.process_speedup is not None:
        processes = describe_ratio(pair.process_speedup)
        sentences.append(f"Two processes reached {processes} at that moment.")
    speedup = describe_ratio(pair.speedup)
    sentences.append(f"Two threads reached {speedup}: {describe_limit(pair)}.")
    if parallel.held is not None:
        held = describe_ratio(parallel.held.speedup)
        sentences.append(f"The held twin reached {held}.")
    return " ".join(sentences)


def describe_limit(pair: ParallelRow) -> str:
    """Name what keeps the speed-up from being higher."""
    if pair.concurrency == "serialized":
        return "the calls are serialized"
    high, amdahl = pair.speedup.high, pair.amdahl
    processes = None if pair.process_speedup is None else pair.process_speedup.value
    if amdahl is None and processes is None:
        return "there is nothing to compare it with"
    if amdahl is not None and high >= NEAR * amdahl <= NEAR * (processes or amdahl):
        return "the held fraction limits it"
    beside = pair.of_processes
    if processes is not None and (
        high >= NEAR * processes or (beside is not None and beside.high >= NEAR)
    ):
        return "as good as the machine allowed"
    return (
        "less than either bound, for the threads wait for each other at the edges of "
        "a call, or shared a core with other work"
    )


def advise(result: BackendResult) -> str:
    """Say what to change in one's own code, beginning with what was found here."""
    sentences = []
    verdict = result.gil.verdict if result.gil else None
    if verdict == "holds":
        sentences.append("Move the computation into the region that releases the GIL.")
    fraction = result.parallel.held_fraction if result.parallel else None
    if verdict == "releases" and fraction is not None and fraction > MUCH_HELD:
        sentences.append(
            f"{fraction:.0%} of this call holds the GIL to read and write Python "
            "objects: do more work a call, or pass a buffer instead of a list."
        )
    advice = select_technology(result.technology).advice
    return " ".join((*sentences, capitalize(advice)))


def join_sentences(findings: tuple[str, ...]) -> str:
    """Return findings as running text."""
    return " ".join(f"{capitalize(finding)}." for finding in findings)


def capitalize(text: str) -> str:
    """Return the text with its first letter in upper case, the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"
