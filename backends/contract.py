"""The contract written once: the Backend type, the bounds and the sentences.

Source: docs/reference/contract.md, whose numbered clauses the comments name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

# Clause 1.2: an item and its double lie between these two, both included.
VALUE_MIN = -(2**63)
VALUE_MAX = 2**63 - 1

# Clause 1.5: the longest sleep that may be asked for, in seconds.
SECONDS_MAX = 1_000_000_000

# Clause 1.10: the sentences that the contract itself writes. They are the same in
# every backend, word for word; the text of a conversion is the binding's own. The
# native sources repeat them, so that each reads and installs on its own.
INDEX_OUTSIDE = "double_list() index: {index} lies outside a result of length {length}"
PASSES_TOO_FEW = "double_list() passes: expected at least 1, got {passes}"
SECONDS_OUTSIDE = "double_list() {name}: expected 0 to 1e9 seconds, got {seconds}"
DOUBLE_TOO_LARGE = "double of {item} does not fit in 64 bits"

# Clause 1.2: the note (PEP 678) of an exception that an item causes.
ITEM_NOTE = "double_list() values[{index}]"


class DoubleList(Protocol):
    """The call that every backend implements; see docs/reference/contract.md."""

    def __call__(
        self,
        values: list[Any],
        result: list[Any],
        index: int,
        *,
        passes: int = 1,
        release_gil: bool = True,
        released_sleep: float = 0.0,
        held_sleep: float = 0.0,
        trace: list[Any] | None = None,
    ) -> None:
        """Store the doubled values as a new list at result[index]."""


@dataclass(frozen=True)
class Backend:
    """One implementation of the contract.

    Args:
        name: the name it is chosen by and reported under.
        double_list: the function that keeps the contract.
        releases_gil: what it declares: whether `double_list` lets other threads
            run Python code while its kernel runs.
        technology: what it is written with, for the report.
        build_info: returns how it was built; `profile`, `compiler`, `version`
            and `free_threaded` are read by the report.
    """

    name: str
    double_list: DoubleList
    releases_gil: bool = field(default=True, kw_only=True)
    technology: str = field(default="", kw_only=True)
    build_info: Callable[[], dict[str, Any]] = field(default=dict, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse fields of a wrong type, which would surface far from here."""
        kinds: tuple[tuple[str, Callable[[object], bool], str], ...] = (
            ("name", lambda value: isinstance(value, str), "str"),
            ("double_list", callable, "callable"),
            ("releases_gil", lambda value: isinstance(value, bool), "bool"),
            ("technology", lambda value: isinstance(value, str), "str"),
            ("build_info", callable, "callable"),
        )
        for where, is_right, expected in kinds:
            value = getattr(self, where)
            if not is_right(value):
                got = type(value).__name__
                message = f"Backend() {where}: expected {expected}, got {got}"
                raise TypeError(message)
        if not self.name:
            message = "Backend() name: expected at least one character, got ''"
            raise ValueError(message)
