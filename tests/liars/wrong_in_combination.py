"""A backend that answers wrong from the end of result with the GIL held."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Answer one too much where both are asked for."""
    double_list_right(values, result, index, **options)

    if index in (-1, -2) and options.get("release_gil") is False:
        result[index][-1] += 1


backend = Backend("wrong_in_combination", double_list, releases_gil=False)
