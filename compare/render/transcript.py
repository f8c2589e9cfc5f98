"""The lecture's output, from what was measured: nothing that did not happen."""

from compare.model import PARTNER, BackendResult, Event, Handoff

PARTNER_LABEL = "Py"

# What the lecture prints; a stamp without words is none of its events.
PARTNER_LINES = {
    "enter": "Enter double_list_py...",
    "sleep": "Sleep for {sleep_s:g} sec...",
    "exit": "Exit...",
}
BACKEND_LINES = {
    "enter": "Enter double_list...",
    "release": "Release GIL...",
    "acquire": "Acquire GIL...",
    "exit": "Exit...",
}


def render_transcript(result: BackendResult) -> str:
    """Return what both threads did, line by line, with seconds."""
    handoff = result.handoff
    if handoff is None:
        return f"{result.name}: {result.status}: {result.reason}"
    label = label_backend(result)
    lines = [
        f"{event.at_s:9.4f} s  {text}"
        for event in handoff.events
        if (text := describe_event(event, label, handoff.partner_sleep_s))
    ]
    for name, answer in zip((PARTNER_LABEL, label), handoff.results, strict=True):
        lines.append(f"{name}: {'no list of ints' if answer is None else [*answer]}")
    lines += describe_progress(handoff)
    lines += [f"wrong: {failure}" for failure in handoff.failures]
    return "\n".join(lines)


def label_backend(result: BackendResult) -> str:
    """Return the language as the lecture's lines begin with it."""
    label = result.technology.partition(",")[0].partition(" through ")[0]
    return label or result.name


def describe_event(event: Event, label: str, sleep_s: float) -> str:
    """Return the lecture's line for an event, "" if it has none."""
    if event.actor == PARTNER:
        who, lines = PARTNER_LABEL, PARTNER_LINES
    else:
        who, lines = label, BACKEND_LINES
    text = lines.get(event.name, "").format(sleep_s=sleep_s)
    return text and f"{who}: {text}"


def describe_progress(handoff: Handoff) -> list[str]:
    """Say how far other Python code got meanwhile, and who waited for whom."""
    if handoff.partner_progress_released is None:
        return []
    assert handoff.partner_progress_held is not None
    names = {event.name for event in handoff.events if event.actor != PARTNER}
    speeds = [
        f"{progress:.0%} of its speed alone"
        for progress in (
            handoff.partner_progress_released,
            handoff.partner_progress_held,
        )
    ]
    if "release" not in names:
        return [
            "The GIL was not seen to be released:",
            f"meanwhile other Python code ran at {speeds[0]}.",
        ]
    return [
        f"While the GIL was released, other Python code ran at {speeds[0]}.",
        f"While it was held, at {speeds[1]}.",
        f"Getting it back took {(handoff.waiting_s or 0) * 1000:.1f} ms.",
    ]
