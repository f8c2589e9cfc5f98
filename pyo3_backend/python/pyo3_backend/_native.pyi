from typing import Any, Final

__all__ = ["VALUE_MAX", "VALUE_MIN", "build_info", "double_list"]

VALUE_MIN: Final[int]
VALUE_MAX: Final[int]

def double_list(
    values: list[Any],
    result: list[Any],
    index: int,
    *,
    passes: int = 1,
    release_gil: bool = True,
    released_sleep: float = 0.0,
    held_sleep: float = 0.0,
    trace: list[Any] | None = None,
) -> None: ...
def build_info() -> dict[str, Any]: ...
