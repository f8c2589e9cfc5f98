"""The figures of two threads, from fixed rounds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from compare.measure.speedup import (
    Measured,
    Round,
    bound_speedup,
    decide,
    summarize_rounds,
)
from compare.measure.work import Wall
from compare.model import Parallel
from gilscope.stats import Figure

# Two calls of 0.1 s: parallel in 0.1 s, serialized in 0.2 s.
PARALLEL = Wall(0.1, 0.1, 0.2, 0.1)
SERIALIZED = Wall(0.2, 0.2, 0.2, 0.1)
RELEASED = Round(
    call_s=0.1,
    call_cpu_s=0.1,
    call_own_cpu_s=0.1,
    held=SERIALIZED,
    held_shares=(0.01, 0.03),
    threads={2: PARALLEL},
    processes={2: PARALLEL},
)


def exactly(value: float) -> Figure:
    """Return a figure that is the same in every round."""
    return Figure(value, value, value)


def summarize(rounds: Sequence[Round], **changes: object) -> Parallel:
    """Return the result of these rounds of a backend that declares the release."""
    measured = Measured(passes=7, releases_gil=True, has_gil=True, rounds=[*rounds])
    return summarize_rounds(replace(measured, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("releases_gil", "threads", "held", "words"),
    [
        (True, [PARALLEL] * 4, SERIALIZED, ""),
        (False, [SERIALIZED] * 4, SERIALIZED, ""),
        (True, [SERIALIZED] * 4, SERIALIZED, "but two calls are serialized"),
        (True, [*[SERIALIZED] * 3, PARALLEL], SERIALIZED, ""),
        (False, [PARALLEL] * 4, SERIALIZED, "but two calls run in parallel"),
        (False, [*[PARALLEL] * 3, SERIALIZED], SERIALIZED, ""),
        (True, [PARALLEL] * 4, PARALLEL, "parallel with release_gil=False"),
    ],
)
def test_calls_against_the_declaration_are_a_contradiction(
    releases_gil: bool, threads: list[Wall], held: Wall, words: str
) -> None:
    """All rounds have to agree on it, and waiting for a core has to be known."""
    rounds = [replace(RELEASED, threads={2: wall}, held=held) for wall in threads]
    found = summarize(rounds, releases_gil=releases_gil, tells_waits=True)
    assert len(found.contradictions) == bool(words)
    assert all(text.endswith(words) for text in found.contradictions)
    for unknown in ({"tells_waits": False}, {"has_gil": False, "tells_waits": True}):
        found = summarize(rounds, releases_gil=releases_gil, **unknown)
        assert found.contradictions == ()


def test_threads_as_fast_as_processes() -> None:
    """Twice as fast as one after the other, and the held twin is not."""
    found = summarize([RELEASED] * 4)
    pair, held = found.pair, found.held
    assert (found.alone_s, pair.wall_s, pair.speedup) == (0.1, 0.1, exactly(2.0))
    assert (pair.process_speedup, pair.of_processes) == (exactly(2.0), exactly(1.0))
    assert (held.speedup, held.concurrency) == (exactly(1.0), "serialized")
    assert (pair.overlap, pair.effective_cores) == (exactly(2.0), 2.0)
    assert pair.concurrency == "parallel"
    assert found.held_fraction == pytest.approx(0.02)
    assert pair.amdahl == pytest.approx(1 / (0.02 + 0.98 / 2))
    assert (found.passes, found.n_rounds) == (7, 4)
    assert found.findings == (
        (
            "2 threads: 2.00 times as fast as one call after the other "
            "(range 2.00 to 2.00)"
        ),
        "2 threads: no difference seen from 2 processes (1.00, range 1.00 to 1.00)",
        (
            "2 threads with release_gil=False: no difference seen from one call after "
            "the other (1.00, range 1.00 to 1.00)"
        ),
        "the GIL is held for 2.0% of a call, which allows a speed-up of 1.96 at most",
    )
    assert found.warnings == found.failures == ()


def test_a_loaded_machine_does_not_turn_the_answer() -> None:
    """Both wait for cores: no speed-up on the clock, and still they ran in parallel."""
    waiting = Wall(0.4, 0.11, 0.2, 0.1)
    loaded = replace(
        RELEASED,
        call_s=0.2,
        threads={2: waiting},
        processes={2: replace(waiting, seconds=0.5)},
        held=Wall(0.9, 0.8, 0.2, 0.1),
    )
    found = summarize([loaded] * 4)
    assert found.pair.speedup == exactly(1.0)
    assert found.pair.effective_cores == pytest.approx(0.5)
    assert found.pair.concurrency == "parallel"
    assert found.held.concurrency == "serialized"
    assert found.pair.of_processes == exactly(1.0)
    assert found.warnings == (
        "2 processes are 0.80 times as fast as one: no second core was free",
    )


def test_both_start_orders_are_told_apart() -> None:
    """Every other round began with the other thread."""
    slow = replace(RELEASED, threads={2: Wall(0.3, 0.3, 0.2, 0.1)})
    found = summarize([RELEASED, slow] * 2)
    assert found.order_s == (0.1, 0.3)
    speedup = found.pair.speedup
    assert (speedup.low, speedup.high) == pytest.approx((2 / 3, 2.0))
    assert found.warnings[0].startswith("speedup varies from round to round")
    assert (found.pair.concurrency, found.findings[-2]) == (
        "unclear",
        "the rounds do not agree on whether the calls ran in parallel",
    )


def test_each_number_of_threads_has_its_row() -> None:
    """Four threads on two cores: twice as fast, bounded by four."""
    four = Wall(0.2, 0.1, 0.4, 0.1)
    rounds = [
        replace(
            RELEASED,
            threads={1: Wall(0.1, 0.1, 0.1, 0.1), 2: PARALLEL, 4: four},
            processes={1: Wall(0.1, 0.1, 0.1, 0.1), 2: PARALLEL, 4: four},
        )
    ] * 4
    found = summarize(rounds)
    assert [row.threads for row in found.rows] == [1, 2, 4]
    assert [row.speedup.value for row in found.rows] == pytest.approx([1.0, 2.0, 2.0])
    assert [row.overlap.value for row in found.rows] == pytest.approx([1.0, 2.0, 4.0])
    assert [row.concurrency for row in found.rows] == ["parallel"] * 3
    assert found.rows[2].amdahl == pytest.approx(1 / (0.02 + 0.98 / 4))
    assert found.pair is found.rows[1]


def test_without_processes_nothing_is_made_up() -> None:
    """What could not be measured is None, and the reason is a warning."""
    lonely = replace(RELEASED, processes={})
    found = summarize([lonely] * 4, warnings=("no processes",))
    assert found.pair.process_speedup is found.pair.of_processes is None
    assert not any("processes:" in finding for finding in found.findings)
    assert found.warnings == ("no processes",)


@pytest.mark.parametrize(
    ("changes", "shares", "held_fraction", "amdahl"),
    [
        ({}, (0.5, 0.5), 0.5, 4 / 3),
        ({}, (), None, None),
        # It keeps the GIL for the whole call, whatever its trace says.
        ({"releases_gil": False}, (0.5,), 1.0, 1.0),
        ({"has_gil": False}, (0.5,), 0.0, 2.0),
        ({"has_gil": False, "releases_gil": False}, (0.5,), 0.0, 2.0),
    ],
)
def test_the_held_fraction_bounds_the_speedup(
    changes: dict[str, object],
    shares: tuple[float, ...],
    held_fraction: float | None,
    amdahl: float | None,
) -> None:
    """Amdahl's law, where there is a GIL and the trace tells how long it is held."""
    found = summarize([replace(RELEASED, held_shares=shares)] * 4, **changes)
    assert found.held_fraction == held_fraction
    assert found.pair.amdahl == pytest.approx(amdahl)
    if changes.get("has_gil") is False:
        assert found.findings[-1] == "there is no GIL here that a call could hold"


def test_the_bound_of_amdahl() -> None:
    """A tenth held bounds any number of threads by ten."""
    assert bound_speedup(0.1, 10**9) == pytest.approx(10.0)
    assert bound_speedup(0.0, 8) == 8.0
    assert bound_speedup(None, 8) is None


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
    overlaps: tuple[float, ...], concurrency: str
) -> None:
    """Serialized calls cannot overlap by more than one."""
    assert decide(overlaps) == concurrency


@pytest.mark.parametrize(
    ("wall", "found_s"),
    [
        # Both skip some, one skips most.
        (Wall(0.03, 0.03, 0.08, 0.04), "0.040000"),
        (Wall(0.1, 0.1, 0.125, 0.025), "0.025000"),
    ],
)
def test_work_that_is_skipped_beside_others_is_a_failure(
    wall: Wall, found_s: str
) -> None:
    """Calls that take much less CPU time than alone were not made in full."""
    skipped = replace(RELEASED, threads={2: wall}, held=wall)
    found = summarize([skipped] * 4, failures=("before",))
    words = "double_list() passes: expected a call {} to take about 0.100000 s of CPU "
    words += f"time as well, got {found_s} s"
    assert found.failures == (
        "before",
        words.format("beside another one"),
        words.format("with release_gil=False"),
    )


def test_a_call_whose_helpers_compute_is_judged_by_the_process() -> None:
    """What its own threads took says nothing of them."""
    pooled = Wall(0.1, 0.1, 0.2, 0.0)
    round_ = replace(RELEASED, call_own_cpu_s=0.01, threads={2: pooled}, held=pooled)
    assert summarize([round_] * 4).failures == ()
    idle = replace(round_, threads={2: replace(pooled, cpu_s=0.05)})
    (failure,) = summarize([idle] * 4).failures
    assert failure.endswith("got 0.025000 s")
