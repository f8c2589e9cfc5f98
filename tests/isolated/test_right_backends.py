"""The harness accuses no right backend, whatever that is made of."""

import pytest

from compare import run_all
from compare.scenarios import DEFAULT_SCENARIOS
from tests.right_backends import RIGHT_BACKENDS, released

pytestmark = pytest.mark.skipif(released is None, reason="cython is not built")


def make_cases(*scenarios: str):
    """Return each right backend, with scenarios that it is to go through."""
    return [
        pytest.param(name, scenarios or accusing, id=name)
        for name, accusing in RIGHT_BACKENDS.items()
    ]


@pytest.mark.parametrize(("name", "scenarios"), make_cases())
def test_a_right_backend_is_not_accused_where_it_could_be(name, scenarios):
    check_status(name, scenarios, quick=True)


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "scenarios"), make_cases(*DEFAULT_SCENARIOS))
def test_a_right_backend_is_ok_in_all_scenarios(name, scenarios):
    check_status(name, scenarios, quick=False)


def check_status(name, scenarios, *, quick):
    """Compare the backend, and look at its row."""
    target = f"tests.right_backends:{name}"
    report = run_all([target], scenarios=scenarios, quick=quick, timeout_s=120.0)
    assert (report[target].status, report[target].reason) == ("ok", "")
