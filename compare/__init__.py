"""Compare what binding technologies do to the GIL."""

# At once, and the function of that name: the module is imported by nobody else first.
from gilscope import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from compare.comparing import Compared, Diff, diff, gather
    from compare.contract import Contract, ContractError, Implementation
    from compare.contract_tests import ContractTests
    from compare.model import BackendResult, Report
    from compare.run import Progress, plan_sweep, run_all, sweep
    from compare.statements import Comparison, compare_statements
    from gilscope.model import Check, Environment

__all__ = [
    "BackendResult",
    "Check",
    "Compared",
    "Comparison",
    "Contract",
    "ContractError",
    "ContractTests",
    "Diff",
    "Environment",
    "Implementation",
    "Progress",
    "Report",
    "check",
    "compare_statements",
    "diff",
    "gather",
    "plan_sweep",
    "run_all",
    "sweep",
]

_MODULES = ("model", "run", "comparing", "contract", "contract_tests", "statements")


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for (PEP 562).

    A worker imports this package too, and must stay small.
    """
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415

        # Results that somebody has in hand show themselves.
        import_module("compare.render")
        for module_name in _MODULES:
            module = import_module(f"compare.{module_name}")
            if hasattr(module, name):
                globals()[name] = value = getattr(module, name)
                return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Name what can be had, imported yet or not."""
    return sorted({*globals(), *__all__})
