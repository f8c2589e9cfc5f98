"""The handoff as a mermaid sequence diagram, which renders where Markdown does."""

import re

from compare.model import PARTNER, BackendResult
from compare.render.timeline import EVENT_NAMES, PARTNER_LABEL
from gilscope.units import describe_time

# The identifiers of the two lanes; what is shown is their label.
_PARTNER, _BACKEND = "P", "B"


def render_mermaid(result: BackendResult) -> str:
    """Return a sequenceDiagram of what was measured.

    The GIL is drawn as what the two hand to each other; a bar beside a lane means
    that Python code of that side can run.

    Raises:
        ValueError: the backend has no handoff to draw.
    """
    handoff = result.handoff
    if handoff is None or not handoff.events:
        message = f"no handoff of backend {result.name!r}: expected a run with it"
        raise ValueError(message)
    lines = [
        "sequenceDiagram",
        f"    participant {_PARTNER} as {PARTNER_LABEL}",
        f"    participant {_BACKEND} as {escape(result.name)}",
    ]
    for event in handoff.events:
        lane = _PARTNER if event.actor == PARTNER else _BACKEND
        text = f"{event.at_s:.3f} s {EVENT_NAMES.get(event.name, escape(event.name))}"
        if event.name == "release":
            lines.append(f"    {_BACKEND}->>{_PARTNER}: {text}")
            lines.append(f"    activate {_PARTNER}")
        elif event.name == "acquire":
            lines.append(f"    {_PARTNER}->>{_BACKEND}: {text}")
            lines.append(f"    deactivate {_PARTNER}")
        else:
            lines.append(f"    Note over {lane}: {text}")
        if event.name == "release" and handoff.partner_progress_released is not None:
            lines.append(
                f"    Note over {_PARTNER},{_BACKEND}: Python code at "
                f"{handoff.partner_progress_released:.0%} of its speed"
            )
        if event.name == "acquire" and handoff.held_s is not None:
            lines.append(
                f"    Note over {_BACKEND}: holds the GIL for "
                f"{describe_time(handoff.held_s)}"
            )
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return the text without what means something to mermaid."""
    return re.sub(r"[^\w .,:()/+-]", "_", text)
