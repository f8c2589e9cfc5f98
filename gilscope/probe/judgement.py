"""What a judge is given, and what it gives back."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gilscope.model import Check, Evidence
from gilscope.probe.estimate import Entry, Window


class Subject(NamedTuple):
    """What is judged."""

    call: Callable[[], Any]
    # A callable of the same kind that does nothing.
    empty: Callable[[], Any]
    # How long the first call took, and whether it ran Python functions.
    first_ns: int
    runs_python: bool | None


class Judgement(NamedTuple):
    """A check, and what it was weighed from."""

    check: Check
    windows: Sequence[Window] = ()
    # Between two notes of a witness that nobody keeps out.
    spacing_ns: int = 0


class Seen(NamedTuple):
    """All that was seen of one callable."""

    windows: Sequence[Window]
    entries: Sequence[Entry] = ()
    runs_python: bool | None = None
    python_share: float | None = None

    def add_up(self) -> Evidence:
        """Return the counts."""
        woken = [window.was_woken for window in self.windows]
        return Evidence(
            n_calls=sum(window.n_calls for window in self.windows),
            n_windows=len(self.windows),
            n_windows_released=sum(window.is_released for window in self.windows),
            n_ticks=sum(len(window.notes) for window in self.windows),
            n_wakeups=None if None in woken else sum(map(bool, woken)),
            n_calls_tried=len(self.entries),
            n_calls_entered=sum(entry.n_notes > 0 for entry in self.entries),
            n_calls_interrupted=sum(entry.is_interrupted for entry in self.entries),
            runs_python=self.runs_python,
            python_share=self.python_share,
        )
