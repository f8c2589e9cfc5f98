"""A conformance suite for pytest: a class to subclass, and each case is a test.

    class TestBlur(compare.ContractTests):
        contract = Blur()
        implementations = {"c": "blur_c:blur", "python": blur_python}

Tests know cases and sizes by name, so that pytest-xdist can share them out.
"""

from collections.abc import Mapping
from typing import Any

from compare.contract import (
    Contract,
    Implementation,
    find_contract_target,
    load_implementation,
)
from compare.plan import plan_implementations
from compare.scenarios.correctness import (
    SEEDS,
    check_given_case,
    check_in_threads,
    check_mutation,
    check_size,
)
from compare.work import ImplementationWork

N_CALLS = 20


class ContractTests:
    """One test for each case, size and implementation; a subclass names these.

    Attributes:
        contract: what the implementations have to do.
        implementations: by name, as for run_all(); None = those that are installed.
    """

    contract: Contract
    implementations: Mapping[str, Any] | None = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Give each test the names that it takes."""
        jobs = plan_implementations(self.contract, self.implementations)
        for argument, values in (
            ("implementation", [job.name for job in jobs]),
            ("case", [*self.contract.cases]),
            ("size", [*self.contract.sizes]),
            ("seed", [*SEEDS]),
        ):
            if argument in metafunc.fixturenames:
                metafunc.parametrize(argument, values)

    def load(self, name: str) -> Implementation:
        """Return an implementation; the first one is the reference if there is none."""
        jobs = plan_implementations(self.contract, self.implementations)
        (job,) = [job for job in jobs if job.name == name]
        if job.reason:
            raise ImportError(job.reason)
        target = find_contract_target(self.contract)
        return load_implementation(target, name, job.target, jobs[0].target)

    def test_case(self, implementation: str, case: str) -> None:
        """A special case is answered as by the reference."""
        given = self.contract.cases[case]
        expect_none(check_given_case(self.load(implementation), case, given))

    def test_size(self, implementation: str, size: int, seed: int) -> None:
        """Arguments of every size are answered as by the reference."""
        expect_none(check_size(self.load(implementation), size, seed))

    def test_threads(self, implementation: str, size: int) -> None:
        """Threads that interrupt each other all the time get their own answers."""
        expect_none(check_in_threads(self.load(implementation), size, N_CALLS))

    def test_mutation(self, implementation: str, size: int) -> None:
        """The process lives on while another thread changes the arguments."""
        reason = "the contract lets nobody change arguments"
        skip_unless(self.contract.can_mutate(), reason)
        expect_none(check_mutation(self.load(implementation), size, N_CALLS))

    def test_gil(self, implementation: str, gil: Any) -> None:
        """What is declared about the GIL is so, for the largest size."""
        found = self.load(implementation)
        is_told = found.releases_gil is not None and bool(self.contract.sizes)
        skip_unless(is_told, "it declares nothing, or the contract has no sizes")
        (call,) = ImplementationWork(found, max(self.contract.sizes)).make_calls(1)
        check = gil.assert_releases if found.releases_gil else gil.assert_holds
        check(call)


def skip_unless(is_told: bool, reason: str) -> None:  # noqa: FBT001 - what is asked.
    """Skip the test where there is nothing to test."""
    import pytest  # noqa: PLC0415 - the suite is imported without it, too.

    if not is_told:
        pytest.skip(reason)


def expect_none(fault: str | None) -> None:
    """Fail with what is wrong, if anything is."""
    assert fault is None, fault
