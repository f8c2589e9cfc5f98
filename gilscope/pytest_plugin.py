"""The pytest plugin: a fixture that asserts what a callable does to the GIL.

It comes with the distribution. Nothing of the harness is imported before the fixture
is used, so that other people's test runs start as quickly as without it.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gilscope.imports import ModuleImport
    from gilscope.model import Check

# How often a share that is too small is measured again, each time for longer.
N_RETRIES = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what becomes of a test whose callable could not be judged."""
    group = parser.getgroup("gilscope")
    group.addoption(
        "--gil-inconclusive",
        choices=("skip", "fail"),
        default="skip",
        help="what becomes of a test that could not be judged (default: %(default)s)",
    )
    group.addoption(
        "--gil-holds",
        metavar="T",
        help="list holds of the GIL that took so long, such as 20ms, by test and line",
    )
    group.addoption(
        "--gil-holds-fail",
        metavar="T",
        help="fail a test in which the GIL was held for longer, such as 100ms",
    )
    group.addoption(
        "--gil-audit",
        action="append",
        metavar="PACKAGE",
        help="judge the C calls into a package while the tests run; again for another "
        "one (CPython 3.12 and newer)",
    )
    group.addoption(
        "--gil-audit-json",
        metavar="FILE",
        help="write what the audit found, for `gilscope diff`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch or audit the tests if an option asks for it."""
    packages = config.getoption("--gil-audit")
    if packages:
        # Nothing of it is imported, let alone started, before it is asked for.
        from gilscope.pytest_audit import AuditPlugin  # noqa: PLC0415

        config.pluginmanager.register(AuditPlugin(config, packages), "gilscope_audit")
    config.addinivalue_line(
        "markers", 'gil_max_hold("50ms"): fail if the GIL is held for longer'
    )
    options = ("--gil-holds", "--gil-holds-fail")
    if any(config.getoption(name) is not None for name in options):
        watch_tests(config)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Watch the tests if a mark asks for it."""
    if item.get_closest_marker("gil_max_hold") is not None:
        watch_tests(item.config)


def watch_tests(config: pytest.Config) -> None:
    """Add the part that watches who holds the GIL."""
    if not config.pluginmanager.hasplugin("gilscope_holds"):
        # Nothing of it is imported, let alone started, before it is asked for.
        from gilscope.watcher.pytest_holds import HoldsPlugin  # noqa: PLC0415

        config.pluginmanager.register(HoldsPlugin(config), "gilscope_holds")


@pytest.fixture
def gil(request: pytest.FixtureRequest) -> "GilFixture":
    """Assert that a callable releases the GIL, or that it holds it."""
    return GilFixture(request)


class GilFixture:
    """What the fixture `gil` returns.

    The keywords `min_fraction` and `budget_s` are the fixture's own; a callable that
    has keywords of these names is bound with functools.partial.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        """Note whose test it is."""
        self._request = request

    def check(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Check":
        """Return the verdict on `func(*args, **kwargs)`, whatever it is.

        See gilscope.check.
        """
        from gilscope.check import check as check_call  # noqa: PLC0415

        check = check_call(func, *args, **kwargs)
        self._request.node.user_properties.append(("gilscope", summarize(check)))
        return check

    def assert_releases(
        self,
        func: Callable[..., Any],
        /,
        *args: Any,
        min_fraction: float | None = None,
        budget_s: float = 0.5,
        **kwargs: Any,
    ) -> "Check":
        """Fail unless `func(*args, **kwargs)` lets other threads run.

        Args:
            func: the callable.
            args: its arguments.
            min_fraction: the share of the call, 0 to 1, for which others have to be
                let in; without it any release is enough.
            budget_s: about how long a check may take.
            kwargs: its keywords.
        """
        __tracebackhide__ = True
        if min_fraction is not None and not 0 <= min_fraction <= 1:
            message = f"gil min_fraction: expected 0 to 1, got {min_fraction!r}"
            raise ValueError(message)
        check = self.check(func, *args, budget_s=budget_s, **kwargs)
        for _ in range(N_RETRIES):
            if not falls_short(check, min_fraction):
                break
            # The verdict is exact, but the share is measured; a loaded machine can
            # make it look smaller.
            budget_s *= 2
            check = self.check(func, *args, budget_s=budget_s, **kwargs)
        self._stop_if_inconclusive(check)
        if check.verdict != "releases":
            self._fail(check, "releases the GIL")
        if min_fraction is not None:
            fraction = check.released_fraction
            if fraction is None or fraction.low < min_fraction <= fraction.high:
                self._stop(check, f"the range of the released fraction is {fraction}")
            elif fraction.high < min_fraction:
                wanted = f"releases the GIL for {min_fraction:.0%} of the call"
                self._fail(check, wanted)
        return check

    def assert_holds(
        self, func: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "Check":
        """Fail unless `func(*args, **kwargs)` keeps all other threads out."""
        __tracebackhide__ = True
        check = self.check(func, *args, **kwargs)
        self._stop_if_inconclusive(check)
        if check.verdict != "holds":
            self._fail(check, "holds the GIL")
        return check

    def assert_import_keeps_gil_off(self, module: str) -> "ModuleImport":
        """Fail if the import of a module turns the GIL of a free-threaded build on.

        The module is imported in an interpreter of its own. The test is skipped in a
        build that always has a GIL.

        Args:
            module: its full name.
        """
        __tracebackhide__ = True
        import gilscope.render.imports  # noqa: F401, PLC0415
        from gilscope.imports import inspect_import  # noqa: PLC0415

        found = inspect_import(module)
        if found.error or found.gil_enabled_by is not None:
            pytest.fail(str(found), pytrace=False)
        if not found.free_threaded_build:
            pytest.skip("this build of Python always has a GIL")
        return found

    def _stop_if_inconclusive(self, check: "Check") -> None:
        __tracebackhide__ = True
        if check.verdict == "inconclusive":
            self._stop(check, check.reason)

    def _stop(self, check: "Check", reason: str) -> None:
        """Skip the test, or fail it if that was asked for."""
        __tracebackhide__ = True
        if self._request.config.getoption("--gil-inconclusive") == "fail":
            self._fail(check, "can be judged")
        pytest.skip(f"{check.name} could not be judged: {reason}")

    @staticmethod
    def _fail(check: "Check", wanted: str) -> None:
        __tracebackhide__ = True
        from gilscope.render.text import explain_failure  # noqa: PLC0415

        pytest.fail(explain_failure(check, wanted), pytrace=False)


def falls_short(check: "Check", min_fraction: float | None) -> bool:
    """Return whether the call releases the GIL, but for too small a share."""
    fraction = check.released_fraction
    return (
        min_fraction is not None
        and fraction is not None
        and fraction.low < min_fraction
    )


def summarize(check: "Check") -> str:
    """Return the verdict and its margin in a line."""
    text = (
        f"{check.name}: {check.verdict}, {check.n_released} of {check.n_calls} calls "
        "released the GIL"
    )
    if check.released_fraction is not None:
        text += f", free for {check.released_fraction.value:.1%} of the call"
    return text


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the margins of all checks where -v asks for more."""
    if config.get_verbosity() <= 0:
        return
    lines = list(find_summaries(terminalreporter.stats))
    if lines:
        terminalreporter.section("gilscope")
        for line in lines:
            terminalreporter.line(line)


def find_summaries(stats: dict[str, list[Any]]) -> Iterator[str]:
    """Yield what the reports of all tests carry from the fixture."""
    for reports in stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, value in report.user_properties:
                if name == "gilscope":
                    yield f"{report.nodeid}: {value}"
