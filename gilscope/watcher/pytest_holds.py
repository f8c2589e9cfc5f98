"""The part of the pytest plugin that watches the tests: who held the GIL in which one.

It is imported only where --gil-holds, --gil-holds-fail or the mark `gil_max_hold` asks
for it.
"""

import argparse
import bisect
import time
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import pytest

from gilscope.cli.options import parse_duration
from gilscope.record import structure
from gilscope.render.results import describe_line
from gilscope.units import describe_time
from gilscope.watcher.collect import add_hold
from gilscope.watcher.model import Hold
from gilscope.watcher.offsets import WatchUnavailableError, check_supported
from gilscope.watcher.watch import Watch

HOLDS_MARK = "gil_max_hold"
HOLDS_KEY = "gilscope_holds"
# Marks may ask for less than the options do.
DEFAULT_OVER_S = 0.010
OUTSIDE = "outside of the tests"
MAX_LINES = 30


class HoldsPlugin:
    """Watches the tests of this process, and gathers what xdist's workers saw."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the options; nothing is started yet."""
        self._config = config
        self._list_s = read_option(config, "--gil-holds")
        self._fail_s = read_option(config, "--gil-holds-fail")
        self._watch: Watch | None = None
        # When each hold ended, by the monotonic clock, ns.
        self._seen: list[tuple[int, Hold]] = []
        # Why there is no watch; "" = there is one, or nothing was asked for yet.
        self._refusal = ""
        # Where each test began and ended, with its name and "".
        self._starts: list[tuple[int, str]] = []
        # By test and place.
        self._holds: dict[tuple[str, str, int, str], Hold] = {}
        if self._list_s is not None or self._fail_s is not None:
            try:
                check_supported()
            except WatchUnavailableError as error:
                raise pytest.UsageError(str(error)) from error

    def pytest_sessionstart(self) -> None:
        """Begin, but not in a process whose workers run the tests."""
        limits = [one for one in (self._list_s, self._fail_s) if one is not None]
        if limits and not self._config.pluginmanager.hasplugin("dsession"):
            self._start(min(limits))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin for the marks if nothing else has begun it."""
        marks = [
            mark for item in session.items for mark in item.iter_markers(HOLDS_MARK)
        ]
        if self._watch is None and marks:
            self._start(min(DEFAULT_OVER_S, *map(read_mark, marks)))

    def _start(self, over_s: float) -> None:
        watch = Watch(over_s, note=lambda *seen: self._seen.append(seen))
        try:
            self._watch = watch.start()
        except WatchUnavailableError as error:
            self._refusal = str(error)
            if self._list_s is not None or self._fail_s is not None:
                pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note when a test begins."""
        self._starts.append((time.monotonic_ns(), nodeid))

    def pytest_runtest_logfinish(self) -> None:
        """Note when it ends."""
        self._starts.append((time.monotonic_ns(), ""))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Fail a test in which the GIL was held for too long."""
        mark = item.get_closest_marker(HOLDS_MARK)
        limit_s = self._fail_s if mark is None else read_mark(mark)
        start_ns = time.monotonic_ns()
        result = yield
        if limit_s is not None:
            self._judge(limit_s, start_ns)
        return result

    def _judge(self, limit_s: float, start_ns: int) -> None:
        if self._watch is None:
            if self._config.getoption("--gil-inconclusive") == "fail":
                pytest.fail(self._refusal, pytrace=False)
            pytest.skip(self._refusal)
        # What was shorter than that cannot have had a longer hold.
        if time.monotonic_ns() - start_ns < limit_s * 1e9:
            return
        self._watch.sync()
        recent = [hold for end_ns, hold in self._seen if end_ns > start_ns]
        worst = max(recent, key=lambda hold: hold.longest_s, default=None)
        if worst is not None and worst.longest_s > limit_s:
            message = (
                f"{describe_line(worst.file, worst.line)} held the GIL for "
                f"{describe_time(worst.longest_s)} in {worst.thread}, "
                f"expected at most {describe_time(limit_s)}: {worst.text}"
            )
            pytest.fail(message, pytrace=False)

    def pytest_sessionfinish(self) -> None:
        """Stop, and hand on what was seen."""
        if self._watch is None:
            return
        self._watch.stop()
        for end_ns, hold in self._seen:
            index = bisect.bisect_right(self._starts, end_ns, key=lambda one: one[0])
            test = self._starts[index - 1][1] if index else ""
            if self._list_s is not None and hold.longest_s >= self._list_s:
                self._add(test or OUTSIDE, hold)
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[HOLDS_KEY] = [
                (key[0], asdict(one)) for key, one in self._holds.items()
            ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker of xdist saw."""
        for test, content in getattr(node, "workeroutput", {}).get(HOLDS_KEY, ()):
            self._add(test, structure(content, Hold))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """List the holds by test and line, the longest first."""
        if self._list_s is None:
            return
        over = describe_time(self._list_s)
        terminalreporter.section(f"holds of the GIL of {over} or longer")
        found = sorted(self._holds.items(), key=lambda one: -one[1].longest_s)
        for (test, *_), hold in found[:MAX_LINES]:
            place = describe_line(hold.file, hold.line)
            terminalreporter.line(
                f"{describe_time(hold.longest_s):>8}  {hold.count} x  {place}  "
                f"{hold.text}  in {test}"
            )
        if len(found) > MAX_LINES:
            terminalreporter.line(f"and {len(found) - MAX_LINES} more lines")
        if not found:
            terminalreporter.line("none was seen")

    def _add(self, test: str, hold: Hold) -> None:
        key = (test, hold.file, hold.line, hold.text)
        self._holds[key] = add_hold(self._holds.get(key), hold)


def read_option(config: pytest.Config, name: str) -> float | None:
    """Return the seconds that an option gives; None without it."""
    text = config.getoption(name)
    return None if text is None else read_duration(text, name)


def read_mark(mark: pytest.Mark) -> float:
    """Return the seconds that a mark gives."""
    return read_duration(str(mark.args[0] if mark.args else ""), f"mark {HOLDS_MARK}")


def read_duration(text: str, where: str) -> float:
    """Return the seconds of a duration, or refuse the option or mark."""
    try:
        return parse_duration(text)
    except argparse.ArgumentTypeError as error:
        message = f"{where}: {error}"
        raise pytest.UsageError(message) from error
