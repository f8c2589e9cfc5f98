"""Threads of an implementation: what proves that calls release the GIL, or hold it."""

import functools
from dataclasses import replace

import pytest

from backends import Backend
from backends.reference import double_list
from compare.double_list.contract import adopt
from compare.model import Parallel
from compare.scenarios import Options, parallel
from compare.scenarios.parallel import bound_speedup, describe
from compare.work import ImplementationWork
from gilscope.environment import is_gil_enabled
from gilscope.measurement import ParallelRow
from gilscope.stats import Figure
from gilscope.timing.calls import Wall
from gilscope.timing.rounds import MeasuredSubject, Rounds, Side, Windows

ALONE = Wall(0.1, 0.1, 0.1, 0.1)
APART, MET = Wall(0.2, 0.2, 0.2, 0.2), Wall(0.1, 0.1, 0.2, 0.2, has_met=True)


class FixedRounds(Rounds):
    """Times threads, and finds the same each time."""

    wall = APART

    def time_threads(self, *_: object, **__: object) -> Wall:
        """Return it."""
        return self.wall


@pytest.mark.skipif(not is_gil_enabled(), reason="there is no GIL to hold")
@pytest.mark.parametrize(
    ("declared", "walls", "held", "later", "n_contradictions"),
    [
        (True, [MET, MET], APART, APART, 0),
        (True, [MET, APART], APART, APART, 0),
        (False, [APART, APART], APART, APART, 0),
        (None, [MET, APART], APART, APART, 0),
        (None, [APART, APART], None, APART, 0),
        # Once is enough for a proof.
        (False, [MET, APART], APART, APART, 1),
        (True, [MET, MET], MET, APART, 1),
        # Not once, nor when it is looked at longer.
        (True, [APART, APART], APART, APART, 1),
        (True, [APART, APART], APART, MET, 0),
    ],
)
def test_who_lets_another_call_in_is_told_by_order(
    declared: bool | None,
    walls: list[Wall],
    held: Wall | None,
    later: Wall,
    n_contradictions: int,
) -> None:
    """Speed and overlap decide nothing: a release that gains nothing is one."""
    implementation = replace(adopt(Backend("x", double_list)), releases_gil=declared)
    subject = MeasuredSubject(ImplementationWork(implementation, 10, {"passes": 1}))
    subject.rounds = [Side(1, ALONE, {2: wall}) for wall in walls]
    subject.held_rounds = [] if held is None else [Side(1, ALONE, {2: held})]
    rounds = FixedRounds([subject], Windows(0.1))
    rounds.wall = later
    found = parallel.find_contradictions(implementation, rounds, subject)
    assert len([*found]) == n_contradictions


def test_a_backend_is_measured(backend: Backend) -> None:
    """With its twin and as many processes; nothing is held against it."""
    found = parallel.run(adopt(backend), Options(quick=True, threads=(1, 2)))
    assert isinstance(found, Parallel)
    assert found.failures == found.contradictions == ()
    assert [row.threads for row in found.rows] == [1, 2]
    assert found.pair.process_speedup is not None
    assert found.held is not None
    if is_gil_enabled() and not backend.releases_gil:
        assert found.held_fraction == 1.0
    if is_gil_enabled():
        assert found.held.concurrency in ("serialized", "unclear")


def test_an_answer_that_is_wrong_in_threads_is_a_failure() -> None:
    """Whatever the call answers alone."""

    @functools.wraps(double_list)
    def double_wrongly(values, result, index, **options):
        double_list(values, result, index, **options)
        result[index][-1] += options.get("passes", 1) > 1

    backend = Backend("wrong", double_wrongly, releases_gil=False)
    found = parallel.run(replace(adopt(backend), target=""), Options(quick=True))
    assert isinstance(found, Parallel)
    assert found.failures[0].startswith("answer.result[0][999]: expected ")
    assert found.warnings[0].startswith("no processes to compare with: ")


def make_row(value: float) -> ParallelRow:
    """Return two threads that are as fast as that."""
    figure = Figure(value, value, value)
    return ParallelRow(2, 0.1, figure, figure, "parallel", value, of_processes=figure)


@pytest.mark.skipif(not is_gil_enabled(), reason="there is no GIL to hold")
def test_what_was_found_in_words() -> None:
    """Threads, threads by processes, the twin, and what bounds them."""
    pair = replace(make_row(2.0), amdahl=1.96)
    held = replace(make_row(1.0), concurrency="serialized")
    found = Parallel(0.1, (pair,), held, 0.02, (0.1, 0.1), 10, 7, 4)
    assert len(describe(found)) == 4
    assert describe(found)[-1] == (
        "the GIL is held for 2.0% of a call, which allows a speed-up of 1.96 at most"
    )
    bare = replace(found, held=None, held_fraction=None)
    assert len(describe(bare)) == 2
    unclear = replace(bare, rows=(replace(pair, concurrency="unclear"),))
    assert len(describe(unclear)) == 3


def test_the_bound_of_amdahl() -> None:
    """A tenth held bounds any number of threads by ten."""
    assert bound_speedup(0.1, 10**9) == pytest.approx(10.0)
    assert bound_speedup(0.0, 8) == 8.0
    assert bound_speedup(None, 8) is None
