"""The figures of threads and of calls beside Python, from fixed rounds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gilscope.stats import Figure
from gilscope.timing.calls import Wall
from gilscope.timing.rounds import (
    ContentionRound,
    Side,
    compute_overlap,
    count_batch,
    count_calls,
    decide,
    summarize_contention,
    summarize_size,
    summarize_threads,
)

# Two threads with a call of 0.1 s each: parallel in 0.1 s, serialized in 0.2 s.
ALONE = Wall(0.1, 0.1, 0.1, 0.1)
PARALLEL = Wall(0.1, 0.1, 0.2, 0.2)
SERIALIZED = Wall(0.2, 0.2, 0.2, 0.2)
SIDE = Side(1, ALONE, {2: PARALLEL}, {2: PARALLEL})


def exactly(value: float) -> Figure:
    """Return a figure that is the same in every round."""
    return Figure(value, value, value)


def test_threads_as_fast_as_processes() -> None:
    """Twice as fast as one after the other."""
    found = summarize_threads([SIDE] * 4, 2)
    assert (found.wall_s, found.speedup) == (0.1, exactly(2.0))
    assert (found.process_speedup, found.of_processes) == (exactly(2.0), exactly(1.0))
    assert (found.overlap, found.effective_cores) == (exactly(2.0), 2.0)
    assert found.concurrency == "parallel"


def test_without_processes_nothing_is_made_up() -> None:
    """What could not be measured is None."""
    found = summarize_threads([replace(SIDE, processes={})] * 4, 2)
    assert found.process_speedup is found.of_processes is None


def test_a_loaded_machine_does_not_turn_the_answer() -> None:
    """Both wait for cores: no speed-up on the clock, and still they ran in parallel."""
    waiting = Wall(0.4, 0.11, 0.2, 0.2)
    loaded = Side(
        1,
        replace(ALONE, seconds=0.2),
        {2: waiting},
        {2: replace(waiting, seconds=0.5)},
    )
    found = summarize_threads([loaded] * 4, 2)
    assert found.speedup == exactly(1.0)
    assert found.effective_cores == pytest.approx(0.5)
    assert found.concurrency == "parallel"
    assert found.of_processes == exactly(1.0)
    held = replace(loaded, threads={2: Wall(0.9, 0.8, 0.2, 0.2)})
    assert summarize_threads([held] * 4, 2).concurrency == "serialized"


@pytest.mark.parametrize(
    ("alone", "wall", "overlap"),
    [
        # CPU time by time with a core.
        (ALONE, PARALLEL, 2.0),
        (ALONE, SERIALIZED, 1.0),
        # A call that keeps two cores busy on its own: two such calls cannot do more.
        (Wall(0.05, 0.05, 0.1, 0.0), Wall(0.1, 0.1, 0.2, 0.0), 1.0),
        # A call that sleeps has no CPU time to go by.
        (Wall(0.1, 0.1, 0.0, 0.0), Wall(0.1, 0.1, 0.0, 0.0), 2.0),
        (Wall(0.1, 0.1, 0.0, 0.0), Wall(0.2, 0.2, 0.0, 0.0), 1.0),
    ],
)
def test_how_many_calls_ran_in_parallel(
    alone: Wall, wall: Wall, overlap: float
) -> None:
    """By what the calls take alone."""
    assert compute_overlap(alone, wall, 2) == pytest.approx(overlap)


@pytest.mark.parametrize(
    ("alone", "wall", "concurrency"),
    [
        (ALONE, SERIALIZED, "serialized"),
        # Helpers compute, of which it is not known how long they waited for a core.
        (replace(ALONE, own_cpu_s=0.0), replace(SERIALIZED, own_cpu_s=0.0), "unclear"),
        (replace(ALONE, own_cpu_s=0.0), replace(PARALLEL, own_cpu_s=0.0), "parallel"),
        # Nobody computes: the call waits, and not for a core.
        (Wall(0.1, 0.1, 0.01, 0.01), Wall(0.2, 0.2, 0.02, 0.0), "serialized"),
    ],
)
def test_what_helpers_do_is_not_called_serialized(
    alone: Wall, wall: Wall, concurrency: str
) -> None:
    """A pool on a busy machine looks like calls one after the other."""
    found = summarize_threads([Side(1, alone, {2: wall})] * 4, 2)
    assert found.concurrency == concurrency


@pytest.mark.parametrize(
    ("overlaps", "concurrency"),
    [
        ((2.0, 1.9, 1.5, 1.3), "parallel"),
        ((1.0, 1.0, 0.2, 1.1), "serialized"),
        # One of four that was disturbed decides nothing.
        ((2.0, 1.9, 0.9, 1.8), "parallel"),
        ((0.5, 0.9, 1.4, 1.0), "serialized"),
        ((2.0, 2.0, 1.0, 1.0), "unclear"),
    ],
)
def test_three_of_four_rounds_decide(
    overlaps: Sequence[float], concurrency: str
) -> None:
    """Serialized calls cannot overlap by more than one."""
    assert decide(overlaps) == concurrency


@pytest.mark.parametrize(
    ("process_s", "concurrency"), [(0.084, "unclear"), (0.086, "parallel")]
)
def test_threads_slower_than_processes_are_not_called_parallel(
    process_s: float, concurrency: str
) -> None:
    """However much they overlap by CPU time."""
    processes = {2: replace(PARALLEL, seconds=process_s)}
    found = summarize_threads([replace(SIDE, processes=processes)] * 4, 2)
    assert found.concurrency == concurrency


def test_each_number_of_threads_has_its_row() -> None:
    """Four threads on two cores: twice as fast; one is parallel to nothing."""
    four = Wall(0.2, 0.1, 0.4, 0.4)
    side = Side(
        1,
        ALONE,
        {1: ALONE, 2: PARALLEL, 4: four},
        contention=ContentionRound([1.0], [1.0], 1.0),
    )
    found = summarize_size(7, [side] * 4)
    assert [row.threads for row in found.parallel] == [1, 2, 4]
    assert [row.speedup for row in found.parallel] == [*map(exactly, (1.0, 2.0, 2.0))]
    assert [row.overlap.value for row in found.parallel] == [1.0, 2.0, 4.0]
    assert found.pair is found.parallel[1]
    assert (found.size, found.alone_s) == (7, exactly(0.1))
    assert found.cost is found.gain is found.busy_gain is None


def test_a_twin_is_compared_within_each_round() -> None:
    """Ratios of the round, not of the medians."""
    contention = ContentionRound([1e-4], [2e-4], 1.0)
    side = replace(SIDE, contention=contention)
    slow = Side(1, Wall(0.05, 0.05, 0.05, 0.05), {2: SERIALIZED})
    twin = replace(slow, contention=ContentionRound([1e-4], [2e-4], 0.5))
    found = summarize_size(7, [side] * 3, [twin] * 3)
    assert found.alone_held_s == exactly(0.05)
    assert (found.cost, found.gain) == (exactly(2.0), exactly(2.0))
    # Half as fast and as fast as alone; with the twin both are half as fast.
    assert found.busy_gain == exactly(1.5)


QUICK = [1e-6] * 99
RELEASED = ContentionRound([1e-6] * 100, [*QUICK, 5e-3], 0.98)
HELD = ContentionRound([1e-6] * 100, [2e-6] * 50, 0.5)


def make_sides(contention: ContentionRound, count: int = 3) -> list[Side]:
    """Return the same round so many times."""
    return [Side(1, ALONE, contention=contention)] * count


def test_the_mean_shows_what_the_median_hides() -> None:
    """One call in a hundred that waits makes all of them slow on average."""
    row = summarize_contention(10, make_sides(RELEASED), make_sides(HELD))
    assert row.alone_s == pytest.approx(1e-6)
    assert row.contended_s == pytest.approx((99e-6 + 5e-3) / 100)
    assert row.slowdown.value == pytest.approx(50.99)
    assert row.slowdown.low == row.slowdown.high == row.slowdown.value
    assert row.held_slowdown is not None
    assert row.held_slowdown.value == pytest.approx(2.0)
    assert (row.size, row.n_calls) == (10, 300)
    assert row.contended_median_s == pytest.approx(1e-6)
    assert row.contended_p99_s == pytest.approx(1e-6)
    assert row.busy_thread_speed == exactly(0.98)
    assert row.busy_thread_speed_held == exactly(0.5)


def test_rare_waits_are_in_the_99th_percentile() -> None:
    """Two calls in a hundred that wait are; without a twin it has no figures."""
    often = ContentionRound([1e-6] * 100, [*QUICK[1:], 5e-3, 5e-3], 1.0)
    row = summarize_contention(None, make_sides(often, 1))
    assert row.contended_p99_s == 5e-3
    assert row.held_slowdown is row.busy_thread_speed_held is None


@pytest.mark.parametrize(
    ("call_s", "n_calls", "n_batch"),
    [(1.0, 1, 1), (1e-3, 10, 2), (1e-7, 100_000, 1000), (0.0, 10**7, 1000)],
)
def test_calls_fill_a_window(call_s: float, n_calls: int, n_batch: int) -> None:
    """One at least; of a batch that is prepared there are no more than a thousand."""
    assert count_calls(call_s, 0.01) == n_calls
    assert count_batch(call_s) == n_batch
