"""What a judge is given, and what it gives back."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from compare.results import Check
from compare.weigh import Window


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
