"""The contract's cases and laws catch every kind of wrong answer, and no right one."""

from importlib import import_module

import pytest

from backends import Backend
from compare import outcome
from compare.cases import CASES
from compare.laws import LAWS
from compare.results import Correctness
from compare.scenarios import Options, correctness

# The settings of the process are looked at after all others.
N_CHECKS = len(CASES) + len(LAWS) + 1


def run(name: str) -> Correctness:
    """Put a wrong backend through the scenario, in this process."""
    backend = import_module(f"tests.liars.{name}").backend
    return correctness.run(backend, Options(quick=True))


@pytest.mark.timeout(60)
def test_every_backend_passes(backend: Backend) -> None:
    """A backend that keeps the contract passes all cases and all laws."""
    found = correctness.run(backend, Options(quick=True))
    assert found.failures == ()
    assert found.failed == 0
    assert found.passed == N_CHECKS


@pytest.mark.parametrize(
    ("liar", "n_failures", "words"),
    [
        ("writes_elsewhere", 20, "1.1 three integers: result: expected ['first', "),
        ("mutates_values", 20, "1.1 three integers: values: expected [1, 2, 3], got "),
        ("answers_bools", 2, "1.2 bools: result: expected ['first', [2, 0]], got "),
        ("ignores_index_sign", 1, "1.1 index -2: error: expected no error, got "),
        ("leaves_half", 2, "1.2 an item just over 64 bits: result: expected "),
        ("other_words", 2, "1.2 an item just over 64 bits: error: expected "),
        ("returns_answer", 20, "1.1 three integers: returned: expected None, got "),
        ("never_traces", 20, "trace: expected 1 before, one good entry after, got "),
        ("garbles_trace", 20, "got stamps not in the order of time: "),
        ("wrong_in_threads", 3, "1.7 2 threads, each with the same values: expected"),
        ("wrong_from_the_end", 3, "1.7 2 threads, each with the same values: expected"),
        ("wrong_when_long", 1, "1.1 20000 values: expected their doubles, got"),
        ("keeps_answers", 1, "1.3 a call: expected a new list in result alone"),
    ],
)
def test_a_wrong_backend_is_caught(liar: str, n_failures: int, words: str) -> None:
    """Each kind of wrong answer fails a case whose sentence says what was wrong."""
    found = run(liar)
    assert found.failed >= n_failures
    assert found.passed + found.failed == N_CHECKS
    assert [failure for failure in found.failures if words in failure]
    assert len(found.failures) <= correctness.N_FAILURES_KEPT


def test_a_backend_that_only_raises_has_no_result() -> None:
    """What a plain call raises comes through, for there is nothing to compare."""
    with pytest.raises(ValueError, match="out of cheese"):
        run("raises")


def test_the_difference_of_long_texts_is_shown() -> None:
    """Both texts begin shortly before the place where they differ."""
    right, wrong = ("-" * 1000 + end + "=" * 1000 for end in "AB")
    shown = outcome.describe_difference(right, wrong)
    assert "A=" in shown
    assert "B=" in shown
    assert len(shown) < 4 * outcome.TEXT_LENGTH


@pytest.mark.parametrize(
    ("stamps", "fault"),
    [
        ((1, 2, 3, 4, 5), None),
        ((1, 1, 1, 1, 1), None),
        ([1, 2, 3, 4, 5], "not a tuple of 5 ints"),
        ((1, 2, 3, 4), "not a tuple of 5 ints"),
        ((1, 2, 3, 4, 5.0), "not a tuple of 5 ints"),
        ((True, 2, 3, 4, 5), "not a tuple of 5 ints"),
        ((1, 3, 2, 4, 5), "not in the order of time"),
        ((-1, 2, 3, 4, 5), "not on the clock"),
        ((1, 2, 3, 4, 11), "not on the clock"),
    ],
)
def test_a_trace_is_five_stamps_of_the_callers_clock(
    stamps: object, fault: str | None
) -> None:
    """Clause 1.9: what is no such tuple, in order, inside the call, is refused."""
    found = outcome.find_trace_fault(stamps, 0, 10)
    assert (fault is None and found is None) or (fault and fault in str(found))


def test_a_short_sleep_is_noticed() -> None:
    """Clause 1.3: the stamps around a sleep show at least what was asked for."""
    options = {"trace": [(0, 1, 2, 3, 4)], "held_sleep": 0.5}
    text = outcome.describe_trace(options, 0, 10)
    assert text == "held_sleep of 0.000000 s instead of 0.5 s"


def test_a_result_in_itself_can_be_described() -> None:
    """A backend that stores result in result is described, not followed for ever."""
    loop: list[object] = [1]
    loop.append(loop)
    assert outcome.picture(loop) == "[1, [1, [1, a list]]]"
