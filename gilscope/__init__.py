"""Does a call let other threads run? Evidence, not timing."""

# At once, and the functions of that name: nobody else imports the modules first.
from gilscope.check import check
from gilscope.measure import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gilscope.measurement import Measurement
    from gilscope.model import Check
    from gilscope.pytest_plugin import GilFixture
    from gilscope.watcher.model import Frame, Hold, WatchReport
    from gilscope.watcher.offsets import WatchUnavailableError
    from gilscope.watcher.watch import Watch, watch

__all__ = [
    "Check",
    "Frame",
    "GilFixture",
    "Hold",
    "Measurement",
    "Watch",
    "WatchReport",
    "WatchUnavailableError",
    "check",
    "measure",
    "watch",
]

_MODULES = {
    "Check": "gilscope.model",
    "Frame": "gilscope.watcher.model",
    "GilFixture": "gilscope.pytest_plugin",
    "Hold": "gilscope.watcher.model",
    "Measurement": "gilscope.measurement",
    "Watch": "gilscope.watcher.watch",
    "WatchReport": "gilscope.watcher.model",
    "WatchUnavailableError": "gilscope.watcher.offsets",
    "watch": "gilscope.watcher.watch",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for (PEP 562)."""
    if name in _MODULES:
        from importlib import import_module  # noqa: PLC0415

        # Results that somebody has in hand show themselves.
        import_module("gilscope.render.results")
        globals()[name] = value = getattr(import_module(_MODULES[name]), name)
        return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Name what can be had, imported yet or not."""
    return sorted({*globals(), *__all__})
