"""The figures of threads and of calls beside Python, from fixed rounds."""

from dataclasses import replace

import pytest

from gilscope.measurement import ParallelRow
from gilscope.stats import Figure
from gilscope.timing.calls import PlainWork, Wall, count_calls
from gilscope.timing.rounds import (
    ContentionRound,
    MeasuredSubject,
    Side,
    compute_overlap,
    count_batch,
    decide_concurrency,
    summarize_contention,
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


NOTHING_GAINED, GAINED = Figure(1.0, 0.9, 1.1), Figure(1.9, 1.7, 2.0)
A_CORE_EACH, NO_CORES = Figure(1.9, 1.5, 2.0), Figure(1.9, 1.4, 2.0)


def make_row(threads: int = 2, **figures: Figure | None) -> ParallelRow:
    """Return calls that overlap as those of a lock may, where no core is free."""
    row = ParallelRow(
        threads=threads,
        wall_s=0.1,
        speedup=NOTHING_GAINED,
        overlap=Figure(1.5, 0.9, 1.9),
        concurrency="unclear",
        effective_cores=None,
        process_speedup=NO_CORES,
        of_processes=Figure(0.8, 0.5, 1.0),
    )
    return replace(row, **figures)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "concurrency"),
    [
        (make_row(), "unclear"),
        # By the clock, where there was a core for each process.
        (make_row(process_speedup=A_CORE_EACH), "serialized"),
        (make_row(process_speedup=A_CORE_EACH, speedup=GAINED), "parallel"),
        (make_row(process_speedup=NO_CORES, speedup=GAINED), "unclear"),
        (
            make_row(process_speedup=A_CORE_EACH, speedup=Figure(1.0, 0.9, 1.2)),
            "unclear",
        ),
        # By what they take with the waits for a core left out.
        (make_row(overlap=Figure(1.0, 0.9, 1.1)), "serialized"),
        (make_row(overlap=Figure(1.0, 0.9, 1.2)), "unclear"),
        (make_row(overlap=Figure(1.9, 1.6, 2.0)), "parallel"),
        (make_row(overlap=Figure(1.9, 1.5, 2.0)), "unclear"),
        (make_row(4, overlap=Figure(3.9, 2.6, 4.0)), "parallel"),
        (make_row(4, overlap=Figure(3.9, 2.5, 4.0)), "unclear"),
        # By the processes.
        (make_row(of_processes=Figure(0.5, 0.4, 0.7)), "serialized"),
        (make_row(of_processes=Figure(0.5, 0.4, 0.75)), "unclear"),
        (make_row(4, of_processes=Figure(0.3, 0.2, 0.6)), "serialized"),
        (make_row(4, of_processes=Figure(0.3, 0.2, 0.7)), "unclear"),
        (make_row(of_processes=Figure(0.5, 0.4, 0.7), speedup=GAINED), "unclear"),
        (
            make_row(
                overlap=Figure(1.9, 1.6, 2.0), of_processes=Figure(0.8, 0.76, 0.9)
            ),
            "unclear",
        ),
        # Without any.
        (make_row(process_speedup=None, of_processes=None), "unclear"),
        (
            make_row(
                overlap=Figure(1.9, 1.6, 2.0), process_speedup=None, of_processes=None
            ),
            "parallel",
        ),
    ],
)
def test_the_ranges_decide_whether_calls_ran_in_parallel(
    row: ParallelRow, concurrency: str
) -> None:
    """Against one after the other, and against processes."""
    assert decide_concurrency(row) == concurrency


def test_many_calls_of_a_thread_that_only_overlap_are_not_called_parallel() -> None:
    """Those of a lock do so, too, where no core is free."""
    row = make_row(overlap=Figure(1.9, 1.6, 2.0))
    assert decide_concurrency(row, is_single=False) == "unclear"
    row = replace(row, process_speedup=A_CORE_EACH, speedup=GAINED)
    assert decide_concurrency(row, is_single=False) == "parallel"
    waiting = Wall(0.4, 0.11, 0.2, 0.2)
    side = Side(2, replace(ALONE, seconds=0.2), {2: waiting}, {2: waiting})
    assert summarize_threads([side] * 4, 2).concurrency == "unclear"
    single = replace(side, count=1)
    assert summarize_threads([single] * 4, 2).concurrency == "parallel"


def test_each_number_of_threads_has_its_row() -> None:
    """Four threads on two cores: twice as fast; one is parallel to nothing."""
    four = Wall(0.2, 0.1, 0.4, 0.4)
    side = Side(
        1,
        ALONE,
        {1: ALONE, 2: PARALLEL, 4: four},
        contention=ContentionRound([1.0], [1.0], 1.0),
    )
    work = PlainWork(sum, size=7)
    found = MeasuredSubject(work, rounds=[side] * 4).summarize()
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
    subject = MeasuredSubject(PlainWork(sum, size=7))
    subject.rounds, subject.held_rounds = [side] * 3, [twin] * 3
    found = subject.summarize()
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
    [(1.0, 1, 1), (1.25e-4, 80, 2), (1e-7, 100_000, 1000), (0.0, 10**7, 1000)],
)
def test_calls_fill_a_window(call_s: float, n_calls: int, n_batch: int) -> None:
    """One at least; of a batch that is prepared there are no more than a thousand."""
    assert count_calls(call_s, 0.01) == n_calls
    assert count_batch(call_s) == n_batch
