"""From windows to counts."""

from collections.abc import Iterable, Sequence

from gilscope.model import Evidence
from gilscope.probe.estimate import Entry, Window


def count_evidence(  # noqa: PLR0913 - all but three are by name.
    windows: Iterable[Window | None],
    tried: Iterable[Window | None] = (),
    entries: Sequence[Entry] = (),
    *,
    n_unclear: int = 0,
    n_unseen: int = 0,
    python_share: float | None = None,
) -> Evidence:
    """Return the counts.

    Args:
        windows: calls that nobody could interrupt; None = nothing was seen.
        tried: calls beside a witness that asked for the GIL all the time.
        entries: what the last of them are known by.
        n_unclear: windows in which nothing could be told.
        n_unseen: calls that were interrupted in Python code that no tracer sees.
        python_share: as in Evidence.
    """
    seen = [window for window in windows if window is not None]
    single = [window for window in seen if window.n_calls == 1]
    asked = [call for window in tried if window is not None for call in window.split()]
    woken = [window.was_woken for window in seen]
    tells = any(each is not None for each in woken)
    n_interrupted = sum(bool(call.notes) for call in asked)
    return Evidence(
        n_calls=len(single),
        n_released=sum(window.is_released for window in single),
        n_unclear=n_unclear,
        n_windows=len(seen),
        n_windows_released=sum(window.is_released for window in seen),
        n_ticks=sum(len(window.notes) for window in seen),
        n_wakeups=sum(map(bool, woken)) if tells else None,
        n_calls_tried=len(asked),
        n_calls_interrupted=n_interrupted,
        n_calls_split=sum(entry.is_split for entry in entries),
        n_calls_unseen=n_unseen,
        runs_python=n_interrupted > 0 if asked else None,
        python_share=python_share,
    )
