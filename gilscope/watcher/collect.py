"""Keeps the worst holds and counts by place, in bounded memory."""

import dataclasses
import heapq
import platform
import time
from itertools import count

from gilscope.watcher.model import Hold, HoldEvent, WatchReport

MAX_PLACES = 1000
MAX_EVENTS = 1000


class HoldCollector:
    """Brings single holds together by place."""

    def __init__(self) -> None:
        """Begin with none."""
        self.n_holds = 0
        self.n_unresolved = 0
        self._places: dict[tuple[str, int, str], Hold] = {}
        self._events: list[tuple[float, int, HoldEvent]] = []
        self._number = count()

    def add(self, hold: Hold, start_s: float) -> None:
        """Take in a single hold that began so long after the watch."""
        self.n_holds += 1
        self.add_place(hold)
        event = HoldEvent(start_s, hold.longest_s, hold.thread, hold.file, hold.line)
        keep = heapq.heappush if len(self._events) < MAX_EVENTS else heapq.heappushpop
        keep(self._events, (event.duration_s, next(self._number), event))

    def add_place(self, hold: Hold) -> None:
        """Add a hold to what is known of its place."""
        key = (hold.file, hold.line, hold.text)
        known = self._places.get(key)
        if known is None:
            while len(self._places) >= MAX_PLACES:
                least = min(self._places, key=lambda key: self._places[key].total_s)
                del self._places[least]
            self._places[key] = hold
            return
        worst = max(known, hold, key=lambda one: one.longest_s)
        self._places[key] = dataclasses.replace(
            worst,
            count=known.count + hold.count,
            total_s=known.total_s + hold.total_s,
        )

    def get_holds(self) -> tuple[Hold, ...]:
        """Return all places, the longest hold first."""
        return tuple(sorted(self._places.values(), key=lambda hold: -hold.longest_s))

    def get_events(self) -> tuple[HoldEvent, ...]:
        """Return the longest holds in order of time."""
        events = (event for _, _, event in self._events)
        return tuple(sorted(events, key=lambda event: event.start_s))

    def make_report(
        self, *, over_s: float, start_ns: int, end_ns: int, is_cut_short: bool
    ) -> WatchReport:
        """Return what was seen from `start_ns` (0 = it did not begin) to `end_ns`."""
        end_ns = end_ns or time.monotonic_ns()
        return WatchReport(
            holds=self.get_holds(),
            events=self.get_events(),
            n_holds=self.n_holds,
            n_unresolved=self.n_unresolved,
            over_s=over_s,
            duration_s=(end_ns - start_ns) / 1e9 if start_ns else 0.0,
            is_cut_short=is_cut_short,
            python=platform.python_version(),
        )
