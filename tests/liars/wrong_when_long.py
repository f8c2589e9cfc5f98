"""A backend whose long lists have a wrong item."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

LONG = 10_000


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer one too much for the last item of a long list."""
    double_list_right(values, result, index, **options)
    if len(values) >= LONG:
        result[index][-1] += 1


backend = Backend("wrong_when_long", double_list, releases_gil=False)
