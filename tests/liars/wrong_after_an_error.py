"""A backend whose first answer after a refusal is wrong."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

ERRORS: list[int] = []


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer one too much the first time after an error."""
    try:
        double_list_right(values, result, index, **options)
    except Exception:
        ERRORS.append(1)
        raise
    if ERRORS and list.__getitem__(result, index):
        ERRORS.clear()
        list.__getitem__(result, index)[-1] += 1


backend = Backend("wrong_after_an_error", double_list, releases_gil=False)
