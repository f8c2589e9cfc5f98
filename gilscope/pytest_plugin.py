"""The pytest plugin: a fixture that asserts what a callable does to the GIL.

It comes with the distribution. Nothing of the harness is imported before the fixture
is used, so that other people's test runs start as quickly as without it.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gilscope.measurement import Measurement
    from gilscope.model import Check, ModuleImport

# How often figures whose range includes a limit are made again, each time for longer.
N_RETRIES = 2

# A copy of standard error from before pytest captured it, for stacks.
STDERR = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("gilscope")
    group.addoption(
        "--gil-inconclusive",
        choices=("skip", "fail"),
        default="skip",
        help="what becomes of a test that could not be judged (default: %(default)s)",
    )
    group.addoption(
        "--gil-isolate",
        action="store_true",
        help="make each check of the fixture in a copy of the process, so that a call "
        "that never comes back fails its test alone",
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


def pytest_configure(config: pytest.Config) -> None:
    """Watch or audit the tests if an option asks for it."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        # Standard error is captured later on.
        config.stash[STDERR] = os.dup(sys.stderr.fileno())
    for mark in (
        'gil_max_hold("50ms"): fail if the GIL is held for longer',
        "gil_isolate: make the checks of this test in a copy of the process",
    ):
        config.addinivalue_line("markers", mark)
    # Nothing of these is imported, let alone started, before it is asked for.
    if packages := config.getoption("--gil-audit"):
        from gilscope.audit import AuditPlugin  # noqa: PLC0415

        config.pluginmanager.register(AuditPlugin(config, packages), "gilscope_audit")
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
        from gilscope.watcher.pytest_holds import HoldsPlugin  # noqa: PLC0415

        config.pluginmanager.register(HoldsPlugin(config), "gilscope_holds")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the threads of the checks, if there were checks."""
    if STDERR in config.stash:
        os.close(config.stash[STDERR])
        del config.stash[STDERR]
    session = sys.modules.get("gilscope.probe.session")
    if session is not None:
        session.drop_session()


@pytest.fixture
def gil(request: pytest.FixtureRequest) -> "GilFixture":
    """Assert that a callable releases the GIL, or that it holds it."""
    return GilFixture(request)


class GilFixture:
    """What the fixture `gil` returns.

    The keywords named here are the fixture's own; a callable that has keywords of these
    names is bound with functools.partial.

    A call that does not come back fails the test after `timeout_s`, with its stacks. If
    it never releases the GIL nothing can go on in this process: faulthandler writes the
    stacks, which name the test and the call, and ends the run. That costs a thread in C
    for each check, 50 us. It is left to pytest's own `faulthandler_timeout` where that
    is set. With --gil-isolate or the mark `gil_isolate` the checks are made in a copy
    of the process, and only the test fails.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        """Note whose test it is."""
        self._request = request

    def check(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Check":
        """Return the verdict on `func(*args, **kwargs)`, whatever it is.

        See gilscope.check.
        """
        __tracebackhide__ = True
        from gilscope.check import check as check_call  # noqa: PLC0415
        from gilscope.probe.deadline import NO_ANSWER, choose_ending  # noqa: PLC0415
        from gilscope.probe.session import keep_session  # noqa: PLC0415
        from gilscope.probe.surroundings import describe_callable  # noqa: PLC0415

        config, node = self._request.config, self._request.node

        def make_check(stack_file: int | None) -> "Check":
            __tracebackhide__ = True
            with choose_ending(stack_file):
                return check_call(func, *args, **kwargs)

        name = describe_callable(func)
        is_apart = config.getoption("--gil-isolate") or (
            node.get_closest_marker("gil_isolate") is not None
        )
        # Stacks have the name of this function, and nothing else of a test that hangs.
        told = f"check of {name} in {node.nodeid}"
        if not is_apart:
            told += ", which never came back; with the mark gil_isolate it fails alone"
        make_check.__code__ = make_check.__code__.replace(co_name=told)
        if is_apart:
            check = run_apart(make_check, name, kwargs)
        else:
            # Witness and controls are kept until the end of the run.
            keep_session()
            stderr = config.stash.get(STDERR, None)
            check = make_check(None if has_own_timeout(config) else stderr)
        node.user_properties.append(("gilscope", describe_check(check)))
        node.user_properties.append(("gilscope_verdict", check.verdict))
        if check.reason.startswith(NO_ANSWER):
            self._fail(check, "comes back")
        return check

    def assert_releases(
        self,
        func: Callable[..., Any],
        /,
        *args: Any,
        min_fraction: float | None = None,
        max_hold_s: float | None = None,
        budget_s: float = 0.5,
        **kwargs: Any,
    ) -> "Check":
        """Fail unless every call of `func(*args, **kwargs)` lets other threads run.

        Without a limit that takes the milliseconds of a few calls. With one the figures
        are made, and made again for longer while their range includes the limit.

        Args:
            func: the callable.
            args: its arguments.
            min_fraction: the share of the call, 0 to 1, for which others have to be
                let run; without it any release is enough.
            max_hold_s: for how long they may be kept out at most, in seconds.
            budget_s: about how long the figures may take at first.
            kwargs: its keywords, and `prepare` and `timeout_s` of gilscope.check.
        """
        __tracebackhide__ = True
        from gilscope.limits import check_limits, check_range  # noqa: PLC0415

        check_range(min_fraction, max_hold_s)
        figures = min_fraction is not None or max_hold_s is not None
        for longer in range(N_RETRIES + 1 if figures else 1):
            budget = budget_s * 2**longer
            check = self.check(func, *args, budget_s=budget, figures=figures, **kwargs)
            answers = check_limits(check, min_fraction, max_hold_s)
            if answers[0].outcome == "unclear":
                self._stop(check, check.reason)
            missed = [each.text for each in answers if each.outcome == "missed"]
            if missed:
                self._fail(check, missed[0])
            unclear = [each.text for each in answers if each.outcome == "unclear"]
            if not unclear:
                break
        else:
            self._stop(check, f"{unclear[0]}: the range includes that")
        return check

    def assert_holds(
        self, func: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "Check":
        """Fail unless `func(*args, **kwargs)` keeps all other threads out."""
        __tracebackhide__ = True
        check = self.check(func, *args, **{"figures": False, **kwargs})
        if check.verdict == "inconclusive":
            self._stop(check, check.reason)
        if check.verdict != "holds":
            self._fail(check, "holds the GIL")
        return check

    def measure(
        self, func: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "Measurement":
        """Return what `func(*args, **kwargs)` gains and costs; see gilscope.measure."""
        from gilscope.measure import measure  # noqa: PLC0415

        return measure(func, *args, **kwargs)

    def assert_import_keeps_gil_off(self, module: str) -> "ModuleImport":
        """Fail if the import of a module turns the GIL of a free-threaded build on.

        The module is imported in an interpreter of its own. The test is skipped in a
        build that always has a GIL.

        Args:
            module: its full name.
        """
        __tracebackhide__ = True
        from gilscope.imports import inspect_import  # noqa: PLC0415

        found = inspect_import(module)
        if found.error or found.gil_enabled_by is not None:
            pytest.fail(str(found), pytrace=False)
        if not found.free_threaded_build:
            pytest.skip("this build of Python always has a GIL")
        return found

    def _stop(self, check: "Check", reason: str) -> None:
        """Skip the test, or fail it if that was asked for."""
        __tracebackhide__ = True
        if self._request.config.getoption("--gil-inconclusive") == "fail":
            self._fail(check, "can be judged")
        pytest.skip(f"{check.name} could not be judged: {reason}")

    @staticmethod
    def _fail(check: "Check", wanted: str) -> None:
        __tracebackhide__ = True
        from gilscope.render.results import explain_failure  # noqa: PLC0415

        pytest.fail(explain_failure(check, wanted), pytrace=False)


def run_apart(
    make_check: "Callable[[int], Check]", name: str, options: dict[str, Any]
) -> "Check":
    """Make a check in a copy of the process."""
    __tracebackhide__ = True
    from gilscope.check import TIMEOUT_S  # noqa: PLC0415
    from gilscope.probe.child import describe_silence  # noqa: PLC0415
    from gilscope.process import ForkEndedError, run_forked  # noqa: PLC0415

    try:
        return run_forked(make_check)
    except ForkEndedError as error:
        lost = error
    timeout_s = options.get("timeout_s", TIMEOUT_S)
    if lost.exit_code == 1 and lost.stack and timeout_s is not None:
        return describe_silence(name, timeout_s, f"\n{lost.stack}", ())
    pytest.fail(f"{name}: {lost}", pytrace=False)


def has_own_timeout(config: pytest.Config) -> bool:
    """Return whether pytest itself writes the stacks of a test that takes too long."""
    try:
        return float(config.getini("faulthandler_timeout") or 0) > 0
    except (KeyError, ValueError):
        # Its plugin may be switched off.
        return False


def describe_check(check: "Check") -> str:
    """Return the verdict and its margin in a line."""
    text = (
        f"{check.name}: {check.verdict}, {check.n_released} of {check.n_calls} calls "
        "released the GIL"
    )
    if check.released_fraction is not None:
        text += f", free for {check.released_fraction.value:.1%} of the call"
    return text


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many checks could not be judged, and show all of them with -v."""
    told = [
        (report.nodeid, *told)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for told in report.user_properties
    ]
    verdicts = [value for _, name, value in told if name == "gilscope_verdict"]
    n_unclear = verdicts.count("inconclusive")
    shown = [one for one in told if one[1] == "gilscope" and config.get_verbosity() > 0]
    if not (n_unclear or shown):
        return
    terminalreporter.section("gilscope")
    for test, _, text in shown:
        terminalreporter.line(f"{test}: {text}")
    if n_unclear:
        terminalreporter.line(
            f"{n_unclear} of {len(verdicts)} checks could not be judged; "
            "--gil-inconclusive=fail fails their tests"
        )
