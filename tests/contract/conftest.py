"""What the contract tests share."""

from typing import TYPE_CHECKING, Any, Protocol

import hypothesis
import pytest

from backends import Backend

# A busy machine is no finding.
hypothesis.settings.register_profile("contract", deadline=None)
hypothesis.settings.load_profile("contract")

if TYPE_CHECKING:
    from collections.abc import Callable


class Refuses(Protocol):
    """The `refuses` fixture."""

    def __call__(
        self,
        error: type[Exception],
        text: str,
        *arguments: object,
        **options: object,
    ) -> None:
        """Assert that this call raises exactly that, and changes nothing."""


@pytest.fixture
def refuses(backend: Backend) -> Refuses:
    """Return a check of clauses 1.6 and 1.10 on a call that must fail."""

    def refuse(
        error: type[Exception], text: str, *arguments: object, **options: object
    ) -> None:
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
        assert str(raised.value) == text
        for now, then in zip(lists, before, strict=True):
            assert [*map(id, list.copy(now))] == [*map(id, then)]

    return refuse
