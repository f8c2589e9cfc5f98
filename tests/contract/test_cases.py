"""All clauses: the cases and the property tests that the harness runs, too."""

import functools

import pytest

from backends import Backend
from compare.double_list.cases import CASES
from compare.double_list.observe import check_case
from compare.double_list.properties import LONG_PROPERTIES, PROPERTIES


@pytest.mark.parametrize("name", CASES)
def test_case(backend: Backend, name: str) -> None:
    """Each case ends as it does with the reference."""
    assert check_case(backend.double_list, name, CASES[name]) is None


def find_name(check: object) -> str:
    """Return the name of a property test, with what it is bound to."""
    if isinstance(check, functools.partial):
        return f"{check.func.__name__}-{check.args}-{check.keywords}"
    return getattr(check, "__name__", "")


@pytest.mark.parametrize("check", [*PROPERTIES, *LONG_PROPERTIES], ids=find_name)
def test_property(backend: Backend, check) -> None:
    """Each property test finds nothing."""
    assert check(backend.double_list) is None
