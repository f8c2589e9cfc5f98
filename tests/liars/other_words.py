"""A backend that words one message in its own way."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(
    values: list[Any], result: list[Any], index: int, **options: Any
) -> None:
    """Refuse with another text."""
    try:
        double_list_right(values, result, index, **options)
    except OverflowError as error:
        message = str(error).replace("does not fit", "overflows")
        raise OverflowError(message) from error


backend = Backend("other_words", double_list, releases_gil=False)
