"""A backend that names another item than the first of a long list."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

LONG = 100


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Miscount after a hundred items."""
    try:
        double_list_right(values, result, index, **options)
    except OverflowError as error:
        message = str(error)
        if len(values) > LONG:
            message = message.replace("values[", "values[1")
        raise OverflowError(message) from None


backend = Backend("names_another_item", double_list, releases_gil=False)
