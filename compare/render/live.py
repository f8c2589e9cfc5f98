"""What a terminal shows while a comparison runs: who, what, for how long, how long yet.

A renderable of rich that draws itself anew each time; nothing here prints.
"""

import time
from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compare.render.table import STYLES
from compare.run import Progress

# What one backend may take by the project's own promise; the guess until one ended.
GUESS_S, QUICK_GUESS_S = 15.0, 2.5


class LiveView:
    """The state of a comparison, to be given to `rich.live.Live`.

    Args:
        names: the backends in the order in which they run.
        guess_s: how long one may take, until it is known of another.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        guess_s: float = GUESS_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing run."""
        self._steps: dict[str, Progress | None] = dict.fromkeys(names)
        self._guess_s = guess_s
        self._clock = clock
        self._started = self._step_at = clock()

    def update(self, step: Progress) -> None:
        """Take in what happened."""
        self._steps[step.backend] = step
        self._step_at = self._clock()

    def __rich__(self) -> RenderableType:
        """Return a row for each backend, and below it the time."""
        grid = Table.grid(padding=(0, 2))
        for name, step in self._steps.items():
            grid.add_row(Text(name), *self._describe(step))
        return Group(grid, Text(self._describe_time(), "dim"))

    def _describe(self, step: Progress | None) -> tuple[Text, Text]:
        if step is None:
            return Text("waits", "dim"), Text()
        if step.state == "running":
            elapsed_s = step.elapsed_s + self._clock() - self._step_at
            return Text(step.scenario or "loading", "bold"), Text(f"{elapsed_s:.0f} s")
        return Text(step.state, STYLES[step.state]), Text(f"{step.elapsed_s:.1f} s")

    def _describe_time(self) -> str:
        return (
            f"{self._clock() - self._started:.0f} s so far, "
            f"about {self.find_rest():.0f} s left"
        )

    def find_rest(self) -> float:
        """Return how many seconds are left, if the others take as long as those did.

        A backend that could not be loaded took no time and tells nothing.
        """
        steps = self._steps.values()
        ended = [step for step in steps if step is not None and step.state != "running"]
        known = [step.elapsed_s for step in ended if step.state != "unavailable"]
        each_s = sum(known) / len(known) if known else self._guess_s
        rest_s = each_s * (len(steps) - len(ended))
        for step in steps:
            if step is not None and step.state == "running":
                elapsed_s = step.elapsed_s + self._clock() - self._step_at
                rest_s -= min(each_s, elapsed_s)
        return rest_s
