"""The lecture's output, from what was measured: nothing that did not happen."""

from compare.model import PARTNER, BackendResult, Event, Handoff
from compare.render.timeline import make_lanes
from gilscope.units import describe_share, describe_time

PARTNER_LABEL = "Py"
# A shorter wait of the partner is not worth a look.
MUCH_WAITED_S = 0.02

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
    released = describe_share(handoff.partner_progress_released)
    held = describe_share(handoff.partner_progress_held)
    if not was_released(handoff):
        return [
            "The GIL was not seen to be released:",
            f"meanwhile other Python code ran at {released} of its speed.",
        ]
    return [
        f"While it was released, other Python code ran at {released} of its speed.",
        f"While it was held, at {held}.",
        f"Re-acquiring it took {describe_time(handoff.waiting_s)}.",
    ]


def was_released(handoff: Handoff) -> bool:
    """Return whether Python code was seen to run because the GIL was released."""
    return any(event.name == "release" for event in handoff.events)


def describe_look(result: BackendResult) -> str:
    """Say what to look at in the timeline, by what was measured."""
    handoff = result.handoff
    assert handoff is not None
    if not was_released(handoff):
        return (
            f"Look at the lane of {result.name}: it has no '-', for the GIL was never "
            "released. A '|' above it is Python code that interrupted it."
        )
    partner, own = make_lanes(result.name, handoff)
    # Beside a released GIL the partner waits for the busy thread, or for a core.
    waited_s = sum(
        max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))
        for one in partner.phases
        if one.state == "waiting"
        for other in own.phases
        if other.state == "held"
    )
    if waited_s > MUCH_WAITED_S:
        return (
            f"Look at the '?' of the partner: its sleep was over, but {result.name} "
            f"held the GIL ('#'), so it waited {describe_time(waited_s)}."
        )
    return (
        "Look at the row 'Python runs': Python code ran above the '-', while the GIL "
        "was released, and stopped above the '#', while it was held."
    )
