"""A contract: arguments, equality and cases; what it lacks is not applicable."""

import math
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from compare.contract import (
    Contract,
    ContractError,
    Implementation,
    find_contract_target,
    find_target,
    have_same_value,
    load_contract,
    load_implementation,
)
from compare.model import Correctness
from compare.plan import make_plan
from compare.scenarios import SCENARIOS, NotApplicable, Options, load_scenario
from compare.work import (
    KEPT_CALLS_MAX,
    ImplementationWork,
    count_kept_calls,
    find_answer_fault,
    select_sizes,
)
from tests import contracts

QUICK = Options(quick=True)


@dataclass
class Pair:
    """An answer of two parts."""

    first: Any
    second: Any


class Other(Contract):
    """A contract with something wrong in it, set by the tests."""

    name = "other"
    sizes = (3,)
    reference = len

    def make_arguments(self, size: int, seed: int) -> tuple[Any, ...]:
        """Return a list."""
        return ([seed] * size,)


@pytest.mark.parametrize(
    ("expected", "answer", "is_equal"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        (math.nan, math.nan, True),
        (0.5, 0.25, False),
        ([1, 2], [1, 2], True),
        ([1, 2], [1, True], False),
        ([1, 2], (1, 2), False),
        ([1, 2], [1], False),
        ([1.0, [2]], [1.0, [2]], True),
        ([1.0, [2]], [1.0, [3]], False),
        ([math.nan], [math.nan], True),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": [1]}, {"a": [1.0]}, False),
        ({"a": 1}, {"b": 1}, False),
        (b"a", bytearray(b"a"), False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (np.array([1, 2]), np.array([1, 3]), False),
        (np.array([1, 2]), np.array([1.0, 2.0]), False),
        (np.array([1, 2]), np.array([[1, 2]]), False),
        (np.array([math.nan]), np.array([math.nan]), True),
        (np.float32("nan"), np.float32("nan"), True),
        (Decimal("nan"), Decimal("nan"), True),
        (complex(0, math.nan), complex(0, math.nan), True),
        (Pair(math.nan, np.arange(2)), Pair(math.nan, np.arange(2)), True),
        (Pair(1, [2]), Pair(1, [2.0]), False),
        (range(3), range(3), True),
        (len, len, True),
    ],
)
def test_equal_is_of_the_same_types(expected: Any, answer: Any, is_equal: bool) -> None:
    """Throughout; arrays by their own library."""
    assert have_same_value(expected, answer) is is_equal


@pytest.mark.parametrize(
    ("expected", "answer", "fault"),
    [
        ([1, 2], [1, 2], ""),
        ([1, 2], [1], "answer: expected 2 items, got 1"),
        ([1, [2]], [1, [3]], "answer[1][0]: expected 2, got 3"),
        ({"a": (1,)}, {"a": (1.0,)}, "answer.a[0]: expected int, got float"),
        ("x", None, "answer: expected str, got NoneType"),
    ],
)
def test_the_first_difference_is_named(expected: Any, answer: Any, fault: str) -> None:
    """By where it lies."""
    assert find_answer_fault(expected, answer) == fault


def run(function: Any, contract: Contract = contracts.SQUARES) -> Correctness:
    """Put a function through correctness."""
    implementation = Implementation("x", function, contract)
    found = load_scenario("correctness").run(implementation, QUICK)
    assert isinstance(found, Correctness)
    return found


def test_a_right_implementation_passes() -> None:
    """Two cases; two sizes with two seeds, in threads, and beside changes."""
    assert run(contracts.sum_squares) == Correctness(2 + 2 * 4, 0)


@pytest.mark.parametrize(
    ("function", "n_failed", "words"),
    [
        (contracts.forget_first, 5, "size 10, seed 0: answer: expected 285, got 285"),
        (contracts.answer_float, 7, "no values: answer: expected int, got float"),
        (contracts.raise_late, 1, "a text: expected TypeError, got ValueError"),
        (contracts.share_a_buffer, 1, "threads: answer: expected"),
    ],
)
def test_a_wrong_implementation_is_found(
    function: Any, n_failed: int, words: str
) -> None:
    """By a sentence that says where, what was expected and what came."""
    found = run(function)
    assert found.failed >= n_failed - ("285" in words)
    if "285" not in words:
        assert any(words in failure for failure in found.failures), found.failures


def test_without_a_reference_the_answers_alone_stand_for_it() -> None:
    """What is right alone has to be right in threads."""
    assert run(contracts.sha256, contracts.Digest()).failures == ()


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (contracts.Random(), "expected make_arguments(10, 0) to return equal arg"),
        (contracts.Empty(), "contract Empty: expected sizes or cases, got none"),
    ],
)
def test_a_contract_that_cannot_be_used_is_one_line(
    contract: Contract, words: str
) -> None:
    """The contract's fault, not the implementation's."""
    with pytest.raises(ContractError) as caught:
        run(contracts.sum_squares, contract)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_size_that_takes_too_long_is_left_out() -> None:
    """By how long the one before it took; it is not tried."""
    implementation = Implementation("x", contracts.sum_squares, contracts.Long())
    times, (warning,) = select_sizes(implementation)
    assert [*times] == [10]
    assert warning.startswith("sizes 1000000000 are left out: a call of size ")


@pytest.mark.parametrize("scenario", [n for n in SCENARIOS if n != "correctness"])
def test_without_sizes_a_scenario_is_not_applicable(scenario: str) -> None:
    """Or without sleeps and trace; never wrong."""
    implementation = Implementation("x", contracts.sum_squares, contracts.Unsized())
    with pytest.raises(NotApplicable, match="the contract has no s"):
        load_scenario(scenario).run(implementation, QUICK)


def test_a_call_has_arguments_of_its_own() -> None:
    """Neighbours have other seeds, and each answer is checked against its own."""
    work = ImplementationWork(
        Implementation("x", contracts.sum_squares, contracts.SQUARES), 10
    )
    first, second = work.make_calls(2)
    assert first.args != second.args  # type: ignore[attr-defined]
    answers = [first(), second()]
    assert work.find_fault([first, second], answers) == ""
    assert work.find_fault([first, second], answers[::-1]).startswith("answer: exp")


@pytest.mark.parametrize(
    ("value", "target"),
    [
        (contracts.sum_squares, "tests.contracts:sum_squares"),
        (contracts.SQUARES, "tests.contracts:SQUARES"),
        (contracts.Squares.make_arguments, "tests.contracts:Squares.make_arguments"),
        (contracts.declares_release.__class__, "compare.contract:Implementation"),
        (lambda: None, ""),
    ],
)
def test_what_another_process_finds_has_a_path(value: Any, target: str) -> None:
    """A module and what is in it; "" for what is in none."""
    assert find_target(value) == target


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("sizes", 10, "sizes: expected a tuple of ints, got 10"),
        ("sizes", ("10",), "sizes: expected a tuple of ints, got ('10',)"),
        ("cases", [([],)], "cases: expected cases by their names, got [([],)]"),
        ("reference", 3, "reference: expected a function, got 3"),
        (
            "make_arguments",
            Contract.make_arguments,
            ": expected make_arguments() for its sizes",
        ),
    ],
)
def test_a_contract_with_a_part_of_another_kind_is_refused(
    monkeypatch: pytest.MonkeyPatch, part: str, value: Any, words: str
) -> None:
    """Before anything is run, in one line."""
    monkeypatch.setattr(Other, part, value)
    with pytest.raises(ContractError) as caught:
        make_plan({"len": len}, contract=Other)  # type: ignore[arg-type]
    assert str(caught.value).endswith(words)
    assert str(caught.value).startswith("contract other")


@pytest.mark.parametrize("contract", [5, len, object()])
def test_what_is_no_contract_is_refused(contract: Any) -> None:
    """In one line."""
    with pytest.raises(ContractError, match="expected a compare"):
        make_plan({"len": len}, contract=contract)


def fail(*_: object) -> Any:
    """Raise."""
    message = "of its own"
    raise KeyError(message)


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("make_arguments", fail, ") raised KeyError: 'of its own'"),
        ("make_arguments", lambda *_: [1], "return a tuple, got list"),
        ("reference", staticmethod(fail), "size 3, seed 0 raised KeyError"),
        ("is_equal", fail, "is_equal() raised KeyError: 'of its own'"),
        ("call_max_s", 0.0, "sizes 3 are left out: a call of size 3 takes about"),
    ],
)
def test_what_a_contract_does_wrong_is_no_fault_of_an_implementation(
    monkeypatch: pytest.MonkeyPatch, part: str, value: Any, words: str
) -> None:
    """Of right implementations none is ever wrong."""
    monkeypatch.setattr(Other, part, value)
    with pytest.raises(ContractError) as caught:
        run(len, Other())
    assert words in str(caught.value)
    assert str(caught.value).startswith("contract other: ")


def test_answers_of_another_type_are_wrong_where_equality_does_not_know_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may well expect numbers."""
    monkeypatch.setattr(Other, "is_equal", lambda _, a, b: abs(a - b) < 1)
    assert "expected int, got NoneType" in run(lambda _: None, Other()).failures[0]


def test_answers_that_are_equal_to_nothing_cannot_be_compared() -> None:
    """Another generator is another answer, whatever it yields."""
    with pytest.raises(ContractError, match="answers of type generator"):
        have_same_value((x for x in ()), (x for x in ()))


def test_no_more_calls_are_kept_than_are_made_in_a_few_times_their_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An implementation that returns at once need not fill the memory."""

    def make_arguments(_: object, size: int, seed: int) -> tuple[Any, ...]:
        time.sleep(0.01)
        return ([seed] * size,)

    work = ImplementationWork(Implementation("x", len, Other()), 3)
    assert count_kept_calls(work, 1e-9, 0.02) == KEPT_CALLS_MAX
    monkeypatch.setattr(Other, "make_arguments", make_arguments)
    assert 1 <= count_kept_calls(work, 1e-9, 0.02) <= 8
    assert count_kept_calls(work, 0.02, 0.02) == 1


@pytest.mark.parametrize(("limit", "n_calls"), [(None, 20), (64 << 20, 4), (1, 1)])
def test_arguments_that_are_kept_leave_the_memory_to_the_implementation(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, n_calls: int
) -> None:
    """A right one failed by the arguments that were kept beside it."""
    contract = Other()
    monkeypatch.setattr(contract, "memory_max_bytes", limit, raising=False)
    monkeypatch.setattr(contract, "make_arguments", lambda *_: (bytes(1_000_000),))
    work = ImplementationWork(Implementation("x", len, contract), 3)
    assert count_kept_calls(work, 0.01, 0.2) == n_calls


def test_a_contract_is_found_by_its_object_or_its_class() -> None:
    """One made in passing is made again from its class."""
    assert find_contract_target(contracts.SQUARES) == "tests.contracts:SQUARES"
    assert find_contract_target(contracts.Digest()) == "tests.contracts:Digest"
    assert isinstance(load_contract("tests.contracts:Digest"), contracts.Digest)
    assert load_contract("").find_name() == "double_list"

    class Local(Contract):
        """Nobody else finds it."""

    changed = contracts.Digest()
    changed.sizes = (5,)
    for contract in (Local(), changed):
        with pytest.raises(ContractError, match="at the top of a module"):
            find_contract_target(contract)
    Local.__module__ = "__main__"
    with pytest.raises(ContractError, match="imported, got one of the script"):
        find_contract_target(Local())


@pytest.mark.parametrize(
    ("contract", "target", "words"),
    [
        ("tests.contracts:SQUARES", "tests.contracts:missing", "AttributeError"),
        ("tests.contracts:SQUARES", "no_such_module:f", "ModuleNotFoundError"),
        ("tests.contracts:SQUARES", "f", "expected module:attribute, got 'f'"),
        ("./own.py:SQUARES", "f:g", "expected module:attribute, got './own.py:SQ"),
        ("tests.contracts:SQUARES", "tests.contracts:_shared", "expected a callable"),
        ("tests.contracts:sum_squares", "x:y", "expected a compare.Contract"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(
    contract: str, target: str, words: str
) -> None:
    """It names what was looked for."""
    with pytest.raises(ContractError) as caught:
        load_implementation(contract, "x", target)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_implementations_are_named_functions_targets_or_objects() -> None:
    """A mapping, with what an object declares; what cannot be found says so."""
    plan = make_plan(
        {
            "own": contracts.sum_squares,
            "other": "tests.contracts:forget_first",
            "declared": contracts.declares_release,
            "lost": lambda values: values,
        },
        contract=contracts.SQUARES,
    )
    own, other, declared, lost = plan.jobs
    assert {job.contract for job in plan.jobs} == {"tests.contracts:SQUARES"}
    assert (own.name, own.target) == ("own", "tests.contracts:sum_squares")
    assert other.target == "tests.contracts:forget_first"
    assert declared.target == "tests.contracts:declares_release"
    assert (own.releases_gil, declared.releases_gil) == (None, True)
    assert lost.reason.endswith("at the top of a module that can be imported")
    assert own.options.partners[1] == ("other", other.target)
    script = Implementation("s", type("f", (), {"__module__": "__main__"}))
    (job,) = make_plan({"s": script}, contract=contracts.SQUARES).jobs
    assert job.reason.endswith("imported, got one of the script that is run")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "expected at least one implementation, got none"),
        (None, "expected at least one implementation, got none"),
        ("nobody", "unknown implementation 'nobody': expected one of module:attr"),
        (5, "run_all() backends: expected functions by their names, got int"),
        ({1: len}, "run_all() backends: expected names, got 1"),
    ],
)
def test_nothing_to_compare_is_an_error(wanted: Any, words: str) -> None:
    """Before anything is run."""
    with pytest.raises(ContractError) as caught:
        make_plan(wanted, contract="tests.contracts:SQUARES")
    assert words in str(caught.value)
