"""What a terminal shows while a comparison runs, on a clock that the test turns."""

import io

from rich.console import Console

from compare.render.live import LiveView
from compare.run import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def show(view: LiveView) -> list[str]:
    """Return the lines that a terminal without colour would show."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(view)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_every_backend_has_a_row_from_the_beginning() -> None:
    """Those that wait, with the guess of how long all will take."""
    view = LiveView(["python", "pyo3"], guess_s=15.0, clock=Clock())
    assert show(view) == [
        "python  waits",
        "pyo3    waits",
        "0 s so far, about 30 s left",
    ]


def test_it_shows_who_does_what_and_for_how_long() -> None:
    """The seconds go on between two steps."""
    clock = Clock()
    view = LiveView(["python", "pyo3"], guess_s=15.0, clock=clock)
    view.update(Progress("python", None, "running", 0.0))
    assert show(view)[0] == "python  loading  0 s"
    clock.now += 3
    view.update(Progress("python", "parallel", "running", 3.0))
    clock.now += 4
    assert show(view) == [
        "python  parallel  7 s",
        "pyo3    waits",
        "7 s so far, about 23 s left",
    ]


def test_the_rest_is_told_by_those_that_ended() -> None:
    """A backend that was not built took no time and tells nothing."""
    clock = Clock()
    view = LiveView(["python", "cython", "cffi", "pyo3"], guess_s=15.0, clock=clock)
    view.update(Progress("python", None, "ok", 8.0))
    assert view.find_rest() == 24.0
    view.update(Progress("cython", None, "unavailable", 0.1))
    assert view.find_rest() == 16.0
    view.update(Progress("cffi", "gil", "running", 5.0))
    assert view.find_rest() == 11.0
    clock.now += 60
    # It takes longer than the others did: what is left is the one after it.
    assert view.find_rest() == 8.0
    view.update(Progress("cffi", None, "timeout", 65.0))
    assert show(view)[2] == "cffi    timeout      65.0 s"


def test_a_name_is_no_markup() -> None:
    """Brackets in it are shown as they are."""
    assert show(LiveView(["[red]x[/red]"], clock=Clock()))[0] == "[red]x[/red]  waits"
