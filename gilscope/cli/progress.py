"""What a terminal shows while something runs: who, what, how long, how long yet.

A renderable of rich that draws itself anew each time; nothing here prints but
`show_waiting()`.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gilscope.clean import clean_text

# Costs were measured on an idle machine. Once this much of them is done, it is known
# how many times as long this one takes.
KNOWN_AFTER_S = 1.0


class ProgressView:
    """Rows of steps that run one after the other, with their seconds when idle."""

    def __init__(
        self,
        rows: Mapping[str, Mapping[str, float]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing run; the clock has seconds that only grow."""
        self._clock = clock
        self._started = self._step_at = clock()
        # Of each row the steps that are to come.
        self._left = {row: dict(steps) for row, steps in rows.items()}
        self._ended: dict[str, tuple[str, str, float]] = {}
        # Row, name and seconds of what runs now.
        self._step = ("", "", 0.0)
        self._done_s = 0.0

    def begin(self, row: str, step: str) -> None:
        """Take in that a step of a row begins, and so the one before it has ended."""
        self._done_s += self._step[2]
        self._step = row, step, self._left[row].pop(step, 0.0)
        self._step_at = self._clock()

    def end(self, row: str, state: str, style: str, elapsed_s: float) -> None:
        """Take in that a row has ended; steps that it has not got to are skipped."""
        self._done_s += self._step[2]
        self._step = ("", "", 0.0)
        self._left[row] = {}
        self._ended[row] = (state, style, elapsed_s)

    def compute_left(self) -> float:
        """Return how many seconds are left, by how long the steps so far have taken."""
        left_s = sum(sum(steps.values()) for steps in self._left.values())
        factor = 1.0
        if self._done_s > KNOWN_AFTER_S:
            factor = (self._step_at - self._started) / self._done_s
        running_s = self._step[2] * factor - (self._clock() - self._step_at)
        return left_s * factor + max(0.0, running_s)

    def __rich__(self) -> RenderableType:
        """Return a line for each row, and below them the time."""
        now = self._clock()
        running, step, _ = self._step
        grid = Table.grid(padding=(0, 2))
        for row in self._left:
            cells = (Text("waits", "dim"), Text())
            if row in self._ended:
                state, style, elapsed_s = self._ended[row]
                cells = (Text(state, style), Text(f"{elapsed_s:.1f} s"))
            elif row == running:
                cells = (Text(step, "bold"), Text(f"{now - self._step_at:.0f} s"))
            grid.add_row(Text(clean_text(row)), *cells)
        so_far, left = now - self._started, self.compute_left()
        rest = f"about {left:.0f} s left" if left >= 1 else "nearly done"
        return Group(grid, Text(f"{so_far:.0f} s so far, {rest}", "dim"))


def make_live(view: ProgressView) -> Live | None:
    """Return the live display on standard error, None if that is no terminal for it."""
    console = Console(file=sys.stderr, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal or console.no_color:
        return None
    return Live(view, console=console, refresh_per_second=4, transient=True)


@contextlib.contextmanager
def show_waiting(label: str, step: str, expected_s: float) -> Iterator[None]:
    """Show a terminal that something runs that takes more than a second when idle."""
    view = ProgressView({label: {step: expected_s}})
    view.begin(label, step)
    with make_live(view) or contextlib.nullcontext():
        yield
