"""What the contract tests share."""

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from backends import Backend
from compare.double_list.observe import read_item_notes

if TYPE_CHECKING:
    from collections.abc import Callable


class Refuses(Protocol):
    """The `refuses` fixture."""

    def __call__(
        self,
        error: type[BaseException],
        *arguments: object,
        text: str | None = None,
        item: int | None = None,
        **options: object,
    ) -> BaseException:
        """Assert that this call raises exactly that, and changes nothing.

        The text counts where the contract writes it; item is the one that a note names.
        """


@pytest.fixture
def refuses(backend: Backend) -> Refuses:
    """Return a check of clauses 1.2, 1.6 and 1.10 on a call that must fail."""

    def refuse(
        error: type[BaseException],
        *arguments: object,
        text: str | None = None,
        item: int | None = None,
        **options: object,
    ) -> BaseException:
        lists: list[list[Any]] = [
            value
            for value in (*arguments, *options.values())
            if issubclass(type(value), list)
        ]
        before = [list.copy(value) for value in lists]
        call: Callable[..., None] = backend.double_list
        with pytest.raises(error) as raised:
            call(*arguments, **options)
        assert raised.type is error
        assert text is None or str(raised.value) == text
        notes = [] if item is None else [f"double_list() values[{item}]"]
        assert read_item_notes(raised.value) == notes
        # Nothing else went wrong on the way, or nobody is told.
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__ or raised.value.__context__ is None
        for now, then in zip(lists, before, strict=True):
            assert [*map(id, list.copy(now))] == [*map(id, then)]
        return raised.value

    return refuse
