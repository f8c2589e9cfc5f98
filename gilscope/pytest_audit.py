"""The part of the pytest plugin that judges a package's C calls while its tests run.

It is imported only where --gil-audit asks for it.
"""

from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import pytest

from gilscope.audit import Auditor, AuditUnavailableError, merge
from gilscope.files import write_file
from gilscope.model import Audit
from gilscope.record import structure
from gilscope.render import audit as _  # noqa: F401 - registers how it is shown.

KEY = "gilscope_audit"


class AuditPlugin:
    """Audits the tests of this process, and gathers what xdist's workers saw."""

    def __init__(self, config: pytest.Config, packages: list[str]) -> None:
        """Start nothing yet."""
        self._config = config
        self._auditor = Auditor(packages)
        self._found: list[Audit] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Audit the tests, but not in a process whose workers run them."""
        if self._config.pluginmanager.hasplugin("dsession"):
            return (yield)
        try:
            self._auditor.__enter__()
        except AuditUnavailableError as error:
            message = f"--gil-audit: {error}"
            raise pytest.UsageError(message) from error
        try:
            return (yield)
        finally:
            self._auditor.__exit__()
            self._found.append(self._auditor.summarize())

    def pytest_sessionfinish(self) -> None:
        """Hand on what was seen, or write it."""
        output = getattr(self._config, "workeroutput", None)
        path = self._config.getoption("--gil-audit-json")
        if output is not None:
            output[KEY] = [asdict(one) for one in self._found]
        elif path is not None and self._found:
            write_file(path, merge(self._found).to_json())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker of xdist saw."""
        for content in getattr(node, "workeroutput", {}).get(KEY, ()):
            self._found.append(structure(content, Audit))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the table."""
        if self._found:
            terminalreporter.section("gilscope audit")
            terminalreporter.write_line(str(merge(self._found)))
