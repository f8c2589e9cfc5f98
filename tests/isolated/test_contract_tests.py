"""A conformance suite of somebody's own, run by pytest as theirs is."""

import pytest

from tests.looks import look_until

pytest_plugins = ["pytester"]

SUITE = """
import compare
from tests import contracts

class TestSquares(compare.ContractTests):
    contract = contracts.SQUARES
    implementations = {
        "right": contracts.sum_squares,
        "wrong": contracts.answer_float,
        "lost": "no_such_module:function",
        "declares": contracts.declares_release,
    }

class TestDigest(compare.ContractTests):
    contract = contracts.Digest()
    implementations = {"first": contracts.sha256, "second": contracts.sha256_in_c}
"""


@pytest.mark.usefixtures("only_our_plugin")
@pytest.mark.parametrize(
    "options", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["alone", "xdist"]
)
def test_each_case_of_each_implementation_is_a_test(pytester, options) -> None:
    if options:
        pytest.importorskip("xdist")
    pytester.makepyfile(test_suite=SUITE)
    outcomes = look_until(
        # Where a busy machine lets nothing be told of the GIL, a test is skipped.
        lambda found: found["skipped"] == 4 + 6 + 2,
        lambda: pytester.runpytest_subprocess(*options, "-q").parseoutcomes(),
    )
    # Wrong: four sizes, two in threads and a case. Lost: all eleven. Declares: the GIL.
    assert outcomes["failed"] == 7 + 11 + 1
    # Nothing is declared, nobody may change bytes, and a hash has no case.
    assert outcomes["skipped"] == 4 + 6 + 2
    assert outcomes["passed"] == 10 + 3 + 10 + 2 * 9
