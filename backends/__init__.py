"""Choose an implementation of the contract by its name."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from backends.contract import VALUE_MAX, VALUE_MIN, Backend, DoubleList
    from backends.errors import (
        BackendLoadError,
        BackendNotBuiltError,
        UnknownBackendError,
    )
    from backends.registry import available, get, names, register

__all__ = [
    "VALUE_MAX",
    "VALUE_MIN",
    "Backend",
    "BackendLoadError",
    "BackendNotBuiltError",
    "DoubleList",
    "UnknownBackendError",
    "available",
    "get",
    "names",
    "register",
]

_MODULES = ("contract", "errors", "registry")


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for (PEP 562)."""
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415

        for module_name in _MODULES:
            module = import_module(f"backends.{module_name}")
            if hasattr(module, name):
                globals()[name] = value = getattr(module, name)
                return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Name what can be had, imported yet or not."""
    return sorted({*globals(), *__all__})
