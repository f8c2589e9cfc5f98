"""The callables whose behaviour is known, watched at the beginning of every check."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from gilscope.model import Controls
from gilscope.probe.decide import compare_controls
from gilscope.probe.judgement import Seen
from gilscope.probe.switch_interval import GilMethod

# How long each of them is watched.
CONTROL_S = 0.02
PATIENCE = 25
# The holder takes about half a millisecond. The Python loop takes longer, because the
# witness has to wake up before it can interrupt it.
HOLD_STEPS = 20_000
LOOP_STEPS = 50_000
EMPTY_CALLS = 1000
# What a pause of the witness comes to where the controls gave no figure.
SPACING_NS = 200_000


class Yardstick(NamedTuple):
    """What the known callables came out at."""

    controls: Controls
    # Between two notes of a witness that nobody keeps out.
    spacing_ns: int
    # The shortest call that does nothing.
    empty_ns: int


def measure_yardstick(method: GilMethod, empty: Callable[[], Any]) -> Yardstick:
    """Watch what is known, and how the watching itself comes out.

    Args:
        method: how the callable will be watched too.
        empty: a callable of its kind that does nothing.
    """
    sleeper = method.watch_for(functools.partial(time.sleep, 0.002), CONTROL_S / 2)
    gaps = [
        after.at_ns - before.at_ns
        for window in sleeper
        for before, after in zip(window.notes, window.notes[1:], strict=False)
    ]
    releaser = method.watch_for(functools.partial(time.sleep, 0), CONTROL_S)
    hold = functools.partial(sum, range(HOLD_STEPS))
    holder = method.watch_for(hold, CONTROL_S)
    loop = functools.partial(run_loop, LOOP_STEPS)
    python_loop = method.watch_for(loop, CONTROL_S)
    controls = compare_controls(
        Seen(sleeper + releaser).add_up(),
        Seen(holder, method.interrupt(hold, CONTROL_S / 2, patience=1)).add_up(),
        Seen(
            python_loop, method.interrupt(loop, CONTROL_S, patience=PATIENCE)
        ).add_up(),
    )
    nothing = method.watch_for(empty, CONTROL_S / 10, n_calls=EMPTY_CALLS)
    # A loaded machine makes some of the gaps longer.
    spacing_ns = sorted(gaps)[len(gaps) // 4] if gaps else SPACING_NS
    return Yardstick(controls, spacing_ns, min(window.call_ns for window in nothing))


def run_loop(n_steps: int) -> None:
    """Run bytecode that gives nothing away: the control in Python."""
    for _ in range(n_steps):
        pass
