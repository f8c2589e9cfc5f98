"""Does this callable release the GIL? A verdict with its evidence.

`import gilscope` imports this module, so that `gilscope.check` is the function. All
that it needs is imported when it is called.
"""

from __future__ import annotations

# As typing has it, whose import takes longer than all else of `import gilscope`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gilscope.model import Check

# About how long a check may take, where one call is not longer.
BUDGET_S = 0.5
# How long a process that judges may go without a sign of life.
TIMEOUT_S = 60.0


def check(
    func: Callable[..., Any],
    /,
    *args: Any,
    budget_s: float = BUDGET_S,
    figures: bool = True,
    timeout_s: float | None = TIMEOUT_S,
    prepare: Callable[[], Any] | None = None,
    **kwargs: Any,
) -> Check:
    """Find out whether `func(*args, **kwargs)` lets other threads run.

    It is called a few times in this thread, beside a second one that asks for the GIL,
    and many times for the figures. The verdict rests on evidence that a slow or loaded
    machine cannot fake; where there is none, it is "inconclusive", with the reason. An
    answer is dropped at once, so that its destructor is part of the call.

    Args:
        func: the callable.
        args: its arguments, the same ones for every call.
        budget_s: about how long the figures may take, in seconds; longer where one call
            is, and up to four times as long on a busy machine.
        figures: False for the verdict alone, of five calls or less.
        timeout_s: how long no call may return before the answer is "no answer:
            deadlock?", with the stacks of all threads; None = as long as it takes.
            Where the GIL is never released, or this is not the main thread, nothing can
            answer: the stacks go to standard error and the process ends, with exit
            status 1. It takes the place of `faulthandler.dump_traceback_later()`.
            `gilscope check` judges in a process of its own.
        prepare: called before every call, outside of what is watched; what it returns,
            if not None, is the arguments of the call: a tuple, or a tuple and a dict.
        kwargs: its keywords. Those above are the check's own: a callable with such a
            keyword is checked as `functools.partial(func, ...)`.

    Returns:
        The verdict, what was counted, and the figures.

    Raises:
        RuntimeError: called from inside the callable of another check.
        TimeoutError: the checks of other threads went on for too long.
        BaseException: whatever the callable raises; nothing of the check is left.

    Threads:
        Any thread may call it. One check waits for another: they need the interpreter's
        switch interval, which is put back afterwards.

    Source:
        docs/explanation/how-the-verdict-works.md.
    """
    check_callables("check()", func, prepare=prepare)
    check_budget(budget_s)
    if timeout_s is not None:
        check_budget(timeout_s, "timeout_s")
    from functools import partial  # noqa: PLC0415

    import gilscope.render.results  # noqa: F401, PLC0415
    from gilscope.probe.judge import judge  # noqa: PLC0415
    from gilscope.probe.statement import Subject, read_prepared  # noqa: PLC0415
    from gilscope.probe.surroundings import describe_callable  # noqa: PLC0415

    subject = Subject(describe_callable(func), func)
    if prepare is not None:
        subject = subject._replace(
            prepare=lambda: read_prepared(prepare(), args, kwargs)
        )
    elif args or kwargs:
        subject = subject._replace(call=partial(func, *args, **kwargs))
    return judge(subject, budget_s=budget_s, figures=figures, timeout_s=timeout_s)


def check_statement(
    statement: str,
    setup: str = "pass",
    *,
    budget_s: float = BUDGET_S,
    figures: bool = True,
    namespace: dict[str, Any] | None = None,
) -> Check:
    """Find out whether a statement, as `python -m timeit` takes it, lets others run.

    One that calls one function with names and constants is judged as that function.
    """
    check_budget(budget_s)
    import gilscope.render.results  # noqa: F401, PLC0415
    from gilscope.probe.judge import judge  # noqa: PLC0415
    from gilscope.probe.statement import bind_statement  # noqa: PLC0415

    subject = bind_statement(statement, setup, namespace)
    return judge(subject, budget_s=budget_s, figures=figures)


def check_callables(what: str, func: object, **others: object) -> None:
    """Refuse what cannot be called; all but the function itself may be None."""
    for name, value in {"func": func, **others}.items():
        if not (callable(value) or (value is None and name != "func")):
            message = f"{what} {name}: expected a callable, got {type(value).__name__}"
            raise TypeError(message)


def check_budget(seconds: float, name: str = "budget_s") -> None:
    """Refuse what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        message = f"check() {name}: expected float, got {type(seconds).__name__}"
        raise TypeError(message)
    if not 0 < seconds < float("inf"):
        message = f"check() {name}: expected seconds over 0, got {seconds!r}"
        raise ValueError(message)
