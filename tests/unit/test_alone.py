"""What times, judges or watches runs alone under `pytest -n 2`, and all else does not.

Beside another test it would need more cores than the two that are asked for.
"""

import ast
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = Path(__file__).parents[1]
# What times, judges or watches in the process of the test itself.
INSTRUMENTS = {
    "Auditor",
    "BusyThread",
    "Processes",
    "Witness",
    "check",
    "check_both",
    "check_statement",
    "measure",
    "measure_statement",
    "run_in_order",
    "watch",
}


def read_called(function: ast.FunctionDef) -> set[str]:
    """Return the names that are called in a function and are not its arguments."""
    calls = (one.func for one in ast.walk(function) if isinstance(one, ast.Call))
    names = {getattr(func, "id", getattr(func, "attr", "")) for func in calls}
    return names - {one.arg for one in function.args.args}


def is_marked(nodes: list[ast.AST]) -> bool:
    """Return whether the mark stands in one of these."""
    return any("mark.alone" in ast.unparse(node) for node in nodes)


def find_unmarked(source: str) -> list[str]:
    """Return the tests of a module that use an instrument and are not marked."""
    tree = ast.parse(source)
    if is_marked([one for one in tree.body if isinstance(one, ast.Assign)]):
        return []
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    uses = {name: read_called(one) for name, one in functions.items()}
    for _ in functions:
        for called in uses.values():
            called.update(*(uses.get(name, ()) for name in [*called]))
    return [
        name
        for name, one in functions.items()
        if name.startswith("test_") and uses[name] & INSTRUMENTS
        if not is_marked(one.decorator_list)
    ]


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: path.name
)
def test_what_uses_an_instrument_is_marked(path):
    assert find_unmarked(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("mark", "found"), [("", ["test_it"]), ("@pytest.mark.alone\n", [])]
)
def test_an_instrument_in_a_helper_is_noticed(mark, found):
    source = f"def run():\n    gilscope.check(len)\n\n{mark}def test_it():\n    run()\n"
    assert find_unmarked(source) == found


CONFTEST = """
from tests.conftest import pytest_collection_modifyitems, pytest_runtestloop

def pytest_configure(config):
    config.addinivalue_line("markers", "alone: after the others")
"""
SPLIT = """
import os, pytest

@pytest.mark.parametrize("n", range(4))
def test_beside(n):
    assert "PYTEST_XDIST_WORKER" in os.environ

@pytest.mark.alone
@pytest.mark.parametrize("n", range(3))
def test_alone(n):
    assert n and "PYTEST_XDIST_WORKER" not in os.environ
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
"""


@pytest.mark.usefixtures("only_our_plugin")
def test_one_run_has_both_and_fails_where_one_fails(pytester, monkeypatch):
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parent))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SPLIT)
    done = pytester.runpytest_subprocess("-p", "xdist.plugin", "-n", "2")
    done.assert_outcomes(passed=6, failed=1)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
