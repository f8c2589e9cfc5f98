"""What a terminal shows while something runs, on a clock that the test turns."""

import io

import pytest
from rich.console import Console

from gilscope.cli.progress import ProgressView, make_live

STEPS = {"loading": 1.0, "parallel": 4.0}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def show(view: ProgressView) -> list[str]:
    """Return the lines that a terminal without colour would show."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(view)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_every_row_is_there_from_the_beginning() -> None:
    """Those that wait, with how long all will take on an idle machine."""
    view = ProgressView({"a": STEPS, "[red]b[/red]": STEPS}, Clock())
    assert show(view) == [
        "a             waits",
        "[red]b[/red]  waits",
        "0 s so far, about 10 s left",
    ]


def test_it_shows_who_does_what_and_for_how_long() -> None:
    """The seconds go on between two steps, and are not promised twice."""
    clock = Clock()
    view = ProgressView({"a": STEPS, "b": STEPS}, clock)
    view.begin("a", "loading")
    clock.now += 1
    view.begin("a", "parallel")
    clock.now += 3
    assert show(view) == [
        "a  parallel  3 s",
        "b  waits",
        "4 s so far, about 6 s left",
    ]


def test_what_is_left_is_told_by_how_long_it_took_so_far() -> None:
    """A machine that takes three times as long does so for what is left."""
    clock = Clock()
    view = ProgressView({"a": STEPS, "b": STEPS}, clock)
    view.begin("a", "loading")
    clock.now += 3
    view.begin("a", "parallel")
    clock.now += 12
    view.end("a", "ok", "green", 15.0)
    view.begin("b", "loading")
    assert view.compute_left() == pytest.approx(15.0)
    clock.now += 30
    # It takes longer than expected: what comes after it is left all the same.
    assert view.compute_left() == pytest.approx(12.0 * 1.0)


def test_what_was_skipped_is_not_left() -> None:
    """A row that ended at its first step takes nothing more."""
    clock = Clock()
    view = ProgressView({"a": STEPS, "b": STEPS}, clock)
    view.begin("a", "loading")
    view.end("a", "unavailable", "yellow", 0.1)
    assert view.compute_left() == pytest.approx(5.0)
    assert show(view)[0] == "a  unavailable  0.1 s"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_plain_text_gets_no_live_view(monkeypatch, name, value) -> None:
    """Nor does who has no terminal."""
    monkeypatch.setenv(name, value)
    assert make_live(ProgressView({}, Clock())) is None
