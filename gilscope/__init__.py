"""Does a call let other threads run? Evidence, not timing."""

# At once, and the function of that name: the module is imported by nobody else first.
from gilscope.check import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gilscope.model import Check
    from gilscope.watcher.errors import WatchUnavailableError
    from gilscope.watcher.model import Frame, Hold, WatchReport
    from gilscope.watcher.watch import Watch, watch

__all__ = [
    "Check",
    "Frame",
    "Hold",
    "Watch",
    "WatchReport",
    "WatchUnavailableError",
    "check",
    "watch",
]

_MODULES = {
    "Check": "gilscope.model",
    "Frame": "gilscope.watcher.model",
    "Hold": "gilscope.watcher.model",
    "Watch": "gilscope.watcher.watch",
    "WatchReport": "gilscope.watcher.model",
    "WatchUnavailableError": "gilscope.watcher.errors",
    "watch": "gilscope.watcher.watch",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for (PEP 562)."""
    if name in _MODULES:
        from importlib import import_module  # noqa: PLC0415

        globals()[name] = value = getattr(import_module(_MODULES[name]), name)
        return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Name what can be had, imported yet or not."""
    return sorted({*globals(), *__all__})
