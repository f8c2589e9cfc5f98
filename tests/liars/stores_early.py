"""A backend that stores its answer before it sleeps."""

from contextlib import suppress
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer, sleep, answer once more."""
    before = list.copy(result) if issubclass(type(result), list) else []
    if options.get("released_sleep"):
        quick = {**options, "released_sleep": 0.0, "held_sleep": 0.0, "trace": None}
        with suppress(Exception):
            double_list_right(values, result, index, **quick)
    try:
        double_list_right(values, result, index, **options)
    except Exception:
        list.__setitem__(result, slice(None), before)
        raise


backend = Backend("stores_early", double_list, releases_gil=False)
