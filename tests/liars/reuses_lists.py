"""A backend that writes into the list that stood in result before."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer in the old list, if there is one."""
    old = list.copy(result) if issubclass(type(result), list) else []
    double_list_right(values, result, index, **options)
    kept = old[index]
    if type(kept) is list and kept is not values:
        kept[:] = result[index]
        result[index] = kept


backend = Backend("reuses_lists", double_list, releases_gil=False)
