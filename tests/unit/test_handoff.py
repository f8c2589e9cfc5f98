"""The two threads of the lecture, described from fixed stamps and from real ones."""

import itertools
import time

import pytest

from backends import Backend
from backends.reference import double_list
from compare.double_list.contract import adopt
from compare.model import PARTNER
from compare.scenarios import Options, handoff
from gilscope.environment import is_gil_enabled
from tests.looks import look_until

SECOND = 1_000_000_000


def make_show(*, counted: range) -> handoff.Show:
    """Return a show that ended: a second released, half a second held.

    Args:
        counted: when the busy thread had completed a tick.
    """
    show = handoff.Show(adopt(Backend("native", double_list)), 0.5, 0.1)
    show.result[:] = [[2, 4, 6], [2, 4, 6]]
    show.trace.append((10, 20, SECOND + 20, SECOND + 30, SECOND + SECOND // 2 + 30))
    show.call_ns = (5, 2 * SECOND)
    show.partner_stamps.update(enter=0, sleep=1, exit=SECOND // 10)
    busy_thread = show.busy_thread
    busy_thread.stamps.extend(counted)
    busy_thread._waits_ns.extend(0 for _ in counted)
    busy_thread._cpus_ns.extend(counted)
    return show


def test_the_phases_are_told_by_the_trace() -> None:
    """How long each took, and how fast Python code ran meanwhile."""
    show = make_show(counted=range(0, SECOND, SECOND // 100))
    found = handoff.describe_show(show)
    assert (found.released_s, found.waiting_s, found.held_s) == (1.0, 1e-8, 0.5)
    assert found.partner_progress_released == pytest.approx(0.98, rel=0.02)
    assert found.partner_progress_held == 0
    assert found.failures == found.contradictions == ()


@pytest.mark.skipif(not is_gil_enabled(), reason="there is no GIL to hold")
@pytest.mark.parametrize(
    ("releases_gil", "is_released", "is_let_in", "n_contradictions"),
    [
        (True, True, False, 0),
        (True, False, False, 1),
        (False, False, False, 0),
        (False, True, False, 0),
        (True, True, True, 1),
        (False, False, True, 1),
    ],
)
def test_python_code_kept_out_or_let_in_against_the_declaration(
    releases_gil: bool, is_released: bool, is_let_in: bool, n_contradictions: int
) -> None:
    """By ticks while nobody could be interrupted, not by how fast anything was."""
    show = make_show(counted=range(0, SECOND, SECOND // 100))
    backend = Backend("x", double_list, releases_gil=releases_gil)
    show.implementation = adopt(backend)
    show.is_released, show.is_let_in = is_released, is_let_in
    found = handoff.describe_show(show)
    assert len(found.contradictions) == n_contradictions


def test_ticks_are_thinned_and_gaps_kept() -> None:
    """A picture needs no more of them, but needs both sides of each gap."""
    stamps = [*range(0, 1_000_000, 10), *range(3_000_000, 4_000_000, 10)]
    kept = handoff.thin_stamps(stamps)
    assert len(kept) <= handoff.N_TICKS_KEPT + 3
    assert {0, 999_990, 3_000_000} <= {*kept}
    assert kept[-1] >= 4_000_000 - 4_000_000 / handoff.N_TICKS_KEPT
    assert handoff.thin_stamps([]) == []
    assert handoff.thin_stamps([7]) == [7]


def test_events_are_in_the_order_of_time() -> None:
    """Stamps of both threads are one list, from the opening of the barrier on."""
    show = make_show(counted=range(0, SECOND, SECOND // 100))
    found = handoff.describe_show(show)
    assert [(event.actor, event.name) for event in found.events] == [
        (PARTNER, "enter"),
        (PARTNER, "sleep"),
        ("native", "enter"),
        ("native", "release"),
        (PARTNER, "exit"),
        ("native", "kernel_end"),
        ("native", "acquire"),
        ("native", "exit"),
    ]
    assert found.events[0].at_s == 0
    assert found.events[-1].at_s == 1.50000003


@pytest.mark.parametrize(
    "counted",
    [range(0), range(20, SECOND // 8, 1000), range(SECOND, SECOND + 20)],
    ids=["no step", "steps at the beginning only", "steps at the end only"],
)
def test_a_release_that_nobody_could_use_is_no_event(counted: range) -> None:
    """Without a step of other code in its middle, the window was not released."""
    found = handoff.describe_show(make_show(counted=counted))
    names = {event.name for event in found.events}
    assert not names & {"release", "acquire"}
    assert {"kernel_start", "kernel_end"} <= names


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        ([], "expected one entry, got 0"),
        ([(1, 2, 3, 4, 5)] * 2, "expected one entry, got 2"),
        (["garbage"], "not a tuple of 5 ints"),
        ([(5, 4, 3, 2, 1)], "not in the order of time"),
        ([(1, 2, 3, 4, 3 * SECOND)], "not on the clock"),
    ],
)
def test_a_bad_trace_is_a_failure_and_no_figure(
    trace: list[object], words: str
) -> None:
    """Nothing is computed from a trace that breaks clause 1.9."""
    show = make_show(counted=range(10))
    show.trace[:] = trace
    found = handoff.describe_show(show)
    assert found.released_s is None
    assert found.partner_progress_held is None
    assert {event.actor for event in found.events} == {PARTNER}
    assert [failure for failure in found.failures if words in failure]


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ([[2, 4, 6], []], ((2, 4, 6), ())),
        ([[2, 4, 6], None], ((2, 4, 6), None)),
        ([[2, 4, 6], [2, 4, True]], ((2, 4, 6), None)),
        ([[2, 4, 7], [2, 4, 6]], ((2, 4, 7), (2, 4, 6))),
        ([[2, 4, 6]], ((2, 4, 6), None)),
        ([], (None, None)),
    ],
)
def test_a_wrong_result_is_a_failure(
    result: list[object], shown: tuple[object, ...]
) -> None:
    """Anything but [[2, 4, 6], [2, 4, 6]] is reported, as far as it is ints."""
    show = make_show(counted=range(10))
    show.result[:] = result
    found = handoff.describe_show(show)
    assert found.results == shown
    assert len(found.failures) == 1


def test_both_threads_do_their_part(backend: Backend) -> None:
    """The lecture's program ends with both answers and the stamps in order."""
    found = look_until(
        # It sleeps there in every backend, pure Python included.
        lambda each: "release" in {event.name for event in each.events},
        lambda: handoff.run(adopt(backend), Options(quick=True)),
    )
    assert found.results == ((2, 4, 6), (2, 4, 6))
    assert found.failures == ()
    assert found.released_s is not None
    assert found.released_s >= 0.1
    assert found.held_s is not None
    assert found.held_s >= 0.1
    times = [event.at_s for event in found.events]
    assert all(one <= other for one, other in itertools.pairwise(times))
    assert "release" in {event.name for event in found.events}


@pytest.mark.skipif(not is_gil_enabled(), reason="there is no GIL to release")
def test_code_that_was_only_interrupted_released_nothing() -> None:
    """Python code in a loop lets others run, and is not said to release the GIL."""

    def loop(values, result, index, *, trace, **sleeps):
        stamps = [time.perf_counter_ns()] * 2
        for name in ("released_sleep", "held_sleep"):
            seconds = sleeps.get(name, 0.0)
            deadline = time.perf_counter_ns() + int(seconds * 1e9)
            while time.perf_counter_ns() < deadline:
                pass
            stamps.append(time.perf_counter_ns())
        result[index] = [2 * value for value in values]
        trace.append((*stamps[:3], stamps[2], stamps[3]))

    subject = adopt(Backend("loop", loop, releases_gil=False))
    found = look_until(
        lambda each: each.partner_progress_released,
        lambda: handoff.run(subject, Options(quick=True)),
    )
    assert found.failures == ()
    assert found.partner_progress_released
    assert not {event.name for event in found.events} & {"release", "acquire"}


def test_a_late_partner_wakes_up_while_the_gil_is_held(backend: Backend) -> None:
    """It sleeps longer than the GIL is released; a native backend lets it wait.

    A backend with glue in Python can be interrupted just before it takes hold, which
    may last on a loaded machine.
    """
    assert look_until(bool, lambda: lets_a_late_partner_wait(backend))


def lets_a_late_partner_wait(backend: Backend) -> bool:
    """Return whether the partner had to wait, if there was something to wait for."""
    found = handoff.run(adopt(backend), Options(quick=True, late_partner=True))
    at_s = {(event.actor, event.name): event.at_s for event in found.events}
    own = backend.name
    assert found.partner_sleep_s == pytest.approx(0.12)
    assert at_s[PARTNER, "exit"] - at_s[PARTNER, "sleep"] >= 0.12
    woke_s = at_s[PARTNER, "sleep"] + 0.12
    acquired_s = at_s.get((own, "acquire"), woke_s)
    let_go_s = acquired_s + 0.99 * 0.1
    # Only there it has somebody to wait for.
    has_to_wait = backend.releases_gil and is_gil_enabled()
    if has_to_wait and acquired_s < woke_s < let_go_s:
        return at_s[PARTNER, "exit"] >= let_go_s
    return True


def test_what_the_backend_raises_comes_through() -> None:
    """A backend that raises ends the scenario, and no thread stays behind."""

    def fail(*_: object, **__: object) -> None:
        message = "out of cheese"
        raise ValueError(message)

    with pytest.raises(ValueError, match="out of cheese"):
        handoff.run(adopt(Backend("fails", fail)), Options(quick=True))


def test_a_sleep_cut_short_is_a_failure() -> None:
    """By its trace the call sleeps for as long as it is told to."""
    show = make_show(counted=range(0, 2 * SECOND, SECOND // 100))
    show.phase_s = 0.75
    assert handoff.describe_show(show).failures == (
        "1.3 trace: held_sleep of 0.500000 s instead of 0.75 s",
    )
