"""Keeps the worst holds and counts by place, in bounded memory."""

import dataclasses
import heapq
import platform
import threading
import time
from itertools import count

from gilscope.watcher.model import Hold, HoldEvent, WatchReport

MAX_PLACES = 1000
MAX_EVENTS = 1000


def add_hold(known: Hold | None, hold: Hold) -> Hold:
    """Return what is known of a place, with one more hold there."""
    if known is None:
        return hold
    return dataclasses.replace(
        max(known, hold, key=lambda one: one.longest_s),
        count=known.count + hold.count,
        total_s=known.total_s + hold.total_s,
    )


class HoldCollector:
    """Brings single holds together by place; any thread may use it.

    Attributes:
        start_ns, end_ns: when the watch began and ended, 0 = it has not.
        n_unresolved: holds without a place.
        is_cut_short: whether holds may be missing.
    """

    def __init__(self, over_s: float) -> None:
        """Begin with none."""
        self.start_ns = self.end_ns = 0
        self.n_unresolved = 0
        self.is_cut_short = False
        self._over_s = over_s
        self._n_holds = 0
        self._places: dict[tuple[str, int, str], Hold] = {}
        self._events: list[tuple[float, int, HoldEvent]] = []
        self._number = count()
        self._lock = threading.Lock()

    def add(self, hold: Hold, start_ns: int) -> None:
        """Take in a single hold."""
        start_s = (start_ns - self.start_ns) / 1e9
        event = HoldEvent(start_s, hold.longest_s, hold.thread, hold.file, hold.line)
        with self._lock:
            self._n_holds += 1
            is_full = len(self._events) >= MAX_EVENTS
            keep = heapq.heappushpop if is_full else heapq.heappush
            keep(self._events, (event.duration_s, next(self._number), event))
            key = (hold.file, hold.line, hold.text)
            if key not in self._places and len(self._places) >= MAX_PLACES:
                least = min(self._places, key=lambda one: self._places[one].total_s)
                del self._places[least]
            self._places[key] = add_hold(self._places.get(key), hold)

    def get_holds(self) -> tuple[Hold, ...]:
        """Return all places, the longest hold first."""
        with self._lock:
            holds = [*self._places.values()]
        return tuple(sorted(holds, key=lambda hold: -hold.longest_s))

    def report(self) -> WatchReport:
        """Return what was seen so far, events in order of time."""
        with self._lock:
            events = [event for _, _, event in self._events]
        end_ns = self.end_ns or time.monotonic_ns()
        return WatchReport(
            holds=self.get_holds(),
            events=tuple(sorted(events, key=lambda event: event.start_s)),
            n_holds=self._n_holds,
            n_unresolved=self.n_unresolved,
            over_s=self._over_s,
            duration_s=(end_ns - self.start_ns) / 1e9 if self.start_ns else 0.0,
            is_cut_short=self.is_cut_short,
            python=platform.python_version(),
        )
