"""Holds of the GIL that were seen: data, to and from JSON."""

from dataclasses import dataclass

from gilscope.record import Record, read_json, structure


@dataclass(frozen=True)
class Frame:
    """One level of a Python stack."""

    file: str
    line: int
    # Its qualified name.
    function: str


@dataclass(frozen=True)
class Hold:
    """A place where a thread held the GIL although another one had asked for it."""

    file: str
    line: int
    # Source of the call or operator; "" where it is not to be had.
    text: str
    # The function called; None where it cannot be known.
    function: str | None
    # Of the longest hold here, innermost first.
    stack: tuple[Frame, ...]
    # Name of the thread of the longest hold here.
    thread: str
    count: int
    longest_s: float
    total_s: float


@dataclass(frozen=True)
class HoldEvent:
    """One hold, for a timeline."""

    # Since the watch began.
    start_s: float
    duration_s: float
    thread: str
    file: str
    line: int


@dataclass(frozen=True)
class WatchReport(Record):
    """What a watch saw."""

    # By place, the longest first.
    holds: tuple[Hold, ...]
    # The longest ones, in order of time.
    events: tuple[HoldEvent, ...]
    n_holds: int
    # Seen, but not attributed to a line.
    n_unresolved: int
    over_s: float
    duration_s: float
    # The sampler ended before it was told to: holds may be missing.
    is_cut_short: bool
    python: str

    @classmethod
    def from_json(cls, text: str) -> "WatchReport":
        """Return the report that `to_json()` wrote.

        Raises:
            ValueError: it is not such a report.
        """
        return structure(read_json(text), cls)
