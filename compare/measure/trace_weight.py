"""What the traces of judged calls say, beside what the witness saw of them."""

import statistics
from dataclasses import dataclass
from typing import Any

from gilscope.probe.estimate import Window, estimate_window
from gilscope.probe.judge import Judgement

# The traced kernel is worth its share only if at least so much of it was seen.
SEEN_SHARE_MIN = 0.05
# A call that had a core for less of its time may have lost it outside of the kernel.
CORED_SHARE_MIN = 0.9


@dataclass(frozen=True)
class TraceWeight:
    """What the traces of the judged calls say, beside what was seen.

    Attributes:
        kernel_share: the traced kernel's share of a call, in the middle of all calls.
        best_share: in the call where it was largest, of those that had a core
            throughout; None if none had.
        free_share: the share of the traced kernel for which the GIL was seen to be
            free, in the call where it was largest; None if not seen well enough.
        waiting_s: how long a call waited to get the GIL back, by its trace.
    """

    kernel_share: float
    best_share: float | None
    free_share: float | None
    waiting_s: float


def weigh_trace(judgement: Judgement, trace: list[Any]) -> TraceWeight | None:
    """Weigh each traced kernel of the judged calls like a window of its own."""
    kernel_ns = 0
    weights = []
    waits = []
    shares = []
    cored_shares = []
    for window in judgement.windows:
        first, last = window.stamps[0], window.stamps[-1]
        inside = [
            stamps for stamps in trace if first <= stamps[0] <= stamps[-1] <= last
        ]
        window_shares = []
        for enter, start, end, acquired, leave in inside:
            notes = [note for note in window.notes if start < note.at_ns < end]
            kernel = Window((start, end), notes, None, window.start, window.end)
            kernel = kernel._replace(ends_asleep=window.ends_asleep)
            weights.append(estimate_window(kernel, judgement.spacing_ns))
            kernel_ns += end - start
            waits.append(acquired - end)
            window_shares.append((end - start) / max(1, leave - enter))
        shares += window_shares
        if had_core(window):
            cored_shares += window_shares
    if not shares:
        return None
    seen_ns = sum(weight.own_ns for weight in weights)
    is_seen = seen_ns > SEEN_SHARE_MIN * kernel_ns
    return TraceWeight(
        statistics.median(shares),
        max(cored_shares, default=None),
        max(weight.released.high for weight in weights) if is_seen else None,
        statistics.median(waits) / 1e9,
    )


def had_core(window: Window) -> bool:
    """Return whether the caller had a core for nearly all of its calls."""
    passed_ns = window.stamps[-1] - window.stamps[0]
    return window.own_ns >= CORED_SHARE_MIN * passed_ns
