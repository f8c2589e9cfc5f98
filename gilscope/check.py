"""Does this callable give the GIL away? A verdict with its evidence.

`import gilscope` imports this module, so that `gilscope.check` is the function. All
that it needs is imported when it is called.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gilscope.model import Check

# About how long a check may take, where one call is not longer.
BUDGET_S = 0.5


def check(
    func: Callable[..., Any], /, *args: Any, budget_s: float = BUDGET_S, **kwargs: Any
) -> "Check":
    """Find out whether `func(*args, **kwargs)` lets other threads run.

    It is called many times in this thread, beside a second one that asks for the GIL.
    The verdict rests on evidence that a slow or loaded machine cannot fake; where
    there is none, it is "inconclusive", with the reason.

    Args:
        func: the callable.
        args: its arguments, the same ones for every call.
        budget_s: about how long the check may take, in seconds; longer where one call
            is. It is the check's own: a callable with a keyword of that name is
            checked as `functools.partial(func, budget_s=...)`.
        kwargs: its keywords.

    Returns:
        The verdict, what was counted and what it cost others.

    Raises:
        RuntimeError: called from inside the callable of another check.
        TimeoutError: other threads' checks, which take turns, left no turn.
        BaseException: whatever the callable raises; nothing of the check is left.

    Threads:
        Any thread may call it. Checks take turns, for they need the interpreter's
        switch interval, which is put back afterwards.

    Source:
        docs/method.md.
    """
    if not callable(func):
        message = f"check() func: expected a callable, got {type(func).__name__}"
        raise TypeError(message)
    check_budget(budget_s)
    from functools import partial  # noqa: PLC0415

    import gilscope.render.text  # noqa: F401, PLC0415
    from gilscope.probe.judge import judge_call  # noqa: PLC0415
    from gilscope.probe.surroundings import describe_callable  # noqa: PLC0415

    call = partial(func, *args, **kwargs) if args or kwargs else func
    return judge_call(call, name=describe_callable(func), budget_s=budget_s).check


def check_statement(
    statement: str,
    setup: str = "pass",
    *,
    budget_s: float = BUDGET_S,
    namespace: dict[str, Any] | None = None,
) -> "Check":
    """Find out whether a statement lets other threads run.

    Args:
        statement: as `python -m timeit` takes it; lines are separated by newlines.
        setup: what is run once before.
        budget_s: about how long the check may take, in seconds.
        namespace: the names that both may use, as `globals` of timeit.

    Raises:
        SyntaxError: one of them is no Python.
        BaseException: whatever one of them raises.
    """
    check_budget(budget_s)
    import gilscope.render.text  # noqa: F401, PLC0415
    from gilscope.probe.judge import judge_call  # noqa: PLC0415
    from gilscope.probe.statement import bind_statement  # noqa: PLC0415

    call = bind_statement(statement, setup, namespace)
    empty = bind_statement("pass", "pass")
    return judge_call(call, name=statement, budget_s=budget_s, empty=empty).check


def check_both(
    statement: str, setup: str = "pass", *, budget_s: float = BUDGET_S
) -> "tuple[Check, Check]":
    """Judge a statement with the GIL on, and with it off, on a free-threaded build.

    Args:
        statement: as for `check_statement`.
        setup: what is run once before, in each of the two processes.
        budget_s: about how long each of the checks may take, in seconds.

    Returns:
        The check with the GIL and the one without it.

    Raises:
        RuntimeError: this build has nothing but a GIL, or one of them failed.
    """
    check_budget(budget_s)
    from gilscope.probe.both import judge_both  # noqa: PLC0415

    return judge_both(statement, setup, budget_s)


def check_budget(budget_s: float) -> None:
    """Refuse a budget that is no time."""
    if isinstance(budget_s, bool) or not isinstance(budget_s, int | float):
        message = f"check() budget_s: expected float, got {type(budget_s).__name__}"
        raise TypeError(message)
    if not 0 < budget_s < float("inf"):
        message = f"check() budget_s: expected seconds over 0, got {budget_s!r}"
        raise ValueError(message)
