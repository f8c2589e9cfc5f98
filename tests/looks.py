"""Looks again where a busy machine answers nothing; a wrong answer counts at once."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from typing import Any, TypeVar

from gilscope import check
from gilscope.model import Check

Answer = TypeVar("Answer")
N_LOOKS = 10
# How long a machine takes to get to where something hangs depends on what else it does.
LIMITS_S = (1.0, 4.0, 16.0, 64.0)


def select_first(
    is_told: Callable[[Answer], object], looks: Iterable[Callable[[], Answer]]
) -> Answer:
    """Return the first answer that tells something, or the last one."""
    for look in looks:
        found = look()
        if is_told(found):
            break
    return found


def look_until(
    is_told: Callable[[Answer], object], look: Callable[[], Answer]
) -> Answer:
    """Return the first answer of N_LOOKS that tells something, or the last one."""
    return select_first(is_told, repeat(look, N_LOOKS))


def try_limits(
    is_told: Callable[[Answer], object], look: Callable[[float], Answer]
) -> Answer:
    """Return the answer under the first time limit that was long enough."""
    return select_first(is_told, [partial(look, limit_s) for limit_s in LIMITS_S])


def has_verdict(found: Check) -> bool:
    """Return whether the machine was quiet enough for one."""
    return found.verdict != "inconclusive"


def has_figures(found: Check) -> bool:
    """Return whether it was quiet enough for figures."""
    return None not in (found.released_fraction, found.longest_hold)


def has_note(words: str, found: Check) -> bool:
    """Return whether one of the notes has these words."""
    return any(words in note for note in found.notes)


def check_clearly(*args: Any, **options: Any) -> Check:
    """Check until there is a verdict."""
    return look_until(has_verdict, partial(check, *args, **options))


def check_figures(*args: Any, **options: Any) -> Check:
    """Check until there are figures too."""
    return look_until(has_figures, partial(check, *args, **options))
